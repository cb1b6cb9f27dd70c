//! `#[derive(Options)]`: a struct of options → their names, and how they are read.

use crate::fields::{Named, hidden, named, no_generics, unknown};
use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, Expr, GenericArgument, PathArguments, Result, Type};

pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    no_generics(input)?;
    let fields = named(input)?;
    let name = &input.ident;
    let names = fields.iter().map(Named::name);
    let idents = fields.iter().map(|field| field.ident);
    let values = fields.iter().map(value).collect::<Result<Vec<_>>>()?;
    Ok(hidden(quote! {
        #[automatically_derived]
        impl weir::Options for #name {
            const NAMES: &'static [&'static str] = &[#(#names),*];

            fn read(settings: weir::Settings<'_>) -> ::core::result::Result<Self, ::std::string::String> {
                ::core::result::Result::Ok(Self { #(#idents: #values,)* })
            }
        }
    }))
}

/// How a field is read: `Option<T>` may be left out, a default stands in, any other must be given.
fn value(field: &Named<'_>) -> Result<TokenStream> {
    let mut default: Option<Expr> = None;
    field.each("option", |meta| {
        if !meta.path.is_ident("default") {
            return Err(unknown(&meta, "`default = …`"));
        }
        default = Some(meta.value()?.parse()?);
        Ok(())
    })?;
    let (name, ty) = (field.name(), field.ty);
    Ok(match (default, inside_option(ty)) {
        (Some(default), _) => {
            quote!(settings.get::<#ty>(#name)?.unwrap_or_else(|| (#default).into()))
        }
        (None, Some(inner)) => quote!(settings.get::<#inner>(#name)?),
        (None, None) => quote!(settings.required::<#ty>(#name)?),
    })
}

/// `T` of `Option<T>`.
fn inside_option(ty: &Type) -> Option<&Type> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last().filter(|segment| segment.ident == "Option")?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return None;
    };
    match arguments.args.first()? {
        GenericArgument::Type(inner) => Some(inner),
        _ => None,
    }
}
