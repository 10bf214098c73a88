//! How a radio takes a message: it keeps the place that it has booked, or finds another. What is said only
//! now and then books nothing: each message finds a place for itself, of which nobody knows before.
//!
//! A message that is not sent yet gives way to a newer one of its flow.

use rsu::clock::Mono;

use super::{Channel, RadioId, SUBFRAME_NS};
use crate::air::selection::{GRID, Place};
use crate::random::Stream;

/// Messages of one sort that come again and again.
#[derive(Clone, Debug)]
pub(super) struct Flow {
    pub(super) key: u32,
    /// Of the grid, where its messages come by themselves.
    period: u64,
    is_booked: bool,
    booked: Option<Booking>,
    earlier: Option<Booking>,
    pub(super) waiting: Vec<Waiting>,
}

/// A place that comes again, and how it was used.
#[derive(Clone, Copy, Debug)]
pub(super) struct Booking {
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
pub(super) struct Waiting {
    pub(super) slot: u64,
    pub(super) place: Place,
    pub(super) cargo: u64,
}

impl Channel {
    /// Hands a message to a radio. Messages of one `flow` follow each other every `period_ms`: 20, 50, or
    /// a multiple of 100; [`EVENT_MS`] for those that come as something happens.
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
        let is_booked = period_ms != EVENT_MS;
        let period = if is_booked {
            u64::from(period_ms)
        } else {
            GRID as u64
        };
        let size = self.size(octets);
        let flows = &mut self.stations[i].flows;
        let f = match flows.iter().position(|known| known.key == flow) {
            Some(f) => f,
            None => {
                flows.push(Flow {
                    key: flow,
                    period,
                    is_booked,
                    booked: None,
                    earlier: None,
                    waiting: Vec::new(),
                });
                flows.len() - 1
            }
        };
        let known = &mut flows[f];
        (known.period, known.is_booked) = (period, is_booked);
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
        let Flow {
            period,
            is_booked,
            booked,
            ..
        } = station.flows[f];
        let mut booked = booked.filter(|_| is_booked)?;
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
            left: if flow.is_booked {
                messages(flow.period, &mut draw)
            } else {
                1
            },
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
}

/// For how many messages a place is booked.
fn messages(period: u64, draw: &mut Stream) -> u32 {
    let often = (GRID as u64 / period).max(1) as u32;
    let (least, most) = (5 * often, 15 * often);
    least + (draw.bits() % u64::from(most - least + 1)) as u32
}

/// The period of what has none.
pub const EVENT_MS: u32 = 0;
/// So much fits into a subchannel of a subframe.
const UNIT_OCTETS: usize = 190;
/// Who would wait longer finds another place.
const LONGEST_WAIT: u64 = GRID as u64;
/// A radio remembers so many subframes.
const SENSED: u64 = 1000;
/// 20 dB below the noise of a subchannel.
const NOTHING_MW: f64 = 1e-12;
