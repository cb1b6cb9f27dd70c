//! Follows a record along the scripts of its objects, fast, as long as all is as it was before and well. At the first thing that is
//! not, it gives up, and `walk` reads the record from the start: only `walk` learns and only `walk` tells what is wrong.
//!
//! Invariant: what is accepted here is what `walk` accepts, with the same values. Bytes after the record's end may be looked at,
//! for loads of a fixed width, but only bytes of the record can be taken ([`Rest::after`]), and it is accepted only if nothing is left.

use super::cursor::Cursor;
use super::script::{self, Op};
use super::shape::{Object, Shape, Target};
use super::{Limits, Scratch, absent, leaf, skip};
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
        let shape = self.follow.shape;
        let rest = self.follow.opened(space_end(self.rest)?, b'{', 0)?;
        let rest = self.follow.object::<S, true>(scan, shape.objects.first()?, rest, 0)?;
        let rest = if rest.left() > 0 { space_end(rest)? } else { rest };
        if rest.left() > 0 { None } else { Some(self.rest.is_ascii(scan)) }
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
        let object = self.follow.shape.objects.get(self.object as usize)?;
        let rest = self.follow.opened(self.rest, b'{', self.depth)?;
        self.follow.object::<S, true>(scan, object, rest, self.depth)
    }
}

/// The work of following the objects of a list, a function of its own, so that what it needs at hand is in registers.
struct Elements<'f, 'a> {
    follow: &'f mut Follow<'a>,
    object: u32,
    rest: Rest<'a>,
    depth: usize,
}

impl<'a> Work for Elements<'_, 'a> {
    type Done = Option<(usize, Rest<'a>)>;

    #[inline(always)]
    fn run<S: Scan>(self, scan: S) -> Self::Done {
        self.follow.objects(scan, self.object, self.rest, self.depth)
    }
}

