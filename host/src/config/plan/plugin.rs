//! Plugins, the KPIs that they count, and their limits.

use super::super::units::show_duration;
use super::Place;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// A plugin as named in the file.
#[derive(Debug, Clone)]
pub struct PluginPlan {
    /// What the user wrote: a name, a file (`./x.wasm`), or `name@sha256:<hex>`.
    pub plugin: String,
    /// The same, understood.
    pub reference: PluginReference,
    /// Where it stands.
    pub place: Place,
    /// `options = { … }`.
    pub options: Vec<(String, OptionValue)>,
    /// Where the options stand (the plugin's place if there are none). Options are not secrets: they are shown and recorded.
    pub options_place: Place,
    /// Its limits.
    pub limits: LimitsPlan,
}

/// How a plugin is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PluginReference {
    /// `sales`: looked up in the plugin folders.
    Name(String),
    /// `sales@sha256:<64 hex digits>`: looked up by name, and its digest must be this.
    Pinned {
        /// The name.
        name: String,
        /// Lower-case hex digits.
        sha256: String,
    },
    /// `./x.wasm`, made absolute to the pipeline file's folder.
    File(PathBuf),
}

/// A value of `options`.
#[derive(Debug, Clone, PartialEq)]
pub enum OptionValue {
    /// true, false
    Boolean(bool),
    /// 1
    Int64(i64),
    /// 1.5
    Float64(f64),
    /// "x"
    Text(String),
    /// [1, 2]
    Int64s(Vec<i64>),
    /// [1.5, 2.5]
    Float64s(Vec<f64>),
    /// ["x", "y"]; also the empty list
    Texts(Vec<String>),
}

/// `[[kpi]]`.
#[derive(Debug, Clone)]
pub struct KpiPlan {
    /// Unique in the file.
    pub name: String,
    /// Where the name stands.
    pub name_place: Place,
    /// The plugin.
    pub plugin: PluginPlan,
    /// The group key's columns, with their places.
    pub by: Vec<(String, Place)>,
    /// The window.
    pub window: WindowPlan,
    /// The outputs to write in this order, with their places; `None`: all that the plugin declares.
    pub outputs: Option<Vec<(String, Place)>>,
}

/// `window = "…"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindowPlan {
    /// `tumbling 1m`.
    Tumbling {
        /// Microseconds.
        size_us: i64,
    },
    /// `hopping 10m every 1m`; the hop is at most the size.
    Hopping {
        /// Microseconds.
        size_us: i64,
        /// Microseconds.
        hop_us: i64,
    },
}

impl fmt::Display for WindowPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Tumbling { size_us } => write!(f, "tumbling {}", show_duration(size_us)),
            Self::Hopping { size_us, hop_us } => {
                write!(f, "hopping {} every {}", show_duration(size_us), show_duration(hop_us))
            }
        }
    }
}

/// `[limits]`, with a `[[kpi]]`'s or `[[preprocess]]`'s own on top.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitsPlan {
    /// Linear memory of an instance.
    pub memory_bytes_max: u64,
    /// Fuel of a call: this much for each row …
    pub fuel_per_row_max: u64,
    /// … and this much for the call itself.
    pub fuel_per_call_max: u64,
    /// Wall time of a call.
    pub deadline: Duration,
    /// Bytes that a call may return.
    pub result_bytes_max: u64,
    /// WASM stack.
    pub stack_bytes_max: u64,
    /// Live resource handles.
    pub handles_max: u32,
    /// The component file.
    pub component_bytes_max: u64,
}
