//! The CAN messages of an ARS408-21 or ARS404-21: layout, codes, scales.
//!
//! Identifiers are a base plus 0x10 for each sensor number. Signals are unsigned and most significant
//! bit first. Positions and speeds are in the sensor's axes: long is forward, lat is to the left.

pub use super::classes::{Rms, existence, existence_class};
use super::signal::{Quantity, Signal};
use crate::inputs::can::CanFrame;

/// Largest sensor number.
pub const MAX_SENSOR: u8 = 7;

const STATE: u32 = 0x201;
const SPEED: u32 = 0x300;
const YAW_RATE: u32 = 0x301;
const STATUS: u32 = 0x60A;
const GENERAL: u32 = 0x60B;
const QUALITY: u32 = 0x60C;
const EXTENDED: u32 = 0x60D;
const SENSOR_STEP: u32 = 0x10;
const SENSOR_DIGIT: u32 = 0x0F0;

mod status {
    use super::Signal;
    pub(super) const OBJECTS: Signal = Signal::new(7, 8);
    pub(super) const COUNTER: Signal = Signal::new(15, 16);
    pub(super) const INTERFACE: Signal = Signal::new(31, 4);
    pub(super) const SIZE: usize = 4;
}

mod state {
    use super::{Quantity, Signal};
    pub(super) const MAX_DISTANCE_M: Quantity = Quantity::new(Signal::new(15, 10), 2.0, 0.0);
    pub(super) const PERSISTENT_ERROR: Signal = Signal::new(21, 1);
    pub(super) const INTERFERENCE: Signal = Signal::new(20, 1);
    pub(super) const TEMPERATURE_ERROR: Signal = Signal::new(19, 1);
    pub(super) const TEMPORARY_ERROR: Signal = Signal::new(18, 1);
    pub(super) const VOLTAGE_ERROR: Signal = Signal::new(17, 1);
    pub(super) const SENSOR: Signal = Signal::new(34, 3);
    pub(super) const MOTION_INPUT: Signal = Signal::new(47, 2);
    pub(super) const SIZE: usize = 8;
}

mod general {
    use super::{Quantity, Signal};
    pub(super) const ID: Signal = Signal::new(7, 8);
    pub(super) const DIST_LONG_M: Quantity = Quantity::new(Signal::new(15, 13), 0.2, -500.0);
    pub(super) const DIST_LAT_M: Quantity = Quantity::new(Signal::new(18, 11), 0.2, -204.6);
    pub(super) const VREL_LONG_MPS: Quantity = Quantity::new(Signal::new(39, 10), 0.25, -128.0);
    pub(super) const VREL_LAT_MPS: Quantity = Quantity::new(Signal::new(45, 9), 0.25, -64.0);
    pub(super) const MOTION: Signal = Signal::new(50, 3);
    /// Of the MR76 alone; spare in an ARS408.
    pub(super) const KIND: Signal = Signal::new(52, 2);
    pub(super) const RCS_DBM2: Quantity = Quantity::new(Signal::new(63, 8), 0.5, -64.0);
    pub(super) const SIZE: usize = 8;
}

mod quality {
    use super::Signal;
    pub(super) const ID: Signal = Signal::new(7, 8);
    pub(super) const DIST_LONG_RMS: Signal = Signal::new(15, 5);
    pub(super) const DIST_LAT_RMS: Signal = Signal::new(10, 5);
    pub(super) const VREL_LONG_RMS: Signal = Signal::new(21, 5);
    pub(super) const VREL_LAT_RMS: Signal = Signal::new(16, 5);
    pub(super) const AREL_LONG_RMS: Signal = Signal::new(27, 5);
    pub(super) const AREL_LAT_RMS: Signal = Signal::new(38, 5);
    pub(super) const ORIENTATION_RMS: Signal = Signal::new(33, 5);
    pub(super) const EXISTENCE: Signal = Signal::new(55, 3);
    pub(super) const MEASUREMENT: Signal = Signal::new(52, 3);
    pub(super) const SIZE: usize = 7;
}

mod extended {
    use super::{Quantity, Signal};
    pub(super) const ID: Signal = Signal::new(7, 8);
    pub(super) const AREL_LONG_MPS2: Quantity = Quantity::new(Signal::new(15, 11), 0.01, -10.0);
    pub(super) const AREL_LAT_MPS2: Quantity = Quantity::new(Signal::new(20, 9), 0.01, -2.5);
    pub(super) const CLASS: Signal = Signal::new(26, 3);
    pub(super) const ORIENTATION_DEG: Quantity = Quantity::new(Signal::new(39, 10), 0.4, -180.0);
    pub(super) const LENGTH_M: Quantity = Quantity::new(Signal::new(55, 8), 0.2, 0.0);
    pub(super) const WIDTH_M: Quantity = Quantity::new(Signal::new(63, 8), 0.2, 0.0);
    pub(super) const SIZE: usize = 8;
}

