//! Walks a parsed TOML document table by table and collects every problem on the way instead of stopping at the first.
//!
//! Knows TOML's values and no key of ours: the sections ask a `Table` for keys, and what nobody asked for is unknown. An [`Item`]
//! (`item.rs`) is a value that was asked for.

use super::env::Lookup;
use super::item::Item;
use super::plan::Place;
use super::problem::{Problem, SHOWN_MAX};
use std::cell::RefCell;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use toml::de::{DeTable, DeValue};

/// Longer words get no suggestion: comparing them costs the product of their lengths.
const SUGGEST_CHARS_MAX: usize = 64;

/// What all tables and items of one file share.
pub struct Reader<'a> {
    /// The file's text, for showing values as typed.
    pub text: &'a str,
    /// Environment variables.
    pub env: Lookup<'a>,
    /// The pipeline file's folder.
    pub folder: &'a Path,
    problems: RefCell<Vec<Problem>>,
}

impl<'a> Reader<'a> {
    /// A reader without problems yet.
    pub fn new(text: &'a str, env: Lookup<'a>, folder: &'a Path) -> Self {
        Self { text, env, folder, problems: RefCell::new(Vec::new()) }
    }

    /// Notes a problem.
    pub fn push(&self, problem: Problem) {
        self.problems.borrow_mut().push(problem);
    }

    /// All problems so far.
    pub fn into_problems(self) -> Vec<Problem> {
        self.problems.into_inner()
    }

    /// The known word that was probably meant; none once there are more problems than are shown.
    pub fn suggest<'w>(&self, word: &str, known: impl Iterator<Item = &'w str>) -> Option<&'w str> {
        let chars = word.chars().count();
        if chars > SUGGEST_CHARS_MAX || self.problems.borrow().len() >= SHOWN_MAX {
            return None;
        }
        let lower = word.to_lowercase();
        let allowed = (chars / 3).max(1);
        let known: Vec<&str> = known.collect();
        let near = known
            .iter()
            .map(|other| (strsim::damerau_levenshtein(&lower, &other.to_lowercase()), *other))
            .filter(|(distance, _)| *distance <= allowed)
            .min_by_key(|(distance, _)| *distance);
        // `lateness` for `allowed_lateness`: far apart, and yet one holds the other.
        let holding = || known.iter().copied().find(|other| chars >= 4 && other.contains(&lower));
        near.map(|(_, other)| other).or_else(holding)
    }

    /// A path as typed, from the pipeline file's folder.
    pub fn path(&self, typed: &str) -> PathBuf {
        // By components, so that `./out` and `out` are the same path.
        self.folder.join(typed).components().collect()
    }

    /// The document itself.
    pub fn root(&'a self, table: &'a DeTable<'a>) -> Table<'a> {
        Table::new(self, Title::File, 0..0, table)
    }
}

/// How messages name a table.
#[derive(Clone)]
pub enum Title {
    /// The document: its keys are sections.
    File,
    /// `[source]`, or a table within one.
    Section(String),
}

/// A key and its value.
struct Entry<'a> {
    key: &'a str,
    key_place: Place,
    value: &'a DeValue<'a>,
    place: Place,
}

/// A TOML table that is being read.
pub struct Table<'a> {
    /// Shared by all.
    pub reader: &'a Reader<'a>,
    /// The header, or the braces.
    pub place: Place,
    title: Title,
    entries: Vec<Entry<'a>>,
    known: RefCell<Vec<&'static str>>,
    missing: RefCell<Vec<(&'static str, String)>>,
}

impl<'a> Table<'a> {
    /// A table in the order of the file.
    pub fn new(reader: &'a Reader<'a>, title: Title, place: Place, table: &'a DeTable<'a>) -> Self {
        let mut entries: Vec<Entry<'a>> = table
            .iter()
            .map(|(key, value)| Entry {
                key: key.get_ref().as_ref(),
                key_place: key.span(),
                value: value.get_ref(),
                place: value.span(),
            })
            .collect();
        entries.sort_by_key(|entry| entry.key_place.start);
        Self { reader, place, title, entries, known: RefCell::new(Vec::new()), missing: RefCell::new(Vec::new()) }
    }

