//! Between the inputs' threads and the heart: the only queue on the straight path.
//!
//! Each input has a lane for each thing that it can say. Where a lane is full the newest wins: of
//! objects the oldest frame of that input goes, of a lamp state, a plan or a mode only the newest
//! counts anyway. So a flood on one input takes nothing from another, and a heart that was held up
//! finds what is true now. Signals go before objects; of several inputs that speak of objects each has
//! its turn, so that one that never stops keeps none of the others waiting.
//!
//! A push allocates nothing and never waits. How reports lie in a lane is told in `lane`.
//!
//! Orders have a queue of their own, there and back: the clerk makes them and gets them again, so that
//! the heart frees nothing.

mod lane;
#[cfg(test)]
mod tests;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::thread::{self, Thread};
use std::time::Duration;

use crossbeam_queue::ArrayQueue;

use self::lane::Lane;
use super::clock;
use super::stop::Stop;
use crate::clock::{Mono, Now};
use crate::events::{Order, Outcome};
use crate::report::{Content, InputId, Report};

pub(crate) use self::lane::Held;

/// Frames of objects that wait for one input: at 20 a second, the last 0.4 s.
const OBJECT_FRAMES: usize = 8;
/// Kinds of content, in the order in which the heart takes them: signals before objects, since they
/// are small and a change of colour is urgent.
/// Weather and what comes after this cycle come late: they are good for long; so are requests, which
/// are said again and again. Recordings name a lane by its number here, so new ones go to the end.
pub(crate) const KINDS: usize = 7;
const OBJECTS: usize = 3;
const WEATHER: usize = 4;
const NEXT_PLAN: usize = 5;
const REQUESTS: usize = 6;
/// Requests that wait for one input: two vehicles that ask for as much as fits a message.
const WAITING_REQUESTS: usize = 16;
/// Orders that may be under way.
pub(crate) const MOST_ORDERS: usize = 64;
/// So many reports go before an order that waits.
const MOST_BEFORE_AN_ORDER: u32 = 32;
/// How long the clerk sleeps before it looks whether it is to end.
const LONGEST_LOOK: Duration = Duration::from_millis(50);
/// Longest sleep, so that no arithmetic of a far deadline can go wrong.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);

/// What an input can say; it has lanes for nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Says {
    /// Lamp states, plans and modes.
    pub(crate) signals: bool,
    /// Objects.
    pub(crate) objects: bool,
    /// Weather.
    pub(crate) weather: bool,
    /// Requests of vehicles.
    pub(crate) requests: bool,
}

/// What ended a wait.
pub(crate) enum Woke<'m> {
    /// Something was said.
    Report(Held<'m>),
    /// Something was ordered; to be given back with what became of it.
    Order(Box<Letter>),
    /// The deadline is here.
    Timeout,
    /// Nothing will be said any more.
    Closed,
}

/// Reports on their way to the heart.
pub(crate) struct Mailbox {
    /// By kind, then by input; None for what an input never says.
    lanes: Vec<Option<Lane>>,
    inputs: usize,
    heart: OnceLock<Thread>,
    closed: AtomicBool,
    /// Orders that wait, and those that the heart has done with: it neither makes nor frees any.
    orders: ArrayQueue<Box<Letter>>,
    done: ArrayQueue<Box<Letter>>,
    clerk: OnceLock<Thread>,
    /// Reports since the last order; only the heart counts them.
    reports_since: AtomicU32,
    /// The input whose turn it is, of each kind; only the heart moves it on.
    turns: [AtomicUsize; KINDS],
}

/// An order on its way to the heart and back.
#[derive(Debug)]
pub(crate) struct Letter {
    /// How many went before it.
    pub(crate) number: u64,
    pub(crate) order: Order,
    /// What became of it.
    pub(crate) outcome: Option<Outcome>,
}

impl Mailbox {
    /// One entry of `inputs` for each, in the order of their ids.
    pub(crate) fn new(inputs: &[Says]) -> Self {
        let lane = |kind: usize, says: &Says| match kind {
            OBJECTS => says.objects.then(|| Lane::new(OBJECT_FRAMES)),
            WEATHER => says.weather.then(|| Lane::new(1)),
            REQUESTS => says.requests.then(|| Lane::new(WAITING_REQUESTS)),
            _ => says.signals.then(|| Lane::new(1)),
        };
        Self {
            lanes: (0..KINDS)
                .flat_map(|kind| inputs.iter().map(move |says| lane(kind, says)))
                .collect(),
            inputs: inputs.len(),
            heart: OnceLock::new(),
            closed: AtomicBool::new(false),
            orders: ArrayQueue::new(MOST_ORDERS),
            done: ArrayQueue::new(MOST_ORDERS),
            clerk: OnceLock::new(),
            reports_since: AtomicU32::new(0),
            turns: [const { AtomicUsize::new(0) }; KINDS],
        }
    }

    /// Makes the calling thread the one that a push wakes.
    pub(crate) fn adopt(&self) {
        // Only the heart calls this, once; a second caller would change nothing.
        let _ = self.heart.set(thread::current());
    }

