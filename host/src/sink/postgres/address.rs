//! The `url`: whom to connect to, and how. Shows no part of it but hosts, ports and the database.
//!
//! `postgresql://user:password@host:5432/db?sslmode=verify-full&sslrootcert=/etc/ca.pem`; several hosts (`host1,host2`) are tried in order.
//! The parameters are libpq's, as far as the client knows them; those of TLS are read here, because it doesn't.

use super::tls::{SslMode, TlsSettings};
use std::time::Duration;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode as Wanted};

/// Unless the URL has `connect_timeout`; of each host.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Unless the URL has `tcp_user_timeout`: data that nobody acknowledges.
const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(30);
/// Before the first question whether the other side is there, and between two.
const KEEPALIVE: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(10));

/// A checked `url`.
#[derive(Clone)]
pub(super) struct Address {
    /// One a host.
    pub hosts: Vec<Config>,
    pub tls: TlsSettings,
    /// `postgresql://host:5432/db`.
    pub place: String,
}

/// Reads a URL; the reason never holds a part of it, since any part may be a piece of a password.
pub(super) fn parse(url: &str) -> Result<Address, String> {
    // As the client does it: everything before the first `@` is user and password, also a `?`.
    let host = url.find('@').unwrap_or(0);
    let (base, query) = match url[host..].find('?') {
        Some(at) => (&url[..host + at], &url[host + at + 1..]),
        None => (url, ""),
    };
    let mut tls = TlsSettings::default();
    let mut kept = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = decoded(value).ok_or_else(unreadable)?;
        match key {
            "sslmode" => tls.mode = SslMode::of(&value)?,
            "sslrootcert" => tls.authorities = Some(value),
            "sslcert" => tls.certificate = Some(value),
            "sslkey" => tls.key = Some(value),
            _ => kept.push(pair),
        }
    }
    let config: Config = format!("{base}?{}", kept.join("&")).parse().map_err(|_| unreadable())?;
    let hosts = each_host(&config, &tls);
    if hosts.is_empty() {
        return Err("`url` names no host: write postgresql://user:password@host:5432/database".to_owned());
    }
    Ok(Address { place: place(&config), hosts, tls })
}

fn unreadable() -> String {
    "`url` can't be read: write postgresql://user:password@host:5432/database, special characters of the password as %XX, and after a `?` \
     parameters that libpq knows, such as sslmode"
        .to_owned()
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16);
        bytes.push(u8::try_from(digit()? * 16 + digit()?).ok()?);
    }
    String::from_utf8(bytes).ok()
}

/// A configuration a host: the client's own way through them has no limit to how long a host may take that accepts and says nothing.
fn each_host(config: &Config, tls: &TlsSettings) -> Vec<Config> {
    let count = config.get_hosts().len().max(config.get_hostaddrs().len());
    let one = |place: usize| {
        let mut one = common(config, tls);
        match config.get_hosts().get(place) {
            Some(Host::Tcp(name)) => drop(one.host(name)),
            Some(Host::Unix(path)) => drop(one.host_path(path)),
            None => {}
        }
        if let Some(address) = config.get_hostaddrs().get(place) {
            one.hostaddr(*address);
        }
        one.port(port(config, place));
        one
    };
    (0..count).map(one).collect()
}

fn port(config: &Config, place: usize) -> u16 {
    let ports = config.get_ports();
    ports.get(place).or_else(|| ports.first()).copied().unwrap_or(5432)
}

