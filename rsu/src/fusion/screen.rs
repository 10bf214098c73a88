//! What is believed of what comes in: numbers that can be, at times that can be.
//!
//! A detection with a number that is not finite, a place far off the site, a speed beyond any road
//! or a covariance that is none is refused and counted. A frame far ahead of all that was heard, or
//! of the last moment that a picture was asked for, is refused too, until such frames are all that
//! comes for a second: then the time before was wrong, and fusion starts anew.

use std::time::Duration;

use nalgebra::Vector2;

use super::config::{Config, Sensor};
use super::filter::matrix;
use super::target::Sighting;
use super::tracklet::News;
use crate::clock::Mono;
use crate::report::{Covariance, Detection, Size};

const MAX_SPEED_MPS: f64 = 120.0;
/// No sensor is surer of a place than this, whatever it says.
pub(crate) const LEAST_SIGMA_M: f64 = 0.05;
/// No sensor is surer of a speed than this.
pub(crate) const LEAST_SIGMA_MPS: f64 = 0.05;
const MAX_SIGMA_M: f64 = 100.0;
/// A direction in which a velocity is not known is given with a sigma of up to this.
const MAX_SIGMA_MPS: f64 = 1e4;
const MAX_SIZE_M: f32 = 60.0;
/// How long refused times must be the only ones before they are believed.
const COMEBACK: Duration = Duration::from_secs(1);

/// The detection as fusion uses it; None if it cannot be. Made where it is kept: it is large.
#[inline(always)]
pub(crate) fn believe(detection: &Detection, sensor: &Sensor, config: &Config) -> Option<Sighting> {
    let position = Vector2::new(detection.east_m, detection.north_m);
    let limit = config.max_distance_m;
    if !(position.x.abs() <= limit && position.y.abs() <= limit) {
        return None;
    }
    let scale = sensor.covariance_scale;
    let position_cov = covariance(detection.position_cov, scale, LEAST_SIGMA_M, MAX_SIGMA_M)?;
    let velocity = match detection.velocity {
        None => None,
        Some(v) => {
            if !(v.east_mps.abs() <= MAX_SPEED_MPS && v.north_mps.abs() <= MAX_SPEED_MPS) {
                return None;
            }
            let cov = covariance(v.cov, scale, LEAST_SIGMA_MPS, MAX_SIGMA_MPS)?;
            Some((Vector2::new(v.east_mps, v.north_mps), cov))
        }
    };
    if detection.yaw_rad.is_some_and(|yaw| !yaw.is_finite()) || !detection.existence.is_finite() {
        return None;
    }
    Some(Sighting {
        position,
        position_cov,
        velocity,
        yaw_rad: detection.yaw_rad,
        size: detection.size.and_then(plausible),
        class: detection.class,
        existence: f64::from(detection.existence).clamp(0.0, 1.0),
        device_id: detection.device_id,
        lasts: nalgebra::Matrix2::zeros(),
        news: News::All,
        filtered: None,
        own_id: detection.own_id,
        emergency: detection.emergency,
    })
}

/// A covariance that is one, scaled, with a floor under both axes.
fn covariance(
    cov: Covariance,
    scale: f64,
    least: f64,
    most: f64,
) -> Option<nalgebra::Matrix2<f64>> {
    let Covariance { ee, en, nn } = cov;
    let most = most * most;
    let proper =
        ee >= 0.0 && nn >= 0.0 && ee <= most && nn <= most && en * en <= ee * nn * 1.000_001;
    if !proper {
        return None;
    }
    let floor = least * least;
    let floored = Covariance {
        ee: ee * scale + floor,
        en: en * scale,
        nn: nn * scale + floor,
    };
    Some(matrix(floored))
}

/// A size that some road user has; None else, for the detection may still be right.
fn plausible(size: Size) -> Option<Size> {
    let right = |metres: f32| metres > 0.0 && metres <= MAX_SIZE_M;
    let height_m = size.height_m.filter(|height| right(*height));
    (right(size.length_m) && right(size.width_m)).then_some(Size { height_m, ..size })
}

/// Which times are believed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TimeScreen {
    /// The newest moment that a picture was asked for.
    asked: Option<Mono>,
    /// First and last of the run of refused times, with nothing accepted in between.
    refused: Option<(Mono, Mono)>,
}

/// What to do with a frame of some moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Accept,
    Refuse,
    /// Accept, and forget all that was before.
    StartAnew,
}

impl TimeScreen {
    /// A picture was asked for: it is at least so late.
    pub(crate) fn note_asked(&mut self, at: Mono) {
        if self.asked.is_none_or(|asked| at > asked) {
            self.asked = Some(at);
            self.refused = None;
        }
    }

    /// Judges the time of a frame; `newest` is that of the newest frame believed.
    pub(crate) fn judge(&mut self, at: Mono, newest: Option<Mono>, config: &Config) -> Verdict {
        let Some(latest) = newest.max(self.asked) else {
            return Verdict::Accept;
        };
        let ahead = at > latest + config.max_ahead;
        let behind = newest.is_some_and(|newest| at + config.window < newest);
        if !ahead && !behind {
            self.refused = None;
            return Verdict::Accept;
        }
        let first = match self.refused {
            Some((first, last)) if at >= last && at.since(last) <= config.max_ahead => first,
            _ => at,
        };
        self.refused = Some((first, at));
        if at.since(first) < COMEBACK {
            return Verdict::Refuse;
        }
        *self = Self::default();
        Verdict::StartAnew
    }
}
