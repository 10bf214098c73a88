//! The radios, what they send, and who hears it.
//!
//! Driven by time alone: [`Channel::send`] books a place and waits for it, [`Channel::handle_timeout`] lets
//! subframes pass and says who has heard what. A message is cargo: a number of whoever sends it.
//!
//! A message of up to 190 octets takes one subchannel of one subframe, a longer one as many subchannels
//! as it needs, and then the following subframes; it is heard if all of it is. That is *assumed*: real
//! radios choose among codings. A message that is not sent yet gives way to a newer one of its flow. What
//! the two ends need to handle a message is waited for before it is sent, both at once.

use std::collections::BTreeMap;

use rsu::clock::Mono;

use super::physics::{End, Kind, Physics, Radios};
use super::selection::{GRID, MOST_SUBCHANNELS, Place, Sensed};
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

/// Messages of one sort that come again and again.
#[derive(Clone, Debug)]
struct Flow {
    key: u32,
    period: u64,
    booked: Option<Booking>,
    earlier: Option<Booking>,
    waiting: Vec<Waiting>,
}

/// A place that comes again, and how it was used.
#[derive(Clone, Copy, Debug)]
struct Booking {
    place: Place,
    /// The subframe, of the period.
    phase: u64,
    /// So many messages more.
    left: u32,
    /// First and last subframe in which it was used, or will be.
    first: u64,
    last: u64,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    slot: u64,
    place: Place,
    cargo: u64,
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

