//! The broker's settings as text: small, on loopback, nothing made by itself.

use super::{KafkaOptions, PASSWORD, USER};
use crate::{ServiceError, random};
use std::path::Path;

/// The broker's ports.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ports {
    /// The plain listener.
    pub(super) plain: u16,
    /// The controller's.
    pub(super) controller: u16,
    /// The listener with TLS and SASL, or behind a proxy; used only where wanted.
    pub(super) secure: u16,
}

/// Which broker of its cluster it is.
#[derive(Debug, Clone)]
pub(super) struct Member {
    /// Its id, from 1.
    pub(super) id: usize,
    /// All members' controllers, `id@host:port,…`.
    pub(super) voters: String,
}

/// The voters of a cluster whose members have these ports, in the order of their ids.
pub(super) fn voters(ports: &[Ports]) -> String {
    let voter = |(place, ports): (usize, &Ports)| format!("{}@127.0.0.1:{}", place + 1, ports.controller);
    ports.iter().enumerate().map(voter).collect::<Vec<_>>().join(",")
}

/// The `server.properties` of a broker on `folder`.
pub(super) fn properties(folder: &Path, ports: Ports, member: &Member, options: KafkaOptions) -> String {
    let Ports { plain, controller, secure } = ports;
    let Member { id, voters } = member;
    let folder = folder.display();
    // The port of the third listener serves either purpose.
    let (listener, advertised, protocol) = match (options.tls_and_sasl, options.proxied) {
        (true, _) => {
            let listener = format!(",SASL_SSL://127.0.0.1:{secure}");
            (listener.clone(), listener, ",SASL_SSL:SASL_SSL")
        }
        (false, Some(proxy)) => {
            (format!(",PROXIED://127.0.0.1:{secure}"), format!(",PROXIED://127.0.0.1:{proxy}"), ",PROXIED:PLAINTEXT")
        }
        (false, None) => (String::new(), String::new(), ""),
    };
    // Other brokers are to take over soon. Where there are none, a disk that stalls for some seconds must not cost the broker its session: its
    // partitions then have no leader, and a transaction that ends meanwhile hangs for ever.
    let session_ms = if voters.contains(',') { 3_000 } else { 8_000 };
    let mut text = format!(
        "process.roles=broker,controller
node.id={id}
controller.quorum.voters={voters}
listeners=PLAINTEXT://127.0.0.1:{plain}{listener},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{plain}{advertised}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT{protocol}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs={folder}/logs
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms={session_ms}
broker.heartbeat.interval.ms=500
log.cleaner.dedupe.buffer.size=16777216
"
    );
    if options.tls_and_sasl {
        let login = "org.apache.kafka.common.security";
        text += &format!(
            "sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
listener.name.sasl_ssl.plain.sasl.jaas.config={login}.plain.PlainLoginModule required user_{USER}=\"{PASSWORD}\";
listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config={login}.scram.ScramLoginModule required;
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config={login}.scram.ScramLoginModule required;
ssl.keystore.type=PEM
ssl.keystore.location={folder}/server.pem
ssl.truststore.type=PEM
ssl.truststore.location={folder}/ca.pem
listener.name.sasl_ssl.ssl.client.auth=required
"
        );
    }
    text
}

/// A new cluster id: 128 random bits in URL-safe base64, not beginning with a dash, which would look like an option.
pub(super) fn cluster_id() -> Result<String, ServiceError> {
    let bits = random::bits()? & (u128::MAX >> 1);
    // 22 digits of 6 bits hold 132: the last has its four lower bits empty.
    let digit = |place: u32| ALPHABET[(if place == 21 { bits << 4 } else { bits >> (122 - 6 * place) } & 63) as usize];
    Ok((0..22).map(|place| digit(place) as char).collect())
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
