//! What holds for every page: structure, languages, weight, colours, and what old browsers can do.

use std::path::{Path, PathBuf};

use kentongan_tests::{Hub, Office};

use super::http::Visitor;

fn assets() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../agent/src/page/assets")
}

/// What the pages of both programs share.
fn shared() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../agent/host/web/src/assets")
}

fn read(name: &str) -> String {
    let folder = if name.starts_with("dasar.") { shared() } else { assets() };
    std::fs::read_to_string(folder.join(name)).expect("a file of the pages")
}

/// Every kind of page of an office with some records.
fn pages(visitor: &mut Visitor, sari: &Office) -> Vec<(String, String)> {
    let entered = sari.complain("Lampu padam");
    let form = visitor.get("/isi/pengaduan").expect(303).header("location").to_owned();
    let survey = visitor.get("/isi/skm").expect(303).header("location").to_owned();
    let filled = [("aksi", "periksa"), ("uraian", "Antre"), ("kategori", "antrean"), ("kanal", "telepon")];
    let faulty = visitor.post(&survey, &[("aksi", "simpan"), ("usia", "tua")]).expect(422).text();
    visitor.post(&form, &filled).expect(303);
    let record = format!("/catatan/{}", entered.id);
    let sheets = visitor.post("/kertas", &[("aksi", "cetak"), ("lembar", "2")]).expect(303);
    let sheets = sheets.header("location").to_owned();
    let batch = sheets.trim_end_matches("/cetak").to_owned();
    let no_code = visitor.post("/kertas", &[("aksi", "isi"), ("kode", "7K3M")]).expect(422).text();
    let sheet = visitor.get(&format!("{batch}/1")).expect(303).header("location").to_owned();
    visitor.post(&sheet, &[("aksi", "simpan"), ("waktu", "4")]).expect(303);
    let mut pages = vec![("a form with faults".to_owned(), faulty), ("no code of sheets".to_owned(), no_code)];
    for path in [
        "/".to_owned(),
        "/catatan".to_owned(),
        "/pengiriman".to_owned(),
        "/rekap".to_owned(),
        "/bantuan".to_owned(),
        "/bantuan/KTG-104".to_owned(),
        "/petugas".to_owned(),
        "/kios".to_owned(),
        "/kertas".to_owned(),
        sheets,
        format!("{batch}/1"),
        batch.clone(),
        form.clone(),
        survey,
        format!("{form}/periksa"),
        record.clone(),
        format!("{record}/tanda-terima"),
        format!("{record}/ubah/pelapor"),
    ] {
        let page = visitor.get(&path).expect(200).text();
        pages.push((path, page));
    }
    let missing = visitor.get("/tidak-ada").expect(404).text();
    pages.push(("/tidak-ada".to_owned(), missing));
    pages
}

/// Tags of a page with what stands in them: `input type="text" …`.
fn tags<'p>(page: &'p str, name: &str) -> Vec<&'p str> {
    let begin = format!("<{name}");
    let parts = page.split(begin.as_str()).skip(1);
    parts.filter(|rest| rest.starts_with([' ', '>'])).filter_map(|rest| rest.split('>').next()).collect()
}

fn attribute<'t>(tag: &'t str, name: &str) -> Option<&'t str> {
    tag.split(&format!(" {name}=\"")).nth(1).and_then(|rest| rest.split('"').next())
}

