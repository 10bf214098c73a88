//! Recordings: what the unit keeps of its devices plays back to the very frames that were on the air,
//! whatever ends the unit and whatever the disk does.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use v2x_msg::kinds::rsm::Rsm;
use v2x_msg::{Message, MessageKind};

use crate::air::{Air, Beat, Gateway, datagrams, free_udp};
use crate::ports::free_tcp;
use crate::process::{Outcome, Running, Scratch, file, run};

const LAMPS: &str = "tests/data/moyu-boyuan.gat1743.hex";
const RADAR: &str = "tests/data/moyu-boyuan-north.ars408.log";

/// A unit with a controller and a radar, and with `record` as its section of that name.
pub(crate) struct Rig {
    pub(crate) air: Air,
    pub(crate) scratch: Scratch,
    pub(crate) unit: Running,
    _devices: [Beat; 2],
}

impl Rig {
    pub(crate) fn start(record: impl FnOnce(&Scratch) -> String) -> Self {
        let (air, scratch) = (Air::open(), Scratch::new());
        let listen = free_udp();
        let gateway = Gateway::open(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        let text = format!(
            "[station]\nname = 'unit 7'\nsite = '{}'\n[clock]\nrequire-sync = false\n\
             [[radio]]\ntarget = 'udp://{}'\n\
             [[input.gat1743]]\nname = 'signal'\nlisten = 'udp://{listen}'\n\
             [[input.ars408]]\nname = 'radar'\nconnect = 'tcp://{}'\n\
             mount = {{ east-m = -4, north-m = -20, up-m = 6, heading-deg = 0 }}\n\
             [record]\n{}",
            file("configs/sites/moyu-boyuan.toml"),
            air.address(),
            gateway.address(),
            record(&scratch),
        );
        let config = scratch.write("rsu.toml", &text);
        let pcap = scratch.path("air.pcap").display().to_string();
        let unit = Running::start("rsu", ["run", &config, "--pcap", &pcap]);
        unit.until_told(&["link up", "input=\"signal\""]);
        let text = fs::read_to_string(file(LAMPS)).expect("a file of the project");
        let mut states = datagrams(&text).into_iter().cycle();
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("loopback");
        let controller = Beat::every(Duration::from_millis(150), move || {
            // Nobody may listen there any more.
            let _ = socket.send_to(&states.next().expect("endless"), listen);
        });
        let log = fs::read(file(RADAR)).expect("a file of the project");
        let radar = Beat::recording(gateway.accept(), &log);
        Self {
            air,
            scratch,
            unit,
            _devices: [controller, radar],
        }
    }

    /// Everything on the air for a while, with SPAT and RSM in it.
    pub(crate) fn hear(&self, span: Duration) -> Vec<String> {
        let (mut heard, end) = (Vec::new(), Instant::now() + span);
        let mut kinds = [false; 2];
        while Instant::now() < end {
            if let Some(frame) = self.air.next_within(Duration::from_millis(100)) {
                kinds[0] |= frame.message.kind() == MessageKind::Spat;
                kinds[1] |= frame.message.kind() == MessageKind::Rsm;
                heard.push(frame.bytes.iter().map(|b| format!("{b:02x}")).collect());
            }
        }
        assert_eq!(kinds, [true; 2], "signals and road users are told of");
        heard
    }
}

fn recordings(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .expect("a folder of recordings")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    files
}

fn replay(what: &Path) -> Outcome {
    let what = what.display().to_string();
    run("rsu", ["replay", &what, "--diff", "--print"])
}

/// The frames of a replay, as hex.
fn printed(outcome: &Outcome) -> Vec<&str> {
    let lines = outcome.out.lines();
    lines
        .map(|line| line.split(' ').next().unwrap_or(""))
        .collect()
}

#[test]
fn a_replay_gives_the_same_frames_byte_for_byte() {
    let rig = Rig::start(|scratch| {
        format!(
            "folder = '{}'\nmax-file-s = 2\n",
            scratch.path("kept").display()
        )
    });
    let heard = rig.hear(Duration::from_secs(6));
    rig.unit.stop();
    let folder = rig.scratch.path("kept");
    let files = recordings(&folder);
    assert!(files.len() >= 3, "a file each two seconds: {files:?}");
    let again = replay(&folder);
    assert_eq!(again.code, Some(0), "{}", again.err);
    assert!(
        again.err.contains("the same byte for byte"),
        "{}",
        again.err
    );
    assert!(!again.err.contains("missing"), "{}", again.err);
    let printed = printed(&again);
    // What was on the air is a run of what is replayed: it was listened to a little later and less.
    let first = printed.iter().position(|frame| *frame == heard[0]);
    let first = first.expect("the first frame that was heard");
    assert_eq!(printed[first..first + heard.len()], heard[..]);
    assert!(heard.len() > 100, "{}", heard.len());

    // A later part alone plays too, and says that it differs.
    let late = replay(&files[1]);
    assert!(late.err.contains("part 1 of its run"), "{}", late.err);
    assert_eq!(late.code, Some(1), "an empty road at first: {}", late.err);
    assert!(late.err.contains("first difference"), "{}", late.err);

    // Within a span only that is shown, and it is the same.
    let folder = folder.display().to_string();
    let some = ["replay", &folder, "--diff", "--from", "2", "--to", "3"];
    let some = run("rsu", some);
    assert_eq!(some.code, Some(0), "{}", some.err);
    let made = some.err.split(' ').next().and_then(|n| n.parse().ok());
    let made: usize = made.expect("how many frames");
    assert!((5..printed.len() / 2).contains(&made), "{}", some.err);
}

#[test]
fn a_span_of_a_recording_may_be_told_by_the_clock() {
    let rig = Rig::start(|scratch| format!("folder = '{}'\n", scratch.path("kept").display()));
    rig.hear(Duration::from_secs(3));
    rig.unit.stop();
    let kept = rig.scratch.path("kept").display().to_string();
    let played = |more: &[&str]| {
        let begin = ["replay", &kept, "--print"];
        let outcome = run("rsu", begin.iter().chain(more));
        (outcome.code, outcome.out, outcome.err)
    };
    // Moment and bytes of each frame.
    let (code, whole, told) = played(&[]);
    assert_eq!(code, Some(0), "{told}");
    let frames: Vec<(&str, &str)> = whole
        .lines()
        .map(|line| {
            let (_, about) = line.split_once(" # ").expect("hex and what it is");
            (about.split(' ').next().expect("a moment"), line)
        })
        .collect();
    let from = frames[frames.len() / 3].0;
    let second = &from[..19];
    let expected = |from: &str| {
        let lines = frames.iter().filter(|(at, _)| *at >= from);
        lines
            .map(|(_, line)| format!("{line}\n"))
            .collect::<String>()
    };
    // With its date, and as the clock on the wall of UTC and of Shanghai has it.
    let (code, some, told) = played(&["--from", from]);
    assert_eq!((code, some), (Some(0), expected(from)), "{told}");
    let hours: u32 = from[11..13].parse().expect("hours");
    let there = format!("{:02}{}+08:00", (hours + 8) % 24, &second[13..]);
    for time in [&second[11..], &there] {
        let (code, some, told) = played(&["--from", time]);
        assert_eq!((code, some), (Some(0), expected(second)), "{time}: {told}");
    }
    let (code, _, told) = played(&["--from", "2200-01-01T00:00:00Z"]);
    assert_eq!(code, Some(65), "{told}");
    assert!(
        told.contains("lies behind the end: the recording is "),
        "{told}"
    );
    assert!(
        told.contains(&frames[0].0[..10]),
        "it says when it was: {told}"
    );
    let (code, _, told) = played(&["--to", "2001-01-01T00:00:00Z"]);
    assert_eq!(code, Some(64), "{told}");
    assert!(told.contains("lies before the beginning"), "{told}");
    let (code, _, told) = played(&["--from", "25:00"]);
    assert_eq!(code, Some(64), "{told}");
    assert!(told.contains("a time of day such as 14:05"), "{told}");
}

#[test]
fn a_replay_keeps_its_pace_and_is_on_the_air_only_where_that_is_asked_for() {
    let rig = Rig::start(|scratch| format!("folder = '{}'\n", scratch.path("kept").display()));
    rig.hear(Duration::from_secs(3));
    rig.unit.stop();
    while rig.air.next_within(Duration::from_millis(100)).is_some() {}
    let kept = rig.scratch.path("kept").display().to_string();

    let began = Instant::now();
    let quiet = run("rsu", ["replay", &kept, "--speed", "2", "--diff"]);
    assert_eq!(quiet.code, Some(0), "{}", quiet.err);
    assert!(began.elapsed() >= Duration::from_millis(1_400));
    assert!(rig.air.next_within(Duration::from_millis(200)).is_none());

    // At the recorded radio's target the very frames are heard that are printed.
    let aloud = [
        "replay",
        &kept,
        "--speed",
        "4",
        "--print",
        "--allow-broadcast",
    ];
    let aloud = Running::start("rsu", aloud);
    let mut heard: Vec<String> = Vec::new();
    while let Some(frame) = rig.air.next_within(Duration::from_secs(3)) {
        heard.push(frame.bytes.iter().map(|b| format!("{b:02x}")).collect());
    }
    let aloud = aloud.ended();
    assert_eq!(heard, printed(&aloud));
    assert!(heard.len() > 50, "{}", heard.len());
}

/// Stamps and frames of a pcap of ours.
fn packets(pcap: &[u8]) -> Vec<(f64, &[u8])> {
    let number = |bytes: &[u8]| u32::from_le_bytes(bytes.try_into().expect("four bytes"));
    let (mut packets, mut rest) = (Vec::new(), &pcap[24..]);
    while let Some((head, behind)) = rest.split_first_chunk::<16>() {
        let length = number(&head[8..12]) as usize;
        let at = f64::from(number(&head[..4])) + f64::from(number(&head[4..8])) / 1e9;
        packets.push((at, &behind[..length]));
        rest = &behind[length..];
    }
    packets
}

/// Columns of a CSV by their names.
fn column<'t>(head: &str, line: &'t str, name: &str) -> &'t str {
    let place = head.split(',').position(|known| known == name);
    let place = place.unwrap_or_else(|| panic!("no column {name}"));
    line.split(',').nth(place).expect("as many as the head has")
}

