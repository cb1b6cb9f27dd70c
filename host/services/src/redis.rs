//! One Redis server on loopback, which keeps its data in an append-only file, from the system's packages.

use crate::ServiceError;
use crate::packages::{found_or_installed, in_path};
use crate::process::{Daemon, answer, on_free_ports};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Debian's package of the server; it brings the client's along.
const PACKAGE: &str = "redis-server";
/// How long a server may take until it answers; 0.03 s on an idle machine, longer if it has much to load.
const READY_WAIT: Duration = Duration::from_secs(60);

/// A running server; dropped, it is stopped. Its folder stays.
#[derive(Debug)]
pub struct Redis {
    folder: PathBuf,
    port: u16,
    password: Option<String>,
    daemon: Daemon,
}

/// Finds Redis, or installs it where root may, so that no test has to wait for it.
///
/// # Errors
/// `Missing` names what to install; `Failed` when installing fails.
pub fn prepare() -> Result<(), ServiceError> {
    let both = || in_path("redis-server").and_then(|_| in_path("redis-cli"));
    found_or_installed("Redis", PACKAGE, both).map(drop)
}

impl Redis {
    /// Starts a server on a folder of its own, which is made, and waits until it answers. Data that lie there are loaded.
    ///
    /// # Errors
    /// `Missing` without Redis, `Failed` with the end of its log when it does not come up.
    pub fn start(folder: &Path) -> Result<Redis, ServiceError> {
        Redis::begin(folder, None)
    }

    /// As [`Redis::start`], but clients have to show a password, of letters and digits.
    ///
    /// # Errors
    /// As [`Redis::start`].
    pub fn start_with_password(folder: &Path, password: &str) -> Result<Redis, ServiceError> {
        Redis::begin(folder, Some(password.to_owned()))
    }

    fn begin(folder: &Path, password: Option<String>) -> Result<Redis, ServiceError> {
        prepare()?;
        std::fs::create_dir_all(folder).map_err(ServiceError::io(format!("{} can't be made", folder.display())))?;
        let daemon = Daemon::new("Redis", folder.join("redis.log"));
        let mut redis = Redis { folder: folder.to_owned(), port: 0, password, daemon };
        on_free_ports(1, |ports| {
            redis.port = ports[0];
            redis.restart()
        })?;
        Ok(redis)
    }

    /// Starts the server again on its data and port, after it was stopped or killed, and waits until it answers. One that runs is
    /// stopped first.
    ///
    /// # Errors
    /// `Failed` with the end of its log when it does not come up.
    pub fn restart(&mut self) -> Result<(), ServiceError> {
        self.daemon.stop();
        let mut server = Command::new("redis-server");
        server.args(["--port", &self.port.to_string(), "--bind", "127.0.0.1", "--dir"]).arg(&self.folder);
        server.args(["--appendonly", "yes", "--appendfsync", "everysec", "--save", ""]);
        if let Some(password) = &self.password {
            server.args(["--requirepass", password]);
        }
        self.daemon.spawn(&mut server)?;
        let mut info = self.client();
        info.arg("INFO");
        self.daemon.wait(READY_WAIT, |id| answer(&mut info, "redis-cli", PACKAGE).is_ok_and(|info| is_ready(&info, id)))
    }

    /// Stops the server in order. Its data stay.
    pub fn stop(&mut self) {
        self.daemon.stop();
    }

    /// Kills the server as kill -9 does. Its data stay.
    pub fn kill(&mut self) {
        self.daemon.kill();
    }

    /// Halts the server: connections hang, and new ones too.
    ///
    /// # Errors
    /// `Failed` when it does not run.
    pub fn pause(&self) -> Result<(), ServiceError> {
        self.daemon.pause()
    }

    /// Lets the server go on after [`Redis::pause`].
    ///
    /// # Errors
    /// `Failed` when it does not run.
    pub fn resume(&self) -> Result<(), ServiceError> {
        self.daemon.resume()
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where clients connect to, the password included if there is one.
    pub fn url(&self) -> String {
        let password = self.password.as_ref().map(|password| format!(":{password}@")).unwrap_or_default();
        format!("redis://{password}127.0.0.1:{}", self.port)
    }

    /// Where the server writes its log.
    pub fn log_path(&self) -> &Path {
        self.daemon.log_path()
    }

    /// What `redis-cli` prints for a command such as `["GET", "key"]`: an element a line, null as nothing. Waits as long as the server
    /// does, so not while it is paused.
    ///
    /// # Errors
    /// `Failed` with the server's words.
    pub fn command(&self, words: &[&str]) -> Result<String, ServiceError> {
        answer(self.client().args(words), "redis-cli", PACKAGE)
    }

    fn client(&self) -> Command {
        let mut client = Command::new("redis-cli");
        // -e: an error is an exit status too.
        client.args(["-e", "-h", "127.0.0.1", "-p", &self.port.to_string()]);
        if let Some(password) = &self.password {
            client.env("REDISCLI_AUTH", password);
        }
        client
    }
}

/// Whether this is the information of the server of this process, with its data loaded.
fn is_ready(info: &str, id: u32) -> bool {
    let says = |line: &str| info.lines().any(|found| found.trim_end() == line);
    says(&format!("process_id:{id}")) && says("loading:0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_is_the_own_server_with_its_data() {
        assert!(is_ready("# Server\r\nprocess_id:71\r\nloading:0\r\n", 71));
        assert!(!is_ready("process_id:71\r\nloading:0\r\n", 7), "another server");
        assert!(!is_ready("process_id:71\r\nloading:1\r\n", 71));
    }
}
