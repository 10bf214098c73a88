//! Which frame answers what was said, and how long that took.
//!
//! - A change of colour is answered by the first SPAT that shows it. Each datagram changes the same
//!   phase to and fro, so no earlier SPAT can look like the answer.
//! - A burst is answered by the last frame of the first set of RSMs that rests on it: the cars sway
//!   from burst to burst, and fusion follows them at once, though not all the way; what stands it follows by
//!   a centimetre only. About which place they sway drifts by as much within a minute, since fusion learns
//!   what it takes for a turned radar; so each set is held against those of the seconds about it.
//!   A burst that our own thread sent late, and the one after it, are spoilt: no radar does that.
//! - The grid's SPAT of a slot is the first after it that answers nothing; one that does and came in
//!   the first half of the slot, if there is no other. A slot that began before the measurement is left
//!   out: its SPAT came before too, and an answer behind it would look like one that is late.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Context;
use benches::controller::PHASE;
use benches::radar::{LANE_M, Sway};
use rsu::report;
use v2x_msg::access::dsmp;
use v2x_msg::base::{EnuFrame, MsgCount};
use v2x_msg::kinds::rsm::{MAX_PARTICIPANTS, ParticipantKind, Rsm};
use v2x_msg::kinds::spat::{IntersectionState, Light, Spat};
use v2x_msg::{Message, MessageKind};

use crate::air::Heard;
use crate::devices::{CYCLE, Said};
use crate::figures::{Frames, Samples, Sets};

/// A frame that has been read.
pub(crate) struct Read {
    at: Instant,
    /// When it was on its way into our socket.
    at_socket: Instant,
    utc_ns: i64,
    woke_after: Duration,
    kind: MessageKind,
    msg_cnt: u8,
    what: What,
}

enum What {
    /// What the phase shows that changes.
    Spat(Option<Light>),
    /// How many entries, how many of them cars, and by how much these stand right of the middle of
    /// their lanes, all together.
    Rsm {
        entries: usize,
        cars: usize,
        aside_m: f64,
    },
    Other,
}

impl Read {
    /// # Errors
    /// Bytes that are no frame: the daemon must not send such.
    pub(crate) fn new(heard: &Heard) -> anyhow::Result<Self> {
        let message = message(heard)?;
        let what = match message.kind() {
            MessageKind::Spat => What::Spat(light_of(&Spat::read(&message)?)),
            MessageKind::Rsm => cars_of(&Rsm::read(&message)?),
            _ => What::Other,
        };
        Ok(Self {
            at: heard.at,
            at_socket: heard.at.checked_sub(heard.woke_after).unwrap_or(heard.at),
            utc_ns: heard.utc_ns,
            woke_after: heard.woke_after,
            kind: message.kind(),
            msg_cnt: message.msg_cnt(),
            what,
        })
    }
}

/// Whether a frame carries SPAT.
pub(crate) fn is_spat(heard: &Heard) -> anyhow::Result<bool> {
    Ok(message(heard)?.kind() == MessageKind::Spat)
}

fn message(heard: &Heard) -> anyhow::Result<Message> {
    let frame = dsmp::parse(&heard.bytes).context("the daemon sent no frame")?;
    Message::decode(frame.data).context("the daemon sent no message")
}

fn light_of(spat: &Spat) -> Option<Light> {
    let mut phases = spat
        .intersections
        .iter()
        .flat_map(IntersectionState::phases);
    let phase = phases.find(|phase| phase.id().value() == PHASE)?;
    phase.current().map(|state| state.light)
}

fn cars_of(rsm: &Rsm) -> What {
    let site = EnuFrame::new(rsm.ref_pos);
    let entries = rsm.participants();
    let cars = entries
        .iter()
        .filter(|entry| entry.kind != ParticipantKind::Rsu);
    let aside = |east_m: f64| east_m - (east_m / LANE_M).round() * LANE_M;
    What::Rsm {
        entries: entries.len(),
        cars: cars.clone().count(),
        aside_m: cars.map(|car| aside(site.enu(car.pos).east_m)).sum(),
    }
}

/// All that was said and heard in a run.
pub(crate) struct Judge {
    pub(crate) heard: Vec<Read>,
    pub(crate) lamps: Vec<Said<report::Light>>,
    pub(crate) bursts: Vec<Said<Sway>>,
    /// How many the radar sees.
    pub(crate) cars: usize,
    /// What was said or due before this is not measured.
    pub(crate) from: Instant,
    /// Nor what was said or due after this.
    pub(crate) until: Instant,
    pub(crate) measured: Duration,
}

