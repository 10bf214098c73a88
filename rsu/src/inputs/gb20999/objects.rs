//! What GB/T 20999-2017 values say: where they live, and what their codes mean.
//!
//! Only what a roadside unit asks for. Attributes of a table are named with the element to ask for.

use arrayvec::ArrayVec;
use v2x_msg::base::Civil;

use super::wire::Address;
use crate::clock::Utc;
use crate::report::{ControlMode, Light};

/// Most lamp groups, phases and stages that the standard's bit sets number.
pub const MOST: u8 = 64;
/// Most stages in the chain of a plan.
pub const MAX_CHAIN: usize = 16;
/// Colours through which a phase goes when it loses its right of way, and when it gets it.
pub const TRANSITIONS: usize = 3;

/// How many lamp groups there are, or could be: the recorded controller says 64.
pub const LAMP_COUNT: Address = Address::new(3, 1, 0, 0);

/// What a lamp group shows.
pub const fn lamp_state(lamp: u8) -> Address {
    Address::new(3, 3, 1, lamp)
}

/// The lamp groups of a phase, as bits.
pub const fn phase_lamps(phase: u8) -> Address {
    Address::new(4, 2, 2, phase)
}

/// A colour that a phase goes through, or for how long.
///
/// `place` counts from 0: the three when it loses its right of way, then the three when it gets it.
pub const fn phase_transition(phase: u8, place: u8, part: Part) -> Address {
    Address::new(4, 2, 3 + 2 * place + part as u8, phase)
}

/// The shortest green of a phase, in seconds.
pub const fn phase_least_green(phase: u8) -> Address {
    Address::new(4, 2, 27, phase)
}

/// The two longest greens of a phase, in seconds; which of them holds when, nothing says. `which` is 0
/// or 1.
pub const fn phase_greatest_green(phase: u8, which: u8) -> Address {
    Address::new(4, 2, 28 + which, phase)
}

/// Half of a transition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// A lamp code.
    Colour = 0,
    /// Seconds.
    Time = 1,
}

/// The phases of a stage, as bits.
pub const fn stage_phases(stage: u8) -> Address {
    Address::new(6, 2, 2, stage)
}

/// How many seconds after a stage's beginning each phase starts.
pub const fn stage_late_start(stage: u8) -> Address {
    Address::new(6, 2, 3, stage)
}

/// How many seconds before a stage's end each phase ends.
pub const fn stage_early_end(stage: u8) -> Address {
    Address::new(6, 2, 4, stage)
}

/// Whether a stage runs; see [`StageState`].
pub const fn stage_state(stage: u8) -> Address {
    Address::new(6, 3, 2, stage)
}

/// For how many seconds a stage has run.
pub const fn stage_elapsed(stage: u8) -> Address {
    Address::new(6, 3, 3, stage)
}

/// For how many seconds a stage will still run.
pub const fn stage_remaining(stage: u8) -> Address {
    Address::new(6, 3, 4, stage)
}

/// The length of a plan's cycle.
pub const fn plan_cycle(plan: u8) -> Address {
    Address::new(9, 2, 3, plan)
}

/// The stages of a plan, in order.
pub const fn plan_stages(plan: u8) -> Address {
    Address::new(9, 2, 6, plan)
}

/// How long each of them lasts.
pub const fn plan_times(plan: u8) -> Address {
    Address::new(9, 2, 7, plan)
}

/// Whether each of them always comes; see [`STAGE_FIXED`].
pub const fn plan_kinds(plan: u8) -> Address {
    Address::new(9, 2, 8, plan)
}

/// How a junction is being run; see [`control_mode`].
pub const fn mode_now(junction: u8) -> Address {
    Address::new(13, 2, 2, junction)
}

/// Which plan a junction is running.
pub const fn plan_now(junction: u8) -> Address {
    Address::new(13, 2, 3, junction)
}

/// Which stage a junction is in.
pub const fn stage_now(junction: u8) -> Address {
    Address::new(13, 2, 4, junction)
}

/// The controller's own clock, in UTC; see [`utc`].
pub const CLOCK: Address = Address::new(13, 1, 10, 0);

/// How many faults stand in the controller's log.
pub const FAULT_COUNT: Address = Address::new(16, 1, 0, 0);

