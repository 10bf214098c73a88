//! Who stands in a lane before a light, and when those behind can go on: shock-wave arithmetic.
//!
//! Who comes to a red light stands behind who came before. When it turns green the first moves off after
//! a moment, and moving off runs backwards through the queue at an even speed (Lighthill, Whitham 1955;
//! Richards 1956). So who stands at a place begins to move at a moment that hangs on the place alone, and
//! who comes to the back of the queue no sooner than the one before it is as quick as itself need not
//! stop. Vehicles pass the line one after another, no closer than a headway: who is not over it when the
//! green ends stands first in the next. Not here: how fast one then drives ([`super::advice`]).

use crate::world::vehicles::time_to_cover_s;

/// Somebody ahead in the lane.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ahead {
    /// From its front to the line.
    pub left_m: f64,
    /// Now.
    pub speed_mps: f64,
    /// Bumper to bumper.
    pub length_m: f64,
}

/// What those ahead leave of one green to who comes next. All times count from now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Left {
    /// Where the next would have to stand: its front, so far before the line; nought if nobody stands.
    pub back_m: f64,
    /// When the last of those who stand begins to move.
    pub moves_s: Option<f64>,
    /// When the last of all passes the line.
    pub passes_s: Option<f64>,
}

/// Looks at one green after the other. `ahead` are those who have not passed before, from the line
/// backwards; who does not pass in this green stays in it, and then there is none of it left: None.
pub fn follow(ahead: &mut Vec<Ahead>, begins_s: f64, ends_s: f64, most_mps: f64) -> Option<Left> {
    let mut left = Left {
        back_m: 0.0,
        moves_s: None,
        passes_s: None,
    };
    let wave_s = |place_m: f64| begins_s + REACTION_S + place_m / WAVE_MPS;
    for i in 0..ahead.len() {
        let one = ahead[i];
        let stood = one.speed_mps < STANDS_BELOW_MPS;
        let place_m = if stood { one.left_m } else { left.back_m };
        let comes_s = (one.left_m - place_m).max(0.0) / one.speed_mps.max(STANDS_BELOW_MPS);
        let stands = stood || comes_s + ROLLS_S < wave_s(place_m);
        let mut passes_s = if stands {
            let moves_s = wave_s(place_m).max(0.0);
            moves_s + time_to_cover_s(place_m, 0.0, RISE_MPS2, most_mps)
        } else if begins_s > 0.0 {
            one.left_m / one.speed_mps
        } else {
            time_to_cover_s(one.left_m, one.speed_mps, RISE_MPS2, most_mps)
        };
        if let Some(before_s) = left.passes_s {
            passes_s = passes_s.max(before_s + HEADWAY_S);
        }
        if passes_s > ends_s {
            ahead.drain(..i);
            stand(ahead);
            return None;
        }
        left.passes_s = Some(passes_s);
        if stands {
            left.moves_s = Some(wave_s(place_m).max(0.0));
            left.back_m = place_m + one.length_m + GAP_M;
        }
    }
    ahead.clear();
    Some(left)
}

/// They have come up to the line and stand.
fn stand(ahead: &mut [Ahead]) {
    let mut place_m = 0.0;
    for one in ahead {
        (one.left_m, one.speed_mps) = (place_m, 0.0);
        place_m += one.length_m + GAP_M;
    }
}

/// From one to the next over the line.
pub const HEADWAY_S: f64 = 2.0;
/// How one moves off and speeds up.
pub const RISE_MPS2: f64 = 1.5;
/// Whoever comes so much too early rolls up ever slower, and need not stand.
pub const ROLLS_S: f64 = 3.0;
/// From the beginning of green to the first's moving off.
const REACTION_S: f64 = 1.0;
/// How fast moving off runs backwards: 5 to 6 m/s are usual.
const WAVE_MPS: f64 = 5.5;
/// Between two who stand.
const GAP_M: f64 = 2.0;
/// Slower stands.
pub const STANDS_BELOW_MPS: f64 = 1.0;

#[cfg(test)]
mod tests {
    use super::*;

    const MOST_MPS: f64 = 16.7;

    fn standing(count: usize) -> Vec<Ahead> {
        let places = (0..count).map(|i| Ahead {
            left_m: 6.5 * i as f64,
            speed_mps: 0.0,
            length_m: 4.5,
        });
        places.collect()
    }

    #[test]
    fn moving_off_runs_backwards_through_the_queue() {
        let left = follow(&mut standing(6), 10.0, 60.0, MOST_MPS).expect("time for all");
        assert!((left.back_m - 39.0).abs() < 1e-9);
        // The sixth stands 32.5 m back: 5.9 s after the first, which moves 1 s after green.
        let moves_s = left.moves_s.expect("they stand");
        assert!((moves_s - 16.9).abs() < 0.1, "{moves_s}");
        // Six cars take two seconds each, and what the first lose as they speed up.
        let passes_s = left.passes_s.expect("they pass");
        assert!((22.0..25.0).contains(&passes_s), "{passes_s}");
    }

    #[test]
    fn who_does_not_pass_in_one_green_stands_first_in_the_next() {
        let mut ahead = standing(9);
        assert_eq!(follow(&mut ahead, 10.0, 21.0, MOST_MPS), None);
        assert!((4..=6).contains(&ahead.len()), "{}", ahead.len());
        assert_eq!((ahead[0].left_m, ahead[0].speed_mps), (0.0, 0.0));
        let left = follow(&mut ahead, 100.0, 130.0, MOST_MPS).expect("time for all");
        assert!(left.back_m < 40.0 && left.passes_s.is_some_and(|s| s > 108.0));
        assert_eq!(
            follow(&mut ahead, 200.0, 230.0, MOST_MPS).map(|left| left.back_m),
            Some(0.0)
        );
    }

    #[test]
    fn who_comes_in_time_does_not_stand() {
        let mut comes = vec![Ahead {
            left_m: 105.0,
            speed_mps: 5.0,
            length_m: 4.5,
        }];
        let left = follow(&mut comes.clone(), 20.0, 40.0, MOST_MPS).expect("time for it");
        assert_eq!((left.back_m, left.moves_s), (0.0, None));
        assert!((left.passes_s.expect("it passes") - 21.0).abs() < 1e-9);
        comes[0].speed_mps = 14.0;
        let left = follow(&mut comes, 20.0, 40.0, MOST_MPS).expect("time for it");
        assert!(
            left.back_m > 6.0 && left.moves_s.is_some(),
            "it will have to stand"
        );
    }
}
