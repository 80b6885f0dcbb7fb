//! Every page of the console against every role: the table in the program's source says what there is.

use kentongan_tests::Hub;
use kentongan_tests::visitor::Visitor;

use super::somebody;

const TABLE: &str = include_str!("../../../../hub/src/console/route.rs");
/// What stands on the page that a role does not include.
const REFUSED: &str = "Peran Anda tidak mencakup halaman ini";

/// A line of the table.
struct Page {
    method: String,
    path: String,
    need: String,
}

fn pages() -> Vec<Page> {
    let table = TABLE.split_once("= pages! {").and_then(|(_, rest)| rest.split_once("\n};")).expect("a table").0;
    let lines = table.lines().map(str::trim).filter(|line| line.contains("=>"));
    let page = |line: &str| {
        let mut words = line.split_whitespace();
        let mut word = || words.next().expect("a word").to_owned();
        Page { method: word(), path: word().trim_matches('"').replace("{}", "contoh"), need: word() }
    };
    lines.map(page).collect()
}

/// Written down here once more, so that a slip in the program is not a slip in its proof.
fn may(role: &str, need: &str) -> bool {
    match need {
        "Nothing" | "Person" | "See" => true,
        "Fleet" => role == "operator" || role == "admin",
        "Case" => role == "case" || role == "admin",
        "Admin" => role == "admin",
        other => panic!("{other}: say here who may"),
    }
}

#[test]
fn every_page_opens_for_the_roles_that_it_is_for_and_for_nobody_else() {
    let hub = Hub::start();
    let pages = pages();
    assert!(
        pages.len() > 20 && pages.iter().any(|page| page.need == "Admin"),
        "{} pages are in the table",
        pages.len()
    );
    let roles = ["viewer", "operator", "case", "admin"];
    let mut people: Vec<Visitor> = roles.iter().map(|role| somebody(&hub, &format!("uji-{role}"), role)).collect();
    let mut stranger = Visitor::at_console(&hub.console());
    for page in pages.iter().filter(|page| page.need != "Nothing") {
        let what = format!("{} {}", page.method, page.path);
        let answer = match page.method.as_str() {
            "GET" => stranger.get(&page.path),
            _ => stranger.post(&page.path, &[]),
        };
        assert_eq!((answer.code, answer.header("location").starts_with("/masuk")), (303, true), "{what}, nobody");
        for (role, person) in roles.iter().zip(&mut people) {
            let answer = match page.method.as_str() {
                "GET" => person.get(&page.path),
                _ => person.post(&page.path, &[]),
            };
            let text = answer.text();
            assert_eq!(text.contains(REFUSED), !may(role, &page.need), "{what}, {role}: {}\n{text}", answer.code);
            assert_eq!(answer.code == 403, !may(role, &page.need), "{what}, {role}: {}\n{text}", answer.code);
            assert!(answer.code < 500, "{what}, {role}: {}\n{text}", answer.code);
            assert!(!answer.header("location").starts_with("/masuk"), "{what} threw {role} out");
        }
    }
}
