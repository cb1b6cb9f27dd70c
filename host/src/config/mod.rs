//! The pipeline file: text → file → check → plan. The only room that knows TOML.

pub mod plan;
