//! What devices say: bytes on a wire to reports in SI units, one folder a protocol.
//!
//! Rooms:
//! - [`gat1743`]: signal controllers that publish lamp states, countdowns and plans (GA/T 1743-2020)
//! - [`gb20999`]: signal controllers that tell stage and remaining time when asked (GB/T 20999-2017)
//! - [`ntcip`]: signal controllers that broadcast TSCBM or are polled by SNMP (NTCIP 1202)
//! - [`spat_json`]: platforms that publish SPAT as JSON: Huawei DRIS, OpenV2X
//! - [`ars408`]: Continental ARS408/404 radars that publish tracked objects over CAN
//! - [`openv2x`]: boxes and radars that publish road users as JSON: OpenV2X, Huawei DRIS
//! - [`detected_objects`]: any box that writes lists of objects as JSON in our form, or CARMA's
//! - [`ti_mmwave`], [`nanoradar`]: radars on serial lines
//! - [`heard`]: what road users say of themselves by radio: BSM, PSM, VIR
//! - [`gnss`]: receivers of satellite navigation, for health only
//! - [`modbus`]: weather and road sensors that are asked for their registers (Modbus RTU and TCP)
//! - `objects`: what inputs of objects check alike; `iso`: dates
//! - [`json`]: bytes to JSON objects of bounded size; `delay`, `backlog`: how late a device's messages are,
//!   by its stamps or without
//! - [`can`]: CAN frames out of the forms in which they reach us
//!
//! Nothing here opens a socket or reads a clock. A [`Decoder`] takes the bytes that a link received
//! with the moment of their arrival, and hands each report to a sink at once. It takes any bytes:
//! what makes no sense is counted by kind in [`Counts`] and dropped; work and state are bounded, and
//! [`Decoder::push`] does not allocate: all its memory is taken when the decoder is made. Protocols of
//! JSON are the exception: they allocate in proportion to a message of bounded size, on the thread of
//! their link, never on the heart's.
//!
//! # How to add a protocol
//! Copy the nearest folder.
//! 1. `wire.rs` has the layout as named ranges or signals, with stateless `parse` and `emit`: what
//!    is parsed can be emitted again, byte for byte. Facts only; units as the wire has them.
//! 2. `mod.rs` opens with the specification and its edition, a table *field, unit on the wire, unit
//!    in the report*, and the device's quirks. It has `Config` (plain and complete: it can run),
//!    `Decoder` (state across frames, units, mount, counts), and the list of kinds that it counts.
//! 3. `emitter.rs` is the decoder's mirror: what is true in, bytes out. The simulator drives it.
//! 4. A variant in [`Decoder`] and `each!` below and in `config`. Nothing else names the protocol.
//! 5. Tests: the law parse(emit(x)) = x, any bytes, each quirk; and every recording there is, with
//!    device, firmware, place and day in the module's text. Without a recording, say so there.

pub mod ars408;
mod backlog;
pub mod can;
mod delay;
pub mod detected_objects;
pub mod gat1743;
pub mod gb20999;
pub mod gnss;
pub mod heard;
mod iso;
pub mod json;
pub mod modbus;
pub mod nanoradar;
pub mod ntcip;
mod objects;
pub mod openv2x;
pub mod spat_json;
pub mod ti_mmwave;

use arrayvec::ArrayVec;

pub use objects::Assumed;

use crate::clock::{Mono, Now};
use crate::report::{Content, Objects};

/// The decoder of one configured input, whatever it speaks.
#[derive(Debug)]
pub enum Decoder {
    /// A signal controller by GA/T 1743-2020.
    Gat1743(Box<gat1743::Decoder>),
    /// A signal controller by GB/T 20999-2017.
    Gb20999(Box<gb20999::Decoder>),
    /// A signal controller that broadcasts TSCBM or is polled by SNMP.
    Ntcip(Box<ntcip::Decoder>),
    /// A platform that publishes SPAT as JSON.
    SpatJson(Box<spat_json::Decoder>),
    /// A Continental ARS408 or ARS404 radar.
    Ars408(Box<ars408::Decoder>),
    /// A box of the OpenV2X kind.
    Openv2x(Box<openv2x::Decoder>),
    /// A box that writes lists of objects in our form or CARMA's.
    DetectedObjects(Box<detected_objects::Decoder>),
    /// A TI mmWave radar.
    TiMmwave(Box<ti_mmwave::Decoder>),
    /// A Nanoradar on a serial line.
    Nanoradar(Box<nanoradar::Decoder>),
    /// What road users say of themselves by radio.
    Heard(Box<heard::Decoder>),
    /// A receiver of satellite navigation.
    Gnss(Box<gnss::Decoder>),
    /// A weather or road sensor that is asked for its registers.
    Modbus(Box<modbus::Decoder>),
}

