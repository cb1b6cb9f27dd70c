//! Compiled code on disk: private to the user, authenticated, never needed.
//!
//! `Component::deserialize` trusts its input: whoever could write here could run code in the host. So the folder belongs to the
//! user alone, and every entry carries an HMAC under a random key beside it. A cache that is broken or not to be trusted costs a
//! warning and the time to compile; it never fails a run.

use super::engine::Engine;
use super::loader::Digest;
use rustix::process::geteuid;
use sha2::{Digest as _, Sha256};
use std::fs::{self, Metadata};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use tempfile::NamedTempFile;
use thiserror::Error;
use tracing::{debug, warn};
use wasmtime::component::Component;

const KEY_BYTES: usize = 32;
const MAC_BYTES: usize = 32;
/// Entries that are kept; beyond it, the oldest go. Most are some 100 KiB, Python's 80 MiB.
const ENTRIES_MAX: usize = 64;
const SUFFIX: &str = ".code";

/// Why there is no cache.
#[derive(Debug, Error)]
pub enum CacheError {
    /// The folder or key could not be made or read.
    #[error("`{path}`: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Others can get at it.
    #[error("`{path}` {what}")]
    NotPrivate {
        /// The file or folder.
        path: PathBuf,
        /// Why, and what to do.
        what: &'static str,
    },
}

/// A folder of compiled code.
#[derive(Debug)]
pub struct Cache {
    dir: PathBuf,
    key: [u8; KEY_BYTES],
}

impl Cache {
    /// In `$WEIR_CACHE_DIR`, else `$XDG_CACHE_HOME/weir`, else `~/.cache/weir`. Warns and does without if that is not possible.
    pub fn from_env() -> Option<Self> {
        let dir = dir_from(|name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from));
        let Some(dir) = dir else {
            warn!("compiled plugins are not kept: neither WEIR_CACHE_DIR nor HOME is set");
            return None;
        };
        Self::at(&dir)
            .inspect_err(|error| {
                warn!("compiled plugins are not kept: {error}; set WEIR_CACHE_DIR to a private folder")
            })
            .ok()
    }

    /// In this folder, which is made if it is missing.
    ///
    /// # Errors
    /// If the folder or its key is not private to the user, or not to be read or written.
    pub fn at(dir: &Path) -> Result<Self, CacheError> {
        let io = |source| CacheError::Io { path: dir.to_owned(), source };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(io)?;
        let meta = fs::symlink_metadata(dir).map_err(io)?;
        if !meta.is_dir() {
            return Err(CacheError::NotPrivate { path: dir.to_owned(), what: "is a link; name the folder itself" });
        }
        private(dir, &meta)?;
        Ok(Self { dir: dir.to_owned(), key: key(dir)? })
    }

    /// The component with this digest, if its code is here and whole.
    pub(super) fn load(&self, engine: &Engine, digest: Digest) -> Option<Component> {
        let name = entry_name(engine, digest);
        let path = self.dir.join(&name);
        let entry = match fs::read(&path) {
            Ok(entry) => entry,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
            Err(error) => {
                warn!("compiled plugin `{}` could not be read, so it is compiled again: {error}", path.display());
                return None;
            }
        };
        let component = self.verified(&name, &entry).and_then(|code| {
            // SAFETY: the HMAC under the user's private key says that this process or an earlier one wrote these bytes as the
            // output of this engine's compiler for this digest. Compiling anew each time is the slow way that this replaces.
            unsafe { Component::deserialize(engine.wasmtime(), code) }.map_err(|error| format!("{error:#}"))
        });
        component
            .inspect_err(|what| {
                warn!("compiled plugin `{}` is broken, so it is compiled again: {what}", path.display())
            })
            .ok()
    }

    /// Keeps code; whatever goes wrong is only a warning.
    pub(super) fn store(&self, engine: &Engine, digest: Digest, code: &[u8]) {
        let name = entry_name(engine, digest);
        if let Err(error) = self.write(&name, code).and_then(|()| self.evict()) {
            warn!("compiled plugin `{}` is not kept: {error}", self.dir.join(&name).display());
        }
    }

    fn verified<'a>(&self, name: &str, entry: &'a [u8]) -> Result<&'a [u8], String> {
        let (mac, code) = entry.split_at_checked(MAC_BYTES).ok_or("it is cut short")?;
        let wanted = self.mac(name, code);
        // Compared whole, so that time tells nothing of where they differ.
        let differs = mac.iter().zip(wanted).fold(0, |differs, (a, b)| differs | (a ^ b));
        if differs == 0 { Ok(code) } else { Err("it is not what was written".into()) }
    }

    /// Written aside and renamed, so that a reader finds all of it or nothing.
    fn write(&self, name: &str, code: &[u8]) -> std::io::Result<()> {
        let mut file = NamedTempFile::new_in(&self.dir)?;
        file.write_all(&self.mac(name, code))?;
        file.write_all(code)?;
        file.persist(self.dir.join(name))?;
        debug!(name, bytes = code.len(), "compiled plugin kept");
        Ok(())
    }

    fn evict(&self) -> std::io::Result<()> {
        let mut entries: Vec<(SystemTime, PathBuf)> = fs::read_dir(&self.dir)?
            .filter_map(Result::ok)
            .filter(|entry| entry.file_name().to_string_lossy().ends_with(SUFFIX))
            .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
            .collect();
        entries.sort();
        let surplus = entries.len().saturating_sub(ENTRIES_MAX);
        entries[..surplus].iter().try_for_each(|(_, path)| fs::remove_file(path))
    }

    fn mac(&self, name: &str, code: &[u8]) -> [u8; MAC_BYTES] {
        hmac(&self.key, &[name.as_bytes(), &[0], code])
    }
}

