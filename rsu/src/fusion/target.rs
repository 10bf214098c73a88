//! One thing that is being followed, published or not yet: what the rooms beside keep of it.

use std::time::Duration;

use nalgebra::{Matrix2, Vector2};
use v2x_msg::base::StationId;

use super::classify::{ClassBelief, Extent, SizeBelief, usual_speed_mps};
use super::doubt::Doubt;
use super::existence::{MOST_EXISTENCE, MOST_LOG_ODDS};
use super::filter::{Kalman, matrix};
use super::heading::Heading;
use super::lasting::{ANYWHERE, Lasting};
use super::motion::Motion;
use super::pace::Pace;
use super::picture::Track;
use super::repute::Word;
use super::speeds::Age;
use super::stray::Stray;
use super::ties::Tie;
use super::traces::{Devices, Missed};
use super::tracklet::{Measured, News};
use crate::clock::Mono;
use crate::report::{Class, Covariance, Size, Velocity};

/// A detection that has been found believable, ready for use.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sighting {
    pub(crate) position: Vector2<f64>,
    pub(crate) position_cov: Matrix2<f64>,
    /// The part of that covariance that is the same error from frame to frame (`lasting`).
    pub(crate) lasts: Matrix2<f64>,
    pub(crate) velocity: Option<(Vector2<f64>, Matrix2<f64>)>,
    pub(crate) yaw_rad: Option<f64>,
    pub(crate) size: Option<Size>,
    pub(crate) class: Class,
    pub(crate) existence: f64,
    pub(crate) device_id: Option<u16>,
    /// Its velocity is of a filter of a box, which has followed it for so long (`speeds`).
    pub(crate) filtered: Option<Age>,
    /// What of it the device had not said before.
    pub(crate) news: News,
    pub(crate) own_id: Option<StationId>,
    pub(crate) emergency: bool,
}

/// One thing that is being followed.
///
/// In this order, since it is large: what each look at all targets asks for stands together, and the rest
/// behind it.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub(crate) struct Target {
    /// Which detection began it: the same after the past has been worked through again.
    pub(crate) uid: u64,
    /// Of existence.
    pub(crate) log_odds: f64,
    pub(crate) seen_at: Mono,
    pub(crate) hits: u32,
    /// Its public id, 0 while it has none. A hint: `ids` has the say.
    pub(crate) id: u8,
    /// Existence was shown well enough to publish.
    pub(crate) confirmed: bool,
    /// Seen in the frame that was worked through last.
    pub(crate) seen_now: bool,
    /// Listed in it by a device that only carried it on.
    pub(crate) carried_now: bool,
    /// Of which it showed a part only.
    pub(crate) in_parts: bool,
    /// It is a part of one body with the one ahead (`tie`).
    pub(crate) tied: bool,
    pub(crate) size: SizeBelief,
    pub(crate) heading: Heading,
    pub(crate) class: ClassBelief,
    pub(crate) state: Motion,
    pub(crate) born_at: Mono,
    /// When it was last listed at its length, or nearly (`parts`).
    pub(crate) whole_at: Mono,
    /// When it was last hard to see for a sensor, for whatever reason.
    pub(crate) hidden_at: Mono,
    /// When a sensor last would have seen it, but for another thing before it.
    pub(crate) covered_at: Mono,
    /// When a device last carried it on, which believes that it is still there.
    pub(crate) carried_at: Mono,
    pub(crate) sources: u32,
    pub(crate) devices: Devices,
    /// What it calls itself, and when it last did.
    pub(crate) own: Option<(StationId, Mono)>,
    /// When it was last said to be an emergency vehicle on duty.
    pub(crate) emergency: Option<Mono>,
    /// When someone on foot was last too fast for that.
    pub(crate) rode: Option<Mono>,
    /// Which share of those who named a class of late said that it is an animal. Most sensors know no
    /// animals, so that is kept beside the belief over the other classes.
    pub(crate) animal: f32,
    pub(crate) missed: Missed,
    pub(crate) twin: Twin,
    pub(crate) word: Word,
    pub(crate) lasting: Lasting,
    pub(crate) tie: Tie,
    stray: Stray,
}

