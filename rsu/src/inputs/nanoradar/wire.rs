//! Frames of Nanoradar's serial protocol: layout, parse, emit. Stateless.
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 2 | AA AA |
//! | 2 | 2 | id, little-endian: 70C target, 70B number of targets, 60A state of the radar |
//! | 4 | 7 | data |
//! | 11 | 1 | sum of the data, its low byte |
//! | 12 | 2 | 55 55 |

/// Length of a frame.
pub const LENGTH: usize = 14;
/// One target.
pub const TARGET: u16 = 0x70C;
/// How many targets follow.
pub const STATUS: u16 = 0x70B;
/// The radar of itself.
pub const SENSOR: u16 = 0x60A;

const START: [u8; 2] = [0xAA; 2];
const END: [u8; 2] = [0x55; 2];

/// One frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// What it is.
    pub id: u16,
    /// What it says.
    pub data: [u8; 7],
}

/// Why bytes are no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// It does not begin or end as frames do.
    Marks,
    /// The sum differs.
    Checksum,
}

/// Reads one frame.
///
/// # Errors
/// See [`Malformed`].
pub fn parse(bytes: &[u8; LENGTH]) -> Result<Frame, Malformed> {
    let [a, b, low, high, data @ .., sum, y, z] = bytes;
    if [*a, *b] != START || [*y, *z] != END {
        return Err(Malformed::Marks);
    }
    if checksum(data) != *sum {
        return Err(Malformed::Checksum);
    }
    Ok(Frame {
        id: u16::from_le_bytes([*low, *high]),
        data: *data,
    })
}

/// Appends one frame.
pub fn emit(frame: &Frame, out: &mut Vec<u8>) {
    out.extend(START);
    out.extend(frame.id.to_le_bytes());
    out.extend(frame.data);
    out.push(checksum(&frame.data));
    out.extend(END);
}

fn checksum(data: &[u8; 7]) -> u8 {
    data.iter().fold(0, |sum, byte| sum.wrapping_add(*byte))
}

/// One target: its range is all that is sure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// The radar's number of it.
    pub id: u8,
    /// 0.5 dBm² above -50.
    pub rcs: u8,
    /// cm.
    pub range_cm: u16,
    /// 0.05 m/s above -35; whether towards the radar or away is not published.
    pub speed: u16,
    /// As sent; its meaning is not published.
    pub fourth: u8,
}

impl Target {
    /// From a frame's data.
    pub fn of(data: [u8; 7]) -> Self {
        let [id, rcs, r1, r0, fourth, v1, v0] = data;
        Self {
            id,
            rcs,
            range_cm: u16::from_be_bytes([r1, r0]),
            speed: u16::from_be_bytes([v1, v0]),
            fourth,
        }
    }

    /// As a frame's data.
    pub fn data(&self) -> [u8; 7] {
        let ([r1, r0], [v1, v0]) = (self.range_cm.to_be_bytes(), self.speed.to_be_bytes());
        [self.id, self.rcs, r1, r0, self.fourth, v1, v0]
    }

    /// m/s, of unknown sense.
    pub fn speed_mps(&self) -> f64 {
        f64::from(self.speed) * 0.05 - 35.0
    }
}
