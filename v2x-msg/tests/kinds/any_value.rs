//! Any value of each kind, as far as its constructors let it be built.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use v2x_msg::base::{
    Acceleration, Approach, Confidence, Countdown, DSecond, Elevation, ElevationConfidence, Few,
    GeoPosition, Heading, HeadingConfidence, HourMark, LaneId, LaneWidth, Many, MinuteOfYear,
    MsgCount, Name, NodeId, ParticipantId, PhaseId, PositionConfidence, Radius, Speed,
    SpeedConfidence, StationId, SteeringAngle, SteeringConfidence, TimeConfidence, TimeOffset,
    VehicleHeight, VehicleLength, VehicleWidth, VerticalAcceleration, YawRate,
};
use v2x_msg::kinds::bsm::ErrorEllipse;
use v2x_msg::kinds::map::{
    BikeLane, ConnectingLane, Connection, Crosswalk, Lane, LaneAttributes, LaneKind, Link,
    Maneuvers, Median, Movement, Node, ParkingLane, Points, Sharing, Sidewalk, SpeedLimit,
    SpeedLimitKind, SpeedLimits, Striping, TrackedLane, VehicleLane,
};
use v2x_msg::kinds::psm::User;
use v2x_msg::kinds::rsc::{About, LaneAdvice, Suggestion, VehicleAdvice};
use v2x_msg::kinds::rsi::{
    Description, Event, EventSource, EventType, Lanes, Level, Place, ReferenceLink, ReferencePath,
    Sign, SignText, Validity,
};
use v2x_msg::kinds::rsm::{
    Acceleration4, Participant, ParticipantKind, Size, Source, Transmission, VehicleClass,
};
use v2x_msg::kinds::spat::{
    Counting, Ends, IntersectionState, Light, Phase, PhaseState, Status, Timing, UtcTiming,
};
use v2x_msg::kinds::ssm::Equipment;
use v2x_msg::kinds::vir::{
    Behavior, DriveRequest, LaneOfLink, Maneuver, Parking, ParkingKind, ParkingWish, PlanPoint,
    SignalPriority, Wish,
};
use v2x_msg::kinds::{Bsm, Map, Psm, Rsc, Rsi, Rsm, Spat, Ssm, Vir, vir};

pub(crate) fn spat() -> impl Strategy<Value = Spat> {
    (
        count(),
        option::of(moy()),
        option::of(d_second()),
        option::of(name()),
        vec(intersection(), 1..4),
    )
        .prop_map(|(msg_cnt, moy, time_stamp, name, intersections)| Spat {
            moy,
            time_stamp,
            name,
            ..Spat::new(msg_cnt, intersections).unwrap()
        })
}

fn intersection() -> impl Strategy<Value = IntersectionState> {
    let phases = subsequence((1..=255).collect::<Vec<u8>>(), 1..=16)
        .prop_flat_map(|ids| ids.into_iter().map(phase).collect::<Vec<_>>());
    let time_confidence = (1u8..40).prop_map(|class| TimeConfidence::from_class(class).unwrap());
    (
        node_id(),
        any::<u16>(),
        option::of(moy()),
        option::of(d_second()),
        option::of(time_confidence),
        phases,
    )
        .prop_map(|(id, status, moy, time_stamp, time_confidence, phases)| {
            let mut value = IntersectionState::new(id, phases).unwrap();
            value.status = Status::from_bits(status);
            value.moy = moy;
            value.time_stamp = time_stamp;
            value.time_confidence = time_confidence;
            value
        })
}

fn phase(id: u8) -> impl Strategy<Value = Phase> {
    let states = subsequence(Light::ALL.to_vec(), 1..=9)
        .prop_shuffle()
        .prop_flat_map(|lights| {
            let state =
                |light| option::of(timing()).prop_map(move |timing| PhaseState { light, timing });
            lights.into_iter().map(state).collect::<Vec<_>>()
        });
    states.prop_map(move |states| Phase::new(PhaseId::new(id).unwrap(), states).unwrap())
}

