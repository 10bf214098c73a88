//! The command as people use it, on recordings of our own making and, where present, of devices.

use std::io::Read;
use std::net::UdpSocket;
use std::path::Path;
use std::thread;

use serde_json::Value;

use super::pcap::tests::{file, tcp, udp};
use super::*;
use crate::inputs::ars408::SensedObject;
use crate::inputs::gat1743::{Address, Approach, Audience, Identity};
use crate::inputs::modbus::{Emitter, Form as ModbusForm, Register};
use crate::report::{LampState, LampStates, Light};

fn args(protocol: ProbeProtocol, source: &str) -> ProbeArgs {
    ProbeArgs {
        user: None,
        traffic: false,
        origin: None,
        protocol,
        source: source.to_owned(),
        duration: None,
        count: None,
        port: None,
        ask: None,
        sensor_id: 0,
        heading_deg: 0.0,
        modbus: modbus::ModbusArgs::default(),
    }
}

/// What is printed of a recording, parsed again, and the outcome.
fn probed(args: &ProbeArgs, bytes: &[u8]) -> (Vec<Value>, Outcome) {
    let mut out = Vec::new();
    let outcome = read_recording(args, bytes, &mut out).unwrap();
    (lines(&out), outcome)
}

fn lines(out: &[u8]) -> Vec<Value> {
    let lines = out
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    lines
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect()
}

fn emitter() -> gat1743::Emitter {
    gat1743::Emitter::new(Identity {
        controller: Address {
            division: 310_114,
            kind: Address::CONTROLLER,
            number: 7,
        },
        approaches: vec![Approach {
            direction_deg: 90,
            lamps: vec![(5, 1)],
        }],
        ..Identity::default()
    })
}

fn lamp_frame() -> Vec<u8> {
    let state = LampState {
        lamp: 5,
        light: Light::FlashingGreen,
        countdown_s: Some(12),
    };
    let states = LampStates {
        lamps: [state].into_iter().collect(),
        ..LampStates::default()
    };
    let mut frame = Vec::new();
    let utc = Utc::from_unix_ns(1_000_000_000_000);
    emitter().lamps(utc, Audience::Everyone, &states, &mut frame);
    frame
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_lamp_frame_in_hex_is_one_line_of_json() {
    let text = format!("{}\nc0c0ff\n", hex(&lamp_frame()));
    let args = args(ProbeProtocol::Gat1743, "");
    let (lines, outcome) = probed(&args, text.as_bytes());
    let expected = serde_json::json!({
        "protocol": "gat1743",
        "content": "lamps",
        "lamps": [{ "lamp": 5, "light": "flashing-green", "countdown_s": 12 }],
    });
    assert_eq!(lines, [expected]);
    assert_eq!(
        outcome.summary(&args),
        "gat1743: 1 frames understood, 1 reports\nrejected: cut 1"
    );
}

#[test]
fn the_same_frame_is_found_raw_and_in_a_pcap_of_either_transport() {
    let frame = lamp_frame();
    let args = args(ProbeProtocol::Gat1743, "");
    let twice = [frame.clone(), frame.clone()].concat();
    assert_eq!(probed(&args, &twice).0.len(), 2);
    let datagrams = file(&[udp(10050, &frame), udp(10050, &frame)]);
    let (lines, _) = probed(&args, &datagrams);
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[1]["arrived"], "1970-01-01T00:16:41.250Z");
    // A stream may be cut into segments anywhere.
    let (head, tail) = frame.split_at(20);
    let segments = file(&[tcp(10023, head), tcp(10023, tail)]);
    assert_eq!(probed(&args, &segments).0.len(), 1);
    let datagrams = file(&[udp(10050, head), udp(10050, tail)]);
    assert_eq!(probed(&args, &datagrams).0.len(), 0);
}

