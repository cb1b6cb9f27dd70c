//! The poll loop of one worker: messages into blocks, a block when there is nothing more at once.
//!
//! So a trickle is handed over record by record and a flood in full blocks, without a timer. It knows the client and the
//! partitions' rules (`parts`); nothing of what records mean.

#[cfg(test)]
mod tests;

use super::client::Client;
use super::parts::{Message, Part, Parts};
use super::probe::Probes;
use super::watch::Watch;
use super::{Clock, KafkaSettings, Loss, LostOffsets, Place, SourceError, trouble};
use crate::source::{ReadEvent, Reader};
use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message as _, Timestamp};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use std::time::{Duration, Instant};
use weir_core::block::NO_TIMESTAMP;

/// How long a question to a broker may take when the reading ends anyhow.
const ASK_WAIT: Duration = Duration::from_secs(2);

/// How long all questions together may take that confirm an end: records of other partitions wait for it.
const CONFIRM_WAIT: Duration = Duration::from_secs(1);

/// Reads some partitions of a topic.
pub(super) struct KafkaReader {
    client: Client,
    topic: String,
    parts: Parts,
    probes: Probes,
    watch: Watch,
    on_lost_offsets: LostOffsets,
    clock: Clock,
}

impl KafkaReader {
    /// Starts a client and assigns the partitions to it, with explicit offsets: a seek after assigning could lose records.
    pub(super) fn open(
        config: ClientConfig,
        settings: &KafkaSettings,
        places: &[Place],
        watch: Watch,
    ) -> Result<KafkaReader, SourceError> {
        let topic = settings.topic.as_str();
        let reader = KafkaReader {
            client: Client::start(&config)?,
            probes: Probes::new(config, topic),
            topic: topic.to_owned(),
            parts: Parts::new(places),
            watch,
            on_lost_offsets: settings.on_lost_offsets,
            clock: settings.clock,
        };
        reader.assign()?;
        Ok(reader)
    }

    /// Assigns what is left to read, each partition from where it stands.
    fn assign(&self) -> Result<(), SourceError> {
        let live = self.parts.all().iter().filter(|part| !part.ended).map(|part| {
            let begin = if part.is_untouched() { Offset::Beginning } else { Offset::Offset(part.next) };
            (part.place.id, begin)
        });
        assign(&self.client, &self.topic, live)
    }

    /// Polls until something is ready or the wait is over.
    fn poll(&mut self, records_max: usize, wait: Duration) -> Result<(), SourceError> {
        self.watch.check(&self.client, &self.topic)?;
        let until = Instant::now() + wait;
        // The clock is read once a wait, not once a record: what came together arrived together.
        let mut now_us = (self.clock)();
        while !self.parts.is_ready() {
            let filled = self.parts.filling_records();
            let is_waiting = filled == 0;
            let left = if is_waiting { until.saturating_duration_since(Instant::now()) } else { Duration::ZERO };
            match self.client.poll(left) {
                Some(Ok(message)) => {
                    if is_waiting {
                        now_us = (self.clock)();
                    }
                    if self.parts.take(&seen(&message, now_us), records_max) {
                        self.hand_over()?;
                    }
                }
                Some(Err(KafkaError::PartitionEOF(id))) => {
                    self.parts.at_end(id);
                    self.pause_ended()?;
                }
                Some(Err(error)) => self.trouble(&error)?,
                None => {
                    self.look_at_positions()?;
                    self.hand_over()?;
                }
            }
            // What fills no block, such as records that are left out, may come without a pause: then only the time ends it.
            if self.parts.filling_records() == filled && Instant::now() >= until {
                return self.hand_over();
            }
        }
        Ok(())
    }

    /// Makes what was filled ready; what has ended is no longer fetched.
    fn hand_over(&mut self) -> Result<(), SourceError> {
        self.pause_ended()?;
        self.parts.flush();
        Ok(())
    }

    fn pause_ended(&mut self) -> Result<(), SourceError> {
        let ids = self.parts.take_fetched();
        if ids.is_empty() {
            return Ok(());
        }
        let mut ended = TopicPartitionList::with_capacity(ids.len());
        for id in ids {
            ended.add_partition(&self.topic, id);
        }
        self.client.pause(&ended).map_err(|error| trouble::explain(&self.topic, &error, None))
    }

    /// Bounded: the client may have passed an end over offsets that hold no record, and then there is no message to tell.
    fn look_at_positions(&mut self) -> Result<(), SourceError> {
        if self.parts.all().iter().all(|part| part.ended || part.place.end.is_none()) {
            return Ok(());
        }
        for (id, offset) in self.positions()? {
            self.parts.position(id, offset);
        }
        Ok(())
    }

