//! Files that people edit: those that ship are right, and what is wrong is told with file, line and
//! reason.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::process::{Outcome, Scratch, file, project, run};

/// Files of a folder, in order of their names.
fn files(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(project().join(folder)).expect("a folder of the project");
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_file())
        .collect();
    files.sort();
    assert!(!files.is_empty(), "nothing in {folder}");
    files
}

#[test]
fn every_configuration_that_ships_is_right() {
    for path in files("configs") {
        let outcome = run("rsu", ["check".as_ref(), path.as_os_str()]);
        let told = (outcome.code, &*outcome.err);
        assert_eq!(told, (Some(0), ""), "{}", path.display());
        assert!(outcome.out.ends_with("ok\n"), "{}", outcome.out);
    }
}

#[test]
fn files_that_a_configuration_misses_are_told_before_it_is_run() {
    let scratch = Scratch::new();
    let text = format!(
        "[station]\nname = 'u'\nsite = '{}'\n[[input.gat1743]]\nname = 'signal'\n\
         listen = 'udp://127.0.0.1:9'\n[console]\nlisten = '127.0.0.1:0'\ntoken-file = 'token'\n\
         [record]\nfolder = 'rsu.toml/kept'\n",
        file("configs/sites/moyu-boyuan.toml")
    );
    let config = scratch.write("rsu.toml", &text);
    let outcome = run("rsu", ["check", &config]);
    // The unit would go on without them, and so this is no fault.
    assert_eq!(outcome.code, Some(0), "{}", outcome.err);
    let lines: Vec<&str> = outcome.err.lines().collect();
    let begins = |line: usize, key: &str| format!("{config}:{line}: warning: {key}: ");
    assert!(
        lines[0].starts_with(&begins(9, "console.token-file")),
        "{lines:?}"
    );
    assert!(
        lines[1].starts_with(&begins(11, "record.folder")),
        "{lines:?}"
    );
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(!scratch.path("kept").exists());
}

#[test]
fn every_site_that_ships_is_right_and_says_whether_it_is_made_up() {
    for path in files("configs/sites") {
        let outcome = run("rsu", ["map".as_ref(), "check".as_ref(), path.as_os_str()]);
        let told = (outcome.code, &*outcome.err);
        assert_eq!(told, (Some(0), ""), "{}", path.display());
        assert!(outcome.out.ends_with("ok\n"), "{}", outcome.out);
        // The README promises it of every site that ships.
        assert!(outcome.out.contains("(synthetic)\n"), "{}", outcome.out);
    }
}

#[test]
fn every_scenario_that_ships_is_listed() {
    let outcome = run("sim", ["list"]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.err);
    let scenarios = files("configs/scenarios");
    for path in &scenarios {
        let name = path.file_stem().expect("a name").to_string_lossy();
        let line = outcome.out.lines().find(|line| line.starts_with(&*name));
        assert!(line.is_some(), "{name} is not in\n{}", outcome.out);
    }
    assert_eq!(outcome.out.lines().count(), scenarios.len());
}

/// A fault that people make: what stands in the file, what they write instead, the place whose line
/// is told, and the key and reason that are told.
type Fault = (&'static str, &'static str, &'static str, &'static str);