/// The number of a fault in the log.
pub const fn fault_number(place: u8) -> Address {
    Address::new(16, 2, 1, place)
}

/// What it was; see [`fault`].
pub const fn fault_code(place: u8) -> Address {
    Address::new(16, 2, 2, place)
}

/// When it was, by a clock of the controller; as [`utc`] reads it.
pub const fn fault_time(place: u8) -> Address {
    Address::new(16, 2, 3, place)
}

/// A stage that comes in every cycle; 0x20 comes on demand.
pub const STAGE_FIXED: u8 = 0x10;
/// A stage that comes only where somebody asks for it.
pub const STAGE_ON_DEMAND: u8 = 0x20;

/// Answer to a query of something that the controller does not have.
pub const NO_SUCH_VALUE: u8 = 0x30;

/// Whether a stage runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StageState {
    /// Another one does.
    Waiting,
    /// Its phases have right of way.
    Running,
    /// Its phases are losing it.
    Transition,
}

impl StageState {
    /// From its code on the wire.
    pub const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0x10 => Self::Waiting,
            0x20 => Self::Running,
            0x30 => Self::Transition,
            _ => return None,
        })
    }

    /// Its code on the wire.
    pub const fn code(self) -> u8 {
        match self {
            Self::Waiting => 0x10,
            Self::Running => 0x20,
            Self::Transition => 0x30,
        }
    }
}

/// What a lamp code shows; fast flashing is flashing.
pub const fn light(code: u8) -> Light {
    match code {
        0x01 => Light::Dark,
        0x10 => Light::Red,
        0x11 | 0x12 => Light::FlashingRed,
        0x20 => Light::Green,
        0x21 | 0x22 => Light::FlashingGreen,
        0x30 => Light::Yellow,
        0x31 | 0x32 => Light::FlashingYellow,
        0x40 => Light::RedYellow,
        _ => Light::Unknown,
    }
}

/// The code that shows this; a light that is not known has none of its own and is said to be 0.
pub const fn lamp_code(light: Light) -> u8 {
    match light {
        Light::Unknown => 0x00,
        Light::Dark => 0x01,
        Light::Red => 0x10,
        Light::FlashingRed => 0x11,
        Light::Green => 0x20,
        Light::FlashingGreen => 0x21,
        Light::Yellow => 0x30,
        Light::FlashingYellow => 0x31,
        Light::RedYellow => 0x40,
    }
}

/// What a code of [`mode_now`] means; None for a code that has no meaning.
pub const fn control_mode(code: u8) -> Option<ControlMode> {
    Some(match code {
        // From the centre and locally, in the same order.
        0x11 | 0x21 => ControlMode::FixedTime,
        0x12 | 0x14 | 0x24 => ControlMode::Adaptive,
        0x13 | 0x23 => ControlMode::Coordinated,
        0x15 | 0x25 => ControlMode::Manual,
        0x22 => ControlMode::Actuated,
        0x31 => ControlMode::Flash,
        0x32 => ControlMode::AllRed,
        0x33 => ControlMode::Off,
        0x10 | 0x20 | 0x30 => ControlMode::Other,
        _ => return None,
    })
}

/// The code of [`mode_now`] for this, as a controller that runs by itself says it.
pub const fn control_mode_code(mode: ControlMode) -> u8 {
    match mode {
        ControlMode::FixedTime => 0x21,
        ControlMode::Actuated => 0x22,
        ControlMode::Coordinated => 0x23,
        ControlMode::Adaptive => 0x24,
        ControlMode::Manual => 0x25,
        ControlMode::Flash => 0x31,
        ControlMode::AllRed => 0x32,
        ControlMode::Off => 0x33,
        ControlMode::BusPriority
        | ControlMode::Emergency
        | ControlMode::Fault
        | ControlMode::FaultFlash
        | ControlMode::Stopped
        | ControlMode::Unknown
        | ControlMode::Other => 0x20,
    }
}

