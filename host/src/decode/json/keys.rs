//! The keys of one object: which are asked for, and which one comes next. Writers repeat themselves, so what stood between a value and
//! the next last time (`, "quantity": `) is compared first, as bytes; only when that fails is the key read and looked up.

use super::cursor::{Cursor, Quoted};
use super::shape::Target;
use crate::decode::failure::Read;
use foldhash::fast::FixedState;
use hashbrown::HashMap;

/// A key's place in its table.
type KeyId = usize;

/// Keys that nobody asked for and that are remembered all the same, at the most …
const LEARNED_MAX: usize = 64;
/// … and of this length at the most.
const LEARNED_LEN_MAX: usize = 64;
/// White space, comma, colon and quotes around a remembered key at the most.
const AROUND_MAX: usize = 16;
/// Keys that found no room until all that was learned is forgotten: the stream has changed.
const MISSES_MAX: u32 = 4_096;

/// The keys of one object.
#[derive(Debug)]
pub(super) struct Keys {
    /// First the asked-for keys, then learned ones.
    entries: Vec<Entry>,
    by_key: HashMap<Box<[u8]>, KeyId, FixedState>,
    asked: usize,
    /// What came next last time: after the opening brace, then after the value of each entry.
    links: Vec<Link>,
    misses: u32,
}

/// A place between values of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gap(usize);

/// A key.
#[derive(Debug)]
struct Entry {
    target: Target,
    /// The last object that had it.
    seen_in: u64,
}

/// What stands between a value, or the opening brace, and the next value: separators, a key, its colon. Only text that was read as
/// such at that place becomes a link, so meeting the same bytes there again needs no reading.
#[derive(Debug, Default)]
struct Link {
    /// The first 16 bytes, under a mask.
    head: u128,
    mask: u128,
    /// All bytes; none where nothing is known.
    text: Vec<u8>,
    /// The key in it.
    key: KeyId,
}

/// A key that was read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    pub(super) target: Target,
    /// The object had it before; said of asked-for keys.
    pub(super) again: bool,
    /// The gap after its value.
    pub(super) after: Gap,
}

impl Gap {
    /// After the opening brace.
    pub(super) const FIRST: Self = Self(0);
    /// After the value of a key that is not in the table.
    const UNKNOWN: Self = Self(usize::MAX);
}

impl Default for Keys {
    fn default() -> Self {
        Self { entries: Vec::new(), by_key: HashMap::default(), asked: 0, links: vec![Link::default()], misses: 0 }
    }
}

impl Keys {
    /// Adds an asked-for key; before the first record.
    pub(super) fn ask(&mut self, key: &str, target: Target) {
        self.add(key.as_bytes(), target);
        self.asked = self.entries.len();
    }

    /// What was asked for under a key.
    pub(super) fn target(&self, key: &str) -> Option<Target> {
        self.by_key.get(key.as_bytes()).map(|&id| self.entries[id].target)
    }

    /// How many keys are asked for.
    pub(super) fn asked(&self) -> usize {
        self.asked
    }

    /// An asked-for key's target, and whether the object had it.
    pub(super) fn asked_seen(&self, place: KeyId, object: u64) -> (Target, bool) {
        let entry = &self.entries[place];
        (entry.target, entry.seen_in == object)
    }

    /// Goes from a gap to the next value if what stands there is what stood there last time.
    #[inline(always)]
    pub(super) fn predicted(&mut self, cursor: &mut Cursor<'_>, gap: Gap, object: u64) -> Option<Found> {
        let link = self.links.get(gap.0)?;
        let at = link.end_at(cursor)?;
        let key = link.key;
        let found = self.entries.get_mut(key)?.found(key, object);
        cursor.at = at;
        // There may be more space than last time.
        cursor.skip_space();
        Some(found)
    }

    /// Reads the key here, its colon and the space around, and stops at the value; the gap began at `gap_at`.
    pub(super) fn read(&mut self, cursor: &mut Cursor<'_>, gap: Gap, gap_at: usize, object: u64) -> Read<Found> {
        let key = cursor.key()?;
        let Some(id) = self.id_of(key) else {
            return Ok(Found { target: Target::Skip, again: false, after: Gap::UNKNOWN });
        };
        if let (Some(link), false, true) = (self.links.get_mut(gap.0), key.escaped, key.raw.is_ascii()) {
            let text = &cursor.bytes[gap_at..cursor.at];
            if text.len() <= key.raw.len() + AROUND_MAX {
                link.learn(text, id);
            }
        }
        Ok(self.entries[id].found(id, object))
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
        self.entries.push(Entry { target, seen_in: 0 });
        self.links.push(Link::default());
        id
    }

    /// Forgets what was learned. Links to the keys go too: their places may soon be others'.
    fn forget(&mut self) {
        let asked = self.asked;
        self.misses = 0;
        self.entries.truncate(asked);
        self.by_key.retain(|_, id| *id < asked);
        self.links.clear();
        self.links.resize_with(asked + 1, Link::default);
    }
}

impl Entry {
    #[inline(always)]
    fn found(&mut self, id: KeyId, object: u64) -> Found {
        let again = std::mem::replace(&mut self.seen_in, object) == object;
        Found { target: self.target, again, after: Gap(id + 1) }
    }
}

impl Link {
    /// Where the value begins, if the text stands at the cursor.
    #[inline(always)]
    fn end_at(&self, cursor: &Cursor<'_>) -> Option<usize> {
        let rest = cursor.bytes.get(cursor.at..)?;
        match rest.first_chunk::<16>() {
            Some(head) if (u128::from_le_bytes(*head) ^ self.head) & self.mask != 0 => return None,
            Some(_) if (1..=16).contains(&self.text.len()) => {}
            _ if self.text.is_empty() || !rest.starts_with(&self.text) => return None,
            _ => {}
        }
        Some(cursor.at + self.text.len())
    }

    fn learn(&mut self, text: &[u8], key: KeyId) {
        let (mut head, mut mask) = ([0; 16], [0; 16]);
        for (place, &byte) in text.iter().take(16).enumerate() {
            (head[place], mask[place]) = (byte, 0xff);
        }
        (self.head, self.mask, self.key) = (u128::from_le_bytes(head), u128::from_le_bytes(mask), key);
        self.text.clear();
        self.text.extend_from_slice(text);
    }
}
