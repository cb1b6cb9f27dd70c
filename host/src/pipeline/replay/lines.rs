//! Writes records into a file, one a line, for a pipeline that reads files: aside, synced, then given its name.
//!
//! Each line is one record. Where a record that is JSON holds line ends, they become spaces, which mean the same there; in what is no JSON
//! nobody can say what they mean.

use super::gather::Gathered;
use super::{Fed, ReplayError};
use serde::de::IgnoredAny;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Makes each record a line; those that can't be are refused.
pub(super) fn make_lines(gathered: &mut Gathered) {
    let mut lines = Vec::with_capacity(gathered.records.len());
    for mut record in std::mem::take(&mut gathered.records) {
        if record.value.trim_ascii().is_empty() {
            gathered.refuse(&record.fed.letter, "it is empty, and an empty line is no record");
            continue;
        }
        if record.value.iter().any(is_line_end) {
            if serde_json::from_slice::<IgnoredAny>(&record.value).is_err() {
                gathered.refuse(
                    &record.fed.letter,
                    "it holds a line end and is no JSON: as a line it would be two records",
                );
                continue;
            }
            record.value.iter_mut().filter(|byte| is_line_end(byte)).for_each(|byte| *byte = b' ');
        }
        lines.push(record);
    }
    gathered.records = lines;
}

fn is_line_end(byte: &u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

/// Writes the lines aside, durably; the file's name must be free.
pub(super) fn write(path: &Path, call: &str, gathered: &Gathered) -> Result<PathBuf, ReplayError> {
    if path.symlink_metadata().is_ok() {
        let reason = io::Error::new(ErrorKind::AlreadyExists, "it is there already: name a new file");
        return Err(failed(path)(reason));
    }
    let mut name = OsString::from(path);
    name.push(format!(".{call}.aside"));
    let aside = PathBuf::from(name);
    let lines = || {
        let mut writer = BufWriter::new(OpenOptions::new().write(true).create_new(true).open(&aside)?);
        for record in &gathered.records {
            writer.write_all(&record.value)?;
            writer.write_all(b"\n")?;
        }
        writer.into_inner()?.sync_all()?;
        sync_folder(&aside)
    };
    lines().map_err(failed(&aside))?;
    Ok(aside)
}

/// Gives the file its name.
pub(super) fn publish(aside: &Path, path: &Path) -> Result<(), ReplayError> {
    fs::rename(aside, path).and_then(|()| sync_folder(path)).map_err(failed(path))
}

/// Whether a call that broke off had given its file its name; if not, what it left behind goes.
pub(super) fn find_out(aside: &Path, letters: &[Fed]) -> Result<BTreeSet<Fed>, ReplayError> {
    match fs::remove_file(aside) {
        Ok(()) => Ok(BTreeSet::new()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(letters.iter().cloned().collect()),
        Err(error) => Err(failed(aside)(error)),
    }
}

fn sync_folder(path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(parent)?.sync_all()
}

fn failed(path: &Path) -> impl Fn(io::Error) -> ReplayError {
    let path = path.display().to_string();
    move |source| ReplayError::Read { path: path.clone(), source }
}
