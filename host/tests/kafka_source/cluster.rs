//! Meeting the cluster: logins, names, properties and brokers that are not there.

use super::{CLIENT, settings};
use crate::support::*;
use std::time::{Duration, Instant};
use weir::source::SourceError;
use weir::source::kafka::{KafkaClient, KafkaSettings};
use weir_services::kafka::{PASSWORD, USER};

fn secure(topic: &str, mechanism: &str, password: &str) -> KafkaSettings {
    let ca = broker().ca_path().display().to_string();
    let (certificate, key) = broker().client_paths();
    let (certificate, key) = (certificate.display().to_string(), key.display().to_string());
    let properties = [
        ("security.protocol", "SASL_SSL"),
        ("ssl.ca.location", &ca),
        ("ssl.certificate.location", &certificate),
        ("ssl.key.location", &key),
        ("sasl.mechanism", mechanism),
        ("sasl.username", USER),
        ("sasl.password", password),
    ];
    KafkaSettings {
        brokers: broker().bootstrap_secure(),
        properties: properties.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        ..settings(topic)
    }
}

#[test]
fn records_come_over_tls_with_a_login() {
    let topic = topic(2, &[]);
    fill(&topic, 0, 0..100);
    for mechanism in ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] {
        let brought = read_bounded(&secure(&topic, mechanism, PASSWORD));
        assert_eq!(brought.values(0), expected(0, 0..100), "{mechanism}");
    }
}

/// The broker wants a certificate of its clients.
#[test]
fn without_a_certificate_of_our_own_the_broker_refuses() {
    let topic = topic(1, &[]);
    let mut bare = secure(&topic, "PLAIN", PASSWORD);
    bare.properties.retain(|name, _| !name.starts_with("ssl.certificate") && !name.starts_with("ssl.key"));
    let error = refused(&KafkaSettings { connect_wait: Duration::from_secs(5), ..bare });
    assert!(error.to_string().contains("TLS") || error.to_string().contains("does not answer"), "{error}");
}

#[test]
fn a_wrong_password_or_authority_is_told_at_once() {
    let topic = topic(1, &[]);
    for (wrong, told) in [
        (secure(&topic, "PLAIN", "wrong"), "refuses the login"),
        (secure(&topic, "SCRAM-SHA-256", "wrong"), "refuses the login"),
        (
            KafkaSettings {
                properties: [("security.protocol".to_owned(), "SSL".to_owned())].into(),
                ..secure(&topic, "PLAIN", "")
            },
            "over TLS",
        ),
    ] {
        let begun = Instant::now();
        let error = refused(&KafkaSettings { connect_wait: PATIENCE, ..wrong });
        assert!(matches!(&error, SourceError::Setting(text) if text.contains(told)), "{error}");
        assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    }
}

#[test]
fn a_missing_topic_is_told_with_those_that_look_like_it() {
    let topic = topic(1, &[]);
    let error = refused(&settings(&topic.replace('t', "T-"))).to_string();
    assert!(error.contains("has no topic") && error.contains("did you mean") && error.contains(&topic), "{error}");
    let error = refused(&settings("zzz")).to_string();
    assert!(error.contains("has no topic zzz; check `topic`"), "{error}");
    let error = refused(&settings("not a name")).to_string();
    assert!(error.contains("can't be the name of a topic"), "{error}");
}

#[test]
fn brokers_that_do_not_answer_are_named() {
    let nowhere =
        KafkaSettings { brokers: "127.0.0.1:1".to_owned(), connect_wait: Duration::from_secs(2), ..settings("t") };
    let begun = Instant::now();
    let error = refused(&nowhere);
    assert!(matches!(error, SourceError::Outside(_)));
    let error = error.to_string();
    assert!(
        error.contains("at 127.0.0.1:1 does not answer within 2 s") && error.contains("check `brokers`"),
        "{error}"
    );
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
}

#[test]
fn a_property_is_passed_on_or_refused_by_name() {
    let topic = topic(1, &[]);
    fill(&topic, 0, 0..3);
    let with = |name: &str, value: &str| KafkaSettings {
        properties: [(name.to_owned(), value.to_owned())].into(),
        ..settings(&topic)
    };
    for (name, value, told) in [
        ("no.such.property", "1", "no.such.property"),
        ("check.crcs", "perhaps", "check.crcs = \"perhaps\""),
        ("enable.auto.commit", "true", "enable.auto.commit can't be true, only false"),
        ("auto.offset.reset", "earliest", "auto.offset.reset can't be earliest, only error"),
        ("bootstrap.servers", "x:1", "bootstrap.servers is set by `brokers`"),
    ] {
        let error = refused(&with(name, value));
        assert!(matches!(&error, SourceError::Setting(text) if text.contains(told)), "{error}");
    }
    let only_there = with("queued.min.messages", "1000");
    match CLIENT {
        KafkaClient::Native => assert!(refused(&only_there).to_string().contains("client = \"librdkafka\"")),
        KafkaClient::Librdkafka => assert_eq!(read_bounded(&only_there).count(), 3),
    }
    assert_eq!(read_bounded(&with("fetch.max.bytes", "2000000")).count(), 3);
    assert_eq!(read_bounded(&with("enable.auto.commit", "false")).count(), 3);
}