    /// Puts a report in its lane and wakes the heart. What has no lane is dropped.
    pub(crate) fn push(&self, input: InputId, arrived: Now, content: Content) {
        let Some(kind) = kind_of(&content) else {
            return;
        };
        let Some(lane) = self.lane(kind, input) else {
            return;
        };
        lane.put(Report {
            input,
            arrived,
            content,
        });
        self.wake();
    }

    /// Makes the calling thread the one that an order's return wakes. Only it orders.
    pub(crate) fn adopt_clerk(&self) {
        // As for the heart.
        let _ = self.clerk.set(thread::current());
    }

    /// Puts an order down and wakes the heart; at most [`MOST_ORDERS`] before the answers are taken.
    pub(crate) fn order(&self, letter: Box<Letter>) {
        // There is room for all that may be under way.
        let _ = self.orders.push(letter);
        self.wake();
    }

    /// Gives an order back to whoever made it.
    pub(crate) fn give_back(&self, letter: Box<Letter>) {
        let _ = self.done.push(letter);
        if let Some(clerk) = self.clerk.get() {
            clerk.unpark();
        }
    }

    /// Waits until so many orders have come back, or until the end: their numbers, and what became of
    /// them.
    pub(crate) fn answers(&self, count: usize, stop: &Stop) -> Vec<(u64, Option<Outcome>)> {
        let mut answers = Vec::with_capacity(count);
        while answers.len() < count && !stop.is_raised() {
            match self.done.pop() {
                Some(letter) => answers.push((letter.number, letter.outcome)),
                None => thread::park_timeout(LONGEST_LOOK),
            }
        }
        answers
    }

    /// Ends every wait, now and later.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.wake();
    }

    /// Waits for a report, the deadline or the end. Only the heart waits, and gives back what it
    /// holds before it waits again.
    ///
    /// A deadline that is here goes before a report, so that a flood cannot delay what is due. The
    /// last `spin` before the deadline is spent awake, which trades processor time for microseconds.
    pub(crate) fn wait(&self, deadline: Mono, spin: Duration) -> Woke<'_> {
        loop {
            if self.closed.load(Ordering::Acquire) {
                return Woke::Closed;
            }
            let now = clock::mono();
            if now >= deadline {
                return Woke::Timeout;
            }
            // People and platforms have more time than signals and road users, but they are not kept
            // waiting for ever where reports never end.
            let overdue = self.reports_since.load(Ordering::Relaxed) >= MOST_BEFORE_AN_ORDER;
            if overdue && let Some(letter) = self.next_order() {
                return Woke::Order(letter);
            }
            if let Some(report) = self.take() {
                self.reports_since.fetch_add(1, Ordering::Relaxed);
                return Woke::Report(report);
            }
            if let Some(letter) = self.next_order() {
                return Woke::Order(letter);
            }
            let rest = deadline.since(now);
            match rest.checked_sub(spin) {
                Some(sleep) if !sleep.is_zero() => thread::park_timeout(sleep.min(LONGEST_SLEEP)),
                _ => std::hint::spin_loop(),
            }
        }
    }

    /// Reports of `input` that wait for the heart.
    pub(crate) fn waiting(&self, input: InputId) -> usize {
        let lanes = (0..KINDS).filter_map(|kind| self.lane(kind, input));
        lanes.map(Lane::waiting).sum()
    }

    /// Reports of `input` that gave way to newer ones before the heart came to them.
    pub(crate) fn displaced(&self, input: InputId) -> u64 {
        (0..KINDS)
            .filter_map(|kind| self.lane(kind, input))
            .map(Lane::displaced)
            .sum()
    }

    fn next_order(&self) -> Option<Box<Letter>> {
        let letter = self.orders.pop()?;
        self.reports_since.store(0, Ordering::Relaxed);
        Some(letter)
    }

    fn take(&self) -> Option<Held<'_>> {
        (0..KINDS).find_map(|kind| self.take_of(kind))
    }

    /// What waits of one kind, from the input after the one that was served last.
    fn take_of(&self, kind: usize) -> Option<Held<'_>> {
        let turn = &self.turns[kind];
        let first = turn.load(Ordering::Relaxed);
        let lanes = &self.lanes[kind * self.inputs..][..self.inputs];
        (0..self.inputs).find_map(|further| {
            let input = (first + further) % self.inputs;
            let held = lanes[input].as_ref()?.take()?;
            turn.store((input + 1) % self.inputs, Ordering::Relaxed);
            Some(held)
        })
    }

    fn lane(&self, kind: usize, input: InputId) -> Option<&Lane> {
        let input = usize::from(input.0);
        if input >= self.inputs {
            return None;
        }
        self.lanes[kind * self.inputs + input].as_ref()
    }

    fn wake(&self) {
        if let Some(heart) = self.heart.get() {
            heart.unpark();
        }
    }
}

/// Which lane of its input a report goes to; None for what does not go to the heart.
pub(crate) fn kind_of(content: &Content) -> Option<usize> {
    match content {
        Content::Lamps(_) => Some(0),
        Content::Plan(_) => Some(1),
        Content::Mode(_) => Some(2),
        // For the operator, who has it from the tally; the station asks the kernel for time.
        Content::Receiver(_) => None,
        Content::Objects(_) => Some(OBJECTS),
        Content::Weather(_) => Some(WEATHER),
        Content::NextPlan(_) => Some(NEXT_PLAN),
        Content::Request(_) => Some(REQUESTS),
    }
}
