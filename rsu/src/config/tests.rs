//! The configuration as a whole: every fault with its line, and the example that is complete.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use super::*;
use crate::sheet::Reader;

const EXAMPLE: &str = include_str!("../../../configs/rsu.toml");
const SITE: &str = include_str!("../../../configs/sites/moyu-boyuan.toml");

fn site_only(_: &Path) -> io::Result<String> {
    Ok(SITE.to_owned())
}

/// Every finding in `text`, as people see it.
fn told(text: &str) -> Vec<String> {
    let findings = match parse(text, Path::new("rsu.toml"), &mut site_only) {
        Ok(checked) => checked.warnings,
        Err(findings) => findings,
    };
    findings.iter().map(ToString::to_string).collect()
}

/// A configuration that runs, with `more` behind it.
fn good(more: &str) -> String {
    format!(
        "[station]\nname = 'x'\nsite = 's.toml'\n\
         [[input.gat1743]]\nname = 'signal'\nlisten = 'udp://0.0.0.0:1'\n{more}"
    )
}

/// The example with every key that is only shown brought in, but for keys that exclude each other.
fn with_shown_keys(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let shown = line.strip_prefix("# ").filter(|rest| {
            let key = rest.split(" = ").next().unwrap_or("");
            rest.contains(" = ")
                && !key.is_empty()
                && key.chars().all(|c| c.is_ascii_lowercase() || c == '-')
        });
        shown.unwrap_or(line).to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_example_is_right_and_wise() {
    assert_eq!(told(EXAMPLE), Vec::<String>::new());
}

#[test]
fn the_example_shows_every_key_and_no_other() {
    let text = with_shown_keys(EXAMPLE);
    let reader = Reader::new("rsu.toml", &text);
    parse_with(&reader, Path::new("rsu.toml"), &mut site_only);
    let (findings, asked) = reader.into_findings();
    let unknown: Vec<_> = findings
        .iter()
        .filter(|f| f.reason.text.contains("unknown"))
        .collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    let shown = keys_of(&text);
    let missing: Vec<&String> = asked.difference(&shown).collect();
    assert!(missing.is_empty(), "not in configs/rsu.toml: {missing:?}");
}

#[test]
fn the_example_shows_the_defaults() {
    let example = parse(EXAMPLE, Path::new("rsu.toml"), &mut site_only)
        .unwrap()
        .config;
    let short = "[station]\nname = 'moyu-boyuan'\nsite = 's'\n\
         [[input.gat1743]]\nname = 'signal'\nlisten = 'udp://127.0.0.1:10050'\n\
         [[input.gb20999]]\nname = 'second-signal'\nlisten = 'udp://127.0.0.1:5051'\n\
         to = 'udp://192.0.2.21:4050'\n\
         [[input.ntcip]]\nname = 'tscbm'\nlisten = 'udp://127.0.0.1:6053'\n\
         [[input.spat-json]]\nname = 'platform'\n\
         listen = 'udp://127.0.0.1:6060'\n\
         [[input.ars408]]\nname = 'north-radar'\nconnect = 'tcp://192.0.2.30:4001'\n\
         mount = { east-m = -3.2, north-m = 18.0, up-m = 5.6, heading-deg = 2.5 }\n\
         [[input.openv2x]]\nname = 'radar-box'\nlisten = 'udp://127.0.0.1:6061'\n\
         mount = { east-m = 5.0, north-m = -12.0, up-m = 6.0, heading-deg = 0.0 }\n\
         [[input.detected-objects]]\nname = 'edge-box'\nlisten = 'udp://127.0.0.1:6062'\n\
         mount = { east-m = 5.0, north-m = -12.0, up-m = 6.0, heading-deg = 0.0 }\n\
         [[input.ti-mmwave]]\nname = 'mmwave'\n\
         serial = 'serial:///dev/ttyUSB1?baud=921600&parity=none'\n\
         mount = { east-m = 0.0, north-m = -15.0, up-m = 4.0, heading-deg = 0.0 }\n\
         [[input.nanoradar]]\nname = 'range-radar'\n\
         serial = 'serial:///dev/ttyUSB2?baud=115200&parity=none'\n\
         mount = { east-m = 0.0, north-m = -15.0, up-m = 4.0, heading-deg = 0.0 }\n\
         [[input.heard]]\nname = 'radio'\nlisten = 'udp://127.0.0.1:6066'\n\
         [[input.gnss]]\nname = 'receiver'\nserial = 'serial:///dev/ttyUSB3?parity=none'\n\
         [[input.modbus]]\nname = 'weather'\nserial = 'serial:///dev/ttyUSB4?parity=none'\n\
         register = [{ quantity = 'visibility-m', address = 0, most = 20000 }]\n";
    let short = parse(short, Path::new("rsu.toml"), &mut site_only)
        .unwrap()
        .config;
    let shown = |config| {
        let files = Vec::new();
        format!("{:#?}", Config { files, ..config })
    };
    let (example, short) = (shown(example), shown(short));
    let differ: Vec<_> = example
        .lines()
        .zip(short.lines())
        .filter(|(shown, default)| shown != default)
        .collect();
    assert!(differ.is_empty(), "(shown, default): {differ:#?}");
}

/// Every key of a document with the tables above it, by a reader that is not ours.
fn keys_of(text: &str) -> BTreeSet<String> {
    fn walk(path: &str, value: &toml::Value, keys: &mut BTreeSet<String>) {
        match value {
            toml::Value::Table(table) => {
                for (key, value) in table {
                    let below = if path.is_empty() {
                        key.clone()
                    } else {
                        format!("{path}.{key}")
                    };
                    keys.insert(below.clone());
                    walk(&below, value, keys);
                }
            }
            toml::Value::Array(list) => list.iter().for_each(|item| walk(path, item, keys)),
            _ => {}
        }
    }
    let mut keys = BTreeSet::new();
    walk("", &toml::Value::Table(text.parse().unwrap()), &mut keys);
    keys
}

#[test]
fn every_fault_is_told_at_once_with_its_line() {
    let text = good(
        "[spat]\nperiod-s = 1\nform = 'both'\n[clock]\nmax-error-ms = '100'\n\
         [[input.ars408]]\nname = 'signal'\nlisten = 'udp://0.0.0.0:1'\nmount = { east-m = 1.0 }\n\
         [clouds]\n",
    );
    let told = told(&text);
    let lines: Vec<&str> = told.iter().map(|t| t.split(": ").next().unwrap()).collect();
    assert_eq!(
        lines,
        [
            "rsu.toml:8",  // period-s
            "rsu.toml:9",  // form
            "rsu.toml:11", // max-error-ms
            "rsu.toml:13", // name is taken
            "rsu.toml:14", // address is taken
            "rsu.toml:15", // mount lacks three
            "rsu.toml:15",
            "rsu.toml:15",
            "rsu.toml:16", // clouds
        ],
        "{told:#?}"
    );
}

#[test]
fn a_missing_name_site_and_address_are_told() {
    let told = told("[[input.gat1743]]\n");
    let keys: Vec<&str> = told.iter().map(|t| t.split(": ").nth(1).unwrap()).collect();
    assert_eq!(
        keys,
        [
            "input.gat1743.listen",
            "input.gat1743.name",
            "station.name",
            "station.site"
        ],
        "{told:#?}"
    );
}

#[test]
fn an_input_has_one_source() {
    let told = told(&good("connect = 'tcp://h:1'\n"));
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].starts_with("rsu.toml:6: input.gat1743.listen: has company"),
        "{told:?}"
    );
}

