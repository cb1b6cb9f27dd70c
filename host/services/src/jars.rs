//! A Java service's jars, fetched once with Maven into the cache that all runs share.

use crate::process::run;
use crate::{ServiceError, cache, cache_folder};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Both at once: whoever lacks one mostly lacks the other too.
pub(crate) const PACKAGES: &str = "openjdk-17-jre-headless maven";

/// The jars of one service.
#[derive(Debug)]
pub(crate) struct Jars {
    /// Names the folder in the cache.
    pub(crate) name: &'static str,
    /// Too.
    pub(crate) version: &'static str,
    /// What Maven is asked for.
    pub(crate) pom: &'static str,
}

impl Jars {
    /// The folder with the jars; the first caller fetches them while the others wait at a lock.
    pub(crate) fn fetch(&self) -> Result<PathBuf, ServiceError> {
        run(Command::new("java").arg("-version"), "java", PACKAGES)?;
        let name = format!("{}-{}", self.name, self.version);
        let done = cache_folder().join(&name);
        if !done.is_dir() {
            let _lock = cache::lock(&name)?;
            if !done.is_dir() {
                let part = cache_folder().join(format!("{name}.part"));
                self.fetch_into(&part)?;
                // Only a whole folder gets the name that others look for.
                std::fs::rename(&part, &done).map_err(ServiceError::io("the fetched jars can't be moved"))?;
            }
        }
        Ok(done.join("lib"))
    }

    fn fetch_into(&self, part: &Path) -> Result<(), ServiceError> {
        // What an interrupted run left is fetched anew: Maven keeps what it has in its own cache.
        let _ = std::fs::remove_dir_all(part);
        std::fs::create_dir_all(part).map_err(ServiceError::io("the cache can't be written"))?;
        std::fs::write(part.join("pom.xml"), self.pom).map_err(ServiceError::io("the cache can't be written"))?;
        let mut maven = Command::new("mvn");
        maven.args(["-B", "-q", "dependency:copy-dependencies", "-DoutputDirectory=lib"]).current_dir(part);
        run(&mut maven, "mvn", PACKAGES)
    }
}

/// A Java program that shares the machine: quick to start, and with no more heap than so many MiB.
pub(crate) fn java(heap_mib: u32, class_path: &[PathBuf], class: &str) -> Command {
    let mut java = Command::new("java");
    java.args(["-Xms128m", &format!("-Xmx{heap_mib}m"), "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]);
    java.args(["-Dorg.slf4j.simpleLogger.defaultLogLevel=info", "-Dorg.slf4j.simpleLogger.showDateTime=true"]);
    let path: Vec<_> = class_path.iter().map(|part| part.display().to_string()).collect();
    java.arg("-cp").arg(path.join(":")).arg(class);
    java
}