/// How fast changes of colour were answered.
pub(crate) struct Answers {
    pub(crate) received: Samples,
    pub(crate) at_socket: Samples,
    /// Which of the frames heard are answers.
    frames: Vec<bool>,
}

/// How late the grid was.
pub(crate) struct Grid {
    pub(crate) received: Samples,
    pub(crate) at_socket: Samples,
}

/// How fast bursts of the radar were answered.
#[derive(Default)]
pub(crate) struct Answered {
    pub(crate) received: Samples,
    pub(crate) at_socket: Samples,
    pub(crate) tally: Sets,
    /// From the first burst until the beginning of a whole second in which each was answered
    /// without waiting for a slot to close.
    pub(crate) followed_after: Option<Duration>,
}

/// The RSMs of one slot.
struct Set {
    end: Instant,
    end_at_socket: Instant,
    cars: usize,
    sway: Option<Sway>,
}

impl Judge {
    pub(crate) fn lamps(&self) -> Answers {
        let mut answers = Answers {
            received: Samples::default(),
            at_socket: Samples::default(),
            frames: vec![false; self.heard.len()],
        };
        let mut place = 0;
        for (number, said) in self.lamps.iter().enumerate() {
            let next = self.lamps.get(number + 1).map(|next| next.at);
            let wanted = match said.what {
                report::Light::Green => Light::ProtectedGreen,
                report::Light::Yellow => Light::Yellow,
                _ => Light::Red,
            };
            place += self.heard[place..]
                .iter()
                .take_while(|frame| frame.at_socket < said.at)
                .count();
            let mut later = self.heard.iter().enumerate().skip(place);
            let answer = later
                .by_ref()
                .take_while(|(_, frame)| next.is_none_or(|next| frame.at_socket < next))
                .find(
                    |(_, frame)| matches!(frame.what, What::Spat(Some(light)) if light == wanted),
                );
            if let Some((place, _)) = answer {
                answers.frames[place] = true;
            }
            if self.is_measured(said.at) {
                let answer = answer.map(|(_, frame)| frame);
                let received = answer.map(|frame| frame.at - said.at);
                let at_socket =
                    answer.map(|frame| frame.at_socket.saturating_duration_since(said.at));
                answers.received.note(received);
                answers.at_socket.note(at_socket);
            }
        }
        answers
    }

    pub(crate) fn bursts(&self) -> Answered {
        let sets = self.sets();
        let mut answered = Answered {
            received: Samples::default(),
            at_socket: Samples::default(),
            tally: Sets::default(),
            followed_after: None,
        };
        let mut waits = Vec::new();
        let mut was_late = false;
        for (number, said) in self.bursts.iter().enumerate() {
            let next = self.bursts.get(number + 1).map(|next| next.at);
            let answer = sets
                .iter()
                .skip_while(|set| set.end_at_socket < said.at)
                .take_while(|set| next.is_none_or(|next| set.end_at_socket < next))
                .find(|set| set.sway == Some(said.what));
            let received = answer.map(|set| set.end - said.at);
            waits.push(received);
            let is_late = said.at - said.due > LATE;
            let spoilt = is_late || was_late;
            was_late = is_late;
            if !self.is_measured(said.at) {
                continue;
            }
            if spoilt {
                answered.tally.spoilt_bursts += 1;
                continue;
            }
            let at_socket = answer.map(|set| set.end_at_socket.saturating_duration_since(said.at));
            answered.received.note(received);
            answered.at_socket.note(at_socket);
        }
        for set in sets.iter().filter(|set| self.is_measured(set.end)) {
            answered.tally.all += 1;
            answered.tally.short += u64::from(set.cars < self.cars);
            answered.tally.long += u64::from(set.cars > self.cars);
            answered.tally.unclear += u64::from(set.sway.is_none());
        }
        let followed = waits.windows(FOLLOWED).position(|waits| {
            waits
                .iter()
                .all(|wait| wait.is_some_and(|wait| wait < AT_ONCE))
        });
        answered.followed_after = followed.map(|burst| self.bursts[burst].at - self.bursts[0].at);
        answered
    }

