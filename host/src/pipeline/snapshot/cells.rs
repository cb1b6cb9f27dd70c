//! The bytes of a grouping's keys and cells, which are as many as there are groups: no text, and no allocation but the keys' own.
//!
//! ```text
//! values a key (u32) │ keys (u32) │ each value: tag (u8), payload │ panes (u32) │ each pane: start (i64), refused (u32), cells (u32), keys' places (u32 each)
//! ```
//! Numbers are little-endian; a text has its length (u32) before it.

use std::sync::Arc;
use weir_core::delta::{Cell, Cells};
use weir_core::group::{GroupKey, KeyValue};

const NULL: u8 = 0;
const BOOLEAN: u8 = 1;
const INT64: u8 = 2;
const FLOAT64: u8 = 3;
const DECIMAL: u8 = 4;
const TIMESTAMP: u8 = 5;
const TEXT: u8 = 6;

/// Their bytes.
pub fn encode(cells: &Cells) -> Vec<u8> {
    let values = cells.keys.first().map_or(0, |key| key.len());
    let mut out = Vec::with_capacity(cells.keys.len() * (values * 16 + 4) + cells.cells.len() * 4 + 64);
    push_len(&mut out, values);
    push_len(&mut out, cells.keys.len());
    cells.keys.iter().flat_map(|key| key.iter()).for_each(|value| push_value(&mut out, value));
    let panes = || cells.cells.chunk_by(|a, b| (a.pane_us, a.refused) == (b.pane_us, b.refused));
    push_len(&mut out, panes().count());
    for pane in panes() {
        out.extend_from_slice(&pane[0].pane_us.to_le_bytes());
        out.extend_from_slice(&pane[0].refused.to_le_bytes());
        push_len(&mut out, pane.len());
        pane.iter().for_each(|cell| out.extend_from_slice(&cell.key.to_le_bytes()));
    }
    out
}

/// What the bytes say. That cells name keys that are there, the closer checks.
pub fn decode(bytes: &[u8]) -> Result<Cells, &'static str> {
    let mut reader = Reader(bytes);
    let (values, keys) = (reader.u32()?, reader.u32()?);
    let mut cells = Cells::default();
    for _ in 0..keys {
        let key: GroupKey = (0..values).map(|_| reader.value()).collect::<Result<_, _>>()?;
        cells.keys.push(key);
        if values == 0 && keys > 1 {
            return Err("keys without values");
        }
    }
    for _ in 0..reader.u32()? {
        let (pane_us, refused, count) = (i64::from_le_bytes(reader.array()?), reader.u32()?, reader.u32()?);
        for _ in 0..count {
            cells.cells.push(Cell { pane_us, refused, key: reader.u32()? });
        }
    }
    if reader.0.is_empty() { Ok(cells) } else { Err("bytes behind the cells") }
}

fn push_len(out: &mut Vec<u8>, len: usize) {
    // Slots and keys have numbers of 32 bits in the core.
    out.extend_from_slice(&(len as u32).to_le_bytes());
}

fn push_value(out: &mut Vec<u8>, value: &KeyValue) {
    match value {
        KeyValue::Null => out.push(NULL),
        KeyValue::Boolean(value) => out.extend_from_slice(&[BOOLEAN, u8::from(*value)]),
        KeyValue::Int64(value) => push_word(out, INT64, value.to_le_bytes()),
        KeyValue::Float64(bits) => push_word(out, FLOAT64, bits.to_le_bytes()),
        KeyValue::Decimal(mantissa, scale) => {
            push_word(out, DECIMAL, mantissa.to_le_bytes());
            out.push(*scale);
        }
        KeyValue::Timestamp(us) => push_word(out, TIMESTAMP, us.to_le_bytes()),
        KeyValue::Text(text) => {
            out.push(TEXT);
            push_len(out, text.len());
            out.extend_from_slice(text.as_bytes());
        }
    }
}

fn push_word(out: &mut Vec<u8>, tag: u8, word: [u8; 8]) {
    out.push(tag);
    out.extend_from_slice(&word);
}

/// What is left to read. Nothing is reserved by what the bytes claim.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], &'static str> {
        let (head, rest) = self.0.split_at_checked(len).ok_or("the cells end too early")?;
        self.0 = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], &'static str> {
        let (head, rest) = self.0.split_first_chunk().ok_or("the cells end too early")?;
        self.0 = rest;
        Ok(*head)
    }

    fn u32(&mut self) -> Result<u32, &'static str> {
        self.array().map(u32::from_le_bytes)
    }

    fn value(&mut self) -> Result<KeyValue, &'static str> {
        let [tag] = self.array()?;
        Ok(match tag {
            NULL => KeyValue::Null,
            BOOLEAN => KeyValue::Boolean(self.array::<1>()? != [0]),
            INT64 => KeyValue::Int64(i64::from_le_bytes(self.array()?)),
            FLOAT64 => KeyValue::Float64(u64::from_le_bytes(self.array()?)),
            DECIMAL => {
                let mantissa = i64::from_le_bytes(self.array()?);
                let [scale] = self.array()?;
                KeyValue::Decimal(mantissa, scale)
            }
            TIMESTAMP => KeyValue::Timestamp(i64::from_le_bytes(self.array()?)),
            TEXT => {
                let len = self.u32()? as usize;
                let text = std::str::from_utf8(self.take(len)?).map_err(|_| "a key is not UTF-8")?;
                KeyValue::Text(Arc::from(text))
            }
            _ => return Err("a key of a type that is not known"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some() -> Cells {
        let all = [
            KeyValue::Null,
            KeyValue::Boolean(true),
            KeyValue::Int64(-7),
            KeyValue::from_f64(-1.5),
            KeyValue::Decimal(12_345, 2),
            KeyValue::Timestamp(i64::MIN),
            KeyValue::Text("Åland".into()),
        ];
        let empty: Vec<KeyValue> = vec![KeyValue::Text("".into()); all.len()];
        let cell = |pane_us, refused, key| Cell { pane_us, refused, key };
        Cells {
            keys: vec![all.into(), empty.into()],
            cells: vec![cell(-60, 0, 1), cell(-60, 0, 0), cell(-60, 2, 1), cell(0, 0, 1)],
        }
    }

    #[test]
    fn keys_and_cells_come_back() {
        let global = Cells { keys: vec![[].into()], cells: vec![Cell { pane_us: 5, refused: 0, key: 0 }] };
        for cells in [some(), global, Cells::default()] {
            assert_eq!(decode(&encode(&cells)), Ok(cells));
        }
    }

    #[test]
    fn bytes_that_are_cut_or_too_many_are_refused() {
        let bytes = encode(&some());
        assert!((0..bytes.len()).all(|len| decode(&bytes[..len]).is_err()));
        assert!(decode(&[bytes, vec![0]].concat()).is_err());
        let keys_of_nothing = [0u32, u32::MAX, 0].map(u32::to_le_bytes).concat();
        assert!(decode(&keys_of_nothing).is_err());
    }
}
