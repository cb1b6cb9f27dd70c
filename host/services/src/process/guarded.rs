//! A child that is ours: stopped by its own id, and gone when we are gone.

use super::tree::{self, Process, signal_id};
use crate::ServiceError;
use rustix::process::Signal;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a process may take to end after the signal that stops it.
const STOP_WAIT: Duration = Duration::from_secs(15);
const PAUSE: Duration = Duration::from_millis(20);

/// Waits for the end of its input, which is the end of the process that holds the other side, however that came; then stops `$1` by
/// the signal `$2`. Who is paused has to go on first, children too.
///
/// Not `PR_SET_PDEATHSIG`: that one fires when the *thread* that started the child ends, and tests run on threads of their own.
const WATCH: &str = r#"read -r _
wake() { for stat in /proc/[0-9]*/stat; do read -r line <"$stat" && child=${stat#/proc/} && of "${child%/stat}" "$1" ${line##*) }; done; }
of() { [ "$4" = "$2" ] && kill -CONT "$1"; }
wake "$1" 2>/dev/null
kill -CONT "$1" 2>/dev/null; kill -"$2" "$1" 2>/dev/null || exit 0; i=0
while [ $i -lt 100 ] && kill -0 "$1" 2>/dev/null; do sleep 0.1; i=$((i+1)); done; kill -KILL "$1" 2>/dev/null"#;

/// A child that is stopped when it is dropped, and by a watchdog when we end without dropping it (statics, a killed test run).
#[derive(Debug)]
pub(crate) struct Guarded {
    child: Child,
    watchdog: Child,
    stop_signal: Signal,
}

impl Guarded {
    /// Takes a running child under guard; `stop_signal` is what it ends by in order.
    pub(super) fn new(mut child: Child, stop_signal: Signal) -> Result<Guarded, ServiceError> {
        let mut watch = Command::new("sh");
        watch.args(["-c", WATCH, "watchdog", &child.id().to_string(), &stop_signal.as_raw().to_string()]);
        watch.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        match watch.spawn() {
            Ok(watchdog) => Ok(Guarded { child, watchdog, stop_signal }),
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(ServiceError::Io { what: "the watchdog does not start".to_owned(), error })
            }
        }
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it still runs.
    pub(super) fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Kills it at once, as kill -9 does, and waits until its children have noticed.
    pub(super) fn kill(&mut self) {
        // Only who stands still has all its children in the list.
        let all = self.family();
        let _ = self.child.kill();
        let _ = self.child.wait();
        tree::resume(&all);
        tree::await_end(&all);
    }

    /// Halts it and all its children.
    pub(super) fn pause(&self) -> Result<(), ServiceError> {
        let top = Process::of(self.child.id());
        let gone = || ServiceError::Failed("who is gone can't be paused".to_owned());
        tree::pause(top.ok_or_else(gone)?).map(drop)
    }

    /// Lets it go on after [`Guarded::pause`].
    pub(super) fn resume(&self) {
        // Paused again: that is who is there, without keeping a list.
        tree::resume(&self.family());
    }

    fn family(&self) -> Vec<Process> {
        Process::of(self.child.id()).and_then(|top| tree::pause(top).ok()).unwrap_or_default()
    }

    /// Leaves it running without a guard.
    pub(crate) fn leave(mut self) {
        // The watchdog first: its input must not end while it lives.
        let _ = self.watchdog.kill();
        let _ = self.watchdog.wait();
        std::mem::forget(self);
    }

    fn stop(&mut self) {
        if self.is_alive() {
            self.resume();
            signal_id(self.child.id(), self.stop_signal);
            let until = Instant::now() + STOP_WAIT;
            while self.is_alive() && Instant::now() < until {
                std::thread::sleep(PAUSE);
            }
            if self.is_alive() {
                self.kill();
            }
        }
        // Now that there is nothing left to stop.
        let _ = self.watchdog.kill();
        let _ = self.watchdog.wait();
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        self.stop();
    }
}
