//! One vehicle's unit: what it has heard, where it believes to be, and what it tells its driver.

use std::time::Duration;

use rsu::clock::Utc;
use v2x_msg::base::{
    Acceleration, DSecond, GeoPosition, Heading, MsgCount, NodeId, PhaseId, PositionConfidence,
    Speed, StationId, VehicleHeight, VehicleLength, VehicleWidth, YawRate,
};
use v2x_msg::kinds::Vir;
use v2x_msg::kinds::bsm::{Acceleration4, Bsm, Size, Transmission, VehicleClass};
use v2x_msg::kinds::rsm::{Participant, ParticipantKind};

use super::advice::{self, Advice, Approach};
use super::asking::{Asking, Wishes};
use super::dangers::{self, Danger, Mover};
use super::heard::Heard;
use super::queue::{Ahead, STANDS_BELOW_MPS};
use super::roads::{Place, Plane, Roads};
use super::signal::{Doubt, Signals};
use crate::plane::Point;
use crate::world::lanes::Leave;

/// One vehicle's unit.
#[derive(Clone, Debug)]
pub struct Unit {
    /// What it calls itself.
    pub id: StationId,
    roads: Roads,
    signals: Signals,
    others: Vec<Other>,
    warned_of_red: bool,
    /// The light for which a speed was told last time.
    advised: Option<(NodeId, PhaseId)>,
    count: MsgCount,
    /// What it asks for.
    pub asking: Asking,
}

/// What the vehicle knows of itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Own {
    /// Its middle, as its receiver has it.
    pub position: GeoPosition,
    /// Where it points: a unit vector, east and north.
    pub heading: Point,
    /// Over ground.
    pub speed_mps: f64,
    /// How hard it brakes; negative where it speeds up.
    pub braking_mps2: f64,
    /// Its outline.
    pub length_m: f64,
    /// See `length_m`.
    pub width_m: f64,
    /// See `length_m`.
    pub height_m: f64,
    /// It is an emergency vehicle on duty.
    pub emergency: bool,
    /// What it is.
    pub class: VehicleClass,
    /// Where its way leads from the junction ahead, or has led from the one behind.
    pub next: NodeId,
    /// Where its way leads on from `next`.
    pub then: Option<NodeId>,
    /// How sure its receiver is of its place: one standard deviation.
    pub sigma_m: f64,
    /// Slower than this its driver does not want to be told to drive.
    pub least_mps: f64,
}

/// What a driver is told.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Told {
    /// A speed for the green.
    pub advice: Option<Advice>,
    /// A danger.
    pub danger: Option<Danger>,
    /// Whether to change lanes, where one asks first.
    pub leave: Leave,
    /// To slow down for somebody who is let in.
    pub slows: bool,
}

/// Somebody of whom the roadside has told.
#[derive(Clone, Copy, Debug)]
struct Other {
    /// Its number, and the roadside unit whose number it is.
    id: (StationId, u8),
    /// It is this vehicle.
    is_own: bool,
    heard: Utc,
    position: GeoPosition,
    heading: Point,
    speed_mps: f64,
    length_m: f64,
    width_m: f64,
}

impl Unit {
    /// A unit that has heard nothing yet.
    pub fn new(id: StationId) -> Self {
        Self {
            id,
            roads: Roads::default(),
            signals: Signals::default(),
            others: Vec::new(),
            warned_of_red: false,
            advised: None,
            count: MsgCount::from_random(id.0[7]),
            asking: Asking::new(id),
        }
    }

    /// Takes what has just been heard; tells why, where a SPAT is not believed.
    pub fn hear(&mut self, heard: &Heard, now: Utc) -> Result<(), Doubt> {
        match heard {
            Heard::Map(map) => self.roads.hear(map),
            Heard::Spat(spat) => return self.signals.hear(spat, now),
            Heard::Rsm(rsm) => self.hear_of_others(rsm.id, rsm.participants(), now),
            Heard::Rsc(rsc) => self.asking.hear_rsc(rsc, self.id, now),
            Heard::Ssm(ssm) => {
                self.hear_of_others(ssm.id, ssm.participants(), now);
                self.asking.hear_ssm(ssm, now);
            }
            Heard::Other => {}
        }
        Ok(())
    }

