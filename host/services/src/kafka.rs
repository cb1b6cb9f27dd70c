//! One Apache Kafka broker in KRaft mode, on loopback, from Maven Central: no containers.
//!
//! The broker's jars are fetched once (`jars`); each instance has its own folder, ports and cluster id. Needs Java 17 or later and,
//! the first time, Maven and a network.

mod cluster;
mod config;
mod jars;
mod ready;
mod state;
mod tls;

pub use self::cluster::Cluster;
pub use self::jars::VERSION;
pub use self::state::{Left, down, status, up};

use crate::ServiceError;
use crate::jars::{PACKAGES, java};
use crate::process::{Daemon, free_ports, on_free_ports, run};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The user that may log in where TLS and SASL are wanted.
pub const USER: &str = "weir";
/// Its password.
pub const PASSWORD: &str = "secret";

/// How long a broker may take until it answers; 4 s on two idle cores.
const READY_WAIT: Duration = Duration::from_secs(120);

/// What the broker offers beside a plain listener.
#[derive(Debug, Clone, Copy, Default)]
pub struct KafkaOptions {
    /// Also a listener with TLS and SASL (PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512), for [`USER`].
    pub tls_and_sasl: bool,
    /// Instead of that, a listener that tells clients to come through a proxy at this port of loopback; see
    /// [`Kafka::behind_proxy`].
    pub proxied: Option<u16>,
}

const PORTS: usize = 3;

fn named(ports: &[u16]) -> config::Ports {
    config::Ports { plain: ports[0], controller: ports[1], secure: ports[2] }
}

fn take_ports() -> Result<config::Ports, ServiceError> {
    Ok(named(&free_ports(PORTS)?))
}

/// Fetches what a broker needs, so that no test has to wait for it.
///
/// # Errors
/// As [`Kafka::start`].
pub fn prepare() -> Result<(), ServiceError> {
    jars::JARS.fetch().map(drop)
}

/// A running broker; dropped, it is stopped. Its folder stays.
#[derive(Debug)]
pub struct Kafka {
    folder: PathBuf,
    jars: PathBuf,
    ports: config::Ports,
    cluster: String,
    daemon: Daemon,
}

impl Kafka {
    /// Starts a broker on a folder of its own, which is made, and waits until it answers.
    ///
    /// # Errors
    /// `Missing` without Java or Maven, `Failed` with the end of its log when it does not come up.
    pub fn start(folder: &Path, options: KafkaOptions) -> Result<Kafka, ServiceError> {
        let jars = jars::JARS.fetch()?;
        std::fs::create_dir_all(folder).map_err(ServiceError::io(format!("{} can't be made", folder.display())))?;
        if options.tls_and_sasl {
            tls::make(folder)?;
        }
        on_free_ports(PORTS, |ports| {
            let ports = named(ports);
            let member = config::Member { id: 1, voters: config::voters(&[ports]) };
            let mut kafka = Kafka::format(folder, &jars, ports, &member, config::cluster_id()?, options)?;
            let started = kafka.resume().inspect_err(|error| {
                if matches!(error, ServiceError::PortTaken(_)) {
                    // The storage is bound to the quorum's ports and to its id: the next try begins without.
                    let _ = std::fs::remove_dir_all(folder.join("logs"));
                }
            });
            started.map(|()| kafka)
        })
    }

    /// Writes the settings and prepares the storage.
    fn format(
        folder: &Path,
        jars: &Path,
        ports: config::Ports,
        member: &config::Member,
        cluster: String,
        options: KafkaOptions,
    ) -> Result<Kafka, ServiceError> {
        let daemon = Daemon::new("the Kafka broker", folder.join("kafka.log"));
        let kafka = Kafka { folder: folder.to_owned(), jars: jars.to_owned(), ports, cluster, daemon };
        let text = config::properties(folder, ports, member, options);
        std::fs::write(kafka.settings(), text).map_err(ServiceError::io("the broker's settings can't be written"))?;
        let mut format = kafka.java("kafka.tools.StorageTool");
        format.args(["format", "--cluster-id", &kafka.cluster, "--ignore-formatted", "--config"]).arg(kafka.settings());
        if options.tls_and_sasl {
            for hash in ["SHA-256", "SHA-512"] {
                format.args(["--add-scram", &format!("SCRAM-{hash}=[name={USER},password={PASSWORD}]")]);
            }
        }
        run(&mut format, "java", PACKAGES)?;
        Ok(kafka)
    }

    /// Starts the broker again on its folder and ports, after [`Kafka::stop`], and waits until it answers.
    ///
    /// # Errors
    /// As [`Kafka::start`].
    pub fn resume(&mut self) -> Result<(), ServiceError> {
        self.spawn()?;
        self.wait()
    }

    fn spawn(&mut self) -> Result<(), ServiceError> {
        self.daemon.spawn(self.java("kafka.Kafka").arg(self.settings()))
    }

    fn wait(&mut self) -> Result<(), ServiceError> {
        self.daemon.wait(READY_WAIT, |_| ready::is_cluster(self.ports.plain, &self.cluster))
    }

    /// Stops the broker in order: TERM, and KILL if it takes too long. Its data stay.
    pub fn stop(&mut self) {
        self.daemon.stop();
    }

    /// Kills the broker as kill -9 does. Its data stay.
    pub fn kill(&mut self) {
        self.daemon.kill();
    }

    /// `host:port` of the listener that a proxy is to stand in front of; there with `proxied` only.
    pub fn behind_proxy(&self) -> String {
        self.bootstrap_secure()
    }

    /// `host:port` of the plain listener.
    pub fn bootstrap(&self) -> String {
        format!("127.0.0.1:{}", self.ports.plain)
    }

    /// `host:port` of the listener with TLS and SASL.
    pub fn bootstrap_secure(&self) -> String {
        format!("127.0.0.1:{}", self.ports.secure)
    }

    /// The certificate that signed the broker's, as PEM; there with `tls_and_sasl` only.
    pub fn ca_path(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// Certificate and key that a client has to show, as PEM; there with `tls_and_sasl` only.
    pub fn client_paths(&self) -> (PathBuf, PathBuf) {
        (self.folder.join("client.crt"), self.folder.join("client.key"))
    }

    /// Where the broker writes its log.
    pub fn log_path(&self) -> PathBuf {
        self.daemon.log_path().to_owned()
    }

    fn settings(&self) -> PathBuf {
        self.folder.join("server.properties")
    }

    fn java(&self, class: &str) -> Command {
        java(384, &[self.jars.join("*")], class)
    }
}