fn export(what: &[&str]) -> String {
    let outcome = run("rsu", ["export"].iter().chain(what));
    assert_eq!(outcome.code, Some(0), "{}", outcome.err);
    outcome.out
}

#[test]
fn frames_and_tracks_leave_in_formats_of_other_tools() {
    let rig = Rig::start(|scratch| {
        let kept = scratch.path("kept");
        format!("folder = '{}'\nmax-file-s = 2\n", kept.display())
    });
    let heard = rig.hear(Duration::from_secs(6));
    rig.unit.stop();
    let scratch = &rig.scratch;
    let path = |name: &str| scratch.path(name).display().to_string();
    let (kept, live, later) = (path("kept"), path("air.pcap"), path("later.pcap"));

    // What the unit wrote and what its recording gives is the same file, and what was on the air.
    export(&[&kept, "--frames", "pcap", "--out", &later]);
    let pcap = fs::read(&later).expect("it was written");
    assert!(pcap == fs::read(&live).expect("it was written"));
    let packets = packets(&pcap);
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let first = packets.iter().position(|(_, frame)| hex(frame) == heard[0]);
    let rest = &packets[first.expect("the first frame that was heard")..];
    assert!(heard.len() > 100 && rest.len() >= heard.len());
    assert!(
        heard
            .iter()
            .zip(rest)
            .all(|(heard, (_, frame))| *heard == hex(frame))
    );
    let decoded = run("v2x", ["decode", &later]);
    assert_eq!(decoded.code, Some(0), "{}", decoded.err);
    assert_eq!(decoded.out.lines().count(), packets.len());

    // Where the tracks are said to be, the air has them at that moment under the same id.
    let csv = export(&[&kept, "--tracks", "csv"]);
    let (head, rows) = csv.split_once('\n').expect("a head");
    let number = |row: &str, name: &str| column(head, row, name).parse::<f64>().expect("a number");
    let unix_s = |row: &str| {
        let clock = column(head, row, "utc")
            .split(['T', 'Z'])
            .nth(1)
            .expect("a time");
        clock.split(':').fold(0.0, |sum, part| {
            sum * 60.0 + part.parse::<f64>().expect("digits")
        })
    };
    let rows: Vec<(f64, &str)> = rows.lines().map(|row| (unix_s(row), row)).collect();
    let (mut compared, mut apart) = (0, 0);
    for (at, frame) in &packets {
        let data = v2x_msg::access::dsmp::parse(frame).expect("DSMP").data;
        let message = Message::decode(data).expect("a message");
        if message.kind() != MessageKind::Rsm {
            continue;
        }
        let at = at.rem_euclid(86_400.0);
        for told in Rsm::read(&message)
            .expect("an RSM that keeps its rules")
            .participants()
        {
            let same = rows.iter().filter(|(then, row)| {
                (then - at).abs() < 0.06 && number(row, "id") as u8 == told.id.value()
            });
            let nearest = same.min_by(|(a, _), (b, _)| (a - at).abs().total_cmp(&(b - at).abs()));
            let Some((_, row)) = nearest else { continue };
            let north_m = (number(row, "lat_deg") - told.pos.lat_deg()) * 111_200.0;
            let east_m = (number(row, "lon_deg") - told.pos.lon_deg()) * 95_000.0;
            let far_m = 0.3 + 0.06 * number(row, "speed_mps");
            apart += usize::from(north_m.hypot(east_m) > far_m);
            compared += 1;
        }
    }
    // The recorded drive begins anew after its end, and with it everybody stands elsewhere at once.
    assert!(
        compared > 50 && apart * 50 < compared,
        "{apart} of {compared}"
    );

    // A line for each track holds as many places as there are rows of it.
    let map: serde_json::Value =
        serde_json::from_str(&export(&[&kept, "--tracks", "geojson"])).expect("GeoJSON");
    let lines = map["features"].as_array().expect("features");
    let mut places = 0;
    for line in lines {
        let track = &line["properties"]["track"].to_string();
        let (geometry, times) = (&line["geometry"], &line["properties"]["coordTimes"]);
        let times = times.as_array().expect("moments").len();
        let of_it = rows
            .iter()
            .filter(|(_, row)| column(head, row, "track") == track);
        assert_eq!(of_it.count(), times);
        if geometry["type"] == "LineString" {
            assert_eq!(
                geometry["coordinates"].as_array().expect("places").len(),
                times
            );
            let (_, row) = rows
                .iter()
                .find(|(_, row)| column(head, row, "track") == track)
                .expect("one");
            let lon = geometry["coordinates"][0][0].as_f64().expect("degrees");
            assert!((lon - number(row, "lon_deg")).abs() < 1e-7);
        }
        places += times;
    }
    assert_eq!(places, rows.len());
    assert!(lines.len() > 3, "{}", lines.len());

    // A span of it.
    let some = export(&[&kept, "--tracks", "csv", "--from", "2", "--to", "3"]);
    let times = some.lines().skip(1).map(|row| number(row, "time_s"));
    assert!(times.clone().all(|time| (2.0..=3.0).contains(&time)));
    assert!(times.count() > 5);
}

