//! Other sites' pages, strangers' names, and everything that people type in order to break something.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use kentongan_protocol::form::{Field, FieldType, Pattern, builtin};
use kentongan_tests::{Hub, Office};

use super::http::{Visitor, encoded};

fn office() -> (Hub, Office, Visitor) {
    let hub = Hub::start();
    let mut sari = Office::enrol(&hub, "32.73.05.1001");
    sari.hurry();
    sari.start();
    let visitor = Visitor::at(&sari.page());
    (hub, sari, visitor)
}

#[test]
fn another_name_another_site_and_a_form_without_its_token_get_nothing() {
    let (_hub, sari, mut visitor) = office();
    let host = visitor.host.clone();
    let port = host.rsplit(':').next().expect("a port").to_owned();
    for foreign in [format!("evil.example:{port}"), "localhost".to_owned(), format!("localhost.evil.example:{port}")] {
        let head = format!("GET / HTTP/1.1\r\nHost: {foreign}\r\nConnection: close\r\n");
        assert_eq!(visitor.exchange(&head, b"").code, 403, "{foreign}");
    }
    for site in ["cross-site", "same-site"] {
        let head = format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nSec-Fetch-Site: {site}\r\n");
        assert_eq!(visitor.exchange(&head, b"").code, 403, "{site}");
    }
    let token = visitor.token();
    let form = "application/x-www-form-urlencoded";
    let good = encoded(&[("_token", &token), ("nama", "Sari")]);
    for origin in ["Origin: http://evil.example\r\n", "Origin: null\r\n", "Referer: http://evil.example/\r\n", ""] {
        assert_eq!(visitor.send("/petugas", origin, form, good.as_bytes()).code, 403, "{origin}");
    }
    let own = format!("Origin: http://{host}\r\n");
    for body in ["nama=Sari", "nama=Sari&_token=", "nama=Sari&_token=00000000000000000000000000000000"] {
        assert_eq!(visitor.send("/petugas", &own, form, body.as_bytes()).code, 403, "{body}");
    }
    let mut another = Visitor::at(&format!("http://{host}/"));
    another.get("/");
    assert_eq!(another.send("/petugas", &own, form, good.as_bytes()).code, 403, "the token of another browser");
    assert_eq!(visitor.send("/petugas", &own, form, good.as_bytes()).code, 303);
    let answer = visitor.get("/");
    assert!(answer.header("content-security-policy").contains("default-src 'none'"));
    assert!(answer.headers.iter().all(|(name, _)| !name.starts_with("access-control")));
    assert!(!sari.said().contains("Sari"), "nothing of a person stands in the log");
}

