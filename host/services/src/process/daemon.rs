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

const PAUSE: Duration = Duration::from_millis(20);
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
        while let Some(process) = self.process.as_mut().filter(|_| Instant::now() < until) {
            if !process.is_alive() {
                return Err(self.failed("ended at once"));
            }
            if is_ready(process.id()) {
                return Ok(());
            }
            std::thread::sleep(PAUSE);
        }
        Err(self.failed("does not answer"))
    }

    fn failed(&mut self, what: &str) -> ServiceError {
        self.process = None;
        let log = self.log_of_this_run();
        let text = format!("{} {what}; its log ends:\n{}", self.name, last_lines(&log, 20));
        if log.contains(PORT_TAKEN) { ServiceError::PortTaken(text) } else { ServiceError::Failed(text) }
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

    fn log_of_this_run(&self) -> String {
        let mut bytes = Vec::new();
        let read = File::open(&self.log).and_then(|mut log| {
            log.seek(SeekFrom::Start(self.log_begin))?;
            log.read_to_end(&mut bytes)
        });
        // Only for messages: what can't be read is left out.
        drop(read);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}
