//! What a device's clock and the line to it may do to the ends that are told, from the bytes of three
//! protocols to the forecast: clocks that are set, drift, stand still or have whole seconds only; lines
//! that jitter, stall, repeat and put in the wrong order.
//!
//! A controller in fixed time whose truth is known tells its two lamps; ten times a second it is looked at
//! what would be said. Held is: no light that lets traffic go is told beyond its end, and no end later than
//! it comes, by more than the input resolves; what claims to be fresh is; an end that is told too early
//! comes right again. With `RSU_CLOCKS=print` a table of all cases is printed. Not here: sockets, and the
//! clock of the unit itself.

use std::time::Duration;

use rsu::clock::{Mono, Now, Utc};
use rsu::inputs::{Decoder, gat1743, ntcip, spat_json};
use rsu::report::{Content, InputId, LampSpan, LampState, LampStates, Light};
use rsu::signals::{self, End, Signals};
use rsu::site::{GreenKind, Phase, Site};
use v2x_msg::base::PhaseId;

const SITE: &str = include_str!("../../configs/sites/moyu-boyuan.toml");
const CONTROLLER: InputId = InputId(0);
const CYCLE_MS: i64 = 60_000;
/// Of lamp 1: green, yellow, red; lamp 2 is half a cycle behind.
const LENGTHS_MS: [(Light, i64); 3] = [
    (Light::Green, 22_000),
    (Light::Yellow, 3_000),
    (Light::Red, 35_000),
];
/// What the quickest message takes.
const BASE_MS: u64 = 20;

