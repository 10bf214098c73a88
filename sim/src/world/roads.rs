//! Where vehicles can drive: routes from an approach lane through the junction to an exit lane.
//!
//! A route is one path with its arc length: the approach lane, a smooth connection, the exit lane.
//! Where two routes come closer than two vehicles are wide, both know the zone. All of it is
//! computed once, when the world is built.

use v2x_msg::base::{LaneId, NodeId, PhaseId};

use crate::plane::{Path, Point, curve};

/// Which way a vehicle goes at the junction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Turn {
    /// Across the opposite direction.
    Left,
    /// On.
    Straight,
    /// Along the near kerb.
    Right,
}

/// A lane that leads to the junction; travelled towards its stop line.
#[derive(Clone, Debug, PartialEq)]
pub struct ApproachLane {
    /// The junction or road end that the lane comes from; one approach per node.
    pub from: NodeId,
    /// Its number within the approach, from the left.
    pub id: LaneId,
    /// Across.
    pub width_m: f64,
    /// Fastest that one may drive.
    pub limit_mps: f64,
    /// Centre line; the last point lies on the stop line.
    pub centre: Vec<Point>,
    /// Where it leads.
    pub movements: Vec<Movement>,
}

/// One way on from an approach lane.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Movement {
    /// Index of the exit lane.
    pub exit: usize,
    /// Which way.
    pub turn: Turn,
    /// The phase that governs it; None if nothing does and the driver yields.
    pub phase: Option<PhaseId>,
}

/// A lane that leads away from the junction.
#[derive(Clone, Debug, PartialEq)]
pub struct ExitLane {
    /// The junction or road end that the lane goes to.
    pub to: NodeId,
    /// Across.
    pub width_m: f64,
    /// Fastest that one may drive.
    pub limit_mps: f64,
    /// Centre line; the first point lies at the edge of the junction.
    pub centre: Vec<Point>,
}

/// Why lanes do not make roads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotARoad {
    /// A centre line of fewer than two points.
    #[error("a lane needs a centre line of at least two points")]
    NoLength,
    /// A movement to an exit that is not there.
    #[error("a lane leads to an exit lane that does not exist")]
    NoExit,
    /// No way through the junction at all.
    #[error("no lane leads anywhere")]
    NoRoute,
}

/// Every route through the junction.
#[derive(Clone, Debug)]
pub struct Roads {
    /// The lanes towards the junction.
    pub approaches: Vec<ApproachLane>,
    /// The lanes away from it.
    pub exits: Vec<ExitLane>,
    /// Each movement of each approach lane, in that order.
    pub routes: Vec<Route>,
}

/// One way through the junction, from where vehicles appear to where they leave.
#[derive(Clone, Debug)]
pub struct Route {
    /// Index of the approach lane.
    pub approach: usize,
    /// Index of the exit lane.
    pub exit: usize,
    /// Which way it turns.
    pub turn: Turn,
    /// The phase that governs it; None if the driver yields instead.
    pub phase: Option<PhaseId>,
    /// Its light is round: one may turn right at red, and gives way.
    pub on_red: bool,
    /// The centre line of all of it.
    pub path: Path,
    /// Where the stop line is.
    pub stop_m: f64,
    /// Where the exit lane begins.
    pub clear_m: f64,
    /// Where it meets routes of other approach lanes, in the order in which one comes to them.
    pub zones: Vec<Zone>,
    /// Routes that begin or end in the same lane, itself among them, by index.
    pub kin: Vec<Kin>,
    /// Fastest that one drives, for each metre; slows down ahead of bends.
    speed_mps: Vec<f64>,
}

/// A route that begins or ends in the same lane as another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Kin {
    /// Its index.
    pub route: usize,
    /// Whose rear is not so far along it is in the approach lane of both; less than any place if they have
    /// none in common.
    pub parts_m: f64,
    /// Whose rear is farther along it is in the exit lane of both; more than any place if they have none in
    /// common, and of the route itself.
    pub joins_m: f64,
    /// Where its exit lane begins.
    pub clear_m: f64,
}

/// A stretch of a route that cannot be shared with a vehicle on another route.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Zone {
    /// Index of the other route.
    pub other: usize,
    /// Where it begins on this route.
    pub enter_m: f64,
    /// Where it ends on this route.
    pub leave_m: f64,
    /// Where it begins on the other route.
    pub other_enter_m: f64,
    /// Where it ends on the other route.
    pub other_leave_m: f64,
    /// Both go on in the same lane: then one follows the other, and the zone ends where it begins.
    pub merges: bool,
    /// Who has the right of way while both may drive.
    pub order: Order,
}

/// Who goes first where two routes meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Whoever passed the stop line first.
    AsEntered,
    /// The other: this one turns left across it.
    Yields,
    /// This one: the other turns left across it.
    Goes,
}

