//! Who is near a place: targets in strips of the road from south to north, and in each from west to east.
//!
//! Made once for the frames of a moment. Strips are cut into cells, of which it is known who is in each, so that
//! looking somewhere costs no more than what is there. Places are those at which targets were when the index was
//! made.

use nalgebra::Vector2;

use super::order::Buckets;
use super::target::Target;

/// Height of a strip: about as far as anything is sought.
const STRIP_M: f64 = 16.0;
/// Most cells whose beginnings are noted: they are counted each time, so that few targets may have few.
const MOST_CELLS: usize = 2048;
const CELLS_EACH: usize = 4;
/// But so many always: two kilometres and more from south to north.
const LEAST_CELLS: usize = 160;
/// Cells are so many millimetres wide, as a power of two; wider ones where there would be too many.
const CELL_BITS: u32 = 14;
/// Targets move a little while a moment's frames are taken.
pub(crate) const SLACK_M: f64 = 1.0;

/// Targets by place.
#[derive(Clone, Debug)]
pub(crate) struct Near {
    spots: Vec<Spot>,
    /// Where each cell of each strip begins among these.
    buckets: Buckets<Spot>,
    /// None where there would be too many, or some have come since.
    cells: Option<Cells>,
    /// How many standard deviations from its place a target is sought.
    pub(crate) sigmas: f64,
    /// The farthest that any of them is sought from its place.
    pub(crate) farthest_m: f64,
    /// Half of the largest body, length and width added up.
    pub(crate) largest_m: f64,
}

/// Strips cut from west to east.
#[derive(Clone, Copy, Debug)]
struct Cells {
    southernmost: u32,
    strips: usize,
    westernmost_mm: u32,
    columns: usize,
    bits: u32,
}

impl Cells {
    /// Such that all of these are in one; None if that would be too many.
    fn of(spots: &[Spot]) -> Option<Self> {
        let first = spots.first()?;
        let (mut south, mut north) = (first.strip(), first.strip());
        let (mut west, mut east) = (first.east_mm(), first.east_mm());
        for spot in spots {
            (south, north) = (south.min(spot.strip()), north.max(spot.strip()));
            (west, east) = (west.min(spot.east_mm()), east.max(spot.east_mm()));
        }
        let (strips, wide_mm) = ((north - south) as usize + 1, east - west);
        let most = (CELLS_EACH * spots.len()).clamp(LEAST_CELLS, MOST_CELLS);
        let columns = |bits: u32| (wide_mm >> bits) as usize + 1;
        let mut wide = CELL_BITS..u32::BITS;
        let bits = wide.find(|bits| strips.saturating_mul(columns(*bits)) <= most)?;
        Some(Self {
            southernmost: south,
            strips,
            westernmost_mm: west,
            columns: columns(bits),
            bits,
        })
    }

    fn count(&self) -> usize {
        self.strips * self.columns
    }

    /// Of one of those that all are in.
    #[inline(always)]
    fn of_spot(&self, spot: &Spot) -> usize {
        let row = (spot.strip() - self.southernmost) as usize;
        row * self.columns + ((spot.east_mm() - self.westernmost_mm) >> self.bits) as usize
    }

    /// The column of an easting, or the one nearest to it.
    #[inline(always)]
    fn column(&self, east_mm: u32) -> usize {
        let column = east_mm.saturating_sub(self.westernmost_mm) >> self.bits;
        (column as usize).min(self.columns - 1)
    }
}

/// Where one target is. Small, since these are sorted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spot {
    /// Strip and easting, so that spots sort as numbers do.
    key: u64,
    north_m: f32,
    reach_m: f32,
    pub(crate) target: u16,
}

impl Spot {
    fn new(target: &Target, index: u16, reach_m: f64) -> Self {
        let (east_m, north_m) = (target.state.x[0], target.state.x[1]);
        Self {
            key: key(strip(north_m), east_mm(east_m)),
            north_m: north_m as f32,
            reach_m: reach_m as f32,
            target: index,
        }
    }

    /// How far it may be seen from where it is, for its own part.
    pub(crate) fn reach_m(&self) -> f64 {
        f64::from(self.reach_m)
    }

