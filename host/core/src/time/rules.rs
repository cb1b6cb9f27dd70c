//! The rules of time that a pipeline file sets. Knows no state.

/// The rules of time, in microseconds. None is negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeRules {
    /// How far a partition's watermark stays behind its front.
    pub max_out_of_orderness_us: i64,
    /// How long after its end a window still takes late records.
    pub allowed_lateness_us: i64,
    /// A record more than this ahead of its partition's front does not move it alone; `None`: every record does.
    pub max_time_jump_us: Option<i64>,
    /// A record dated more than this ahead of its arrival is set aside; `None`: none is.
    pub max_future_skew_us: Option<i64>,
}

impl TimeRules {
    /// Whether a record is dated strictly more than `max_future_skew_us` ahead of its arrival.
    pub fn is_future_dated(&self, event_us: i64, arrival_us: i64) -> bool {
        self.max_future_skew_us.is_some_and(|skew| event_us > arrival_us.saturating_add(skew))
    }

    /// Whether a record is strictly more than `max_time_jump_us` ahead of the front.
    pub(crate) fn is_jump(&self, event_us: i64, front_us: i64) -> bool {
        self.max_time_jump_us.is_some_and(|jump| event_us > front_us.saturating_add(jump))
    }

    /// The least watermark at which a window that ends at `end_us` takes nothing more.
    pub(crate) fn gone_at(&self, end_us: i64) -> i64 {
        end_us.saturating_add(self.allowed_lateness_us)
    }

    /// Windows that end at or before this take nothing more once a watermark is at `watermark_us`. The end of time
    /// (`i64::MAX`) settles everything.
    pub fn settled_before(&self, watermark_us: i64) -> i64 {
        if watermark_us == i64::MAX { i64::MAX } else { watermark_us.saturating_sub(self.allowed_lateness_us) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn future_dated_is_strictly_more_than_the_skew_ahead() {
        let rules = TimeRules {
            max_out_of_orderness_us: 0,
            allowed_lateness_us: 0,
            max_time_jump_us: None,
            max_future_skew_us: Some(10),
        };
        assert!(!rules.is_future_dated(110, 100));
        assert!(rules.is_future_dated(111, 100));
        assert!(!rules.is_future_dated(i64::MAX, i64::MAX - 3));
        assert!(!TimeRules { max_future_skew_us: None, ..rules }.is_future_dated(i64::MAX, 0));
    }
}
