//! The door between metres and degrees: a site's local frame.
//!
//! Fusion, simulation and road models compute in metres east, north and up of a surveyed origin;
//! messages hold steps of 1e-7 degree. [`EnuFrame`] is the one place that turns one into the other,
//! by way of earth-centred coordinates, so nothing is approximated but by rounding: a point within
//! 2 km comes back within a micrometre, or within half a step where it was rounded to steps.
//! Ellipsoid: WGS-84 (CGCS2000 differs by 0.1 mm in its flattening).

use super::{Elevation, GeoPosition, OutOfRange};

/// Metres from the origin of a site, in the plane that touches the ellipsoid there.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Enu {
    /// Towards the east.
    pub east_m: f64,
    /// Towards true north.
    pub north_m: f64,
    /// Away from the earth. The earth falls away from the plane by 0.3 m at 2 km.
    pub up_m: f64,
}

/// A position in degrees that is not rounded to steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Degrees {
    /// Latitude, degrees north.
    pub lat_deg: f64,
    /// Longitude, degrees east.
    pub lon_deg: f64,
    /// Above the ellipsoid, in metres.
    pub height_m: f64,
}

/// The local frame of one site.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EnuFrame {
    origin: GeoPosition,
    height_m: f64,
    centre: [f64; 3],
    sin_lat: f64,
    cos_lat: f64,
    sin_lon: f64,
    cos_lon: f64,
}

impl EnuFrame {
    /// The frame that touches the earth at `origin`; an origin without a height counts as 0 m.
    pub fn new(origin: GeoPosition) -> Self {
        let height_m = origin.elevation().map_or(0.0, Elevation::m);
        let place = Degrees {
            lat_deg: origin.lat_deg(),
            lon_deg: origin.lon_deg(),
            height_m,
        };
        let (sin_lat, cos_lat) = place.lat_deg.to_radians().sin_cos();
        let (sin_lon, cos_lon) = place.lon_deg.to_radians().sin_cos();
        EnuFrame {
            origin,
            height_m,
            centre: earth_centred(place),
            sin_lat,
            cos_lat,
            sin_lon,
            cos_lon,
        }
    }

    /// Where the frame has its zero.
    pub fn origin(&self) -> GeoPosition {
        self.origin
    }

    /// In metres. A position without a height is taken to be as high as the origin.
    pub fn enu(&self, position: GeoPosition) -> Enu {
        self.enu_of(Degrees {
            lat_deg: position.lat_deg(),
            lon_deg: position.lon_deg(),
            height_m: position.elevation().map_or(self.height_m, Elevation::m),
        })
    }

    /// In metres, from degrees that were not rounded.
    pub fn enu_of(&self, place: Degrees) -> Enu {
        let [x, y, z] = earth_centred(place);
        let [dx, dy, dz] = [x - self.centre[0], y - self.centre[1], z - self.centre[2]];
        let outward = self.cos_lon * dx + self.sin_lon * dy;
        Enu {
            east_m: self.cos_lon * dy - self.sin_lon * dx,
            north_m: self.cos_lat * dz - self.sin_lat * outward,
            up_m: self.sin_lat * dz + self.cos_lat * outward,
        }
    }

    /// In degrees, not rounded. Far outside the earth's surface the latitude loses accuracy.
    pub fn degrees(&self, point: Enu) -> Degrees {
        let outward = self.cos_lat * point.up_m - self.sin_lat * point.north_m;
        let dx = self.cos_lon * outward - self.sin_lon * point.east_m;
        let dy = self.sin_lon * outward + self.cos_lon * point.east_m;
        let dz = self.sin_lat * point.up_m + self.cos_lat * point.north_m;
        geodetic([
            self.centre[0] + dx,
            self.centre[1] + dy,
            self.centre[2] + dz,
        ])
    }

    /// In steps, with the height. Refused beyond 100 km from the origin, where a coordinate is not a
    /// number, and where the height is beyond what can be sent.
    pub fn position(&self, point: Enu) -> Result<GeoPosition, OutOfRange> {
        within_reach(point)?;
        let place = self.degrees(point);
        let elevation = Elevation::from_m(place.height_m)?;
        GeoPosition::from_deg(place.lat_deg, place.lon_deg, Some(elevation))
    }

