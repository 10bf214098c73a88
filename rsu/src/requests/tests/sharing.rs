//! Who is told to be in an area that was asked for.

use super::*;
use crate::report::Strip;

pub(super) fn strip(points_m: &[(f64, f64)], radius_m: f64) -> Strip {
    Strip {
        points_m: points_m.iter().copied().collect(),
        radius_m,
    }
}

pub(super) fn wants_to_know(strips: impl IntoIterator<Item = Strip>) -> Request {
    Request {
        number: 8,
        wish: Wish::Share(Area {
            paths: strips.into_iter().collect(),
        }),
        ..asks(10, 11, 1)
    }
}

#[test]
fn who_reaches_into_the_area_is_told_nearest_first_but_not_who_asks() {
    let mut desk = desk();
    let tracks = [
        asker(),
        car(1, 330.0, 0.0, 5.0),
        car(2, 320.0, 6.0, 5.0),
        car(3, 320.0, 20.0, 5.0),
        car(4, 420.0, 0.0, 5.0),
        Track {
            east_m: f64::NAN,
            ..car(5, 0.0, 0.0, 0.0)
        },
    ];
    desk.hear(
        Mono::ZERO,
        &wants_to_know([strip(&[(300.0, 0.0), (350.0, 0.0)], 8.0)]),
    );
    desk.decide(&picture(tracks));
    let told: Vec<usize> = desk.shared().unwrap().collect();
    assert_eq!(told, [1, 2]);
    assert_eq!(desk.advice(), []);
    // Two strips are one area, and nobody is told twice.
    let second = strip(&[(320.0, 19.0), (320.0, 5.0)], 3.0);
    let both = [strip(&[(300.0, 0.0), (350.0, 0.0)], 8.0), second];
    desk.hear(Mono::ZERO, &wants_to_know(both));
    desk.decide(&picture(tracks));
    let told: Vec<usize> = desk.shared().unwrap().collect();
    assert_eq!(told, [1, 2, 3]);
}

#[test]
fn an_area_full_of_road_users_is_told_as_far_as_one_message_holds() {
    let mut desk = desk();
    let crowd = (1..=200).map(|id| car(id, 300.0 + f64::from(id), 0.0, 0.0));
    desk.hear(
        Mono::ZERO,
        &wants_to_know([strip(&[(300.0, 0.0), (300.0, 1.0)], 6000.0)]),
    );
    desk.decide(&picture(crowd));
    let told: Vec<usize> = desk.shared().unwrap().collect();
    assert_eq!(told, (0..39).collect::<Vec<_>>());
    assert_eq!(desk.counts().left_out, 161);
}
