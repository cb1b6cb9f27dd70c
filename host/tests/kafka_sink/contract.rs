//! The sink's contract, between its calls: killed at each step, fenced, with a broker that goes away, from older checkpoints.

use super::support::*;
use std::time::Duration;
use weir::sink::kafka::KafkaTopic;
use weir::sink::kafka::destination::KafkaDestination;
use weir::sink::kafka::producer::{Outgoing, Producer};
use weir::sink::outbox::{Destination, Opening, Trouble};
use weir::sink::{Claim, Resume, Sink, SinkError};
use weir_services::client::create_topic;

fn claim(lineage: &str, generation: u64) -> Claim {
    Claim { pipeline: "retail".into(), lineage: lineage.into(), generation }
}

fn opening(generation: u64, again: bool) -> Opening {
    Opening { claim: claim("a", generation), resumed_epoch: 0, open_from_us: i64::MIN, again }
}

#[test]
fn rows_keys_and_headers_as_documented() {
    let topic = topics(broker(), "rows");
    let mut sink = sink(&topic);
    assert_eq!(sink.recover(&resume(1, 0, None)).unwrap(), None);
    deliver(&mut sink, 1, &[closed(0, 0, 2)]).unwrap();
    deliver(&mut sink, 2, &[closed(0, 1, 2), closed(1, 0, 1)]).unwrap();
    let read = read(&topic);
    let expected = [(0, 0, 1), (0, 0, 2), (0, 1, 1), (0, 1, 2), (1, 0, 2)];
    let keys = expected.map(|(minute, shop, _)| {
        format!(
            "{{\"kpi\":\"sales\",\"window_start\":\"1970-01-01T00:0{minute}:00.000Z\",\"group\":{{\"shop\":{shop}}}}}"
        )
    });
    assert_eq!(read.iter().map(|read| read.key.clone()).collect::<Vec<_>>(), keys);
    assert_eq!(read.iter().map(|read| read.epoch).collect::<Vec<_>>(), expected.map(|(_, _, epoch)| epoch));
    assert_eq!(
        read[0].value,
        "{\"window\":{\"start\":\"1970-01-01T00:00:00.000Z\",\"end\":\"1970-01-01T00:01:00.000Z\"},\"shop\":0,\"orders\":0}"
    );
    assert!(read[1].value.contains("\"revision\":1"), "{read:?}");
}

/// A run dies after each of its steps, and the next goes on from the checkpoint that the step before has left.
#[test]
fn killed_at_each_step_every_row_stands_once() {
    let topic = topics(broker(), "killed");
    let mut generation = 0;
    let mut next = |epoch: u64, prepared: Option<&[u8]>| {
        generation += 1;
        let mut sink = sink(&topic);
        let held = sink.recover(&resume(generation, epoch, prepared)).unwrap();
        (sink, held)
    };
    // After recover; after accept; after prepare, whose checkpoint is not written.
    drop(next(0, None));
    let (mut first, _) = next(0, None);
    first.accept(&closed(0, 0, 5)).unwrap();
    drop(first);
    let (mut first, _) = next(0, None);
    prepare(&mut first, 1, &[closed(0, 0, 5)]);
    drop(first);
    // After the checkpoint is written, before the commit.
    let (mut first, _) = next(0, None);
    let checkpoint = prepare(&mut first, 1, &[closed(0, 0, 5)]);
    drop(first);
    // While the courier is on its way: twice, to meet it in different places.
    for _ in 0..2 {
        let (mut second, _) = next(1, Some(&checkpoint));
        second.commit(1, &checkpoint).unwrap();
        drop(second);
    }
    // After the commit, before the next checkpoint: the same bytes come again.
    let (mut third, _) = next(1, Some(&checkpoint));
    assert!(third.finish(LONG).unwrap());
    third.commit(1, &checkpoint).unwrap();
    let later = deliver(&mut third, 2, &[closed(1, 0, 5)]).unwrap();
    drop(third);
    let (mut fourth, held) = next(2, Some(&later));
    assert_eq!(held, Some(2));
    assert!(fourth.finish(LONG).unwrap());
    assert_once(&topic, 0..2, 5);
}

#[test]
fn a_newer_run_fences_the_older_and_the_older_can_not_come_back() {
    let topic = topics(broker(), "fenced");
    let mut older = sink(&topic);
    older.recover(&resume(1, 0, None)).unwrap();
    let checkpoint = deliver(&mut older, 1, &[closed(0, 0, 3)]).unwrap();
    let mut newer = sink(&topic);
    assert_eq!(newer.recover(&resume(2, 1, Some(&checkpoint))).unwrap(), Some(1));
    let error = deliver(&mut older, 2, &[closed(1, 0, 3)]).unwrap_err();
    assert!(matches!(error, SinkError::Fenced { .. }), "{error}");
    let error = sink(&topic).recover(&resume(1, 1, Some(&checkpoint))).unwrap_err();
    assert!(matches!(error, SinkError::Fenced { .. }), "{error}");
    // Neither try of the older has cost the newer its place.
    deliver(&mut newer, 2, &[closed(1, 0, 3)]).unwrap();
    assert_once(&topic, 0..2, 3);
    // Somebody begins anew, with another checkpoint folder: rows come again, in a lineage of their own.
    let mut anew = sink(&topic);
    let from = Resume { claim: claim("b", 1), epoch: 0, prepared: None, open_from_us: i64::MIN };
    assert_eq!(anew.recover(&from).unwrap(), None);
    let error = deliver(&mut newer, 3, &[closed(2, 0, 3)]).unwrap_err();
    assert!(matches!(error, SinkError::Fenced { .. }), "{error}");
    deliver(&mut anew, 1, &[closed(0, 0, 3)]).unwrap();
    assert_eq!(read(&topic).len(), 9);
}

