//! What was heard and why the rest was not, by the distance of the two radios.

/// Why a message was not heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Loss {
    /// The receiver was sending itself.
    HalfDuplex,
    /// Too weak to be found.
    Weak,
    /// Found, and lost in noise.
    Noise,
    /// It would have been heard but for others in the same place.
    Collision,
}

/// Messages over the distance from sender to receiver.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    bins: Vec<Bin>,
}

/// Those of one distance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bin {
    /// Sent, once for each who might have heard.
    pub sent: u64,
    /// Heard.
    pub heard: u64,
    /// Not heard, in the order of [`Loss`].
    pub lost: [u64; 4],
}

impl Bin {
    /// Share that was heard; None of nothing.
    pub fn delivered(&self) -> Option<f64> {
        (self.sent > 0).then(|| self.heard as f64 / self.sent as f64)
    }
}

impl Tally {
    /// Counts a message to one receiver.
    pub fn add(&mut self, distance_m: f64, loss: Option<Loss>) {
        let place = (distance_m / BIN_M) as usize;
        if place >= BINS {
            return;
        }
        if self.bins.len() <= place {
            self.bins.resize(place + 1, Bin::default());
        }
        let bin = &mut self.bins[place];
        bin.sent += 1;
        match loss {
            None => bin.heard += 1,
            Some(loss) => bin.lost[loss as usize] += 1,
        }
    }

    /// Those at distances between the two.
    pub fn between(&self, from_m: f64, to_m: f64) -> Bin {
        let inside = self
            .bins()
            .filter(|(at_m, _)| (from_m..to_m).contains(at_m));
        inside.fold(Bin::default(), |mut all, (_, bin)| {
            all.sent += bin.sent;
            all.heard += bin.heard;
            for (all, lost) in all.lost.iter_mut().zip(bin.lost) {
                *all += lost;
            }
            all
        })
    }

    /// By the distance at the middle of each bin.
    pub fn bins(&self) -> impl Iterator<Item = (f64, &Bin)> {
        let with_place = self.bins.iter().enumerate();
        with_place.map(|(place, bin)| ((place as f64 + 0.5) * BIN_M, bin))
    }
}

/// A bin is so wide.
pub const BIN_M: f64 = 12.5;
/// Farther than a kilometre nobody is counted.
const BINS: usize = 80;