    /// Where the client stands; control records are passed in it.
    fn positions(&self) -> Result<Vec<(i32, i64)>, SourceError> {
        let list = self.client.position().map_err(|error| trouble::explain(&self.topic, &error, None))?;
        let known = list.elements().into_iter().filter_map(|part| match part.offset() {
            Offset::Offset(offset) => Some((part.partition(), offset)),
            _ => None,
        });
        Ok(known.collect())
    }

    /// Passing troubles are the client's; what it can't mend ends the reading.
    fn trouble(&mut self, error: &KafkaError) -> Result<(), SourceError> {
        let code = error.rdkafka_error_code();
        if !matches!(error, KafkaError::MessageConsumptionFatal(_)) && code.is_some_and(trouble::passes) {
            self.watch.put_off();
            return Ok(());
        }
        self.watch.is_same(&self.client, &self.topic)?;
        if trouble::is_out_of_range(code) && self.has_lost()? {
            // Offsets are given with the assignment: a seek after it could lose records.
            return self.assign();
        }
        let told = self.client.context().last_error().filter(|(last, _)| Some(*last) == code);
        Err(trouble::explain(&self.topic, error, told.as_ref().map(|(_, reason)| reason.as_str())))
    }
}

impl KafkaReader {
    /// Whether offsets are gone and it can go on; partitions that lack some stand behind them then, which is told.
    fn has_lost(&mut self) -> Result<bool, SourceError> {
        let mut has_lost = false;
        for index in 0..self.parts.all().len() {
            let part = &self.parts.all()[index];
            if part.ended {
                continue;
            }
            let Ok(range) = self.client.fetch_watermarks(&self.topic, part.place.id, ASK_WAIT) else { continue };
            let Some(loss) = Loss::of(part.place.id, part.next, range) else { continue };
            has_lost = true;
            // Nobody has asked for the offsets of one that is to begin at the oldest record.
            if !part.is_untouched() {
                self.parts.lose(index, loss.or_stop(&self.topic, self.on_lost_offsets)?);
            }
        }
        Ok(has_lost)
    }
}

impl Reader for KafkaReader {
    fn next(&mut self, max_records: usize, wait: Duration) -> Result<ReadEvent, SourceError> {
        let records_max = max_records.max(1);
        if !self.parts.is_ready() && !self.parts.all_ended() {
            self.poll(records_max, wait)?;
        }
        Ok(self.parts.next_event(records_max).unwrap_or(ReadEvent::Nothing))
    }

    fn confirm_caught_up(&mut self, partition: u32) -> bool {
        if self.parts.is_ready() || self.parts.is_filling() {
            return false;
        }
        let Some(&Part { place, next, ended, at_end, quiet_until, .. }) = self.parts.at_place(partition).as_deref()
        else {
            return false;
        };
        if ended {
            return true;
        }
        let until = Instant::now() + CONFIRM_WAIT;
        let Ok((_, high)) = self.client.fetch_watermarks(&self.topic, place.id, CONFIRM_WAIT) else {
            return false;
        };
        if next.max(quiet_until) >= high {
            return true;
        }
        if !at_end {
            return false;
        }
        let Some(quiet_until) = self.probes.quiet_until(place.id, next, high, until) else {
            return false;
        };
        if let Some(part) = self.parts.at_place(partition) {
            part.quiet_until = quiet_until;
        }
        quiet_until >= high
    }
}

/// Assigns partitions with the offsets to begin at.
pub(super) fn assign(
    client: &Client,
    topic: &str,
    places: impl Iterator<Item = (i32, Offset)>,
) -> Result<(), SourceError> {
    let mut list = TopicPartitionList::new();
    for (id, begin) in places {
        let added = list.add_partition_offset(topic, id, begin);
        added.map_err(|error| trouble::explain(topic, &error, None))?;
    }
    client.assign(&list).map_err(|error| trouble::explain(topic, &error, None))
}

/// A message as the partitions take it.
fn seen<'a>(message: &'a BorrowedMessage<'_>, now_us: i64) -> Message<'a> {
    let (arrival_us, timestamp_ms) = match message.timestamp() {
        Timestamp::LogAppendTime(ms) => (ms.saturating_mul(1000), ms),
        Timestamp::CreateTime(ms) => (now_us, ms),
        Timestamp::NotAvailable => (now_us, NO_TIMESTAMP),
    };
    Message {
        id: message.partition(),
        offset: message.offset(),
        value: message.payload().unwrap_or_default(),
        arrival_us,
        timestamp_ms,
    }
}
