//! How a device that tracks lets its tracks age, which it does not say: the spectral density of acceleration
//! that it supposes.
//!
//! It is read off tracks that the device only carries on, whose variances grow by nothing else; until one is,
//! guessed from those that it has followed for a while.

use nalgebra::Matrix2;

use super::undo::{Blocks, axes};

/// What is known of it for one device.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ageing {
    density: f64,
    /// It was read off tracks that were only carried on, and not guessed.
    seen: bool,
}

impl Default for Ageing {
    fn default() -> Self {
        Self {
            density: USUAL_AGEING,
            seen: false,
        }
    }
}

impl Ageing {
    /// (m/s²)² s.
    pub(crate) fn density(&self) -> f64 {
        self.density
    }

    /// Of a track that was carried on.
    pub(crate) fn see(&mut self, density: f64) {
        let density = density.clamp(LEAST_AGEING, MOST_AGEING);
        let gain = if self.seen { 0.05 } else { 1.0 };
        self.density += gain * (density - self.density);
        self.seen = true;
    }

    /// Of a track of which positions are measured all the time, by the steady state of such a filter: of no
    /// more use than until one is carried on. Where speeds are measured too it comes out too small, so that
    /// the axis counts along which it is larger.
    pub(crate) fn guess(&mut self, cov: &Blocks) {
        if self.seen {
            return;
        }
        let mut largest: f64 = 0.0;
        for axis in axes(&cov.position) {
            let along = |m: &Matrix2<f64>| axis.dot(&(m * axis)).max(LEAST_VARIANCE);
            let (p, v) = (along(&cov.position), along(&cov.velocity));
            largest = largest.max((0.5 * p * v).sqrt() * v / p);
        }
        self.density += 0.05 * (largest.clamp(LEAST_AGEING, MOST_AGEING) - self.density);
    }
}

/// Ageing that is believed, and of a device that has not shown its own, (m/s²)² s.
const LEAST_AGEING: f64 = 0.05;
const MOST_AGEING: f64 = 10.0;
const USUAL_AGEING: f64 = 1.0;
/// No variance is smaller, m² and (m/s)².
const LEAST_VARIANCE: f64 = 1e-6;
