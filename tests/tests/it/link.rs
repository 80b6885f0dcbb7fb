//! The emulated links shape as they say. What needs root is skipped with a sentence for everybody else.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use kentongan_tests::link::{Outages, Profile, Relay};
use kentongan_tests::{Dice, Hub, Office, data, wait};

/// A link without surprises: 400 kbit/s up, 800 down, 100 ms there and back.
const PLAIN: Profile = Profile {
    name: "plain",
    up_kbit_s: 400,
    down_kbit_s: 800,
    rtt_ms: 100,
    jitter_ms: 0,
    loss_per_mille: 0,
    queue_bytes: 100_000,
    outages: None,
};

/// A server for one visitor, who gets back what it sent once it has ended.
fn echo(address: Ipv4Addr) -> SocketAddr {
    let listener = TcpListener::bind((address, 0)).expect("a port");
    let address = listener.local_addr().expect("its number");
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a visitor");
        let mut got = Vec::new();
        stream.read_to_end(&mut got).expect("read");
        stream.write_all(&got).expect("answer");
    });
    address
}

/// How long it takes until 20,000 bytes are back from there.
fn there_and_back(address: SocketAddr) -> Duration {
    let began = Instant::now();
    let mut stream = TcpStream::connect(address).expect("connect");
    stream.write_all(&[7; 20_000]).expect("write");
    stream.shutdown(Shutdown::Write).expect("end");
    let mut back = Vec::new();
    stream.read_to_end(&mut back).expect("an answer");
    assert_eq!(back.len(), 20_000);
    began.elapsed()
}

#[test]
fn a_relay_takes_the_time_of_its_profile() {
    let relay = Relay::open(echo(Ipv4Addr::LOCALHOST), &PLAIN).expect("a relay");
    let took = there_and_back(relay.address());
    // 400 ms up, 200 ms down, 100 ms there and back.
    assert!(took >= Duration::from_millis(700), "{took:?}");
    assert!(took < Duration::from_millis(2_500), "{took:?}");
    let counts = relay.counts();
    assert_eq!((counts.up_bytes, counts.down_bytes, counts.connections), (20_000, 20_000, 1));
}

#[test]
fn a_relay_that_is_down_keeps_what_it_was_given_until_it_is_up() {
    let outages =
        Outages { up: Duration::from_secs(600), down: Duration::from_millis(900), phase: Duration::from_secs(600) };
    let profile = Profile { outages: Some(outages), up_kbit_s: 0, down_kbit_s: 0, rtt_ms: 0, ..PLAIN };
    let began = Instant::now();
    let relay = Relay::open(echo(Ipv4Addr::LOCALHOST), &profile).expect("a relay");
    there_and_back(relay.address());
    assert!(began.elapsed() >= Duration::from_millis(890), "{:?}", began.elapsed());
}

#[test]
fn an_office_behind_a_relay_notices_nothing_but_slowness() {
    let hub = Hub::start();
    let relay = Relay::open(hub.address(), &Profile { jitter_ms: 20, ..PLAIN }).expect("a relay");
    let mut sari = Office::enrol_at(&hub, "32.73.05.1001", &format!("https://{}", relay.address()), 0);
    sari.hurry();
    sari.start();
    sari.complain("Lampu jalan padam sejak Senin.");
    sari.wait_arrived();
    assert_eq!(hub.export("complaints").len(), 1);
    assert!(relay.counts().up_bytes > 1_000);
}