fn timing() -> impl Strategy<Value = Timing> {
    let confidence = || option::of(confidence());
    let left = || option::of((0u16..=36_000).prop_map(|t| Countdown::from_tenths(t).unwrap()));
    let mark = || option::of((0u16..=36_000).prop_map(|t| HourMark::from_tenths(t).unwrap()));
    let counting = (
        left(),
        [left(), left(), left()],
        confidence(),
        left(),
        left(),
    )
        .prop_map(|(start, mut ends, confidence, next_start, next_duration)| {
            ends.sort();
            let [min, likely, max] = ends;
            let ends = Ends::new(min, likely, max).unwrap();
            Timing::Counting(Counting {
                start,
                ends,
                confidence,
                next_start,
                next_duration,
            })
        });
    let utc = (
        mark(),
        [mark(), mark(), mark()],
        confidence(),
        mark(),
        mark(),
    )
        .prop_map(
            |(start, [min, likely, max], confidence, next_start, next_end)| {
                let ends = Ends::new(min, likely, max).unwrap_or(Ends::UNKNOWN);
                Timing::Utc(UtcTiming {
                    start,
                    ends,
                    confidence,
                    next_start,
                    next_end,
                })
            },
        );
    prop_oneof![counting, utc]
}

pub(crate) fn rsm() -> impl Strategy<Value = Rsm> {
    let ids = subsequence((0..=255).collect::<Vec<u8>>(), 1..=16);
    (count(), station(), place())
        .prop_flat_map(move |(count, station, ref_pos)| {
            let participants = ids.clone().prop_flat_map(move |ids| {
                ids.into_iter()
                    .map(|id| participant(id, ref_pos))
                    .collect::<Vec<_>>()
            });
            (Just((count, station, ref_pos)), participants)
        })
        .prop_map(|((count, station, ref_pos), participants)| {
            Rsm::new(count, station, ref_pos, participants).unwrap()
        })
}

fn participant(id: u8, ref_pos: GeoPosition) -> impl Strategy<Value = Participant> {
    let about = (
        (0..4usize).prop_map(|index| ParticipantKind::ALL[index]),
        select(Source::ALL.to_vec()),
        option::of(station()),
        option::of(d_second()),
        place_near(ref_pos),
        option::of((1u8..=15).prop_map(|class| PositionConfidence::from_class(class).unwrap())),
        option::of((1u8..=15).prop_map(|class| ElevationConfidence::from_class(class).unwrap())),
    );
    let transmission = select(vec![
        Transmission::Neutral,
        Transmission::Park,
        Transmission::Forward,
        Transmission::Reverse,
    ]);
    let motion = (
        option::of(transmission),
        option::of(speed()),
        option::of((0..28_800).prop_map(|steps| Heading::from_steps(steps).unwrap())),
        option::of((-126..=126).prop_map(|steps| SteeringAngle::from_steps(steps).unwrap())),
        option::of((1u8..=7).prop_map(|class| SpeedConfidence::from_class(class).unwrap())),
        option::of((1u8..=7).prop_map(|class| HeadingConfidence::from_class(class).unwrap())),
        option::of((1u8..=3).prop_map(|class| SteeringConfidence::from_class(class).unwrap())),
        option::of(acceleration()),
    );
    (about, motion, size(), option::of(class())).prop_map(move |(about, motion, size, class)| {
        let (kind, source, bsm_id, sec_mark, pos, pos_confidence, elevation_confidence) = about;
        let base = match ParticipantId::new(id) {
            Ok(id) => Participant::new(kind, id, pos),
            Err(_) => Participant::rsu(pos),
        };
        Participant {
            source,
            bsm_id,
            sec_mark,
            pos_confidence,
            elevation_confidence,
            transmission: motion.0,
            speed: motion.1,
            heading: motion.2,
            steering: motion.3,
            speed_confidence: motion.4,
            heading_confidence: motion.5,
            steering_confidence: motion.6,
            acceleration: motion.7,
            size,
            class,
            ..base
        }
    })
}

fn ellipse() -> impl Strategy<Value = ErrorEllipse> {
    (0u8..=253, 0u8..=253, 0.0..360.0).prop_map(|(a, b, turned)| {
        let [major, minor] = [a.max(b), a.min(b)].map(|steps| f64::from(steps) * 0.05);
        ErrorEllipse::new(major, minor, turned).unwrap()
    })
}

