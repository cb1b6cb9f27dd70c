//! Folders and files by number, so that a rename moves no more than a name. Knows of no crash.

use crate::storage::Entry;
use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::path::{Component, Path};
use std::sync::Arc;

/// A file's or folder's own number.
pub(super) type Id = usize;

/// `/`; what is relative is in `.`, a folder of its own.
pub(super) const ROOT: Id = 0;
pub(super) const HERE: Id = 1;

#[derive(Debug, Clone)]
pub(super) enum Node {
    File(Arc<[u8]>),
    Folder(BTreeMap<String, Id>),
}

/// All nodes ever made, also those that no name leads to.
#[derive(Debug, Clone)]
pub(super) struct Tree {
    pub nodes: BTreeMap<Id, Node>,
}

/// SplitMix64 (Steele, Lea, Flood 2014).
pub(super) struct Seed(pub u64);

impl Seed {
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % bound as u64) as usize
    }
}

impl Default for Tree {
    fn default() -> Self {
        let empty = || Node::Folder(BTreeMap::new());
        Self { nodes: BTreeMap::from([(ROOT, empty()), (HERE, empty())]) }
    }
}

impl Tree {
    /// What a path leads to.
    pub fn find(&self, path: &Path) -> io::Result<Id> {
        let mut at = HERE;
        for part in path.components() {
            at = match part {
                Component::RootDir => ROOT,
                Component::CurDir => at,
                Component::Normal(name) => {
                    let entries = self.entries(at)?;
                    *entries.get(&*name.to_string_lossy()).ok_or(ErrorKind::NotFound)?
                }
                Component::ParentDir | Component::Prefix(_) => return Err(ErrorKind::InvalidInput.into()),
            };
        }
        Ok(at)
    }

    pub fn folder(&self, path: &Path) -> io::Result<Id> {
        let id = self.find(path)?;
        self.entries(id).map(|_| id)
    }

    /// The folder that a path is in, and its name there.
    pub fn slot(&self, path: &Path) -> io::Result<(Id, String)> {
        let name = path.file_name().ok_or(ErrorKind::InvalidInput)?;
        let above = path.parent().unwrap_or(Path::new("."));
        Ok((self.folder(above)?, name.to_string_lossy().into_owned()))
    }

    pub fn entries(&self, id: Id) -> io::Result<&BTreeMap<String, Id>> {
        match self.nodes.get(&id) {
            Some(Node::Folder(entries)) => Ok(entries),
            Some(Node::File(_)) => Err(ErrorKind::NotADirectory.into()),
            None => Err(ErrorKind::NotFound.into()),
        }
    }

    pub fn is_folder(&self, id: Id) -> bool {
        matches!(self.nodes.get(&id), Some(Node::Folder(_)))
    }

    /// Makes a name lead somewhere, or nowhere.
    pub fn set(&mut self, (folder, name): &(Id, String), to: Option<Id>) {
        if let Some(Node::Folder(entries)) = self.nodes.get_mut(folder) {
            match to {
                Some(id) => drop(entries.insert(name.clone(), id)),
                None => drop(entries.remove(name)),
            }
        }
    }

    pub fn get(&self, (folder, name): &(Id, String)) -> Option<Id> {
        self.entries(*folder).ok()?.get(name).copied()
    }

    pub fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        match &self.nodes[&self.find(path)?] {
            Node::File(bytes) => Ok(bytes.to_vec()),
            Node::Folder(_) => Err(ErrorKind::IsADirectory.into()),
        }
    }

    pub fn length(&self, path: &Path) -> io::Result<Option<u64>> {
        match self.find(path) {
            Ok(id) => Ok(match &self.nodes[&id] {
                Node::File(bytes) => Some(bytes.len() as u64),
                Node::Folder(_) => None,
            }),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub fn list(&self, path: &Path) -> io::Result<Vec<Entry>> {
        let entries = self.entries(self.find(path)?)?;
        Ok(entries.iter().map(|(name, id)| Entry { name: name.clone(), folder: self.is_folder(*id) }).collect())
    }

    /// Every file and folder by path.
    pub fn all(&self) -> Vec<(String, Vec<u8>)> {
        let mut all = Vec::new();
        self.push_all(HERE, "", &mut all);
        self.push_all(ROOT, "/", &mut all);
        all
    }

    fn push_all(&self, folder: Id, above: &str, all: &mut Vec<(String, Vec<u8>)>) {
        let Some(Node::Folder(entries)) = self.nodes.get(&folder) else { return };
        for (name, id) in entries {
            match &self.nodes[id] {
                Node::File(bytes) => all.push((format!("{above}{name}"), bytes.to_vec())),
                Node::Folder(_) => {
                    let path = format!("{above}{name}/");
                    all.push((path.clone(), Vec::new()));
                    self.push_all(*id, &path, all);
                }
            }
        }
    }
}
