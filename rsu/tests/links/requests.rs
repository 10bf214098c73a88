//! Vehicles ask, the unit answers: from a VIR in a datagram to RSC and SSM on the air.

use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use rsu::clock::Utc;
use rsu::inputs::{detected_objects, heard};
use rsu::report::{Class, Covariance, Detection, Velocity};
use v2x_msg::Message;
use v2x_msg::access::{Aid, dsmp};
use v2x_msg::base::{
    DSecond, EnuFrame, Few, Heading, LaneId, MsgCount, NodeId, Radius, Speed, StationId,
};
use v2x_msg::kinds::rsi::ReferencePath;
use v2x_msg::kinds::rsm::ParticipantKind;
use v2x_msg::kinds::vir::{Behavior, DriveRequest, LaneOfLink, Status, Wish};
use v2x_msg::kinds::{Rsc, Ssm, Vir};

use crate::rig::{LONG, Rig, free_udp, silent_signal};

const BUS: StationId = StationId(*b"bus-0042");

/// A bus that asks, and a camera that sees the whole junction.
struct Street {
    rig: Rig,
    site: EnuFrame,
    socket: UdpSocket,
    radio: SocketAddr,
    camera: SocketAddr,
    lists: detected_objects::Emitter,
    count: MsgCount,
}

impl Street {
    fn open(requests: &str) -> Self {
        let (radio, camera) = (free_udp(), free_udp());
        let rig = Rig::start(&format!(
            "{}[[input.heard]]\nname = 'radio'\nlisten = 'udp://{radio}'\n\
             [[input.detected-objects]]\nname = 'camera'\nlisten = 'udp://{camera}'\n\
             sensor = 'camera'\nrange-m = 300\nhalf-angle-deg = 180\n\
             mount = {{ east-m = 0, north-m = 0, up-m = 8, heading-deg = 0 }}\n{requests}",
            silent_signal()
        ));
        for name in ["radio", "camera"] {
            rig.until(name, "listening", |input| {
                input.link == rsu::daemon::LinkState::Up
            });
        }
        let text = include_str!("../../../configs/sites/moyu-boyuan.toml");
        let site = rsu::site::Site::parse(text, "site.toml").unwrap_or_else(|f| panic!("{f}"));
        Self {
            rig,
            site: site.frame,
            socket: UdpSocket::bind("127.0.0.1:0").unwrap(),
            radio,
            camera,
            lists: detected_objects::Emitter::default(),
            count: MsgCount::new(0).unwrap(),
        }
    }

    /// The bus stands in the middle lane from the north, 100 m before the line, and asks for something;
    /// the camera sees it and these. What is on the air 100 ms later.
    fn say(&mut self, wish: &Wish, others: &[Detection]) -> Vec<Message> {
        let utc = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let utc = Utc::from_unix_ns(utc.unwrap().as_nanos() as i64);
        let bus = Detection {
            class: Class::Bus,
            ..car(-5.0, 120.0)
        };
        let seen = [&[bus], others].concat();
        let mut list = Vec::new();
        self.lists.scene(utc, &seen, &mut list);
        self.socket.send_to(&list, self.camera).unwrap();
        let pos = self.site.ground_position(-5.0, 120.0).unwrap();
        let mut vir = Vir::new(self.count, BUS, pos);
        self.count = self.count.next();
        vir.sec_mark = Some(DSecond::of(utc));
        vir.speed = Some(Speed::MIN);
        vir.heading = Heading::from_deg(180.0).ok();
        let asked = DriveRequest {
            id: 3,
            status: Status::Asked,
            level: None,
            to_vehicle: None,
            to_unit: None,
            wish: Some(wish.clone()),
            lasts: None,
        };
        vir.requests.push(asked).unwrap();
        let mut octets = Vec::new();
        assert!(heard::Emitter::default().vir(&vir, &mut octets));
        // Under the number that one vendor gives to VIR.
        let mut frame = vec![4, 0, 24];
        frame.extend((octets.len() as u16).to_be_bytes());
        frame.extend(octets);
        self.socket.send_to(&frame, self.radio).unwrap();
        std::thread::sleep(Duration::from_millis(100));
        self.rig.air.set_nonblocking(true).unwrap();
        let mut buffer = [0; 2000];
        let mut heard = Vec::new();
        while let Ok(length) = self.rig.air.recv(&mut buffer) {
            let frame = dsmp::parse(&buffer[..length]).expect("DSMP");
            if matches!(frame.aid(), Ok(Aid::Rsc | Aid::Ssm)) {
                heard.push(Message::decode(frame.data).expect("a message"));
            }
        }
        heard
    }