fn heading() -> impl Strategy<Value = Heading> {
    (0..28_800).prop_map(|steps| Heading::from_steps(steps).unwrap())
}

pub(crate) fn bsm() -> impl Strategy<Value = Bsm> {
    let gear = select(vec![
        Transmission::Neutral,
        Transmission::Park,
        Transmission::Forward,
        Transmission::Reverse,
    ]);
    let place = (
        place(),
        option::of(ellipse()),
        option::of((1u8..=15).prop_map(|class| PositionConfidence::from_class(class).unwrap())),
    );
    let motion = (
        option::of(gear),
        option::of(speed()),
        option::of(heading()),
        option::of((1u8..=7).prop_map(|class| SpeedConfidence::from_class(class).unwrap())),
        option::of((1u8..=7).prop_map(|class| HeadingConfidence::from_class(class).unwrap())),
        acceleration(),
    );
    let head = (count(), station(), option::of(d_second()));
    (head, place, motion, size(), class(), any::<bool>()).prop_map(
        |((msg_cnt, id, sec_mark), place, motion, size, class, emergency)| Bsm {
            msg_cnt,
            id,
            sec_mark,
            pos: place.0,
            ellipse: place.1,
            pos_confidence: place.2,
            transmission: motion.0,
            speed: motion.1,
            heading: motion.2,
            speed_confidence: motion.3,
            heading_confidence: motion.4,
            acceleration: motion.5,
            size,
            class,
            emergency,
        },
    )
}

pub(crate) fn psm() -> impl Strategy<Value = Psm> {
    let head = (count(), station(), option::of(d_second()));
    let motion = (option::of(speed()), option::of(heading()));
    let user = select(User::ALL.to_vec());
    (head, place(), option::of(ellipse()), motion, user).prop_map(
        |((msg_cnt, id, sec_mark), pos, ellipse, (speed, heading), user)| Psm {
            msg_cnt,
            id,
            sec_mark,
            pos,
            ellipse,
            speed,
            heading,
            user,
        },
    )
}

pub(crate) fn vir() -> impl Strategy<Value = Vir> {
    bsm()
        .prop_flat_map(|bsm| {
            let pos = bsm.pos;
            let said = (
                option::of(behavior()),
                vec(plan_point(pos), 0..=100),
                vec(asked(pos), 0..=8),
            );
            (Just(bsm), said)
        })
        .prop_map(|(bsm, (behavior, plan, requests))| Vir {
            sec_mark: bsm.sec_mark,
            pos_confidence: bsm.pos_confidence,
            speed: bsm.speed,
            heading: bsm.heading,
            speed_confidence: bsm.speed_confidence,
            heading_confidence: bsm.heading_confidence,
            behavior,
            plan: Few::new(plan).unwrap(),
            requests: Few::new(requests).unwrap(),
            ..Vir::new(bsm.msg_cnt, bsm.id, bsm.pos)
        })
}

fn behavior() -> impl Strategy<Value = Behavior> {
    any::<u16>().prop_map(Behavior::from_bits)
}

fn time_offset() -> impl Strategy<Value = TimeOffset> {
    (1..=65_534).prop_map(|steps| TimeOffset::from_steps(steps).unwrap())
}

fn plan_point(ref_pos: GeoPosition) -> impl Strategy<Value = PlanPoint> {
    (
        place_near(ref_pos),
        option::of(speed()),
        option::of(heading()),
        option::of(time_offset()),
    )
        .prop_map(|(pos, speed, heading, after)| PlanPoint {
            pos,
            speed,
            heading,
            after,
        })
}

fn asked(ref_pos: GeoPosition) -> impl Strategy<Value = DriveRequest> {
    (
        any::<u8>(),
        select(vir::Status::ALL.to_vec()),
        option::of(level()),
        option::of(station()),
        option::of(station()),
        option::of(wish(ref_pos)),
        option::of(time_offset()),
    )
        .prop_map(
            |(id, status, level, to_vehicle, to_unit, wish, lasts)| DriveRequest {
                id,
                status,
                level,
                to_vehicle,
                to_unit,
                wish,
                lasts,
            },
        )
}

