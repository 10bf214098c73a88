//! Vehicles with radios, and the air.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde::Deserialize;
use v2x_msg::base::NodeId;

use super::Scenario;
use crate::air::Radios;
use crate::obu::advice::LEAST_MPS;
use crate::obu::fleet as obu;
use crate::plane::Point;
use crate::truth::Epoch;

/// Vehicles with radios, and the air.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AirTable {
    /// How logs call the roadside unit's radio.
    pub name: String,
    /// Added to the roadside unit's configuration of this input as it stands.
    #[serde(default)]
    pub input: toml::Table,
    /// From one BSM to the next: 20, 50, or a multiple of 100.
    #[serde(default = "hundred")]
    pub bsm_ms: u32,
    /// What units believe of their place is off by so much along each axis.
    #[serde(default = "half")]
    pub gnss_sigma_m: f64,
    /// Drivers keep to the speed that they are advised.
    #[serde(default = "yes")]
    pub advice: bool,
    /// Slower nobody is told to drive; left out: 18.
    #[serde(default)]
    pub least_advised_kmh: Option<f64>,
    /// Drivers brake when they are warned.
    #[serde(default)]
    pub warnings: bool,
    /// What vehicles ask of the roadside; left out: nothing.
    #[serde(default)]
    pub asks: Option<AsksTable>,
    /// Middle of the channel.
    #[serde(default)]
    pub carrier_ghz: Option<f64>,
    /// The channel is divided into so many, 1 to 10.
    #[serde(default)]
    pub subchannels: Option<u8>,
    /// What a vehicle radiates.
    #[serde(default)]
    pub vehicle_dbm: Option<f64>,
    /// What the roadside unit radiates.
    #[serde(default)]
    pub roadside_dbm: Option<f64>,
    /// Effective height of a vehicle's antenna.
    #[serde(default)]
    pub vehicle_antenna_m: Option<f64>,
    /// And of the roadside unit's.
    #[serde(default)]
    pub roadside_antenna_m: Option<f64>,
    /// Chance that a booked place is kept when its messages are used up.
    #[serde(default)]
    pub keep: Option<f64>,
}

/// What vehicles ask of the roadside by VIR.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AsksTable {
    /// Whether they may change lanes.
    #[serde(default)]
    pub lane_change: bool,
    /// From so far before the line on they say what they will do there, and who turns asks who is along
    /// its way; 0: never.
    #[serde(default)]
    pub sharing_before_m: f64,
}

impl Scenario {
    /// By node that vehicles come from: the share of them with an on-board unit.
    pub fn equipped(&self) -> Vec<(NodeId, f64)> {
        let equipped = self.file.demand.iter().map(|demand| {
            let from = NodeId {
                region: self.site.node.region,
                id: demand.from,
            };
            (from, demand.equipped)
        });
        equipped.collect()
    }

    /// Vehicles with on-board units, none of them on the road yet, if there are any; this junction is the
    /// only one.
    pub fn fleet(&self, epoch: Epoch, seed: u64) -> Result<Option<obu::Fleet>> {
        let junction = obu::Junction {
            node: self.site.node,
            frame: self.site.frame,
            origin: Point::new(0.0, 0.0),
            equipped: self.equipped(),
        };
        let settings = self.units()?;
        Ok(settings.map(|settings| obu::Fleet::new(settings, vec![junction], epoch, seed)))
    }

    /// The on-board units and their radios, if there are any.
    pub fn units(&self) -> Result<Option<obu::Settings>> {
        let equipped = self.equipped();
        let share = |(_, share): &(NodeId, f64)| (0.0..=1.0).contains(share);
        ensure!(
            equipped.iter().all(share),
            "demand: equipped is a share, 0 to 1"
        );
        let Some(air) = &self.file.air else {
            let nobody = equipped.iter().all(|(_, share)| *share <= 0.0);
            ensure!(nobody, "vehicles are equipped, but there is no [air]");
            return Ok(None);
        };
        let period = matches!(air.bsm_ms, 20 | 50) || (air.bsm_ms > 0 && air.bsm_ms % 100 == 0);
        ensure!(
            period && air.bsm_ms <= 1000,
            "air.bsm-ms is 20, 50 or a multiple of 100 up to 1000"
        );
        let usual = Radios::default();
        let radios = Radios {
            carrier_ghz: air.carrier_ghz.unwrap_or(usual.carrier_ghz),
            subchannels: air.subchannels.unwrap_or(usual.subchannels),
            vehicle_dbm: air.vehicle_dbm.unwrap_or(usual.vehicle_dbm),
            roadside_dbm: air.roadside_dbm.unwrap_or(usual.roadside_dbm),
            vehicle_antenna_m: air.vehicle_antenna_m.unwrap_or(usual.vehicle_antenna_m),
            roadside_antenna_m: air.roadside_antenna_m.unwrap_or(usual.roadside_antenna_m),
            keep: air.keep.unwrap_or(usual.keep),
            ..usual
        };
        let least_advised_mps = air.least_advised_kmh.map_or(LEAST_MPS, |kmh| kmh / 3.6);
        let bounds = [
            ("carrier-ghz", radios.carrier_ghz, 0.5, 8.0),
            ("subchannels", f64::from(radios.subchannels), 1.0, 10.0),
            ("vehicle-dbm", radios.vehicle_dbm, -20.0, 40.0),
            ("roadside-dbm", radios.roadside_dbm, -20.0, 40.0),
            ("vehicle-antenna-m", radios.vehicle_antenna_m, 0.3, 30.0),
            ("roadside-antenna-m", radios.roadside_antenna_m, 0.3, 30.0),
            ("keep", radios.keep, 0.0, 0.8),
            ("gnss-sigma-m", air.gnss_sigma_m, 0.0, 20.0),
            ("least-advised-kmh", least_advised_mps * 3.6, 5.0, 50.0),
        ];
        let asks = air.asks.map(|asks| obu::Asks {
            lane_change: asks.lane_change,
            sharing_before_m: asks.sharing_before_m,
        });
        ensure!(
            asks.is_none_or(|asks| (0.0..=300.0).contains(&asks.sharing_before_m)),
            "air.asks.sharing-before-m is from 0 to 300"
        );
        for (key, value, least, most) in bounds {
            ensure!(
                (least..=most).contains(&value),
                "air.{key} is from {least} to {most}, not {value}"
            );
        }
        Ok(Some(obu::Settings {
            radios,
            bsm: Duration::from_millis(u64::from(air.bsm_ms)),
            gnss_sigma_m: air.gnss_sigma_m,
            advice: air.advice,
            least_advised_mps,
            warnings: air.warnings,
            asks,
        }))
    }
}

const fn hundred() -> u32 {
    100
}

const fn half() -> f64 {
    0.5
}

const fn yes() -> bool {
    true
}
