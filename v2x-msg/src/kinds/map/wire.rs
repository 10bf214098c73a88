//! MAP to and from the generated types.

use super::{
    BikeLane, ConnectingLane, Connection, Crosswalk, Lane, LaneAttributes, LaneKind, Link,
    Maneuvers, Map, Median, Movement, Node, ParkingLane, Points, Sharing, Sidewalk, SpeedLimit,
    SpeedLimitKind, SpeedLimits, Striping, TrackedLane, VehicleLane,
};
use crate::asn;
use crate::base::{GeoPosition, LaneId, LaneWidth, Many, MsgCount, Speed};
use crate::kinds::Unfit;
use crate::kinds::wire::{
    at_index, bits_from_asn, bits_to_asn, fill_list, fill_name, fill_optional, moy, node_id,
    offset, phase_id, position, read_moy, read_name, read_node_id, read_offset, read_phase_id,
    read_position,
};
use crate::uper::ExtensibleBits;
use crate::{Message, MessageKind};

impl Map {
    /// Makes `message` this MAP, in place.
    pub fn fill(&self, message: &mut Message) {
        let frame = message.frame_mut();
        if !matches!(frame, asn::MessageFrame::MapFrame(_)) {
            *frame = asn::MessageFrame::MapFrame(asn::MapData::default());
        }
        if let asn::MessageFrame::MapFrame(map) = frame {
            map.msg_cnt = asn::MsgCount(self.msg_cnt.value());
            map.time_stamp = self.time_stamp.map(moy);
            fill_list(&mut map.nodes, self.nodes(), fill_node);
        }
    }

    /// The MAP in `message`.
    ///
    /// # Errors
    /// Another kind, positions that are not on the earth, lanes 0 and 255, limits without a speed,
    /// or what [`super::Refused`] names.
    pub fn read(message: &Message) -> Result<Self, Unfit> {
        let asn::MessageFrame::MapFrame(map) = message.frame() else {
            let found = message.kind();
            return Err(Unfit::Kind {
                expected: MessageKind::Map,
                found,
            });
        };
        let nodes = read_all(&map.nodes, read_node)?;
        Ok(Map {
            time_stamp: read_moy(map.time_stamp),
            ..Map::new(MsgCount::new(map.msg_cnt.0)?, nodes)?
        })
    }
}

fn fill_node(from: &Node, to: &mut asn::Node) {
    fill_name(&mut to.name, from.name.as_ref());
    to.id = node_id(from.id);
    to.ref_pos = position(from.ref_pos);
    // Not said here, and the slot may have come from a message that did.
    (to.in_links_ex, to.prohibitedzone) = (None, None);
    fill_optional(&mut to.in_links, from.links(), |link, slot| {
        fill_link(from.ref_pos, link, slot);
    });
}

fn fill_link(ref_pos: GeoPosition, from: &Link, to: &mut asn::Link) {
    fill_name(&mut to.name, from.name.as_ref());
    to.upstream_node_id = node_id(from.upstream);
    fill_optional(&mut to.speed_limits, &from.speed_limits, fill_limit);
    to.link_width = asn::LaneWidth(from.width.steps());
    fill_points(ref_pos, from.points.as_ref(), &mut to.points);
    fill_optional(&mut to.movements, &from.movements, |movement, slot| {
        slot.remote_intersection = node_id(movement.remote);
        slot.phase_id = movement.phase.map(phase_id);
    });
    fill_list(&mut to.lanes, from.lanes(), |lane, slot| {
        fill_lane(ref_pos, lane, slot);
    });
}