    /// What it makes of all that for a vehicle that is there.
    pub fn think(&mut self, own: &Own, now: Utc) -> Told {
        self.others
            .retain(|other| now.since(other.heard) < FORGOTTEN);
        let place = self.roads.find(own.position, own.heading);
        let Some(place) = place else {
            self.warned_of_red = false;
            self.advised = None;
            return Told {
                danger: self.meets_somebody(own, None).then_some(Danger::Crossing),
                slows: self.asking.slows(now),
                ..Told::default()
            };
        };
        let left_m = place.left_m - own.length_m / 2.0;
        // Beyond a junction the next one is ahead.
        let to = if place.node == own.next {
            own.then
        } else {
            Some(own.next)
        };
        let phase = to.and_then(|to| self.roads.phase(&place, to)).flatten();
        let belief = phase.and_then(|phase| self.signals.belief(place.node, phase, now));
        let runs_red = belief.is_some_and(|belief| {
            let (speed_mps, braking_mps2) = (own.speed_mps, own.braking_mps2);
            let warned = self.warned_of_red;
            dangers::runs_red(left_m, speed_mps, braking_mps2, &belief, now, warned)
        });
        let danger = if runs_red {
            Some(Danger::RedLight)
        } else {
            self.meets_somebody(own, Some(&place))
                .then_some(Danger::Crossing)
        };
        // Who needs no light, as many who turn right, waits with those ahead for theirs.
        let light = phase.or_else(|| self.waits_with(&place, own));
        let belief = light.and_then(|light| self.signals.belief(place.node, light, now));
        let advice = match (light, belief, place.limit_mps) {
            (Some(phase), Some(belief), Some(limit_mps)) if wants_advice(own, left_m) => {
                let approach = Approach {
                    left_m,
                    speed_mps: own.speed_mps,
                    limit_mps,
                    least_mps: own.least_mps,
                    advised: self.advised == Some((place.node, phase)),
                };
                let mut ahead = self.ahead(&place, own);
                let found = advice::advise(&approach, &mut ahead, &belief, now);
                found.map(|aim| Advice {
                    node: place.node,
                    phase,
                    aim,
                })
            }
            _ => None,
        };
        self.warned_of_red = runs_red;
        self.advised = advice.map(|advice| (advice.node, advice.phase));
        Told {
            advice,
            danger,
            leave: self.asking.leave(now),
            slows: self.asking.slows(now),
        }
    }

    /// When the newest SPAT of the junction ahead was made, if it knows one; None where it knows of no
    /// junction ahead.
    pub fn spat_said(&self, own: &Own) -> Option<Option<Utc>> {
        let place = self.roads.find(own.position, own.heading)?;
        Some(self.signals.said(place.node))
    }

    /// How many junctions it has heard of.
    pub fn junctions(&self) -> usize {
        self.roads.len()
    }

    /// What it asks and tells of its driver's mind; None where that is nothing.
    pub fn ask(&mut self, own: &Own, wishes: &Wishes, now: Utc) -> Option<Box<Vir>> {
        let place = self.roads.find(own.position, own.heading);
        let id = self.id;
        self.asking.speak(id, own, place.as_ref(), wishes, now)
    }

    /// What it says of itself.
    pub fn speak(&mut self, own: &Own, now: Utc) -> Bsm {
        self.count = self.count.next();
        let heading_deg = libm::atan2(own.heading.east_m, own.heading.north_m).to_degrees();
        Bsm {
            msg_cnt: self.count,
            id: self.id,
            sec_mark: Some(DSecond::of(now)),
            pos: own.position,
            ellipse: None,
            pos_confidence: PositionConfidence::from_error_m(CIRCLE_95 * own.sigma_m),
            transmission: Some(Transmission::Forward),
            speed: Speed::nearest_mps(own.speed_mps),
            heading: Heading::from_deg(heading_deg.rem_euclid(360.0)).ok(),
            speed_confidence: None,
            heading_confidence: None,
            acceleration: Acceleration4 {
                long: Acceleration::nearest_mps2(-own.braking_mps2),
                lat: None,
                vert: None,
                yaw: YawRate::nearest_deg_per_s(0.0).unwrap_or(YawRate::MIN),
            },
            size: Size {
                width: VehicleWidth::nearest_m(own.width_m),
                length: VehicleLength::nearest_m(own.length_m),
                height: VehicleHeight::nearest_m(own.height_m),
            },
            class: own.class,
            emergency: own.emergency,
        }
    }