    /// In steps, for a point on the ground whose height nobody measured. Refused as in
    /// [`EnuFrame::position`].
    pub fn ground_position(&self, east_m: f64, north_m: f64) -> Result<GeoPosition, OutOfRange> {
        let point = Enu {
            east_m,
            north_m,
            up_m: 0.0,
        };
        within_reach(point)?;
        let place = self.degrees(point);
        GeoPosition::from_deg(place.lat_deg, place.lon_deg, None)
    }
}

fn within_reach(point: Enu) -> Result<(), OutOfRange> {
    let what = "distance from the site";
    for value in [point.east_m, point.north_m, point.up_m] {
        if value.is_nan() || value.abs() > REACH_M {
            return Err(OutOfRange {
                what,
                unit: "m",
                value,
                min: -REACH_M,
                max: REACH_M,
            });
        }
    }
    Ok(())
}

/// A site is smaller than this by far; beyond it, a coordinate is a mistake.
const REACH_M: f64 = 100_000.0;
/// Semi-major axis of WGS-84 in metres.
const A_M: f64 = 6_378_137.0;
/// Flattening of WGS-84.
const F: f64 = 1.0 / 298.257_223_563;
/// Semi-minor axis in metres.
const B_M: f64 = A_M * (1.0 - F);
/// First eccentricity, squared.
const E2: f64 = F * (2.0 - F);
/// Second eccentricity, squared.
const EP2: f64 = E2 / (1.0 - E2);

fn earth_centred(place: Degrees) -> [f64; 3] {
    let (sin_lat, cos_lat) = place.lat_deg.to_radians().sin_cos();
    let (sin_lon, cos_lon) = place.lon_deg.to_radians().sin_cos();
    let normal = A_M / (1.0 - E2 * sin_lat * sin_lat).sqrt();
    let across = (normal + place.height_m) * cos_lat;
    [
        across * cos_lon,
        across * sin_lon,
        (normal * (1.0 - E2) + place.height_m) * sin_lat,
    ]
}

