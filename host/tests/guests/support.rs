//! Guests, built and opened once for all tests.

use arrow_array::{ArrayRef, Float64Array};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use weir::plugin::{BuildOptions, Cache, CompileMode, Host, Limits, Plugin, Setting, UseError, build};
use weir_core::plugin::{Kpi, PluginError};

pub fn target() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("../guests");
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// Builds a guest of `tests/guests`, or takes what cargo built before.
pub fn guest(name: &str) -> Vec<u8> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let options = BuildOptions { out: Some(target().join("components")), target_dir: Some(target()), locked: true };
    let built = build(&root.join("tests/guests").join(name), &options).expect("the guest builds");
    std::fs::read(built.path).expect("built")
}

/// Compiles here, and keeps the code over test runs: compiling takes a while in a debug build.
pub static HOST: LazyLock<Host> = LazyLock::new(|| {
    let cache = Cache::at(&target().join("cache")).expect("a private folder");
    Host::new(CompileMode::InProcess, Some(cache))
});
pub static EVIL: LazyLock<Vec<u8>> = LazyLock::new(|| guest("evil"));

pub fn open(limits: Limits) -> Plugin {
    HOST.open("evil", &EVIL, limits).expect("opens")
}

/// Options of the guest `evil`.
pub fn options(mode: &str, call: &str, amount: u64) -> Vec<(String, Setting)> {
    vec![
        ("mode".into(), Setting::Text(mode.into())),
        ("in".into(), Setting::Text(call.into())),
        ("amount".into(), Setting::Int64(amount as i64)),
    ]
}

pub fn kpi(plugin: &Plugin, mode: &str, call: &str, amount: u64) -> Box<dyn Kpi> {
    plugin.kpi(&options(mode, call, amount)).expect("an instance")
}

/// Three rows into two slots.
pub fn update(kpi: &mut dyn Kpi) -> Result<(), PluginError> {
    let column: ArrayRef = Arc::new(Float64Array::from(vec![1.0, 2.0, 4.0]));
    kpi.update(&[0, 1, 0], &[column])
}

/// The error of an instance that should not have come about.
pub fn error_of<T>(made: Result<T, UseError>) -> UseError {
    made.err().expect("refused")
}

/// The instance is done for, and only that one.
#[track_caller]
pub fn assert_quarantined(kpi: &mut dyn Kpi, limits: Limits) {
    let error = update(kpi).expect_err("a failed instance answers");
    assert!(error.reason.contains("failed before"), "{}", error.reason);
    let mut other = self::kpi(&open(limits), "none", "update", 0);
    update(other.as_mut()).expect("another instance of the same plugin works");
}
