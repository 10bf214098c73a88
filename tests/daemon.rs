//! The unit as a program among its devices: every kind of message out, whatever comes in, and
//! whoever goes away and comes back.

use std::fs;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use rsu::clock::{Mono, Now, Utc};
use rsu::inputs::gat1743::{self, Trial};
use rsu::report::{Content, LampStates, Light};
use v2x_msg::access::Aid;
use v2x_msg::kinds::rsm::ParticipantKind;
use v2x_msg::kinds::{Map, Rsi, Rsm, spat};
use v2x_msg::{Message, MessageKind};

use crate::air::{Air, Beat, Gateway, datagrams, free_udp, shown};
use crate::process::{LONG, Running, Scratch, file, run};

const LAMPS: &str = "tests/data/moyu-boyuan.gat1743.hex";
const RADAR: &str = "tests/data/moyu-boyuan-north.ars408.log";
const SITE: &str = "configs/sites/moyu-boyuan.toml";
/// The phase of each lamp of the site, in order of the lamps' numbers.
const PHASES: [u8; 8] = [1, 2, 65, 66, 129, 130, 193, 194];
/// Where the scenario's north radar stands.
const MOUNT: &str = "mount = { east-m = -4, north-m = -20, up-m = 6, heading-deg = 0 }\n";

fn loopback() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}

/// A configuration that sends to `air`, with `rest` of the sections.
fn config(name: &str, air: &Air, rest: &str) -> String {
    format!(
        "[station]\nname = '{name}'\nsite = '{}'\n[clock]\nrequire-sync = false\n\
         [[radio]]\ntarget = 'udp://{}'\n{rest}",
        file(SITE),
        air.address()
    )
}

fn signal(listen: SocketAddr) -> String {
    format!("[[input.gat1743]]\nname = 'signal'\nlisten = 'udp://{listen}'\n")
}

fn radar(gateway: SocketAddr) -> String {
    format!("[[input.ars408]]\nname = 'radar'\nconnect = 'tcp://{gateway}'\n{MOUNT}")
}

fn text(path: &str) -> String {
    fs::read_to_string(file(path)).expect("a file of the project")
}

/// A controller whose lamp 1 is green and all others red, for a minute from now; it says so five
/// times a second.
fn controller(to: SocketAddr) -> Beat {
    let socket = UdpSocket::bind(loopback()).expect("loopback");
    let end = Instant::now() + Duration::from_secs(60);
    Beat::every(Duration::from_millis(200), move || {
        let left = end.saturating_duration_since(Instant::now());
        let mut lamps = Trial::new(8, left.as_secs() as u16 + 1);
        let datagram = lamps.say(Utc::from_unix_ns(0), Light::Green);
        // Nobody may listen there yet.
        let _ = socket.send_to(&datagram, to);
    })
}

/// Waits for a SPAT that says when the green of phase 1 ends.
fn until_timed(air: &Air) {
    air.until_spat("a green that ends", |spat| match shown(spat, 1) {
        (spat::Light::ProtectedGreen, Some(left_s)) => {
            assert!((0.0..=60.1).contains(&left_s), "{left_s}");
            Some(())
        }
        _ => None,
    });
}

/// Waits for an RSM that shows somebody besides the unit itself.
fn until_somebody(air: &Air) -> Rsm {
    air.until("a road user", |heard| {
        let rsm = (heard.message.kind() == MessageKind::Rsm)
            .then(|| Rsm::read(&heard.message).expect("an RSM that keeps its rules"))?;
        let mut others = rsm.participants().iter();
        others
            .any(|one| one.kind != ParticipantKind::Rsu)
            .then_some(rsm)
    })
}

