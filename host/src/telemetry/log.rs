//! Sets up the log: standard error, plain or JSON, filtered by `WEIR_LOG`.

use std::io::{self, IsTerminal};
use tracing_subscriber::{EnvFilter, fmt};

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, for collectors.
    Json,
}

/// Starts logging to standard error. `filter` is a level or tracing directives (`info`, `weir=debug`); one that can't be read
/// falls back to `info`. Called once; a second call changes nothing.
pub fn init(format: LogFormat, filter: &str) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let colour = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let base = fmt().with_env_filter(filter).with_writer(io::stderr).with_target(false).with_ansi(colour);
    // An `Err` only says that a subscriber is already set, as in tests.
    let _ = match format {
        LogFormat::Text => base.try_init(),
        LogFormat::Json => base.json().try_init(),
    };
}
