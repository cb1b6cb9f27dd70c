//! The keys of one object: which are asked for, and which one comes next. Writers repeat themselves, so the key that followed last
//! time is compared first, as bytes with its quotes, colon and space; only when that fails is the key read and looked up.

use super::cursor::{Cursor, Quoted};
use super::shape::Target;
use crate::decode::failure::Read;
use foldhash::fast::FixedState;
use hashbrown::HashMap;

/// A key's place in its table.
pub(super) type KeyId = usize;

/// Keys that nobody asked for and that are remembered all the same, at the most …
const LEARNED_MAX: usize = 64;
/// … and of this length at the most.
const LEARNED_LEN_MAX: usize = 64;
/// Keys that found no room until all that was learned is forgotten: the stream has changed.
const MISSES_MAX: u32 = 4_096;

/// The keys of one object.
#[derive(Debug, Default)]
pub(super) struct Keys {
    /// First the asked-for keys, then learned ones.
    entries: Vec<Entry>,
    by_key: HashMap<Box<[u8]>, KeyId, FixedState>,
    asked: usize,
    /// The key that began the last object.
    first: KeyId,
    misses: u32,
}

/// A key.
#[derive(Debug)]
struct Entry {
    /// The key with its quotes and what stood between it and its value last time; `head` is its first 16 bytes.
    token: Vec<u8>,
    head: u128,
    mask: u128,
    target: Target,
    /// The key that came after it last time.
    next: KeyId,
    /// The last object that had it.
    seen_in: u64,
}

/// A key that was read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    /// Its place in the table; `None` for one that is not in it.
    pub(super) id: Option<KeyId>,
    pub(super) target: Target,
    /// The object had it before.
    pub(super) again: bool,
}

impl Keys {
    /// Adds an asked-for key; before the first record.
    pub(super) fn ask(&mut self, key: &str, target: Target) {
        self.add(key.as_bytes(), target);
        self.asked = self.entries.len();
    }

    /// What was asked for under a key.
    pub(super) fn target(&self, key: &str) -> Option<Target> {
        self.by_key
            .get(key.as_bytes())
            .map(|&id| self.entries[id].target)
    }

    /// How many keys are asked for.
    pub(super) fn asked(&self) -> usize {
        self.asked
    }

    /// The targets of the asked-for keys, and whether the object had each.
    pub(super) fn asked_seen(&self, place: KeyId, object: u64) -> (Target, bool) {
        let entry = &self.entries[place];
        (entry.target, entry.seen_in == object)
    }

    /// Reads a key of an object, its colon and the space around, and stops at the value. `previous` is the key before it.
    #[inline(always)]
    pub(super) fn read(
        &mut self,
        cursor: &mut Cursor<'_>,
        previous: Option<KeyId>,
        object: u64,
    ) -> Read<Found> {
        let expected = match previous {
            None => self.first,
            Some(previous) => self.entries.get(previous).map_or(0, |entry| entry.next),
        };
        if let Some(entry) = self.entries.get_mut(expected)
            && let Some(end) = entry.matches(cursor)
        {
            cursor.at = end;
            cursor.skip_space();
            return Ok(entry.found(expected, object));
        }
        self.look_up(cursor, previous, object)
    }

    #[inline(never)]
    fn look_up(
        &mut self,
        cursor: &mut Cursor<'_>,
        previous: Option<KeyId>,
        object: u64,
    ) -> Read<Found> {
        let start = cursor.at;
        if cursor.peek() != b'"' {
            return cursor.syntax("expected a key");
        }
        let key = cursor.string()?;
        cursor.skip_space();
        if cursor.peek() != b':' {
            return cursor.syntax("expected `:`");
        }
        cursor.at += 1;
        cursor.skip_space();
        let Some(id) = self.id_of(key) else {
            return Ok(Found {
                id: None,
                target: Target::Skip,
                again: false,
            });
        };
        match previous {
            None => self.first = id,
            // It may have been forgotten since.
            Some(previous) => {
                if let Some(entry) = self.entries.get_mut(previous) {
                    entry.next = id;
                }
            }
        }
        let entry = &mut self.entries[id];
        entry.learn(&cursor.bytes[start..cursor.at], key);
        Ok(entry.found(id, object))
    }

    fn id_of(&mut self, key: Quoted<'_>) -> Option<KeyId> {
        if key.escaped {
            // With a lone surrogate it is no text, and no asked-for key is like it.
            let mut text = Vec::new();
            key.append_to(&mut text)?;
            return self.by_key.get(text.as_slice()).copied();
        }
        if let Some(&id) = self.by_key.get(key.raw) {
            return Some(id);
        }
        if key.raw.len() > LEARNED_LEN_MAX || !key.raw.is_ascii() {
            return None;
        }
        if self.entries.len() < self.asked + LEARNED_MAX {
            return Some(self.add(key.raw, Target::Skip));
        }
        self.misses += 1;
        if self.misses == MISSES_MAX {
            self.forget();
        }
        None
    }

    fn add(&mut self, key: &[u8], target: Target) -> KeyId {
        let id = self.entries.len();
        self.by_key.insert(key.into(), id);
        self.entries.push(Entry {
            token: Vec::new(),
            head: 0,
            mask: 0,
            target,
            next: id + 1,
            seen_in: 0,
        });
        id
    }

    fn forget(&mut self) {
        self.misses = 0;
        self.entries.truncate(self.asked);
        let asked = self.asked;
        self.by_key.retain(|_, id| *id < asked);
    }
}

impl Entry {
    #[inline(always)]
    fn found(&mut self, id: KeyId, object: u64) -> Found {
        let again = std::mem::replace(&mut self.seen_in, object) == object;
        Found {
            id: Some(id),
            target: self.target,
            again,
        }
    }

    /// The end of the token, if it stands at the cursor.
    #[inline(always)]
    fn matches(&self, cursor: &Cursor<'_>) -> Option<usize> {
        let rest = cursor.bytes.get(cursor.at..)?;
        let end = cursor.at + self.token.len();
        match rest.first_chunk::<16>() {
            Some(head) if (u128::from_le_bytes(*head) ^ self.head) & self.mask != 0 => None,
            Some(_) if (1..=16).contains(&self.token.len()) => Some(end),
            _ => (!self.token.is_empty() && rest.starts_with(&self.token)).then_some(end),
        }
    }

    /// Remembers how the key is written.
    fn learn(&mut self, token: &[u8], key: Quoted<'_>) {
        if key.escaped || !key.raw.is_ascii() || token.len() > key.raw.len() + 8 {
            return;
        }
        self.token.clear();
        self.token.extend_from_slice(token);
        let (mut head, mut mask) = ([0; 16], [0; 16]);
        for (place, &byte) in token.iter().take(16).enumerate() {
            (head[place], mask[place]) = (byte, 0xff);
        }
        (self.head, self.mask) = (u128::from_le_bytes(head), u128::from_le_bytes(mask));
    }
}
