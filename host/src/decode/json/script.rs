//! The scripts of objects: what stood between two values before (`, "quantity": `), in an order that all records so far have followed.
//! Writers repeat themselves, so such a text is met again as bytes, without reading the key in it.
//!
//! Invariant: a step's text was read as such, at such a place: separators, a key, its colon, up to the value. Meeting the
//! same bytes at the like place again therefore needs no reading.

use super::shape::Target;
use crate::decode::bytes::Portable;
use crate::decode::columns::{Columns, Values};
use crate::decode::raw::{Rest, Scan};

/// Steps of a script at the most …
const STEPS_MAX: usize = 64;
/// … first keys of an object at the most …
const FIRSTS_MAX: usize = 16;
/// … and bytes of a text at the most.
const TEXT_LEN_MAX: usize = 96;
/// Texts that found no room until all that was learned is forgotten: the stream has changed.
const MISSES_MAX: u32 = 4_096;

/// What is known of the way through the objects of one place in the shape.
#[derive(Debug, Default)]
pub(super) struct Script {
    /// What stood between the opening brace and the first value.
    firsts: Vec<Step>,
    /// What stood between values. Every record so far went through them from left to right, leaving some out; where the order of
    /// keys varies, a key stands here more than once.
    steps: Vec<Step>,
    misses: u32,
}

/// A key with all that stands around it.
#[derive(Debug)]
pub(super) struct Step {
    /// The first 16 bytes of the text, which bits of them count, and the last 16 of a longer one.
    head: [u8; 16],
    mask: [u8; 16],
    tail: [u8; 16],
    text: Box<[u8]>,
    pub(super) op: Op,
    /// The asked-for key's bit among those of its object; 0 for one that nobody asked for.
    pub(super) bit: u64,
}

/// What to do with a value: a target, with the leaves told apart by what is quick to read.
#[derive(Debug, Clone, Copy)]
pub(super) enum Op {
    Skip,
    Text(u32),
    Int64(u32),
    Decimal(u32),
    /// Written as text.
    Timestamp(u32),
    /// Any other.
    Leaf(u32),
    List(u32),
    Object(u32),
}

/// What to do with the value of a target.
pub(super) fn op(target: Target, columns: &Columns) -> Op {
    match target {
        Target::Skip => Op::Skip,
        Target::List(list) => Op::List(list),
        Target::Object(object) => Op::Object(object),
        Target::Leaf(column) => match &columns.columns[column as usize].values {
            Values::Text(_) => Op::Text(column),
            Values::Int64(_) => Op::Int64(column),
            Values::Decimal { .. } => Op::Decimal(column),
            Values::Timestamp { reader, .. } if !reader.takes_numbers() => Op::Timestamp(column),
            Values::Timestamp { .. } | Values::Float64(_) | Values::Boolean(_) => Op::Leaf(column),
        },
    }
}

/// How far an object has come in its script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// After the opening brace.
    Start,
    /// After a value; the next step comes at this place or later.
    Before(usize),
}

impl Script {
    /// The step that begins an object here.
    #[inline(always)]
    pub(super) fn first<S: Scan>(&self, scan: S, rest: Rest<'_>) -> Option<&Step> {
        let (first, others) = self.firsts.split_first()?;
        if first.stands_at(scan, rest) { Some(first) } else { later(others, rest).map(|(step, _)| step) }
    }

    /// The steps between values.
    #[inline(always)]
    pub(super) fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Learns that this text was read at that place, if there is room, and gives the place after it.
    pub(super) fn learn(&mut self, place: Place, text: &[u8], op: Op, bit: u64) -> Place {
        let (list, from, max) = match place {
            Place::Start => (&mut self.firsts, 0, FIRSTS_MAX),
            Place::Before(from) => (&mut self.steps, from, STEPS_MAX),
        };
        let after = |at: usize| if place == Place::Start { Place::Before(0) } else { Place::Before(at + 1) };
        if let Some(passed) = list.get(from..).and_then(|later| later.iter().position(|step| *step.text == *text)) {
            return after(from + passed);
        }
        if list.len() < max && text.len() <= TEXT_LEN_MAX && from <= list.len() {
            list.insert(from, Step::new(text, op, bit));
            return after(from);
        }
        self.misses += 1;
        if self.misses == MISSES_MAX {
            *self = Self::default();
        }
        Place::Before(usize::MAX)
    }
}

/// The first of the steps to come that stands here, and those after it; out of line, since it is nearly always the very next, which
/// was looked at before.
#[inline(never)]
pub(super) fn later<'s>(steps: &'s [Step], rest: Rest<'_>) -> Option<(&'s Step, &'s [Step])> {
    let place = steps.iter().position(|step| step.stands_at(Portable, rest))?;
    Some((steps.get(place)?, steps.get(place + 1..)?))
}

impl Step {
    fn new(text: &[u8], op: Op, bit: u64) -> Self {
        let (mut head, mut mask) = ([0; 16], [0; 16]);
        for (place, &byte) in text.iter().take(16).enumerate() {
            (head[place], mask[place]) = (byte, 0xff);
        }
        let tail = text.last_chunk().copied().unwrap_or_default();
        Self { head, mask, tail, text: text.into(), op, bit }
    }

    #[inline(always)]
    pub(super) fn len(&self) -> usize {
        self.text.len()
    }

    /// Whether the text stands here.
    #[inline(always)]
    pub(super) fn stands_at<S: Scan>(&self, scan: S, rest: Rest<'_>) -> bool {
        scan.same(rest.chunk(), &self.head, &self.mask) && (self.text.len() <= 16 || self.long_stands_at(rest))
    }

    #[inline(always)]
    fn long_stands_at(&self, rest: Rest<'_>) -> bool {
        match rest.taken(self.text.len()) {
            Some(text) if text.len() <= 32 => text.last_chunk() == Some(&self.tail),
            text => text == Some(&*self.text),
        }
    }
}
