//! The loop that everything else exists for: wait, read the clock once, step the station, send.
//!
//! One plain thread. It opens no file, takes no contended lock, allocates nothing and logs nothing:
//! frames go to the radio, events to a bounded queue, numbers into atomics.

use std::sync::Arc;
use std::time::Duration;

use super::mailbox::{Mailbox, Woke};
use super::radio::Radio;
use super::tally::HeartTally;
use super::tap::Step;
use super::watchers::Window;
use super::{allocations, clock, sys};
use crate::clock::{Mono, Now};
use crate::report::Content;
use crate::station::{ClockState, Frame, Station};

/// How often the kernel is asked how well the clock keeps UTC.
const CLOCK_EVERY: Duration = Duration::from_secs(1);

/// What the heart's thread owns.
pub(crate) struct Heart {
    pub(crate) station: Box<Station>,
    pub(crate) radio: Radio,
    pub(crate) mailbox: Arc<Mailbox>,
    pub(crate) tally: Arc<HeartTally>,
    /// For who looks on.
    pub(crate) window: Window,
    /// How long before a deadline to wait awake.
    pub(crate) spin: Duration,
}

impl Heart {
    /// Beats until the mailbox is closed.
    pub(crate) fn run(mut self) {
        let mut frame = Frame::timed(clock::mono);
        let mut clock_due = Mono::ZERO;
        let mut first_beat = None;
        let mailbox = Arc::clone(&self.mailbox);
        mailbox.adopt();
        loop {
            let slot = self.station.next_slot();
            let due = self.station.poll_timeout().min(clock_due);
            let woke = mailbox.wait(due, self.spin);
            let now = clock::now();
            // Whatever it woke for, it serves what is due.
            if now.mono >= slot {
                self.tally.lateness.record(now.mono.since(slot));
            }
            let (mut said, mut handled) = (None, now.mono);
            match woke {
                Woke::Report(report) => {
                    said = Some(report.arrived.mono);
                    self.tally
                        .to_heart
                        .record(now.mono.since(report.arrived.mono));
                    self.tally.queue.record(now.mono.since(report.put_at()));
                    let (lane, nth) = report.place();
                    self.window.report(now, &report, lane, nth);
                    self.station.handle_report(now, &report);
                    handled = clock::mono();
                    if matches!(report.content, Content::Objects(_)) {
                        self.tally.fuse.record(handled.since(now.mono));
                    }
                }
                Woke::Order(mut letter) => {
                    let number = letter.number;
                    self.window.step(now, Step::Order { number });
                    letter.outcome = Some(self.station.handle_order(now, &mut letter.order));
                    mailbox.give_back(letter);
                }
                Woke::Timeout if now.mono >= clock_due => {
                    let state = clock_state();
                    self.window.step(now, Step::Clock(state));
                    self.station.handle_clock(now, state);
                    self.tally.show_sensors(&self.station, now.mono);
                    clock_due = now.mono + CLOCK_EVERY;
                }
                Woke::Timeout => {
                    self.window.step(now, Step::Timeout);
                    self.station.handle_timeout(now);
                }
                Woke::Closed => break,
            }
            self.drain(now, handled, said, &mut frame);
            if let Some(count) = allocations::on_this_thread() {
                let before = *first_beat.get_or_insert(count);
                self.tally.note_allocations(count - before);
            }
        }
    }

    /// Takes all that the station has to give from `began` on, after a report that arrived at `said`,
    /// if any.
    fn drain(&mut self, now: Now, mut began: Mono, said: Option<Mono>, frame: &mut Frame) {
        while self.station.poll_transmit(frame) {
            let made = clock::mono();
            self.radio.send(now.mono, frame.bytes());
            let sent = clock::mono();
            self.tally.note_making(frame, began, made, sent);
            self.tally.note_frame(frame, said, sent);
            self.window.frame(now, frame, began, sent);
            began = sent;
        }
        while let Some(event) = self.station.poll_event() {
            self.tally.note_event(event);
            self.window.event(now, event);
        }
        self.tally.show_stats(self.station.stats());
        self.window.show(now, &mut self.station);
        self.tally.work.record(clock::mono().since(now.mono));
    }
}

fn clock_state() -> ClockState {
    match sys::clock_quality() {
        Ok(quality) => ClockState {
            synchronised: quality.synchronised,
            error: Some(quality.max_error),
        },
        Err(_) => ClockState {
            synchronised: false,
            error: None,
        },
    }
}
