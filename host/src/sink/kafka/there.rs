//! Windows that are in the topic already, when a run goes on from an older checkpoint than the topic is: they come again, in other epochs.
//!
//! The marker names the last epoch, the checkpoint an earlier one. Epochs in between were written by a run whose checkpoints are lost. Their
//! messages say which window they are, and of which revision; a window is whole in its transaction, so what comes again at the same or a
//! lower revision is left out. The whole topic is looked through for them, because nothing tells offsets of epochs; it is seldom.

use super::look::Look;
use super::rows::Message;
use super::{KafkaFailure, KafkaTopic};
use std::collections::HashMap;

/// The highest revision that is there, by KPI and window.
#[derive(Debug, Default)]
pub(super) struct There(HashMap<(String, String), u64>);

impl There {
    /// Looks for windows of this sink and lineage from epochs after this one.
    pub fn look(topic: &KafkaTopic, sink: &str, lineage: &str, after_epoch: u64) -> Result<Self, KafkaFailure> {
        let look = Look::open(topic)?;
        let from = look.begins(&look.partitions()?)?;
        let mut there = Self::default();
        look.scan(&from, |seen| {
            let number = |name| seen.header(name).and_then(|text| text.parse::<u64>().ok());
            let ours = seen.header("weir-sink") == Some(sink) && seen.header("weir-lineage") == Some(lineage);
            let (Some(epoch), Some(revision)) = (number("weir-epoch"), number("weir-revision")) else { return };
            let (Some(kpi), Some(start)) = (seen.header("weir-kpi"), seen.header("weir-window-start")) else { return };
            if ours && epoch > after_epoch {
                there.add(kpi, start, revision);
            }
        })?;
        Ok(there)
    }

    fn add(&mut self, kpi: &str, window_start: &str, revision: u64) {
        let known = self.0.entry((kpi.to_owned(), window_start.to_owned())).or_insert(revision);
        *known = revision.max(*known);
    }

    /// Whether the message's window is there, at its revision or a higher one.
    pub fn has(&self, message: &Message<'_>) -> bool {
        // Mostly there is nothing, and then no names are copied for the question.
        !self.0.is_empty()
            && self
                .0
                .get(&(message.kpi.to_owned(), message.window_start.clone()))
                .is_some_and(|known| message.revision <= *known)
    }

    /// How many windows.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_left_out_up_to_the_revision_that_is_there() {
        let mut there = There::default();
        there.add("sales", "a", 2);
        there.add("sales", "a", 1);
        let message = |kpi, window_start: &str, revision| Message {
            kpi,
            window_start: window_start.to_owned(),
            revision,
            key: b"",
            value: b"",
        };
        for (kpi, start, revision, expected) in [
            ("sales", "a", 1, true),
            ("sales", "a", 2, true),
            ("sales", "a", 3, false),
            ("sales", "b", 0, false),
            ("x", "a", 0, false),
        ] {
            assert_eq!(there.has(&message(kpi, start, revision)), expected, "{kpi} {start} {revision}");
        }
        assert_eq!(there.len(), 1);
    }
}
