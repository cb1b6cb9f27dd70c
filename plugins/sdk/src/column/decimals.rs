//! Decimals being written to one column, whose scale they must share.

use crate::bindings::exports::weir::plugin::types::{Decimals, Values};
use crate::number::Decimal;
use crate::reason::Reason;

/// Decimals as they came, each with its own scale; brought to one at the end.
#[derive(Debug, Clone, Default)]
pub struct DecimalBuilder {
    values: Vec<Decimal>,
    /// The largest scale so far, where there is a value.
    scale: Option<u8>,
    /// Whether values had different scales.
    mixed: bool,
}

impl DecimalBuilder {
    #[inline]
    pub(super) fn push(&mut self, value: Decimal) {
        self.mixed |= self.scale.is_some_and(|scale| scale != value.scale());
        self.scale = self.scale.max(Some(value.scale()));
        self.values.push(value);
    }

    /// A place that means nothing; it takes no part in the choice of a scale.
    pub(super) fn nothing(&mut self) {
        self.values.push(Decimal::ZERO);
    }

    pub(super) fn finish(self) -> Result<Values, (usize, Reason)> {
        let scale = self.scale.unwrap_or(0);
        if !self.mixed {
            let mantissas = self.values.iter().map(|value| value.mantissa()).collect();
            return Ok(Values::Decimal(Decimals { scale, mantissas }));
        }
        // First the largest scale that was given; where that does not fit, the least that keeps every digit.
        at_scale(&self.values, scale)
            .or_else(|_| at_scale(&self.values, least_scale(&self.values)))
            .map(Values::Decimal)
    }
}

fn at_scale(values: &[Decimal], scale: u8) -> Result<Decimals, (usize, Reason)> {
    let mut mantissas = Vec::with_capacity(values.len());
    for (row, value) in values.iter().enumerate() {
        let value = value.rescaled(scale).ok_or_else(|| {
            (
                row,
                Reason::from(format!(
                    "{value} does not fit 64 bits at the scale {scale} that other rows of the column need"
                )),
            )
        })?;
        mantissas.push(value.mantissa());
    }
    Ok(Decimals { scale, mantissas })
}

/// The least scale at which every value keeps all its digits.
fn least_scale(values: &[Decimal]) -> u8 {
    let needed =
        |value: &Decimal| (0..value.scale()).find(|scale| value.rescaled(*scale).is_some()).unwrap_or(value.scale());
    values.iter().map(needed).max().unwrap_or(0)
}
