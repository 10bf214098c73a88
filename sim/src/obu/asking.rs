//! What a vehicle asks of the roadside (VIR), and what it is answered (RSC, SSM).
//!
//! A wish goes by one number and is said in each VIR until it is done or given up, which is said once.
//! What is answered holds for as long as the answer says; of answers only those count that name this
//! vehicle and, of a lane, the one that it asked for. Beside that a VIR says what the driver is about to do
//! and where it will be. Not here: what a driver wishes for (`rider`), and how it heeds the answer
//! ([`crate::world::lanes`]).

#[cfg(test)]
mod tests;

use std::time::Duration;

use rsu::clock::Utc;
use v2x_msg::base::{
    DSecond, Few, GeoPosition, Heading, LaneId, MsgCount, PositionConfidence, Radius, Speed,
    StationId, TimeOffset,
};
use v2x_msg::kinds::rsi::{ReferenceLink, ReferencePath};
use v2x_msg::kinds::ssm::Equipment;
use v2x_msg::kinds::vir::{Behavior, DriveRequest, LaneOfLink, MAX_PATHS, PlanPoint, Status, Wish};
use v2x_msg::kinds::{Rsc, Ssm, Vir};

use super::roads::Place;
use super::unit::Own;
use crate::world::lanes::Leave;

/// Sorts of requests, by their place in all that is counted of them.
pub const SORTS: [&str; 2] = ["lane change", "sensor sharing"];
/// To change lanes.
pub const LANE: usize = 0;
/// To be told who is seen.
pub const SHARING: usize = 1;

/// A side of the vehicle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The lane to the left.
    Left,
    /// The lane to the right.
    Right,
}

/// What a driver is about to do, and would like to know.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wishes {
    /// It would change into this lane.
    pub over: Option<Side>,
    /// What it does next.
    pub behavior: Behavior,
    /// Where it will drive, from here on.
    pub way: Vec<GeoPosition>,
    /// It would know who is along that way.
    pub who_is_there: bool,
}

/// What has become of a request that stands no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Its place in [`SORTS`].
    pub sort: usize,
    /// For how long it was said.
    pub stood: Duration,
    /// From its first VIR to the first answer.
    pub answered_after: Option<Duration>,
    /// It was granted at some time.
    pub granted: bool,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ask {
    /// To change into this lane.
    Lane(LaneOfLink),
    /// Who is along the way, which changes as one drives along it.
    Sharing,
}

/// A request that stands.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Open {
    number: u8,
    since: Utc,
    ask: Ask,
    answered_after: Option<Duration>,
    granted: bool,
    /// When the newest answer was made.
    newest: Option<Utc>,
}

/// The requests of one vehicle.
#[derive(Clone, Debug)]
pub struct Asking {
    count: MsgCount,
    number: u8,
    open: [Option<Open>; 2],
    /// What was told of the lane asked for, and until when that holds.
    lane: Option<(Behavior, Utc)>,
    /// Somebody else is let in: it is asked to slow down until then.
    slows_until: Option<Utc>,
    ended: Vec<Ended>,
}

impl Asking {
    /// Of a vehicle that has not asked for anything yet.
    pub fn new(id: StationId) -> Self {
        Self {
            count: MsgCount::from_random(id.0[6]),
            number: id.0[5],
            open: [None, None],
            lane: None,
            slows_until: None,
            ended: Vec::new(),
        }
    }

    /// Takes what single vehicles are told.
    pub fn hear_rsc(&mut self, rsc: &Rsc, id: StationId, now: Utc) {
        let Some(made) = rsc.sec_mark.map(|mark| mark.near(now)) else {
            return;
        };
        let own = rsc.vehicles().iter().filter(|told| told.vehicle == id);
        for told in own.filter_map(|told| told.suggestion) {
            let holds = told.lasts.map_or(HOLDS, |lasts| seconds(lasts.s()));
            if told.behavior == Behavior::SLOW_DOWN {
                self.slows_until = Some(made + holds);
                continue;
            }
            let asked = self.open[LANE].as_ref();
            let is_it = asked.is_some_and(|open| is_lane(open.ask, told.link));
            if is_it {
                self.lane = Some((told.behavior, made + holds));
                let granted =
                    [Behavior::CHANGE_LEFT, Behavior::CHANGE_RIGHT].contains(&told.behavior);
                self.answered(LANE, made, granted, now);
            }
        }
    }

