//! The plugin room: components in, the core's `Kpi` and `Preprocess` out.
//!
//! The only room that says wasmtime. A component is looked at (`loader`), compiled in a child process (`compile`) or taken from
//! the cache of compiled code (`cache`), and instantiated once per worker in a `sandbox` with its `limits`; `v0_1` speaks the contract.
//! The room does not know names and search paths, the pipeline file, or what a KPI is for: the pipeline room brings bytes and options.

mod build;
mod cache;
mod compile;
mod engine;
mod fault;
mod inspect;
mod limits;
mod loader;
mod open;
mod sample;
mod sandbox;
mod setting;
mod v0_1;

pub use build::{BuildError, BuildOptions, Built, build};
pub use cache::{Cache, CacheError};
pub use compile::SUBCOMMAND as COMPILE_SUBCOMMAND;
pub use compile::{CompileError, CompileLimits, CompileMode, compile_child_main};
pub use engine::{Engine, EngineError, Engines};
pub use inspect::{Inspection, Sample, inspect, render};
pub use limits::Limits;
pub use loader::{Digest, NotAPlugin, PluginKind};
pub use open::{Host, Plugin, PluginOpenError, UseError};
pub use setting::{Setting, Settings};
