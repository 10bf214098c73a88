//! MAP: nodes, the links that lead to them, their lanes and how those connect.
//!
//! Rules of YD/T 3709-2020 and T/CSAE 159-2020, 8.2: a link is the road from one upstream node to
//! this node and is listed once; lanes are counted from 1 at the left and listed once. Points are
//! absolute here; on the air they become offsets from the node's `ref_pos` in the smallest class
//! that holds them.
//!
//! Not here: whether the roads make sense (a phase without lanes, a lane that leads nowhere); the
//! site checks that, with the user's file and line at hand.

mod wire;

use super::flags::flags;
use crate::access::Aid;
use crate::base::{
    GeoPosition, LaneId, LaneWidth, Many, MinuteOfYear, MsgCount, Name, NodeId, PhaseId, Speed,
    WrongCount,
};

/// A line of 2 to 31 points, in the direction of travel; of a lane, the last is the centre of its
/// stop line.
pub type Points = Many<GeoPosition, 2, 31>;

/// Up to 9 limits; an empty list is not sent.
pub type SpeedLimits = Many<SpeedLimit, 0, 9>;

/// A MAP message.
#[derive(Clone, Debug, PartialEq)]
pub struct Map {
    /// Counts the MAPs of this sender.
    pub msg_cnt: MsgCount,
    /// When the message was made.
    pub time_stamp: Option<MinuteOfYear>,
    nodes: Many<Node, 1, 32>,
}

impl Map {
    /// The application that MAPs are addressed to.
    pub const AID: Aid = Aid::Map;

    /// 1 to 32 nodes with different ids, not dated.
    pub fn new(msg_cnt: MsgCount, nodes: impl IntoIterator<Item = Node>) -> Result<Self, Refused> {
        let nodes = Many::<Node, 1, 32>::new(nodes)?;
        match repeated(&nodes, |node| node.id) {
            Some(id) => Err(Refused::NodeTwice(id)),
            None => Ok(Map {
                msg_cnt,
                time_stamp: None,
                nodes,
            }),
        }
    }

    /// In the order in which they are sent.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }
}

/// A junction, or the end of a road.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// For people.
    pub name: Option<Name>,
    /// Its id, as in SPAT.
    pub id: NodeId,
    /// From which all points of its links are counted.
    pub ref_pos: GeoPosition,
    links: Many<Link, 0, 32>,
}

impl Node {
    /// Up to 32 links that lead here, from different upstream nodes.
    pub fn new(
        id: NodeId,
        ref_pos: GeoPosition,
        links: impl IntoIterator<Item = Link>,
    ) -> Result<Self, Refused> {
        let links = Many::<Link, 0, 32>::new(links)?;
        match repeated(&links, |link| link.upstream) {
            Some(upstream) => Err(Refused::LinkTwice(upstream)),
            None => Ok(Node {
                name: None,
                id,
                ref_pos,
                links,
            }),
        }
    }

    /// The roads that lead here.
    pub fn links(&self) -> &[Link] {
        &self.links
    }
}

/// The road from one node to the next.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// For people.
    pub name: Option<Name>,
    /// Where it comes from.
    pub upstream: NodeId,
    /// For all its lanes that have none of their own.
    pub speed_limits: SpeedLimits,
    /// Of all lanes together.
    pub width: LaneWidth,
    /// Its centre line.
    pub points: Option<Points>,
    /// Where one can go from its end.
    pub movements: Many<Movement, 0, 32>,
    lanes: Many<Lane, 1, 32>,
}

impl Link {
    /// 1 to 32 lanes with different ids; nothing else is known yet.
    pub fn new(
        upstream: NodeId,
        width: LaneWidth,
        lanes: impl IntoIterator<Item = Lane>,
    ) -> Result<Self, Refused> {
        let lanes = Many::<Lane, 1, 32>::new(lanes)?;
        if let Some(id) = repeated(&lanes, |lane| lane.id) {
            return Err(Refused::LaneTwice(id));
        }
        Ok(Link {
            name: None,
            upstream,
            speed_limits: SpeedLimits::default(),
            width,
            points: None,
            movements: Many::default(),
            lanes,
        })
    }

    /// From the left.
    pub fn lanes(&self) -> &[Lane] {
        &self.lanes
    }
}

