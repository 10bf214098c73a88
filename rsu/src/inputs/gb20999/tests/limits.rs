//! Limits of greens, and faults that the controller logs.

use super::super::Fault;
use super::*;

/// In actuated control, phase 4 with such limits.
fn bench(least_green_s: u16, greatest_greens_s: [u16; 2]) -> Bench {
    let mut bench = Bench::usual();
    let mut limited = junction();
    limited.phases[3].least_green_s = least_green_s;
    limited.phases[3].greatest_greens_s = greatest_greens_s;
    bench.controller.configure(limited);
    bench.moment = Box::new(with(ControlMode::Actuated));
    bench
}

/// Lamp 7 is green from second 89 of the cycle on, 25 s and 3 s flashing.
const BEGINS: Duration = Duration::from_millis(89_000 - 370);
const ENDS: Duration = Duration::from_millis(89_000 + 28_000 - 370);

/// What was told of the ends of lamp 7's first green: when, and the earliest and latest end.
fn told(bench: &Bench) -> Vec<(Duration, Option<Duration>, Option<Duration>)> {
    let green = |(at, _): &(Duration, &LampStates)| (BEGINS..ENDS).contains(at);
    let spans = bench.lamps().filter(green).filter_map(|(at, states)| {
        let span = states.span(7)?;
        let end = |left_ms: Option<u32>| left_ms.map(|left_ms| at + ms(left_ms.into()));
        Some((at, end(span.min_ms), end(span.max_ms)))
    });
    spans.collect()
}

#[test]
fn the_first_green_of_an_actuated_phase_has_its_limits() {
    let mut bench = bench(10, [20, 30]);
    bench.run(Duration::from_secs(120));
    let told = told(&bench);
    assert!(told.len() > 30, "{}", told.len());
    let least = BEGINS + Duration::from_secs(10);
    let bounds: Vec<Duration> = told.iter().filter_map(|(_, min, _)| *min).collect();
    assert!(bounds.len() > 15, "until they have passed");
    for min in bounds {
        // Not later than it is, and earlier by no more than a question and an answer may take.
        assert!(min <= least && min + ms(1100) >= least, "{min:?}");
    }
    let mut by_stage = 0;
    for (at, _, max) in &told {
        let max = max.expect("the greatest green, or what remains of the stage");
        // The greater of both greens, and its flashing.
        let latest = BEGINS + Duration::from_secs(33) + ms(600);
        assert!(
            max + ms(20) >= ENDS && max <= latest,
            "at {at:?}: until {max:?}"
        );
        by_stage += usize::from(max <= ENDS + ms(1100));
    }
    assert!(
        by_stage > 20,
        "{by_stage} keep to what remains of the stage"
    );
    let before = bench.lamps().filter(|(at, _)| *at < BEGINS);
    let mut before = before.flat_map(|(_, states)| &states.spans);
    assert!(
        before.all(|span| span.min_ms.is_none()),
        "nothing has a least"
    );
}

#[test]
fn limits_that_contradict_each_other_or_are_nothing_are_not_told() {
    for (least_s, greatest_s) in [(40, [20, 30]), (0, [0, 0])] {
        let mut bench = bench(least_s, greatest_s);
        bench.run(Duration::from_secs(120));
        let told = told(&bench);
        assert!(!told.is_empty());
        assert!(told.iter().all(|(_, min, _)| min.is_none()));
    }
}

#[test]
fn in_fixed_time_greens_go_by_the_plan_alone() {
    let mut bench = bench(10, [20, 30]);
    bench.moment = Box::new(with(ControlMode::FixedTime));
    bench.run(Duration::from_secs(120));
    assert!(bench.lamps().all(|(_, states)| states.spans.is_empty()));
}

#[test]
fn a_green_whose_beginning_was_not_seen_has_no_least() {
    let mut bench = bench(10, [20, 30]);
    bench.run(BEGINS - ms(2000));
    bench.line = Box::new(|_, _| None);
    bench.run(BEGINS + ms(2000));
    bench.line = Box::new(|_, bytes| Some(bytes.to_vec()));
    bench.run(Duration::from_secs(120));
    let told = told(&bench);
    assert!(told.len() > 20, "{}", told.len());
    assert!(told.iter().all(|(_, min, _)| min.is_none()));
}

#[test]
fn faults_that_come_are_counted_by_kind_and_what_stood_in_the_log_is_not() {
    let mut bench = Bench::usual();
    let fault = |number, code| Fault {
        number,
        code,
        utc: UTC + Duration::from_secs(number.into()),
    };
    let mut failing = junction();
    failing.faults = vec![fault(1, 0x10), fault(2, 0x41)];
    bench.controller.configure(failing.clone());
    let total = |bench: &Bench| -> u64 {
        let counts = bench.decoder.counts().faults().iter();
        counts.map(|(_, count)| count).sum()
    };
    bench.run(Duration::from_secs(70));
    assert_eq!(total(&bench), 0);
    failing
        .faults
        .extend([fault(3, 0x10), fault(4, 0x21), fault(5, 0x10)]);
    bench.controller.configure(failing);
    bench.run(Duration::from_secs(200));
    let of = |kind: &str| {
        let counts = bench.decoder.counts().faults();
        counts
            .iter()
            .find(|(name, _)| *name == kind)
            .map(|(_, count)| *count)
    };
    assert_eq!(
        (of("green-conflict"), of("yellow-lamp")),
        (Some(2), Some(1))
    );
    assert_eq!(total(&bench), 3);
}

#[test]
fn a_controller_without_limits_and_log_is_asked_and_nothing_is_missing() {
    let mut bench = Bench::usual();
    bench.line = Box::new(|_, bytes| {
        // It does not know of them: what it says of each is refused.
        let frame = super::super::wire::parse(bytes).ok()?;
        let unknown = |address: Address| {
            address.class == 16 || address.class == 4 && (27..30).contains(&address.attribute)
        };
        let mut out = Vec::new();
        let mut plain = Vec::new();
        for refused in [false, true] {
            let kind = if refused {
                Kind::QueryError
            } else {
                frame.header.kind
            };
            let header = Header {
                kind,
                ..frame.header
            };
            let mut composer = Composer::new(&header, &mut plain);
            for value in frame
                .values()
                .filter(|value| unknown(value.address) == refused)
            {
                let data = if refused { &[0x30][..] } else { value.data };
                composer.value(value.address, data);
            }
            if !composer.is_empty() {
                composer.finish(Escaping::None, &mut out);
            }
        }
        Some(out)
    });
    bench.run(Duration::from_secs(130));
    assert!(bench.count("query-refused") > 0);
    assert_eq!(bench.count("unanswered-query"), 0);
    assert!(!bench.plans().is_empty() && bench.countdowns() > 1000);
}
