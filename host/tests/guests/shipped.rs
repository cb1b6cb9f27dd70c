//! The plugins that Weir ships: built as a user builds them, inspected, and run in a chain.

use super::support::{HOST, target};
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use std::path::Path;
use weir::plugin::{BuildOptions, Limits, Plugin, PluginKind, build, inspect, render};

fn shipped(name: &str) -> Plugin {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins").join(name);
    let options = BuildOptions { out: Some(target().join("components")), target_dir: Some(target()), locked: true };
    let built = build(&dir, &options).expect("it builds");
    assert_eq!(built.path, target().join("components").join(format!("{name}.wasm")));
    let plugin = HOST.open_file(name, &built.path, Limits::default()).expect("opens");
    assert_eq!((plugin.digest(), plugin.kind()), (built.digest, built.kind));
    plugin
}

#[test]
fn they_build_and_describe_themselves() {
    let text = render(&inspect(&shipped("sales"), &[]).expect("inspected"));
    assert!(text.starts_with("sales ") && text.contains("imports  none"), "{text}");
    assert!(text.contains("OPM") && text.contains("rate_of_return") && text.contains("not additive"), "{text}");
    let plugin = shipped("order-totals");
    assert_eq!(plugin.kind(), PluginKind::Preprocessor);
    let text = render(&inspect(&plugin, &[]).expect("inspected"));
    assert!(text.starts_with("order-totals ") && text.contains("items[].unit_price"), "{text}");
}

#[test]
fn sales_of_nothing() {
    let mut sales = shipped("sales").kpi(&[]).expect("an instance");
    let rows = sales.evaluate(&[0], &[0], &[60_000_000]).expect("evaluated");
    assert!(rows.places.is_empty() || rows.columns[0].as_primitive::<Int64Type>().value(0) == 0);
    assert!(rows.columns[2].as_primitive_opt::<Float64Type>().is_some());
}
