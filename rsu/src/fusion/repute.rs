//! What the word of a device that tracks is worth: how many of its new tracks prove real, and how often a false
//! one is measured again.
//!
//! A detection that belongs to nobody is judged by how many false ones there are on so much ground. A new
//! track of a device was measured several times already, by a rule that only the device knows, so that it is
//! judged by what became of those before it. Each further report of it is no new witness either: a false track
//! is listed again as well. Where it was measured again it counts by how much likelier that is of a real thing.
//!
//! What became of a track is known once it is published, or was dropped before. That a false one is published
//! is not noticed.

/// Of one device.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Repute {
    /// Tracks that began something, of late, and those of them that were published.
    begun: f64,
    real: f64,
    /// Further reports of those that were not, and those of them that were measured again.
    heard: f64,
    measured: f64,
}

impl Default for Repute {
    fn default() -> Self {
        Self {
            begun: SUPPOSED_TRACKS,
            real: SUPPOSED_REAL * SUPPOSED_TRACKS,
            heard: SUPPOSED_HEARD,
            measured: SUPPOSED_MEASURED * SUPPOSED_HEARD,
        }
    }
}

impl Repute {
    /// Something that this device began was published.
    pub(crate) fn proved_real(&mut self) {
        self.begun = KEEP * self.begun + 1.0;
        self.real = KEEP * self.real + 1.0;
    }

    /// Something that it began was dropped before: it was reported so many times more, and measured in some.
    pub(crate) fn proved_false(&mut self, word: &Word) {
        self.begun = KEEP * self.begun + 1.0;
        self.real *= KEEP;
        self.heard = KEEP * self.heard + f64::from(word.heard);
        self.measured = KEEP * self.measured + f64::from(word.measured);
    }

    /// Log-odds that a new track of it is real.
    pub(crate) fn log_odds(&self) -> f64 {
        let share = (self.real / self.begun).clamp(LEAST, MOST);
        (share / (1.0 - share)).ln()
    }

    /// How likely it is to measure a false track again at its next report.
    pub(crate) fn again(&self) -> f64 {
        (self.measured / self.heard).clamp(LEAST, MOST)
    }
}

/// What a device has said of a thing that it began.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Word {
    /// Which device; None of what a sensor began that does not track.
    pub(crate) of: Option<u8>,
    /// Its further reports, and those of them that were measured.
    pub(crate) heard: u8,
    pub(crate) measured: u8,
}

impl Word {
    /// One more report of that device.
    pub(crate) fn note(&mut self, sensor: usize, measured: bool) {
        if self.of == Some(sensor as u8) {
            self.heard = self.heard.saturating_add(1);
            self.measured = self.measured.saturating_add(u8::from(measured));
        }
    }
}

/// What is supposed of a device of which nothing is known, as so much evidence.
const SUPPOSED_REAL: f64 = 0.5;
const SUPPOSED_TRACKS: f64 = 4.0;
const SUPPOSED_MEASURED: f64 = 0.3;
const SUPPOSED_HEARD: f64 = 20.0;
/// What is left of old evidence with each new track: a memory of 200.
const KEEP: f64 = 0.995;
/// No device is always right, and none never.
const LEAST: f64 = 0.05;
const MOST: f64 = 0.98;

#[cfg(test)]
mod tests {
    use super::*;

    fn word(heard: u8, measured: u8) -> Word {
        Word {
            of: Some(0),
            heard,
            measured,
        }
    }

    #[test]
    fn a_device_is_believed_by_what_became_of_its_tracks() {
        let (mut good, mut bad) = (Repute::default(), Repute::default());
        for n in 0..100 {
            good.proved_real();
            if n % 4 == 0 {
                bad.proved_real();
            } else {
                bad.proved_false(&word(10, 1));
            }
        }
        assert!(good.log_odds() > 3.0, "{good:?}");
        assert!(
            (bad.log_odds() - (1.0f64 / 3.0).ln()).abs() < 0.2,
            "{bad:?}"
        );
        assert!((bad.again() - 0.1).abs() < 0.02, "{bad:?}");
    }

    #[test]
    fn no_device_is_believed_always_or_never() {
        let (mut good, mut bad) = (Repute::default(), Repute::default());
        for _ in 0..10_000 {
            good.proved_real();
            bad.proved_false(&word(u8::MAX, 0));
        }
        assert!(good.log_odds() < 4.0 && bad.log_odds() > -4.0);
        assert!(bad.again() >= LEAST);
    }
}
