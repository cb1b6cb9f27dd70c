//! What all derives need: the named fields of a struct, and the keys of an attribute on each.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::meta::ParseNestedMeta;
use syn::{Attribute, Data, DeriveInput, Error, Expr, ExprLit, Field, Fields, Ident, Lit, LitStr, Meta, Result, Type};

/// A field of a derived struct.
pub(crate) struct Named<'a> {
    pub(crate) ident: &'a Ident,
    pub(crate) ty: &'a Type,
    pub(crate) attrs: &'a [Attribute],
}

impl Named<'_> {
    /// The name as an author would say it: without `r#`.
    pub(crate) fn name(&self) -> String {
        self.ident.unraw().to_string()
    }

    /// Calls `key` for each entry of `#[attribute(…)]` on this field.
    pub(crate) fn each(&self, attribute: &str, mut key: impl FnMut(ParseNestedMeta<'_>) -> Result<()>) -> Result<()> {
        let mut ours = self.attrs.iter().filter(|attr| attr.path().is_ident(attribute));
        ours.try_for_each(|attr| attr.parse_nested_meta(&mut key))
    }

    /// The doc comment on one line.
    pub(crate) fn docs(&self) -> String {
        let lines = self.attrs.iter().filter_map(|attr| match &attr.meta {
            Meta::NameValue(meta) if meta.path.is_ident("doc") => match &meta.value {
                Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value().trim().to_owned()),
                _ => None,
            },
            _ => None,
        });
        lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
    }
}

/// The named fields of a struct.
pub(crate) fn named(input: &DeriveInput) -> Result<Vec<Named<'_>>> {
    let wrong = || Error::new_spanned(&input.ident, "derive this for a struct with named fields");
    let Data::Struct(data) = &input.data else {
        return Err(wrong());
    };
    let fields = match &data.fields {
        Fields::Named(fields) => fields,
        _ => return Err(wrong()),
    };
    fields
        .named
        .iter()
        .map(|field: &Field| match &field.ident {
            Some(ident) => Ok(Named { ident, ty: &field.ty, attrs: &field.attrs }),
            None => Err(wrong()),
        })
        .collect()
}

/// The text of `key = "text"`.
pub(crate) fn text(meta: &ParseNestedMeta<'_>) -> Result<String> {
    Ok(meta.value()?.parse::<LitStr>()?.value())
}

/// An error for a key that is not one of `known`.
pub(crate) fn unknown(meta: &ParseNestedMeta<'_>, known: &str) -> Error {
    meta.error(format!("unknown key `{}`; write {known}", meta.path.to_token_stream()))
}

/// Refuses generic types: a component has one type, and a lifetime is all that inputs need.
pub(crate) fn no_generics(input: &DeriveInput) -> Result<()> {
    match input.generics.params.is_empty() {
        true => Ok(()),
        false => Err(Error::new_spanned(&input.generics, "derive this for a struct without generics")),
    }
}

/// Hides what a derive writes, so that its names meet nobody else's.
pub(crate) fn hidden(items: TokenStream) -> TokenStream {
    quote::quote! {
        #[doc(hidden)]
        #[allow(clippy::all, missing_docs, unused_qualifications, non_camel_case_types, dead_code)]
        const _: () = {
            use ::weir_plugin::derived as weir;
            #items
        };
    }
}
