//! What the lanes of the site say of where a vehicle is and where it goes.
//!
//! Drivers keep to their lanes: near the middle, and hardly aside. That is known once of each of them and not
//! anew in each frame, so the filter never hears of it: it is brought to what the sensors say when a track is
//! told, and forgotten with it. So nothing counts twice, nothing is held against later detections, and whoever
//! leaves the lane is followed as if there were none.
//!
//! It is a mixture, after Bayes. Either the driver keeps one of the lanes under or beside the track (off its
//! middle by [`OFF_M`], aside by [`ASIDE_MPS`]) or does as it likes (anywhere over the lane's width, aside by
//! [`FREE_MPS`]): changes lanes, parks, makes room. How well place and velocity fit tells how likely each is; what
//! is told is the mean of all, and its covariance holds what they differ by. Whoever is between two lanes is
//! drawn to both, which is to neither.
//!
//! Nothing is said of walkers, riders, and what nobody knows (they do not keep lanes), of whoever stands or
//! creeps, within the junction, nor of whoever drives where lanes lead the other way.
//!
//! Sources: the standard deviation of lateral placement in a lane is given as 0.2 to 0.4 m in studies of
//! straight roads; 0.4 m here with the survey's own error. The share of drivers who do as they like is assumed.

use arrayvec::ArrayVec;
use nalgebra::{Matrix2, Vector2};
use v2x_msg::kinds::map::LaneKind;

use super::filter::matrix;
use super::heading::wrap;
use super::picture::Track;
use crate::report::{Class, Covariance};
use crate::site::Site;

/// Lanes for vehicles, by place.
#[derive(Clone, Debug, PartialEq)]
pub struct Lanes {
    pieces: Vec<Piece>,
    /// South-western corner and edge of the cells, how many there are from west to east and how many rows.
    corner: Vector2<f64>,
    cell_m: f64,
    columns: usize,
    rows: usize,
    /// Which pieces are in reach of each cell: from one beginning to the next.
    begins: Vec<u32>,
    near: Vec<u32>,
}

/// A straight piece of a lane's middle.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Piece {
    /// Which lane it is of.
    lane: u32,
    from: Vector2<f64>,
    along: Vector2<f64>,
    length_m: f64,
    width_m: f64,
    /// Whether another follows at each end, so that it goes on a little beyond.
    joined: [bool; 2],
    /// Where the lane leads at both ends: halfway to what the next piece does.
    leads: [Vector2<f64>; 2],
}

/// A lane by which a track may be.
#[derive(Clone, Copy, Debug)]
struct Beside {
    lane: u32,
    /// How far the track is to the left of its middle.
    left_m: f64,
    width_m: f64,
    /// Where it leads there, of length 1.
    leads: Vector2<f64>,
}

impl Lanes {
    /// Those of a site; None where it has none.
    pub fn of(site: &Site) -> Option<Self> {
        let lanes = site.links.iter().flat_map(|link| &link.lanes);
        let driven = lanes.filter(|lane| matches!(lane.kind, LaneKind::Vehicle(_)));
        let lines = driven.map(|lane| {
            let points = lane.centre.iter();
            let points = points.map(|point| Vector2::new(point.east_m, point.north_m));
            (points.collect::<Vec<_>>(), lane.width_m)
        });
        Self::along(lines)
    }

    /// Along lines in the direction of travel, with the width of each lane.
    pub(crate) fn along(lines: impl Iterator<Item = (Vec<Vector2<f64>>, f64)>) -> Option<Self> {
        let numbered = lines.zip(0..);
        let all = numbered.flat_map(|((line, width_m), lane)| pieces(&line, (lane, width_m)));
        let pieces: Vec<Piece> = all.collect();
        let reach = |piece: &Piece| Vector2::repeat(piece.reach_m());
        let ends = |piece: &Piece| (piece.from, piece.from + piece.along * piece.length_m);
        let (mut corner, mut far) = (pieces.first()?.from, pieces.first()?.from);
        for piece in &pieces {
            let (from, to) = ends(piece);
            corner = corner.inf(&(from.inf(&to) - reach(piece)));
            far = far.sup(&(from.sup(&to) + reach(piece)));
        }
        let mut cell_m = CELL_M;
        let count = |cell_m: f64| ((far - corner) / cell_m).map(|cells| cells as usize + 1);
        while count(cell_m).product() > MOST_CELLS {
            cell_m *= 2.0;
        }
        let count = count(cell_m);
        let (columns, rows) = (count.x, count.y);
        let (mut begins, mut near) = (Vec::with_capacity(columns * rows + 1), Vec::new());
        for cell in 0..columns * rows {
            begins.push(near.len() as u32);
            let (column, row) = ((cell % columns) as f64, (cell / columns) as f64);
            let middle = corner + Vector2::new(column + 0.5, row + 0.5) * cell_m;
            let half_m = cell_m * std::f64::consts::FRAC_1_SQRT_2;
            let in_reach = |piece: &Piece| piece.away_m(middle) <= piece.reach_m() + half_m;
            let all = pieces.iter().enumerate();
            near.extend(
                all.filter(|(_, piece)| in_reach(piece))
                    .map(|(n, _)| n as u32),
            );
        }
        begins.push(near.len() as u32);
        Some(Self {
            pieces,
            corner,
            cell_m,
            columns,
            rows,
            begins,
            near,
        })
    }

