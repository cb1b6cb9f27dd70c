//! A connection to Redis whose every call takes bounded time. Knows neither rows nor epochs.

use super::trouble::trouble;
use crate::sink::outbox::Trouble;
use ::redis::{
    Client, Cmd, Connection, ConnectionAddr, ConnectionInfo, ErrorKind, FromRedisValue, IntoConnectionInfo,
    ProtocolVersion, RedisConnectionInfo, RedisError, Script, ServerErrorKind, cmd,
};
use std::time::Duration;

/// For the connection itself.
const CONNECT_WAIT: Duration = Duration::from_secs(5);

/// For an answer, and for the server to take a call's bytes; longer than the 5 s after which a server that runs somebody's endless
/// script says so.
const ANSWER_WAIT: Duration = Duration::from_secs(10);

/// A server, connected or not.
pub(super) struct Server {
    /// Without the password: said by `sign_in`, whose errors tell more than the client's own.
    info: ConnectionInfo,
    user: Option<String>,
    password: Option<String>,
    database: i64,
    connection: Option<Connection>,
}

impl Server {
    /// Of an address; what is wrong with it does not show it.
    pub fn new(url: &str) -> Result<Self, String> {
        let info = url.into_connection_info().map_err(|error| error.to_string())?;
        let said = info.redis_settings();
        let (user, password, database) = (said.username(), said.password(), said.db());
        let (user, password) = (user.map(str::to_owned), password.map(str::to_owned));
        if user.is_some() && password.is_none() {
            return Err(
                "it has a user and no password; a password alone stands behind a colon: redis://:password@host"
                    .to_owned(),
            );
        }
        let plain = RedisConnectionInfo::default().set_protocol(ProtocolVersion::RESP2).set_skip_set_lib_name();
        Ok(Self { info: info.set_redis_settings(plain), user, password, database, connection: None })
    }

    /// Where it is, for people.
    pub fn place(&self) -> String {
        let scheme = if matches!(self.info.addr(), ConnectionAddr::TcpTls { .. }) { "rediss" } else { "redis" };
        format!("{scheme}://{}/{}", self.info.addr(), self.database)
    }

    /// Connects anew.
    pub fn connect(&mut self) -> Result<(), Trouble> {
        self.close();
        let client = Client::open(self.info.clone()).map_err(|error| trouble(&error))?;
        let connection = client.get_connection_with_timeout(CONNECT_WAIT).map_err(|error| trouble(&error))?;
        connection.set_read_timeout(Some(ANSWER_WAIT)).map_err(|error| trouble(&error))?;
        connection.set_write_timeout(Some(ANSWER_WAIT)).map_err(|error| trouble(&error))?;
        self.connection = Some(connection);
        self.sign_in()
    }

    fn sign_in(&mut self) -> Result<(), Trouble> {
        if let Some(password) = &self.password {
            let mut auth = cmd("AUTH");
            auth.arg(self.user.as_slice()).arg(password);
            self.ask::<()>(&auth)?;
        }
        if self.database != 0 {
            let mut select = cmd("SELECT");
            select.arg(self.database);
            self.ask::<()>(&select)?;
        }
        Ok(())
    }

    /// Lets go of the connection.
    pub fn close(&mut self) {
        self.connection = None;
    }

    /// Sends a command and waits for its answer.
    pub fn ask<T: FromRedisValue>(&mut self, command: &Cmd) -> Result<T, Trouble> {
        self.query(command).map_err(|error| trouble(&error))
    }

    fn query<T: FromRedisValue>(&mut self, command: &Cmd) -> Result<T, RedisError> {
        match &mut self.connection {
            Some(connection) => command.query(connection),
            None => Err((ErrorKind::Io, "not connected").into()),
        }
    }

