//! Other programs: run to their end or kept running in the background, on ports that are free.
//!
//! It knows ids, signals, ports and logs; not what the programs do.

mod daemon;
mod guarded;
mod left;
mod tree;

pub(crate) use self::daemon::Daemon;
pub(crate) use self::left::{is_ours, stop_left};

use crate::ServiceError;
use std::fs::File;
use std::io;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

const PORT_TRIES: usize = 3;

/// `count` free ports, taken from the kernel together so that they differ.
pub(crate) fn free_ports(count: usize) -> Result<Vec<u16>, ServiceError> {
    let taken: io::Result<Vec<TcpListener>> = (0..count).map(|_| TcpListener::bind(("127.0.0.1", 0))).collect();
    let ports = taken.and_then(|taken| taken.iter().map(|port| Ok(port.local_addr()?.port())).collect());
    ports.map_err(ServiceError::io("no free port"))
}

/// Begins something on `count` free ports, anew on others if one was taken: between asking the kernel for a port and using it another
/// process may come.
pub(crate) fn on_free_ports<T>(
    count: usize,
    mut begin: impl FnMut(&[u16]) -> Result<T, ServiceError>,
) -> Result<T, ServiceError> {
    for _ in 1..PORT_TRIES {
        match begin(&free_ports(count)?) {
            Err(ServiceError::PortTaken(_)) => {}
            done => return done,
        }
    }
    begin(&free_ports(count)?)
}

/// Starts a program in a process group of its own, with its output at the end of `log`.
fn start(command: &mut Command, log: &Path) -> Result<Child, ServiceError> {
    let fail = || ServiceError::io(format!("{} does not start", command.get_program().display()));
    let output = File::options().create(true).append(true).open(log).map_err(fail())?;
    let errors = output.try_clone().map_err(fail())?;
    let failed = fail();
    command.process_group(0).stdin(Stdio::null()).stdout(output).stderr(errors).spawn().map_err(failed)
}

/// Runs a program to its end; an error with its last lines if it fails.
pub(crate) fn run(command: &mut Command, program: &'static str, package: &'static str) -> Result<(), ServiceError> {
    output(command, program, package).map(drop)
}

/// Runs a program to its end; what it wrote to its standard output, without the last line's end.
pub(crate) fn answer(
    command: &mut Command,
    program: &'static str,
    package: &'static str,
) -> Result<String, ServiceError> {
    let output = output(command, program, package)?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.strip_suffix('\n').unwrap_or(&text).to_owned())
}

fn output(command: &mut Command, program: &'static str, package: &'static str) -> Result<Output, ServiceError> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => ServiceError::Missing { program, package },
        _ => ServiceError::Io { what: format!("{program} does not start"), error },
    })?;
    if output.status.success() {
        return Ok(output);
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    Err(ServiceError::Failed(format!("{program} failed ({}):\n{}", output.status, last_lines(&text, 20))))
}

/// The last lines of a text.
fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}
