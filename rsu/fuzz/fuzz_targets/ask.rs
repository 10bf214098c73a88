//! Any text as what a person orders: it is refused with reasons, or it is something that can be told.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use rsu::events::ask::{self, Entry};
use rsu::site::Site;
use v2x_msg::base::{MsgCount, StationId, Utc};
use v2x_msg::kinds::Rsi;

static SITE: LazyLock<Site> = LazyLock::new(|| {
    let text = include_str!("../../../configs/sites/moyu-boyuan.toml");
    Site::parse(text, "site.toml").expect("the site that ships")
});

const ID: StationId = StationId([0; 8]);

fuzz_target!(|bytes: &[u8]| {
    let Ok(value) = serde_json::from_slice(bytes) else {
        return;
    };
    let now = Utc::from_unix_ns(1_798_761_000_000_000_000);
    match ask::parse(&value, &SITE, now) {
        Ok(asked) => {
            assert!(asked.until.is_none_or(|until| until > now));
            let count = MsgCount::from_random(1);
            let rsi = match asked.entry {
                Entry::Event(event) => Rsi::of_events(count, ID, SITE.origin, [*event]),
                Entry::Sign(sign) => Rsi::of_signs(count, ID, SITE.origin, [*sign]),
            };
            let rsi = rsi.expect("one entry");
            let mut message = v2x_msg::Message::default();
            rsi.fill(&mut message);
            // What does not fit into a frame is refused where it is told.
            let mut frame = [0; 16_384];
            let length = message.encode_into(&mut frame).expect("what can be built");
            let heard = v2x_msg::Message::decode(&frame[..length]).expect("a message");
            assert_eq!(Rsi::read(&heard).expect("an RSI"), rsi);
        }
        Err(faults) => assert!(!faults.is_empty()),
    }
});