fn wish(ref_pos: GeoPosition) -> impl Strategy<Value = Wish> {
    let lane = || {
        (node_id(), node_id(), option::of(lane_id())).prop_map(|(upstream, downstream, lane)| {
            LaneOfLink {
                upstream,
                downstream,
                lane,
            }
        })
    };
    let approach = (0..=10_000).prop_map(|steps| Approach::from_steps(steps).unwrap());
    let priority = (
        (node_id(), node_id()),
        option::of(phase_id()),
        option::of(select(Maneuver::ALL.to_vec())),
        option::of(time_offset()),
        option::of(approach),
    )
        .prop_map(
            |((node, remote), phase, turn, arrives_after, distance)| SignalPriority {
                node,
                remote,
                phase,
                turn,
                arrives_after,
                distance,
            },
        );
    let parking = (
        class(),
        any::<u16>(),
        option::of(any::<u16>()),
        option::of(any::<u16>()),
    )
        .prop_map(|(class, wants, kind, slot)| Parking {
            class,
            wants: ParkingWish::from_bits(wants),
            kind: kind.map(ParkingKind::from_bits),
            slot,
        });
    prop_oneof![
        lane().prop_map(Wish::LaneChange),
        (lane(), option::of(path(ref_pos)))
            .prop_map(|(lane, path)| Wish::ClearTheWay { lane, path }),
        priority.prop_map(Wish::SignalPriority),
        vec(path(ref_pos), 1..=8).prop_map(|paths| Wish::SensorSharing(Few::new(paths).unwrap())),
        parking.prop_map(Wish::Parking),
    ]
}

pub(crate) fn rsc() -> impl Strategy<Value = Rsc> {
    let about = || option::of(any::<u16>().prop_map(About::from_bits));
    let suggestion = (
        behavior(),
        option::of(time_offset()),
        option::of(ref_link()),
    )
        .prop_map(|(behavior, lasts, link)| Suggestion {
            behavior,
            lasts,
            link,
        });
    let vehicle =
        (station(), option::of(suggestion), about()).prop_map(|(vehicle, suggestion, about)| {
            VehicleAdvice {
                vehicle,
                suggestion,
                about,
            }
        });
    let lane = (
        ref_link(),
        option::of(speed()),
        option::of(behavior()),
        about(),
    )
        .prop_map(|(lane, speed, behavior, about)| LaneAdvice {
            lane,
            speed,
            behavior,
            about,
        });
    let head = (count(), station(), option::of(d_second()), place());
    (head, vec(vehicle, 0..=16), vec(lane, 0..=8)).prop_map(
        |((msg_cnt, id, sec_mark, ref_pos), vehicles, lanes)| {
            let mut value = Rsc::new(msg_cnt, id, ref_pos, vehicles, lanes).unwrap();
            value.sec_mark = sec_mark;
            value
        },
    )
}

pub(crate) fn ssm() -> impl Strategy<Value = Ssm> {
    let equipment = select(Equipment::ALL.to_vec());
    (rsm(), equipment, option::of(d_second()), any::<bool>()).prop_map(
        |(rsm, equipment, sec_mark, empty)| {
            let seen = rsm.participants().iter().copied();
            let seen = seen.take(if empty { 0 } else { 40 });
            let mut value = Ssm::new(rsm.msg_cnt, rsm.id, equipment, rsm.ref_pos, seen).unwrap();
            value.sec_mark = sec_mark;
            value
        },
    )
}

fn acceleration() -> impl Strategy<Value = Acceleration4> {
    let plane = || option::of((-2000..=2000).prop_map(|s| Acceleration::from_steps(s).unwrap()));
    let vert = (-126..=127).prop_map(|steps| VerticalAcceleration::from_steps(steps).unwrap());
    let yaw = (-32_767..=32_767).prop_map(|steps| YawRate::from_steps(steps).unwrap());
    (plane(), plane(), option::of(vert), yaw).prop_map(|(long, lat, vert, yaw)| Acceleration4 {
        long,
        lat,
        vert,
        yaw,
    })
}

fn size() -> impl Strategy<Value = Size> {
    (
        option::of((1..=1023).prop_map(|steps| VehicleWidth::from_steps(steps).unwrap())),
        option::of((1..=4095).prop_map(|steps| VehicleLength::from_steps(steps).unwrap())),
        option::of((1..=127).prop_map(|steps| VehicleHeight::from_steps(steps).unwrap())),
    )
        .prop_map(|(width, length, height)| Size {
            width,
            length,
            height,
        })
}