/// One message that the radar sends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Message {
    /// 201: how the radar is; once a second.
    State(State),
    /// 60A: a measurement cycle starts.
    Status(Status),
    /// 60B: where one object is.
    General(General),
    /// 60C: how sure the radar is of it.
    Quality(Quality),
    /// 60D: what it is.
    Extended(Extended),
}

/// 201: how the radar is. Only what an operator wants to know is read, so it is not emitted whole.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct State {
    /// Range that is set.
    pub max_distance_m: f64,
    /// The sensor number that it has.
    pub sensor: u8,
    /// An error that a restart will not clear.
    pub persistent_error: bool,
    /// Another radar disturbs it.
    pub interference: bool,
    /// Too hot or too cold.
    pub temperature_error: bool,
    /// An error that a restart may clear.
    pub temporary_error: bool,
    /// Supply voltage out of range.
    pub voltage_error: bool,
    /// 0 it is told its own motion, 1 no speed, 2 no yaw rate, 3 neither.
    pub motion_input: u8,
}

/// 60A: a measurement cycle starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// How many objects follow.
    pub objects: u8,
    /// Counts measurements; steps by 2 in the recording.
    pub counter: u16,
    /// 1 in the recording.
    pub interface: u8,
}

/// 60B: where one object is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct General {
    /// Of the object; used again once the object is gone.
    pub id: u8,
    /// Forward, -500 to 1138.2.
    pub dist_long_m: f64,
    /// To the left, -204.6 to 204.8.
    pub dist_lat_m: f64,
    /// Forward, relative to the sensor, -128 to 127.75.
    pub vrel_long_mps: f64,
    /// To the left, relative to the sensor, -64 to 63.75.
    pub vrel_lat_mps: f64,
    /// 0 moving, 1 stationary, 2 oncoming, 3 perhaps stationary, 4 unknown, 5 crossing stationary,
    /// 6 crossing moving, 7 stopped.
    pub motion: u8,
    /// What an MR76 takes it for: 0 a point, 1 a vehicle; 0 of an ARS408, which has 60D for that.
    pub kind: u8,
    /// Radar cross-section, -64 to 63.5.
    pub rcs_dbm2: f64,
}

/// 60C: how sure the radar is of one object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quality {
    /// Of the object.
    pub id: u8,
    /// Of the distance forward.
    pub dist_long_rms: Rms,
    /// Of the distance to the left.
    pub dist_lat_rms: Rms,
    /// Of the speed forward.
    pub vrel_long_rms: Rms,
    /// Of the speed to the left.
    pub vrel_lat_rms: Rms,
    /// Of the acceleration forward.
    pub arel_long_rms: Rms,
    /// Of the acceleration to the left.
    pub arel_lat_rms: Rms,
    /// Of the orientation.
    pub orientation_rms: Rms,
    /// Probability that the object exists: 0 invalid, 1 to 7 in rising classes; [`existence`].
    pub existence: u8,
    /// How the object came about in this cycle.
    pub measurement: Measurement,
}

/// 60D: what one object is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Extended {
    /// Of the object.
    pub id: u8,
    /// Forward, -10 to 10.47.
    pub arel_long_mps2: f64,
    /// To the left, -2.5 to 2.61.
    pub arel_lat_mps2: f64,
    /// 0 point, 1 car, 2 truck, 3 pedestrian, 4 motorcycle, 5 bicycle, 6 wide, 7 reserved.
    pub class: u8,
    /// Of its length, counter-clockwise from forward, -180 to 180.
    pub orientation_deg: f64,
    /// 0 to 51.
    pub length_m: f64,
    /// 0 to 51.
    pub width_m: f64,
}

/// How an object came about in one cycle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Measurement {
    /// It is gone; sent once more to say so.
    #[default]
    Deleted = 0,
    /// First seen in this cycle.
    New = 1,
    /// Seen again.
    Measured = 2,
    /// Not seen; where it should be.
    Predicted = 3,
    /// Gone into another.
    DeletedByMerge = 4,
    /// Made of others.
    NewByMerge = 5,
    /// Codes without a meaning.
    Reserved6 = 6,
    /// Codes without a meaning.
    Reserved7 = 7,
}