    fn hear_of_others(&mut self, sender: StationId, told: &[Participant], now: Utc) {
        for participant in told {
            if participant.kind == ParticipantKind::Rsu {
                continue;
            }
            let (Some(heading), Some(speed)) = (participant.heading, participant.speed) else {
                continue;
            };
            let turned_rad = heading.deg().to_radians();
            let size = participant.size;
            let other = Other {
                id: (sender, participant.id.value()),
                is_own: participant.bsm_id == Some(self.id),
                heard: now,
                position: participant.pos,
                heading: Point::new(libm::sin(turned_rad), libm::cos(turned_rad)),
                speed_mps: speed.mps(),
                length_m: size.length.map_or(USUAL_LENGTH_M, VehicleLength::m),
                width_m: size.width.map_or(USUAL_WIDTH_M, VehicleWidth::m),
            };
            // Numbers are octets, so there are never more than 255 of a roadside unit; but anybody may
            // call itself one.
            let has_room = self.others.len() < MOST_OTHERS;
            match self.others.iter_mut().find(|known| known.id == other.id) {
                Some(known) => *known = other,
                None if has_room => self.others.push(other),
                None => {}
            }
        }
    }

    /// Those before the line in the vehicle's own lane, from the line backwards.
    fn ahead(&self, place: &Place, own: &Own) -> Vec<Ahead> {
        let others = self.others.iter().filter(|other| !other.is_own);
        let between = others.filter_map(|other| {
            let left_m = self.roads.in_lane(place, other.position, other.heading)?;
            let ahead = left_m > 0.0 && left_m < place.left_m - own.length_m / 2.0;
            ahead.then_some((left_m, other))
        });
        let mut between: Vec<(f64, &Other)> = between.collect();
        between.sort_by(|a, b| a.0.total_cmp(&b.0));
        // Two roadside units may tell of one vehicle.
        between.dedup_by(|next, one| next.0 - one.0 < TOLD_TWICE_M && next.1.id.0 != one.1.id.0);
        let ahead = between.into_iter().map(|(left_m, other)| Ahead {
            left_m: (left_m - other.length_m / 2.0).max(0.0),
            speed_mps: other.speed_mps,
            length_m: other.length_m,
        });
        ahead.collect()
    }

    /// The light that those who stand ahead in the vehicle's own lane wait for; None if nobody does.
    fn waits_with(&self, place: &Place, own: &Own) -> Option<PhaseId> {
        let stands = |one: &Ahead| one.speed_mps < STANDS_BELOW_MPS;
        let somebody = self.ahead(place, own).iter().any(stands);
        somebody.then(|| self.roads.light(place)).flatten()
    }

    fn meets_somebody(&self, own: &Own, place: Option<&Place>) -> bool {
        // Before a line one can still stop at, the light says who goes.
        let can_stop = |left_m: f64, speed_mps: f64| {
            left_m > 0.0 && speed_mps * speed_mps / (2.0 * left_m) < STOPS_MPS2
        };
        if place.is_some_and(|place| can_stop(place.left_m, own.speed_mps)) {
            return false;
        }
        let plane = Plane::at(own.position);
        let this = Mover {
            place: Point::new(0.0, 0.0),
            direction: own.heading,
            speed_mps: own.speed_mps,
            length_m: own.length_m,
            width_m: own.width_m,
        };
        self.others.iter().any(|other| {
            let Some(there) = plane.point(other.position) else {
                return false;
            };
            let is_own = other.is_own || there.length_m() < own.length_m / 2.0;
            let mover = Mover {
                place: there,
                direction: other.heading,
                speed_mps: other.speed_mps,
                length_m: other.length_m,
                width_m: other.width_m,
            };
            if is_own || !dangers::meet(&this, &mover) {
                return false;
            }
            let theirs = self.roads.find(other.position, other.heading);
            !theirs.is_some_and(|theirs| can_stop(theirs.left_m, other.speed_mps))
        })
    }
}

/// Who stands, or is all but there, is told no speed.
fn wants_advice(own: &Own, left_m: f64) -> bool {
    own.speed_mps > 2.0 && (ADVISED_FROM_M..ADVISED_TO_M).contains(&left_m)
}

/// A unit remembers so many others: those of two full roadside units.
const MOST_OTHERS: usize = 512;
/// Nobody is nearer than this to another in one lane: it is one whom two roadside units tell of.
const TOLD_TWICE_M: f64 = 3.0;
/// What RSM has not told again for so long is forgotten.
const FORGOTTEN: Duration = Duration::from_millis(500);
/// Standard deviations of a circle that holds 95 %.
const CIRCLE_95: f64 = 2.448;
const USUAL_LENGTH_M: f64 = 4.5;
const USUAL_WIDTH_M: f64 = 1.8;
/// Who could stop by braking like this is expected to.
const STOPS_MPS2: f64 = 4.0;
const ADVISED_FROM_M: f64 = 10.0;
const ADVISED_TO_M: f64 = 500.0;