    /// How far it is from a place, along the axis along which it is farther.
    pub(crate) fn apart_m(&self, place: Vector2<f64>) -> f64 {
        let east_m = (self.east_m() - place.x).abs();
        east_m.max((f64::from(self.north_m) - place.y).abs())
    }

    fn east_m(&self) -> f64 {
        (f64::from(self.east_mm()) - EAST_MM) * 1e-3
    }

    fn east_mm(&self) -> u32 {
        self.key as u32
    }

    fn strip(&self) -> u32 {
        (self.key >> 32) as u32
    }
}

impl Near {
    pub(crate) fn with_capacity(targets: usize) -> Self {
        Self {
            spots: Vec::with_capacity(targets),
            buckets: Buckets::with_capacity(targets, MOST_CELLS),
            cells: None,
            sigmas: 0.0,
            farthest_m: 0.0,
            largest_m: 0.0,
        }
    }

    /// Notes where all targets are; `sigmas` is how far from its place a target is sought.
    pub(crate) fn note(&mut self, targets: &[Target], sigmas: f64) {
        self.sigmas = sigmas;
        let (mut farthest_m, mut largest_m) = (0.0, 0.0);
        let note = |index: u16| {
            let target = &targets[usize::from(index)];
            let extent = target.extent();
            let reach_m = sigmas * (target.state.position_sigma_m() + 0.15 * extent.length_m);
            farthest_m = f64::max(farthest_m, reach_m);
            let half_m = 0.5 * (extent.length_m + extent.width_m);
            largest_m = f64::max(largest_m, half_m);
            Spot::new(target, index, reach_m)
        };
        let all = &mut self.buckets.all;
        all.clear();
        all.extend((0..targets.len() as u16).map(note));
        (self.farthest_m, self.largest_m) = (farthest_m, largest_m);
        self.cells = Cells::of(all);
        if let Some(cells) = self.cells {
            let cell = |spot: &Spot| cells.of_spot(spot);
            self.buckets
                .sort(cells.count(), cell, &mut self.spots, place);
        } else {
            self.spots.clear();
            self.spots.extend_from_slice(all);
            self.spots.sort_unstable_by_key(place);
        }
    }

    /// Adds targets that have come since.
    pub(crate) fn add(&mut self, targets: &[Target]) {
        let known = self.spots.len();
        for (index, target) in targets.iter().enumerate().skip(known) {
            let spot = Spot::new(target, index as u16, 0.0);
            let place = self.spots.partition_point(|other| other.key < spot.key);
            self.spots.insert(place, spot);
        }
        if targets.len() > known {
            self.cells = None;
        }
    }

    /// Visits everybody within `reach_m` of a place, east and north.
    #[inline]
    pub(crate) fn visit(&self, place: Vector2<f64>, reach_m: f64, mut visit: impl FnMut(&Spot)) {
        let reach_m = reach_m + SLACK_M;
        let (west, east) = (east_mm(place.x - reach_m), east_mm(place.x + reach_m));
        let (south, north) = (strip(place.y - reach_m), strip(place.y + reach_m));
        let Some(cells) = &self.cells else {
            for strip in south..north.saturating_add(1) {
                let start = self.spots.partition_point(|s| s.key < key(strip, west));
                let beside = self.spots[start..].iter();
                let beside = beside.take_while(|spot| spot.key <= key(strip, east));
                beside.for_each(&mut visit);
            }
            return;
        };
        let northernmost = cells.southernmost + cells.strips as u32 - 1;
        let (first, last) = (cells.column(west), cells.column(east));
        for strip in south.max(cells.southernmost)..north.min(northernmost) + 1 {
            let row = (strip - cells.southernmost) as usize * cells.columns;
            let (from, to) = self.buckets.reach(row + first, row + last);
            for spot in &self.spots[from..to] {
                if spot.east_mm() >= west && spot.east_mm() <= east {
                    visit(spot);
                }
            }
        }
    }