const RSU_FAULTS: [Fault; 23] = [
    // Keys, units and values.
    (
        "dscp = 46",
        "dspc = 46",
        "dspc",
        "radio.dspc: unknown key; did you mean `dscp`?",
    ),
    (
        "[rsm]",
        "[rms]",
        "[rms]",
        "rms: unknown key; did you mean `rsm`?",
    ),
    (
        "period-ms = 100\n# Where the first of each second stands behind the second.\n",
        "period-s = 1\n",
        "period-s",
        "spat.period-s: unknown key; the unit is part of the key: this one is `period-ms`, ",
    ),
    (
        "max-error-ms = 150",
        "max-error-ms = '150 ms'",
        "'150 ms'",
        "clock.max-error-ms: must be a whole number of milliseconds from 1 to 150, not the text ",
    ),
    (
        "max-error-ms = 150",
        "max-error-ms = 151",
        "151",
        "clock.max-error-ms: must be a whole number of milliseconds from 1 to 150, not 151",
    ),
    (
        "ttl = 1",
        "ttl = 256",
        "ttl =",
        "radio.ttl: must be a whole number from 1 to 255, not 256",
    ),
    (
        "require-sync = true",
        "require-sync = 'yes'",
        "'yes'",
        "clock.require-sync: must be true or false, not the text \"yes\"",
    ),
    (
        "form = \"counting\"",
        "form = \"down\"",
        "\"down\"",
        "spat.form: must be \"counting\" or \"utc\", not \"down\"",
    ),
    (
        "gate = 18.0",
        "gate = nan",
        "nan",
        "fusion.gate: must be a number from 4 to 50, not nan",
    ),
    ("[map]", "[map", "[map", "unclosed table"),
    (
        "dscp = 46",
        "dscp = 46\ndscp = 0",
        "dscp = 0",
        "duplicate key",
    ),
    // Addresses and inputs.
    (
        "target = \"udp://239.255.67.86:4900\"",
        "target = \"239.255.67.86\"",
        "target =",
        "radio.target: must be an address such as ",
    ),
    (
        "listen = \"udp://127.0.0.1:10050\"",
        "listen = \"udp://0.0.0.0\"",
        "listen = \"udp://0.0.0.0\"",
        "input.gat1743.listen: must be an address such as ",
    ),
    (
        "listen = \"udp://127.0.0.1:10050\"",
        "",
        "[[input.gat1743]]",
        "input.gat1743.listen: is missing: give `listen`, `connect` or `serial`",
    ),
    (
        "name = \"north-radar\"",
        "name = \"signal\"",
        "name = \"signal\"\n# Its CAN",
        "input.ars408.name: \"signal\" is taken by another input",
    ),
    (
        "name = \"signal\"",
        "name = \"signals\"",
        "site = ",
        "station.site: phases 1, 2, 65, 66, 129, 130, 193, 194 are driven by \"signal\", \
         which is no [[input.*]] of this file",
    ),
    (
        "[[input.gat1743]]",
        "[[input.gat1743-2020]]",
        "[[input.gat1743-2020]]",
        "input.gat1743-2020: unknown key",
    ),
    (
        "heading-deg = 2.5 }",
        "heading = 2.5 }",
        "heading = 2.5",
        "input.ars408.mount.heading: unknown key; the unit is part of the key",
    ),
    (
        "mount = { east-m = -3.2, north-m = 18.0, up-m = 5.6, heading-deg = 2.5 }",
        "",
        "[[input.ars408]]",
        "input.ars408.mount: is missing and has no default",
    ),
    (
        "sensor-id = 0",
        "sensor-id = 8",
        "sensor-id =",
        "input.ars408.sensor-id: must be a whole number from 0 to 7, not 8",
    ),
    // Sense.
    (
        "stop-after-ms = 5000",
        "stop-after-ms = 2000",
        "stop-after-ms",
        "signals.stop-after-ms: is shorter than no-timing-after-ms",
    ),
    (
        "holds-ms = 500\nperiod-ms = 100",
        "holds-ms = 500\nperiod-ms = 1000",
        "holds-ms",
        "requests.holds-ms: is shorter than period-ms",
    ),
    (
        "site = \"sites/moyu-boyuan.toml\"",
        "site = \"sites/other.toml\"",
        "other.toml",
        "station.site: cannot be read: ",
    ),
];

const NORTH_LEFT: &str =
    "connections = [{ to-node = 12, to-lane = 1, turn = \"left\", phase = 2 }]";
const LANE_1: &str = "[[link.lane]]\nid          = 1";
const FROM_NORTH: &str = "[[link]]\nname            = \"from north\"";