#[test]
fn bytes_of_a_controller_and_a_radar_become_spat_map_rsm_and_rsi() {
    let (air, scratch) = (Air::open(), Scratch::new());
    let (listen, gateway) = (free_udp(), Gateway::open(loopback()));
    let inputs = signal(listen) + &radar(gateway.address());
    let unit = Running::start(
        "rsu",
        [
            "run",
            &scratch.write("rsu.toml", &config("all", &air, &inputs)),
        ],
    );
    unit.until_told(&["running", "name=\"all\""]);
    unit.until_told(&["link up", "input=\"signal\""]);

    // MAP is the site, as `rsu map export` has it.
    let heard = Map::read(&air.hear(MessageKind::Map).message).expect("a MAP");
    let exported = run("rsu", ["map", "export", &file(SITE), "--format", "uper"]);
    let exported = Message::decode(&datagrams(&exported.out).remove(0)).expect("a MAP");
    assert_eq!(heard.nodes(), Map::read(&exported).expect("a MAP").nodes());
    assert!(heard.time_stamp.is_some());

    // RSI has the site's sign and its event, each for its own application.
    air.until("the speed limit", |heard| {
        let rsi = (heard.aid == Aid::RsiStatic).then(|| Rsi::read(&heard.message))?;
        let rsi = rsi.expect("an RSI");
        rsi.signs()
            .iter()
            .find(|sign| sign.sign_type == 85)
            .map(drop)
    });
    air.until("the works", |heard| {
        let rsi = (heard.aid == Aid::RsiSemiStatic).then(|| Rsi::read(&heard.message))?;
        let rsi = rsi.expect("an RSI");
        rsi.events()
            .iter()
            .find(|event| event.event_type.0 == 501)
            .map(drop)
    });

    // SPAT shows what each lamp state says, in the time that it takes to send it.
    let controller = UdpSocket::bind(loopback()).expect("loopback");
    let mut decoder = gat1743::Decoder::new(gat1743::Config::default());
    for datagram in datagrams(&text(LAMPS)) {
        controller.send_to(&datagram, listen).expect("loopback");
        decoder.push(beginning(), &datagram, &mut |content| {
            if let Content::Lamps(said) = content {
                air.until_spat("the lamps as sent", |spat| {
                    as_sent(spat, &said).then_some(())
                });
            }
        });
    }
    // With the plan heard, the whole cycle is told: green, yellow and red of each phase.
    air.until_spat("a cycle", |spat| {
        let mut phases = spat.intersections[0].phases().iter();
        phases.all(|phase| phase.states().len() >= 3).then_some(())
    });

    // RSM shows whom the radar sees: north of the junction, on its road.
    let _radar = Beat::recording(gateway.accept(), text(RADAR).as_bytes());
    let rsm = until_somebody(&air);
    let origin = rsm
        .participants()
        .iter()
        .find(|one| one.kind == ParticipantKind::Rsu);
    let origin = origin.expect("the unit's own entry").pos;
    for one in rsm.participants() {
        let (lat, lon) = origin.steps_to(one.pos);
        assert!((-20_000..30_000).contains(&lat), "{one:?}");
        assert!((-5_000..5_000).contains(&lon), "{one:?}");
    }
    unit.stop();
}

fn beginning() -> Now {
    Now {
        mono: Mono::ZERO,
        utc: Utc::from_unix_ns(0),
    }
}

/// Whether a SPAT shows the lights of all lamps.
fn as_sent(spat: &spat::Spat, said: &LampStates) -> bool {
    said.lamps.iter().all(|lamp| {
        let phase = PHASES[usize::from(lamp.lamp) - 1];
        let light = match lamp.light {
            Light::Red => spat::Light::Red,
            Light::Yellow => spat::Light::Yellow,
            Light::Green => spat::Light::ProtectedGreen,
            other => panic!("the recording has no {other:?}"),
        };
        shown(spat, phase).0 == light
    })
}

#[test]
fn a_multicast_broadcast_is_heard_by_who_joins_the_group() {
    let group = Ipv4Addr::new(239, 255, 67, 86);
    let tried = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).expect("a socket");
    if let Err(error) = tried.join_multicast_v4(&group, &Ipv4Addr::LOCALHOST) {
        eprintln!("skipped: no IPv4 multicast on this machine's loopback: {error}");
        return;
    }
    let to = SocketAddr::from((group, free_udp().port()));
    let (air, scratch) = (Air::open(), Scratch::new());
    let sections = format!("[[radio]]\ntarget = 'udp://{to}'\ninterface = 'lo'\n");
    let sections = sections + &signal(free_udp());
    let listener = Running::start("v2x", ["listen", &format!("udp://{to}"), "--count", "6"]);
    listener.until_told(&["listening on"]);
    let unit = Running::start(
        "rsu",
        [
            "run",
            &scratch.write("rsu.toml", &config("x", &air, &sections)),
        ],
    );
    // Who is sent to directly hears the same.
    air.hear(MessageKind::Map);
    let outcome = listener.ended();
    assert_eq!(outcome.code, Some(0), "{}", outcome.err);
    assert!(outcome.out.contains("MAP #"), "{}", outcome.out);
    assert!(
        outcome.out.contains("10: 4 links, 12 lanes"),
        "{}",
        outcome.out
    );
    assert!(outcome.out.contains("sign 85"), "{}", outcome.out);
    unit.stop();
}

/// Octets without sense, the same each time.
struct Noise(u64);

impl Noise {
    fn octets(&mut self, length: usize) -> Vec<u8> {
        let mut next = || {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0 as u8
        };
        (0..length).map(|_| next()).collect()
    }
}

