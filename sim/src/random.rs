//! Chance that can be asked again: streams keyed by seed, entity and purpose.
//!
//! A draw is a pure function of (seed, entity, purpose, counter), so that adding a vehicle or a
//! sensor does not shift what the others draw. Nothing here calls a function of the platform's
//! mathematics library: the same seed gives the same bits on any machine.

/// What a draw is for; two purposes of one entity never share numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Purpose {
    /// Whether a vehicle arrives in this step.
    Arrival = 1,
    /// What an arriving vehicle is and where it goes.
    Vehicle = 2,
    /// Error of a sensor's measurement.
    Measurement = 3,
    /// Whether a sensor sees an object.
    Detection = 4,
    /// Where on an object's body a sensor looks.
    Extent = 5,
    /// What a sensor reports that is not there.
    Clutter = 6,
    /// Delay of a delivery.
    Delivery = 7,
    /// What goes wrong.
    Fault = 8,
    /// Whether a walker, a rider or the like comes in this step.
    UserArrival = 9,
    /// How fast it would be.
    User = 10,
    /// Error of a weather station.
    Weather = 11,
    /// How far the tilt of a camera is off.
    Tilt = 12,
    /// What a box takes somebody for.
    Class = 13,
    /// Which place a radio books.
    Air = 20,
    /// Which vehicles have a radio, and what they believe of their place.
    OnBoard = 21,
    /// How long a bus stands at its stop.
    Dwell = 30,
    /// How far beside their line walkers come.
    UserAside = 65,
    /// How long a radar has been counting its cycles.
    Count = 165,
    /// Whether a rider comes in this step,
    RiderArrival = 180,
    /// and what it rides, where and how fast.
    Rider = 181,
    /// When a box gives somebody another number,
    BoxRenumber = 210,
    /// lets two exchange theirs,
    BoxSwap = 211,
    /// and begins anew.
    BoxRestart = 212,
    /// Where a vehicle goes at a junction that it comes to from another.
    OnwardTurn = 40,
}

/// An endless sequence of numbers for one entity and purpose.
#[derive(Clone, Debug)]
pub struct Stream {
    key: u64,
    counter: u64,
}

impl Stream {
    /// The stream of `entity` for `purpose` under `seed`, from its beginning.
    pub fn new(seed: u64, entity: u64, purpose: Purpose) -> Self {
        let key = mix(mix(mix(seed) ^ entity) ^ purpose as u64);
        Self { key, counter: 0 }
    }

    /// The same stream from draw number `counter` on.
    pub fn starting_at(mut self, counter: u64) -> Self {
        self.counter = counter;
        self
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.counter = self.counter.wrapping_add(1);
        mix(self.key.wrapping_add(self.counter.wrapping_mul(GOLDEN)))
    }

    /// Uniform in 0..1.
    pub fn uniform(&mut self) -> f64 {
        // 53 bits: every value is exact in an f64.
        (self.bits() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// Uniform in `low..high`.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    /// True with this probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.uniform() < probability
    }

    /// Standard normal, held within six sigma.
    ///
    /// The sum of twelve uniforms: no logarithm, hence the same bits everywhere. Its tails are a
    /// little light, which no figure here rests on.
    pub fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }
}

/// One round of SplitMix64's output function.
pub(crate) const fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(GOLDEN);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The odd number nearest to 2^64 divided by the golden ratio.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_of_different_purpose_differ() {
        let mut a = Stream::new(1, 7, Purpose::Arrival);
        let mut b = Stream::new(1, 7, Purpose::Vehicle);
        assert_ne!(a.bits(), b.bits());
    }

    #[test]
    fn a_stream_can_be_asked_again() {
        let first: Vec<u64> = {
            let mut stream = Stream::new(3, 1, Purpose::Clutter);
            (0..5).map(|_| stream.bits()).collect()
        };
        let mut again = Stream::new(3, 1, Purpose::Clutter).starting_at(3);
        assert_eq!(again.bits(), first[3]);
    }

    #[test]
    fn the_normal_has_mean_zero_and_variance_one() {
        let mut stream = Stream::new(9, 0, Purpose::Measurement);
        let draws: Vec<f64> = (0..20_000).map(|_| stream.normal()).collect();
        let mean = draws.iter().sum::<f64>() / draws.len() as f64;
        let variance = draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / draws.len() as f64;
        assert!(mean.abs() < 0.03, "mean {mean}");
        assert!((variance - 1.0).abs() < 0.05, "variance {variance}");
    }
}
