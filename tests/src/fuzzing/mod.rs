//! What arrives from strangers, said by dice and by fuzzers: one function for each door, and what must hold behind it.
//!
//! ```text
//!   TARGETS   a name, a body that panics if something does not hold, seeds made by the product itself
//!   replay    ordinary tests: all seeds, the kept inputs in fuzz/corpus, and some thousand mutations from a number
//!   fuzz/     the same bodies under cargo-fuzz, for as long as one likes: `tests/fuzz/run`
//! ```
//!
//! Seeds follow the wire because the product writes them; only inputs that once found something are kept as files.

mod accept;
mod bundles;
mod bytes;
mod carried;
mod control;
mod files;
mod frames;
mod honest;
mod hub;
mod mutate;
mod ops;
mod packed;
mod papers;
mod sessions;
mod updates;

use std::path::PathBuf;
use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};

pub use mutate::mutated;

/// A door through which bytes come in.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name: of the fuzz target, and of its folder of kept inputs.
    pub name: &'static str,
    /// What comes in.
    pub about: &'static str,
    /// Takes bytes; panics if something does not hold.
    pub body: fn(&[u8]),
    /// Inputs to begin from.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Mutations that an ordinary test tries: the cheaper the body, the more.
    pub mutations: usize,
}

/// All of them.
pub const TARGETS: &[Target] = &[
    Target { name: "frames", about: "a stream of frames", body: frames::frames, seeds: frames::seeds, mutations: 4000 },
    Target {
        name: "requests",
        about: "a whole request, at the hub's session",
        body: sessions::requests,
        seeds: sessions::seeds,
        mutations: 3000,
    },
    Target {
        name: "replies",
        about: "a whole reply, at the agent's session and store",
        body: sessions::replies,
        seeds: sessions::seeds,
        mutations: 400,
    },
    Target {
        name: "accept",
        about: "a hostile device, at the hub's accept path",
        body: accept::accept,
        seeds: accept::seeds,
        mutations: 300,
    },
    Target {
        name: "accept_sqlite",
        about: "the same, on the hub's SQLite store",
        body: accept::accept_sqlite,
        seeds: accept::seeds,
        mutations: 100,
    },
    Target {
        name: "packed",
        about: "packed bodies of frames, and bodies to be packed",
        body: packed::packed,
        seeds: packed::seeds,
        mutations: 600,
    },
    Target { name: "ops", about: "the bytes of an op", body: ops::ops, seeds: ops::seeds, mutations: 6000 },
    Target {
        name: "sealed",
        about: "what of an op was sealed, at the hub that opens it",
        body: ops::sealed_content,
        seeds: ops::sealed_seeds,
        mutations: 6000,
    },
    Target {
        name: "values",
        about: "a text in every field of every form",
        body: ops::values,
        seeds: ops::value_seeds,
        mutations: 3000,
    },
    Target {
        name: "merge",
        about: "ops of one record in any order",
        body: ops::merge,
        seeds: ops::merge_seeds,
        mutations: 2000,
    },
    Target {
        name: "tables",
        about: "CSV, JSON lines and JSON arrays to import, with a map",
        body: files::tables,
        seeds: files::table_seeds,
        mutations: 600,
    },
    Target {
        name: "sheets",
        about: "spreadsheets to import",
        body: files::sheets,
        seeds: files::sheet_seeds,
        mutations: 300,
    },
    Target {
        name: "settings",
        about: "agent.toml and hub.toml",
        body: files::settings,
        seeds: files::settings_seeds,
        mutations: 500,
    },
    Target {
        name: "enrol_files",
        about: "enrol.toml",
        body: files::enrol_files,
        seeds: files::enrol_file_seeds,
        mutations: 2000,
    },
    Target {
        name: "codes",
        about: "receipt codes, enrolment codes and names of things",
        body: papers::codes,
        seeds: papers::code_seeds,
        mutations: 6000,
    },
    Target {
        name: "certificates",
        about: "certificates and requests for them",
        body: papers::certificates,
        seeds: papers::certificate_seeds,
        mutations: 3000,
    },
    Target {
        name: "enrolments",
        about: "bodies of /v1/enrol and /v1/renew, at the hub",
        body: papers::enrolments,
        seeds: papers::enrolment_seeds,
        mutations: 1000,
    },
    Target {
        name: "enrolment_answers",
        about: "what the hub answers to them, at the agent",
        body: papers::enrolment_answers,
        seeds: papers::answer_seeds,
        mutations: 2000,
    },
    Target {
        name: "carried_files",
        about: "requests and answers of joining, as files on a stick",
        body: carried::carried_files,
        seeds: carried::carried_file_seeds,
        mutations: 600,
    },
    Target {
        name: "bundles",
        about: "bundles at the hub and their answers at the office, as files on a stick",
        body: bundles::bundles,
        seeds: bundles::bundle_seeds,
        mutations: 300,
    },
    Target {
        name: "update_files",
        about: "update files, of a publisher or of anybody",
        body: updates::update_files,
        seeds: updates::update_file_seeds,
        mutations: 2000,
    },
    Target {
        name: "offers",
        about: "what a hub offers and its parts, at the agent",
        body: updates::offers,
        seeds: updates::offer_seeds,
        mutations: 1000,
    },
    Target {
        name: "agent_requests",
        about: "the agent's control socket",
        body: control::agent_requests,
        seeds: control::agent_seeds,
        mutations: 500,
    },
    Target {
        name: "hub_requests",
        about: "the hub's control socket",
        body: control::hub_requests,
        seeds: control::hub_seeds,
        mutations: 500,
    },
];

