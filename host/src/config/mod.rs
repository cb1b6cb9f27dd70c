//! The pipeline file: text → file → check → plan. The only room that knows TOML.
//!
//! ```text
//! text ──toml──▶ Table, Item (read.rs, item.rs) ──▶ File: as typed (file/) ──▶ check.rs ──▶ Plan (plan.rs)
//!                       └────────────── every problem, with its place ──────────┘──▶ Problems (problem.rs)
//! ```
//!
//! Nothing is opened but the file itself: plugins, topics and input files are for others, who add what they find to [`Problems`].

mod check;
mod env;
mod file;
mod item;
mod path;
pub mod plan;
mod problem;
mod read;
pub(crate) mod tables;
mod units;

pub use env::{ExpandError, Expanded, Lookup, expand};
pub use problem::{Problem, Problems, SHOWN_MAX};

use plan::{Plan, SourceText};
use read::Reader;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use thiserror::Error;
use toml::de::DeTable;

/// Bytes of a pipeline file at the most: 1 MiB. The longest that people write have some 10 KiB.
pub const FILE_BYTES_MAX: u64 = 1 << 20;

/// Why there is no plan. All of it is for the operator to mend.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file can't be read.
    #[error("{path} can't be read; check the path and its permissions")]
    Read {
        /// As the user named it.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is no pipeline file by its size.
    #[error("{path} is larger than 1 MiB; a pipeline file is TOML, records belong into the files that it names")]
    TooLarge {
        /// As the user named it.
        path: PathBuf,
    },
    /// The file isn't text.
    #[error("{path} is not UTF-8 from byte {valid_bytes} on; save it as UTF-8")]
    NotText {
        /// As the user named it.
        path: PathBuf,
        /// Bytes before the first that is not text.
        valid_bytes: usize,
    },
    /// The file is wrong.
    #[error(transparent)]
    Problems(#[from] Problems),
}

/// Reads and checks a pipeline file. Relative paths in it are taken from its own folder.
///
/// # Errors
/// The file can't be read, or has problems: then all of them.
pub fn load(path: &Path, env: Lookup<'_>) -> Result<Plan, ConfigError> {
    let read = |source| ConfigError::Read { path: path.to_path_buf(), source };
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(read)?;
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(read)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(ConfigError::TooLarge { path: path.to_path_buf() });
    }
    let text = String::from_utf8(bytes).map_err(|error| ConfigError::NotText {
        path: path.to_path_buf(),
        valid_bytes: error.utf8_error().valid_up_to(),
    })?;
    let absolute = std::path::absolute(path).map_err(read)?;
    let folder = absolute.parent().unwrap_or(Path::new("/"));
    Ok(parse(&path.display().to_string(), &text, folder, env)?)
}

/// Checks the text of a pipeline file. `name` is for messages; relative paths are taken from `folder`.
///
/// # Errors
/// All problems of the text at once.
pub fn parse(name: &str, text: &str, folder: &Path, env: Lookup<'_>) -> Result<Plan, Problems> {
    let source = SourceText { name: name.to_string(), text: Arc::from(text) };
    let (document, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        return Err(Problems::new(source, errors.iter().map(|error| not_toml(error, text)).collect()));
    }
    let reader = Reader::new(text, env, folder);
    let file = file::read(&reader, document.get_ref());
    check::check(&file, &reader);
    let plan = check::plan(file, source.clone(), folder.to_path_buf());
    match (plan, reader.into_problems()) {
        (Some(plan), problems) if problems.is_empty() => Ok(plan),
        (_, problems) => {
            debug_assert!(!problems.is_empty(), "a plan is only refused with a reason");
            Err(Problems::new(source, problems))
        }
    }
}

/// A sentence on TOML itself.
fn not_toml(error: &toml::de::Error, text: &str) -> Problem {
    let mut place = error.span().unwrap_or(text.len()..text.len());
    // At the end of a line there is nothing to underline: show the character before.
    if place.is_empty() {
        place.start = place.start.saturating_sub(1);
    }
    let duplicate = error.message().starts_with("duplicate key");
    let problem = Problem::new(place, format!("this is not TOML: {}", error.message()));
    problem.help(if duplicate {
        "a key or section stands once; a list of sections is written with double brackets, such as `[[kpi]]`"
    } else {
        "write `key = value`, with texts in double quotes and sections in brackets"
    })
}

#[cfg(test)]
mod tests;