fn class() -> impl Strategy<Value = VehicleClass> {
    (any::<u8>(), 0u8..20).prop_map(|(class, fuel)| {
        let class = VehicleClass::of(class);
        class.with_fuel(fuel).unwrap_or(class)
    })
}

pub(crate) fn map() -> impl Strategy<Value = Map> {
    (count(), option::of(moy()), vec(node(), 1..4)).prop_map(|(msg_cnt, time_stamp, nodes)| {
        let mut value = Map::new(msg_cnt, unlike(nodes, |node| node.id)).unwrap();
        value.time_stamp = time_stamp;
        value
    })
}

fn node() -> impl Strategy<Value = Node> {
    (option::of(name()), node_id(), place())
        .prop_flat_map(|(name, id, ref_pos)| (Just((name, id, ref_pos)), vec(link(ref_pos), 0..5)))
        .prop_map(|((name, id, ref_pos), links)| {
            let mut value = Node::new(id, ref_pos, unlike(links, |link| link.upstream)).unwrap();
            value.name = name;
            value
        })
}

fn link(ref_pos: GeoPosition) -> impl Strategy<Value = Link> {
    let movement =
        (node_id(), option::of(phase_id())).prop_map(|(remote, phase)| Movement { remote, phase });
    (
        option::of(name()),
        node_id(),
        limits(),
        width(),
        option::of(points(ref_pos)),
        vec(movement, 0..6),
        vec(lane(ref_pos), 1..6),
    )
        .prop_map(
            |(name, upstream, speed_limits, width, points, movements, lanes)| {
                let mut value = Link::new(upstream, width, unlike(lanes, |lane| lane.id)).unwrap();
                value.name = name;
                value.speed_limits = speed_limits;
                value.points = points;
                value.movements = Many::new(movements).unwrap();
                value
            },
        )
}

fn lane(ref_pos: GeoPosition) -> impl Strategy<Value = Lane> {
    (
        lane_id(),
        option::of(width()),
        option::of(attributes()),
        option::of(maneuvers()),
        vec(connection(), 0..=8),
        limits(),
        option::of(points(ref_pos)),
    )
        .prop_map(
            |(id, width, attributes, maneuvers, connects_to, speed_limits, points)| Lane {
                width,
                attributes,
                maneuvers,
                connects_to: Many::new(connects_to).unwrap(),
                speed_limits,
                points,
                ..Lane::new(id)
            },
        )
}

fn connection() -> impl Strategy<Value = Connection> {
    let lane = (lane_id(), option::of(maneuvers()))
        .prop_map(|(lane, maneuver)| ConnectingLane { lane, maneuver });
    (node_id(), option::of(lane), option::of(phase_id())).prop_map(|(remote, lane, phase)| {
        Connection {
            remote,
            lane,
            phase,
        }
    })
}

fn attributes() -> impl Strategy<Value = LaneAttributes> {
    let sharing = option::of(any::<u16>().prop_map(Sharing::from_bits));
    (sharing, 0..8, any::<u16>()).prop_map(|(sharing, kind, bits)| LaneAttributes {
        sharing,
        kind: match kind {
            0 => LaneKind::Vehicle(VehicleLane::from_bits(bits)),
            1 => LaneKind::Crosswalk(Crosswalk::from_bits(bits)),
            2 => LaneKind::Bike(BikeLane::from_bits(bits)),
            3 => LaneKind::Sidewalk(Sidewalk::from_bits(bits)),
            4 => LaneKind::Median(Median::from_bits(bits)),
            5 => LaneKind::Striping(Striping::from_bits(bits)),
            6 => LaneKind::Tracked(TrackedLane::from_bits(bits)),
            _ => LaneKind::Parking(ParkingLane::from_bits(bits)),
        },
    })
}

fn limits() -> impl Strategy<Value = SpeedLimits> {
    let limit = (select(SpeedLimitKind::ALL.to_vec()), speed())
        .prop_map(|(kind, speed)| SpeedLimit { kind, speed });
    vec(limit, 0..=9).prop_map(|limits| SpeedLimits::new(limits).unwrap())
}

