//! Files of a folder. What a crash left aside has to be gone as well, so every file counts.

use super::{Held, lines};
use std::io::ErrorKind;
use std::path::Path;

pub(super) fn section() -> String {
    "type = \"json-files\"\npath = \"out\"\ninterval = \"10m\"".to_owned()
}

/// Every file below the folder. A file whose last line has no end is told as one more row, since it was cut.
pub fn held(folder: &Path) -> Result<Held, String> {
    let mut held = Held::default();
    collect(folder, folder, &mut held)?;
    Ok(held)
}

fn collect(top: &Path, folder: &Path, held: &mut Held) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(failed)?,
    };
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        if path.is_dir() {
            collect(top, &path, held)?;
            continue;
        }
        let bytes = std::fs::read(&path).map_err(failed)?;
        let mut rows = lines(&bytes);
        if !bytes.is_empty() && !bytes.ends_with(b"\n") {
            rows.push(b"(cut)".to_vec());
        }
        held.rows.insert(path.strip_prefix(top).unwrap_or(&path).to_string_lossy().into_owned(), rows);
    }
    Ok(())
}
