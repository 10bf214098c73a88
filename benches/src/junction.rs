//! The junction of all benchmarks, and a station that runs it with one controller and one radar.

use rsu::clock::{Mono, Now, Utc};
use rsu::fusion::{self, Pose, Sensor};
use rsu::report::InputId;
use rsu::site::Site;
use rsu::station::{Config, Input, Station};
use v2x_msg::kinds::rsm::Source;

use crate::radar::{EAST_M, NORTH_M, UP_M};

/// The site's file: four arms, three lanes each, eight phases.
pub const SITE: &str = include_str!("../../configs/sites/moyu-boyuan.toml");
/// Where that file is, for a configuration that names it.
pub const SITE_FILE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../configs/sites/moyu-boyuan.toml"
);
/// How the site calls its controller.
pub const CONTROLLER_NAME: &str = "signal";
/// The controller.
pub const CONTROLLER: InputId = InputId(0);
/// The radar.
pub const RADAR: InputId = InputId(1);

/// The site.
pub fn site() -> Site {
    Site::parse(SITE, "moyu-boyuan.toml").expect("the site of this repository is sound")
}

/// `nanos` after a fixed moment on a full UTC second.
pub fn at(nanos: u64) -> Now {
    const START_S: i64 = 1_767_225_600;
    Now {
        mono: Mono::from_nanos(100_000_000_000 + nanos),
        utc: Utc::from_unix_ns(START_S * 1_000_000_000 + nanos as i64),
    }
}

/// The radar as fusion knows it.
pub fn sensors() -> fusion::Config {
    let pose = Pose {
        east_m: EAST_M,
        north_m: NORTH_M,
        up_m: UP_M,
        yaw_rad: std::f64::consts::FRAC_PI_2,
    };
    fusion::Config {
        sensors: vec![Sensor::tracking_radar(RADAR, pose)],
        ..fusion::Config::default()
    }
}

/// A station that begins at `now`, with the defaults of the configuration.
pub fn station(now: Now) -> Station {
    let input = |id, name: &str, source| Input {
        id,
        name: name.to_owned(),
        source,
    };
    let config = Config {
        inputs: vec![
            input(CONTROLLER, CONTROLLER_NAME, Source::Unknown),
            input(RADAR, "radar", Source::MicrowaveRadar),
        ],
        fusion: sensors(),
        ..Config::default()
    };
    Station::new(config, site(), now, 1).expect("the site names this controller")
}
