//! The properties that this client knows, by librdkafka's names, and what they come to. What it does not know it refuses, with the
//! way out: the same pipeline reads with `client = "librdkafka"`.

use super::asks::Address;
use super::fetch::Sizes;
use super::scram::Hash;
use super::tls;
use crate::source::SourceError;
use crate::source::kafka::{Isolation, KafkaSettings, LostOffsets, words};
use rustls::ClientConfig;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// All that the client needs to know of the cluster and of itself.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    /// Where to ask first.
    pub(super) bootstrap: Vec<Address>,
    pub(super) client_id: String,
    pub(super) tls: Option<Arc<ClientConfig>>,
    pub(super) login: Option<Login>,
    pub(super) sizes: Sizes,
    pub(super) committed_only: bool,
    pub(super) on_lost_offsets: LostOffsets,
    /// An answer larger than this is refused.
    pub(super) answer_bytes_max: usize,
    /// How long an answer may take.
    pub(super) answer_wait: Duration,
    /// How long a connection may take, with its login.
    pub(super) setup_wait: Duration,
    /// How long after a failed try the next one comes: at first, and at the most.
    pub(super) pause: Duration,
    pub(super) pause_max: Duration,
}

/// A user and how to prove who it is.
#[derive(Clone)]
pub(super) struct Login {
    pub(super) mechanism: Mechanism,
    pub(super) user: String,
    pub(super) password: String,
}

/// Secrets don't reach a log.
impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.mechanism)
    }
}

/// SASL's mechanisms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mechanism {
    Plain,
    Scram(Hash),
}

impl Mechanism {
    /// Its name in the protocol.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::Scram(Hash::Sha256) => "SCRAM-SHA-256",
            Self::Scram(Hash::Sha512) => "SCRAM-SHA-512",
        }
    }
}

const KIB: i64 = 1 << 10;
const MIB: i64 = 1 << 20;

/// Properties with what they may be: numbers from, to and by default, or words.
///
/// An answer of a mebibyte stays in a processor's own cache until it is decoded: checking and finding its records took four fifths of the time
/// that it took with four (`cargo bench -p weir --bench matrix`, `frame`).
const NUMBERS: [(&str, i64, i64, i64); 9] = [
    ("fetch.wait.max.ms", 0, 300_000, 500),
    ("fetch.min.bytes", 1, 100 * MIB, 1),
    ("fetch.max.bytes", KIB, 1_000 * MIB, MIB),
    ("max.partition.fetch.bytes", KIB, 1_000 * MIB, MIB),
    ("receive.message.max.bytes", KIB, 2_000 * MIB, 100 * MIB),
    ("socket.timeout.ms", 10, 300_000, 30_000),
    ("socket.connection.setup.timeout.ms", 100, 300_000, 10_000),
    ("reconnect.backoff.ms", 0, 3_600_000, 100),
    ("reconnect.backoff.max.ms", 0, 3_600_000, 2_000),
];

/// Properties that are texts.
const TEXTS: [&str; 14] = [
    "client.id",
    "isolation.level",
    "security.protocol",
    "ssl.ca.location",
    "ssl.ca.pem",
    "ssl.certificate.location",
    "ssl.certificate.pem",
    "ssl.key.location",
    "ssl.key.pem",
    "sasl.mechanism",
    "sasl.username",
    "sasl.password",
    "check.crcs",
    "group.id",
];

/// Other names of a property.
const ALIASES: [(&str, &str); 2] =
    [("fetch.message.max.bytes", "max.partition.fetch.bytes"), ("sasl.mechanisms", "sasl.mechanism")];

/// A property that this client can't do, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit {
    /// The property.
    pub name: String,
    /// What is wrong, with what to write instead.
    pub reason: String,
}