#[test]
fn a_file_for_frames_that_cannot_be_written_is_told_before_the_start() {
    let text = file("configs/rsu.toml");
    for pcap in ["/dev/full", "/nowhere/air.pcap"] {
        let refused = run("rsu", ["run", &text, "--pcap", pcap]);
        assert_eq!(refused.code, Some(74), "{}", refused.err);
        assert!(refused.err.contains(pcap), "{}", refused.err);
    }
}

#[test]
fn a_unit_that_is_killed_leaves_a_recording_that_plays() {
    let rig = Rig::start(|scratch| format!("folder = '{}'\n", scratch.path("kept").display()));
    let heard = rig.hear(Duration::from_secs(4));
    rig.unit.signal("KILL");
    rig.unit.ended();
    let again = replay(&rig.scratch.path("kept"));
    assert_eq!(again.code, Some(0), "{}", again.err);
    assert!(
        again.err.contains("did not come to the end"),
        "{}",
        again.err
    );
    // All but the last second or two.
    let printed = printed(&again);
    let lost = heard
        .iter()
        .filter(|frame| !printed.contains(&frame.as_str()));
    let lost = lost.count();
    assert!(lost < heard.len() * 2 / 3, "{lost} of {}", heard.len());
}

#[test]
fn a_disk_that_refuses_is_told_of_and_the_unit_goes_on() {
    // A file where the folder should be: not even root can write there.
    let rig = Rig::start(|scratch| {
        let blocked = scratch.write("blocked", "");
        format!("folder = '{blocked}/kept'\n")
    });
    rig.unit.until_told(&["recording: ", "nothing is kept"]);
    rig.hear(Duration::from_secs(1));
    let blocked = rig.scratch.path("blocked");
    fs::remove_file(&blocked).expect("our file");
    rig.unit.until_told(&["recording: going on"]);
    rig.hear(Duration::from_secs(2));
    rig.unit.stop();
    let again = replay(&blocked.join("kept"));
    assert!(
        again.err.contains("things were not recorded"),
        "{}",
        again.err
    );
}

