//! Events that the picture of the road shows by itself.
//!
//! Each look at the picture puts every road user on its lane ([`scene`]), adds to the evidence for
//! and against each kind of event ([`watch`], [`against`] for wrong-way drivers, who may not be where a
//! turned sensor shows them ([`turned`]), [`queue`] for congestion), and tells the book what is sure
//! enough. Evidence is time: what has been seen for long enough is raised, what has not been
//! seen for long enough ends. Queueing at red is not congestion, waiting behind others is not
//! stopping, making room for a siren ([`siren`]) is not either, a bus at its stop is not an obstacle: what
//! explains a stand stops the clock of its evidence. An emergency vehicle is one that says so by radio, or that a box knows by its lights.

mod against;
mod queue;
mod scene;
mod siren;
mod turned;
mod watch;

use std::time::Duration;

use v2x_msg::base::{Confidence, EnuFrame, Few, LaneId, NodeId, Radius};
use v2x_msg::kinds::rsi::{
    self, Description, EventSource, EventType, Lanes, Level, Place, ReferenceLink, ReferencePath,
};

use super::book::Book;
use super::claim::{Claim, Key, Origin, Until};
use crate::clock::{Mono, Now};
use crate::fusion::{Fields, Picture, Sensor};
use crate::report::InputId;
use crate::signals::Forecast;
use crate::site::{Site, words};
use queue::Queues;
use scene::{Roads, Scene, Spot};
use turned::Turned;
use watch::{Found, Watches};

/// Which events are looked for, and from when on one is believed.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// A vehicle that stands in a lane without a reason, for this long; None: not looked for.
    pub stopped_after: Option<Duration>,
    /// As [`Config::stopped_after`], for what may be a bus at a stop, where the site says nothing else; on
    /// a link without a listed stop every bus may be at one.
    pub bus_stopped_after: Duration,
    /// Who stops with an emergency vehicle on duty so near may make room for it; 0: nobody does.
    pub siren_within_m: f64,
    /// And may go on standing for so long after it has been so near.
    pub siren_after: Duration,
    /// Nobody stands for longer to make room: what goes beyond is a stand without a reason.
    pub siren_longest: Duration,
    /// Something that has never moved lies in a lane, for this long.
    pub object_after: Option<Duration>,
    /// A vehicle goes against its lane, for this long.
    pub wrong_way_after: Option<Duration>,
    /// Somebody walks on the carriageway away from the junction, for this long.
    pub pedestrian_after: Option<Duration>,
    /// An animal is on the carriageway, for this long. Only boxes of cameras and radios of animals know
    /// them.
    pub animal_after: Option<Duration>,
    /// A vehicle with a free road goes slower than `slow_below_mps`, for this long.
    pub slow_after: Option<Duration>,
    /// See [`Config::slow_after`].
    pub slow_below_mps: f64,
    /// A vehicle is faster than the limit times `overspeed_ratio`, for this long.
    pub overspeed_after: Option<Duration>,
    /// See [`Config::overspeed_after`].
    pub overspeed_ratio: f64,
    /// An emergency vehicle on duty is on its way, for this long.
    pub emergency_after: Option<Duration>,
    /// A queue on a road without a signal, for this long; on an approach to the signal it must last
    /// for `congestion_cycles_after`.
    pub congestion_after: Option<Duration>,
    /// Longer than any cycle of the signal: a queue that outlasts it is more than a red light.
    pub congestion_cycles_after: Duration,
    /// Shorter queues are no congestion.
    pub congestion_from_m: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            stopped_after: Some(Duration::from_secs(15)),
            bus_stopped_after: Duration::from_secs(90),
            siren_within_m: 150.0,
            siren_after: Duration::from_secs(10),
            siren_longest: Duration::from_secs(60),
            object_after: Some(Duration::from_secs(15)),
            wrong_way_after: Some(Duration::from_millis(1500)),
            pedestrian_after: Some(Duration::from_secs(1)),
            animal_after: Some(Duration::from_secs(1)),
            slow_after: None,
            slow_below_mps: 15.0 / 3.6,
            overspeed_after: None,
            overspeed_ratio: 1.2,
            emergency_after: Some(Duration::from_millis(500)),
            congestion_after: Some(Duration::from_secs(20)),
            congestion_cycles_after: Duration::from_secs(240),
            congestion_from_m: 50.0,
        }
    }
}

/// How long a claim outlives the last look that found it.
const KEPT_FOR: Duration = Duration::from_secs(3);

/// The detectors and what they remember.
#[derive(Debug)]
pub struct Detect {
    roads: Roads,
    frame: EnuFrame,
    /// Too large to be handed about.
    scene: Box<Scene>,
    watches: Watches,
    queues: Queues,
    turned: Turned,
    sight: Fields,
    /// What is said of a queue whose end nobody sees.
    end_unseen: Option<Description>,
}

impl Detect {
    /// Detectors for a site that these sensors look at.
    pub fn new(config: Config, site: &Site, sensors: &[Sensor]) -> Self {
        let roads = Roads::new(site, config.bus_stopped_after);
        Self {
            queues: Queues::new(&config, &roads),
            watches: Watches::new(config),
            scene: Box::default(),
            frame: site.frame,
            turned: Turned::default(),
            sight: Fields::of(sensors),
            end_unseen: words::description(END_UNSEEN).ok(),
            roads,
        }
    }