    /// Hands a message to a radio. Messages of one `flow` follow each other every `period_ms`: 20, 50, or
    /// a multiple of 100.
    pub fn send(
        &mut self,
        now: Mono,
        from: RadioId,
        (flow, period_ms): (u32, u32),
        octets: usize,
        cargo: u64,
    ) {
        let Some(i) = self.place_of(from) else {
            return;
        };
        self.score.sent += 1;
        let ready = now.nanos().div_ceil(SUBFRAME_NS) + u64::from(self.radios.processing_ms);
        let period = u64::from(period_ms.max(1));
        let size = self.size(octets);
        let flows = &mut self.stations[i].flows;
        let f = match flows.iter().position(|known| known.key == flow) {
            Some(f) => f,
            None => {
                flows.push(Flow {
                    key: flow,
                    period,
                    booked: None,
                    earlier: None,
                    waiting: Vec::new(),
                });
                flows.len() - 1
            }
        };
        let known = &mut flows[f];
        known.period = period;
        if let Some(waiting) = known.waiting.iter_mut().find(|one| one.slot >= ready) {
            self.score.replaced += 1;
            if waiting.place.holds(size) {
                waiting.cargo = cargo;
                return;
            }
        }
        // What there is still time to take back gives way, too small as its place is.
        known.waiting.retain(|one| one.slot < ready);
        let kept = self.kept_slot(i, f, ready, size);
        let slot = kept.unwrap_or_else(|| self.book(i, f, ready, size));
        let flow = &mut self.stations[i].flows[f];
        let Some(booked) = &mut flow.booked else {
            return;
        };
        booked.left = booked.left.saturating_sub(1);
        booked.last = slot;
        let place = booked.place;
        flow.waiting.push(Waiting { slot, place, cargo });
        let key = flow.key;
        self.due.entry(slot).or_default().push((from, key));
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

    /// Subchannels side by side, and subframes after each other.
    fn size(&self, octets: usize) -> (u8, u8) {
        let units = octets.div_ceil(UNIT_OCTETS).max(1);
        let wide = units.min(usize::from(self.radios.subchannels));
        let long = units.div_ceil(usize::from(self.radios.subchannels));
        (wide as u8, long.min(GRID / 2) as u8)
    }

    /// The next slot of the flow's booking, if it has one that still holds.
    fn kept_slot(&mut self, i: usize, f: usize, ready: u64, size: (u8, u8)) -> Option<u64> {
        let keep = self.radios.keep;
        let station = &mut self.stations[i];
        let period = station.flows[f].period;
        let mut booked = station.flows[f].booked?;
        let after = ready.max(booked.last + 1);
        let slot = after + (booked.phase + period - after % period) % period;
        let forgotten = slot > booked.last + 2 * period.max(GRID as u64);
        if !booked.place.holds(size) || slot - ready >= LONGEST_WAIT || forgotten {
            return None;
        }
        if booked.left == 0 {
            let mut draw = station.stream(self.seed);
            if !draw.chance(keep) {
                return None;
            }
            booked.left = messages(period, &mut draw);
            station.flows[f].booked = Some(booked);
        }
        Some(slot)
    }

    /// Finds another place; returns its first slot.
    fn book(&mut self, i: usize, f: usize, ready: u64, size: (u8, u8)) -> u64 {
        self.sense(i, ready);
        self.score.selections += 1;
        let station = &mut self.stations[i];
        let mut draw = station.stream(self.seed);
        let flow = &mut station.flows[f];
        let window = flow.period.min(GRID as u64);
        let of = self.radios.subchannels;
        let place = self.sensed.select(ready, window, size, of, &mut draw);
        let grid = GRID as u64;
        let slot = ready + (u64::from(place.subframe) + grid - ready % grid) % grid;
        flow.earlier = flow.booked.or(flow.earlier);
        flow.booked = Some(Booking {
            place,
            phase: slot % flow.period,
            left: messages(flow.period, &mut draw),
            first: slot,
            last: slot,
        });
        slot
    }

    /// What a radio knows of the grid by now.
    fn sense(&mut self, i: usize, now: u64) {
        self.sensed.clear();
        let own = &self.stations[i];
        for other in &self.stations {
            let is_own = other.id == own.id;
            let power_mw = if is_own {
                0.0
            } else {
                self.physics.received_mw(&other.end, &own.end)
            };
            if !is_own && power_mw < NOTHING_MW {
                continue;
            }
            let found = self.physics.is_found(power_mw);
            for flow in &other.flows {
                let both = [(flow.earlier, false), (flow.booked, found)];
                for (booking, readable) in both {
                    let Some(booking) = booking else {
                        continue;
                    };
                    let share = booking.share_of_last_second(now);
                    if share <= 0.0 {
                        continue;
                    }
                    let booked = readable && booking.left > 0;
                    let power_mw = power_mw / f64::from(booking.place.subchannels);
                    for place in booking.places(flow.period) {
                        if is_own {
                            self.sensed.was_deaf(place);
                        } else {
                            let share = share * (GRID as f64 / flow.period as f64).min(1.0);
                            self.sensed.hear(place, power_mw, share, booked);
                        }
                    }
                }
            }
        }
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

impl Booking {
    /// For which share of the last second it was used.
    fn share_of_last_second(&self, now: u64) -> f64 {
        let since = self.first.max(now.saturating_sub(SENSED));
        let until = (self.last + 1).min(now);
        let used = until.saturating_sub(since) as f64;
        // Used once counts as one of ten periods.
        let once = u64::from(since < until) as f64 * GRID as f64;
        (used + once).min(SENSED as f64) / SENSED as f64
    }

    /// Where it lies in the grid.
    fn places(&self, period: u64) -> impl Iterator<Item = Place> {
        let grid = GRID as u64;
        let often = (grid / period).max(1);
        let place = self.place;
        (0..often).map(move |time| Place {
            subframe: ((u64::from(place.subframe) + time * period) % grid) as u8,
            ..place
        })
    }
}

impl Place {
    fn holds(self, (wide, long): (u8, u8)) -> bool {
        self.subchannels >= wide && self.subframes >= long
    }

    fn side_by_side(self) -> std::ops::Range<usize> {
        let first = usize::from(self.subchannel);
        first..first + usize::from(self.subchannels)
    }
}

/// For how many messages a place is booked.
fn messages(period: u64, draw: &mut Stream) -> u32 {
    let often = (GRID as u64 / period).max(1) as u32;
    let (least, most) = (5 * often, 15 * often);
    least + (draw.bits() % u64::from(most - least + 1)) as u32
}

/// The grid of the air.
const SUBFRAME_NS: u64 = 1_000_000;
/// So much fits into a subchannel of a subframe.
const UNIT_OCTETS: usize = 190;
/// Who would wait longer finds another place.
const LONGEST_WAIT: u64 = GRID as u64;
/// A radio remembers so many subframes.
const SENSED: u64 = 1000;
/// 20 dB below the noise of a subchannel.
const NOTHING_MW: f64 = 1e-12;
/// Draws of one selection are fewer.
const DRAWS_EACH: u64 = 4096;
