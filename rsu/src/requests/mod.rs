//! What vehicles ask of the roadside, and what they are answered.
//!
//! A request stands for as long as its vehicle says, is renewed each time it is said again, and is decided
//! anew before each answer, from the picture of that moment: `change` for a lane beside, `pass` for the
//! lane of those who come against one, `share` for who is seen in an area. `lanes` knows the site's lanes.
//!
//! Nothing is granted that could not be seen to be safe, and nobody is told more than for the moment: an
//! answer holds until the next but a few. Not here: messages and when they are sent
//! (`services/answer`), and green for who asks: the unit does not drive signals.

mod change;
mod lanes;
mod pass;
mod share;

use std::time::Duration;

use arrayvec::ArrayVec;
use v2x_msg::base::{NodeId, StationId};
use v2x_msg::kinds::rsc::MAX_VEHICLES;
use v2x_msg::kinds::rsi::{Lanes as LaneSet, ReferenceLink};
use v2x_msg::kinds::vir::Behavior;

use crate::clock::Mono;
use crate::fusion::{Fields, Picture, Sensor, Track};
use crate::report::{Area, InputId, Request, Wish};
use crate::site::Site;
use lanes::Lanes;

/// What is answered, and how much room there must be.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Whether changes into the next lane are answered.
    pub lane_change: bool,
    /// Whether passing on the lane of those who come against one is answered.
    pub passing: bool,
    /// Whether it is told who is seen in an area.
    pub sharing: bool,
    /// A driver sees what the one before does so long after it.
    pub reaction: Duration,
    /// How hard people brake who must.
    pub braking_mps2: f64,
    /// Between two who stand.
    pub least_gap_m: f64,
    /// How long a change of lanes takes.
    pub change: Duration,
    /// How long an answer holds.
    pub holds: Duration,
    /// How long a request stands whose vehicle does not say, and the longest that any does.
    pub stands: Duration,
}

/// Nothing is answered unless asked for. The room is what careful drivers leave: a second, and what
/// braking at 4 m/s² takes.
impl Default for Config {
    fn default() -> Self {
        Self {
            lane_change: false,
            passing: false,
            sharing: false,
            reaction: Duration::from_millis(1000),
            braking_mps2: 4.0,
            least_gap_m: 2.0,
            change: Duration::from_millis(3000),
            holds: Duration::from_millis(500),
            stands: Duration::from_secs(1),
        }
    }
}

impl Config {
    /// Whether anything is answered at all.
    pub fn is_on(&self) -> bool {
        self.lane_change || self.passing || self.sharing
    }
}

/// Requests that stand at a time.
const MOST_OPEN: usize = 16;
/// Who was granted something keeps it until this much of the room is left.
const KEEPS: f64 = 0.8;

/// How a request for a lane is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// There is room.
    Granted,
    /// Somebody is in the way, or comes too soon.
    Taken,
    /// The lane is not seen as far as it would have to be.
    Unseen,
    /// It is not a lane that can be had from where the vehicle is, or ends too soon.
    NotThere,
    /// Nobody has heard or seen where the vehicle is.
    Unknown,
}

/// What one vehicle is told to do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Advice {
    /// Who.
    pub vehicle: StationId,
    /// What.
    pub behavior: Behavior,
    /// The lane that it is about.
    pub lane: ReferenceLink,
}

/// What has become of requests, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests that were taken up; renewals do not count.
    pub taken_up: u64,
    /// Not asked of this unit, or of a sort that is not answered here.
    pub not_served: u64,
    /// Found no room.
    pub turned_away: u64,
    /// Times that a request came to be granted.
    pub granted: u64,
    /// Times that one came to be refused, somebody being in the way.
    pub refused: u64,
    /// Times that one came to be refused, for want of sight.
    pub unseen: u64,
    /// Times that one came to be refused for another reason.
    pub impossible: u64,
    /// Times that somebody else was asked to make room.
    pub made_room: u64,
    /// Road users that were asked for and found no room in an answer.
    pub left_out: u64,
}

/// A request that stands.
#[derive(Clone, Debug)]
struct Open {
    vehicle: StationId,
    number: u8,
    until: Mono,
    asks: Asks,
    verdict: Option<Verdict>,
    /// Who is being asked to make room for it.
    helper: Option<StationId>,
}

#[derive(Clone, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "inline on purpose: requests come and go without allocating"
)]
enum Asks {
    /// A lane, by its place in [`Lanes`].
    Lane(usize),
    Area(Area),
}

impl Asks {
    /// Whether what was decided of one holds for the other.
    fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Lane(one), Self::Lane(other)) => one == other,
            (Self::Area(_), Self::Area(_)) => true,
            _ => false,
        }
    }
}