impl Measurement {
    fn from_code(code: u16) -> Self {
        match code {
            0 => Self::Deleted,
            1 => Self::New,
            2 => Self::Measured,
            3 => Self::Predicted,
            4 => Self::DeletedByMerge,
            5 => Self::NewByMerge,
            6 => Self::Reserved6,
            _ => Self::Reserved7,
        }
    }
}

/// A CAN frame that is not one of the messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotUsed {
    /// One of ours, but without all its data.
    Short,
    /// Of another sensor number.
    OtherSensor,
    /// Not a message that is read here; clusters, warnings, version, or another device.
    OtherId,
}

/// Reads one CAN frame of the sensor with this number.
pub fn parse(frame: &CanFrame, sensor: u8) -> Result<Message, NotUsed> {
    if frame.is_extended() || frame.is_remote() {
        return Err(NotUsed::OtherId);
    }
    let base = frame.id() & !SENSOR_DIGIT;
    let size = match base {
        STATE => state::SIZE,
        STATUS => status::SIZE,
        GENERAL => general::SIZE,
        QUALITY => quality::SIZE,
        EXTENDED => extended::SIZE,
        _ => return Err(NotUsed::OtherId),
    };
    match (frame.id() & SENSOR_DIGIT) / SENSOR_STEP {
        number if number == u32::from(sensor) => {}
        number if number <= u32::from(MAX_SENSOR) => return Err(NotUsed::OtherSensor),
        _ => return Err(NotUsed::OtherId),
    }
    if frame.data().len() < size {
        return Err(NotUsed::Short);
    }
    let mut bytes = [0; 8];
    bytes[..frame.data().len()].copy_from_slice(frame.data());
    let word = u64::from_be_bytes(bytes);
    Ok(match base {
        STATE => Message::State(State::read(word)),
        STATUS => Message::Status(Status::read(word)),
        GENERAL => Message::General(General::read(word)),
        QUALITY => Message::Quality(Quality::read(word)),
        _ => Message::Extended(Extended::read(word)),
    })
}

/// The CAN frame of a message; sensor numbers above [`MAX_SENSOR`] count as that.
pub fn emit(message: &Message, sensor: u8) -> CanFrame {
    let mut word = 0;
    let (base, size) = match message {
        Message::State(state) => (STATE, state.write(&mut word)),
        Message::Status(status) => (STATUS, status.write(&mut word)),
        Message::General(general) => (GENERAL, general.write(&mut word)),
        Message::Quality(quality) => (QUALITY, quality.write(&mut word)),
        Message::Extended(extended) => (EXTENDED, extended.write(&mut word)),
    };
    with_word(base, sensor, word, size)
}

/// What a sensor must be sent to know that it does not move: speed 0 "standstill" and yaw rate 0.
pub fn standstill(sensor: u8) -> [CanFrame; 2] {
    // Yaw rate = number * 0.01 - 327.68 degree a second; speed and its direction are all zeros.
    const NO_YAW_RATE: u64 = 0x8000 << 48;
    [
        with_word(SPEED, sensor, 0, 2),
        with_word(YAW_RATE, sensor, NO_YAW_RATE, 2),
    ]
}

fn with_word(base: u32, sensor: u8, word: u64, size: usize) -> CanFrame {
    let id = base + SENSOR_STEP * u32::from(sensor.min(MAX_SENSOR));
    CanFrame::standard(id, &word.to_be_bytes()[..size])
        .expect("base plus sensor number stays below 0x700, and no message is longer than 8 bytes")
}

impl State {
    fn read(word: u64) -> Self {
        let bit = |signal: Signal| signal.read(word) != 0;
        Self {
            max_distance_m: state::MAX_DISTANCE_M.read(word),
            sensor: state::SENSOR.read(word) as u8,
            persistent_error: bit(state::PERSISTENT_ERROR),
            interference: bit(state::INTERFERENCE),
            temperature_error: bit(state::TEMPERATURE_ERROR),
            temporary_error: bit(state::TEMPORARY_ERROR),
            voltage_error: bit(state::VOLTAGE_ERROR),
            motion_input: state::MOTION_INPUT.read(word) as u8,
        }
    }