#[test]
fn garbage_on_every_input_is_counted_and_harms_no_other() {
    let (air, scratch) = (Air::open(), Scratch::new());
    let (listen, radar_listen, gateway) = (free_udp(), free_udp(), Gateway::open(loopback()));
    let over_udp =
        format!("[[input.ars408]]\nname = 'udp-radar'\nlisten = 'udp://{radar_listen}'\n{MOUNT}");
    let inputs = signal(listen) + &over_udp + &radar(gateway.address());
    let mut unit = Running::start(
        "rsu",
        [
            "run",
            &scratch.write("rsu.toml", &config("x", &air, &inputs)),
        ],
    );
    unit.until_told(&["link up", "input=\"signal\""]);
    unit.until_told(&["link up", "input=\"udp-radar\""]);
    let mut stream = gateway.accept();
    let _controller = controller(listen);
    until_timed(&air);

    // Everybody shouts at once while the controller goes on.
    let mut noise = Noise(0x9e37_79b9_7f4a_7c15);
    let mut bent = datagrams(&text(LAMPS)).remove(0);
    bent[50] ^= 0x10;
    let stranger = UdpSocket::bind(loopback()).expect("loopback");
    for round in 0..200 {
        let shout = |octets: &[u8]| {
            for to in [listen, radar_listen] {
                stranger.send_to(octets, to).expect("loopback");
            }
        };
        shout(&[]);
        shout(&bent);
        shout(&[0xc0; 900]);
        shout(&noise.octets(1 + round * 7));
        shout(&noise.octets(9000));
        stream
            .write_all(&noise.octets(1000))
            .expect("the unit reads");
    }
    for input in ["signal", "udp-radar", "radar"] {
        let told = unit.until_told(&["dropped what makes no sense", &format!("input=\"{input}\"")]);
        let kinds = told.split("since the start:").nth(1).expect("the kinds");
        assert!(kinds.contains('='), "{told}");
    }

    // Nobody has stopped, SPAT has missed no beat, and the gateway is understood again.
    let mut last: Option<u8> = None;
    for _ in 0..10 {
        let count = air.hear(MessageKind::Spat).message.msg_cnt();
        if let Some(last) = last {
            assert_eq!(count, (last + 1) % 128);
        }
        last = Some(count);
    }
    until_timed(&air);
    let _radar = Beat::recording(stream, text(RADAR).as_bytes());
    until_somebody(&air);
    assert!(unit.is_running());
    unit.stop();
}

#[test]
fn a_silent_controller_loses_its_times_then_its_voice_and_gets_both_back() {
    let (air, scratch, listen) = (Air::open(), Scratch::new(), free_udp());
    let ages = "[signals]\nno-timing-after-ms = 600\nstop-after-ms = 1200\n";
    let text = config("x", &air, &(ages.to_owned() + &signal(listen)));
    let unit = Running::start("rsu", ["run", &scratch.write("rsu.toml", &text)]);
    unit.until_told(&["link up", "input=\"signal\""]);

    let speaking = controller(listen);
    until_timed(&air);
    unit.until_told(&["spat: sending"]);

    drop(speaking);
    air.until_spat("a green without an end", |spat| {
        (shown(spat, 1) == (spat::Light::ProtectedGreen, None)).then_some(())
    });
    unit.until_told(&["WARN", "spat: stopped"]);
    air.until_quiet(MessageKind::Spat, Duration::from_millis(700));
    air.hear(MessageKind::Map);

    let _speaking = controller(listen);
    until_timed(&air);
    unit.until_told(&["spat: sending"]);
    unit.stop();
}

#[test]
fn who_is_away_is_named_and_tried_again_while_the_rest_works() {
    let (air, scratch) = (Air::open(), Scratch::new());
    // A port that is taken, a gateway that is not there, an interface that does not exist.
    let squatter = UdpSocket::bind(loopback()).expect("loopback");
    let listen = squatter.local_addr().expect("it is bound");
    let gateway = Gateway::open(loopback());
    let gateway_at = gateway.address();
    drop(gateway);
    let sections = "[[radio]]\ntarget = 'udp://239.255.67.86:4900'\ninterface = 'no-such-if'\n";
    let sections = sections.to_owned() + &signal(listen) + &radar(gateway_at);
    let unit = Running::start(
        "rsu",
        [
            "run",
            &scratch.write("rsu.toml", &config("x", &air, &sections)),
        ],
    );
    unit.until_told(&[
        "WARN",
        "input=\"signal\"",
        &listen.to_string(),
        "in use",
        "trying again",
    ]);
    unit.until_told(&[
        "WARN",
        "input=\"radar\"",
        &gateway_at.to_string(),
        "refused",
        "trying again",
    ]);
    unit.until_told(&["WARN", "no-such-if", "No such device", "trying again"]);
    air.hear(MessageKind::Map);

    // The port is freed.
    drop(squatter);
    unit.until_told(&["INFO", "link up", "input=\"signal\""]);
    let _controller = controller(listen);
    until_timed(&air);

    // The gateway comes, is pulled out in the middle of a cycle, and comes again.
    for _ in 0..2 {
        let gateway = Gateway::open(gateway_at);
        let stream = gateway.accept();
        unit.until_told(&["INFO", "link up", "input=\"radar\""]);
        let cable = stream.try_clone().expect("a socket");
        let radar = Beat::recording(stream, text(RADAR).as_bytes());
        until_somebody(&air);
        drop(gateway);
        cable
            .shutdown(std::net::Shutdown::Both)
            .expect("a connection");
        drop(radar);
        unit.until_told(&["WARN", "input=\"radar\"", "trying again"]);
        until_timed(&air);
    }
    unit.stop();
}

