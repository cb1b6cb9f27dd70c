//! `weir plugin build DIR`: a Rust guest crate → a component, with cargo and `wit-component`.
//!
//! Knows cargo's command line; whether the component then behaves is for `inspect` and the tests of its author.

use super::loader::{Digest, NotAPlugin, PluginKind, examine};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use thiserror::Error;
use wit_component::ComponentEncoder;

/// The only target whose components import nothing.
const TARGET: &str = "wasm32-unknown-unknown";
/// Fast, small, the same on every machine. Function names stay: they stand in the message of a trap.
/// Vectors of 128 bits are part of every engine that we run on: checks over whole columns take a fraction of the turns with them.
const PROFILE: [&str; 6] = [
    "target.wasm32-unknown-unknown.rustflags=[\"-Ctarget-feature=+simd128\"]",
    "profile.release.opt-level=3",
    "profile.release.lto=true",
    "profile.release.codegen-units=1",
    "profile.release.panic=\"abort\"",
    "profile.release.strip=\"debuginfo\"",
];

/// A component that was built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// Where it lies.
    pub path: PathBuf,
    /// Which world it is for.
    pub kind: PluginKind,
    /// Its SHA-256.
    pub digest: Digest,
    /// Its size.
    pub size_bytes: u64,
}

/// Where a build may put things.
#[derive(Debug, Clone, Default)]
pub struct BuildOptions {
    /// The folder for the component; the crate's own `target` folder if not set.
    pub out: Option<PathBuf>,
    /// Cargo's target folder; cargo's own choice if not set.
    pub target_dir: Option<PathBuf>,
    /// Keep to `Cargo.lock`.
    pub locked: bool,
}