#[test]
fn a_months_backlog_does_not_block_todays_complaint() {
    let hub = Hub::start();
    let slow = Profile { up_kbit_s: 128, down_kbit_s: 256, ..PLAIN };
    let relay = Relay::open(hub.address(), &slow).expect("a relay");
    let mut sari = Office::enrol_at(&hub, "32.73.05.1001", &format!("https://{}", relay.address()), 0);
    sari.hurry();
    let mut dice = Dice::from_environment("backlog", 31);
    let rows: Vec<_> = (0..6_000).map(|number| data::complaint(&mut dice, number)).collect();
    let file = sari.desk().join("sebulan.jsonl");
    data::write_json_lines(&file, rows.iter().map(|fields| ("pengaduan", fields)));
    sari.import(&file).ok();
    sari.start();
    wait::until_true("the backlog is on its way", wait::LONG, || relay.counts().up_bytes > 20_000);
    let today = "Jembatan gantung putus pagi ini.";
    sari.complain(today);
    let held = wait::until("today's complaint is at the hub", wait::LONG, || {
        let held = hub.export("complaints");
        held.iter().any(|document| document["uraian"] == today).then_some(held.len())
    });
    assert!(held < 6_001, "it waited for all {held}");
}

#[cfg(target_os = "linux")]
mod wire {
    use std::net::UdpSocket;

    use kentongan_tests::link::{HUB_IP, Side, Wire};

    use super::*;

    /// An IP link, or a sentence why there is none.
    fn lay(profile: &Profile) -> Option<Wire> {
        Wire::lay(profile, 1).inspect_err(|reason| println!("skipped: {reason}")).ok()
    }

    fn hub_ip() -> Ipv4Addr {
        HUB_IP.parse().expect("an address")
    }

    #[test]
    fn an_ip_link_takes_the_time_of_its_profile_and_counts_every_byte() {
        let Some(wire) = lay(&PLAIN) else { return };
        let address = wire.within(Side::Hub, || echo(hub_ip()));
        let took = wire.within(Side::Office, || there_and_back(address));
        // As above, and one more round trip to connect.
        assert!(took >= Duration::from_millis(800), "{took:?}");
        assert!(took < Duration::from_millis(3_000), "{took:?}");
        let (up, down) = (wire.up(), wire.down());
        for tally in [up, down] {
            // 14 full packets with headers of 52 bytes, and receipts for those of the other direction.
            assert!((20_000 + 14 * 52..24_000).contains(&tally.bytes) && tally.packets >= 14, "{tally:?}");
            assert_eq!((tally.lost, tally.dropped, tally.cut), (0, 0, 0));
        }
    }

    #[test]
    fn an_ip_link_loses_what_it_says_and_nothing_else() {
        let Some(wire) = lay(&Profile { loss_per_mille: 200, up_kbit_s: 0, down_kbit_s: 0, ..PLAIN }) else { return };
        let socket = wire.within(Side::Hub, || UdpSocket::bind((hub_ip(), 0)).expect("a port"));
        let address = socket.local_addr().expect("its number");
        wire.within(Side::Office, || {
            let office = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).expect("a port");
            // Few enough that they fit into the receiver's buffer.
            for _ in 0..150 {
                office.send_to(&[7; 100], address).expect("send");
                thread::sleep(Duration::from_micros(200));
            }
        });
        wait::until_true("all are on their way", wait::LONG, || wire.up().packets == 150);
        let lost = wire.up().lost;
        assert!((15..=45).contains(&lost), "{lost} of 150 at 20 %");
        socket.set_read_timeout(Some(Duration::from_secs(20))).expect("a bound");
        for _ in lost..150 {
            assert_eq!(socket.recv(&mut [0; 200]).expect("a packet that was not lost"), 100);
        }
    }

    #[test]
    fn an_ip_link_that_is_down_lets_nothing_through_and_one_that_is_changed_does() {
        let down =
            Outages { up: Duration::from_secs(1), down: Duration::from_secs(600), phase: Duration::from_secs(2) };
        let Some(wire) = lay(&Profile { outages: Some(down), ..PLAIN }) else { return };
        let address = wire.within(Side::Hub, || echo(hub_ip()));
        let connect = |bound| wire.within(Side::Office, || TcpStream::connect_timeout(&address, bound).is_ok());
        assert!(!connect(Duration::from_millis(300)));
        assert_eq!((wire.up().cut, wire.up().packets), (1, 1));
        wire.set(&PLAIN, 1);
        assert!(connect(Duration::from_secs(30)));
    }
}
