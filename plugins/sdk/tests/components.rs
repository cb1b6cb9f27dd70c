//! Plugins built as components: they import nothing and export their world.

// Helpers of tests may unwrap too.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::Command;
use wit_component::{ComponentEncoder, WitPrinter, decode};

/// Builds a plugin of this workspace for WebAssembly and gives the core module.
fn module(package: &str) -> Vec<u8> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    // The workspace's own, so that the derives are not built twice.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("..");
    let built = Command::new(env!("CARGO"))
        .args([
            "build",
            // Debug information is most of a module, and the encoder reads every byte of it.
            "--config",
            "profile.dev.strip=\"debuginfo\"",
            "--target",
            "wasm32-unknown-unknown",
            "--package",
            package,
        ])
        .current_dir(root)
        .status()
        .unwrap();
    assert!(built.success(), "building {package}");
    let file = format!("wasm32-unknown-unknown/debug/{}.wasm", package.replace('-', "_"));
    std::fs::read(target.join(file)).unwrap()
}

/// The world of a plugin's component, as WIT.
fn world(package: &str) -> String {
    let encoder = ComponentEncoder::default().module(&module(package)).unwrap();
    let component = encoder.validate(true).encode().unwrap();
    let decoded = decode(&component).unwrap();
    let mut printer = WitPrinter::default();
    printer.print(decoded.resolve(), decoded.package(), &[]).unwrap();
    printer.output.to_string()
}

#[test]
fn components_import_nothing_and_export_one_world() {
    for (package, export) in [
        ("sales", "export weir:plugin/aggregation@0.1.0;"),
        ("f64-sum", "export weir:plugin/aggregation@0.1.0;"),
        ("order-totals", "export weir:plugin/preprocessing@0.1.0;"),
    ] {
        let world = world(package);
        assert!(!world.contains("import"), "{package}: {world}");
        let exports = world.lines().filter(|line| line.contains("export")).map(str::trim).collect::<Vec<_>>();
        assert_eq!(exports, ["export weir:plugin/types@0.1.0;", export], "{package}");
    }
}
