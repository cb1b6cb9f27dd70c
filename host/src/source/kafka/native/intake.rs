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
use crate::source::kafka::lost::Loss;
use crate::source::kafka::words;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a partition is left alone after a trouble.
const HOLD: Duration = Duration::from_millis(100);
/// How often an offset may be called out of a range that it lies in: leaders that move do so, for a moment.
const MISPLACED_MAX: u32 = 50;
/// Kafka's code of an offset that is out of range.
const OUT_OF_RANGE: i16 = 1;
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
        self.whole_answer(&asked, answers.error)?;
        let now_us = (self.clock)();
        let (mut brought, mut named) = (Vec::new(), Vec::new());
        for answer in answers.partitions {
            let Some(index) = asked.iter().copied().find(|index| self.parts[*index].place.id == answer.id) else {
                continue;
            };
            named.push(index);
            if self.answered(index, answer, &frame.bytes, now_us)? {
                brought.push(index);
            }
        }
        // What the broker says nothing of is not asked for again at once; one that throttles says nothing of anything.
        asked.iter().filter(|index| !named.contains(index)).for_each(|index| {
            self.parts[*index].held_until = Some(now + HOLD);
        });
        self.order.retain(|index| !brought.contains(index));
        self.order.extend(&brought);
        self.frames.insert(broker, (frame.bytes, brought));
        Ok(())
    }

    /// What the broker says of the request as a whole.
    fn whole_answer(&mut self, asked: &[usize], error: i16) -> Result<(), SourceError> {
        match trouble::judge_whole(error) {
            Verdict::Fine => {}
            Verdict::NotAllowed => return Err(words::not_allowed(&self.topic.name)),
            Verdict::Final(told) => return Err(self.can_not_go_on(&told)),
            _ => asked.iter().for_each(|index| _ = self.hold(*index, error)),
        }
        Ok(())
    }

    fn can_not_go_on(&self, told: &str) -> SourceError {
        SourceError::Outside(format!("topic {} can't be read on: {told}", self.topic.name))
    }

    /// What a broker says of one partition; true if it brought something.
    fn answered(
        &mut self,
        index: usize,
        answer: Answer,
        frame: &Arc<Vec<u8>>,
        now_us: i64,
    ) -> Result<bool, SourceError> {
        if self.parts[index].is_stale() {
            return Ok(false); // asked for before fetched records were dropped, which come first
        }
        match trouble::judge(answer.error) {
            Verdict::Fine => {}
            Verdict::Passes => return Ok(self.hold(index, answer.error)),
            Verdict::Broken => return self.broken(index, trouble::CORRUPT).map(|()| false),
            Verdict::OutOfRange => return self.out_of_range(index).map(|()| false),
            Verdict::NotAllowed => return Err(words::not_allowed(&self.topic.name)),
            Verdict::Final(told) => return Err(self.can_not_go_on(&told)),
        }
        let part = &mut self.parts[index];
        (part.held_since, part.held_told) = (None, None);
        if let Some((_, kept)) = answer.diverging {
            return self.parted(index, kept).map(|()| false);
        }
        part.ends_at(if self.settings.committed_only { answer.stable } else { answer.high });
        let reach = batch::reach(frame, answer.batches.clone(), part.asked_at(), part.leader_epoch);
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

    /// The leader's log parts from ours at `kept`.
    fn parted(&mut self, index: usize, kept: i64) -> Result<(), SourceError> {
        let part = &mut self.parts[index];
        let (id, next) = (part.place.id, part.next);
        if kept < next {
            return self.lost(index, Loss::cut_back(id, kept.max(0), next));
        }
        // The epoch asked with is that of the last batch taken in: if nothing of it is left to drop, it was counted.
        if !part.is_ahead() {
            let told = format!(
                "partition {id}: its leader knows nothing of what was read just before offset {next}; the log was cut back, nobody can say \
                 to where (unclean.leader.election.enable)"
            );
            return Err(words::out_of_range(&self.topic.name, &told));
        }
        part.forget_fetched();
        self.hold(index, 0);
        Ok(())
    }

    /// Offsets of a partition are gone: stops, or tells it and goes on behind them.
    fn lost(&mut self, index: usize, loss: Loss) -> Result<(), SourceError> {
        let loss = loss.or_stop(&self.topic.name, self.settings.on_lost_offsets)?;
        let part = &mut self.parts[index];
        part.begin_at(loss.next());
        self.events.push_back(loss.event(part.place.partition));
        self.settle(index);
        Ok(())
    }

    /// The partition's leader may have moved: it is left alone for a moment, and the picture renewed.
    fn hold(&mut self, index: usize, error: i16) -> bool {
        self.parts[index].held_until = Some(Instant::now() + HOLD);
        trouble::still_held(&self.topic.name, &mut self.parts[index], &trouble::told(error));
        self.directory.is_outdated(self.picture.version);
        false
    }

    /// The partition does not have the offset. Where nobody has asked for what is gone, reading begins with what is there.
    fn out_of_range(&mut self, index: usize) -> Result<(), SourceError> {
        if self.parts[index].has_fetched() {
            // What came before it is handed over first.
            self.hold(index, OUT_OF_RANGE);
            return Ok(());
        }
        let (place, next) = (self.parts[index].place, self.parts[index].next);
        let until = Instant::now() + 2 * CONFIRM_WAIT;
        let range =
            self.ask_offset(place.id, asks::EARLIEST, until).zip(self.ask_offset(place.id, asks::LATEST, until));
        let Some((low, high)) = range else {
            self.hold(index, OUT_OF_RANGE);
            return Ok(());
        };
        if place.is_oldest && !self.parts[index].has_read && next < low {
            self.parts[index].begin_at(low);
            // All that was there at connecting may be gone.
            self.settle(index);
            return Ok(());
        }
        if let Some(loss) = Loss::of(place.id, next, (low, high)) {
            return self.lost(index, loss);
        }
        self.parts[index].misplaced += 1;
        if self.parts[index].misplaced > MISPLACED_MAX {
            let told = format!(
                "partition {}, offset {next}: it lies between the first and the last, but the broker does not know what was read \
                 before it",
                place.id
            );
            return Err(words::out_of_range(&self.topic.name, &told));
        }
        self.hold(index, OUT_OF_RANGE);
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
