//! Real outside systems on loopback, for tests, the demo and benchmarks: an Apache Kafka broker in KRaft mode.
//!
//! Each instance has its own ports (from the kernel), its own folder and its own process group, and is stopped by its own process id.
//! A port that answers is not yet the service: an instance is ready when its process lives and its identity fits. Nothing here is part
//! of the shipped binary, and nothing here knows Weir.

#[cfg(feature = "client")]
pub mod client;
pub mod kafka;
mod process;

use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Why a service does not run.
#[derive(Debug, Error)]
pub enum ServiceError {
    /// A program that it needs is not installed; the message says which package has it.
    #[error("{program} is not installed; on Debian: apt-get install {package}")]
    Missing {
        /// The program.
        program: &'static str,
        /// Debian's packages that have it.
        package: &'static str,
    },
    /// A file or process could not be handled.
    #[error("{what}: {error}")]
    Io {
        /// What was tried.
        what: String,
        /// Why it failed.
        error: io::Error,
    },
    /// The service said no; the message ends with its own last lines.
    #[error("{0}")]
    Failed(String),
}

impl ServiceError {
    fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> ServiceError {
        let what = what.into();
        move |error| ServiceError::Io { what, error }
    }
}

/// Where downloads are kept that all runs share: `services` in cargo's target folder.
pub fn cache_folder() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
    target.unwrap_or_else(|| root.unwrap_or(Path::new(".")).join("target")).join("services")
}
