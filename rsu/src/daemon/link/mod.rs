//! The ways in: each brings the bytes of one input to its decoder and the reports to the mailbox.
//!
//! - `udp`: datagrams, on a plain thread an input, with the kernel's stamp of their arrival
//! - `tcp`: streams from devices and gateways, whoever connects, on the one asynchronous thread
//! - `serial`: serial lines, on the same
//! - `can`: CAN interfaces of Linux, on a plain thread each (feature `socketcan`)
//! - `stream`: what those two do once they are up
//! - `mqtt`: messages of brokers, on an asynchronous thread of their own
//! - `file`: recordings at their own pace, on the same
//!
//! A link that fails says so in its tally and tries again with a growing pause; no other link
//! notices.

#[cfg(feature = "socketcan")]
pub(crate) mod can;
pub(crate) mod file;
pub(crate) mod mqtt;
pub(crate) mod serial;
mod stream;
pub(crate) mod tcp;
pub(crate) mod udp;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::clock;
use super::mailbox::Mailbox;
use super::tally::{InputTally, LinkState};
use super::watchers::Watchers;
use crate::clock::{Mono, Now};
use crate::inputs::Decoder;
use crate::report::InputId;

/// How finely a wait for the next question is cut.
const STEP_MS: u64 = 5;
/// How often a silent socket lets its thread look at requests and at the wish to end.
const PATIENCE: Duration = Duration::from_millis(100);

/// How long a plain thread waits for what comes: up to the first of what is due, by steps of a whole one
/// so that the kernel need not be told of every microsecond.
fn patience(due: impl Iterator<Item = Mono>) -> Duration {
    let Some(due) = due.min().filter(|due| *due != Mono::NEVER) else {
        return PATIENCE;
    };
    let rest = due.since(clock::mono()).min(PATIENCE);
    Duration::from_millis(rest.as_millis() as u64 / STEP_MS * STEP_MS + STEP_MS)
}

/// From bytes to the mailbox: the end that all links share.
pub(crate) struct Inlet {
    pub(crate) input: InputId,
    pub(crate) decoder: Decoder,
    pub(crate) mailbox: Arc<Mailbox>,
    pub(crate) tally: Arc<InputTally>,
    pub(crate) watchers: Watchers,
}

impl Inlet {
    /// Takes what arrived, decodes it and passes on what it says.
    pub(crate) fn take(&mut self, arrived: Now, bytes: &[u8]) {
        let Self {
            input,
            decoder,
            mailbox,
            tally,
            watchers,
        } = self;
        watchers.arrived(*input, arrived, bytes);
        tally.arrivals.fetch_add(1, Ordering::Relaxed);
        tally.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        let mut began = clock::mono();
        let mut made_nothing = true;
        tally.taking.record(began.since(arrived.mono));
        decoder.push(arrived, bytes, &mut |content| {
            tally.decoding.record(clock::mono().since(began));
            made_nothing = false;
            tally.note_report(arrived.mono);
            tally.note_content(&content);
            mailbox.push(*input, arrived, content);
            began = clock::mono();
        });
        if made_nothing {
            tally.decoding.record(clock::mono().since(began));
        }
        tally.show_clock(decoder.clock_behind_s(arrived));
        tally.show_counts(decoder.counts());
    }

    /// Passes on what the decoder has gathered, if its time has come.
    pub(crate) fn flush(&mut self, now: Now) {
        let Self {
            input,
            decoder,
            mailbox,
            tally,
            watchers,
        } = self;
        if decoder.flush_due() > now.mono {
            return;
        }
        watchers.flushed(*input, now);
        decoder.flush(now, &mut |content| {
            tally.note_report(now.mono);
            tally.note_content(&content);
            mailbox.push(*input, now, content);
        });
        tally.show_counts(decoder.counts());
    }

    /// Shows what has been counted without anything having arrived.
    pub(crate) fn show_counts(&self) {
        self.tally.show_counts(self.decoder.counts());
    }

    /// The way in does not work; what comes when it does starts afresh.
    pub(crate) fn went_down(&mut self, reason: String) {
        self.tally.set_link(LinkState::Down(reason));
        self.restart();
    }

    /// What comes next has nothing to do with what came before.
    pub(crate) fn restart(&mut self) {
        self.watchers.restarted(self.input, clock::now);
        self.decoder.link_restarted();
    }

    /// Appends a question that the device must be sent now, if one is due; call until false.
    pub(crate) fn poll_query(&mut self, now: Now, out: &mut Vec<u8>) -> bool {
        // Nothing changes in a decoder that is asked before its time, and nobody need know.
        let due = self.decoder.poll_timeout() <= now.mono;
        let before = out.len();
        let asked = self.decoder.poll_query(now, out);
        if due || asked {
            self.watchers.asked(self.input, now, &out[before..]);
        }
        asked
    }
}
