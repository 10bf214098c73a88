//! The tables of cameras, and of what stands beside the road and hides it.

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::Scenario;
use super::devices::MountTable;
use crate::plane::Point;
use crate::world::snapshot::Body;
use crate::world::vehicles::Kind;

/// One camera with its box.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CameraTable {
    /// How logs call it.
    pub name: String,
    /// Where it stands and which way it looks, as it was surveyed.
    pub mount: MountTable,
    /// How far the survey is off.
    #[serde(default)]
    pub survey_off: SurveyTable,
    /// Below the horizon.
    pub tilt_deg: f64,
    /// What its box speaks.
    #[serde(default)]
    pub protocol: BoxLanguage,
}

/// Where a sensor really stands and looks, less what was surveyed: an error of satellite navigation
/// and of a compass.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct SurveyTable {
    /// Towards east.
    pub east_m: f64,
    /// Towards north.
    pub north_m: f64,
    /// Clockwise.
    pub heading_deg: f64,
}

impl SurveyTable {
    /// Where it really is.
    pub fn real(&self, surveyed: MountTable) -> MountTable {
        MountTable {
            east_m: surveyed.east_m + self.east_m,
            north_m: surveyed.north_m + self.north_m,
            heading_deg: surveyed.heading_deg + self.heading_deg,
            ..surveyed
        }
    }
}

/// What a box speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BoxLanguage {
    /// `docs/detected-objects.schema.json`.
    #[default]
    DetectedObjects,
    /// RSM as JSON, of OpenV2X.
    Openv2x,
}

impl BoxLanguage {
    /// As the roadside unit's configuration calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::DetectedObjects => "detected-objects",
            Self::Openv2x => "openv2x",
        }
    }
}

/// What a camera sees and how well; sigmas are standard deviations.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CameraModel {
    /// From one image to the next.
    pub frame_ms: f64,
    /// From the image to the message, median.
    pub latency_ms: f64,
    /// Sigma of the latency's logarithm.
    pub latency_spread: f64,
    /// Across and up.
    pub image_px: [f64; 2],
    /// The angle that it sees across.
    pub field_of_view_deg: f64,
    /// The box says nothing of what is farther away.
    pub range_m: f64,
    /// Of a point in the image.
    pub pixel_sigma_px: f64,
    /// Of the tilt that the box believes in; drawn once a run.
    pub tilt_sigma_deg: f64,
    /// Chance to find in one image what is large in it and stands free.
    pub detection: f64,
    /// Mean length of a run of misses.
    pub miss_frames: f64,
    /// How far the middle that is found wanders over the body, as a share of its length.
    pub extent: f64,
    /// How slowly it wanders.
    pub extent_s: f64,
    /// Share of frames in which the class of something near is mistaken.
    pub confusion: f64,
    /// False objects that begin, a frame.
    pub false_per_frame: f64,
    /// Mean length of the life of a false object.
    pub false_frames: f64,
    /// What its box does to the numbers of road users.
    #[serde(default)]
    pub ids: IdsModel,
}

/// What a box does to the numbers that it gives; by default it keeps whom it knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct IdsModel {
    /// So often a minute a road user that it sees is given another number.
    pub renumbered_per_minute: f64,
    /// Two that it sees nearer to each other than this, middle to middle, may exchange their numbers.
    pub swapped_below_m: f64,
    /// And do so often a minute of being so near.
    pub swaps_per_minute: f64,
    /// So often an hour it begins anew: everybody is new to it, and numbers begin at 1.
    pub restarts_per_hour: f64,
}

impl CameraModel {
    /// The latency of the quickest messages: against these the roadside unit finds out how late
    /// others are.
    pub fn quickest_ms(&self) -> f64 {
        self.latency_ms * (-2.0 * self.latency_spread).exp()
    }

    pub(super) fn check(&self) -> Result<()> {
        let within = |value: f64, least: f64, most: f64, what: &str| {
            ensure!(
                (least..=most).contains(&value),
                "camera-model.{what} is {value}, not within {least} and {most}"
            );
            Ok(())
        };
        within(self.frame_ms, 10.0, 1000.0, "frame-ms")?;
        within(self.latency_ms, 0.0, 1000.0, "latency-ms")?;
        within(self.latency_spread, 0.0, 1.0, "latency-spread")?;
        within(self.image_px[0], 100.0, 20_000.0, "image-px")?;
        within(self.image_px[1], 100.0, 20_000.0, "image-px")?;
        within(self.field_of_view_deg, 5.0, 150.0, "field-of-view-deg")?;
        within(self.range_m, 5.0, 1000.0, "range-m")?;
        within(self.pixel_sigma_px, 0.0, 100.0, "pixel-sigma-px")?;
        within(self.tilt_sigma_deg, 0.0, 5.0, "tilt-sigma-deg")?;
        within(self.detection, 0.0, 1.0, "detection")?;
        within(self.confusion, 0.0, 1.0, "confusion")?;
        within(self.false_per_frame, 0.0, 1.0, "false-per-frame")?;
        let ids = &self.ids;
        let per_minute = ids.renumbered_per_minute;
        within(per_minute, 0.0, 60.0, "ids.renumbered-per-minute")?;
        within(ids.swapped_below_m, 0.0, 20.0, "ids.swapped-below-m")?;
        within(ids.swaps_per_minute, 0.0, 60.0, "ids.swaps-per-minute")?;
        within(ids.restarts_per_hour, 0.0, 60.0, "ids.restarts-per-hour")
    }
}

/// A wall, a box or a hedge beside the road: it hides, and nobody drives by it.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ObstacleTable {
    /// Its middle, east and north of the site's origin.
    pub place_m: [f64; 2],
    /// Along, across, above ground.
    pub size_m: [f64; 3],
    /// Which way its length points, clockwise from north.
    #[serde(default)]
    pub heading_deg: f64,
}

impl ObstacleTable {
    /// As what hides; `number` tells them apart.
    pub(super) fn body(&self, number: usize) -> Result<Body> {
        let [length_m, width_m, height_m] = self.size_m;
        ensure!(
            self.size_m.iter().all(|&m| (0.05..=500.0).contains(&m)),
            "an obstacle's size-m is length, width and height of 0.05 to 500 m"
        );
        let heading = self.heading_deg.to_radians();
        Ok(Body {
            // Users count upwards and never get here.
            id: u32::MAX - number as u32,
            kind: Kind::Object,
            centre: Point::new(self.place_m[0], self.place_m[1]),
            direction: Point::new(heading.sin(), heading.cos()),
            speed_mps: 0.0,
            length_m,
            width_m,
            height_m,
        })
    }
}

impl Scenario {
    /// What cameras see and how well.
    pub fn camera_model(&self) -> Result<CameraModel> {
        let model = self.file.camera_model;
        model.context("there are cameras and no [camera-model]")
    }

    /// What stands beside the road.
    pub fn walls(&self) -> Result<Vec<Body>> {
        let tables = self.file.obstacle.iter().enumerate();
        tables.map(|(i, table)| table.body(i)).collect()
    }
}
