//! What fusion has to be told: the sensors, and how sure it must be.

use std::time::Duration;

use crate::report::InputId;

/// Most tracks that are ever published at once. T/CSAE 53 numbers participants of an RSM 1 to 255.
pub const MAX_TRACKS: usize = 255;
/// Most things that may be followed at once, published or not.
pub const MAX_TARGETS: usize = 2048;
/// Most sensors: `Track::sources` has a bit for each.
pub const MAX_SENSORS: usize = 32;

/// How the picture of the road is made.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Inputs that report objects; others are refused. At most [`MAX_SENSORS`], the rest is ignored.
    pub sensors: Vec<Sensor>,
    /// Most tracks published at once; above [`MAX_TRACKS`] it counts as that.
    pub max_tracks: usize,
    /// Most things followed at once, published or not; above [`MAX_TARGETS`] it counts as that. With the
    /// frames kept this is what fusion takes in memory: about 45 kB each, touched as far as it is used.
    pub max_targets: usize,
    /// What one report may cost, in units of one target carried through one frame; a detection counts
    /// as three. What would cost more is given up in part, the least informative first.
    pub max_work: usize,
    /// How old a frame may be, against the newest, and still be taken in its place.
    pub window: Duration,
    /// How far a frame may lie after everything heard before; above, its time is not believed.
    pub max_ahead: Duration,
    /// Detections that a track needs before it is published.
    pub confirm_hits: u32,
    /// Log-odds of existence that a track needs before it is published.
    pub confirm_log_odds: f64,
    /// A published track that no sensor has seen for this long is dropped.
    pub delete_after: Duration,
    /// But one that a sensor would see if another thing did not stand before it is kept for this
    /// long, as long as its place is known to [`Config::hidden_sigma_m`].
    pub delete_hidden_after: Duration,
    /// See [`Config::delete_hidden_after`]; standard deviation.
    pub hidden_sigma_m: f64,
    /// A published track that should have been seen is dropped when its log-odds fall below this,
    /// but not before it has been unseen for [`Config::patience`].
    pub delete_log_odds: f64,
    /// See [`Config::delete_log_odds`]: keeps a track through misses that the sensor model did not
    /// foresee.
    pub patience: Duration,
    /// A track that is not yet published is dropped when unseen for this long.
    pub tentative_for: Duration,
    /// How long an id rests before another object may have it; where no other is left, 5 s.
    pub id_rest: Duration,
    /// Detections farther than this from the site's origin are refused.
    pub max_distance_m: f64,
    /// Squared Mahalanobis distance in position at which a detection cannot belong to a track:
    /// 18 keeps all but one right one in 8,000.
    pub gate: f64,
    /// What is at work.
    pub parts: Parts,
}

/// Parts of fusion that can be left out, to see what each buys. All are at work by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts {
    /// Late frames are taken in their place; else they are refused.
    pub replay: bool,
    /// What stands behind another thing is not expected to be seen.
    pub shadows: bool,
    /// Detection probability and false alarms are learnt; else they stay as configured.
    pub eyesight: bool,
    /// Noise and the wander of radar echoes are learnt.
    pub noise: bool,
    /// Offsets of the mount are learnt and taken off.
    pub mount: bool,
    /// Several ways of moving; else one of constant velocity.
    pub modes: bool,
    /// A radar's echo is expected anywhere on the body; else at its centre.
    pub extent: bool,
    /// The class that a sensor names helps to tell things apart.
    pub class: bool,
    /// Delays of sensors without a clock are learnt and taken off. Off unless asked for: what sees only the
    /// near side of things takes a place for a delay.
    pub delay: bool,
    /// Errors that no number of frames averages out are in the covariances that are published.
    pub lasting: bool,
    /// Who drives on a lane of the site is held to it where nothing speaks against it.
    pub lanes: bool,
    /// Of devices that track only what is new counts; else all of it, each time.
    pub news: bool,
}

impl Default for Parts {
    fn default() -> Self {
        Self {
            replay: true,
            shadows: true,
            eyesight: true,
            noise: true,
            mount: true,
            modes: true,
            extent: true,
            class: true,
            delay: false,
            lasting: true,
            lanes: true,
            news: true,
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            sensors: Vec::new(),
            max_tracks: MAX_TRACKS,
            max_targets: 384,
            max_work: 12_000,
            window: Duration::from_millis(400),
            max_ahead: Duration::from_secs(2),
            confirm_hits: 3,
            confirm_log_odds: 8.0,
            delete_after: Duration::from_millis(1500),
            delete_hidden_after: Duration::from_secs(3),
            hidden_sigma_m: 3.5,
            delete_log_odds: -4.0,
            patience: Duration::from_millis(800),
            tentative_for: Duration::from_millis(600),
            id_rest: Duration::from_secs(30),
            max_distance_m: 1500.0,
            gate: 18.0,
            parts: Parts::default(),
        }
    }
}

