//! Real outside systems on loopback, for tests, the demo and benchmarks: Apache Kafka, HDFS, PostgreSQL and
//! Redis.
//!
//! Each instance has its own ports (from the kernel), its own folder and its own process group, and is stopped by its own process id.
//! A port that answers is not yet the service: an instance is ready when its process lives and its identity fits. Nothing here is part
//! of the shipped binary, and nothing here knows Weir.

mod cache;
#[cfg(feature = "client")]
pub mod client;
pub mod hdfs;
mod http;
mod jars;
pub mod kafka;
mod packages;
pub mod postgres;
mod process;
mod random;
pub mod redis;

pub use self::cache::cache_folder;

use std::io;
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
    /// A port that the kernel had called free was another's when the service came to it; on other ports it may start.
    #[error("{0}")]
    PortTaken(String),
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

/// Gets what the services need: jars are fetched, packages installed where root may. So that no test has to wait for it, and what is
/// missing is said at once.
///
/// # Errors
/// One for each service that would not start.
pub fn prepare() -> Result<(), Vec<ServiceError>> {
    let services = [kafka::prepare(), hdfs::prepare(), postgres::prepare(), redis::prepare()];
    let missing: Vec<ServiceError> = services.into_iter().filter_map(Result::err).collect();
    if missing.is_empty() { Ok(()) } else { Err(missing) }
}
