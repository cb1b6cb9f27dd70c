//! What is asked for, as a tree beside the record's: objects with the keys that matter, lists, leaves with their columns. Compiled
//! from the schema's paths once.

use super::keys::{BITS, Keys};
use super::script::Script;
use crate::decode::columns::Columns;
use crate::decode::schema::{DecodeField, FieldProblem, Segment};

/// The tree; `objects[0]` is the record.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) objects: Vec<Object>,
    pub(super) lists: Vec<List>,
    /// Names for messages: first the fields, by column, then objects and lists.
    pub(super) paths: Vec<String>,
    /// Objects read so far, to tell each from the others.
    instances: u64,
}

/// What to do with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// Nobody asked.
    Skip,
    /// A value of this column, which is also its path.
    Leaf(u32),
    /// Asked for by parts.
    Object(u32),
    /// Asked for by elements.
    List(u32),
}

/// An object that somebody asked parts of.
#[derive(Debug)]
pub(super) struct Object {
    pub(super) path: u32,
    pub(super) keys: Keys,
    /// Of all its keys; at most [`BITS`] count.
    pub(super) all_bits: u64,
    pub(super) script: Script,
}

/// An array that somebody asked the elements of.
#[derive(Debug)]
pub(super) struct List {
    pub(super) path: u32,
    pub(super) element: Target,
    /// The columns of its elements.
    pub(super) columns: Vec<u32>,
    /// Its lengths in the columns' room.
    pub(super) lengths: u32,
}

impl Shape {
    /// The tree of the fields' paths.
    pub(super) fn new(fields: &[DecodeField], problems: &mut Vec<FieldProblem>) -> Self {
        let paths: Vec<_> = fields.iter().map(|field| field.path.clone()).collect();
        let mut shape = Self { objects: Vec::new(), lists: Vec::new(), paths, instances: 0 };
        shape.add_object("the record");
        for (field, asked) in fields.iter().enumerate() {
            let added = asked.segments().and_then(|segments| shape.add(field as u32, &asked.path, &segments));
            if let Err(message) = added {
                problems.push(FieldProblem { field, message });
            }
        }
        shape
    }

    /// Tells the columns which of them share lengths.
    pub(super) fn bind(&mut self, columns: &mut Columns) {
        for list in &mut self.lists {
            list.lengths = columns.add_list(&list.columns);
        }
        for object in &mut self.objects {
            object.all_bits = object.keys.all_bits();
        }
    }

    /// Whether records can be followed along scripts: the asked-for keys of each object fit a word.
    pub(super) fn can_be_followed(&self) -> bool {
        self.objects.iter().all(|object| object.keys.asked() <= BITS)
    }

    /// A number for an object about to be read, from 1.
    #[inline]
    pub(super) fn next_instance(&mut self) -> u64 {
        self.instances += 1;
        self.instances
    }

    /// The name of what is asked for.
    pub(super) fn path_of(&self, target: Target) -> u32 {
        match target {
            Target::Skip => self.objects[0].path,
            Target::Leaf(column) => column,
            Target::Object(object) => self.objects[object as usize].path,
            Target::List(list) => self.lists[list as usize].path,
        }
    }

    fn add(&mut self, column: u32, path: &str, segments: &[Segment<'_>]) -> Result<(), String> {
        let (mut object, mut list, mut prefix) = (0, None, String::new());
        for (place, segment) in segments.iter().enumerate() {
            let separator = if prefix.is_empty() { "" } else { "." };
            prefix = format!("{prefix}{separator}{}", segment.key);
            let last = place + 1 == segments.len();
            let mut target =
                self.child(object, segment, last, column, &prefix).ok_or_else(|| conflict(path, &prefix, last))?;
            if let Target::List(id) = target {
                list = Some(id);
                prefix.push_str("[]");
                target = self.lists[id as usize].element;
                if last != matches!(target, Target::Leaf(_)) {
                    return Err(conflict(path, &prefix, last));
                }
                if matches!(target, Target::Leaf(leaf) if leaf != column) {
                    return Err(conflict(path, &prefix, last));
                }
            }
            if let Target::Object(id) = target {
                object = id as usize;
            }
        }
        if let Some(list) = list {
            self.lists[list as usize].columns.push(column);
        }
        Ok(())
    }

    /// The target of a key, new or as asked before; `None` if it was asked for as something else.
    fn child(&mut self, object: usize, segment: &Segment<'_>, last: bool, column: u32, path: &str) -> Option<Target> {
        if let Some(target) = self.objects[object].keys.target(segment.key) {
            let fits = match target {
                Target::List(_) => segment.list,
                Target::Object(_) => !segment.list && !last,
                Target::Leaf(_) | Target::Skip => false,
            };
            return fits.then_some(target);
        }
        let target = match (segment.list, last) {
            (true, _) => self.add_list(path, last.then_some(Target::Leaf(column))),
            (false, true) => Target::Leaf(column),
            (false, false) => self.add_object(path),
        };
        self.objects[object].keys.ask(segment.key, target);
        Some(target)
    }

    fn add_object(&mut self, path: &str) -> Target {
        let path = self.add_path(path);
        self.objects.push(Object { path, keys: Keys::default(), all_bits: 0, script: Script::default() });
        Target::Object((self.objects.len() - 1) as u32)
    }

    fn add_list(&mut self, path: &str, leaf: Option<Target>) -> Target {
        let element = leaf.unwrap_or_else(|| self.add_object(&format!("{path}[]")));
        let path = self.add_path(path);
        self.lists.push(List { path, element, columns: Vec::new(), lengths: 0 });
        Target::List((self.lists.len() - 1) as u32)
    }

    fn add_path(&mut self, path: &str) -> u32 {
        self.paths.push(path.to_owned());
        (self.paths.len() - 1) as u32
    }
}

fn conflict(path: &str, prefix: &str, last: bool) -> String {
    if last && path == prefix {
        format!("`{path}` is asked for twice, or as a value and by its parts")
    } else {
        format!("`{path}` asks for parts of `{prefix}`, which another field asks for as something else")
    }
}
