//! The pace of a replay: so many records a second over all readers of a source.
//!
//! A token bucket that every reader of the source shares. It knows records as a number only; it neither sleeps nor reads.

use super::SourceError;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// How much may come at once after a pause, in seconds of the pace: enough to be cheap, too little to be seen as a burst.
const BURST_S: f64 = 0.05;

/// How much comes at once at the least, in seconds of the pace: a block for each handful of records would keep a core busy for nothing.
const SLICE_S: f64 = 0.01;

/// A pace that readers share.
#[derive(Debug)]
pub(super) struct Pace {
    /// Records a second; `None`: as fast as they come.
    rate: Option<f64>,
    bucket: Mutex<Option<Bucket>>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    tokens: f64,
    filled: Instant,
}

impl Pace {
    /// A pace of `rate` records a second.
    pub(super) fn new(rate: Option<f64>) -> Result<Pace, SourceError> {
        match rate {
            Some(rate) if !(rate.is_finite() && rate > 0.0) => {
                Err(SourceError::Setting(format!("the rate is {rate}; it is a number of records a second above 0")))
            }
            _ => Ok(Pace { rate, bucket: Mutex::new(None) }),
        }
    }

    /// How many of `wanted` records may come now, at least one; or how long until some may.
    pub(super) fn take(&self, wanted: usize, now: Instant) -> Result<usize, Duration> {
        let Some(rate) = self.rate else {
            return Ok(wanted);
        };
        let (burst, slice) = ((rate * BURST_S).max(1.0), (rate * SLICE_S).clamp(1.0, wanted.max(1) as f64));
        let mut bucket = self.lock();
        let full = Bucket { tokens: 1.0, filled: now };
        let state = bucket.get_or_insert(full);
        let passed_s = now.saturating_duration_since(state.filled).as_secs_f64();
        state.tokens = (state.tokens + passed_s * rate).min(burst);
        state.filled = state.filled.max(now);
        if state.tokens < slice {
            // A pace of almost nothing would overflow the duration; an hour is asked again after an hour.
            return Err(Duration::from_secs_f64(((slice - state.tokens) / rate).min(3600.0)));
        }
        let taken = (state.tokens as usize).min(wanted);
        state.tokens -= taken as f64;
        Ok(taken)
    }

    /// Gives back what was taken and not used.
    pub(super) fn put_back(&self, unused: usize) {
        if let Some(state) = self.lock().as_mut() {
            state.tokens += unused as f64;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Bucket>> {
        // A bucket is a number and a time: also after a panic elsewhere it is as good as any.
        self.bucket.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_rate_everything_may_come() {
        assert_eq!(Pace::new(None).unwrap().take(8192, Instant::now()), Ok(8192));
    }

    #[test]
    fn two_seconds_bring_two_seconds_of_records() {
        let pace = Pace::new(Some(1000.0)).unwrap();
        let start = Instant::now();
        let mut came = 0;
        for ms in 0..2000 {
            came += pace.take(8192, start + Duration::from_millis(ms)).unwrap_or(0);
        }
        assert!((1991..=2001).contains(&came), "{came}");
    }

    #[test]
    fn a_pause_is_not_caught_up() {
        let pace = Pace::new(Some(1000.0)).unwrap();
        let start = Instant::now();
        assert_eq!(pace.take(1, start), Ok(1));
        assert_eq!(pace.take(8192, start + Duration::from_secs(60)), Ok(50));
    }

    #[test]
    fn a_fast_pace_comes_in_slices() {
        let pace = Pace::new(Some(100_000.0)).unwrap();
        let start = Instant::now();
        assert_eq!(pace.take(1, start), Ok(1));
        assert_eq!(pace.take(8192, start), Err(Duration::from_millis(10)));
        assert_eq!(pace.take(8192, start + Duration::from_millis(10)), Ok(1000));
        assert_eq!(
            pace.take(8, start + Duration::from_millis(10)),
            Err(Duration::from_micros(80)),
            "no more than is wanted"
        );
    }

    #[test]
    fn a_slow_pace_says_how_long_and_takes_back() {
        let pace = Pace::new(Some(0.5)).unwrap();
        let start = Instant::now();
        assert_eq!(pace.take(10, start), Ok(1));
        assert_eq!(pace.take(10, start), Err(Duration::from_secs(2)));
        assert_eq!(pace.take(10, start + Duration::from_secs(2)), Ok(1));
        pace.put_back(1);
        assert_eq!(pace.take(10, start + Duration::from_secs(2)), Ok(1));
    }

    #[test]
    fn a_rate_that_is_no_rate_is_refused() {
        for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(Pace::new(Some(rate)).unwrap_err().to_string().contains("above 0"));
        }
    }
}