    fn write(&self, word: &mut u64) -> usize {
        state::MAX_DISTANCE_M.write(word, self.max_distance_m);
        for (signal, value) in [
            (state::SENSOR, u16::from(self.sensor)),
            (state::PERSISTENT_ERROR, self.persistent_error.into()),
            (state::INTERFERENCE, self.interference.into()),
            (state::TEMPERATURE_ERROR, self.temperature_error.into()),
            (state::TEMPORARY_ERROR, self.temporary_error.into()),
            (state::VOLTAGE_ERROR, self.voltage_error.into()),
            (state::MOTION_INPUT, u16::from(self.motion_input)),
        ] {
            signal.write(word, value);
        }
        state::SIZE
    }
}

impl Status {
    fn read(word: u64) -> Self {
        Self {
            objects: status::OBJECTS.read(word) as u8,
            counter: status::COUNTER.read(word),
            interface: status::INTERFACE.read(word) as u8,
        }
    }

    fn write(&self, word: &mut u64) -> usize {
        status::OBJECTS.write(word, u16::from(self.objects));
        status::COUNTER.write(word, self.counter);
        status::INTERFACE.write(word, u16::from(self.interface));
        status::SIZE
    }
}

impl General {
    fn read(word: u64) -> Self {
        Self {
            id: general::ID.read(word) as u8,
            dist_long_m: general::DIST_LONG_M.read(word),
            dist_lat_m: general::DIST_LAT_M.read(word),
            vrel_long_mps: general::VREL_LONG_MPS.read(word),
            vrel_lat_mps: general::VREL_LAT_MPS.read(word),
            motion: general::MOTION.read(word) as u8,
            kind: general::KIND.read(word) as u8,
            rcs_dbm2: general::RCS_DBM2.read(word),
        }
    }

    fn write(&self, word: &mut u64) -> usize {
        general::ID.write(word, u16::from(self.id));
        general::DIST_LONG_M.write(word, self.dist_long_m);
        general::DIST_LAT_M.write(word, self.dist_lat_m);
        general::VREL_LONG_MPS.write(word, self.vrel_long_mps);
        general::VREL_LAT_MPS.write(word, self.vrel_lat_mps);
        general::MOTION.write(word, u16::from(self.motion));
        general::KIND.write(word, u16::from(self.kind));
        general::RCS_DBM2.write(word, self.rcs_dbm2);
        general::SIZE
    }
}

impl Quality {
    fn read(word: u64) -> Self {
        Self {
            id: quality::ID.read(word) as u8,
            dist_long_rms: Rms::from_class(quality::DIST_LONG_RMS.read(word)),
            dist_lat_rms: Rms::from_class(quality::DIST_LAT_RMS.read(word)),
            vrel_long_rms: Rms::from_class(quality::VREL_LONG_RMS.read(word)),
            vrel_lat_rms: Rms::from_class(quality::VREL_LAT_RMS.read(word)),
            arel_long_rms: Rms::from_class(quality::AREL_LONG_RMS.read(word)),
            arel_lat_rms: Rms::from_class(quality::AREL_LAT_RMS.read(word)),
            orientation_rms: Rms::from_class(quality::ORIENTATION_RMS.read(word)),
            existence: quality::EXISTENCE.read(word) as u8,
            measurement: Measurement::from_code(quality::MEASUREMENT.read(word)),
        }
    }

    fn write(&self, word: &mut u64) -> usize {
        for (signal, value) in [
            (quality::ID, self.id),
            (quality::DIST_LONG_RMS, self.dist_long_rms.class()),
            (quality::DIST_LAT_RMS, self.dist_lat_rms.class()),
            (quality::VREL_LONG_RMS, self.vrel_long_rms.class()),
            (quality::VREL_LAT_RMS, self.vrel_lat_rms.class()),
            (quality::AREL_LONG_RMS, self.arel_long_rms.class()),
            (quality::AREL_LAT_RMS, self.arel_lat_rms.class()),
            (quality::ORIENTATION_RMS, self.orientation_rms.class()),
            (quality::EXISTENCE, self.existence),
            (quality::MEASUREMENT, self.measurement as u8),
        ] {
            signal.write(word, u16::from(value));
        }
        quality::SIZE
    }
}

impl Extended {
    fn read(word: u64) -> Self {
        Self {
            id: extended::ID.read(word) as u8,
            arel_long_mps2: extended::AREL_LONG_MPS2.read(word),
            arel_lat_mps2: extended::AREL_LAT_MPS2.read(word),
            class: extended::CLASS.read(word) as u8,
            orientation_deg: extended::ORIENTATION_DEG.read(word),
            length_m: extended::LENGTH_M.read(word),
            width_m: extended::WIDTH_M.read(word),
        }
    }

