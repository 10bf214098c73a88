//! What a driver makes of all that is ahead: of what each of it asks for, the hardest braking.
//!
//! Most of what a driver sees changes nothing, as something nearer asks for more. So it is known at any time
//! how near a thing has to be to matter at all, and what is farther away need not be looked at. The outcome is
//! the same, to the bit: nothing asks for less than what stands in the same place. Not here: what drivers see
//! ([`super::right_of_way`]), and the following model ([`super::vehicles`]).

use super::vehicles::Driver;

/// The choice of one driver while it looks around.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heeding<'a> {
    driver: &'a Driver,
    speed_mps: f64,
    free_mps2: f64,
    brake_mps2: f64,
    chosen_mps2: f64,
    within_m: f64,
}

impl<'a> Heeding<'a> {
    /// Nothing is ahead of a driver who goes so fast, and would so fast.
    pub(super) fn free(driver: &'a Driver, speed_mps: f64, wanted_mps: f64) -> Self {
        let free_mps2 = driver.free_mps2(speed_mps, wanted_mps);
        Self {
            driver,
            speed_mps,
            free_mps2,
            brake_mps2: driver.brake_mps2(),
            chosen_mps2: free_mps2,
            within_m: f64::INFINITY,
        }
    }

    /// Something is so far ahead and goes so fast, not backwards.
    pub(super) fn heed(&mut self, gap_m: f64, ahead_mps: f64) {
        if !self.matters(gap_m) {
            return;
        }
        let crowded_mps2 = self.crowded_mps2(gap_m, ahead_mps);
        if crowded_mps2 < self.chosen_mps2 {
            self.chosen_mps2 = crowded_mps2;
            // What stands farther away asks for less: the model, solved for the gap.
            let standing_m = self.wanted_gap_m(0.0);
            let share = self.driver.acceleration_mps2 / (self.free_mps2 - crowded_mps2);
            self.within_m = standing_m * share.sqrt() * ROUNDING;
        }
    }

    /// Whether something so far ahead could change the choice, however slow it is.
    pub(super) fn matters(&self, gap_m: f64) -> bool {
        gap_m < self.within_m
    }

    /// What is not so near cannot matter.
    pub(super) fn within_m(&self) -> f64 {
        self.within_m
    }

    /// What is chosen, if nothing else is ahead.
    pub(super) fn chosen_mps2(&self) -> f64 {
        self.chosen_mps2
    }

    fn crowded_mps2(&self, gap_m: f64, ahead_mps: f64) -> f64 {
        let wanted_gap_m = self.wanted_gap_m(ahead_mps);
        self.driver
            .crowded_mps2(self.free_mps2, wanted_gap_m, gap_m)
    }

    fn wanted_gap_m(&self, ahead_mps: f64) -> f64 {
        self.driver
            .wanted_gap_m(self.speed_mps, ahead_mps, self.brake_mps2)
    }
}

/// So much farther is looked than needed, for sums are rounded.
const ROUNDING: f64 = 1.0 + 1e-6;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, Stream};

    #[test]
    fn the_choice_is_the_least_that_anything_asks_for_to_the_bit() {
        let driver = Driver::CAR;
        let mut draw = Stream::new(1, 0, Purpose::Vehicle);
        let (mut mattered, mut left_out) = (0, 0);
        for _ in 0..20_000 {
            let (speed_mps, wanted_mps) = (draw.between(0.0, 25.0), draw.between(0.0, 25.0));
            let mut heeding = Heeding::free(&driver, speed_mps, wanted_mps);
            let mut least_mps2 = driver.free_mps2(speed_mps, wanted_mps);
            for _ in 0..8 {
                let (gap_m, ahead_mps) = (draw.between(-20.0, 300.0), draw.between(0.0, 25.0));
                // Some stand, and some in one place.
                let ahead_mps = (ahead_mps - 5.0).max(0.0);
                let gap_m = if draw.chance(0.2) {
                    gap_m.round()
                } else {
                    gap_m
                };
                let asks_mps2 = driver.following_mps2(speed_mps, wanted_mps, gap_m, ahead_mps);
                let matters = heeding.matters(gap_m);
                assert!(matters || asks_mps2 >= least_mps2, "{gap_m} m");
                *(if matters {
                    &mut mattered
                } else {
                    &mut left_out
                }) += 1;
                least_mps2 = least_mps2.min(asks_mps2);
                heeding.heed(gap_m, ahead_mps);
                assert_eq!(heeding.chosen_mps2().to_bits(), least_mps2.to_bits());
            }
        }
        assert!(mattered > 20_000 && left_out > 20_000);
    }
}
