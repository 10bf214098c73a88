//! What the threads have done, written where it happens and read where it is told.
//!
//! Counters are atomics; what is not a number sits behind a lock that its writer only tries, so that
//! a reader never makes a hot thread wait.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use arrayvec::ArrayVec;
use crossbeam_queue::ArrayQueue;

use super::latency::Latency;
use super::snapshot::{PathLatency, Sent};
use super::stop::lock;
use crate::clock::Mono;
use crate::fusion::{Health, MAX_SENSORS};
use crate::inputs::Counts;
use crate::report::{Content, InputId, Receiver};
use crate::station::{Event, Frame, FrameKind, Station, Stats};

/// Whether an input's bytes can reach us.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LinkState {
    /// Not tried yet.
    #[default]
    Starting,
    /// Listening, connected or reading.
    Up,
    /// Not working, and why; it is tried again.
    Down(String),
    /// Over, with nothing more to come: a recording that has been read.
    Ended,
}

/// One input.
#[derive(Debug, Default)]
pub(crate) struct InputTally {
    /// Datagrams or reads.
    pub(crate) arrivals: AtomicU64,
    pub(crate) bytes: AtomicU64,
    /// Datagrams from an address that this input does not listen to.
    pub(crate) foreign: AtomicU64,
    /// Datagrams longer than any that the protocol knows.
    pub(crate) overlong: AtomicU64,
    /// Messages that a broker kept from an earlier time.
    pub(crate) retained: AtomicU64,
    pub(crate) reports: AtomicU64,
    /// Requests that could not be sent to the device.
    pub(crate) unsent: AtomicU64,
    last_report: AtomicU64,
    counts: Mutex<Counts>,
    link: Mutex<LinkState>,
    receiver: Mutex<Option<Receiver>>,
    clock_behind_s: Mutex<Option<f64>>,
    /// Times that the link came up.
    ups: AtomicU64,
    /// From the arrival of bytes to the thread that takes them.
    pub(crate) taking: Latency,
    /// From there to a report, or to the end of bytes that make none.
    pub(crate) decoding: Latency,
}

impl InputTally {
    /// A report was made of what arrived then.
    pub(crate) fn note_report(&self, arrived: Mono) {
        self.reports.fetch_add(1, Ordering::Relaxed);
        self.last_report.store(arrived.nanos(), Ordering::Relaxed);
    }

    /// Shows the decoder's counts, unless somebody is reading them just now.
    pub(crate) fn show_counts(&self, counts: &Counts) {
        if let Ok(mut shown) = self.counts.try_lock() {
            shown.clone_from(counts);
        }
    }

    /// What a satellite receiver says of itself, unless somebody is reading it just now.
    pub(crate) fn note_content(&self, content: &Content) {
        if let Content::Receiver(receiver) = content
            && let Ok(mut shown) = self.receiver.try_lock()
        {
            *shown = Some(*receiver);
        }
    }

    /// How far the device's clock is behind ours, unless somebody is reading it just now.
    pub(crate) fn show_clock(&self, behind_s: Option<f64>) {
        if let Ok(mut shown) = self.clock_behind_s.try_lock() {
            *shown = behind_s;
        }
    }

    /// As last shown.
    pub(crate) fn clock_behind_s(&self) -> Option<f64> {
        *lock(&self.clock_behind_s)
    }

    /// What it last said.
    pub(crate) fn receiver(&self) -> Option<Receiver> {
        *lock(&self.receiver)
    }

    /// When the newest report arrived.
    pub(crate) fn last_report(&self) -> Option<Mono> {
        match self.last_report.load(Ordering::Relaxed) {
            0 => None,
            nanos => Some(Mono::from_nanos(nanos)),
        }
    }

    pub(crate) fn counts(&self) -> Counts {
        lock(&self.counts).clone()
    }

    pub(crate) fn link(&self) -> LinkState {
        lock(&self.link).clone()
    }

    pub(crate) fn set_link(&self, state: LinkState) {
        let mut link = lock(&self.link);
        let comes_up = state == LinkState::Up && *link != LinkState::Up;
        self.ups.fetch_add(u64::from(comes_up), Ordering::Relaxed);
        *link = state;
    }

    /// Times that the link came up again after it had been.
    pub(crate) fn reconnects(&self) -> u64 {
        self.ups.load(Ordering::Relaxed).saturating_sub(1)
    }
}

/// Events that may wait for the observer.
const EVENTS: usize = 128;

type Sensors = ArrayVec<(InputId, Health), MAX_SENSORS>;

