//! Compiles a component in a child process of limited time and memory, because a small file can make a compiler run for
//! minutes or take gigabytes, and no limit of a plugin holds before it is compiled.
//!
//! The child is this program's own binary, called as `weir __compile`; it sets its limits itself before it reads a byte.

use super::engine::{Engine, EngineError, compiler};
use super::setting::tame;
use rustix::process::{Resource, Rlimit, setrlimit};
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::thread::ScopedJoinHandle;
use std::time::{Duration, Instant};
use thiserror::Error;
use wasmtime::component::Component;

/// The hidden subcommand of a compiling child.
pub const SUBCOMMAND: &str = "__compile";
/// Compiled code of a Python component is about 80 MiB.
const CODE_BYTES_MAX: u64 = 512 << 20;
/// What is kept of the child's own words.
const WORDS_BYTES_MAX: u64 = 4 << 10;
const SIGXCPU: i32 = 24;

/// Where a component is compiled.
#[derive(Debug, Clone)]
pub enum CompileMode {
    /// In a child process: the way for components of others.
    ChildProcess {
        /// The `weir` binary; `std::env::current_exe()` in it.
        exe: PathBuf,
        /// What the child may use.
        limits: CompileLimits,
    },
    /// In this process, without limits: for tests and benchmarks, which have no binary beside them and trust their guests.
    InProcess,
}

impl CompileMode {
    /// In a child of this very binary, which must hand `weir __compile` on to `compile_child_main`.
    ///
    /// # Errors
    /// If the system does not say which binary this is.
    pub fn child_of_this_binary() -> std::io::Result<Self> {
        let exe = std::env::current_exe()?;
        Ok(Self::ChildProcess { exe, limits: CompileLimits::default() })
    }
}

/// What a compiling child may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompileLimits {
    /// CPU time of all its threads.
    pub cpu_s: u64,
    /// Its address space.
    pub memory_bytes_max: u64,
    /// Wall time.
    pub deadline: Duration,
}

impl Default for CompileLimits {
    /// A Python component of 18 MiB takes 20 s; a machine under load, some times that.
    fn default() -> Self {
        Self { cpu_s: 120, memory_bytes_max: 4 << 30, deadline: Duration::from_secs(180) }
    }
}