#[test]
fn an_unknown_protocol_names_the_known_ones() {
    let told = told(&good("[[input.gat1742]]\nname = 'y'\n"));
    assert_eq!(
        told,
        ["rsu.toml:7: input.gat1742: unknown key; did you mean `gat1743`?"]
    );
}

#[test]
fn a_phase_whose_controller_is_no_input_is_told_at_the_site() {
    let told = told("[station]\nname = 'x'\nsite = 's.toml'\n");
    assert!(
        told.iter()
            .any(|t| t.starts_with("rsu.toml:3: station.site: phases ")
                && t.ends_with("which is no [[input.*]] of this file")),
        "{told:#?}"
    );
}

#[test]
fn a_lamp_that_the_protocol_has_no_room_for_is_told() {
    let of = |protocol: &str| {
        let text = format!(
            "[station]\nname = 'x'\nsite = 's.toml'\n[[input.{protocol}]]\nname = 'signal'\n\
             listen = 'udp://0.0.0.0:1'\n"
        );

        let site = SITE.replace("lamps      = [1]\n", "lamps      = [1, 300]\n");
        let mut read = |_: &Path| Ok(site.clone());
        match parse(&text, Path::new("rsu.toml"), &mut read) {
            Ok(_) => String::new(),
            Err(findings) => findings.to_string(),
        }
    };
    for (protocol, refused) in [
        ("gat1743", true),
        ("gb20999", true),
        ("ntcip", true),
        ("spat-json", false),
    ] {
        let told = of(protocol);
        let named = told.contains(&format!(
            "lamp 300 of \"signal\", and {protocol} has no lamp"
        ));
        assert_eq!(named, refused, "{protocol}: {told}");
    }
}

