//! Broken pipeline files, `tests/config/<name>.toml`, against what is said of them, `<name>.err`. `WEIR_BLESS=1` rewrites the `.err` files.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::path::{Path, PathBuf};

/// What a message must never hold: the value of `${SECRET}`.
const SECRET: &str = "hunter2-hunter2";

fn env(name: &str) -> Option<String> {
    (name == "SECRET").then(|| SECRET.to_string())
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn cases() -> Vec<PathBuf> {
    let folder = repository().join("tests/config");
    let entries = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let mut cases: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|end| end == "toml")).collect();
    cases.sort();
    cases
}

#[test]
fn each_broken_file_is_told_as_expected() {
    let bless = std::env::var_os("WEIR_BLESS").is_some();
    let cases = cases();
    assert!(cases.len() >= 40, "only {} cases found", cases.len());
    let mut differing = Vec::new();
    for case in cases {
        let text = std::fs::read_to_string(&case).unwrap();
        let name = case.file_name().unwrap().to_string_lossy().into_owned();
        let problems = match weir::config::parse(&name, &text, Path::new("/pipelines"), &env) {
            Ok(_) => panic!("{name} has a mistake, and none was found"),
            Err(problems) => problems,
        };
        let said = problems.render(false);
        assert!(!said.contains(SECRET), "{name} shows a secret:\n{said}");
        assert!(problems.iter().all(|problem| problem.help.is_some()), "{name}: a problem without help:\n{said}");
        let expected = case.with_extension("err");
        if bless {
            std::fs::write(&expected, &said).unwrap();
        } else if std::fs::read_to_string(&expected).unwrap_or_default() != said {
            differing.push(format!("── {name}: said now\n{said}"));
        }
    }
    assert!(
        differing.is_empty(),
        "{} cases differ (WEIR_BLESS=1 rewrites them):\n{}",
        differing.len(),
        differing.join("\n")
    );
}

#[test]
fn each_expectation_has_its_case() {
    let folder = repository().join("tests/config");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        assert!(path.with_extension("toml").exists(), "{} belongs to no case", path.display());
    }
}

#[test]
fn the_shipped_pipelines_are_right() {
    for name in ["retail.toml", "retail-files.toml"] {
        let path = repository().join("pipelines").join(name);
        let plan = weir::config::load(&path, &|_| None).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert_eq!(plan.name, "retail");
        assert!(plan.folder.is_absolute());
    }
}
