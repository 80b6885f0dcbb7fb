//! The protocol decides and carries nothing: its source is read for what it must not contain.

use std::path::{Path, PathBuf};

/// What a pure crate has no use for. `clippy.toml` names types and functions; this finds whole families.
const IMPURE: [&str; 13] = [
    "std::fs",
    "std::net",
    "std::thread",
    "std::process",
    "std::env",
    "SystemTime",
    "Instant::now",
    "HashMap",
    "HashSet",
    "rand::",
    "getrandom",
    "tokio",
    "async fn",
];

/// The only crates it may be built of.
const DEPENDENCIES: [&str; 5] = ["bincode", "crc32fast", "sha2", "thiserror", "zstd"];

/// What a wire structure may not hold: a length from a peer would choose an allocation, or the bytes would not be fixed.
const UNBOUNDED: [&str; 8] = ["Vec<", "String", "usize", "isize", "HashMap", "BTreeMap", "Box<", "char"];

fn sources() -> Vec<(PathBuf, String)> {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("the crate's own source") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let text = std::fs::read_to_string(&path).expect("a source file");
                sources.push((path, text));
            }
        }
    }
    assert!(sources.len() > 20, "the source was found");
    sources
}

/// The code of a file: without comments, and without the tests at its end.
fn code(text: &str) -> String {
    let upto_tests = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let without_comment = |line: &str| line.split("//").next().unwrap_or_default().to_owned();
    upto_tests.lines().map(without_comment).collect::<Vec<_>>().join("\n")
}

#[test]
fn nothing_in_the_source_touches_the_world() {
    for (path, text) in sources().iter().filter(|(path, _)| !path.ends_with("merge/laws.rs")) {
        let code = code(text);
        for impure in IMPURE {
            assert!(!code.contains(impure), "{impure} in {}", path.display());
        }
    }
}

#[test]
fn the_crate_is_built_of_five_others() {
    let manifest = include_str!("../../Cargo.toml");
    let section = manifest.split("[dependencies]").nth(1).and_then(|rest| rest.split("\n[").next()).expect("a section");
    let names: Vec<&str> =
        section.lines().filter_map(|line| line.split(['.', ' ', '=']).next()).filter(|n| !n.is_empty()).collect();
    assert_eq!(names, DEPENDENCIES);
    assert!(!manifest.contains("[build-dependencies]") && !manifest.contains("[target"));
}

#[test]
fn wire_structures_hold_nothing_without_a_bound() {
    let mut found = 0;
    for (path, text) in sources() {
        let code = code(&text);
        for item in code.split("#[derive(").skip(1) {
            let (derived, rest) = item.split_once(")]").expect("a derive ends");
            if !derived.split(',').any(|one| one.trim() == "Decode") {
                continue;
            }
            found += 1;
            let body = rest.split("\n}").next().unwrap_or_default();
            for unbounded in UNBOUNDED {
                assert!(!body.contains(unbounded), "{unbounded} in {}: {body}", path.display());
            }
        }
    }
    assert!(found >= 16, "only {found} wire structures were found");
}

#[test]
fn the_lints_are_the_workspaces() {
    // All but one word, see the crate's manifest.
    let own = include_str!("../../Cargo.toml");
    let of_workspace = include_str!("../../../Cargo.toml");
    let lints = of_workspace.split("[workspace.lints.rust]").nth(1).and_then(|rest| rest.split("\n[profile").next());
    for line in lints.expect("the workspace's lints").lines().filter(|line| line.contains(" = ")) {
        let expected = line.replace("\"forbid\"", "\"deny\"");
        assert!(own.contains(&expected), "{expected}");
    }
    assert!(include_str!("../../src/lib.rs").contains("#![forbid(unsafe_code)]"));
}
