//! Builds the repository's plugins into `pipelines/plugins`, where `weir run pipelines/….toml` looks for them.

use crate::command::{Done, cargo, command, exists, root, run, target};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The plugins, by their folders under `plugins/`.
pub const PLUGINS: [&str; 2] = ["order-totals", "sales"];

/// Builds the host in this profile (`release` or `dev`) and every plugin with it.
pub fn build_all(profile: &str) -> Done {
    build_with(&build_host(profile)?)
}

/// Builds every plugin with this host.
pub fn build_with(weir: &Path) -> Done {
    ensure_target()?;
    for plugin in PLUGINS {
        let folder = format!("plugins/{plugin}");
        let mut build = Command::new(weir);
        build.args(["--log", "warn", "plugin", "build", &folder, "--out", "pipelines/plugins"]).current_dir(root());
        run(&mut build)?;
    }
    Ok(())
}

/// Builds the binary and says where it is.
pub fn build_host(profile: &str) -> Result<PathBuf, String> {
    run(&mut cargo(&["build", "--package", "weir", "--bin", "weir", "--profile", profile]))?;
    let folder = if profile == "dev" { "debug" } else { profile };
    Ok(target().join(folder).join("weir"))
}

/// `rust-toolchain.toml` names the target, but rustup installs it by itself only where automatic installs are on.
fn ensure_target() -> Done {
    if !exists("rustup") {
        return Ok(());
    }
    let installed = command("rustup", &["target", "list", "--installed"]).output();
    let has = installed.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("wasm32-unknown-unknown"));
    if has { Ok(()) } else { run(&mut command("rustup", &["target", "add", "wasm32-unknown-unknown"])) }
}