fn points(ref_pos: GeoPosition) -> impl Strategy<Value = Points> {
    vec(place_near(ref_pos), 2..=31).prop_map(|points| Points::new(points).unwrap())
}

pub(crate) fn rsi() -> impl Strategy<Value = Rsi> {
    let ids = |most| subsequence((0..=255).collect::<Vec<u8>>(), 1..=most);
    (
        count(),
        option::of(moy()),
        station(),
        place(),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_flat_map(move |(count, moy, station, ref_pos, signs, dynamic)| {
            let content = if signs {
                ids(16)
                    .prop_flat_map(move |ids| {
                        ids.into_iter()
                            .map(|id| sign(id, ref_pos))
                            .collect::<Vec<_>>()
                    })
                    .prop_map(move |signs| Rsi::of_signs(count, station, ref_pos, signs).unwrap())
                    .boxed()
            } else {
                ids(8)
                    .prop_flat_map(move |ids| {
                        let one = |id| event(id, dynamic, ref_pos);
                        ids.into_iter().map(one).collect::<Vec<_>>()
                    })
                    .prop_map(move |events| {
                        Rsi::of_events(count, station, ref_pos, events).unwrap()
                    })
                    .boxed()
            };
            content.prop_map(move |rsi| {
                let mut value = rsi;
                value.moy = moy;
                value
            })
        })
}

fn event(id: u8, dynamic: bool, ref_pos: GeoPosition) -> impl Strategy<Value = Event> {
    let event_type = if dynamic {
        select(vec![401, 405, 406, 901, 903, 906]).boxed()
    } else {
        select(vec![0, 301, 501, 707, 65_535]).boxed()
    };
    (
        (event_type, select(EventSource::ALL.to_vec())),
        option::of(place_near(ref_pos)),
        option::of(radius()),
        option::of(description()),
        validity(),
        option::of(level()),
        option::of(where_it_matters(ref_pos)),
        option::of(confidence()),
    )
        .prop_map(
            move |(what, pos, radius, description, validity, level, place, confidence)| Event {
                pos,
                radius,
                description,
                validity,
                level,
                place,
                confidence,
                ..Event::new(id, EventType(what.0), what.1)
            },
        )
}

fn sign(id: u8, ref_pos: GeoPosition) -> impl Strategy<Value = Sign> {
    let text = ("[0-9A-Za-z]{16}", gb2312(0..200))
        .prop_map(|(code, text)| SignText::new(&code, &text).unwrap());
    (
        any::<u16>(),
        option::of(place_near(ref_pos)),
        text,
        validity(),
        option::of(level()),
        where_it_matters(ref_pos),
    )
        .prop_map(move |(sign_type, pos, text, validity, level, place)| Sign {
            pos,
            validity,
            level,
            ..Sign::new(id, sign_type, text, place)
        })
}

fn description() -> impl Strategy<Value = Description> {
    prop_oneof![
        "[ -~]{1,512}".prop_map(|text| Description::ascii(&text).unwrap()),
        gb2312(1..200).prop_map(|bytes| Description::gb2312(&bytes).unwrap()),
    ]
}

/// Whole characters of two bytes.
fn gb2312(characters: std::ops::Range<usize>) -> impl Strategy<Value = Vec<u8>> {
    vec((0xa1u8..=0xf7, 0xa1u8..=0xfe), characters).prop_map(|pairs| {
        pairs
            .into_iter()
            .flat_map(|(row, cell)| [row, cell])
            .collect()
    })
}

fn where_it_matters(ref_pos: GeoPosition) -> impl Strategy<Value = Place> {
    (vec(path(ref_pos), 0..=8), vec(ref_link(), 0..=16))
        .prop_filter_map("nowhere", |(paths, links)| Place::new(paths, links).ok())
}

fn path(ref_pos: GeoPosition) -> impl Strategy<Value = ReferencePath> {
    (vec(place_near(ref_pos), 2..=32), radius()).prop_map(|(points, radius)| {
        let points = Few::new(points).unwrap();
        ReferencePath { points, radius }
    })
}

fn ref_link() -> impl Strategy<Value = ReferenceLink> {
    let lanes = option::of(any::<u16>().prop_map(Lanes::from_bits));
    (node_id(), node_id(), lanes).prop_map(|(upstream, downstream, lanes)| ReferenceLink {
        upstream,
        downstream,
        lanes,
    })
}

fn validity() -> impl Strategy<Value = Validity> {
    let within = (1u8..40).prop_map(|class| TimeConfidence::from_class(class).unwrap());
    (option::of(moy()), option::of(moy()), option::of(within)).prop_map(
        |(start, end, end_confidence)| Validity {
            start,
            end,
            end_confidence,
        },
    )
}

/// Keeps the first entry of each key.
fn unlike<T, K: PartialEq>(entries: Vec<T>, key: impl Fn(&T) -> K) -> Vec<T> {
    let mut kept: Vec<T> = Vec::new();
    for entry in entries {
        if !kept.iter().any(|earlier| key(earlier) == key(&entry)) {
            kept.push(entry);
        }
    }
    kept
}

fn count() -> impl Strategy<Value = MsgCount> {
    (0u8..128).prop_map(|count| MsgCount::new(count).unwrap())
}

fn moy() -> impl Strategy<Value = MinuteOfYear> {
    (0u32..527_040).prop_map(|minute| MinuteOfYear::new(minute).unwrap())
}

fn d_second() -> impl Strategy<Value = DSecond> {
    (0u16..61_000).prop_map(|ms| DSecond::new(ms).unwrap())
}

fn name() -> impl Strategy<Value = Name> {
    "[ -~]{1,63}".prop_map(|text| Name::new(&text).unwrap())
}

fn station() -> impl Strategy<Value = StationId> {
    any::<[u8; 8]>().prop_map(StationId)
}

fn node_id() -> impl Strategy<Value = NodeId> {
    (option::of(any::<u16>()), any::<u16>()).prop_map(|(region, id)| NodeId { region, id })
}

fn phase_id() -> impl Strategy<Value = PhaseId> {
    (1u8..=255).prop_map(|id| PhaseId::new(id).unwrap())
}

fn lane_id() -> impl Strategy<Value = LaneId> {
    (1u8..=254).prop_map(|id| LaneId::new(id).unwrap())
}

fn speed() -> impl Strategy<Value = Speed> {
    (0..=8190).prop_map(|steps| Speed::from_steps(steps).unwrap())
}

fn width() -> impl Strategy<Value = LaneWidth> {
    (0..=32_767).prop_map(|steps| LaneWidth::from_steps(steps).unwrap())
}

fn radius() -> impl Strategy<Value = Radius> {
    (0..=65_535).prop_map(|steps| Radius::from_steps(steps).unwrap())
}

fn confidence() -> impl Strategy<Value = Confidence> {
    (0..=200).prop_map(|steps| Confidence::from_steps(steps).unwrap())
}

fn level() -> impl Strategy<Value = Level> {
    (0u8..8).prop_map(|level| Level::new(level).unwrap())
}

fn maneuvers() -> impl Strategy<Value = Maneuvers> {
    any::<u16>().prop_map(Maneuvers::from_bits)
}

fn elevation() -> impl Strategy<Value = Option<Elevation>> {
    option::of((-4095..=61_439).prop_map(|steps| Elevation::from_steps(steps).unwrap()))
}

fn place() -> impl Strategy<Value = GeoPosition> {
    (
        -900_000_000i32..=900_000_000,
        -1_799_999_999i32..=1_800_000_000,
        elevation(),
    )
        .prop_map(|(lat, lon, above)| GeoPosition::new(lat, lon, above).unwrap())
}

/// Mostly within reach of some offset class, sometimes anywhere.
fn place_near(reference: GeoPosition) -> impl Strategy<Value = GeoPosition> {
    let near = (
        -9_000_000i32..9_000_000,
        -9_000_000i32..9_000_000,
        0..16u32,
        elevation(),
    )
        .prop_map(move |(lat, lon, nearer, above)| {
            let place = reference
                .offset_e7(lat >> nearer, lon >> nearer)
                .unwrap_or(reference);
            place.at_elevation(above.or(reference.elevation()))
        });
    prop_oneof![4 => near, 1 => place()]
}
