//! Types generated from `wit/v0.1`: columns go out as borrowed slices and come back as owned lists, both copied as blocks.
//!
//! Nothing but the macros stands here; no other room, and nothing outside `v0_1`, names these types.
#![allow(missing_docs, unused_qualifications, dead_code, clippy::all)]

mod aggregation_world {
    wasmtime::component::bindgen!({
        path: "../wit/v0.1",
        world: "weir:plugin/kpi",
        ownership: Borrowing { duplicate_if_necessary: true },
    });
}

mod preprocessing_world {
    wasmtime::component::bindgen!({
        path: "../wit/v0.1",
        world: "weir:plugin/preprocessor",
        ownership: Borrowing { duplicate_if_necessary: true },
        with: { "weir:plugin/types": super::aggregation_world::weir::plugin::types },
    });
}

pub(super) use aggregation_world::exports::weir::plugin::aggregation;
pub(super) use aggregation_world::weir::plugin::types;
pub(super) use aggregation_world::{Kpi as KpiWorld, KpiPre};
pub(super) use preprocessing_world::exports::weir::plugin::preprocessing;
pub(super) use preprocessing_world::{Preprocessor as PreprocessorWorld, PreprocessorPre};