fn fill_lane(ref_pos: GeoPosition, from: &Lane, to: &mut asn::Lane) {
    to.lane_id = asn::LaneID(from.id.value());
    to.lane_width = from.width.map(|width| asn::LaneWidth(width.steps()));
    to.lane_attributes = from.attributes.map(attributes);
    to.maneuvers = from.maneuvers.map(maneuvers);
    fill_optional(
        &mut to.connects_to,
        &from.connects_to,
        |connection, slot| {
            slot.remote_intersection = node_id(connection.remote);
            slot.connecting_lane = connection.lane.map(|lane| asn::ConnectingLane {
                lane: asn::LaneID(lane.lane.value()),
                maneuver: lane.maneuver.map(maneuvers),
            });
            slot.phase_id = connection.phase.map(phase_id);
        },
    );
    fill_optional(&mut to.speed_limits, &from.speed_limits, fill_limit);
    fill_points(ref_pos, from.points.as_ref(), &mut to.points);
}

fn fill_limit(from: &SpeedLimit, to: &mut asn::RegulatorySpeedLimit) {
    to.type_ = asn::SpeedLimitType::from_index(from.kind as usize).unwrap_or_default();
    to.speed = asn::Speed(from.speed.steps());
}

fn fill_points(ref_pos: GeoPosition, from: Option<&Points>, to: &mut Option<asn::PointList>) {
    let points = from.map_or(&[][..], |points| points);
    fill_optional(to, points, |point, slot| {
        slot.pos_offset = offset(ref_pos, *point);
    });
}

fn maneuvers(set: Maneuvers) -> asn::AllowedManeuvers {
    asn::AllowedManeuvers(bits_to_asn(set.bits(), 12))
}

fn attributes(from: LaneAttributes) -> asn::LaneAttributes {
    use asn::LaneTypeAttributes as T;
    let wide = |bits| bits_to_asn(bits, 16);
    asn::LaneAttributes {
        share_with: from
            .sharing
            .map(|sharing| asn::LaneSharing(bits_to_asn(sharing.bits(), 10))),
        lane_type: match from.kind {
            LaneKind::Vehicle(set) => T::Vehicle(vehicle_lane(set)),
            LaneKind::Crosswalk(set) => {
                T::Crosswalk(asn::LaneAttributesCrosswalk(wide(set.bits())))
            }
            LaneKind::Bike(set) => T::BikeLane(asn::LaneAttributesBike(wide(set.bits()))),
            LaneKind::Sidewalk(set) => T::Sidewalk(asn::LaneAttributesSidewalk(wide(set.bits()))),
            LaneKind::Median(set) => T::Median(asn::LaneAttributesBarrier(wide(set.bits()))),
            LaneKind::Striping(set) => T::Striping(asn::LaneAttributesStriping(wide(set.bits()))),
            LaneKind::Tracked(set) => {
                T::TrackedVehicle(asn::LaneAttributesTrackedVehicle(wide(set.bits())))
            }
            LaneKind::Parking(set) => T::Parking(asn::LaneAttributesParking(wide(set.bits()))),
        },
    }
}

/// The one set of bits that later editions may lengthen; ours has the eight of this edition.
fn vehicle_lane(set: VehicleLane) -> asn::LaneAttributesVehicle {
    let top = u64::from(bits_to_asn(set.bits(), 16)) << 48;
    asn::LaneAttributesVehicle(ExtensibleBits::from_top(top, 8).unwrap_or(ExtensibleBits::EMPTY))
}

fn read_node(from: &asn::Node) -> Result<Node, Unfit> {
    let ref_pos = read_position(from.ref_pos)?;
    let links = from.in_links.as_deref().unwrap_or_default();
    let links = read_all(links, |link| read_link(ref_pos, link))?;
    Ok(Node {
        name: read_name(from.name.as_ref())?,
        ..Node::new(read_node_id(from.id), ref_pos, links)?
    })
}

fn read_link(ref_pos: GeoPosition, from: &asn::Link) -> Result<Link, Unfit> {
    let lanes = read_all(&from.lanes, |lane| read_lane(ref_pos, lane))?;
    let width = LaneWidth::from_steps(from.link_width.0.into())?;
    let movements = from.movements.as_deref().unwrap_or_default();
    Ok(Link {
        name: read_name(from.name.as_ref())?,
        speed_limits: read_limits(from.speed_limits.as_deref())?,
        points: read_points(ref_pos, from.points.as_deref())?,
        movements: Many::new(movements.iter().map(|movement| Movement {
            remote: read_node_id(movement.remote_intersection),
            phase: read_phase_id(movement.phase_id),
        }))?,
        ..Link::new(read_node_id(from.upstream_node_id), width, lanes)?
    })
}

