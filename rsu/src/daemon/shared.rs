//! What the daemon's threads have in common.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::cloud::CloudTally;
use super::mailbox::Mailbox;
use super::notices::Notices;
use super::orders::Desk;
use super::pcap::PcapTally;
use super::radio::OutletTally;
use super::record::RecordTally;
use super::snapshot::{
    CloudSnapshot, InputSnapshot, OrdersSnapshot, RadioSnapshot, RecordingSnapshot, Snapshot,
};
use super::stop::{Stop, lock};
use super::tally::{HeartTally, InputTally};
use super::watchers::Watchers;
use super::{clock, sys};
use crate::clock::{Mono, Now};
use crate::config::{Input, Orders, RadioTarget, Source};
use crate::report::InputId;
use crate::site::Site;

/// Counters, queues and the wish to end.
pub(crate) struct Shared {
    pub(crate) started: Mono,
    pub(crate) stop: Arc<Stop>,
    pub(crate) mailbox: Arc<Mailbox>,
    pub(crate) heart: Arc<HeartTally>,
    pub(crate) inputs: Vec<InputView>,
    pub(crate) outlets: Vec<(RadioTarget, Arc<OutletTally>)>,
    pub(crate) recording: Option<Arc<RecordTally>>,
    pub(crate) pcap: Option<Arc<PcapTally>>,
    pub(crate) watchers: Watchers,
    /// Where orders are put down.
    pub(crate) desk: Desk,
    /// Who may order, and how.
    pub(crate) orders: Option<Orders>,
    pub(crate) cloud: Option<Arc<CloudTally>>,
    /// The junction, for whoever reads what is ordered.
    pub(crate) site: Arc<Site>,
    /// The last warnings.
    pub(crate) notices: Notices,
    /// Whom to tell that the configuration is to be read again.
    #[cfg(feature = "console")]
    pub(crate) reload: Option<Arc<tokio::sync::Notify>>,
    /// What is played back; None: all is as it is now.
    #[cfg(feature = "console")]
    pub(crate) playback: Option<Arc<Playback>>,
    /// Real-time wishes that were refused.
    pub(crate) refused: Mutex<Vec<String>>,
}

/// A recording that is played back, and where in it.
#[cfg(feature = "console")]
#[derive(Debug)]
pub(crate) struct Playback {
    /// As people call it.
    pub(crate) what: String,
    at: Mutex<Now>,
    /// How much of it is behind us, in thousandths.
    share: AtomicU64,
}

#[cfg(feature = "console")]
impl Playback {
    pub(crate) fn new(what: String, at: Now) -> Self {
        Self {
            what,
            at: Mutex::new(at),
            share: AtomicU64::new(0),
        }
    }

    pub(crate) fn set_share(&self, thousandths: u64) {
        self.share.store(thousandths, Ordering::Relaxed);
    }

    /// How much of it is behind us.
    pub(crate) fn share(&self) -> f64 {
        self.share.load(Ordering::Relaxed) as f64 / 1e3
    }

    pub(crate) fn set(&self, at: Now) {
        *lock(&self.at) = at;
    }
}

/// An input as an observer sees it.
pub(crate) struct InputView {
    pub(crate) id: InputId,
    pub(crate) name: String,
    pub(crate) protocol: &'static str,
    pub(crate) source: Source,
    pub(crate) silent_after: Duration,
    /// A signal controller that drives no phase of the site.
    pub(crate) is_idle: bool,
    pub(crate) tally: Arc<InputTally>,
}

impl Shared {
    /// What time it is, or was.
    pub(crate) fn now(&self) -> Now {
        #[cfg(feature = "console")]
        if let Some(playback) = &self.playback {
            return *lock(&playback.at);
        }
        clock::now()
    }

