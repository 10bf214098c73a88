//! Rules of the decoder, each on sentences of its own.

use proptest::prelude::*;
use v2x_msg::base::GeoPosition;

use super::*;

pub(super) fn now(unix_ms: i64) -> Now {
    Now {
        mono: Mono::from_nanos(1_000_000_000_000),
        utc: Utc::from_unix_ms(unix_ms).unwrap(),
    }
}

pub(super) fn hear(form: Form, at: Now, bytes: &[u8]) -> (Vec<Receiver>, Decoder) {
    let origin = GeoPosition::from_deg(31.0, 121.0, None).unwrap();
    let mut decoder = Decoder::new(Config {
        form,
        frame: EnuFrame::new(origin),
        ..Config::default()
    });
    let mut heard = Vec::new();
    decoder.push(at, bytes, &mut |content| match content {
        Content::Receiver(receiver) => heard.push(receiver),
        other => panic!("{other:?}"),
    });
    (heard, decoder)
}

pub(super) fn counted(decoder: &Decoder, kind: &str) -> u64 {
    let counts = decoder.counts();
    [counts.rejected(), counts.ignored(), counts.tolerated()]
        .into_iter()
        .flatten()
        .find(|(name, _)| *name == kind)
        .unwrap_or_else(|| panic!("{kind} is no kind"))
        .1
}

const START_MS: i64 = 1_790_000_000_000;

#[test]
fn what_the_emitter_says_is_what_the_decoder_hears() {
    let said = now(START_MS + 250);
    let mut bytes = Vec::new();
    Emitter.epoch(said.utc, Some((31.0001, 121.0)), &mut bytes);
    let arrived = now(START_MS + 600);
    let (heard, decoder) = hear(Form::Nmea, arrived, &bytes);
    assert_eq!(heard.len(), 1, "one report a pair");
    let receiver = heard[0];
    assert_eq!((receiver.fix, receiver.utc), (Fix::Alone, Some(said.utc)));
    assert!((receiver.clock_ahead_s.unwrap() - 0.35).abs() < 1e-6);
    assert!((receiver.offset_m.unwrap() - 11.09).abs() < 0.02);
    assert_eq!(
        (receiver.satellites_used, receiver.hdop),
        (Some(9), Some(0.9))
    );
    for kind in ["no-fix", "clock-differs", "place-differs"] {
        assert_eq!(counted(&decoder, kind), 0, "{kind}");
    }
}

#[test]
fn a_clock_and_a_place_that_differ_are_counted() {
    let mut bytes = Vec::new();
    Emitter.epoch(now(START_MS).utc, Some((-31.5, -121.0)), &mut bytes);
    let (heard, decoder) = hear(Form::Nmea, now(START_MS + 3_600_000), &bytes);
    assert_eq!(
        heard[0]
            .place_deg
            .map(|(lat, lon)| (lat < -31.0, lon < -120.0)),
        Some((true, true))
    );
    assert_eq!(
        (
            counted(&decoder, "clock-differs"),
            counted(&decoder, "place-differs")
        ),
        (1, 1)
    );
}

#[test]
fn a_place_that_is_reckoned_on_is_no_fix_whichever_sentence_says_so() {
    for quality in ["6", "7", "8"] {
        for mode in [&["E"][..], &["A"], &[]] {
            let mut bytes = Vec::new();
            for second in ["01", "02", "03"] {
                let time = format!("0741{second}.000");
                let place = ["3110.0", "N", "12110.0", "E"];
                let rmc = [
                    &[time.as_str(), "A"],
                    &place[..],
                    &["0.0", "", "220926", "", ""],
                    mode,
                ]
                .concat();
                wire::emit("GNRMC", &rmc, &mut bytes);
                let gga = [&[time.as_str()], &place[..], &[quality, "04", "2.0"]].concat();
                wire::emit("GNGGA", &gga, &mut bytes);
            }
            let (heard, _) = hear(Form::Nmea, now(START_MS), &bytes);
            assert_eq!(heard.len(), 3);
            // The first comes before anything has told.
            let told = if mode == ["E"] {
                &heard[..]
            } else {
                &heard[1..]
            };
            assert!(
                told.iter()
                    .all(|said| said.fix == Fix::None && said.place_deg.is_none())
            );
        }
    }
}

#[test]
fn a_receiver_without_a_fix_compares_nothing() {
    let mut bytes = Vec::new();
    Emitter.epoch(now(0).utc, None, &mut bytes);
    let (heard, decoder) = hear(Form::Nmea, now(START_MS), &bytes);
    let receiver = heard[0];
    assert_eq!(
        (receiver.fix, receiver.place_deg, receiver.clock_ahead_s),
        (Fix::None, None, None)
    );
    assert_eq!(
        (
            counted(&decoder, "no-fix"),
            counted(&decoder, "clock-differs")
        ),
        (1, 0)
    );
}

