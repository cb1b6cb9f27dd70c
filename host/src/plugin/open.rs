//! From the bytes of a component to a plugin that can be asked and instantiated.

use super::cache::Cache;
use super::compile::{CompileError, CompileMode, compile};
use super::engine::{Engine, EngineError, Engines};
use super::limits::{Guard, Limits};
use super::loader::{Digest, NotAPlugin, PluginKind, examine};
use super::sandbox::Sandbox;
use super::setting::Settings;
use super::v0_1::{KpiComponent, PreprocessorComponent};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use thiserror::Error;
use wasmtime::component::{Component, Linker};
use weir_core::plugin::{Kpi, KpiDescription, PluginError, Preprocess, PreprocessorDescription};

/// What opening plugins needs: the engines, how to compile, and where compiled code is kept.
pub struct Host {
    engines: Engines,
    mode: CompileMode,
    cache: Option<Cache>,
    /// What was opened before, by digest and stack: one `sales` may serve many KPIs. As many as the pipeline has plugins.
    opened: Mutex<BTreeMap<(Digest, u64), Component>>,
}

/// Why a component could not be opened.
#[derive(Debug, Error)]
pub enum PluginOpenError {
    /// The file could not be read.
    #[error("plugin `{label}` could not be read")]
    Unreadable {
        /// As the user named it.
        label: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is larger than allowed.
    #[error(
        "plugin `{label}` is larger than component_bytes_max = {component_bytes_max}; raise the key if you trust it"
    )]
    TooLarge {
        /// As the user named it.
        label: String,
        /// The limit.
        component_bytes_max: u64,
    },
    /// The file is no plugin.
    #[error("plugin `{label}` {what}")]
    NotAPlugin {
        /// As the user named it.
        label: String,
        /// Why.
        what: NotAPlugin,
    },
    /// Its exports have other types than the contract's.
    #[error("plugin `{label}` does not fit the contract weir:plugin@0.1.0: {what}; build it against `wit/v0.1`")]
    Contract {
        /// As the user named it.
        label: String,
        /// Why.
        what: String,
    },
    /// It did not compile.
    #[error("plugin `{label}` did not compile: {source}")]
    Compile {
        /// As the user named it.
        label: String,
        /// Why.
        source: CompileError,
    },
    /// No engine for it.
    #[error("plugin `{label}`: {source}")]
    Engine {
        /// As the user named it.
        label: String,
        /// Why.
        source: EngineError,
    },
}

/// Why a plugin could not be described or instantiated.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UseError {
    /// The plugin refuses its options and says what to write instead: the user must act.
    #[error("plugin `{label}` refuses its options: {words}")]
    Options {
        /// As the user named it.
        label: String,
        /// The plugin's own words.
        words: String,
    },
    /// A KPI stands where a preprocessor is needed, or the other way round.
    #[error("plugin `{label}` is a {is}, but a {wanted} is needed here")]
    Kind {
        /// As the user named it.
        label: String,
        /// What it is.
        is: PluginKind,
        /// What was asked for.
        wanted: PluginKind,
    },
    /// It trapped, reached a limit, or broke the contract.
    #[error(transparent)]
    Plugin(#[from] PluginError),
}

impl Host {
    /// Compiles as `mode` says; keeps compiled code in `cache`, if there is one.
    pub fn new(mode: CompileMode, cache: Option<Cache>) -> Self {
        Self { engines: Engines::new(), mode, cache, opened: Mutex::default() }
    }

    /// Opens the component in a file; reads no more of it than the limit.
    ///
    /// # Errors
    /// If it cannot be read, or as `open`.
    pub fn open_file(&self, label: &str, path: &Path, limits: Limits) -> Result<Plugin, PluginOpenError> {
        let unreadable = |source| PluginOpenError::Unreadable { label: label.to_owned(), source };
        let file = std::fs::File::open(path).map_err(unreadable)?;
        let mut bytes = Vec::new();
        file.take(limits.component_bytes_max.saturating_add(1)).read_to_end(&mut bytes).map_err(unreadable)?;
        self.open(label, &bytes, limits)
    }

    /// Opens a component. `label` is what the user calls it; it stands in every message.
    ///
    /// # Errors
    /// If it is too large, no plugin, or does not compile within the compiler's limits.
    pub fn open(&self, label: &str, bytes: &[u8], limits: Limits) -> Result<Plugin, PluginOpenError> {
        let label: Arc<str> = label.into();
        let name = || label.to_string();
        if bytes.len() as u64 > limits.component_bytes_max {
            return Err(PluginOpenError::TooLarge { label: name(), component_bytes_max: limits.component_bytes_max });
        }
        let kind = examine(bytes).map_err(|what| PluginOpenError::NotAPlugin { label: name(), what })?;
        let engine = self
            .engines
            .for_stack(limits.stack_bytes_max)
            .map_err(|source| PluginOpenError::Engine { label: name(), source })?;
        let digest = Digest::of(bytes);
        let component = self
            .component(&engine, digest, bytes)
            .map_err(|source| PluginOpenError::Compile { label: name(), source })?;
        let inner =
            Inner::link(&engine, &component, kind).map_err(|what| PluginOpenError::Contract { label: name(), what })?;
        Ok(Plugin { label, engine, limits, digest, size_bytes: bytes.len() as u64, inner })
    }

