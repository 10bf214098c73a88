//! Signal phase and timing: what the lamps show, and until when.
//!
//! The rules are those of YD/T 3709-2020 and T/CSAE 159-2020, 8.4: a phase lists 1 to 16 states,
//! no two of the same colour; the earliest end is not after the likely one, nor that after the
//! latest. As there are nine colours, a phase has at most nine states. A time that nobody knows is
//! `None`, never a guess.
//!
//! Not here: where the times come from; the station forecasts them.

mod wire;

use super::flags::flags;
use crate::access::Aid;
use crate::base::{
    Confidence, Countdown, DSecond, Few, HourMark, MinuteOfYear, MsgCount, Name, NodeId, PhaseId,
    TimeConfidence, WrongCount,
};

/// Intersections in one SPAT that this crate reasons about. The standard allows 32; a
/// roadside unit speaks for one or a few, and the value (11 kB with four) is moved as a whole.
pub const MAX_INTERSECTIONS: usize = 4;
/// Phases of an intersection.
pub const MAX_PHASES: usize = 16;
/// States of a phase: one a colour.
pub const MAX_STATES: usize = 9;

/// A SPAT message.
#[derive(Clone, Debug, PartialEq)]
pub struct Spat {
    /// Counts the SPATs of this sender.
    pub msg_cnt: MsgCount,
    /// When the message was made: the minute.
    pub moy: Option<MinuteOfYear>,
    /// When the message was made: the millisecond in that minute.
    pub time_stamp: Option<DSecond>,
    /// For people.
    pub name: Option<Name>,
    /// One entry a junction.
    pub intersections: Few<IntersectionState, 1, MAX_INTERSECTIONS>,
}

impl Spat {
    /// The application that SPATs are addressed to.
    pub const AID: Aid = Aid::Spat;

    /// A SPAT of one or more intersections, not dated.
    pub fn new(
        msg_cnt: MsgCount,
        intersections: impl IntoIterator<Item = IntersectionState>,
    ) -> Result<Self, Refused> {
        let intersections = Few::new(intersections)?;
        Ok(Spat {
            msg_cnt,
            moy: None,
            time_stamp: None,
            name: None,
            intersections,
        })
    }
}

/// The phases of one junction at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct IntersectionState {
    /// The node's id in MAP.
    pub id: NodeId,
    /// How the controller is running.
    pub status: Status,
    /// When the lamps were read: the minute.
    pub moy: Option<MinuteOfYear>,
    /// When the lamps were read: the millisecond in that minute.
    pub time_stamp: Option<DSecond>,
    /// How far `time_stamp` may be from the moment the lamps really changed.
    pub time_confidence: Option<TimeConfidence>,
    phases: Few<Phase, 1, MAX_PHASES>,
}

impl IntersectionState {
    /// 1 to 16 phases with different ids; no status, not dated.
    pub fn new(id: NodeId, phases: impl IntoIterator<Item = Phase>) -> Result<Self, Refused> {
        let phases = Few::<Phase, 1, MAX_PHASES>::new(phases)?;
        for (place, phase) in phases.iter().enumerate() {
            if phases[..place].iter().any(|earlier| earlier.id == phase.id) {
                return Err(Refused::PhaseTwice(phase.id));
            }
        }
        Ok(IntersectionState {
            id,
            status: Status::NONE,
            moy: None,
            time_stamp: None,
            time_confidence: None,
            phases,
        })
    }

    /// In the order in which they are sent.
    pub fn phases(&self) -> &[Phase] {
        &self.phases
    }
}

/// A group of lamps that always agree, and what they show now and next.
#[derive(Clone, Debug, PartialEq)]
pub struct Phase {
    id: PhaseId,
    states: Few<PhaseState, 1, MAX_STATES>,
}

impl Phase {
    /// 1 to 9 states with different lights.
    pub fn new(id: PhaseId, states: impl IntoIterator<Item = PhaseState>) -> Result<Self, Refused> {
        let mut list = Few::<PhaseState, 0, MAX_STATES>::default();
        for state in states {
            // Looked at first, so that a tenth state is named for what it must be: a repetition.
            if list.iter().any(|earlier| earlier.light == state.light) {
                return Err(Refused::LightTwice(state.light));
            }
            list.push(state)?;
        }
        Ok(Phase {
            id,
            states: Few::new(list.iter().copied())?,
        })
    }

    /// The same id as in MAP.
    pub fn id(&self) -> PhaseId {
        self.id
    }

    /// In the order in which they are sent.
    pub fn states(&self) -> &[PhaseState] {
        &self.states
    }

    /// The state that is on now: the one that began (counting from 0), or the only one.
    pub fn current(&self) -> Option<&PhaseState> {
        let began = |state: &&PhaseState| match state.timing {
            Some(Timing::Counting(counting)) => counting.start == Some(Countdown::ZERO),
            _ => false,
        };
        self.states.iter().find(began).or(match &self.states[..] {
            [only] => Some(only),
            _ => None,
        })
    }
}

