//! Between the inputs' threads and the heart: the only queue on the straight path.
//!
//! Each input has a lane for each thing that it can say. Where a lane is full the newest wins: of
//! objects the oldest frame of that input goes, of a lamp state, a plan or a mode only the newest
//! counts anyway. So a flood on one input takes nothing from another, and a heart that was held up
//! finds what is true now. Signals go before objects; of several inputs that speak of objects each has
//! its turn, so that one that never stops keeps none of the others waiting.
//!
//! A report lies in its lane from the push until the heart has done with it: a big one is copied
//! once. What goes round are places, through lock-free queues; the lock of a place is never
//! contended, since a place is with one thread at a time. A push allocates nothing and never waits.
//!
//! Orders have a queue of their own, there and back: the clerk makes them and gets them again, so that
//! the heart frees nothing.

use std::ops::Deref;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock};
use std::thread::{self, Thread};
use std::time::Duration;

use crossbeam_queue::ArrayQueue;

use super::clock;
use super::stop::{Stop, lock};
use crate::clock::{Mono, Now, Utc};
use crate::events::{Order, Outcome};
use crate::report::{Content, ControlMode, InputId, Report};

/// Frames of objects that wait for one input: at 20 a second, the last 0.4 s.
const OBJECT_FRAMES: usize = 8;
/// Beyond those that wait, one place is with the heart and one with the thread that pushes.
const IN_HANDS: usize = 2;
/// Kinds of content, in the order in which the heart takes them: signals before objects, since they
/// are small and a change of colour is urgent.
/// Weather comes late: it is told once a second and is good for many; so are requests, which are said
/// again and again. Recordings name a lane by its number here, so new ones go to the end.
pub(crate) const KINDS: usize = 6;
const OBJECTS: usize = 3;
const WEATHER: usize = 4;
const REQUESTS: usize = 5;
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
        lanes.map(|lane| lane.full.len()).sum()
    }

    /// Reports of `input` that gave way to newer ones before the heart came to them.
    pub(crate) fn displaced(&self, input: InputId) -> u64 {
        (0..KINDS)
            .filter_map(|kind| self.lane(kind, input))
            .map(|lane| lane.displaced.load(Ordering::Relaxed))
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
        Content::Request(_) => Some(REQUESTS),
    }
}

/// A report in its lane.
struct Parcel {
    report: Report,
    /// How many were put into this lane before it.
    nth: u64,
    /// When.
    put_at: Mono,
}

/// What one input says of one kind.
struct Lane {
    places: Vec<Mutex<Parcel>>,
    /// Places with reports that wait, the oldest first.
    full: ArrayQueue<usize>,
    free: ArrayQueue<usize>,
    /// How many may wait.
    most: usize,
    displaced: AtomicU64,
    /// How many were put since the start.
    put: AtomicU64,
}

impl Lane {
    fn new(most: usize) -> Self {
        let count = most + IN_HANDS;
        let free = ArrayQueue::new(count);
        for place in 0..count {
            free.force_push(place);
        }
        Self {
            places: (0..count).map(|_| Mutex::new(blank())).collect(),
            full: ArrayQueue::new(count),
            free,
            most,
            displaced: AtomicU64::new(0),
            put: AtomicU64::new(0),
        }
    }

    fn put(&self, report: Report) {
        let nth = self.put.fetch_add(1, Ordering::Relaxed);
        let oldest = || {
            let place = self.full.pop();
            self.displaced
                .fetch_add(u64::from(place.is_some()), Ordering::Relaxed);
            place
        };
        let place = if self.full.len() < self.most {
            self.free.pop()
        } else {
            // The heart may have come first, and then there is a free one.
            oldest().or_else(|| self.free.pop())
        };
        let Some(place) = place else {
            // More threads than one push for this input: not how links are made, but no harm.
            self.displaced.fetch_add(1, Ordering::Relaxed);
            return;
        };
        *lock(&self.places[place]) = Parcel {
            report,
            nth,
            put_at: clock::mono(),
        };
        self.full.force_push(place);
    }

    fn take(&self) -> Option<Held<'_>> {
        let place = self.full.pop()?;
        Some(Held {
            parcel: lock(&self.places[place]),
            _place: Loan {
                place,
                free: &self.free,
            },
        })
    }
}

/// A report in the heart's hands; dropping it gives its place back.
pub(crate) struct Held<'m> {
    // Dropped in this order: nobody gets the place before it is unlocked.
    parcel: MutexGuard<'m, Parcel>,
    _place: Loan<'m>,
}

