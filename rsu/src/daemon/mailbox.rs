//! Between the inputs' threads and the heart: the only queue on the straight path.
//!
//! Each input has a lane for each thing that it can say. Where a lane is full the newest wins: of
//! objects the oldest frame of that input goes, of a lamp state, a plan or a mode only the newest
//! counts anyway. So a flood on one input takes nothing from another, and a heart that was held up
//! finds what is true now. Lock-free; a push allocates nothing and never waits.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, Thread};
use std::time::Duration;

use crossbeam_queue::ArrayQueue;

use super::clock;
use crate::clock::Mono;
use crate::report::{Content, InputId, Report};

/// Frames of objects that wait for one input: at 20 a second, the last 0.4 s.
const OBJECT_FRAMES: usize = 8;
/// Lanes of one input, in the order in which the heart empties them: signals before objects, since
/// they are small and a change of colour is urgent.
const LANES: usize = 4;
/// Longest sleep, so that no arithmetic of a far deadline can go wrong.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);

/// What ended a wait.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "inline on purpose: the report crosses without allocating"
)]
pub(crate) enum Woke {
    /// Something was said.
    Report(Report),
    /// The deadline is here.
    Timeout,
    /// Nothing will be said any more.
    Closed,
}

/// Reports on their way to the heart.
pub(crate) struct Mailbox {
    /// By kind, then by input.
    lanes: Vec<Lane>,
    inputs: usize,
    heart: OnceLock<Thread>,
    closed: AtomicBool,
}

struct Lane {
    queue: ArrayQueue<Report>,
    displaced: AtomicU64,
}

impl Mailbox {
    /// For inputs with ids `0..inputs`.
    pub(crate) fn new(inputs: usize) -> Self {
        let lane = |kind: usize| Lane {
            queue: ArrayQueue::new(if kind == LANES - 1 { OBJECT_FRAMES } else { 1 }),
            displaced: AtomicU64::new(0),
        };
        Self {
            lanes: (0..LANES * inputs).map(|at| lane(at / inputs)).collect(),
            inputs,
            heart: OnceLock::new(),
            closed: AtomicBool::new(false),
        }
    }

    /// Makes the calling thread the one that a push wakes.
    pub(crate) fn adopt(&self) {
        // Only the heart calls this, once; a second caller would change nothing.
        let _ = self.heart.set(thread::current());
    }

    /// Puts a report in its lane and wakes the heart. A report from an unknown input is dropped.
    pub(crate) fn push(&self, report: Report) {
        let kind = match report.content {
            Content::Lamps(_) => 0,
            Content::Plan(_) => 1,
            Content::Mode(_) => 2,
            Content::Objects(_) => LANES - 1,
        };
        let input = usize::from(report.input.0);
        if input >= self.inputs {
            return;
        }
        let lane = &self.lanes[kind * self.inputs + input];
        if lane.queue.force_push(report).is_some() {
            lane.displaced.fetch_add(1, Ordering::Relaxed);
        }
        self.wake();
    }

