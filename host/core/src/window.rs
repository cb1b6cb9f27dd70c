//! Windows and panes: which windows an event time falls into.
//!
//! A pane is the stretch of time that no window's border cuts, as long as the greatest common divisor of size and hop; a record
//! is folded into its pane once, however many windows overlap there. Knows arithmetic only.

use thiserror::Error;

/// Windows are at most this long: 2^60 microseconds, 36,000 years.
pub const SIZE_MAX_US: i64 = 1 << 60;
/// Event times beyond ± 2^61 microseconds (73,000 years) count as these, so that no border overflows.
pub const EVENT_MAX_US: i64 = 1 << 61;
/// A record falls into at most this many windows.
pub const WINDOWS_PER_RECORD_MAX: i64 = 10_000;
/// A window has at most this many panes.
pub const PANES_PER_WINDOW_MAX: i64 = 1_000_000;

/// Windows `[offset + k × hop, offset + k × hop + size)` for every whole `k`, microseconds; tumbling where hop = size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Windowing {
    size_us: i64,
    hop_us: i64,
    offset_us: i64,
    pane_us: i64,
}

/// Why windows can't be so.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum WindowingError {
    /// Size out of range.
    #[error("a window of {0} µs is out of range: write more than 0 and at most {SIZE_MAX_US} µs")]
    Size(i64),
    /// Hop out of range.
    #[error("a hop of {hop_us} µs does not fit a window of {size_us} µs: write more than 0 and at most the size")]
    Hop {
        /// The hop.
        hop_us: i64,
        /// The size.
        size_us: i64,
    },
    /// Too many windows a record.
    #[error("each record falls into {0} windows, and {WINDOWS_PER_RECORD_MAX} are allowed: write a longer hop")]
    WindowsPerRecord(i64),
    /// Too many panes a window.
    #[error(
        "size and hop share so small a divisor that a window has {0} panes, and {PANES_PER_WINDOW_MAX} are allowed: write a hop that divides the size"
    )]
    PanesPerWindow(i64),
}

impl Windowing {
    /// Windows of this size, one every hop, aligned to `offset_us` after the epoch.
    pub fn new(size_us: i64, hop_us: i64, offset_us: i64) -> Result<Self, WindowingError> {
        if !(1..=SIZE_MAX_US).contains(&size_us) {
            return Err(WindowingError::Size(size_us));
        }
        if !(1..=size_us).contains(&hop_us) {
            return Err(WindowingError::Hop { hop_us, size_us });
        }
        let pane_us = gcd(size_us, hop_us);
        let windows = (size_us - 1) / hop_us + 1;
        if windows > WINDOWS_PER_RECORD_MAX {
            return Err(WindowingError::WindowsPerRecord(windows));
        }
        if size_us / pane_us > PANES_PER_WINDOW_MAX {
            return Err(WindowingError::PanesPerWindow(size_us / pane_us));
        }
        Ok(Self { size_us, hop_us, offset_us: offset_us.rem_euclid(hop_us), pane_us })
    }

    /// Windows that follow each other, aligned to the epoch.
    pub fn tumbling(size_us: i64) -> Result<Self, WindowingError> {
        Self::new(size_us, size_us, 0)
    }

    /// Windows that overlap, aligned to the epoch.
    pub fn hopping(size_us: i64, hop_us: i64) -> Result<Self, WindowingError> {
        Self::new(size_us, hop_us, 0)
    }

    /// Length of a window, microseconds.
    pub fn size_us(&self) -> i64 {
        self.size_us
    }

    /// From one window's start to the next one's, microseconds.
    pub fn hop_us(&self) -> i64 {
        self.hop_us
    }

    /// By how much windows are shifted from the epoch, microseconds; at least 0, less than the hop.
    pub fn offset_us(&self) -> i64 {
        self.offset_us
    }

    /// Length of a pane, microseconds.
    pub fn pane_us(&self) -> i64 {
        self.pane_us
    }

    /// The start of the pane that an event time falls into; times before 1970 floor.
    #[inline]
    pub fn pane_of(&self, event_us: i64) -> i64 {
        self.pane_start(self.pane_number(event_us))
    }

    /// The number of the pane that an event time falls into; neighbours differ by one.
    #[inline]
    pub(crate) fn pane_number(&self, event_us: i64) -> i64 {
        (event_us.clamp(-EVENT_MAX_US, EVENT_MAX_US) - self.offset_us).div_euclid(self.pane_us)
    }

    /// The start of the pane of this number.
    #[inline]
    pub(crate) fn pane_start(&self, number: i64) -> i64 {
        number * self.pane_us + self.offset_us
    }

    /// The windows that hold a pane.
    #[inline]
    pub fn windows_of(&self, pane_us: i64) -> PaneWindows {
        let last_us = floor_to(pane_us, self.hop_us, self.offset_us);
        // The first start at which a window still reaches over the pane's end.
        let reach_us = pane_us + self.pane_us - self.size_us;
        let first_us = floor_to(reach_us + self.hop_us - 1, self.hop_us, self.offset_us);
        let windows = PaneWindows {
            first_us,
            count: ((last_us - first_us) / self.hop_us) as u32 + 1,
            hop_us: self.hop_us,
            size_us: self.size_us,
        };
        debug_assert!(
            windows.first_us <= pane_us && windows.end(0) >= pane_us + self.pane_us,
            "a window holds its panes whole"
        );
        windows
    }

