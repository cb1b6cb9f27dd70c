//! The types and export glue that wit-bindgen makes from `wit/v0.1`.
//!
//! One world with both interfaces, so that both share one set of Rust types; what a component says of itself is the world
//! `kpi` or `preprocessor` alone (see `component_type!` in the macros). Only `export` and the column types look in here.
#![allow(missing_docs, clippy::all, unused_qualifications)]

wit_bindgen::generate!({
    inline: "
        package weir:sdk;
        world sdk {
            export weir:plugin/types@0.1.0;
            export weir:plugin/aggregation@0.1.0;
            export weir:plugin/preprocessing@0.1.0;
        }
    ",
    path: "../../wit/v0.1",
    runtime_path: "::weir_plugin::rt",
    pub_export_macro: true,
    export_macro_name: "__export_both",
    additional_derives: [PartialEq],
});