#[test]
fn a_phase_driven_by_a_radar_is_told() {
    let text = "[station]\nname = 'x'\nsite = 's.toml'\n[[input.ars408]]\nname = 'signal'\n\
        listen = 'udp://0.0.0.0:1'\nmount = { east-m = 0, north-m = 0, up-m = 5, heading-deg = 0 }\n";
    let told = told(text);
    assert!(
        told.iter()
            .any(|t| t.ends_with("which speaks ars408, not a controller's protocol")),
        "{told:#?}"
    );
}

#[test]
fn a_site_that_cannot_be_read_is_told() {
    let text = good("");
    let mut nothing = |_: &Path| Err(io::ErrorKind::NotFound.into());
    let findings = parse(&text, Path::new("c/rsu.toml"), &mut nothing).unwrap_err();
    let told = findings.to_string();
    assert!(
        told.starts_with("c/rsu.toml:3: station.site: cannot be read: c/s.toml: "),
        "{told}"
    );
}

#[test]
fn what_is_wrong_in_the_site_is_told_along_with_the_rest() {
    let mut broken = |_: &Path| Ok("[[link]]\nno-such-key = 1\n".to_owned());
    let text = good("[spat]\nperiod-ms = 7000\n");
    let findings = parse(&text, Path::new("c/rsu.toml"), &mut broken).unwrap_err();
    let files: BTreeSet<&str> = findings.iter().map(|f| f.file.as_str()).collect();
    assert_eq!(
        files,
        BTreeSet::from(["c/rsu.toml", "c/s.toml"]),
        "{findings}"
    );
}

#[test]
fn what_is_unwise_is_warned_of_and_runs() {
    let text = good("[clock]\nrequire-sync = false\n[spat]\nperiod-ms = 70\n");
    let checked = parse(&text, Path::new("rsu.toml"), &mut site_only).unwrap();
    let told: Vec<String> = checked.warnings.iter().map(ToString::to_string).collect();
    assert!(
        told[0].starts_with("rsu.toml:8: warning: clock.require-sync: "),
        "{told:?}"
    );
    assert!(
        told[1].starts_with("rsu.toml:10: warning: spat.period-ms: 70 ms"),
        "{told:?}"
    );
    assert_eq!(checked.config.station.clock_error_limit, None);
}

