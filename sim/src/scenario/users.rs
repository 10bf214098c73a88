//! Walkers, riders, who drives the wrong way, and what lies on the road.

use anyhow::{Result, ensure};
use serde::Deserialize;
use v2x_msg::base::PhaseId;

use super::Scenario;
use super::figures::{finite, from_nought, some_from_nought};
use crate::plane::Point;
use crate::world::users::Wish;
use crate::world::vehicles::Kind;

/// Road users that follow a line of their own, or a thing that lies on the road.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct UserTable {
    /// What they are.
    pub kind: UserKind,
    /// Their way, east and north of the site's origin; one point for what stays where it is.
    pub way_m: Vec<[f64; 2]>,
    /// So wide is the way of walkers who push each other; left out: they keep to its line.
    #[serde(default, deserialize_with = "from_nought")]
    pub wide_m: f64,
    /// Mean speed, and its standard deviation.
    #[serde(default, deserialize_with = "from_nought")]
    pub speed_mps: f64,
    /// See `speed_mps`.
    #[serde(default, deserialize_with = "from_nought")]
    pub speed_sigma_mps: f64,
    /// The first comes so long after the start of the roadside unit.
    #[serde(deserialize_with = "finite")]
    pub from_s: f64,
    /// Nobody comes from then on, and what stays is gone.
    #[serde(deserialize_with = "finite")]
    pub until_s: f64,
    /// So many come in an hour, by chance; left out: one.
    #[serde(default, deserialize_with = "some_from_nought")]
    pub per_hour: Option<f64>,
    /// They wait there on their way,
    #[serde(default, deserialize_with = "some_from_nought")]
    pub wait_at_m: Option<f64>,
    /// for green of this phase,
    #[serde(default)]
    pub phase: Option<u8>,
    /// and until no vehicle reaches their way within this time.
    #[serde(default, deserialize_with = "from_nought")]
    pub gap_s: f64,
    /// Along, across, above ground; by default what is usual.
    #[serde(default)]
    pub size_m: Option<[f64; 3]>,
    /// The event that they are, by GB/T 29100-2012, from where they have waited on.
    #[serde(default)]
    pub event_type: Option<u16>,
}

/// What follows a line of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UserKind {
    /// Somebody on foot.
    Pedestrian,
    /// Bicycle.
    Bicycle,
    /// Electric bicycle.
    EBike,
    /// A car whose driver does as the scenario wants.
    Car,
    /// A dog, a deer.
    Animal,
    /// A thing.
    Object,
}

impl UserKind {
    /// What it is in the world.
    pub const fn kind(self) -> Kind {
        match self {
            Self::Pedestrian => Kind::Pedestrian,
            Self::Bicycle => Kind::Bicycle,
            Self::EBike => Kind::ElectricBicycle,
            Self::Car => Kind::Car,
            Self::Animal => Kind::Animal,
            Self::Object => Kind::Object,
        }
    }

    /// Along, across, above ground: what is usual.
    pub const fn size_m(self) -> [f64; 3] {
        match self {
            Self::Pedestrian => [0.5, 0.6, 1.7],
            Self::Bicycle => [1.8, 0.7, 1.7],
            Self::EBike => [1.7, 0.7, 1.6],
            Self::Car => [4.6, 1.85, 1.5],
            Self::Animal => [1.1, 0.4, 0.9],
            Self::Object => [0.8, 0.8, 1.0],
        }
    }
}

impl Scenario {
    /// Road users on lines of their own.
    pub(super) fn wishes(&self) -> Result<Vec<Wish>> {
        let wishes = self.file.user.iter().map(|table| self.wish(table));
        wishes.collect()
    }

    fn wish(&self, table: &UserTable) -> Result<Wish> {
        ensure!(!table.way_m.is_empty(), "a user has a way-m");
        ensure!(
            table.way_m.len() == 1 || table.speed_mps > 0.0,
            "a user with a way has a speed-mps"
        );
        let walks = table.kind.kind() == Kind::Pedestrian && table.way_m.len() > 1;
        ensure!(
            table.wide_m == 0.0 || walks && (0.5..=20.0).contains(&table.wide_m),
            "wide-m is for pedestrians with a way, from 0.5 to 20"
        );
        ensure!(
            table.from_s < table.until_s,
            "a user comes before it is to be gone"
        );
        if let Some(id) = table.phase {
            let known = self.site.phase(PhaseId::new(id)?).is_some();
            ensure!(known, "a user waits for phase {id}, which the site has not");
        }
        let way = table.way_m.iter();
        Ok(Wish {
            kind: table.kind.kind(),
            way: way
                .map(|&[east_m, north_m]| Point::new(east_m, north_m))
                .collect(),
            faces: Point::new(0.0, 1.0),
            size_m: table.size_m.unwrap_or(table.kind.size_m()),
            wide_m: table.wide_m,
            speed_mps: (table.speed_mps, table.speed_sigma_mps),
            from: self.moment(table.from_s),
            until: self.moment(table.until_s),
            per_hour: table.per_hour,
            wait_m: table.wait_at_m,
            phase: table.phase.map(PhaseId::new).transpose()?,
            gap_s: table.gap_s,
            room_m: ROOM_M,
            event_type: table.event_type,
        })
    }
}

/// Nothing is put down so near before a vehicle.
const ROOM_M: f64 = 15.0;
