//! The site that ships, and sites with one fault each.

use v2x_msg::base::NodeId;

use super::{Site, Timetable};

const MOYU: &str = include_str!("../../../configs/sites/moyu-boyuan.toml");

/// What is said of the shipped site with `from` replaced by `to`.
fn findings(from: &str, to: &str) -> Vec<String> {
    assert!(MOYU.contains(from), "the site has no {from}");
    let faults = Site::parse(&MOYU.replacen(from, to, 1), "site.toml").expect_err("a fault");
    faults.iter().map(ToString::to_string).collect()
}

/// Line of the first occurrence of `text` in the shipped site.
fn line_of(text: &str) -> usize {
    let at = MOYU.find(text).expect("part of the site");
    1 + MOYU[..at].matches('\n').count()
}

#[test]
fn the_shipped_site_is_whole_and_says_that_it_is_synthetic() {
    let site = Site::parse(MOYU, "moyu-boyuan.toml").unwrap_or_else(|faults| panic!("{faults}"));
    assert!(site.synthetic);
    assert_eq!((site.approaches().count(), site.exits().count()), (4, 4));
    assert_eq!((site.phases.len(), site.conflicts.len()), (8, 20));
    assert_eq!((site.signs.len(), site.events.len()), (1, 1));
    assert_eq!(site.nodes[0].id, site.node);
}

#[test]
fn a_lane_ends_at_its_stop_line_on_the_right_side_of_the_road() {
    let site = Site::parse(MOYU, "moyu-boyuan.toml").expect("whole");
    let from_north = site.approaches().next().expect("four of them");
    let end = from_north.lanes[0].end();
    assert!(
        (end.east_m + 1.625).abs() < 1e-9 && (end.north_m - 20.0).abs() < 1e-9,
        "{end:?}"
    );
}

#[test]
fn a_road_user_is_on_the_lane_under_it_that_leads_its_way() {
    let site = Site::parse(MOYU, "moyu-boyuan.toml").expect("whole");
    let south = -std::f64::consts::FRAC_PI_2;
    let found = site.lane_at(-5.0, 120.0, Some(south)).expect("on lane 2");
    assert_eq!(found.lane.id.value(), 2);
    assert_eq!(
        found.link.upstream,
        NodeId {
            region: None,
            id: 11
        }
    );
    assert!((found.along_m - 150.0).abs() < 1e-6 && found.left_m.abs() < 0.01);
    assert!(
        site.lane_at(-5.0, 120.0, Some(-south)).is_none(),
        "nobody drives north there"
    );
    assert!(
        site.lane_at(0.5, 0.5, None).is_none(),
        "inside the junction is no lane"
    );
}

#[test]
fn a_phase_without_a_lane_is_refused_with_its_line() {
    let told = findings("turn = \"left\", phase = 2 ", "turn = \"left\"");
    let line = line_of("id         = 2\n") - 1;
    assert_eq!(
        told,
        [format!(
            "site.toml:{line}: phase: phase 2 rules no lane: no connection names it"
        )]
    );
}

#[test]
fn a_lane_without_a_link_is_refused_with_its_line() {
    let told = findings(
        "{ to-node = 12, to-lane = 1, turn = \"left\"",
        "{ to-node = 99, turn = \"left\"",
    );
    assert!(
        told[0].contains("no link leads from this junction to node 99"),
        "{told:?}"
    );
    let told = findings(
        "connections = [{ to-node = 12, to-lane = 1, turn = \"left\", phase = 2 }]",
        "",
    );
    assert!(
        told.iter()
            .any(|t| t.contains("lane 1 of link \"from north\" leads nowhere")),
        "{told:?}"
    );
}

