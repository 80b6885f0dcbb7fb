//! What the README says works.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use kentongan_tests::programs::{Program, run};
use kentongan_tests::service::Service;
use kentongan_tests::{folder, programs::Ended};

/// The repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests lie in the repository").to_owned()
}

fn readme() -> String {
    std::fs::read_to_string(root().join("README.md")).expect("read the README")
}

/// The commands of the README, block by block.
fn blocks() -> Vec<Vec<String>> {
    let text = readme();
    let fenced = text.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap_or_default().to_owned());
    fenced.map(|block| block.lines().map(str::to_owned).collect()).collect()
}

/// A line of the README as a command of the programs under test: the same words, another folder of programs.
fn command(line: &str, folder: &Path) -> Command {
    let programs = Program::Agent.path();
    let programs = programs.parent().expect("programs lie in a folder").display().to_string();
    let line = line.trim_end_matches('&').replace("./target/release", &programs);
    let mut command = Command::new("sh");
    command.args(["-c", &format!("exec {line}")]).current_dir(folder).stdin(Stdio::null());
    command
}

fn done(line: &str, folder: &Path) -> Ended {
    run(command(line, folder)).ok()
}

#[test]
fn the_first_screen_shows_the_two_commands_that_the_continuous_integration_runs() {
    let blocks = blocks();
    assert_eq!(blocks[0], ["cargo build --release && ./target/release/kentongan-hub demo"]);
    assert_eq!(blocks[1], ["cargo test --workspace"]);
    let ci = std::fs::read_to_string(root().join(".ci/run")).expect("read the steps of the continuous integration");
    for step in ["cargo build --release --locked", "kentongan-hub demo --quick", "cargo test --workspace --locked"] {
        assert!(ci.contains(step), "{step}");
    }
}

#[test]
fn the_hub_and_office_by_hand_of_the_readme_end_with_an_exported_complaint() {
    let folder = folder::temporary("readme");
    let lines = blocks().into_iter().nth(2).expect("the commands by hand");
    let [init, serve, code, enrol, add, sync, export] = &lines[..] else { panic!("seven lines: {lines:#?}") };
    done(init, folder.path());
    // The port is the reader's to choose; here it is any free one.
    let hub = Service::start(command(&serve.replace(":8743", ":0"), folder.path()), &folder.path().join("hub.log"));
    let url = hub.ready()["sync"].as_str().expect("where the hub listens").to_owned();
    let bought = done(&format!("{code} --json"), folder.path()).json();
    let secret = bought["code"].as_str().expect("a code");
    let enrol = enrol.replace("XXXX-XXXX-XXXX-XXXX-XXXX", secret).replace("https://127.0.0.1:8743", &url);
    done(&enrol, folder.path());
    done(add, folder.path());
    done(sync, folder.path());
    let exported = done(export, folder.path()).json();
    assert_eq!(exported["uraian"], "Lampu jalan padam");
}

#[test]
fn the_demo_tells_its_story_to_the_end_and_leaves_nothing_behind() {
    let folder = folder::temporary("demo");
    let mut command = Command::new(Program::Hub.path());
    command.args(["demo", "--quick", "--json", "--lang", "en"]).env("TMPDIR", folder.path());
    let ended = run(command).ok();
    let events: Vec<serde_json::Value> =
        ended.stdout.lines().map(|line| serde_json::from_str(line).expect("a line of the story")).collect();
    let happened: Vec<&str> = events.iter().filter_map(|event| event["event"].as_str()).collect();
    for chapter in
        ["link_cut", "saved", "power_cut", "arrived", "imported", "conflict", "resolved", "answered", "finished"]
    {
        assert!(happened.contains(&chapter), "{chapter} is missing: {happened:?}");
    }
    let fact = |chapter: &str, name: &str| {
        events.iter().find(|event| event["event"] == chapter).map(|event| event["facts"][name].clone())
    };
    assert_eq!(fact("power_cut", "lost"), Some(0.into()));
    assert_eq!(fact("arrived", "arrived"), fact("arrived", "entered"));
    let left = std::fs::read_dir(folder.path()).expect("look at what is left").count();
    assert_eq!(left, 0, "the demo leaves no folder behind");
}