impl<'a> Follow<'a> {
    /// Follows the rest of an object whose brace is open, inside of `depth` others. `LISTS`: there may be lists in it, which there can't be in an
    /// object that is itself in one.
    #[inline(always)]
    fn object<S: Scan, const LISTS: bool>(
        &mut self,
        scan: S,
        object: &Object,
        mut rest: Rest<'a>,
        depth: usize,
    ) -> Followed<'a> {
        let mut seen = 0;
        if let Some(first) = object.script.first(scan, rest) {
            seen = first.bit;
            rest = self.value::<S, LISTS>(scan, first.op, rest.after(first.len())?, depth + 1)?;
            let mut steps = object.script.steps();
            while let [next, others @ ..] = steps {
                let (step, to_come) = if next.stands_at(scan, rest) {
                    (next, others)
                } else {
                    match script::later(others, rest) {
                        Some(found) => found,
                        None => break,
                    }
                };
                steps = to_come;
                if seen & step.bit != 0 {
                    return None;
                }
                seen |= step.bit;
                rest = self.value::<S, LISTS>(scan, step.op, rest.after(step.len())?, depth + 1)?;
            }
        }
        if rest.first() <= b' ' {
            rest = space_end(rest)?;
        }
        if seen != object.all_bits {
            self.absent(object, seen)?;
        }
        if rest.first() != b'}' {
            return None;
        }
        rest.after(1)
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
    fn value<S: Scan, const LISTS: bool>(&mut self, scan: S, op: Op, rest: Rest<'a>, depth: usize) -> Followed<'a> {
        match op {
            Op::Skip => self.skip(scan, rest, depth),
            Op::Text(column) => self.text(scan, column, rest),
            Op::Int64(column) => self.int64(column, rest),
            Op::Decimal(column) => self.decimal(column, rest),
            Op::Timestamp(column) => self.timestamp(scan, column, rest),
            Op::Leaf(column) => self.leaf(column, rest),
            Op::List(list) if LISTS && rest.first() == b'[' => self.list(scan, list, rest, depth),
            Op::Object(object) if rest.first() == b'{' => scan.run(Nested { follow: self, object, rest, depth }),
            Op::List(list) => self.null(Target::List(list), rest),
            Op::Object(object) => self.null(Target::Object(object), rest),
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
        let rest = space_end(self.opened(rest, b'[', depth)?)?;
        if rest.first() == b']' {
            self.columns.push_list(list.lengths, 0);
            return rest.after(1);
        }
        let (elements, rest) = match list.element {
            Target::Object(object) => scan.run(Elements { follow: self, object, rest, depth: depth + 1 })?,
            element => self.leaves(element, rest)?,
        };
        self.columns.push_list(list.lengths, elements);
        rest.after(1)
    }

    /// Follows elements that are objects (a path goes through one list at the most) up to the closing bracket, and counts them.
    #[inline(always)]
    fn objects<S: Scan>(&mut self, scan: S, place: u32, mut rest: Rest<'a>, depth: usize) -> Option<(usize, Rest<'a>)> {
        let object = self.shape.objects.get(place as usize)?;
        if depth >= self.limits.depth_max {
            return None;
        }
        let mut elements = 0;
        loop {
            rest = if rest.first() == b'{' {
                self.object::<S, false>(scan, object, rest.after(1)?, depth)?
            } else {
                self.null(Target::Object(place), rest)?
            };
            elements += 1;
            match self.next_element(elements, rest)? {
                (true, next) => rest = next,
                (false, end) => return Some((elements, end)),
            }
        }
    }

    /// Follows elements that are values up to the closing bracket, and counts them.
    #[inline(never)]
    fn leaves(&mut self, target: Target, mut rest: Rest<'a>) -> Option<(usize, Rest<'a>)> {
        let Target::Leaf(column) = target else {
            return None;
        };
        let mut elements = 0;
        loop {
            rest = self.leaf(column, rest)?;
            elements += 1;
            match self.next_element(elements, rest)? {
                (true, next) => rest = next,
                (false, end) => return Some((elements, end)),
            }
        }
    }

    /// Goes from an element to the next (true), or to the closing bracket (false).
    #[inline(always)]
    fn next_element(&self, elements: usize, mut rest: Rest<'a>) -> Option<(bool, Rest<'a>)> {
        if rest.first() <= b' ' {
            rest = space_end(rest)?;
        }
        match rest.first() {
            b',' if elements < self.limits.list_elements_max => Some((true, space_end(rest.after(1)?)?)),
            b']' if elements <= self.limits.list_elements_max => Some((false, rest)),
            _ => None,
        }
    }

    /// What is left after the opening bracket here.
    #[inline(always)]
    fn opened(&self, rest: Rest<'a>, bracket: u8, depth: usize) -> Followed<'a> {
        if rest.first() != bracket || depth >= self.limits.depth_max {
            return None;
        }
        rest.after(1)
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
    fn text<S: Scan>(&mut self, scan: S, column: u32, rest: Rest<'a>) -> Followed<'a> {
        if rest.first() == b'"'
            && let Some(len) = plain_string(scan, rest)
            && let Values::Text(texts) = &mut self.columns.columns.get_mut(column as usize)?.values
        {
            append(texts, rest.after(1)?, len)?;
            return rest.after(len + 2);
        }
        self.leaf(column, rest)
    }

    #[inline(always)]
    fn int64(&mut self, column: u32, rest: Rest<'a>) -> Followed<'a> {
        if let Some(short) = Short::scan(u64::from_le_bytes(*rest.chunk()))
            && short.decimals == 0
            && let Values::Int64(values) = &mut self.columns.columns.get_mut(column as usize)?.values
        {
            values.push(short.mantissa as i64);
            return rest.after(short.len);
        }
        self.leaf(column, rest)
    }

    #[inline(always)]
    fn decimal(&mut self, column: u32, rest: Rest<'a>) -> Followed<'a> {
        if let Some(short) = Short::scan(u64::from_le_bytes(*rest.chunk()))
            && let Values::Decimal { scale, mantissas } = &mut self.columns.columns.get_mut(column as usize)?.values
            && let Some(mantissa) = short.scaled(*scale)
        {
            mantissas.push(mantissa);
            return rest.after(short.len);
        }
        self.leaf(column, rest)
    }

    #[inline(always)]
    fn timestamp<S: Scan>(&mut self, scan: S, column: u32, rest: Rest<'a>) -> Followed<'a> {
        if rest.first() == b'"'
            && let Some(len) = plain_string(scan, rest)
            && let Values::Timestamp { reader, micros } = &mut self.columns.columns.get_mut(column as usize)?.values
        {
            let text = rest.after(1)?.taken(len)?;
            micros.push(match reader.again(text) {
                Some(known) => known,
                None => reader.text(text).ok()?,
            });
            return rest.after(len + 2);
        }
        self.leaf(column, rest)
    }

    /// Whatever is not read at once; perhaps there is more space than before.
    #[inline(never)]
    fn leaf(&mut self, column: u32, rest: Rest<'a>) -> Followed<'a> {
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
    let stops = scan.stops(chunk);
    let len = stops.trailing_zeros() as usize;
    if stops == 0 || chunk[len % 64] != b'"' {
        return None;
    }
    Some(len)
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
