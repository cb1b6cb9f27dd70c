//! The rules of blocks and ends, without a broker.

use super::*;

fn parts(ends: &[Option<i64>]) -> Parts {
    let place = |(index, end): (usize, &Option<i64>)| Place {
        partition: index as u32,
        id: 10 + index as i32,
        begin: 5,
        is_oldest: false,
        end: *end,
        epoch: None,
        lost: None,
    };
    Parts::new(&ends.iter().enumerate().map(place).collect::<Vec<_>>())
}

fn message(id: i32, offset: i64, value: &[u8]) -> Message<'_> {
    Message { id, offset, value, arrival_us: 1, timestamp_ms: 2 }
}

/// Events in short: `0:[5 6]`, `caught up 0`, `ended 0`.
fn told(parts: &mut Parts, records_max: usize) -> Vec<String> {
    let mut told = Vec::new();
    while let Some(event) = parts.next_event(records_max) {
        told.push(match event {
            ReadEvent::Block(block) => {
                let offsets: Vec<String> = block.records.iter().map(|record| record.offset.to_string()).collect();
                assert!(
                    (0..block.records.len())
                        .all(|index| block.value(index) == block.records[index].offset.to_string().as_bytes())
                );
                format!("{}:[{}]", block.partition, offsets.join(" "))
            }
            ReadEvent::CaughtUp { partition } => format!("caught up {partition}"),
            ReadEvent::Ended { partition } => format!("ended {partition}"),
            ReadEvent::Lost { partition, from, until, next } => {
                format!("{partition}: lost {from}..{until}, on at {next}")
            }
            ReadEvent::Nothing => "nothing".to_owned(),
        });
    }
    told
}

fn take(parts: &mut Parts, id: i32, offset: i64, records_max: usize) -> bool {
    parts.take(&message(id, offset, offset.to_string().as_bytes()), records_max)
}

#[test]
fn one_full_block_brings_all_blocks_with_it() {
    let mut parts = parts(&[None, None]);
    assert!(!take(&mut parts, 10, 5, 2) && !take(&mut parts, 11, 5, 2) && take(&mut parts, 10, 7, 2));
    assert!(parts.is_filling() && !parts.is_ready());
    parts.flush();
    assert!(!parts.is_filling());
    assert_eq!(told(&mut parts, 2), ["0:[5 7]", "1:[5]"]);
}

#[test]
fn a_block_is_full_by_bytes_too() {
    let mut parts = parts(&[None, None, None]);
    let value = vec![b'x'; BLOCK_BYTES / 2];
    assert!(!parts.take(&message(10, 5, &value), 100));
    assert!(!parts.take(&message(11, 5, &value), 100));
    assert!(parts.take(&message(10, 6, &value), 100), "a block is full");
    parts.flush();
    let value = vec![b'x'; BLOCK_BYTES - 1];
    assert!(!parts.take(&message(10, 7, &value), 100));
    assert!(!parts.take(&message(11, 7, &value), 100));
    assert!(parts.take(&message(12, 7, b"xx"), 100), "all blocks together are full");
}

#[test]
fn what_came_before_the_end_is_handed_over_before_it() {
    let mut parts = parts(&[None, Some(8)]);
    take(&mut parts, 10, 5, 100);
    take(&mut parts, 11, 6, 100);
    parts.at_end(10);
    parts.at_end(11);
    parts.at_end(11);
    assert_eq!(parts.take_fetched(), [11], "an end that the client tells is one too");
    assert_eq!(told(&mut parts, 100), ["0:[5]", "1:[6]", "caught up 0", "ended 1"]);
    assert!(parts.all()[0].at_end && !parts.all_ended());
    take(&mut parts, 10, 6, 100);
    assert!(!parts.all()[0].at_end);
}

#[test]
fn a_bounded_partition_ends_at_its_last_record_or_at_one_behind_it() {
    let mut parts = parts(&[Some(7), Some(7), Some(7), Some(5), Some(4)]);
    assert_eq!(told(&mut parts, 100), ["ended 3", "ended 4"], "nothing to bring");
    assert!(!take(&mut parts, 10, 5, 100) && take(&mut parts, 10, 6, 100));
    assert!(!take(&mut parts, 11, 5, 100) && take(&mut parts, 11, 8, 100));
    assert!(!take(&mut parts, 10, 7, 100), "it has ended");
    assert!(!parts.position(12, 6) && parts.position(12, 7) && !parts.position(12, 8));
    parts.flush();
    assert_eq!(parts.take_fetched(), [10, 11, 12], "13 and 14 never were");
    assert!(parts.take_fetched().is_empty());
    assert_eq!(told(&mut parts, 100), ["0:[5 6]", "1:[5]", "ended 0", "ended 1", "ended 2"]);
    assert!(parts.all_ended());
}

#[test]
fn nothing_comes_twice_and_strangers_are_left_out() {
    let mut parts = parts(&[None]);
    take(&mut parts, 10, 6, 100);
    take(&mut parts, 10, 6, 100);
    take(&mut parts, 10, 4, 100);
    take(&mut parts, 9, 7, 100);
    take(&mut parts, -1, 7, 100);
    take(&mut parts, 99, 7, 100);
    parts.flush();
    assert_eq!(told(&mut parts, 100), ["0:[6]"]);
}

#[test]
fn a_block_filled_for_a_larger_call_is_handed_over_in_pieces() {
    let mut parts = parts(&[None, None]);
    (5..10).for_each(|offset| _ = take(&mut parts, 10, offset, 100));
    take(&mut parts, 11, 5, 100);
    parts.flush();
    assert_eq!(told(&mut parts, 2), ["0:[5 6]", "0:[7 8]", "0:[9]", "1:[5]"]);
}

#[test]
fn no_partitions_have_all_ended() {
    assert!(Parts::new(&[]).all_ended());
}

#[test]
fn a_loss_comes_behind_what_was_taken_and_before_what_follows() {
    let mut parts = parts(&[None, Some(40)]);
    assert!(!take(&mut parts, 10, 5, 100));
    parts.lose(0, Loss::of(10, 6, (20, 30)).unwrap());
    take(&mut parts, 10, 20, 100);
    // Cut back: the offsets come again.
    parts.lose(0, Loss::of(10, 21, (0, 9)).unwrap());
    take(&mut parts, 10, 9, 100);
    parts.lose(1, Loss::of(11, 5, (50, 60)).unwrap());
    let expected = [
        "0:[5]",
        "0: lost 6..20, on at 20",
        "0:[20]",
        "0: lost 9..21, on at 9",
        "0:[9]",
        "1: lost 5..50, on at 50",
        "ended 1",
    ];
    assert_eq!(told(&mut parts, 100), expected);
}
