//! Which topic it is: the id that Kafka gave it, the same for whoever asks.

use super::{CLIENT, settings};
use crate::support::*;
use weir::source::kafka::{KafkaClient, KafkaSettings};
use weir_services::client;

fn identity(settings: &KafkaSettings) -> String {
    let source = connect(settings);
    let ids: Vec<_> = source.partitions().iter().map(|partition| partition.identity.clone().unwrap()).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    ids[0].clone()
}

#[test]
fn a_topic_keeps_its_id_until_it_is_made_anew() {
    let topic = topic(1, &[]);
    let id = identity(&settings(&topic));
    assert_eq!(id.len(), 22, "{id}: 16 bytes in base64");
    let other = if CLIENT == KafkaClient::Native { KafkaClient::Librdkafka } else { KafkaClient::Native };
    fill(&topic, 0, 0..5);
    assert_eq!(identity(&KafkaSettings { client: other, ..settings(&topic) }), id, "both clients ask the same broker");
    client::delete_topic(&broker().bootstrap(), &topic).unwrap();
    create_again(&topic);
    assert_ne!(identity(&settings(&topic)), id);
}