#[test]
fn a_broker_is_an_address_topics_and_a_password_that_stands_elsewhere() {
    let table = |broker: &str| {
        format!(
            "[station]\nname = 'x'\nsite = 's.toml'\n[[input.spat-json]]\nname = 'signal'\n\
             broker = {{ {broker} }}\n"
        )
    };
    let good = "address = 'mqtt://b', topics = ['a/+'], user = 'u', password-file = 'p'";
    let config = parse(&table(good), Path::new("etc/rsu.toml"), &mut site_only).unwrap();
    let Source::Mqtt(broker) = &config.config.inputs[0].source else {
        panic!("no broker");
    };
    assert_eq!(
        (broker.host.as_str(), broker.port, broker.qos),
        ("b", 1883, 0)
    );
    let login = broker.login.as_ref().unwrap();
    assert_eq!(login.password, Password::File("etc/p".into()));
    for (wrong, key) in [
        ("topics = ['a']", "broker.address"),
        ("address = 'mqtt://b'", "broker.topics"),
        ("address = 'mqtt://b', topics = []", "broker.topics"),
        ("address = 'mqtt://b', topics = ['a#']", "broker.topics"),
        ("address = 'mqtts://b', topics = ['a']", "broker.address"),
        (
            "address = 'mqtt://b', topics = ['a'], qos = 2",
            "broker.qos",
        ),
        (
            "address = 'mqtt://b', topics = ['a'], password = 'x'",
            "broker.password",
        ),
        (
            "address = 'mqtt://b', topics = ['a'], password-env = 'x'",
            "broker.user",
        ),
    ] {
        let told = told(&table(wrong));
        let place = format!("rsu.toml:6: input.spat-json.{key}: ");
        assert!(told[0].starts_with(&place), "{wrong}: {told:?}");
    }
}

#[test]
fn what_is_wrong_in_a_box_or_a_radar_is_told_with_its_line() {
    let mount = "mount = { east-m = 0, north-m = 0, up-m = 5, heading-deg = 0 }\n";
    for (table, wrong, told_of) in [
        ("openv2x", "sensor = 'nose'\n", "sensor: must be"),
        ("openv2x", "latency-s = 1\n", "latency-s: unknown key"),
        ("detected-objects", "existence = 2\n", "existence: must be"),
        ("detected-objects", "replay = 'x'\n", "replay: unknown key"),
        ("ti-mmwave", "layout = 'oob'\n", "layout: must be"),
        ("nanoradar", "range-m = 0\n", "range-m: must be"),
    ] {
        let text = good(&format!(
            "[[input.{table}]]\nname = 'y'\nlisten = 'udp://0.0.0.0:2'\n{mount}{wrong}"
        ));
        let told = told(&text);
        let place = format!("rsu.toml:11: input.{table}.{told_of}");
        assert!(told.len() == 1 && told[0].starts_with(&place), "{told:?}");
    }
    for (table, wrong, told_of) in [
        ("gnss", "form = 'ubx'\n", "form: must be"),
        ("heard", "framing = 'ipv6'\n", "framing: must be"),
        ("heard", "range-m = 9\n", "range-m: must be"),
        (
            "ntcip",
            "poll = { period-ms = 500 }\n",
            "poll.agent: is missing",
        ),
        ("spat-json", "lights = ['pink']\n", "lights: knows no"),
        (
            "spat-json",
            "fields = { colour = 'x' }\n",
            "fields.colour: unknown key",
        ),
    ] {
        let text = good(&format!(
            "[[input.{table}]]\nname = 'y'\nlisten = 'udp://0.0.0.0:2'\n{wrong}"
        ));
        let told = told(&text);
        let place = format!("rsu.toml:10: input.{table}.{told_of}");
        assert!(told.len() == 1 && told[0].starts_with(&place), "{told:?}");
    }
}

#[test]
fn inputs_are_numbered_in_the_order_of_the_file() {
    let text = "[station]\nname = 'x'\nsite = 's.toml'\n\
        [[input.ars408]]\nname = 'b'\nlisten = 'udp://0.0.0.0:2'\n\
        mount = { east-m = 0, north-m = 0, up-m = 5, heading-deg = 0 }\n\
        [[input.gat1743]]\nname = 'signal'\nlisten = 'udp://0.0.0.0:1'\n\
        [[input.ars408]]\nname = 'a'\nreplay = 'candump:log/r.log'\n\
        mount = { east-m = 0, north-m = 0, up-m = 5, heading-deg = 90 }\n";
    let config = parse(text, Path::new("etc/rsu.toml"), &mut site_only)
        .unwrap()
        .config;
    let names: Vec<(u8, &str)> = config
        .inputs
        .iter()
        .map(|i| (i.id.0, i.name.as_str()))
        .collect();
    assert_eq!(names, [(0, "b"), (1, "signal"), (2, "a")]);
    assert_eq!(config.inputs[2].source.to_string(), "candump:etc/log/r.log");
    let sensors: Vec<u8> = config
        .station
        .fusion
        .sensors
        .iter()
        .map(|s| s.input.0)
        .collect();
    assert_eq!(sensors, [0, 2]);
}

