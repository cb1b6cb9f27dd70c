//! Evil guests, one per limit and on both sides of it: what a bad plugin gets, and that the next instance works.

use arrow_array::{Array, ArrayRef, Float64Array, Int64Array, StringArray};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use weir::plugin::{
    BuildOptions, Built, CompileMode, Host, Limits, Plugin, Setting, UseError, build,
};
use weir_core::plugin::{Kpi, PluginError, PluginErrorKind};

fn guest(name: &str) -> Built {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("../guests");
    let options = BuildOptions {
        out: Some(target.join("components")),
        target_dir: Some(target),
        locked: true,
    };
    build(&root.join("tests/guests").join(name), &options).expect("the guest builds")
}

static HOST: LazyLock<Host> = LazyLock::new(|| Host::new(CompileMode::InProcess, None));
static EVIL: LazyLock<Vec<u8>> =
    LazyLock::new(|| std::fs::read(guest("evil").path).expect("built"));
/// Opened once: compiling takes a while in a debug build.
static PLUGIN: LazyLock<Plugin> = LazyLock::new(|| open(Limits::default()));

fn open(limits: Limits) -> Plugin {
    HOST.open("evil", &EVIL, limits).expect("opens")
}

fn options(mode: &str, call: &str, amount: i64) -> Vec<(String, Setting)> {
    vec![
        ("mode".into(), Setting::Text(mode.into())),
        ("in".into(), Setting::Text(call.into())),
        ("amount".into(), Setting::Int64(amount)),
    ]
}

fn column(values: &[f64]) -> ArrayRef {
    Arc::new(Float64Array::from(values.to_vec()))
}

fn update(kpi: &mut dyn Kpi) -> Result<(), PluginError> {
    kpi.update(&[0, 1, 0], &[column(&[1.0, 2.0, 4.0])])
}

#[test]
fn an_honest_kpi_folds_merges_and_evaluates() {
    let mut kpi = PLUGIN.kpi(&options("none", "update", 0)).expect("instance");
    update(kpi.as_mut()).expect("update");
    let nulls: ArrayRef = Arc::new(Float64Array::from(vec![Some(8.0), None]));
    kpi.update(&[1, 1], &[nulls]).expect("update with a null");
    let state = kpi.state(&[0, 1]).expect("state");
    kpi.merge(&[2, 2], &state).expect("merge");
    let rows = kpi
        .evaluate(&[0, 1, 2, 7], &[0; 4], &[60; 4])
        .expect("evaluate");
    assert_eq!(rows.places, [0, 1, 2, 3]);
    let sums: &Float64Array = rows.columns[0].as_any().downcast_ref().expect("floats");
    assert_eq!(sums.values().to_vec(), [5.0, 10.0, 15.0, 0.0]);
    let counts: &Int64Array = rows.columns[1].as_any().downcast_ref().expect("ints");
    assert_eq!(counts.values().to_vec(), [2, 2, 4, 0]);
    let labels: &StringArray = rows.columns[2].as_any().downcast_ref().expect("texts");
    assert_eq!(
        labels.iter().flatten().collect::<Vec<_>>(),
        ["n=2", "n=2", "n=4", "n=0"]
    );
    kpi.clear(&[2]).expect("clear");
    assert_eq!(
        kpi.evaluate(&[2], &[0], &[60]).expect("evaluate").columns[1].as_ref(),
        &Int64Array::from(vec![0]) as &dyn Array
    );
    let cost = kpi.cost();
    assert!(cost.fuel > 0 && cost.nanos > 0);
    assert_eq!(
        (cost.rows, cost.calls),
        (5, 10),
        "start, describe, create and seven calls"
    );
}
