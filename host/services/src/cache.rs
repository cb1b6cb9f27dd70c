//! The folder where all runs, of all tests, keep what they need only once.

use crate::ServiceError;
use std::fs::File;
use std::path::{Path, PathBuf};

/// Where downloads are kept that all runs share: `services` in cargo's target folder.
pub fn cache_folder() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
    target.unwrap_or_else(|| root.unwrap_or(Path::new(".")).join("target")).join("services")
}

/// Holds a lock of this name until the file is dropped; others, in other processes too, wait.
pub(crate) fn lock(name: &str) -> Result<File, ServiceError> {
    let cache = cache_folder();
    std::fs::create_dir_all(&cache).map_err(ServiceError::io(format!("{} can't be made", cache.display())))?;
    let lock = File::create(cache.join(format!("{name}.lock")));
    let locked = lock.and_then(|lock| lock.lock().map(|()| lock));
    locked.map_err(ServiceError::io("the cache can't be locked"))
}
