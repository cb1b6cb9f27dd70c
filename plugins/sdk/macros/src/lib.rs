//! The derives of `weir-plugin`; use them through its prelude, where the traits are documented.

mod component_type;
mod fields;
mod inputs;
mod options;
mod outputs;
mod state;

use proc_macro::TokenStream;
use syn::{DeriveInput, Error, LitStr, parse_macro_input};

/// What one row brings. A field's name is the column's path; `#[input(path = "items[].unit_price")]` gives another one.
///
/// Types: `bool`, `i64`, `f64`, `Decimal`, `Timestamp`, `&'a str`; `Option` of one where rows may be null; `List<'a, T>` and
/// `List<'a, Option<T>>` for paths through an array, also in an `Option`.
#[proc_macro_derive(Inputs, attributes(input))]
pub fn inputs(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    inputs::expand(&input).unwrap_or_else(Error::into_compile_error).into()
}

/// The columns that a plugin makes. `#[output(name = "OPM", unit = "orders/min", additive)]`; the doc comment is the
/// description.
///
/// Types: `bool`, `i64`, `f64`, `Decimal`, `Timestamp`, `String`, `&'static str`, `Vec` of one for lists; in an `Option` where
/// rows may be null.
#[proc_macro_derive(Outputs, attributes(output))]
pub fn outputs(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    outputs::expand(&input).unwrap_or_else(Error::into_compile_error).into()
}

/// A state that travels as the columns of its fields, side by side.
#[proc_macro_derive(State)]
pub fn state(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    state::expand(&input).unwrap_or_else(Error::into_compile_error).into()
}

/// A plugin's options: a field each, `Option<T>` where one may be left out, `#[option(default = 10)]`.
///
/// Types: `bool`, `i64`, `f64`, `String`, `Vec` of the last three.
#[proc_macro_derive(Options, attributes(option))]
pub fn options(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    options::expand(&input).unwrap_or_else(Error::into_compile_error).into()
}

/// The custom section that names the world a plugin implements; part of `export_kpi!` and `export_preprocessor!`.
#[doc(hidden)]
#[proc_macro]
pub fn component_type(input: TokenStream) -> TokenStream {
    let world = parse_macro_input!(input as LitStr);
    component_type::expand(&world).unwrap_or_else(Error::into_compile_error).into()
}
