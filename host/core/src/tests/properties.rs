//! The invariants that the types state, each under its own name.

use super::oracle::truth;
use super::scenario::{Rec, Scenario, Step, scenarios};
use super::world::World;
use crate::time::{PartitionClock, Standing, TimeRules, Watermarks};
use crate::window::Windowing;
use proptest::prelude::*;
use std::collections::HashMap;

proptest! {
    #[test]
    fn what_is_published_last_depends_on_what_was_folded_not_on_when_it_was_flushed(scenario in scenarios()) {
        let world = World::run(&scenario);
        let truth = truth(&scenario, &world.floors);
        prop_assert_eq!(world.outcome.windows, truth.windows);
    }

    #[test]
    fn a_record_is_late_for_exactly_the_windows_that_its_own_partition_has_passed(scenario in scenarios()) {
        let world = World::run(&scenario);
        let truth = truth(&scenario, &world.floors);
        prop_assert_eq!(world.outcome.late, truth.late);
        prop_assert_eq!(world.outcome.counts, truth.counts);
    }

    #[test]
    fn kept_is_counted_and_late_for_every_grouping(scenario in scenarios()) {
        let world = World::run(&scenario);
        for (counted, late, _) in world.outcome.counts {
            prop_assert_eq!(counted + late, world.outcome.kept);
        }
    }

    #[test]
    fn a_window_is_published_again_only_with_a_higher_revision(scenario in scenarios()) {
        let mut revisions = HashMap::new();
        for (kpi, start_us, revision) in World::run(&scenario).publications {
            let before = revisions.insert((kpi, start_us), revision);
            prop_assert!(before < Some(revision), "{} then {}", before.unwrap_or(0), revision);
        }
    }

    #[test]
    fn a_window_is_published_neither_before_its_end_nor_after_it_is_settled(scenario in scenarios()) {
        prop_assert_eq!(World::run(&scenario).out_of_time, []);
    }

    #[test]
    fn the_watermark_of_a_partition_does_not_depend_on_batches(scenario in scenarios(), batch in 1usize..9) {
        for records in &scenario.partitions {
            let events: Vec<i64> = records.iter().map(|record| record.event_us).collect();
            let arrivals: Vec<i64> = records.iter().map(|record| record.arrival_us).collect();
            let (mut whole, mut cut) = (PartitionClock::new(), PartitionClock::new());
            let (mut before, mut part, mut parts) = (Vec::new(), Vec::new(), Vec::new());
            whole.judge(&scenario.rules, &events, &arrivals, &mut before);
            for (events, arrivals) in events.chunks(batch).zip(arrivals.chunks(batch)) {
                cut.judge(&scenario.rules, events, arrivals, &mut part);
                parts.extend_from_slice(&part);
                cut = PartitionClock::restore(cut.export());
            }
            let mut single = PartitionClock::new();
            for (record, before) in records.iter().zip(&before) {
                if scenario.rules.is_future_dated(record.event_us, record.arrival_us) {
                    prop_assert_eq!(single.watermark(&scenario.rules), *before);
                } else {
                    prop_assert_eq!(single.observe(&scenario.rules, record.event_us), *before);
                }
            }
            prop_assert_eq!(&single, &whole);
            prop_assert!(before.is_sorted(), "the watermark never goes back");
            prop_assert_eq!(before, parts);
            prop_assert_eq!(whole, cut);
        }
    }

    #[test]
    fn the_pipeline_watermark_never_goes_back_and_is_never_ahead_of_a_live_partition(
        steps in prop::collection::vec((0u32..4, 0u8..8, -50i64..50), 0..80),
    ) {
        let mut board = Watermarks::new(4);
        let mut own = [i64::MIN; 4];
        for (partition, step, watermark_us) in steps {
            let before = board.pipeline();
            let place = partition as usize;
            match step {
                0 => board.idle(partition),
                1 if board.standing(partition) == Some(Standing::Idle) => own[place] = own[place].max(board.returned(partition)),
                2 if watermark_us > 40 => board.ended(partition),
                _ => {
                    own[place] = own[place].max(watermark_us);
                    board.advance(partition, watermark_us);
                }
            }
            let standing = |place: &usize| board.standing(*place as u32);
            let live = (0..4).filter(|place| standing(place) == Some(Standing::Live)).map(|place| own[place]).min();
            prop_assert!(board.pipeline() >= before);
            prop_assert!(live.is_none_or(|least| board.pipeline() <= least));
            prop_assert!(live.is_none_or(|least| board.pipeline() == least.max(before)));
            prop_assert_eq!(live.is_none() && board.pipeline() != before, (0..4).all(|place| standing(&place) == Some(Standing::Ended)) && before != i64::MAX);
        }
    }
}