impl Deref for Held<'_> {
    type Target = Report;
    fn deref(&self) -> &Report {
        &self.parcel.report
    }
}

impl Held<'_> {
    /// Its lane among those of its input, and how many went into that before it.
    pub(crate) fn place(&self) -> (u8, u64) {
        // It came by a lane.
        let lane = kind_of(&self.parcel.report.content).unwrap_or(0);
        (lane as u8, self.parcel.nth)
    }

    /// When it was put there.
    pub(crate) fn put_at(&self) -> Mono {
        self.parcel.put_at
    }
}

struct Loan<'m> {
    place: usize,
    free: &'m ArrayQueue<usize>,
}

impl Drop for Loan<'_> {
    fn drop(&mut self) {
        self.free.force_push(self.place);
    }
}

/// What lies in a place that was never used.
fn blank() -> Parcel {
    Parcel {
        report: Report {
            input: InputId(0),
            arrived: Now {
                mono: Mono::ZERO,
                utc: Utc::from_unix_ns(0),
            },
            content: Content::Mode(ControlMode::Other),
        },
        nth: 0,
        put_at: Mono::ZERO,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::events::{Key, Origin};
    use crate::report::{LampState, LampStates, Light, Objects};

    const SOON: Duration = Duration::from_secs(10);

    const CONTROLLER: Says = Says {
        signals: true,
        objects: false,
        weather: false,
        requests: false,
    };
    const RADAR: Says = Says {
        signals: false,
        objects: true,
        weather: false,
        requests: false,
    };

    fn push(mailbox: &Mailbox, input: u8, content: Content) {
        mailbox.push(InputId(input), clock::now(), content);
    }

    fn objects(seen_at: u64) -> Content {
        Content::Objects(Objects {
            seen_at: Mono::from_nanos(seen_at),
            ..Objects::default()
        })
    }

    fn lamps(lamp: u16) -> Content {
        let mut states = LampStates::default();
        states.lamps.push(LampState {
            lamp,
            light: Light::Red,
            countdown_s: None,
        });
        Content::Lamps(states)
    }

    /// What waits, in order.
    fn drain(mailbox: &Mailbox) -> Vec<Report> {
        std::iter::from_fn(|| mailbox.take().map(|held| held.clone())).collect()
    }

    fn seen_at(report: &Report) -> u64 {
        match &report.content {
            Content::Objects(objects) => objects.seen_at.nanos(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_full_lane_of_objects_loses_the_oldest_and_counts_it() {
        let mailbox = Mailbox::new(&[RADAR, RADAR]);
        for at in 0..10 {
            push(&mailbox, 1, objects(at));
        }
        push(&mailbox, 0, objects(77));
        let seen: Vec<u64> = drain(&mailbox).iter().map(seen_at).collect();
        assert_eq!(seen, [77, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(mailbox.displaced(InputId(1)), 2);
        assert_eq!(mailbox.displaced(InputId(0)), 0);
    }

    #[test]
    fn the_newest_lamp_state_replaces_and_a_mode_beside_it_stays() {
        let mailbox = Mailbox::new(&[CONTROLLER]);
        push(&mailbox, 0, lamps(1));
        push(&mailbox, 0, Content::Mode(ControlMode::Flash));
        push(&mailbox, 0, lamps(2));
        let waiting = drain(&mailbox);
        assert_eq!(waiting.len(), 2);
        let Content::Lamps(states) = &waiting[0].content else {
            panic!("{waiting:?}")
        };
        assert_eq!(states.lamps[0].lamp, 2);
        assert_eq!(mailbox.displaced(InputId(0)), 1);
    }

    #[test]
    fn what_the_heart_holds_is_not_touched_by_a_flood() {
        let mailbox = Mailbox::new(&[RADAR]);
        push(&mailbox, 0, objects(1));
        let held = mailbox.take().unwrap();
        for at in 2..100 {
            push(&mailbox, 0, objects(at));
        }
        assert_eq!(seen_at(&held), 1);
        drop(held);
        let seen: Vec<u64> = drain(&mailbox).iter().map(seen_at).collect();
        assert_eq!(seen, [92, 93, 94, 95, 96, 97, 98, 99]);
    }

    #[test]
    fn nothing_is_lost_or_doubled_between_two_threads() {
        const FRAMES: u64 = 20_000;
        let mailbox = Arc::new(Mailbox::new(&[RADAR]));
        let pushing = Arc::clone(&mailbox);
        let input = thread::spawn(move || {
            for at in 1..=FRAMES {
                push(&pushing, 0, objects(at));
            }
        });
        let (mut taken, mut newest) = (0, 0);
        while newest < FRAMES {
            if let Some(held) = mailbox.take() {
                assert!(seen_at(&held) > newest, "in order");
                newest = seen_at(&held);
                taken += 1;
            }
        }
        input.join().unwrap();
        assert_eq!(taken + mailbox.displaced(InputId(0)), FRAMES);
    }

    #[test]
    fn one_that_never_stops_keeps_no_other_waiting_and_signals_go_first() {
        let mailbox = Mailbox::new(&[RADAR, RADAR, CONTROLLER, RADAR]);
        let mut served = Vec::new();
        for round in 0..12 {
            // The first speaks all the time, the others now and then.
            push(&mailbox, 0, objects(round));
            push(&mailbox, 0, objects(round));
            if round % 6 == 0 {
                push(&mailbox, 1, objects(round));
                push(&mailbox, 3, objects(round));
                push(&mailbox, 2, lamps(1));
            }
            served.push(mailbox.take().expect("something waits").input.0);
        }
        assert_eq!(served, [2, 0, 1, 3, 0, 0, 2, 1, 3, 0, 0, 0]);
    }

    #[test]
    fn an_order_is_taken_where_reports_never_end() {
        let mailbox = Mailbox::new(&[RADAR]);
        mailbox.adopt();
        let order = Order::End(Key {
            origin: Origin::Operator,
            number: 1,
        });
        for number in 0..2 {
            mailbox.order(Box::new(Letter {
                number,
                order: order.clone(),
                outcome: None,
            }));
        }
        let (mut reports, mut between) = (0, Vec::new());
        while between.len() < 2 {
            push(&mailbox, 0, objects(1));
            match mailbox.wait(Mono::NEVER, Duration::ZERO) {
                Woke::Report(_) => reports += 1,
                Woke::Order(_) => between.push(std::mem::take(&mut reports)),
                Woke::Timeout | Woke::Closed => panic!("neither is here"),
            }
        }
        assert_eq!(between, [MOST_BEFORE_AN_ORDER; 2]);
    }

    #[test]
    fn what_has_no_lane_is_dropped() {
        let mailbox = Mailbox::new(&[RADAR]);
        push(&mailbox, 9, objects(0));
        push(&mailbox, 0, lamps(1));
        assert!(drain(&mailbox).is_empty());
        assert_eq!(mailbox.displaced(InputId(9)), 0);
        push(&Mailbox::new(&[]), 0, objects(0));
    }

    #[test]
    fn a_push_wakes_the_waiting_thread() {
        let mailbox = Arc::new(Mailbox::new(&[RADAR]));
        let waiting = Arc::clone(&mailbox);
        let heart = thread::spawn(move || {
            waiting.adopt();
            let woke = waiting.wait(clock::mono() + SOON, Duration::ZERO);
            matches!(woke, Woke::Report(_))
        });
        while mailbox.heart.get().is_none() {
            thread::yield_now();
        }
        let pushed = clock::mono();
        push(&mailbox, 0, objects(1));
        assert!(heart.join().unwrap());
        assert!(clock::mono().since(pushed) < SOON / 2);
    }

    #[test]
    fn closing_ends_a_wait_without_a_deadline() {
        let mailbox = Arc::new(Mailbox::new(&[RADAR]));
        let waiting = Arc::clone(&mailbox);
        let heart = thread::spawn(move || {
            waiting.adopt();
            matches!(waiting.wait(Mono::NEVER, Duration::ZERO), Woke::Closed)
        });
        mailbox.close();
        assert!(heart.join().unwrap());
    }

    #[test]
    fn the_deadline_is_not_missed_early_and_goes_before_reports() {
        let mailbox = Mailbox::new(&[RADAR]);
        mailbox.adopt();
        let deadline = clock::mono() + Duration::from_millis(5);
        assert!(matches!(
            mailbox.wait(deadline, Duration::from_micros(200)),
            Woke::Timeout
        ));
        assert!(clock::mono() >= deadline);
        push(&mailbox, 0, objects(1));
        assert!(matches!(
            mailbox.wait(deadline, Duration::ZERO),
            Woke::Timeout
        ));
    }
}
