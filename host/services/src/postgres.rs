//! One PostgreSQL server on loopback, with a data folder of its own, from the system's packages.
//!
//! Root may not run it: as root, it runs as the user `postgres` that the package makes. That user may go into any folder, so that the
//! caller's (a temporary one, closed to others) need not be opened.

mod programs;

use crate::process::{Daemon, answer, on_free_ports, run};
use crate::{ServiceError, random};
use programs::{PACKAGE, Programs};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The user that may log in; it may do everything.
pub const USER: &str = "weir";
/// The database that is there.
pub const DATABASE: &str = "postgres";

/// How long a server may take until it answers; 0.1 s on an idle machine, longer if it has to recover.
const READY_WAIT: Duration = Duration::from_secs(60);
/// How long `psql` may take to connect.
const CONNECT_SECONDS: &str = "10";

/// A running server; dropped, it is stopped. Its folder stays.
#[derive(Debug)]
pub struct Postgres {
    programs: Programs,
    data: PathBuf,
    settings: Vec<(String, String)>,
    port: u16,
    password: String,
    daemon: Daemon,
}

/// Finds PostgreSQL, or installs it where root may, so that no test has to wait for it.
///
/// # Errors
/// `Missing` names what to install; `Failed` when installing fails.
pub fn prepare() -> Result<(), ServiceError> {
    Programs::find().map(drop)
}

impl Postgres {
    /// Makes a server with a data folder in `folder`, which is made, starts it and waits until it takes connections.
    ///
    /// # Errors
    /// `Missing` without PostgreSQL, `Failed` with the end of its log when it does not come up.
    pub fn start(folder: &Path) -> Result<Postgres, ServiceError> {
        Postgres::start_with(folder, &[])
    }

    /// As [`Postgres::start`], with settings such as `("max_connections", "20")`.
    ///
    /// # Errors
    /// As [`Postgres::start`].
    pub fn start_with(folder: &Path, settings: &[(&str, &str)]) -> Result<Postgres, ServiceError> {
        let programs = Programs::find()?;
        let folder = std::path::absolute(folder).map_err(ServiceError::io("no working folder"))?;
        std::fs::create_dir_all(&folder).map_err(ServiceError::io(format!("{} can't be made", folder.display())))?;
        let mut postgres = Postgres {
            programs,
            data: folder.join("data"),
            settings: settings.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect(),
            port: 0,
            password: format!("{:032x}", random::bits()?),
            daemon: Daemon::new("PostgreSQL", folder.join("postgres.log")).stopped_by_interrupt(),
        };
        postgres.init(&folder)?;
        on_free_ports(1, |ports| {
            postgres.port = ports[0];
            postgres.restart()
        })?;
        Ok(postgres)
    }

    fn init(&self, folder: &Path) -> Result<(), ServiceError> {
        let password = folder.join("password");
        std::fs::write(&password, &self.password).map_err(ServiceError::io("the password can't be written"))?;
        let mut init = self.programs.server("initdb");
        init.arg("--pgdata").arg(&self.data).arg("--pwfile").arg(&password).args(["--username", USER]);
        init.args(["--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync"]);
        run(&mut init, "initdb", PACKAGE)
    }

    /// Starts the server again on its data and port, after it was stopped or killed, and waits until it takes connections. One that
    /// runs is stopped first.
    ///
    /// # Errors
    /// `Failed` with the end of its log when it does not come up.
    pub fn restart(&mut self) -> Result<(), ServiceError> {
        self.daemon.stop();
        let mut server = self.programs.server("postgres");
        server.arg("-D").arg(&self.data).args(["-p", &self.port.to_string()]);
        // No sockets in the file system: their paths have to be short, which those of test folders are not.
        server.args(["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]);
        for (name, value) in &self.settings {
            server.args(["-c", &format!("{name}={value}")]);
        }
        self.daemon.spawn(&mut server)?;
        let (data, port) = (&self.data, self.port);
        self.daemon.wait(READY_WAIT, |id| is_ready(data, id, port))
    }

    /// Stops the server in order, whoever is connected. Its data stay.
    pub fn stop(&mut self) {
        self.daemon.stop();
    }

    /// Kills the server as kill -9 does, and waits until its children, one to each connection, are gone. Its data stay.
    pub fn kill(&mut self) {
        self.daemon.kill();
    }

    /// Halts the server and its children: connections hang, and new ones too.
    ///
    /// # Errors
    /// `Failed` when it does not run.
    pub fn pause(&self) -> Result<(), ServiceError> {
        self.daemon.pause()
    }

    /// Lets the server go on after [`Postgres::pause`].
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

    /// The password of [`USER`]: hexadecimal digits.
    pub fn password(&self) -> &str {
        &self.password
    }

    /// Where clients connect to, user and password included.
    pub fn url(&self) -> String {
        format!("postgresql://{USER}:{}@127.0.0.1:{}/{DATABASE}", self.password, self.port)
    }

    /// Where the server writes its log.
    pub fn log_path(&self) -> &Path {
        self.daemon.log_path()
    }

    /// What `psql` prints for some SQL: a row a line, fields separated by `|`, null as nothing. Several statements are one transaction.
    ///
    /// # Errors
    /// `Failed` with the server's words.
    pub fn query(&self, sql: &str) -> Result<String, ServiceError> {
        let mut psql = self.programs.client("psql");
        psql.args(["--no-psqlrc", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1"]);
        psql.args(["-p", &self.port.to_string(), "-U", USER, "-d", DATABASE, "-c", sql]);
        psql.env("PGPASSWORD", &self.password).env("PGCONNECT_TIMEOUT", CONNECT_SECONDS);
        answer(&mut psql, "psql", PACKAGE)
    }
}

/// Whether the server of this process takes connections at the port. Its own word for it: the file that it keeps in its data folder
/// holds the process id in the first line, the port in the fourth and the state in the eighth.
fn is_ready(data: &Path, id: u32, port: u16) -> bool {
    let text = std::fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines.len() >= 8 && lines[0] == id.to_string() && lines[3] == port.to_string() && lines[7] == "ready"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_is_whose_own_file_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let write = |state: &str| {
            let text = format!("7\n/data\n1795316317\n5432\n\n127.0.0.1\n  9994338         4\n{state}\n");
            std::fs::write(folder.path().join("postmaster.pid"), text).unwrap();
        };
        assert!(!is_ready(folder.path(), 7, 5432), "no file yet");
        write("starting");
        assert!(!is_ready(folder.path(), 7, 5432));
        write("ready   ");
        assert!(is_ready(folder.path(), 7, 5432));
        assert!(!is_ready(folder.path(), 8, 5432), "left by an earlier process");
        assert!(!is_ready(folder.path(), 7, 5433));
    }
}
