//! Where PostgreSQL's programs are, and as whom they run.

use crate::ServiceError;
use crate::packages::{found_or_installed, in_path, is_root};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Debian's package of the server, in whichever version the system has.
pub(super) const PACKAGE: &str = "postgresql";
/// Where Debian puts each version's programs; those in the search path are wrappers, and not the server's.
const VERSIONS: &str = "/usr/lib/postgresql";
/// Who runs the server if we are root.
const SERVER_USER: &str = "postgres";
/// Lets that user into folders that are root's.
const MAY_ENTER: &str = "+dac_override";

/// The programs of one version.
#[derive(Debug)]
pub(super) struct Programs {
    folder: PathBuf,
}

impl Programs {
    pub(super) fn find() -> Result<Programs, ServiceError> {
        let folder = found_or_installed("PostgreSQL", PACKAGE, || newest(Path::new(VERSIONS)).or_else(beside_path))?;
        Ok(Programs { folder })
    }

    /// A program of the server.
    pub(super) fn server(&self, program: &str) -> Command {
        let path = self.folder.join(program);
        let mut command = if is_root() {
            // It executes the program in its own place: the process id stays.
            let mut change = Command::new("setpriv");
            change.args(["--reuid", SERVER_USER, "--regid", SERVER_USER, "--init-groups"]);
            change.args(["--inh-caps", MAY_ENTER, "--ambient-caps", MAY_ENTER]).arg(path);
            change
        } else {
            Command::new(path)
        };
        // One that the user may be in, unlike perhaps ours.
        command.current_dir("/");
        command
    }

    /// A client's program.
    pub(super) fn client(&self, program: &str) -> Command {
        Command::new(self.folder.join(program))
    }
}

fn newest(versions: &Path) -> Option<PathBuf> {
    let entries = versions.read_dir().ok()?.flatten();
    let numbered = entries.filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path())));
    let folders = numbered.map(|(version, path)| (version, path.join("bin")));
    folders.filter(|(_, folder)| is_whole(folder)).max().map(|(_, folder)| folder)
}

fn beside_path() -> Option<PathBuf> {
    let folder = in_path("initdb")?.parent()?.to_owned();
    is_whole(&folder).then_some(folder)
}

fn is_whole(folder: &Path) -> bool {
    ["initdb", "postgres", "psql"].iter().all(|program| folder.join(program).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_whole_version_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let programs = [("9", "initdb postgres psql"), ("15", "initdb postgres psql"), ("16", "psql"), ("common", "")];
        for (version, programs) in programs {
            let bin = folder.path().join(version).join("bin");
            std::fs::create_dir_all(&bin).unwrap();
            programs.split_whitespace().for_each(|program| std::fs::write(bin.join(program), "").unwrap());
        }
        assert_eq!(newest(folder.path()), Some(folder.path().join("15/bin")));
        assert_eq!(newest(&folder.path().join("none")), None);
    }
}