/// Why there is no component.
#[derive(Debug, Error)]
pub enum BuildError {
    /// Not a crate.
    #[error("`{0}` has no Cargo.toml; name the folder of a plugin crate")]
    NoCrate(PathBuf),
    /// cargo is not there.
    #[error("cargo did not run; install Rust from https://rustup.rs")]
    NoCargo(#[source] std::io::Error),
    /// The target is not installed.
    #[error("the compiler has no target {TARGET}; install it with `rustup target add {TARGET}`")]
    NoTarget,
    /// cargo said why on standard error.
    #[error("`{0}` did not compile; cargo's messages say why")]
    Failed(PathBuf),
    /// Nothing to make a component of.
    #[error("`{0}` makes no WebAssembly library; write `[lib]` and `crate-type = [\"cdylib\"]` in its Cargo.toml")]
    NoLibrary(PathBuf),
    /// The module is not made with the contract's bindings.
    #[error("`{path}` cannot be made a component: {what}")]
    NoComponent {
        /// The module.
        path: PathBuf,
        /// Why.
        what: String,
    },
    /// The component is no plugin.
    #[error("`{path}` {what}")]
    NotAPlugin {
        /// The module.
        path: PathBuf,
        /// Why.
        what: NotAPlugin,
    },
    /// Writing failed.
    #[error("`{path}` could not be read or written")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// Builds the crate in `dir`. cargo's own messages go to standard error as they come.
///
/// # Errors
/// If it does not compile, or is no plugin of this contract.
pub fn build(dir: &Path, options: &BuildOptions) -> Result<Built, BuildError> {
    let artifact = run_cargo(dir, options)?;
    let module =
        std::fs::read(&artifact.wasm).map_err(|source| BuildError::Io { path: artifact.wasm.clone(), source })?;
    let component = componentize(&artifact.wasm, &module)?;
    let kind = examine(&component).map_err(|what| BuildError::NotAPlugin { path: artifact.wasm.clone(), what })?;
    let out = options.out.clone().or_else(|| artifact.wasm.parent().map(Path::to_owned)).unwrap_or_default();
    // In cargo's own folder the module has the same name where the crate's has no hyphen.
    let name = if options.out.is_some() {
        format!("{}.wasm", artifact.package)
    } else {
        format!("{}.component.wasm", artifact.package)
    };
    let path = out.join(name);
    write_aside(&path, &component).map_err(|source| BuildError::Io { path: path.clone(), source })?;
    Ok(Built { path, kind, digest: Digest::of(&component), size_bytes: component.len() as u64 })
}

struct Artifact {
    package: String,
    wasm: PathBuf,
}

fn run_cargo(dir: &Path, options: &BuildOptions) -> Result<Artifact, BuildError> {
    let manifest = dir.join("Cargo.toml");
    if !manifest.is_file() {
        return Err(BuildError::NoCrate(dir.to_owned()));
    }
    let mut child = cargo(&manifest, options).spawn().map_err(BuildError::NoCargo)?;
    let stdout = child.stdout.take();
    let messages: Vec<String> =
        stdout.map(|out| BufReader::new(out).lines().map_while(Result::ok).collect()).unwrap_or_default();
    let status = child.wait().map_err(BuildError::NoCargo)?;
    if !status.success() {
        return Err(if lacks_target() { BuildError::NoTarget } else { BuildError::Failed(dir.to_owned()) });
    }
    let manifest = manifest.canonicalize().unwrap_or(manifest);
    messages
        .iter()
        .rev()
        .find_map(|line| artifact(line, &manifest))
        .ok_or_else(|| BuildError::NoLibrary(dir.to_owned()))
}

fn cargo(manifest: &Path, options: &BuildOptions) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .args(["build", "--release", "--target", TARGET, "--message-format=json-render-diagnostics", "--lib"])
        .arg("--manifest-path")
        .arg(manifest);
    PROFILE.iter().for_each(|setting| {
        cargo.args(["--config", setting]);
    });
    if let Some(target_dir) = &options.target_dir {
        cargo.arg("--target-dir").arg(target_dir);
    }
    if options.locked {
        cargo.arg("--locked");
    }
    // Flags meant for the host's own build would reach the guest, and one changed flag builds everything anew.
    cargo.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
    cargo.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    cargo
}

/// The module of the crate itself, from one line of cargo's JSON messages.
fn artifact(line: &str, manifest: &Path) -> Option<Artifact> {
    let message: serde_json::Value = serde_json::from_str(line).ok()?;
    if message["reason"] != "compiler-artifact" || Path::new(message["manifest_path"].as_str()?) != manifest {
        return None;
    }
    let files = message["filenames"].as_array()?;
    let wasm = files.iter().filter_map(|file| file.as_str()).find(|file| file.ends_with(".wasm"))?;
    Some(Artifact { package: package_name(manifest)?, wasm: wasm.into() })
}

/// The folder's crate name with its hyphens, which the library's name has lost.
fn package_name(manifest: &Path) -> Option<String> {
    let manifest: toml::Table = std::fs::read_to_string(manifest).ok()?.parse().ok()?;
    Some(manifest.get("package")?.get("name")?.as_str()?.replace('_', "-"))
}

/// Asked only once a build has failed; if rustc does not answer, cargo's own messages stand.
fn lacks_target() -> bool {
    let asked =
        Command::new("rustc").args(["--print", "target-libdir", "--target", TARGET]).stderr(Stdio::null()).output();
    asked.is_ok_and(|output| {
        output.status.success() && !Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir()
    })
}

fn componentize(path: &Path, module: &[u8]) -> Result<Vec<u8>, BuildError> {
    let encode = || ComponentEncoder::default().validate(true).module(module)?.encode();
    encode().map_err(|error| BuildError::NoComponent { path: path.to_owned(), what: explain(&format!("{error:#}")) })
}

/// The encoder's words for a module with imports name the first one only in passing.
fn explain(words: &str) -> String {
    if words.contains("import") {
        format!(
            "{words}; a plugin may import nothing: look for a dependency that asks for time, random numbers or JavaScript (`getrandom`, `wasm-bindgen`)"
        )
    } else {
        words.to_owned()
    }
}

/// Written aside and renamed, so that a pipeline that starts meanwhile reads the old one or the new one.
fn write_aside(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(dir)?;
    let mut file =
        tempfile::Builder::new().permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644)).tempfile_in(dir)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_a_crate_is_told() {
        let dir = tempfile::tempdir().expect("a folder");
        let error = build(dir.path(), &BuildOptions::default()).expect_err("no crate");
        assert!(error.to_string().contains("has no Cargo.toml"));
    }

    #[test]
    fn a_module_with_an_import_is_refused() {
        // (module (import "env" "f" (func)))
        let module = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x02\x09\x01\x03env\x01f\0\0";
        let error = componentize(Path::new("x.wasm"), module).expect_err("imports");
        assert!(error.to_string().contains("a plugin may import nothing"), "{error}");
    }

    #[test]
    fn the_artifact_is_the_one_of_the_crate_itself() {
        let dir = tempfile::tempdir().expect("a folder");
        let manifest = dir.path().join("Cargo.toml");
        std::fs::write(&manifest, "[package]\nname = \"order_totals\"\n").expect("written");
        let line = |manifest: &Path| {
            format!(
                r#"{{"reason":"compiler-artifact","manifest_path":"{}","filenames":["/t/a.rlib","/t/a.wasm"]}}"#,
                manifest.display()
            )
        };
        let found = artifact(&line(&manifest), &manifest).expect("found");
        assert_eq!((found.package.as_str(), found.wasm.as_path()), ("order-totals", Path::new("/t/a.wasm")));
        assert!(artifact(&line(Path::new("/other/Cargo.toml")), &manifest).is_none());
        assert!(artifact("not json", &manifest).is_none());
    }
}