    /// How late the SPATs of the grid came, against the tenths of the UTC second.
    pub(crate) fn grid(&self, answers: &Answers) -> Grid {
        /// Lateness of the first SPAT in a slot that answers nothing, and of the first that does.
        type Found<'a> = [Option<(i64, &'a Read)>; 2];
        let mut slots = BTreeMap::<i64, Found<'_>>::new();
        for (frame, is_answer) in self.heard.iter().zip(&answers.frames) {
            if matches!(frame.what, What::Spat(_)) && self.is_measured(frame.at) {
                let utc_ns = frame.utc_ns - frame.woke_after.as_nanos() as i64;
                let slot = utc_ns.div_euclid(SLOT_NS);
                let late_ns = utc_ns.rem_euclid(SLOT_NS);
                let since_start = frame.at_socket.saturating_duration_since(self.from);
                let began_before = late_ns > since_start.as_nanos() as i64;
                if !began_before {
                    let found = slots.entry(slot).or_default();
                    found[usize::from(*is_answer)].get_or_insert((late_ns, frame));
                }
            }
        }
        let mut grid = Grid {
            received: Samples::default(),
            at_socket: Samples::default(),
        };
        let mut used = 0;
        for [idle, answer] in slots.into_values() {
            let by_chance = answer.filter(|(late_ns, _)| *late_ns < SLOT_NS / 2);
            if let Some((late_ns, frame)) = idle.or(by_chance) {
                used += 1;
                let late = Duration::from_nanos(late_ns.unsigned_abs());
                grid.received.note(Some(late + frame.woke_after));
                grid.at_socket.note(Some(late));
            }
        }
        // The first and the last may lie half outside.
        let due = self.measured.as_nanos() / u128::from(SLOT_NS.unsigned_abs());
        for _ in used + 1..due {
            grid.received.note(None);
            grid.at_socket.note(None);
        }
        grid
    }

    /// From the kernel's stamp until this program had a frame: what "received" adds to "at socket".
    pub(crate) fn own_wake_up(&self) -> Samples {
        let mut samples = Samples::default();
        for frame in self.measured_frames() {
            samples.note(Some(frame.woke_after));
        }
        samples
    }

    /// What came, and what by its count did not.
    pub(crate) fn tally(&self) -> Frames {
        let mut frames = Frames::default();
        for frame in self.measured_frames() {
            match frame.kind {
                MessageKind::Spat => frames.spat += 1,
                MessageKind::Rsm => frames.rsm += 1,
                _ => frames.other += 1,
            }
        }
        // RSI's classes are left out: their frames say nothing of the path.
        for kind in [MessageKind::Spat, MessageKind::Rsm, MessageKind::Map] {
            let counts = self.measured_frames().filter(|frame| frame.kind == kind);
            let counts: Vec<_> = counts
                .filter_map(|frame| MsgCount::new(frame.msg_cnt).ok())
                .collect();
            let lost = counts.windows(2).map(|pair| pair[0].lost_before(pair[1]));
            frames.lost += lost.map(u64::from).sum::<u64>();
        }
        frames
    }

    /// An RSM with fewer entries than fit ends its set.
    fn sets(&self) -> Vec<Set> {
        let mut sets = Vec::new();
        let mut asides_m = Vec::new();
        let (mut sum_cars, mut sum_m) = (0, 0.0);
        for frame in &self.heard {
            let What::Rsm {
                entries,
                cars,
                aside_m,
            } = frame.what
            else {
                continue;
            };
            sum_cars += cars;
            sum_m += aside_m;
            if entries < MAX_PARTICIPANTS {
                sets.push(Set {
                    end: frame.at,
                    end_at_socket: frame.at_socket,
                    cars: sum_cars,
                    sway: None,
                });
                asides_m.push(sum_m / sum_cars as f64);
                (sum_cars, sum_m) = (0, 0.0);
            }
        }
        for (number, set) in sets.iter_mut().enumerate() {
            set.sway = sway(&asides_m, number);
        }
        sets
    }

    fn measured_frames(&self) -> impl Iterator<Item = &Read> {
        self.heard.iter().filter(|frame| self.is_measured(frame.at))
    }

    fn is_measured(&self, moment: Instant) -> bool {
        moment >= self.from && moment < self.until
    }
}