/// Anybody with the same transactional id ends our transaction; as long as the marker is ours, we take the name back.
#[test]
fn a_second_producer_of_the_name_fences_but_the_marker_decides() {
    let topic = topics(broker(), "second");
    let mut destination = KafkaDestination::new(settings(&topic));
    assert_eq!(destination.open(&opening(1, false)).unwrap(), None);
    destination.apply(1, &message(0)).unwrap();
    drop(Producer::open(&topic, "weir.retail.kafka").unwrap());
    let trouble = destination.apply(2, &message(1)).unwrap_err();
    assert!(matches!(&trouble, Trouble::Passing(reason) if reason.contains("weir.retail.kafka")), "{trouble:?}");
    destination.close();
    assert_eq!(destination.open(&opening(1, true)).unwrap(), Some(1));
    destination.apply(2, &message(1)).unwrap();
    let mut twin = KafkaDestination::new(settings(&topic));
    // Of the same generation: whoever begins later has it.
    twin.open(&opening(1, false)).unwrap();
    destination.close();
    let trouble = destination.open(&opening(1, true)).unwrap_err();
    assert!(matches!(trouble, Trouble::Fenced(_)), "{trouble:?}");
    twin.apply(3, &message(2)).unwrap();
    assert_eq!(read(&topic).iter().map(|read| read.epoch).collect::<Vec<_>>(), [1, 2, 3]);
}

/// An epoch's bytes: one row of a minute.
fn message(minute: i64) -> Vec<u8> {
    use weir::sink::outbox::Render;
    use weir_core::types::{ColumnType, Field, ScalarType};
    let field = Field { path: "shop".into(), column_type: ColumnType::Scalar(ScalarType::Int64), nullable: false };
    let kpi = weir::sink::KpiSchema { name: "sales".into(), kpi: 0, keys: vec![field], outputs: vec![] };
    let mut bytes = Vec::new();
    weir::sink::kafka::rows::Messages::new(vec![kpi]).render(&mut bytes, &closed(minute, 0, 1)).unwrap();
    bytes
}

/// The end of a transaction is not heard of: it did take place, or it did not.
#[test]
fn after_an_unclear_end_the_marker_tells() {
    let topic = topics(broker(), "unclear");
    let mut destination = KafkaDestination::new(settings(&topic));
    destination.open(&opening(1, false)).unwrap();
    destination.apply(1, &message(0)).unwrap();
    destination.close();
    assert_eq!(destination.open(&opening(1, true)).unwrap(), Some(1), "it did");
    destination.apply(1, &message(0)).unwrap();
    destination.close();
    // It did not: rows and marker were sent, and the producer is gone before the end.
    let hanging = Producer::open(&topic, "weir.retail.kafka").unwrap();
    hanging.begin().unwrap();
    let headers: [(&str, &[u8]); 1] = [("weir-epoch", b"2")];
    let key: Option<&[u8]> = Some(b"lost");
    hanging.send_all([Outgoing { topic: None, partition: None, key, value: b"{}", headers: &headers }]).unwrap();
    let marker = b"{\"lineage\":\"a\",\"generation\":1,\"run\":\"x\",\"epoch\":2}";
    let (epochs, key): (_, Option<&[u8]>) = (Some("unclear-epochs"), Some(b"retail/kafka"));
    hanging.send_all([Outgoing { topic: epochs, partition: Some(0), key, value: marker, headers: &[] }]).unwrap();
    hanging.flush().unwrap();
    drop(hanging);
    assert_eq!(destination.open(&opening(1, true)).unwrap(), Some(1), "it did not");
    destination.apply(2, &message(1)).unwrap();
    assert_eq!(read(&topic).iter().map(|read| read.epoch).collect::<Vec<_>>(), [1, 2]);
}

