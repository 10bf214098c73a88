//! The daemon as a client of a real broker: mosquitto.
//!
//! Skipped, with a word, where mosquitto and its tools are not installed (Debian: `mosquitto`,
//! `mosquitto-clients`).

use std::fs;
use std::io::Write;
use std::net::{TcpStream, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rsu::daemon::LinkState;
use rsu::station::FrameKind;
use v2x_msg::access::dsmp;
use v2x_msg::base::{EnuFrame, GeoPosition};
use v2x_msg::kinds::{Rsm, rsm};
use v2x_msg::{Message, MessageKind};

use crate::ports::free_tcp;
use crate::rig::{LONG, Rig, free_udp, program_at, silent_signal, until};

/// A broker of our own on a port of its own, in a folder of its own.
struct Broker {
    process: Option<Child>,
    port: u16,
    folder: PathBuf,
}

impl Broker {
    /// None, with a word, where there is no mosquitto. `more` is its configuration.
    fn start(more: &str) -> Option<Self> {
        let found = |program: &&str| program_at(program).is_some();
        if !["mosquitto", "mosquitto_pub", "mosquitto_passwd"]
            .iter()
            .all(found)
        {
            eprintln!("skipped: mosquitto and its tools are not installed");
            return None;
        }
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "rsu-mqtt-{}-{}",
            std::process::id(),
            NUMBER.fetch_add(1, Ordering::Relaxed)
        );
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).unwrap();
        let port = free_tcp().port();
        let more = more.replace("FOLDER", folder.to_str().unwrap());
        let text = format!("listener {port} 127.0.0.1\nset_tcp_nodelay true\nuser root\n{more}\n");
        fs::write(folder.join("mosquitto.conf"), text).unwrap();
        Some(Self {
            process: None,
            port,
            folder,
        })
    }

    fn up(&mut self) {
        let mosquitto = Command::new(program_at("mosquitto").unwrap())
            .arg("-c")
            .arg(self.folder.join("mosquitto.conf"))
            .stderr(Stdio::null())
            .spawn();
        self.process = Some(mosquitto.unwrap());
        let port = self.port;
        until("the broker listens", || {
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
    }

    fn down(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// One message a line, with a pause before each.
    fn publish_slowly(&self, pause: Duration, lines: &str) {
        let port = self.port.to_string();
        let mut client = Command::new(program_at("mosquitto_pub").unwrap())
            .args(["-h", "127.0.0.1", "-p", &port, "-t", TOPIC, "-l", "-q", "1"])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let mut pipe = client.stdin.take().unwrap();
        for line in lines.lines() {
            std::thread::sleep(pause);
            writeln!(pipe, "{line}").unwrap();
        }
        drop(pipe);
        assert!(client.wait().unwrap().success());
    }

    /// One message a line, by a client that is not ours.
    fn publish(&self, more: &[&str], lines: &str) {
        self.publish_to(TOPIC, more, lines);
    }

    fn publish_to(&self, topic: &str, more: &[&str], lines: &str) {
        let mut client = Command::new(program_at("mosquitto_pub").unwrap())
            .args([
                "-h",
                "127.0.0.1",
                "-p",
                &self.port.to_string(),
                "-t",
                topic,
                "-l",
            ])
            .args(more)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        client
            .stdin
            .take()
            .unwrap()
            .write_all(lines.as_bytes())
            .unwrap();
        assert!(client.wait().unwrap().success());
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.down();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A daemon whose signals are heard at a broker.
fn daemon(broker: &str) -> Rig {
    Rig::start(&format!(
        "[[input.spat-json]]\nname = 'signal'\nbroker = {{ {broker} }}\n"
    ))
}

/// The shipped site's roads at the place where a box was recorded.
fn at_the_box(inputs: &str) -> Rig {
    Rig::start_at(inputs, |site| {
        site.replace("31.2840000", "39.0740000")
            .replace("121.1610000", "115.9327000")
    })
}

const TOPIC: &str = "v2x/v1/rsu/R1/spat/up";

/// A message of one green phase, stamped now and so many ms later.
fn spat(later_ms: u128) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    format!(
        "{{\"intersections\":[{{\"intersectionId\":{{\"region\":1,\"id\":301}},\"timeStamp\":{},\
         \"phases\":[{{\"phaseId\":1,\"phaseStates\":[{{\"light\":\"6\",\"timing\":{{\"counting\":\
         {{\"startTime\":{{\"timeMark\":0}},\"likelyEndTime\":{{\"timeMark\":200}}}}}}}}]}}]}}]}}\n",
        now.as_millis() + later_ms
    )
}

#[test]
fn what_a_broker_passes_on_becomes_spat_and_what_it_kept_does_not() {
    let Some(mut broker) = Broker::start("allow_anonymous true") else {
        return;
    };
    broker.up();
    broker.publish(&["-r"], &spat(0));
    let at = format!(
        "address = 'mqtt://127.0.0.1:{}', topics = ['v2x/v1/rsu/+/spat/up']",
        broker.port
    );
    let rig = daemon(&at);
    until("subscribed", || rig.input("signal").link == LinkState::Up);
    until("the retained message", || rig.input("signal").retained == 1);
    assert_eq!(rig.input("signal").reports, 0);
    assert_eq!(rig.daemon.stats().frames_of(FrameKind::Spat), 0);
    let lines: String = (1..=50).map(|n| spat(n * 10)).collect();
    broker.publish(&[], &lines);
    until("all are heard", || {
        rig.input("signal").counts.accepted() == 50
    });
    until("they are told on the air", || {
        rig.daemon.stats().frames_of(FrameKind::Spat) >= 1
    });
    broker.publish(&[], "{\"a\":\nnonsense\n");
    until("garbage is counted", || {
        let counts = rig.input("signal").counts;
        counts.rejected().contains(&("cut", 1)) && counts.rejected().contains(&("noise", 1))
    });
}

#[test]
fn a_broker_that_goes_is_told_of_and_comes_back() {
    let Some(mut broker) = Broker::start("allow_anonymous true") else {
        return;
    };
    let at = format!(
        "address = 'mqtt://127.0.0.1:{}', topics = ['#'], qos = 1",
        broker.port
    );
    let rig = daemon(&at);
    until("it is not there", || {
        matches!(rig.input("signal").link, LinkState::Down(_))
    });
    let frames = rig.daemon.stats().frames_of(FrameKind::Map);
    until("MAP goes on without it", || {
        rig.daemon.stats().frames_of(FrameKind::Map) > frames
    });
    for round in 1..=2 {
        broker.up();
        until("subscribed", || rig.input("signal").link == LinkState::Up);
        broker.publish(&["-q", "1"], &spat(0));
        until("heard", || rig.input("signal").counts.accepted() == round);
        broker.down();
        until("lost", || {
            matches!(rig.input("signal").link, LinkState::Down(_))
        });
    }
}

#[test]
fn a_password_comes_from_a_file_and_a_wrong_one_is_told() {
    let Some(mut broker) = Broker::start("allow_anonymous false\npassword_file FOLDER/users")
    else {
        return;
    };
    let users = broker.folder.join("users");
    let made = Command::new(program_at("mosquitto_passwd").unwrap())
        .args(["-c", "-b"])
        .arg(&users)
        .args(["rsu", "right"])
        .status();
    assert!(made.unwrap().success());
    broker.up();
    let secret = broker.folder.join("secret");
    fs::write(&secret, "wrong\n").unwrap();
    let at = format!(
        "address = 'mqtt://127.0.0.1:{}', topics = ['#'], user = 'rsu', password-file = '{}'",
        broker.port,
        secret.display()
    );
    let rig = daemon(&at);
    until(
        "refused",
        || matches!(rig.input("signal").link, LinkState::Down(why) if why.contains("refused")),
    );
    fs::write(&secret, "right\n").unwrap();
    until("let in", || rig.input("signal").link == LinkState::Up);
}

/// The recorded stream of a radar box, one message a line as the box sends them; None, with a word,
/// where it is not at hand.
fn recorded_box() -> Option<String> {
    let archive = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../shared/captures/openv2x_roadmocker_radar_test_data.tar.gz"
    );
    let mut tar = Command::new("tar");
    tar.args(["-xzOf", archive, "--wildcards", "*track.json"])
        .stderr(Stdio::null());
    let text = match tar.output() {
        Ok(output) if output.status.success() => String::from_utf8(output.stdout).unwrap(),
        _ => {
            eprintln!("skipped: no recording at {archive}");
            return None;
        }
    };
    let lines = text
        .trim_start_matches(['\u{FEFF}', '['])
        .trim_end_matches(']')
        .lines()
        .map(|line| format!("{}\n", line.trim().trim_start_matches(',')));
    Some(lines.collect())
}

fn radar_box(broker: &Broker) -> String {
    format!(
        "[[input.gat1743]]\nname = 'signal'\nlisten = 'udp://127.0.0.1:{}'\n[[input.openv2x]]\n\
         name = 'box'\nmount = {{ east-m = 0, north-m = 0, up-m = 5, heading-deg = 0 }}\n\
         broker = {{ address = 'mqtt://127.0.0.1:{}', topics = ['#'], qos = 1 }}\n",
        UdpSocket::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port(),
        broker.port
    )
}

#[test]
fn the_recorded_radar_box_is_on_the_air_at_its_own_junction() {
    let Some(lines) = recorded_box() else { return };
    let Some(mut broker) = Broker::start("allow_anonymous true\nmax_queued_messages 0") else {
        return;
    };
    broker.up();
    let rig = at_the_box(&radar_box(&broker));
    let radar = || rig.daemon.stats().inputs.remove(1);
    until("subscribed", || radar().link == LinkState::Up);
    std::thread::scope(|scope| {
        // By how far its cars go from message to message, there was one each 14 ms.
        scope.spawn(|| broker.publish_slowly(Duration::from_millis(14), &lines));
        let mut datagram = [0; 2000];
        let started = Instant::now();
        // The car that comes nearer at 16 m/s, 11 m west of the origin.
        let is_the_car = |participant: &rsm::Participant| {
            let frame = EnuFrame::new(GeoPosition::from_deg(39.074, 115.9327, None).unwrap());
            let at = frame.enu(participant.pos);
            (at.east_m + 11.0).abs() < 3.0 && participant.speed.is_some_and(|v| v.mps() > 10.0)
        };
        loop {
            assert!(started.elapsed() < LONG, "the car is never on the air");
            let length = rig.air.recv(&mut datagram).unwrap();
            let frame = dsmp::parse(&datagram[..length]).unwrap();
            let message = Message::decode(frame.data).unwrap();
            if message.kind() == MessageKind::Rsm {
                let rsm = Rsm::read(&message).unwrap();
                if rsm.participants().iter().any(is_the_car) {
                    break;
                }
            }
        }
    });
    until("all 500 messages are understood", || {
        radar().counts.accepted() == 500
    });
    let counts = radar().counts;
    assert!(
        counts.rejected().iter().all(|(_, n)| *n == 0),
        "{:?}",
        counts.rejected()
    );
    assert!(counts.tolerated().contains(&("unconfirmed", 10_978)));
    assert!(rig.daemon.stats().station.objects >= 300);
}

#[test]
fn the_recorded_radar_box_of_another_town_is_refused_and_harms_nobody() {
    let Some(lines) = recorded_box() else { return };
    let Some(mut broker) = Broker::start("allow_anonymous true\nmax_queued_messages 0") else {
        return;
    };
    broker.up();
    let rig = Rig::start(&radar_box(&broker));
    let radar = || rig.daemon.stats().inputs.remove(1);
    until("subscribed", || radar().link == LinkState::Up);
    let frames = rig.daemon.stats().frames_of(FrameKind::Map);
    broker.publish(&["-q", "1"], &lines);
    until("all 500 messages are understood", || {
        radar().counts.accepted() == 500
    });
    let counts = radar().counts;
    // They are of another town: every target that counts is refused as far away.
    let far = counts
        .rejected()
        .iter()
        .find(|(kind, _)| *kind == "object-far");
    assert_eq!(far, Some(&("object-far", 164 + 23)));
    assert!(counts.tolerated().contains(&("unconfirmed", 10_978)));
    until("MAP goes on", || {
        rig.daemon.stats().frames_of(FrameKind::Map) > frames
    });
}

/// What a client that is not ours hears on a topic, up to `count` messages.
fn listen(broker: &Broker, topic: &str, count: usize) -> Child {
    let child = Command::new(program_at("mosquitto_sub").unwrap())
        .args([
            "-h",
            "127.0.0.1",
            "-p",
            &broker.port.to_string(),
            "-t",
            topic,
        ])
        .args(["-C", &count.to_string(), "-W", "60", "-q", "1"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // Its subscription cannot be seen from here; it listens long before anything is answered.
    std::thread::sleep(Duration::from_millis(500));
    child
}

/// As Huawei's page v2x_04_0167 shows it, at the shipped site; `event` replaces a part of the event.
fn rsi_down(number: &str, event: &str) -> String {
    let at = "{\\\"lat\\\":31.2845,\\\"lon\\\":121.161}";
    let event = event.replace('"', "\\\"");
    format!(
        "{{\"name\":\"rsi\",\"content\":\"{{\\\"ack\\\":true,\\\"seqNum\\\":\\\"{number}\\\",\\\"rsiDatas\\\":[{{\\\"id\\\":\\\"u\\\",\
         \\\"rtes\\\":[{{\\\"rteId\\\":9,\\\"eventType\\\":501,\\\"eventSource\\\":\\\"police\\\",\\\"eventPosition\\\":{at},\
         \\\"eventRadius\\\":100{event}}}]}}]}}\"}}\n"
    )
}

#[test]
fn a_platform_is_answered_and_what_it_ordered_outlives_its_broker() {
    let Some(mut broker) = Broker::start("allow_anonymous true") else {
        return;
    };
    if program_at("mosquitto_sub").is_none() {
        return eprintln!("skipped: mosquitto_sub is not installed");
    }
    broker.up();
    let topic = "v2x/v1/rsu/esn1/rsi/down";
    broker.publish_to(topic, &["-r"], &rsi_down("0", ""));
    let (journal, port) = (broker.folder.join("journal"), broker.port);
    let start = || {
        Rig::start(&format!(
            "[[input.gat1743]]\nname = 'signal'\nlisten = 'udp://127.0.0.1:{}'\n\
             [orders]\njournal = '{}'\n[cloud]\ndialect = 'huawei'\ndevice = 'esn1'\nmost-per-s = 20\n\
             broker = {{ address = 'mqtt://127.0.0.1:{}', qos = 1 }}\n",
            UdpSocket::bind("127.0.0.1:0")
                .unwrap()
                .local_addr()
                .unwrap()
                .port(),
            journal.display(),
            port
        ))
    };
    let rig = start();
    let cloud = || rig.daemon.stats().cloud.unwrap();
    until("subscribed", || cloud().connected);
    until("the retained message", || cloud().retained == 1);
    assert_eq!(cloud().entries, 0);
    let answers = listen(&broker, &format!("{topic}/ack"), 2);
    let good = rsi_down("1", "");
    let bad = rsi_down("2", ",\"eventPriority\":8");
    broker.publish_to(topic, &["-q", "1"], &(good + &bad));
    let answers = answers.wait_with_output().unwrap().stdout;
    let answers = String::from_utf8(answers).unwrap();
    let lines: Vec<&str> = answers.lines().collect();
    assert!(
        lines[0].contains("\"seqNum\":\"1\"") && lines[0].contains("\"errorCode\":0"),
        "{answers}"
    );
    assert!(
        lines[1].contains("\"seqNum\":\"2\"") && lines[1].contains("\"errorCode\":1"),
        "{answers}"
    );
    assert!(lines[1].contains("eventPriority"), "{answers}");
    assert_eq!(rig.daemon.stats().orders.standing, 1);
    until("it is on the air", || {
        rig.daemon.stats().frames_of(FrameKind::RsiSemiStatic) > 0
    });
    // Nonsense, and a ready-made RSI that is none.
    broker.publish_to(
        topic,
        &["-q", "1"],
        "nonsense\n{\"content\":3}\n\u{1}\u{2}\n",
    );
    until("nonsense is counted", || cloud().faults >= 4);
    // The broker goes; what was ordered stands.
    broker.down();
    until("lost", || !cloud().connected);
    let before = rig.daemon.stats().frames_of(FrameKind::RsiSemiStatic);
    until("it goes on", || {
        rig.daemon.stats().frames_of(FrameKind::RsiSemiStatic) > before
    });
    drop(rig);
    let rig = start();
    until("it stands again", || {
        rig.daemon.stats().orders.standing == 1
    });
    drop(rig);
    broker.up();
    // A flood is slowed down, and the newest of what is left in it still taken.
    let rig = start();
    until("back", || rig.daemon.stats().cloud.unwrap().connected);
    let flood: String = (10..500).map(|n| rsi_down(&n.to_string(), "")).collect();
    broker.publish_to(topic, &["-q", "1"], &flood);
    until("all are counted", || {
        let cloud = rig.daemon.stats().cloud.unwrap();
        cloud.messages + cloud.too_fast == 490
    });
    assert!(rig.daemon.stats().cloud.unwrap().too_fast > 100);
    assert_eq!(rig.daemon.stats().orders.standing, 1);
}

#[test]
fn a_platform_hears_of_two_who_are_about_to_meet() {
    let Some(mut broker) = Broker::start("allow_anonymous true") else {
        return;
    };
    if program_at("mosquitto_sub").is_none() {
        return eprintln!("skipped: mosquitto_sub is not installed");
    }
    broker.up();
    let to = free_udp();
    let journal = broker.folder.join("journal");
    let rig = Rig::start(&format!(
        "{}[[input.detected-objects]]
name = 'box'
listen = 'udp://{to}'
sensor = 'fused'
\
         mount = {{ east-m = 0, north-m = 0, up-m = 6, heading-deg = 0 }}\n\
         [warnings]\nconflicts-within-ms = 4000\n[orders]\njournal = '{}'\n\
         [cloud]\ndialect = 'huawei'\ndevice = 'esn1'\nwarnings-topic = 'unit/warnings'\n\
         broker = {{ address = 'mqtt://127.0.0.1:{}' }}\n",
        silent_signal(),
        journal.display(),
        broker.port
    ));
    until("subscribed", || rig.daemon.stats().cloud.unwrap().connected);
    let told = listen(&broker, "unit/warnings", 2);
    // Two cars on an open place beyond the roads come together from the west and the south.
    let out = UdpSocket::bind("127.0.0.1:0").unwrap();
    for look in 0..52 {
        let left_m = 60.0 - f64::from(look);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let car = |id: u8, east_m: f64, north_m: f64, heading_deg: f64| {
            format!(
                "{{\"id\":{id},\"class\":\"car\",\"east_m\":{east_m},\"north_m\":{north_m},\
                 \"speed_mps\":10,\"heading_deg\":{heading_deg},\"length_m\":4.6,\"width_m\":1.8}}"
            )
        };
        let text = format!(
            "{{\"time_ms\":{},\"sequence\":{look},\"objects\":[{},{}]}}",
            now.as_millis(),
            car(1, 150.0 - left_m, 150.0, 90.0),
            car(2, 150.0, 150.0 - left_m, 0.0)
        );
        out.send_to(text.as_bytes(), to).unwrap();
        std::thread::sleep(Duration::from_millis(100));
    }
    let told = told.wait_with_output().unwrap().stdout;
    let told = String::from_utf8(told).unwrap();
    let lines: Vec<&str> = told.lines().collect();
    assert!(lines[0].contains("\"state\":\"begun\""), "{told}");
    assert!(lines[0].contains("\"kind\":\"vehicles\""), "{told}");
    assert!(lines[1].contains("\"state\":\"over\""), "{told}");
    until("counted", || rig.daemon.stats().cloud.unwrap().warned >= 2);
}
