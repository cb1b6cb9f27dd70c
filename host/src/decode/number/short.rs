//! Short numbers, eight bytes at once in a register: prices, quantities, numbers of things. Knows nothing of what follows from them.

/// A number of up to 7 bytes without an exponent, with the byte after it in the same word: what most are, and no loop over digits,
/// whose end would be guessed wrong now and then.
pub(in crate::decode) struct Short {
    pub(in crate::decode) mantissa: u64,
    pub(in crate::decode) decimals: u32,
    pub(in crate::decode) len: usize,
}

const EACH: u64 = 0x0101_0101_0101_0101;

impl Short {
    /// Scans the digits at the low end of the word; `None` for all but good short numbers.
    #[inline(always)]
    pub(in crate::decode) fn scan(word: u64) -> Option<Self> {
        let digits = word ^ (EACH * 0x30);
        // The high bit of each byte that is no digit: 10 and more, or above 127. Only such a last one carries, into what follows it.
        let others = (digits.wrapping_add(EACH * 0x76) | digits) & (EACH * 0x80);
        let whole = others.trailing_zeros() & !7;
        let leading_zero = digits & 0xff == 0 && whole > 8;
        if others == 0 || whole == 0 || leading_zero {
            return None;
        }
        if byte(word, whole) != b'.' {
            return (byte(word, whole) | 0x20 != b'e').then(|| Self {
                mantissa: folded(digits, whole),
                decimals: 0,
                len: whole as usize / 8,
            });
        }
        let others = others & (others - 1);
        let end = others.trailing_zeros() & !7;
        if others == 0 || end == whole + 8 || byte(word, end) | 0x20 == b'e' {
            return None;
        }
        let before = (1 << whole) - 1;
        let without_point = (digits & before) | ((digits >> 8) & !before);
        let mantissa = folded(without_point, end - 8);
        Some(Self { mantissa, decimals: (end - whole) / 8 - 1, len: end as usize / 8 })
    }

    /// The value times `10^scale`, if that is whole and can't be out of range.
    #[inline(always)]
    pub(in crate::decode) fn scaled(&self, scale: u8) -> Option<i64> {
        let power = POWERS.get(usize::from(scale).checked_sub(self.decimals as usize)?)?;
        Some((self.mantissa * power) as i64)
    }
}

/// Powers of ten that take seven digits to 18 at the most.
const POWERS: [u64; 12] = [
    1,
    10,
    100,
    1_000,
    10_000,
    100_000,
    1_000_000,
    10_000_000,
    100_000_000,
    1_000_000_000,
    10_000_000_000,
    100_000_000_000,
];

#[inline(always)]
fn byte(word: u64, bit: u32) -> u8 {
    (word >> bit) as u8
}

/// The value of the digits in the lowest `bits` (8 to 56), the first digit lowest. Pairs, then fours, then all eight at once; see
/// Daniel Lemire, "Quickly parsing eight digits" (2018).
#[inline(always)]
fn folded(digits: u64, bits: u32) -> u64 {
    let aligned = digits << (64 - bits);
    let pairs = aligned.wrapping_mul(10).wrapping_add(aligned >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = pairs.wrapping_mul(100).wrapping_add(pairs >> 16) & 0x0000_ffff_0000_ffff;
    fours.wrapping_mul(10_000).wrapping_add(fours >> 32) & 0xffff_ffff
}
