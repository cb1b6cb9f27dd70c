//! HDFS on loopback, from Maven Central: one NameNode and one DataNode, each a process of its own that can be killed and started again on
//! its data. Needs Java 17 or later and, the first time, Maven and a network.

mod config;
mod jars;
mod state;
mod web;

pub use self::jars::VERSION;

use crate::jars::{PACKAGES, java};
use crate::process::{Daemon, on_free_ports, run};
use crate::{ServiceError, random};
use config::Ports;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// How long a daemon may take; both serve after 9 s on two idle cores, most of which the NameNode spends on looking through its jars.
const READY_WAIT: Duration = Duration::from_secs(180);
const HEAP_MIB: u32 = 256;
const NAME_NODE: &str = "org.apache.hadoop.hdfs.server.namenode.NameNode";
const DATA_NODE: &str = "org.apache.hadoop.hdfs.server.datanode.DataNode";
/// What the daemons log when they listen, and the DataNode when the NameNode knows its blocks.
const NAME_NODE_BEGINS: &str = "NameNode RPC up at";
const DATA_NODE_BEGINS: &str = "IPC Server listener on";
const DATA_NODE_MET: &str = "Successfully sent block report";

/// A running file system; dropped, it is stopped. Its folder stays.
#[derive(Debug)]
pub struct Hdfs {
    folder: PathBuf,
    jars: PathBuf,
    ports: Ports,
    cluster: String,
    name_node: Daemon,
    data_node: Daemon,
}

/// Fetches what HDFS needs, so that no test has to wait for it.
///
/// # Errors
/// As [`Hdfs::start`].
pub fn prepare() -> Result<(), ServiceError> {
    jars::JARS.fetch().map(drop)
}

impl Hdfs {
    /// Makes an empty file system in a folder of its own, which is made, starts both daemons and waits until files can be written. Its
    /// permissions are not enforced, and there is one copy of each block.
    ///
    /// # Errors
    /// `Missing` without Java or Maven, `Failed` with the end of a daemon's log when it does not come up.
    pub fn start(folder: &Path) -> Result<Hdfs, ServiceError> {
        let jars = jars::JARS.fetch()?;
        let folder = std::path::absolute(folder).map_err(ServiceError::io("no working folder"))?;
        config::make_folders(&folder)?;
        let mut hdfs = Hdfs {
            jars,
            ports: Ports::default(),
            cluster: format!("CID-{:032x}", random::bits()?),
            name_node: Daemon::new("the NameNode", folder.join("name-node.log")),
            data_node: Daemon::new("the DataNode", folder.join("data-node.log")),
            folder,
        };
        config::write(&hdfs.folder, hdfs.ports)?;
        let mut format = hdfs.java(NAME_NODE);
        run(format.args(["-format", "-nonInteractive", "-clusterid", &hdfs.cluster]), "java", PACKAGES)?;
        on_free_ports(Ports::COUNT, |ports| {
            hdfs.ports = Ports::named(ports);
            config::write(&hdfs.folder, hdfs.ports)?;
            hdfs.restart()
        })?;
        Ok(hdfs)
    }

    /// Starts both daemons again on their data and ports, and waits until files can be written. What runs is stopped first.
    ///
    /// # Errors
    /// `Failed` with the end of a daemon's log when it does not come up.
    pub fn restart(&mut self) -> Result<(), ServiceError> {
        self.stop();
        // Both at once: each takes seconds to load, and the DataNode knocks until it is let in.
        self.spawn_name_node()?;
        self.spawn_data_node()?;
        self.wait()
    }

    /// Starts the NameNode again on its data and port, after it was killed; one that runs is stopped first. Waits until files can be
    /// written if there is a DataNode, else until it answers.
    ///
    /// # Errors
    /// As [`Hdfs::restart`].
    pub fn restart_name_node(&mut self) -> Result<(), ServiceError> {
        self.name_node.stop();
        self.spawn_name_node()?;
        self.wait()
    }

    /// Starts the DataNode again on its data and ports, after it was killed; one that runs is stopped first. Waits until files can be
    /// written if there is a NameNode, else until it answers.
    ///
    /// # Errors
    /// As [`Hdfs::restart`].
    pub fn restart_data_node(&mut self) -> Result<(), ServiceError> {
        self.data_node.stop();
        self.spawn_data_node()?;
        self.wait()
    }

