//! Finds the component that a pipeline file names: by name in the plugin folders, by path, or pinned by digest.

use crate::config::plan::PluginReference;
use std::path::{Path, PathBuf};

/// Where plugins named by name are looked up, in order.
#[derive(Debug, Clone, Default)]
pub struct PluginFolders {
    folders: Vec<PathBuf>,
}

/// A found component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The file.
    pub path: PathBuf,
    /// The SHA-256 that the pipeline file pins, in lower-case hex.
    pub digest: Option<String>,
}

impl PluginFolders {
    /// `--plugin-path` first, then `WEIR_PLUGIN_PATH` (folders separated by `:`), then `plugins/` beside the pipeline file.
    pub fn new(flags: &[PathBuf], variable: Option<&str>, file_folder: &Path) -> Self {
        let mut folders = flags.to_vec();
        folders.extend(variable.unwrap_or_default().split(':').filter(|part| !part.is_empty()).map(PathBuf::from));
        folders.push(file_folder.join("plugins"));
        Self { folders }
    }

    /// The component for what the pipeline file says, or a message and the help to go with it.
    pub fn find(&self, reference: &PluginReference) -> Result<Found, (String, String)> {
        let (name, digest) = match reference {
            PluginReference::File(path) => return file(path),
            PluginReference::Name(name) => (name, None),
            PluginReference::Pinned { name, sha256 } => (name, Some(sha256.clone())),
        };
        let file_name = format!("{name}.wasm");
        if let Some(path) = self.folders.iter().map(|folder| folder.join(&file_name)).find(|path| path.is_file()) {
            return Ok(Found { path, digest });
        }
        Err((format!("plugin `{name}` is not found"), self.advice(&file_name)))
    }

    fn advice(&self, file_name: &str) -> String {
        let looked: Vec<String> = self.folders.iter().map(|folder| folder.display().to_string()).collect();
        format!(
            "looked for `{file_name}` in {}; build it with `weir plugin build DIR --out {}`, or name its folder with --plugin-path or WEIR_PLUGIN_PATH",
            looked.join(", "),
            looked.last().map_or("plugins", String::as_str)
        )
    }
}

fn file(path: &Path) -> Result<Found, (String, String)> {
    if path.is_file() {
        return Ok(Found { path: path.to_path_buf(), digest: None });
    }
    let help = "paths are relative to the pipeline file's folder; a plain name without `/` and `.wasm` is looked up in the plugin folders";
    Err((format!("no plugin at `{}`", path.display()), help.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_tried_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let (first, beside) = (dir.path().join("first"), dir.path().join("plugins"));
        for folder in [&first, &beside] {
            std::fs::create_dir(folder).unwrap();
            std::fs::write(folder.join("sales.wasm"), b"x").unwrap();
        }
        let folders = PluginFolders::new(std::slice::from_ref(&first), Some("/nowhere:"), dir.path());
        let find = |name: &str| folders.find(&PluginReference::Name(name.into()));
        assert_eq!(find("sales").unwrap().path, first.join("sales.wasm"));
        let (message, help) = find("sale").unwrap_err();
        assert_eq!(message, "plugin `sale` is not found");
        assert!(help.contains("/nowhere"), "{help}");
        let beside = beside.join("sales.wasm");
        assert_eq!(folders.find(&PluginReference::File(beside.clone())).unwrap().path, beside);
        assert!(folders.find(&PluginReference::File(dir.path().join("x.wasm"))).is_err());
    }
}
