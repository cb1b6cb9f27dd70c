//! The broker's jars, fetched once with Maven into the cache that all runs share.

use crate::process::run;
use crate::{ServiceError, cache_folder};
use std::fs::File;
use std::path::PathBuf;
use std::process::Command;

/// The broker's version.
pub const VERSION: &str = "4.4.0";

/// `kafka-tools-api` of this version is not published and not needed by the broker.
const POM: &str = r#"<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>weir</groupId><artifactId>kafka-broker</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>4.4.0</version>
      <exclusions><exclusion><groupId>org.apache.kafka</groupId><artifactId>kafka-tools-api</artifactId></exclusion></exclusions>
    </dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
"#;

/// The folder with the jars; the first caller fetches them while the others wait at a lock.
pub(super) fn fetch() -> Result<PathBuf, ServiceError> {
    run(Command::new("java").arg("-version"), "java", super::PACKAGES)?;
    let cache = cache_folder();
    let done = cache.join(format!("kafka-{VERSION}"));
    if done.is_dir() {
        return Ok(done.join("lib"));
    }
    std::fs::create_dir_all(&cache).map_err(ServiceError::io(format!("{} can't be made", cache.display())))?;
    let lock = File::create(cache.join(format!("kafka-{VERSION}.lock")))
        .map_err(ServiceError::io("the cache can't be locked"))?;
    lock.lock().map_err(ServiceError::io("the cache can't be locked"))?;
    if !done.is_dir() {
        let part = cache.join(format!("kafka-{VERSION}.part"));
        fetch_into(&part)?;
        // Only a whole folder gets the name that others look for.
        std::fs::rename(&part, &done).map_err(ServiceError::io("the fetched jars can't be moved"))?;
    }
    Ok(done.join("lib"))
}

fn fetch_into(part: &PathBuf) -> Result<(), ServiceError> {
    // What an interrupted run left is fetched anew: Maven keeps what it has in its own cache.
    let _ = std::fs::remove_dir_all(part);
    std::fs::create_dir_all(part).map_err(ServiceError::io("the cache can't be written"))?;
    std::fs::write(part.join("pom.xml"), POM).map_err(ServiceError::io("the cache can't be written"))?;
    let mut maven = Command::new("mvn");
    maven.args(["-B", "-q", "dependency:copy-dependencies", "-DoutputDirectory=lib"]).current_dir(part);
    run(&mut maven, "mvn", super::PACKAGES)?;
    Ok(())
}