#[test]
fn every_fault_is_told_at_once() {
    let text = MOYU
        .replacen("green      = \"protected\"", "green      = \"guarded\"", 1)
        .replacen("speed-limit-kmh = 60", "speed-limit-ms = 17", 1)
        .replacen("phases = [1, 65]", "phases = [1, 77]", 1);
    let faults = Site::parse(&text, "site.toml").expect_err("three faults");
    let told = faults.to_string();
    assert!(
        told.contains("must be \"protected\" or \"permissive\", not \"guarded\""),
        "{told}"
    );
    assert!(
        told.contains("unknown key; the unit is part of the key"),
        "{told}"
    );
    assert!(faults.len() >= 3, "{told}");
}

#[test]
fn any_text_is_read_without_a_panic() {
    for cut in (0..MOYU.len())
        .step_by(97)
        .filter(|cut| MOYU.is_char_boundary(*cut))
    {
        let _ = Site::parse(&MOYU[..cut], "cut.toml");
        let _ = Site::parse(&MOYU[cut..], "cut.toml");
    }
}

/// The shipped site with more signs and events.
fn with(more: &str) -> Result<Site, Vec<String>> {
    let site = Site::parse(&format!("{MOYU}\n{more}"), "site.toml");
    site.map_err(|faults| faults.iter().map(ToString::to_string).collect())
}

#[test]
fn signs_and_events_may_be_placed_by_lane_and_distance_and_timed() {
    let site = with(
        "[[event]]\nid = 2\ntype = 501\ndescription = '前方施工'\n\
         on = { upstream = 11, downstream = 10, lanes = [1], from-stop-line-m = 80, length-m = 40 }\n\
         days = ['mon', 'fri']\nhours = ['22:00-06:00']\nfrom = '2026-11-01 00:00'\n\
         [[sign]]\nid = 2\ntype = 38\ncode = '0000000000000038'\ntext = '正在施工'\n\
         on = { upstream = 11, downstream = 10, from-stop-line-m = 200 }\n",
    );
    let site = site.unwrap_or_else(|faults| panic!("{faults:?}"));
    let (event, sign) = (&site.events[1], &site.signs[1]);
    let at = site.frame.enu(event.what.pos.expect("placed"));
    let lane = site
        .lane_at(at.east_m, at.north_m, None)
        .expect("on a lane");
    assert_eq!((lane.lane.id.value(), lane.link.upstream.id), (1, 11));
    let place = event.what.place.as_ref().expect("a place");
    assert_eq!((place.paths().len(), place.links().len()), (1, 1));
    assert!(place.paths()[0].points.len() >= 2);
    assert!(event.when.weekly.is_some() && event.when.from.is_some());
    let words = event.what.description.as_ref().expect("words");
    assert_eq!(words.bytes(), b"\xc7\xb0\xb7\xbd\xca\xa9\xb9\xa4");
    assert_eq!(sign.what.place.links().len(), 1);
    assert!(sign.what.pos.is_some() && sign.when == Timetable::ALWAYS);
}

#[test]
fn signs_and_events_that_make_no_sense_are_told_with_their_lines() {
    let lines = MOYU.lines().count();
    let faults = with(
        "[[event]]\nid = 1\ntype = 501\nfrom = 'soon'\nhours = ['25:00-26:00']\n\
         [[event]]\nid = 3\ntype = 501\nuntil = '2026-01-01 00:00'\nfrom = '2026-01-02 00:00'\n\
         on = { upstream = 11, downstream = 10, lanes = [1], from-stop-line-m = 9000 }\n\
         [[event]]\nid = 4\ntype = 501\ndays = ['monday']\neast-m = 1\nnorth-m = 1\n\
         on = { upstream = 11, downstream = 10, from-stop-line-m = 9 }\n\
         description = '龍'\n",
    )
    .unwrap_err();
    let told = |line: usize, word: &str| {
        let begin = format!("site.toml:{}: ", lines + 1 + line);
        let found = |fault: &String| fault.starts_with(&begin) && fault.contains(word);
        assert!(faults.iter().any(found), "{line} {word}: {faults:#?}");
    };
    told(1, "id 1 is that of line");
    told(4, "event.from");
    told(5, "event.hours");
    told(9, "must be after `from`");
    told(11, "beyond the lane's beginning");
    told(15, "event.days");
    told(18, "has company");
    told(19, "not GB 2312");
}

