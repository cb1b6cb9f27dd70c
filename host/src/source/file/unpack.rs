//! A file's bytes unpacked: plain, gzip or zstd, told apart by their first bytes, because endings lie. It knows no lines.

use super::SourceError;
use super::paths::cannot_read;
use std::fs::File;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// A zstd file may begin with a skippable frame, whose first byte is 0x50 to 0x5f.
const ZSTD_SKIPPABLE: [u8; 3] = [0x2a, 0x4d, 0x18];

/// An open file that unpacks itself.
pub(super) struct Unpacked {
    path: PathBuf,
    bytes: Box<dyn Read + Send>,
    packed_read: Arc<AtomicU64>,
}

impl Unpacked {
    /// Opens the file and looks at its first bytes.
    pub(super) fn open(path: &Path) -> Result<Unpacked, SourceError> {
        let fail = |error: std::io::Error| cannot_read(path, &error);
        let packed_read = Arc::new(AtomicU64::new(0));
        let mut file = Counted { file: File::open(path).map_err(fail)?, read: packed_read.clone() };
        let mut head = Vec::new();
        (&mut file).take(4).read_to_end(&mut head).map_err(fail)?;
        let packing = Packing::of(&head, path)?;
        let all = Cursor::new(head).chain(file);
        let bytes: Box<dyn Read + Send> = match packing {
            Packing::None => Box::new(all),
            Packing::Gzip => Box::new(flate2::read::MultiGzDecoder::new(all)),
            Packing::Zstd => Box::new(zstd::Decoder::new(all).map_err(fail)?),
        };
        Ok(Unpacked { path: path.to_owned(), bytes, packed_read })
    }

    /// Appends up to `limit` unpacked bytes to `buffer`; fewer only at the end. What could be unpacked before an error is appended.
    pub(super) fn append(&mut self, buffer: &mut Vec<u8>, limit: usize) -> Result<usize, SourceError> {
        buffer.reserve(limit);
        let before = buffer.len();
        let done = (&mut self.bytes).take(limit as u64).read_to_end(buffer);
        done.map_err(|error| self.explain(&error))?;
        Ok(buffer.len() - before)
    }

    /// Bytes of the file read so far, packed.
    pub(super) fn packed_read(&self) -> u64 {
        self.packed_read.load(Ordering::Relaxed)
    }

    fn explain(&self, error: &std::io::Error) -> SourceError {
        let (path, byte) = (self.path.display(), self.packed_read());
        match error.kind() {
            std::io::ErrorKind::UnexpectedEof => SourceError::Lost(format!(
                "{path} breaks off at byte {byte}: its last packed frame is not whole; copy the file again"
            )),
            std::io::ErrorKind::InvalidData | std::io::ErrorKind::InvalidInput | std::io::ErrorKind::Other => {
                SourceError::Lost(format!(
                    "{path} cannot be unpacked, at or before byte {byte}: {error}; copy the file again"
                ))
            }
            _ => SourceError::Outside(format!("{path} cannot be read at byte {byte}: {error}")),
        }
    }
}

/// How a file is packed.
enum Packing {
    None,
    Gzip,
    Zstd,
}

impl Packing {
    fn of(head: &[u8], path: &Path) -> Result<Packing, SourceError> {
        if head.starts_with(&GZIP) {
            return Ok(Packing::Gzip);
        }
        if head.starts_with(&ZSTD) || head.len() == 4 && head[0] & 0xf0 == 0x50 && head[1..] == ZSTD_SKIPPABLE {
            return Ok(Packing::Zstd);
        }
        // Fewer bytes than a magic number can't be told apart; then the ending decides that there should be more of them.
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        if matches!((ending, head.len()), ("gz", 1) | ("zst", 1..=3)) {
            return Err(SourceError::Lost(format!(
                "{} breaks off at byte {}; copy the file again",
                path.display(),
                head.len()
            )));
        }
        Ok(Packing::None)
    }
}

/// Counts what is read of a file.
struct Counted {
    file: File,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}