/// Every property that this client can't do as it is written.
pub fn unfit(properties: &BTreeMap<String, String>) -> Vec<Unfit> {
    let problem = |(name, value): (&String, &String)| {
        let reason = refused(canonical(name), value)?;
        Some(Unfit { name: name.clone(), reason })
    };
    properties.iter().filter_map(problem).collect()
}

fn canonical(name: &str) -> &str {
    ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, name)| name)
}

fn refused(name: &str, value: &str) -> Option<String> {
    if let Some((_, min, max, _)) = NUMBERS.iter().find(|known| known.0 == name) {
        let fits = value.parse::<i64>().is_ok_and(|number| (*min..=*max).contains(&number));
        return (!fits)
            .then(|| format!("the Kafka property {name} = {value:?} is no whole number from {min} to {max}"));
    }
    let words: &[&str] = match name {
        "isolation.level" => &["read_committed", "read_uncommitted"],
        "security.protocol" => &["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"],
        "sasl.mechanism" => &["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"],
        "check.crcs" => &["true"],
        "sasl.password" | "ssl.key.pem" => return None, // never shown
        _ if TEXTS.contains(&name) || words::FIXED.iter().any(|(fixed, ..)| *fixed == name) => return None,
        _ => {
            return Some(format!(
                "the Kafka property {name} is not known to the native client; leave it out, or write `client = \"librdkafka\"`, which \
                 takes every property of librdkafka"
            ));
        }
    };
    let fits = words.iter().any(|word| word.eq_ignore_ascii_case(value));
    (!fits).then(|| {
        format!(
            "the Kafka property {name} = {value:?} is not known to the native client, which takes {}; or write `client = \
             \"librdkafka\"`",
            words.join(", ")
        )
    })
}

impl Settings {
    /// After this an answer is late enough to ask whether its broker still leads.
    pub(super) fn overdue(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.sizes.wait_max_ms).unwrap_or(0)) + Duration::from_secs(2)
    }

    /// Reads the pipeline's settings.
    ///
    /// # Errors
    /// `Setting` for properties that are unknown or don't fit together, and for certificates that can't be read.
    pub(super) fn read(settings: &KafkaSettings) -> Result<Self, SourceError> {
        words::check_ours(&settings.properties)?;
        if let Some(unfit) = unfit(&settings.properties).into_iter().next() {
            return Err(SourceError::Setting(unfit.reason));
        }
        let named = Named(settings.properties.iter().map(|(name, value)| (canonical(name), value.as_str())).collect());
        let protocol = named.text("security.protocol").unwrap_or("PLAINTEXT").to_ascii_uppercase();
        let tls = protocol.ends_with("SSL").then(|| tls::config(|name| named.text(name))).transpose()?;
        let login = protocol.starts_with("SASL").then(|| login(&named)).transpose()?;
        let isolation = match named.text("isolation.level") {
            Some(level) => level.eq_ignore_ascii_case("read_committed"),
            None => settings.isolation == Isolation::ReadCommitted,
        };
        Ok(Self {
            bootstrap: bootstrap(&settings.brokers)?,
            client_id: named.text("client.id").unwrap_or("weir").to_owned(),
            tls,
            login,
            sizes: Sizes {
                wait_max_ms: named.number("fetch.wait.max.ms") as i32,
                bytes_min: named.number("fetch.min.bytes") as i32,
                bytes_max: named.number("fetch.max.bytes") as i32,
                partition_bytes_max: named.number("max.partition.fetch.bytes") as i32,
            },
            committed_only: isolation,
            on_lost_offsets: settings.on_lost_offsets,
            answer_bytes_max: named.number("receive.message.max.bytes") as usize,
            answer_wait: named.millis("socket.timeout.ms") + named.millis("fetch.wait.max.ms"),
            setup_wait: named.millis("socket.connection.setup.timeout.ms"),
            pause: named.millis("reconnect.backoff.ms"),
            pause_max: named.millis("reconnect.backoff.max.ms"),
        })
    }
}

/// Properties under their first names; checked, so a number that is there can be read.
struct Named<'a>(BTreeMap<&'a str, &'a str>);