#[test]
fn too_little_room_is_told_of_with_what_to_do() {
    let rig = Rig::start(|scratch| {
        let kept = scratch.path("kept");
        format!("folder = '{}'\nkeep-free-mb = 9999999\n", kept.display())
    });
    let told = rig.unit.until_told(&["recording: ", "nothing is kept"]);
    assert!(told.contains("lower `quota-mb`"), "{told}");
    rig.hear(Duration::from_secs(1));
    rig.unit.stop();
}

/// A file system of the test's own in memory; taken away in the end.
struct Disk(PathBuf);

impl Disk {
    /// None where the test may not mount one, which it says.
    fn mount(path: PathBuf, options: &str) -> Option<Self> {
        fs::create_dir_all(&path).expect("a folder in a temporary one");
        let disk = Self(path);
        if disk.run("mount", &["-t", "tmpfs", "-o", options, "tmpfs"]) {
            return Some(disk);
        }
        eprintln!("skipped: no file system can be mounted here");
        None
    }

    fn run(&self, program: &str, options: &[&str]) -> bool {
        let mut command = Command::new(program);
        let done = command.args(options).arg(&self.0).output();
        done.is_ok_and(|done| done.status.success())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        self.run("umount", &["--lazy"]);
    }
}

/// `[record]` on that disk with nothing kept free, and a console.
fn on_disk(disk: &Disk, console: SocketAddr) -> String {
    let kept = disk.0.join("kept");
    format!(
        "folder = '{}'\nkeep-free-mb = 0\n[console]\nlisten = '{console}'\n",
        kept.display()
    )
}