    /// Takes what sensors see: it is said to all who asked.
    pub fn hear_ssm(&mut self, ssm: &Ssm, now: Utc) {
        if ssm.equipment != Equipment::Roadside {
            return;
        }
        if let Some(made) = ssm.sec_mark.map(|mark| mark.near(now)) {
            self.answered(SHARING, made, true, now);
        }
    }

    /// Whether it may change lanes.
    pub fn leave(&self, now: Utc) -> Leave {
        let Some(open) = &self.open[LANE] else {
            return Leave::Waits;
        };
        match (self.lane, open.ask) {
            (Some((behavior, until)), Ask::Lane(lane)) if now < until => {
                let changes = [Behavior::CHANGE_LEFT, Behavior::CHANGE_RIGHT].contains(&behavior);
                let lane = lane.lane.filter(|_| changes);
                lane.map_or(Leave::Refused, Leave::Granted)
            }
            _ => {
                let last = open.newest.unwrap_or(open.since).max(open.since);
                let in_vain = now.since(last) > PATIENCE;
                if in_vain {
                    Leave::OwnEyes
                } else {
                    Leave::Waits
                }
            }
        }
    }

    /// Whether it is asked to slow down for somebody.
    pub fn slows(&self, now: Utc) -> bool {
        self.slows_until.is_some_and(|until| now < until)
    }

    /// How old the newest answer is to each request that stands and has been answered.
    pub fn ages(&self, now: Utc) -> [Option<Duration>; 2] {
        [LANE, SHARING].map(|sort| {
            let newest = self.open[sort].as_ref()?.newest?;
            Some(now.since(newest))
        })
    }

    /// What it says next; None where there is nothing to say.
    pub fn speak(
        &mut self,
        id: StationId,
        own: &Own,
        place: Option<&Place>,
        wishes: &Wishes,
        now: Utc,
    ) -> Option<Box<Vir>> {
        let lane = place.zip(wishes.over);
        let lane = lane.and_then(|(place, side)| beside(place, side));
        let sharing = wishes.who_is_there && wishes.way.len() > 1;
        let mut said = Vec::new();
        self.follow(LANE, lane.map(Ask::Lane), now, &mut said);
        self.follow(SHARING, sharing.then_some(Ask::Sharing), now, &mut said);
        if said.is_empty() && wishes.behavior == Behavior::NONE {
            return None;
        }
        self.count = self.count.next();
        Some(compose(self.count, id, own, wishes, &said, now))
    }

    /// The requests that stand no more since this was asked.
    pub fn take_ended(&mut self) -> Vec<Ended> {
        std::mem::take(&mut self.ended)
    }

    /// Adds what is to be said of one sort: that the old wish is done, and the new one.
    fn follow(&mut self, sort: usize, ask: Option<Ask>, now: Utc, said: &mut Vec<(Open, Status)>) {
        let open = &mut self.open[sort];
        if let Some(old) = open.take_if(|open| Some(open.ask) != ask) {
            self.ended.push(Ended {
                sort,
                stood: now.since(old.since),
                answered_after: old.answered_after,
                granted: old.granted,
            });
            said.push((old, Status::Done));
            if sort == LANE {
                self.lane = None;
            }
        }
        let Some(ask) = ask else { return };
        let open = open.get_or_insert_with(|| {
            self.number = self.number.wrapping_add(1);
            Open {
                number: self.number,
                since: now,
                ask,
                answered_after: None,
                granted: false,
                newest: None,
            }
        });
        let status = match open.newest {
            Some(_) => Status::Confirmed,
            None => Status::Asked,
        };
        said.push((*open, status));
    }

    fn answered(&mut self, sort: usize, made: Utc, granted: bool, now: Utc) {
        let Some(open) = &mut self.open[sort] else {
            return;
        };
        // What was said before it asked was said to others.
        if made < open.since {
            return;
        }
        open.newest = open.newest.max(Some(made));
        open.granted |= granted;
        open.answered_after.get_or_insert(now.since(open.since));
    }
}

