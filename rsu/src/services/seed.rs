//! The random choices of a start: first message counts and the station's id.
//!
//! The seed comes from outside (the daemon asks the operating system for entropy, the simulator
//! takes it from the scenario), so that one seed gives one run. Not for secrets.

use v2x_msg::base::{MsgCount, StationId};

/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014): a
/// counter with the golden-ratio increment, and a mixing function over it.
#[derive(Clone, Debug)]
pub(crate) struct SplitMix64(u64);

impl SplitMix64 {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// T/CSAE 159-2020: the count of the first message after start is random.
    pub(crate) fn msg_count(&mut self) -> MsgCount {
        let [byte, ..] = self.draw().to_be_bytes();
        MsgCount::from_random(byte)
    }

    /// T/CSAE 159-2020: eight random bytes at start, where none are configured.
    pub(crate) fn station_id(&mut self) -> StationId {
        StationId(self.draw().to_be_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_is_that_of_the_published_generator() {
        let mut seed = SplitMix64::new(1_234_567);
        let drawn = [seed.draw(), seed.draw(), seed.draw()];
        let published = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
        ];
        assert_eq!(drawn, published);
    }

    #[test]
    fn first_counts_differ_between_seeds_and_agree_for_one() {
        let first = |seed| SplitMix64::new(seed).msg_count();
        assert_eq!(first(1), first(1));
        let differing = (0..64)
            .filter(|seed| first(*seed) != first(seed + 1))
            .count();
        assert!(differing > 56, "{differing}");
    }
}