/// The requests that stand, and what is answered.
#[derive(Debug)]
pub struct Desk {
    config: Config,
    id: StationId,
    lanes: Lanes,
    sight: Fields,
    open: Box<ArrayVec<Open, MOST_OPEN>>,
    advice: ArrayVec<Advice, MAX_VEHICLES>,
    shared: share::Shared,
    counts: Counts,
}

impl Desk {
    /// For the unit of this id at a site with these sensors.
    pub fn new(config: Config, site: &Site, id: StationId, sensors: &[Sensor]) -> Self {
        Self {
            lanes: Lanes::of(site),
            sight: Fields::of(sensors),
            open: Box::default(),
            advice: ArrayVec::new(),
            shared: share::Shared::default(),
            counts: Counts::default(),
            config,
            id,
        }
    }

    /// A vehicle asks. Does not allocate.
    pub fn hear(&mut self, now: Mono, request: &Request) {
        let same = |open: &Open| (open.vehicle, open.number) == (request.vehicle, request.number);
        let known = self.open.iter().position(same);
        let Some(asks) = self.understood(request) else {
            if let Some(known) = known {
                self.open.swap_remove(known);
            } else {
                self.counts.not_served += u64::from(request.wish != Wish::Nothing);
            }
            return;
        };
        let stands = request.lasts.unwrap_or(self.config.stands);
        let until = now + stands.min(self.config.stands);
        if let Some(known) = known {
            let open = &mut self.open[known];
            open.until = until;
            // What is asked anew under an old number was not granted yet.
            if !open.asks.is_like(&asks) {
                (open.verdict, open.helper) = (None, None);
            }
            open.asks = asks;
            return;
        }
        let open = Open {
            vehicle: request.vehicle,
            number: request.number,
            until,
            asks,
            verdict: None,
            helper: None,
        };
        match self.open.try_push(open) {
            Ok(()) => self.counts.taken_up += 1,
            Err(_) => self.counts.turned_away += 1,
        }
    }

    /// A sensor has told of a scene that it saw then: until it falls silent its field is seen.
    pub fn note_scene(&mut self, input: InputId, seen_at: Mono) {
        self.sight.note(input, seen_at);
    }

    /// Whether any request stands at `now`; those that do not any more are forgotten.
    pub fn is_asked(&mut self, now: Mono) -> bool {
        self.open.retain(|open| open.until > now);
        !self.open.is_empty()
    }

    /// Decides all that stands, by the picture of now. Does not allocate.
    pub fn decide(&mut self, picture: &Picture) {
        self.advice.clear();
        self.shared.clear();
        self.sight.set_now(picture.at);
        for index in 0..self.open.len() {
            match &self.open[index].asks {
                Asks::Lane(lane) => self.decide_lane(index, *lane, picture),
                Asks::Area(area) => {
                    let asker = self.open[index].vehicle;
                    self.shared.look(area, asker, picture);
                }
            }
        }
        // Own wishes first: who is answered is not asked to make room in the same breath.
        for index in 0..self.open.len() {
            let open = &self.open[index];
            if let (Some(helper), Asks::Lane(lane)) = (open.helper, &open.asks) {
                let lane = self.lanes.all[*lane].reference();
                self.tell(helper, Behavior::SLOW_DOWN, lane);
            }
        }
        self.shared.settle();
        self.counts.left_out += self.shared.left_out();
    }

    /// What single vehicles are told, as last decided.
    pub fn advice(&self) -> &[Advice] {
        &self.advice
    }

