//! Frames of TI mmWave radars on their data port: layout, parse, emit. Stateless.
//!
//! Little-endian. A frame is a header, TLVs, and padding of any value to a multiple of 32 bytes.
//!
//! | bytes | out-of-box demonstration, SDK 3 | traffic monitoring |
//! |---|---|---|
//! | 0..8 | 02 01 04 03 06 05 08 07 | the same |
//! | 8..12 | version | version |
//! | 12..16 | length | length, or the platform |
//! | 16..20 | platform | platform, or a time |
//! | 20..24 | frame number | frame number, or the length |
//! | header ends at | 40 | 52 |
//! | number of TLVs | 32..36, 32 bits | 48..50, 16 bits |
//! | a TLV's length | without its 8 bytes of head | with them |
//!
//! TI's guide and its own reader disagree on the order of the traffic header: whichever of the two
//! places holds a length that can be one is taken.

/// What a frame begins with.
pub const MAGIC: [u8; 8] = [2, 1, 4, 3, 6, 5, 8, 7];
/// Longest frame.
pub const LONGEST: usize = 64 << 10;
/// Most TLVs of a frame.
pub const MOST_TLVS: u32 = 32;

/// Points with doppler.
pub const POINTS: u32 = 1;
/// Strength and noise of the points, out of box.
pub const SIDE_INFO: u32 = 7;
/// Points of the traffic layout, in polar form.
pub const TRAFFIC_POINTS: u32 = 6;
/// Tracked targets of the traffic layout.
pub const TRAFFIC_TARGETS: u32 = 7;

const TLV_HEAD: usize = 8;
const POINT: usize = 16;
const TARGET: usize = 112;

/// Which firmware speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// The out-of-box demonstration of SDK 3: points.
    #[default]
    OutOfBox,
    /// The traffic monitoring laboratory: tracked targets.
    Traffic,
}

impl Layout {
    /// Length of the header.
    pub fn header(self) -> usize {
        match self {
            Self::OutOfBox => 40,
            Self::Traffic => 52,
        }
    }
}

/// How far a frame has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// More bytes are needed.
    Open,
    /// All TLVs are here; they end at this byte. Padding may follow.
    Whole(usize),
    /// This is no frame.
    Broken,
}

/// Looks at bytes that begin with [`MAGIC`]; never at more than [`LONGEST`] of them.
pub fn progress(layout: Layout, bytes: &[u8]) -> Progress {
    let Some(head) = bytes.get(..layout.header()) else {
        return Progress::Open;
    };
    let word = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let likely = |at: usize| (layout.header()..=LONGEST).contains(&(word(at) as usize));
    let (is_likely, count) = match layout {
        Layout::OutOfBox => (likely(12), word(32)),
        Layout::Traffic => (likely(12) || likely(20), word(48) & 0xFFFF),
    };
    if !is_likely || count > MOST_TLVS {
        return Progress::Broken;
    }
    let mut end = layout.header();
    for _ in 0..count {
        match tlv_at(layout, bytes, end) {
            Some((_, length)) if end + TLV_HEAD + length > LONGEST => return Progress::Broken,
            Some((_, length)) if bytes.len() < end + TLV_HEAD + length => return Progress::Open,
            Some((_, length)) => end += TLV_HEAD + length,
            None if bytes.len() >= end + TLV_HEAD => return Progress::Broken,
            None => return Progress::Open,
        }
    }
    Progress::Whole(end)
}

/// Whether a frame whose TLVs end there says that more of it follows.
pub fn is_padded(layout: Layout, frame: &[u8], end: usize) -> bool {
    let word = |at: usize| {
        let bytes = frame.get(at..at + 4);
        bytes.map_or(0, |b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]) as usize)
    };
    let stated = match layout {
        Layout::Traffic if word(12) > LONGEST => word(20),
        _ => word(12),
    };
    stated > end
}

/// Type and length of the data of the TLV at a place; None if its head is cut or says too little.
fn tlv_at(layout: Layout, bytes: &[u8], at: usize) -> Option<(u32, usize)> {
    let head = bytes.get(at..at + TLV_HEAD)?;
    let kind = u32::from_le_bytes([head[0], head[1], head[2], head[3]]);
    let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
    match layout {
        Layout::OutOfBox => Some((kind, length)),
        Layout::Traffic => Some((kind, length.checked_sub(TLV_HEAD)?)),
    }
}

