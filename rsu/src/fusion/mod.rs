//! Which detection belongs to which road user, and where each of them is: one picture of the road
//! from all sensors.
//!
//! Frames go in by [`Fusion::handle_objects`], at the time they were seen, in any order within a
//! window; [`Fusion::picture`] gives everybody that is sure enough to be spoken of, predicted to a
//! moment. Rooms, in the order data meets them:
//! - [`config`](Config): the sensors, and how sure fusion must be
//! - `screen`: what is believed of what comes in
//! - `budget`: what is given up when a step would take too long
//! - `tracklet`, `undo`, `ageing`: what a device that tracks says that it had not said before
//! - `history`: late frames are taken in their place, by going back and through again
//! - `crowd`: whom a frame concerns; the others are left as they are
//! - `step`: one frame applied to those, by
//!   - `filter`, `motion` (`pace`, `pair`, `standing`, `mixture`): where a thing is, how it moves, and how sure that is
//!   - `heading`, `traces`: where it points, and who knows it by what
//!   - `stray`: how far echoes stray over a body of unknown size
//!   - `lasting`, `doubt`: what of the sensors' errors no number of frames averages out
//!   - `near`, `order`, `associate`, `assign`: which detection belongs to which target
//!   - `classify`: what a thing is and how big
//!   - `parts`, `ties`: one body that is listed in parts now and then, or always
//!   - `views`: how a sensor sees each target, and what hides it
//!   - `existence`: whether it is there at all
//!   - `learn`, `habits`, `eyesight`, `precision`, `ranges`, `knock`, `delay`, `repute`, `hung` (`jitter`),
//!     `speeds` (`ratio`): what each sensor is really like
//!   - `merge`: two targets that are one thing
//! - [`health`](Health): how the sensors fare; `accord`: whether they see the same road at all
//! - `ids`: public ids, 1 to 255
//! - [`lanes`](Lanes): what the site's lanes say of who drives on them
//! - [`picture`](Picture): what fusion says (`bodies`: of tied parts as one)
//! - `fields`: where sensors look
//!
//! All room is made in [`Fusion::new`]; after it nothing allocates, and the work of a frame is
//! bounded by [`MAX_OBJECTS`](crate::report::MAX_OBJECTS), the targets and the window, and by
//! [`Config::max_work`] beside. Nothing here reads a clock or logs; what was refused is in
//! [`Fusion::counts`].
//!
//! Road users that speak of themselves are one more sensor ([`Sees::Told`]): who is silent is not
//! missed, names help to tell them apart, and stay with the track.
//!
//! Known limits: that all sensors are late together cannot be seen. Tracks of a device that says how sure
//! it is of them ([`Sensor::tracks`]) count by what is new in them, those of others as detections with a larger
//! covariance.

mod accord;
mod ageing;
mod assign;
mod associate;
mod bodies;
mod budget;
mod classify;
mod config;
mod counts;
mod crowd;
mod delay;
mod doubt;
mod existence;
mod eyesight;
mod fields;
mod filter;
mod habits;
mod heading;
mod health;
mod history;
mod hung;
mod ids;
mod jitter;
mod knock;
mod lanes;
mod lasting;
mod learn;
mod merge;
mod mixture;
mod motion;
mod near;
mod order;
mod pace;
mod pair;
mod parts;
mod picture;
mod precision;
mod ranges;
mod ratio;
mod repute;
mod screen;
mod speeds;
mod standing;
mod step;
mod stray;
mod target;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod ties;
mod traces;
mod tracklet;
mod undo;
mod views;

pub use config::{Config, MAX_SENSORS, MAX_TARGETS, MAX_TRACKS, Parts, Pose, Sees, Sensor};
pub use counts::Counts;
pub(crate) use fields::Fields;
pub use health::{Health, Suspicion};
pub use lanes::Lanes;
pub use picture::{Picture, Track};

use arrayvec::ArrayVec;

use crate::clock::Mono;
use crate::report::{InputId, Objects};
use accord::Accord;
use budget::afford;
use crowd::{Crowd, Paces};
use doubt::Doubt;
use habits::Habits;
use history::{Frame, History};
use ids::Ids;
use screen::{TimeScreen, Verdict, believe};
use step::Stepper;
use target::Target;
use tracklet::News;

/// Makes one picture of the road from what all sensors see.
#[derive(Debug)]
pub struct Fusion {
    config: Config,
    crowd: Crowd,
    history: History,
    stepper: Stepper,
    habits: Habits,
    ids: Ids,
    lanes: Option<Lanes>,
    time: TimeScreen,
    incoming: Box<Frame>,
    /// Everybody side by side, where there is more than there is time for.
    whole: Vec<Target>,
    picture: Box<Picture>,
    accord: Box<Accord>,
    counts: Counts,
    frames: u64,
    /// Frames wait to be worked through: a late one, and all that have come since.
    behind: bool,
}

