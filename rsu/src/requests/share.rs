//! Who lies in the areas that vehicles ask after.

use arrayvec::ArrayVec;
use v2x_msg::base::StationId;
use v2x_msg::kinds::ssm::MAX_PARTICIPANTS;

use crate::fusion::Picture;
use crate::report::{Area, Strip};

/// Road users of one answer, beside the unit's own entry.
const MOST: usize = MAX_PARTICIPANTS - 1;
/// Road users of a picture.
const MOST_TRACKS: usize = 255;

/// Road users that somebody asked after: how far from the middle of what was asked, in centimetres, and
/// the place in the picture.
#[derive(Debug, Default)]
pub(super) struct Shared {
    found: Box<ArrayVec<(u32, u8), MOST_TRACKS>>,
    left_out: u64,
}

impl Shared {
    pub(super) fn clear(&mut self) {
        self.found.clear();
        self.left_out = 0;
    }

    /// Adds who is in `area`, but for who asks: it knows of itself.
    pub(super) fn look(&mut self, area: &Area, asker: StationId, picture: &Picture) {
        for (track, place) in picture.tracks.iter().take(MOST_TRACKS).zip(0u8..) {
            if track.own_id == Some(asker) {
                continue;
            }
            // Whose body reaches in is told.
            let half_m = track
                .size
                .map_or(0.0, |size| f64::from(size.length_m) / 2.0);
            let away_m = |strip: &Strip| {
                let away_m = distance_m(strip, track.east_m, track.north_m)?;
                (away_m <= strip.radius_m + half_m).then_some(away_m)
            };
            let nearest = area.paths.iter().filter_map(away_m).min_by(f64::total_cmp);
            let Some(away_m) = nearest else { continue };
            let away_cm = (away_m * 100.0) as u32;
            match self.found.iter_mut().find(|(_, known)| *known == place) {
                Some(known) => known.0 = known.0.min(away_cm),
                // Each place of a picture is here once at most.
                None => self.found.push((away_cm, place)),
            }
        }
    }

    /// Nearest first; who finds no room is counted.
    pub(super) fn settle(&mut self) {
        self.found.sort_unstable();
        self.left_out = self.found.len().saturating_sub(MOST) as u64;
        self.found.truncate(MOST);
    }

    pub(super) fn left_out(&self) -> u64 {
        self.left_out
    }

    pub(super) fn places(&self) -> impl Iterator<Item = usize> + '_ {
        self.found.iter().map(|(_, place)| usize::from(*place))
    }
}

/// From the nearest point of a strip's line; None where there is none.
fn distance_m(strip: &Strip, east_m: f64, north_m: f64) -> Option<f64> {
    let mut nearest: Option<f64> = None;
    for piece in strip.points_m.windows(2) {
        let (a, b) = (piece[0], piece[1]);
        let (east, north) = (b.0 - a.0, b.1 - a.1);
        let squared = east * east + north * north;
        let share = if squared > 0.0 {
            ((east_m - a.0) * east + (north_m - a.1) * north) / squared
        } else {
            0.0
        };
        let share = share.clamp(0.0, 1.0);
        let away_m = (east_m - a.0 - share * east).hypot(north_m - a.1 - share * north);
        if away_m.is_finite() && nearest.is_none_or(|known| away_m < known) {
            nearest = Some(away_m);
        }
    }
    nearest
}
