//! `cargo xtask torture`: a program of its own, so that no other task has to wait for a Kafka client to be built.

use crate::command::{Done, cargo, run, target};
use crate::plugins;
use clap::Args;
use std::path::Path;
use std::process::Command;

/// `cargo xtask torture`
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub struct TortureArgs {
    /// Its own: see `cargo xtask torture --help`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

/// Builds what is tortured and what tortures, and hands it the arguments.
pub fn torture(args: &TortureArgs) -> Done {
    let asked = |flag: &str| args.rest.iter().any(|argument| argument == flag);
    let (profile, folder) = if asked("--release") { ("release", "release") } else { ("dev", "debug") };
    if asked("--in-memory") {
        return in_memory(profile);
    }
    let built = target().join(folder);
    if !asked("--as-built") {
        build(profile, &built)?;
    }
    run(Command::new(built.join("weir-torture")).args(&args.rest).current_dir(crate::command::root()))?;
    let only_some = ["--points", "--sinks", "--scenarios", "--as-built", "--help"];
    let is_part =
        |argument: &String| only_some.iter().any(|flag| argument == flag || argument.starts_with(&format!("{flag}=")));
    if args.rest.iter().any(is_part) { Ok(()) } else { in_memory(profile) }
}

/// The two tests that need no servers, ten and a hundred times as long as in a test run: 8 minutes in a release build, over 30 in a dev one.
fn in_memory(profile: &str) -> Done {
    let mut tests = cargo(&[
        "test",
        "--profile",
        if profile == "dev" { "test" } else { profile },
        "--package",
        "weir",
        "--lib",
        "--",
        "--nocapture",
        "simulation::whatever",
        "crash_states::tests",
    ]);
    run(tests.env("WEIR_SIMULATION_EPOCHS", "100000").env("WEIR_CRASH_STATES", "100000"))
}

/// Both at once: the two share most of what they depend on. The binary is copied, so that a build without points does not take its place.
fn build(profile: &str, built: &Path) -> Done {
    let packages = ["--package", "weir", "--package", "weir-torture"];
    run(cargo(&["build", "--profile", profile, "--features", "weir/failpoints"]).args(packages))?;
    let folder = target().join("torture");
    let weir = folder.join("weir");
    let copied = std::fs::create_dir_all(&folder).and_then(|()| std::fs::copy(built.join("weir"), &weir));
    copied.map_err(|error| format!("{}: {error}", weir.display()))?;
    plugins::build_with(&weir)
}