/// Each rule of one element about another, the fault that breaks it, and what is said of it.
#[test]
fn every_rule_names_the_element_and_its_line() {
    let north = "[[0, 270], [0, 20]]";
    for (from, to, said) in [
        // Geometry.
        (
            north,
            "[[0, 270], [0, 20.2], [0, 20]]",
            "link \"from north\": points 2 and 3 are closer than 0.5 m",
        ),
        (
            north,
            "[[0, 270], [0, 120], [60, 160], [30, 90], [-20, 150], [-9, 90], [0, 20]]",
            "link.points-m: crosses itself",
        ),
        (
            north,
            "[[0, 270]]",
            "link.points-m: a line needs at least two points",
        ),
        (
            north,
            "[[0, 27000], [0, 20]]",
            "[0, 27000] is too far from the origin",
        ),
        (
            "width-m     = 3.25",
            "width-m     = 0",
            "link.lane.width-m: must be",
        ),
        // Topology.
        (
            "to-node = 12, to-lane = 1, turn = \"left\"",
            "to-node = 12, to-lane = 9, turn = \"left\"",
            "lane 1 of link \"from north\": link \"to east\" has no lane 9",
        ),
        (
            "phase = 2 }",
            "phase = 77 }",
            "lane 1 of link \"from north\": there is no [[phase]] 77",
        ),
        (
            "upstream        = 11",
            "upstream        = 15",
            "link \"from north\": there is no [[node]] 15",
        ),
        (
            "downstream      = 10",
            "downstream      = 12",
            "link \"from north\" must lead to this junction or away from it",
        ),
        (
            "id      = 12\n",
            "id      = 11\n",
            "node 11 stands on line ",
        ),
        (
            "upstream        = 12\ndownstream      = 10",
            "upstream        = 11\ndownstream      = 10",
            "link \"from east\" joins the nodes of line ",
        ),
        (
            "[[link.lane]]\nid          = 2",
            "[[link.lane]]\nid          = 4",
            "lane 4 of link \"from north\": lanes count from 1 at the left; this is 2",
        ),
        (
            "phases = [1, 65]",
            "phases = [1, 1]",
            "phase 1 cannot conflict with itself",
        ),
        (
            "phases = [1, 65]",
            "phases = [1, 77]",
            "there is no [[phase]] 77",
        ),
        (
            "lamps      = [2]",
            "lamps      = [1]",
            "lamp 1 of controller signal shows the phase of line ",
        ),
    ] {
        let told = findings(from, to);
        let found = told.iter().find(|finding| finding.contains(said));
        let Some(found) = found else {
            panic!("{said} is not in {told:#?}");
        };
        let line = found.split(':').nth(1).and_then(|line| line.parse().ok());
        let changed = line_of(from);
        // The element's own line, or that of the one it is held against.
        assert!(
            line.is_some_and(|line: usize| line > 0 && line <= changed + 40),
            "{found}"
        );
    }
}

#[test]
fn a_point_that_stands_twice_or_leads_back_is_wrong_where_it_was_written() {
    let north = "[[0, 270], [0, 20]]";
    let line = line_of(north);
    for (to, said) in [
        (
            "[[0, 270], [0, 270], [0, 20]]",
            "points 1 and 2 are closer than 0.1 m: one point twice",
        ),
        (
            "[[0, 270], [0.05, 270], [0, 20]]",
            "points 1 and 2 are closer than 0.1 m: one point twice",
        ),
        (
            "[[0, 270], [0, 20], [0, 20]]",
            "points 2 and 3 are closer than 0.1 m: one point twice",
        ),
        (
            "[[0, 270], [0, 20], [0, 20.05]]",
            "points 2 and 3 are closer than 0.1 m: one point twice",
        ),
        (
            "[[0, 270], [0, 20], [0, 21]]",
            "turns back on itself at point 2, by more than 90 degrees: are its points in order?",
        ),
        (
            "[[0, 270], [0.6, 269.9], [0, 20]]",
            "bends too tightly at point 1 for lane 1, which would run back there: leave the point out, or give the lane points-m of its own",
        ),
    ] {
        let told = findings(north, to);
        assert_eq!(told, [format!("site.toml:{line}: link.points-m: {said}")]);
    }
}