/// The same call on whichever decoder it is.
macro_rules! each {
    ($self:expr, $decoder:ident => $call:expr) => {
        match $self {
            Self::Gat1743($decoder) => $call,
            Self::Gb20999($decoder) => $call,
            Self::Ntcip($decoder) => $call,
            Self::SpatJson($decoder) => $call,
            Self::Ars408($decoder) => $call,
            Self::Openv2x($decoder) => $call,
            Self::DetectedObjects($decoder) => $call,
            Self::TiMmwave($decoder) => $call,
            Self::Nanoradar($decoder) => $call,
            Self::Heard($decoder) => $call,
            Self::Gnss($decoder) => $call,
            Self::Modbus($decoder) => $call,
        }
    };
}

impl Decoder {
    /// Takes one datagram, or the next chunk of a stream, as the link received it.
    ///
    /// `arrived` is when its first byte reached this machine. Reports go to `sink` in the order in
    /// which the bytes completed them.
    pub fn push(&mut self, arrived: Now, bytes: &[u8], sink: &mut dyn FnMut(Content)) {
        each!(self, decoder => decoder.push(arrived, bytes, sink));
    }

    /// Tells what has been gathered long enough; only words heard by radio are gathered.
    pub fn flush(&mut self, now: Now, sink: &mut dyn FnMut(Content)) {
        if let Self::Heard(decoder) = self {
            decoder.flush(now, sink);
        }
    }

    /// When [`Self::flush`] has something to tell; [`Mono::NEVER`] where nothing is gathered.
    pub fn flush_due(&self) -> Mono {
        match self {
            Self::Heard(decoder) => decoder.flush_due(),
            _ => Mono::NEVER,
        }
    }

    /// Forgets a half-received frame: the link was lost, what comes next starts afresh.
    pub fn link_restarted(&mut self) {
        each!(self, decoder => decoder.link_restarted());
    }

    /// Appends a request that the device must be sent now, if one is due; call until false.
    pub fn poll_query(&mut self, now: Now, out: &mut Vec<u8>) -> bool {
        match self {
            Self::Gat1743(decoder) => decoder.poll_query(now, out),
            Self::Gb20999(decoder) => decoder.poll_query(now, out),
            Self::Ntcip(decoder) => decoder.poll_query(now, out),
            Self::Ars408(decoder) => decoder.poll_query(now, out),
            Self::Gnss(decoder) => decoder.poll_query(now, out),
            Self::Modbus(decoder) => decoder.poll_query(now, out),
            _ => false,
        }
    }

    /// When [`Self::poll_query`] has something next; [`Mono::NEVER`] for a device that only talks.
    pub fn poll_timeout(&self) -> Mono {
        match self {
            Self::Gat1743(decoder) => decoder.poll_timeout(),
            Self::Gb20999(decoder) => decoder.poll_timeout(),
            Self::Ntcip(decoder) => decoder.poll_timeout(),
            Self::Ars408(decoder) => decoder.poll_timeout(),
            Self::Gnss(decoder) => decoder.poll_timeout(),
            Self::Modbus(decoder) => decoder.poll_timeout(),
            _ => Mono::NEVER,
        }
    }

    /// What was understood, and what was not and why.
    pub fn counts(&self) -> &Counts {
        each!(self, decoder => decoder.counts())
    }

    /// How far the device's clock is behind ours, with what its quickest messages take, or where those are
    /// not told apart its last; None of a device that stamps nothing, or whose stamps say nothing of that.
    pub fn clock_behind_s(&self, now: Now) -> Option<f64> {
        match self {
            Self::DetectedObjects(decoder) => decoder.clock_behind_s(now),
            Self::SpatJson(decoder) => decoder.clock_behind_s(now),
            _ => (self.counts().clock_ahead_ms()).map(|ms| ms as f64 / 1e3),
        }
    }

    /// The longest datagram that is taken: of JSON the longest that there is over IPv4, in which a box lists
    /// some 200 objects; what else comes in datagrams is far shorter.
    pub fn longest_datagram(&self) -> usize {
        match self {
            Self::SpatJson(_) | Self::Openv2x(_) | Self::DetectedObjects(_) => 65_507,
            _ => 16 * 1024,
        }
    }

