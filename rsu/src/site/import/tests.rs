//! Road models of other origin, as sites.

use std::time::{Duration, Instant};

use v2x_msg::base::{GeoPosition, LaneId, PhaseId};
use v2x_msg::kinds::map::LaneKind;

use super::{Format, Imported, Model, Options, Refused};
use crate::site::{GreenKind, Link, Site, Turn, line};

const MILL: &str = include_str!("fixtures/mill.net.xml");
const WEIR: &str = include_str!("fixtures/weir.xodr");
const DRAWN: &str = include_str!("fixtures/drawn.geojson");

fn import(format: Format, text: &str, key: &str) -> Imported {
    let options = Options::default();
    let model = Model::read(format, text, &options).unwrap();
    let imported = model.site(key, &options).unwrap();
    // What is written is read again, and nothing is to be said about it.
    let (site, remarks) = Site::parse_with_remarks(&imported.toml, "site.toml")
        .unwrap_or_else(|faults| panic!("{faults}\n{}", imported.toml));
    assert_eq!(remarks.to_string(), "");
    Imported { site, ..imported }
}

fn from<'s>(site: &'s Site, name: &str) -> &'s Link {
    let id = site.nodes.iter().find(|node| node.name == name).unwrap().id;
    site.link(id, site.node).unwrap()
}

fn id(id: u8) -> PhaseId {
    PhaseId::new(id).unwrap()
}

#[test]
fn a_sumo_junction_has_its_lanes_from_the_left_and_its_roads_whole() {
    let site = import(Format::Sumo, MILL, "mill").site;
    assert_eq!(
        (
            site.approaches().count(),
            site.exits().count(),
            site.nodes.len()
        ),
        (3, 3, 4)
    );
    // The node where the lane for turns begins is no junction: the road goes on to the west.
    let west = from(&site, "west");
    assert_eq!(west.lanes.len(), 3);
    let lengths: Vec<f64> = west
        .lanes
        .iter()
        .map(|lane| line::length_m(&lane.centre).round())
        .collect();
    // The road's left lane goes on in lane 1, its right one in lane 3.
    assert_eq!(lengths, [259.0, 69.0, 260.0]);
    let turns: Vec<Vec<Turn>> = west
        .lanes
        .iter()
        .map(|lane| lane.connections.iter().map(|one| one.turn).collect())
        .collect();
    assert_eq!(
        turns,
        [
            vec![Turn::Straight],
            vec![Turn::Straight],
            vec![Turn::Right]
        ]
    );
    assert!((west.speed_limit_mps - 16.67).abs() < 0.01 && (west.width_m - 9.6).abs() < 1e-9);
    // w1_2 in the file ends at 251.77, 178.34; the junction is at 259.54, 179.81. Grid north is
    // 0.94 degrees off there.
    let end = west.lanes[0].end();
    assert!(
        (end.east_m + 7.74).abs() < 0.02 && (end.north_m + 1.6).abs() < 0.02,
        "{end:?}"
    );
}

#[test]
fn a_sumo_program_makes_phases_by_approach_and_by_what_is_shown() {
    let site = import(Format::Sumo, MILL, "mill").site;
    let told: Vec<(u8, &str, GreenKind)> = site
        .phases
        .iter()
        .map(|phase| (phase.id.value(), phase.name.as_str(), phase.green))
        .collect();
    use GreenKind::{Permissive, Protected};
    assert_eq!(
        told,
        [
            (65, "east straight", Protected),
            (66, "east left", Permissive),
            (130, "south left and right", Protected),
            (133, "south crosswalk", Protected),
            (177, "west straight", Protected),
            (179, "west right", Permissive),
        ]
    );
    let south = from(&site, "south");
    let walk = south.lanes.last().unwrap();
    assert!(matches!(walk.kind, LaneKind::Crosswalk(_)));
    assert_eq!(walk.connections[0].phase, Some(id(133)));
    assert!(
        (south.width_m - 3.2).abs() < 1e-9,
        "a crosswalk is no part of the road's width"
    );
    // Green together in the program's first state: 65, 66 (g), 177, 179 (g), 133. None of them conflict.
    let together = [65, 66, 177, 179, 133].map(id);
    for a in together {
        for b in together {
            assert!(!site.conflict(a, b), "{a} {b}");
        }
    }
    assert!(
        site.conflict(id(130), id(65))
            && site.conflict(id(130), id(177))
            && site.conflict(id(130), id(133))
    );
}

