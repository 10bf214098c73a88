//! The radios, what they send, and who hears it.
//!
//! Driven by time alone: [`Channel::send`] books a place and waits for it, [`Channel::handle_timeout`] lets
//! subframes pass and says who has heard what. A message is cargo: a number of whoever sends it.
//!
//! A message of up to 190 octets takes one subchannel of one subframe, a longer one as many subchannels
//! as it needs, and then the following subframes; it is heard if all of it is. That is *assumed*: real
//! radios choose among codings. A message that is not sent yet gives way to a newer one of its flow. What
//! the two ends need to handle a message is waited for before it is sent, both at once. Which place a message
//! gets is in `booking`.

mod booking;

use std::collections::BTreeMap;

use rsu::clock::Mono;

pub use self::booking::EVENT_MS;
use self::booking::Flow;
use super::physics::{End, Kind, Physics, Radios};
use super::selection::{MOST_SUBCHANNELS, Place, Sensed};
use super::tally::{Loss, Tally};
use crate::plane::Point;
use crate::random::{Purpose, Stream, mix};

/// One radio; never used again for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RadioId(u32);

/// Somebody has heard a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// When all of it was there.
    pub at: Mono,
    /// Who.
    pub to: RadioId,
    /// Whom.
    pub from: RadioId,
    /// What.
    pub cargo: u64,
}

/// Everything that is on the air.
#[derive(Clone, Debug)]
pub struct Channel {
    radios: Radios,
    physics: Physics,
    seed: u64,
    /// In order of id.
    stations: Vec<Station>,
    next_id: u32,
    /// What begins in each subframe.
    due: BTreeMap<u64, Vec<(RadioId, u32)>>,
    on_air: Vec<OnAir>,
    /// The subframe after the last that has passed.
    passed: u64,
    sensed: Box<Sensed>,
    /// What was heard.
    score: Score,
}

/// What came of all messages.
#[derive(Clone, Debug, Default)]
pub struct Score {
    /// Between road users.
    pub vehicles: Tally,
    /// From the roadside unit to road users.
    pub down: Tally,
    /// From road users to the roadside unit.
    pub up: Tally,
    /// Messages handed to a radio, and those that gave way to a newer one.
    pub sent: u64,
    /// See `sent`.
    pub replaced: u64,
    /// Places that were drawn.
    pub selections: u64,
    /// By listener, subchannel and subframe: those with power in them, and all.
    busy: u64,
    all: u64,
}

impl Score {
    /// Share of the channel that listeners found busy; None before anybody listened.
    pub fn busy_ratio(&self) -> Option<f64> {
        (self.all > 0).then(|| self.busy as f64 / self.all as f64)
    }
}

#[derive(Clone, Debug)]
struct Station {
    id: RadioId,
    number: u64,
    end: End,
    listens: bool,
    flows: Vec<Flow>,
    draws: u64,
}

/// A message under way.
#[derive(Clone, Debug)]
struct OnAir {
    from: RadioId,
    end: End,
    cargo: u64,
    place: Place,
    left: u8,
    /// By listener of its first subframe, in order of id: why it has lost it, if so.
    heard: Vec<(RadioId, Option<Loss>)>,
}

impl Channel {
    /// Nobody on the air.
    pub fn new(radios: Radios, seed: u64) -> Self {
        let subchannels = radios.subchannels.clamp(1, MOST_SUBCHANNELS as u8);
        let radios = Radios {
            subchannels,
            ..radios
        };
        Self {
            physics: Physics::new(&radios, seed),
            radios,
            seed,
            stations: Vec::new(),
            next_id: 0,
            due: BTreeMap::new(),
            on_air: Vec::new(),
            passed: 0,
            sensed: Sensed::new(),
            score: Score::default(),
        }
    }

    /// A radio begins to listen and, if it wants to, to send. `number` is what its chances hang on.
    pub fn join(&mut self, kind: Kind, number: u64, place: Point, listens: bool) -> RadioId {
        let id = RadioId(self.next_id);
        self.next_id += 1;
        self.stations.push(Station {
            id,
            number,
            end: End::new(kind, number, place),
            listens,
            flows: Vec::new(),
            draws: 0,
        });
        id
    }

    /// It is somewhere else now.
    pub fn move_to(&mut self, id: RadioId, place: Point) {
        if let Some(i) = self.place_of(id) {
            let station = &mut self.stations[i];
            station.end = End::new(station.end.kind, station.number, place);
        }
    }

    /// It is not heard any more, and hears nothing.
    pub fn leave(&mut self, id: RadioId) {
        if let Some(i) = self.place_of(id) {
            self.stations.remove(i);
        }
    }

    /// Where it is.
    pub fn place(&self, id: RadioId) -> Option<Point> {
        self.place_of(id).map(|i| self.stations[i].end.place)
    }

    /// When a subframe with something in it is over.
    pub fn poll_timeout(&self) -> Mono {
        self.next_subframe().map_or(Mono::NEVER, |next| {
            Mono::from_nanos((next + 1) * SUBFRAME_NS)
        })
    }

    /// Lets the subframes pass that are over by `now`; who has heard what goes to `heard`.
    pub fn handle_timeout(&mut self, now: Mono, heard: &mut Vec<Delivered>) {
        while let Some(subframe) = self.next_subframe()
            && (subframe + 1) * SUBFRAME_NS <= now.nanos()
        {
            self.pass(subframe, heard);
        }
    }

    /// What came of all messages so far.
    pub fn score(&self) -> &Score {
        &self.score
    }

    /// Counts from nought.
    pub fn begin_anew(&mut self) {
        self.score = Score::default();
    }