    /// The protocol's name, as people write it in configuration and commands.
    pub fn protocol(&self) -> &'static str {
        match self {
            Self::Gat1743(_) => "gat1743",
            Self::Gb20999(_) => "gb20999",
            Self::Ntcip(_) => "ntcip",
            Self::SpatJson(_) => "spat-json",
            Self::Ars408(_) => "ars408",
            Self::Openv2x(_) => "openv2x",
            Self::DetectedObjects(_) => "detected-objects",
            Self::TiMmwave(_) => "ti-mmwave",
            Self::Nanoradar(_) => "nanoradar",
            Self::Heard(_) => "heard",
            Self::Gnss(_) => "gnss",
            Self::Modbus(_) => "modbus",
        }
    }
}

/// Hands over a copy of what a decoder has gathered.
///
/// Never part of its caller: a report takes pages of stack, and for a frame so large behind an early
/// return LLVM 22 may let the probe of the stack overwrite a register that is in use. `tests/prologue`
/// looks for such functions in a release build.
#[inline(never)]
fn hand_over(objects: &Objects, sink: &mut dyn FnMut(Content)) {
    let mut content = Content::Objects(Objects::default());
    if let Content::Objects(copy) = &mut content {
        // Made where it is: to move it is to move all its room, however few it holds.
        copy.seen_at = objects.seen_at;
        copy.detections.extend(objects.detections.iter().copied());
    }
    sink(content);
}

/// Which end of a number the first flag of a bit string is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstBit {
    /// The first flag counts 1.
    Lowest,
    /// The first flag is the highest bit, as the encoding on the air has it.
    Highest,
}

/// What one call of a decoder's `push` receives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Carrier {
    /// A whole datagram, or a message of a broker: nothing continues in the next.
    #[default]
    Datagrams,
    /// The next bytes of a stream.
    Stream,
}

/// Where a sensor stands at its site and which way it looks.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Mount {
    /// East of the site's origin.
    pub east_m: f64,
    /// North of the site's origin.
    pub north_m: f64,
    /// Above the site's origin.
    pub up_m: f64,
    /// Where the sensor's forward axis points, clockwise from north.
    pub heading_deg: f64,
}

/// A [`Mount`] ready to turn points: the level plane of a sensor in the site's plane.
///
/// The sensor's own axes are x forward and y left. Height and tilt are left out: at 6 m above a road
/// a slant range of 50 m is 0.4 m longer than the ground range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pose {
    east_m: f64,
    north_m: f64,
    yaw_rad: f64,
    sin: f64,
    cos: f64,
}

impl Pose {
    /// The forward axis as a yaw, counter-clockwise from east.
    pub fn yaw_rad(&self) -> f64 {
        self.yaw_rad
    }

    /// East and north of the site's origin, of a point in the sensor's axes.
    pub fn to_site(&self, forward_m: f64, left_m: f64) -> (f64, f64) {
        let (east_m, north_m) = self.turn_to_site(forward_m, left_m);
        (self.east_m + east_m, self.north_m + north_m)
    }

    /// A direction or a velocity in the sensor's axes, turned to east and north.
    pub fn turn_to_site(&self, forward: f64, left: f64) -> (f64, f64) {
        (
            forward * self.cos - left * self.sin,
            forward * self.sin + left * self.cos,
        )
    }

    /// Forward and left of the sensor, of a point at the site.
    pub fn to_sensor(&self, east_m: f64, north_m: f64) -> (f64, f64) {
        self.turn_to_sensor(east_m - self.east_m, north_m - self.north_m)
    }

    /// An east-north direction or velocity, turned to the sensor's axes.
    pub fn turn_to_sensor(&self, east: f64, north: f64) -> (f64, f64) {
        (
            east * self.cos + north * self.sin,
            north * self.cos - east * self.sin,
        )
    }
}

impl From<Mount> for Pose {
    fn from(mount: Mount) -> Self {
        let yaw_rad = (90.0 - mount.heading_deg).to_radians();
        let (sin, cos) = yaw_rad.sin_cos();
        Self {
            east_m: mount.east_m,
            north_m: mount.north_m,
            yaw_rad,
            sin,
            cos,
        }
    }
}

/// What an input understood, and what it did not and why. Grows, never shrinks, never allocates.
///
/// Each kind is a fixed word that a metric can carry. A frame is accepted, ignored or rejected, one
/// of the three; any number of quirks may have been tolerated in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    accepted: u64,
    reports: u64,
    rejected: Tally,
    ignored: Tally,
    tolerated: Tally,
    faults: Tally,
    clock_ahead_ms: Option<i64>,
}