#[test]
fn an_opendrive_lane_is_followed_through_sections_and_roads() {
    let site = import(Format::OpenDrive, WEIR, "7").site;
    assert_eq!((site.approaches().count(), site.exits().count()), (3, 3));
    let west = site
        .approaches()
        .find(|link| link.lanes.len() == 3)
        .unwrap();
    let lengths: Vec<f64> = west
        .lanes
        .iter()
        .map(|lane| line::length_m(&lane.centre).round())
        .collect();
    // The lane for turns begins 60 m before the stop line; the others lie 1.75 m and 5.25 m
    // inside of a bend of 100 m, and are followed to the road's end.
    assert_eq!(lengths, [60.0, 178.0, 175.0]);
    let east = site
        .approaches()
        .find(|link| link.lanes.len() == 2)
        .unwrap();
    assert!(
        east.lanes
            .iter()
            .all(|lane| line::length_m(&lane.centre) > 195.0),
        "two roads in a row"
    );
    let south = site
        .approaches()
        .find(|link| link.lanes.len() == 1)
        .unwrap();
    // The lane offset moves the road by 0.5 m, half of 3.5 m more is the lane's middle. The junction
    // is in the middle of the three ends: (0, -15 / 3).
    let end = south.lanes[0].end();
    assert!(
        (end.east_m - 1.25).abs() < 0.02 && (end.north_m + 10.0).abs() < 0.02,
        "{end:?}"
    );
    assert_eq!(south.lanes[0].centre.len(), 2);
}

#[test]
fn an_opendrive_light_rules_the_lanes_and_the_way_that_it_holds_for() {
    let site = import(Format::OpenDrive, WEIR, "7").site;
    let told: Vec<(u8, &str)> = site
        .phases
        .iter()
        .map(|phase| (phase.id.value(), phase.name.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (65, "east straight and left"),
            (130, "south left and right"),
            (177, "west straight and right"),
            (180, "west back"),
        ]
    );
    // Arrows are protected, a full face lets turns give way.
    assert_eq!(site.phase(id(180)).unwrap().green, GreenKind::Protected);
    assert_eq!(site.phase(id(65)).unwrap().green, GreenKind::Permissive);
    let west = site
        .approaches()
        .find(|link| link.lanes.len() == 3)
        .unwrap();
    let limits: Vec<Option<f64>> = west.lanes.iter().map(|lane| lane.speed_limit_mps).collect();
    assert_eq!(limits, [None; 3], "the limit of 30 km/h holds beyond 60 m");
    assert!((west.speed_limit_mps - 50.0 / 3.6).abs() < 0.01);
}

#[test]
fn the_header_says_where_opendrive_is() {
    let site = import(Format::OpenDrive, WEIR, "7").site;
    // 100 m east and 45 m north of 31.25 N, 121.2 E.
    let frame = v2x_msg::base::EnuFrame::new(GeoPosition::from_deg(31.25, 121.2, None).unwrap());
    let at = frame.enu(site.origin);
    assert!(
        (at.east_m - 100.0).abs() < 0.02 && (at.north_m - 45.0).abs() < 0.02,
        "{at:?}"
    );
}

#[test]
fn what_is_drawn_needs_few_words() {
    // Two arms; connections are lines that touch lanes, without a word but their phase.
    let imported = import(Format::GeoJson, DRAWN, "300");
    let site = imported.site;
    assert_eq!((site.approaches().count(), site.exits().count()), (2, 2));
    let turns: Vec<(Turn, Option<u8>)> = site
        .approaches()
        .flat_map(|link| &link.lanes)
        .flat_map(|lane| &lane.connections)
        .map(|one| (one.turn, one.to_lane.map(LaneId::value)))
        .collect();
    assert_eq!(turns, [(Turn::Right, Some(1)), (Turn::Left, Some(1))]);
    assert_eq!(site.phases[0].lamps, [4, 5]);
    assert_eq!(site.links[0].name, "Mill Road");
}

/// What is said of a road model with one thing changed.
fn fault(format: Format, text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "there is no {from}");
    let options = Options::default();
    let text = text.replacen(from, to, 1);
    let model = Model::read(format, &text, &options);
    model.map(|_| ()).unwrap_err().to_string()
}