#[test]
fn radar_objects_come_out_in_metres_from_candump_text_and_gateway_records() {
    let mut frames = Vec::new();
    let object = SensedObject {
        id: 3,
        forward_m: 20.0,
        left_m: 2.0,
        ..SensedObject::default()
    };
    ars408::Emitter::new(0).cycle(&[object], &mut frames);
    let (mut text, mut records) = (Vec::new(), Vec::new());
    for frame in &frames {
        let recorded = Utc::from_unix_ns(1_000_000_000_000);
        can::candump::emit(frame, Some(recorded), &mut text);
        can::gateway::emit(frame, &mut records);
    }
    let args = ProbeArgs {
        heading_deg: 90.0,
        ..args(ProbeProtocol::Ars408, "")
    };
    let (lines, outcome) = probed(&args, &text);
    assert_eq!(outcome.counts.accepted(), 4);
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["arrived"], "1970-01-01T00:16:40.000Z");
    assert_eq!(lines[0]["seen_at"], "1970-01-01T00:16:39.963Z");
    let detection = &lines[0]["detections"][0];
    assert_eq!(detection["device_id"], 3);
    assert_eq!(detection["east_m"], 20.0);
    assert_eq!(detection["north_m"], 2.0);
    assert_eq!(detection["class"], "car");
    let (mut raw, _) = probed(&args, &records);
    assert_eq!(raw[0]["detections"].take(), lines[0]["detections"]);
}

#[test]
fn a_count_ends_the_reading() {
    let frame = lamp_frame();
    let args = ProbeArgs {
        count: Some(2),
        ..args(ProbeProtocol::Gat1743, "")
    };
    assert_eq!(probed(&args, &frame.repeat(5)).0.len(), 2);
}

#[test]
fn a_file_of_sentences_is_read() {
    let utc = Utc::from_unix_ms(1_790_000_000_000).unwrap();
    let mut bytes = b"# a comment\n".to_vec();
    (0..3).for_each(|_| gnss::Emitter.epoch(utc, Some((31.0, 121.0)), &mut bytes));
    let (lines, outcome) = probed(&args(ProbeProtocol::Gnss, "receiver.log"), &bytes);
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert_eq!(outcome.counts.accepted(), 6);
}

#[test]
fn sources_are_told_apart() {
    let exit =
        |text| Source::parse(text, config::SerialLine::CONTROLLER).map_err(|failure| failure.exit);
    assert_eq!(
        exit("some/file.hex"),
        Ok(Source::File("some/file.hex".into()))
    );
    assert_eq!(
        exit("odd:name.log"),
        Ok(Source::File("odd:name.log".into()))
    );
    let address = "0.0.0.0:10050".parse().unwrap();
    assert_eq!(exit("udp://0.0.0.0:10050"), Ok(Source::Udp(address)));
    assert_eq!(
        exit("tcp://radar:4001"),
        Ok(Source::Tcp("radar:4001".into()))
    );
    assert_eq!(exit("udp://nowhere"), Err(USAGE));
    assert_eq!(exit("tcp://radar"), Err(USAGE));
    assert_eq!(exit("gopher://x:1"), Err(USAGE));
    let reason = |text| {
        Source::parse(text, config::SerialLine::CONTROLLER)
            .unwrap_err()
            .reason
    };
    assert_eq!(exit("mqtt://broker"), Err(USAGE));
    assert_eq!(exit("mqtts://broker/a"), Err(UNAVAILABLE));
    assert_eq!(
        reason("mqtts://broker/a"),
        "this build has no MQTT over TLS carrier yet"
    );
    assert!(matches!(
        Source::parse("mqtt://broker/a/+/b", config::SerialLine::CONTROLLER),
        Ok(Source::Mqtt(broker)) if broker.port == 1883 && broker.topics == ["a/+/b"]
    ));
    let line = config::SerialLine {
        baud: 115_200,
        ..config::SerialLine::CONTROLLER
    };
    assert_eq!(
        exit("serial:///dev/ttyUSB0?baud=115200"),
        Ok(Source::Serial("/dev/ttyUSB0".into(), line))
    );
    assert_eq!(exit("serial:/dev/tty"), Err(USAGE));
    assert_eq!(exit("serial:///dev/tty?parity=mark"), Err(USAGE));
}

#[test]
fn a_file_that_is_not_there_is_66_and_one_without_sense_is_65() {
    let code = |code: u8| format!("{:?}", ExitCode::from(code));
    let probed = |source: &str| format!("{:?}", probe(args(ProbeProtocol::Gat1743, source)));
    assert_eq!(probed("/nonexistent/recording.hex"), code(NO_INPUT));
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    assert_eq!(probed(manifest), code(NOT_UNDERSTOOD));
}

/// Runs a live probe in this thread; the address is one that was free a moment ago.
fn live(args: &ProbeArgs) -> (Vec<Value>, Outcome) {
    let mut out = Vec::new();
    let source = Source::parse(&args.source, args.protocol.usual_line()).unwrap();
    let outcome = listen(args, &source, &mut out).unwrap();
    (lines(&out), outcome)
}

