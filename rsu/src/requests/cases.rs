//! Published decision cases of another unit (`shared/scenes/openv2x`): a change of lanes, passing on the
//! other side, sensor sharing. Each is asked as a vehicle asks, by the bytes of a VIR.
//!
//! The plane of the cases is a mirror image: its headings and its right-hand traffic are right only with
//! the second axis to the south (that unit's footprints are mirrored for it). So it is taken here, and
//! lanes lie where the cars are. Its requests name no links, so the lanes that are meant are named for it;
//! a wish to pass has no word of its own in the standard, it is that for a lane that leads against one.

use serde_json::Value;
use v2x_msg::base::{Few, GeoPosition, LaneId, MsgCount, NodeId, Radius, StationId, TimeOffset};
use v2x_msg::kinds::Vir;
use v2x_msg::kinds::rsi::ReferencePath;
use v2x_msg::kinds::vir::{self, DriveRequest, LaneOfLink, Status};

use super::*;
use crate::clock::{Now, Utc};
use crate::inputs::heard::{self, Decoder, Emitter, Framing};
use crate::report::Content;
use crate::scenes::{self, heading, picture, published as case, site, size};

const UNIT: StationId = StationId(*b"R328328 ");

/// The four lanes on which the vehicle that changes drives south; lane 3 here is lane 17 there.
const SOUTHWARD: &str = r#"
[site]
name = "four lanes to the south"
node = 18
synthetic = true
[site.origin]
lat-deg = 31.9352
lon-deg = 118.8223
[[node]]
id = 19
name = "south"
east-m = -4
north-m = -130
[[node]]
id = 17
name = "north"
east-m = 2
north-m = 110
[[link]]
name = "to south"
upstream = 18
downstream = 19
speed-limit-kmh = 60
points-m = [[7.5, -5], [2.3, -125]]
lane = [{ id = 1, width-m = 3.0 }, { id = 2, width-m = 3.0 }, { id = 3, width-m = 3.0 }, { id = 4, width-m = 3.0 }]
[[link]]
name = "from north"
upstream = 17
downstream = 18
speed-limit-kmh = 60
points-m = [[2, 100], [1.5, 10]]
[[link.lane]]
id = 1
width-m = 3.0
connections = [{ to-node = 19, to-lane = 2, turn = "straight" }]
"#;

/// The road to the east on which a vehicle that drives west wants to pass; lane 1 here is lane 13 there.
const EASTWARD: &str = r#"
[site]
name = "three lanes to the east, two to the west"
node = 17
synthetic = true
[site.origin]
lat-deg = 31.9352
lon-deg = 118.8196
[[node]]
id = 19
name = "east"
east-m = 225
north-m = 32
[[node]]
id = 21
name = "west"
east-m = -70
north-m = -4
[[link]]
name = "to east"
upstream = 17
downstream = 19
speed-limit-kmh = 60
points-m = [[5, 2.2], [220, 33.4]]
lane = [{ id = 1, width-m = 3.0 }, { id = 2, width-m = 3.0 }, { id = 3, width-m = 3.0 }]
[[link]]
name = "from east"
upstream = 19
downstream = 17
speed-limit-kmh = 60
points-m = [[220, 33.4], [5, 2.2]]
[[link.lane]]
id = 1
width-m = 3.0
connections = [{ to-node = 21, to-lane = 1, turn = "straight" }]
[[link.lane]]
id = 2
width-m = 3.0
connections = [{ to-node = 21, to-lane = 1, turn = "straight" }]
[[link]]
name = "to west"
upstream = 17
downstream = 21
speed-limit-kmh = 60
points-m = [[-10, 0.1], [-60, -7.2]]
lane = [{ id = 1, width-m = 3.0 }]
"#;

/// Where the junction of [`SOUTHWARD`], and that of [`EASTWARD`], is in the plane of the cases.
const SOUTH_HERE_M: (f64, f64) = (78.0, -25.0);
const EAST_HERE_M: (f64, f64) = (-165.0, 84.4);

/// In the site's frame, the second axis turned.
fn placed(here_m: (f64, f64), x: f64, y: f64) -> (f64, f64) {
    (x - here_m.0, here_m.1 - y)
}

/// The cars of a frame of the cases but those named.
fn cars(frame: &Value, here_m: (f64, f64), without: &[&str]) -> Vec<Track> {
    scenes::published_cars(frame, |x, y| placed(here_m, x, y), without)
}