#[test]
fn faults_are_told_with_line_and_reason() {
    let sumo = |from, to| fault(Format::Sumo, MILL, from, to);
    assert_eq!(
        sumo("x=\"179.48\"", "x=\"NaN\""),
        "line 45: x=\"NaN\" is not a number"
    );
    assert_eq!(
        sumo("459.98,151.29", "459.98"),
        "line 10: shape: \"459.98\" is not a point x,y"
    );
    assert_eq!(
        sumo("from=\"east\"", "from=\"eats\""),
        "line 9: edge e: there is no junction eats"
    );
    assert!(
        sumo("+proj=utm", "+proj=lcc")
            .contains("+proj=lcc is not one of utm, tmerc, longlat; say with --origin")
    );
    assert!(sumo("projParameter=", "projected=").contains("say with --origin LAT,LON"));
    assert!(sumo("</net>", "").contains("is not XML"));
    assert!(sumo("<net ", "<OpenDRIVE ").contains("is not XML"));
    let xodr = |from, to| fault(Format::OpenDrive, WEIR, from, to);
    assert!(
        xodr("length=\"180\"", "length=\"1e9\"")
            .contains("road 1: a length of 1000000000 m is no road")
    );
    assert!(
        xodr("curvature=\"0.01\"", "curvature=\"inf\"")
            .contains("curvature=\"inf\" is not a number")
    );
    assert!(xodr("<arc ", "<loop ").contains("<loop> is no geometry that is read"));
    assert!(
        xodr("contactPoint=\"start\"", "contactPoint=\"middle\"")
            .contains("contactPoint must be start or end")
    );
    assert!(xodr("hdg=\"0\"", "hdg=\"1\"").contains("a turned file"));
    let json = |from, to| fault(Format::GeoJson, DRAWN, from, to);
    assert!(
        json("\"width_m\": 3.5", "\"width_m\": 350")
            .contains("feature 4 (lane): width_m must be from 0.5 to 30, not 350")
    );
    assert!(json("\"here\": true", "\"here\": false").contains("which node is this junction?"));
    assert!(
        json("[121.2,", "[13491000.0,")
            .contains("not [longitude, latitude] in degrees; export it as EPSG:4326")
    );
    assert!(
        json(
            "\"kind\": \"connection\"",
            "\"kind\": \"connection\", \"lane\": 7, \"upstream\": 301"
        )
        .contains("there is no lane 7 from node 301")
    );
}

#[test]
fn every_fault_of_a_drawing_is_told_at_once_with_its_line() {
    let mut text = DRAWN.to_owned();
    let mut changed = Vec::new();
    for (from, to, said) in [
        (
            "\"width_m\": 3.5",
            "\"width_m\": -3",
            "width_m must be from 0.5 to 30, not -3",
        ),
        (
            "\"lamps\": \"4, 5\"",
            "\"lamps\": \"four\"",
            "lamps must be a list of lamp numbers",
        ),
        (
            "\"kind\": \"connection\"",
            "\"kind\": \"connection\", \"turn\": \"back\"",
            "turn must be one of",
        ),
    ] {
        let at = text
            .find(from)
            .unwrap_or_else(|| panic!("there is no {from}"));
        changed.push((text[..at].matches('\n').count() + 1, said));
        text = text.replacen(from, to, 1);
    }
    let refused = Model::read(Format::GeoJson, &text, &Options::default()).unwrap_err();
    let Refused::Several(faults) = &refused else {
        panic!("{refused}");
    };
    // What follows from the lane that is missing is not told.
    assert_eq!(faults.len(), 3, "{refused}");
    for (line, said) in changed {
        let found = faults.iter().find(|fault| fault.to_string().contains(said));
        let Some(Refused::Malformed { line: told, .. }) = found else {
            panic!("{said} is not in {refused}");
        };
        // The feature begins on this line, or some lines above.
        assert!(
            (*told as usize) <= line && (*told as usize) + 20 > line,
            "{refused}"
        );
    }
}

/// What is said of a road model with several things changed, each by the line that it is on.
fn faults(format: Format, text: &str, changes: &[(&str, &str)]) -> Vec<(u32, String)> {
    let changed = changes.iter().fold(text.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "there is no {from}");
        text.replacen(from, to, 1)
    });
    let refused = Model::read(format, &changed, &Options::default()).unwrap_err();
    let all = match refused {
        Refused::Several(faults) => faults,
        one => vec![one],
    };
    let told = all.into_iter().map(|fault| match fault {
        Refused::Malformed { line, reason } => (line, reason),
        other => (0, other.to_string()),
    });
    told.collect()
}

