//! Follows a record along the scripts of its objects, fast, as long as all is as it was before and well. At the first thing that is
//! not, it gives up, and `walk` reads the record from the start: only `walk` learns and only `walk` tells what is wrong.
//!
//! Invariant: what is accepted here is what `walk` accepts, with the same values. Bytes after the record's end may be looked at,
//! for loads of a fixed width, but only bytes of the record can be taken ([`Rest::after`]), and it is accepted only if nothing is left.

use super::cursor::Cursor;
use super::script::{Script, Step};
use super::shape::{Object, Shape, Target};
use super::{Limits, Scratch, absent, leaf, skip};
use crate::decode::bytes::is_ascii;
use crate::decode::columns::{Columns, Texts, Values};
use crate::decode::number::Short;
use crate::decode::raw::{Rest, Scan, Work};

/// What it takes to follow a record.
#[derive(Debug)]
pub(super) struct Follow<'a> {
    pub(super) shape: &'a Shape,
    pub(super) columns: &'a mut Columns,
    pub(super) limits: Limits,
    pub(super) scratch: &'a mut Scratch,
    /// The record.
    pub(super) bytes: &'a [u8],
}

/// What is left after that which was followed; `None` to give up.
type Followed<'a> = Option<Rest<'a>>;

/// The work of following a whole record; done, it says whether the record is ASCII. After giving up the columns hold a part of it.
#[derive(Debug)]
pub(super) struct Record<'a> {
    pub(super) follow: Follow<'a>,
    pub(super) rest: Rest<'a>,
}

impl Work for Record<'_> {
    type Done = Option<bool>;

    #[inline(always)]
    fn run<S: Scan>(mut self, scan: S) -> Option<bool> {
        let rest = space_end(self.rest)?;
        let rest = self.follow.object(scan, 0, rest, 0)?;
        let rest = if rest.left() > 0 { space_end(rest)? } else { rest };
        (rest.left() == 0).then(|| is_ascii(self.follow.bytes))
    }
}

/// The work of following an object within another, a function of its own: objects are as deep as the asked-for paths.
struct Nested<'f, 'a> {
    follow: &'f mut Follow<'a>,
    object: u32,
    rest: Rest<'a>,
    depth: usize,
}

impl<'a> Work for Nested<'_, 'a> {
    type Done = Followed<'a>;

    #[inline(always)]
    fn run<S: Scan>(self, scan: S) -> Followed<'a> {
        self.follow.object(scan, self.object, self.rest, self.depth)
    }
}

