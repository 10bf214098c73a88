//! What sensors and devices leave with a thing that is followed: by which ids they know it, and how often they
//! have missed it since it was last seen.

use super::eyesight::Sight;

/// Ids that tracking devices gave the thing of late: (sensor, device's id).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Devices {
    known: [Option<(u8, u16)>; 4],
    next: u8,
}

/// Misses since it was last seen by anybody, by sensor; of no more than four sensors.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Missed {
    runs: [Option<Run>; 4],
}

/// Misses in a row by one sensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Run {
    pub(crate) sensor: u8,
    pub(crate) count: u8,
    /// How it was to be seen at the last of them.
    pub(crate) sight: Sight,
}

impl Missed {
    /// Notes one more; how many there were before it.
    pub(crate) fn note(&mut self, sensor: u8, sight: &Sight) -> u8 {
        for run in &mut self.runs {
            match run {
                Some(run) if run.sensor == sensor => {
                    run.count = run.count.saturating_add(1);
                    run.sight = *sight;
                    return run.count - 1;
                }
                Some(_) => {}
                None => {
                    *run = Some(Run {
                        sensor,
                        count: 1,
                        sight: *sight,
                    });
                    return 0;
                }
            }
        }
        u8::MAX
    }

    /// All of them, for a thing that has been seen again.
    pub(crate) fn take(&mut self) -> impl Iterator<Item = Run> + use<> {
        std::mem::take(&mut self.runs).into_iter().flatten()
    }
}

impl Devices {
    pub(crate) fn knows(&self, sensor: u8, id: u16) -> bool {
        self.known.contains(&Some((sensor, id)))
    }

    pub(crate) fn note(&mut self, sensor: u8, id: u16) {
        if self.knows(sensor, id) {
            return;
        }
        let same = self
            .known
            .iter()
            .position(|known| known.is_some_and(|(of, _)| of == sensor));
        let slot = same.unwrap_or_else(|| {
            self.next = (self.next + 1) % self.known.len() as u8;
            usize::from(self.next)
        });
        self.known[slot] = Some((sensor, id));
    }
}