fn line_of(text: &str, part: &str) -> u32 {
    let at = text.find(part).unwrap();
    u32::try_from(text[..at].matches('\n').count() + 1).unwrap()
}

#[test]
fn every_fault_of_a_sumo_net_is_told_at_once_with_its_line() {
    let connection = MILL.find("<connection from=\"e\"").unwrap();
    let connection = &MILL[connection..connection + MILL[connection..].find('>').unwrap()];
    let lost = connection.replace("from=\"e\"", "from=\"nowhere\"");
    let told = faults(
        Format::Sumo,
        MILL,
        &[
            ("x=\"179.48\"", "x=\"here\""),
            ("from=\"east\"", "from=\"eats\""),
            ("459.98,151.29", "459.98"),
            ("+proj=utm", "+proj=lcc"),
            (connection, &lost),
        ],
    );
    let expected = [
        (line_of(MILL, "+proj=utm"), "projParameter: +proj=lcc"),
        (
            line_of(MILL, "from=\"east\""),
            "edge e: there is no junction eats",
        ),
        (
            line_of(MILL, "459.98,151.29"),
            "shape: \"459.98\" is not a point x,y",
        ),
        (line_of(MILL, "x=\"179.48\""), "x=\"here\" is not a number"),
        (line_of(MILL, connection), "there is no edge nowhere"),
    ];
    assert_eq!(told.len(), expected.len(), "{told:?}");
    for ((line, reason), (at, part)) in told.iter().zip(expected) {
        assert!(*line == at && reason.contains(part), "{told:?}");
    }
}

#[test]
fn every_fault_of_an_opendrive_file_is_told_at_once_with_its_line() {
    let told = faults(
        Format::OpenDrive,
        WEIR,
        &[
            ("hdg=\"0\"", "hdg=\"1\""),
            ("length=\"180\"", "length=\"1e9\""),
            ("curvature=\"0.01\"", "curvature=\"tight\""),
            ("<lane id=\"-2\"", "<lane id=\"two\""),
            ("contactPoint=\"start\"", "contactPoint=\"middle\""),
            ("<laneLink from=\"-1\"", "<laneLink from=\"left\""),
        ],
    );
    let reasons: Vec<&str> = told.iter().map(|(_, reason)| reason.as_str()).collect();
    for part in [
        "a turned file",
        "a length of 1000000000 m is no road",
        "curvature=\"tight\" is not a number",
        "two is no lane on the",
        "contactPoint must be start or end",
        "left is no lane",
    ] {
        let found = told.iter().filter(|(_, reason)| reason.contains(part));
        assert_eq!(found.count(), 1, "{part} in {reasons:?}");
    }
    assert_eq!(told.len(), 6, "{reasons:?}");
    assert!(told.iter().all(|(line, _)| *line > 0), "{told:?}");
    assert!(
        told.windows(2).all(|two| two[0].0 <= two[1].0),
        "by their lines"
    );
}

#[test]
fn what_only_follows_from_a_fault_is_not_told() {
    // Edges that end at a junction whose number is wrong, and turns between lanes that were not read.
    let told = faults(
        Format::Sumo,
        MILL,
        &[("<junction id=\"east\"", "<junction")],
    );
    assert_eq!(told.len(), 1, "{told:?}");
    let told = faults(
        Format::Sumo,
        MILL,
        &[("id=\"e_0\" index=\"0\"", "id=\"e_0\" index=\"right\"")],
    );
    assert_eq!(told.len(), 1, "{told:?}");
}

#[test]
fn a_file_that_is_wrong_everywhere_is_not_told_in_full() {
    let wrong = MILL.replace("shape=\"", "shape=\"x");
    let wrong = wrong.replace("</net>", &format!("{}</net>", "<junction/>".repeat(500)));
    let refused = Model::read(Format::Sumo, &wrong, &Options::default()).unwrap_err();
    let told = refused.to_string();
    assert_eq!(told.lines().count(), 101);
    assert!(told.lines().last().unwrap().starts_with("and "), "{told}");
}

#[test]
fn an_opendrive_road_whose_lanes_begin_behind_its_end_is_refused() {
    let late = WEIR.replace("<laneSection s=\"", "<laneSection s=\"99999");
    let told = faults(Format::OpenDrive, &late, &[]);
    assert!(told[0].1.contains("no line or no lanes"), "{told:?}");
}

