//! What GA/T 1743-2020 objects say: lamp states, plan steps, how the controller runs.
//!
//! Codes and seconds stay as the wire has them; their meaning in a report is in [`light`],
//! [`colour`], [`control_mode`] and in the decoder.

use arrayvec::ArrayVec;

use crate::report::{ControlMode, Light, MAX_LAMPS, MAX_STEPS};

/// Object: is the controller in order. Layout after one public implementation; low confidence.
pub const RUN_STATE: u16 = 0x0101;
/// Object: how the controller is being run. Layout after one public implementation; low confidence.
pub const CONTROL_MODE: u16 = 0x0102;
/// Object: what each lamp group shows and for how long still.
pub const LAMP_STATE: u16 = 0x0103;
/// Object: the steps of each lamp group through the cycle that is running.
pub const CURRENT_PLAN: u16 = 0x0301;
/// Object: the same of the cycle that comes next. Never recorded; read as [`CURRENT_PLAN`].
pub const NEXT_PLAN: u16 = 0x0302;

/// Most approaches of one junction that are read.
pub const MAX_ENTRANCES: usize = 16;

/// Where the controller says that it stands. Unused but for emitting it again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// In 1e-7 degree.
    pub lon_e7: i32,
    /// In 1e-7 degree.
    pub lat_e7: i32,
    /// Zero in every frame seen; its unit is not published.
    pub altitude: i16,
}

/// One approach; its lamp groups are the next `groups` of the list beside it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Entrance {
    /// 0 north, 90 east, 180 south, 270 west.
    pub direction_deg: u16,
    /// How many lamp groups it has.
    pub groups: u8,
}

/// What one lamp group shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lamp {
    /// The controller's number of the lamp group.
    pub id: u8,
    /// 1 straight, 2 left, 3 right, 4 vehicle disc, 5 left non-motor, 6 right non-motor,
    /// 7 non-motor, 8 pedestrian, 9 U-turn, 10 lane, 11 crossing, 12 flashing warning,
    /// 13 to 15 tram straight, left, right.
    pub kind: u8,
    /// Two bits each of red, yellow, green from the lowest: 0 no such lamp, 1 off, 2 on, 3 flashing.
    pub colour: u8,
    /// Until the colour ends, flashing merged with steady; 0 is "not known".
    pub countdown_s: u8,
}

/// Object [`LAMP_STATE`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lamps {
    /// Where the controller stands.
    pub place: Place,
    /// Approaches, not sorted.
    pub entrances: ArrayVec<Entrance, MAX_ENTRANCES>,
    /// Lamp groups, entrance by entrance, not sorted.
    pub lamps: ArrayVec<Lamp, MAX_LAMPS>,
}

/// One step of a lamp group through the cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// As in [`Lamp::colour`].
    pub colour: u8,
    /// For how long.
    pub duration_s: u16,
}

/// The steps of one lamp group through the cycle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LampSteps {
    /// The controller's number of the lamp group.
    pub id: u8,
    /// As in [`Lamp::kind`].
    pub kind: u8,
    /// From the start of the cycle.
    pub steps: ArrayVec<Step, MAX_STEPS>,
}

/// Object [`CURRENT_PLAN`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Where the controller stands.
    pub place: Place,
    /// How many lamp groups the controller says there are; the list below is what counts.
    pub total_groups: u8,
    /// Approaches, not sorted.
    pub entrances: ArrayVec<Entrance, MAX_ENTRANCES>,
    /// Lamp groups, entrance by entrance, not sorted.
    pub lamps: ArrayVec<LampSteps, MAX_LAMPS>,
}

/// Content that does not fit its object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// Ends before all that it announces.
    Short,
    /// Goes on after all that it announces.
    Long,
    /// More approaches, lamp groups or steps than are read.
    TooMany,
}

impl Malformed {
    /// The word under which it is counted.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Short => "content-short",
            Self::Long => "content-long",
            Self::TooMany => "content-too-many",
        }
    }
}