/// One number of `/metrics`.
fn metric(console: SocketAddr, name: &str) -> Option<f64> {
    let mut stream = TcpStream::connect(console).expect("the console listens");
    let request = b"GET /metrics HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n";
    stream.write_all(request).expect("loopback");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("text");
    let mut lines = answer.lines();
    let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix("{} "));
    value.map(|value| value.parse().expect("a number"))
}

#[test]
fn a_disk_that_is_full_is_told_of_counted_and_gone_on_with() {
    let (place, console) = (Scratch::new(), free_tcp());
    let Some(disk) = Disk::mount(place.path("disk"), "size=1m") else {
        return;
    };
    let ballast = disk.0.join("ballast");
    fs::write(&ballast, vec![1; 900 * 1024]).expect("there is room");
    let rig = Rig::start(|_| on_disk(&disk, console));
    rig.unit
        .until_told(&["recording: ", "No space left", "nothing is kept"]);
    rig.hear(Duration::from_secs(1));
    assert_eq!(metric(console, "rsu_recording_up"), Some(0.0));
    assert!(metric(console, "rsu_recording_failures_total") >= Some(1.0));
    assert!(metric(console, "rsu_recording_dropped_total") >= Some(1.0));
    fs::remove_file(ballast).expect("ours");
    rig.unit.until_told(&["recording: going on"]);
    rig.hear(Duration::from_secs(2));
    assert_eq!(metric(console, "rsu_recording_up"), Some(1.0));
    rig.unit.stop();
    let kept = disk.0.join("kept");
    assert!(
        recordings(&kept).len() <= 3,
        "attempts leave nothing behind"
    );
    let again = replay(&kept);
    assert!(
        again.err.contains("things were not recorded"),
        "{}",
        again.err
    );
}

