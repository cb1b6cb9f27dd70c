//! The files of dead and late records: what was synced is there after a crash, of the rest a part from the front. A file belongs to
//! the process that opened it last; what an older one still writes is lost, as on a handle that has gone stale.

use super::process::{Process, Verdict};
use super::world::World;
use crate::pipeline::letters::LetterFiles;
use crate::pipeline::run::RunError;
use crate::sink::SinkError;
use crate::sink::dead_letters::{Append, DeadLetter};
use std::io;
use std::sync::{Arc, Mutex};

/// Partition, offset, kind.
pub type Entry = (u32, i64, &'static str);

#[derive(Debug, Default)]
pub struct File {
    pub entries: Vec<Entry>,
    pub synced: usize,
    pub holder: u64,
}

/// Both, opened where a checkpoint left them, if they may be.
pub fn open(
    world: &Arc<World>,
    process: &Arc<Process>,
    lengths: [u64; 2],
    check: impl Fn() -> Result<(), RunError>,
) -> Result<LetterFiles, RunError> {
    let open = |place: usize| -> Result<_, RunError> {
        check()?;
        let file = &world.letters[place];
        let mut opened = file.lock().unwrap();
        let length = lengths[place] as usize;
        assert!(opened.synced >= length, "letters that the checkpoint has are gone: {} of {length}", opened.synced);
        opened.entries.truncate(length);
        (opened.synced, opened.holder) = (length, process.generation());
        Ok(Box::new(Writer { world: Arc::clone(world), process: Arc::clone(process), file: Arc::clone(file) }))
    };
    Ok(LetterFiles { dead: open(0)?, late: open(1)? })
}

impl File {
    /// Its process is gone.
    pub fn crash(&mut self, keep: usize) {
        self.entries.truncate(self.synced.max(keep));
    }
}

struct Writer {
    world: Arc<World>,
    process: Arc<Process>,
    file: Arc<Mutex<File>>,
}

impl Append for Writer {
    fn write(&mut self, letter: &DeadLetter<'_>) -> Result<(), SinkError> {
        let mut file = self.file.lock().unwrap();
        if file.holder == self.process.generation() && !self.process.is_dead() {
            file.entries.push((letter.partition, letter.offset, letter.kind.as_str()));
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<u64, SinkError> {
        let verdict = self.process.call("sync letters", &self.world.odds().letters);
        let mut file = self.file.lock().unwrap();
        if verdict != Verdict::Go {
            return Err(SinkError::Io { place: "letters".into(), source: io::Error::other("the process is gone") });
        }
        if file.holder == self.process.generation() {
            file.synced = file.entries.len();
        }
        Ok(file.entries.len() as u64)
    }
}
