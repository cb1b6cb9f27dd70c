//! The scripts of objects: what stood between two values before (`, "quantity": `), in an order that all records so far have followed.
//! Writers repeat themselves, so such a text is met again as bytes, without reading the key in it.
//!
//! Invariant: a step's text was read as such, at such a place: separators, a key, its colon, up to the value. Meeting the
//! same bytes at the like place again therefore needs no reading.

use super::shape::Target;
use crate::decode::raw::Rest;

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
    /// The first 16 bytes of the text, under a mask, and the last 16 of a longer one.
    head: u128,
    mask: u128,
    tail: u128,
    text: Box<[u8]>,
    pub(super) target: Target,
    /// The asked-for key's bit among those of its object; 0 for one that nobody asked for.
    pub(super) bit: u64,
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
    pub(super) fn first(&self, rest: Rest<'_>) -> Option<&Step> {
        let head = u128::from_le_bytes(*rest.chunk());
        self.firsts.iter().find(|step| step.stands_at(head, rest))
    }

    /// The steps between values.
    #[inline(always)]
    pub(super) fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The first of these steps that stands here, and those after it.
    #[inline(always)]
    pub(super) fn next<'s>(mut steps: &'s [Step], rest: Rest<'_>) -> Option<(&'s Step, &'s [Step])> {
        let head = u128::from_le_bytes(*rest.chunk());
        while let Some((step, later)) = steps.split_first() {
            if step.stands_at(head, rest) {
                return Some((step, later));
            }
            steps = later;
        }
        None
    }

    /// Learns that this text was read at that place, if there is room, and gives the place after it.
    pub(super) fn learn(&mut self, place: Place, text: &[u8], target: Target, bit: u64) -> Place {
        let (list, from, max) = match place {
            Place::Start => (&mut self.firsts, 0, FIRSTS_MAX),
            Place::Before(from) => (&mut self.steps, from, STEPS_MAX),
        };
        let after = |at: usize| if place == Place::Start { Place::Before(0) } else { Place::Before(at + 1) };
        if let Some(passed) = list.get(from..).and_then(|later| later.iter().position(|step| *step.text == *text)) {
            return after(from + passed);
        }
        if list.len() < max && text.len() <= TEXT_LEN_MAX && from <= list.len() {
            list.insert(from, Step::new(text, target, bit));
            return after(from);
        }
        self.misses += 1;
        if self.misses == MISSES_MAX {
            *self = Self::default();
        }
        Place::Before(usize::MAX)
    }
}

impl Step {
    fn new(text: &[u8], target: Target, bit: u64) -> Self {
        let (mut head, mut mask) = ([0; 16], [0; 16]);
        for (place, &byte) in text.iter().take(16).enumerate() {
            (head[place], mask[place]) = (byte, 0xff);
        }
        let tail = text.last_chunk().map_or(0, |tail| u128::from_le_bytes(*tail));
        let (head, mask) = (u128::from_le_bytes(head), u128::from_le_bytes(mask));
        Self { head, mask, tail, text: text.into(), target, bit }
    }

    #[inline(always)]
    pub(super) fn len(&self) -> usize {
        self.text.len()
    }

    /// Whether the text stands here; `head` is what the next 16 bytes are.
    #[inline(always)]
    fn stands_at(&self, head: u128, rest: Rest<'_>) -> bool {
        (head ^ self.head) & self.mask == 0 && (self.text.len() <= 16 || self.long_stands_at(rest))
    }

    #[inline(always)]
    fn long_stands_at(&self, rest: Rest<'_>) -> bool {
        match rest.taken(self.text.len()) {
            Some(text) if text.len() <= 32 => {
                text.last_chunk().is_some_and(|tail| u128::from_le_bytes(*tail) == self.tail)
            }
            text => text == Some(&*self.text),
        }
    }
}
