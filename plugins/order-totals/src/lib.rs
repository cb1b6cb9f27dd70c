//! The preprocessor `order-totals`: what an invoice comes to, from its items.
//!
//! Exact decimals throughout. An invoice of which the total can't be told, or not trusted, is rejected with the reason.

use std::ops::Range;
use weir_plugin::column::whole;
use weir_plugin::prelude::*;

/// What an invoice brings. `type` is a word of Rust, hence `kind`.
#[derive(Inputs)]
pub struct Invoice<'a> {
    #[input(path = "type")]
    kind: Option<&'a str>,
    #[input(path = "items[].unit_price")]
    prices: Option<List<'a, Option<Decimal>>>,
    #[input(path = "items[].quantity")]
    quantities: Option<List<'a, Option<i64>>>,
}

/// What is added to an invoice.
#[derive(Debug, PartialEq, Outputs)]
pub struct Totals {
    /// Sum of unit price × quantity over the items; its negation for a return.
    total_cost: Decimal,
    /// Sum of the quantities; not negated for a return.
    total_items: i64,
    /// Whether the type is ORDER.
    is_order: bool,
    /// Whether the type is RETURN.
    is_return: bool,
}

/// The preprocessor; it has no options.
pub struct OrderTotals;

impl Preprocessor for OrderTotals {
    const NAME: &'static str = "order-totals";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "Totals of an invoice from its items, negative for a return.";

    type Options = ();
    type Input<'a> = Invoice<'a>;
    type Output = Totals;

    fn new((): ()) -> Result<Self, String> {
        Ok(Self)
    }

    fn process(&self, invoice: Invoice<'_>) -> Result<Verdict<Totals>, Reason> {
        let is_return = is_return(invoice.kind)?;
        let (cost, total_items) = sums(invoice.prices, invoice.quantities)?;
        let total_cost = if is_return { cost.try_neg()? } else { cost };
        Ok(Verdict::Keep(Totals { total_cost, total_items, is_order: !is_return, is_return }))
    }

    /// The same for invoices as they should be: sums over all items of a block, and no branch an invoice.
    fn process_block<'a>(
        &self,
        invoices: &<Invoice<'a> as Inputs<'a>>::Views,
        rows: Range<usize>,
        outputs: &mut <Totals as Outputs>::Builders,
    ) -> bool {
        let Some(orders) = whole::either(&invoices.kind, rows.clone(), "ORDER", "RETURN") else { return false };
        let Some(mut totals) = whole::totals(&invoices.prices, &invoices.quantities, rows.clone()) else {
            return false;
        };
        whole::negate_unless(&orders, &mut totals.products);
        let returns: Vec<u8> = orders.iter().map(|byte| !byte).collect();
        outputs.total_cost.extend(totals.scale, &totals.products);
        outputs.total_items.extend_from_slice(&totals.quantities);
        outputs.is_order.extend(&orders, rows.len());
        outputs.is_return.extend(&returns, rows.len());
        true
    }
}

fn is_return(kind: Option<&str>) -> Result<bool, Reason> {
    match kind {
        Some("ORDER") => Ok(false),
        Some("RETURN") => Ok(true),
        Some(other) => Err(format!("unknown type {other:?}: neither ORDER nor RETURN").into()),
        None => Err("no type: neither ORDER nor RETURN".into()),
    }
}

/// Cost and number of items; both exact.
fn sums(
    prices: Option<List<'_, Option<Decimal>>>,
    quantities: Option<List<'_, Option<i64>>>,
) -> Result<(Decimal, i64), Reason> {
    let items = prices.map_or(0, |list| list.len()).max(quantities.map_or(0, |list| list.len()));
    if items == 0 {
        return Err("no items".into());
    }
    let (mut cost, mut total_items) = (DecimalSum::default(), 0_i128);
    for item in 0..items {
        let price = prices.and_then(|list| list.get(item)?).ok_or_else(|| lacks(item, "unit_price"))?;
        let quantity = quantities.and_then(|list| list.get(item)?).ok_or_else(|| lacks(item, "quantity"))?;
        cost.add_product(price, quantity)?;
        total_items += i128::from(quantity); // at most 2^32 items of 2^63
    }
    let cost = cost.to_decimal().map_err(|reason| reason.within("total_cost"))?;
    let total_items =
        i64::try_from(total_items).map_err(|_| format!("total_items: {total_items} does not fit 64 bits"))?;
    Ok((cost, total_items))
}

#[cold]
fn lacks(item: usize, field: &str) -> Reason {
    format!("items[{item}] lacks {field}").into()
}

weir_plugin::export_preprocessor!(OrderTotals);

#[cfg(test)]
mod tests;