    /// Runs a script on a key; `words` says its arguments, and may be asked twice.
    pub fn run(
        &mut self,
        script: &Script,
        code: &str,
        key: &str,
        words: impl Fn(&mut Cmd),
    ) -> Result<Vec<String>, Trouble> {
        let mut call = cmd("EVALSHA");
        call.arg(script.get_hash()).arg(1).arg(key);
        words(&mut call);
        match self.query(&call) {
            // A server that restarted, or that somebody flushed, has forgotten it.
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                let mut call = cmd("EVAL");
                call.arg(code).arg(1).arg(key);
                words(&mut call);
                self.ask(&call)
            }
            answer => answer.map_err(|error| trouble(&error)),
        }
    }

    /// Why the server may lose what it has confirmed, and how to mend it. Servers that do not tell their settings are believed.
    pub fn risks(&mut self) -> Result<Vec<String>, Trouble> {
        let append = self.setting("appendonly")?;
        let sync = self.setting("appendfsync")?;
        let save = self.setting("save")?;
        let eviction = self.setting("maxmemory-policy")?;
        Ok(risks(append.as_deref(), sync.as_deref(), save.as_deref(), eviction.as_deref()))
    }

    fn setting(&mut self, name: &str) -> Result<Option<String>, Trouble> {
        let mut get = cmd("CONFIG");
        get.arg("GET").arg(name);
        match self.query::<Vec<String>>(&get) {
            Ok(answer) => Ok(answer.into_iter().nth(1)),
            Err(error) if error.kind() == ErrorKind::Io => Err(trouble(&error)),
            // Hosted servers have no CONFIG, and users may lack the right.
            Err(_) => Ok(None),
        }
    }
}

fn risks(append: Option<&str>, sync: Option<&str>, save: Option<&str>, eviction: Option<&str>) -> Vec<String> {
    let mut risks = Vec::new();
    match (append, sync) {
        (Some("no"), _) if save == Some("") => risks.push(
            "it keeps nothing on disk: when it restarts, rows are lost and the pipeline stops; set `appendonly yes` there".to_owned(),
        ),
        (Some("no"), _) => risks.push(
            "it writes to disk only now and then (`save`): when it crashes, rows are lost and the pipeline stops; set `appendonly yes` there"
                .to_owned(),
        ),
        (Some("yes"), Some("no")) => risks.push(
            "it leaves it to the system when rows reach the disk: after a power failure rows may be lost and the pipeline stops; set \
             `appendfsync everysec` there"
                .to_owned(),
        ),
        _ => {}
    }
    if let Some(policy) = eviction.filter(|policy| policy.starts_with("allkeys")) {
        risks.push(format!("it drops keys when memory is short (`maxmemory-policy {policy}`): set `noeviction` there"));
    }
    risks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_names_no_secret() {
        for (url, place) in [
            ("redis://host", "redis://host:6379/0"),
            ("redis://:hunter2@host:1234/3", "redis://host:1234/3"),
            ("rediss://weir:hunter2@redis.example.org", "rediss://redis.example.org:6379/0"),
        ] {
            assert_eq!(Server::new(url).map(|server| server.place()), Ok(place.to_owned()));
        }
        for url in [
            "redis://hunter2@host",
            "redis://:hunter2@host:99999",
            "redis://:hunter2@host/hunter2",
            "redis://:hunter2@",
        ] {
            let error = Server::new(url).map(|server| server.place()).unwrap_err();
            assert!(!error.contains("hunter2") && !error.is_empty(), "{error}");
        }
    }

    #[test]
    fn servers_that_may_lose_rows_are_told() {
        let told = |append, sync, save, eviction| risks(append, sync, save, eviction).len();
        assert_eq!(told(Some("yes"), Some("everysec"), Some(""), Some("noeviction")), 0);
        assert_eq!(told(Some("yes"), Some("always"), Some("3600 1"), Some("volatile-lru")), 0);
        assert_eq!(told(Some("yes"), Some("no"), Some(""), Some("noeviction")), 1);
        assert_eq!(told(Some("no"), Some("everysec"), Some(""), Some("noeviction")), 1);
        assert_eq!(told(Some("no"), Some("everysec"), Some("3600 1"), Some("allkeys-lru")), 2);
        assert_eq!(told(None, None, None, None), 0);
    }
}