fn record(event_us: i64) -> Rec {
    Rec { event_us, arrival_us: event_us, country: None, customer: 0, value: 1 }
}

fn scenario(allowed_lateness_us: i64, windowing: Windowing, events: &[i64]) -> Scenario {
    let rules =
        TimeRules { max_out_of_orderness_us: 5, allowed_lateness_us, max_time_jump_us: None, max_future_skew_us: None };
    let steps = (0..events.len()).flat_map(|_| [Step::Read(0, 1), Step::Look(0), Step::Flush(0), Step::Deliver(0)]);
    let steps = steps.collect();
    Scenario {
        rules,
        windowings: [windowing; 4],
        partitions: vec![events.iter().map(|event| record(*event)).collect()],
        workers: 1,
        steps,
    }
}

/// (revision, count) of KPI 0's window from 0.
fn first_window(scenario: &Scenario) -> (u64, i64) {
    let world = World::run(scenario);
    let (revision, rows) = &world.outcome.windows[&(0, 0)];
    (*revision, rows[0].1[0])
}

#[test]
fn lateness_begins_exactly_at_the_end_plus_what_is_allowed() {
    let minute = Windowing::tumbling(60).unwrap();
    for lateness in [0, 1, 30] {
        // The front at 64: the watermark is 59, one short of the end.
        for (front, expected) in [
            (64, (0, 2)),
            (65 + lateness - 1, (u64::from(lateness > 0), 2)),
            (65 + lateness, (0, 1)),
            (65 + lateness + 1, (0, 1)),
        ] {
            assert_eq!(
                first_window(&scenario(lateness, minute, &[10, front, 20])),
                expected,
                "lateness {lateness}, front {front}"
            );
        }
    }
}

#[test]
fn a_hopping_record_may_count_in_some_windows_and_be_late_for_others() {
    let world_of = scenario(0, Windowing::hopping(60, 20).unwrap(), &[50, 70, 41]);
    let world = World::run(&world_of);
    // The watermark before the last record is 65: [0, 60) refuses it, [20, 80) and [40, 100) take it.
    assert_eq!(world.outcome.counts[0], (3, 0, 1));
    assert_eq!(world.outcome.late[0], (0, 0, 2, 1, false));
    let counts: Vec<(i64, i64)> = world
        .outcome
        .windows
        .iter()
        .filter(|window| window.0.0 == 0)
        .map(|(name, window)| (name.1, window.1[0].1[0]))
        .collect();
    assert_eq!(counts, [(0, 1), (20, 3), (40, 3), (60, 1)]);
}

#[test]
fn a_late_record_that_is_taken_publishes_the_window_again_whole() {
    let minute = Windowing::tumbling(60).unwrap();
    let scenario = scenario(30, minute, &[10, 70, 20, 30]);
    let world = World::run(&scenario);
    let first: Vec<u64> = world
        .publications
        .iter()
        .filter(|publication| (publication.0, publication.1) == (0, 0))
        .map(|publication| publication.2)
        .collect();
    assert_eq!(first, [0, 1, 2]);
    assert_eq!(world.outcome.windows[&(0, 0)].1[0].1, [3, 3]);
}
