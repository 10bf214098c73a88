//! The objects of gpsd that matter here: TPV and SKY.

use serde::Deserialize;

use crate::clock::Utc;
use crate::inputs::iso;
use crate::inputs::json::Number;
use crate::report::{Fix, Receiver};

/// One object, whichever it is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Object {
    pub(super) class: Option<String>,
    mode: Number,
    status: Number,
    time: Option<String>,
    lat: Number,
    lon: Number,
    hdop: Number,
    #[serde(rename = "uSat")]
    used: Number,
    #[serde(rename = "nSat")]
    seen: Number,
}

pub(super) fn parse(bytes: &[u8]) -> Result<Object, serde_json::Error> {
    serde_json::from_slice(bytes)
}

impl Object {
    /// Place and time.
    pub(super) fn tpv(&self, known: &mut Receiver) {
        let mode = self.mode.whole(0..=3).unwrap_or(0);
        known.height_known = mode == 3;
        known.fix = match (mode, self.status.whole(0..=9)) {
            (0 | 1, _) => Fix::None,
            (_, Some(2)) => Fix::Differential,
            (_, Some(3)) => Fix::Rtk,
            (_, Some(4)) => Fix::RtkFloat,
            // 5 to 8 are dead reckoning, a surveyed place, a simulation.
            (_, Some(5 | 6 | 8)) => Fix::None,
            _ => Fix::Alone,
        };
        let time = self.time.as_deref().and_then(iso::unix_ms);
        known.utc = time.and_then(Utc::from_unix_ms);
        let fixed = known.fix != Fix::None;
        known.place_deg = match (self.lat.finite(), self.lon.finite()) {
            (Some(lat), Some(lon)) if fixed => Some((lat, lon)),
            _ => None,
        };
    }

    /// Satellites.
    pub(super) fn sky(&self, known: &mut Receiver) {
        let count = |n: Number| n.whole(0..=255).and_then(|n| u8::try_from(n).ok());
        known.satellites_used = count(self.used).or(known.satellites_used);
        known.satellites_in_view = count(self.seen).or(known.satellites_in_view);
        known.hdop = self.hdop.finite().or(known.hdop);
    }
}
