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

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// As a validity: `None` where every bit is 1.
    pub(crate) fn into_validity(self) -> Option<Vec<u8>> {
        (self.zeros > 0).then_some(self.bytes)
    }
}