#[test]
fn a_wrong_configuration_on_sighup_leaves_the_old_one_at_work() {
    let (first, second, scratch) = (Air::open(), Air::open(), Scratch::new());
    let listen = free_udp();
    let good = |air: &Air| config("x", air, &signal(listen));
    let path = scratch.write("rsu.toml", &good(&first));
    let mut unit = Running::start("rsu", ["run", &path]);
    unit.until_told(&["link up", "input=\"signal\""]);
    let _controller = controller(listen);
    until_timed(&first);

    for wrong in ["[station]\nname = 3\n", "", "\u{0}\u{1}", "[station"] {
        scratch.write("rsu.toml", wrong);
        unit.signal("HUP");
        unit.until_told(&["ERROR", "the old one goes on"]);
    }
    fs::remove_file(&path).expect("it was there");
    unit.signal("HUP");
    unit.until_told(&["ERROR", "cannot be read"]);
    unit.until_told(&["ERROR", "the old one goes on"]);
    first.drain();
    until_timed(&first);
    assert!(unit.is_running());

    scratch.write("rsu.toml", &good(&second));
    unit.signal("HUP");
    unit.until_told(&["running anew"]);
    until_timed(&second);
    first.drain();
    first.until_quiet(MessageKind::Map, Duration::from_millis(1200));
    unit.stop();
}

#[test]
fn sigterm_and_sigint_end_it_with_exit_code_0_even_under_load() {
    for signal_name in ["TERM", "INT"] {
        let (air, scratch, listen) = (Air::open(), Scratch::new(), free_udp());
        let gateway = Gateway::open(loopback());
        let inputs = signal(listen) + &radar(gateway.address());
        let unit = Running::start(
            "rsu",
            [
                "run",
                &scratch.write("rsu.toml", &config("x", &air, &inputs)),
            ],
        );
        let _radar = Beat::recording(gateway.accept(), text(RADAR).as_bytes());
        let _controller = controller(listen);
        until_somebody(&air);
        let asked = Instant::now();
        unit.signal(signal_name);
        let outcome = unit.ended();
        assert_eq!(outcome.code, Some(0), "{}", outcome.err);
        assert!(asked.elapsed() < LONG / 6, "{:?}", asked.elapsed());
    }
}

#[test]
fn v2x_listen_hears_each_class_of_rsi_at_its_rate() {
    let (air, scratch) = (Air::open(), Scratch::new());
    // The shipped site has a sign (static) and road works (semi-static); something lies on the road.
    let lies = "\n[[event]]\nid = 2\ntype = 401\non = { upstream = 11, downstream = 10, lanes = [1], from-stop-line-m = 80 }\n";
    let site = scratch.write("site.toml", &(text(SITE) + lies));
    let ears = free_udp();
    let rest = signal(free_udp()) + &format!("[[radio]]\ntarget = 'udp://{ears}'\n");
    let config = config("rates", &air, &rest).replace(&file(SITE), &site);
    let unit = Running::start("rsu", ["run", &scratch.write("rsu.toml", &config)]);
    unit.until_told(&["running", "name=\"rates\""]);
    air.hear(MessageKind::Rsi);
    let address = format!("udp://{ears}");
    let heard = run("v2x", ["listen", &address, "--quiet", "--duration", "6"]);
    assert_eq!(heard.code, Some(0), "{}", heard.err);
    let whole = heard.out.split("-- in all").nth(1).expect("a summary");
    let line = whole.lines().find(|line| line.contains(" RSI "));
    let line = line.unwrap_or_else(|| panic!("no RSI in\n{}", heard.out));
    let count = |class: &str| -> u32 {
        let at = line
            .find(class)
            .unwrap_or_else(|| panic!("no {class}: {line}"));
        let digits = line[at + class.len()..].chars();
        let digits: String = digits.take_while(char::is_ascii_digit).collect();
        digits.parse().expect("a number")
    };
    // Every 100 ms, 500 ms and second; a busy machine may miss a slot now and then.
    assert!((54..=62).contains(&count("(dynamic ")), "{line}");
    assert!((11..=13).contains(&count("semi-static ")), "{line}");
    assert!((5..=7).contains(&count(", static ")), "{line}");
    assert!(line.ends_with("lost 0"), "{line}");
}