/// What a sighting was to a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// All of it is new.
    Whole,
    /// Its device has followed it before, and measured it again.
    Again,
    /// Its device has only carried it on.
    Nothing,
}

/// Suspicion that this thing is another one, followed twice.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Twin {
    pub(crate) of: u64,
    pub(crate) score: f32,
    pub(crate) at: Mono,
}

impl Sighting {
    /// Whether it is one of many of a track that its device follows.
    pub(crate) fn is_followed(&self) -> bool {
        self.device_id.is_some() && self.velocity.is_some()
    }
}

impl Target {
    /// A thing that has just been seen for the first time.
    pub(crate) fn new(
        uid: u64,
        (at, sensor): (Mono, usize),
        sighting: &Sighting,
        several_modes: bool,
    ) -> Self {
        let cov = sighting.position_cov;
        let mut target = Self {
            uid,
            id: 0,
            state: Motion::new(
                sighting.position,
                cov,
                usual_speed_mps(sighting.class),
                several_modes,
            ),
            born_at: at,
            seen_at: at,
            whole_at: Mono::ZERO,
            hidden_at: Mono::ZERO,
            covered_at: Mono::ZERO,
            carried_at: Mono::ZERO,
            hits: 0,
            log_odds: 0.0,
            confirmed: false,
            seen_now: true,
            carried_now: false,
            in_parts: false,
            tied: false,
            tie: Tie::default(),
            stray: Stray::default(),
            class: ClassBelief::new(),
            size: SizeBelief::default(),
            heading: Heading::default(),
            sources: 0,
            devices: Devices::default(),
            own: None,
            emergency: None,
            rode: None,
            animal: 0.0,
            twin: Twin::default(),
            word: Word::default(),
            missed: Missed::default(),
            lasting: Lasting::default(),
        };
        target
            .lasting
            .take(sensor, ANYWHERE, (&cov, &sighting.lasts), Vector2::zeros());
        if let Some((velocity, cov)) = &sighting.velocity {
            target.state.update_velocity(*velocity, cov);
        }
        target.note(at, sensor, sighting, false);
        target
    }

    /// Moves on; `class` is its likeliest.
    #[inline]
    pub(crate) fn predict(&mut self, pace: &mut Pace, class: Class) {
        self.state.predict(pace, class);
        self.heading
            .predict(pace.dt_s, self.state.velocity().norm_squared(), class);
        self.lasting.fade(pace.dt_s);
        self.seen_now = false;
        self.carried_now = false;
        self.in_parts = false;
    }

    /// Takes a sighting; `position_cov` is as [`Self::expected_cov`] gave it.
    pub(crate) fn update(
        &mut self,
        at: Mono,
        sensor: usize,
        (sighting, measured): (&Sighting, Option<&Measured>),
        position_cov: Matrix2<f64>,
        (echo_repeats, speeds_repeat): (Option<f64>, f64),
    ) -> Taken {
        let part = self.has_part(at, sighting);
        let repeats = echo_repeats.unwrap_or(0.0);
        let mut lasts = sighting.lasts + (position_cov - sighting.position_cov) * repeats;
        let followed = sighting
            .device_id
            .is_some_and(|id| self.devices.knows(sensor as u8, id));
        if sighting.news == News::None {
            self.carried_now = true;
            self.carried_at = self.carried_at.max(at);
            return Taken::Nothing;
        }
        let measured = measured.filter(|_| followed);
        let (position, cov, velocity) = match measured {
            // What comes on top of the device's own covariance counts here too.
            Some(measured) => (
                measured.position,
                measured.position_cov + position_cov - sighting.position_cov,
                &measured.velocity,
            ),
            None => (sighting.position, position_cov, &sighting.velocity),
        };
        let miss = position - self.state.position();
        let before = self.state.position_cov();
        if echo_repeats.is_some()
            && let Some(direction) = self.of_unknown_size()
        {
            let strays = self.stray.covariance(direction);
            // A point that a device follows stays where it is on the body for a while, and so does one that is seen
            // to stray farther than it should.
            let stays = if sighting.is_followed() {
                position_cov - sighting.position_cov
            } else {
                strays
            };
            lasts += stays * (1.0 - repeats);
            let known = matrix(before) + cov - strays;
            self.stray.note(direction, miss, &known);
        }
        self.lasting.take(sensor, before, (&cov, &lasts), miss);
        let mut speed = *velocity;
        if let Some((_, cov)) = speed.as_mut().filter(|_| sighting.filtered.is_some())
            && followed
        {
            *cov *= speeds_repeat;
        }
        let velocity = speed.as_ref().map(|(velocity, cov)| (*velocity, cov));
        self.state.update((position, &cov), velocity);
        self.note(at, sensor, sighting, part);
        if measured.is_some() {
            Taken::Again
        } else {
            Taken::Whole
        }
    }