/// Bowring's method. One pass is good to a micrometre near the ground; the second costs little and
/// serves heights that come from bad input.
///
/// Angles are told by the two sides of a right triangle until the end, for only their sines and cosines are
/// asked for.
fn geodetic([x, y, z]: [f64; 3]) -> Degrees {
    let across = (x * x + y * y).sqrt();
    let unit = |(up, along): (f64, f64)| {
        let length = (up * up + along * along).sqrt();
        (up / length, along / length)
    };
    let mut reduced = (z * A_M, across * B_M);
    let mut lat = reduced;
    for _ in 0..2 {
        let (sin, cos) = unit(reduced);
        lat = (z + EP2 * B_M * sin.powi(3), across - E2 * A_M * cos.powi(3));
        reduced = (B_M * lat.0, A_M * lat.1);
    }
    let (sin_lat, cos_lat) = unit(lat);
    let root = (1.0 - E2 * sin_lat * sin_lat).sqrt();
    // This form of the height holds at the poles too.
    let height_m = across * cos_lat + z * sin_lat - A_M * root;
    Degrees {
        lat_deg: lat.0.atan2(lat.1).to_degrees(),
        lon_deg: y.atan2(x).to_degrees(),
        height_m,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn anting() -> EnuFrame {
        let height = Elevation::from_m(12.3).unwrap();
        EnuFrame::new(GeoPosition::from_deg(31.287, 121.166, Some(height)).unwrap())
    }

    /// Expected values: PROJ 9, `+proj=cart` then `+proj=topocentric`, WGS-84.
    #[test]
    fn metres_agree_with_proj() {
        let cases = [
            (
                (31.288, 121.167, 12.3),
                (95.216_214, 110.875_065, -0.001_678),
            ),
            (
                (31.287, 121.187, 20.0),
                (1_999.563_967, 0.190_301, 7.386_850),
            ),
            (
                (31.27, 121.15, 0.0),
                (-1_523.745_831, -1_884.751_959, -12.761_440),
            ),
            ((31.305, 121.166, 12.3), (0.0, 1_995.746_013, -0.313_491)),
        ];
        for ((lat_deg, lon_deg, height_m), (east, north, up)) in cases {
            let found = anting().enu_of(Degrees {
                lat_deg,
                lon_deg,
                height_m,
            });
            assert!((found.east_m - east).abs() < 2e-6, "{found:?}");
            assert!((found.north_m - north).abs() < 2e-6, "{found:?}");
            assert!((found.up_m - up).abs() < 2e-6, "{found:?}");
        }
    }

    #[test]
    fn the_frame_works_across_the_date_line() {
        let height = Elevation::from_m(100.0).unwrap();
        let frame = EnuFrame::new(GeoPosition::from_deg(-45.0, 179.9999, Some(height)).unwrap());
        let west = GeoPosition::from_deg(-45.001, -179.9999, Some(height)).unwrap();
        let found = frame.enu(west);
        assert!((found.east_m - 15.769_340).abs() < 2e-6, "{found:?}");
        assert!((found.north_m + 111.133_552).abs() < 2e-6, "{found:?}");
        assert_eq!(frame.position(found).unwrap(), west);
    }

    #[test]
    fn the_origin_is_zero() {
        let zero = anting().enu(anting().origin());
        assert!(zero.east_m.abs() + zero.north_m.abs() + zero.up_m.abs() < 1e-8);
    }

    #[test]
    fn points_that_are_not_numbers_are_refused() {
        let nowhere = Enu {
            east_m: f64::NAN,
            ..Enu::default()
        };
        assert!(anting().position(nowhere).is_err());
        assert!(anting().ground_position(0.0, f64::INFINITY).is_err());
    }

    proptest! {
        #[test]
        fn points_within_two_kilometres_come_back_within_a_micrometre(
            east_m in -2000.0..2000.0, north_m in -2000.0..2000.0, up_m in -50.0..300.0,
        ) {
            let back = anting().enu_of(anting().degrees(Enu { east_m, north_m, up_m }));
            prop_assert!((back.east_m - east_m).abs() < 1e-6);
            prop_assert!((back.north_m - north_m).abs() < 1e-6);
            prop_assert!((back.up_m - up_m).abs() < 1e-6);
        }

        #[test]
        fn two_sides_of_a_triangle_say_what_angles_do(
            x in -7e6..7e6f64, y in -7e6..7e6f64, z in -7e6..7e6f64,
        ) {
            // Near the middle of the earth no latitude means anything.
            prop_assume!(x.hypot(y).hypot(z) > 1e6);
            let (told, plain) = (geodetic([x, y, z]), geodetic_by_angles([x, y, z]));
            prop_assert!((told.lat_deg - plain.lat_deg).abs() < 1e-12);
            prop_assert!((told.lon_deg - plain.lon_deg).abs() < 1e-12);
            prop_assert!((told.height_m - plain.height_m).abs() < 1e-8);
        }

        #[test]
        fn rounding_to_steps_costs_half_a_step(
            east_m in -2000.0..2000.0, north_m in -2000.0..2000.0, up_m in -50.0..300.0,
        ) {
            let back = anting().enu(anting().position(Enu { east_m, north_m, up_m }).unwrap());
            // Half of 1e-7 degree is 5.6 mm, half a step of height 5 cm.
            prop_assert!((back.east_m - east_m).abs() < 0.0057);
            prop_assert!((back.north_m - north_m).abs() < 0.0057);
            prop_assert!((back.up_m - up_m).abs() < 0.0501);
        }
    }

    /// Bowring's method as it is written.
    fn geodetic_by_angles([x, y, z]: [f64; 3]) -> Degrees {
        let across = x.hypot(y);
        let mut reduced = (z * A_M).atan2(across * B_M);
        let mut lat = 0.0;
        for _ in 0..2 {
            let (sin, cos) = reduced.sin_cos();
            lat = (z + EP2 * B_M * sin.powi(3)).atan2(across - E2 * A_M * cos.powi(3));
            reduced = (B_M * lat.sin()).atan2(A_M * lat.cos());
        }
        let (sin, cos) = lat.sin_cos();
        let root = (1.0 - E2 * sin * sin).sqrt();
        Degrees {
            lat_deg: lat.to_degrees(),
            lon_deg: y.atan2(x).to_degrees(),
            height_m: across * cos + z * sin - A_M * root,
        }
    }
}