#[test]
fn whatever_is_typed_is_shown_as_text_everywhere() {
    let (_hub, sari, mut visitor) = office();
    let evil = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'&";
    visitor.post("/petugas", &[("nama", evil)]).expect(303);
    let mut fields = vec![("aksi", "periksa"), ("kategori", "antrean"), ("kanal", "telepon"), ("privasi", "biasa")];
    fields.extend(texts_of("pengaduan").map(|name| (name, evil)));
    let form = visitor.get("/isi/pengaduan").expect(303).header("location").to_owned();
    visitor.post(&form, &fields).expect(303);
    let png = [&b"\x89PNG\r\n\x1a\n"[..], &[0; 40]].concat();
    let mut pages =
        vec![visitor.get(&form).expect(200).text(), visitor.get(&format!("{form}/periksa")).expect(200).text()];
    pages.push(visitor.upload(&form, &fields, ("../../<b onload=alert(1)>.png", &png)).expect(422).text());
    let receipt = visitor.post(&format!("{form}/periksa"), &[]).expect(303).header("location").to_owned();
    let record = receipt.split("/tanda-terima").next().expect("a path").to_owned();
    visitor.post(&format!("{record}/keterangan"), &[("catatan", evil)]).expect(303);
    pages.push(visitor.get(&receipt).expect(200).text());
    pages.push(visitor.get(&record).expect(200).text());
    pages.push(visitor.get(&format!("{record}/ubah/uraian")).expect(200).text());
    // What has to look like a number is shown again as it was typed, with what is wrong about it.
    let form = visitor.get("/isi/pengaduan").expect(303).header("location").to_owned();
    let numbers = [("telepon_pelapor", evil), ("nik", evil), ("dibayar", evil), ("tanggal_kejadian", evil)];
    pages.push(visitor.post(&form, &[&fields[..4], &numbers].concat()).expect(422).text());
    let form = visitor.get("/isi/skm").expect(303).header("location").to_owned();
    let mut fields = vec![("aksi", "periksa"), ("waktu", "3")];
    fields.extend(texts_of("skm").map(|name| (name, evil)));
    visitor.post(&form, &fields).expect(303);
    let saved = visitor.get(&form).expect(303).header("location").to_owned();
    pages.push(visitor.get(&saved).expect(200).text());
    pages.push(visitor.get("/catatan").expect(200).text());
    pages.push(visitor.get("/rekap").expect(200).text());
    pages.push(visitor.post("/catatan", &[("kata", evil)]).expect(200).text());
    pages.push(visitor.post("/cek", &[("kode", evil)]).expect(422).text());
    pages.push(visitor.get("/petugas").expect(200).text());
    pages.push(visitor.get("/bantuan/%3Cscript%3E").expect(404).text());
    for page in &pages {
        for raw in ["<script>alert", "<img src=x", "<b onload", "onerror=alert(1)>\""] {
            assert!(!page.contains(raw), "{raw} stands in\n{page}");
        }
        let ours = page.matches("<script type=\"module\" src=\"/aset/").count();
        assert_eq!(page.matches("<script").count(), ours, "only our own scripts\n{page}");
        assert!(!page.contains(" onclick=") && !page.contains(" style="), "nothing inline\n{page}");
    }
    assert!(sari.said().contains("page.opened"), "the log is read at all");
    assert!(!sari.said().contains("alert(1)"), "nothing that was typed stands in the log");
}

/// Names of the fields of a form into which people may type anything.
fn texts_of(form: &str) -> impl Iterator<Item = &'static str> {
    let form = builtin::by_name(form).expect("a form of ours");
    let is_free = |field: &&Field| match field.kind {
        FieldType::Text { pattern, .. } => pattern == Pattern::Any,
        _ => field.kind == FieldType::Person,
    };
    form.fields.iter().filter(is_free).map(|field| field.name.as_str())
}

#[test]
fn the_name_of_a_file_is_a_name_and_never_a_path_a_header_or_markup() {
    let (_hub, sari, mut visitor) = office();
    let form = visitor.get("/isi/pengaduan").expect(303).header("location").to_owned();
    let fields = [("aksi", "lampirkan"), ("uraian", "Lampu padam"), ("kategori", "antrean"), ("kanal", "telepon")];
    let mut photo = std::io::Cursor::new(Vec::new());
    image::RgbImage::new(8, 8).write_to(&mut photo, image::ImageFormat::Png).expect("a picture");
    let photo = photo.into_inner();
    let long = format!("{}.png", "a".repeat(3_000));
    let names = ["../../store.db", "..\\..\\page.key", "/etc/passwd", "<b onload=alert(1)>.png", "..", &long];
    for name in names {
        let code = visitor.upload(&form, &fields, (name, &photo)).code;
        assert!(matches!(code, 303 | 422), "{name}: {code}");
    }
    let page = visitor.get(&form).expect(200).text();
    assert!(page.contains("store.db") && !page.contains("../") && !page.contains("..\\"), "{page}");
    assert!(!page.contains("<b onload") && !page.contains(&long), "{page}");
    for part in page.split("<img src=\"").skip(1) {
        let shown = visitor.get(part.split('"').next().unwrap_or_default()).expect(200);
        let names = shown.header("content-disposition");
        assert!(shown.header("content-type").starts_with("image/") && !names.contains(['/', '\\', '<']), "{names}");
    }
    visitor.post(&form, &[("aksi", "periksa"), fields[1], fields[2], fields[3]]).expect(303);
    let receipt = visitor.post(&format!("{form}/periksa"), &[]).expect(303).header("location").to_owned();
    let record = visitor.get(receipt.split("/tanda-terima").next().unwrap_or_default()).expect(200).text();
    assert!(record.contains("store.db") && !record.contains("../") && !record.contains("<b onload"), "{record}");
    sari.run(&["status"]).ok();
    assert!(!sari.data().join("passwd").exists() && !sari.desk().join("store.db").exists());
}

