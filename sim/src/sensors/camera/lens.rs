//! The pinhole: where a point of the road is in the image, and where the box believes that a point of
//! the image is on the road.
//!
//! The box knows focal length and height; the tilt that it was told is a little off, the same for a
//! whole run. Its places are then off towards or away from it by `(R^2 + h^2) / h` for each radian.

/// One camera's geometry. Angles are below the horizon.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lens {
    focal_px: f64,
    /// Half of the image: across and up.
    half_px: (f64, f64),
    height_m: f64,
    /// Sine and cosine of the tilt as it is, and as the box believes.
    tilt: (f64, f64),
    believed: (f64, f64),
    pixel_sigma_px: f64,
    tilt_sigma_rad: f64,
}

/// What makes a lens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Made {
    /// Across and up.
    pub image_px: [f64; 2],
    /// The angle that it sees across.
    pub field_of_view_deg: f64,
    /// Above ground.
    pub height_m: f64,
    /// Below the horizon.
    pub tilt_deg: f64,
    /// How far the tilt is off that the box believes in.
    pub tilt_off_deg: f64,
    /// Of a point in the image, each way.
    pub pixel_sigma_px: f64,
    /// How far the tilt is off as a rule.
    pub tilt_sigma_deg: f64,
}

/// A point in the image, from its middle: to the right and down.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pixel {
    /// To the right.
    pub u: f64,
    /// Down.
    pub v: f64,
    /// Along the axis of the lens.
    pub depth_m: f64,
}

impl Lens {
    /// Of these measures.
    pub fn new(made: &Made) -> Self {
        let [wide, high] = made.image_px;
        let half = (made.field_of_view_deg / 2.0).to_radians();
        Self {
            focal_px: wide / 2.0 / half.tan(),
            half_px: (wide / 2.0, high / 2.0),
            height_m: made.height_m,
            tilt: made.tilt_deg.to_radians().sin_cos(),
            believed: (made.tilt_deg + made.tilt_off_deg).to_radians().sin_cos(),
            pixel_sigma_px: made.pixel_sigma_px,
            tilt_sigma_rad: made.tilt_sigma_deg.to_radians(),
        }
    }

    /// Where a point is in the image's plane; None behind the lens.
    pub fn image(&self, forward_m: f64, left_m: f64, up_m: f64) -> Option<Pixel> {
        let (sin, cos) = self.tilt;
        let below_m = self.height_m - up_m;
        let depth_m = forward_m * cos + below_m * sin;
        (depth_m > NEAREST_M).then(|| Pixel {
            u: -left_m / depth_m * self.focal_px,
            v: (below_m * cos - forward_m * sin) / depth_m * self.focal_px,
            depth_m,
        })
    }

    /// Whether the image holds it.
    pub fn holds(&self, pixel: &Pixel) -> bool {
        pixel.u.abs() < self.half_px.0 && pixel.v.abs() < self.half_px.1
    }

    /// How high something upright is in the image.
    pub fn height_px(&self, height_m: f64, depth_m: f64) -> f64 {
        self.focal_px * height_m / depth_m
    }

    /// Where the box believes a point of the image to be on the road, forward and to the left; None
    /// at the horizon and above.
    pub fn ground(&self, u: f64, v: f64) -> Option<(f64, f64)> {
        let (sin, cos) = self.believed;
        let (across, down) = (u / self.focal_px, v / self.focal_px);
        let falls = sin + down * cos;
        (falls > FLATTEST).then(|| {
            let depth_m = self.height_m / falls;
            (depth_m * (cos - down * sin), -depth_m * across)
        })
    }

    /// Variances on the road at a distance, along the line of sight and across it: of the image's
    /// noise, and of a tilt that is as sure as the box was told.
    pub fn spread_m2(&self, range_m: f64) -> (f64, f64) {
        let per_rad = (range_m * range_m + self.height_m * self.height_m) / self.height_m;
        let along_m = per_rad * self.pixel_sigma_px / self.focal_px;
        let tilt_m = per_rad * self.tilt_sigma_rad;
        let across_m = range_m / self.focal_px * self.pixel_sigma_px;
        (along_m * along_m + tilt_m * tilt_m, across_m * across_m)
    }

    /// The nearest road in the image.
    pub fn nearest_m(&self) -> f64 {
        let (sin, cos) = self.tilt;
        let down = self.half_px.1 / self.focal_px;
        self.height_m / (sin + down * cos).max(FLATTEST) * (cos - down * sin)
    }
}

/// What is nearer is not before the lens.
const NEAREST_M: f64 = 0.5;
/// Lines that fall less meet the road too far away to be told.
const FLATTEST: f64 = 0.01;

#[cfg(test)]
mod tests {
    use super::*;

    const MADE: Made = Made {
        image_px: [1920.0, 1080.0],
        field_of_view_deg: 60.0,
        height_m: 7.0,
        tilt_deg: 10.0,
        tilt_off_deg: 0.0,
        pixel_sigma_px: 2.0,
        tilt_sigma_deg: 0.0,
    };

    #[test]
    fn the_road_comes_back_from_the_image() {
        let lens = Lens::new(&MADE);
        let pixel = lens.image(45.0, -6.0, 0.0).expect("before the lens");
        let (forward_m, left_m) = lens.ground(pixel.u, pixel.v).expect("on the road");
        assert!((forward_m - 45.0).abs() < 1e-9 && (left_m + 6.0).abs() < 1e-9);
        assert!(lens.holds(&pixel));
        assert!(lens.image(-20.0, 0.0, 0.0).is_none());
    }

    #[test]
    fn the_error_grows_with_the_square_of_the_distance() {
        // Worked out beforehand for two pixels at 7 m and 1663 px.
        let lens = Lens::new(&MADE);
        for (range_m, along_m, across_m) in
            [(30.0, 0.16, 0.04), (100.0, 1.73, 0.12), (200.0, 6.88, 0.24)]
        {
            let (along, across) = lens.spread_m2(range_m);
            assert!((along.sqrt() - along_m).abs() < 0.01, "{range_m} m along");
            assert!(
                (across.sqrt() - across_m).abs() < 0.01,
                "{range_m} m across"
            );
        }
    }

    #[test]
    fn a_tilt_that_is_believed_wrongly_shifts_the_road() {
        let lens = Lens::new(&Made {
            tilt_off_deg: 0.1,
            ..MADE
        });
        let off_m = |forward_m| {
            let pixel = lens.image(forward_m, 0.0, 0.0).expect("before the lens");
            forward_m - lens.ground(pixel.u, pixel.v).expect("on the road").0
        };
        // (R² + h²) / h for each radian.
        assert!((off_m(50.0) - 0.1_f64.to_radians() * 2549.0 / 7.0).abs() < 0.02);
        assert!(off_m(100.0) > 3.5 * off_m(50.0));
    }
}
