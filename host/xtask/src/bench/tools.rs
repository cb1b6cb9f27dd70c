//! What the peers need: builds what can be built, and names what is missing with the command that installs it.

use super::folder;
use super::jobs::{Kind, Peer};
use crate::command::{Done, cargo, command, exists, root, run};
use crate::plugins;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Why a peer can't be run here, with the command that helps; `None` where it can.
pub fn lacks(peer: Peer) -> Option<String> {
    match peer.kind {
        Kind::Weir(_) | Kind::Floor => None,
        Kind::Flink(_) | Kind::Streams(_) => lacks_java(),
        Kind::Spark => lacks_java().or_else(lacks_pyspark),
    }
}

fn lacks_java() -> Option<String> {
    let missing: Vec<&str> = [("javac", "openjdk-17-jdk-headless"), ("mvn", "maven")]
        .iter()
        .filter(|(program, _)| !exists(program))
        .map(|(_, package)| *package)
        .collect();
    let packages = missing.join(" ");
    (!missing.is_empty()).then(|| format!("needs `sudo apt-get install --no-install-recommends {packages}`"))
}

fn lacks_pyspark() -> Option<String> {
    let found = Command::new(python()).args(["-c", "import pyspark"]).output();
    if found.is_ok_and(|output| output.status.success()) {
        return None;
    }
    let version = super::machine::property(&root().join("bench/peers/spark/pom.xml"), "spark.version");
    let venv = venv();
    let venv = venv.strip_prefix(root()).unwrap_or(&venv).display();
    Some(format!("needs `python3 -m venv {venv} && {venv}/bin/pip install pyspark=={version}`"))
}

fn venv() -> PathBuf {
    folder().join("venv")
}

/// The Python that has PySpark, if anyone's has.
pub fn python() -> PathBuf {
    venv().join("bin/python")
}

/// What is needed by all, before anything is built.
pub fn check() -> Done {
    if exists("python3") {
        return Ok(());
    }
    Err("the peers are measured with python3: `sudo apt-get install --no-install-recommends python3`".to_owned())
}

/// Builds Weir, the floor, the loader, and the jobs of these peers.
pub fn build(peers: &[Peer]) -> Done {
    plugins::build_all("release")?;
    run(&mut cargo(&[
        "build",
        "--release",
        "--package",
        "weir",
        "--example",
        "load_topic",
        "--example",
        "poll_and_drop",
    ]))?;
    if peers.iter().any(|peer| matches!(peer.kind, Kind::Flink(_) | Kind::Streams(_))) {
        maven("bench/peers/java")?;
    }
    if peers.iter().any(|peer| peer.kind == Kind::Spark) {
        maven("bench/peers/spark")?;
    }
    Ok(())
}

fn maven(folder: &str) -> Done {
    run(command("mvn", &["-q", "-B", "package"]).current_dir(root().join(folder)))
}

/// The classes of a module of `bench/peers/java`, and the jars that they need.
pub fn class_path(module: &str) -> OsString {
    let target = root().join("bench/peers/java").join(module).join("target");
    let mut path = target.join(format!("{module}-1.jar")).into_os_string();
    path.push(":");
    path.push(target.join("lib").join("*"));
    path
}

/// Fills a topic with synthetic invoices.
pub fn load(brokers: &str, topic: &str, events: u64) -> Done {
    let loader = crate::command::target().join("release/examples/load_topic");
    run(Command::new(loader).args([brokers, topic, "8", "--events", &events.to_string()]))
}

/// Reads a topic to its end, so that its pages are in the page cache: whoever touches them first pays for it.
pub fn read_once(brokers: &str, topic: &str) -> Done {
    let reader = crate::command::target().join("release/examples/poll_and_drop");
    run(Command::new(reader).args([brokers, topic]))
}

/// An empty folder.
pub fn empty(folder: &Path) -> Done {
    let fail = |error: std::io::Error| format!("{}: {error}", folder.display());
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(fail(error)),
        _ => {}
    }
    std::fs::create_dir_all(folder).map_err(fail)
}
