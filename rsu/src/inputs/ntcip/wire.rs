//! TSCBM, the traffic signal controller broadcast message: layout, parse, emit. Stateless.
//!
//! Big-endian, after USDOT V2X-Hub and CARMA Streets, held against nine published datagrams:
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 1 | 0xCD |
//! | 1 | 1 | number of phases, always 16 |
//! | 2 | 16 x 13 | phase number; least and most time to change of the vehicle, pedestrian and overlap lamps, 0.1 s |
//! | 210 | 11 x 2 | bit sets, bit 0 = phase 1: see [`Groups`] |
//! | 232 | 1 | intersection status |
//! | 233 | 1 | time base action |
//! | 234 | 1 | bits 7..3 version, 1 or 2; bits 2..0 set where time was discontinuous |
//! | 235 | 1 | counter |
//! | 236 | 3 | second of the day |
//! | 239 | 2 | millisecond |
//! | 241 | 2 x 2 | version 2 only: pedestrian calls, pedestrian detections |

use core::ops::Range;

/// Phases in a datagram.
pub const PHASES: usize = 16;
/// Length of version 1.
pub const LENGTH_V1: usize = 241;
/// Length of version 2.
pub const LENGTH_V2: usize = 245;

const MARK: u8 = 0xCD;
const TIMES: usize = 2;
const TIME_SIZE: usize = 13;
const GROUPS: usize = TIMES + PHASES * TIME_SIZE;
const GROUP_COUNT: usize = 11;
const STATUS: usize = GROUPS + 2 * GROUP_COUNT;
const ACTION: usize = STATUS + 1;
const FLAGS: usize = ACTION + 1;
const COUNTER: usize = FLAGS + 1;
const SECOND: Range<usize> = COUNTER + 1..COUNTER + 4;
const MILLISECOND: usize = SECOND.end;
const _: () = assert!(MILLISECOND + 2 == LENGTH_V1);

/// Bytes that are no TSCBM, by kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// Not the length of version 1 or 2.
    Length,
    /// The first byte is not 0xCD.
    Mark,
    /// Not 16 phases.
    PhaseCount,
}

impl Malformed {
    /// The word under which it is counted.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Length => "tscbm-length",
            Self::Mark => "tscbm-mark",
            Self::PhaseCount => "tscbm-phase-count",
        }
    }
}

/// Least and most time until a change, in 0.1 s; 0xFFFF is "not known".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// Not before.
    pub min_ds: u16,
    /// Not after.
    pub max_ds: u16,
}

/// The times of one phase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PhaseTimes {
    /// Its number, 1 to 16.
    pub phase: u8,
    /// Of the vehicle lamps.
    pub vehicle: Span,
    /// Of the pedestrian lamps.
    pub pedestrian: Span,
    /// Of the overlap of the same number.
    pub overlap: Span,
}

/// What is lit; bit 0 is phase or overlap 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Groups {
    /// Vehicle red.
    pub reds: u16,
    /// Vehicle yellow.
    pub yellows: u16,
    /// Vehicle green.
    pub greens: u16,
    /// Pedestrian "don't walk".
    pub dont_walks: u16,
    /// Pedestrian clearance, flashing "don't walk".
    pub ped_clears: u16,
    /// Pedestrian "walk".
    pub walks: u16,
    /// Overlap red.
    pub overlap_reds: u16,
    /// Overlap yellow.
    pub overlap_yellows: u16,
    /// Overlap green.
    pub overlap_greens: u16,
    /// Vehicle lamps that flash.
    pub flashing: u16,
    /// Overlap lamps that flash.
    pub overlap_flashing: u16,
}

impl Groups {
    fn from_array(a: [u16; GROUP_COUNT]) -> Self {
        let [
            reds,
            yellows,
            greens,
            dont_walks,
            ped_clears,
            walks,
            overlap_reds,
            overlap_yellows,
            overlap_greens,
            flashing,
            overlap_flashing,
        ] = a;
        Self {
            reds,
            yellows,
            greens,
            dont_walks,
            ped_clears,
            walks,
            overlap_reds,
            overlap_yellows,
            overlap_greens,
            flashing,
            overlap_flashing,
        }
    }