    /// Asks until an answer is as wanted.
    fn until<T>(
        &mut self,
        what: &str,
        wish: &Wish,
        seen: &[Detection],
        wanted: impl Fn(&Message) -> Option<T>,
    ) -> T {
        let began = Instant::now();
        loop {
            let answers = self.say(wish, seen);
            if let Some(found) = answers.iter().find_map(&wanted) {
                return found;
            }
            assert!(began.elapsed() < LONG, "never: {what}");
        }
    }
}

/// A car that stands.
fn car(east_m: f64, north_m: f64) -> Detection {
    let round = |sigma| Covariance::from_axes(0.0, sigma, sigma);
    Detection {
        device_id: None,
        own_id: None,
        east_m,
        north_m,
        position_cov: round(0.2),
        velocity: Some(Velocity {
            east_mps: 0.0,
            north_mps: 0.0,
            cov: round(0.1),
        }),
        yaw_rad: None,
        size: None,
        class: Class::Car,
        emergency: false,
        existence: 0.99,
    }
}

/// What the bus is told.
fn told(message: &Message) -> Option<Behavior> {
    let rsc = Rsc::read(message).ok()?;
    let advice = rsc.vehicles().iter().find(|advice| advice.vehicle == BUS)?;
    let suggestion = advice.suggestion?;
    assert_eq!(suggestion.link?.upstream.id, 11);
    assert!((suggestion.lasts?.s() - 0.5).abs() < 1e-9);
    Some(suggestion.behavior)
}

fn left_lane() -> Wish {
    let node = |id| NodeId { region: None, id };
    Wish::LaneChange(LaneOfLink {
        upstream: node(11),
        downstream: node(10),
        lane: LaneId::new(1).ok(),
    })
}

#[test]
fn a_bus_that_asks_for_the_next_lane_is_told_whether_it_is_free() {
    let mut street = Street::open("[requests]\nlane-change = true\n");
    let is = |wanted| move |message: &Message| told(message).filter(|told| *told == wanted);
    street.until(
        "the lane is free",
        &left_lane(),
        &[],
        is(Behavior::CHANGE_LEFT),
    );
    // Somebody stands in it, beside.
    let beside = [car(-1.6, 118.0)];
    street.until(
        "it is taken",
        &left_lane(),
        &beside,
        is(Behavior::STRAIGHT_ON),
    );
    // Not for want of sight, or because nobody knew where the bus was.
    let began = Instant::now();
    while street.rig.daemon.stats().station.answers.refused == 0 {
        street.say(&left_lane(), &beside);
        assert!(began.elapsed() < LONG, "never refused");
    }
    let answers = street.rig.daemon.stats().station.answers;
    assert!(answers.taken_up >= 1 && answers.granted >= 1, "{answers:?}");
}

#[test]
fn a_bus_that_asks_who_is_there_is_told_by_ssm() {
    let mut street = Street::open("[requests]\nsharing = true\n");
    let at = |east_m, north_m| street.site.ground_position(east_m, north_m).unwrap();
    let path = ReferencePath {
        points: Few::new([at(-1.6, 110.0), at(-1.6, 60.0)]).unwrap(),
        radius: Radius::from_m(3.0).unwrap(),
    };
    let area = Wish::SensorSharing(Few::new([path]).unwrap());
    let site = street.site;
    let seen = [car(-1.6, 80.0), car(60.0, 5.0)];
    let places = street.until("the car in its area", &area, &seen, |message| {
        let ssm = Ssm::read(message).ok()?;
        assert_eq!(ssm.participants()[0].kind, ParticipantKind::Rsu);
        let others = ssm.participants()[1..].iter();
        let places: Vec<_> = others.map(|other| site.enu(other.pos)).collect();
        (!places.is_empty()).then_some(places)
    });
    let [place] = &places[..] else {
        panic!("{places:?}")
    };
    assert!((place.east_m + 1.6).abs() < 1.0 && (place.north_m - 80.0).abs() < 1.0);
    // For a lane it gets no answer: that is not switched on.
    assert!(
        street
            .say(&left_lane(), &[])
            .iter()
            .all(|answer| Rsc::read(answer).is_err())
    );
}

#[test]
fn nobody_is_answered_unless_that_is_switched_on() {
    let mut street = Street::open("");
    for _ in 0..10 {
        assert!(street.say(&left_lane(), &[]).is_empty());
    }
    assert!(street.rig.daemon.stats().station.requests >= 1);
    assert!(street.rig.daemon.stats().station.answers.not_served >= 1);
}