/// Where a sensor stands and looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pose {
    /// East of the site's origin.
    pub east_m: f64,
    /// North of the site's origin.
    pub north_m: f64,
    /// Above the road; decides how far the shadow of an object reaches.
    pub up_m: f64,
    /// The middle of its field of view, counter-clockwise from east.
    pub yaw_rad: f64,
}

/// Which point of an object a sensor reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sees {
    /// Its centre, once an object: cameras, edge boxes.
    Centre,
    /// Some point of its body, perhaps several an object: radars.
    Reflection,
    /// Nothing: road users tell their own centre. Who is silent may still be there.
    Told,
}

/// What is known of a sensor. Rough values do: only "not seen" is judged by them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sensor {
    /// Whose reports are meant.
    pub input: InputId,
    /// Where it stands and looks.
    pub pose: Pose,
    /// Half of the horizontal angle in which it sees.
    pub half_fov_rad: f64,
    /// It sees nothing nearer than this.
    pub min_range_m: f64,
    /// It sees nothing farther than this.
    pub max_range_m: f64,
    /// Which point it reports.
    pub sees: Sees,
    /// Probability that it lists an object that stands free, just before it.
    pub detects_near: f64,
    /// The same at its greatest range.
    pub detects_far: f64,
    /// What is left of that probability for an object that hardly comes nearer or recedes; 1 for a
    /// sensor that does not need motion.
    pub detects_still: f64,
    /// False detections a frame and square metre.
    pub false_per_m2: f64,
    /// Factor on the covariances it claims. A device that tracks smooths its output, so its errors
    /// repeat from frame to frame: three times the covariance keeps the fused track honest where
    /// [`Sensor::tracks`] is not set.
    pub covariance_scale: f64,
    /// The part of the covariance that it claims which is the same error from frame to frame, for a second
    /// or two: all of it for a device that tracks.
    pub repeats: f64,
    /// The same part of how far a radar's echo lies from the middle of a body; all of it where
    /// [`Sensor::tracks`] is set.
    pub echo_repeats: f64,
    /// Its frames are dated by a clock of its own; else by their arrival less a configured latency, and what
    /// that is off by is learnt.
    pub clocked: bool,
    /// It reports tracks of its own with velocities and ids, and the covariances are those of the tracks:
    /// of each report only what was measured since the one before is taken (`tracklet`), and what it begins
    /// is believed by what became of what it began before (`repute`).
    pub tracks: bool,
}

impl Sensor {
    /// A camera or edge box that lists what it sees in each frame, with no memory of its own.
    pub const fn camera(input: InputId, pose: Pose) -> Self {
        Self {
            input,
            pose,
            half_fov_rad: 0.9,
            min_range_m: 2.0,
            max_range_m: 100.0,
            sees: Sees::Centre,
            detects_near: 0.9,
            detects_far: 0.6,
            detects_still: 1.0,
            false_per_m2: 2e-4,
            covariance_scale: 1.0,
            repeats: 0.15,
            echo_repeats: 0.0,
            clocked: true,
            tracks: false,
        }
    }

    /// A radar that lists single detections.
    pub const fn radar(input: InputId, pose: Pose) -> Self {
        Self {
            input,
            pose,
            half_fov_rad: 1.0,
            min_range_m: 2.0,
            max_range_m: 150.0,
            sees: Sees::Reflection,
            detects_near: 0.9,
            detects_far: 0.6,
            detects_still: 0.5,
            false_per_m2: 2e-4,
            covariance_scale: 1.0,
            repeats: 0.0,
            echo_repeats: 0.3,
            clocked: true,
            tracks: false,
        }
    }

    /// What road users say of themselves by radio. It is expected of nobody, is hardly ever nobody's, and
    /// its errors are those of satellite navigation, which last for minutes.
    pub const fn heard(input: InputId) -> Self {
        Self {
            input,
            pose: Pose {
                east_m: 0.0,
                north_m: 0.0,
                up_m: 0.0,
                yaw_rad: 0.0,
            },
            half_fov_rad: 0.0,
            min_range_m: 0.0,
            max_range_m: 0.0,
            sees: Sees::Told,
            detects_near: 0.5,
            detects_far: 0.5,
            detects_still: 1.0,
            false_per_m2: 1e-5,
            covariance_scale: 3.0,
            repeats: 1.0,
            echo_repeats: 0.0,
            clocked: true,
            tracks: false,
        }
    }

    /// A radar that tracks, such as the ARS408. It may list an object outside the field given here;
    /// inside, its silence counts.
    pub const fn tracking_radar(input: InputId, pose: Pose) -> Self {
        Self {
            half_fov_rad: 0.7,
            max_range_m: 120.0,
            covariance_scale: 3.0,
            clocked: false,
            repeats: 1.0,
            // What it claims holds that.
            echo_repeats: 0.0,
            ..Self::radar(input, pose)
        }
    }
}
