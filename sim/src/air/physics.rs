//! What is left of a signal at a receiver, and whether that is enough.
//!
//! Path loss is WINNER+ B1 in line of sight, with shadowing of 3 dB that belongs to the two ends and
//! where they are: it stays while they stay, and is another 25 m on. Whether a message is decoded is
//! the block error rate over the ratio of its signal to noise and to all that is sent in the same
//! place. Both as Gonzalez-Martin et al. 2019 have them (IEEE Trans. Veh. Technol. 68(2)). What is
//! *assumed*: that shadowing changes over 25 m; that wider messages spread the same power; and that a message
//! with more blocks for its octets stays as far from Shannon's limit as it was.

use crate::plane::Point;
use crate::random::mix;

/// The radios of a run, and the air between them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Radios {
    /// Middle of the channel.
    pub carrier_ghz: f64,
    /// The channel of 10 MHz is divided into so many.
    pub subchannels: u8,
    /// What a vehicle radiates.
    pub vehicle_dbm: f64,
    /// What the roadside unit radiates.
    pub roadside_dbm: f64,
    /// Effective height of a vehicle's antenna: between 1.5 m and the 0.5 m that others compute with lie
    /// 16.5 dB at 300 m.
    pub vehicle_antenna_m: f64,
    /// The same for the roadside unit.
    pub roadside_antenna_m: f64,
    /// Standard deviation of shadowing.
    pub shadowing_db: f64,
    /// Chance that a place is kept when its messages are used up.
    pub keep: f64,
    /// What both ends take for a message beside waiting and sending.
    pub processing_ms: u32,
}

impl Default for Radios {
    /// China's band, and the powers of its radios.
    fn default() -> Self {
        Self {
            carrier_ghz: 5.915,
            subchannels: 4,
            vehicle_dbm: 26.0,
            roadside_dbm: 29.0,
            vehicle_antenna_m: 1.5,
            roadside_antenna_m: 5.5,
            shadowing_db: 3.0,
            keep: 0.0,
            processing_ms: 4,
        }
    }
}

/// Whose radio it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A road user's.
    Vehicle,
    /// The roadside unit's.
    Roadside,
}

/// Where a radio is, as the air sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct End {
    /// Whose.
    pub kind: Kind,
    /// Its place.
    pub place: Point,
    /// What its shadowing hangs on: itself and where it is.
    salt: u64,
}

/// The air, computed once.
#[derive(Clone, Debug)]
pub struct Physics {
    seed: u64,
    /// Received power in mW by whole metres: vehicle to vehicle, from the roadside, to the roadside.
    gains: [Vec<f64>; 3],
    /// Equally likely factors.
    shadows: Vec<f64>,
    /// Of one subchannel.
    noise_mw: f64,
    /// What more blocks for the same octets are worth.
    redundancy_db: f64,
    sensitivity_mw: f64,
    busy_mw: f64,
}

impl End {
    /// The radio that is known by `number`, at a place.
    pub fn new(kind: Kind, number: u64, place: Point) -> Self {
        let cell = |metres: f64| (metres / SHADOW_M).floor() as i64 as u64;
        let salt = mix(mix(mix(number) ^ cell(place.east_m)) ^ cell(place.north_m));
        Self { kind, place, salt }
    }
}

impl Physics {
    /// The air of these radios.
    pub fn new(radios: &Radios, seed: u64) -> Self {
        let vehicle = (radios.vehicle_dbm, radios.vehicle_antenna_m);
        let roadside = (radios.roadside_dbm, radios.roadside_antenna_m);
        let gains = [(vehicle, vehicle), (roadside, vehicle), (vehicle, roadside)];
        let gains = gains.map(|((dbm, from_m), (_, to_m))| {
            let metres = 0..=FARTHEST_M as usize;
            let received = metres.map(|metre| {
                let distance_m = (metre as f64).max(1.0);
                let loss_db = path_loss_db(distance_m, from_m, to_m, radios.carrier_ghz);
                milliwatts(dbm - loss_db)
            });
            received.collect()
        });
        let shadows = (0..SHADOWS).map(|i| {
            let share = (i as f64 + 0.5) / SHADOWS as f64;
            ratio(radios.shadowing_db * quantile(share))
        });
        let blocks = (BLOCKS / u32::from(radios.subchannels.max(1))).max(1);
        let noise_dbm = -95.0 - 10.0 * libm::log10(f64::from(BLOCKS) / f64::from(blocks));
        Self {
            seed: mix(seed),
            gains,
            shadows: shadows.collect(),
            redundancy_db: needed_db(RATED_BLOCKS) - needed_db(f64::from(blocks)),
            noise_mw: milliwatts(noise_dbm),
            sensitivity_mw: milliwatts(SENSITIVITY_DBM),
            busy_mw: milliwatts(BUSY_DBM),
        }
    }

