//! Group keys: the values of the `by` columns of a row.

use std::sync::Arc;

/// One value of a group key. The order is the order of rows in every sink: null first, then by value; texts by their bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyValue {
    /// A null is a group of its own.
    Null,
    /// False before true.
    Boolean(bool),
    /// Int64.
    Int64(i64),
    /// A float64's bits, mapped so that whole order is numeric order (`-0.0` is made `0.0` first).
    Float64(u64),
    /// Mantissa and scale; one column has one scale.
    Decimal(i64, u8),
    /// Microseconds since the epoch.
    Timestamp(i64),
    /// UTF-8.
    Text(Arc<str>),
}

/// The values of the `by` columns, in the order of the pipeline file; empty for a global KPI.
pub type GroupKey = Arc<[KeyValue]>;

impl KeyValue {
    /// The key of a float64: numeric order, one zero, one NaN (above all numbers).
    pub fn from_f64(value: f64) -> Self {
        let plain = if value == 0.0 { 0.0 } else { value };
        let bits = if plain.is_nan() { f64::NAN.to_bits() } else { plain.to_bits() };
        Self::Float64(if bits & SIGN == 0 { bits | SIGN } else { !bits })
    }

    /// The number of a `Float64` key; `None` for other types.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Float64(mapped) if mapped & SIGN != 0 => Some(f64::from_bits(mapped & !SIGN)),
            Self::Float64(mapped) => Some(f64::from_bits(!mapped)),
            _ => None,
        }
    }
}

/// The sign bit of a float64.
const SIGN: u64 = 1 << 63;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn float_keys_are_in_numeric_order_and_read_back() {
        let rising = [f64::NEG_INFINITY, -1e300, -1.5, -f64::MIN_POSITIVE, 0.0, f64::MIN_POSITIVE, 2.0, f64::INFINITY];
        let keys: Vec<KeyValue> = rising.iter().map(|&f| KeyValue::from_f64(f)).collect();
        assert!(keys.is_sorted());
        for (key, number) in keys.iter().zip(rising) {
            assert_eq!(key.as_f64(), Some(number));
        }
        assert_eq!(KeyValue::from_f64(-0.0), KeyValue::from_f64(0.0));
        assert_eq!(KeyValue::from_f64(f64::NAN), KeyValue::from_f64(-f64::NAN));
    }
}