#[test]
fn a_sumo_net_that_drives_on_the_left_or_has_short_states_is_refused() {
    let sumo = |from, to| fault(Format::Sumo, MILL, from, to);
    assert!(sumo("<net ", "<net lefthand=\"true\" ").ends_with("left-hand traffic is not read"));
    let state = MILL.split("state=\"").nth(1).unwrap();
    let state = &state[..state.find('"').unwrap()];
    let told = sumo(
        &format!("state=\"{state}\""),
        &format!("state=\"{}\"", &state[..state.len() - 1]),
    );
    assert!(told.contains("has only"), "{told}");
}

#[test]
fn a_junction_that_is_not_there_is_refused() {
    let options = Options::default();
    let model = Model::read(Format::Sumo, MILL, &options).unwrap();
    let junctions: Vec<(String, bool)> = model
        .junctions()
        .into_iter()
        .map(|one| (one.key, one.signals))
        .collect();
    assert_eq!(junctions, [("mill".to_owned(), true)]);
    let refused = model.site("weir", &options).unwrap_err();
    assert_eq!(
        refused,
        Refused::Unusable("there is no junction weir in it".to_owned())
    );
}

#[test]
fn every_site_of_a_net_knows_a_node_by_the_same_number() {
    let options = Options {
        first_node: 700,
        region: Some(31),
        ..Options::default()
    };
    let model = Model::read(Format::Sumo, MILL, &options).unwrap();
    let mill = model.site("mill", &options).unwrap().site;
    let east = mill
        .nodes
        .iter()
        .find(|node| node.name == "east")
        .unwrap()
        .id;
    let seen = model.site("east", &options).unwrap().site;
    assert_eq!(seen.node, east);
    assert!(seen.nodes.iter().any(|node| node.id == mill.node));
    assert_eq!((east.region, east.id), (Some(31), 701));
}

/// However large or mean it is, it is refused or read in bounded time.
#[test]
fn bombs_are_refused_quickly() {
    let started = Instant::now();
    let options = Options {
        origin: GeoPosition::from_deg(31.25, 121.2, None).ok(),
        ..Options::default()
    };
    let many: String = (0..1_000_000).map(|n| format!("{n}.5,{n}.25 ")).collect();
    let many = MILL.replacen("459.98,151.29", &many, 1);
    let refused = Model::read(Format::Sumo, &many, &options).unwrap_err();
    assert!(
        refused.to_string().contains("more than 10000 points"),
        "{refused}"
    );
    let deep = format!("{{\"type\":{}", "[".repeat(1_000_000));
    assert!(Model::read(Format::GeoJson, &deep, &options).is_err());
    for format in [Format::Sumo, Format::OpenDrive] {
        let deep = format!("<net>{}", "<edge>".repeat(1_000_000));
        assert!(Model::read(format, &deep, &options).is_err());
        let entities = format!(
            "<!DOCTYPE n [<!ENTITY a \"{}\">]><net>&a;</net>",
            "a".repeat(1000)
        );
        assert!(Model::read(format, &entities, &options).is_err());
    }
    // Coordinates of a million kilometres are on no earth.
    let far = MILL.replacen("459.98,151.29", "1e9,1e9", 1);
    let model = Model::read(Format::Sumo, &far, &options).unwrap();
    let refused = model.site("mill", &options).unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("points that are not on the earth"),
        "{refused}"
    );
    assert!(
        started.elapsed() < Duration::from_secs(20),
        "{:?}",
        started.elapsed()
    );
}

#[test]
fn any_cut_of_a_model_is_read_without_a_panic() {
    let options = Options::default();
    for (format, text) in [
        (Format::Sumo, MILL),
        (Format::OpenDrive, WEIR),
        (Format::GeoJson, DRAWN),
    ] {
        for cut in (0..text.len())
            .step_by(61)
            .filter(|cut| text.is_char_boundary(*cut))
        {
            let _ = Model::read(format, &text[..cut], &options);
        }
        // Every attribute and number once without its text.
        for (at, _) in text.match_indices('"').step_by(2) {
            let end = text[at + 1..]
                .find('"')
                .map_or(text.len(), |end| at + 1 + end);
            let changed = format!("{}{}", &text[..=at], &text[end..]);
            if let Ok(model) = Model::read(format, &changed, &options) {
                for junction in model.junctions() {
                    let _ = model.site(&junction.key, &options);
                }
            }
        }
    }
}
