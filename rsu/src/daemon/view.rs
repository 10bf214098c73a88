//! The road as the station believes it to be, ten times a second, for whoever keeps or shows it.
//!
//! The heart fills a view that lies ready and hands it on; who reads gives it back. Views are made at
//! the start: filling one allocates nothing and never waits, and where none is free the oldest that
//! waits is overwritten.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arrayvec::ArrayVec;
use crossbeam_queue::ArrayQueue;

use crate::clock::{Mono, Now, Utc};
use crate::fusion::Picture;
use crate::report::{Content, InputId, Report};
use crate::signals::Forecast;
use crate::station::Station;

/// Between two views: a little less than a slot of the grid, so that none is skipped.
const EVERY: Duration = Duration::from_millis(95);
/// Views of one reader.
const COUNT: usize = 8;
/// Detections that one view tells of; further ones are left out.
const MOST_SEEN: usize = 1024;

/// One moment.
#[derive(Clone, Debug)]
pub(crate) struct View {
    pub(crate) at: Now,
    pub(crate) picture: Picture,
    pub(crate) forecast: Option<Forecast>,
    /// What sensors said since the last view.
    pub(crate) seen: ArrayVec<Seen, MOST_SEEN>,
}

/// One detection, as far as it is shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) input: InputId,
    pub(crate) east_m: f32,
    pub(crate) north_m: f32,
}

/// The views of one reader.
#[derive(Debug)]
pub(crate) struct Views {
    full: ArrayQueue<Box<View>>,
    free: ArrayQueue<Box<View>>,
    lost: AtomicU64,
}

impl Views {
    pub(crate) fn new() -> Self {
        let free = ArrayQueue::new(COUNT);
        for _ in 0..COUNT {
            free.force_push(Box::new(View::blank()));
        }
        Self {
            full: ArrayQueue::new(COUNT),
            free,
            lost: AtomicU64::new(0),
        }
    }

    /// The oldest that waits; to be given back.
    pub(crate) fn take(&self) -> Option<Box<View>> {
        self.full.pop()
    }

    pub(crate) fn give_back(&self, view: Box<View>) {
        drop(self.free.push(view));
    }

    /// How many gave way since the start.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    fn fill(&self, fill: impl FnOnce(&mut View)) {
        let view = self.free.pop().or_else(|| {
            let oldest = self.full.pop();
            self.lost
                .fetch_add(u64::from(oldest.is_some()), Ordering::Relaxed);
            oldest
        });
        let Some(mut view) = view else { return };
        fill(&mut view);
        drop(self.full.push(view));
    }
}

impl View {
    fn blank() -> Self {
        Self {
            at: Now {
                mono: Mono::ZERO,
                utc: Utc::from_unix_ns(0),
            },
            picture: Picture::default(),
            forecast: None,
            seen: ArrayVec::new(),
        }
    }
}

/// The heart's side: what it gathers between two views.
#[derive(Debug)]
pub(crate) struct Camera {
    due: Mono,
    seen: Box<ArrayVec<Seen, MOST_SEEN>>,
}

impl Camera {
    pub(crate) fn new() -> Self {
        Self {
            due: Mono::ZERO,
            seen: Box::default(),
        }
    }

    /// A report went to the station.
    pub(crate) fn note(&mut self, report: &Report) {
        let Content::Objects(objects) = &report.content else {
            return;
        };
        for detection in &objects.detections {
            // Full: what comes first is shown, the rest left out.
            let _ = self.seen.try_push(Seen {
                input: report.input,
                east_m: detection.east_m as f32,
                north_m: detection.north_m as f32,
            });
        }
    }

    /// Whether it is time for another view.
    pub(crate) fn is_due(&self, now: Mono) -> bool {
        now >= self.due
    }

    /// Fills one for each reader.
    pub(crate) fn take<'v>(
        &mut self,
        now: Now,
        station: &mut Station,
        readers: impl Iterator<Item = &'v Views>,
    ) {
        self.due = now.mono + EVERY;
        for views in readers {
            views.fill(|view| {
                view.at = now;
                view.picture.clone_from(station.picture(now.mono));
                view.forecast = station.forecast(now).cloned();
                view.seen.clone_from(&self.seen);
            });
        }
        self.seen.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_is_away_finds_the_newest() {
        let views = Views::new();
        for n in 0..20 {
            views.fill(|view| view.at.mono = Mono::from_nanos(n));
        }
        assert_eq!(views.lost(), 20 - COUNT as u64);
        let first = views.take().unwrap();
        assert_eq!(first.at.mono.nanos(), 20 - COUNT as u64);
        views.give_back(first);
        let rest = std::iter::from_fn(|| views.take()).last().unwrap();
        assert_eq!(rest.at.mono.nanos(), 19);
    }
}
