//! Who looks on: the hooks that the links and the heart call on the straight path.
//!
//! Each is a copy into a bounded queue, and nothing at all where nobody looks on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::tap::{FrameMark, Mark, Sizes, Step, Tap};
use super::view::{Camera, Views};
use crate::clock::{Mono, Now};
use crate::report::{InputId, Report};
use crate::station::{Event, Frame, Station};

/// The readers' ends.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watchers {
    /// Who keeps all.
    pub(crate) record: Option<Reader>,
    /// Who shows what is said.
    pub(crate) page: Option<Reader>,
    /// Who keeps the frames alone.
    pub(crate) frames: Option<Arc<Tap>>,
}

/// What one reader reads.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    pub(crate) tap: Arc<Tap>,
    pub(crate) views: Arc<Views>,
    pub(crate) shutter: Arc<Shutter>,
}

/// Whether a reader wants anything just now.
#[derive(Debug, Default)]
pub(crate) struct Shutter {
    closed: AtomicBool,
    passed: AtomicU64,
}

impl Shutter {
    /// Opens or closes it, from any thread.
    pub(crate) fn set(&self, open: bool) {
        self.closed.store(!open, Ordering::Relaxed);
    }

    pub(crate) fn is_open(&self) -> bool {
        !self.closed.load(Ordering::Relaxed)
    }

    /// What passed while it was closed, since this was last asked.
    pub(crate) fn take_passed(&self) -> u64 {
        self.passed.swap(0, Ordering::Relaxed)
    }
}

impl Reader {
    pub(crate) fn new(sizes: Sizes) -> Self {
        Self {
            tap: Arc::new(Tap::new(sizes)),
            views: Arc::new(Views::new()),
            shutter: Arc::default(),
        }
    }

    /// A copy for this reader, unless it wants none just now.
    fn put(&self, mark: Mark, bytes: &[u8]) {
        if self.shutter.is_open() {
            self.tap.put(mark, bytes);
        } else {
            self.shutter.passed.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Watchers {
    fn all(&self) -> impl Iterator<Item = &Reader> {
        self.record.iter().chain(&self.page)
    }

    /// Bytes of a device, before anything is made of them.
    pub(crate) fn arrived(&self, input: InputId, at: Now, bytes: &[u8]) {
        if let Some(record) = &self.record {
            record.put(Mark::Arrived { input, at }, bytes);
        }
    }

    /// A decoder begins afresh; `at` is only asked for where somebody looks on.
    pub(crate) fn restarted(&self, input: InputId, at: impl FnOnce() -> Now) {
        if let Some(record) = &self.record {
            record.put(Mark::Restarted { input, at: at() }, &[]);
        }
    }

    /// A decoder was asked for questions.
    pub(crate) fn asked(&self, input: InputId, at: Now, question: &[u8]) {
        if let Some(record) = &self.record {
            record.put(Mark::Asked { input, at }, question);
        }
    }

    /// A decoder was asked for what it has gathered.
    pub(crate) fn flushed(&self, input: InputId, at: Now) {
        if let Some(record) = &self.record {
            record.put(Mark::Flushed { input, at }, &[]);
        }
    }

    /// An order is about to be put down.
    pub(crate) fn ordered(&self, number: u64, at: Now, text: &[u8]) {
        if let Some(record) = &self.record {
            record.tap.put(Mark::Ordered { number, at }, text);
        }
    }

    /// The station is about to be stepped.
    pub(crate) fn step(&self, at: Now, step: Step) {
        if let Some(record) = &self.record {
            record.put(Mark::Step { at, step }, &[]);
        }
    }

    /// A frame left.
    pub(crate) fn frame(&self, at: Now, frame: &Frame, took: Duration) {
        let mark = Mark::Frame(FrameMark {
            at,
            kind: frame.kind,
            priority: frame.priority(),
            cause: frame.cause.map(|cause| cause.mono),
            took,
        });
        for reader in self.all() {
            reader.put(mark, frame.bytes());
        }
        if let Some(frames) = &self.frames {
            frames.put(mark, frame.bytes());
        }
    }

    /// The station told something.
    pub(crate) fn event(&self, at: Now, event: Event) {
        for reader in self.all() {
            reader.put(Mark::Event { at, event }, &[]);
        }
    }
}

/// The heart's own end: what it gathers for views.
#[derive(Debug)]
pub(crate) struct Window {
    watchers: Watchers,
    camera: Option<Camera>,
}

impl Window {
    pub(crate) fn new(watchers: Watchers) -> Self {
        let camera = watchers.all().next().map(|_| Camera::new());
        Self { watchers, camera }
    }

    /// A report, as the `nth` of its lane, is about to go to the station.
    pub(crate) fn report(&mut self, at: Now, report: &Report, lane: u8, nth: u64) {
        let (input, arrived) = (report.input, report.arrived.mono);
        let step = Step::Report {
            input,
            lane,
            nth,
            arrived,
        };
        self.watchers.step(at, step);
        if let Some(camera) = &mut self.camera {
            camera.note(report);
        }
    }

    /// What else steps the station.
    pub(crate) fn step(&self, at: Now, step: Step) {
        self.watchers.step(at, step);
    }

    pub(crate) fn frame(&self, at: Now, frame: &Frame, began: Mono, ended: Mono) {
        self.watchers.frame(at, frame, ended.since(began));
    }

    pub(crate) fn event(&self, at: Now, event: Event) {
        self.watchers.event(at, event);
    }

    /// After all has left: shows the road, if it is time.
    pub(crate) fn show(&mut self, now: Now, station: &mut Station) {
        let Some(camera) = &mut self.camera else {
            return;
        };
        if camera.is_due(now.mono) {
            // Said before: who plays this back asks for the same at the same place.
            self.watchers.step(now, Step::View);
            let open = self.watchers.all().filter(|r| r.shutter.is_open());
            let readers = open.map(|reader| &*reader.views);
            camera.take(now, station, readers);
        }
    }
}
