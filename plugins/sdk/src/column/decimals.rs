//! Decimals being written to one column, whose scale they must share.

use crate::bindings::exports::weir::plugin::types::{Decimals, Values};
use crate::number::{Decimal, SCALE_MAX};
use crate::reason::Reason;

/// Decimals as they came; brought to one scale at the end, where they have several.
#[derive(Debug, Clone, Default)]
pub struct DecimalBuilder {
    mantissas: Vec<i64>,
    /// The largest scale so far, where there is a value.
    scale: Option<u8>,
    /// The scale of each, once they differ; empty until then.
    scales: Vec<u8>,
}

impl DecimalBuilder {
    #[inline]
    pub(super) fn push(&mut self, value: Decimal) {
        if self.scale != Some(value.scale()) || !self.scales.is_empty() {
            self.meet(value.scale(), 1);
        }
        self.mantissas.push(value.mantissa());
    }

    /// Appends decimals of one scale, which is at most 18.
    pub fn extend(&mut self, scale: u8, mantissas: &[i64]) {
        if !mantissas.is_empty() {
            self.meet(scale.min(SCALE_MAX), mantissas.len());
            self.mantissas.extend_from_slice(mantissas);
        }
    }

    /// Makes ready for values of this scale, which is not that of all before.
    #[cold]
    fn meet(&mut self, scale: u8, values: usize) {
        let differs = self.scale.is_some_and(|known| known != scale);
        if differs && self.scales.is_empty() {
            self.scales.resize(self.mantissas.len(), self.scale.unwrap_or(0));
        }
        if differs || !self.scales.is_empty() {
            self.scales.resize(self.mantissas.len() + values, scale);
        }
        self.scale = self.scale.max(Some(scale));
    }

    /// A place that means nothing; it takes no part in the choice of a scale.
    pub(super) fn nothing(&mut self) {
        if !self.scales.is_empty() {
            self.scales.push(0);
        }
        self.mantissas.push(0);
    }

    pub(super) fn reserve(&mut self, values: usize) {
        self.mantissas.reserve(values);
    }

    pub(super) fn finish(self) -> Result<Values, (usize, Reason)> {
        let scale = self.scale.unwrap_or(0);
        if self.scales.is_empty() {
            return Ok(Values::Decimal(Decimals { scale, mantissas: self.mantissas }));
        }
        let decimal = |(mantissa, scale): (&i64, &u8)| Decimal::unchecked(*mantissa, *scale);
        let values: Vec<Decimal> = self.mantissas.iter().zip(&self.scales).map(decimal).collect();
        // First the largest scale that was given; where that does not fit, the least that keeps every digit.
        at_scale(&values, scale).or_else(|_| at_scale(&values, least_scale(&values))).map(Values::Decimal)
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
