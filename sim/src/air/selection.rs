//! How a radio finds a place in the grid of subframes and subchannels (3GPP TS 36.213, 14.1.1.6).
//!
//! From the last second it knows how much power came in each place, and which places others have booked
//! of whom it could read the booking. It leaves out the subframes in which it sent itself, and so heard
//! nothing, and the booked places above a threshold, which rises by 3 dB until a fifth of all is left;
//! of those it takes the quietest fifth and draws one. Places in which there is nothing but noise are
//! alike, and each radio's own noise puts them into an order of its own.
//!
//! All booking periods are folded into one grid of 100 ms: whoever sends twice as often has two
//! places in it, whoever sends once a second has one that counts a tenth.

use crate::random::Stream;

/// Subframes of the grid.
pub const GRID: usize = 100;
/// Subchannels, at most.
pub const MOST_SUBCHANNELS: usize = 10;

/// A place: some subchannels of a subframe, and of those after it where a message needs them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The subframe, of the grid.
    pub subframe: u8,
    /// How many follow each other.
    pub subframes: u8,
    /// The first subchannel.
    pub subchannel: u8,
    /// How many lie side by side.
    pub subchannels: u8,
}

/// What a radio knows of the grid.
#[derive(Clone, Debug)]
pub struct Sensed {
    /// Mean power over the last second, in mW.
    power_mw: [[f64; MOST_SUBCHANNELS]; GRID],
    /// The strongest booking that it could read.
    booked_mw: [[f64; MOST_SUBCHANNELS]; GRID],
    /// It sent itself.
    deaf: [bool; GRID],
}

impl Sensed {
    /// Silence.
    pub fn new() -> Box<Self> {
        Box::new(Self {
            power_mw: [[0.0; MOST_SUBCHANNELS]; GRID],
            booked_mw: [[0.0; MOST_SUBCHANNELS]; GRID],
            deaf: [false; GRID],
        })
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.power_mw = [[0.0; MOST_SUBCHANNELS]; GRID];
        self.booked_mw = [[0.0; MOST_SUBCHANNELS]; GRID];
        self.deaf = [false; GRID];
    }

    /// Somebody was heard there for a share of the last second's periods; `booked` if the booking
    /// could be read and still holds.
    pub fn hear(&mut self, place: Place, power_mw: f64, share: f64, booked: bool) {
        for (subframe, subchannel) in place.units() {
            self.power_mw[subframe][subchannel] += power_mw * share;
            if booked {
                let strongest = &mut self.booked_mw[subframe][subchannel];
                *strongest = strongest.max(power_mw);
            }
        }
    }

    /// It sent there itself.
    pub fn was_deaf(&mut self, place: Place) {
        for (subframe, _) in place.units() {
            self.deaf[subframe] = true;
        }
    }

    /// Draws a place in the window that begins at subframe `first` and is `window` long.
    pub fn select(
        &self,
        first: u64,
        window: u64,
        size: (u8, u8),
        subchannels: u8,
        draw: &mut Stream,
    ) -> Place {
        let (wide, long) = size;
        let mut all = self.candidates(first, window, wide, long, subchannels);
        for one in &mut all {
            one.power_mw += NOISE_MW * (1.0 + NOISE_SHARE * draw.uniform());
        }
        let wanted = all.len().div_ceil(5);
        let mut threshold_mw = FIRST_THRESHOLD_MW;
        let mut left: Vec<&Candidate>;
        loop {
            let free = |one: &&Candidate| !one.deaf && one.booked_mw < threshold_mw;
            left = all.iter().filter(free).collect();
            if left.len() >= wanted || threshold_mw > 1.0 {
                break;
            }
            threshold_mw *= THREE_DB;
        }
        if left.is_empty() {
            // Deaf everywhere: any place is as good.
            left = all.iter().collect();
        }
        left.sort_by(|a, b| a.power_mw.total_cmp(&b.power_mw));
        left.truncate(wanted);
        left[draw.bits() as usize % left.len()].place
    }

    fn candidates(&self, first: u64, window: u64, wide: u8, long: u8, of: u8) -> Vec<Candidate> {
        let window = window.clamp(1, GRID as u64);
        let mut all = Vec::with_capacity(window as usize * usize::from(of));
        for subframe in first..first + window {
            for subchannel in 0..=of.saturating_sub(wide) {
                let place = Place {
                    subframe: (subframe % GRID as u64) as u8,
                    subframes: long,
                    subchannel,
                    subchannels: wide,
                };
                let mut one = Candidate {
                    place,
                    power_mw: 0.0,
                    booked_mw: 0.0,
                    deaf: false,
                };
                for (subframe, subchannel) in place.units() {
                    one.power_mw += self.power_mw[subframe][subchannel];
                    one.booked_mw = one.booked_mw.max(self.booked_mw[subframe][subchannel]);
                    one.deaf |= self.deaf[subframe];
                }
                all.push(one);
            }
        }
        all
    }
}

impl Place {
    /// Every subchannel of every subframe of it.
    pub fn units(self) -> impl Iterator<Item = (usize, usize)> {
        (0..self.subframes).flat_map(move |later| {
            let subframe = (usize::from(self.subframe) + usize::from(later)) % GRID;
            let subchannels = self.subchannel..self.subchannel + self.subchannels;
            subchannels.map(move |subchannel| (subframe, usize::from(subchannel)))
        })
    }
}

struct Candidate {
    place: Place,
    power_mw: f64,
    booked_mw: f64,
    deaf: bool,
}

/// What a radio measures where nobody sends, and how much that varies (*assumed*).
const NOISE_MW: f64 = 8e-11;
const NOISE_SHARE: f64 = 0.2;
/// -110 dBm, from where it rises.
const FIRST_THRESHOLD_MW: f64 = 1e-11;
const THREE_DB: f64 = 1.995_262_314_968_879_6;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Purpose;

    fn place(subframe: u8, subchannel: u8) -> Place {
        Place {
            subframe,
            subframes: 1,
            subchannel,
            subchannels: 1,
        }
    }

    #[test]
    fn what_is_booked_or_was_not_heard_is_left_alone() {
        let mut sensed = Sensed::new();
        // All is taken but three subframes, in one of which the radio was sending.
        for subframe in 0..GRID as u8 {
            for subchannel in 0..4 {
                if ![7, 40, 41].contains(&subframe) {
                    sensed.hear(place(subframe, subchannel), 1e-8, 1.0, true);
                }
            }
        }
        sensed.was_deaf(place(7, 0));
        let mut draw = Stream::new(1, 1, Purpose::Air);
        for _ in 0..50 {
            // Half of the grid is too little room for a fifth: only what is free may come of a window
            // of ten.
            let found = sensed.select(35, 10, (1, 1), 4, &mut draw);
            assert!([40, 41].contains(&found.subframe), "{found:?}");
        }
    }

    #[test]
    fn a_wide_message_finds_room_for_all_of_it() {
        let mut sensed = Sensed::new();
        for subframe in 0..GRID as u8 {
            sensed.hear(place(subframe, subframe % 4), 1e-8, 1.0, true);
        }
        sensed.clear();
        for subframe in (0..GRID as u8).filter(|subframe| ![11, 12].contains(subframe)) {
            sensed.hear(place(subframe, 3), 1e-8, 1.0, true);
        }
        let mut draw = Stream::new(1, 2, Purpose::Air);
        for _ in 0..20 {
            let found = sensed.select(9, 5, (4, 2), 4, &mut draw);
            assert_eq!((found.subframe, found.subchannel), (11, 0));
        }
    }
}