/// The engine's key holds wasmtime's version and every setting that shapes code.
fn entry_name(engine: &Engine, digest: Digest) -> String {
    format!("{digest}-{}{SUFFIX}", engine.code_key())
}

fn dir_from(var: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    var("WEIR_CACHE_DIR")
        .or_else(|| var("XDG_CACHE_HOME").map(|dir| dir.join("weir")))
        .or_else(|| var("HOME").map(|dir| dir.join(".cache").join("weir")))
}

fn private(path: &Path, meta: &Metadata) -> Result<(), CacheError> {
    let not_private = |what| Err(CacheError::NotPrivate { path: path.to_owned(), what });
    if meta.uid() != geteuid().as_raw() {
        return not_private("belongs to another user; name a folder of your own");
    }
    if meta.mode() & 0o077 != 0 {
        return not_private("is open to others; take their rights away with `chmod go-rwx`");
    }
    Ok(())
}

/// Reads the key, or makes it: several processes may start at once, and the first one's key is everybody's.
fn key(dir: &Path) -> Result<[u8; KEY_BYTES], CacheError> {
    let path = dir.join("key");
    let io = |source| CacheError::Io { path: path.clone(), source };
    if !path.try_exists().map_err(io)? {
        let mut fresh = NamedTempFile::new_in(dir).map_err(io)?;
        fresh.write_all(&random().map_err(io)?).map_err(io)?;
        match fresh.persist_noclobber(&path) {
            Err(error) if error.error.kind() != std::io::ErrorKind::AlreadyExists => {
                return Err(io(error.error));
            }
            _ => {}
        }
    }
    let mut file = fs::OpenOptions::new()
        .read(true)
        .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits() as i32)
        .open(&path)
        .map_err(io)?;
    private(&path, &file.metadata().map_err(io)?)?;
    let mut key = [0; KEY_BYTES];
    file.read_exact(&mut key).map_err(io)?;
    Ok(key)
}

fn random() -> std::io::Result<[u8; KEY_BYTES]> {
    let mut bytes = [0; KEY_BYTES];
    fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// HMAC-SHA-256 (RFC 2104) with a key shorter than a block; six lines do not need a crate.
fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; MAC_BYTES] {
    const BLOCK_BYTES: usize = 64;
    let pad = |with: u8| {
        let mut block = [with; BLOCK_BYTES];
        block.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
        Sha256::new_with_prefix(block)
    };
    let inner = parts.iter().fold(pad(0x36), |hash, part| hash.chain_update(part)).finalize();
    pad(0x5c).chain_update(inner).finalize().into()
}

#[cfg(test)]
#[path = "cache_tests.rs"]
mod tests;
