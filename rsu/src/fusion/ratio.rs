//! A factor that is learnt: what was seen over what was expected, with a memory. What is held against what is
//! said where it is used (`precision`, `speeds`).

/// A running ratio of sums, with what is assumed before anything was seen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ratio {
    above: f64,
    below: f64,
    assumed: f64,
}

impl Ratio {
    /// As assumed, which counts as so much evidence.
    pub(crate) fn new(assumed: f64, weight: f64) -> Self {
        Self {
            above: assumed * weight,
            below: weight,
            assumed,
        }
    }

    /// Takes what was seen, and what would be expected by a factor of one.
    pub(crate) fn add(&mut self, above: f64, below: f64) {
        self.above = KEEP * self.above + above;
        self.below = KEEP * self.below + below;
    }

    /// The factor, held between two bounds.
    pub(crate) fn value(&self, least: f64, most: f64) -> f64 {
        let value = self.above / self.below;
        if value.is_finite() {
            value.clamp(least, most)
        } else {
            self.assumed
        }
    }
}

/// What is left of old evidence with each new piece: a memory of some thousands.
const KEEP: f64 = 0.9997;