#[test]
fn a_controller_that_is_asked_over_udp_answers_and_is_printed() {
    let controller = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = controller.local_addr().unwrap();
    let answering = thread::spawn(move || {
        let mut buffer = [0; 2000];
        let (size, from) = controller.recv_from(&mut buffer).unwrap();
        let mut asked = Vec::new();
        emitter().push(&buffer[..size], |question| asked.push(question.object));
        controller.send_to(&lamp_frame(), from).unwrap();
        asked
    });
    let (lines, outcome) = live(&ProbeArgs {
        ask: Some(Some(address)),
        count: Some(1),
        duration: Some(Duration::from_secs(20)),
        ..args(ProbeProtocol::Gat1743, "udp://127.0.0.1:0")
    });
    assert_eq!(answering.join().unwrap(), [0x0103, 0x0301, 0x0102, 0x0101]);
    assert_eq!(lines.len(), 1);
    assert_eq!(outcome.counts.accepted(), 1);
    assert!(lines[0]["arrived"].as_str().unwrap() > "2020");
}

#[test]
fn a_stream_is_printed_until_the_device_closes_it() {
    let device = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = device.local_addr().unwrap();
    let sending = thread::spawn(move || {
        let (mut stream, _) = device.accept().unwrap();
        stream.write_all(&lamp_frame().repeat(3)).unwrap();
    });
    let (lines, _) = live(&args(ProbeProtocol::Gat1743, &format!("tcp://{address}")));
    sending.join().unwrap();
    assert_eq!(lines.len(), 3);
}

/// A device that answers over TCP until whoever asks is gone; its registers are those asked for.
fn modbus_device(form: ModbusForm, registers: Vec<Register>) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let mut device = Emitter::new(form, 17);
        for (register, value) in registers.iter().zip([120.5, -3.2]) {
            device.set(register, value);
        }
        let (mut stream, _) = listener.accept().unwrap();
        let mut buffer = [0; 260];
        while let Ok(size) = stream.read(&mut buffer)
            && size > 0
        {
            let mut answer = Vec::new();
            device.hear(&buffer[..size], &mut answer);
            if stream.write_all(&answer).is_err() {
                break;
            }
        }
    });
    format!("tcp://{address}")
}

#[test]
fn a_modbus_device_is_asked_for_what_was_given() {
    let register: Vec<_> = [
        "quantity = 'visibility-m', address = 0, type = 'f32', words = 'low-first'",
        "{ quantity = 'road-c', table = 'input', address = 7, type = 'i16', scale = 0.1 }",
    ]
    .into_iter()
    .map(|text| config::modbus_register(text).unwrap())
    .collect();
    for rtu in [false, true] {
        let form = if rtu {
            ModbusForm::Rtu
        } else {
            ModbusForm::Tcp
        };
        let source = modbus_device(form, register.clone());
        let args = ProbeArgs {
            modbus: modbus::ModbusArgs {
                register: register.clone(),
                unit: 17,
                rtu,
            },
            count: Some(2),
            duration: Some(Duration::from_secs(20)),
            ..args(ProbeProtocol::Modbus, &source)
        };
        let (lines, outcome) = live(&args);
        assert_eq!(lines.len(), 2, "{}", outcome.summary(&args));
        assert_eq!(lines[0]["content"], "weather");
        assert_eq!(lines[0]["readings"]["visibility-m"], 120.5);
        assert_eq!(lines[1]["readings"]["road-c"], -3.2);
    }
}

#[test]
fn what_cannot_be_asked_of_a_modbus_device_is_refused_with_a_reason() {
    let refused = |source: &str, registers: &[&str]| {
        let register = registers.iter().map(|text| config::modbus_register(text));
        let args = ProbeArgs {
            modbus: modbus::ModbusArgs {
                register: register.collect::<Result<_, _>>().unwrap(),
                ..modbus::ModbusArgs::default()
            },
            ..args(ProbeProtocol::Modbus, source)
        };
        let failure = listen(
            &args,
            &Source::parse(source, args.protocol.usual_line()).unwrap(),
            &mut Vec::new(),
        );
        let failure = failure.unwrap_err();
        assert_eq!(failure.exit, USAGE, "{source}");
        failure.reason
    };
    let one = "quantity = 'grip', address = 1";
    assert!(refused("some.bin", &[one]).contains("answers do not say to what"));
    assert!(refused("udp://127.0.0.1:0", &[one]).contains("is asked over tcp"));
    assert!(refused("tcp://127.0.0.1:1", &[]).contains("--register"));
    assert!(refused("tcp://127.0.0.1:1", &[one, one]).contains("grip is measured by two"));
    for (text, reason) in [
        ("quantity = 'fog', address = 0", "quantity: must be"),
        ("quantity = 'grip'", "address: is missing"),
        ("quantity = 'grip', address = 0, sort = 1", "sort: "),
        ("}, {", "quantity: is missing"),
        ("quantity", ""),
    ] {
        let error = config::modbus_register(text).unwrap_err();
        assert!(error.contains(reason), "{text}: {error}");
    }
}

