//! A broker comes up, is killed, and comes up again on its data; two at once do not clash.

use std::net::TcpStream;
use weir_services::kafka::{Kafka, KafkaOptions};

#[test]
fn a_broker_comes_up_again_after_kill_and_stop() {
    let folder = tempfile::tempdir().unwrap();
    let mut kafka = Kafka::start(&folder.path().join("a"), KafkaOptions::default()).unwrap();
    let other = Kafka::start(&folder.path().join("b"), KafkaOptions::default()).unwrap();
    assert_ne!(kafka.bootstrap(), other.bootstrap());
    kafka.kill();
    assert!(TcpStream::connect(kafka.bootstrap()).is_err());
    kafka.resume().unwrap();
    kafka.stop();
    kafka.resume().unwrap();
}