    /// What `to` receives of `from`, in mW; nothing beyond [`FARTHEST_M`].
    pub fn received_mw(&self, from: &End, to: &End) -> f64 {
        let gains = match (from.kind, to.kind) {
            (Kind::Roadside, _) => &self.gains[1],
            (Kind::Vehicle, Kind::Roadside) => &self.gains[2],
            (Kind::Vehicle, Kind::Vehicle) => &self.gains[0],
        };
        let metres = from.place.distance_m(to.place);
        let Some(gain) = gains.get(metres as usize) else {
            return 0.0;
        };
        let shadow = mix(from.salt.wrapping_add(to.salt) ^ self.seed) as usize % SHADOWS;
        gain * self.shadows[shadow]
    }

    /// Whether a signal is strong enough for the receiver to find it.
    pub fn is_found(&self, signal_mw: f64) -> bool {
        signal_mw >= self.sensitivity_mw
    }

    /// Whether a subchannel counts as busy.
    pub fn is_busy(&self, power_mw: f64) -> bool {
        power_mw >= self.busy_mw
    }

    /// The share of messages that are lost at this signal and this interference.
    pub fn error_rate(&self, signal_mw: f64, interference_mw: f64) -> f64 {
        let ratio = signal_mw / (self.noise_mw + interference_mw);
        block_error_rate(10.0 * libm::log10(ratio.max(1e-12)) + self.redundancy_db)
    }
}

/// WINNER+ B1 in line of sight between antennas of these effective heights; at least that of free space.
pub fn path_loss_db(distance_m: f64, from_m: f64, to_m: f64, carrier_ghz: f64) -> f64 {
    let log_d = libm::log10(distance_m);
    let log_f = libm::log10(carrier_ghz);
    let break_m = 4.0 * from_m * to_m * carrier_ghz * 1e9 / LIGHT_MPS;
    let free_db = 20.0 * log_d + 32.45 + 20.0 * log_f;
    let near_db = 22.7 * log_d + 27.0 + 20.0 * log_f;
    let far_db =
        40.0 * log_d + 7.56 - 17.3 * (libm::log10(from_m) + libm::log10(to_m)) + 2.7 * log_f;
    let loss_db = if distance_m < break_m {
        near_db
    } else {
        far_db
    };
    loss_db.max(free_db)
}

/// Share of messages of 190 octets, QPSK at rate 0.7, that are lost at this ratio.
pub fn block_error_rate(ratio_db: f64) -> f64 {
    let place = ratio_db / ERRORS_STEP_DB;
    if place <= 0.0 {
        return ERRORS[0];
    }
    let before = place as usize;
    match (ERRORS.get(before), ERRORS.get(before + 1)) {
        (Some(low), Some(high)) => low + (high - low) * (place - before as f64),
        _ => ERRORS[ERRORS.len() - 1],
    }
}

/// The least ratio of signal to noise at which so many blocks carry a message, by Shannon.
fn needed_db(blocks: f64) -> f64 {
    let bits_per_symbol = RATED_BITS * RATED_BLOCKS / blocks;
    10.0 * libm::log10(libm::pow(2.0, bits_per_symbol) - 1.0)
}

fn milliwatts(dbm: f64) -> f64 {
    ratio(dbm)
}

fn ratio(db: f64) -> f64 {
    libm::pow(10.0, db / 10.0)
}

/// Where the standard normal distribution has this share below.
fn quantile(share: f64) -> f64 {
    let (mut low, mut high) = (-8.0, 8.0);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        let below = 0.5 * (1.0 + libm::erf(middle / std::f64::consts::SQRT_2));
        if below < share {
            low = middle;
        } else {
            high = middle;
        }
    }
    (low + high) / 2.0
}

const LIGHT_MPS: f64 = 299_792_458.0;
/// Signals are not followed farther than this.
pub const FARTHEST_M: f64 = 3000.0;
/// Resource blocks of a channel of 10 MHz.
const BLOCKS: u32 = 50;
/// A weaker signal is not found.
const SENSITIVITY_DBM: f64 = -90.5;
/// A subchannel with more power than this is busy (3GPP TS 36.214 leaves it to be set).
const BUSY_DBM: f64 = -94.0;
/// The error rates are those of so many.
const RATED_BLOCKS: f64 = 12.0;
/// In each symbol: QPSK at rate 0.7.
const RATED_BITS: f64 = 1.4;
/// At 0, 2, 4 ... dB.
const ERRORS: [f64; 9] = [1.0, 0.9, 0.7, 0.4, 0.13, 0.045, 0.017, 0.007, 0.001];
const ERRORS_STEP_DB: f64 = 2.0;
const SHADOWS: usize = 1024;
/// Shadowing is another after so many metres of either end.
const SHADOW_M: f64 = 25.0;