/// Why a component did not compile.
#[derive(Debug, Error)]
pub enum CompileError {
    /// The component is invalid or uses what the engine has switched off.
    #[error("{0}")]
    Refused(String),
    /// A limit of the compiling child.
    #[error("compiling it took more than {0}; a component that does so is broken or hostile")]
    Limit(String),
    /// The child did not run.
    #[error("the compiling process `{exe}` did not run: {source}")]
    Child {
        /// The binary.
        exe: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// No engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// The compiled component, and its code for the cache.
pub(super) fn compile(mode: &CompileMode, engine: &Engine, bytes: &[u8]) -> Result<(Component, Vec<u8>), CompileError> {
    let refused = |error: wasmtime::Error| CompileError::Refused(format!("{error:#}"));
    let code = match mode {
        CompileMode::InProcess => engine.wasmtime().precompile_component(bytes).map_err(refused)?,
        CompileMode::ChildProcess { exe, limits } => in_child(exe, *limits, engine, bytes)?,
    };
    // SAFETY: the code comes from wasmtime's own compiler, here or in a child that runs this same binary, through a pipe that
    // nobody else holds. There is no other way to take code over from another process.
    let component = unsafe { Component::deserialize(engine.wasmtime(), &code) }.map_err(refused)?;
    Ok((component, code))
}

fn in_child(exe: &Path, limits: CompileLimits, engine: &Engine, bytes: &[u8]) -> Result<Vec<u8>, CompileError> {
    let failed = |source| CompileError::Child { exe: exe.to_owned(), source };
    let stack_bytes_max = engine.wasmtime().get_max_wasm_stack();
    let mut child = Command::new(exe)
        .arg(SUBCOMMAND)
        .args([stack_bytes_max.to_string(), limits.cpu_s.to_string(), limits.memory_bytes_max.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let answer = talk(&mut child, bytes, limits.deadline).map_err(failed)?;
    let Some(status) = answer.status else {
        return Err(CompileError::Limit(format!("{} ms of wall time", limits.deadline.as_millis())));
    };
    if status.success() { Ok(answer.code) } else { Err(verdict(status, &answer.words, limits)) }
}

/// What came back from the child.
struct Answer {
    code: Vec<u8>,
    words: Vec<u8>,
    /// `None`: it was killed at its deadline.
    status: Option<ExitStatus>,
}

/// Writes and reads at once, so that neither side waits for a full pipe.
fn talk(child: &mut Child, bytes: &[u8], deadline: Duration) -> std::io::Result<Answer> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    std::thread::scope(|scope| {
        let writer = scope.spawn(move || stdin.map_or(Ok(()), |mut stdin| stdin.write_all(bytes)));
        let code = scope.spawn(move || read(stdout, CODE_BYTES_MAX));
        let words = scope.spawn(move || read(stderr, WORDS_BYTES_MAX));
        let status = wait(child, deadline);
        // A child that died early leaves a broken pipe; its status says more than that.
        let _ = join(writer);
        Ok(Answer { code: join(code)?, words: join(words)?, status: status? })
    })
}

fn join<T>(thread: ScopedJoinHandle<'_, std::io::Result<T>>) -> std::io::Result<T> {
    thread
        .join()
        .unwrap_or_else(|_| Err(std::io::Error::other("a thread that talks to the compiling process panicked")))
}

fn read(pipe: Option<impl Read>, bytes_max: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        pipe.take(bytes_max).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

fn wait(child: &mut Child, deadline: Duration) -> std::io::Result<Option<ExitStatus>> {
    let began = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if began.elapsed() >= deadline {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

fn verdict(status: ExitStatus, words: &[u8], limits: CompileLimits) -> CompileError {
    let words = String::from_utf8_lossy(words);
    let lacks_memory = ["memory allocation", "Cannot allocate memory", "out of memory"];
    match status.signal() {
        Some(SIGXCPU) => CompileError::Limit(format!("{} s of CPU time", limits.cpu_s)),
        _ if lacks_memory.iter().any(|lack| words.contains(lack)) => {
            CompileError::Limit(format!("{} bytes of memory", limits.memory_bytes_max))
        }
        None if !words.trim().is_empty() => CompileError::Refused(tame(words.trim())),
        _ => CompileError::Refused(format!("the compiling process ended with {status} {}", tame(words.trim()))),
    }
}

/// The child: `weir __compile STACK_BYTES CPU_S MEMORY_BYTES`, a component on standard input, its code on standard output.
pub fn compile_child_main() -> ExitCode {
    match compile_child() {
        Ok(()) => ExitCode::SUCCESS,
        Err(words) => {
            // Nobody to tell if even this fails.
            let _ = writeln!(std::io::stderr(), "{words}");
            ExitCode::FAILURE
        }
    }
}

fn compile_child() -> Result<(), String> {
    let numbers: Vec<u64> = std::env::args().skip(2).filter_map(|arg| arg.parse().ok()).collect();
    let [stack_bytes_max, cpu_s, memory_bytes_max] = numbers[..] else {
        return Err(format!("`{SUBCOMMAND}` is for weir itself; to check a plugin write `weir plugin inspect FILE`"));
    };
    limit(Resource::Cpu, cpu_s)?;
    limit(Resource::As, memory_bytes_max)?;
    // A crash dump of a compiler that was fed a bomb is of no use to anybody.
    limit(Resource::Core, 0)?;
    let engine = compiler(stack_bytes_max).map_err(|error| error.to_string())?;
    let mut component = Vec::new();
    std::io::stdin().read_to_end(&mut component).map_err(|error| format!("no component came: {error}"))?;
    let code = engine.precompile_component(&component).map_err(|error| format!("{error:#}"))?;
    std::io::stdout().write_all(&code).map_err(|error| format!("nobody took the code: {error}"))
}

fn limit(resource: Resource, value: u64) -> Result<(), String> {
    setrlimit(resource, Rlimit { current: Some(value), maximum: Some(value.saturating_add(1)) })
        .map_err(|error| format!("a limit of the compiling process could not be set: {error}"))
}
