//! What the daemon has done so far, as plain values for whoever shows it.

use std::path::PathBuf;
use std::time::Duration;

pub use super::latency::Percentiles;
pub use super::sys::ClockQuality;
pub use super::tally::LinkState;
use crate::fusion::{Health, Suspicion};
use crate::inputs::Counts;
use crate::report::Receiver;
use crate::station::{FrameKind, Stats};

/// Everything at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Since the start.
    pub uptime: Duration,
    /// One entry a kind of message, most urgent first.
    pub sent: Vec<Sent>,
    /// One entry a target, in the order of the configuration.
    pub radio: Vec<RadioSnapshot>,
    /// One entry an input, in the order of the configuration.
    pub inputs: Vec<InputSnapshot>,
    /// What is kept of it all; None where nothing is.
    pub recording: Option<RecordingSnapshot>,
    /// How well the clock keeps UTC; None where the kernel does not say.
    pub clock: Option<ClockQuality>,
    /// How long the parts of the straight path take.
    pub latency: PathLatency,
    /// The station's own numbers.
    pub station: Stats,
    /// What people and platforms have ordered.
    pub orders: OrdersSnapshot,
    /// What the platform has sent; None where there is none.
    pub cloud: Option<CloudSnapshot>,
    /// Real-time wishes of the configuration that the system refused, and why.
    pub refused: Vec<String>,
    /// Events of the station that were never told, since too many came at once.
    pub events_lost: u64,
}

/// What people and platforms have ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OrdersSnapshot {
    /// Events and signs that stand by their word.
    pub standing: u64,
    /// Orders that were done.
    pub done: u64,
    /// Orders that were refused.
    pub refused: u64,
    /// Orders that were turned away because too many waited.
    pub turned_away: u64,
    /// Times that the disk refused to keep one.
    pub journal_failures: u64,
    /// Lines of the journal that were damaged and passed over.
    pub journal_damaged: u64,
    /// Bytes of a half-written line that were cut off.
    pub journal_cut: u64,
}

/// What the platform has sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CloudSnapshot {
    /// Whether its broker listens to us.
    pub connected: bool,
    /// Messages that were read.
    pub messages: u64,
    /// Entries in them that were taken.
    pub entries: u64,
    /// Entries and messages that were refused.
    pub faults: u64,
    /// Messages beyond the rate, dropped unread.
    pub too_fast: u64,
    /// Messages that the broker had kept from an earlier time; none is used.
    pub retained: u64,
    /// Messages that were answered.
    pub answered: u64,
    /// Warnings that were sent to it.
    pub warned: u64,
    /// Warnings that it wanted and that could not be sent.
    pub unwarned: u64,
}

/// The recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordingSnapshot {
    /// Whether anything is to be kept just now.
    pub on: bool,
    /// The file that grows; None while nothing can be written.
    pub file: Option<PathBuf>,
    /// What is wrong now.
    pub trouble: Option<String>,
    /// Messages written.
    pub messages: u64,
    /// Bytes of all files, as they are on the disk.
    pub bytes: u64,
    /// Files begun.
    pub files: u64,
    /// Times that the disk refused.
    pub failures: u64,
    /// What passed and was not kept.
    pub dropped: u64,
    /// What waits to be written.
    pub waiting: usize,
}

/// One kind of message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Which kind.
    pub kind: FrameKind,
    /// Frames handed to the radio.
    pub frames: u64,
    /// Their length in all.
    pub bytes: u64,
}

/// One target of the radio.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RadioSnapshot {
    /// As configured.
    pub target: String,
    /// Frames that the kernel took.
    pub frames: u64,
    /// Their length in all.
    pub bytes: u64,
    /// Frames that it did not take.
    pub lost: u64,
    /// What is wrong now.
    pub trouble: Option<String>,
}

/// One input.
#[derive(Clone, Debug)]
pub struct InputSnapshot {
    /// As configured.
    pub name: String,
    /// Which protocol it speaks.
    pub protocol: &'static str,
    /// Where its bytes come from.
    pub source: String,
    /// Whether they can reach us.
    pub link: LinkState,
    /// Datagrams, or reads of a stream.
    pub arrivals: u64,
    /// Bytes in them.
    pub bytes: u64,
    /// Datagrams dropped because another than the configured address sent them.
    pub foreign: u64,
    /// Datagrams dropped because they were longer than any that the protocol knows.
    pub overlong: u64,
    /// Messages that a broker kept from an earlier time; none is used.
    pub retained: u64,
    /// Requests that could not be sent to the device.
    pub unsent: u64,
    /// Reports that the decoder made.
    pub reports: u64,
    /// Reports that gave way to newer ones before the station came to them.
    pub displaced: u64,
    /// Times that its link was found again after it had been lost.
    pub reconnects: u64,
    /// Since the newest report arrived; None before the first.
    pub age: Option<Duration>,
    /// What a satellite receiver last said of itself; None of one that is silent, and of any other device.
    pub receiver: Option<Receiver>,
    /// How far the device's clock is behind ours, with what its quickest messages take, in seconds; None
    /// of a device that stamps nothing.
    pub clock_behind_s: Option<f64>,
    /// How it fares as a sensor, as of the last second; None of what sees no road users.
    pub sensor: Option<Health>,
    /// What the decoder understood, and what not and why.
    pub counts: Counts,
}

/// How long the parts of the straight path take, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PathLatency {
    /// From the arrival of bytes to the heart taking up the report made of them.
    pub to_heart: Percentiles,
    /// The heart's work on one wake-up, with encoding and sending.
    pub work: Percentiles,
    /// How late the heart woke for what was due.
    pub lateness: Percentiles,
    /// From the arrival of bytes to the frame that they set off being sent: a change of colour and
    /// its SPAT, a radar's cycle and its RSM.
    pub reaction: Percentiles,
    /// How old the newest input that a frame rests on is when the frame is sent, with the wait for
    /// the frame's slot.
    pub age: Percentiles,
}

/// What is suspected of a sensor, as logs, metrics and the console call it.
pub(crate) fn suspicion_name(suspicion: Suspicion) -> &'static str {
    match suspicion {
        Suspicion::Hung => "hung",
        Suspicion::Silent => "silent",
        Suspicion::Astray => "astray",
        Suspicion::Turned => "turned",
        Suspicion::Shifted => "shifted",
        Suspicion::Noisy => "noisy",
    }
}

impl Snapshot {
    /// All messages sent, of any kind.
    pub fn frames(&self) -> u64 {
        self.sent.iter().map(|sent| sent.frames).sum()
    }

    /// How many messages of a kind were sent.
    pub fn frames_of(&self, kind: FrameKind) -> u64 {
        self.sent
            .iter()
            .find(|sent| sent.kind == kind)
            .map_or(0, |sent| sent.frames)
    }
}