#[test]
fn an_id_is_eight_characters_or_sixteen_digits() {
    let id = |text: &str| {
        let text = format!(
            "[station]\nname = 'x'\nsite = 's'\nid = '{text}'\n\
            [[input.gat1743]]\nname = 'signal'\nlisten = 'udp://0.0.0.0:1'\n"
        );
        parse(&text, Path::new("f"), &mut site_only)
            .ok()
            .and_then(|c| c.config.station.id)
    };
    assert_eq!(id("RSU00001").unwrap().0, *b"RSU00001");
    assert_eq!(id("0102030405060708").unwrap().0, [1, 2, 3, 4, 5, 6, 7, 8]);
    for wrong in ["", "RSU", "RSU 0001", "010203040506070", "010203040506070g"] {
        assert_eq!(id(wrong), None, "{wrong}");
    }
}

#[test]
fn a_controller_may_be_reached_in_four_ways() {
    for (key, source, shown) in [
        ("listen", "udp://0.0.0.0:5051", "udp://0.0.0.0:5051"),
        ("listen", "tcp://0.0.0.0:5051", "tcp://0.0.0.0:5051"),
        ("connect", "tcp://192.0.2.21:4050", "tcp://192.0.2.21:4050"),
        (
            "serial",
            "serial:///dev/ttyS1?baud=19200&parity=odd",
            "serial:///dev/ttyS1?baud=19200&parity=odd&stop-bits=1",
        ),
    ] {
        let to = if source.starts_with("udp") {
            "to = 'udp://192.0.2.21:4050'\n"
        } else {
            ""
        };
        let text = good(&format!(
            "[[input.gb20999]]\nname = 'b'\n{key} = '{source}'\n{to}"
        ));
        let checked = parse(&text, Path::new("rsu.toml"), &mut site_only);
        let config = checked
            .unwrap_or_else(|findings| panic!("{findings}"))
            .config;
        assert_eq!(config.inputs[1].source.to_string(), shown);
        let is_stream = !source.starts_with("udp");
        let Protocol::Gb20999(decoder) = &config.inputs[1].protocol else {
            panic!("{:?}", config.inputs[1].protocol)
        };
        assert_eq!(
            decoder.carrier == crate::inputs::gb20999::Carrier::Stream,
            is_stream
        );
    }
}

#[test]
fn what_is_wrong_with_a_controller_is_told_with_its_line() {
    let table = |lines: &str| good(&format!("[[input.gb20999]]\nname = 'b'\n{lines}"));
    for (lines, expected) in [
        (
            "listen = 'udp://127.0.0.1:5051'\n",
            "rsu.toml:7: input.gb20999.to: is missing",
        ),
        (
            "connect = 'tcp://h:1'\nto = 'udp://192.0.2.1:9'\n",
            "rsu.toml:10: input.gb20999.to: is only for",
        ),
        (
            "connect = 'tcp://h:1'\nfrom = '192.0.2.1'\n",
            "rsu.toml:10: input.gb20999.from: ",
        ),
        (
            "serial = '/dev/ttyS0'\n",
            "rsu.toml:9: input.gb20999.serial: ",
        ),
        (
            "serial = 'serial:///dev/ttyS0?baud=9601x'\n",
            "rsu.toml:9: input.gb20999.serial: ",
        ),
        (
            "connect = 'tcp://h:1'\nbatch = 0\n",
            "rsu.toml:10: input.gb20999.batch: ",
        ),
        (
            "connect = 'tcp://h:1'\nlamps = [0]\n",
            "rsu.toml:10: input.gb20999.lamps: ",
        ),
        (
            "connect = 'tcp://h:1'\nlamps = [65]\n",
            "rsu.toml:10: input.gb20999.lamps: ",
        ),
        (
            "connect = 'tcp://h:1'\njunction = 0\n",
            "rsu.toml:10: input.gb20999.junction: ",
        ),
        (
            "connect = 'tcp://h:1'\nstage-time = 'half'\n",
            "rsu.toml:10: input.gb20999.stage-time: ",
        ),
        (
            "connect = 'tcp://h:1'\nstate-period-ms = 10\n",
            "rsu.toml:10: input.gb20999.state-period-ms: ",
        ),
        (
            "connect = 'tcp://h:1'\nbaud = 9600\n",
            "rsu.toml:10: input.gb20999.baud: unknown key",
        ),
        (
            "connect = 'tcp://h:1'\nserial = 'serial:///dev/x'\n",
            "rsu.toml:7: input.gb20999.listen: has company",
        ),
    ] {
        let told = told(&table(lines));
        assert!(
            told.iter().any(|told| told.starts_with(expected)),
            "{lines}: {told:#?}"
        );
    }
}