    /// Whether a window may start here.
    pub fn is_start(&self, start_us: i64) -> bool {
        start_us.unsigned_abs() <= (EVENT_MAX_US + SIZE_MAX_US) as u64
            && floor_to(start_us, self.hop_us, self.offset_us) == start_us
    }

    /// Whether a pane may start here.
    pub fn is_pane(&self, pane_us: i64) -> bool {
        self.pane_of(pane_us) == pane_us
    }
}

/// The windows that hold one pane, starts (and so ends) rising; at least one. Where the hop does not divide the size, their
/// number differs from pane to pane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PaneWindows {
    first_us: i64,
    count: u32,
    hop_us: i64,
    size_us: i64,
}

impl PaneWindows {
    /// How many.
    #[inline]
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Start of the window at this place.
    #[inline]
    pub fn start(&self, place: u32) -> i64 {
        self.first_us + i64::from(place) * self.hop_us
    }

    /// End of the window at this place.
    #[inline]
    pub fn end(&self, place: u32) -> i64 {
        self.start(place) + self.size_us
    }

    /// End of the last one.
    #[inline]
    pub(crate) fn last_end(&self) -> i64 {
        self.end(self.count - 1)
    }

    /// How many of them, from the first on, end at or before this.
    #[inline]
    pub fn ended_by(&self, time_us: i64) -> u32 {
        if time_us < self.end(0) {
            return 0;
        }
        let hops = time_us.saturating_sub(self.end(0)) / self.hop_us;
        hops.min(i64::from(self.count) - 1) as u32 + 1
    }

    /// The place of the window that starts here, which must be one of them.
    pub(crate) fn place_of(&self, start_us: i64) -> u32 {
        debug_assert!(start_us >= self.first_us && start_us <= self.start(self.count - 1));
        ((start_us - self.first_us) / self.hop_us) as u32
    }
}

fn floor_to(time_us: i64, step_us: i64, offset_us: i64) -> i64 {
    (time_us - offset_us).div_euclid(step_us) * step_us + offset_us
}

fn gcd(mut a: i64, mut b: i64) -> i64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn starts(windowing: &Windowing, event_us: i64) -> Vec<i64> {
        let windows = windowing.windows_of(windowing.pane_of(event_us));
        (0..windows.count()).map(|place| windows.start(place)).collect()
    }

    #[test]
    fn times_before_1970_floor() {
        let minute = Windowing::tumbling(60).unwrap();
        assert_eq!(starts(&minute, -1), [-60]);
        assert_eq!(starts(&minute, -60), [-60]);
        assert_eq!(starts(&minute, -61), [-120]);
        assert_eq!(starts(&minute, 59), [0]);
    }

    #[test]
    fn the_number_of_windows_varies_where_the_hop_does_not_divide_the_size() {
        let windowing = Windowing::hopping(10, 4).unwrap();
        assert_eq!(windowing.pane_us(), 2);
        assert_eq!(starts(&windowing, 8), [0, 4, 8]);
        assert_eq!(starts(&windowing, 10), [4, 8]);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert!(Windowing::tumbling(0).is_err());
        assert!(Windowing::tumbling(SIZE_MAX_US).is_ok());
        assert!(Windowing::tumbling(SIZE_MAX_US + 1).is_err());
        assert!(Windowing::hopping(10, 11).is_err());
        assert!(Windowing::hopping(10, 0).is_err());
        assert!(Windowing::hopping(10_000, 1).is_ok());
        assert!(Windowing::hopping(10_001, 1).is_err());
        assert!(Windowing::hopping(1_000_000, 999_999).is_ok());
        assert!(Windowing::hopping(1_000_001, 1_000_000).is_err());
    }

    #[test]
    fn extremes_do_not_overflow() {
        for windowing in [
            Windowing::tumbling(SIZE_MAX_US).unwrap(),
            Windowing::new(7, 3, i64::MIN).unwrap(),
            Windowing::new(7, 7, i64::MAX).unwrap(),
        ] {
            for event in [i64::MIN, i64::MAX, 253_402_300_799_999_999, -62_135_596_800_000_000] {
                let windows = windowing.windows_of(windowing.pane_of(event));
                assert_eq!(windows.ended_by(i64::MAX), windows.count());
                assert_eq!(windows.ended_by(i64::MIN), 0);
            }
        }
    }

    proptest! {
        #[test]
        fn a_record_falls_into_exactly_the_windows_that_hold_its_time(event in -400i64..400, size in 1i64..40, hop in 1i64..40, offset in -50i64..50) {
            prop_assume!(hop <= size);
            let windowing = Windowing::new(size, hop, offset).unwrap();
            let naive: Vec<i64> = (-500..500).filter(|start| (start - offset).rem_euclid(hop) == 0 && (*start..start + size).contains(&event)).collect();
            prop_assert_eq!(starts(&windowing, event), naive);
        }

        #[test]
        fn the_ended_windows_are_a_prefix(event in -400i64..400, size in 1i64..40, hop in 1i64..40, time in -500i64..500) {
            prop_assume!(hop <= size);
            let windowing = Windowing::hopping(size, hop).unwrap();
            let windows = windowing.windows_of(windowing.pane_of(event));
            let ended = windows.ended_by(time);
            for place in 0..windows.count() {
                prop_assert_eq!(windows.end(place) <= time, place < ended);
                prop_assert_eq!(windows.place_of(windows.start(place)), place);
            }
        }
    }
}
