//! What whole-program tests share: the binary, the built plugins, folders as maps of their files.

#![allow(dead_code, reason = "each test binary uses its part")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The repository's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// The folder of built plugins.
pub fn plugins() -> PathBuf {
    let folder = root().join("pipelines/plugins");
    assert!(
        folder.join("sales.wasm").is_file() && folder.join("order-totals.wasm").is_file(),
        "no plugins in {}: run `cargo xtask plugins` (or the tests through `cargo xtask test`)",
        folder.display()
    );
    folder
}

/// The binary under test, with the plugins on its path and its compile cache in the target folder.
pub fn weir() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
    command.env("WEIR_PLUGIN_PATH", plugins());
    command.env("WEIR_CACHE_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache"));
    command.env_remove("WEIR_LOG");
    command
}

/// Runs a pipeline to its end with these further arguments; the report is written beside the file.
pub fn run_to_end(pipeline: &Path, arguments: &[&str]) -> Output {
    let report = pipeline.with_file_name("report.json");
    weir()
        .args(["--log", "warn", "run", "--until-end", "--view", "off", "--report"])
        .arg(&report)
        .args(arguments)
        .arg(pipeline)
        .output()
        .unwrap()
}

/// Panics with what the program said where it did not end as expected.
pub fn assert_code(output: &Output, code: i32) {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "stdout:\n{out}\nstderr:\n{err}");
}

/// The report that `run_to_end` wrote.
pub fn report(pipeline: &Path) -> serde_json::Value {
    let path = pipeline.with_file_name("report.json");
    serde_json::from_slice(&fs::read(&path).unwrap()).unwrap()
}

/// Every file below a folder: relative path → content.
pub fn tree(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    collect(folder, folder, &mut files);
    files
}

fn collect(top: &Path, folder: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(top, &path, files);
        } else {
            let name = path.strip_prefix(top).unwrap().to_string_lossy().into_owned();
            files.insert(name, fs::read(&path).unwrap());
        }
    }
}

/// Copies a folder's files, not its subfolders.
pub fn copy_files(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
        }
    }
}

/// All rows below a folder of `json-files`, in order of file name.
pub fn rows(folder: &Path) -> Vec<serde_json::Value> {
    let mut rows = Vec::new();
    for (_, content) in tree(folder) {
        for line in content.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            rows.push(serde_json::from_slice(line).unwrap());
        }
    }
    rows
}