impl Roads {
    /// Works out the routes and where they meet.
    pub fn new(approaches: Vec<ApproachLane>, exits: Vec<ExitLane>) -> Result<Self, NotARoad> {
        let mut routes = Vec::new();
        for (approach, lane) in approaches.iter().enumerate() {
            for movement in &lane.movements {
                let exit = exits.get(movement.exit).ok_or(NotARoad::NoExit)?;
                routes.push(Route::new(approach, lane, *movement, exit)?);
            }
        }
        if routes.is_empty() {
            return Err(NotARoad::NoRoute);
        }
        let samples: Vec<Vec<(f64, Point)>> = routes.iter().map(Route::samples).collect();
        for one in 0..routes.len() {
            for other in 0..routes.len() {
                if one == other {
                    continue;
                }
                if routes[one].approach != routes[other].approach
                    && let Some(zone) = meeting(&routes, &samples, one, other)
                {
                    routes[one].zones.push(zone);
                }
            }
            routes[one]
                .zones
                .sort_by(|a, b| a.enter_m.total_cmp(&b.enter_m));
            let kin = (0..routes.len()).filter_map(|other| kin(&routes, &samples, one, other));
            routes[one].kin = kin.collect();
        }
        Ok(Self {
            approaches,
            exits,
            routes,
        })
    }

    /// Right turns of this phase may be made at red, by those who give way; how many there are.
    pub fn allow_right_on_red(&mut self, phase: PhaseId) -> usize {
        let routes = self.routes.iter_mut();
        let rights = routes.filter(|route| route.phase == Some(phase) && route.turn == Turn::Right);
        rights.map(|route| route.on_red = true).count()
    }

    /// Whether a place is on the carriageway: in a lane, or on a way through the junction.
    pub fn is_carriageway(&self, place: Point) -> bool {
        self.routes.iter().any(|route| {
            let along_m = route.path.nearest_m(place);
            let width_m = if along_m > route.clear_m {
                self.exits[route.exit].width_m
            } else {
                self.approaches[route.approach].width_m
            };
            route.path.point_at(along_m).distance_m(place) <= width_m / 2.0
        })
    }

    /// The nodes that vehicles come from, in the order of the lanes, each once.
    pub fn origins(&self) -> Vec<NodeId> {
        let mut origins = Vec::new();
        for lane in &self.approaches {
            if !origins.contains(&lane.from) {
                origins.push(lane.from);
            }
        }
        origins
    }
}

impl Route {
    fn new(
        approach: usize,
        lane: &ApproachLane,
        movement: Movement,
        exit: &ExitLane,
    ) -> Result<Self, NotARoad> {
        let inward = Path::new(&lane.centre).ok_or(NotARoad::NoLength)?;
        let outward = Path::new(&exit.centre).ok_or(NotARoad::NoLength)?;
        let stop_m = inward.length_m();
        let connection = curve(
            inward.point_at(stop_m),
            inward.direction_at(stop_m),
            outward.point_at(0.0),
            outward.direction_at(0.0),
        );
        let connection_m = Path::new(&connection).map_or(0.0, |path| path.length_m());
        let points: Vec<Point> = [inward.points(), &connection, outward.points()].concat();
        let path = Path::new(&points).ok_or(NotARoad::NoLength)?;
        let clear_m = stop_m + connection_m;
        let speed_mps = speeds(&path, BEND_M, |along_m| {
            if along_m < stop_m {
                lane.limit_mps
            } else if along_m < clear_m {
                lane.limit_mps.min(exit.limit_mps)
            } else {
                exit.limit_mps
            }
        });
        Ok(Self {
            approach,
            exit: movement.exit,
            turn: movement.turn,
            phase: movement.phase,
            on_red: false,
            path,
            stop_m,
            clear_m,
            zones: Vec::new(),
            kin: Vec::new(),
            speed_mps,
        })
    }

    /// Fastest that one drives at `along_m`, given the limits and the bends ahead.
    pub fn speed_mps(&self, along_m: f64) -> f64 {
        let last = self.speed_mps.len() - 1;
        self.speed_mps[(along_m.max(0.0) as usize).min(last)]
    }

    /// The time to the stop line with nobody and no signal in the way, as fast as one may.
    pub fn free_time_s(&self) -> f64 {
        let metres = (0..self.stop_m as usize).map(|metre| 1.0 / self.speed_mps(metre as f64));
        metres.sum()
    }

    /// Places through the junction, and a little into the exit.
    fn samples(&self) -> Vec<(f64, Point)> {
        let count = ((self.clear_m - self.stop_m + BEYOND_M) / SAMPLE_M).ceil() as usize;
        (0..=count)
            .map(|i| {
                let along_m = self.stop_m + i as f64 * SAMPLE_M;
                (along_m, self.path.point_at(along_m))
            })
            .collect()
    }
}

