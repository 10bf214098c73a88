//! Where a road model's coordinates are on the earth.
//!
//! Road models count metres in a projection (transverse Mercator, of which UTM is a kind) or from a
//! point of their own. Grid north is not true north and a grid metre not a metre, so every point goes
//! by way of degrees. Krüger's series to the third order is good to less than a millimetre within
//! 1,000 km of the central meridian.

use v2x_msg::base::{Degrees, Enu, EnuFrame, GeoPosition};

/// Farther from its zero than this no projection of ours goes; also keeps sums finite.
const REACH_M: f64 = 2e7;

/// From a road model's coordinates to degrees.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// Metres east and north of a point.
    Local(EnuFrame),
    /// Metres in a projection, moved.
    Projected(TransverseMercator),
    /// Degrees already, longitude first.
    Degrees,
}

impl Place {
    /// x towards the east and y towards the north of `origin`.
    pub(super) fn local(origin: GeoPosition) -> Self {
        Place::Local(EnuFrame::new(origin))
    }

    /// What a PROJ text such as `+proj=utm +zone=51 +ellps=WGS84` says, for coordinates to which
    /// `shift` must be added to be in that projection.
    ///
    /// # Errors
    /// What is not understood, as a fragment.
    pub(super) fn proj(text: &str, shift: (f64, f64)) -> Result<Self, String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let value = |key: &str| {
            words
                .iter()
                .find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
        };
        let number = |key: &str, default: f64| match value(key) {
            None => Ok(default),
            Some(text) => match text.parse::<f64>() {
                Ok(value) if value.is_finite() => Ok(value),
                _ => Err(format!("{key}={text} is not a number")),
            },
        };
        for key in ["+ellps", "+datum"] {
            if let Some(other) = value(key).filter(|name| !ELLIPSOIDS.contains(name)) {
                return Err(format!("{key}={other} is not WGS-84 or its like"));
            }
        }
        match value("+proj") {
            Some("utm") => {
                let zone = number("+zone", 0.0)?;
                if !(1.0..=60.0).contains(&zone) {
                    return Err("+proj=utm needs +zone from 1 to 60".to_owned());
                }
                let south = words.contains(&"+south");
                let false_zero = (500_000.0, if south { 10_000_000.0 } else { 0.0 });
                let meridian_deg = zone.trunc() * 6.0 - 183.0;
                Ok(Place::Projected(TransverseMercator::new(
                    0.0,
                    meridian_deg,
                    0.9996,
                    false_zero,
                    shift,
                )))
            }
            Some("tmerc") => {
                let scale = number("+k", number("+k_0", 1.0)?)?;
                let (lat_deg, lon_deg) = (number("+lat_0", 0.0)?, number("+lon_0", 0.0)?);
                if !(0.9..=1.1).contains(&scale) || lat_deg.abs() > 85.0 || lon_deg.abs() > 180.0 {
                    return Err("+lat_0, +lon_0 or +k is out of range".to_owned());
                }
                let false_zero = (number("+x_0", 0.0)?, number("+y_0", 0.0)?);
                Ok(Place::Projected(TransverseMercator::new(
                    lat_deg, lon_deg, scale, false_zero, shift,
                )))
            }
            Some("longlat" | "latlong") => Ok(Place::Degrees),
            Some(other) => Err(format!("+proj={other} is not one of utm, tmerc, longlat")),
            None => Err("it is no PROJ text with +proj=".to_owned()),
        }
    }

    /// Of one point; None beyond all reach.
    pub(super) fn degrees(&self, x: f64, y: f64) -> Option<Degrees> {
        if !(x.abs() <= REACH_M && y.abs() <= REACH_M) {
            return None;
        }
        let place = match self {
            Place::Local(frame) => frame.degrees(Enu {
                east_m: x,
                north_m: y,
                up_m: 0.0,
            }),
            Place::Projected(projection) => projection.degrees(x, y),
            Place::Degrees => Degrees {
                lat_deg: y,
                lon_deg: x,
                height_m: 0.0,
            },
        };
        let on_earth = place.lat_deg.abs() <= 90.0 && place.lon_deg.abs() <= 180.0;
        on_earth.then_some(place)
    }
}

/// All of them agree with WGS-84 to less than a millimetre at a junction's size.
const ELLIPSOIDS: [&str; 4] = ["WGS84", "GRS80", "CGCS2000", "ETRS89"];

/// Gauss's conformal projection with its zero and scale, inverted.
#[derive(Clone, Debug)]
pub(super) struct TransverseMercator {
    meridian_deg: f64,
    /// Metres of the projection for one unit of the series.
    radius_m: f64,
    /// What to add to x and y before all else.
    shift: (f64, f64),
    /// How far north the zero lies, in units of the series.
    north_of_zero: f64,
}

impl TransverseMercator {
    fn new(
        lat_deg: f64,
        meridian_deg: f64,
        scale: f64,
        (false_east_m, false_north_m): (f64, f64),
        shift: (f64, f64),
    ) -> Self {
        let n2 = N * N;
        let sphere_m = A_M / (1.0 + N) * (1.0 + n2 / 4.0 + n2 * n2 / 64.0);
        Self {
            meridian_deg,
            radius_m: sphere_m * scale,
            shift: (shift.0 - false_east_m, shift.1 - false_north_m),
            north_of_zero: rectifying(lat_deg.to_radians()),
        }
    }