/// The heart.
pub(crate) struct HeartTally {
    /// By [`FrameKind::index`].
    sent: [SentTally; FrameKind::ALL.len()],
    pub(crate) to_heart: Latency,
    pub(crate) work: Latency,
    pub(crate) lateness: Latency,
    pub(crate) reaction: Latency,
    pub(crate) age: Latency,
    /// From a report's being made to the heart's taking it up.
    pub(crate) queue: Latency,
    /// A report of objects into the tracks.
    pub(crate) fuse: Latency,
    /// From tracks, forecasts and site to the values of a message.
    pub(crate) compose: Latency,
    /// From those to the bytes of a frame.
    pub(crate) encode: Latency,
    /// A frame into the sockets of the radio.
    pub(crate) send: Latency,
    /// How long after its slot of the grid a frame was sent, by [`FrameKind::index`].
    pub(crate) behind_slot: [Latency; FrameKind::ALL.len()],
    events: ArrayQueue<Event>,
    events_lost: AtomicU64,
    stats: Mutex<Stats>,
    sensors: Mutex<Sensors>,
    /// On its thread since its first beat, and one; 0 where nobody counts.
    allocations: AtomicU64,
}

#[derive(Default)]
struct SentTally {
    frames: AtomicU64,
    bytes: AtomicU64,
}

impl HeartTally {
    pub(crate) fn new() -> Self {
        Self {
            sent: Default::default(),
            to_heart: Latency::default(),
            work: Latency::default(),
            lateness: Latency::default(),
            reaction: Latency::default(),
            age: Latency::default(),
            queue: Latency::default(),
            fuse: Latency::default(),
            compose: Latency::default(),
            encode: Latency::default(),
            send: Latency::default(),
            behind_slot: Default::default(),
            events: ArrayQueue::new(EVENTS),
            events_lost: AtomicU64::new(0),
            stats: Mutex::default(),
            sensors: Mutex::default(),
            allocations: AtomicU64::new(0),
        }
    }

    /// A frame was handed to the radio by `sent_at`; what arrived at `said` woke the heart, if
    /// anything did.
    pub(crate) fn note_frame(&self, frame: &Frame, said: Option<Mono>, sent_at: Mono) {
        let sent = &self.sent[frame.kind.index()];
        sent.frames.fetch_add(1, Ordering::Relaxed);
        sent.bytes.fetch_add(frame.len() as u64, Ordering::Relaxed);
        if let Some(slot) = frame.slot {
            self.behind_slot[frame.kind.index()].record(sent_at.since(slot));
        }
        let Some(cause) = frame.cause else { return };
        let age = sent_at.since(cause.mono);
        self.age.record(age);
        if said == Some(cause.mono) {
            self.reaction.record(age);
        }
    }

    /// So many allocations since the first beat.
    pub(crate) fn note_allocations(&self, count: u64) {
        self.allocations.store(count + 1, Ordering::Relaxed);
    }

    /// None where nobody counts them.
    pub(crate) fn allocations(&self) -> Option<u64> {
        self.allocations.load(Ordering::Relaxed).checked_sub(1)
    }

    /// A frame took so long: begun, composed with its bytes, sent.
    pub(crate) fn note_making(&self, frame: &Frame, began: Mono, made: Mono, sent: Mono) {
        let encoding = frame.encoding();
        self.compose
            .record(made.since(began).saturating_sub(encoding));
        self.encode.record(encoding);
        self.send.record(sent.since(made));
    }

    /// The oldest event gives way.
    pub(crate) fn note_event(&self, event: Event) {
        if self.events.force_push(event).is_some() {
            self.events_lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Shows the station's own numbers, unless somebody is reading them just now.
    pub(crate) fn show_stats(&self, stats: &Stats) {
        if let Ok(mut shown) = self.stats.try_lock() {
            shown.clone_from(stats);
        }
    }

    /// Shows how the sensors fare, unless somebody is reading it just now.
    pub(crate) fn show_sensors(&self, station: &Station, at: Mono) {
        if let Ok(mut shown) = self.sensors.try_lock() {
            shown.clear();
            shown.extend(station.sensors(at).take(MAX_SENSORS));
        }
    }

    /// How the sensor of an input fares; None for an input that is none.
    pub(crate) fn sensor(&self, input: InputId) -> Option<Health> {
        let sensors = lock(&self.sensors);
        let found = sensors.iter().find(|(known, _)| *known == input);
        found.map(|(_, health)| *health)
    }

    pub(crate) fn next_event(&self) -> Option<Event> {
        self.events.pop()
    }

    pub(crate) fn stats(&self) -> Stats {
        lock(&self.stats).clone()
    }

    pub(crate) fn events_lost(&self) -> u64 {
        self.events_lost.load(Ordering::Relaxed)
    }

    pub(crate) fn sent(&self) -> Vec<Sent> {
        FrameKind::ALL
            .into_iter()
            .zip(&self.sent)
            .map(|(kind, sent)| Sent {
                kind,
                frames: sent.frames.load(Ordering::Relaxed),
                bytes: sent.bytes.load(Ordering::Relaxed),
            })
            .collect()
    }

    pub(crate) fn path(&self) -> PathLatency {
        PathLatency {
            to_heart: self.to_heart.percentiles(),
            work: self.work.percentiles(),
            lateness: self.lateness.percentiles(),
            reaction: self.reaction.percentiles(),
            age: self.age.percentiles(),
        }
    }
}