#[test]
fn every_page_has_one_heading_a_name_for_each_field_and_the_token_in_each_form() {
    let hub = Hub::start();
    let mut sari = Office::enrol(&hub, "32.73.05.1001");
    sari.hurry();
    sari.start();
    let mut visitor = Visitor::at(&sari.page());
    for (lang, other) in [("id", "en"), ("en", "id")] {
        visitor.post("/bahasa", &[("bahasa", lang)]).expect(303);
        for (path, page) in pages(&mut visitor, &sari) {
            assert_eq!(tags(&page, "h1").len(), 1, "{path}");
            assert!(page.contains(&format!("<html lang=\"{lang}\">")), "{path}: not {other}");
            let mut ids: Vec<&str> = page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
            ids.sort_unstable();
            let count = ids.len();
            ids.dedup();
            assert_eq!(ids.len(), count, "{path}: an id stands twice");
            for kind in ["input", "select", "textarea"] {
                for tag in tags(&page, kind) {
                    if attribute(tag, "type") == Some("hidden") {
                        continue;
                    }
                    let is_named = attribute(tag, "id").is_some_and(|id| page.contains(&format!("for=\"{id}\"")));
                    let around = page.split(tag).next().unwrap_or_default();
                    let in_label = around.rfind("<label").unwrap_or(0) > around.rfind("</label>").unwrap_or(0);
                    assert!(is_named || in_label, "{path}: a field without a name: {tag}");
                }
            }
            for form in page.split("<form").skip(1) {
                let form = form.split("</form>").next().unwrap_or_default();
                assert!(form.contains("method=\"post\"") && form.contains("name=\"_token\""), "{path}: {form}");
            }
            assert!(!page.contains("style=\"") && !page.contains("javascript:"), "{path}");
            for word in ["beranda.", "catatan.", "terima.", "kirim.", "isi.", "putusan."] {
                assert!(!page.contains(&format!(">{word}")), "{path}: a key instead of a word: {word}");
            }
        }
    }
}

/// What browsers of the floor (Chrome 106, Firefox 115, Safari 15.4) cannot do, as it looks in a file.
const NOT_SAFE_CSS: [&str; 14] = [
    ":has(",
    "subgrid",
    "text-wrap",
    "field-sizing",
    "oklch",
    "color-mix",
    "light-dark(",
    "@scope",
    "view-transition",
    "overscroll-behavior",
    "print-color-adjust",
    "@starting-style",
    "anchor(",
    "&:",
];
const NOT_SAFE_JS: [&str; 16] = [
    "toSorted",
    "toReversed",
    "groupBy",
    "withResolvers",
    ".union(",
    "canParse",
    "AbortSignal.timeout",
    "AbortSignal.any",
    "startViewTransition",
    "showPopover",
    "crypto.subtle",
    "randomUUID",
    "serviceWorker",
    "clipboard",
    "wakeLock",
    "setHTML",
];

#[test]
fn style_and_script_use_nothing_that_old_browsers_lack() {
    for name in ["dasar.css", "gaya.css", "cetak-a4.css", "cetak-80.css", "cetak-58.css", "cetak-rekap.css", "kios.css"]
    {
        let css = read(name);
        for word in NOT_SAFE_CSS {
            assert!(!css.contains(word), "{name}: {word}");
        }
        // Rules inside rules: a block opens before the one around it is closed, except in @media and @page.
        let plain = css.split("*/").map(|part| part.split("/*").next().unwrap_or_default()).collect::<String>();
        let mut depth = 0_u32;
        for (at, sign) in plain.char_indices() {
            match sign {
                '{' => depth += 1,
                '}' => depth = depth.saturating_sub(1),
                _ => continue,
            }
            assert!(depth <= 2, "{name}: rules inside rules at {at}");
        }
    }
    for name in ["dasar.js", "halaman.js", "kios.js"] {
        let script = read(name);
        for word in NOT_SAFE_JS.iter().chain(&["eval(", "innerHTML", "document.write", "new Function"]) {
            assert!(!script.contains(word), "{name}: {word}");
        }
    }
}

/// Relative luminance of `#rrggbb`, as WCAG defines it.
fn luminance(color: &str) -> f64 {
    let part = |at: usize| {
        let value = f64::from(u8::from_str_radix(&color[at..at + 2], 16).expect("a colour")) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
}

fn contrast(one: &str, other: &str) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn colours_can_be_told_from_their_ground() {
    let css = read("dasar.css");
    let color = |name: &str| {
        let mark = format!("--{name}: ");
        css.split(mark.as_str()).nth(1).and_then(|rest| rest.get(..7)).expect("a colour of the palette").to_owned()
    };
    for state in ["sampai", "lambat", "salah", "diam"] {
        assert!(contrast(&color(state), "#ffffff") >= 3.0, "{state}: shapes need 3 to 1");
    }
    for (text, ground) in
        [("tinta", "kertas"), ("redup", "kertas"), ("redup", "putih"), ("utama", "putih"), ("salah", "kertas")]
    {
        let found = contrast(&color(text), &color(ground));
        assert!(found >= 4.5, "{text} on {ground}: {found:.2}");
    }
    assert!(contrast(&color("atas"), "#d5e4e4") >= 4.5 && contrast(&color("utama"), &color("muda")) >= 4.5);
}
