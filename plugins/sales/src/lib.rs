//! The KPI `sales`: how many invoices, what they come to, how many are returns, what one is worth.
//!
//! Whole numbers and decimals only until the last step, so that the results do not depend on order or parallelism; each quotient
//! is the double nearest to the exact one.

use std::ops::Range;
use weir_plugin::column::run;
use weir_plugin::prelude::*;

/// What an invoice brings, as `order-totals` made it.
#[derive(Inputs)]
pub struct Invoice {
    total_cost: Decimal,
    is_order: bool,
    is_return: bool,
}

/// The invoices of a window: how many of which kind, and what they come to.
#[derive(Debug, Clone, Default, PartialEq, State)]
pub struct Sales {
    orders: u64,
    returns: u64,
    volume: DecimalSum,
}

/// The row of a window.
#[derive(Debug, PartialEq, Outputs)]
pub struct SalesRow {
    /// Invoices in the window, orders and returns; with windows of a minute, per minute.
    #[output(name = "OPM", unit = "invoices", additive)]
    opm: i64,
    /// Orders less returns, exactly.
    #[output(additive)]
    total_sale_volume: Decimal,
    /// Returns divided by invoices.
    #[output(unit = "1")]
    rate_of_return: f64,
    /// Volume divided by invoices.
    average_transaction_size: f64,
}

const TOO_MANY: &str = "more invoices than a 64-bit number counts";

impl Kpi for Sales {
    const NAME: &'static str = "sales";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "Invoices per window, their volume, the rate of returns and the average size.";

    type Options = ();
    type Input<'a> = Invoice;
    type Rows = Option<SalesRow>;

    fn update(&mut self, invoice: Invoice, _: &()) -> Result<(), Reason> {
        self.orders = self.orders.checked_add(invoice.is_order.into()).ok_or(TOO_MANY)?;
        self.returns = self.returns.checked_add(invoice.is_return.into()).ok_or(TOO_MANY)?;
        self.volume.add(invoice.total_cost)
    }

    const FOLDS_RUNS: bool = true;

    fn update_run<'a>(&mut self, invoices: &<Invoice as Inputs<'a>>::Views, rows: Range<usize>, _: &()) -> bool {
        let orders = self.orders.checked_add(run::ones(invoices.is_order, rows.clone()));
        let returns = self.returns.checked_add(run::ones(invoices.is_return, rows.clone()));
        let (Some(orders), Some(returns), Some(cost)) = (orders, returns, run::sum(&invoices.total_cost, rows)) else {
            return false;
        };
        // A sum that can't take the cost is left as it was.
        if self.volume.add(cost).is_err() {
            return false;
        }
        (self.orders, self.returns) = (orders, returns);
        true
    }

    fn merge(&mut self, other: &Self, _: &()) -> Result<(), Reason> {
        self.orders = self.orders.checked_add(other.orders).ok_or(TOO_MANY)?;
        self.returns = self.returns.checked_add(other.returns).ok_or(TOO_MANY)?;
        self.volume.merge(&other.volume)
    }

    fn evaluate(&self, _window: Window, _: &()) -> Result<Option<SalesRow>, Reason> {
        let invoices = self.orders.checked_add(self.returns).ok_or(TOO_MANY)?;
        let rate = ratio_to_f64(self.returns.into(), invoices.into());
        let average = self.volume.ratio_to_f64(invoices)?;
        let (Some(rate_of_return), Some(average_transaction_size)) = (rate, average) else {
            return Ok(None);
        };
        Ok(Some(SalesRow {
            opm: i64::try_from(invoices).map_err(|_| TOO_MANY)?,
            total_sale_volume: self.volume.to_decimal()?,
            rate_of_return,
            average_transaction_size,
        }))
    }
}

weir_plugin::export_kpi!(Sales);

#[cfg(test)]
mod tests;
