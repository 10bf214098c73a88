//! Vehicles that say by radio where they are while the daemon is measured: a full channel at its `heard` input.
//!
//! They stand in queues on the four approaches, each speaks at its own moment of the period, and all of it comes
//! over one socket, as from one radio. Nothing here waits for an answer. Not here: what a channel of so many
//! would lose (`sim`, scenario anting-dense-channel); every message arrives.

use std::fmt;
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use benches::junction;
use rsu::clock::Utc;
use rsu::inputs::heard::Emitter;
use v2x_msg::base::{
    Acceleration, DSecond, EnuFrame, Heading, MsgCount, PositionConfidence, Speed, StationId,
    VehicleHeight, VehicleLength, VehicleWidth, YawRate,
};
use v2x_msg::kinds::bsm::{Acceleration4, Bsm, Size, Transmission, VehicleClass};

/// How many there are, and how often each speaks.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Talkers {
    pub(crate) count: u32,
    pub(crate) hz: u32,
}

/// What they came to.
#[derive(Debug, Default)]
pub(crate) struct Talk {
    sent: u64,
    /// By more than a tenth of the time from one message to the next of a vehicle.
    late: u64,
    refused: u64,
}

impl Talkers {
    pub(crate) fn any(self) -> bool {
        self.count > 0 && self.hz > 0
    }

    /// Speaks until it is over.
    pub(crate) fn talk(self, radio: SocketAddr, over: &AtomicBool) -> anyhow::Result<Talk> {
        let socket = UdpSocket::bind("127.0.0.1:0").context("no socket for the radio")?;
        socket.connect(radio)?;
        let frame = junction::site().frame;
        let period = Duration::from_secs(1) / self.hz;
        let begin = Instant::now();
        let (mut emitter, mut bytes) = (Emitter::default(), Vec::with_capacity(256));
        let mut talk = Talk::default();
        for number in 0_u64.. {
            let (round, who) = (
                number / u64::from(self.count),
                (number % u64::from(self.count)) as u32,
            );
            let due = begin + period * round as u32 + period * who / self.count;
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if over.load(Ordering::Relaxed) {
                break;
            }
            bytes.clear();
            let bsm = bsm(frame, who, round)?;
            anyhow::ensure!(emitter.bsm(&bsm, &mut bytes), "a BSM that cannot be sent");
            talk.sent += 1;
            talk.late += u64::from(due.elapsed() > period / 10);
            talk.refused += u64::from(socket.send(&bytes).is_err());
        }
        Ok(talk)
    }
}

impl Talk {
    /// For people.
    pub(crate) fn told(&self) -> String {
        format!(
            "talkers: {} BSM sent, {} of them late, {} refused by the socket",
            self.sent, self.late, self.refused
        )
    }
}

impl fmt::Display for Talkers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { count, hz } = self;
        write!(f, "{count} vehicles that speak {hz} times a second")
    }
}

/// What one says: it stands in its row of a queue, in one of three lanes of one of four arms.
fn bsm(frame: EnuFrame, who: u32, round: u64) -> anyhow::Result<Bsm> {
    let (arm, lane, row) = (who % 4, who / 4 % 3, who / 12);
    let ahead_m = FIRST_M + ROW_M * f64::from(row);
    let aside_m = MIDDLE_M + LANE_M * f64::from(lane);
    // Those who come from north drive south, on the western side of the road.
    let (east_m, north_m, heading_deg) = match arm {
        0 => (-aside_m, ahead_m, 180.0),
        1 => (ahead_m, aside_m, 270.0),
        2 => (aside_m, -ahead_m, 0.0),
        _ => (-ahead_m, -aside_m, 90.0),
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let now = Utc::from_unix_ns(i64::try_from(now.as_nanos())?);
    Ok(Bsm {
        msg_cnt: MsgCount::new((round % 128) as u8)?,
        id: StationId(u64::from(who + 1).to_be_bytes()),
        sec_mark: Some(DSecond::of(now)),
        pos: frame.ground_position(east_m, north_m)?,
        ellipse: None,
        pos_confidence: PositionConfidence::from_error_m(1.0),
        transmission: Some(Transmission::Forward),
        speed: Speed::nearest_mps(0.0),
        heading: Heading::from_deg(heading_deg).ok(),
        speed_confidence: None,
        heading_confidence: None,
        acceleration: Acceleration4 {
            long: Acceleration::nearest_mps2(0.0),
            lat: None,
            vert: None,
            yaw: YawRate::nearest_deg_per_s(0.0).context("nought is a yaw rate")?,
        },
        size: Size {
            width: VehicleWidth::nearest_m(1.8),
            length: VehicleLength::nearest_m(4.6),
            height: VehicleHeight::nearest_m(1.5),
        },
        class: VehicleClass::PASSENGER_CAR,
        emergency: false,
    })
}

/// From the middle of the junction to the first row, and from row to row.
const FIRST_M: f64 = 25.0;
const ROW_M: f64 = 8.0;
/// From the middle of the road to that of its first lane, and from lane to lane.
const MIDDLE_M: f64 = 1.75;
const LANE_M: f64 = 3.5;