/// A VIR that asks, as the radio hears it, and what the decoder makes of it.
fn heard(site: &Site, vehicle: StationId, at: (f64, f64), number: u8, wish: vir::Wish) -> Request {
    let count = MsgCount::new(2).unwrap();
    let pos = site.frame.ground_position(at.0, at.1).unwrap();
    let mut vir = Vir::new(count, vehicle, pos);
    let asked = DriveRequest {
        id: number,
        status: Status::Confirmed,
        level: None,
        to_vehicle: None,
        to_unit: Some(UNIT),
        wish: Some(wish),
        lasts: TimeOffset::from_s(5.0).ok(),
    };
    vir.requests.push(asked).unwrap();
    let mut bytes = Vec::new();
    assert!(Emitter::default().vir(&vir, &mut bytes));
    let mut decoder = Decoder::new(heard::Config {
        framing: Framing::Bare,
        frame: site.frame,
        ..heard::Config::default()
    });
    let now = Now {
        mono: Mono::ZERO + Duration::from_secs(100),
        utc: Utc::from_unix_ms(1_653_016_794_400).unwrap(),
    };
    let mut found = None;
    decoder.push(now, &bytes, &mut |content| {
        if let Content::Request(request) = content {
            found = Some(request);
        }
    });
    found.expect("a request")
}

/// A unit that answers everything, at a site that cameras see all of.
fn desk(site: &Site) -> Desk {
    let config = Config {
        lane_change: true,
        passing: true,
        sharing: true,
        ..Config::default()
    };
    let everywhere = scenes::camera((0.0, 0.0), 500.0);
    let mut desk = Desk::new(config, site, UNIT, &[everywhere]);
    desk.note_scene(everywhere.input, Mono::ZERO);
    desk
}

fn lane_of(upstream: u16, downstream: u16, lane: u8) -> vir::Wish {
    let node = |id| NodeId { region: None, id };
    vir::Wish::LaneChange(LaneOfLink {
        upstream: node(upstream),
        downstream: node(downstream),
        lane: LaneId::new(lane).ok(),
    })
}

/// What the vehicle is told, and why.
fn decided(desk: &mut Desk, request: &Request, tracks: &[Track]) -> (Behavior, Verdict) {
    desk.hear(Mono::ZERO, request);
    desk.decide(&picture(tracks.iter().copied()));
    let [advice] = desk.advice() else {
        panic!("{:?}", desk.advice())
    };
    assert_eq!(advice.vehicle, request.vehicle);
    (advice.behavior, desk.open[0].verdict.unwrap())
}

#[test]
fn the_published_change_of_lanes_is_decided_alike() {
    let (Some(asked), Some(seen)) = (
        case("cooperative_lane_change_service"),
        case("cooperative_lane_change_service_data"),
    ) else {
        return;
    };
    let site = site(SOUTHWARD);
    // By its own word, in degrees as the case has them, 77.3 m and 42.1 m in the plane. Its cameras have it
    // as ad76de, 2 m aside of that and in the lane that it asks for.
    let at = placed(SOUTH_HERE_M, 77.3, 42.1);
    let vehicle = StationId(*b"68      ");
    let mut tracks = cars(&seen["latest_frame"], SOUTH_HERE_M, &["ad76de"]);
    tracks.push(Track {
        own_id: Some(vehicle),
        ..heading(200, at, 4.8, 182.75)
    });
    let request = heard(&site, vehicle, at, 10, lane_of(18, 19, 3));
    let told = decided(&mut desk(&site), &request, &tracks);
    assert_eq!(told, (Behavior::CHANGE_RIGHT, Verdict::Granted));
    // Its numbers are places of bits: 2 is a change to the right.
    let theirs = &asked["msg_rsc"]["coordinates"]["driveSuggestion"]["suggestion"];
    assert_eq!(Behavior::from_bits(1 << theirs.as_u64().unwrap()), told.0);
}