/// Codes of [`fault_code`] and the words under which they are counted; any other is
/// [`OTHER_FAULT`].
const FAULTS: [(u8, &str); 16] = [
    (0x10, "green-conflict"),
    (0x11, "green-and-red"),
    (0x20, "red-lamp"),
    (0x21, "yellow-lamp"),
    (0x22, "green-lamp"),
    (0x30, "communication"),
    (0x40, "self-test"),
    (0x41, "detector"),
    (0x42, "relay"),
    (0x43, "memory"),
    (0x44, "clock"),
    (0x45, "main-board"),
    (0x46, "phase-board"),
    (0x47, "detector-board"),
    (0x50, "configuration"),
    (0x70, "response"),
];
/// A fault of no known code.
const OTHER_FAULT: &str = "other";

/// All words for faults.
pub const FAULT_KINDS: [&str; FAULTS.len() + 1] = {
    let mut kinds = [OTHER_FAULT; FAULTS.len() + 1];
    let mut at = 0;
    while at < FAULTS.len() {
        kinds[at] = FAULTS[at].1;
        at += 1;
    }
    kinds
};

/// What a code of [`fault_code`] means, as one of [`FAULT_KINDS`].
pub fn fault(code: u8) -> &'static str {
    let known = FAULTS.iter().find(|(known, _)| *known == code);
    known.map_or(OTHER_FAULT, |(_, kind)| kind)
}

/// A number of one to four bytes; None for any other size, or one that no time or count reaches.
pub fn number(data: &[u8]) -> Option<u32> {
    if data.is_empty() || data.len() > 4 {
        return None;
    }
    let fold = |value: u32, byte: &u8| value << 8 | u32::from(*byte);
    Some(data.iter().fold(0, fold))
}

/// A number of one byte.
pub fn byte(data: &[u8]) -> Option<u8> {
    number(data).and_then(|value| value.try_into().ok())
}

/// The whole second that a clock shows: year in two bytes, then month, day, hour, minute and second in
/// one each. None for any other size, or a date that does not exist.
pub fn utc(data: &[u8]) -> Option<Utc> {
    let &[century, year, month, day, hour, minute, second] = data else {
        return None;
    };
    Utc::from_civil(Civil {
        year: u16::from_be_bytes([century, year]).into(),
        month,
        day,
        hour,
        minute,
        second,
        nanosecond: 0,
    })
}

/// As [`utc`] reads it.
pub fn utc_bytes(utc: Utc) -> [u8; 7] {
    let c = utc.civil();
    let [century, year] = (c.year as u16).to_be_bytes();
    [century, year, c.month, c.day, c.hour, c.minute, c.second]
}

/// A set of numbers from 1, the last byte's lowest bit first; None for more than 8 bytes or none.
pub fn bits(data: &[u8]) -> Option<u64> {
    if data.is_empty() || data.len() > 8 {
        return None;
    }
    Some(data.iter().fold(0, |set, byte| set << 8 | u64::from(*byte)))
}

/// The numbers in a set, from the lowest.
pub fn members(set: u64) -> impl Iterator<Item = u8> {
    (1..=MOST).filter(move |number| set & bit(*number) != 0)
}

/// The set of one number from 1 to 64; empty for any other.
pub const fn bit(number: u8) -> u64 {
    if number >= 1 && number <= MOST {
        1 << (number - 1)
    } else {
        0
    }
}

/// What one entry of an array is about: arrays stand on the wire from their last entry to their first.
pub fn entry(data: &[u8], number: u8) -> Option<u8> {
    let from_the_end = usize::from(number);
    data.len()
        .checked_sub(from_the_end)
        .and_then(|at| data.get(at).copied())
}

/// The entries of a chain of single bytes, first to last, up to the first zero.
///
/// None where there are more than [`MAX_CHAIN`], or entries behind a zero.
pub fn chain(data: &[u8]) -> Option<ArrayVec<u8, MAX_CHAIN>> {
    entries(data.iter().rev().copied())
}

/// The entries of a chain of byte pairs, first to last, up to the first zero.
///
/// None for an odd size, and as [`chain`].
pub fn chain_of_pairs(data: &[u8]) -> Option<ArrayVec<u16, MAX_CHAIN>> {
    let (pairs, rest) = data.as_chunks();
    if !rest.is_empty() {
        return None;
    }
    entries(pairs.iter().rev().map(|pair| u16::from_be_bytes(*pair)))
}

