//! `rsync` over `ssh`, compressed, what was carried before a cut kept.

use std::fs;
use std::process::Command;

use kentongan_tests::link::{HUB_IP, Side};

use super::{Running, do_now, need, until_it_works};
use crate::field::{Run, Sample};

pub(crate) fn measure(run: &Run, lines: &str) -> Result<Sample, String> {
    need(&["rsync", "ssh", "ssh-keygen"])?;
    let sshd = "/usr/sbin/sshd";
    if !std::path::Path::new(sshd).is_file() {
        return Err("no program `sshd` here".to_owned());
    }
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let path = |name: &str| folder.path().join(name).display().to_string();
    for name in ["host", "client"] {
        let mut keygen = Command::new("ssh-keygen");
        keygen.args(["-q", "-t", "ed25519", "-N", "", "-f", &path(name)]);
        do_now(keygen)?;
    }
    fs::create_dir_all("/run/sshd").and_then(|()| fs::create_dir(path("kept"))).map_err(|error| error.to_string())?;
    fs::write(path("catatan.jsonl"), lines).map_err(|error| error.to_string())?;
    let wire = run.lay()?;
    let mut server = Command::new(sshd);
    server.args(["-D", "-f", "/dev/null", "-h", &path("host")]);
    let keys = format!("AuthorizedKeysFile={}", path("client.pub"));
    let listen = format!("ListenAddress={HUB_IP}:2222");
    for option in [&keys, &listen, "StrictModes=no", "PermitRootLogin=yes", "UsePAM=no", "UseDNS=no"] {
        server.args(["-o", option]);
    }
    let _server = Running::start(wire.at(Side::Hub, &server))?;
    // Until it listens.
    wire.within(Side::Office, || {
        let began = std::time::Instant::now();
        while std::net::TcpStream::connect((HUB_IP, 2222)).is_err() && began.elapsed().as_secs() < 10 {
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    });
    let ssh = format!(
        "ssh -p 2222 -i {} -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o BatchMode=yes \
         -o ConnectTimeout=15 -o ServerAliveInterval=5 -o ServerAliveCountMax=3 -o IdentitiesOnly=yes",
        path("client")
    );
    let kept = path("kept/catatan.jsonl");
    let sync = format!("rsync -z --partial --timeout=20 -e '{ssh}' {} root@{HUB_IP}:{kept}", path("catatan.jsonl"));
    let watch = run.begin(&wire);
    let mut client = Running::start(wire.at(Side::Office, &until_it_works(&sync)))?;
    Ok(watch.wait(|| client.ended_well() || fs::metadata(&kept).is_ok_and(|file| file.len() == lines.len() as u64)))
}