impl Lamps {
    /// Reads the content of [`LAMP_STATE`] over whatever was here before.
    pub fn parse(&mut self, content: &[u8]) -> Result<(), Malformed> {
        self.entrances.clear();
        self.lamps.clear();
        let mut at = Cursor(content);
        self.place = at.place()?;
        for _ in 0..at.byte()? {
            let entrance = at.entrance()?;
            push(&mut self.entrances, entrance)?;
            for _ in 0..entrance.groups {
                let [id, kind, colour, countdown_s] = at.bytes()?;
                let lamp = Lamp {
                    id,
                    kind,
                    colour,
                    countdown_s,
                };
                push(&mut self.lamps, lamp)?;
            }
        }
        at.finish()
    }

    /// Appends the content.
    pub fn emit(&self, out: &mut Vec<u8>) {
        self.place.emit(out);
        out.push(self.entrances.len() as u8);
        let mut lamps = self.lamps.iter();
        for entrance in &self.entrances {
            entrance.emit(out);
            for lamp in lamps.by_ref().take(usize::from(entrance.groups)) {
                out.extend([lamp.id, lamp.kind, lamp.colour, lamp.countdown_s]);
            }
        }
    }
}

impl Plan {
    /// Reads the content of [`CURRENT_PLAN`] over whatever was here before.
    pub fn parse(&mut self, content: &[u8]) -> Result<(), Malformed> {
        self.entrances.clear();
        self.lamps.clear();
        let mut at = Cursor(content);
        self.place = at.place()?;
        self.total_groups = at.byte()?;
        for _ in 0..at.byte()? {
            let entrance = at.entrance()?;
            push(&mut self.entrances, entrance)?;
            for _ in 0..entrance.groups {
                push(&mut self.lamps, at.lamp_steps()?)?;
            }
        }
        at.finish()
    }

    /// Appends the content.
    pub fn emit(&self, out: &mut Vec<u8>) {
        self.place.emit(out);
        out.extend([self.total_groups, self.entrances.len() as u8]);
        let mut lamps = self.lamps.iter();
        for entrance in &self.entrances {
            entrance.emit(out);
            for lamp in lamps.by_ref().take(usize::from(entrance.groups)) {
                out.extend([lamp.id, lamp.kind, lamp.steps.len() as u8]);
                for step in &lamp.steps {
                    out.push(step.colour);
                    out.extend(step.duration_s.to_le_bytes());
                }
            }
        }
    }
}

impl Place {
    const SIZE: usize = 10;

    /// Appends it.
    pub fn emit(&self, out: &mut Vec<u8>) {
        out.extend(self.lon_e7.to_le_bytes());
        out.extend(self.lat_e7.to_le_bytes());
        out.extend(self.altitude.to_le_bytes());
    }
}

impl Entrance {
    fn emit(self, out: &mut Vec<u8>) {
        out.extend(self.direction_deg.to_le_bytes());
        out.push(self.groups);
    }
}

/// The one byte that [`RUN_STATE`] and [`CONTROL_MODE`] carry, after the place where there is one.
///
/// Both objects are known from one public implementation only, so a content of the bare byte and
/// bytes after it are taken as well.
pub fn code(content: &[u8]) -> Result<u8, Malformed> {
    match content {
        [code] => Ok(*code),
        _ => content.get(Place::SIZE).copied().ok_or(Malformed::Short),
    }
}

/// What a colour byte shows; [`Light::Unknown`] for a pattern that no signal shows.
///
/// For tram signals (kinds 13 to 15) the three fields mean stop, transition and go; they are read
/// the same way.
pub fn light(colour: u8) -> Light {
    const ABSENT: u8 = 0;
    const OFF: u8 = 1;
    const ON: u8 = 2;
    const FLASHING: u8 = 3;
    // A head without a yellow lamp has it always dark; a head without any lamp says nothing.
    let field = |shift: u8| (colour >> shift & 0b11).max(OFF);
    if colour >> 6 != 0 || colour == ABSENT {
        return Light::Unknown;
    }
    match (field(0), field(2), field(4)) {
        (OFF, OFF, OFF) => Light::Dark,
        (ON, OFF, OFF) => Light::Red,
        (FLASHING, OFF, OFF) => Light::FlashingRed,
        (ON, ON, OFF) => Light::RedYellow,
        (OFF, ON, OFF) => Light::Yellow,
        (OFF, FLASHING, OFF) => Light::FlashingYellow,
        (OFF, OFF, ON) => Light::Green,
        (OFF, OFF, FLASHING) => Light::FlashingGreen,
        _ => Light::Unknown,
    }
}