impl<'a> Follow<'a> {
    /// Follows the object that begins here, inside of `depth` others.
    #[inline(always)]
    fn object<S: Scan>(&mut self, scan: S, object: u32, rest: Rest<'a>, depth: usize) -> Followed<'a> {
        let shape = self.shape;
        let object = shape.objects.get(object as usize)?;
        let mut rest = self.opened(rest, b'{', depth)?;
        let (mut seen, mut later) = (0, object.script.steps());
        if let Some(first) = object.script.first(rest) {
            rest = self.step(scan, first, rest, &mut seen, depth)?;
            while let Some((step, after)) = Script::next(later, rest) {
                later = after;
                rest = self.step(scan, step, rest, &mut seen, depth)?;
            }
        }
        if rest.first() <= b' ' {
            rest = space_end(rest)?;
        }
        if seen != object.all_bits {
            self.absent(object, seen)?;
        }
        if rest.first() == b'}' { rest.after(1) } else { None }
    }

    #[inline(always)]
    fn step<S: Scan>(&mut self, scan: S, step: &Step, rest: Rest<'a>, seen: &mut u64, depth: usize) -> Followed<'a> {
        if *seen & step.bit != 0 {
            return None;
        }
        *seen |= step.bit;
        self.value(scan, step.target, rest.after(step.len())?, depth + 1)
    }

    /// Pushes nulls for the keys that were not seen.
    #[inline(never)]
    fn absent(&mut self, object: &Object, seen: u64) -> Option<()> {
        for place in (0..object.keys.asked()).filter(|place| seen & 1 << place == 0) {
            absent::push(self.shape, self.columns, object.keys.asked_target(place), 0).ok()?;
        }
        Some(())
    }

    #[inline(always)]
    fn value<S: Scan>(&mut self, scan: S, target: Target, rest: Rest<'a>, depth: usize) -> Followed<'a> {
        match target {
            Target::Skip => self.skip(scan, rest, depth),
            Target::Leaf(column) => self.leaf(scan, column, rest),
            Target::List(list) if rest.first() == b'[' => self.list(scan, list, rest, depth),
            Target::Object(object) if rest.first() == b'{' => scan.run(Nested { follow: self, object, rest, depth }),
            Target::List(_) | Target::Object(_) => self.null(target, rest),
        }
    }

    #[inline(never)]
    fn null(&mut self, target: Target, rest: Rest<'a>) -> Followed<'a> {
        if rest.chunk() != b"null" {
            return None;
        }
        absent::push(self.shape, self.columns, target, 0).ok()?;
        rest.after(4)
    }

    #[inline(always)]
    fn list<S: Scan>(&mut self, scan: S, list: u32, rest: Rest<'a>, depth: usize) -> Followed<'a> {
        let shape = self.shape;
        let list = shape.lists.get(list as usize)?;
        let mut rest = space_end(self.opened(rest, b'[', depth)?)?;
        let mut elements = 0;
        if rest.first() != b']' {
            loop {
                if elements == self.limits.list_elements_max {
                    return None;
                }
                elements += 1;
                rest = space_end(self.element(scan, list.element, rest, depth + 1)?)?;
                match rest.first() {
                    b',' => rest = space_end(rest.after(1)?)?,
                    b']' => break,
                    _ => return None,
                }
            }
        }
        self.columns.push_list(list.lengths, elements);
        rest.after(1)
    }

    /// A list's elements are objects or leaves: a path goes through one list at the most.
    #[inline(always)]
    fn element<S: Scan>(&mut self, scan: S, target: Target, rest: Rest<'a>, depth: usize) -> Followed<'a> {
        match target {
            Target::Object(object) if rest.first() == b'{' => scan.run(Nested { follow: self, object, rest, depth }),
            Target::Leaf(column) => self.leaf_any(column, rest),
            _ => self.null(target, rest),
        }
    }

    /// What is left after the opening bracket here.
    #[inline(always)]
    fn opened(&self, rest: Rest<'a>, bracket: u8, depth: usize) -> Followed<'a> {
        if rest.first() == bracket && depth < self.limits.depth_max { rest.after(1) } else { None }
    }

    #[inline(always)]
    fn skip<S: Scan>(&mut self, scan: S, rest: Rest<'a>, depth: usize) -> Followed<'a> {
        let first = rest.first();
        if first == b'"' {
            if let Some(len) = plain_string(scan, rest) {
                return rest.after(len + 2);
            }
        } else if let Some(short) = Short::scan(u64::from_le_bytes(*rest.chunk())) {
            return rest.after(short.len);
        }
        self.skip_any(rest, depth)
    }

    /// Whatever is not skipped at once; perhaps there is more space than before.
    #[inline(never)]
    fn skip_any(&mut self, rest: Rest<'a>, depth: usize) -> Followed<'a> {
        let rest = space_end(rest)?;
        let at = self.bytes.len() - rest.left();
        let mut cursor = Cursor { bytes: self.bytes, at };
        skip::value(&mut cursor, &mut self.scratch.closers, depth, self.limits.depth_max).ok()?;
        rest.after(cursor.at - at)
    }

    #[inline(always)]
    fn leaf<S: Scan>(&mut self, scan: S, column: u32, rest: Rest<'a>) -> Followed<'a> {
        match &mut self.columns.columns.get_mut(column as usize)?.values {
            Values::Text(texts) if rest.first() == b'"' => {
                if let Some(len) = plain_string(scan, rest) {
                    let (text, rest) = (rest.after(1)?, rest.after(len + 2)?);
                    append(texts, text, len)?;
                    return Some(rest);
                }
            }
            Values::Decimal { scale, mantissas } => {
                if let Some(short) = Short::scan(u64::from_le_bytes(*rest.chunk()))
                    && let Some(mantissa) = short.scaled(*scale)
                {
                    mantissas.push(mantissa);
                    return rest.after(short.len);
                }
            }
            Values::Int64(values) => {
                if let Some(short) = Short::scan(u64::from_le_bytes(*rest.chunk()))
                    && short.decimals == 0
                {
                    values.push(short.mantissa as i64);
                    return rest.after(short.len);
                }
            }
            Values::Timestamp { reader, micros } if rest.first() == b'"' && !reader.takes_numbers() => {
                if let Some(len) = plain_string(scan, rest) {
                    micros.push(reader.text(rest.after(1)?.taken(len)?).ok()?);
                    return rest.after(len + 2);
                }
            }
            _ => {}
        }
        self.leaf_any(column, rest)
    }

    /// Whatever is not read at once; perhaps there is more space than before.
    #[inline(never)]
    fn leaf_any(&mut self, column: u32, rest: Rest<'a>) -> Followed<'a> {
        let rest = space_end(rest)?;
        let at = self.bytes.len() - rest.left();
        let mut cursor = Cursor { bytes: self.bytes, at };
        let values = self.columns.columns.get_mut(column as usize)?;
        leaf::value(&mut cursor, values, column, &mut self.scratch.text).ok()?;
        rest.after(cursor.at - at)
    }
}

/// The length of the string that begins here, if it is plain and not longer than a chunk.
#[inline(always)]
fn plain_string<S: Scan>(scan: S, rest: Rest<'_>) -> Option<usize> {
    let chunk = rest.after(1)?.chunk::<64>();
    let len = scan.stops(chunk).trailing_zeros() as usize;
    (chunk.get(len) == Some(&b'"')).then_some(len)
}

/// What is left after white space.
#[inline(always)]
fn space_end(mut rest: Rest<'_>) -> Followed<'_> {
    while matches!(rest.first(), b' ' | b'\t' | b'\n' | b'\r') && rest.left() > 0 {
        rest = rest.after(1)?;
    }
    Some(rest)
}

/// Appends the first `len` bytes as a text. A short one as 16 bytes of which the rest is taken back: a copy of unknown length is a call.
#[inline(always)]
fn append(texts: &mut Texts, text: Rest<'_>, len: usize) -> Option<()> {
    let start = texts.bytes.len();
    if len <= 16 {
        texts.bytes.extend_from_slice(text.chunk::<16>());
        texts.bytes.truncate(start + len);
    } else {
        texts.bytes.extend_from_slice(text.taken(len)?);
    }
    texts.close();
    Some(())
}
