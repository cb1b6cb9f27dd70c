//! What a reader makes of an answer: chunks to hand over, ends, and the troubles that a broker tells of a partition.
//!
//! It knows answers and partitions; when to ask and whom is `reader`'s.

use super::asks::{self, Led};
use super::chunk::Chunk;
use super::connection::{Connection, ConnectionError};
use super::fetch::{self, Answer};
use super::link::Frame;
use super::reader::{CONFIRM_WAIT, NativeReader, io_error};
use super::trouble::{self, Verdict};
use super::wire::Malformed;
use super::{batch, look};
use crate::source::SourceError;
use crate::source::kafka::words;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a partition is left alone after a trouble.
const HOLD: Duration = Duration::from_millis(100);
/// How often a broken batch is fetched again before it counts as damaged where it lies.
const BROKEN_MAX: u32 = 3;

impl NativeReader {
    /// A batch that is not what it should be is fetched again: it may have been broken on the way.
    pub(super) fn broken(&mut self, index: usize, error: Malformed) -> Result<(), SourceError> {
        let part = &mut self.parts[index];
        part.broken += 1;
        part.forget_fetched();
        part.held_until = Some(Instant::now() + HOLD);
        let told = format!("{error} (partition {}, at or after offset {})", part.place.id, part.next);
        if part.broken >= BROKEN_MAX {
            return Err(words::damaged(&self.topic.name, &told));
        }
        tracing::warn!("topic {}: {told}; it is fetched again", self.topic.name);
        Ok(())
    }

    /// Takes an answer in and asks the broker at once for what follows.
    pub(super) fn take_in(&mut self, broker: i32, frame: Frame, now: Instant) -> Result<(), SourceError> {
        let asked: Vec<usize> =
            (0..self.parts.len()).filter(|index| self.parts[*index].asked_of == Some(broker)).collect();
        asked.iter().for_each(|index| self.parts[*index].asked_of = None);
        let answers = match frame.body().and_then(|body| fetch::answers(body, frame.version)) {
            Ok(answers) => answers,
            Err(error) => {
                let error = ConnectionError::Protocol(error);
                if let Some(link) = self.links.get_mut(&broker) {
                    link.fail(io_error(&error), &self.settings);
                }
                return self.failed(broker, &error);
            }
        };
        if answers.throttle_ms > 0
            && let Some(link) = self.links.get_mut(&broker)
        {
            link.throttle(now + Duration::from_millis(answers.throttle_ms.unsigned_abs().into()));
        }
        if answers.error != 0 {
            asked.iter().for_each(|index| self.parts[*index].held_until = Some(now + HOLD));
        }
        let now_us = (self.clock)();
        let mut brought = Vec::new();
        for answer in answers.partitions {
            let Some(index) = asked.iter().copied().find(|index| self.parts[*index].place.id == answer.id) else {
                continue;
            };
            if self.answered(index, answer, &frame.bytes, now_us)? {
                brought.push(index);
            }
        }
        self.order.retain(|index| !brought.contains(index));
        self.order.extend(&brought);
        self.frames.insert(broker, (frame.bytes, brought));
        Ok(())
    }

    /// What a broker says of one partition; true if it brought something.
    fn answered(
        &mut self,
        index: usize,
        answer: Answer,
        frame: &Arc<Vec<u8>>,
        now_us: i64,
    ) -> Result<bool, SourceError> {
        match trouble::judge(answer.error) {
            Verdict::Fine => {}
            Verdict::Passes => return Ok(self.hold(index)),
            Verdict::Broken => return self.broken(index, trouble::CORRUPT).map(|()| false),
            Verdict::OutOfRange => return self.out_of_range(index).map(|()| false),
            Verdict::NotAllowed => return Err(words::not_allowed(&self.topic.name)),
            Verdict::Final(told) => {
                return Err(SourceError::Outside(format!("topic {} can't be read on: {told}", self.topic.name)));
            }
        }
        let part = &mut self.parts[index];
        if let Some((_, kept)) = answer.diverging {
            if kept < part.next {
                return Err(words::truncated(&self.topic.name, part.place.id, kept.max(0), part.next));
            }
            part.forget_fetched();
            return Ok(self.hold(index));
        }
        part.ends_at(if self.settings.committed_only { answer.stable } else { answer.high });
        let reach = batch::reach(frame, answer.batches.clone());
        let is_brought = match reach {
            Ok(Some(reach)) => {
                let aborted = self.settings.committed_only.then_some(answer.aborted);
                part.take_in(Chunk::new(Arc::clone(frame), answer.batches, aborted, now_us), reach);
                true
            }
            Ok(None) => false,
            Err(error) => return self.broken(index, error).map(|()| false),
        };
        self.settle(index);
        Ok(is_brought)
    }

    /// The partition's leader may have moved: it is left alone for a moment, and the picture renewed.
    fn hold(&mut self, index: usize) -> bool {
        self.parts[index].held_until = Some(Instant::now() + HOLD);
        self.directory.is_outdated(self.picture.version);
        false
    }

    /// The partition does not have the offset. Where nobody has asked for what is gone, reading begins with what is there.
    fn out_of_range(&mut self, index: usize) -> Result<(), SourceError> {
        let (place, next) = (self.parts[index].place, self.parts[index].next);
        let until = Instant::now() + 2 * CONFIRM_WAIT;
        let range =
            self.ask_offset(place.id, asks::EARLIEST, until).zip(self.ask_offset(place.id, asks::LATEST, until));
        let Some((low, high)) = range else {
            self.hold(index);
            return Ok(());
        };
        if place.is_oldest && !self.parts[index].has_read && next < low {
            self.parts[index].begin_at(low);
            return Ok(());
        }
        words::check_range(&self.topic.name, place.id, next, (low, high))?;
        self.hold(index);
        Ok(())
    }

    /// Asks a partition's leader for an offset; `None`, where it does not answer in time or leads no more.
    pub(super) fn ask_offset(&mut self, id: i32, at: i64, until: Instant) -> Option<i64> {
        let led: Led = *self.picture.partitions.get(&id)?;
        let address = self.picture.brokers.get(&led.leader)?;
        let mut connection = match self.asking.remove(&led.leader) {
            Some(connection) => connection,
            None => Connection::open(address, &self.settings, until).ok()?,
        };
        let committed_only = self.settings.committed_only;
        let offsets = look::offsets(&mut connection, &self.topic.name, committed_only, &[(led, at)], until).ok()?;
        self.asking.insert(led.leader, connection);
        let found = offsets.into_iter().find(|(found, error, _)| *found == id && *error == 0);
        if found.is_none() {
            self.directory.is_outdated(self.picture.version);
        }
        found.map(|(_, _, offset)| offset)
    }
}
