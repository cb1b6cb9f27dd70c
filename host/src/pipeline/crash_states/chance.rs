//! Numbers by chance, the same for the same seed (splitmix64).

/// A seed that goes on.
#[derive(Debug, Clone)]
pub(super) struct Chance(u64);

impl Chance {
    /// Of a seed, and of what it is for: two uses of one seed have nothing in common.
    pub fn new(seed: u64, of: &str) -> Self {
        let salt = of.bytes().fold(seed, |salt, byte| salt.wrapping_mul(0x100_0000_01b3) ^ u64::from(byte));
        Self(salt)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    /// From 1 to `last`.
    pub fn nth(&mut self, last: u64) -> u64 {
        1 + self.below(last)
    }

    /// Once in so many times.
    pub fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// Another one, for a part of the case.
    pub fn split(&mut self) -> Self {
        Self(self.next())
    }
}