    /// Makes of what the sensors say of a track what they and the lanes do; `yaw_var` is how sure its heading
    /// is, in square radians.
    pub(crate) fn hold(&self, track: &mut Track, yaw_var: f64) {
        let keeps = keeps_lanes(track);
        if keeps <= 0.0 {
            return;
        }
        let place = Vector2::new(track.east_m, track.north_m);
        let velocity = Vector2::new(track.velocity.east_mps, track.velocity.north_mps);
        let way = velocity.normalize();
        let mut beside: ArrayVec<Beside, MOST_BESIDE> = ArrayVec::new();
        for piece in self.near(place) {
            let Some(lane) = piece.beside(place) else {
                continue;
            };
            let leads_there = lane.leads.dot(&way);
            if leads_there < LEADS_AGAINST && 2.0 * lane.left_m.abs() < lane.width_m {
                // Somebody on the wrong side of the road keeps none of its lanes.
                return;
            }
            if leads_there < LEADS_THERE {
                continue;
            }
            match beside.iter_mut().find(|other| other.lane == lane.lane) {
                Some(other) if lane.left_m.abs() < other.left_m.abs() => *other = lane,
                Some(_) => {}
                // Where more overlap, the rest are left out.
                None => drop(beside.try_push(lane)),
            }
        }
        let nearest = beside
            .iter()
            .min_by(|a, b| a.left_m.abs().total_cmp(&b.left_m.abs()));
        let Some(&own) = nearest.filter(|own| 2.0 * own.left_m.abs() <= own.width_m) else {
            return;
        };
        let left = Vector2::new(-own.leads.y, own.leads.x);
        let (p, pv) = (matrix(track.position_cov), matrix(track.velocity.cov));
        let (across, aside) = (
            Across::of(&p, left, OFF_M),
            Across::of(&pv, left, ASIDE_MPS),
        );
        let aside_mps = velocity.dot(&left);
        let free = (1.0 - keeps) / own.width_m * likely(aside_mps, aside.var + FREE_MPS * FREE_MPS);
        let kept = keeps * likely(aside_mps, aside.var + ASIDE_MPS * ASIDE_MPS);
        // Where the middle of each lane is, by how likely the track keeps it.
        let (mut sum, mut first, mut second) = (free, 0.0, 0.0);
        for off_m in beside.iter().map(|lane| -lane.left_m) {
            let weight = kept * likely(off_m, across.var + OFF_M * OFF_M);
            sum += weight;
            first += weight * off_m;
            second += weight * off_m * off_m;
        }
        if !(sum.is_finite() && sum > 0.0) {
            return;
        }
        let (kept, first, second) = (1.0 - free / sum, first / sum, second / sum);
        let moved = across.gain * first;
        (track.east_m, track.north_m) = (place.x + moved.x, place.y + moved.y);
        track.position_cov = across.narrowed(&p, kept, second - first * first);
        let slowed = aside.gain * (-kept * aside_mps);
        track.velocity.east_mps += slowed.x;
        track.velocity.north_mps += slowed.y;
        let spread = kept * (1.0 - kept) * aside_mps * aside_mps;
        track.velocity.cov = aside.narrowed(&pv, kept, spread);
        if let Some(yaw_rad) = &mut track.yaw_rad {
            let sigma_rad = ASIDE_MPS / velocity.norm();
            let gain = kept * yaw_var / (yaw_var + sigma_rad * sigma_rad);
            let turn = wrap(own.leads.y.atan2(own.leads.x) - *yaw_rad);
            *yaw_rad = wrap(*yaw_rad + gain * turn);
        }
    }

    fn near(&self, place: Vector2<f64>) -> impl Iterator<Item = &Piece> {
        let cell = ((place - self.corner) / self.cell_m).map(f64::floor);
        let inside = |at: f64, of: usize| (0.0..of as f64).contains(&at);
        let within = inside(cell.x, self.columns) && inside(cell.y, self.rows);
        let range = within.then(|| {
            let cell = cell.y as usize * self.columns + cell.x as usize;
            self.begins[cell] as usize..self.begins[cell + 1] as usize
        });
        let near = &self.near[range.unwrap_or_default()];
        near.iter().map(|&n| &self.pieces[n as usize])
    }
}