#[test]
fn controllers_share_an_address_where_their_own_tell_them_apart() {
    let two = |first: &str, second: &str| {
        told(&format!(
            "[station]\nname = 'x'\nsite = 's.toml'\n\
             [[input.gat1743]]\nname = 'signal'\nlisten = 'udp://0.0.0.0:1'\n{first}\
             [[input.gat1743]]\nname = 'other'\nlisten = 'udp://0.0.0.0:1'\n{second}"
        ))
    };
    let (a, b) = ("from = '192.0.2.1'\n", "from = '192.0.2.2'\n");
    assert_eq!(two(a, b), Vec::<String>::new());
    for (first, second) in [("", ""), (a, ""), ("", b), (a, a)] {
        let told = two(first, second);
        assert!(
            told.iter()
                .any(|told| told.contains("is taken by input \"signal\"")),
            "{told:?}"
        );
    }
    let serial = "[[input.gb20999]]\nname = 'b'\nserial = 'serial:///dev/x'\n\
        [[input.gb20999]]\nname = 'c'\nserial = 'serial:///dev/x?baud=1200'\n";
    let told = told(&good(serial));
    assert!(
        told.iter()
            .any(|told| told.starts_with("rsu.toml:12: input.gb20999.serial: ")),
        "{told:?}"
    );
}

#[test]
fn a_wait_that_is_too_short_for_a_slow_line_is_warned_of() {
    let table = |more: &str| {
        let serial = "serial = 'serial:///dev/x?baud=1200'";
        told(&good(&format!(
            "[[input.gb20999]]\nname = 'b'\n{serial}\n{more}"
        )))
    };
    let short = table("");
    assert!(
        short[0].starts_with("rsu.toml:7: warning: input.gb20999.retry-ms: 500 ms is shorter"),
        "{short:?}"
    );
    assert_eq!(table("retry-ms = 2000\n"), Vec::<String>::new());
}

#[test]
fn radars_of_one_bus_share_a_port_and_an_adapter_is_a_serial_line() {
    let mount = "mount = { east-m = 0, north-m = 0, up-m = 5, heading-deg = 0 }\n";
    let radar =
        |name: &str, rest: &str| format!("[[input.ars408]]\nname = '{name}'\n{rest}\n{mount}");
    let port = "listen = 'udp://0.0.0.0:5010'";
    let text = good(&format!(
        "{}{}{}",
        radar("a", port),
        radar("b", &format!("{port}\nsensor-id = 1")),
        radar(
            "c",
            "serial = 'serial:///dev/ttyACM0?baud=115200&parity=none'"
        ),
    ));
    let config = parse(&text, Path::new("rsu.toml"), &mut site_only)
        .unwrap()
        .config;
    let carriers: Vec<_> = (config.inputs.iter())
        .filter_map(|input| match &input.protocol {
            Protocol::Ars408(radar) => Some(radar.decoder.carrier),
            _ => None,
        })
        .collect();
    use crate::inputs::can::Carrier;
    assert_eq!(
        carriers,
        [
            Carrier::GatewayDatagrams,
            Carrier::GatewayDatagrams,
            Carrier::Slcan
        ]
    );
    let twice = good(&format!("{}{}", radar("a", port), radar("b", port)));
    assert!(
        told(&twice)[0].contains("is taken by input \"a\""),
        "{:?}",
        told(&twice)
    );
}

