//! Published decision cases of another unit (`shared/scenes/openv2x`): congestion and slow vehicles.
//!
//! Its cars stand on two lanes that lead west; the site here has those two, as far as the cars need them.
//! The case of a collision is in the tests of [`crate::warnings`]; those of vehicles that ask, for a change
//! of lanes, for passing on the other side and for sensor sharing, are in those of [`crate::requests`].

use super::*;
use crate::clock::{Mono, Utc};
use crate::fusion::Track;
use crate::{events, scenes};

const SITE: &str = r#"
[site]
name = "two lanes to the west"
node = 18
synthetic = true
[site.origin]
lat-deg = 31.9352
lon-deg = 118.8223
[[node]]
id = 17
name = "west"
east-m = -145
north-m = 22
[[node]]
id = 19
name = "east"
east-m = 125
north-m = -10
[[link]]
name = "to west"
upstream = 18
downstream = 17
speed-limit-kmh = 60
points-m = [[-17.13, 2.84], [-106.19, 15.79]]
lane = [{ id = 1, width-m = 3.0 }, { id = 2, width-m = 3.0 }]
[[link]]
name = "from east"
upstream = 19
downstream = 18
speed-limit-kmh = 60
points-m = [[115, -16], [15, -2]]
[[link.lane]]
id = 1
width-m = 3.0
connections = [{ to-node = 17, to-lane = 1, turn = "straight" }]
"#;

/// Where the junction of [`SITE`] is in the plane of the cases.
const HERE_M: (f64, f64) = (85.0, 40.0);

/// The cars of the newest frame, or None with a word where the scenes are not there.
fn cars(name: &str) -> Option<Vec<Track>> {
    let case = scenes::published(name)?;
    let placed = |x: f64, y: f64| (x - HERE_M.0, y - HERE_M.1);
    Some(scenes::published_cars(&case["latest_frame"], placed, &[]))
}

/// Lets a frame stand for so long; what was raised, and where congestion is told.
fn decided(cars: &[Track], seconds: u64) -> (Vec<u16>, Vec<(f64, f64)>) {
    let site = scenes::site(SITE);
    let config = Config {
        slow_after: Some(Duration::from_secs(5)),
        overspeed_after: Some(Duration::from_millis(1500)),
        congestion_from_m: 30.0,
        ..Config::default()
    };
    let mut detect = Detect::new(config, &site, &[]);
    let mut book = Book::new(events::Config::default(), site.origin);
    let mut raised = Vec::new();
    for look in 0..seconds * 10 {
        let after = Duration::from_millis(1000 + 100 * look);
        let now = Now {
            mono: Mono::ZERO + after,
            utc: Utc::from_unix_ms(1_653_016_785_400).unwrap() + after,
        };
        let picture = Picture {
            at: now.mono,
            tracks: cars.iter().copied().collect(),
        };
        detect.look(now, &picture, None, &mut book);
        book.follow(now);
        while let Some(change) = book.poll_change() {
            if change.stage == events::Stage::Holds {
                raised.push(change.event_type.0);
            }
        }
    }
    let jams = book.sent(rsi::RsiClass::SemiStatic).into_iter();
    let jams = jams.filter(|event| event.event_type == EventType::CONGESTION);
    let places = jams.map(|event| {
        let at = site.frame.enu(event.pos.unwrap());
        (at.east_m, at.north_m)
    });
    (raised, places.collect())
}

#[test]
fn the_published_congestion_is_decided_alike() {
    let Some(cars) = cars("congestion_service_data") else {
        return;
    };
    let (raised, jams) = decided(&cars, 25);
    // Both lanes are one road: one event, at the tail of the longer of the two rows.
    assert_eq!(jams.len(), 1, "{raised:?}");
    let (east_m, north_m) = jams[0];
    let (tail_m, off_m) = ((48.3 - HERE_M.0, 47.2 - HERE_M.1), 1.0);
    let apart_m = (east_m - tail_m.0).hypot(north_m - tail_m.1);
    assert!(apart_m < off_m, "{jams:?}");
    let jammed = raised.iter().filter(|code| **code == 707).count();
    assert_eq!(jammed, 1, "{raised:?}");
    assert!(
        !raised.contains(&901) && !raised.contains(&902),
        "{raised:?}"
    );
}

#[test]
fn the_published_slow_cars_are_told_each_once_and_as_nothing_else() {
    let Some(cars) = cars("slowspeed_service") else {
        return;
    };
    // They creep at 0.5 m/s: here that is a stand, and the peer, whose limits of slow and of fast are the
    // same number, tells of every car one or the other in every frame.
    let (raised, jams) = decided(&cars, 25);
    assert_eq!(raised, [903, 903]);
    assert_eq!(jams, []);
}