fn common(config: &Config, tls: &TlsSettings) -> Config {
    let mut common = Config::new();
    config.get_user().map(|user| common.user(user));
    config.get_password().map(|password| common.password(password));
    config.get_dbname().map(|name| common.dbname(name));
    config.get_options().map(|options| common.options(options));
    common.application_name(config.get_application_name().unwrap_or("weir"));
    common.ssl_mode(match tls.mode {
        SslMode::Disable => Wanted::Disable,
        SslMode::Prefer => Wanted::Prefer,
        SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => Wanted::Require,
    });
    common.ssl_negotiation(config.get_ssl_negotiation());
    common.channel_binding(config.get_channel_binding());
    common.target_session_attrs(config.get_target_session_attrs());
    common.connect_timeout(config.get_connect_timeout().copied().unwrap_or(CONNECT_TIMEOUT));
    common.tcp_user_timeout(config.get_tcp_user_timeout().copied().unwrap_or(UNACKNOWLEDGED_MAX));
    common.keepalives(config.get_keepalives());
    // The client's default is two hours, which helps nobody; it does not tell whether somebody wrote that.
    common.keepalives_idle(config.get_keepalives_idle().min(KEEPALIVE.0));
    common.keepalives_interval(config.get_keepalives_interval().unwrap_or(KEEPALIVE.1));
    common.keepalives_retries(config.get_keepalives_retries().unwrap_or(3));
    common
}

fn place(config: &Config) -> String {
    let count = config.get_hosts().len().max(config.get_hostaddrs().len());
    let host = |place: usize| {
        let name = match (config.get_hosts().get(place), config.get_hostaddrs().get(place)) {
            (Some(Host::Tcp(name)), _) => name.clone(),
            (Some(Host::Unix(path)), _) => path.display().to_string(),
            (None, address) => address.map(ToString::to_string).unwrap_or_default(),
        };
        format!("{name}:{}", port(config, place))
    };
    let hosts: Vec<String> = (0..count).map(host).collect();
    format!("postgresql://{}/{}", hosts.join(","), config.get_dbname().or(config.get_user()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_hold_no_secret() {
        for (url, place) in [
            ("postgresql://weir:hunter2@db.example:5433/kpis", "postgresql://db.example:5433/kpis"),
            ("postgres://weir:hunter2@a,b:5433/kpis?sslmode=disable", "postgresql://a:5432,b:5433/kpis"),
            ("postgresql://weir:hunter2@db", "postgresql://db:5432/weir"),
            ("postgresql:///kpis?user=weir&password=hunter2&host=/run/pg", "postgresql:///run/pg:5432/kpis"),
        ] {
            let address = parse(url).unwrap_or_else(|reason| panic!("{reason}"));
            assert_eq!(address.place, place);
        }
    }

    #[test]
    fn what_is_wrong_with_a_url_is_told_without_it() {
        for url in [
            "postgresql://weir:hunter2@db:port/kpis",
            "postgresql://weir:hunter2@db/kpis?hunter2=1",
            "postgresql://weir:hunter2@db/kpis?sslmode=hunter2",
            "postgresql://weir:hunter2@db/kpis?sslmode=%zz",
            "postgresql:///kpis?user=hunter2",
        ] {
            let Err(reason) = parse(url) else { panic!("{url} is wrong") };
            assert!(!reason.contains("hun") && !reason.contains("ter2"), "{reason}");
        }
    }

    #[test]
    fn tls_and_timeouts_are_read() {
        let address = parse("postgresql://w@db/k?sslmode=verify-full&sslrootcert=%2Fetc%2Fca.pem&connect_timeout=3")
            .unwrap_or_else(|r| panic!("{r}"));
        assert_eq!((address.tls.mode, address.tls.authorities.as_deref()), (SslMode::VerifyFull, Some("/etc/ca.pem")));
        let host = &address.hosts[0];
        assert_eq!((host.get_connect_timeout(), host.get_ssl_mode()), (Some(&Duration::from_secs(3)), Wanted::Require));
        assert_eq!(host.get_keepalives_idle(), KEEPALIVE.0);
        let odd = parse("postgresql://w:hun?sslmode=disable@db/k?sslmode=require")
            .unwrap_or_else(|reason| panic!("{reason}"));
        assert_eq!((odd.tls.mode, odd.hosts[0].get_password()), (SslMode::Require, Some(&b"hun?sslmode=disable"[..])));
    }
}