    /// All pairs that are no farther than `reach_m` apart, east and north, each once; and some beside.
    pub(crate) fn pairs(&self, reach_m: f64, mut pair: impl FnMut(usize, usize)) {
        let reach_m = reach_m + SLACK_M;
        debug_assert!(reach_m <= STRIP_M);
        let reach_mm = (reach_m * 1e3).ceil() as u64;
        // Where the strip above is as far east as the one in hand: it only moves on.
        let mut above = 0;
        for (n, one) in self.spots.iter().enumerate() {
            let beside = self.spots[n + 1..].iter();
            let beside = beside.take_while(|other| other.key <= one.key + reach_mm);
            let over = one.key + (1 << 32);
            while above < self.spots.len() && self.spots[above].key + reach_mm < over {
                above += 1;
            }
            let across = self.spots[above..].iter();
            let across = across.take_while(|other| other.key <= over + reach_mm);
            for other in beside.chain(across) {
                if f64::from((other.north_m - one.north_m).abs()) <= reach_m {
                    pair(usize::from(one.target), usize::from(other.target));
                }
            }
        }
    }
}

/// What spots are in order of.
fn place(spot: &Spot) -> (u64, u16) {
    (spot.key, spot.target)
}

/// Counted from far south of all sites.
fn strip(north_m: f64) -> u32 {
    (north_m * (1.0 / STRIP_M) + STRIPS) as u32
}

fn key(strip: u32, east_mm: u32) -> u64 {
    u64::from(strip) << 32 | u64::from(east_mm)
}

/// Millimetres are near enough, and what lies beyond all sites lies at their edge.
fn east_mm(east_m: f64) -> u32 {
    (east_m * 1e3 + EAST_MM) as u32
}

/// What keeps numbers positive.
const STRIPS: f64 = (1 << 20) as f64;
const EAST_MM: f64 = (1 << 30) as f64;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fusion::config::Parts;
    use crate::fusion::screen::believe;
    use crate::fusion::testing::{car, moment};
    use crate::fusion::{Config, Pose, Sensor};
    use crate::report::InputId;

    fn target(east_m: f64, north_m: f64) -> Target {
        let pose = Pose {
            east_m: 0.0,
            north_m: 0.0,
            up_m: 6.0,
            yaw_rad: 0.0,
        };
        let config = Config::default();
        let sensor = Sensor::camera(InputId(0), pose);
        let sighting = believe(&car(east_m, north_m), &sensor, &config).unwrap();
        Target::new(1, (moment(0.0), 0), &sighting, Parts::default().modes)
    }

    proptest! {
        #[test]
        fn nobody_near_is_overlooked(
            nearby in prop::collection::vec((-60.0..60.0f64, -60.0..60.0f64), 1..40),
            // So far that there are too many cells, or wide ones.
            far_off in prop::collection::vec((-1400.0..1400.0f64, -1400.0..1400.0f64), 0..3),
            asked in (-60.0..60.0f64, -60.0..60.0f64),
            reach_m in 0.1..14.9f64,
        ) {
            let places: Vec<(f64, f64)> = nearby.into_iter().chain(far_off).collect();
            let targets: Vec<Target> = places.iter().map(|p| target(p.0, p.1)).collect();
            let mut near = Near::with_capacity(targets.len());
            near.note(&targets, 4.0);
            let mut found: Vec<u16> = Vec::new();
            near.visit(Vector2::new(asked.0, asked.1), reach_m, |spot| found.push(spot.target));
            found.sort_unstable();
            let within = |a: (f64, f64), b: (f64, f64), reach: f64| {
                (a.0 - b.0).abs() <= reach && (a.1 - b.1).abs() <= reach
            };
            for (n, place) in (0..).zip(&places) {
                prop_assert!(found.contains(&n) || !within(*place, asked, reach_m));
            }
            found.dedup();
            prop_assert!(found.len() <= places.len());
            let mut paired = Vec::new();
            near.pairs(reach_m, |a, b| paired.push((a.min(b), a.max(b))));
            paired.sort_unstable();
            let count = paired.len();
            paired.dedup();
            prop_assert_eq!(paired.len(), count, "a pair came twice");
            for a in 0..places.len() {
                for b in a + 1..places.len() {
                    let near_by = within(places[a], places[b], reach_m - 0.002);
                    prop_assert!(paired.contains(&(a, b)) || !near_by);
                }
            }
        }
    }
}
