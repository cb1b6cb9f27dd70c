//! The engine: one set of wasmtime settings for every plugin, and the clock behind deadlines.
//!
//! Knows nothing of components or limits of a plugin, but for the stack: wasmtime fixes that per engine, so there is one
//! engine for each value of `stack_bytes_max` that a pipeline uses (most use one).

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use thiserror::Error;
use wasmtime::Config;

/// The deadline clock ticks this often, so a deadline is exact to two ticks. 200 wake-ups a second cost nothing that shows.
const TICK: Duration = Duration::from_millis(5);
/// Below this a Rust guest's own start can fail.
const STACK_BYTES_MIN: u64 = 16 << 10;
/// A thread of the host has 2 MiB of stack, and what wasm leaves of it is the host's own.
const STACK_BYTES_MAX: u64 = 1 << 20;

/// Why there is no engine.
#[derive(Debug, Error)]
pub enum EngineError {
    /// `stack_bytes_max` is out of its range.
    #[error("stack_bytes_max = {0} is out of range; write {min} to {max} bytes", min = STACK_BYTES_MIN, max = STACK_BYTES_MAX)]
    Stack(u64),
    /// wasmtime refused the settings, which means that this machine lacks something it needs.
    #[error("the plugin engine did not start: {0}")]
    Settings(String),
    /// No thread for the deadline clock.
    #[error("the thread of the plugin deadline clock did not start")]
    Clock(#[source] std::io::Error),
}

/// The engines of a process, by stack size; made when first asked for.
#[derive(Default)]
pub struct Engines {
    by_stack_bytes: Mutex<BTreeMap<u64, Arc<Engine>>>,
}

impl Engines {
    /// No engine yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The engine whose plugins may use this much stack.
    ///
    /// # Errors
    /// If the size is out of range or the engine does not start.
    pub fn for_stack(&self, stack_bytes_max: u64) -> Result<Arc<Engine>, EngineError> {
        let mut engines = self.by_stack_bytes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(engine) = engines.get(&stack_bytes_max) {
            return Ok(engine.clone());
        }
        let engine = Arc::new(Engine::new(stack_bytes_max)?);
        engines.insert(stack_bytes_max, engine.clone());
        Ok(engine)
    }
}

/// A wasmtime engine with its deadline clock, which stops when the engine is dropped.
pub struct Engine {
    inner: wasmtime::Engine,
    _clock: Clock,
}

impl Engine {
    fn new(stack_bytes_max: u64) -> Result<Self, EngineError> {
        let inner = compiler(stack_bytes_max)?;
        let clock = Clock::start(inner.clone()).map_err(EngineError::Clock)?;
        Ok(Self { inner, _clock: clock })
    }

    pub(super) fn wasmtime(&self) -> &wasmtime::Engine {
        &self.inner
    }

    /// Names the compiled code that this engine can load: wasmtime's version and every setting that shapes code.
    pub(super) fn code_key(&self) -> String {
        let mut hasher = std::hash::DefaultHasher::new();
        self.inner.precompile_compatibility_hash().hash(&mut hasher);
        format!("{:016x}", hasher.finish())
    }
}

/// An engine without a clock, enough to compile with.
pub(super) fn compiler(stack_bytes_max: u64) -> Result<wasmtime::Engine, EngineError> {
    if !(STACK_BYTES_MIN..=STACK_BYTES_MAX).contains(&stack_bytes_max) {
        return Err(EngineError::Stack(stack_bytes_max));
    }
    wasmtime::Engine::new(&config(stack_bytes_max as usize))
        .map_err(|error| EngineError::Settings(format!("{error:#}")))
}

/// Ticks that pass at the least before a deadline fires: rounded up, and one for the tick under way.
pub(super) fn ticks(deadline: Duration) -> u64 {
    let ticks = u64::try_from(deadline.as_nanos().div_ceil(TICK.as_nanos())).unwrap_or(u64::MAX);
    // wasmtime adds this to the current epoch: far in the future, but not past the end of its clock.
    ticks.saturating_add(1).min(u64::MAX / 2)
}

/// Guard pages stay at wasmtime's defaults: explicit bounds checks would cost about a factor of two.
fn config(stack_bytes_max: usize) -> Config {
    let mut config = Config::new();
    config
        .concurrency_support(false)
        .consume_fuel(true)
        .epoch_interruption(true)
        // Reproducible bytes: which NaN an operation gives would else depend on the machine.
        .cranelift_nan_canonicalization(true)
        .max_wasm_stack(stack_bytes_max)
        .wasm_component_model(true)
        // Stays on although hardly used: with it off, 48.0.8 panics while compiling a legitimate QuickJS component.
        .wasm_multi_memory(true);
    refuse_proposals(&mut config);
    config
}

/// A pure function over columns needs none of these, and each is a piece of engine that was the cause of advisories.
fn refuse_proposals(config: &mut Config) {
    config
        .wasm_gc(false)
        .wasm_function_references(false)
        .wasm_exceptions(false)
        .wasm_threads(false)
        .wasm_shared_everything_threads(false)
        .wasm_memory64(false)
        .wasm_tail_call(false)
        .wasm_relaxed_simd(false)
        .wasm_stack_switching(false)
        .wasm_custom_page_sizes(false)
        .wasm_wide_arithmetic(false);
}

/// Raises the engine's epoch every tick, until dropped.
struct Clock {
    stop: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Clock {
    fn start(engine: wasmtime::Engine) -> std::io::Result<Self> {
        let (stop, stopped) = sync_channel::<()>(0);
        let thread = std::thread::Builder::new().name("weir-deadline".into()).spawn(move || {
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(TICK) {
                engine.increment_epoch();
            }
        })?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It cannot have panicked, and there is nobody to tell.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stack_is_held_to_its_range() {
        let engines = Engines::new();
        for good in [STACK_BYTES_MIN, STACK_BYTES_MAX] {
            assert!(engines.for_stack(good).is_ok());
        }
        for bad in [STACK_BYTES_MIN - 1, STACK_BYTES_MAX + 1, u64::MAX] {
            let Err(error) = engines.for_stack(bad) else { panic!("{bad} taken") };
            assert!(error.to_string().contains(&format!("stack_bytes_max = {bad}")));
        }
    }

    #[test]
    fn one_engine_a_stack_size() {
        let engines = Engines::new();
        let (a, b, c) = (engines.for_stack(512 << 10), engines.for_stack(512 << 10), engines.for_stack(256 << 10));
        let (a, b, c) = (a.expect("a"), b.expect("b"), c.expect("c"));
        assert!(Arc::ptr_eq(&a, &b) && !Arc::ptr_eq(&a, &c));
        assert_eq!(a.code_key(), b.code_key());
    }

    #[test]
    fn a_deadline_is_never_short() {
        assert_eq!(ticks(Duration::from_millis(1)), 2);
        assert_eq!(ticks(Duration::from_millis(5)), 2);
        assert_eq!(ticks(Duration::from_millis(6)), 3);
        assert_eq!(ticks(Duration::MAX), u64::MAX / 2);
    }
}
