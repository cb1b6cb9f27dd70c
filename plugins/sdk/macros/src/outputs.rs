//! `#[derive(Outputs)]`: a struct of typed fields → the columns that a plugin makes, a row at a time.

use crate::fields::{Named, hidden, named, no_generics, text, unknown};
use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, Error, Result};

/// What stands on one field.
struct Output {
    name: String,
    unit: Option<String>,
    description: String,
    additive: bool,
}

pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    no_generics(input)?;
    let fields = named(input)?;
    let outputs = fields.iter().map(output).collect::<Result<Vec<_>>>()?;
    let name = &input.ident;
    let (idents, types): (Vec<_>, Vec<_>) = fields.iter().map(|field| (field.ident, field.ty)).unzip();
    let names = outputs.iter().map(|output| &output.name).collect::<Vec<_>>();
    let units = outputs.iter().map(|output| match &output.unit {
        Some(unit) => quote!(::core::option::Option::Some(#unit.to_owned())),
        None => quote!(::core::option::Option::None),
    });
    let descriptions = outputs.iter().map(|output| &output.description);
    let additive = outputs.iter().map(|output| output.additive);
    let result = quote!(::core::result::Result);
    Ok(hidden(quote! {
        #[derive(Default)]
        pub struct Builders {
            #(pub #idents: <#types as weir::OutputValue>::Builder,)*
        }

        #[automatically_derived]
        impl weir::Outputs for #name {
            type Builders = Builders;

            fn describe() -> ::std::vec::Vec<weir::OutputDescription> {
                ::std::vec![#(weir::OutputDescription {
                    name: #names.to_owned(),
                    column_type: <#types as weir::OutputValue>::TYPE,
                    nullable: <#types as weir::OutputValue>::NULLABLE,
                    unit: #units,
                    description: #descriptions.to_owned(),
                    additive: #additive,
                },)*]
            }

            #[inline]
            fn write(self, builders: &mut Builders) -> #result<(), weir::Reason> {
                #(weir::OutputValue::write(self.#idents, &mut builders.#idents).map_err(|reason| reason.within(#names))?;)*
                #result::Ok(())
            }

            fn nothing(builders: &mut Builders) {
                #(<#types as weir::OutputValue>::nothing(&mut builders.#idents);)*
            }

            fn reserve(builders: &mut Builders, rows: usize) {
                #(<#types as weir::OutputValue>::reserve(&mut builders.#idents, rows);)*
            }

            fn finish(builders: Builders) -> #result<::std::vec::Vec<weir::Column>, (usize, weir::Reason)> {
                #result::Ok(::std::vec![
                    #(<#types as weir::OutputValue>::finish(builders.#idents).map_err(|(row, reason)| (row, reason.within(#names)))?,)*
                ])
            }
        }
    }))
}

fn output(field: &Named<'_>) -> Result<Output> {
    let mut output = Output { name: field.name(), unit: None, description: field.docs(), additive: false };
    field.each("output", |meta| {
        if meta.path.is_ident("name") {
            output.name = text(&meta)?;
        } else if meta.path.is_ident("unit") {
            output.unit = Some(text(&meta)?);
        } else if meta.path.is_ident("description") {
            output.description = text(&meta)?;
        } else if meta.path.is_ident("additive") {
            output.additive = true;
        } else {
            return Err(unknown(&meta, "`name = …`, `unit = …`, `description = …` or `additive`"));
        }
        Ok(())
    })?;
    match output.description.is_empty() {
        true => Err(Error::new_spanned(field.ident, "say what this output is, in a doc comment or `description = …`")),
        false => Ok(output),
    }
}