    /// The value of a key that may be left out.
    pub fn get(&self, key: &'static str) -> Option<Item<'a>> {
        self.known.borrow_mut().push(key);
        self.entries.iter().find(|entry| entry.key == key).map(|entry| self.item(entry))
    }

    /// The value of a key that must be there; `example` is a value to show where it isn't.
    pub fn need(&self, key: &'static str, example: &str) -> Option<Item<'a>> {
        let item = self.get(key);
        if item.is_none() {
            self.missing.borrow_mut().push((key, example.to_string()));
        }
        item
    }

    /// All entries with their keys, for tables whose keys the user chooses.
    pub fn items(&self) -> impl Iterator<Item = Item<'a>> + '_ {
        self.entries.iter().map(|entry| self.item(entry))
    }

    /// Reports keys that nobody asked for, and then those that are missing. A key that is probably a misspelt missing one is told once.
    pub fn finish(self) {
        let known = self.known.borrow();
        let mut missing = self.missing.borrow_mut();
        let present: HashSet<&str> = self.entries.iter().map(|entry| entry.key).collect();
        let free: Vec<&'static str> = known.iter().copied().filter(|key| !present.contains(key)).collect();
        for entry in self.entries.iter().filter(|entry| !known.contains(&entry.key)) {
            let suggestion = self.reader.suggest(entry.key, free.iter().copied());
            missing.retain(|(key, _)| Some(*key) != suggestion);
            self.reader.push(self.unknown(entry, suggestion, &known));
        }
        drop((known, missing));
        self.give_up();
    }

    /// Reports only what is missing: for a table of which nobody can say which keys it may have.
    pub fn give_up(self) {
        for (key, example) in self.missing.borrow().iter() {
            self.reader.push(self.absent(key, example));
        }
    }

    fn item(&self, entry: &Entry<'a>) -> Item<'a> {
        Item {
            reader: self.reader,
            key: entry.key.to_string(),
            key_place: entry.key_place.clone(),
            place: entry.place.clone(),
            value: entry.value,
            in_list: false,
        }
    }

    fn unknown(&self, entry: &Entry<'a>, suggestion: Option<&str>, known: &[&str]) -> Problem {
        let key = clip(entry.key);
        let place = entry.key_place.clone();
        let (problem, brackets, list) = match &self.title {
            Title::File => (Problem::new(place, format!("unknown section `{key}`")), ("[", "]"), "known sections"),
            Title::Section(title) => {
                (Problem::new(place, format!("unknown key `{key}` in {title}")), ("", ""), "known keys")
            }
        };
        let label = suggestion.map(|word| format!("did you mean `{}{word}{}`?", brackets.0, brackets.1));
        let problem = problem.help(format!("{list}: {}", known.join(", ")));
        problem.label(label.unwrap_or_else(|| "nothing of this name".to_string()))
    }

    fn absent(&self, key: &str, example: &str) -> Problem {
        match &self.title {
            Title::File => Problem::new(self.place.clone(), format!("the section `{key}` is missing")).help(example),
            Title::Section(title) => Problem::new(self.place.clone(), format!("`{key}` is missing in {title}"))
                .label("here")
                .help(format!("add `{key} = {example}`")),
        }
    }
}

/// At most 60 characters of what was typed, on one line, so that a message stays a message.
pub fn clip(text: &str) -> String {
    let mut shown = String::new();
    for c in text.chars().take(60) {
        match c.is_control() {
            true => shown.extend(c.escape_default()),
            false => shown.push(c),
        }
    }
    if text.chars().nth(60).is_some() {
        shown.push('…');
    }
    shown
}