#[test]
fn a_disk_that_is_read_only_is_told_of_counted_and_gone_on_with() {
    let (place, console) = (Scratch::new(), free_tcp());
    let Some(disk) = Disk::mount(place.path("disk"), "size=8m,ro") else {
        return;
    };
    let rig = Rig::start(|_| on_disk(&disk, console));
    rig.unit
        .until_told(&["recording: ", "Read-only", "nothing is kept"]);
    rig.hear(Duration::from_secs(1));
    assert_eq!(metric(console, "rsu_recording_up"), Some(0.0));
    assert!(metric(console, "rsu_recording_failures_total") >= Some(1.0));
    assert!(disk.run("mount", &["-o", "remount,rw"]));
    rig.unit.until_told(&["recording: going on"]);
    rig.hear(Duration::from_secs(2));
    assert_eq!(metric(console, "rsu_recording_up"), Some(1.0));
    rig.unit.stop();
    let again = replay(&disk.0.join("kept"));
    assert!(
        again.err.contains("things were not recorded"),
        "{}",
        again.err
    );
}

#[test]
fn a_debug_build_counts_what_its_heart_allocates_and_finds_nothing() {
    let console = free_tcp();
    let rig = Rig::start(|scratch| {
        let kept = scratch.path("kept");
        format!(
            "folder = '{}'\n[console]\nlisten = '{console}'\n",
            kept.display()
        )
    });
    rig.hear(Duration::from_secs(3));
    let none = cfg!(debug_assertions).then_some(0.0);
    assert_eq!(metric(console, "rsu_heart_allocations_total"), none);
    rig.unit.stop();
}

#[test]
fn what_is_no_recording_is_refused_with_a_reason() {
    let scratch = Scratch::new();
    let text = scratch.write("a.mcap", "no recording at all");
    let refused = run("rsu", ["replay", &text]);
    assert_eq!(refused.code, Some(65), "{}", refused.err);
    assert!(refused.err.contains("not a recording"), "{}", refused.err);
    let absent = run("rsu", ["replay", "/nowhere.mcap"]);
    assert_eq!(absent.code, Some(66), "{}", absent.err);
    let hasty = run("rsu", ["replay", &text, "--allow-broadcast"]);
    assert_eq!(hasty.code, Some(64), "{}", hasty.err);
}