/// From the end of a link to the next node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Movement {
    /// Where it leads.
    pub remote: NodeId,
    /// The phase that rules it, as in SPAT.
    pub phase: Option<PhaseId>,
}

/// One lane of a link.
#[derive(Clone, Debug, PartialEq)]
pub struct Lane {
    /// From 1 at the left.
    pub id: LaneId,
    /// Across.
    pub width: Option<LaneWidth>,
    /// What it is for.
    pub attributes: Option<LaneAttributes>,
    /// What one may do at its end.
    pub maneuvers: Option<Maneuvers>,
    /// Where it leads; an empty list is not sent.
    pub connects_to: Many<Connection, 0, 8>,
    /// Before those of the link.
    pub speed_limits: SpeedLimits,
    /// Its centre line.
    pub points: Option<Points>,
}

impl Lane {
    /// A lane of which nothing but its id is known.
    pub fn new(id: LaneId) -> Self {
        Lane {
            id,
            width: None,
            attributes: None,
            maneuvers: None,
            connects_to: Many::default(),
            speed_limits: SpeedLimits::default(),
            points: None,
        }
    }
}

/// From the end of a lane to a lane of the next link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connection {
    /// The node at the end of the next link.
    pub remote: NodeId,
    /// The lane of that link.
    pub lane: Option<ConnectingLane>,
    /// The phase that rules it, as in SPAT.
    pub phase: Option<PhaseId>,
}

/// The lane that a connection leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectingLane {
    /// In the next link.
    pub lane: LaneId,
    /// How one gets there.
    pub maneuver: Option<Maneuvers>,
}

/// A limit and for whom it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpeedLimit {
    /// For whom.
    pub kind: SpeedLimitKind,
    /// The limit.
    pub speed: Speed,
}

/// For whom, or when, a limit holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SpeedLimitKind {
    /// Nobody says.
    Unknown,
    /// Highest speed in a school zone.
    MaxInSchoolZone,
    /// Highest speed in a school zone while children are there.
    MaxInSchoolZoneWithChildren,
    /// Highest speed at works.
    MaxInConstructionZone,
    /// Lowest speed of all vehicles.
    VehicleMin,
    /// Highest speed of all vehicles.
    VehicleMax,
    /// Highest speed of all vehicles at night.
    VehicleNightMax,
    /// Lowest speed of trucks.
    TruckMin,
    /// Highest speed of trucks.
    TruckMax,
    /// Highest speed of trucks at night.
    TruckNightMax,
    /// Lowest speed with a trailer.
    TrailerMin,
    /// Highest speed with a trailer.
    TrailerMax,
    /// Highest speed with a trailer at night.
    TrailerNightMax,
}

impl SpeedLimitKind {
    /// All of them, in the order of the standard's numbers from 0.
    pub const ALL: [SpeedLimitKind; 13] = [
        SpeedLimitKind::Unknown,
        SpeedLimitKind::MaxInSchoolZone,
        SpeedLimitKind::MaxInSchoolZoneWithChildren,
        SpeedLimitKind::MaxInConstructionZone,
        SpeedLimitKind::VehicleMin,
        SpeedLimitKind::VehicleMax,
        SpeedLimitKind::VehicleNightMax,
        SpeedLimitKind::TruckMin,
        SpeedLimitKind::TruckMax,
        SpeedLimitKind::TruckNightMax,
        SpeedLimitKind::TrailerMin,
        SpeedLimitKind::TrailerMax,
        SpeedLimitKind::TrailerNightMax,
    ];
}

/// What a lane is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaneAttributes {
    /// Who shares it.
    pub sharing: Option<Sharing>,
    /// What it is.
    pub kind: LaneKind,
}

/// What a lane is, with the details of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LaneKind {
    /// For motor vehicles.
    Vehicle(VehicleLane),
    /// A pedestrian crossing.
    Crosswalk(Crosswalk),
    /// For bicycles.
    Bike(BikeLane),
    /// For people on foot.
    Sidewalk(Sidewalk),
    /// Between the carriageways.
    Median(Median),
    /// Markings that guide through a junction.
    Striping(Striping),
    /// For trams and trains.
    Tracked(TrackedLane),
    /// For parking.
    Parking(ParkingLane),
}

