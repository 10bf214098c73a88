//! Boxes that say velocities of tracks of their own: nobody is shown twice for them, and who parts is two.

use super::*;

/// A box's own filter of one road user: an alpha-beta filter whose memory grows from the first sighting on.
#[derive(Clone, Copy, Default)]
struct Follows {
    place: (f64, f64),
    speed: (f64, f64),
    times: u32,
}

impl Follows {
    /// What the box says of whom it has seen there, ten times a second.
    fn says(&mut self, id: u16, (east_m, north_m): (f64, f64)) -> Detection {
        const STEP_S: f64 = 0.1;
        self.times += 1;
        let k = f64::from(self.times);
        let (alpha, beta) = (
            (2.0 * (2.0 * k - 1.0) / (k * (k + 1.0))).max(0.35),
            (6.0 / (k * (k + 1.0))).max(0.05),
        );
        if self.times == 1 {
            self.place = (east_m, north_m);
        } else {
            let said = (
                self.place.0 + self.speed.0 * STEP_S,
                self.place.1 + self.speed.1 * STEP_S,
            );
            let off = (east_m - said.0, north_m - said.1);
            self.place = (said.0 + alpha * off.0, said.1 + alpha * off.1);
            self.speed.0 += beta * off.0 / STEP_S;
            self.speed.1 += beta * off.1 / STEP_S;
        }
        Detection {
            device_id: Some(id),
            velocity: Some(Velocity {
                east_mps: self.speed.0,
                north_mps: self.speed.1,
                cov: Covariance::from_axes(0.0, 1.0, 1.0),
            }),
            ..car(east_m, north_m)
        }
    }
}

/// Two boxes that look the same way; the first says places alone.
struct Scene {
    fusion: Fusion,
    dice: Dice,
    follows: Follows,
    number: u16,
}

impl Scene {
    fn new(noise: bool, seed: u64) -> Self {
        let config = Config {
            sensors: sensors()[..2].to_vec(),
            parts: Parts {
                noise,
                ..Parts::default()
            },
            ..Config::default()
        };
        Self {
            fusion: Fusion::new(config),
            dice: Dice::new(seed),
            follows: Follows::default(),
            number: 0,
        }
    }

    fn about(&mut self, (east_m, north_m): (f64, f64)) -> (f64, f64) {
        (
            east_m + 0.2 * self.dice.normal(),
            north_m + 0.2 * self.dice.normal(),
        )
    }

    /// Cars that go by at 10 m/s, one after the other, to whom the second box gives a new number each second;
    /// pictures of the last half in which somebody is there twice.
    fn traffic(&mut self, cars: u32) -> u32 {
        let mut twice = 0;
        for step in 0..cars * 80 {
            let t = f64::from(step) / 10.0;
            let place = (15.0 + 10.0 * (t % 8.0), 0.0);
            if step % 10 == 0 {
                (self.follows, self.number) = (Follows::default(), self.number + 1);
            }
            let (one, other) = (self.about(place), self.about(place));
            self.fusion
                .handle_objects(CAMERA, &frame(t, &[car(one.0, one.1)]));
            let said = self.follows.says(self.number, other);
            self.fusion
                .handle_objects(SECOND_CAMERA, &frame(t + 0.01, &[said]));
            let shown = &self.fusion.picture(moment(t + 0.01)).tracks;
            let near = shown.iter().filter(|track| {
                let away_m = (track.east_m - place.0).hypot(track.north_m - place.1);
                away_m < 15.0
            });
            twice += u32::from(near.count() > 1 && step >= cars * 40);
        }
        twice
    }
}

#[test]
fn nobody_is_shown_twice_since_a_box_says_that_he_stands_whom_it_sees_for_the_first_time() {
    let mut believed = 0;
    for seed in 1..=3 {
        let twice = Scene::new(true, seed).traffic(8);
        assert_eq!(twice, 0, "seed {seed}");
        believed += Scene::new(false, seed).traffic(8);
    }
    assert!(believed > 20, "{believed}: it would be no matter");
}

#[test]
fn two_who_were_held_for_one_are_two_once_they_part_whatever_was_learnt_of_the_box() {
    for seed in 1..=3 {
        let mut scene = Scene::new(true, seed);
        scene.traffic(8);
        let mut follows = [Follows::default(); 2];
        let (mut were_one, mut two_since) = (false, None);
        for step in 0..60 {
            let t = f64::from(step) / 10.0;
            let parting_s = (t - 1.5).max(0.0);
            let east_m = 20.0 + 6.0 * t;
            let places = [(east_m, 0.0), (east_m, 1.0 + 2.5 * parting_s)];
            let at = 70.0 + t;
            let seen = places.map(|place| scene.about(place));
            // While one hides the other each box sees only one of them.
            let hidden = parting_s == 0.0;
            let both = seen.map(|(east_m, north_m)| car(east_m, north_m));
            let shown = if hidden { &both[..1] } else { &both };
            scene.fusion.handle_objects(CAMERA, &frame(at, shown));
            let seen = places.map(|place| scene.about(place));
            let mut said = ArrayVec::<Detection, 2>::new();
            for which in 0..2 {
                if which == 1 || !hidden {
                    said.push(follows[which].says(1000 + which as u16, seen[which]));
                }
            }
            scene
                .fusion
                .handle_objects(SECOND_CAMERA, &frame(at + 0.01, &said));
            let tracks = &scene.fusion.picture(moment(at + 0.01)).tracks;
            were_one |= hidden && step > 5 && tracks.len() == 1;
            let right = tracks.len() == 2
                && places.iter().all(|place| {
                    let mut tracks = tracks.iter();
                    tracks
                        .any(|track| (track.east_m - place.0).hypot(track.north_m - place.1) < 1.0)
                });
            two_since = if right { two_since.or(Some(t)) } else { None };
        }
        assert!(were_one, "never taken for one, seed {seed}");
        // A second after they began to part: 2.5 m further apart.
        assert!(
            two_since.is_some_and(|t| t <= 2.5),
            "two since {two_since:?} s, seed {seed}"
        );
    }
}
