//! The hub's console: who may do what there, and what strangers may not.

mod attacks;
mod barriers;
mod people;
mod roles;

use kentongan_tests::Hub;
use kentongan_tests::browser::Browser;
use kentongan_tests::visitor::Visitor;
use serde_json::Value;

/// A password for stories.
const PASSWORD: &str = "kopi sawah gong tikar";

/// Somebody new at the console, logged in.
pub(crate) fn somebody(hub: &Hub, name: &str, role: &str) -> Visitor {
    let invited = hub.run(&["operator", "add", name, "--role", role]).ok().json();
    let mut visitor = Visitor::at_console(&hub.console());
    accept(&mut visitor, name, invited["code"].as_str().expect("a code")).expect(303);
    visitor
}

/// Has the person that is `invited` choose a password in a browser, and come in, by keyboard.
pub(crate) fn comes_in(browser: &mut Browser, console: &str, invited: &Value) {
    browser.open(&format!("{console}masuk/undangan"));
    browser.fills("nama", invited["name"].as_str().expect("a name"));
    browser.fills("undangan", invited["code"].as_str().expect("an invitation"));
    browser.fills("sandi", PASSWORD);
    browser.fills("sandi_lagi", PASSWORD);
    browser.goes(|browser| browser.presses("Enter", 0));
}

/// The first admin, logged in.
fn admin(hub: &Hub) -> Visitor {
    let invited = hub.run(&["operator", "reset", "admin"]).ok().json();
    let mut visitor = Visitor::at_console(&hub.console());
    accept(&mut visitor, "admin", invited["code"].as_str().expect("a code")).expect(303);
    visitor
}

fn accept(visitor: &mut Visitor, name: &str, code: &str) -> kentongan_tests::visitor::Answer {
    let fields = [("nama", name), ("undangan", code), ("sandi", PASSWORD), ("sandi_lagi", PASSWORD)];
    visitor.post("/masuk/undangan", &fields)
}

fn log_in(visitor: &mut Visitor, name: &str, password: &str) -> kentongan_tests::visitor::Answer {
    visitor.post("/masuk", &[("nama", name), ("sandi", password)])
}
