//! Vehicles that are parked, one or a row of them.
//!
//! They stand from the beginning of the world, or for a time, where the scenario says: nobody parks or drives off.
//! Where one may park is for the site, whose lanes of the kind `parking` say so; who parks elsewhere can be an event
//! to the judge. Drivers brake for one that stands in their lane as for everything that lies there.

use anyhow::{Result, ensure};
use rsu::clock::Mono;
use serde::Deserialize;

use super::Scenario;
use super::figures::{finite, from_nought, some_finite};
use crate::plane::Point;
use crate::world::users::Wish;
use crate::world::vehicles::Kind;

/// A parked vehicle, or a row.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ParkedTable {
    /// What they are.
    #[serde(default)]
    pub kind: ParkedKind,
    /// The middle of the first, east and north of the site's origin.
    pub place_m: [f64; 2],
    /// Which way they point, clockwise from north.
    #[serde(deserialize_with = "finite")]
    pub heading_deg: f64,
    /// How many: each stands behind the one before it,
    #[serde(default = "one")]
    pub count: u8,
    /// and so far from it.
    #[serde(default = "one_metre", deserialize_with = "from_nought")]
    pub gap_m: f64,
    /// Length, width, height; by default what is usual.
    #[serde(default)]
    pub size_m: Option<[f64; 3]>,
    /// Since when, after the start of the roadside unit; left out: all the time before.
    #[serde(default, deserialize_with = "some_finite")]
    pub from_s: Option<f64>,
    /// Until when; left out: all the time after.
    #[serde(default, deserialize_with = "some_finite")]
    pub until_s: Option<f64>,
    /// The event that they are, by GB/T 29100-2012, where one may not park.
    #[serde(default)]
    pub event_type: Option<u16>,
}

/// What is parked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ParkedKind {
    /// Passenger car or van.
    #[default]
    Car,
    /// Lorry.
    Truck,
    /// Bus.
    Bus,
}

impl ParkedKind {
    /// What it is in the world, and its usual length, width and height.
    const fn body(self) -> (Kind, [f64; 3]) {
        match self {
            Self::Car => (Kind::Car, [4.6, 1.85, 1.5]),
            Self::Truck => (Kind::Truck, [8.0, 2.4, 3.2]),
            Self::Bus => (Kind::Bus, [12.0, 2.55, 3.1]),
        }
    }
}

impl Scenario {
    /// Vehicles that are parked.
    pub(super) fn parked(&self) -> Result<Vec<Wish>> {
        let mut wishes = Vec::new();
        for table in &self.file.parked {
            let (kind, usual_m) = table.kind.body();
            let size_m = table.size_m.unwrap_or(usual_m);
            ensure!(
                size_m.iter().all(|&m| (0.3..=30.0).contains(&m)),
                "size-m of what is parked is length, width and height of 0.3 to 30 m"
            );
            let from = table.from_s.map_or(Mono::ZERO, |s| self.moment(s));
            let until = table.until_s.map_or(FOR_EVER, |s| self.moment(s));
            ensure!(from < until, "what is parked comes before it is to be gone");
            let heading = table.heading_deg.to_radians();
            let faces = Point::new(libm::sin(heading), libm::cos(heading));
            let [east_m, north_m] = table.place_m;
            let first = Point::new(east_m, north_m);
            wishes.extend((0..table.count).map(|n| {
                let back_m = f64::from(n) * (size_m[0] + table.gap_m);
                Wish {
                    kind,
                    way: vec![first.minus(faces.times(back_m))],
                    faces,
                    size_m,
                    wide_m: 0.0,
                    speed_mps: (0.0, 0.0),
                    from,
                    until,
                    per_hour: None,
                    wait_m: None,
                    phase: None,
                    gap_s: 0.0,
                    room_m: 0.0,
                    event_type: table.event_type,
                }
            }));
        }
        Ok(wishes)
    }
}

const fn one() -> u8 {
    1
}

const fn one_metre() -> f64 {
    1.0
}

const FOR_EVER: Mono = Mono::from_nanos(u64::MAX);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_stands_behind_its_first_and_points_where_it_is_said_to() {
        let row = "[{ place-m = [11.5, 100.0], heading-deg = 180.0, count = 3, gap-m = 0.9 }]";
        let set = [("parked".to_owned(), row.to_owned())];
        let scenario = Scenario::find_with("moyu-boyuan", &set).expect("a scenario");
        let mut world = scenario.world(1).expect("a world");
        world.step();
        let bodies = world.people().to_vec();
        let norths: Vec<f64> = bodies.iter().map(|one| one.centre.north_m).collect();
        for (north_m, wanted_m) in norths.iter().zip([100.0, 105.5, 111.0]) {
            assert!((north_m - wanted_m).abs() < 1e-9, "{norths:?}");
        }
        for body in bodies {
            assert_eq!((body.kind, body.speed_mps), (Kind::Car, 0.0));
            assert!(body.direction.north_m < -0.999 && (body.centre.east_m - 11.5).abs() < 1e-9);
        }
    }

    #[test]
    fn what_is_parked_beside_a_lane_holds_up_nobody_and_what_stands_in_it_does() {
        // Lane 3 from the north is 3.5 m wide about 8.5 m west of the middle; it ends at 10.25 m.
        let through = |place: &str| {
            let one = format!("[{{ place-m = {place}, heading-deg = 180.0 }}]");
            let set = [("parked".to_owned(), one)];
            let scenario = Scenario::find_with("moyu-boyuan", &set).expect("a scenario");
            let mut world = scenario.world(1).expect("a world");
            let mut passed = 0;
            for _ in 0..3000 {
                world.step();
                passed += world.crossings().len();
            }
            passed
        };
        let (none, beside, within) = (
            through("[-60.0, 200.0]"),
            through("[-11.5, 100.0]"),
            through("[-8.5, 100.0]"),
        );
        assert_eq!(none, beside);
        assert!(within < none, "{within} of {none}");
    }
}
