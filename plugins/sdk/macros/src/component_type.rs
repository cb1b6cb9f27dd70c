//! `component_type!("kpi")`: the custom section by which a core module says which world it implements.
//!
//! wit-bindgen's own section would name a world with both interfaces, and wit-component would then ask every KPI for the
//! preprocessor's functions. Knows the WIT files and nothing of Rust types.

use proc_macro2::{Literal, Span, TokenStream};
use quote::quote;
use syn::{Error, LitStr, Result};
use wit_component::{StringEncoding, metadata};
use wit_parser::{Resolve, SourceMap};

/// The contract, compiled in: macros run in the author's crate, from where no path leads to it.
const SOURCES: [(&str, &str); 3] = [
    ("types.wit", include_str!("../../../../wit/v0.1/types.wit")),
    ("kpi.wit", include_str!("../../../../wit/v0.1/kpi.wit")),
    ("preprocessor.wit", include_str!("../../../../wit/v0.1/preprocessor.wit")),
];

pub(crate) fn expand(world: &LitStr) -> Result<TokenStream> {
    let bytes = encoded(&world.value()).map_err(|e| Error::new(world.span(), e))?;
    let length = bytes.len();
    let bytes = Literal::byte_string(&bytes);
    let section = LitStr::new(&format!("component-type:weir-plugin:{}", world.value()), Span::call_site());
    Ok(quote! {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            #[unsafe(link_section = #section)]
            #[used]
            static COMPONENT_TYPE: [u8; #length] = *#bytes;
        };
    })
}

fn encoded(world: &str) -> std::result::Result<Vec<u8>, String> {
    let mut map = SourceMap::default();
    for (name, text) in SOURCES {
        map.push_str(name, text);
    }
    let group = map.parse().map_err(|(_, e)| e.to_string())?;
    let mut resolve = Resolve::default();
    let package = resolve.push_group(group).map_err(|e| e.to_string())?;
    let world = resolve.select_world(&[package], Some(world)).map_err(|e| e.to_string())?;
    metadata::encode(&resolve, world, StringEncoding::UTF8, None).map_err(|e| e.to_string())
}
