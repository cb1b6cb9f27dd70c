//! A small seeded random number generator: SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators",
//! OOPSLA 2014). Own code, because its numbers must be the same in every later version; not for secrets.

const GOLDEN_GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// A stream of random numbers.
#[derive(Debug, Clone)]
pub(super) struct Random(u64);

impl Random {
    /// The stream of this seed and this record.
    pub(super) fn of(seed: u64, record: u64) -> Random {
        let mut random = Random(seed);
        // Mixed once between, so that the streams of neighbours are not one stream shifted.
        Random(random.next() ^ record.wrapping_mul(0xd1b5_4a32_d192_ed03))
    }

    /// 64 random bits.
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN_GAMMA);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`; the bias of at most `bound` in 2^64 does not matter here.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    /// True for this share of the calls.
    pub(super) fn chance(&mut self, share: f64) -> bool {
        // 53 bits fill a float's mantissa: from 0 to just below 1, so a share of 1 is always and of 0 never.
        let drawn = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        drawn < share
    }
}

#[cfg(test)]
mod tests {
    use super::Random;

    #[test]
    fn the_numbers_are_those_of_the_paper() {
        let mut random = Random(1_234_567);
        let first: Vec<u64> = (0..3).map(|_| random.next()).collect();
        assert_eq!(first, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn shares_are_kept() {
        let mut random = Random::of(7, 0);
        let hits = (0..100_000).filter(|_| random.chance(0.25)).count();
        assert!((24_000..26_000).contains(&hits), "{hits}");
        assert!((0..1000).all(|_| random.chance(1.0)) && !(0..1000).any(|_| random.chance(0.0)));
    }

    #[test]
    fn below_reaches_every_number() {
        let mut random = Random::of(7, 1);
        let mut seen = [false; 8];
        (0..1000).for_each(|_| seen[random.below(8) as usize] = true);
        assert_eq!(seen, [true; 8]);
    }
}