/// The frame's number.
pub fn number(layout: Layout, frame: &[u8]) -> u32 {
    let word = |at: usize| {
        frame
            .get(at..at + 4)
            .map_or(0, |b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
    };
    match layout {
        Layout::OutOfBox => word(20),
        Layout::Traffic if (layout.header()..=LONGEST).contains(&(word(12) as usize)) => word(20),
        Layout::Traffic => word(24),
    }
}

/// The TLVs of a whole frame, as type and data.
pub fn tlvs(layout: Layout, frame: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    let mut at = layout.header();
    core::iter::from_fn(move || {
        let (kind, length) = tlv_at(layout, frame, at)?;
        let data = frame.get(at + TLV_HEAD..(at + TLV_HEAD).checked_add(length)?)?;
        at += TLV_HEAD + length;
        Some((kind, data))
    })
}

/// One point, in the radar's own axes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Point {
    /// To the right.
    pub x_m: f32,
    /// Ahead.
    pub y_m: f32,
    /// Up.
    pub z_m: f32,
    /// Away from the radar.
    pub doppler_mps: f32,
}

/// The points of a TLV of type [`POINTS`]; a rest that is no whole point is left out.
pub fn points(data: &[u8]) -> impl Iterator<Item = Point> {
    data.chunks_exact(POINT).map(|chunk| Point {
        x_m: float(chunk, 0),
        y_m: float(chunk, 4),
        z_m: float(chunk, 8),
        doppler_mps: float(chunk, 12),
    })
}

/// One tracked target, in the radar's own axes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Target {
    /// The radar's number of it.
    pub id: u32,
    /// To the right, and ahead.
    pub place_m: [f32; 2],
    /// To the right, and ahead.
    pub velocity_mps: [f32; 2],
}

/// The targets of a TLV of type [`TRAFFIC_TARGETS`]; None if they have another size.
pub fn targets(data: &[u8]) -> Option<impl Iterator<Item = Target>> {
    data.len().is_multiple_of(TARGET).then(|| {
        data.chunks_exact(TARGET).map(|chunk| Target {
            id: u32::from_le_bytes([chunk[0], chunk[1], chunk[2], chunk[3]]),
            place_m: [float(chunk, 4), float(chunk, 8)],
            velocity_mps: [float(chunk, 16), float(chunk, 20)],
        })
    })
}

fn float(bytes: &[u8], at: usize) -> f32 {
    f32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// Appends a frame of the out-of-box demonstration.
pub fn emit_points(number: u32, seen: &[Point], out: &mut Vec<u8>) {
    let mut data = Vec::new();
    for point in seen {
        for value in [point.x_m, point.y_m, point.z_m, point.doppler_mps] {
            data.extend(value.to_le_bytes());
        }
    }
    let tlvs = u32::from(!seen.is_empty());
    let body = if seen.is_empty() {
        0
    } else {
        TLV_HEAD + data.len()
    };
    let length = (Layout::OutOfBox.header() + body).next_multiple_of(32);
    let start = out.len();
    out.extend(MAGIC);
    for word in [
        VERSION,
        length as u32,
        PLATFORM,
        number,
        0,
        seen.len() as u32,
        tlvs,
        0,
    ] {
        out.extend(word.to_le_bytes());
    }
    if tlvs > 0 {
        out.extend(POINTS.to_le_bytes());
        out.extend((data.len() as u32).to_le_bytes());
        out.extend(data);
    }
    out.resize(start + length, 0x0F);
}

/// Appends a frame of traffic monitoring, in the order of TI's guide.
pub fn emit_targets(number: u32, seen: &[Target], out: &mut Vec<u8>) {
    let length = (Layout::Traffic.header() + TLV_HEAD + seen.len() * TARGET).next_multiple_of(32);
    let start = out.len();
    out.extend(MAGIC);
    for word in [VERSION, length as u32, PLATFORM, number, 0, 0, 0, 0, 0, 0] {
        out.extend(word.to_le_bytes());
    }
    out.extend(1_u16.to_le_bytes());
    out.extend(0_u16.to_le_bytes());
    out.extend(TRAFFIC_TARGETS.to_le_bytes());
    out.extend(((TLV_HEAD + seen.len() * TARGET) as u32).to_le_bytes());
    for target in seen {
        let at = out.len();
        out.extend(target.id.to_le_bytes());
        let ([x, y], [vx, vy]) = (target.place_m, target.velocity_mps);
        for value in [x, y, 0.0, vx, vy] {
            out.extend(value.to_le_bytes());
        }
        out.resize(at + TARGET, 0);
    }
    out.resize(start + length, 0x0F);
}

/// SDK 3.3.
const VERSION: u32 = 0x0303_0002;
const PLATFORM: u32 = 0x000A_6843;
