//! A program in the background, with its log: spawned, awaited, stopped, killed, paused, and spawned again.

use super::guarded::Guarded;
use super::{last_lines, start};
use crate::ServiceError;
use rustix::process::Signal;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// Quick services are seen at once, and slow ones are not pestered while they load.
const PAUSES: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(200));
/// What all of them, and the C library, say of a port that another has.
const PORT_TAKEN: &str = "Address already in use";

/// A program that may run; dropped, it is stopped.
#[derive(Debug)]
pub(crate) struct Daemon {
    name: &'static str,
    log: PathBuf,
    /// Where in the log the present run begins.
    log_begin: u64,
    stop_signal: Signal,
    process: Option<Guarded>,
}

impl Daemon {
    /// One that does not run yet; `name` is for messages.
    pub(crate) fn new(name: &'static str, log: PathBuf) -> Daemon {
        Daemon { name, log, log_begin: 0, stop_signal: Signal::TERM, process: None }
    }

    /// Ends in order by INT instead of TERM.
    pub(crate) fn stopped_by_interrupt(mut self) -> Daemon {
        self.stop_signal = Signal::INT;
        self
    }

    /// Starts it. It is not ready yet; see [`Daemon::wait`].
    pub(crate) fn spawn(&mut self, command: &mut Command) -> Result<(), ServiceError> {
        self.log_begin = self.log.metadata().map_or(0, |log| log.len());
        self.process = Some(Guarded::new(start(command, &self.log)?, self.stop_signal)?);
        Ok(())
    }

    /// Waits until it is ready, which a live process is if `is_ready` of its id says so.
    pub(crate) fn wait(
        &mut self,
        longest: Duration,
        mut is_ready: impl FnMut(u32) -> bool,
    ) -> Result<(), ServiceError> {
        let until = Instant::now() + longest;
        let mut pause = PAUSES.0;
        while let Some(process) = self.process.as_mut().filter(|_| Instant::now() < until) {
            if !process.is_alive() {
                return Err(self.failed("ended at once"));
            }
            if is_ready(process.id()) {
                return Ok(());
            }
            std::thread::sleep(pause);
            pause = (pause * 5 / 4).min(PAUSES.1);
        }
        Err(self.failed("does not answer"))
    }

    /// Waits until the log of the present run holds this text.
    pub(crate) fn wait_for_text(&mut self, longest: Duration, text: &str) -> Result<(), ServiceError> {
        let (log, begin) = (self.log.clone(), self.log_begin);
        self.wait(longest, |_| read_from(&log, begin).contains(text))
    }

    fn failed(&mut self, what: &str) -> ServiceError {
        self.process = None;
        let log = read_from(&self.log, self.log_begin);
        let text = format!("{} {what}; its log ends:\n{}", self.name, last_lines(&log, 20));
        if log.contains(PORT_TAKEN) { ServiceError::PortTaken(text) } else { ServiceError::Failed(text) }
    }

    /// Whether it was spawned, and not stopped or killed since.
    pub(crate) fn is_running(&self) -> bool {
        self.process.is_some()
    }

    /// Stops it in order, and kills it if it takes too long.
    pub(crate) fn stop(&mut self) {
        self.process = None;
    }

    /// Kills it as kill -9 does.
    pub(crate) fn kill(&mut self) {
        if let Some(process) = &mut self.process {
            process.kill();
        }
        self.process = None;
    }

    /// Halts it and its children: who is connected, or connects, gets no answer.
    pub(crate) fn pause(&self) -> Result<(), ServiceError> {
        self.running()?.pause()
    }

    /// Lets it go on after [`Daemon::pause`].
    pub(crate) fn resume(&self) -> Result<(), ServiceError> {
        self.running().map(Guarded::resume)
    }

    fn running(&self) -> Result<&Guarded, ServiceError> {
        self.process.as_ref().ok_or_else(|| ServiceError::Failed(format!("{} does not run", self.name)))
    }

    /// Its process, which is then the caller's to stop.
    pub(crate) fn take(&mut self) -> Option<Guarded> {
        self.process.take()
    }

    /// Where it writes its log.
    pub(crate) fn log_path(&self) -> &Path {
        &self.log
    }
}

/// The file from this byte on; nothing if it can't be read.
fn read_from(path: &Path, begin: u64) -> String {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|mut file| {
        file.seek(SeekFrom::Start(begin))?;
        file.read_to_end(&mut bytes)
    });
    // What was read before an error is as good.
    drop(read);
    String::from_utf8_lossy(&bytes).into_owned()
}
