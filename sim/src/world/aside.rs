//! How a vehicle moves over to the lane beside it.
//!
//! Moving over takes a stretch of road, not a time: who stands does not slide. While it lasts the
//! vehicle is in both lanes, until its rear leaves room for who drives in the old one. Not here: who moves over,
//! and why ([`super::lanes`]).

use super::right_of_way::STANDING_MPS;
use super::roads::Roads;
use super::vehicles::{Kind, Vehicle};
use crate::plane::Point;

/// A vehicle between two lanes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Aside {
    /// The route that it leaves.
    pub from: usize,
    /// How much farther along it is there than on the route that it takes.
    pub shift_m: f64,
    /// Where on the route that it takes its nose began to move over,
    pub begin_m: f64,
    /// and over which length it does.
    pub over_m: f64,
    /// The lane that it leaves is so far to the left of the one that it takes.
    pub off_m: f64,
    /// The lane that it leaves does not lead on.
    pub must: bool,
}

impl Aside {
    /// How far to the left of its new route a point of the vehicle is that is `along_m` there.
    pub fn off_m(&self, along_m: f64) -> f64 {
        self.off_m * (1.0 - smooth((along_m - self.begin_m) / self.over_m))
    }

    /// Where on the new route the nose of a vehicle is when it has room beside one in the old lane.
    fn clear_m(&self, width_m: f64, other_width_m: f64) -> f64 {
        let needed_m = beside_m(width_m, other_width_m);
        let share = (0..=PIECES)
            .map(|piece| f64::from(piece) / f64::from(PIECES))
            .find(|&share| self.off_m.abs() * smooth(share) >= needed_m);
        self.begin_m + self.over_m * share.unwrap_or(1.0)
    }
}

/// How a driver steers over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Haste {
    /// As drivers do.
    Easy,
    /// Before something that stands in the way.
    Quick,
    /// The same with the wheel turned as far as it goes: at walking speed, out of a gap.
    Locked,
}

impl Vehicle {
    /// Where its nose is: on its route, and on the one that it leaves.
    pub(super) fn places(&self) -> impl Iterator<Item = (usize, f64)> + Clone + use<> {
        let old = self
            .aside
            .map(|aside| (aside.from, self.along_m + aside.shift_m));
        std::iter::once((self.route, self.along_m)).chain(old)
    }

    /// Whether `gap_m` to `other` in the lane that it leaves is more than it needs to get out.
    pub(super) fn is_out_before(&self, gap_m: f64, other: &Self) -> bool {
        self.aside.is_some_and(|aside| {
            let clear_m = aside.clear_m(self.width_m, other.width_m);
            self.along_m + gap_m >= clear_m
        })
    }

    /// Whether its whole body is out of the way of somebody so wide in the middle of the lane that it leaves.
    pub(super) fn has_left_to(&self, other_width_m: f64) -> bool {
        self.aside
            .is_some_and(|aside| self.rear_m() >= aside.clear_m(self.width_m, other_width_m))
    }

    /// How far its body is off the middle of its lane; None of who is on the way to it.
    pub(super) fn off_middle_m(&self) -> Option<f64> {
        let off_m = self
            .aside
            .map_or(0.0, |aside| aside.off_m(self.rear_m()).abs());
        (off_m <= HARDLY_OFF_M).then_some(off_m)
    }

    /// Where its body is at `along_m` of its route.
    pub(super) fn place_at(&self, roads: &Roads, along_m: f64) -> Point {
        let path = &roads.routes[self.route].path;
        let place = path.point_at(along_m);
        match &self.aside {
            Some(aside) => {
                let left = path.direction_at(along_m).left();
                place.plus(left.times(aside.off_m(along_m)))
            }
            None => place,
        }
    }