fn read_lane(ref_pos: GeoPosition, from: &asn::Lane) -> Result<Lane, Unfit> {
    let connections = from.connects_to.as_deref().unwrap_or_default();
    Ok(Lane {
        id: LaneId::new(from.lane_id.0)?,
        width: from
            .lane_width
            .map(|width| LaneWidth::from_steps(width.0.into()))
            .transpose()?,
        attributes: from.lane_attributes.map(read_attributes),
        maneuvers: from.maneuvers.map(read_maneuvers),
        connects_to: Many::new(read_all(connections, read_connection)?)?,
        speed_limits: read_limits(from.speed_limits.as_deref())?,
        points: read_points(ref_pos, from.points.as_deref())?,
    })
}

fn read_connection(from: &asn::Connection) -> Result<Connection, Unfit> {
    let lane = from
        .connecting_lane
        .map(|lane| {
            LaneId::new(lane.lane.0).map(|id| ConnectingLane {
                lane: id,
                maneuver: lane.maneuver.map(read_maneuvers),
            })
        })
        .transpose()?;
    Ok(Connection {
        remote: read_node_id(from.remote_intersection),
        lane,
        phase: read_phase_id(from.phase_id),
    })
}

fn read_limits(from: Option<&[asn::RegulatorySpeedLimit]>) -> Result<SpeedLimits, Unfit> {
    let limits = read_all(from.unwrap_or_default(), |limit| {
        Ok(SpeedLimit {
            kind: at_index(&SpeedLimitKind::ALL, limit.type_.index()),
            speed: Speed::from_steps(limit.speed.0.into())?,
        })
    })?;
    Ok(SpeedLimits::new(limits)?)
}

fn read_points(
    ref_pos: GeoPosition,
    from: Option<&[asn::RoadPoint]>,
) -> Result<Option<Points>, Unfit> {
    let Some(points) = from else { return Ok(None) };
    let points = read_all(points, |point| read_offset(ref_pos, point.pos_offset))?;
    Ok(Some(Points::new(points)?))
}

fn read_maneuvers(set: asn::AllowedManeuvers) -> Maneuvers {
    Maneuvers::from_bits(bits_from_asn(set.0, 12))
}

fn read_attributes(from: asn::LaneAttributes) -> LaneAttributes {
    use asn::LaneTypeAttributes as T;
    let wide = |bits| bits_from_asn(bits, 16);
    LaneAttributes {
        sharing: from
            .share_with
            .map(|sharing| Sharing::from_bits(bits_from_asn(sharing.0, 10))),
        kind: match from.lane_type {
            // What a later edition added has no name here.
            T::Vehicle(set) => {
                LaneKind::Vehicle(VehicleLane::from_bits(wide((set.0.top() >> 48) as u16)))
            }
            T::Crosswalk(set) => LaneKind::Crosswalk(Crosswalk::from_bits(wide(set.0))),
            T::BikeLane(set) => LaneKind::Bike(BikeLane::from_bits(wide(set.0))),
            T::Sidewalk(set) => LaneKind::Sidewalk(Sidewalk::from_bits(wide(set.0))),
            T::Median(set) => LaneKind::Median(Median::from_bits(wide(set.0))),
            T::Striping(set) => LaneKind::Striping(Striping::from_bits(wide(set.0))),
            T::TrackedVehicle(set) => LaneKind::Tracked(TrackedLane::from_bits(wide(set.0))),
            T::Parking(set) => LaneKind::Parking(ParkingLane::from_bits(wide(set.0))),
        },
    }
}

/// MAPs are read rarely, so a list on the way does no harm.
fn read_all<T, U>(from: &[T], read: impl FnMut(&T) -> Result<U, Unfit>) -> Result<Vec<U>, Unfit> {
    from.iter().map(read).collect()
}