flags! {
    /// What one may do at the end of a lane.
    Maneuvers, 12 bits {
        /// Go straight on.
        STRAIGHT = 0,
        /// Turn left.
        LEFT = 1,
        /// Turn right.
        RIGHT = 2,
        /// Turn back.
        U_TURN = 3,
        /// Turn left on red.
        LEFT_ON_RED = 4,
        /// Turn right on red.
        RIGHT_ON_RED = 5,
        /// Change the lane.
        LANE_CHANGE = 6,
        /// One must not stop.
        NO_STOPPING = 7,
        /// One must always give way.
        YIELD_ALWAYS = 8,
        /// One must stop before going on.
        GO_WITH_HALT = 9,
        /// One must take care.
        CAUTION = 10,
    }
}

flags! {
    /// Who shares a lane.
    Sharing, 10 bits {
        /// Another lane lies over this one.
        OVERLAPPING = 0,
        /// Several lanes are described as one.
        MULTIPLE_AS_ONE = 1,
        /// Other traffic without motors.
        OTHER_NON_MOTORIZED = 2,
        /// Motor vehicles of anybody.
        INDIVIDUAL_MOTORIZED = 3,
        /// Buses.
        BUS = 4,
        /// Taxis.
        TAXI = 5,
        /// People on foot (the standard has this bit twice).
        PEDESTRIANS = 6,
        /// Cyclists.
        CYCLISTS = 7,
        /// Trams and trains.
        TRACKED = 8,
        /// People on foot (the standard has this bit twice).
        PEDESTRIAN = 9,
    }
}

flags! {
    /// Details of a lane for motor vehicles.
    VehicleLane, 8 bits {
        /// It is open only at times.
        REVOCABLE = 0,
        /// It crosses the junction on a bridge.
        FLY_OVER = 1,
        /// Only for vehicles with several people.
        HOV_ONLY = 2,
        /// Only for buses.
        BUS_ONLY = 3,
        /// Only for taxis.
        TAXI_ONLY = 4,
        /// Not for the public.
        NOT_PUBLIC = 5,
        /// Covered by an infrared beacon.
        IR_BEACON = 6,
        /// Only with permission.
        ON_REQUEST = 7,
    }
}

flags! {
    /// Details of a pedestrian crossing.
    Crosswalk, 16 bits {
        /// It is open only at times.
        REVOCABLE = 0,
        /// Cyclists may use it.
        BICYCLES = 1,
        /// It crosses on a bridge.
        FLY_OVER = 2,
        /// Its signal has a fixed cycle.
        FIXED_CYCLE = 3,
        /// Its two directions have different cycles.
        BIDIRECTIONAL_CYCLE = 4,
        /// There is a push button.
        PUSH_BUTTON = 5,
        /// There is a sound for the blind.
        AUDIO = 6,
        /// One can ask for green by radio.
        RF_REQUEST = 7,
        /// Part of it has no signal.
        UNSIGNALIZED = 8,
    }
}

flags! {
    /// Details of a bicycle lane.
    BikeLane, 16 bits {
        /// It is open only at times.
        REVOCABLE = 0,
        /// People on foot may use it.
        PEDESTRIANS = 1,
        /// It crosses on a bridge.
        FLY_OVER = 2,
        /// Its signal has a fixed cycle.
        FIXED_CYCLE = 3,
        /// Its two directions have different cycles.
        BIDIRECTIONAL_CYCLE = 4,
        /// A barrier keeps it apart.
        BARRIER = 5,
        /// Part of it has no signal.
        UNSIGNALIZED = 6,
    }
}

flags! {
    /// Details of a sidewalk.
    Sidewalk, 16 bits {
        /// It is open only at times.
        REVOCABLE = 0,
        /// Cyclists may use it.
        BICYCLES = 1,
        /// It crosses on a bridge.
        FLY_OVER = 2,
        /// Cyclists must walk.
        WALK_BIKES = 3,
    }
}

flags! {
    /// Details of what lies between the carriageways.
    Median, 16 bits {
        /// It is there only at times.
        REVOCABLE = 0,
        /// A median.
        MEDIAN = 1,
        /// White hatching.
        WHITE_HATCHING = 2,
        /// Lines.
        STRIPED_LINES = 3,
        /// Double lines.
        DOUBLE_LINES = 4,
        /// Cones.
        CONES = 5,
        /// A barrier at works.
        CONSTRUCTION_BARRIER = 6,
        /// Channels.
        CHANNELS = 7,
        /// Low kerbs.
        LOW_KERBS = 8,
        /// High kerbs.
        HIGH_KERBS = 9,
    }
}

