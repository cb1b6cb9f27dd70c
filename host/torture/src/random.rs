//! SplitMix64 (Steele, Lea, Flood 2014), seeded by words: a case draws the same numbers whichever cases run beside it.

/// A seeded sequence that is the same everywhere.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// A sequence of its own for each seed and list of words.
    pub fn of(seed: u64, words: &[&str]) -> Self {
        // FNV-1a: short, and stable over versions of Rust, which the standard hasher is not.
        let mut hash = 0xcbf2_9ce4_8422_2325 ^ seed;
        for byte in words.join("\0").bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        Self(hash)
    }

    /// A number below the bound.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound.max(1)
    }

    /// Whether something of this many in a thousand happens.
    pub fn permille(&mut self, share: u64) -> bool {
        self.below(1_000) < share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_seeds_have_their_own_sequences() {
        let first = |seed, words: &[&str]| Random::of(seed, words).below(u64::MAX);
        assert_eq!(first(1, &["a"]), first(1, &["a"]));
        assert_ne!(first(1, &["a"]), first(2, &["a"]));
        assert_ne!(first(1, &["a", "b"]), first(1, &["ab"]));
    }
}
