//! What the reader does about the faults of the double.

use super::batches::{batch, signed};
use super::double::{Double, END, Say, TOPIC};
use crate::source::kafka::{KafkaSettings, LostOffsets, connect};
use crate::source::{Assignment, ReadEvent, Reader, SourceError};
use kafka_protocol::messages::fetch_response::{AbortedTransaction, EpochEndOffset, PartitionData};
use kafka_protocol::messages::{FetchRequest, ProducerId};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

fn of(bytes: Vec<u8>) -> PartitionData {
    PartitionData::default().with_records(Some(bytes.into()))
}

fn offset(request: &FetchRequest) -> i64 {
    request.topics[0].partitions[0].fetch_offset
}

/// What belongs at the offset that is asked for.
fn honest(request: &FetchRequest) -> Say {
    match offset(request) {
        END => Say::Partition(PartitionData::default()),
        from => Say::Partition(of(batch(from..END, |_| {}))),
    }
}

/// Reads until the whole log has come, or the reader stops.
fn read(double: &Double) -> Result<usize, SourceError> {
    let (mut reader, mut count, begun) = (double.reader(), 0, Instant::now());
    while count < END as usize {
        assert!(begun.elapsed() < Duration::from_secs(60), "{count} records only");
        if let ReadEvent::Block(block) = reader.next(7, Duration::from_millis(10))? {
            assert_eq!(block.records[0].offset, count as i64);
            count += block.records.len();
        }
    }
    Ok(count)
}

#[test]
fn a_log_cut_back_behind_what_was_read_stops_the_run() {
    let double = Double::start(|number, request| match number {
        0 => Say::Partition(of(batch(0..40, |_| {}))),
        _ => {
            // The broker is asked with the epoch of the last batch, and says where its log parts from it.
            assert_eq!(request.topics[0].partitions[0].last_fetched_epoch, 4);
            let parting = EpochEndOffset::default().with_epoch(3).with_end_offset(25);
            Say::Partition(PartitionData::default().with_diverging_epoch(parting))
        }
    });
    let told = read(&double).unwrap_err().to_string();
    assert!(told.contains("lost records that were read before, offsets 25 to 39"), "{told}");
}

#[test]
fn broken_answers_are_asked_for_again() {
    let mut half = vec![0, 0, 1, 0];
    half.extend([7; 100]);
    let double = Double::start(move |number, request| match number {
        0 => Say::Noise(half.clone()),
        1 => Say::AnotherNumber,
        2 => Say::Noise(vec![0, 0, 0, 9, 1]),
        3 => {
            let mut flipped = batch(offset(request)..END, |_| {});
            flipped[80] ^= 1;
            Say::Partition(of(flipped))
        }
        4 => Say::Partition(PartitionData::default().with_error_code(56)),
        _ => honest(request),
    });
    assert_eq!(read(&double).unwrap(), END as usize);
}

#[test]
fn a_batch_that_stays_broken_stops_the_run() {
    let double = Double::start(|_, _| {
        let mut flipped = batch(0..END, |_| {});
        flipped[80] ^= 1;
        Say::Partition(of(flipped))
    });
    let error = read(&double).unwrap_err();
    assert!(matches!(&error, SourceError::Lost(told) if told.contains("checksum")), "{error}");
}

#[test]
fn a_broker_that_throttles_is_left_alone() {
    let double = Double::start(|number, request| if number == 0 { Say::Throttled(300) } else { honest(request) });
    assert_eq!(read(&double).unwrap(), END as usize);
    let when = double.when.lock().unwrap();
    assert!(when[1] - when[0] >= Duration::from_millis(300), "{:?}", when[1] - when[0]);
}

#[test]
fn a_leader_of_a_new_epoch_is_asked_with_it() {
    let double = Double::start(|_, request| match request.topics[0].partitions[0].current_leader_epoch {
        5 => honest(request),
        _ => Say::Partition(PartitionData::default().with_error_code(74)),
    });
    let renewed = Arc::clone(&double);
    thread::spawn(move || {
        thread::sleep(Duration::from_millis(300));
        renewed.epoch.store(5, Ordering::Relaxed);
    });
    assert_eq!(read(&double).unwrap(), END as usize);
}

#[test]
fn an_error_that_nobody_thought_of_stops_the_run() {
    let double = Double::start(|_, _| Say::Partition(PartitionData::default().with_error_code(35)));
    assert!(matches!(read(&double), Err(SourceError::Outside(_))));
}

/// The request behind a broken batch was on its way before the batch was looked at; its answer must not be taken for what follows.
#[test]
fn an_answer_on_its_way_behind_a_broken_batch_is_dropped() {
    for good in [0, 30, 49] {
        let double = Double::start(move |number, request| match number {
            0 => {
                let mut flipped = batch(good + 1..60, |_| {});
                flipped[80] ^= 1;
                Say::Partition(of([batch(0..good + 1, |_| {}), flipped].concat()))
            }
            _ => honest(request),
        });
        assert_eq!(read(&double).unwrap(), END as usize, "{good} good batches before the broken one");
    }
}

/// The epoch that was asked with is of what was read: a log that parts from it, wherever, does not have that.
#[test]
fn a_log_that_parts_beyond_what_was_read_stops_the_run_too() {
    let double = Double::start(|number, _| match number {
        0 => Say::Partition(of(batch(0..40, |_| {}))),
        _ => {
            let parting = EpochEndOffset::default().with_epoch(3).with_end_offset(55);
            Say::Partition(PartitionData::default().with_diverging_epoch(parting))
        }
    });
    assert!(matches!(read(&double), Err(SourceError::Lost(_))));
}