fn entries<T: Copy + Default + PartialEq>(
    values: impl Iterator<Item = T>,
) -> Option<ArrayVec<T, MAX_CHAIN>> {
    let mut list = ArrayVec::new();
    let mut ended = false;
    for value in values {
        let is_none = value == T::default();
        if ended && !is_none {
            return None;
        }
        ended |= is_none;
        if !ended {
            list.try_push(value).ok()?;
        }
    }
    Some(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_light_has_a_code_that_means_it() {
        for code in 0..=255 {
            let shown = light(code);
            assert_eq!(light(lamp_code(shown)), shown);
        }
    }

    #[test]
    fn a_mode_survives_the_wire() {
        for code in [0x21, 0x22, 0x23, 0x24, 0x25, 0x31] {
            assert_eq!(control_mode_code(control_mode(code).unwrap()), code);
        }
        assert_eq!(control_mode(0), None);
        assert_eq!(control_mode(0x26), None);
    }

    #[test]
    fn a_clock_is_read_as_the_standard_has_it() {
        // 2021-09-10 09:42:27.
        let data = [0x07, 0xE5, 0x09, 0x0A, 0x09, 0x2A, 0x1B];
        let read = utc(&data).unwrap();
        assert_eq!(read.unix_ns(), 1_631_266_947_000_000_000);
        assert_eq!(utc_bytes(read), data);
        let wrong = |at: usize, byte: u8| {
            let mut data = data;
            data[at] = byte;
            utc(&data)
        };
        assert_eq!(
            (wrong(2, 0), wrong(2, 13), wrong(3, 31)),
            (None, None, None)
        );
        assert_eq!(
            (wrong(4, 24), wrong(5, 60), wrong(6, 60)),
            (None, None, None)
        );
        assert_eq!((utc(&data[..6]), utc(&[])), (None, None));
    }

    #[test]
    fn the_recorded_chains_are_read_from_their_end() {
        let mut stages = [0; 16];
        stages[12..].copy_from_slice(&[4, 3, 2, 1]);
        assert_eq!(chain(&stages).unwrap().as_slice(), [1, 2, 3, 4]);
        let mut times = [0; 32];
        times[24..].copy_from_slice(&[0, 31, 0, 29, 0, 31, 0, 29]);
        assert_eq!(chain_of_pairs(&times).unwrap().as_slice(), [29, 31, 29, 31]);
    }

    #[test]
    fn a_chain_with_a_hole_or_too_many_is_refused() {
        assert_eq!(chain(&[1, 0, 2]), None);
        assert_eq!(chain(&[1; 17]), None);
        assert_eq!(chain_of_pairs(&[0, 1, 2]), None);
        assert_eq!(chain(&[]).unwrap().len(), 0);
    }

    #[test]
    fn every_fault_has_a_word_of_its_own() {
        let mut kinds: Vec<&str> = (0..=255).map(fault).collect();
        assert!(kinds.iter().all(|kind| FAULT_KINDS.contains(kind)));
        assert_eq!(
            (fault(0x10), fault(0x70), fault(0x99)),
            ("green-conflict", "response", "other")
        );
        kinds.sort_unstable();
        kinds.dedup();
        assert_eq!(kinds.len(), FAULT_KINDS.len());
    }

    #[test]
    fn sets_and_arrays_count_from_one_at_the_end() {
        let set = bits(&[0, 0, 0, 0, 0, 0, 0xF2, 0xF0]).unwrap();
        let inside: Vec<u8> = members(set).collect();
        assert_eq!(inside, [5, 6, 7, 8, 10, 13, 14, 15, 16]);
        assert_eq!((bits(&[]), bits(&[0; 9])), (None, None));
        assert_eq!((bit(0), bit(65), bit(64)), (0, 0, 1 << 63));
        assert_eq!(
            (entry(&[3, 2, 1], 1), entry(&[3, 2, 1], 3)),
            (Some(1), Some(3))
        );
        assert_eq!((entry(&[3, 2, 1], 4), entry(&[3], 0)), (None, None));
    }

    #[test]
    fn numbers_are_read_by_their_size() {
        assert_eq!(number(&[0, 5]), Some(5));
        assert_eq!(number(&[0, 0, 0, 0x78]), Some(120));
        assert_eq!((number(&[]), number(&[0; 5])), (None, None));
        assert_eq!((byte(&[7]), byte(&[1, 0])), (Some(7), None));
    }
}