#[test]
fn silence_ends_with_the_duration_and_is_not_understood() {
    let (lines, outcome) = live(&ProbeArgs {
        duration: Some(Duration::from_millis(20)),
        ..args(ProbeProtocol::Ars408, "udp://127.0.0.1:0")
    });
    assert!(lines.is_empty());
    assert_eq!(outcome.counts.accepted(), 0);
}

#[test]
fn the_recorded_replies_of_a_gb20999_controller_are_understood() {
    let Some(text) = recording("gbt20999_pairs.json") else {
        return;
    };
    let pairs: Vec<Value> = serde_json::from_slice(&text).unwrap();
    let hex: Vec<&str> = pairs
        .iter()
        .filter_map(|pair| pair["reply"].as_str())
        .collect();
    let (lines, outcome) = probed(
        &args(ProbeProtocol::Gb20999, "-"),
        hex.join("\n").as_bytes(),
    );
    // The lamp group was never asked for in this list; the mode was.
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(
        (&lines[0]["content"], &lines[0]["mode"]),
        (&"mode".into(), &"coordinated".into())
    );
    let summary = outcome.summary(&args(ProbeProtocol::Gb20999, "-"));
    assert!(summary.contains("rejected: none"), "{summary}");
}

fn recording(name: &str) -> Option<Vec<u8>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/captures");
    let path = Path::new(folder).join(name);
    let bytes = std::fs::read(&path).ok();
    if bytes.is_none() {
        eprintln!("skipped: no recording at {}", path.display());
    }
    bytes
}

#[test]
fn the_recorded_controllers_are_understood() {
    let args = args(ProbeProtocol::Gat1743, "");
    for (name, reports) in [
        ("gat1743_light_state.hex", 1),
        ("gat1743_current_plan_steps.hex", 1),
        ("gat1743_light_state_more.hex", 2),
    ] {
        let Some(bytes) = recording(name) else { return };
        let (lines, outcome) = probed(&args, &bytes);
        assert_eq!(lines.len(), reports, "{name}");
        assert!(outcome.summary(&args).contains("rejected: none"), "{name}");
    }
}

#[test]
fn the_recorded_radar_is_understood() {
    let Some(bytes) = recording("ars408_candump_part1.log") else {
        return;
    };
    let args = args(ProbeProtocol::Ars408, "");
    let (lines, outcome) = probed(&args, &bytes);
    assert_eq!(lines.len(), 278);
    assert_eq!(lines[0]["arrived"], "2026-06-24T13:42:59.166Z");
    let summary = outcome.summary(&args);
    assert!(
        summary.starts_with("ars408: 4770 frames understood, 278 reports"),
        "{summary}"
    );
    assert!(
        summary.contains("rejected: none\nignored: other-id 20"),
        "{summary}"
    );
}

#[test]
fn the_recorded_datagrams_of_ntcip_controllers_and_a_platforms_spat_are_understood() {
    for (protocol, name, reports) in [
        (ProbeProtocol::Ntcip, "tscbm_241B.bin", 1),
        (ProbeProtocol::Ntcip, "tscbm_245B.hex", 3),
        (
            ProbeProtocol::SpatJson,
            "huawei_dris_rsu_spat_up_example.json",
            1,
        ),
    ] {
        let Some(bytes) = recording(name) else { return };
        let args = args(protocol, "");
        let (lines, outcome) = probed(&args, &bytes);
        assert_eq!(lines.len(), reports, "{name}");
        assert!(
            lines.iter().all(|line| line["content"] == "lamps"),
            "{name}"
        );
        assert!(outcome.summary(&args).contains("rejected: none"), "{name}");
    }
}