    /// Everything at this moment.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let now = self.now().mono;
        let stats = self.heart.stats();
        Snapshot {
            uptime: now.since(self.started),
            sent: self.heart.sent(),
            radio: self.outlets.iter().map(radio_snapshot).collect(),
            inputs: self
                .inputs
                .iter()
                .map(|view| self.input_snapshot(view, now))
                .collect(),
            recording: self.recording_snapshot(),
            clock: sys::clock_quality().ok(),
            latency: self.heart.path(),
            events_lost: self.heart.events_lost() + stats.events_lost,
            orders: self.orders_snapshot(),
            cloud: self.cloud.as_deref().map(cloud_snapshot),
            refused: lock(&self.refused).clone(),
            station: stats,
        }
    }

    /// What passed and was not kept.
    pub(crate) fn not_recorded(&self) -> u64 {
        let reader = self.watchers.record.as_ref();
        let lost = reader.map_or(0, |reader| reader.tap.lost() + reader.views.lost());
        let tally = self.recording.as_ref();
        lost + tally.map_or(0, |tally| tally.unwritten.load(Ordering::Relaxed))
    }

    fn orders_snapshot(&self) -> OrdersSnapshot {
        let tally = &self.desk.tally;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        OrdersSnapshot {
            standing: read(&tally.standing),
            done: read(&tally.done),
            refused: read(&tally.refused),
            turned_away: read(&tally.turned_away),
            journal_failures: read(&tally.journal_failures),
            journal_damaged: read(&tally.journal_damaged),
            journal_cut: read(&tally.journal_cut),
        }
    }

    fn recording_snapshot(&self) -> Option<RecordingSnapshot> {
        let (tally, reader) = (self.recording.as_ref()?, self.watchers.record.as_ref()?);
        Some(RecordingSnapshot {
            on: reader.shutter.is_open(),
            file: tally.file(),
            trouble: tally.trouble(),
            messages: tally.messages.load(Ordering::Relaxed),
            bytes: tally.bytes.load(Ordering::Relaxed),
            files: tally.files.load(Ordering::Relaxed),
            failures: tally.failures.load(Ordering::Relaxed),
            dropped: self.not_recorded(),
            waiting: reader.tap.waiting(),
        })
    }

    fn input_snapshot(&self, view: &InputView, now: Mono) -> InputSnapshot {
        let tally = &view.tally;
        let age = tally.last_report().map(|last| now.since(last));
        // What a receiver that is silent said last holds no more.
        let receiver = tally.receiver();
        let receiver = receiver.filter(|_| age.is_some_and(|age| age <= view.silent_after));
        InputSnapshot {
            name: view.name.clone(),
            protocol: view.protocol,
            source: view.source.to_string(),
            link: tally.link(),
            arrivals: tally.arrivals.load(Ordering::Relaxed),
            bytes: tally.bytes.load(Ordering::Relaxed),
            foreign: tally.foreign.load(Ordering::Relaxed),
            overlong: tally.overlong.load(Ordering::Relaxed),
            retained: tally.retained.load(Ordering::Relaxed),
            unsent: tally.unsent.load(Ordering::Relaxed),
            reports: tally.reports.load(Ordering::Relaxed),
            displaced: self.mailbox.displaced(view.id),
            reconnects: tally.reconnects(),
            age,
            receiver,
            clock_behind_s: match receiver {
                Some(receiver) => receiver.clock_ahead_s,
                None => tally.clock_behind_s(),
            },
            sensor: self.heart.sensor(view.id),
            counts: tally.counts(),
        }
    }
}

fn cloud_snapshot(tally: &CloudTally) -> CloudSnapshot {
    let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    CloudSnapshot {
        connected: read(&tally.connected) > 0,
        messages: read(&tally.messages),
        entries: read(&tally.entries),
        faults: read(&tally.faults),
        too_fast: read(&tally.too_fast),
        retained: read(&tally.retained),
        answered: read(&tally.answered),
        warned: read(&tally.warned),
        unwarned: read(&tally.unwarned),
    }
}

fn radio_snapshot((target, tally): &(RadioTarget, Arc<OutletTally>)) -> RadioSnapshot {
    RadioSnapshot {
        target: format!("udp://{}", target.to),
        frames: tally.frames.load(Ordering::Relaxed),
        bytes: tally.bytes.load(Ordering::Relaxed),
        lost: tally.lost.load(Ordering::Relaxed),
        trouble: tally.trouble().map(|(_, e)| e.to_string()),
    }
}

impl InputView {
    /// Of an input that has not started.
    pub(crate) fn new(input: &Input, site: &Site) -> Self {
        Self {
            id: input.id,
            name: input.name.clone(),
            protocol: input.protocol.name(),
            source: input.source.clone(),
            silent_after: input.silent_after,
            is_idle: input.is_idle(site),
            tally: Arc::default(),
        }
    }
}
