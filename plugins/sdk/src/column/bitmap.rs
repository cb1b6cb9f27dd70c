//! Bitmaps of the contract: value `i` is bit `i % 8`, from the least, of byte `i / 8`.

/// The bytes that hold `bits` bits, where there are as many.
#[inline]
pub(crate) fn bitmap(bytes: &[u8], bits: usize) -> Result<&[u8], String> {
    bytes.get(..bits.div_ceil(8)).ok_or_else(|| format!("a bitmap of {} bytes for {bits} values", bytes.len()))
}

/// Bit `i`.
#[inline(always)]
pub(crate) fn bit(bytes: &[u8], i: usize) -> bool {
    bytes[i / 8] >> (i % 8) & 1 == 1
}

/// The first of `bits` bits that is 0.
pub(crate) fn first_zero(bytes: &[u8], bits: usize) -> Option<usize> {
    let byte = bytes.iter().position(|byte| *byte != 0xff)?;
    let i = byte * 8 + bytes.get(byte)?.trailing_ones() as usize;
    (i < bits).then_some(i)
}

/// Whether the bits of `range` are all 1; what is beyond the bytes is not.
pub(crate) fn all_ones(bytes: &[u8], range: std::ops::Range<usize>) -> bool {
    let whole = range.start.div_ceil(8)..range.end / 8;
    if whole.is_empty() {
        return range.into_iter().all(|i| bit(bytes, i));
    }
    (range.start..whole.start * 8).chain(whole.end * 8..range.end).all(|i| bit(bytes, i))
        && bytes.get(whole).is_some_and(|bytes| bytes.iter().all(|byte| *byte == 0xff))
}

/// A bitmap being written.
#[derive(Debug, Clone, Default)]
pub struct Bits {
    bytes: Vec<u8>,
    length: usize,
    zeros: usize,
}

impl Bits {
    #[inline]
    pub(crate) fn push(&mut self, value: bool) {
        let place = self.length % 8;
        if place == 0 {
            self.bytes.push(0);
        }
        if let Some(byte) = self.bytes.last_mut() {
            *byte |= u8::from(value) << place;
        }
        self.length += 1;
        self.zeros += usize::from(!value);
    }

    pub(crate) fn reserve(&mut self, values: usize) {
        self.bytes.reserve(values / 8 + 1);
    }

    /// Appends the first `rows` bits of a bitmap.
    pub fn extend(&mut self, bytes: &[u8], rows: usize) {
        if !self.length.is_multiple_of(8) {
            (0..rows).for_each(|i| self.push(bit(bytes, i)));
            return;
        }
        let bytes = &bytes[..rows.div_ceil(8)];
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        if !rows.is_multiple_of(8)
            && let Some(last) = self.bytes.last_mut()
        {
            *last &= (1 << (rows % 8)) - 1;
        }
        self.length += rows;
        self.zeros += rows - self.bytes[start..].iter().map(|byte| byte.count_ones() as usize).sum::<usize>();
    }

    /// Appends ones.
    pub(crate) fn extend_ones(&mut self, rows: usize) {
        let first = rows.min((8 - self.length % 8) % 8);
        (0..first).for_each(|_| self.push(true));
        let whole = (rows - first) / 8;
        self.bytes.resize(self.bytes.len() + whole, 0xff);
        self.length += whole * 8;
        (0..(rows - first) % 8).for_each(|_| self.push(true));
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// As a validity: `None` where every bit is 1.
    pub(crate) fn into_validity(self) -> Option<Vec<u8>> {
        (self.zeros > 0).then_some(self.bytes)
    }
}
