//! Whether two sources tell of one event: how far apart they tell of it.
//!
//! Most events have a place, and two that are near each other are one. Weather holds anywhere within its radius,
//! and a queue anywhere along its way: the picture tells of it at its tail, people and platforms where they look
//! or where it begins. Not here: what becomes of a claim ([`super::book`]).

use arrayvec::ArrayVec;
use v2x_msg::base::{Enu, EnuFrame, Radius};
use v2x_msg::kinds::rsi::{self, EventType};

use super::claim::Claim;
use crate::site::line;

/// How far apart two claims of one type are, where that makes them one event; `within_m` is enough for all.
pub(super) fn apart_m(frame: &EnuFrame, one: &Claim, other: &Claim, within_m: f64) -> Option<f64> {
    let (a, b) = (one.at_m?, other.at_m?);
    let apart_m = (a.0 - b.0).hypot(a.1 - b.1);
    let area_m = weather_area_m(&one.event).max(weather_area_m(&other.event));
    if apart_m <= within_m.max(area_m) {
        return Some(apart_m);
    }
    if one.event.event_type != EventType::CONGESTION {
        return None;
    }
    let (of_one, of_other) = (
        off_way_m(frame, &one.event, b),
        off_way_m(frame, &other.event, a),
    );
    let off_m = of_one.into_iter().chain(of_other).min_by(f64::total_cmp);
    off_m.filter(|off_m| *off_m <= within_m)
}

/// How far that an event tells of reaches (class 3 of GB/T 29100-2012): whoever else tells
/// of it in there tells of the same. 0 for what has a place of its own, as works have within a district.
fn weather_area_m(event: &rsi::Event) -> f64 {
    let is_weather = (300..400).contains(&event.event_type.0);
    let radius = event.radius.filter(|_| is_weather);
    radius.map_or(0.0, Radius::m)
}

/// How far a place is off the paths of an event; None where it has none.
fn off_way_m(frame: &EnuFrame, event: &rsi::Event, (east_m, north_m): (f64, f64)) -> Option<f64> {
    let paths = event.place.as_ref().map_or(&[][..], |place| place.paths());
    let off_m = paths.iter().filter_map(|path| {
        let points = path.points.iter().map(|point| frame.enu(*point));
        let points: ArrayVec<Enu, MOST_POINTS> = points.take(MOST_POINTS).collect();
        Some(line::foot(&points, east_m, north_m)?.distance_m)
    });
    off_m.min_by(f64::total_cmp)
}

/// A path on the air has no more.
const MOST_POINTS: usize = 32;

#[cfg(test)]
mod tests {
    use v2x_msg::base::{Few, GeoPosition};
    use v2x_msg::kinds::rsi::{EventSource, Place, ReferencePath};

    use super::super::claim::{Key, Origin, Until};
    use super::*;

    fn frame() -> EnuFrame {
        EnuFrame::new(GeoPosition::from_deg(31.0, 121.0, None).expect("a place"))
    }

    /// A queue whose way leads 150 m north from here, told of at its tail, 100 m from the beginning of that.
    fn queue(kind: EventType) -> Claim {
        let mut event = rsi::Event::new(0, kind, EventSource::Detection);
        let way =
            [0.0, 60.0, 150.0].map(|north_m| frame().ground_position(0.0, north_m).expect("near"));
        let path = ReferencePath {
            points: Few::new(way).expect("points"),
            radius: Radius::from_m(3.5).expect("a radius"),
        };
        event.place = Place::new([path], []).ok();
        Claim {
            event,
            ..by(Origin::Picture, kind, (0.0, 100.0))
        }
    }

    fn by(origin: Origin, kind: EventType, at_m: (f64, f64)) -> Claim {
        Claim {
            key: Key { origin, number: 1 },
            event: rsi::Event::new(0, kind, EventSource::Police),
            keeps_id: false,
            at_m: Some(at_m),
            until: Until::Withdrawn,
        }
    }

    #[test]
    fn a_queue_is_one_event_all_along_its_way() {
        let seen = queue(EventType::CONGESTION);
        let apart = |kind, at_m| {
            let told = by(Origin::Operator, kind, at_m);
            let seen = if kind == EventType::CONGESTION {
                seen.clone()
            } else {
                queue(kind)
            };
            let both = [(&seen, &told), (&told, &seen)];
            both.map(|(one, other)| apart_m(&frame(), one, other, 30.0).is_some())
        };
        let jam = EventType::CONGESTION;
        // At its head, at its tail, and where it was before it moved up; not on another road.
        for at_m in [(4.0, 148.0), (0.0, 110.0), (-3.0, 12.0)] {
            assert_eq!(apart(jam, at_m), [true, true], "{at_m:?}");
        }
        assert_eq!(apart(jam, (0.0, 190.0)), [false, false]);
        assert_eq!(apart(jam, (40.0, 120.0)), [false, false]);
        // A car that stands at one end is not one that stands at the other.
        assert_eq!(apart(EventType::STOPPED, (4.0, 148.0)), [false, false]);
    }
}