    fn array(&self) -> [u16; GROUP_COUNT] {
        [
            self.reds,
            self.yellows,
            self.greens,
            self.dont_walks,
            self.ped_clears,
            self.walks,
            self.overlap_reds,
            self.overlap_yellows,
            self.overlap_greens,
            self.flashing,
            self.overlap_flashing,
        ]
    }
}

/// Pedestrian demand, version 2; bit 0 is phase 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Demand {
    /// Calls that wait.
    pub calls: u16,
    /// Detectors that see somebody.
    pub detections: u16,
}

/// One datagram.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tscbm {
    /// In the datagram's order.
    pub times: [PhaseTimes; PHASES],
    /// What is lit.
    pub groups: Groups,
    /// Intersection status as sent. Public implementations number its bits from opposite ends.
    pub status: u8,
    /// Time base action as sent.
    pub action: u8,
    /// Version and discontinuity as sent.
    pub flags: u8,
    /// Counts datagrams, modulo 256.
    pub counter: u8,
    /// By the controller's clock, 24 bits; whether local or UTC is not said.
    pub second_of_day: u32,
    /// Within that second.
    pub millisecond: u16,
    /// Present in version 2.
    pub demand: Option<Demand>,
}

impl Tscbm {
    /// As the flags say it.
    pub fn version(&self) -> u8 {
        self.flags >> 3
    }
}

/// Reads one datagram.
///
/// # Errors
/// Where it is none; see [`Malformed`].
pub fn parse(bytes: &[u8]) -> Result<Tscbm, Malformed> {
    if bytes.first() != Some(&MARK) {
        return Err(Malformed::Mark);
    }
    if bytes.len() != LENGTH_V1 && bytes.len() != LENGTH_V2 {
        return Err(Malformed::Length);
    }
    if usize::from(bytes[1]) != PHASES {
        return Err(Malformed::PhaseCount);
    }
    let word = |at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
    let span = |at: usize| Span {
        min_ds: word(at),
        max_ds: word(at + 2),
    };
    let times = core::array::from_fn(|n| {
        let at = TIMES + n * TIME_SIZE;
        PhaseTimes {
            phase: bytes[at],
            vehicle: span(at + 1),
            pedestrian: span(at + 5),
            overlap: span(at + 9),
        }
    });
    let [a, b, c] = [
        bytes[SECOND.start],
        bytes[SECOND.start + 1],
        bytes[SECOND.start + 2],
    ];
    Ok(Tscbm {
        times,
        groups: Groups::from_array(core::array::from_fn(|n| word(GROUPS + 2 * n))),
        status: bytes[STATUS],
        action: bytes[ACTION],
        flags: bytes[FLAGS],
        counter: bytes[COUNTER],
        second_of_day: u32::from_be_bytes([0, a, b, c]),
        millisecond: word(MILLISECOND),
        demand: (bytes.len() == LENGTH_V2).then(|| Demand {
            calls: word(LENGTH_V1),
            detections: word(LENGTH_V1 + 2),
        }),
    })
}

/// Appends one datagram: what [`parse`] read, byte for byte. Of the second, 24 bits are sent.
pub fn emit(said: &Tscbm, out: &mut Vec<u8>) {
    out.extend([MARK, PHASES as u8]);
    for times in &said.times {
        out.push(times.phase);
        for span in [times.vehicle, times.pedestrian, times.overlap] {
            out.extend(span.min_ds.to_be_bytes());
            out.extend(span.max_ds.to_be_bytes());
        }
    }
    for group in said.groups.array() {
        out.extend(group.to_be_bytes());
    }
    out.extend([said.status, said.action, said.flags, said.counter]);
    out.extend(&said.second_of_day.to_be_bytes()[1..]);
    out.extend(said.millisecond.to_be_bytes());
    if let Some(demand) = said.demand {
        out.extend(demand.calls.to_be_bytes());
        out.extend(demand.detections.to_be_bytes());
    }
}
