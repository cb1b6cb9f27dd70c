//! The clock of one partition: its front and its watermark, moved by its own records alone, in its own order.
//!
//! Knows nothing of other partitions, but for the floor that the board gives to one that had stepped aside.

use super::TimeRules;

/// How many jumping records in a row are believed.
pub const JUMPS_BELIEVED: u32 = 5;

/// Records that are judged together where none of them is out of the ordinary.
const STRETCH: usize = 64;

/// A partition's front and watermark.
///
/// Invariants: the watermark never goes back; it depends on the partition's records before, in order, and on the floors
/// raised among them, and on nothing else (not on how the records were cut into batches).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PartitionClock {
    state: ClockState,
}

/// All that a [`PartitionClock`] knows; goes into a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockState {
    /// The largest believed event time; `None` before the first record.
    pub front_us: Option<i64>,
    /// Jumping records in a row that were not believed yet; less than [`JUMPS_BELIEVED`].
    pub jumps: u32,
    /// The least of them; without meaning while `jumps` is 0.
    pub jumps_least_us: i64,
    /// The watermark is never below this.
    pub floor_us: i64,
}

impl Default for ClockState {
    fn default() -> Self {
        Self { front_us: None, jumps: 0, jumps_least_us: i64::MAX, floor_us: i64::MIN }
    }
}

impl PartitionClock {
    /// A clock that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// A clock that goes on from here.
    pub fn restore(state: ClockState) -> Self {
        Self { state }
    }

    /// All that the clock knows.
    pub fn export(&self) -> ClockState {
        self.state
    }

    /// The partition's watermark now: the front less `max_out_of_orderness`, at least the floor. `i64::MIN` before any record.
    pub fn watermark(&self, rules: &TimeRules) -> i64 {
        let own = self.state.front_us.map_or(i64::MIN, |front| front.saturating_sub(rules.max_out_of_orderness_us));
        own.max(self.state.floor_us)
    }

    /// The largest believed event time.
    pub fn front_us(&self) -> Option<i64> {
        self.state.front_us
    }

    /// Whether records ahead of the front are waiting to be believed.
    pub fn is_held(&self) -> bool {
        self.state.jumps > 0
    }

    /// The partition returns from idle: its watermark is never below the pipeline's at that moment.
    pub fn raise_floor(&mut self, watermark_us: i64) {
        self.state.floor_us = self.state.floor_us.max(watermark_us);
    }

    /// Takes a record that is not future-dated; returns the watermark before it, by which its lateness is judged.
    pub fn observe(&mut self, rules: &TimeRules, event_us: i64) -> i64 {
        let before = self.watermark(rules);
        let state = &mut self.state;
        match state.front_us {
            None => state.front_us = Some(event_us),
            Some(front) if rules.is_jump(event_us, front) => state.jump(event_us),
            Some(front) => {
                state.forget_jumps();
                state.front_us = Some(front.max(event_us));
            }
        }
        debug_assert!(self.watermark(rules) >= before, "the watermark never goes back");
        before
    }

    /// [`observe`](Self::observe) for records in order. Writes the watermark before each record (for a future-dated one, which
    /// moves nothing, the one that stood there) and returns the places of the future-dated records, rising.
    pub fn judge(
        &mut self,
        rules: &TimeRules,
        events_us: &[i64],
        arrivals_us: &[i64],
        watermark_before: &mut Vec<i64>,
    ) -> Vec<u32> {
        debug_assert_eq!(events_us.len(), arrivals_us.len());
        watermark_before.clear();
        watermark_before.reserve(events_us.len());
        let mut future_dated = Vec::new();
        for (place, (events_us, arrivals_us)) in events_us.chunks(STRETCH).zip(arrivals_us.chunks(STRETCH)).enumerate()
        {
            if self.judge_plain(rules, events_us, arrivals_us, watermark_before) {
                continue;
            }
            for (row, (&event, &arrival)) in events_us.iter().zip(arrivals_us).enumerate() {
                if rules.is_future_dated(event, arrival) {
                    watermark_before.push(self.watermark(rules));
                    future_dated.push((place * STRETCH + row) as u32);
                } else {
                    let before = self.observe(rules, event);
                    watermark_before.push(before);
                }
            }
        }
        future_dated
    }

