//! Settings as people meet them: files, mistakes in them, and `config set`.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::*;
use crate::fail::Failure;
use crate::output::{pick, process_lang};

const fn opt(table: &'static str, key: &'static str, kind: Kind, default: &'static str) -> Opt {
    Opt { table, key, kind, default, unit: "", help_id: "bantuan", help_en: "help", secret: false }
}

static OPTIONS: &[Opt] = &[
    opt("hub", "url", Kind::Text, ""),
    Opt { secret: true, ..opt("hub", "token", Kind::Text, "") },
    opt("sync", "interval", Kind::Duration { min_ms: 1_000, max_ms: 86_400_000 }, "5m"),
    opt("sync", "jitter", Kind::Decimal { min: 0.0, max: 1.0 }, "0.2"),
    opt("sync", "batch_bytes", Kind::BYTES, "64KiB"),
    opt("patience", "warn_after", Kind::WorkingDays, "2wd"),
    opt("kiosk", "languages", Kind::List, "id, en"),
    opt("kiosk", "enabled", Kind::Boolean, "false"),
    opt("log", "level", Kind::OneOf(&["info", "debug"]), "info"),
    opt("log", "keep", Kind::Whole { min: 1, max: 100 }, "5"),
];

struct Folder {
    dir: tempfile::TempDir,
}

impl Folder {
    fn new(files: &[(&str, &str)]) -> Folder {
        let dir = tempfile::tempdir().expect("a temporary folder");
        for (name, text) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("folder");
            fs::write(path, text).expect("file");
        }
        Folder { dir }
    }

    fn main(&self) -> PathBuf {
        self.dir.path().join("agent.toml")
    }

    fn sources(&self) -> Sources {
        Sources { file: self.main(), file_named: false, environment: Vec::new(), flags: Vec::new() }
    }

    fn load(&self) -> Result<Settings, Failure> {
        Settings::load(Program::Agent, OPTIONS, &self.sources())
    }

    fn error(&self) -> String {
        let failure = self.load().expect_err("a mistake");
        assert_eq!(failure.exit.code(), 2);
        failure.message.replace(&format!("{}/", self.dir.path().display()), "")
    }

    fn set(&self, name: (&str, &str), text: &str) -> Result<String, Failure> {
        set(Program::Agent, OPTIONS, &self.main(), name, text)?;
        Ok(fs::read_to_string(self.main()).expect("the file"))
    }
}

/// The sentence in whichever language this process speaks.
fn said(id: &str, en: &str) -> String {
    pick(process_lang(), id, en).to_owned()
}

#[test]
fn without_any_file_the_built_in_values_hold() {
    let settings = Folder::new(&[]).load().expect("built in");
    assert_eq!(settings.duration("sync", "interval"), Duration::from_secs(300));
    assert_eq!(settings.bytes("sync", "batch_bytes"), 65_536);
    assert_eq!(settings.working_days("patience", "warn_after"), 2);
    assert_eq!(settings.list("kiosk", "languages"), ["id", "en"]);
    assert_eq!(settings.setting("hub", "url").origin, Origin::BuiltIn);
}

#[test]
fn flags_win_over_environment_over_added_files_over_the_main_file() {
    let folder = Folder::new(&[
        ("agent.toml", "[hub]\nurl = \"utama\"\n[sync]\ninterval = \"1m\"\njitter = 1\nbatch_bytes = 1\n"),
        ("agent.d/10-a.toml", "[sync]\ninterval = \"2m\"\njitter = 0.5\nbatch_bytes = 2\n"),
        ("agent.d/20-b.toml", "[sync]\nbatch_bytes = 3\n"),
        ("agent.d/catatan.txt", "bukan TOML"),
    ]);
    let mut sources = folder.sources();
    let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    sources.environment = vec![
        variable("KENTONGAN_AGENT_SYNC_INTERVAL", "3m"),
        variable("KENTONGAN_AGENT_SYNC_JITTER", "0.75"),
        variable("KENTONGAN_HUB_APA_SAJA", "milik program lain"),
    ];
    sources.flags = vec![("sync", "interval", "4m".to_owned())];
    let settings = Settings::load(Program::Agent, OPTIONS, &sources).expect("settings");
    assert_eq!(settings.duration("sync", "interval"), Duration::from_secs(240));
    assert_eq!(settings.decimal("sync", "jitter"), 0.75);
    assert_eq!(settings.bytes("sync", "batch_bytes"), 3);
    assert_eq!(settings.text("hub", "url"), "utama");
    assert_eq!(settings.setting("hub", "url").origin, Origin::File { path: folder.main(), line: 2 });
    let jitter = &settings.setting("sync", "jitter").origin;
    assert_eq!(*jitter, Origin::Environment("KENTONGAN_AGENT_SYNC_JITTER".into()));
}

#[test]
fn a_misspelt_key_or_table_is_named_with_its_line_and_the_nearest_name() {
    let key = Folder::new(&[("agent.toml", "# atas\n[sync]\nintervall = \"1m\"\n")]);
    let expected = said(
        "agent.toml:3: \"intervall\" tidak dikenal; mungkin maksudnya \"interval\"",
        "agent.toml:3: \"intervall\" is not known; did you mean \"interval\"?",
    );
    assert_eq!(key.error(), expected);
    let table = Folder::new(&[("agent.d/x.toml", "[sinc]\ninterval = \"1m\"\n")]);
    let expected = said(
        "agent.d/x.toml:1: \"sinc\" tidak dikenal; mungkin maksudnya \"sync\"",
        "agent.d/x.toml:1: \"sinc\" is not known; did you mean \"sync\"?",
    );
    assert_eq!(table.error(), expected);
    let loose = Folder::new(&[("agent.toml", "sync = 3\n")]);
    assert!(loose.error().starts_with("agent.toml:1: sync "), "{}", loose.error());
}