/// The target with this name.
///
/// # Panics
/// If there is none.
pub fn target(name: &str) -> &'static Target {
    TARGETS.iter().find(|target| target.name == name).unwrap_or_else(|| panic!("no target is called {name}"))
}

/// Panics so far in threads whose panics the product catches for itself.
static HIDDEN: AtomicU64 = AtomicU64::new(0);

/// The thread in which a library that reads spreadsheets may panic: the product says that the file is damaged.
const EXCUSED: &str = "xlsx";

impl Target {
    /// Runs the body. A panic in any thread but the excused one comes out here.
    ///
    /// # Panics
    /// If something does not hold.
    pub fn run(&self, input: &[u8]) {
        listen(false);
        let before = HIDDEN.load(Ordering::SeqCst);
        (self.body)(input);
        let after = HIDDEN.load(Ordering::SeqCst);
        assert_eq!(before, after, "a thread of the product panicked");
    }

    /// As [`Target::run`] for a fuzzer, which wants the process to end with the panic.
    pub fn run_or_abort(&self, input: &[u8]) {
        listen(true);
        (self.body)(input);
    }

    /// Writes the seeds as files into the folder that `KENTONGAN_FUZZ_SEEDS` names, if it names one.
    ///
    /// # Panics
    /// If they cannot be written.
    pub fn write_seeds(&self) {
        let Some(folder) = std::env::var_os("KENTONGAN_FUZZ_SEEDS").map(PathBuf::from) else { return };
        for (place, seed) in (self.seeds)().iter().enumerate() {
            std::fs::write(folder.join(format!("seed-{place:03}")), seed).expect("a seed is written");
        }
    }

    /// The folder of the inputs that once found something.
    pub fn corpus(&self) -> PathBuf {
        PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus")).join(self.name)
    }

    /// Those inputs, by the names of their files.
    ///
    /// # Panics
    /// If one cannot be read.
    pub fn kept(&self) -> Vec<(String, Vec<u8>)> {
        let Ok(entries) = std::fs::read_dir(self.corpus()) else { return Vec::new() };
        let mut kept: Vec<(String, Vec<u8>)> = entries
            .map(|entry| {
                let path = entry.expect("a file of the folder").path();
                let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                (name, std::fs::read(&path).expect("a readable file"))
            })
            .collect();
        kept.sort();
        kept
    }
}

/// Hears of panics, once for the process.
fn listen(abort: bool) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let thread = std::thread::current();
            match thread.name() {
                Some(EXCUSED) => return,
                Some("import") => drop(HIDDEN.fetch_add(1, Ordering::SeqCst)),
                _ => {}
            }
            usual(panic);
            if abort {
                std::process::abort();
            }
        }));
    });
}