/// The newest checkpoints are lost: windows come again in other epochs, some at other revisions, and those that are there are left out.
#[test]
fn from_an_older_checkpoint_what_is_there_is_left_out() {
    let topic = topics(broker(), "older");
    let mut first = sink(&topic);
    first.recover(&resume(1, 0, None)).unwrap();
    let checkpoint = deliver(&mut first, 1, &[closed(0, 0, 3)]).unwrap();
    deliver(&mut first, 2, &[closed(1, 0, 3)]).unwrap();
    deliver(&mut first, 3, &[closed(1, 2, 3), closed(2, 0, 3)]).unwrap();
    drop(first);
    let mut next = sink(&topic);
    assert_eq!(next.recover(&resume(2, 1, Some(&checkpoint))).unwrap(), Some(3));
    // The run's epochs are above what the sink knows. Revision 1 was never there, but a higher one is.
    deliver(&mut next, 4, &[closed(1, 0, 3), closed(1, 1, 3), closed(2, 0, 3)]).unwrap();
    deliver(&mut next, 5, &[closed(1, 2, 3), closed(2, 1, 3), closed(3, 0, 3)]).unwrap();
    let read = read(&topic);
    let epochs = |minute: i64| -> Vec<u64> {
        let start = format!("00:0{minute}:00.000Z\",\"group\":{{\"shop\":1}}");
        read.iter().filter(|read| read.key.contains(&start)).map(|read| read.epoch).collect()
    };
    assert_eq!([epochs(0), epochs(1), epochs(2), epochs(3)], [vec![1], vec![2, 3], vec![3, 5], vec![5]]);
}

/// A run that went on from before the last rows makes a checkpoint behind them, with their windows open still; the next goes on from that.
#[test]
fn what_is_there_is_left_out_also_by_the_run_after_the_next() {
    let topic = topics(broker(), "after-next");
    let mut first = sink(&topic);
    first.recover(&resume(1, 0, None)).unwrap();
    let checkpoint = deliver(&mut first, 1, &[closed(0, 0, 3)]).unwrap();
    deliver(&mut first, 2, &[closed(1, 0, 3), closed(2, 0, 3)]).unwrap();
    let mut second = sink(&topic);
    second.recover(&resume(2, 1, Some(&checkpoint))).unwrap();
    let checkpoint = deliver(&mut second, 3, &[closed(1, 0, 3)]).unwrap();
    for (generation, epoch) in [(3, 4), (4, 5)] {
        let mut next = sink(&topic);
        next.recover(&resume(generation, 3, Some(&checkpoint))).unwrap();
        deliver(&mut next, epoch, &[closed(2, 0, 3)]).unwrap();
    }
    let mut epochs: Vec<u64> = read(&topic).iter().map(|read| read.epoch).collect();
    epochs.dedup();
    assert_eq!(epochs, [1, 2]);
}

#[test]
fn a_broker_that_dies_in_mid_transaction_loses_and_doubles_nothing() {
    let mut kafka = start("dies");
    let topic = topics(&kafka.bootstrap(), "dies");
    let mut sink = sink(&topic);
    sink.recover(&resume(1, 0, None)).unwrap();
    for epoch in 1..=20_u64 {
        let bytes = prepare(&mut sink, epoch, &[closed(epoch as i64, 0, 500)]);
        sink.commit(epoch, &bytes).unwrap();
        if epoch == 6 || epoch == 14 {
            // The courier is busy with one of these now.
            std::thread::sleep(Duration::from_millis(60 * (epoch % 5)));
            kafka.kill();
            std::thread::sleep(Duration::from_secs(1));
            kafka.resume().unwrap();
        }
    }
    assert!(sink.finish(LONG).unwrap(), "{:?}", sink.state());
    assert_once(&topic, 1..21, 500);
}

#[test]
fn missing_topics_and_wrong_settings_are_told_with_the_mend() {
    let told = |topic: &KafkaTopic| {
        let told = sink(topic).recover(&resume(1, 0, None)).unwrap_err().to_string();
        let before = sink(topic).reach(&|| false).unwrap_err().to_string();
        assert_eq!(before, told, "it is told before anybody is shut out");
        told
    };
    let mut topic = KafkaTopic { brokers: broker().into(), topic: "absent".into(), properties: Default::default() };
    let error = told(&topic);
    assert!(error.contains("--create --topic absent --partitions"), "{error}");
    create_topic(broker(), "absent", 1, &[]).unwrap();
    let error = told(&topic);
    assert!(error.contains("--create --topic absent-epochs --partitions 1") && error.contains("compact"), "{error}");
    create_topic(broker(), "absent-epochs", 1, &[]).unwrap();
    let error = told(&topic);
    assert!(error.contains("cleanup.policy=delete") && error.contains("kafka-configs.sh"), "{error}");
    topic.properties.insert("sasl.passwort".into(), "hunter2".into());
    let error = told(&topic);
    assert!(error.contains("sasl.passwort") && !error.contains("hunter2"), "{error}");
}

/// A row that the topic does not take stops the run with the reason; it is not tried for ever.
#[test]
fn rows_too_long_for_the_topic_are_final() {
    let topic = KafkaTopic { brokers: broker().into(), topic: "short".into(), properties: Default::default() };
    create_topic(broker(), "short", 1, &[("max.message.bytes", "100")]).unwrap();
    create_topic(broker(), "short-epochs", 1, &[("cleanup.policy", "compact")]).unwrap();
    let mut sink = sink(&topic);
    sink.recover(&resume(1, 0, None)).unwrap();
    let error = deliver(&mut sink, 1, &[closed(0, 0, 50)]).unwrap_err();
    assert!(matches!(error, SinkError::Refused { .. }), "{error}");
    assert!(read(&topic).is_empty());
}
