//! Who has driven over the edge of the world.
//!
//! A road of the world ends where no road would: who comes there is gone from one step to the next, at
//! full speed. The unit cannot know that, and tells of them until they have not been seen or heard for
//! as long as anybody may be. For that time they are taken to drive on as they did, so that an entry that
//! shows them there is no entry that shows nobody. Who stood, and whatever does not drive, has no such
//! excuse: what is told of them is wrong.

use std::time::Duration;

use rsu::clock::Mono;

use super::kinds::kind_of;
use super::objects::Picture;
use crate::plane::Point;
use crate::world::snapshot::{Body, Snapshot};

/// Those who have, a moment ago.
#[derive(Clone, Debug, Default)]
pub struct Beyond {
    /// When they were last on the road, and how.
    gone: Vec<(Mono, Body)>,
}

impl Beyond {
    /// Looks at the road after it was as in the last picture.
    pub fn follow(&mut self, before: Option<&Picture>, road: &Snapshot) {
        self.gone
            .retain(|(left, _)| road.at.since(*left) <= GOES_ON);
        let Some(before) = before else { return };
        let drives = |body: &&Body| kind_of(body) == Some(VEHICLES) && body.speed_mps > DRIVES_MPS;
        let gone = before.bodies.iter().filter(drives);
        let gone = gone.filter(|body| road.body(body.id).is_none());
        let gone = gone.map(|body| (before.at, *body));
        self.gone.extend(gone);
    }

    /// Whether one of them would be within `near_m` of a place then.
    pub fn holds(&self, at: Mono, place: Point, near_m: f64) -> bool {
        self.gone.iter().any(|(left, body)| {
            let on_m = body.speed_mps * at.seconds_after(*left);
            let there = body.centre.plus(body.direction.times(on_m));
            there.distance_m(place) < near_m
        })
    }
}

/// Among the kinds of road users.
const VEHICLES: usize = 0;
/// So long they are taken to drive on.
const GOES_ON: Duration = Duration::from_secs(2);
/// Who was slower did not leave by the edge.
const DRIVES_MPS: f64 = 2.0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::vehicles::Kind;

    fn car(id: u32, east_m: f64, speed_mps: f64) -> Body {
        Body {
            id,
            kind: Kind::Car,
            centre: Point::new(east_m, 0.0),
            direction: Point::new(1.0, 0.0),
            speed_mps,
            length_m: 4.5,
            width_m: 1.8,
            height_m: 1.5,
        }
    }

    fn at(ms: u64) -> Mono {
        Mono::ZERO + Duration::from_millis(ms)
    }

    #[test]
    fn who_drove_is_taken_to_drive_on_for_a_while_and_who_stood_is_not() {
        let before = Picture {
            at: at(1000),
            shown: Vec::new(),
            bodies: vec![car(1, 100.0, 15.0), car(2, 50.0, 0.0), car(3, 20.0, 10.0)],
        };
        let road = |ms, bodies| Snapshot { at: at(ms), bodies };
        let mut beyond = Beyond::default();
        beyond.follow(Some(&before), &road(1100, vec![car(3, 21.0, 10.0)]));
        let holds =
            |beyond: &Beyond, ms, east_m| beyond.holds(at(ms), Point::new(east_m, 0.5), 3.0);
        assert!(holds(&beyond, 2000, 115.0));
        assert!(!holds(&beyond, 2000, 100.0), "it has not stopped there");
        assert!(!holds(&beyond, 1100, 50.0), "it stood");
        assert!(!holds(&beyond, 1100, 21.0), "it is on the road");
        beyond.follow(None, &road(3200, Vec::new()));
        assert!(!holds(&beyond, 3200, 133.0), "too long ago");
    }
}