#[test]
fn beidou_is_heard_by_both_its_names() {
    for talker in ["BD", "GB"] {
        let mut bytes = Vec::new();
        let rmc = [
            "074150.799",
            "A",
            "3110.0",
            "N",
            "12120.0",
            "E",
            "0",
            "",
            "200926",
            "",
            "",
            "A",
        ];
        wire::emit(&format!("{talker}RMC"), &rmc, &mut bytes);
        wire::emit(&format!("{talker}GSV"), &["1", "1", "11"], &mut bytes);
        wire::emit(&format!("{talker}RMC"), &rmc, &mut bytes);
        let (heard, _) = hear(Form::Nmea, now(START_MS), &bytes);
        assert_eq!(heard[1].satellites_in_view, Some(11));
        let (lat, lon) = heard[0].place_deg.unwrap();
        assert!((lat - 31.166_666_7).abs() < 1e-6 && (lon - 121.333_333_3).abs() < 1e-6);
    }
}

#[test]
fn zda_dates_a_receiver_that_sends_no_rmc() {
    let mut bytes = Vec::new();
    wire::emit(
        "GNZDA",
        &["120000.00", "20", "09", "2026", "00", "00"],
        &mut bytes,
    );
    let gga = [
        "120000.00",
        "3100.0",
        "N",
        "12100.0",
        "E",
        "4",
        "20",
        "0.5",
        "4",
        "M",
        "9",
        "M",
        "",
        "",
    ];
    (0..5).for_each(|_| wire::emit("GNGGA", &gga, &mut bytes));
    let (heard, _) = hear(Form::Nmea, now(START_MS), &bytes);
    assert_eq!(heard.len(), 2);
    assert_eq!(
        (heard[0].fix, heard[0].utc.unwrap().to_string()),
        (Fix::Rtk, "2026-09-20T12:00:00.000Z".to_owned())
    );
}

/// A GGA of a place, at a time of day.
fn gga(time: &str, bytes: &mut Vec<u8>) {
    let rest = ["4", "20", "0.5", "4", "M", "9", "M", "", ""];
    let place = [time, "3100.0", "N", "12100.0", "E"];
    wire::emit("GNGGA", &[&place[..], &rest].concat(), bytes);
}

#[test]
fn at_midnight_the_clock_does_not_jump() {
    // A receiver that sends no RMC, and its ZDA behind each GGA; with a leap second, and without.
    for times in [
        [
            "235957.00",
            "235958.00",
            "235959.00",
            "000000.00",
            "000001.00",
        ],
        [
            "235958.00",
            "235959.00",
            "235960.00",
            "000000.00",
            "000001.00",
        ],
    ] {
        let mut decoder = Decoder::new(Config::default());
        let mut utc = Vec::new();
        let zda = |time: &str, day: &str, bytes: &mut Vec<u8>| {
            wire::emit("GNZDA", &[time, day, "12", "2026", "00", "00"], bytes);
        };
        let mut bytes = Vec::new();
        zda("235950.00", "30", &mut bytes);
        (0..4).for_each(|_| gga("235950.00", &mut bytes));
        for time in times {
            gga(time, &mut bytes);
            let day = if time < "1" { "31" } else { "30" };
            zda(time, day, &mut bytes);
        }
        decoder.push(now(START_MS), &bytes, &mut |content| match content {
            Content::Receiver(receiver) => utc.push(receiver.utc.unwrap().unix_ms()),
            other => panic!("{other:?}"),
        });
        let seen = &utc[1..];
        assert_eq!(seen.len(), 5);
        let steps = seen.windows(2).map(|pair| pair[1] - pair[0]);
        assert!(steps.clone().all(|ms| ms == 0 || ms == 1000), "{seen:?}");
        assert!(steps.sum::<i64>() >= 3000, "{seen:?}");
    }
}

