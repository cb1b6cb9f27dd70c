//! Windows that are in the topic already, when a run goes on from an older checkpoint than the topic is: they come again, in other epochs.
//!
//! The marker names the last epoch, the checkpoint an earlier one. Epochs in between were written by a run whose checkpoints are lost. Their
//! messages say which window they are, and of which revision; what comes again at a lower revision, or as the very same row at the same
//! one, is left out. At the same revision a row may differ: the end of bounded input publishes windows that later input goes on with. The
//! whole topic is looked through, because nothing tells offsets of epochs; it is seldom.
//!
//! Checkpoints of the run that goes on are of epochs after those, and may have windows open that stand in them. So the marker keeps where
//! to begin looking (`again_after`), until none of the windows found can come any more.

use super::look::Look;
use super::rows::Message;
use super::{KafkaFailure, KafkaTopic};
use sha2::{Digest, Sha256};
use std::collections::HashMap;

/// What is there.
#[derive(Debug, Default)]
pub(super) struct There {
    /// By KPI and window start.
    windows: HashMap<(String, String), Window>,
    /// The epoch behind which was looked.
    after: u64,
}

/// A window at its highest revision.
#[derive(Debug, Default)]
struct Window {
    revision: u64,
    /// By message key: the digest of the last value.
    rows: HashMap<Vec<u8>, [u8; 32]>,
}

impl There {
    /// Looks for windows of this sink and lineage from epochs after this one, but for those that start before `open_from_us`.
    pub fn look(
        topic: &KafkaTopic,
        sink: &str,
        lineage: &str,
        after_epoch: u64,
        open_from_us: i64,
    ) -> Result<Self, KafkaFailure> {
        let look = Look::open(topic)?;
        let from = look.begins(&look.partitions()?)?;
        let mut there = Self { after: after_epoch, ..Self::default() };
        look.scan(&from, |seen| {
            let number = |name| seen.header(name).and_then(|text| text.parse::<u64>().ok());
            let ours = seen.header("weir-sink") == Some(sink) && seen.header("weir-lineage") == Some(lineage);
            let (Some(epoch), Some(revision)) = (number("weir-epoch"), number("weir-revision")) else { return };
            let (Some(kpi), Some(start)) = (seen.header("weir-kpi"), seen.header("weir-window-start")) else { return };
            // One that can't be read as an instant is kept: a year of five digits.
            let start_us = start.parse::<jiff::Timestamp>().map_or(i64::MAX, jiff::Timestamp::as_microsecond);
            if ours && epoch > after_epoch && start_us >= open_from_us {
                there.add(kpi, start, revision, seen.key(), seen.value());
            }
        })?;
        Ok(there)
    }

    fn add(&mut self, kpi: &str, window_start: &str, revision: u64, key: &[u8], value: &[u8]) {
        let window = self.windows.entry((kpi.to_owned(), window_start.to_owned())).or_default();
        if revision < window.revision {
            return;
        }
        if revision > window.revision {
            *window = Window { revision, ..Window::default() };
        }
        window.rows.insert(key.to_vec(), Sha256::digest(value).into());
    }

    /// Whether the message is there, or one of a higher revision of its window.
    pub fn has(&self, message: &Message<'_>) -> bool {
        // Mostly there is nothing, and then no names are copied for the question.
        if self.windows.is_empty() {
            return false;
        }
        let Some(window) = self.windows.get(&(message.kpi.to_owned(), message.window_start.clone())) else {
            return false;
        };
        let same = || window.rows.get(message.key).is_some_and(|known| *known == *Sha256::digest(message.value));
        message.revision < window.revision || (message.revision == window.revision && same())
    }

    /// Behind which epoch the next run has to look: the same one, as long as windows that were found may come again.
    pub fn again_after(&self) -> Option<u64> {
        (!self.windows.is_empty()).then_some(self.after)
    }

    /// How many windows.
    pub fn len(&self) -> usize {
        self.windows.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_left_out_where_it_or_a_higher_revision_is_there() {
        let mut there = There::default();
        there.add("sales", "a", 1, b"x", b"old");
        there.add("sales", "a", 2, b"x", b"half");
        there.add("sales", "a", 2, b"x", b"row");
        there.add("sales", "a", 1, b"x", b"late");
        let message = |kpi, window_start: &str, revision, key, value| Message {
            kpi,
            window_start: window_start.to_owned(),
            revision,
            key,
            value,
        };
        let (x, y): (&[u8], &[u8]) = (b"x", b"y");
        for (kpi, start, revision, key, value, expected) in [
            ("sales", "a", 1, x, &b"anything"[..], true),
            ("sales", "a", 2, x, b"row", true),
            ("sales", "a", 2, x, b"fuller", false),
            ("sales", "a", 2, y, b"row", false),
            ("sales", "a", 3, x, b"row", false),
            ("sales", "b", 0, x, b"row", false),
            ("x", "a", 0, x, b"row", false),
        ] {
            assert_eq!(there.has(&message(kpi, start, revision, key, value)), expected, "{kpi} {start} {revision}");
        }
        assert_eq!(there.len(), 1);
    }
}
