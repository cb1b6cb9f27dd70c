//! `#[derive(State)]`: a struct whose fields' columns stand side by side.

use crate::fields::{hidden, named, no_generics};
use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, Result};

pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    no_generics(input)?;
    let fields = named(input)?;
    let name = &input.ident;
    let (idents, types): (Vec<_>, Vec<_>) = fields.iter().map(|field| (field.ident, field.ty)).unzip();
    let result = quote!(::core::result::Result);
    Ok(hidden(quote! {
        #[derive(Default)]
        pub struct Builders {
            #(#idents: <#types as weir::StateColumns>::Builders,)*
        }

        pub struct Views<'column> {
            __borrowed: ::core::marker::PhantomData<&'column ()>,
            #(#idents: <#types as weir::StateColumns>::Views<'column>,)*
        }

        #[automatically_derived]
        impl weir::StateColumns for #name {
            type Builders = Builders;
            type Views<'column> = Views<'column>;

            fn describe(types: &mut ::std::vec::Vec<weir::ColumnType>) {
                #(<#types as weir::StateColumns>::describe(types);)*
            }

            fn write(&self, builders: &mut Builders) -> #result<(), weir::Reason> {
                #(weir::StateColumns::write(&self.#idents, &mut builders.#idents)?;)*
                #result::Ok(())
            }

            fn finish(builders: Builders, columns: &mut ::std::vec::Vec<weir::Column>) -> #result<(), (usize, weir::Reason)> {
                #(<#types as weir::StateColumns>::finish(builders.#idents, columns)?;)*
                #result::Ok(())
            }

            fn open<'column>(columns: &mut &[weir::ColumnRef<'column>], rows: usize) -> #result<Views<'column>, weir::Failure> {
                #result::Ok(Views {
                    __borrowed: ::core::marker::PhantomData,
                    #(#idents: <#types as weir::StateColumns>::open(columns, rows)?,)*
                })
            }

            fn read(views: &Views<'_>, row: usize) -> #result<Self, weir::Reason> {
                #result::Ok(Self { #(#idents: <#types as weir::StateColumns>::read(&views.#idents, row)?,)* })
            }
        }
    }))
}
