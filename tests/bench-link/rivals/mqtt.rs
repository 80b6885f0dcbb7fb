//! A store-and-forward broker: `mosquitto` at the office bridges to `mosquitto` at the hub, quality of service 1, over TLS.

use std::fs;
use std::process::{Command, Stdio};

use kentongan_tests::link::{HUB_IP, Side};

use super::{Running, need};
use crate::field::{Run, Sample};

pub(crate) fn measure(run: &Run, lines: &str) -> Result<Sample, String> {
    need(&["mosquitto", "mosquitto_pub", "mosquitto_sub"])?;
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let path = |name: &str| folder.path().join(name).display().to_string();
    let made = rcgen::generate_simple_self_signed(vec![HUB_IP.to_owned()]).map_err(|error| error.to_string())?;
    let write = |name: &str, text: &str| fs::write(path(name), text).map_err(|error| error.to_string());
    write("cert.pem", &made.cert.pem())?;
    write("key.pem", &made.signing_key.serialize_pem())?;
    for name in ["office", "hub"] {
        fs::create_dir(path(name)).map_err(|error| error.to_string())?;
    }
    let common = "user root\npersistence true\nautosave_interval 1\nautosave_on_changes true\nmax_queued_messages 0\nallow_anonymous true\n";
    write(
        "hub.conf",
        &format!(
            "{common}persistence_location {}/\nlistener 8883 {HUB_IP}\ncertfile {}\nkeyfile {}\nlistener 1883 127.0.0.1\n",
            path("hub"),
            path("cert.pem"),
            path("key.pem")
        ),
    )?;
    write(
        "office.conf",
        &format!(
            "{common}persistence_location {}/\nlistener 1883 127.0.0.1\nconnection pusat\naddress {HUB_IP}:8883\n\
             bridge_cafile {}\ntopic aduan out 1\ncleansession false\nnotifications false\ntry_private false\n\
             restart_timeout 1 5\nkeepalive_interval 30\nbridge_protocol_version mqttv311\n",
            path("office"),
            path("cert.pem")
        ),
    )?;
    let wire = run.lay()?;
    let broker = |name: &str| {
        let mut command = Command::new("mosquitto");
        command.args(["-c", &path(&format!("{name}.conf"))]);
        command
    };
    let _hub = Running::start(wire.at(Side::Hub, &broker("hub")))?;
    listens(&wire, Side::Hub);
    let mut take = Command::new("mosquitto_sub");
    take.args(["-h", "127.0.0.1", "-q", "1", "-t", "aduan", "-C", &lines.lines().count().to_string()]);
    let mut taker = Running::start(wire.at(Side::Hub, &take))?;
    std::thread::sleep(std::time::Duration::from_millis(300));
    let watch = run.begin(&wire);
    let _office = Running::start(wire.at(Side::Office, &broker("office")))?;
    listens(&wire, Side::Office);
    let mut give = Command::new("mosquitto_pub");
    give.args(["-h", "127.0.0.1", "-q", "1", "-t", "aduan", "-l"]);
    let input = path("lines");
    fs::write(&input, lines).map_err(|error| error.to_string())?;
    let mut give = wire.at(Side::Office, &give);
    let file = fs::File::open(&input).map_err(|error| error.to_string())?;
    let status = give.stdin(Stdio::from(file)).status().map_err(|error| error.to_string())?;
    if !status.success() {
        return Err("the broker at the office takes nothing".to_owned());
    }
    Ok(watch.wait(|| taker.ended_well()))
}

/// Waits until a broker answers at its own end.
fn listens(wire: &kentongan_tests::link::Wire, side: Side) {
    wire.within(side, || {
        for _ in 0..200 {
            if std::net::TcpStream::connect(("127.0.0.1", 1883)).is_ok() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    });
}