/// The greatest speed for each metre of `path`: the limit, what a bend measured over `bend_m` allows, and
/// what can be slowed down from in comfort.
pub(super) fn speeds(path: &Path, bend_m: f64, limit_mps: impl Fn(f64) -> f64) -> Vec<f64> {
    let count = path.length_m().ceil() as usize + 1;
    let mut speeds: Vec<f64> = (0..count)
        .map(|metre| {
            let along_m = metre as f64;
            let before = path.direction_at((along_m - bend_m / 2.0).max(0.0));
            let after = path.direction_at((along_m + bend_m / 2.0).min(path.length_m()));
            // The chord of two unit vectors is the angle between them, nearly, in radians.
            let turn_rad = before.distance_m(after);
            let bend_mps = (SIDEWAYS_MPS2 * bend_m / turn_rad.max(1e-6)).sqrt();
            limit_mps(along_m).min(bend_mps)
        })
        .collect();
    for metre in (0..count - 1).rev() {
        let ahead = speeds[metre + 1];
        speeds[metre] = speeds[metre].min((ahead * ahead + 2.0 * SLOWING_MPS2).sqrt());
    }
    speeds
}

/// What `other` has in common with `one`, whose zones are known; None if neither lane.
fn kin(routes: &[Route], samples: &[Vec<(f64, Point)>], one: usize, other: usize) -> Option<Kin> {
    let (own, theirs) = (&routes[one], &routes[other]);
    let zone = own.zones.iter().find(|zone| zone.other == other);
    let (begins, ends) = (own.approach == theirs.approach, own.exit == theirs.exit);
    (begins || ends).then(|| Kin {
        route: other,
        parts_m: match (begins, one == other) {
            (true, true) => f64::INFINITY,
            (true, false) => parting(own, &samples[one], &samples[other]),
            (false, _) => f64::NEG_INFINITY,
        },
        joins_m: if ends && one != other {
            zone.map_or(theirs.clear_m, |zone| zone.other_enter_m)
        } else {
            f64::INFINITY
        },
        clear_m: theirs.clear_m,
    })
}

/// Where `route` is as far from `other` as two vehicles side by side.
fn parting(route: &Route, own: &[(f64, Point)], other: &[(f64, Point)]) -> f64 {
    own.iter()
        .find(|(_, place)| nearest_m(*place, other) > BESIDE_M)
        .map_or(route.path.length_m(), |&(along_m, _)| along_m)
}

fn meeting(
    routes: &[Route],
    samples: &[Vec<(f64, Point)>],
    one: usize,
    other: usize,
) -> Option<Zone> {
    let merges = routes[one].exit == routes[other].exit;
    let (enter_m, leave_m) = contact(&samples[one], &samples[other])?;
    let (other_enter_m, other_leave_m) = contact(&samples[other], &samples[one])?;
    Some(Zone {
        other,
        enter_m,
        leave_m: if merges { enter_m } else { leave_m },
        other_enter_m,
        other_leave_m: if merges { other_enter_m } else { other_leave_m },
        merges,
        order: order(&routes[one], &routes[other]),
    })
}

/// A left turn gives way to those who come from the opposite side.
fn order(one: &Route, other: &Route) -> Order {
    let (own, theirs) = (one.path.direction_at(0.0), other.path.direction_at(0.0));
    let opposite = own.dot(theirs) < -0.5;
    let signalled = one.phase.is_some() && other.phase.is_some();
    match (one.turn == Turn::Left, other.turn == Turn::Left) {
        (true, false) if opposite && signalled => Order::Yields,
        (false, true) if opposite && signalled => Order::Goes,
        _ => Order::AsEntered,
    }
}

/// First and last place of `own` that is too close to `other`.
fn contact(own: &[(f64, Point)], other: &[(f64, Point)]) -> Option<(f64, f64)> {
    let mut close = own
        .iter()
        .filter(|(_, place)| nearest_m(*place, other) < BESIDE_M)
        .map(|&(along_m, _)| along_m);
    let first_m = close.next()?;
    Some((first_m, close.next_back().unwrap_or(first_m)))
}

fn nearest_m(place: Point, others: &[(f64, Point)]) -> f64 {
    others
        .iter()
        .map(|(_, other)| place.distance_m(*other))
        .fold(f64::INFINITY, f64::min)
}

/// Two wide vehicles fit side by side in this.
const BESIDE_M: f64 = 3.0;
/// Spacing of the places at which routes are compared.
const SAMPLE_M: f64 = 0.5;
/// How far into the exit routes are compared.
const BEYOND_M: f64 = 2.0;
/// A bend is measured over this length.
const BEND_M: f64 = 10.0;
/// What drivers accept sideways in a bend.
const SIDEWAYS_MPS2: f64 = 2.5;
/// How hard drivers slow down for a bend.
const SLOWING_MPS2: f64 = 1.5;
