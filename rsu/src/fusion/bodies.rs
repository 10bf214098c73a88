//! Parts that are tied to each other, told as the one body that they are.
//!
//! Nothing is kept of it: parts are put together for each picture, under the id of the one that was known first.
//! Its middle is the mean of theirs by length, which is the middle of a straight body and of a bent one too, and
//! it is no surer than they are in the mean, for much of what their places are off is the same in all. Not here:
//! who is tied to whom (`ties`).

use arrayvec::ArrayVec;

use super::config::MAX_TRACKS;
use super::picture::Track;
use super::target::Target;
use crate::report::{Covariance, Size, Velocity};

/// Most joints at a time; what has more is told part by part.
const MOST_JOINTS: usize = 32;

/// Two parts by their ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Joint {
    pub(crate) ahead: u8,
    pub(crate) behind: u8,
}

/// Who of these is a part of one body with whom.
pub(crate) fn joints<'a>(
    everybody: &(impl Iterator<Item = &'a Target> + Clone),
) -> ArrayVec<Joint, MOST_JOINTS> {
    let mut joints = ArrayVec::new();
    for behind in everybody.clone().filter(|target| target.tied) {
        let ahead = everybody.clone().find(|one| one.uid == behind.tie.to);
        if let Some(ahead) = ahead.filter(|_| !joints.is_full()) {
            joints.push(Joint {
                ahead: ahead.id,
                behind: behind.id,
            });
        }
    }
    joints
}

/// Puts together what is joined.
pub(crate) fn unite(tracks: &mut ArrayVec<Track, MAX_TRACKS>, joints: &[Joint]) {
    let mut gone = [false; 256];
    for (n, joint) in joints.iter().enumerate() {
        // From its first part on: whose part ahead is joined to none.
        let first = !joints.iter().any(|other| other.behind == joint.ahead);
        let taken = joints[..n].iter().any(|other| other.ahead == joint.ahead);
        if !first || taken {
            continue;
        }
        let mut parts: ArrayVec<Track, { MOST_JOINTS + 1 }> = ArrayVec::new();
        let mut next = Some(joint.ahead);
        while let Some(id) = next {
            let Ok(place) = tracks.binary_search_by_key(&id, |track| track.id) else {
                break;
            };
            if parts.try_push(tracks[place]).is_err() {
                break;
            }
            let behind = joints.iter().find(|joint| joint.ahead == id);
            next = behind.map(|joint| joint.behind);
        }
        let Some(whole) = whole(&parts) else {
            continue;
        };
        for part in &parts {
            gone[usize::from(part.id)] = part.id != whole.id;
        }
        if let Ok(place) = tracks.binary_search_by_key(&whole.id, |track| track.id) {
            tracks[place] = whole;
        }
    }
    tracks.retain(|track| !gone[usize::from(track.id)]);
}

/// The body of such parts, the first one first; None of a single one.
fn whole(parts: &[Track]) -> Option<Track> {
    let ([first, .., last], Some(eldest)) = (
        parts,
        parts.iter().min_by_key(|part| (part.born_at, part.id)),
    ) else {
        return None;
    };
    let lengths = parts.iter().filter_map(|part| part.size);
    let length_m: f32 = lengths.clone().map(|size| size.length_m).sum();
    let mean = |of: fn(&Track) -> f64| -> f64 {
        let each = parts
            .iter()
            .filter_map(|part| Some((part, part.size?.length_m)));
        each.map(|(part, own_m)| f64::from(own_m / length_m) * of(part))
            .sum()
    };
    let largest = |of: fn(&Size) -> Option<f32>| {
        lengths
            .clone()
            .filter_map(|size| of(&size))
            .reduce(f32::max)
    };
    let surest = parts
        .iter()
        .max_by(|a, b| a.class_confidence.total_cmp(&b.class_confidence))?;
    let (east_m, north_m) = (first.east_m - last.east_m, first.north_m - last.north_m);
    Some(Track {
        id: eldest.id,
        own_id: parts.iter().find_map(|part| part.own_id),
        east_m: mean(|part| part.east_m),
        north_m: mean(|part| part.north_m),
        position_cov: Covariance {
            ee: mean(|part| part.position_cov.ee),
            en: mean(|part| part.position_cov.en),
            nn: mean(|part| part.position_cov.nn),
        },
        velocity: Velocity {
            east_mps: mean(|part| part.velocity.east_mps),
            north_mps: mean(|part| part.velocity.north_mps),
            cov: Covariance {
                ee: mean(|part| part.velocity.cov.ee),
                en: mean(|part| part.velocity.cov.en),
                nn: mean(|part| part.velocity.cov.nn),
            },
        },
        // Each part has a course of its own in a bend; the body lies as its ends do.
        yaw_rad: Some(north_m.atan2(east_m)),
        reverses: parts.iter().all(|part| part.reverses),
        class: surest.class,
        class_confidence: surest.class_confidence,
        emergency: parts.iter().any(|part| part.emergency),
        size: Some(Size {
            length_m,
            width_m: largest(|size| Some(size.width_m))?,
            height_m: largest(|size| size.height_m),
        }),
        seen_at: parts.iter().map(|part| part.seen_at).max()?,
        hidden: parts.iter().all(|part| part.hidden),
        born_at: eldest.born_at,
        sources: parts.iter().fold(0, |all, part| all | part.sources),
        existence: parts.iter().map(|part| part.existence).fold(0.0, f32::max),
    })
}