/// A colour, and when it begins and ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PhaseState {
    /// What the lamps show.
    pub light: Light,
    /// None where nothing is known of the times.
    pub timing: Option<Timing>,
}

/// What the lamps of a phase show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Light {
    /// The controller cannot tell.
    Unavailable,
    /// No lamp is lit.
    Dark,
    /// Stop, then go on with care.
    FlashingRed,
    /// Stop.
    Red,
    /// About to end; rarely used.
    FlashingGreen,
    /// Go, giving way where paths cross.
    PermissiveGreen,
    /// Go; no path crosses.
    ProtectedGreen,
    /// Stop if that is safe.
    Yellow,
    /// Go on with care.
    FlashingYellow,
}

impl Light {
    /// All of them, in the order of the standard's numbers from 0.
    pub const ALL: [Light; 9] = [
        Light::Unavailable,
        Light::Dark,
        Light::FlashingRed,
        Light::Red,
        Light::FlashingGreen,
        Light::PermissiveGreen,
        Light::ProtectedGreen,
        Light::Yellow,
        Light::FlashingYellow,
    ];

    /// As the standard spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Light::Unavailable => "unavailable",
            Light::Dark => "dark",
            Light::FlashingRed => "flashing-red",
            Light::Red => "red",
            Light::FlashingGreen => "flashing-green",
            Light::PermissiveGreen => "permissive-green",
            Light::ProtectedGreen => "protected-green",
            Light::Yellow => "yellow",
            Light::FlashingYellow => "flashing-yellow",
        }
    }
}

/// When a state begins and ends, in one of the standard's two forms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Timing {
    /// As times left; the usual form in China.
    Counting(Counting),
    /// As moments in the UTC hour.
    Utc(UtcTiming),
}

/// Times left, all from the moment of the SPAT.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Counting {
    /// Until it begins; zero if it is on.
    pub start: Option<Countdown>,
    /// Until it ends, also for a state that has not begun.
    pub ends: Ends<Countdown>,
    /// How sure the likely end is.
    pub confidence: Option<Confidence>,
    /// Until it begins the next time (after the time that `start` speaks of).
    pub next_start: Option<Countdown>,
    /// How long it will last that next time.
    pub next_duration: Option<Countdown>,
}

/// Moments, as tenths of a second in the UTC hour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UtcTiming {
    /// When it begins, or began if it is on.
    pub start: Option<HourMark>,
    /// When it ends.
    pub ends: Ends<HourMark>,
    /// How sure the likely end is.
    pub confidence: Option<Confidence>,
    /// When it begins the next time.
    pub next_start: Option<HourMark>,
    /// When it ends that next time.
    pub next_end: Option<HourMark>,
}

/// The end of a state: earliest, likely and latest, never out of that order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ends<M> {
    min: Option<M>,
    likely: Option<M>,
    max: Option<M>,
}

impl<M: Mark> Ends<M> {
    /// Nothing is known.
    pub const UNKNOWN: Self = Ends {
        min: None,
        likely: None,
        max: None,
    };

    /// Earliest, likely and latest end, as far as they are known, in that order.
    pub fn new(min: Option<M>, likely: Option<M>, max: Option<M>) -> Result<Self, Refused> {
        let in_order = |a: Option<M>, b: Option<M>| match (a, b) {
            (Some(a), Some(b)) => a.not_after(b),
            _ => true,
        };
        if in_order(min, likely) && in_order(likely, max) && in_order(min, max) {
            Ok(Ends { min, likely, max })
        } else {
            Err(Refused::EndsOutOfOrder)
        }
    }

    /// A fixed end: T/CSAE 159-2020 wants all three to be the same then.
    pub fn fixed(at: M) -> Self {
        Ends {
            min: Some(at),
            likely: Some(at),
            max: Some(at),
        }
    }

    /// A likely end without bounds.
    pub fn likely_at(at: M) -> Self {
        Ends {
            likely: Some(at),
            ..Self::UNKNOWN
        }
    }

    /// The earliest end.
    pub fn min(self) -> Option<M> {
        self.min
    }

    /// The likely end.
    pub fn likely(self) -> Option<M> {
        self.likely
    }

    /// The latest end.
    pub fn max(self) -> Option<M> {
        self.max
    }
}

/// The two forms of TimeMark, which are ordered differently.
pub trait Mark: Copy + sealed::Sealed {
    /// Whether this is not after `other`.
    fn not_after(self, other: Self) -> bool;
}

impl Mark for Countdown {
    fn not_after(self, other: Self) -> bool {
        self <= other
    }
}