impl Fusion {
    /// Makes all room that it will ever need.
    pub fn new(mut config: Config) -> Self {
        config.sensors.truncate(MAX_SENSORS);
        config.max_targets = config.max_targets.min(MAX_TARGETS);
        let max_tracks = config.max_tracks.min(MAX_TRACKS);
        Self {
            crowd: Crowd::with_capacity(config.max_targets),
            history: History::new(config.window, config.max_targets),
            stepper: Stepper::new(config.max_targets),
            habits: Habits::new(&config),
            ids: Ids::new(max_tracks, config.id_rest),
            lanes: None,
            time: TimeScreen::default(),
            incoming: Box::default(),
            whole: Vec::with_capacity(config.max_targets),
            picture: Box::default(),
            accord: Box::default(),
            counts: Counts::default(),
            frames: 0,
            behind: false,
            config,
        }
    }

    /// The same where lanes are known, if [`Parts::lanes`] asks for them.
    pub fn with_lanes(self, lanes: Option<Lanes>) -> Self {
        let lanes = lanes.filter(|_| self.config.parts.lanes);
        Self { lanes, ..self }
    }

    /// Takes what one sensor saw at `objects.seen_at`.
    ///
    /// A frame that is late, but within the window, changes the tracks as if it had come in time. It waits,
    /// with all that comes after it, until a picture is asked for or [`Fusion::catch_up`]: several late ones
    /// share one way through. What cannot be believed is counted and left out.
    pub fn handle_objects(&mut self, input: InputId, objects: &Objects) {
        let Some(sensor) = self
            .config
            .sensors
            .iter()
            .position(|sensor| sensor.input == input)
        else {
            self.counts.unknown_input += 1;
            return;
        };
        let at = self.captured(sensor, objects.seen_at);
        let newest = self.history.newest();
        match self.time.judge(at, newest, &self.config) {
            Verdict::Accept => {}
            Verdict::StartAnew => self.start_anew(at),
            Verdict::Refuse if newest.is_some_and(|newest| at < newest) => {
                self.counts.too_late += 1;
                return;
            }
            Verdict::Refuse => {
                self.counts.time_jumps += 1;
                return;
            }
        }
        let print = print_of(objects);
        let hangs = self.habits.hung[sensor].note(at, print, &objects.detections);
        if hangs && self.config.sensors[sensor].sees != Sees::Told {
            self.counts.hung += 1;
            return;
        }
        self.read((sensor, at, print), objects);
        if self.history.has(&self.incoming) {
            self.counts.repeated += 1;
            return;
        }
        let late = newest.is_some_and(|newest| at < newest);
        if late && !self.config.parts.replay {
            self.counts.too_late += 1;
            return;
        }
        if self.history.presses(at) {
            self.catch_up();
        }
        if !self.fit_in_time() {
            return;
        }
        let full = self.incoming.full;
        let Ok(place) = self.history.insert(&mut self.incoming, &self.crowd) else {
            self.counts.too_late += 1;
            return;
        };
        self.counts.frames += 1;
        self.habits.pulse[sensor].beat(at);
        let last = place + 1 == self.history.len();
        self.counts.late += u64::from(!last);
        if self.behind || !last {
            self.behind = true;
            return;
        }
        let again = self.crowd.last == Some((sensor, at));
        self.work_through(place);
        // Of a moment that comes in many frames, the first and the last give out ids.
        if !again || !full {
            self.settle_ids();
        }
    }

    /// Whether frames wait to be worked through.
    pub fn is_behind(&self) -> bool {
        self.behind
    }

    /// Works through what waits. Asking for a picture does it too.
    pub fn catch_up(&mut self) {
        if std::mem::take(&mut self.behind)
            && let Some(place) = self.history.waiting()
        {
            self.work_through(place);
            self.settle_ids();
        }
    }

    fn settle_ids(&mut self) {
        let settled = self
            .ids
            .settle(self.crowd.at, &mut self.history, &self.crowd);
        self.counts.published += settled.given;
        self.counts.found_again += settled.found_again;
        self.counts.ids_exhausted += settled.refused;
    }

    /// Everybody that is sure enough to be spoken of, predicted to `at`.
    ///
    /// Tracks that nobody has seen for the configured time before `at` are left out, so that
    /// sensors that have fallen silent leave an empty road and not an old one.
    pub fn picture(&mut self, at: Mono) -> &Picture {
        self.catch_up();
        self.glance(at);
        self.accord.note(&self.picture, &self.config.sensors);
        &self.picture
    }