const SITE_FAULTS: [Fault; 23] = [
    // Phases without a lane, lanes without a link, links without a node, and the like.
    (
        NORTH_LEFT,
        "connections = [{ to-node = 12, to-lane = 1, turn = \"left\" }]",
        "[[phase]]\nid         = 2",
        "phase: phase 2 rules no lane: no connection names it",
    ),
    (
        NORTH_LEFT,
        "connections = [{ to-node = 12, to-lane = 1, turn = \"left\", phase = 3 }]",
        LANE_1,
        "link.lane.connections.phase: lane 1 of link \"from north\": there is no [[phase]] 3",
    ),
    (
        NORTH_LEFT,
        "connections = []",
        LANE_1,
        "link.lane.connections: lane 1 of link \"from north\" leads nowhere",
    ),
    (
        NORTH_LEFT,
        "connections = [{ to-node = 99, to-lane = 1, turn = \"left\", phase = 2 }]",
        LANE_1,
        "link.lane.connections.to-node: lane 1 of link \"from north\": no link leads from this \
         junction to node 99",
    ),
    (
        NORTH_LEFT,
        "connections = [{ to-node = 12, to-lane = 4, turn = \"left\", phase = 2 }]",
        LANE_1,
        "link.lane.connections.to-lane: lane 1 of link \"from north\": link \"to east\" has no lane 4",
    ),
    (
        NORTH_LEFT,
        "connections = [{ to-node = 12, to-lane = 1, turn = \"port\", phase = 2 }]",
        "\"port\"",
        "link.lane.connections.turn: must be \"straight\" or \"left\" or \"right\" or \"u-turn\", ",
    ),
    (
        FROM_NORTH,
        "[[lane]]\nid = 1\n[[link]]\nname            = \"from north\"",
        "[[lane]]",
        "lane: unknown key",
    ),
    (
        FROM_NORTH,
        "[[link.lane]]\nid = 1\nwidth-m = 3.5\n[[link]]\nname            = \"from north\"",
        "[[link]]",
        "duplicate key",
    ),
    (
        "lane            = [{ id = 1, width-m = 3.25 }, { id = 2, width-m = 3.5 }, { id = 3, width-m = 3.5 }]",
        "",
        "[[link]]\nname            = \"to north\"",
        "link.lane: a link needs at least one [[link.lane]]",
    ),
    (
        "id          = 2",
        "id          = 3",
        "[[link.lane]]\nid          = 3",
        "link.lane.id: lane 3 of link \"from north\": lanes count from 1 at the left; this is 2",
    ),
    (
        "upstream        = 11",
        "upstream        = 21",
        FROM_NORTH,
        "link.upstream: link \"from north\": there is no [[node]] 21",
    ),
    (
        "upstream        = 11",
        "upstream        = 12",
        "[[link]]\nname            = \"from east\"",
        "link: link \"from east\" joins the nodes of line ",
    ),
    // Values, units and the lie of the land.
    (
        "speed-limit-kmh = 60",
        "speed-limit-mps = 16",
        "speed-limit-mps",
        "link.speed-limit-mps: unknown key; the unit is part of the key: this one is \
         `speed-limit-kmh`, ",
    ),
    (
        "[[0, 270], [0, 20]]",
        "[[0, 270]]",
        "[[0, 270]]",
        "link.points-m: a line needs at least two points",
    ),
    (
        "[[0, 270], [0, 20]]",
        "[[0, 270], [0, 100], [30, 60], [70, 60], [100, 100], [100, 140], [70, 170], [-40, 170]]",
        "[[0, 270], [0, 100]",
        "link.points-m: crosses itself",
    ),
    (
        "[[0, 270], [0, 20]]",
        "[[0, 270], [0, 1e300]]",
        "1e300",
        "link.points-m: [0, 1",
    ),
    (
        "lat-deg     = 31.2840000",
        "lat-deg     = 131.284",
        "131.284",
        "site.origin.lat-deg: must be a number of degrees from -90 to 90, not 131.284",
    ),
    (
        "lat-deg     = 31.2840000",
        "",
        "[site.origin]",
        "site.origin.lat-deg: is missing and has no default",
    ),
    // Lamps, conflicts, signs.
    (
        "lamps      = [3]",
        "lamps      = []",
        "[[phase]]\nid         = 65",
        "phase.lamps: a phase needs at least one lamp group to show it",
    ),
    (
        "lamps      = [3]",
        "lamps      = [2]",
        "[[phase]]\nid         = 65",
        "phase.lamps: lamp 2 of controller signal shows the phase of line ",
    ),
    (
        "phases = [1, 65]",
        "phases = [1, 1]",
        "[[conflict]]",
        "conflict.phases: phase 1 cannot conflict with itself",
    ),
    (
        "phases = [1, 65]",
        "phases = [1, 7]",
        "[[conflict]]",
        "conflict.phases: there is no [[phase]] 7",
    ),
    (
        "code    = \"0000000000000085\"",
        "code    = \"85\"",
        "code    =",
        "sign.code: ",
    ),
];

