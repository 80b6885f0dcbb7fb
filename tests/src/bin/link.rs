//! `link`: lays a bad link and runs a command over it.

use std::net::SocketAddr;
use std::process::{Command, ExitCode};
use std::thread;
use std::time::Duration;

use kentongan_tests::link::{Outages, PROFILES, Profile, Relay};

const HELP: &str = "link --profile NAME [--seed N] [--up S --down S [--phase S]] -- COMMAND…
link --profile NAME [--up S --down S [--phase S]] --relay ADDRESS:PORT
link --list

The first form needs root and Linux: a real IP link between two network namespaces. The command runs outside of both and
finds in its environment
  LINK_OFFICE, LINK_HUB        the namespaces, for `ip netns exec`
  LINK_OFFICE_IP, LINK_HUB_IP  the addresses of the ends
When it ends, packets and bytes of each direction are printed to stderr as one JSON line.

The second form needs nobody special: a TCP relay to an address, which prints its own address and works until it is
killed. It has the rate, the delay, the jitter and the outages of the profile, but loses nothing.

  --profile NAME  what kind of link; --list shows them
  --seed N        for losses and jitter (1)
  --up S --down S so many seconds up, then so many down, and so on; --up 0: never down
  --phase S       how many seconds of the first round have passed when it begins (0)

Examples
  link --profile gprs -- sh -c 'ip netns exec $LINK_OFFICE ping -c 3 $LINK_HUB_IP'
  link --profile gprs --up 20 --down 40 -- sh -c '
    ip netns exec $LINK_HUB kentongan-hub --data hub serve --listen $LINK_HUB_IP:7443 &
    ip netns exec $LINK_OFFICE kentongan-agent --data office run'
  link --profile edge --relay 127.0.0.1:7443
";

struct Args {
    profile: Profile,
    seed: u64,
    relay: Option<SocketAddr>,
    command: Vec<String>,
}

fn args() -> Option<Args> {
    let mut args = Args { profile: Profile::named("gprs")?, seed: 1, relay: None, command: Vec::new() };
    let (mut up, mut down, mut phase) = (None, Duration::ZERO, Duration::ZERO);
    let mut given = std::env::args().skip(1);
    let seconds = |text: String| text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    while let Some(word) = given.next() {
        match word.as_str() {
            "--profile" => args.profile = Profile::named(&given.next()?)?,
            "--seed" => args.seed = given.next()?.parse().ok()?,
            "--up" => up = Some(seconds(given.next()?)?),
            "--down" => down = seconds(given.next()?)?,
            "--phase" => phase = seconds(given.next()?)?,
            "--relay" => args.relay = Some(given.next()?.parse().ok()?),
            "--" => args.command = given.by_ref().collect(),
            "--list" => {
                list();
                std::process::exit(0);
            }
            _ => return None,
        }
    }
    if let Some(up) = up {
        args.profile.outages = (!up.is_zero() && !down.is_zero()).then_some(Outages { up, down, phase });
    }
    (args.relay.is_some() == args.command.is_empty()).then_some(args)
}

fn list() {
    for profile in PROFILES {
        let Profile { name, up_kbit_s, down_kbit_s, rtt_ms, jitter_ms, loss_per_mille, queue_bytes, outages } = profile;
        let outages =
            outages.map_or(String::new(), |outages| format!(", up {:?}, down {:?}", outages.up, outages.down));
        println!(
            "{name:11} {up_kbit_s}/{down_kbit_s} kbit/s up/down, {rtt_ms} ms there and back, ±{} ms a way, \
             {:.1} % lost, {queue_bytes} B wait at most{outages}",
            jitter_ms / 2,
            f64::from(loss_per_mille) / 10.0
        );
    }
}

fn main() -> ExitCode {
    let Some(args) = args() else {
        print!("{HELP}");
        return ExitCode::from(2);
    };
    let ended = match args.relay {
        Some(target) => relay(target, &args.profile),
        None => wire(&args),
    };
    ended.unwrap_or_else(|reason| {
        eprintln!("link: {reason}");
        ExitCode::from(2)
    })
}

fn relay(target: SocketAddr, profile: &Profile) -> Result<ExitCode, String> {
    let relay = Relay::open(target, profile).map_err(|error| error.to_string())?;
    println!("{}", relay.address());
    loop {
        thread::park();
    }
}

#[cfg(target_os = "linux")]
fn wire(args: &Args) -> Result<ExitCode, String> {
    use kentongan_tests::link::{HUB_IP, OFFICE_IP, Side, Wire};

    let wire = Wire::lay(&args.profile, args.seed)?;
    let [program, words @ ..] = args.command.as_slice() else { return Err("no command".to_owned()) };
    let mut command = Command::new(program);
    command.args(words).env("LINK_OFFICE", wire.namespace(Side::Office)).env("LINK_HUB", wire.namespace(Side::Hub));
    command.env("LINK_OFFICE_IP", OFFICE_IP).env("LINK_HUB_IP", HUB_IP);
    let ended = command.status().map_err(|error| format!("{program}: {error}"))?;
    eprintln!("{}", serde_json::json!({ "up": wire.up().json(), "down": wire.down().json() }));
    Ok(ended.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}

#[cfg(not(target_os = "linux"))]
fn wire(_: &Args) -> Result<ExitCode, String> {
    Err("an IP link needs Linux; --relay works here".to_owned())
}