    /// Itself in the lane that it was about to leave, if it stands and has hardly begun: it waits there for
    /// those ahead, and nobody need wait for it in the other lane. Who must get out of a lane that does not
    /// lead on keeps its place.
    pub(super) fn thinks_better_of_it(&self) -> Option<Self> {
        let aside = self.aside.filter(|aside| !aside.must)?;
        let off_m = aside.off_m(self.along_m);
        let hardly_begun = (aside.off_m - off_m).abs() <= HARDLY_BEGUN_M;
        (hardly_begun && self.speed_mps < STANDING_MPS).then(|| Self {
            route: aside.from,
            along_m: self.along_m + aside.shift_m,
            aside: None,
            aside_m: off_m - aside.off_m,
            ..self.clone()
        })
    }

    pub(super) fn is_aside(&self) -> bool {
        self.aside
            .is_some_and(|aside| self.rear_m() < aside.begin_m + aside.over_m)
    }
}

/// `vehicle` as it begins to move over to `route`.
pub(super) fn beside(roads: &Roads, vehicle: &Vehicle, route: usize, haste: Haste) -> Vehicle {
    let old = &roads.routes[vehicle.route].path;
    let new = &roads.routes[route].path;
    let nose = old.point_at(vehicle.along_m);
    let along_m = new.nearest_m(nose);
    let to_old = nose.minus(new.point_at(along_m));
    let off_m = to_old.dot(new.direction_at(along_m).left());
    Vehicle {
        route,
        along_m,
        asks: None,
        means: None,
        aside: Some(Aside {
            from: vehicle.route,
            shift_m: vehicle.along_m - along_m,
            begin_m: along_m,
            over_m: over_m(vehicle, off_m, haste),
            off_m,
            must: false,
        }),
        ..vehicle.clone()
    }
}

/// In how much road one moves over by so much.
pub(super) fn over_m(vehicle: &Vehicle, off_m: f64, haste: Haste) -> f64 {
    let (takes_s, least_m) = match haste {
        Haste::Easy => (TAKES_S, LEAST_OVER_M),
        Haste::Quick => (TAKES_LEAST_S, LEAST_OVER_M),
        Haste::Locked => {
            let radius_m = match vehicle.kind {
                Kind::Truck => LORRY_TURNS_M,
                Kind::Bus => BUS_TURNS_M,
                _ => CAR_TURNS_M,
            };
            // The quintic is bent most where its second derivative is 10/sqrt(3) of what it rises, over the
            // square of its length.
            let bent = 10.0 / 3.0_f64.sqrt();
            (
                TAKES_LEAST_S,
                (bent * off_m.abs() * radius_m).sqrt().min(LEAST_OVER_M),
            )
        }
    };
    (vehicle.speed_mps * takes_s).max(least_m)
}

/// Middles that are so far apart pass each other.
fn beside_m(width_m: f64, other_width_m: f64) -> f64 {
    (width_m + other_width_m) / 2.0 + PASSES_AT_M
}

/// From 0 to 1 with no jerk at either end: the quintic of least jerk.
fn smooth(share: f64) -> f64 {
    let x = share.clamp(0.0, 1.0);
    x * x * x * (10.0 - x * (15.0 - 6.0 * x))
}

