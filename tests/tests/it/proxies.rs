//! An office that reaches its hub through a proxy: named in the settings or by the system, with a password or without.

use kentongan_tests::proxy::Proxy;
use kentongan_tests::{Hub, Office};

/// `sari:rahasia`, as it is said to a proxy.
const SARI: &str = "Basic c2FyaTpyYWhhc2lh";

#[test]
fn an_office_sends_through_the_proxy_of_its_settings_with_its_password() {
    let hub = Hub::start();
    let proxy = Proxy::open(Some(SARI));
    let sari = Office::enrol(&hub, "32.73.05.1001");
    sari.complain("Loket tutup jam sebelas.");

    sari.configure(&format!("[hub]\nproxy = \"http://sari:rahasia@{}\"\n", proxy.address()));
    assert_eq!(sari.sync().ok().json()["all_arrived"], true);
    assert_eq!(proxy.tunnels(), 1);

    for setting in [format!("http://sari:keliru@{}", proxy.address()), format!("http://{}", proxy.address())] {
        sari.configure(&format!("[hub]\nproxy = \"{setting}\"\n"));
        assert_eq!(sari.sync().error()["code"], "KTG-103", "{setting}");
    }
    sari.configure("[hub]\nproxy = \"socks5://127.0.0.1:9\"\n");
    assert_eq!(sari.sync().error()["code"], "KTG-103", "of another kind");
    assert_eq!(proxy.tunnels(), 1);
    assert_eq!(hub.export("complaints").len(), 1);
}

#[test]
fn the_proxy_of_the_system_is_used_unless_the_hub_is_among_its_exceptions() {
    let hub = Hub::start();
    let proxy = Proxy::open(None);
    let sari = Office::bare();
    let code = hub.code("32.73.05.1001");
    let words = |more: &[&'static str]| more.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let run = |arguments: Vec<String>, exceptions: &str| {
        let mut command = sari.command();
        command.args(arguments).env("https_proxy", format!("http://{}", proxy.address())).env("no_proxy", exceptions);
        kentongan_tests::programs::run(command).ok();
    };
    run([words(&["enrol", "--hub"]), vec![hub.url(), "--code".into(), code]].concat(), "");
    assert_eq!(proxy.tunnels(), 2, "one for the root, one for the certificate");
    run(words(&["sync"]), "");
    assert_eq!(proxy.tunnels(), 3);
    run(words(&["sync"]), "pusat.example,127.0.0.0/8");
    sari.configure("[hub]\nproxy = \"none\"\n");
    run(words(&["sync"]), "");
    assert_eq!(proxy.tunnels(), 3);
}