#[test]
fn a_wrong_configuration_is_refused_with_file_line_and_reason() {
    let (rsu, site) = (
        ours("configs/rsu.toml"),
        ours("configs/sites/moyu-boyuan.toml"),
    );
    for fault in RSU_FAULTS {
        let (text, line) = broken(&rsu, &fault);
        let junction = Junction::new(&text, &site);
        for command in ["check", "run"] {
            let outcome = run("rsu", [command, &junction.rsu]);
            assert_refused(&outcome, &format!("{}:{line}: {}", junction.rsu, fault.3));
        }
    }
}

#[test]
fn a_wrong_site_is_refused_by_every_command_that_reads_it() {
    let (rsu, site) = (
        ours("configs/rsu.toml"),
        ours("configs/sites/moyu-boyuan.toml"),
    );
    for fault in SITE_FAULTS {
        let (text, line) = broken(&site, &fault);
        let junction = Junction::new(&rsu, &text);
        let told = format!("{}:{line}: {}", junction.site, fault.3);
        assert_refused(&run("rsu", ["check", &junction.rsu]), &told);
        assert_refused(&run("rsu", ["map", "check", &junction.site]), &told);
    }
    let absent = Scratch::new().path("site.toml").display().to_string();
    for command in ["check", "export"] {
        let outcome = run("rsu", ["map", command, &absent]);
        assert_refused(&outcome, &format!("{absent}: cannot be read: "));
    }
}

#[test]
fn all_that_is_wrong_is_told_at_once_in_the_order_of_lines() {
    let mut text = ours("configs/rsu.toml");
    for (was, is) in [
        ("ttl = 1", "ttl = 0"),
        ("dscp = 46", "dscp = 64"),
        ("gate = 18.0", "gate = 1"),
    ] {
        text = text.replacen(was, is, 1);
    }
    let junction = Junction::new(&text, &ours("configs/sites/moyu-boyuan.toml"));
    let outcome = run("rsu", ["check", &junction.rsu]);
    let keys: Vec<&str> = outcome
        .err
        .lines()
        .filter_map(|line| line.split(": ").nth(1))
        .collect();
    assert_eq!(keys, ["radio.ttl", "radio.dscp", "fusion.gate"]);
}

#[test]
fn what_is_unwise_is_told_and_yet_runs() {
    let text = ours("configs/rsu.toml").replacen("require-sync = true", "require-sync = false", 1);
    let junction = Junction::new(&text, &ours("configs/sites/moyu-boyuan.toml"));
    let outcome = run("rsu", ["check", &junction.rsu]);
    assert_eq!(outcome.code, Some(0));
    assert!(
        outcome.err.contains(": warning: clock.require-sync: "),
        "{}",
        outcome.err
    );
}