#[cfg(feature = "socketcan")]
#[test]
fn radars_share_a_can_interface_by_their_numbers() {
    let mount = "mount = { east-m = 0, north-m = 0, up-m = 5, heading-deg = 0 }\n";
    let radar = |name: &str, more: &str| {
        format!("[[input.ars408]]\nname = '{name}'\ncan = 'can0'\n{mount}{more}\n")
    };
    let apart = good(&(radar("a", "standstill-period-ms = 50") + &radar("b", "sensor-id = 1")));
    let config = parse(&apart, Path::new("rsu.toml"), &mut site_only)
        .unwrap()
        .config;
    let sources: Vec<_> = config.inputs.iter().map(|i| i.source.to_string()).collect();
    assert_eq!(sources.iter().filter(|s| *s == "can://can0").count(), 2);
    let twice = told(&good(&(radar("a", "") + &radar("b", ""))));
    assert!(
        twice[0].contains("can: can://can0 is taken by input \"a\""),
        "{twice:?}"
    );
    let odd = told(&good(&radar("a", "").replace("can0", "a/b")));
    assert!(odd[0].contains("the name of a CAN interface"), "{odd:?}");
}

#[test]
fn what_is_wrong_with_a_weather_sensor_is_told_with_its_line() {
    let told_of = |more: &str| told(&good(&format!("[[input.modbus]]\nname = 'w'\n{more}")));
    let register =
        "connect = 'tcp://h:502'\nregister = [{ quantity = 'rain-mm-h', address = 4 }]\n";
    let cases = [
        (
            "listen = 'udp://0.0.0.0:5'\n",
            "input.modbus.listen: must be \"tcp://...\"",
        ),
        (
            "connect = 'tcp://h:502'\n",
            "input.modbus.register: is missing",
        ),
        (
            "connect = 'tcp://h:502'\nregister = [{ quantity = 'rain', address = 4 }]\n",
            "input.modbus.register.quantity: must be \"visibility-m\"",
        ),
        (
            "connect = 'tcp://h:502'\nregister = [{ quantity = 'rain-mm-h', address = 65535, type = 'f32' }]\n",
            "input.modbus.register.address: leaves no room",
        ),
        (
            "connect = 'tcp://h:502'\nregister = [{ quantity = 'ice-mm', table = 'coil', type = 'u16', address = 1 }]\n",
            "input.modbus.register.type: must be \"bit\"",
        ),
    ];
    for (text, reason) in cases {
        let told = told_of(text);
        assert!(told.iter().any(|line| line.contains(reason)), "{told:#?}");
    }
    let events = [
        (
            "{ quantity = 'wind-mps', above = 3, type = 304 }",
            "no register measures wind-mps",
        ),
        (
            "{ quantity = 'rain-mm-h', type = 301 }",
            "give `below` or `above`",
        ),
        (
            "{ quantity = 'rain-mm-h', above = 3, until = 4, type = 301 }",
            "input.modbus.event.until: must lie on the good side",
        ),
        (
            "{ quantity = 'rain-mm-h', above = 3, type = 301, speed-kmh = 40 }",
            "input.modbus.event.speed-kmh: needs `sign-code`",
        ),
        (
            "{ quantity = 'rain-mm-h', above = 3, type = 301, links = [{ upstream = 77, downstream = 10 }] }",
            "the site has no link from node 77 to node 10",
        ),
        (
            "{ quantity = 'rain-mm-h', above = 3, type = 301, description = '🌧' }",
            "input.modbus.event.description: not GB 2312",
        ),
    ];
    for (event, reason) in events {
        let told = told_of(&format!("{register}event = [{event}]\n"));
        assert!(told.iter().any(|line| line.contains(reason)), "{told:#?}");
    }
    let fine = format!(
        "{register}event = [{{ quantity = 'rain-mm-h', above = 3, until = 2, type = 301, description = '大雨' }}]\n"
    );
    assert_eq!(told_of(&fine), Vec::<String>::new());
}