#[test]
fn a_wrong_type_or_range_is_named_with_its_line() {
    for (text, place) in [
        ("[sync]\ninterval = 5\n", "agent.toml:2: sync.interval: \"5\" "),
        ("[sync]\n\ninterval = \"2d\"\n", "agent.toml:3: sync.interval: \"2d\" "),
        ("[log]\nkeep = \"5\"\n", "agent.toml:2: log.keep: \"5\" "),
        ("[log]\nkeep = 0\n", "agent.toml:2: log.keep: \"0\" "),
        ("[log]\nlevel = \"loud\"\n", "agent.toml:2: log.level: \"loud\" "),
        ("[kiosk]\nlanguages = [\"id\", 1]\n", "agent.toml:2: kiosk.languages: "),
        ("[kiosk]\nenabled = \"ya\"\n", "agent.toml:2: kiosk.enabled: "),
        ("[log]\nlevel = info\n", "agent.toml:2: "),
    ] {
        let folder = Folder::new(&[("agent.toml", text)]);
        assert!(folder.error().starts_with(place), "{text}: {}", folder.error());
    }
}

#[test]
fn a_misspelt_variable_and_a_secret_in_a_variable_are_errors() {
    let folder = Folder::new(&[]);
    for (name, part) in [
        ("KENTONGAN_AGENT_SYNC_INTERVALL", "KENTONGAN_AGENT_SYNC_INTERVAL\""),
        ("KENTONGAN_AGENT_HUB_TOKEN", "hub.token"),
    ] {
        let mut sources = folder.sources();
        sources.environment = vec![(name.to_owned(), "x".to_owned())];
        let failure = Settings::load(Program::Agent, OPTIONS, &sources).expect_err("refused");
        assert!(failure.message.contains(part), "{}", failure.message);
    }
}

#[test]
fn a_named_file_must_be_there() {
    let folder = Folder::new(&[]);
    let sources = Sources { file_named: true, ..folder.sources() };
    assert_eq!(Settings::load(Program::Agent, OPTIONS, &sources).expect_err("missing").exit.code(), 2);
}

#[test]
fn the_sample_with_every_line_uncommented_gives_the_built_in_values() {
    let commented = sample(Program::Agent, OPTIONS);
    let folder = Folder::new(&[("agent.toml", &commented)]);
    assert_eq!(folder.load().expect("the sample holds"), Settings::built_in(Program::Agent, OPTIONS));

    let active: String = commented
        .lines()
        .map(|line| line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).unwrap_or(line).to_owned() + "\n")
        .collect();
    assert!(
        active.contains("\ninterval = \"5m\"\n") && active.contains("\nlanguages = [\"id\", \"en\"]\n"),
        "{active}"
    );
    let folder = Folder::new(&[("agent.toml", &active)]);
    assert_eq!(folder.load().expect("the sample holds"), Settings::built_in(Program::Agent, OPTIONS));
}

#[test]
fn setting_a_value_keeps_comments_and_other_lines() {
    let folder =
        Folder::new(&[("agent.toml", "# kantor desa\n[sync] # jadwal\ninterval = \"1m\"   # sering\njitter = 0.5")]);
    let text = folder.set(("sync", "interval"), "10m").expect("set");
    assert_eq!(text, "# kantor desa\n[sync] # jadwal\ninterval = \"10m\"   # sering\njitter = 0.5");
    let text = folder.set(("sync", "batch_bytes"), "1MiB").expect("a key more");
    assert_eq!(
        text,
        "# kantor desa\n[sync] # jadwal\nbatch_bytes = \"1MiB\"\ninterval = \"10m\"   # sering\njitter = 0.5"
    );
    let text = folder.set(("kiosk", "languages"), "id,su").expect("a table more");
    assert!(text.ends_with("jitter = 0.5\n\n[kiosk]\nlanguages = [\"id\", \"su\"]\n"), "{text}");
    assert_eq!(folder.load().expect("holds").list("kiosk", "languages"), ["id", "su"]);
}

#[test]
fn setting_creates_the_file_and_refuses_what_does_not_hold() {
    let folder = Folder::new(&[]);
    assert_eq!(folder.set(("hub", "url"), "https://a\"b").expect("set"), "[hub]\nurl = \"https://a\\\"b\"\n");
    assert!(folder.set(("sync", "interval"), "banyak").is_err());
    assert!(folder.set(("sync", "tidak_ada"), "1").is_err());
    fs::write(folder.main(), "[hub\nurl = 1").expect("a broken file");
    assert!(folder.set(("hub", "url"), "https://x").is_err());
    assert_eq!(fs::read_to_string(folder.main()).expect("unchanged"), "[hub\nurl = 1");
}

#[test]
fn an_inline_table_is_edited_or_refused_but_never_broken() {
    let folder = Folder::new(&[("agent.toml", "sync = { interval = \"1m\" }\n")]);
    assert_eq!(folder.set(("sync", "interval"), "2m").expect("in place"), "sync = { interval = \"2m\" }\n");
    assert!(folder.set(("sync", "jitter"), "0.1").is_err());
    assert_eq!(fs::read_to_string(folder.main()).expect("unchanged"), "sync = { interval = \"2m\" }\n");
}

#[test]
fn equal_values_from_other_places_are_equal_settings() {
    let folder = Folder::new(&[("agent.toml", "[sync]\ninterval = \"300s\"\n")]);
    assert_eq!(folder.load().expect("settings"), Settings::built_in(Program::Agent, OPTIONS));
    assert_eq!(conf_dir(Path::new("/etc/kentongan/hub.toml")), Path::new("/etc/kentongan/hub.d"));
}
