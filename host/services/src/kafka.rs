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
use crate::process::{Guarded, free_ports, last_lines, run, start};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// The user that may log in where TLS and SASL are wanted.
pub const USER: &str = "weir";
/// Its password.
pub const PASSWORD: &str = "secret";

/// How long a broker may take until it answers; 4 s on two idle cores.
const READY_WAIT: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(50);
/// Between asking the kernel for a port and using it another process may take it.
const PORT_TRIES: usize = 3;
/// Both at once: whoever lacks one mostly lacks the other too.
const PACKAGES: &str = "openjdk-17-jre-headless maven";

/// What the broker offers beside a plain listener.
#[derive(Debug, Clone, Copy, Default)]
pub struct KafkaOptions {
    /// Also a listener with TLS and SASL (PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512), for [`USER`].
    pub tls_and_sasl: bool,
    /// Instead of that, a listener that tells clients to come through a proxy at this port of loopback; see
    /// [`Kafka::behind_proxy`].
    pub proxied: Option<u16>,
}

fn take_ports() -> Result<config::Ports, ServiceError> {
    let ports = free_ports(3)?;
    Ok(config::Ports { plain: ports[0], controller: ports[1], secure: ports[2] })
}

/// A running broker; dropped, it is stopped. Its folder stays.
#[derive(Debug)]
pub struct Kafka {
    folder: PathBuf,
    jars: PathBuf,
    ports: config::Ports,
    cluster: String,
    process: Option<Guarded>,
}

impl Kafka {
    /// Starts a broker on a folder of its own, which is made, and waits until it answers.
    ///
    /// # Errors
    /// `Missing` without Java or Maven, `Failed` with the end of its log when it does not come up.
    pub fn start(folder: &Path, options: KafkaOptions) -> Result<Kafka, ServiceError> {
        let jars = jars::fetch()?;
        std::fs::create_dir_all(folder).map_err(ServiceError::io(format!("{} can't be made", folder.display())))?;
        if options.tls_and_sasl {
            tls::make(folder)?;
        }
        for attempt in 1.. {
            let ports = take_ports()?;
            let member = config::Member { id: 1, voters: config::voters(&[ports]) };
            let mut kafka = Kafka::format(folder, &jars, ports, &member, config::cluster_id()?, options)?;
            match kafka.resume() {
                Ok(()) => return Ok(kafka),
                Err(error) if attempt == PORT_TRIES || !kafka.log().contains("BindException") => {
                    return Err(error);
                }
                Err(_) => kafka.clear()?,
            }
        }
        unreachable!("the loop ends by returning")
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
        let kafka = Kafka { folder: folder.to_owned(), jars: jars.to_owned(), ports, cluster, process: None };
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
        let mut java = self.java("kafka.Kafka");
        java.arg(self.settings());
        self.process = Some(Guarded::new(start(&mut java, &self.log_path())?)?);
        Ok(())
    }

    fn wait(&mut self) -> Result<(), ServiceError> {
        let until = Instant::now() + READY_WAIT;
        while !ready::is_cluster(self.ports.plain, &self.cluster) {
            let alive = self.process.as_mut().is_some_and(Guarded::is_alive);
            if !alive || Instant::now() > until {
                self.process = None;
                let what = if alive { "does not answer" } else { "ended at once" };
                return Err(ServiceError::Failed(format!(
                    "the Kafka broker {what}; its log ends:\n{}",
                    last_lines(&self.log(), 20)
                )));
            }
            std::thread::sleep(PAUSE);
        }
        Ok(())
    }

    /// Stops the broker in order: TERM, and KILL if it takes too long. Its data stay.
    pub fn stop(&mut self) {
        self.process = None;
    }

    /// Kills the broker as kill -9 does. Its data stay.
    pub fn kill(&mut self) {
        if let Some(process) = &mut self.process {
            process.kill();
        }
        self.process = None;
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
        self.folder.join("kafka.log")
    }

    fn log(&self) -> String {
        std::fs::read(self.log_path()).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    fn settings(&self) -> PathBuf {
        self.folder.join("server.properties")
    }

    fn clear(&self) -> Result<(), ServiceError> {
        let _ = std::fs::remove_file(self.log_path());
        std::fs::remove_dir_all(self.folder.join("logs"))
            .map_err(ServiceError::io("the broker's folder can't be cleared"))
    }

    fn java(&self, class: &str) -> Command {
        let mut java = Command::new("java");
        java.args(["-Xms128m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]);
        java.args(["-Dorg.slf4j.simpleLogger.defaultLogLevel=info", "-Dorg.slf4j.simpleLogger.showDateTime=true"]);
        java.arg("-cp").arg(self.jars.join("*")).arg(class);
        java
    }
}