impl<'a> Named<'a> {
    fn text(&self, name: &str) -> Option<&'a str> {
        self.0.get(name).copied()
    }

    fn number(&self, name: &str) -> i64 {
        let default = NUMBERS.iter().find(|known| known.0 == name).map_or(0, |known| known.3);
        self.text(name).and_then(|value| value.parse().ok()).unwrap_or(default)
    }

    fn millis(&self, name: &str) -> Duration {
        Duration::from_millis(self.number(name).unsigned_abs())
    }
}

fn login(named: &Named<'_>) -> Result<Login, SourceError> {
    let need = |name: &str| {
        named.text(name).map(str::to_owned).ok_or_else(|| {
            SourceError::Setting(format!("security.protocol asks for a login, but {name} is missing in `properties`"))
        })
    };
    let mechanism = match need("sasl.mechanism")?.to_ascii_uppercase().as_str() {
        "SCRAM-SHA-256" => Mechanism::Scram(Hash::Sha256),
        "SCRAM-SHA-512" => Mechanism::Scram(Hash::Sha512),
        _ => Mechanism::Plain,
    };
    Ok(Login { mechanism, user: need("sasl.username")?, password: need("sasl.password")? })
}

fn bootstrap(brokers: &str) -> Result<Vec<Address>, SourceError> {
    let address = |text: &str| {
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !host.ends_with(':') || host.ends_with("]:") => (host, port.parse().ok()),
            _ => (text, Some(9092)),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        match port {
            Some(port) if !host.is_empty() && !host.contains('/') => Ok(Address { host: host.to_owned(), port }),
            _ => Err(SourceError::Setting(format!(
                "`brokers`: {text:?} is no host:port; write for example 127.0.0.1:9092"
            ))),
        }
    };
    let texts = brokers.split(',').map(str::trim).filter(|text| !text.is_empty());
    let addresses = texts.map(address).collect::<Result<Vec<_>, _>>()?;
    if addresses.is_empty() {
        return Err(SourceError::Setting("`brokers` names no broker; write for example 127.0.0.1:9092".to_owned()));
    }
    Ok(addresses)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reasons(name: &str, value: &str) -> Vec<String> {
        unfit(&[(name.to_owned(), value.to_owned())].into()).into_iter().map(|unfit| unfit.reason).collect()
    }

    #[test]
    fn what_is_not_known_names_the_other_client() {
        for (name, value) in [("queued.min.messages", "1"), ("sasl.mechanism", "GSSAPI"), ("ssl.key.password", "x")] {
            let reasons = reasons(name, value);
            assert!(reasons.len() == 1 && reasons[0].contains("client = \"librdkafka\""), "{reasons:?}");
        }
        assert!(reasons("fetch.max.bytes", "12")[0].contains("from 1024 to"));
        for (name, value) in [("fetch.message.max.bytes", "8192"), ("sasl.mechanisms", "plain"), ("client.id", "x")] {
            assert!(reasons(name, value).is_empty(), "{name}");
        }
    }

    #[test]
    fn a_secret_is_never_shown() {
        assert!(reasons("sasl.password", "secret").is_empty());
        let login = Login { mechanism: Mechanism::Plain, user: "u".into(), password: "secret".into() };
        assert!(!format!("{login:?}").contains("secret"));
    }

    #[test]
    fn brokers_are_hosts_and_ports() {
        let read =
            |text: &str| bootstrap(text).map(|all| all.into_iter().map(|one| (one.host, one.port)).collect::<Vec<_>>());
        let two = vec![("a".to_owned(), 1), ("::1".to_owned(), 2)];
        assert_eq!(read("a:1, [::1]:2").ok(), Some(two));
        assert_eq!(read("host").ok(), Some(vec![("host".to_owned(), 9092)]));
        assert!(read("a:b").is_err() && read("").is_err() && read(":1").is_err());
    }
}