#[test]
fn what_follows_from_a_fault_is_not_told_beside_it() {
    for (from, to, said) in [
        (
            "green      = \"protected\"",
            "green      = \"guarded\"",
            "phase.green: must be",
        ),
        (
            "lamps      = [1]",
            "lamps      = ['1']",
            "phase.lamps: must be",
        ),
        (
            "width-m     = 3.5",
            "width-m     = 0",
            "link.lane.width-m: must be",
        ),
        ("width-m     = 3.5", "widht-m     = 3.5", "width-m"),
        (
            "[[0, 270], [0, 20]]",
            "[[0, 20]]",
            "link.points-m: a line needs at least two points",
        ),
        (
            "[[0, 270], [0, 20]]",
            "[[0, nan], [0, 20]]",
            "pairs of finite numbers, [[x, y], [x, y]], not [0, nan]",
        ),
        (
            "upstream        = 12\n",
            "upstream        = -12\n",
            "link.upstream: must be",
        ),
        ("id      = 12\n", "id      = -12\n", "node.id: must be"),
        (
            "id         = 2\n",
            "id         = 300\n",
            "phase.id: must be",
        ),
        (
            "phases = [1, 65]",
            "phases = [1, -65]",
            "conflict.phases: must be",
        ),
        (
            "turn = \"left\", phase = 2 ",
            "turn = \"lef\", phase = 2 ",
            "turn: must be",
        ),
    ] {
        let told = findings(from, to);
        assert!(
            told.iter()
                .all(|finding| finding.contains(said) || finding.contains("width-m: is missing")),
            "{to}: {told:#?}"
        );
        assert!(
            told.iter().any(|finding| finding.contains(said)),
            "{to}: {told:#?}"
        );
        assert!(told.len() <= 2, "{to}: {told:#?}");
    }
}

#[test]
fn phase_255_is_permanent_green_and_no_signal_has_it() {
    let told = findings("id         = 2\n", "id         = 255\n");
    assert_eq!(told.len(), 1, "{told:#?}");
    assert!(told[0].contains("phase.id"), "{told:#?}");
    let told = findings("phases = [1, 65]", "phases = [1, 255]");
    assert!(told[0].contains("from 1 to 254"), "{told:#?}");
}

#[test]
fn what_a_message_cannot_carry_is_refused() {
    let node = |id: u16| format!("[[node]]\nid = {id}\nname = \"x\"\neast-m = 0\nnorth-m = 0\n\n");
    let nodes: String = (100..130).map(node).collect();
    let told = findings("[[link]]\n", &format!("{nodes}[[link]]\n"));
    assert!(
        told.iter()
            .any(|finding| finding.contains("node: is one more than the 32")),
        "{told:?}"
    );
    let points: Vec<String> = (0..501).map(|n| format!("[0, {}]", 600 - n)).collect();
    let told = findings("[[0, 270], [0, 20]]", &format!("[{}]", points.join(", ")));
    assert!(
        told.iter()
            .any(|finding| finding.contains("more than 500 points")),
        "{told:?}"
    );
}

#[test]
fn an_origin_that_was_never_set_is_unwise() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../configs/sites/moyu-boyuan.toml"
    );
    let text = std::fs::read_to_string(path).unwrap();
    let unset = text
        .replace("31.2840000", "0.0")
        .replace("121.1610000", "0");
    let remarks = |text: &str| {
        let (_, remarks) = Site::parse_with_remarks(text, "site.toml").unwrap();
        remarks.to_string()
    };
    assert!(remarks(&unset).contains("lat-deg"), "{}", remarks(&unset));
    let on_the_equator = text.replace("31.2840000", "0.0");
    assert!(!remarks(&on_the_equator).contains("lat-deg"));
}
