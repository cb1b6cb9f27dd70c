//! Goes through one record along the shape and pushes what is asked for onto the columns: any record, whatever the order of its keys.
//! Here it is told what is wrong with a record, and here scripts are learned.
//!
//! Invariant: after an object of the shape every column below it has one value more, after a list every column has as many more
//! as the list has elements; values that are not there are nulls. Recursion is as deep as the asked-for paths, not as the record.

use super::cursor::Cursor;
use super::keys::Found;
use super::script::{self, Place};
use super::shape::{Shape, Target};
use super::{Limits, Scratch, absent, leaf, skip};
use crate::decode::columns::Columns;
use crate::decode::failure::{Cause, Failure, Read};

/// A record being read.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    pub(super) cursor: Cursor<'a>,
    pub(super) shape: &'a mut Shape,
    pub(super) columns: &'a mut Columns,
    pub(super) limits: Limits,
    pub(super) scratch: &'a mut Scratch,
}

impl Walk<'_> {
    /// Reads the whole record: one object with white space around.
    pub(super) fn record(&mut self) -> Read<()> {
        self.cursor.skip_space();
        if self.cursor.peek() != b'{' {
            return Err(self.not_an_object());
        }
        self.object(0, 0)?;
        self.cursor.skip_space();
        if self.cursor.at != self.cursor.bytes.len() {
            return self.cursor.syntax("expected the end of the record");
        }
        Ok(())
    }

    #[cold]
    fn not_an_object(&self) -> Box<Failure> {
        match leaf::kind(self.cursor.peek()) {
            Some(_) => Failure::syntax(self.cursor.at, "a record is an object, expected `{`"),
            None => Failure::syntax(self.cursor.at, "expected `{`"),
        }
    }

    /// Reads the value here, inside of `depth` objects and arrays.
    #[inline(always)]
    fn value(&mut self, target: Target, depth: usize) -> Read<()> {
        match target {
            Target::Skip => skip::value(&mut self.cursor, &mut self.scratch.closers, depth, self.limits.depth_max),
            Target::Leaf(column) => {
                let values = &mut self.columns.columns[column as usize];
                leaf::value(&mut self.cursor, values, column, &mut self.scratch.text)
            }
            Target::Object(object) => self.object_or_null(object, depth),
            Target::List(list) => self.list_or_null(list, depth),
        }
    }

    #[inline(never)]
    fn object_or_null(&mut self, object: u32, depth: usize) -> Read<()> {
        match self.cursor.peek() {
            b'{' => self.object(object, depth),
            b'n' => self.null(Target::Object(object)),
            _ => Err(self.wrong_type(self.shape.objects[object as usize].path, "object")),
        }
    }

    #[inline(never)]
    fn list_or_null(&mut self, list: u32, depth: usize) -> Read<()> {
        match self.cursor.peek() {
            b'[' => self.list(list, depth),
            b'n' => self.null(Target::List(list)),
            _ => Err(self.wrong_type(self.shape.lists[list as usize].path, "list")),
        }
    }

    /// Reads the object that begins here.
    #[inline(always)]
    fn object(&mut self, object: u32, depth: usize) -> Read<()> {
        self.open(depth)?;
        let instance = self.shape.next_instance();
        let (mut place, mut seen) = (Place::Start, 0);
        while let Some(found) = self.next_key(object, &mut place, instance)? {
            if found.target != Target::Skip {
                if found.again {
                    return Err(Failure::new(self.cursor.at, Cause::Twice { path: self.shape.path_of(found.target) }));
                }
                seen += 1;
            }
            self.value(found.target, depth + 1)?;
        }
        self.cursor.at += 1;
        self.missing_keys(object, instance, seen)
    }

    /// Goes to the next value, or stops at the closing brace.
    #[inline(never)]
    fn next_key(&mut self, object: u32, place: &mut Place, instance: u64) -> Read<Option<Found>> {
        let gap_at = self.cursor.at;
        self.cursor.skip_space();
        if self.cursor.peek() == b'}' {
            return Ok(None);
        }
        if *place != Place::Start {
            if self.cursor.peek() != b',' {
                return self.cursor.syntax("expected `,` or `}`");
            }
            self.cursor.at += 1;
            self.cursor.skip_space();
        }
        let key = self.cursor.key()?;
        let object = &mut self.shape.objects[object as usize];
        let found = object.keys.find(key, instance);
        let (gap, op) = (&self.cursor.bytes[gap_at..self.cursor.at], script::op(found.target, self.columns));
        *place = object.script.learn(*place, gap, op, found.bit);
        Ok(Some(found))
    }

    /// Reads the array that begins here.
    fn list(&mut self, list: u32, depth: usize) -> Read<()> {
        self.open(depth)?;
        let element = self.shape.lists[list as usize].element;
        let mut elements = 0;
        self.cursor.skip_space();
        if self.cursor.peek() != b']' {
            loop {
                if elements == self.limits.list_elements_max {
                    let cause = Cause::TooManyElements { path: self.shape.lists[list as usize].path, max: elements };
                    return Err(Failure::new(self.cursor.at, cause));
                }
                elements += 1;
                self.value(element, depth + 1)?;
                self.cursor.skip_space();
                match self.cursor.peek() {
                    b',' => self.cursor.at += 1,
                    b']' => break,
                    _ => return self.cursor.syntax("expected `,` or `]`"),
                }
                self.cursor.skip_space();
            }
        }
        self.cursor.at += 1;
        self.columns.push_list(self.shape.lists[list as usize].lengths, elements);
        Ok(())
    }

    /// Goes over an opening bracket.
    #[inline(always)]
    fn open(&mut self, depth: usize) -> Read<()> {
        if depth >= self.limits.depth_max {
            return Err(Failure::new(self.cursor.at, Cause::TooDeep { max: self.limits.depth_max }));
        }
        self.cursor.at += 1;
        Ok(())
    }

    /// Reads a `null` in place of what was asked for.
    fn null(&mut self, target: Target) -> Read<()> {
        self.cursor.literal(b"null")?;
        absent::push(self.shape, self.columns, target, self.cursor.at)
    }

    #[inline(always)]
    fn missing_keys(&mut self, object: u32, instance: u64, seen: usize) -> Read<()> {
        let keys = &self.shape.objects[object as usize].keys;
        if seen < keys.asked() {
            for target in (0..keys.asked()).filter_map(|place| keys.unseen(place, instance)) {
                absent::push(self.shape, self.columns, target, self.cursor.at)?;
            }
        }
        Ok(())
    }

    #[cold]
    fn wrong_type(&self, path: u32, expected: &'static str) -> Box<Failure> {
        leaf::wrong_type(&self.cursor, path, expected)
    }
}