/// The colour byte of a three-lamp head that shows this.
pub fn colour(light: Light) -> u8 {
    match light {
        Light::Unknown => 0x00,
        Light::Dark => 0x15,
        Light::Red => 0x16,
        Light::FlashingRed => 0x17,
        Light::RedYellow => 0x1A,
        Light::Yellow => 0x19,
        Light::FlashingYellow => 0x1D,
        Light::Green => 0x25,
        Light::FlashingGreen => 0x35,
    }
}

/// What a byte of [`CONTROL_MODE`] means; None for a code that has no meaning.
pub fn control_mode(code: u8) -> Option<ControlMode> {
    Some(match code {
        1 => ControlMode::Flash,
        2 => ControlMode::FixedTime,
        3 => ControlMode::Manual,
        4 => ControlMode::Actuated,
        5 => ControlMode::Coordinated,
        6 => ControlMode::Adaptive,
        7 => ControlMode::BusPriority,
        8 => ControlMode::Emergency,
        9 => ControlMode::Other,
        _ => return None,
    })
}

/// The byte of [`CONTROL_MODE`] for this; a fault is said by [`RUN_STATE`], here it is "other".
pub fn control_mode_code(mode: ControlMode) -> u8 {
    match mode {
        ControlMode::Flash => 1,
        ControlMode::FixedTime => 2,
        ControlMode::Manual => 3,
        ControlMode::Actuated => 4,
        ControlMode::Coordinated => 5,
        ControlMode::Adaptive => 6,
        ControlMode::BusPriority => 7,
        ControlMode::Emergency => 8,
        ControlMode::Fault
        | ControlMode::FaultFlash
        | ControlMode::AllRed
        | ControlMode::Stopped
        | ControlMode::Off
        | ControlMode::Unknown
        | ControlMode::Other => 9,
    }
}

fn push<T, const N: usize>(list: &mut ArrayVec<T, N>, item: T) -> Result<(), Malformed> {
    list.try_push(item).map_err(|_| Malformed::TooMany)
}

