//! Short live runs: real daemons, sockets and threads. How well they keep time depends on the machine; what
//! they say does not. Each goes on until it has seen enough, and by simulated time, which waits for a slow
//! machine.

use std::path::Path;

use rsu::daemon::{InputSnapshot, Snapshot};
use rsu::station::FrameKind;

use super::outcome::Ended;
use super::*;
use crate::report::{Report, page};

/// A scenario of ours with these keys set.
fn scenario(name: &str, settings: &[(&str, &str)]) -> Play {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../configs/scenarios");
    let file = file.join(format!("{name}.toml")).display().to_string();
    let settings = settings.iter();
    let settings: Vec<_> = settings
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    Play::find_with(&file, &settings).expect("a scenario")
}

/// Plays it until `enough`, or to the end of a span that only a failure reaches.
fn play(play: &Play, mut enough: impl FnMut(&Summary) -> bool) -> Heard {
    let wishes = Wishes {
        seed: 1,
        duration: Some(Duration::from_secs(60)),
        ..Wishes::default()
    };
    let live = Live::start(play, &wishes).expect("daemons");
    let heard = live.run(&wishes, &mut |news| match news {
        News::Second(second) => !enough(&second),
        News::Verdict(_) => true,
    });
    heard.expect("a run")
}

fn input<'a>(unit: &'a Snapshot, protocol: &str) -> &'a InputSnapshot {
    let mut inputs = unit.inputs.iter();
    let found = inputs.find(|input| input.protocol == protocol);
    found.expect("an input of this protocol")
}

#[test]
fn a_live_daemon_is_heard_and_says_what_is_true() {
    let mut seconds = Vec::new();
    let heard = play(&scenario("moyu-boyuan", &[("traffic-s", "30")]), |second| {
        seconds.push(second.clone());
        seconds.len() >= 3 && second.phases > 0
    });
    assert!(heard.everything(), "{heard:?}");
    assert_eq!((heard.broken, heard.rejected), (0, 0));
    let unit = heard.units.first().expect("what it measured");
    assert!(unit.latency.reaction.count > 0, "{:?}", unit.latency);
    assert!(unit.latency.reaction.p50 > Duration::ZERO);
    let told = summary::measured(unit);
    assert!(!told.contains("none"), "{told}");
    let last = seconds.last().expect("three seconds");
    assert!(last.phases > 0, "{last}");
    assert_eq!(last.right, last.phases, "{last}");
    let judged = heard.judged.expect("a judge");
    assert!(judged.span.is_zero(), "nothing has settled yet: {judged:?}");
}

#[test]
fn vehicles_with_radios_hear_the_daemon_and_it_hears_them() {
    let mut seconds = 0;
    let settings = [("traffic-s", "40"), ("demand.*.equipped", "1.0")];
    let heard = play(&scenario("moyu-green-advice", &settings), |second| {
        let (on_road, heard) = second.radios.expect("vehicles with radios");
        seconds += u32::from(on_road > 0 && heard > 0);
        seconds >= 4
    });
    let radio = input(&heard.units[0], "heard");
    assert!(radio.counts.accepted() > 0, "{radio:?}");
    let rejected: u64 = radio.counts.rejected().iter().map(|(_, count)| count).sum();
    assert_eq!(rejected, 0, "{radio:?}");
    let score = heard.on_board.expect("vehicles with radios");
    assert!(score.spat_age_s.count() > 0, "nobody knows a light");
    assert_eq!(score.unread, 0);
    // By its own clock each vehicle finds what it hears fresh.
    assert!(score.doubts.is_empty(), "{:?}", score.doubts);
}

#[test]
fn of_two_junctions_each_has_its_daemon_and_its_weather_station() {
    let settings = [("traffic-s", "20")];
    let network = scenario("huanhu-fog", &settings);
    let mut seconds = 0;
    let heard = play(&network, |second| {
        seconds += u32::from(second.phases > 0);
        seconds >= 4
    });
    assert_eq!(heard.units.len(), 2);
    assert!(heard.everything(), "{heard:?}");
    assert_eq!((heard.broken, heard.rejected), (0, 0));
    for unit in &heard.units {
        assert!(unit.frames_of(FrameKind::Spat) > 0, "{:?}", unit.sent);
        let station = input(unit, "modbus");
        assert!(station.counts.accepted() > 0, "{station:?}");
        assert!(
            station
                .counts
                .rejected()
                .iter()
                .all(|(_, count)| *count == 0)
        );
    }
    let judged = heard.judged.as_ref().expect("a judge");
    assert_eq!(judged.junctions.len(), 2);
    let Some(Ended::Several(whole)) = Ended::of(&network, heard, 1) else {
        panic!("a network");
    };
    assert_eq!(whole.junctions.len(), 2);
    for one in &whole.junctions {
        let live = one.live.as_ref().expect("it was live");
        assert!(live.daemon.latency.age.count > 0 && one.judge.traffic.hash != 0);
    }
}

#[test]
fn the_report_of_a_live_run_has_what_the_daemon_took_and_dropped() {
    let settings = [("traffic-s", "40"), ("settle-s", "1")];
    let play_of = scenario("moyu-red-runner", &settings);
    let mut seconds = 0;
    let heard = play(&play_of, |second| {
        seconds += u32::from(second.phases > 0 && second.frames[1] > 0);
        seconds >= 4
    });
    let latency = heard.units[0].latency;
    let Some(Ended::One(outcome)) = Ended::of(&play_of, heard, 1) else {
        panic!("one junction");
    };
    let report = Report::of(&outcome);
    assert!(report.counted_s > 0.0 && report.shown > 0, "{report:?}");
    let json = serde_json::to_value(&report).expect("JSON");
    let parts = json["live"]["latency"].as_array().expect("parts");
    let reaction = parts
        .iter()
        .find(|part| part["what"] == "from bytes in to the frame that they set off");
    let reaction = reaction.expect("the way from bytes to frame");
    assert_eq!(reaction["count"].as_u64(), Some(latency.reaction.count));
    assert_eq!(
        reaction["p99-s"].as_f64(),
        Some(latency.reaction.p99.as_secs_f64())
    );
    // What is in the unit's log and not on the air is said to be left out.
    let left_out = json["live"]["left-out"].as_array().expect("criteria");
    assert!(
        left_out.iter().any(|name| name == "red-runner-warned-s"),
        "{left_out:?}"
    );
    let html = page::page(&outcome, &report);
    assert!(html.contains("<h2>In real time</h2>"), "{html}");
    assert!(html.contains("reports before the station"), "{html}");
}

#[test]
fn what_real_time_cannot_have_is_refused_by_name() {
    let over = scenario("signal-faults-minute-rollover", &[]);
    let refused = Live::start(&over, &Wishes::default()).err();
    let told = refused.expect("it goes over New Year").to_string();
    assert!(told.contains("signal-faults-minute-rollover"), "{told}");
    assert!(told.contains("sim run"), "{told}");
    let wishes = Wishes {
        mover: crate::sumo::Mover::Sumo(None),
        ..Wishes::default()
    };
    let refused = Live::start(&scenario("huanhu-fog", &[]), &wishes).err();
    let told = refused.expect("SUMO has one junction").to_string();
    assert!(told.contains("huanhu-fog"), "{told}");
}
