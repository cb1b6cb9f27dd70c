//! `#[derive(Inputs)]`: a struct of typed fields → the columns to ask for, and one row of them.

use crate::fields::{hidden, named, text, unknown};
use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{DeriveInput, Error, GenericParam, Lifetime, Result};

pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let fields = named(input)?;
    let paths = fields
        .iter()
        .map(|field| {
            let mut path = field.name();
            field.each("input", |meta| {
                if !meta.path.is_ident("path") {
                    return Err(unknown(&meta, "`path = \"items[].unit_price\"`"));
                }
                path = text(&meta)?;
                Ok(())
            })?;
            Ok(path)
        })
        .collect::<Result<Vec<_>>>()?;
    let (lifetime, arguments) = lifetime(input)?;
    let name = &input.ident;
    let (idents, types): (Vec<_>, Vec<_>) = fields.iter().map(|field| (field.ident, field.ty)).unzip();
    let (count, places) = (idents.len(), 0..idents.len());
    let view = quote!(<#name #arguments as weir::Inputs<#lifetime>>);
    Ok(hidden(quote! {
        pub struct Views<#lifetime> {
            __borrowed: ::core::marker::PhantomData<&#lifetime ()>,
            #(pub #idents: <#types as weir::FromColumn<#lifetime>>::View,)*
        }

        #[automatically_derived]
        impl<#lifetime> weir::Inputs<#lifetime> for #name #arguments {
            type Views = Views<#lifetime>;

            fn describe() -> ::std::vec::Vec<weir::Input> {
                ::std::vec![#(weir::Input {
                    path: #paths.to_owned(),
                    type_: <#types as weir::FromColumn<#lifetime>>::TYPE,
                    nullable: <#types as weir::FromColumn<#lifetime>>::NULLABLE,
                },)*]
            }

            #[inline]
            fn open(columns: &[weir::ColumnRef<#lifetime>], rows: usize) -> ::core::result::Result<#view::Views, weir::Failure> {
                weir::column_count(columns.len(), #count)?;
                ::core::result::Result::Ok(Views {
                    __borrowed: ::core::marker::PhantomData,
                    #(#idents: <#types as weir::FromColumn<#lifetime>>::open(columns[#places], rows).map_err(|mismatch| mismatch.failure(#paths))?,)*
                })
            }

            #[inline(always)]
            fn row(views: &#view::Views, row: usize) -> Self {
                Self { #(#idents: <#types as weir::FromColumn<#lifetime>>::get(&views.#idents, row),)* }
            }
        }
    }))
}

/// The struct's own lifetime, or one of ours; and the struct's arguments.
fn lifetime(input: &DeriveInput) -> Result<(Lifetime, TokenStream)> {
    let mut params = input.generics.params.iter();
    match (params.next(), params.next()) {
        (None, _) => Ok((Lifetime::new("'column", Span::call_site()), TokenStream::new())),
        (Some(GenericParam::Lifetime(param)), None) => {
            let lifetime = param.lifetime.clone();
            Ok((lifetime.clone(), quote!(<#lifetime>)))
        }
        _ => {
            Err(Error::new_spanned(&input.generics, "inputs take at most one parameter, a lifetime: `struct Row<'a>`"))
        }
    }
}
