//! A file system that is away: no failure of the sink, which goes on trying.

use super::super::SinkError;
use crate::storage::is_away;
use crate::telemetry;
use std::time::{Duration, Instant};

/// Between two tries: each holds up the pipeline until it fails.
const TRY_EVERY: Duration = Duration::from_secs(5);

/// Since when it is away, so to say.
#[derive(Debug)]
pub(super) struct Outage {
    /// What the last try came to.
    pub(super) reason: String,
    next_try: Instant,
}

impl Outage {
    pub(super) fn is_too_soon(&self) -> bool {
        Instant::now() < self.next_try
    }

    #[cfg(test)]
    pub(super) fn set_due(&mut self) {
        self.next_try = Instant::now();
    }
}

/// Notes what came of a try; whether it was done. Errors of a file system that is there are passed on.
pub(super) fn bear(
    outage: &mut Option<Outage>,
    done: Result<(), SinkError>,
    place: &str,
    epoch: u64,
) -> Result<bool, SinkError> {
    match done {
        Ok(()) => {
            if outage.take().is_some() {
                telemetry::sink_back(place, epoch);
            }
            Ok(true)
        }
        Err(SinkError::Io { source, .. }) if is_away(&source) => {
            let reason = source.to_string();
            if outage.is_none() {
                telemetry::sink_away(place, &reason);
            }
            *outage = Some(Outage { reason, next_try: Instant::now() + TRY_EVERY });
            Ok(false)
        }
        Err(error) => Err(error),
    }
}