    /// The direction of a body that is there for sure and whose size nobody has told.
    fn of_unknown_size(&self) -> Option<(f64, f64)> {
        let unknown = self.confirmed && self.size.measured().is_none();
        self.heading.direction.filter(|_| unknown)
    }

    /// Probability of existence.
    pub(crate) fn existence(&self) -> f64 {
        if self.log_odds >= MOST_LOG_ODDS {
            return MOST_EXISTENCE;
        }
        1.0 / (1.0 + (-self.log_odds).exp())
    }

    /// The room it takes.
    pub(crate) fn extent(&self) -> Extent {
        self.size.assumed(self.class.best().0)
    }

    /// How far the point that a sensor reports may lie from the centre, as a covariance on top of
    /// the sensor's own: a radar's echo wanders over the body, and a part of it has another middle.
    pub(crate) fn expected_cov(
        &self,
        at: Mono,
        echo_share: Option<f64>,
        sighting: &Sighting,
    ) -> Matrix2<f64> {
        match echo_share {
            Some(_) => sighting.position_cov + self.wander(echo_share),
            None if self.has_part(at, sighting) => {
                sighting.position_cov + self.off_middle(sighting)
            }
            None => sighting.position_cov,
        }
    }

    /// How far a radar's echo wanders over the body; nothing for a sensor that gives the centre.
    pub(crate) fn wander(&self, echo_share: Option<f64>) -> Matrix2<f64> {
        let Some(share) = echo_share else {
            return Matrix2::zeros();
        };
        // What is not published yet may be nothing at all: it must not gather false alarms from afar.
        let (length_m, width_m) = if self.confirmed {
            self.size.spread(&self.class)
        } else {
            let extent = self.extent();
            (extent.length_m, extent.width_m)
        };
        let (along, across) = (share * length_m, share * width_m);
        let strays = self.of_unknown_size().map(|way| self.stray.covariance(way));
        let wander = match self.heading.direction {
            Some((cos, sin)) => {
                let (a, c) = (along * along, across * across);
                let en = (a - c) * sin * cos;
                Matrix2::new(
                    a * cos * cos + c * sin * sin,
                    en,
                    en,
                    a * sin * sin + c * cos * cos,
                )
            }
            // It may lie any way: the spread of both axes in each.
            None => Matrix2::identity() * (0.5 * (along * along + across * across)),
        };
        strays.map_or(wander, |strays| wander + strays)
    }

