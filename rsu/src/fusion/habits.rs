//! What each sensor is really like, learnt from what it says: beside what is configured.
//!
//! Learnt from each frame once, when it is first worked through, and not rolled back with the targets.

use super::config::Config;
use super::delay::Delay;
use super::eyesight::Eyesight;
use super::health::Pulse;
use super::hung::Hung;
use super::precision::Precision;
use super::repute::Repute;
use super::speeds::Speeds;
use super::tracklet::Told;

/// One entry a sensor, in the order of the configuration.
#[derive(Clone, Debug)]
pub(crate) struct Habits {
    pub(crate) eyesight: Vec<Eyesight>,
    pub(crate) precision: Vec<Precision>,
    pub(crate) pulse: Vec<Pulse>,
    pub(crate) told: Vec<Told>,
    pub(crate) repute: Vec<Repute>,
    pub(crate) delay: Vec<Delay>,
    pub(crate) hung: Vec<Hung>,
    pub(crate) speeds: Vec<Speeds>,
}

impl Habits {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            eyesight: config.sensors.iter().map(Eyesight::new).collect(),
            precision: config.sensors.iter().map(|_| Precision::new()).collect(),
            pulse: config.sensors.iter().map(|_| Pulse::default()).collect(),
            repute: config.sensors.iter().map(|_| Repute::default()).collect(),
            delay: config.sensors.iter().map(|_| Delay::default()).collect(),
            hung: config.sensors.iter().map(|_| Hung::new()).collect(),
            speeds: config.sensors.iter().map(Speeds::new).collect(),
            told: config.sensors.iter().map(|s| Told::new(s.tracks)).collect(),
        }
    }
}
