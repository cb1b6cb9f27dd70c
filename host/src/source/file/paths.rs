//! From paths and patterns to files: each exists, each comes once. It looks at the file system's names, not into files.

use super::SourceError;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// A file that exists.
pub(super) struct Found {
    /// Its path as the setting names it.
    pub(super) path: PathBuf,
    /// Its length, packed as it lies there.
    pub(super) bytes: u64,
}

/// The files that `wanted` names, in its order; what a pattern matches sorted by path.
pub(super) fn find(wanted: &[String]) -> Result<Vec<Found>, SourceError> {
    if wanted.is_empty() {
        return Err(SourceError::Setting("no files are named; name at least one file or pattern".to_owned()));
    }
    let mut found = Vec::new();
    let mut seen: HashMap<PathBuf, String> = HashMap::new();
    for name in wanted {
        for path in expand(name)? {
            let file = look_at(path)?;
            let real = file.path.canonicalize().map_err(|error| cannot_read(&file.path, &error))?;
            if let Some(before) = seen.insert(real, name.clone()) {
                return Err(twice(&file.path, &before, name));
            }
            found.push(file);
        }
    }
    Ok(found)
}

/// The paths that one entry names. A file whose very name looks like a pattern is taken by its name.
fn expand(name: &str) -> Result<Vec<PathBuf>, SourceError> {
    let literal = PathBuf::from(name);
    if !name.contains(['*', '?', '[']) || literal.is_file() {
        return Ok(vec![literal]);
    }
    let matches = glob::glob(name).map_err(|error| {
        SourceError::Setting(format!("{name} is not a pattern: {} at character {}", error.msg, error.pos + 1))
    })?;
    let mut paths = Vec::new();
    for path in matches {
        let path = path.map_err(|error| cannot_read(error.path(), error.error()))?;
        if !path.is_dir() {
            paths.push(path);
        }
    }
    if paths.is_empty() {
        return Err(SourceError::Setting(format!("no file matches {name}; check the folder and the ending")));
    }
    paths.sort();
    Ok(paths)
}

fn look_at(path: PathBuf) -> Result<Found, SourceError> {
    let data = path.metadata().map_err(|error| cannot_read(&path, &error))?;
    if data.is_dir() {
        let path = path.display();
        return Err(SourceError::Setting(format!("{path} is a folder; name the files in it, such as {path}/*.jsonl")));
    }
    if !data.is_file() {
        // A pipe can be read only once, and a resumed run has to read it again.
        return Err(SourceError::Setting(format!(
            "{} is not a regular file; write its lines to a file first",
            path.display()
        )));
    }
    Ok(Found { bytes: data.len(), path })
}

fn twice(path: &Path, before: &str, name: &str) -> SourceError {
    let by = if before == name { format!("by {name}") } else { format!("by {before} and by {name}") };
    SourceError::Setting(format!(
        "{} is named twice, {by}; its records would count twice, so name it once",
        path.display()
    ))
}

/// Says why a file can't be opened or read.
pub(super) fn cannot_read(path: &Path, error: &std::io::Error) -> SourceError {
    let path = path.display();
    match error.kind() {
        std::io::ErrorKind::NotFound => SourceError::Setting(format!("there is no file {path}")),
        std::io::ErrorKind::PermissionDenied => {
            SourceError::Setting(format!("{path} may not be read by this user: {error}"))
        }
        _ => SourceError::Outside(format!("{path} cannot be read: {error}")),
    }
}