    /// Whether somebody asks who is seen, and who that is: places in the picture that was decided by, the
    /// nearest to what was asked for first.
    pub fn shared(&self) -> Option<impl Iterator<Item = usize> + '_> {
        let asked = self
            .open
            .iter()
            .any(|open| matches!(open.asks, Asks::Area(_)));
        asked.then(|| self.shared.places())
    }

    /// What has become of requests.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// How long an answer holds.
    pub fn holds(&self) -> Duration {
        self.config.holds
    }

    /// What a request asks, if it is served here.
    fn understood(&self, request: &Request) -> Option<Asks> {
        if request.unit.is_some_and(|unit| unit != self.id) {
            return None;
        }
        match &request.wish {
            Wish::Nothing => None,
            Wish::Lane {
                upstream,
                downstream,
                lane,
            } if self.config.lane_change || self.config.passing => self
                .lanes
                .find(*upstream, *downstream, *lane)
                .map(Asks::Lane),
            Wish::Share(area) if self.config.sharing => Some(Asks::Area(area.clone())),
            Wish::Lane { .. } | Wish::Share(_) => None,
        }
    }

    fn decide_lane(&mut self, index: usize, lane: usize, picture: &Picture) {
        let open = &self.open[index];
        let target = &self.lanes.all[lane];
        let vehicle = open.vehicle;
        // Two who come from both sides into one gap would meet there: the first has it.
        let mut claimed = ArrayVec::<StationId, MOST_OPEN>::new();
        claimed.extend(self.open.iter().filter_map(|other| {
            let granted = other.verdict == Some(Verdict::Granted) && other.vehicle != vehicle;
            (granted && other.asks.is_like(&open.asks)).then_some(other.vehicle)
        }));
        let asker = |track: &&Track| track.own_id == Some(vehicle);
        let found = picture.tracks.iter().find(asker).map(|asker| {
            let room = Room {
                config: &self.config,
                sight: &self.sight,
                target,
                asker,
                others: &picture.tracks,
                claimed: &claimed,
                keeps: if open.verdict == Some(Verdict::Granted) {
                    KEEPS
                } else {
                    1.0
                },
            };
            room.decide()
        });
        let decision = found.unwrap_or(Decision::no(Verdict::Unknown));
        self.answer(index, decision, target.reference());
    }

    /// Notes what was decided of a request, and tells the vehicle that asked.
    fn answer(&mut self, index: usize, decision: Decision, lane: ReferenceLink) {
        let open = &mut self.open[index];
        if open.verdict.replace(decision.verdict) != Some(decision.verdict) {
            let counter = match decision.verdict {
                Verdict::Granted => &mut self.counts.granted,
                Verdict::Taken => &mut self.counts.refused,
                Verdict::Unseen => &mut self.counts.unseen,
                Verdict::NotThere | Verdict::Unknown => &mut self.counts.impossible,
            };
            *counter += 1;
        }
        let news = decision.makes_room.is_some() && decision.makes_room != open.helper;
        self.counts.made_room += u64::from(news);
        open.helper = decision.makes_room;
        let vehicle = open.vehicle;
        self.tell(vehicle, decision.behavior, lane);
    }

    /// Each vehicle is told one thing at a time.
    fn tell(&mut self, vehicle: StationId, behavior: Behavior, lane: ReferenceLink) {
        if self.advice.iter().all(|told| told.vehicle != vehicle) {
            // There are as many places as requests; who should make room may go without.
            let _ = self.advice.try_push(Advice {
                vehicle,
                behavior,
                lane,
            });
        }
    }
}

/// What is decided of one request for a lane.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Decision {
    verdict: Verdict,
    behavior: Behavior,
    /// Who should slow down so that there will be room.
    makes_room: Option<StationId>,
}

impl Decision {
    /// Whoever may not, keeps its lane.
    fn no(verdict: Verdict) -> Self {
        Self {
            verdict,
            behavior: Behavior::STRAIGHT_ON,
            makes_room: None,
        }
    }
}

/// All that a decision on a lane rests on.
#[derive(Clone, Copy)]
struct Room<'a> {
    config: &'a Config,
    sight: &'a Fields,
    target: &'a lanes::Target,
    asker: &'a Track,
    others: &'a [Track],
    /// To whom this lane has been granted.
    claimed: &'a [StationId],
    /// The part of the room that is enough.
    keeps: f64,
}

impl Room<'_> {
    fn decide(&self) -> Decision {
        let Some(at) = self.target.beside(self.asker) else {
            return Decision::no(Verdict::NotThere);
        };
        match at.same_way {
            Some(true) if self.config.lane_change => self.change(at),
            Some(false) if self.config.passing => self.pass(at),
            _ => Decision::no(Verdict::NotThere),
        }
    }

    /// Where another is along the lane, if it takes up a part of it or will: it is in it, comes into it, or
    /// was granted it before.
    fn occupied(&self, other: &Track) -> Option<lanes::Along> {
        if other.own_id == self.asker.own_id {
            return None;
        }
        let along = self.target.along(other)?;
        let claimed = other.own_id.is_some_and(|id| self.claimed.contains(&id));
        (claimed || self.target.holds(&along)).then_some(along)
    }

    /// How far one who drives behind another must be from it, bumper to bumper; speeds along the road,
    /// negative for who comes against it.
    fn needed_m(&self, behind_mps: f64, before_mps: f64) -> f64 {
        let behind_mps = behind_mps.max(0.0);
        let stop_m = |mps: f64| mps * mps.abs() / (2.0 * self.config.braking_mps2);
        let braking_m = (stop_m(behind_mps) - stop_m(before_mps)).max(0.0);
        self.config.least_gap_m + behind_mps * self.config.reaction.as_secs_f64() + braking_m
    }
}

/// Whether two names mean the same node: a region that is not named is understood.
fn same_node(one: NodeId, other: NodeId) -> bool {
    let regions = one.region.zip(other.region);
    one.id == other.id && regions.is_none_or(|(one, other)| one == other)
}

/// A lane as a reference link names it; lanes above 15 cannot be, and the link stands for them.
fn reference(upstream: NodeId, downstream: NodeId, lane: v2x_msg::base::LaneId) -> ReferenceLink {
    ReferenceLink {
        upstream,
        downstream,
        lanes: LaneSet::of([lane]).ok(),
    }
}

#[cfg(test)]
mod cases;
#[cfg(test)]
mod tests;
