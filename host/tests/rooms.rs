//! The architecture as a test: which room of the host may name which other, and which library belongs to which room.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "clippy does not know helpers of tests for tests")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// From a room to the rooms that it may name. Siblings never import each other; telemetry imports nobody.
const ARROWS: [(&str, &[&str]); 11] = [
    ("main", &["cli"]),
    ("cli", &["config", "pipeline", "plugin", "telemetry"]),
    ("pipeline", &["checkpoint", "config", "decode", "plugin", "sink", "source", "storage", "telemetry"]),
    ("checkpoint", &["storage", "telemetry"]),
    ("config", &["telemetry"]),
    ("decode", &["telemetry"]),
    ("plugin", &["telemetry"]),
    ("sink", &["storage", "telemetry"]),
    ("source", &["telemetry"]),
    ("storage", &["telemetry"]),
    ("telemetry", &[]),
];

/// Words that belong to one room (or to several): a word, and where it may stand.
const WORDS: [(&str, &[&str]); 10] = [
    ("wasmtime::", &["plugin"]),
    ("wasmparser::", &["plugin"]),
    ("wit_component::", &["plugin"]),
    ("rdkafka::", &["source", "sink"]),
    ("hdfs_native::", &["storage"]),
    // A guest crate's Cargo.toml is not a pipeline file.
    ("toml::", &["config", "plugin/build.rs"]),
    ("println!", &["cli"]),
    ("clap::", &["cli"]),
    ("ratatui::", &["cli"]),
    ("SystemTime::now", &["pipeline/clock.rs"]),
];

fn sources(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, files);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
}

/// Every file below `folder`, relative to it, with its code: comments and test modules left out.
fn code(folder: &str) -> Vec<(String, String)> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files = Vec::new();
    sources(&top, &mut files);
    let relative = |path: &PathBuf| path.strip_prefix(&top).unwrap().to_string_lossy().into_owned();
    let shipped = |path: &PathBuf| {
        let text = fs::read_to_string(path).unwrap();
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
    };
    // Whole folders of tests are called what they are.
    let folders = ["/tests/", "/simulation/", "/crash_states/"];
    let is_test = |name: &String| name.ends_with("tests.rs") || folders.iter().any(|folder| name.contains(folder));
    files.iter().map(|path| (relative(path), shipped(path))).filter(|(name, _)| !is_test(name)).collect()
}

fn room(name: &str) -> &str {
    name.split('/').next().unwrap_or(name).trim_end_matches(".rs")
}

/// The rooms that a text names as `crate::room` or, in `main`, `weir::room`.
fn named(text: &str) -> BTreeSet<&str> {
    let mut rooms = BTreeSet::new();
    for prefix in ["crate::", "weir::"] {
        for (at, _) in text.match_indices(prefix) {
            let rest = &text[at + prefix.len()..];
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            rooms.insert(&rest[..end]);
        }
    }
    rooms.retain(|room| ARROWS.iter().any(|(known, _)| known == room));
    rooms
}

#[test]
fn rooms_import_only_along_the_arrows() {
    let mut wrong = Vec::new();
    for (name, text) in code("src") {
        let from = room(&name);
        if from == "lib" {
            continue;
        }
        let (_, allowed) =
            ARROWS.iter().find(|(known, _)| *known == from).unwrap_or_else(|| panic!("{name} is in no room"));
        for to in named(&text) {
            if to != from && !allowed.contains(&to) {
                wrong.push(format!("{name}: {from} → {to}"));
            }
        }
    }
    assert!(wrong.is_empty(), "arrows that are not allowed:\n{}", wrong.join("\n"));
}

#[test]
fn a_line_knows_its_room_by_what_it_names() {
    let mut wrong = Vec::new();
    for (name, text) in code("src") {
        for (word, rooms) in WORDS {
            // `eprintln!` ends with the same letters, and belongs to the same room.
            if text.contains(word) && !rooms.iter().any(|allowed| room(&name) == *allowed || name == *allowed) {
                wrong.push(format!("{name} says `{word}`, which belongs to {}", rooms.join(", ")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_core_is_pure() {
    let banned = [
        "std::fs",
        "std::net",
        "std::thread",
        "std::process",
        "std::env",
        "Instant::now",
        "SystemTime",
        "tokio",
        "wasmtime",
        "rdkafka",
    ];
    for (name, text) in code("core/src") {
        for word in banned {
            assert!(!text.contains(word), "core/src/{name} says `{word}`");
        }
    }
}