/// The message of it. It is large, so it lives in a box, and is made in a frame of its own.
#[inline(never)]
fn compose(
    count: MsgCount,
    id: StationId,
    own: &Own,
    wishes: &Wishes,
    said: &[(Open, Status)],
    now: Utc,
) -> Box<Vir> {
    let heading_deg = libm::atan2(own.heading.east_m, own.heading.north_m).to_degrees();
    let mut vir = Box::new(Vir::new(count, id, own.position));
    vir.sec_mark = Some(DSecond::of(now));
    vir.pos_confidence = PositionConfidence::from_error_m(CIRCLE_95 * own.sigma_m);
    vir.speed = Speed::nearest_mps(own.speed_mps);
    vir.heading = Heading::from_deg(heading_deg.rem_euclid(360.0)).ok();
    vir.behavior = Some(wishes.behavior);
    for (place, pos) in (1..).zip(wishes.way.iter().skip(1).take(MOST_POINTS)) {
        let after_s = f64::from(place) * WAY_STEP_M / own.speed_mps.max(0.1);
        let point = PlanPoint {
            pos: *pos,
            speed: None,
            heading: None,
            after: TimeOffset::from_s(after_s).ok(),
        };
        // It takes more than ways have.
        let _ = vir.plan.push(point);
    }
    for (open, status) in said {
        let request = DriveRequest {
            id: open.number,
            status: *status,
            level: None,
            to_vehicle: None,
            to_unit: None,
            wish: match open.ask {
                Ask::Lane(lane) => Some(Wish::LaneChange(lane)),
                Ask::Sharing => strip(&wishes.way).map(Wish::SensorSharing),
            },
            lasts: TimeOffset::nearest_s(LASTS.as_secs_f64()),
        };
        // There are never more than two of each sort.
        let _ = vir.requests.push(request);
    }
    vir
}

fn is_lane(ask: Ask, told: Option<ReferenceLink>) -> bool {
    let (Ask::Lane(wanted), Some(told)) = (ask, told) else {
        return false;
    };
    let number = wanted.lane.map_or(0, LaneId::value);
    let lanes = told.lanes;
    let named = lanes.is_none_or(|lanes| lanes.bits() >> number & 1 == 1);
    // Units may leave out the region that they are in.
    named && told.upstream.id == wanted.upstream.id && told.downstream.id == wanted.downstream.id
}

/// The lane beside, of whose number its neighbour knows: they are numbered from the left.
fn beside(place: &Place, side: Side) -> Option<LaneOfLink> {
    let own = place.lane.value();
    let number = match side {
        Side::Left => own.checked_sub(1)?,
        Side::Right => own.checked_add(1)?,
    };
    Some(LaneOfLink {
        upstream: place.upstream,
        downstream: place.node,
        lane: Some(LaneId::new(number).ok()?),
    })
}

fn strip(way: &[GeoPosition]) -> Option<Few<ReferencePath, 1, MAX_PATHS>> {
    let path = ReferencePath {
        points: Few::new(way.iter().copied().take(MOST_POINTS)).ok()?,
        radius: Radius::from_m(ASIDE_M).ok()?,
    };
    Few::new([path]).ok()
}

fn seconds(s: f64) -> Duration {
    Duration::try_from_secs_f64(s).unwrap_or(HOLDS)
}

/// Points of a way lie so far apart, and there are no more.
pub const WAY_STEP_M: f64 = 6.0;
/// See [`WAY_STEP_M`].
pub const MOST_POINTS: usize = 12;
/// Who is so far beside its way matters to a driver.
const ASIDE_M: f64 = 5.0;
/// A request stands for so long if it is not said again: a place on the air that another has booked too, or
/// in which the roadside speaks itself, loses 5 to 15 messages in a row. Who is done says so.
const LASTS: Duration = Duration::from_secs(1);
/// An answer that does not say how long it holds does for so long.
const HOLDS: Duration = Duration::from_millis(500);
/// Whom nobody answers for so long sees for itself.
const PATIENCE: Duration = Duration::from_secs(1);
/// Standard deviations of a circle that holds 95 %.
const CIRCLE_95: f64 = 2.448;