    /// The same of what has been worked through so far, so that it is nothing to what is learnt when
    /// somebody looks.
    pub fn glance(&mut self, at: Mono) -> &Picture {
        self.time.note_asked(at);
        for pulse in &mut self.habits.pulse {
            pulse.note_asked(at);
        }
        let mut paces = Paces::new(at);
        let sensors = self.config.sensors.iter().zip(&self.habits.precision);
        let worst = ranges::worst(&self.habits.precision);
        let doubts: ArrayVec<Doubt, MAX_SENSORS> = (0..)
            .zip(sensors)
            .map(|(n, (sensor, precise))| precise.doubt(sensor, worst.beside(n)))
            .collect();
        let doubts = self.config.parts.lasting.then_some(&doubts[..]);
        self.picture.at = at;
        self.picture.tracks.clear();
        let latest = at + self.config.delete_after;
        // In order of their ids: tracks are large, and would be moved often to be sorted.
        let mut places = [NOBODY; 256];
        let (mut most, mut any_tied) = (0, false);
        for (place, (_, target)) in (0..).zip(self.history.everybody(&self.crowd)) {
            places[usize::from(target.id)] = place;
            most = target.id.max(most);
            any_tied |= target.tied;
        }
        // Who has no id has 0.
        for &place in places[..=usize::from(most)].iter().skip(1) {
            if place == NOBODY {
                continue;
            }
            let (since, target) = self.history.one_of(&self.crowd, usize::from(place));
            if target.seen_at > latest || target.is_stale(at, &self.config) {
                continue;
            }
            // Ids are unique, so there is room.
            let track = target.published(at, paces.since(since), doubts);
            let _ = self.picture.tracks.try_push(track);
            if let Some((lanes, track)) = self.lanes.as_ref().zip(self.picture.tracks.last_mut()) {
                lanes.hold(track, target.heading.var());
            }
        }
        if any_tied {
            let everybody = self.history.everybody(&self.crowd);
            let joints = bodies::joints(&everybody.map(|(_, target)| target));
            bodies::unite(&mut self.picture.tracks, &joints);
        }
        &self.picture
    }

    /// Whether road users speak of themselves by this input, each at its own moment.
    pub fn is_told(&self, input: InputId) -> bool {
        let mut sensors = self.config.sensors.iter();
        sensors.any(|sensor| sensor.input == input && sensor.sees == Sees::Told)
    }

    /// What came in and what became of it.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// How the sensor of an input fares at `at`; None for an input that is no sensor.
    pub fn health(&self, input: InputId, at: Mono) -> Option<Health> {
        let sensors = self.config.sensors.iter();
        let (index, _) = sensors.enumerate().find(|(_, s)| s.input == input)?;
        let Habits {
            eyesight,
            precision,
            pulse,
            delay,
            hung,
            ..
        } = &self.habits;
        let health = Health {
            later_s: delay[index].taken_off_s(),
            ..pulse[index].health(at, hung[index].hangs(), &eyesight[index], &precision[index])
        };
        let graver = matches!(health.suspicion, Some(Suspicion::Hung | Suspicion::Silent));
        let health = match self.accord.is_astray(index) && !graver {
            true => Health {
                suspicion: Some(Suspicion::Astray),
                ..health
            },
            false => health,
        };
        Some(match self.config.sensors[index].sees {
            // Nobody need speak.
            Sees::Told => Health {
                suspicion: None,
                ..health
            },
            Sees::Centre | Sees::Reflection => health,
        })
    }

    /// The sensors that are known to be turned, each with its bit in [`Track::sources`].
    pub fn turned(&self) -> impl Iterator<Item = (u32, &Sensor)> {
        let sensors = self.config.sensors.iter().enumerate();
        sensors.filter_map(|(index, sensor)| {
            let turned = sensor.sees != Sees::Told && self.habits.precision[index].is_turned();
            let bit = 1u32.checked_shl(index as u32).unwrap_or(0);
            turned.then_some((bit, sensor))
        })
    }

    /// The configuration it works by.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Gives up what there is no time for; false if that is all of the frame in hand.
    fn fit_in_time(&mut self) -> bool {
        let mut keep = self.affordable();
        if self.behind && keep.is_none_or(|keep| keep < self.incoming.sightings.len()) {
            self.catch_up();
            keep = self.affordable();
        }
        let Some(keep) = keep else {
            self.counts.given_up_late += 1;
            return false;
        };
        let frame = &mut *self.incoming;
        if keep < frame.sightings.len() {
            let mut paces = Paces::new(self.crowd.at);
            self.whole.clear();
            for (since, target) in self.history.everybody(&self.crowd) {
                history::carry(target, &mut self.whole, paces.since(since));
            }
            let whole = (self.crowd.at, &self.whole[..]);
            let shed = self.stepper.thin(frame, keep, whole, &self.config);
            self.counts.given_up_expected += shed.expected;
            self.counts.given_up_strangers += shed.strangers;
        }
        true
    }