/// To which side the cars of a set stand, by the means of all sets; None where that does not tell.
fn sway(asides_m: &[f64], number: usize) -> Option<Sway> {
    /// A tenth of what fusion makes of the sway at first.
    const CLEAR_M: f64 = 0.01;
    /// What the steps of positions on the air leave of a mean over many cars.
    const ROUNDING_M: f64 = 0.001;
    /// On either side of a set: two seconds of them.
    const ABOUT: usize = 20;
    let from = number.saturating_sub(ABOUT);
    let about = &asides_m[from..asides_m.len().min(number + ABOUT + 1)];
    // A set without a car has no mean.
    let about = about.iter().filter(|aside_m| aside_m.is_finite());
    let count = about.clone().count();
    let (middle_m, clear_m) = if count > ABOUT {
        let middle_m = about.clone().sum::<f64>() / count as f64;
        let away_m = about.map(|aside_m| (aside_m - middle_m).abs());
        let swing_m = away_m.sum::<f64>() / count as f64;
        (middle_m, (0.25 * swing_m).max(ROUNDING_M))
    } else {
        (0.0, CLEAR_M)
    };
    let aside_m = asides_m[number] - middle_m;
    if aside_m > clear_m {
        Some(Sway::Right)
    } else if aside_m < -clear_m {
        Some(Sway::Left)
    } else {
        None
    }
}

