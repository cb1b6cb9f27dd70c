//! The Kafka source on a real broker, through each of its clients. Without Java or Maven these tests fail and say what to install; they never skip.
//!
//! One broker serves all tests of this binary; a static is never dropped, so its watchdog stops it when the process ends, however it
//! ends. Tests that stop their broker have one of their own.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail the test")]
#![allow(clippy::duplicate_mod, reason = "the same tests run for each client")]

#[path = "kafka_source/proxy.rs"]
mod proxy;
#[path = "kafka_source/support.rs"]
mod support;

/// The same tests for every client.
macro_rules! clients {
    ($($name:ident = $client:expr;)+) => {$(
        #[path = "kafka_source"]
        mod $name {
            use crate::support;
            use weir::source::kafka::{KafkaClient, KafkaSettings};

            const CLIENT: KafkaClient = $client;

            fn settings(topic: &str) -> KafkaSettings {
                KafkaSettings { client: CLIENT, ..support::settings(topic) }
            }

            mod cluster;
            mod faults;
            mod group;
            mod identity;
            mod leaders;
            mod lost;
            mod reading;
            mod troubles;
        }
    )+};
}

clients! {
    native = KafkaClient::Native;
    librdkafka = KafkaClient::Librdkafka;
}