/// A line's pieces, and where the lane leads between them.
fn pieces(line: &[Vector2<f64>], (lane, width_m): (u32, f64)) -> Vec<Piece> {
    let straight = line.windows(2).filter_map(|ends| {
        let along = ends[1] - ends[0];
        let length_m = along.norm();
        (length_m > 0.01).then(|| (ends[0], along / length_m, length_m))
    });
    let straight: Vec<_> = straight.collect();
    let leads = |n: usize| straight.get(n).map(|&(_, along, _)| along);
    let halfway = |one: Vector2<f64>, other: Option<Vector2<f64>>| {
        let middle = one + other.unwrap_or(one);
        middle.try_normalize(0.1).unwrap_or(one)
    };
    let piece =
        |(n, &(from, along, length_m)): (usize, &(Vector2<f64>, Vector2<f64>, f64))| Piece {
            lane,
            from,
            along,
            length_m,
            width_m,
            joined: [n > 0, leads(n + 1).is_some()],
            leads: [
                halfway(along, n.checked_sub(1).and_then(leads)),
                halfway(along, leads(n + 1)),
            ],
        };
    straight.iter().enumerate().map(piece).collect()
}

impl Piece {
    /// So far from its middle it may be asked for.
    fn reach_m(&self) -> f64 {
        1.5 * self.width_m + JOINT_M
    }

    fn away_m(&self, place: Vector2<f64>) -> f64 {
        let off = place - self.from;
        let along_m = off.dot(&self.along).clamp(0.0, self.length_m);
        (off - self.along * along_m).norm()
    }

    /// Where a place is in relation to it; None beyond its ends, or too far aside.
    fn beside(&self, place: Vector2<f64>) -> Option<Beside> {
        let off = place - self.from;
        let (along_m, left_m) = (off.dot(&self.along), self.along.perp(&off));
        let [before_m, after_m] = self
            .joined
            .map(|joined| f64::from(u8::from(joined)) * JOINT_M);
        let reached = (-before_m..=self.length_m + after_m).contains(&along_m);
        if !reached || left_m.abs() > 1.5 * self.width_m {
            return None;
        }
        let [here, there] = self.leads;
        let leads = here + (there - here) * (along_m / self.length_m).clamp(0.0, 1.0);
        Some(Beside {
            lane: self.lane,
            left_m,
            width_m: self.width_m,
            leads: leads.try_normalize(0.1).unwrap_or(self.along),
        })
    }
}

/// What is measured across a lane, beside what is supposed there.
struct Across {
    /// Of what is measured.
    var: f64,
    /// How far all of it moves for each unit of what is supposed, were that sure to hold.
    gain: Vector2<f64>,
    both: f64,
}

impl Across {
    fn of(cov: &Matrix2<f64>, left: Vector2<f64>, sigma: f64) -> Self {
        let toward = cov * left;
        let var = left.dot(&toward).max(0.0);
        let both = var + sigma * sigma;
        Self {
            var,
            gain: toward / both,
            both,
        }
    }

    /// The covariance of the mixture: what holds is so likely, and its place spreads by so much.
    fn narrowed(&self, cov: &Matrix2<f64>, kept: f64, spread: f64) -> Covariance {
        let less = self.gain * self.gain.transpose() * (kept * self.both - spread.max(0.0));
        Covariance {
            ee: cov[(0, 0)] - less[(0, 0)],
            en: cov[(0, 1)] - less[(0, 1)],
            nn: cov[(1, 1)] - less[(1, 1)],
        }
    }
}

/// How likely it is beforehand that a road user keeps to a lane at all.
fn keeps_lanes(track: &Track) -> f64 {
    let drives = matches!(track.class, Class::Car | Class::Truck | Class::Bus);
    let speed_mps = track.velocity.east_mps.hypot(track.velocity.north_mps);
    let goes = (speed_mps - CREEPS_MPS) / (GOES_MPS - CREEPS_MPS);
    if !drives || track.reverses || !speed_mps.is_finite() {
        return 0.0;
    }
    KEEPS * goes.clamp(0.0, 1.0) * f64::from(track.class_confidence).clamp(0.0, 1.0)
}

/// Density of a normal distribution, but for a factor that is the same for all.
fn likely(off: f64, var: f64) -> f64 {
    (-0.5 * off * off / var).exp() / var.sqrt() * NORMAL
}

/// The square root of one over two pi.
const NORMAL: f64 = 0.398_942_280_401_432_7;
/// Who keeps a lane is off its middle by so much, and
const OFF_M: f64 = 0.4;
/// moves aside in it by so much.
const ASIDE_MPS: f64 = 0.25;
/// Who changes lanes moves aside by about so much: 3.5 m in four seconds.
const FREE_MPS: f64 = 1.0;
/// The share of drivers on a lane who keep it.
const KEEPS: f64 = 0.85;
/// Below this speed nobody is held to a lane, above the other all are.
const CREEPS_MPS: f64 = 2.0;
const GOES_MPS: f64 = 5.0;
/// A lane leads where somebody goes within 30 degrees, and against it beyond 120 (cosines).
const LEADS_THERE: f64 = 0.866;
const LEADS_AGAINST: f64 = -0.5;
/// Lanes beside a track that are looked at.
const MOST_BESIDE: usize = 6;
/// Edge of a cell, unless a site is so large that there would be more than so many.
const CELL_M: f64 = 12.0;
const MOST_CELLS: usize = 1 << 16;
/// At a bend the outer side is between two pieces: each goes on for so far.
const JOINT_M: f64 = 0.5;