/// Between two slots of the SPAT grid.
const SLOT_NS: i64 = 100_000_000;
/// Answers that come sooner did not wait for a slot to close, unless by chance.
const AT_ONCE: Duration = Duration::from_millis(10);
/// A burst later than this may miss the slot that waits for it.
const LATE: Duration = Duration::from_millis(5);
/// Bursts of a whole second.
const FOLLOWED: usize = (Duration::from_secs(1).as_nanos() / CYCLE.as_nanos()) as usize;

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// A stay of a second that begins on a full UTC second.
    struct Stay {
        start: Instant,
        judge: Judge,
    }

    impl Stay {
        fn new() -> Self {
            let start = Instant::now();
            let judge = Judge {
                heard: Vec::new(),
                lamps: Vec::new(),
                bursts: Vec::new(),
                cars: 50,
                from: start,
                until: start + 1000 * MS,
                measured: 1000 * MS,
            };
            Self { start, judge }
        }

        fn hear(mut self, ms: u32, what: What) -> Self {
            let at = self.start + ms * MS;
            self.judge.heard.push(Read {
                at,
                at_socket: at,
                utc_ns: 1_767_225_600_000_000_000 + i64::from(ms) * 1_000_000,
                woke_after: Duration::ZERO,
                kind: MessageKind::Spat,
                msg_cnt: 0,
                what,
            });
            self
        }

        fn spat(self, ms: u32, light: Light) -> Self {
            self.hear(ms, What::Spat(Some(light)))
        }

        /// One RSM with this many cars, all as far aside.
        fn rsm(self, ms: u32, cars: usize, aside_m: f64) -> Self {
            self.hear(
                ms,
                What::Rsm {
                    entries: cars + 1,
                    cars,
                    aside_m: aside_m * cars as f64,
                },
            )
        }

        fn lamps(mut self, ms: u32, what: report::Light) -> Self {
            let at = self.start + ms * MS;
            self.judge.lamps.push(Said { due: at, at, what });
            self
        }

        fn burst(mut self, ms: u32, what: Sway) -> Self {
            let at = self.start + ms * MS;
            self.judge.bursts.push(Said { due: at, at, what });
            self
        }

        fn late_burst(mut self, due_ms: u32, ms: u32, what: Sway) -> Self {
            let (due, at) = (self.start + due_ms * MS, self.start + ms * MS);
            self.judge.bursts.push(Said { due, at, what });
            self
        }
    }

    fn max_ms(samples: &Samples) -> Option<f64> {
        let figure = serde_json::to_value(crate::figures::Figure::new(samples, None)).unwrap();
        figure["max_ms"].as_f64().map(f64::round)
    }

    fn missing(samples: &Samples) -> u64 {
        let figure = serde_json::to_value(crate::figures::Figure::new(samples, None)).unwrap();
        figure["missing"].as_u64().unwrap()
    }

    #[test]
    fn a_spat_of_the_old_colour_is_no_answer() {
        let stay = Stay::new()
            .lamps(10, report::Light::Green)
            .spat(11, Light::Red)
            .spat(17, Light::ProtectedGreen);
        let answers = stay.judge.lamps();
        assert_eq!(max_ms(&answers.received), Some(7.0));
        assert_eq!(answers.frames, [false, true]);
    }

    #[test]
    fn a_change_that_the_next_one_overtakes_is_missing() {
        let stay = Stay::new()
            .lamps(10, report::Light::Green)
            .lamps(60, report::Light::Red)
            .spat(61, Light::Red);
        let answers = stay.judge.lamps();
        assert_eq!(missing(&answers.received), 1);
        assert_eq!(max_ms(&answers.received), Some(1.0));
    }

    #[test]
    fn the_last_rsm_of_a_set_that_rests_on_the_burst_is_its_answer() {
        let stay = Stay::new()
            .burst(40, Sway::Right)
            .rsm(41, 15, -0.1)
            .rsm(42, 5, -0.1)
            .rsm(50, 15, 0.1)
            .rsm(53, 5, 0.1);
        let answered = stay.judge.bursts();
        assert_eq!(max_ms(&answered.received), Some(13.0));
        assert_eq!((answered.tally.all, answered.tally.short), (2, 2));
    }

    #[test]
    fn a_burst_that_no_rsm_rests_on_is_missing() {
        let stay = Stay::new()
            .burst(40, Sway::Right)
            .rsm(41, 5, -0.1)
            .burst(140, Sway::Left)
            .rsm(141, 5, 0.0);
        let answered = stay.judge.bursts();
        assert_eq!(missing(&answered.received), 2);
        assert_eq!(answered.tally.unclear, 1);
    }

    /// As fusion shows a hundred cars that stand: by a centimetre, about a place that drifts away.
    #[test]
    fn a_small_sway_about_a_place_that_drifts_tells_the_burst() {
        let mut stay = Stay::new();
        for number in 0..40 {
            let right = number % 2 == 1;
            let (sway, by_m) = if right {
                (Sway::Right, 0.005)
            } else {
                (Sway::Left, -0.005)
            };
            let drift_m = -0.02 - 0.0002 * f64::from(number);
            // One of them rests on the burst before it.
            let by_m = if number == 20 { 0.005 } else { by_m };
            stay = stay
                .burst(25 * number, sway)
                .rsm(25 * number + 3, 5, drift_m + by_m);
        }
        let answered = stay.judge.bursts();
        assert_eq!(answered.tally.unclear, 0);
        assert_eq!(missing(&answered.received), 1);
        assert_eq!(max_ms(&answered.received), Some(3.0));
    }

    /// What does not follow the bursts at all is not taken for an answer by chance.
    #[test]
    fn cars_that_do_not_sway_tell_nothing() {
        let mut stay = Stay::new();
        for number in 0..40 {
            let tremor_m = 0.0004 * f64::from(number % 3);
            stay = stay
                .burst(25 * number, Sway::of_burst(number as usize))
                .rsm(25 * number + 3, 5, 0.02 + tremor_m);
        }
        let answered = stay.judge.bursts();
        assert_eq!(answered.tally.unclear, 40);
        assert_eq!(missing(&answered.received), 40);
    }

    #[test]
    fn a_burst_that_we_sent_late_is_spoilt_and_so_is_the_next() {
        let stay = Stay::new()
            .late_burst(40, 90, Sway::Right)
            .burst(140, Sway::Left)
            .burst(240, Sway::Right)
            .rsm(243, 5, 0.1);
        let answered = stay.judge.bursts();
        assert_eq!(answered.tally.spoilt_bursts, 2);
        assert_eq!(missing(&answered.received), 0);
        assert_eq!(max_ms(&answered.received), Some(3.0));
    }

    #[test]
    fn an_answer_counts_for_the_grid_only_where_the_slot_has_no_other() {
        let stay = Stay::new()
            .spat(2, Light::Red)
            .lamps(30, report::Light::Green)
            .spat(31, Light::ProtectedGreen)
            .lamps(99, report::Light::Red)
            .spat(101, Light::Red)
            .lamps(260, report::Light::Green)
            .spat(261, Light::ProtectedGreen);
        let grid = stay.judge.grid(&stay.judge.lamps());
        assert_eq!(max_ms(&grid.received), Some(2.0));
        // Of ten slots two were used, and one may lie outside.
        assert_eq!(missing(&grid.received), 7);
    }

    #[test]
    fn an_answer_in_a_slot_that_began_before_the_measurement_is_no_late_slot() {
        let mut stay = Stay::new()
            .spat(0, Light::Red)
            .lamps(30, report::Light::Green)
            .spat(31, Light::ProtectedGreen)
            .spat(103, Light::ProtectedGreen);
        stay.judge.from += 20 * MS;
        stay.judge.until += 20 * MS;
        let grid = stay.judge.grid(&stay.judge.lamps());
        assert_eq!(max_ms(&grid.received), Some(3.0));
    }
}
