//! A point on the earth in the steps of the air: 1e-7 degree, and 0.1 m of height.
//!
//! WGS-84, which for this purpose is CGCS2000; never the shifted GCJ-02 of public maps.
//! Not here: metres ([`super::enu`]) and the offset classes of the message (`kinds::wire`).

use super::{Elevation, OutOfRange};

/// Latitude and longitude in steps of 1e-7 degree (about 1 cm), and perhaps a height.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GeoPosition {
    lat_e7: i32,
    lon_e7: i32,
    elevation: Option<Elevation>,
}

/// A full turn in steps of longitude.
const TURN_E7: i64 = 3_600_000_000;

impl GeoPosition {
    const LAT_MAX_E7: i32 = 900_000_000;
    const LON_MAX_E7: i32 = 1_800_000_000;

    /// From steps of 1e-7 degree: latitude -90 to 90 degrees, longitude -180 to 180.
    /// -180 degrees is the same meridian as 180 and is held as that.
    pub fn new(lat_e7: i32, lon_e7: i32, elevation: Option<Elevation>) -> Result<Self, OutOfRange> {
        if !(-Self::LAT_MAX_E7..=Self::LAT_MAX_E7).contains(&lat_e7) {
            return Err(degrees("latitude", f64::from(lat_e7) / 1e7, 90.0));
        }
        if !(-Self::LON_MAX_E7..=Self::LON_MAX_E7).contains(&lon_e7) {
            return Err(degrees("longitude", f64::from(lon_e7) / 1e7, 180.0));
        }
        // The standard's longitude begins at -179.9999999 degrees.
        let lon_e7 = if lon_e7 == -Self::LON_MAX_E7 {
            Self::LON_MAX_E7
        } else {
            lon_e7
        };
        Ok(GeoPosition {
            lat_e7,
            lon_e7,
            elevation,
        })
    }

    /// From degrees, to the nearest step; what is not finite or out of range is refused.
    pub fn from_deg(
        lat_deg: f64,
        lon_deg: f64,
        elevation: Option<Elevation>,
    ) -> Result<Self, OutOfRange> {
        if lat_deg.is_nan() || lat_deg.abs() > 90.0 {
            return Err(degrees("latitude", lat_deg, 90.0));
        }
        if lon_deg.is_nan() || lon_deg.abs() > 180.0 {
            return Err(degrees("longitude", lon_deg, 180.0));
        }
        Self::new(
            (lat_deg * 1e7).round() as i32,
            (lon_deg * 1e7).round() as i32,
            elevation,
        )
    }

    /// The same place at another height.
    #[must_use]
    pub fn at_elevation(self, elevation: Option<Elevation>) -> Self {
        GeoPosition { elevation, ..self }
    }

    /// The place this many steps of 1e-7 degree away, without a height. None beyond a pole;
    /// the meridian of 180 degrees is crossed.
    pub fn offset_e7(self, lat_e7: i32, lon_e7: i32) -> Option<Self> {
        let lat = i64::from(self.lat_e7) + i64::from(lat_e7);
        let mut lon = i64::from(self.lon_e7) + i64::from(lon_e7);
        if lon > i64::from(Self::LON_MAX_E7) {
            lon -= TURN_E7;
        } else if lon <= -i64::from(Self::LON_MAX_E7) {
            lon += TURN_E7;
        }
        Self::new(i32::try_from(lat).ok()?, i32::try_from(lon).ok()?, None).ok()
    }

    /// Steps of 1e-7 degree from here to `other`: (latitude, longitude), the short way round.
    pub fn steps_to(self, other: GeoPosition) -> (i32, i32) {
        let lat = other.lat_e7 - self.lat_e7;
        let mut lon = i64::from(other.lon_e7) - i64::from(self.lon_e7);
        if lon > TURN_E7 / 2 {
            lon -= TURN_E7;
        } else if lon < -TURN_E7 / 2 {
            lon += TURN_E7;
        }
        // At most half a turn, which i32 holds.
        (lat, lon as i32)
    }

    /// Latitude in steps of 1e-7 degree.
    pub fn lat_e7(self) -> i32 {
        self.lat_e7
    }

    /// Longitude in steps of 1e-7 degree.
    pub fn lon_e7(self) -> i32 {
        self.lon_e7
    }

    /// Latitude in degrees.
    pub fn lat_deg(self) -> f64 {
        f64::from(self.lat_e7) / 1e7
    }

    /// Longitude in degrees.
    pub fn lon_deg(self) -> f64 {
        f64::from(self.lon_e7) / 1e7
    }

    /// Above the ellipsoid; None where nobody knows.
    pub fn elevation(self) -> Option<Elevation> {
        self.elevation
    }
}

fn degrees(what: &'static str, value: f64, max: f64) -> OutOfRange {
    OutOfRange {
        what,
        unit: "deg",
        value,
        min: -max,
        max,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn degrees_are_rounded_to_a_centimetre() {
        let place = GeoPosition::from_deg(31.287_000_04, -121.166_000_06, None).unwrap();
        assert_eq!(
            (place.lat_e7(), place.lon_e7()),
            (312_870_000, -1_211_660_001)
        );
    }

    #[test]
    fn the_codes_for_no_position_cannot_be_built() {
        assert!(GeoPosition::new(900_000_001, 0, None).is_err());
        assert!(GeoPosition::new(0, 1_800_000_001, None).is_err());
        assert!(GeoPosition::from_deg(f64::NAN, 0.0, None).is_err());
        assert!(GeoPosition::from_deg(0.0, f64::INFINITY, None).is_err());
    }

    #[test]
    fn the_date_line_has_one_longitude() {
        let east = GeoPosition::from_deg(10.0, 180.0, None).unwrap();
        assert_eq!(GeoPosition::from_deg(10.0, -180.0, None).unwrap(), east);
    }

    #[test]
    fn offsets_cross_the_date_line_and_come_back() {
        let east = GeoPosition::new(0, 1_799_999_999, None).unwrap();
        let west = GeoPosition::new(5, -1_799_999_998, None).unwrap();
        assert_eq!(east.steps_to(west), (5, 3));
        assert_eq!(east.offset_e7(5, 3), Some(west));
        assert_eq!(west.offset_e7(-5, -3), Some(east));
        assert_eq!(east.offset_e7(900_000_001, 0), None);
    }
}