#[test]
fn an_offset_called_out_of_range_for_ever_stops_the_run() {
    let double = Double::start(|_, _| Say::Partition(PartitionData::default().with_error_code(1)));
    let error = read(&double).unwrap_err();
    assert!(matches!(&error, SourceError::Lost(told) if told.contains("out of range")), "{error}");
}

#[test]
fn a_topic_without_an_id_is_asked_for_by_its_name() {
    let double = Double::with_id([0; 16], |_, request| {
        assert_eq!(request.topics[0].topic, TOPIC);
        honest(request)
    });
    assert_eq!(read(&double).unwrap(), END as usize);
}

#[test]
fn an_error_of_the_whole_answer_is_heard() {
    let double = Double::start(|number, request| if number == 0 { Say::Error(70) } else { honest(request) });
    assert_eq!(read(&double).unwrap(), END as usize);
    let double = Double::start(|_, _| Say::Error(35));
    assert!(matches!(read(&double), Err(SourceError::Outside(_))));
}

#[test]
fn a_flood_without_a_record_for_us_does_not_hold_the_reader() {
    let double = Double::start(|_, request| {
        let from = offset(request);
        let aborted = AbortedTransaction::default().with_producer_id(ProducerId(7)).with_first_offset(0);
        let records = batch(from..from + 10, |record| {
            record.transactional = true;
            record.producer_id = 7;
            record.producer_epoch = 0;
        });
        Say::Partition(of(records).with_high_watermark(i64::MAX / 2).with_aborted_transactions(Some(vec![aborted])))
    });
    let mut reader = double.reader();
    let begun = Instant::now();
    while double.fetches.load(Ordering::Relaxed) < 100 {
        assert!(matches!(reader.next(10, Duration::from_millis(10)), Ok(ReadEvent::Nothing)));
        assert!(begun.elapsed() < Duration::from_secs(60));
    }
}

#[test]
fn a_bounded_run_whose_records_are_deleted_before_it_begins_ends() {
    let double = Double::start(|_, _| Say::Partition(PartitionData::default().with_error_code(1)));
    let source =
        connect(&KafkaSettings { bounded: true, ..double.settings() }).unwrap_or_else(|error| panic!("{error}"));
    let mut reader = source.open(&[Assignment { partition: 0, offset: None, epoch: None }]).unwrap();
    double.low.store(END, Ordering::Relaxed);
    let begun = Instant::now();
    while !matches!(reader.next(10, Duration::from_millis(10)), Ok(ReadEvent::Ended { partition: 0 })) {
        assert!(begun.elapsed() < Duration::from_secs(60), "it does not end");
    }
}

#[test]
fn a_record_whose_offset_is_not_its_batchs_is_refused() {
    // The last delta says five offsets, the records have ten.
    let mut lie = batch(0..10, |_| {});
    lie[23..27].copy_from_slice(&4_i32.to_be_bytes());
    let lie = signed(lie, 0, None);
    let double = Double::start(move |_, _| Say::Partition(of(lie.clone())));
    assert!(matches!(read(&double), Err(SourceError::Lost(told)) if told.contains("does not lie in its batch")));
}

/// A broker looks at the end before it reads: what it sends may reach beyond the end that it tells.
#[test]
fn records_beyond_the_told_end_are_taken() {
    let double = Double::start(|number, request| match (number, honest(request)) {
        (0, Say::Partition(partition)) => Say::Partition(partition.with_high_watermark(7)),
        (_, say) => say,
    });
    assert_eq!(read(&double).unwrap(), END as usize);
    assert!(double.fetches.load(Ordering::Relaxed) <= 3, "nothing was fetched again");
}

/// A resumed reader asks with the epoch that the checkpoint knows, so that a log that was cut back and grew again is not taken for the same.
#[test]
fn a_log_cut_back_while_we_were_away_is_told_although_it_grew_again() {
    let cut = |_: usize, request: &FetchRequest| match request.topics[0].partitions[0].last_fetched_epoch {
        4 => {
            let parting = EpochEndOffset::default().with_epoch(3).with_end_offset(25);
            Say::Partition(PartitionData::default().with_diverging_epoch(parting))
        }
        _ => honest(request),
    };
    let double = Double::start(cut);
    let resumed = [Assignment { partition: 0, offset: Some(40), epoch: Some(4) }];
    let next = |reader: &mut dyn Reader| loop {
        match reader.next(7, Duration::from_millis(10)) {
            Ok(ReadEvent::Nothing) => {}
            event => break event,
        }
    };
    let source = connect(&double.settings()).unwrap_or_else(|error| panic!("{error}"));
    let mut reader = source.open(&resumed).unwrap();
    assert_eq!(reader.epoch(0), Some(4), "nothing was read yet");
    let told = next(&mut *reader).unwrap_err().to_string();
    assert!(told.contains("offsets 25 to 39, 15 at the most") && told.contains("To go on at 25"), "{told}");
    let settings = KafkaSettings { on_lost_offsets: LostOffsets::Continue, ..double.settings() };
    let mut reader = connect(&settings).unwrap_or_else(|error| panic!("{error}")).open(&resumed).unwrap();
    assert!(matches!(next(&mut *reader), Ok(ReadEvent::Lost { partition: 0, from: 25, until: 40, next: 25 })));
    assert!(matches!(next(&mut *reader), Ok(ReadEvent::Block(block)) if block.records[0].offset == 25));
    assert!(reader.epoch(0).is_some());
}
