//! Types generated from `wit/v0.1`: columns go out as borrowed slices and come back as owned lists, both copied as blocks.
//!
//! Nothing but the macros stands here; no other room, and nothing outside `v0_1`, names these types. The worlds are the host's
//! view of the contract's: without their `export types`, which is there so that components import nothing, and which would give
//! each world types of its own.
#![allow(missing_docs, unused_qualifications, dead_code, clippy::all)]

mod aggregation_world {
    wasmtime::component::bindgen!({
        path: "../wit/v0.1",
        inline: "package weir:host; world kpi { export weir:plugin/aggregation@0.1.0; }",
        world: "weir:host/kpi",
        ownership: Borrowing { duplicate_if_necessary: true },
    });
}

mod preprocessing_world {
    wasmtime::component::bindgen!({
        path: "../wit/v0.1",
        inline: "package weir:host; world preprocessor { export weir:plugin/preprocessing@0.1.0; }",
        world: "weir:host/preprocessor",
        ownership: Borrowing { duplicate_if_necessary: true },
        with: { "weir:plugin/types": super::aggregation_world::weir::plugin::types },
    });
}

pub(super) use aggregation_world::exports::weir::plugin::aggregation;
pub(super) use aggregation_world::weir::plugin::types;
pub(super) use aggregation_world::{Kpi as KpiWorld, KpiPre};
pub(super) use preprocessing_world::exports::weir::plugin::preprocessing;
pub(super) use preprocessing_world::{Preprocessor as PreprocessorWorld, PreprocessorPre};