    fn spawn_name_node(&mut self) -> Result<(), ServiceError> {
        self.name_node.spawn(&mut self.java(NAME_NODE))
    }

    fn spawn_data_node(&mut self) -> Result<(), ServiceError> {
        self.data_node.spawn(&mut self.java(DATA_NODE))
    }

    /// Waits for all that runs, and for the two to have met.
    ///
    /// First by their own logs: asked over HTTP before it has begun, a daemon answers with stack traces, and a DataNode may never begin.
    fn wait(&mut self) -> Result<(), ServiceError> {
        let (name, data) = (self.name_node.is_running(), self.data_node.is_running());
        if name {
            self.name_node.wait_for_text(READY_WAIT, NAME_NODE_BEGINS)?;
        }
        if data {
            self.data_node.wait_for_text(READY_WAIT, if name { DATA_NODE_MET } else { DATA_NODE_BEGINS })?;
        }
        if name {
            let (port, cluster) = (self.ports.name_http, &self.cluster);
            self.name_node.wait(READY_WAIT, |_| state::is_name_node(port, cluster, data))?;
        }
        Ok(())
    }

    /// Stops both daemons in order. Their data stay.
    pub fn stop(&mut self) {
        self.data_node.stop();
        self.name_node.stop();
    }

    /// Kills the NameNode as kill -9 does. Its data stay.
    pub fn kill_name_node(&mut self) {
        self.name_node.kill();
    }

    /// Kills the DataNode as kill -9 does. Its data stay.
    pub fn kill_data_node(&mut self) {
        self.data_node.kill();
    }

    /// Halts both daemons: connections hang, and new ones too.
    ///
    /// # Errors
    /// `Failed` when one of them does not run.
    pub fn pause(&self) -> Result<(), ServiceError> {
        self.data_node.pause()?;
        // Both or none.
        self.name_node.pause().or_else(|error| self.data_node.resume().and(Err(error)))
    }

    /// Lets both daemons go on after [`Hdfs::pause`].
    ///
    /// # Errors
    /// `Failed` when one of them does not run.
    pub fn resume(&self) -> Result<(), ServiceError> {
        self.data_node.resume().and_then(|()| self.name_node.resume())
    }

    /// Where clients connect to.
    pub fn url(&self) -> String {
        format!("hdfs://127.0.0.1:{}", self.ports.name)
    }

    /// Where WebHDFS is.
    pub fn web_url(&self) -> String {
        format!("http://127.0.0.1:{}/webhdfs/v1", self.ports.name_http)
    }

    /// Where the NameNode and the DataNode write their logs.
    pub fn log_paths(&self) -> [&Path; 2] {
        [self.name_node.log_path(), self.data_node.log_path()]
    }

    /// The bytes of a file, as `/folder/file`.
    ///
    /// # Errors
    /// `Failed` with the server's words.
    pub fn read(&self, path: &str) -> Result<Vec<u8>, ServiceError> {
        over_a_new_line(|| web::read(&self.web_url(), path))
    }

    /// The names of what lies in a folder, sorted; of a file, one empty name.
    ///
    /// # Errors
    /// `Failed` with the server's words.
    pub fn list(&self, path: &str) -> Result<Vec<String>, ServiceError> {
        web::list(&self.web_url(), path)
    }

    /// Writes a file and the folders above it; in place of the one that is there.
    ///
    /// # Errors
    /// `Failed` with the server's words.
    pub fn write(&self, path: &str, bytes: &[u8]) -> Result<(), ServiceError> {
        over_a_new_line(|| web::write(&self.web_url(), path, bytes))
    }

    fn java(&self, class: &str) -> Command {
        let mut java = java(HEAP_MIB, &[self.folder.join("conf"), self.jars.join("*")], class);
        // The daemons leave files there when they are killed.
        java.env("JAVA_TOOL_OPTIONS", format!("-Djava.io.tmpdir={}", self.folder.join("tmp").display()));
        java
    }
}

/// A DataNode that has outlived its NameNode notices only by the first call that its old line is gone; the second takes a new one.
fn over_a_new_line<T>(call: impl Fn() -> Result<T, ServiceError>) -> Result<T, ServiceError> {
    call().or_else(|error| if error.to_string().contains("EOFException") { call() } else { Err(error) })
}
