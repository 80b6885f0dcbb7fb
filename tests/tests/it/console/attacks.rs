//! Other sites' pages, planted cookies, guessed passwords, and names that are no names.

use kentongan_tests::Hub;
use kentongan_tests::visitor::{Visitor, encoded};

use super::{PASSWORD, admin, log_in, somebody};

const FORM: &str = "application/x-www-form-urlencoded";

#[test]
fn a_change_comes_from_our_own_page_and_from_the_login_that_it_was_shown_to() {
    let hub = Hub::start();
    let (mut wayan, mut sari) = (admin(&hub), somebody(&hub, "sari", "viewer"));
    let host = wayan.host.clone();
    let own = format!("Origin: http://{host}\r\n");
    let port = host.rsplit(':').next().expect("a port").to_owned();
    for foreign in [format!("evil.example:{port}"), "localhost".to_owned()] {
        let head = format!("GET /orang HTTP/1.1\r\nHost: {foreign}\r\nConnection: close\r\n");
        assert_eq!(wayan.exchange(&head, b"").code, 403, "{foreign}");
    }
    let add = |token: &str| encoded(&[("_token", token), ("nama", "penyusup"), ("peran", "admin")]);
    let (token, other) = (wayan.token(), sari.token());
    for headers in ["Origin: http://evil.example\r\n", "Origin: null\r\n", "Referer: http://evil.example/\r\n", ""] {
        assert_eq!(wayan.send("/orang", headers, FORM, add(&token).as_bytes()).code, 403, "{headers}");
    }
    let frame = format!("{own}Sec-Fetch-Site: cross-site\r\n");
    assert_eq!(wayan.send("/orang", &frame, FORM, add(&token).as_bytes()).code, 403);
    for wrong in ["", &other, &"0".repeat(32)] {
        assert_eq!(wayan.send("/orang", &own, FORM, add(wrong).as_bytes()).code, 403, "{wrong}");
    }
    let people = hub.run(&["operator", "list"]).ok().json().to_string();
    assert!(!people.contains("penyusup"), "{people}");
    assert_eq!(wayan.send("/orang", &own, FORM, add(&token).as_bytes()).code, 200);

    let answer = wayan.get("/orang");
    assert!(answer.header("content-security-policy").contains("script-src 'self'"));
    assert_eq!((answer.header("cache-control"), answer.header("x-frame-options")), ("no-store", "DENY"));
}

#[test]
fn a_cookie_that_was_planted_before_is_worth_nothing_after_logging_in() {
    let hub = Hub::start();
    somebody(&hub, "sari", "viewer");
    // Whoever plants cookies knows both that a browser is given before its person logs in.
    let mut attacker = Visitor::at_console(&hub.console());
    let known_token = attacker.token();
    let mut sari = attacker.clone();
    sari.plant("ktg_konsol", &"ab".repeat(32));
    log_in(&mut sari, "sari", PASSWORD).expect(303);
    sari.get("/akun").expect(200);
    attacker.plant("ktg_konsol", &"ab".repeat(32));
    assert_eq!(attacker.get("/akun").code, 303, "the planted login is not hers");
    let own = format!("Origin: http://{}\r\n", sari.host);
    let body = encoded(&[("_token", &known_token)]);
    assert_eq!(sari.send("/akun/sandi", &own, FORM, body.as_bytes()).code, 403, "the token from before is not hers");
    let kept = sari.clone();
    sari.post("/keluar", &[]).expect(303);
    let mut thief = Visitor::at_console(&hub.console());
    thief.takes_over("ktg_konsol", &kept);
    assert_eq!(thief.get("/akun").code, 303, "who has left has left for everybody");
}

#[test]
fn guessing_waits_and_does_not_learn_which_names_there_are() {
    let hub = Hub::start();
    somebody(&hub, "sari", "viewer");
    let mut guesser = Visitor::at_console(&hub.console());
    let faults: Vec<String> = ["sari", "tidak-ada"]
        .into_iter()
        .map(|name| {
            let page = log_in(&mut guesser, name, "tebakan pertama").expect(401).text();
            page.split("data-ringkas>").nth(1).and_then(|rest| rest.split("</div>").next()).expect("a fault").to_owned()
        })
        .collect();
    assert_eq!(faults[0], faults[1]);
    for name in ["sari", "tidak-ada"] {
        let codes: Vec<u16> = (0..5).map(|n| log_in(&mut guesser, name, &format!("tebakan {n}")).code).collect();
        assert_eq!(codes, [401, 401, 401, 401, 429], "{name}");
    }
    assert_eq!(log_in(&mut guesser, "sari", PASSWORD).code, 429, "the right one waits as well");
    assert!(!hub.said().contains("tebakan") && !hub.said().contains("tidak-ada"), "nothing that was typed is logged");
    let trail = hub.run(&["audit", "list"]).ok().json().to_string();
    assert!(trail.contains("login.locked") && !trail.contains("tidak-ada"), "{trail}");
}

#[test]
fn whatever_is_typed_is_shown_as_text_and_leads_nowhere_else() {
    let hub = Hub::start();
    let evil = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'&";
    let mut wayan = admin(&hub);
    wayan.post("/orang", &[("nama", "sari"), ("nama_lengkap", evil), ("peran", "viewer")]).expect(200);
    wayan.post("/orang", &[("nama", evil), ("peran", "viewer")]).expect(422);
    let code = hub.run(&["operator", "reset", "sari"]).ok().json();
    let mut sari = Visitor::at_console(&hub.console());
    sari.calls_itself(evil);
    super::accept(&mut sari, "sari", code["code"].as_str().expect("a code")).expect(303);
    let question =
        format!("/audit?siapa={0}&objek={0}&dari={0}&sebelum={0}", encoded(&[("x", evil)]).trim_start_matches("x="));
    let pages = [sari.get("/akun"), wayan.get("/orang"), wayan.get("/audit"), wayan.get(&question)];
    for page in pages {
        let text = page.expect(200).text();
        assert!(!text.contains("<script>alert") && !text.contains("<img src=x"), "{text}");
    }
    for to in ["//evil.example/", "https://evil.example/", "/\\evil.example", "/%0d%0aSet-Cookie:%20x"] {
        let mut visitor = Visitor::at_console(&hub.console());
        let answer = visitor.post("/masuk", &[("nama", "admin"), ("sandi", PASSWORD), ("ke", to)]).expect(303);
        assert!(answer.header("location").starts_with('/') && !answer.header("location").starts_with("//"), "{to}");
        assert!(!answer.header("location").contains("evil") || to.starts_with("/%"), "{to}");
    }
    for path in
        ["/aset/../../../etc/passwd", "/aset/%2e%2e/page.key", "/../page.key", "/aset/konsol.css/../../store.db"]
    {
        assert_eq!(wayan.get(path).code, 404, "{path}");
    }
    let big = vec![b'a'; 9 << 20];
    let own = format!("Origin: http://{}\r\n", wayan.host);
    assert_eq!(wayan.send("/orang", &own, FORM, &big).code, 413);
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS"] {
        let head = format!("{method} /orang HTTP/1.1\r\nHost: {}\r\n{own}Connection: close\r\n", wayan.host);
        assert_eq!(wayan.exchange(&head, b"").code, 405, "{method}");
    }
}