    /// Ends every wait, now and later.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.wake();
    }

    /// Waits for a report, the deadline or the end.
    ///
    /// A deadline that is here goes before a report, so that a flood cannot delay what is due. The
    /// last `spin` before the deadline is spent awake, which trades processor time for microseconds.
    pub(crate) fn wait(&self, deadline: Mono, spin: Duration) -> Woke {
        loop {
            if self.closed.load(Ordering::Acquire) {
                return Woke::Closed;
            }
            let now = clock::mono();
            if now >= deadline {
                return Woke::Timeout;
            }
            if let Some(report) = self.pop() {
                return Woke::Report(report);
            }
            let rest = deadline.since(now);
            match rest.checked_sub(spin) {
                Some(sleep) if !sleep.is_zero() => thread::park_timeout(sleep.min(LONGEST_SLEEP)),
                _ => std::hint::spin_loop(),
            }
        }
    }

    /// Reports of `input` that gave way to newer ones before the heart came to them.
    pub(crate) fn displaced(&self, input: InputId) -> u64 {
        (0..LANES)
            .filter_map(|kind| {
                self.lanes
                    .get(kind * self.inputs + usize::from(input.0))
                    .map(|lane| lane.displaced.load(Ordering::Relaxed))
            })
            .sum()
    }

    fn pop(&self) -> Option<Report> {
        self.lanes.iter().find_map(|lane| lane.queue.pop())
    }

    fn wake(&self) {
        if let Some(heart) = self.heart.get() {
            heart.unpark();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::report::{ControlMode, LampState, LampStates, Light, Objects};

    const SOON: Duration = Duration::from_secs(10);

    fn report(input: u8, content: Content) -> Report {
        Report {
            input: InputId(input),
            arrived: clock::now(),
            content,
        }
    }

    fn objects(input: u8, seen_at: u64) -> Report {
        let objects = Objects {
            seen_at: Mono::from_nanos(seen_at),
            ..Objects::default()
        };
        report(input, Content::Objects(objects))
    }

    fn lamps(lamp: u16) -> Report {
        let mut states = LampStates::default();
        states.lamps.push(LampState {
            lamp,
            light: Light::Red,
            countdown_s: None,
        });
        report(0, Content::Lamps(states))
    }

    /// What waits, in order.
    fn drain(mailbox: &Mailbox) -> Vec<Report> {
        std::iter::from_fn(|| mailbox.pop()).collect()
    }

    #[test]
    fn a_full_lane_of_objects_loses_the_oldest_and_counts_it() {
        let mailbox = Mailbox::new(2);
        for at in 0..10 {
            mailbox.push(objects(1, at));
        }
        mailbox.push(objects(0, 77));
        let waiting = drain(&mailbox);
        let seen: Vec<u64> = waiting
            .iter()
            .map(|r| match &r.content {
                Content::Objects(o) => o.seen_at.nanos(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(seen, [77, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(mailbox.displaced(InputId(1)), 2);
        assert_eq!(mailbox.displaced(InputId(0)), 0);
    }

    #[test]
    fn the_newest_lamp_state_replaces_and_a_mode_beside_it_stays() {
        let mailbox = Mailbox::new(1);
        mailbox.push(lamps(1));
        mailbox.push(report(0, Content::Mode(ControlMode::Flash)));
        mailbox.push(lamps(2));
        let waiting = drain(&mailbox);
        assert_eq!(waiting.len(), 2);
        let Content::Lamps(states) = &waiting[0].content else {
            panic!("{waiting:?}")
        };
        assert_eq!(states.lamps[0].lamp, 2);
        assert_eq!(mailbox.displaced(InputId(0)), 1);
    }

    #[test]
    fn a_report_from_an_unknown_input_is_dropped() {
        let mailbox = Mailbox::new(1);
        mailbox.push(objects(9, 0));
        assert!(drain(&mailbox).is_empty());
        assert_eq!(mailbox.displaced(InputId(9)), 0);
        Mailbox::new(0).push(objects(0, 0));
    }

    #[test]
    fn a_push_wakes_the_waiting_thread() {
        let mailbox = Arc::new(Mailbox::new(1));
        let waiting = Arc::clone(&mailbox);
        let heart = thread::spawn(move || {
            waiting.adopt();
            waiting.wait(clock::mono() + SOON, Duration::ZERO)
        });
        while mailbox.heart.get().is_none() {
            thread::yield_now();
        }
        let pushed = clock::mono();
        mailbox.push(objects(0, 1));
        assert!(matches!(heart.join().unwrap(), Woke::Report(_)));
        assert!(clock::mono().since(pushed) < SOON / 2);
    }

    #[test]
    fn closing_ends_a_wait_without_a_deadline() {
        let mailbox = Arc::new(Mailbox::new(1));
        let waiting = Arc::clone(&mailbox);
        let heart = thread::spawn(move || {
            waiting.adopt();
            waiting.wait(Mono::NEVER, Duration::ZERO)
        });
        mailbox.close();
        assert!(matches!(heart.join().unwrap(), Woke::Closed));
    }

    #[test]
    fn the_deadline_is_not_missed_early_and_goes_before_reports() {
        let mailbox = Mailbox::new(1);
        mailbox.adopt();
        let deadline = clock::mono() + Duration::from_millis(5);
        assert!(matches!(
            mailbox.wait(deadline, Duration::from_micros(200)),
            Woke::Timeout
        ));
        assert!(clock::mono() >= deadline);
        mailbox.push(objects(0, 1));
        assert!(matches!(
            mailbox.wait(deadline, Duration::ZERO),
            Woke::Timeout
        ));
    }
}