#[test]
fn a_site_is_exported_for_maps_and_for_the_air() {
    let site = file("configs/sites/moyu-boyuan.toml");
    let export = |format| {
        let outcome = run("rsu", ["map", "export", &site, "--format", format]);
        assert_eq!((outcome.code, &*outcome.err), (Some(0), ""), "{format}");
        outcome.out
    };
    let drawn: Value = serde_json::from_str(&export("geojson")).expect("GeoJSON");
    let features = drawn["features"].as_array().expect("features");
    let of_kind = |kind: &str| {
        let is_it = |feature: &&Value| feature["properties"]["kind"] == kind;
        features.iter().filter(is_it).count()
    };
    assert_eq!(
        (of_kind("lane"), of_kind("stop-line"), of_kind("phase")),
        (24, 12, 8)
    );
    assert!(
        features
            .iter()
            .all(|feature| feature["properties"]["synthetic"] == true)
    );

    let scratch = Scratch::new();
    let frame = scratch.write("map.hex", &export("uper"));
    let decoded = run("v2x", ["decode", &frame]);
    assert_eq!((decoded.code, decoded.out), (Some(0), export("jer")));
}

#[test]
fn a_road_model_becomes_a_site_that_check_accepts() {
    let scratch = Scratch::new();
    for (model, node) in [
        ("mill.net.xml", "mill"),
        ("weir.xodr", "7"),
        ("drawn.geojson", "300"),
    ] {
        let model = file(&format!("rsu/src/site/import/fixtures/{model}"));
        let imported = run("rsu", ["map", "import", &model, "--node", node]);
        assert_eq!(imported.code, Some(0), "{}", imported.err);
        let site = scratch.write("site.toml", &imported.out);
        let checked = run("rsu", ["map", "check", &site]);
        assert_eq!(
            (checked.code, &*checked.err),
            (Some(0), ""),
            "{}",
            checked.out
        );
        assert!(checked.out.ends_with("ok\n"), "{}", checked.out);
    }
}

#[test]
fn a_road_model_that_cannot_be_read_is_refused_with_its_line() {
    let scratch = Scratch::new();
    let model = scratch.write(
        "broken.net.xml",
        "<net>\n<junction id=\"a\" x=\"one\"/>\n</net>",
    );
    let outcome = run("rsu", ["map", "import", &model, "--origin", "31.25,121.2"]);
    assert_eq!(outcome.code, Some(65));
    for fault in ["x=\"one\" is not a number", "<junction> has no attribute y"] {
        let told = format!("broken.net.xml:2: {fault}\n");
        assert!(outcome.err.contains(&told), "{}", outcome.err);
    }
    assert_eq!(outcome.err.lines().count(), 2, "{}", outcome.err);
    assert_eq!(outcome.out, "");
    let outcome = run("rsu", ["map", "import", "no-such.net.xml"]);
    assert_eq!(outcome.code, Some(66));
    let outcome = run("rsu", ["map", "import", "what.kind"]);
    assert_eq!(outcome.code, Some(64));
}

fn ours(path: &str) -> String {
    fs::read_to_string(file(path)).expect("a file of the project")
}

/// The text with the fault in it, and the line that must be told.
fn broken(text: &str, fault: &Fault) -> (String, usize) {
    let (was, is, at, _) = *fault;
    assert!(text.contains(was), "{was} is not in the file");
    let text = text.replacen(was, is, 1);
    let place = text.find(at).expect("the place is in the file");
    let line = 1 + text[..place].matches('\n').count();
    (text, line)
}

fn assert_refused(outcome: &Outcome, told: &str) {
    let lines = &outcome.err;
    assert_eq!(
        (outcome.code, &*outcome.out),
        (Some(78), ""),
        "{told}\n{lines}"
    );
    let is_told = lines.lines().any(|line| line.starts_with(told));
    assert!(is_told, "{told}\nis not in\n{lines}");
}

/// A configuration and its site in a folder of their own.
struct Junction {
    rsu: String,
    site: String,
    _folder: Scratch,
}

impl Junction {
    fn new(rsu: &str, site: &str) -> Self {
        let folder = Scratch::new();
        fs::create_dir(folder.path("sites")).expect("a folder");
        Self {
            rsu: folder.write("rsu.toml", rsu),
            site: folder.write("sites/moyu-boyuan.toml", site),
            _folder: folder,
        }
    }
}
