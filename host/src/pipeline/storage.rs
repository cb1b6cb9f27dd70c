//! From a place as it was typed to the file system that has it.

use crate::checkpoint::CheckpointError;
use crate::config::plan::FolderPlan;
use crate::storage::Storage;
use crate::storage::hdfs::Hdfs;
use crate::storage::local::Local;
use std::path::PathBuf;
use std::sync::Arc;

/// The file system of a folder, and its path there.
pub(super) fn open(folder: &FolderPlan) -> Result<(Arc<dyn Storage>, PathBuf), CheckpointError> {
    match folder {
        FolderPlan::Local(path) => Ok((Arc::new(Local), path.clone())),
        FolderPlan::Hdfs { url, path, properties } => {
            let hdfs = Hdfs::new(url, properties);
            let hdfs = hdfs.map_err(|source| CheckpointError::Io { place: folder.to_string(), source })?;
            Ok((Arc::new(hdfs), PathBuf::from(path)))
        }
    }
}