    #[cfg(test)]
    pub(super) fn passed_ms(&self) -> u64 {
        self.passed
    }

    fn place_of(&self, id: RadioId) -> Option<usize> {
        self.stations.binary_search_by_key(&id, |one| one.id).ok()
    }

    fn next_subframe(&self) -> Option<u64> {
        if self.on_air.is_empty() {
            return self.due.first_key_value().map(|(&subframe, _)| subframe);
        }
        Some(self.passed)
    }

    fn pass(&mut self, subframe: u64, heard: &mut Vec<Delivered>) {
        self.begin(subframe);
        let subchannels = usize::from(self.radios.subchannels);
        let listeners = self.stations.iter().filter(|one| one.listens);
        let silent = subframe.saturating_sub(self.passed) + 1;
        self.passed = subframe + 1;
        let mut powers_mw = Vec::with_capacity(self.on_air.len());
        for to in listeners {
            self.score.all += silent * subchannels as u64;
            let mut total_mw = [0.0; MOST_SUBCHANNELS];
            powers_mw.clear();
            let mut deaf = false;
            for sent in &self.on_air {
                deaf |= sent.from == to.id;
                let wide = f64::from(sent.place.subchannels);
                let power_mw = self.physics.received_mw(&sent.end, &to.end) / wide;
                powers_mw.push(power_mw);
                for total in &mut total_mw[sent.place.side_by_side()] {
                    *total += power_mw;
                }
            }
            let busy = total_mw[..subchannels].iter();
            let busy = busy.filter(|power_mw| self.physics.is_busy(**power_mw));
            self.score.busy += busy.count() as u64;
            for (sent, &power_mw) in self.on_air.iter_mut().zip(&powers_mw) {
                let Ok(place) = sent.heard.binary_search_by_key(&to.id, |(id, _)| *id) else {
                    continue;
                };
                let lost = &mut sent.heard[place].1;
                if lost.is_some() {
                    continue;
                }
                let loudest = total_mw[sent.place.side_by_side()].iter();
                let loudest_mw = loudest.copied().fold(0.0, f64::max);
                let others_mw = (loudest_mw - power_mw).max(0.0);
                *lost = if deaf {
                    Some(Loss::HalfDuplex)
                } else if !self.physics.is_found(power_mw) {
                    Some(Loss::Weak)
                } else {
                    let chance = mix(mix(self.seed ^ subframe) ^ (sent.cargo << 20) ^ to.number);
                    let chance = (chance >> 11) as f64 * (1.0 / (1u64 << 53) as f64);
                    if chance < self.physics.error_rate(power_mw, 0.0) {
                        Some(Loss::Noise)
                    } else if chance < self.physics.error_rate(power_mw, others_mw) {
                        Some(Loss::Collision)
                    } else {
                        None
                    }
                };
            }
        }
        self.end(heard);
    }

    /// What begins in this subframe.
    fn begin(&mut self, subframe: u64) {
        for (id, key) in self.due.remove(&subframe).unwrap_or_default() {
            // Whoever has left sends no more.
            let Some(i) = self.place_of(id) else {
                continue;
            };
            let station = &mut self.stations[i];
            let end = station.end;
            let Some(flow) = station.flows.iter_mut().find(|flow| flow.key == key) else {
                continue;
            };
            // None: it has given way to a newer one meanwhile.
            let next = flow.waiting.iter().position(|one| one.slot == subframe);
            let Some(waiting) = next.map(|i| flow.waiting.remove(i)) else {
                continue;
            };
            let others = self
                .stations
                .iter()
                .filter(|one| one.listens && one.id != id);
            self.on_air.push(OnAir {
                from: id,
                end,
                cargo: waiting.cargo,
                place: waiting.place,
                left: waiting.place.subframes,
                heard: others.map(|one| (one.id, None)).collect(),
            });
        }
    }

    /// What ends with the subframe that has passed.
    fn end(&mut self, heard: &mut Vec<Delivered>) {
        let at = Mono::from_nanos(self.passed * SUBFRAME_NS);
        for sent in &mut self.on_air {
            sent.left -= 1;
        }
        let over: Vec<OnAir> = self.on_air.extract_if(.., |sent| sent.left == 0).collect();
        for sent in over {
            for &(to, lost) in &sent.heard {
                let Some(i) = self.place_of(to) else {
                    continue;
                };
                let end = &self.stations[i].end;
                let tally = match (sent.end.kind, end.kind) {
                    (Kind::Roadside, _) => &mut self.score.down,
                    (Kind::Vehicle, Kind::Roadside) => &mut self.score.up,
                    (Kind::Vehicle, Kind::Vehicle) => &mut self.score.vehicles,
                };
                tally.add(sent.end.place.distance_m(end.place), lost);
                if lost.is_none() {
                    heard.push(Delivered {
                        at,
                        to,
                        from: sent.from,
                        cargo: sent.cargo,
                    });
                }
            }
        }
    }
}

impl Station {
    /// Its next chances.
    fn stream(&mut self, seed: u64) -> Stream {
        let draws = self.draws;
        self.draws += DRAWS_EACH;
        Stream::new(seed, self.number, Purpose::Air).starting_at(draws)
    }
}

impl Place {
    fn side_by_side(self) -> std::ops::Range<usize> {
        let first = usize::from(self.subchannel);
        first..first + usize::from(self.subchannels)
    }
}

/// The grid of the air.
const SUBFRAME_NS: u64 = 1_000_000;
/// Draws of one selection are fewer.
const DRAWS_EACH: u64 = 4096;