    fn degrees(&self, x: f64, y: f64) -> Degrees {
        let east = (x + self.shift.0) / self.radius_m;
        let north = (y + self.shift.1) / self.radius_m + self.north_of_zero;
        let (mut xi, mut eta) = (north, east);
        for (j, beta) in (1_u8..).zip(BETA) {
            let twice = 2.0 * f64::from(j);
            xi -= beta * (twice * north).sin() * (twice * east).cosh();
            eta -= beta * (twice * north).cos() * (twice * east).sinh();
        }
        let conformal = (xi.sin() / eta.cosh()).asin();
        let lat: f64 = (1_u8..)
            .zip(DELTA)
            .map(|(j, delta)| delta * (2.0 * f64::from(j) * conformal).sin())
            .sum::<f64>()
            + conformal;
        Degrees {
            lat_deg: lat.to_degrees(),
            lon_deg: self.meridian_deg + eta.sinh().atan2(xi.cos()).to_degrees(),
            height_m: 0.0,
        }
    }
}

/// The latitude at which a sphere's meridian is as long as the ellipsoid's.
fn rectifying(lat_rad: f64) -> f64 {
    let e = (4.0 * N).sqrt() / (1.0 + N);
    let sin = lat_rad.sin();
    let conformal = (sin.atanh() - e * (e * sin).atanh()).sinh().atan();
    let series = (1_u8..).zip(ALPHA);
    series
        .map(|(j, alpha)| alpha * (2.0 * f64::from(j) * conformal).sin())
        .sum::<f64>()
        + conformal
}

/// Semi-major axis of WGS-84 in metres.
const A_M: f64 = 6_378_137.0;
/// Third flattening of WGS-84.
const N: f64 = 1.0 / (2.0 * 298.257_223_563 - 1.0);
const N2: f64 = N * N;
const N3: f64 = N * N * N;
const ALPHA: [f64; 3] = [
    N / 2.0 - 2.0 / 3.0 * N2 + 5.0 / 16.0 * N3,
    13.0 / 48.0 * N2 - 3.0 / 5.0 * N3,
    61.0 / 240.0 * N3,
];
const BETA: [f64; 3] = [
    N / 2.0 - 2.0 / 3.0 * N2 + 37.0 / 96.0 * N3,
    1.0 / 48.0 * N2 + 1.0 / 15.0 * N3,
    17.0 / 480.0 * N3,
];
const DELTA: [f64; 3] = [
    2.0 * N - 2.0 / 3.0 * N2 - 2.0 * N3,
    7.0 / 3.0 * N2 - 8.0 / 5.0 * N3,
    56.0 / 15.0 * N3,
];

#[cfg(test)]
mod tests {
    use super::*;

    const UTM51: &str = "+proj=utm +zone=51 +ellps=WGS84 +datum=WGS84 +units=m +no_defs";

    fn close(place: &Place, (x, y): (f64, f64), (lon, lat): (f64, f64)) {
        let found = place.degrees(x, y).unwrap();
        // 1e-7 degrees are a centimetre.
        assert!((found.lat_deg - lat).abs() < 2e-7, "{found:?}");
        assert!((found.lon_deg - lon).abs() < 2e-7, "{found:?}");
    }

    #[test]
    fn utm_agrees_with_points_of_proj() {
        // Made by PROJ in netconvert 1.28.0, to a centimetre.
        let place = Place::proj(UTM51, (324_647.53, 3_462_236.46)).unwrap();
        close(&place, (333.91, 599.09), (121.161_315_343, 31.286_705_872));
        close(&place, (618.12, 234.30), (121.164_363_659, 31.283_458_826));
        close(&place, (0.0, 384.63), (121.157_846_570, 31.284_721_566));
        let place = Place::proj(UTM51, (0.0, 0.0)).unwrap();
        // On the central meridian the northing is the meridian's arc: 5,540,847.042 m at 50 degrees
        // (a well-known value of WGS-84 times 0.9996 is 5,538,630.703).
        close(&place, (500_000.0, 5_538_630.703), (123.0, 50.0));
    }

    #[test]
    fn a_zero_at_a_latitude_is_where_it_says() {
        let text = "+proj=tmerc +lat_0=31.2 +lon_0=121.4 +k=1 +x_0=1000 +y_0=2000 +ellps=GRS80";
        close(
            &Place::proj(text, (0.0, 0.0)).unwrap(),
            (1000.0, 2000.0),
            (121.4, 31.2),
        );
        close(
            &Place::proj(text, (1000.0, 2000.0)).unwrap(),
            (0.0, 0.0),
            (121.4, 31.2),
        );
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for (text, told) in [
            ("+proj=merc", "+proj=merc is not one of utm, tmerc, longlat"),
            ("+proj=utm", "+proj=utm needs +zone"),
            ("EPSG:32651", "no PROJ text"),
            (
                "+proj=utm +zone=51 +datum=bessel",
                "+datum=bessel is not WGS-84",
            ),
            ("+proj=tmerc +k=NaN", "+k=NaN is not a number"),
        ] {
            let fault = Place::proj(text, (0.0, 0.0)).unwrap_err();
            assert!(fault.contains(told), "{fault}");
        }
    }

    #[test]
    fn a_point_beyond_all_reach_has_no_degrees() {
        let place = Place::proj(UTM51, (0.0, 0.0)).unwrap();
        for x in [f64::NAN, f64::INFINITY, 1e9] {
            assert!(place.degrees(x, 0.0).is_none());
        }
    }
}