#[test]
fn passing_is_refused_against_who_comes_though_the_published_case_allows_it() {
    let Some(asked) = case("do_not_pass_service") else {
        return;
    };
    let site = site(EASTWARD);
    let at = placed(EAST_HERE_M, 47.7, 50.2);
    let vehicle = StationId(*b"87      ");
    let own = Track {
        own_id: Some(vehicle),
        ..heading(200, at, 5.1, 263.2)
    };
    let request = heard(&site, vehicle, at, 50, lane_of(17, 19, 1));
    // The lane that it names there, 1, is no lane of this road. In the one beside it, 32 m ahead, ad150de
    // comes at 9.1 m/s: they would meet after two seconds.
    let mut tracks = cars(&asked["current_frame"], EAST_HERE_M, &["ad2de"]);
    tracks.push(own);
    let told = decided(&mut desk(&site), &request, &tracks);
    assert_eq!(told, (Behavior::STRAIGHT_ON, Verdict::Taken));
    assert_eq!(asked["show_info"]["if_accept"], true);
    // Without it the road is free, and the suggestion is theirs.
    let mut tracks = cars(&asked["current_frame"], EAST_HERE_M, &["ad2de", "ad150de"]);
    tracks.push(own);
    let told = decided(&mut desk(&site), &request, &tracks);
    assert_eq!(told, (Behavior::CHANGE_LEFT, Verdict::Granted));
    let theirs = &asked["msg_rsc"]["coordinates"]["driveSuggestion"]["suggestion"];
    assert_eq!(Behavior::from_bits(1 << theirs.as_u64().unwrap()), told.0);
}

#[test]
fn the_published_sharing_tells_the_same_and_who_is_nearer_than_they() {
    let (Some(asked), Some(seen)) = (
        case("sensor_data_sharing_service"),
        case("sensor_data_sharing_service_data"),
    ) else {
        return;
    };
    let site = site(SOUTHWARD);
    let here_m = SOUTH_HERE_M;
    let place = |point: &Value| {
        // Against a car of the cases whose degrees and metres are both known.
        let of = |key: &str| point[key].as_f64().unwrap();
        let x = 75.887 + (of("lon") - 1_188_221_850.0) * 1e-7 * 94_600.0;
        let y = 28.563 + (of("lat") - 319_351_025.0) * 1e-7 * 110_900.0;
        placed(here_m, x, y)
    };
    let area = &asked["params"]["intAndReq"]["reqs"]["info"]["sensorSharing"]["detectArea"];
    let path = area["activePath"].as_array().unwrap().iter();
    let points: Vec<GeoPosition> = path
        .map(|point| {
            let (east_m, north_m) = place(point);
            site.frame.ground_position(east_m, north_m).unwrap()
        })
        .collect();
    let wish = vir::Wish::SensorSharing(
        Few::new([ReferencePath {
            points: Few::new(points).unwrap(),
            // The case has none. So wide that the farthest of those that it tells reaches in.
            radius: Radius::from_m(11.8).unwrap(),
        }])
        .unwrap(),
    );
    let vehicle = StationId(*b"147     ");
    let at = placed(here_m, 85.158, 28.795);
    let request = heard(&site, vehicle, at, 2, wish);
    let (mut tracks, mut names) = (Vec::new(), Vec::new());
    for (name, car) in seen["motor_kinematics"].as_object().unwrap() {
        let last = |key: &str| {
            car[key]
                .as_array()
                .unwrap()
                .last()
                .unwrap()
                .as_f64()
                .unwrap()
        };
        let extent = |key: &str| car[key].as_f64().unwrap() as f32;
        let id = u8::try_from(tracks.len() + 1).unwrap();
        let heading_deg = last("heading").to_degrees();
        let at = placed(here_m, last("x"), last("y"));
        names.push(name.as_str());
        tracks.push(Track {
            size: Some(size(extent("length"), extent("width"))),
            ..heading(id, at, car["speed"].as_f64().unwrap(), heading_deg)
        });
    }
    tracks.push(Track {
        own_id: Some(vehicle),
        ..heading(200, at, 5.0, 0.0)
    });
    let mut desk = desk(&site);
    desk.hear(Mono::ZERO, &request);
    desk.decide(&picture(tracks.iter().copied()));
    let mut told: Vec<&str> = desk.shared().unwrap().map(|place| names[place]).collect();
    told.sort_unstable();
    // Theirs are the three; ad68de is nearer to the path than one of them, and they leave it out.
    assert_eq!(told, ["ad16de", "ad33de", "ad68de", "ad86de"]);
    let theirs = asked["show_info"]["other_cars"].as_array().unwrap();
    for car in theirs {
        let at = placed(
            here_m,
            car["x"].as_f64().unwrap(),
            car["y"].as_f64().unwrap(),
        );
        let is_told = desk
            .shared()
            .unwrap()
            .any(|place| (tracks[place].east_m - at.0).hypot(tracks[place].north_m - at.1) < 0.1);
        assert!(is_told, "{car}");
    }
    assert_eq!(theirs.len(), 3);
}