/// What is still unread.
struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (head, rest) = self.0.split_first_chunk().ok_or(Malformed::Short)?;
        self.0 = rest;
        Ok(*head)
    }

    fn byte(&mut self) -> Result<u8, Malformed> {
        self.bytes::<1>().map(|[byte]| byte)
    }

    fn place(&mut self) -> Result<Place, Malformed> {
        Ok(Place {
            lon_e7: i32::from_le_bytes(self.bytes()?),
            lat_e7: i32::from_le_bytes(self.bytes()?),
            altitude: i16::from_le_bytes(self.bytes()?),
        })
    }

    fn entrance(&mut self) -> Result<Entrance, Malformed> {
        Ok(Entrance {
            direction_deg: u16::from_le_bytes(self.bytes()?),
            groups: self.byte()?,
        })
    }

    fn lamp_steps(&mut self) -> Result<LampSteps, Malformed> {
        let [id, kind, count] = self.bytes()?;
        let mut steps = ArrayVec::new();
        for _ in 0..count {
            let step = Step {
                colour: self.byte()?,
                duration_s: u16::from_le_bytes(self.bytes()?),
            };
            push(&mut steps, step)?;
        }
        Ok(LampSteps { id, kind, steps })
    }

    fn finish(self) -> Result<(), Malformed> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Malformed::Long)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIGHTS: [Light; 9] = [
        Light::Unknown,
        Light::Dark,
        Light::Red,
        Light::FlashingRed,
        Light::RedYellow,
        Light::Green,
        Light::FlashingGreen,
        Light::Yellow,
        Light::FlashingYellow,
    ];

    #[test]
    fn every_light_has_a_colour_byte_that_means_it() {
        for shown in LIGHTS {
            assert_eq!(light(colour(shown)), shown);
        }
    }

    #[test]
    fn a_pedestrian_head_without_yellow_is_read() {
        assert_eq!(light(0b10_00_01), Light::Green);
        assert_eq!(light(0b01_00_10), Light::Red);
    }

    #[test]
    fn lamps_that_no_signal_lights_together_are_unknown() {
        for colour in [
            0b10_01_10,
            0b10_10_10,
            0b11_10_01,
            0b01_11_11,
            0b0101_0110,
            0xFF,
        ] {
            assert_eq!(light(colour), Light::Unknown, "{colour:#010b}");
        }
    }

    #[test]
    fn a_mode_survives_the_wire() {
        for code in 1..=9 {
            assert_eq!(control_mode_code(control_mode(code).unwrap()), code);
        }
        assert_eq!(control_mode(0), None);
        assert_eq!(control_mode(10), None);
    }

    #[test]
    fn a_seventeenth_step_is_refused() {
        let mut content = Vec::new();
        Place::default().emit(&mut content);
        content.extend([1, 1, 0, 0, 1, 7, 1, 17]);
        content.extend([0x16, 5, 0].repeat(17));
        assert_eq!(Plan::default().parse(&content), Err(Malformed::TooMany));
    }

    /// Entrances that hold all of the lamps between them.
    fn entrances(lamps: usize, cuts: &[(u16, u8)]) -> ArrayVec<Entrance, MAX_ENTRANCES> {
        let mut left = lamps;
        let mut list: ArrayVec<_, MAX_ENTRANCES> = cuts
            .iter()
            .map(|&(direction_deg, groups)| {
                let groups = groups.min(left as u8);
                left -= usize::from(groups);
                Entrance {
                    direction_deg,
                    groups,
                }
            })
            .collect();
        list.push(Entrance {
            direction_deg: 0,
            groups: left as u8,
        });
        list
    }

    prop_compose! {
        fn places()(lon_e7: i32, lat_e7: i32, altitude: i16) -> Place {
            Place { lon_e7, lat_e7, altitude }
        }
    }

    proptest! {
        #[test]
        fn emitted_lamps_are_parsed_again(
            place in places(),
            lamps in proptest::collection::vec(any::<[u8; 4]>(), 0..=MAX_LAMPS),
            cuts in proptest::collection::vec(any::<(u16, u8)>(), 0..MAX_ENTRANCES),
        ) {
            let said = Lamps {
                place,
                entrances: entrances(lamps.len(), &cuts),
                lamps: lamps.iter().map(|&[id, kind, colour, countdown_s]| Lamp { id, kind, colour, countdown_s }).collect(),
            };
            let mut content = Vec::new();
            said.emit(&mut content);
            let mut heard = Lamps::default();
            prop_assert_eq!(heard.parse(&content), Ok(()));
            prop_assert_eq!(&heard, &said);
            content.push(0);
            prop_assert_eq!(heard.parse(&content), Err(Malformed::Long));
        }

        #[test]
        fn an_emitted_plan_is_parsed_again(
            place in places(), total_groups: u8,
            lamps in proptest::collection::vec(
                (any::<(u8, u8)>(), proptest::collection::vec(any::<(u8, u16)>(), 0..=MAX_STEPS)),
                0..=MAX_LAMPS,
            ),
            cuts in proptest::collection::vec(any::<(u16, u8)>(), 0..MAX_ENTRANCES),
        ) {
            let said = Plan {
                place,
                total_groups,
                entrances: entrances(lamps.len(), &cuts),
                lamps: lamps.iter().map(|((id, kind), steps)| LampSteps {
                    id: *id,
                    kind: *kind,
                    steps: steps.iter().map(|&(colour, duration_s)| Step { colour, duration_s }).collect(),
                }).collect(),
            };
            let mut content = Vec::new();
            said.emit(&mut content);
            let mut heard = Plan::default();
            prop_assert_eq!(heard.parse(&content), Ok(()));
            prop_assert_eq!(&heard, &said);
            for size in (0..content.len()).step_by(97) {
                prop_assert_eq!(heard.parse(&content[..size]), Err(Malformed::Short));
            }
        }

        #[test]
        fn any_content_is_parsed_or_refused(content in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = Lamps::default().parse(&content);
            let _ = Plan::default().parse(&content);
            let _ = code(&content);
        }
    }
}
