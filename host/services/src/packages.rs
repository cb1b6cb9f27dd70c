//! Programs of the system: found, or installed where that is allowed.

use crate::process::run;
use crate::{ServiceError, cache};
use std::path::PathBuf;
use std::process::Command;

/// A program in the search path.
pub(crate) fn in_path(program: &str) -> Option<PathBuf> {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).map(|folder| folder.join(program)).find(|path| path.is_file())
}

/// Whether we are root.
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// What `find` finds, if need be after installing the package that has it; only root may do that, others are told the command.
pub(crate) fn found_or_installed<T>(
    program: &'static str,
    package: &'static str,
    find: impl Fn() -> Option<T>,
) -> Result<T, ServiceError> {
    if let Some(found) = find() {
        return Ok(found);
    }
    let missing = || ServiceError::Missing { program, package };
    if !is_root() || in_path("apt-get").is_none() {
        return Err(missing());
    }
    let _lock = cache::lock("packages")?;
    // Another process may have installed it while we waited.
    if find().is_none() {
        install(package)?;
    }
    find().ok_or_else(missing)
}

fn install(package: &'static str) -> Result<(), ServiceError> {
    if apt_get(&["install", "--no-install-recommends", package]).is_ok() {
        return Ok(());
    }
    // The lists may be missing, as in a fresh image, or name versions that are gone.
    apt_get(&["update"])?;
    apt_get(&["install", "--no-install-recommends", package])
}

fn apt_get(arguments: &[&str]) -> Result<(), ServiceError> {
    let mut apt = Command::new("apt-get");
    apt.args(["-q", "-y", "-o", "DPkg::Lock::Timeout=120"]).args(arguments);
    run(apt.env("DEBIAN_FRONTEND", "noninteractive"), "apt-get", "apt")
}