/// Moving over takes so long at an even speed (assumed; published means are 3 to 6 s),
const TAKES_S: f64 = 4.0;
/// half of it before something that stands in the way,
const TAKES_LEAST_S: f64 = 2.0;
/// but at least this much road: what a car needs for 3.5 m aside at walking speed.
const LEAST_OVER_M: f64 = 16.0;
/// With the wheel turned as far as it goes the middle of a vehicle runs on a circle of this radius.
const CAR_TURNS_M: f64 = 5.5;
const LORRY_TURNS_M: f64 = 9.0;
const BUS_TURNS_M: f64 = 10.5;
/// Who passes one in the lane that they leave keeps this between them.
const PASSES_AT_M: f64 = 0.3;
/// Who has moved over by no more than this has hardly begun to.
const HARDLY_BEGUN_M: f64 = 0.3;
/// Who is off the middle of its new lane by no more than this is over.
const HARDLY_OFF_M: f64 = 0.3;
/// In which places of a move are compared.
const PIECES: u32 = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_move_begins_and_ends_gently_and_is_half_done_half_way() {
        let aside = Aside {
            from: 0,
            shift_m: 0.0,
            begin_m: 100.0,
            over_m: 40.0,
            off_m: 3.5,
            must: false,
        };
        assert!((aside.off_m(100.0) - 3.5).abs() < 1e-12);
        assert!((aside.off_m(120.0) - 1.75).abs() < 1e-12);
        assert!(aside.off_m(140.0).abs() < 1e-12);
        // Its slope is greatest half way: 15/8 of the mean.
        let slope = (aside.off_m(119.9) - aside.off_m(120.1)) / 0.2;
        assert!((slope - 3.5 / 40.0 * 15.0 / 8.0).abs() < 1e-4, "{slope}");
    }

    fn car(along_m: f64, speed_mps: f64, must: bool) -> Vehicle {
        use super::super::vehicles::{Mix, TurnShares};
        let mix = Mix {
            trucks: 0.0,
            buses: 0.0,
        };
        let shares = TurnShares {
            left: 0.0,
            right: 0.0,
        };
        let (drawn, _) = Vehicle::draw(1, 1, mix, shares);
        Vehicle {
            route: 4,
            along_m,
            speed_mps,
            aside: Some(Aside {
                from: 3,
                shift_m: 2.0,
                begin_m: 100.0,
                over_m: 40.0,
                off_m: 3.5,
                must,
            }),
            ..drawn
        }
    }

    #[test]
    fn who_stands_and_has_hardly_begun_to_move_over_stays_where_it_is() {
        let stays = car(106.0, 0.0, false).thinks_better_of_it();
        let stays = stays.expect("it has moved over by a decimetre");
        assert_eq!((stays.route, stays.aside), (3, None));
        assert!((stays.along_m - 108.0).abs() < 1e-9);
        // Its body is where it was: right of the middle of the lane on the left that it did not leave.
        assert!((-0.3..-0.05).contains(&stays.aside_m), "{}", stays.aside_m);
        assert_eq!(car(106.0, 1.0, false).thinks_better_of_it(), None, "drives");
        assert_eq!(
            car(115.0, 0.0, false).thinks_better_of_it(),
            None,
            "half over"
        );
        assert_eq!(car(106.0, 0.0, true).thinks_better_of_it(), None, "must");
    }

    #[test]
    fn who_is_all_but_over_is_off_the_middle_by_what_its_rear_is() {
        let over = car(144.0, 0.0, false);
        let rear_m = over.rear_m();
        let off_m = over.off_middle_m().expect("it is all but over");
        let aside = over.aside.expect("it moves over");
        assert!(
            off_m > 0.0 && (off_m - aside.off_m(rear_m)).abs() < 1e-12,
            "{off_m}"
        );
        assert_eq!(car(130.0, 0.0, false).off_middle_m(), None, "on its way");
        let settled = Vehicle {
            aside: None,
            ..over
        };
        assert_eq!(settled.off_middle_m(), Some(0.0));
    }

    #[test]
    fn a_locked_wheel_takes_the_least_road_and_no_tighter_bend_than_it_can() {
        let car = car(106.0, 0.0, true);
        let least_m = over_m(&car, 3.75, Haste::Locked);
        assert!(least_m < over_m(&car, 3.75, Haste::Quick), "{least_m}");
        let aside = |at_m: f64| 3.75 * smooth(at_m / least_m);
        let bend = |at_m: f64| (aside(at_m + 0.1) - 2.0 * aside(at_m) + aside(at_m - 0.1)) / 0.01;
        let places = (0..=100).map(|i| least_m * f64::from(i) / 100.0);
        let most = places.map(bend).fold(0.0, f64::max);
        assert!((1.0 / most - CAR_TURNS_M).abs() < 0.2, "{}", 1.0 / most);
        let fast = Vehicle {
            speed_mps: 10.0,
            ..car
        };
        assert!((over_m(&fast, 3.75, Haste::Locked) - 20.0).abs() < 1e-9);
    }
}
