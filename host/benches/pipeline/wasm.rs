//! The plugins as production has them: components, compiled, with their default limits on.

use super::job::Plugins;
use std::path::Path;
use weir::plugin::{CompileMode, Host, Limits, Plugin};
use weir_core::plugin::{Kpi, KpiDescription, Preprocess};

/// The two components, opened.
pub struct Wasm {
    order_totals: Plugin,
    sales: Plugin,
}

impl Wasm {
    /// Compiles what `cargo xtask plugins` has built.
    pub fn open() -> Self {
        let host = Host::new(CompileMode::InProcess, None);
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../pipelines/plugins");
        let open = |name: &str| {
            let path = folder.join(name).with_extension("wasm");
            host.open_file(name, &path, Limits::default())
                .unwrap_or_else(|error| panic!("{error}; build the plugins with `cargo xtask plugins`"))
        };
        Self { order_totals: open("order-totals"), sales: open("sales") }
    }
}

impl Plugins for Wasm {
    fn order_totals(&self) -> Box<dyn Preprocess> {
        self.order_totals.preprocessor(&[]).expect("an instance")
    }

    fn sales(&self) -> Box<dyn Kpi> {
        self.sales.kpi(&[]).expect("an instance")
    }

    fn sales_description(&self) -> KpiDescription {
        self.sales.describe_kpi(&[]).expect("a description")
    }
}