    /// How many detections of the frame in hand there is time for, beside all that is to be done with it.
    fn affordable(&self) -> Option<usize> {
        let later = self.history.later_than(&self.incoming);
        afford(self.config.max_work, self.crowd.seats.len(), later)
    }

    fn start_anew(&mut self, at: Mono) {
        self.counts.restarts += 1;
        self.behind = false;
        self.history.clear();
        self.crowd.seats.clear();
        self.crowd.at = at;
        self.crowd.last = None;
        self.stepper.forget();
        for told in &mut self.habits.told {
            told.clear();
        }
        for delay in &mut self.habits.delay {
            delay.forget_moment();
        }
        for speeds in &mut self.habits.speeds {
            speeds.forget();
        }
        for hung in &mut self.habits.hung {
            hung.forget();
        }
        self.ids.retire_all(at);
    }

    /// The moment of a frame: as it is said by whoever has a clock, else less what was learnt.
    fn captured(&mut self, sensor: usize, seen_at: Mono) -> Mono {
        if self.config.parts.delay && !self.config.sensors[sensor].clocked {
            self.habits.delay[sensor].captured(seen_at)
        } else {
            seen_at
        }
    }

    fn read(&mut self, (sensor, at, print): (usize, Mono, u64), objects: &Objects) {
        self.frames += 1;
        let frame = &mut *self.incoming;
        frame.at = at;
        frame.sensor = sensor;
        frame.number = self.frames;
        frame.print = print;
        frame.full = objects.detections.is_full();
        frame.thinned = false;
        frame.sightings.clear();
        frame.measured.clear();
        let model = &self.config.sensors[sensor];
        let Habits {
            precision,
            told,
            speeds,
            ..
        } = &mut self.habits;
        let correction = precision[sensor].correction(model);
        let repeats = precision[sensor].repeats();
        let (told, speeds) = (&mut told[sensor], &mut speeds[sensor]);
        let parts = self.config.parts;
        frame.speeds_repeat = if parts.noise { speeds.repeat() } else { 1.0 };
        for detection in &objects.detections {
            let Some(sighting) = believe(detection, model, &self.config) else {
                continue;
            };
            // Changed where it is kept: it is large.
            frame.sightings.push(sighting);
            let Some(sighting) = frame.sightings.last_mut() else {
                continue;
            };
            let claimed = sighting.position;
            if !model.tracks {
                sighting.lasts =
                    sighting.position_cov * (model.repeats * repeats / model.covariance_scale);
            }
            let (place, honest) = correction.apply(claimed, sighting.position_cov);
            if model.tracks && parts.news {
                sighting.news = told.hear(frame.at, sighting, &mut frame.measured);
                if let News::Some(place) = sighting.news {
                    let measured = &mut frame.measured[usize::from(place)];
                    let (place, honest) =
                        correction.apply(measured.position, measured.position_cov);
                    if parts.noise {
                        measured.position_cov = honest;
                    }
                    if parts.mount {
                        measured.position = place;
                    }
                }
            }
            if parts.noise {
                sighting.position_cov = honest;
                speeds.hear(frame.at, sighting);
            }
            if parts.mount {
                sighting.position = place;
            }
        }
        let taken = frame.sightings.len();
        self.counts.detections += taken as u64;
        self.counts.malformed += (objects.detections.len() - taken) as u64;
    }

    /// Applies the frame at `place`, which waits, and all that are later.
    fn work_through(&mut self, place: usize) {
        let again = self.history.rewind(place, &mut self.crowd);
        if again > 0 {
            self.counts.replayed += again as u64;
            self.stepper.forget();
        }
        for place in place..self.history.len() {
            let repute = &mut self.habits.repute;
            let (crowd, config) = (&mut self.crowd, &self.config);
            let mut entered = self.history.enter(place, crowd, config, repute);
            let frame = self.history.frame(place);
            let by = (&self.config, &mut self.habits);
            self.stepper
                .apply(frame, (&mut self.crowd, &mut entered), by, &mut self.counts);
            self.history.leave(&mut self.crowd, entered.targets);
        }
    }
}

/// The same for frames that say the same places in the same order; else, but for one in many billions,
/// another.
fn print_of(objects: &Objects) -> u64 {
    const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const FNV_PRIME: u64 = 0x0100_0000_01b3;
    let places = objects.detections.iter();
    let numbers = places.flat_map(|d| [d.east_m.to_bits(), d.north_m.to_bits()]);
    numbers.fold(FNV_OFFSET, |print, number| {
        (print ^ number).wrapping_mul(FNV_PRIME).rotate_left(29)
    })
}

/// In the place of somebody of the crowd.
const NOBODY: u16 = u16::MAX;
