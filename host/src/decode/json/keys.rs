//! The keys of one object that are asked for, and which of them the object at hand has had. Knows no order of keys.

use super::cursor::Quoted;
use super::shape::Target;
use foldhash::fast::FixedState;
use hashbrown::HashMap;

/// Keys whose having been seen fits a word. An object with more is never followed along a script.
pub(super) const BITS: usize = 64;

/// The asked-for keys of one object.
#[derive(Debug, Default)]
pub(super) struct Keys {
    entries: Vec<Entry>,
    by_key: HashMap<Box<[u8]>, usize, FixedState>,
}

/// A key.
#[derive(Debug)]
struct Entry {
    target: Target,
    /// The last object that had it.
    seen_in: u64,
}

/// A key that was read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    pub(super) target: Target,
    /// The object had it before; said of asked-for keys.
    pub(super) again: bool,
    /// Its bit among the asked-for keys; 0 if it is none.
    pub(super) bit: u64,
}

impl Keys {
    /// Adds an asked-for key; before the first record.
    pub(super) fn ask(&mut self, key: &str, target: Target) {
        self.by_key.insert(key.as_bytes().into(), self.entries.len());
        self.entries.push(Entry { target, seen_in: 0 });
    }

    /// What was asked for under a key.
    pub(super) fn target(&self, key: &str) -> Option<Target> {
        self.by_key.get(key.as_bytes()).map(|&id| self.entries[id].target)
    }

    /// How many keys are asked for.
    pub(super) fn asked(&self) -> usize {
        self.entries.len()
    }

    /// The bits of all asked-for keys; at most [`BITS`] of them.
    pub(super) fn all_bits(&self) -> u64 {
        u64::MAX.checked_shr((BITS - self.entries.len().min(BITS)) as u32).unwrap_or(0)
    }

    /// An asked-for key's target.
    pub(super) fn asked_target(&self, place: usize) -> Target {
        self.entries[place].target
    }

    /// An asked-for key's target, if the object did not have it.
    pub(super) fn unseen(&self, place: usize, object: u64) -> Option<Target> {
        let entry = &self.entries[place];
        (entry.seen_in != object).then_some(entry.target)
    }

    /// Looks up a key of an object.
    pub(super) fn find(&mut self, key: Quoted<'_>, object: u64) -> Found {
        let Some(place) = self.place(key) else {
            return Found { target: Target::Skip, again: false, bit: 0 };
        };
        let entry = &mut self.entries[place];
        let again = std::mem::replace(&mut entry.seen_in, object) == object;
        Found { target: entry.target, again, bit: 1u64.checked_shl(place as u32).unwrap_or(0) }
    }

    fn place(&self, key: Quoted<'_>) -> Option<usize> {
        if key.escaped {
            // With a lone surrogate it is no text, and no asked-for key is like it.
            let mut text = Vec::new();
            key.append_to(&mut text)?;
            return self.by_key.get(text.as_slice()).copied();
        }
        self.by_key.get(key.raw).copied()
    }
}
