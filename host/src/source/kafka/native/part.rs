//! A partition of a reader: where it stands, what was fetched of it, and what the cluster says of it.
//!
//! Invariant: `next <= fetch_at`; what lies between is in `chunks`. It knows no sockets.

use super::chunk::{Chunk, Taken};
use super::fetch::Wanted;
use super::wire::Malformed;
use crate::source::kafka::places::Place;
use std::collections::VecDeque;
use std::time::Instant;
use weir_core::block::Block;

/// Where a partition stands.
pub(super) struct Part {
    pub(super) place: Place,
    /// The offset after the last record handed over.
    pub(super) next: i64,
    /// The offset to fetch at.
    fetch_at: i64,
    /// What was fetched and not handed over, in order.
    chunks: VecDeque<Chunk>,
    /// It has brought its last record.
    pub(super) ended: bool,
    /// The end that the broker last said, if nothing came since it was reached.
    pub(super) told_caught_up: bool,
    /// The end as the broker last said.
    end_seen: Option<i64>,
    /// The leader's epoch, as we know it, and that of the last batch.
    pub(super) leader_epoch: i32,
    last_epoch: i32,
    /// The broker that a request for it is on the way to, and the offset that was asked for.
    pub(super) asked_of: Option<i32>,
    asked_at: i64,
    /// After a trouble: not to be asked for before.
    pub(super) held_until: Option<Instant>,
    /// Since when every answer was a trouble, and when that was last told.
    pub(super) held_since: Option<Instant>,
    pub(super) held_told: Option<Instant>,
    /// How often in a row a broken batch was met, and an offset out of a range that it lies in.
    pub(super) broken: u32,
    pub(super) misplaced: u32,
    /// The leader's epoch of the last record handed over.
    pub(super) epoch: Option<i32>,
    /// Something of it was read: what is deleted now was not before our begin.
    pub(super) has_read: bool,
}

impl Part {
    pub(super) fn new(place: Place) -> Self {
        Self {
            place,
            next: place.begin,
            fetch_at: place.begin,
            chunks: VecDeque::new(),
            ended: false,
            told_caught_up: false,
            end_seen: None,
            leader_epoch: -1,
            last_epoch: place.epoch.unwrap_or(-1),
            asked_of: None,
            asked_at: place.begin,
            held_until: None,
            held_since: None,
            held_told: None,
            broken: 0,
            misplaced: 0,
            epoch: place.epoch,
            has_read: false,
        }
    }

    /// What to ask for.
    pub(super) fn wanted(&self) -> Wanted {
        let (leader_epoch, last_epoch) = (self.leader_epoch, self.last_epoch);
        Wanted { id: self.place.id, offset: self.fetch_at, leader_epoch, last_epoch }
    }

    /// A request for it goes to a broker.
    pub(super) fn ask(&mut self, broker: i32) {
        (self.asked_of, self.asked_at) = (Some(broker), self.fetch_at);
    }

    /// Whether what was asked for is not what is wanted now: fetched records were dropped since, and are to come again first.
    pub(super) fn is_stale(&self) -> bool {
        self.asked_at != self.fetch_at
    }

    /// Whether something is fetched that was not handed over.
    pub(super) fn is_ahead(&self) -> bool {
        self.fetch_at > self.next
    }

    /// The offset that was asked for.
    pub(super) fn asked_at(&self) -> i64 {
        self.asked_at
    }

    /// Whether it is to be asked for now.
    pub(super) fn is_open(&self, now: Instant) -> bool {
        let is_fetched = self.place.end.is_some_and(|end| self.fetch_at >= end);
        !self.ended && !is_fetched && self.asked_of.is_none() && self.held_until.is_none_or(|until| until <= now)
    }

    /// Goes on at another offset, of whose predecessors nothing is known.
    pub(super) fn begin_at(&mut self, offset: i64) {
        self.chunks.clear();
        (self.next, self.fetch_at) = (offset, offset);
        (self.last_epoch, self.epoch) = (-1, None);
        self.told_caught_up = false;
    }

    /// Drops what was fetched and not handed over; it is fetched again.
    pub(super) fn forget_fetched(&mut self) {
        self.chunks.clear();
        if self.is_ahead() {
            // Of the batch before `next`, which may hold control records alone, nothing is known any more.
            self.last_epoch = -1;
        }
        self.fetch_at = self.next;
    }

    /// Takes in batches that were asked for at `fetch_at` and reach to `reach`: offset and epoch of the last.
    pub(super) fn take_in(&mut self, chunk: Chunk, reach: (i64, i32)) {
        (self.fetch_at, self.last_epoch) = (reach.0.max(self.fetch_at), reach.1);
        self.chunks.push_back(chunk);
        self.told_caught_up = false;
        self.misplaced = 0;
    }

    /// The broker said where the partition ends.
    pub(super) fn ends_at(&mut self, end: i64) {
        self.end_seen = Some(end);
    }

    /// Whether something fetched waits to be handed over.
    pub(super) fn has_fetched(&self) -> bool {
        !self.chunks.is_empty()
    }

    /// Hands over the next records, at most `records_max`; `None`: nothing is there, or what was there held no records.
    pub(super) fn take(&mut self, records_max: usize) -> Result<Option<Block>, Malformed> {
        let until = self.place.end.unwrap_or(i64::MAX);
        while let Some(chunk) = self.chunks.front_mut() {
            let Some(Taken { bytes, records, next, epoch, is_beyond }) = chunk.take((self.next, until), records_max)?
            else {
                self.chunks.pop_front();
                continue;
            };
            self.broken = 0;
            self.next = next.unwrap_or(self.next).max(self.next);
            if is_beyond {
                self.next = self.next.max(until);
            }
            if self.place.end.is_some_and(|end| self.next >= end) {
                self.chunks.clear();
            }
            if !records.is_empty() {
                self.has_read = true;
                self.epoch = Some(epoch);
                return Ok(Some(Block { partition: self.place.partition, bytes, records }));
            }
        }
        Ok(None)
    }

    /// Whether it ends now, which is told once.
    pub(super) fn ends(&mut self) -> bool {
        let ends = !self.ended && self.place.end.is_some_and(|end| self.next >= end);
        self.ended |= ends;
        ends
    }

    /// Whether it was read to the end that the broker last said, which is told once until something comes.
    pub(super) fn catches_up(&mut self) -> bool {
        let at_end = self.chunks.is_empty() && self.end_seen.is_some_and(|end| self.next >= end);
        let catches_up = at_end && !self.told_caught_up && self.place.end.is_none();
        self.told_caught_up |= catches_up;
        catches_up
    }
}
