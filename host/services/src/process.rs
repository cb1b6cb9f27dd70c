//! Processes that are ours: started in a group of their own, stopped by their own id, and gone when we are gone.
//!
//! It knows ids, signals and ports; not what the processes do.

use super::ServiceError;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use std::fs::File;
use std::io;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a process may take to end after TERM.
const STOP_WAIT: Duration = Duration::from_secs(15);
const PAUSE: Duration = Duration::from_millis(20);

/// Waits for the end of its input, which is the end of the process that holds the other side, however that came; then stops `$1`.
///
/// Not `PR_SET_PDEATHSIG`: that one fires when the *thread* that started the child ends, and tests run on threads of their own.
const WATCH: &str = "read -r _; kill -TERM \"$1\" 2>/dev/null || exit 0; i=0
while [ $i -lt 100 ] && kill -0 \"$1\" 2>/dev/null; do sleep 0.1; i=$((i+1)); done; kill -KILL \"$1\" 2>/dev/null";

/// `count` free ports, taken from the kernel together so that they differ.
pub(crate) fn free_ports(count: usize) -> Result<Vec<u16>, ServiceError> {
    let taken: io::Result<Vec<TcpListener>> = (0..count).map(|_| TcpListener::bind(("127.0.0.1", 0))).collect();
    let ports = taken.and_then(|taken| taken.iter().map(|port| Ok(port.local_addr()?.port())).collect());
    ports.map_err(ServiceError::io("no free port"))
}

/// Starts a program in a process group of its own, with its output at the end of `log`.
pub(crate) fn start(command: &mut Command, log: &Path) -> Result<Child, ServiceError> {
    let fail = || ServiceError::io(format!("{} does not start", command.get_program().display()));
    let output = File::options().create(true).append(true).open(log).map_err(fail())?;
    let errors = output.try_clone().map_err(fail())?;
    let failed = fail();
    command.process_group(0).stdin(Stdio::null()).stdout(output).stderr(errors).spawn().map_err(failed)
}

/// Runs a program to its end; its output, or an error with its last lines.
pub(crate) fn run(command: &mut Command, program: &'static str, package: &'static str) -> Result<String, ServiceError> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => ServiceError::Missing { program, package },
        _ => ServiceError::Io { what: format!("{program} does not start"), error },
    })?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    if output.status.success() {
        return Ok(text);
    }
    Err(ServiceError::Failed(format!("{program} failed ({}):\n{}", output.status, last_lines(&text, 20))))
}

/// The last lines of a text.
pub(crate) fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

/// A child that is stopped when it is dropped, and by a watchdog when we end without dropping it (statics, a killed test run).
#[derive(Debug)]
pub(crate) struct Guarded {
    child: Child,
    watchdog: Child,
}

impl Guarded {
    /// Takes a running child under guard.
    pub(crate) fn new(mut child: Child) -> Result<Guarded, ServiceError> {
        let mut watch = Command::new("sh");
        watch.args(["-c", WATCH, "watchdog", &child.id().to_string()]);
        watch.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        match watch.spawn() {
            Ok(watchdog) => Ok(Guarded { child, watchdog }),
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
    pub(crate) fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Kills it at once, as kill -9 does.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
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
            signal(self.child.id(), Signal::TERM);
            let until = Instant::now() + STOP_WAIT;
            while self.is_alive() && Instant::now() < until {
                std::thread::sleep(PAUSE);
            }
            let _ = self.child.kill();
            let _ = self.child.wait();
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

fn pid(id: u32) -> Option<Pid> {
    i32::try_from(id).ok().and_then(Pid::from_raw)
}

fn signal(id: u32, signal: Signal) {
    if let Some(pid) = pid(id) {
        let _ = kill_process(pid, signal);
    }
}

/// Whether a process with this id runs whose command line holds `mark`: ids are used again.
pub(crate) fn is_ours(id: u32, mark: &str) -> bool {
    let line = std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
    !mark.is_empty() && String::from_utf8_lossy(&line).contains(mark)
}

/// Stops a process that an earlier run left running, if its command line holds `mark`.
pub(crate) fn stop_left(id: u32, mark: &str) {
    if !is_ours(id, mark) {
        return;
    }
    signal(id, Signal::TERM);
    let until = Instant::now() + STOP_WAIT;
    while pid(id).is_some_and(|pid| test_kill_process(pid).is_ok()) && Instant::now() < until {
        std::thread::sleep(PAUSE);
    }
    if is_ours(id, mark) {
        signal(id, Signal::KILL);
    }
}