/// What a lamp shows at a moment in ms, since when and until when.
fn truth(lamp: i64, ms: i64) -> (Light, i64, i64) {
    let shift_ms = (lamp - 1) * CYCLE_MS / 2;
    let mut began_ms = ms - (ms + shift_ms) % CYCLE_MS;
    for (light, length_ms) in LENGTHS_MS {
        let end_ms = began_ms + length_ms;
        if ms < end_ms {
            return (light, began_ms, end_ms);
        }
        began_ms = end_ms;
    }
    unreachable!("the lengths fill the cycle")
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protocol {
    Gat1743,
    Tscbm,
    Json,
}

impl Protocol {
    const ALL: [Self; 3] = [Self::Gat1743, Self::Tscbm, Self::Json];

    fn decoder(self) -> Decoder {
        match self {
            Self::Gat1743 => Decoder::Gat1743(Box::new(gat1743::Decoder::new(Default::default()))),
            Self::Tscbm => Decoder::Ntcip(Box::new(ntcip::Decoder::new(Default::default()))),
            Self::Json => Decoder::SpatJson(Box::new(spat_json::Decoder::new(Default::default()))),
        }
    }

    /// An end is known to this at best: whole seconds to when they are seen to change.
    fn resolves_ms(self, every_ms: u64) -> i64 {
        match self {
            Self::Gat1743 => 100 + every_ms as i64,
            Self::Tscbm | Self::Json => 100,
        }
    }

    fn emit(self, voice: &mut Voice, stamp_ms: i64, states: &LampStates) -> Vec<u8> {
        let utc = Utc::from_unix_ms(stamp_ms).expect("in range");
        let mut out = Vec::new();
        match self {
            Self::Gat1743 => {
                let to = gat1743::Audience::Everyone;
                voice.gat1743.lamps(utc, to, states, &mut out);
            }
            Self::Tscbm => voice.tscbm.lamps(utc, states, &mut out),
            Self::Json => voice.json.lamps(utc, states, &mut out),
        }
        out
    }
}

struct Voice {
    gat1743: gat1743::Emitter,
    tscbm: ntcip::Emitter,
    json: spat_json::Emitter,
}

impl Voice {
    fn new() -> Self {
        let approaches = vec![gat1743::Approach {
            direction_deg: 0,
            lamps: vec![(1, 1), (2, 1)],
        }];
        Self {
            gat1743: gat1743::Emitter::new(gat1743::Identity {
                approaches,
                ..Default::default()
            }),
            tscbm: ntcip::Emitter::new(1),
            json: spat_json::Emitter { region: 1, node: 1 },
        }
    }
}

/// A device and the way to it.
struct Case {
    name: &'static str,
    /// The device's clock less ours, at a moment.
    clock_ms: fn(u64) -> i64,
    /// What it makes of the time in ms.
    stamp: fn(i64) -> i64,
    /// By how much a message of then, the n-th, is held up; None: it is lost.
    held_ms: fn(u64, u64) -> Option<u64>,
    /// Every message comes so often.
    times: u64,
    /// What its line takes of what the input resolves.
    resolves_ms: i64,
    /// By how much an end is told later and earlier than it comes, at most, beyond what the input resolves.
    late_ms: i64,
    early_ms: i64,
    /// What is off comes right so soon.
    for_ms: u64,
    /// So much of the time an end is told, at least.
    timed_share: f64,
}

const CASE: Case = Case {
    name: "plain",
    clock_ms: |_| 0,
    stamp: |ms| ms,
    held_ms: |_, _| Some(0),
    times: 1,
    resolves_ms: 0,
    late_ms: 0,
    early_ms: 0,
    for_ms: 0,
    timed_share: 0.95,
};

/// 0 to 999, by chance but always the same.
fn chance(n: u64) -> u64 {
    let mut x = n.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    x ^= x >> 29;
    x = x.wrapping_mul(0xBF58_476D_1CE4_E5B9);
    (x ^ (x >> 32)) % 1000
}

const SET_AT: u64 = 100_300;
fn set(ms: u64, by_ms: i64) -> i64 {
    if ms >= SET_AT { by_ms } else { 0 }
}

fn cases() -> Vec<Case> {
    let mut cases = vec![CASE];
    type Clock = (&'static str, fn(u64) -> i64);
    let clocks: [Clock; 8] = [
        ("set ahead 0.2 s", |ms| set(ms, 200)),
        ("set ahead 1 s", |ms| set(ms, 1000)),
        ("set ahead 5 s", |ms| set(ms, 5000)),
        ("set ahead 60 s", |ms| set(ms, 60_000)),
        ("set ahead 1 h", |ms| set(ms, 3_600_000)),
        ("100 ppm fast", |ms| (ms / 10_000) as i64),
        ("100 ppm slow", |ms| -((ms / 10_000) as i64)),
        ("midnight elsewhere", |_| 86_250_000),
    ];
    cases.extend(clocks.map(|(name, clock_ms)| Case {
        name,
        clock_ms,
        ..CASE
    }));
    let back: [Clock; 8] = [
        ("set back 0.2 s", |ms| set(ms, -200)),
        ("set back 0.6 s", |ms| set(ms, -600)),
        ("set back 1 s (leap)", |ms| set(ms, -1000)),
        ("set back 1.5 s", |ms| set(ms, -1500)),
        ("set back 1.9 s", |ms| set(ms, -1900)),
        ("set back 5 s", |ms| set(ms, -5000)),
        ("set back 60 s", |ms| set(ms, -60_000)),
        ("set back 1 h", |ms| set(ms, -3_600_000)),
    ];
    // Nobody can tell it at once from a line that holds up by so much, and the end goes back slowly.
    cases.extend(back.map(|(name, clock_ms)| Case {
        name,
        clock_ms,
        early_ms: 200,
        for_ms: 20_000,
        ..CASE
    }));
    let jitter = Case {
        held_ms: |_, n| Some(chance(n) * 3 / 10),
        resolves_ms: 300,
        ..CASE
    };
    cases.push(Case {
        name: "jitter 0.3 s",
        ..jitter
    });
    cases.push(Case {
        name: "jitter 0.3 s, set ahead 1 s",
        clock_ms: |ms| set(ms, 1000),
        ..jitter
    });
    cases.push(Case {
        name: "jitter 0.3 s, 100 ppm slow",
        clock_ms: |ms| -((ms / 10_000) as i64),
        ..jitter
    });
    // The one that takes long: it is followed after eight messages, or where none went back once all that
    // came before is out of sight.
    let back: [Clock; 4] = [
        ("jitter 0.3 s, set back 0.6 s", |ms| set(ms, -600)),
        ("jitter 0.3 s, set back 1.5 s", |ms| set(ms, -1500)),
        ("jitter 0.3 s, set back 5 s", |ms| set(ms, -5000)),
        ("jitter 0.3 s, set back 1 h", |ms| set(ms, -3_600_000)),
    ];
    cases.extend(back.map(|(name, clock_ms)| Case {
        name,
        clock_ms,
        late_ms: 500,
        early_ms: 1200,
        for_ms: 35_000,
        timed_share: 0.85,
        ..jitter
    }));
    type Stamp = (&'static str, fn(i64) -> i64);
    let quantised: [Stamp; 4] = [
        ("whole seconds", |ms| ms.div_euclid(1000) * 1000),
        ("milliseconds that stand at 377", |ms| {
            ms.div_euclid(1000) * 1000 + 377
        }),
        ("halves of a second", |ms| ms.div_euclid(500) * 500),
        ("tenths of a second", |ms| ms.div_euclid(100) * 100),
    ];
    for (name, stamp) in quantised {
        cases.push(Case {
            name,
            stamp,
            ..CASE
        });
    }
    cases.extend([
        Case {
            name: "whole seconds, jitter 0.3 s",
            stamp: |ms| ms.div_euclid(1000) * 1000,
            ..jitter
        },
        Case {
            name: "milliseconds of another counter",
            stamp: |ms| ms.div_euclid(1000) * 1000 + (ms + 400).rem_euclid(1000),
            ..CASE
        },
        Case {
            name: "stamps that stand still",
            stamp: |_| START_MS,
            early_ms: 200,
            for_ms: 20_000,
            ..CASE
        },
        Case {
            name: "stamps that stand still after a while",
            clock_ms: |ms| -(ms.saturating_sub(SET_AT) as i64),
            early_ms: 200,
            for_ms: 20_000,
            ..CASE
        },
        Case {
            name: "one of five later by up to 0.9 s",
            held_ms: |_, n| Some(if n % 5 == 2 { chance(n) * 9 / 10 } else { 0 }),
            resolves_ms: 300,
            ..CASE
        },
        Case {
            name: "a stall of 2 s, then a burst",
            held_ms: |ms, _| {
                Some(if ms < 60_300 {
                    0
                } else {
                    62_300_u64.saturating_sub(ms)
                })
            },
            ..CASE
        },
        // Nobody can tell it from a clock that was set back.
        Case {
            name: "all from 100 s on later by 0.8 s",
            held_ms: |ms, _| Some(if ms < SET_AT { 0 } else { 800 }),
            resolves_ms: 900,
            late_ms: 600,
            ..CASE
        },
        Case {
            name: "doubles",
            times: 2,
            ..CASE
        },
        Case {
            name: "doubles, jitter 0.3 s, a tenth lost",
            times: 2,
            held_ms: |_, n| (chance(n + 7) >= 100).then_some(chance(n) * 3 / 10),
            ..jitter
        },
        Case {
            name: "the first stamp is 3 s ahead",
            clock_ms: |ms| if ms < 1100 { 3000 } else { 0 },
            ..CASE
        },
        Case {
            name: "one stamp in ten seconds is 1.5 s behind",
            clock_ms: |ms| if (ms / 1000) % 10 == 3 { -1500 } else { 0 },
            timed_share: 0.9,
            ..CASE
        },
    ]);
    cases
}

/// 2026-12-31T23:57:00Z, so that a year ends.
const START_MS: i64 = 1_798_761_420_000;
const LASTS_MS: u64 = 200_000;

fn at(ms: u64) -> Now {
    Now {
        mono: Mono::ZERO + Duration::from_millis(100_000 + ms),
        utc: Utc::from_unix_ms(START_MS).expect("in range") + Duration::from_millis(ms),
    }
}

fn ms_of(moment: Mono) -> i64 {
    moment
        .seconds_after(Mono::ZERO + Duration::from_millis(100_000))
        .mul_add(1000.0, 0.5)
        .floor() as i64
}

/// What was wrong, at most, in ms.
#[derive(Debug, Default)]
struct Faults {
    /// A light that lets go was told for so long beyond its end.
    beyond: i64,
    /// An end was told so much later, and earlier, than it comes.
    late: i64,
    early: i64,
    /// So many looks at ends that were off by more than 0.3 s, and of these those whose bounds do not hold.
    off: u64,
    unbounded: u64,
    /// What was collected was told to be so much fresher than it was, less what is stated as error.
    fresher: i64,
    looks: u64,
    timed: u64,
    last_off_ms: u64,
}

fn run(protocol: Protocol, every_ms: u64, phase_ms: u64, case: &Case) -> Faults {
    let mut site = Site::parse(SITE, "moyu-boyuan.toml").expect("a sound site");
    let some = site.phases[0].clone();
    let phases = [1_u8, 2].map(|id| Phase {
        id: PhaseId::new(id).expect("a number"),
        lamps: vec![id.into()],
        green: GreenKind::Protected,
        ..some.clone()
    });
    site.phases = phases.to_vec();
    site.conflicts.clear();
    let inputs = [(some.controller.clone(), CONTROLLER)];
    let mut signals = Signals::new(signals::Config::default(), &site, &inputs).expect("it fits");
    let resolves_ms = case.resolves_ms + protocol.resolves_ms(every_ms);
    let (mut decoder, mut voice) = (protocol.decoder(), Voice::new());

    // (arrives, sent, bytes)
    let mut news: Vec<(u64, u64, Vec<u8>)> = Vec::new();
    for n in 0..LASTS_MS / every_ms {
        let sent = phase_ms + n * every_ms;
        let mut states = LampStates::default();
        for lamp in [1, 2] {
            let (light, _, end) = truth(lamp, sent as i64);
            let left = end - sent as i64;
            states.lamps.push(LampState {
                lamp: lamp as u16,
                light,
                countdown_s: Some((left as u64).div_ceil(1000) as u16),
            });
            if protocol != Protocol::Gat1743 {
                let ms = Some((left / 100 * 100) as u32);
                states.spans.push(LampSpan {
                    lamp: lamp as u16,
                    min_ms: ms,
                    max_ms: ms,
                    likely_ms: ms,
                });
            }
        }
        let stamp = (case.stamp)(START_MS + sent as i64 + (case.clock_ms)(sent));
        let bytes = protocol.emit(&mut voice, stamp, &states);
        for copy in 0..case.times {
            if let Some(held) = (case.held_ms)(sent, 2 * n + copy) {
                news.push((sent + BASE_MS + held, sent, bytes.clone()));
            }
        }
    }
    news.sort();
    let mut news = news.into_iter().peekable();
    let mut faults = Faults::default();
    let mut newest_sent = None::<u64>;
    for ms in (0..LASTS_MS).step_by(100) {
        while let Some((arrived, sent, bytes)) = news.next_if(|(arrived, ..)| *arrived <= ms) {
            newest_sent = newest_sent.max(Some(sent));
            let now = at(arrived);
            decoder.push(now, &bytes, &mut |content| match content {
                Content::Lamps(states) => {
                    signals.handle_lamps(now, CONTROLLER, &states);
                }
                Content::Mode(mode) => {
                    signals.handle_mode(now, CONTROLLER, mode);
                }
                _ => {}
            });
        }
        // The first two cycles teach how late news may be.
        let Some(sent) = newest_sent.filter(|_| ms > 5000) else {
            continue;
        };
        look(&mut signals, &mut faults, (ms, sent, resolves_ms));
    }
    faults
}

fn look(
    signals: &mut Signals,
    faults: &mut Faults,
    (ms, newest_sent, resolves_ms): (u64, u64, i64),
) {
    faults.looks += 2;
    let Some(said) = signals.say(at(ms)) else {
        return;
    };
    let error_ms = said.timing_error.as_millis() as i64;
    let fresher = ms_of(said.collected_at) - (newest_sent + BASE_MS) as i64 - error_ms;
    faults.fresher = faults.fresher.max(fresher);
    for (lamp, phase) in (1..).zip(&said.phases) {
        let state = phase.states[0];
        let (light, began, end) = truth(lamp, ms as i64);
        let lets_go = matches!(state.light, Light::Green | Light::Yellow);
        if state.light != light && lets_go {
            faults.beyond = faults.beyond.max(ms as i64 - began);
        }
        let Some(End::At { min, max, likely }) = state.timing.map(|timing| timing.end) else {
            continue;
        };
        faults.timed += 1;
        let likely = ms_of(likely);
        // Its word has not come yet.
        let is_known = state.light == light || (newest_sent as i64) < began;
        let end = if state.light == light { end } else { began };
        if !is_known || state.light == Light::Unknown {
            continue;
        }
        let off = likely - end;
        // An end that has passed is said to be now.
        if likely > ms as i64 {
            faults.late = faults.late.max(off);
        }
        faults.early = faults.early.max(-off);
        if off.abs() > resolves_ms && likely > ms as i64 {
            faults.off += 1;
            faults.last_off_ms = ms;
            let holds = min.is_some_and(|min| ms_of(min) <= end + 100)
                && max.is_some_and(|max| ms_of(max) >= end - 100);
            faults.unbounded += u64::from(!holds);
        }
    }
}

#[test]
fn no_clock_and_no_line_makes_an_end_later_than_it_is() {
    let print = std::env::var_os("RSU_CLOCKS").is_some();
    let mut wrong = Vec::new();
    for case in cases() {
        for protocol in Protocol::ALL {
            for (every_ms, phase_ms) in [(1000, 230), (500, 370), (100, 30)] {
                let found = run(protocol, every_ms, phase_ms, &case);
                let line = format!("{:40} {protocol:?} {every_ms}: {found:?}", case.name);
                if print {
                    eprintln!("{line}");
                }
                let resolves_ms = case.resolves_ms + protocol.resolves_ms(every_ms);
                let timed = found.timed as f64 / found.looks as f64;
                // A light may last until the next message could have told of its end.
                let beyond_ms = case.resolves_ms + every_ms as i64 + 200;
                let until_ms = if case.for_ms == 0 {
                    0
                } else {
                    SET_AT + case.for_ms
                };
                if found.beyond > beyond_ms
                    || found.late > resolves_ms + case.late_ms
                    || found.early > resolves_ms + case.early_ms
                    || found.fresher > case.resolves_ms
                    || timed < case.timed_share
                    || (case.for_ms > 0 && found.last_off_ms > until_ms)
                {
                    wrong.push(line);
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