impl Mark for HourMark {
    fn not_after(self, other: Self) -> bool {
        HourMark::not_after(self, other)
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for crate::base::Countdown {}
    impl Sealed for crate::base::HourMark {}
}

flags! {
    /// How a controller is running.
    Status, 16 bits {
        /// Somebody operates it by hand.
        MANUAL_CONTROL = 0,
        /// Its timing is stopped.
        STOP_TIME = 1,
        /// It flashes because of a fault.
        FAILURE_FLASH = 2,
        /// A train or an emergency vehicle has taken the junction.
        PREEMPT = 3,
        /// A bus or another vehicle was given priority.
        SIGNAL_PRIORITY = 4,
        /// It runs a fixed plan.
        FIXED_TIME = 5,
        /// It reacts to traffic.
        TRAFFIC_DEPENDENT = 6,
        /// It stands by: off or flashing as planned.
        STANDBY = 7,
        /// It has a fault.
        FAILURE = 8,
        /// It is off.
        OFF = 9,
        /// The MAP changed not long ago.
        RECENT_MAP_UPDATE = 10,
        /// The lanes of the MAP were renumbered not long ago.
        RECENT_LANE_CHANGE = 11,
        /// There is no valid MAP now.
        NO_VALID_MAP = 12,
        /// There is no valid SPAT now.
        NO_VALID_SPAT = 13,
    }
}

/// What a SPAT must not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Too few or too many intersections, phases or states.
    #[error(transparent)]
    Count(#[from] WrongCount),
    /// Two states of a phase show the same light.
    #[error("two states of a phase are {}", .0.name())]
    LightTwice(Light),
    /// Two phases of an intersection have the same id.
    #[error("phase {0} is listed twice")]
    PhaseTwice(PhaseId),
    /// Earliest, likely and latest end are not in this order.
    #[error("the ends of a state are not in the order earliest, likely, latest")]
    EndsOutOfOrder,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shows(light: Light) -> PhaseState {
        PhaseState {
            light,
            timing: None,
        }
    }

    fn phase(id: u8) -> Phase {
        Phase::new(PhaseId::new(id).unwrap(), [shows(Light::Red)]).unwrap()
    }

    const NODE: NodeId = NodeId {
        region: Some(1),
        id: 7,
    };

    #[test]
    fn a_spat_stays_small_enough_to_be_moved() {
        assert!(size_of::<PhaseState>() <= 18, "{}", size_of::<PhaseState>());
        assert!(size_of::<Spat>() <= 12_000, "{}", size_of::<Spat>());
    }

    #[test]
    fn a_phase_shows_each_colour_once() {
        let id = PhaseId::new(1).unwrap();
        let twice = Phase::new(id, [Light::Red, Light::Yellow, Light::Red].map(shows));
        assert_eq!(twice, Err(Refused::LightTwice(Light::Red)));
        assert!(Phase::new(id, []).is_err());
        assert_eq!(
            Phase::new(id, Light::ALL.map(shows))
                .unwrap()
                .states()
                .len(),
            9
        );
    }

    #[test]
    fn phases_of_a_junction_have_different_ids() {
        let same = IntersectionState::new(NODE, [phase(1), phase(2), phase(1)]);
        assert_eq!(same, Err(Refused::PhaseTwice(PhaseId::new(1).unwrap())));
    }

    #[test]
    fn one_to_sixteen_phases_fit() {
        assert!(IntersectionState::new(NODE, []).is_err());
        assert!(IntersectionState::new(NODE, (1..=16).map(phase)).is_ok());
        assert!(IntersectionState::new(NODE, (1..=17).map(phase)).is_err());
    }

    #[test]
    fn ends_keep_their_order() {
        let at = |tenths| Some(Countdown::from_tenths(tenths).unwrap());
        assert!(Ends::new(at(10), at(20), at(30)).is_ok());
        assert!(Ends::new(at(10), at(10), at(10)).is_ok());
        assert!(Ends::new(at(21), at(20), at(30)).is_err());
        assert!(Ends::new(at(10), at(31), at(30)).is_err());
        assert!(Ends::new(at(31), None, at(30)).is_err());
        assert!(Ends::new(None, at(31), None).is_ok());
    }

    #[test]
    fn moments_keep_their_order_across_the_hour() {
        let at = |tenths| Some(HourMark::from_tenths(tenths).unwrap());
        assert!(Ends::new(at(35_900), at(5), at(100)).is_ok());
        assert!(Ends::new(at(100), at(35_900), None).is_err());
    }

    #[test]
    fn the_state_that_began_is_the_current_one() {
        let counting = |start| {
            Some(Timing::Counting(Counting {
                start,
                ends: Ends::UNKNOWN,
                confidence: None,
                next_start: None,
                next_duration: None,
            }))
        };
        let later = Countdown::from_tenths(50).ok();
        let states = [
            PhaseState {
                light: Light::Yellow,
                timing: counting(later),
            },
            PhaseState {
                light: Light::ProtectedGreen,
                timing: counting(Some(Countdown::ZERO)),
            },
        ];
        let id = PhaseId::new(3).unwrap();
        let current = Phase::new(id, states)
            .unwrap()
            .current()
            .map(|state| state.light);
        assert_eq!(current, Some(Light::ProtectedGreen));
        assert_eq!(
            phase(3).current().map(|state| state.light),
            Some(Light::Red)
        );
        let unknown = Phase::new(id, [Light::Red, Light::Yellow].map(shows)).unwrap();
        assert_eq!(unknown.current(), None);
    }
}