flags! {
    /// Details of guiding markings.
    Striping, 16 bits {
        /// They hold only at times.
        REVOCABLE = 0,
        /// To be drawn on the left.
        DRAW_LEFT = 1,
        /// To be drawn on the right.
        DRAW_RIGHT = 2,
        /// They lead to the lanes on the left.
        TO_LEFT = 3,
        /// They lead to the lanes on the right.
        TO_RIGHT = 4,
        /// They lead to the lanes ahead.
        TO_AHEAD = 5,
    }
}

flags! {
    /// Details of a track.
    TrackedLane, 16 bits {
        /// It is open only at times.
        REVOCABLE = 0,
        /// Commuter trains.
        COMMUTER_RAIL = 1,
        /// Light rail.
        LIGHT_RAIL = 2,
        /// Heavy rail.
        HEAVY_RAIL = 3,
        /// Another kind of rail.
        OTHER_RAIL = 4,
    }
}

flags! {
    /// Details of a parking lane.
    ParkingLane, 16 bits {
        /// It is open only at times.
        REVOCABLE = 0,
        /// Parallel to the kerb.
        PARALLEL = 1,
        /// Head in.
        HEAD_IN = 2,
        /// No parking.
        DO_NOT_PARK = 3,
        /// For buses.
        BUS = 4,
        /// For taxis.
        TAXI = 5,
        /// Not for the public.
        NOT_PUBLIC = 6,
    }
}

/// What a MAP must not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Too few or too many nodes, links, lanes or entries of a lane.
    #[error(transparent)]
    Count(#[from] WrongCount),
    /// Two nodes have the same id.
    #[error("node {0} is listed twice")]
    NodeTwice(NodeId),
    /// Two links of a node come from the same upstream node.
    #[error("the link from node {0} is listed twice")]
    LinkTwice(NodeId),
    /// Two lanes of a link have the same id.
    #[error("lane {0} is listed twice")]
    LaneTwice(LaneId),
}

/// The first key that two entries share.
fn repeated<T, K: PartialEq>(entries: &[T], key: impl Fn(&T) -> K) -> Option<K> {
    let twice = |(place, entry): (usize, &T)| {
        let key_here = key(entry);
        entries[..place]
            .iter()
            .any(|earlier| key(earlier) == key_here)
            .then_some(key_here)
    };
    entries.iter().enumerate().find_map(twice)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTH: LaneWidth = LaneWidth::MIN;

    fn node_id(id: u16) -> NodeId {
        NodeId {
            region: Some(310),
            id,
        }
    }

    fn lane(id: u8) -> Lane {
        Lane::new(LaneId::new(id).unwrap())
    }

    fn somewhere() -> GeoPosition {
        GeoPosition::from_deg(31.287, 121.166, None).unwrap()
    }

    #[test]
    fn lanes_of_a_link_have_different_ids() {
        let same = Link::new(node_id(300), WIDTH, [lane(1), lane(1)]);
        assert_eq!(same, Err(Refused::LaneTwice(LaneId::new(1).unwrap())));
        assert!(Link::new(node_id(300), WIDTH, []).is_err());
        assert!(Link::new(node_id(300), WIDTH, (1..=32).map(lane)).is_ok());
        assert!(Link::new(node_id(300), WIDTH, (1..=33).map(lane)).is_err());
    }

    #[test]
    fn a_link_is_listed_once_and_a_node_once() {
        let link = |upstream| Link::new(node_id(upstream), WIDTH, [lane(1)]).unwrap();
        let same = Node::new(node_id(1), somewhere(), [link(2), link(2)]);
        assert_eq!(same, Err(Refused::LinkTwice(node_id(2))));
        let node = Node::new(node_id(1), somewhere(), [link(2), link(3)]).unwrap();
        let count = MsgCount::new(0).unwrap();
        assert_eq!(
            Map::new(count, [node.clone(), node]),
            Err(Refused::NodeTwice(node_id(1)))
        );
        assert!(Map::new(count, []).is_err());
    }
}