    /// As published, predicted to `at`, which lies so far after the state.
    #[inline(always)]
    pub(crate) fn published(&self, at: Mono, pace: &mut Pace, doubts: Option<&[Doubt]>) -> Track {
        let (class, class_confidence) = self.class.best();
        let later;
        let state: &Kalman = if self.state.is_as_of(pace) {
            &self.state
        } else {
            later = self.state.predicted(pace, class);
            &later
        };
        let (class, class_confidence) = if self.animal >= 0.5 {
            (Class::Animal, self.animal)
        } else {
            (class, class_confidence)
        };
        let (position, velocity) = (state.position(), state.velocity());
        let (own, lasting) = (
            state.position_cov(),
            doubts.map_or(Covariance::default(), |doubts| {
                self.lasting.covariance(position, doubts)
            }),
        );
        Track {
            id: self.id,
            own_id: self.own_id(at, OWN_ID_LASTS),
            east_m: position.x,
            north_m: position.y,
            position_cov: Covariance {
                ee: own.ee + lasting.ee,
                en: own.en + lasting.en,
                nn: own.nn + lasting.nn,
            },
            velocity: Velocity {
                east_mps: velocity.x,
                north_mps: velocity.y,
                cov: state.velocity_cov(),
            },
            yaw_rad: self.heading.yaw_rad,
            reverses: self.heading.reverses(),
            class,
            class_confidence,
            emergency: self
                .emergency
                .is_some_and(|said| at.since(said) <= EMERGENCY_LASTS),
            size: self.size.measured(),
            seen_at: self.seen_at,
            hidden: self.is_covered(at),
            born_at: self.born_at,
            sources: self.sources,
            existence: self.existence() as f32,
        }
    }

    /// What it calls itself, if it said so no longer ago than `within`.
    pub(crate) fn own_id(&self, at: Mono, within: Duration) -> Option<StationId> {
        let (id, said_at) = self.own?;
        (at.since(said_at) <= within).then_some(id)
    }

    /// What a label means of this thing. A camera that sees the rider and not what is ridden names a person,
    /// each time anew, so that labels alone would settle it; whoever is faster than people run rides.
    fn named(&mut self, at: Mono, label: Class) -> Class {
        if label != Class::Pedestrian {
            return label;
        }
        let cov = self.state.velocity_cov();
        let least_mps = self.state.velocity().norm() - 2.0 * (cov.ee + cov.nn).sqrt();
        if least_mps > FASTEST_ON_FOOT_MPS {
            self.rode = Some(at);
        }
        let rides = (self.rode).is_some_and(|rode| at.since(rode) <= RIDER_STANDS);
        if rides { Class::Bicycle } else { label }
    }

    fn note(&mut self, at: Mono, sensor: usize, sighting: &Sighting, part: bool) {
        self.seen_at = self.seen_at.max(at);
        self.seen_now = true;
        self.in_parts = part;
        self.missed = Missed::default();
        self.hits = self.hits.saturating_add(1);
        self.sources |= 1u32.checked_shl(sensor as u32).unwrap_or(0);
        let named = self.named(at, sighting.class);
        self.class.observe(named);
        if sighting.class != Class::Unknown {
            let said = f32::from(u8::from(sighting.class == Class::Animal));
            self.animal += ANIMAL_SHARE * (said - self.animal);
        }
        if let Some(size) = sighting.size.as_ref().filter(|_| !part) {
            self.size.observe(size);
            self.whole_at = self.whole_at.max(at);
        }
        if let Some(id) = sighting.device_id {
            self.devices.note(sensor as u8, id);
        }
        if let Some(id) = sighting.own_id {
            self.own = Some((id, at));
        }
        if sighting.emergency {
            self.emergency = Some(at);
        }
        let class = self.class.best().0;
        self.heading.observe(&self.state, sighting.yaw_rad, class);
    }
}

/// What one word changes of whether it is an animal.
const ANIMAL_SHARE: f32 = 0.2;
/// Whoever crosses a road at a run stays below it; bicycles ride at 4 to 5 m/s, e-bikes at up to 7.
const FASTEST_ON_FOOT_MPS: f64 = 4.0;
/// How long a rider is known for one who stands or pushes: longer than a red takes.
const RIDER_STANDS: Duration = Duration::from_secs(90);
/// Whoever has an emergency says so each second at least.
const EMERGENCY_LASTS: Duration = Duration::from_secs(3);
/// How long a road user that is seen but not heard any more keeps the id by which it called itself.
const OWN_ID_LASTS: Duration = Duration::from_secs(5);