#[test]
fn paths_lead_only_to_pages() {
    let (_hub, _sari, mut visitor) = office();
    for path in [
        "/../../etc/passwd",
        "/aset/../page.key",
        "/aset/%2e%2e/page.key",
        "/aset/",
        "/isi/lain/0",
        "/isi/pengaduan/zz",
        "/catatan/nonsense",
        "/catatan/0000000000000001-1",
        "/catatan/ffffffffffffffff-18446744073709551615",
        "/catatan/0000000000000001-1/tanda-terima",
        "/catatan/0000000000000001-1/berkas/00",
        "/bantuan/KTG-999",
        "/isi/pengaduan/00000000000000000000000000000001/berkas/99999999999999999999",
        "/rekap?tanggal=2026-99-99x/..",
        "/%00",
        "/kirim",
    ] {
        let code = visitor.get(path).code;
        assert!(code == 404 || (path.starts_with("/rekap") && code == 200), "{path}: {code}");
    }
    for head in ["DELETE / HTTP/1.1", "PUT /catatan HTTP/1.1", "OPTIONS / HTTP/1.1"] {
        let head = format!("{head}\r\nHost: {0}\r\nOrigin: http://{0}\r\nConnection: close\r\n", visitor.host);
        assert_eq!(visitor.exchange(&head, b"").code, 405);
    }
}

#[test]
fn a_hundred_megabytes_are_refused_at_once_and_slow_senders_keep_nobody_waiting() {
    let (_hub, sari, mut visitor) = office();
    let form = visitor.get("/isi/pengaduan").expect(303).header("location").to_owned();
    let own = format!("Origin: http://{}\r\n", visitor.host);
    let huge = vec![b'x'; 33 * 1024 * 1024];
    assert_eq!(visitor.send(&form, &own, "multipart/form-data; boundary=b", &huge).code, 413);
    // One that says a hundred megabytes and sends nothing is answered without waiting for them.
    let head = format!(
        "POST {form} HTTP/1.1\r\nHost: {}\r\n{own}Connection: close\r\nContent-Type: multipart/form-data; boundary=b\r\n\
         Content-Length: 104857600\r\n",
        visitor.host
    );
    assert_eq!(visitor.exchange(&head, b"").code, 413);
    assert!(resident_kib(sari.service().expect("it runs").pid()) < 120 * 1024, "what was refused is not kept");
    // Forms that never come to their end, and heads that never do.
    let slow: Vec<TcpStream> = (0..40)
        .map(|number| {
            let mut stream = TcpStream::connect(&visitor.host).expect("connected");
            let begun = if number % 2 == 0 { head.as_str() } else { "GET / HT" };
            let begun = begun.replace("104857600", "1000");
            let end = if number % 2 == 0 { "\r\nsedikit" } else { "" };
            stream.write_all(format!("{begun}{end}").as_bytes()).expect("sent");
            stream
        })
        .collect();
    let began = std::time::Instant::now();
    visitor.get("/").expect(200);
    assert!(began.elapsed() < Duration::from_secs(5), "others are served meanwhile");
    drop(slow);
    // A line that is no HTTP is no harm.
    let mut stream = TcpStream::connect(&visitor.host).expect("connected");
    stream.write_all(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03").expect("sent");
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    visitor.get("/").expect(200);
}

/// Resident memory of a process, in KiB; 0 where the system does not tell.
fn resident_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().split(' ').next().and_then(|number| number.parse().ok()).unwrap_or(0)
}