    /// These sensors are known to be turned, each with its bit in [`crate::fusion::Track::sources`].
    pub fn know_turned<'s>(&mut self, sensors: impl Iterator<Item = (u32, &'s Sensor)>) {
        self.turned.set(sensors);
    }

    /// A sensor has told of a scene that it saw then: until it falls silent its field is seen.
    pub fn note_scene(&mut self, input: InputId, seen_at: Mono) {
        self.sight.note(input, seen_at);
    }

    /// Looks at the picture of now, with what the signals show, and claims what is sure enough.
    /// Does not allocate.
    pub fn look(
        &mut self,
        now: Now,
        picture: &Picture,
        forecast: Option<&Forecast>,
        book: &mut Book,
    ) {
        let turned = &self.turned;
        self.scene
            .set(now.mono, picture, forecast, &self.roads, turned);
        self.watches.hear_sirens(now.mono, &self.scene, forecast);
        for place in 0..self.scene.spots.len() {
            let spot = self.scene.spots[place];
            self.watches
                .look(now.mono, &spot, &self.scene, &self.roads, |found| {
                    claim(now, found, &spot, &self.roads, &self.frame, book);
                });
            self.scene.spots[place].lies = self.watches.lies(&spot);
        }
        self.sight.set_now(now.mono);
        let (roads, sight) = (&self.roads, &self.sight);
        for queue in self.queues.look(now.mono, &self.scene, roads, sight) {
            let words = self.end_unseen.as_ref();
            let Some(event) = queue.event(&self.roads, &self.frame, words) else {
                continue;
            };
            let tail_m = queue.tail_at_m(&self.roads);
            say(now, queue.number(&self.roads), event, tail_m, book);
        }
    }
}

/// Tells the book of what was found of one road user.
fn claim(now: Now, found: Found, spot: &Spot, roads: &Roads, frame: &EnuFrame, book: &mut Book) {
    let (event_type, level, radius_m) = match found {
        Found::Stopped => (EventType::STOPPED, 6, 10.0),
        Found::Object => (EventType::OBJECT, 6, 5.0),
        Found::WrongWay => (EventType::WRONG_WAY, 7, 20.0),
        Found::Pedestrian => (EventType::PEDESTRIAN, 6, 10.0),
        Found::Animal => (EventType::ANIMAL, 5, 10.0),
        Found::Slow => (EventType::SLOW, 4, 20.0),
        Found::Overspeed => (EventType::OVERSPEED, 3, 20.0),
        Found::Emergency => (EventType::EMERGENCY_VEHICLE, 7, 50.0),
    };
    let mut event = rsi::Event::new(0, event_type, EventSource::Detection);
    event.pos = frame.ground_position(spot.east_m, spot.north_m).ok();
    event.radius = Radius::from_m(radius_m).ok();
    event.level = Level::new(level).ok();
    event.confidence =
        Confidence::from_percent(f64::from(spot.existence.clamp(0.0, 1.0)) * 100.0).ok();
    event.place = spot.lane.and_then(|on| {
        // Who comes from upstream must hear of it before it is there.
        let from_m = on.along_m - UPSTREAM_M;
        stretch(roads, on.lane, from_m, on.along_m + radius_m, frame)
    });
    let number = u64::from(event_type.0) << 32 | u64::from(spot.id);
    say(now, number, event, (spot.east_m, spot.north_m), book);
}

/// "A queue whose end is beyond what is perceived."
const END_UNSEEN: &str = "拥堵队尾超出感知范围";

/// How far upstream of an event its path begins.
const UPSTREAM_M: f64 = 100.0;

fn say(now: Now, number: u64, event: rsi::Event, at_m: (f64, f64), book: &mut Book) {
    let claim = Claim {
        key: Key {
            origin: Origin::Picture,
            number,
        },
        event,
        keeps_id: false,
        at_m: Some(at_m),
        until: Until::Mono(now.mono + KEPT_FOR),
    };
    // What is turned away is counted by the book.
    let _ = book.handle_claim(now, &claim);
}

/// A stretch of one lane, as RSI has it: its path in the direction of travel, and the lane of its
/// link.
fn stretch(roads: &Roads, lane: usize, from_m: f64, to_m: f64, frame: &EnuFrame) -> Option<Place> {
    let lane = roads.lanes.get(lane)?;
    let points = lane.between(from_m, to_m);
    let points = points.filter_map(|point| frame.position(point).ok());
    let path = ReferencePath {
        points: Few::new(points.take(MAX_POINTS)).ok()?,
        radius: Radius::from_m(lane.width_m / 2.0).ok()?,
    };
    let link = reference_link(lane.link, [lane.id]);
    Place::new([path], [link]).ok()
}

const MAX_POINTS: usize = 32;

fn reference_link(
    (upstream, downstream): (NodeId, NodeId),
    lanes: impl IntoIterator<Item = LaneId>,
) -> ReferenceLink {
    ReferenceLink {
        upstream,
        downstream,
        lanes: Lanes::of(lanes).ok(),
    }
}

#[cfg(test)]
mod cases;
#[cfg(test)]
mod tests;