/// How often each kind was seen, in the order in which the protocol lists them.
pub type Tally = ArrayVec<(&'static str, u64), 24>;

impl Counts {
    /// All at zero, with every kind that the protocol knows already listed.
    pub(crate) fn new(
        rejected: &[&'static str],
        ignored: &[&'static str],
        tolerated: &[&'static str],
    ) -> Self {
        let tally = |kinds: &[&'static str]| kinds.iter().map(|kind| (*kind, 0)).collect();
        Self {
            rejected: tally(rejected),
            ignored: tally(ignored),
            tolerated: tally(tolerated),
            ..Self::default()
        }
    }

    /// Of a device that tells what goes wrong with it, in these kinds.
    pub(crate) fn with_faults(mut self, kinds: &[&'static str]) -> Self {
        self.faults = kinds.iter().map(|kind| (*kind, 0)).collect();
        self
    }

    /// Frames that were understood and used.
    pub fn accepted(&self) -> u64 {
        self.accepted
    }

    /// Reports made of them.
    pub fn reports(&self) -> u64 {
        self.reports
    }

    /// Frames that were damaged or made no sense, by kind.
    pub fn rejected(&self) -> &[(&'static str, u64)] {
        &self.rejected
    }

    /// Sound frames of no use here, by kind.
    pub fn ignored(&self) -> &[(&'static str, u64)] {
        &self.ignored
    }

    /// Departures from the specification in frames that were understood all the same, and states of
    /// the device that an operator wants to know of, by kind.
    pub fn tolerated(&self) -> &[(&'static str, u64)] {
        &self.tolerated
    }

    /// What the device says has gone wrong with it since we listen, by kind; none listed of a device
    /// that does not say.
    pub fn faults(&self) -> &[(&'static str, u64)] {
        &self.faults
    }

    /// Our clock on arrival less the moment that the device last stamped: its delay, and how far its
    /// clock is behind ours. None of a device that tells no date.
    pub fn clock_ahead_ms(&self) -> Option<i64> {
        self.clock_ahead_ms
    }

    pub(crate) fn note_clock(&mut self, ahead_ms: i64) {
        self.clock_ahead_ms = Some(ahead_ms);
    }

    pub(crate) fn accept(&mut self) {
        self.accepted += 1;
    }

    pub(crate) fn report(&mut self) {
        self.reports += 1;
    }

    pub(crate) fn reject(&mut self, kind: &'static str) {
        bump(&mut self.rejected, kind, 1);
    }

    pub(crate) fn ignore(&mut self, kind: &'static str) {
        bump(&mut self.ignored, kind, 1);
    }

    pub(crate) fn tolerate(&mut self, kind: &'static str) {
        bump(&mut self.tolerated, kind, 1);
    }

    pub(crate) fn fault(&mut self, kind: &'static str) {
        bump(&mut self.faults, kind, 1);
    }

    pub(crate) fn tolerate_times(&mut self, kind: &'static str, times: u64) {
        bump(&mut self.tolerated, kind, times);
    }
}

fn bump(tally: &mut Tally, kind: &'static str, times: u64) {
    if times == 0 {
        return;
    }
    let slot = tally.iter_mut().find(|(name, _)| *name == kind);
    debug_assert!(slot.is_some(), "{kind} is not in the protocol's list");
    if let Some((_, count)) = slot {
        *count = count.saturating_add(times);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sensor_that_looks_south_sees_east_on_its_left() {
        let pose = Pose::from(Mount {
            east_m: 10.0,
            north_m: 20.0,
            up_m: 5.0,
            heading_deg: 180.0,
        });
        let (east_m, north_m) = pose.to_site(50.0, 3.0);
        assert!((east_m - 13.0).abs() < 1e-9, "{east_m}");
        assert!((north_m + 30.0).abs() < 1e-9, "{north_m}");
        let (forward_m, left_m) = pose.to_sensor(east_m, north_m);
        assert!((forward_m - 50.0).abs() < 1e-9 && (left_m - 3.0).abs() < 1e-9);
    }

    #[test]
    fn a_heading_of_90_degrees_is_a_yaw_of_zero() {
        let pose = Pose::from(Mount {
            heading_deg: 90.0,
            ..Mount::default()
        });
        assert!(pose.yaw_rad().abs() < 1e-12);
        assert!((pose.to_site(1.0, 0.0).0 - 1.0).abs() < 1e-12);
    }
}
