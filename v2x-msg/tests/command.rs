//! The `v2x` command as people run it: what it prints, where, and how it ends.

#![cfg(feature = "cli")]
#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking, helpers included"
)]

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::UdpSocket;
use std::process::{Child, Command, Output, Stdio};

use common::own;
use v2x_msg::Message;
use v2x_msg::access::{Aid, dsmp};
use v2x_msg::base::{MsgCount, NodeId, PhaseId};
use v2x_msg::kinds::Spat;
use v2x_msg::kinds::spat::{IntersectionState, Light, Phase, PhaseState};

fn v2x(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_v2x"));
    command
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs to the end with `input` on standard input.
fn fed(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = v2x(arguments).stdin(Stdio::piped()).spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let input = input.to_vec();
    let feeder = std::thread::spawn(move || drop(pipe.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    feeder.join().unwrap();
    output
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A SPAT of one red phase.
fn spat(count: u8) -> Vec<u8> {
    let red = PhaseState {
        light: Light::Red,
        timing: None,
    };
    let phase = Phase::new(PhaseId::new(3).unwrap(), [red]).unwrap();
    let node = NodeId {
        region: Some(310),
        id: 5,
    };
    let junction = IntersectionState::new(node, [phase]).unwrap();
    let mut message = Message::default();
    Spat::new(MsgCount::new(count).unwrap(), [junction])
        .unwrap()
        .fill(&mut message);
    common::encoded(&message)
}

/// In DSMP, as it is sent.
fn framed(aid: Aid, message: &[u8]) -> Vec<u8> {
    let mut out = vec![0; dsmp::MAX_HEADER + message.len()];
    let mut frame = dsmp::Frame::begin(aid, &mut out).unwrap();
    frame.data()[..message.len()].copy_from_slice(message);
    let len = frame.finish(message.len()).unwrap();
    out.truncate(len);
    out
}

/// In the unsigned and in the signed envelope of IEEE 1609.2; the signature is made of zeros.
fn enveloped(message: &[u8]) -> [Vec<u8>; 2] {
    let len = u8::try_from(message.len()).unwrap();
    assert!(len < 128);
    let plain = [&[3, 0x80, len], message].concat();
    let header = [&[0x40, 2, 0x0e, 0x23][..], &[0; 8]].concat();
    let signer_and_signature = [&[0x80][..], &[0x11; 8], &[0x84, 0x40], &[0; 64]].concat();
    let signed = [
        &[3, 0x81, 2, 0x40][..],
        &plain[..],
        &header[..],
        &signer_and_signature[..],
    ]
    .concat();
    [plain, signed]
}

const SPAT_JER: &str = r#"{"spatFrame":{"msgCnt":9,"intersections":[{"intersectionId":{"region":310,"id":5},"status":"0000","phases":[{"id":3,"phaseStates":[{"light":"red"}]}]}]}}"#;

#[test]
fn decode_gives_what_encode_takes() {
    let vectors = own("day1_2020.jsonl");
    let frames: String = vectors
        .iter()
        .map(|vector| hex(&vector.octets) + "\n")
        .collect();
    let decoded = fed(&["decode"], frames.as_bytes());
    assert_eq!(decoded.status.code(), Some(0), "{}", text(&decoded.stderr));
    assert_eq!(text(&decoded.stdout).lines().count(), vectors.len());
    let encoded = fed(&["encode", "-"], &decoded.stdout);
    assert_eq!(encoded.status.code(), Some(0), "{}", text(&encoded.stderr));
    assert_eq!(text(&encoded.stdout), frames);
}

#[test]
fn decode_takes_wrappings_off() {
    let message = spat(9);
    let [plain, signed] = enveloped(&message);
    let lines = [
        hex(&message),
        hex(&framed(Aid::Spat, &message)),
        hex(&framed(Aid::Spat, &plain)),
        hex(&framed(Aid::Spat, &signed)),
        hex(&signed),
    ];
    let output = fed(&["decode"], lines.join("\n").as_bytes());
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(
        text(&output.stdout).lines().collect::<Vec<_>>(),
        [SPAT_JER; 5]
    );
    assert_eq!(
        text(&output.stderr),
        "2 of 5 messages: signed, not verified\n"
    );
}

#[test]
fn decode_names_bad_lines_with_bit_and_reason_and_goes_on() {
    let good = hex(&spat(9));
    let cut = &good[..20];
    let lines = format!("{good}\nnot hex\n{cut}\n\n# comment\n{good}\nff\n");
    let output = fed(&["decode"], lines.as_bytes());
    assert_eq!(output.status.code(), Some(65));
    assert_eq!(
        text(&output.stdout).lines().collect::<Vec<_>>(),
        [SPAT_JER; 2]
    );
    let notes: Vec<_> = text(&output.stderr).lines().collect();
    assert_eq!(notes[0], "line 2: not a hex digit at column 1");
    assert!(
        notes[1].starts_with("line 3: the frame ends early at bit "),
        "{}",
        notes[1]
    );
    assert!(
        notes[2].starts_with("line 7: unknown alternative at bit 0"),
        "{}",
        notes[2]
    );
    assert_eq!(notes.len(), 3);
}

#[test]
fn decode_reads_a_raw_frame_and_a_pcap() {
    let message = spat(9);
    let raw = fed(&["decode"], &framed(Aid::Spat, &message));
    assert_eq!(text(&raw.stdout).trim_end(), SPAT_JER);

    let mut file = vec![
        0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0,
    ];
    file.extend(147u32.to_le_bytes());
    for packet in [&message[..], &message[..5]] {
        file.extend([0; 8]);
        file.extend(u32::try_from(packet.len()).unwrap().to_le_bytes());
        file.extend(u32::try_from(packet.len()).unwrap().to_le_bytes());
        file.extend(packet);
    }
    let pcap = fed(&["decode"], &file);
    assert_eq!(pcap.status.code(), Some(65));
    assert_eq!(text(&pcap.stdout).trim_end(), SPAT_JER);
    assert!(
        text(&pcap.stderr).starts_with("packet 2: "),
        "{}",
        text(&pcap.stderr)
    );
}

#[test]
fn encode_names_bad_lines_and_goes_on() {
    let lines = format!("{SPAT_JER}\n{{\"spatFrame\": {{}}}}\n[\n{SPAT_JER}");
    let output = fed(&["encode"], lines.as_bytes());
    assert_eq!(output.status.code(), Some(65));
    let frame = hex(&spat(9));
    assert_eq!(
        text(&output.stdout).lines().collect::<Vec<_>>(),
        [&frame[..]; 2]
    );
    let notes: Vec<_> = text(&output.stderr).lines().collect();
    assert!(notes[0].starts_with("line 2: "), "{}", notes[0]);
    assert!(notes[1].starts_with("line 3: "), "{}", notes[1]);
    assert_eq!(notes.len(), 2);
}

#[test]
fn a_missing_file_and_a_wrong_argument_have_their_own_codes() {
    let missing = fed(&["decode", "no/such/file"], b"");
    assert_eq!(missing.status.code(), Some(66));
    assert!(text(&missing.stderr).starts_with("v2x: cannot open no/such/file: "));
    assert_eq!(fed(&["listen", "nowhere"], b"").status.code(), Some(2));
    assert_eq!(fed(&["shout"], b"").status.code(), Some(2));
}

/// Starts to listen and returns the address, once it is bound.
fn listening(arguments: &[&str]) -> (Child, std::net::SocketAddr) {
    let mut child = v2x(arguments).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(child.stderr.take().unwrap())
        .read_line(&mut first)
        .unwrap();
    let address = first
        .trim_end()
        .strip_prefix("listening on ")
        .unwrap_or_else(|| panic!("{first}"));
    (child, address.parse().unwrap())
}

fn heard(mut child: Child) -> String {
    let mut printed = String::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut printed)
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    printed
}

#[test]
fn listen_shows_messages_losses_and_rejects() {
    let (child, address) = listening(&["listen", "udp://127.0.0.1:0", "--count", "3"]);
    let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
    let from = sender.local_addr().unwrap();
    let send = |frame: &[u8]| sender.send_to(frame, address).unwrap();
    send(&framed(Aid::Spat, &spat(126)));
    send(&[0xff; 9]);
    send(&framed(Aid::Map, &spat(1)));
    send(&spat(2));
    let printed = heard(child);
    let lines: Vec<_> = printed.lines().collect();
    let message = |line: &str| line.split_once(' ').unwrap().1.to_owned();
    assert_eq!(
        message(lines[0]),
        format!("{from} 3619 SPAT / SPAT #126 18 B 310/5: 3 red")
    );
    assert_eq!(
        message(lines[1]),
        format!("{from} 3618 MAP / SPAT #1 18 B 310/5: 3 red")
    );
    assert_eq!(
        message(lines[2]),
        format!("{from} no DSMP / SPAT #2 12 B 310/5: 3 red")
    );
    assert!(
        printed.contains(&format!("-- {from} SPAT 3 messages, age -, lost 2\n")),
        "{printed}"
    );
    assert!(
        printed.contains("rejected 1: AID 3618 is not one for SPAT\n"),
        "{printed}"
    );
    assert!(
        printed.contains("rejected 1: unknown alternative\n"),
        "{printed}"
    );
}

#[test]
fn listen_as_json_prints_nothing_else() {
    let (child, address) = listening(&["listen", "127.0.0.1:0", "--json", "--count", "2"]);
    let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
    for _ in 0..2 {
        sender
            .send_to(&framed(Aid::Spat, &spat(9)), address)
            .unwrap();
    }
    assert_eq!(heard(child).lines().collect::<Vec<_>>(), [SPAT_JER; 2]);
}

#[test]
fn listen_joins_a_group_on_the_loopback_interface() {
    let arguments = [
        "listen",
        "239.255.67.86:0",
        "--interface",
        "127.0.0.1",
        "--count",
        "1",
    ];
    let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
    if sender
        .join_multicast_v4(
            &"239.255.67.86".parse().unwrap(),
            &"127.0.0.1".parse().unwrap(),
        )
        .is_err()
    {
        eprintln!("skipped: no multicast on this machine's loopback interface");
        return;
    }
    // A multicast socket bound to 127.0.0.1 sends from that interface.
    let (child, address) = listening(&arguments);
    sender.set_multicast_loop_v4(true).unwrap();
    sender
        .send_to(&framed(Aid::Spat, &spat(9)), address)
        .unwrap();
    assert!(heard(child).contains(" SPAT / SPAT #9 "));
}

#[test]
fn listen_ends_after_its_time_with_a_summary() {
    let (child, _) = listening(&["listen", "127.0.0.1:0", "--duration", "0.01"]);
    assert_eq!(heard(child), "-- in all, 0 s\n");
}

#[test]
fn an_address_that_is_taken_is_named() {
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = fed(&["listen", &address], b"");
    assert_eq!(output.status.code(), Some(69));
    assert!(text(&output.stderr).contains(&format!("cannot bind {address}")));
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_listening_with_a_summary() {
    let (child, _) = listening(&["listen", "127.0.0.1:0"]);
    let id = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &id])
            .status()
            .unwrap()
            .success()
    );
    assert!(heard(child).starts_with("-- in all"));
}

#[test]
fn the_edition_of_a_frame_is_found_and_said() {
    use v2x_msg::asn::edition_2019::MessageFrame;
    use v2x_msg::jer::Jer;
    // A link without a width, which 2020 does not allow.
    let jer = r#"{"mapFrame":{"msgCnt":1,"nodes":[{"id":{"id":2},"refPos":{"lat":1,"long":2},"inLinks":[{"upstreamNodeId":{"id":1},"lanes":[{"laneID":1}]}]}]}}"#;
    let frame = MessageFrame::from_jer(jer).unwrap();
    let mut older = [0; 64];
    let len = v2x_msg::uper::encode_into(&frame, &mut older).unwrap();
    let input = format!("{}\n{}\n", hex(&older[..len]), hex(&spat(1)));

    let found = fed(&["decode", "--edition", "auto"], input.as_bytes());
    assert_eq!(text(&found.stdout).lines().next().unwrap(), jer);
    let notes: Vec<_> = text(&found.stderr).lines().collect();
    assert_eq!(notes.len(), 2, "{notes:?}");
    assert!(
        notes[0].starts_with("line 1: 2019-07-24, surely: not 2020, "),
        "{notes:?}"
    );
    assert_eq!(
        notes[1],
        "line 2: 2020 or 2019-07-24: says the same in both"
    );
    assert_eq!(found.status.code(), Some(0));

    let told = fed(&["decode", "--edition", "2019"], input.as_bytes());
    assert_eq!(told.stdout, found.stdout);
    assert!(told.stderr.is_empty());

    let ours = fed(&["decode"], input.as_bytes());
    assert_eq!(text(&ours.stdout).lines().count(), 1);
    assert_eq!(ours.status.code(), Some(65));
}

#[test]
fn a_quiet_decode_names_bad_frames_and_counts_the_others() {
    let input = format!("{}\n00\n{}\n", hex(&spat(1)), hex(&spat(2)));
    let done = fed(&["decode", "--quiet"], input.as_bytes());
    assert!(done.stdout.is_empty());
    let notes: Vec<_> = text(&done.stderr).lines().collect();
    assert!(
        notes[0].starts_with("line 2: the frame ends early"),
        "{notes:?}"
    );
    assert_eq!(notes[1..], ["2 messages, 1 bad frames"]);
    assert_eq!(done.status.code(), Some(65));
}

#[test]
fn a_careless_sender_is_heard_where_that_is_asked_for() {
    let mut frame = spat(1);
    frame.push(0);
    let input = format!("{}\n", hex(&frame));
    let strict = fed(&["decode"], input.as_bytes());
    let place = (frame.len() - 1) * 8;
    assert_eq!(
        text(&strict.stderr),
        format!("line 1: octets after the message at bit {place}\n")
    );
    let lenient = fed(&["decode", "--lenient"], input.as_bytes());
    assert_eq!(lenient.status.code(), Some(0));
    assert_eq!(text(&lenient.stdout).lines().count(), 1);
    let both = fed(&["decode", "--lenient", "--edition", "2019"], b"");
    assert_eq!(both.status.code(), Some(2));
}

#[test]
fn encode_writes_either_edition() {
    let jer = b"{\"mapFrame\":{\"msgCnt\":1,\"nodes\":[{\"id\":{\"id\":2},\"refPos\":{\"lat\":1,\"long\":2}}]}}\n";
    let [older, ours] = ["2019", "2020"].map(|edition| {
        let frame = fed(&["encode", "--edition", edition], jer);
        let back = fed(&["decode", "--edition", edition], &frame.stdout);
        assert_eq!(back.stdout, jer);
        frame.stdout
    });
    // The list of nodes may be longer in 2019, by a bit of its length.
    assert_ne!(older, ours);
}
