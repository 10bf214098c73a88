//! Any bytes as what a platform sends: JSON of Huawei and OpenV2X, and RSI in UPER. Whatever is taken
//! has a name and an end, lies near the site, and can be told.

#![no_main]

use std::sync::LazyLock;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use rsu::events::cloud::{Dialect, Entry, Rules, Whole, parse, parse_uper};
use rsu::site::Site;
use v2x_msg::Message;
use v2x_msg::base::{MsgCount, StationId, Utc};
use v2x_msg::kinds::Rsi;

static SITE: LazyLock<Site> = LazyLock::new(|| {
    let text = include_str!("../../../configs/sites/moyu-boyuan.toml");
    Site::parse(text, "site.toml").expect("the site that ships")
});
const ID: StationId = StationId([0; 8]);
const LONGEST: Duration = Duration::from_secs(3600);

fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else {
        return;
    };
    // Ten minutes before New Year.
    let now = Utc::from_unix_ns(1_798_761_000_000_000_000);
    let rules = |dialect| Rules {
        dialect,
        longest: LONGEST,
        duration_unit: (first & 4 != 0).then_some(Duration::from_secs(60)),
    };
    let whole = match first & 3 {
        0 => parse(rest, &rules(Dialect::Huawei), &SITE, now),
        1 => parse(rest, &rules(Dialect::OpenV2x), &SITE, now),
        _ => parse_uper(rest, LONGEST, &SITE, now).unwrap_or_default(),
    };
    check(whole, now);
});

fn check(whole: Whole, now: Utc) {
    assert!(whole.ack.is_none_or(|number| (1..=32).contains(&number.len())));
    for told in whole.entries {
        assert!(!told.name.is_empty() && told.name.len() < 400);
        assert!(!told.name.chars().any(char::is_control));
        let Some(entry) = told.entry else { continue };
        assert!(told.until.is_some());
        let near = |pos| {
            let at = SITE.frame.enu(pos);
            at.east_m.hypot(at.north_m) < 20_000.0
        };
        let (rsi, pos) = match entry {
            Entry::Event(event) => (Rsi::of_events(MsgCount::from_random(1), ID, SITE.origin, [(*event).clone()]), event.pos),
            Entry::Sign(sign) => (Rsi::of_signs(MsgCount::from_random(1), ID, SITE.origin, [(*sign).clone()]), sign.pos),
        };
        assert!(pos.is_none_or(near));
        let rsi = rsi.expect("one entry");
        let mut message = Message::default();
        rsi.fill(&mut message);
        // What does not fit into a frame is refused where it is told.
        let mut frame = [0; 16_384];
        let length = message.encode_into(&mut frame).expect("what can be built");
        let heard = Message::decode(&frame[..length]).expect("a message");
        assert_eq!(Rsi::read(&heard).expect("an RSI"), rsi, "{now}");
    }
}
