//! Which frame answers what was said, and how long that took.
//!
//! - A change of colour is answered by the first SPAT that shows it. Each datagram changes the same
//!   phase to and fro, so no earlier SPAT can look like the answer.
//! - A burst is answered by the last frame of the first set of RSMs that rests on it: the cars sway
//!   from burst to burst, and fusion follows them at once, though not all the way.
//! - The grid's SPAT of a slot is the first after it that answers nothing; one that does and came in
//!   the first half of the slot, if there is no other.

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
use crate::devices::{CARS, CYCLE, Said};
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

/// How fast bursts of the radar were answered.
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
                _ => Light::Red,
            };
            place += self.heard[place..]
                .iter()
                .take_while(|frame| frame.at < said.at)
                .count();
            let mut later = self.heard.iter().enumerate().skip(place);
            let answer = later
                .by_ref()
                .take_while(|(_, frame)| next.is_none_or(|next| frame.at < next))
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
        for (number, said) in self.bursts.iter().enumerate() {
            let next = self.bursts.get(number + 1).map(|next| next.at);
            let answer = sets
                .iter()
                .skip_while(|set| set.end < said.at)
                .take_while(|set| next.is_none_or(|next| set.end < next))
                .find(|set| set.sway == Some(said.what));
            let received = answer.map(|set| set.end - said.at);
            waits.push(received);
            if self.is_measured(said.at) {
                let at_socket =
                    answer.map(|set| set.end_at_socket.saturating_duration_since(said.at));
                answered.received.note(received);
                answered.at_socket.note(at_socket);
            }
        }
        for set in sets.iter().filter(|set| self.is_measured(set.end)) {
            answered.tally.all += 1;
            answered.tally.short += u64::from(set.cars < CARS.into());
            answered.tally.long += u64::from(set.cars > CARS.into());
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
    pub(crate) fn grid(&self, answers: &Answers) -> Samples {
        const SLOT_NS: i64 = 100_000_000;
        let mut slots = std::collections::BTreeMap::new();
        for (frame, is_answer) in self.heard.iter().zip(&answers.frames) {
            if !matches!(frame.what, What::Spat(_)) || !self.is_measured(frame.at) {
                continue;
            }
            let slot = frame.utc_ns.div_euclid(SLOT_NS);
            let late_ns = frame.utc_ns.rem_euclid(SLOT_NS);
            let found: &mut [Option<i64>; 2] = slots.entry(slot).or_default();
            found[usize::from(*is_answer)].get_or_insert(late_ns);
        }
        let mut samples = Samples::default();
        let mut used = 0;
        for [idle, answer] in slots.into_values() {
            let late_ns = idle.or(answer.filter(|late| *late < SLOT_NS / 2));
            if let Some(late_ns) = late_ns {
                used += 1;
                samples.note(Some(Duration::from_nanos(late_ns.unsigned_abs())));
            }
        }
        // The first and the last may lie half outside.
        let due = self.measured.as_nanos() / u128::from(SLOT_NS.unsigned_abs());
        for _ in used + 1..due {
            samples.note(None);
        }
        samples
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
                    sway: sway(sum_m / sum_cars as f64),
                });
                (sum_cars, sum_m) = (0, 0.0);
            }
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

/// To which side the cars stand; None where the mean does not tell.
fn sway(aside_m: f64) -> Option<Sway> {
    /// A tenth of what fusion makes of the sway.
    const CLEAR_M: f64 = 0.01;
    if aside_m > CLEAR_M {
        Some(Sway::Right)
    } else if aside_m < -CLEAR_M {
        Some(Sway::Left)
    } else {
        None
    }
}

/// Answers that come sooner did not wait for a slot to close, unless by chance.
const AT_ONCE: Duration = Duration::from_millis(10);
/// Bursts of a whole second.
const FOLLOWED: usize = (Duration::from_secs(1).as_nanos() / CYCLE.as_nanos()) as usize;