    /// A stretch of records of which none is future-dated and none jumps, while no jump waits: the front is the largest so far,
    /// and there is nothing to branch on. `false`, and nothing done, for any other stretch.
    fn judge_plain(
        &mut self,
        rules: &TimeRules,
        events_us: &[i64],
        arrivals_us: &[i64],
        watermark_before: &mut Vec<i64>,
    ) -> bool {
        let (Some(mut front), 0) = (self.state.front_us, self.state.jumps) else { return false };
        let odd = events_us.iter().zip(arrivals_us).fold(false, |odd, (&event, &arrival)| {
            // No later front is below this one, so what is no jump now is none then.
            odd | rules.is_future_dated(event, arrival) | rules.is_jump(event, front)
        });
        if odd {
            return false;
        }
        let floor = self.state.floor_us;
        watermark_before.extend(events_us.iter().map(|&event| {
            let before = front.saturating_sub(rules.max_out_of_orderness_us).max(floor);
            front = front.max(event);
            before
        }));
        self.state.front_us = Some(front);
        true
    }
}

impl ClockState {
    /// A record far ahead of the front; the fifth in a row moves it.
    fn jump(&mut self, event_us: i64) {
        self.jumps_least_us = self.jumps_least_us.min(event_us);
        self.jumps += 1;
        if self.jumps >= JUMPS_BELIEVED {
            self.front_us = Some(self.jumps_least_us);
            self.forget_jumps();
        }
    }

    fn forget_jumps(&mut self) {
        self.jumps = 0;
        self.jumps_least_us = i64::MAX;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: TimeRules = TimeRules {
        max_out_of_orderness_us: 10,
        allowed_lateness_us: 0,
        max_time_jump_us: Some(100),
        max_future_skew_us: Some(1_000),
    };

    fn watermarks(events: &[i64]) -> Vec<i64> {
        let mut clock = PartitionClock::new();
        let mut watermarks: Vec<i64> = events.iter().map(|&event| clock.observe(&RULES, event)).collect();
        watermarks.push(clock.watermark(&RULES));
        watermarks
    }

    #[test]
    fn the_watermark_before_a_record_comes_from_the_records_before_it() {
        assert_eq!(watermarks(&[50, 40, 70, 60]), [i64::MIN, 40, 40, 60, 60]);
    }

    #[test]
    fn a_lone_jump_does_not_move_the_front_and_a_step_of_exactly_the_bound_does() {
        assert_eq!(watermarks(&[0, 100]), [i64::MIN, -10, 90]);
        assert_eq!(watermarks(&[0, 101]), [i64::MIN, -10, -10]);
    }

    #[test]
    fn the_fifth_jump_in_a_row_is_believed_and_the_front_goes_to_the_least() {
        assert_eq!(watermarks(&[0, 900, 800, 500, 700, 600]), [i64::MIN, -10, -10, -10, -10, -10, 490]);
        assert_eq!(watermarks(&[0, 900, 900, 900, 900, 5, 900]), [i64::MIN, -10, -10, -10, -10, -10, -5, -5]);
    }

    #[test]
    fn a_held_front_is_told() {
        let mut clock = PartitionClock::new();
        clock.observe(&RULES, 0);
        assert!(!clock.is_held());
        clock.observe(&RULES, 900);
        assert!(clock.is_held());
        clock.observe(&RULES, -900);
        assert!(!clock.is_held());
    }

    #[test]
    fn future_dated_records_do_not_touch_the_front_nor_break_a_run_of_jumps() {
        let mut clock = PartitionClock::new();
        let mut before = Vec::new();
        let events = [0, 900, 900, 5_000, 900, 900, 900];
        assert_eq!(clock.judge(&RULES, &events, &[0; 7], &mut before), [3]);
        assert_eq!(before, [i64::MIN, -10, -10, -10, -10, -10, -10]);
        assert_eq!(clock.watermark(&RULES), 890);
    }

    #[test]
    fn extremes_saturate() {
        for events in [[i64::MIN, i64::MAX], [i64::MAX, i64::MIN]] {
            watermarks(&events);
        }
    }

    #[test]
    fn a_floor_holds_the_watermark_up_and_survives_export() {
        let mut clock = PartitionClock::new();
        clock.observe(&RULES, 0);
        clock.raise_floor(77);
        let mut clock = PartitionClock::restore(clock.export());
        assert_eq!(clock.observe(&RULES, 80), 77);
        assert_eq!(clock.watermark(&RULES), 77);
        clock.raise_floor(5);
        assert_eq!(clock.watermark(&RULES), 77);
    }
}