    /// Opened before, or from the cache, or compiled. One at a time, so that nothing is compiled twice.
    fn component(&self, engine: &Engine, digest: Digest, bytes: &[u8]) -> Result<Component, CompileError> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (digest, engine.wasmtime().get_max_wasm_stack() as u64);
        if let Some(component) = opened.get(&key) {
            return Ok(component.clone());
        }
        let component = match self.cache.as_ref().and_then(|cache| cache.load(engine, digest)) {
            Some(component) => component,
            None => self.compile(engine, digest, bytes)?,
        };
        opened.insert(key, component.clone());
        Ok(component)
    }

    fn compile(&self, engine: &Engine, digest: Digest, bytes: &[u8]) -> Result<Component, CompileError> {
        let (component, code) = compile(&self.mode, engine, bytes)?;
        if let Some(cache) = &self.cache {
            cache.store(engine, digest, &code);
        }
        Ok(component)
    }
}

/// An opened plugin: compiled and linked once, instantiated as often as needed, from any thread.
pub struct Plugin {
    label: Arc<str>,
    engine: Arc<Engine>,
    limits: Limits,
    digest: Digest,
    size_bytes: u64,
    inner: Inner,
}

enum Inner {
    Kpi(KpiComponent),
    Preprocessor(PreprocessorComponent),
}

impl Inner {
    /// Links against nothing: an import that holds a function could not be satisfied even if it came this far.
    fn link(engine: &Engine, component: &Component, kind: PluginKind) -> Result<Self, String> {
        let linker = Linker::<Guard>::new(engine.wasmtime());
        let pre = linker.instantiate_pre(component).map_err(|error| format!("{error:#}"))?;
        match kind {
            PluginKind::Kpi => KpiComponent::new(pre).map(Self::Kpi),
            PluginKind::Preprocessor => PreprocessorComponent::new(pre).map(Self::Preprocessor),
        }
    }
}

impl Plugin {
    /// Which world it is made for.
    pub fn kind(&self) -> PluginKind {
        match self.inner {
            Inner::Kpi(_) => PluginKind::Kpi,
            Inner::Preprocessor(_) => PluginKind::Preprocessor,
        }
    }

    /// The SHA-256 of the component.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Bytes of the component.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// What the user calls it.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// What the KPI is and needs with these options.
    ///
    /// # Errors
    /// If it refuses the options, is no KPI, or misbehaves.
    pub fn describe_kpi(&self, options: &Settings) -> Result<KpiDescription, UseError> {
        self.as_kpi()?.describe(self.sandbox(), options)
    }

    /// What the preprocessor is and needs with these options.
    ///
    /// # Errors
    /// If it refuses the options, is no preprocessor, or misbehaves.
    pub fn describe_preprocessor(&self, options: &Settings) -> Result<PreprocessorDescription, UseError> {
        self.as_preprocessor()?.describe(self.sandbox(), options)
    }

    /// A new instance of the KPI, with a store of its own.
    ///
    /// # Errors
    /// If it refuses the options, is no KPI, or misbehaves.
    pub fn kpi(&self, options: &Settings) -> Result<Box<dyn Kpi>, UseError> {
        Ok(Box::new(self.as_kpi()?.instance(self.sandbox(), options)?))
    }

    /// A new instance of the preprocessor, with a store of its own.
    ///
    /// # Errors
    /// If it refuses the options, is no preprocessor, or misbehaves.
    pub fn preprocessor(&self, options: &Settings) -> Result<Box<dyn Preprocess>, UseError> {
        Ok(Box::new(self.as_preprocessor()?.instance(self.sandbox(), options)?))
    }

    fn as_kpi(&self) -> Result<&KpiComponent, UseError> {
        match &self.inner {
            Inner::Kpi(component) => Ok(component),
            Inner::Preprocessor(_) => Err(self.wrong_kind(PluginKind::Kpi)),
        }
    }

    fn as_preprocessor(&self) -> Result<&PreprocessorComponent, UseError> {
        match &self.inner {
            Inner::Preprocessor(component) => Ok(component),
            Inner::Kpi(_) => Err(self.wrong_kind(PluginKind::Preprocessor)),
        }
    }

    fn wrong_kind(&self, wanted: PluginKind) -> UseError {
        UseError::Kind { label: self.label.to_string(), is: self.kind(), wanted }
    }

    fn sandbox(&self) -> Sandbox {
        Sandbox::new(&self.engine, self.limits, &self.label)
    }
}