#[test]
fn what_was_known_is_forgotten_with_the_link_and_with_the_satellites() {
    let mut decoder = Decoder::new(Config::default());
    let hear = |decoder: &mut Decoder, seconds: u64, bytes: &[u8]| {
        let mut heard = None;
        let start = now(START_MS);
        let at = Now {
            mono: start.mono + Duration::from_secs(seconds),
            ..start
        };
        decoder.push(at, bytes, &mut |content| {
            let Content::Receiver(receiver) = content else {
                panic!("{content:?}")
            };
            heard = Some(receiver);
        });
        heard
    };
    let said = |talker: &str, count: &str| {
        let mut bytes = Vec::new();
        wire::emit(talker, &["1", "1", count], &mut bytes);
        Emitter.epoch(Utc::from_unix_ms(START_MS).unwrap(), None, &mut bytes);
        bytes
    };
    hear(&mut decoder, 0, &said("GPGSV", "09"));
    let both = hear(&mut decoder, 1, &said("BDGSV", "12")).unwrap();
    assert_eq!(both.satellites_in_view, Some(21));
    // BeiDou alone from now on.
    let one = hear(&mut decoder, 60, &said("BDGSV", "11")).unwrap();
    assert_eq!(one.satellites_in_view, Some(11));
    decoder.link_restarted();
    let mut bytes = Vec::new();
    (0..4).for_each(|_| gga("120000.00", &mut bytes));
    let other = hear(&mut decoder, 61, &bytes).unwrap();
    assert_eq!((other.satellites_in_view, other.utc), (None, None));
}

#[test]
fn damaged_lines_are_counted_by_kind() {
    let mut good = Vec::new();
    Emitter.epoch(now(START_MS).utc, Some((31.0, 121.0)), &mut good);
    let mut bytes = b"xyz\r\n$GNRMC,1".to_vec();
    bytes.extend(&good);
    let mut bent = good.clone();
    bent[10] ^= 1;
    bytes.extend(bent);
    bytes.extend(b"$GPXXX*zz\r\n$");
    bytes.extend([b'A'; 300]);
    bytes.extend(b"\r\n$PSRF,1*00\r\n");
    let (_, decoder) = hear(Form::Nmea, now(START_MS), &bytes);
    for (kind, count) in [
        ("noise", 1),
        ("cut", 1),
        ("checksum", 2),
        ("sentence", 1),
        ("too-long", 1),
    ] {
        assert_eq!(
            counted(&decoder, kind),
            count,
            "{kind}: {:?}",
            decoder.counts()
        );
    }
    assert_eq!(decoder.counts().accepted(), 3);
}

#[test]
fn gpsd_is_asked_once_a_connection() {
    let mut decoder = Decoder::new(Config {
        form: Form::Gpsd,
        ..Config::default()
    });
    let mut out = Vec::new();
    assert_eq!(decoder.poll_timeout(), Mono::ZERO);
    assert!(decoder.poll_query(now(0), &mut out) && !decoder.poll_query(now(0), &mut out));
    assert!(out.starts_with(b"?WATCH="));
    assert_eq!(decoder.poll_timeout(), Mono::NEVER);
    decoder.link_restarted();
    assert!(decoder.poll_query(now(0), &mut out));
}

#[test]
fn gpsd_tells_place_time_and_satellites() {
    let text = r#"{"class":"VERSION","release":"3.22"}
        {"class":"SKY","nSat":30,"uSat":12,"hdop":0.7,"satellites":[{"PRN":1}]}
        {"class":"TPV","mode":3,"status":2,"time":"2026-09-21T14:13:20.250Z","lat":31.0,"lon":121.0}
        {"class":"TPV","mode":1}{x}"#;
    let (heard, decoder) = hear(Form::Gpsd, now(START_MS + 250), text.as_bytes());
    assert_eq!(
        (heard[0].fix, heard[0].satellites_used),
        (Fix::Differential, Some(12))
    );
    assert!(heard[0].clock_ahead_s.unwrap().abs() < 1e-6 && heard[0].offset_m.unwrap() < 0.01);
    assert_eq!(heard[1].fix, Fix::None);
    assert_eq!(
        (counted(&decoder, "other-class"), counted(&decoder, "json")),
        (1, 1)
    );
}

proptest! {
    #[test]
    fn any_bytes_do_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..400), gpsd: bool) {
        hear(if gpsd { Form::Gpsd } else { Form::Nmea }, now(0), &bytes);
    }

    #[test]
    fn any_fields_do_no_harm(fields in proptest::collection::vec("[0-9.NSEWA-]{0,12}", 0..20), kind in 0..5_usize) {
        let mut bytes = Vec::new();
        let kind = ["GNRMC", "GNGGA", "GNZDA", "GNGSA", "GPGSV"][kind];
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        (0..5).for_each(|_| wire::emit(kind, &fields, &mut bytes));
        let (heard, _) = hear(Form::Nmea, now(0), &bytes);
        for receiver in heard {
            prop_assert!(receiver.offset_m.is_none_or(f64::is_finite));
        }
    }
}
