//! What a disk holds, what of it would be there after a crash, and the changes between the two.

use super::Logged;
use super::tree::{Id, Node, Seed, Tree};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;

/// A name in a folder.
type Slot = (Id, String);

/// A change of names that no sync has kept yet.
#[derive(Debug, Clone)]
struct Change {
    /// What the names lead to afterwards; of a rename the new name first.
    names: Vec<(Slot, Option<Id>)>,
    /// Changes before it that it rests on, by number.
    rests_on: BTreeSet<u64>,
}

/// A disk.
#[derive(Debug, Clone, Default)]
pub(super) struct Disk {
    /// As processes see it.
    pub now: Tree,
    /// As it is for sure after a crash.
    kept: Tree,
    /// By number, in the order in which they were made.
    changes: BTreeMap<u64, Change>,
    /// Files that were being written, with what they may hold besides what is kept.
    torn: BTreeMap<Id, Arc<[u8]>>,
    made: u64,
    pub log: Vec<Logged>,
}

impl Disk {
    pub fn create_folder(&mut self, path: &Path) -> io::Result<()> {
        let slot = self.now.slot(path)?;
        if self.now.get(&slot).is_some() {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let id = self.new_node(Node::Folder(BTreeMap::new()));
        self.change(vec![(slot, Some(id))]);
        Ok(())
    }

    /// The numbers of what it changed.
    pub fn create_folders(&mut self, path: &Path) -> io::Result<BTreeSet<u64>> {
        match self.now.folder(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            found => return found.map(|_| BTreeSet::new()),
        }
        let mut made = path.parent().map_or_else(|| Ok(BTreeSet::new()), |above| self.create_folders(above))?;
        self.create_folder(path)?;
        made.insert(self.made);
        Ok(made)
    }

    pub fn write(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let id = self.file(path)?;
        for tree in [&mut self.now, &mut self.kept] {
            tree.nodes.insert(id, Node::File(bytes.into()));
        }
        self.torn.remove(&id);
        Ok(())
    }

    /// A write that was under way when its process died: others see half of it.
    pub fn tear(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let id = self.file(path)?;
        self.now.nodes.insert(id, Node::File(bytes[..bytes.len() / 2].into()));
        self.torn.insert(id, bytes.into());
        Ok(())
    }

    /// The file of this name, made if it is not there.
    fn file(&mut self, path: &Path) -> io::Result<Id> {
        let slot = self.now.slot(path)?;
        match self.now.get(&slot) {
            Some(id) if self.now.is_folder(id) => Err(ErrorKind::IsADirectory.into()),
            Some(id) => Ok(id),
            None => {
                let id = self.new_node(Node::File([].into()));
                self.change(vec![(slot, Some(id))]);
                Ok(id)
            }
        }
    }

    pub fn rename(&mut self, from: &Path, to: &Path, replace: bool) -> io::Result<()> {
        let (from, to) = (self.now.slot(from)?, self.now.slot(to)?);
        let id = self.now.get(&from).ok_or(ErrorKind::NotFound)?;
        match self.now.get(&to) {
            Some(_) if !replace => return Err(ErrorKind::AlreadyExists.into()),
            Some(there) if self.now.is_folder(there) || self.now.is_folder(id) => {
                return Err(ErrorKind::IsADirectory.into());
            }
            _ => {}
        }
        if self.is_within(to.0, id) {
            return Err(ErrorKind::InvalidInput.into());
        }
        if from != to {
            self.change(vec![(to, Some(id)), (from, None)]);
        }
        Ok(())
    }

    fn is_within(&self, folder: Id, top: Id) -> bool {
        folder == top
            || self.now.entries(top).is_ok_and(|entries| entries.values().any(|id| self.is_within(folder, *id)))
    }

    pub fn remove(&mut self, path: &Path) -> io::Result<()> {
        let Some((slot, id)) = self.there(path)? else { return Ok(()) };
        if self.now.is_folder(id) {
            return Err(ErrorKind::IsADirectory.into());
        }
        self.change(vec![(slot, None)]);
        Ok(())
    }

    /// Name by name: a crash may leave any of them; a process that dies has left half of them.
    pub fn remove_folder(&mut self, path: &Path, dies: bool) -> io::Result<()> {
        let Some((slot, id)) = self.there(path)? else { return Ok(()) };
        let names = self.now.entries(id)?;
        let gone = if dies { names.len() / 2 } else { names.len() };
        let names: Vec<String> = names.keys().take(gone).cloned().collect();
        for name in names {
            let within = path.join(&name);
            if self.now.folder(&within).is_ok() { self.remove_folder(&within, false)? } else { self.remove(&within)? }
        }
        if !dies {
            self.change(vec![(slot, None)]);
        }
        Ok(())
    }

    pub fn remove_empty_folder(&mut self, path: &Path) -> io::Result<()> {
        match self.now.list(path) {
            Ok(entries) if !entries.is_empty() => Err(ErrorKind::DirectoryNotEmpty.into()),
            _ => self.remove_folder(path, false),
        }
    }

    fn there(&self, path: &Path) -> io::Result<Option<(Slot, Id)>> {
        match self.now.slot(path) {
            Ok(slot) => Ok(self.now.get(&slot).map(|id| (slot, id))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn new_node(&mut self, node: Node) -> Id {
        let id = self.now.nodes.keys().next_back().map_or(0, |last| last + 1);
        self.now.nodes.insert(id, node.clone());
        self.kept.nodes.insert(id, node);
        id
    }

    /// Changes names now, and perhaps after a crash.
    fn change(&mut self, names: Vec<(Slot, Option<Id>)>) {
        let rests_on =
            self.changes.iter().filter(|(_, before)| rests_on(&names, before)).map(|(number, _)| *number).collect();
        for (slot, to) in &names {
            self.now.set(slot, *to);
        }
        self.made += 1;
        self.changes.insert(self.made, Change { names, rests_on });
    }

    pub fn sync_folder(&mut self, path: &Path) -> io::Result<()> {
        let folder = self.now.folder(path)?;
        let here = self.changes.iter().filter(|(_, change)| change.names[0].0.0 == folder).map(|(number, _)| *number);
        self.keep(here.collect());
        Ok(())
    }

    /// A crash can't undo these any more.
    pub fn keep(&mut self, changes: BTreeSet<u64>) {
        for number in self.with_what_they_rest_on(changes) {
            if let Some(change) = self.changes.remove(&number) {
                apply(&mut self.kept, &change);
            }
        }
    }

    fn with_what_they_rest_on(&self, mut numbers: BTreeSet<u64>) -> BTreeSet<u64> {
        // Downwards: a change rests on earlier ones alone.
        for (number, change) in self.changes.iter().rev() {
            if numbers.contains(number) {
                numbers.extend(change.rests_on.iter().filter(|on| self.changes.contains_key(on)));
            }
        }
        numbers
    }

    pub fn unsynced(&self) -> usize {
        self.changes.len()
    }

    /// What chance makes of it.
    pub fn crash(&self, seed: &mut Seed) -> Self {
        // Now and then nothing, or everything, which are the likeliest on a real disk.
        let of_eight = seed.below(9);
        let chosen = self.changes.keys().filter(|_| seed.below(8) < of_eight).copied().collect();
        let files = self.torn.iter().map(|(id, whole)| (*id, self.parts(*id, whole, seed.below(4), seed)));
        let files: Vec<(Id, Arc<[u8]>)> = files.collect();
        self.after(&self.with_what_they_rest_on(chosen), &files)
    }

    /// What a file that was being written holds: what it held, nothing, a part, all.
    fn parts(&self, id: Id, whole: &Arc<[u8]>, which: usize, seed: &mut Seed) -> Arc<[u8]> {
        match (which, &self.kept.nodes[&id]) {
            (0, Node::File(before)) => Arc::clone(before),
            (1, _) => [].into(),
            (2, _) => whole[..seed.below(whole.len().max(1))].into(),
            _ => Arc::clone(whole),
        }
    }

    /// Every disk that there can be after a crash, or `max` of them.
    pub fn crashes(&self, max: usize) -> Vec<Self> {
        let mut seed = Seed(self.made);
        let numbers: Vec<u64> = self.changes.keys().copied().collect();
        let files = 4_usize.saturating_pow(self.torn.len() as u32);
        let states = 2_usize.saturating_pow(numbers.len().min(63) as u32).saturating_mul(files);
        if states > max.saturating_mul(16) || numbers.len() > 20 {
            return (0..max).map(|_| self.crash(&mut seed)).collect();
        }
        let mut all = Vec::new();
        for state in 0..states {
            let (bits, mut which) = (state / files, state % files);
            let chosen = numbers.iter().enumerate().filter(|(place, _)| bits >> place & 1 == 1).map(|(_, n)| *n);
            let chosen: BTreeSet<u64> = chosen.collect();
            if self.with_what_they_rest_on(chosen.clone()) != chosen {
                continue;
            }
            let mut torn = Vec::new();
            for (id, whole) in &self.torn {
                torn.push((*id, self.parts(*id, whole, which % 4, &mut seed)));
                which /= 4;
            }
            all.push(self.after(&chosen, &torn));
        }
        while all.len() > max {
            all.swap_remove(seed.below(all.len()));
        }
        all
    }

    fn after(&self, changes: &BTreeSet<u64>, files: &[(Id, Arc<[u8]>)]) -> Self {
        let mut kept = self.kept.clone();
        changes.iter().filter_map(|number| self.changes.get(number)).for_each(|change| apply(&mut kept, change));
        for (id, bytes) in files {
            kept.nodes.insert(*id, Node::File(Arc::clone(bytes)));
        }
        Self { now: kept.clone(), kept, made: self.made, ..Self::default() }
    }
}

fn apply(tree: &mut Tree, change: &Change) {
    change.names.iter().for_each(|(slot, to)| tree.set(slot, *to));
}

/// A name that it takes away, or takes up after it was free, was made so by the one before.
fn rests_on(names: &[(Slot, Option<Id>)], before: &Change) -> bool {
    names
        .iter()
        .any(|(slot, to)| before.names.iter().any(|(other, led)| slot == other && (to.is_none() || led.is_none())))
}
