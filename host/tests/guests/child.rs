//! Compiling in a child process of the real binary, and the cache of what it made.

use super::support::{EVIL, kpi, target, update};
use std::path::Path;
use std::time::Duration;
use weir::plugin::{Cache, CompileError, CompileLimits, CompileMode, Host, Limits, PluginOpenError};

fn host(exe: &str, limits: CompileLimits, cache: Option<&Path>) -> Host {
    let cache = cache.map(|dir| Cache::at(dir).expect("a private folder"));
    Host::new(CompileMode::ChildProcess { exe: exe.into(), limits }, cache)
}

const WEIR: &str = env!("CARGO_BIN_EXE_weir");

fn compile_error(host: &Host) -> CompileError {
    match host.open("evil", &EVIL, Limits::default()).err() {
        Some(PluginOpenError::Compile { source, .. }) => source,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_child_compiles_and_the_cache_keeps_it() {
    let dir = tempfile::tempdir_in(target()).expect("a folder");
    let cache = dir.path().join("cache");
    let plugin =
        host(WEIR, CompileLimits::default(), Some(&cache)).open("evil", &EVIL, Limits::default()).expect("compiles");
    update(kpi(&plugin, "none", "update", 0).as_mut()).expect("works");
    // A binary that cannot compile shows that the code came from the cache.
    let plugin = host("/nowhere", CompileLimits::default(), Some(&cache))
        .open("evil", &EVIL, Limits::default())
        .expect("cached");
    update(kpi(&plugin, "none", "update", 0).as_mut()).expect("works");
}

#[test]
fn the_child_is_limited() {
    let memory = CompileLimits { memory_bytes_max: 24 << 20, ..CompileLimits::default() };
    let error = compile_error(&host(WEIR, memory, None));
    assert!(
        matches!(error, CompileError::Limit(_)) && error.to_string().contains("25165824 bytes of memory"),
        "{error}"
    );
    let deadline = CompileLimits { deadline: Duration::from_millis(1), ..CompileLimits::default() };
    let error = compile_error(&host(WEIR, deadline, None));
    assert!(error.to_string().contains("more than 1 ms of wall time"), "{error}");
}

fn leb128(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        bytes.push(if value == 0 { low } else { low | 0x80 });
        if value == 0 {
            return bytes;
        }
    }
}

fn section(id: u8, content: &[u8]) -> Vec<u8> {
    [&[id], leb128(content.len()).as_slice(), content].concat()
}

/// The honest component with a second core module in it, whose one function is a million multiplications long.
fn bomb() -> Vec<u8> {
    const SQUARE: [u8; 7] = [0x20, 0, 0x20, 0, 0x7e, 0x21, 0];
    let body = [vec![1, 1, 0x7e], SQUARE.repeat(1_000_000), vec![0x0b]].concat();
    let code = [vec![1], leb128(body.len()), body].concat();
    let module =
        [b"\0asm\x01\0\0\0".to_vec(), section(1, &[1, 0x60, 0, 0]), section(3, &[1, 0]), section(10, &code)].concat();
    [EVIL.clone(), section(1, &module)].concat()
}

#[test]
fn a_compile_bomb_is_stopped() {
    let limits = CompileLimits { cpu_s: 1, ..CompileLimits::default() };
    let error = host(WEIR, limits, None).open("evil", &bomb(), Limits::default()).err().expect("stopped");
    assert!(error.to_string().contains("compiling it took more than 1 s of CPU time"), "{error}");
}

#[test]
fn a_child_that_does_not_run_is_told() {
    let error = compile_error(&host("/nowhere", CompileLimits::default(), None));
    assert!(matches!(error, CompileError::Child { .. }) && error.to_string().contains("`/nowhere`"), "{error}");
    let error = compile_error(&host("/bin/false", CompileLimits::default(), None));
    assert!(error.to_string().contains("exit status: 1"), "{error}");
}

#[test]
fn a_broken_component_is_refused_by_the_compiler() {
    let mut broken = EVIL.clone();
    // Inside the core module's code.
    let middle = broken.len() / 2;
    broken[middle..middle + 64].fill(0xff);
    let error =
        host(WEIR, CompileLimits::default(), None).open("evil", &broken, Limits::default()).err().expect("refused");
    assert!(error.to_string().contains("plugin `evil`"), "{error}");
}