    fn write(&self, word: &mut u64) -> usize {
        extended::ID.write(word, u16::from(self.id));
        extended::AREL_LONG_MPS2.write(word, self.arel_long_mps2);
        extended::AREL_LAT_MPS2.write(word, self.arel_lat_mps2);
        extended::CLASS.write(word, u16::from(self.class));
        extended::ORIENTATION_DEG.write(word, self.orientation_deg);
        extended::LENGTH_M.write(word, self.length_m);
        extended::WIDTH_M.write(word, self.width_m);
        extended::SIZE
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frame(id: u32, hex: &str) -> CanFrame {
        let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        let data: Vec<u8> = (0..hex.len()).step_by(2).map(byte).collect();
        CanFrame::standard(id, &data).unwrap()
    }

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }

    #[test]
    fn the_published_vector_is_a_stationary_object_at_11_4_m() {
        let Ok(Message::General(object)) = parse(&frame(0x60B, "204FEC00802001B4"), 0) else {
            panic!("not understood");
        };
        assert_eq!((object.id, object.motion), (32, 1));
        assert!(near(object.dist_long_m, 11.4) && near(object.dist_lat_m, 0.2));
        assert!(near(object.vrel_long_mps, 0.0) && near(object.vrel_lat_mps, 0.0));
        assert!(near(object.rcs_dbm2, 26.0));
    }

    #[test]
    fn the_vector_of_a_radar_with_the_same_layout_is_approaching() {
        // Nanoradar MR76, quoted in a public driver.
        let Ok(Message::General(object)) = parse(&frame(0x60B, "574EC40C7F601880"), 0) else {
            panic!("not understood");
        };
        assert_eq!(object.id, 87);
        assert!(near(object.dist_long_m, 4.0) && near(object.dist_lat_m, 2.6));
        assert!(near(object.vrel_long_mps, -0.75));
        // 3 is reserved: of a real MR76, but it says nothing.
        assert_eq!(object.kind, 3);
    }

    #[test]
    fn identifiers_tell_sensors_apart() {
        let status = Message::Status(Status::default());
        assert_eq!(emit(&status, 3).id(), 0x63A);
        assert_eq!(parse(&emit(&status, 3), 3), Ok(status));
        assert_eq!(parse(&emit(&status, 3), 0), Err(NotUsed::OtherSensor));
        // 6DA is sensor 13, of which there is none; 70A is no object status.
        assert_eq!(parse(&frame(0x6DA, "00000000"), 0), Err(NotUsed::OtherId));
        assert_eq!(parse(&frame(0x70A, "00000000"), 0), Err(NotUsed::OtherId));
    }

    #[test]
    fn a_message_without_all_its_data_is_refused() {
        assert_eq!(
            parse(&frame(0x60B, "204FEC00802001"), 0),
            Err(NotUsed::Short)
        );
        assert_eq!(parse(&frame(0x60A, "204FEC"), 0), Err(NotUsed::Short));
        let remote = frame(0x60B, "204FEC00802001B4").as_remote();
        assert_eq!(parse(&remote, 0), Err(NotUsed::OtherId));
    }

    #[test]
    fn standstill_is_no_speed_and_the_middle_of_the_yaw_rates() {
        assert_eq!(standstill(1), [frame(0x310, "0000"), frame(0x311, "8000")]);
    }

    /// Bits of each message that have a meaning here.
    const USED: [(u32, u64); 4] = [
        (STATUS, 0xFFFF_FFF0_0000_0000),
        (GENERAL, 0xFFFF_FFFF_FFFF_FFFF),
        (QUALITY, 0xFFFF_FFFF_FFE0_FC00),
        (EXTENDED, 0xFFFF_FFF7_FFC0_FFFF),
    ];

    proptest! {
        #[test]
        fn whatever_is_parsed_is_emitted_again(word: u64, kind in 0..USED.len(), sensor in 0..=MAX_SENSOR) {
            let (base, used) = USED[kind];
            let size = if base == STATUS { 4 } else if base == QUALITY { 7 } else { 8 };
            let sent = with_word(base, sensor, word & used, size);
            let message = parse(&sent, sensor).unwrap();
            prop_assert_eq!(emit(&message, sensor), sent);
        }

        #[test]
        fn any_frame_is_parsed_or_refused(frame in crate::inputs::can::tests::frames(), sensor in 0..=MAX_SENSOR) {
            let _ = parse(&frame, sensor);
        }
    }
}
