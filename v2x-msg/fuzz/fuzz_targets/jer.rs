//! The JSON view: any text does no harm, and what a frame holds comes back.

#![no_main]

use libfuzzer_sys::fuzz_target;
use v2x_msg::Message;

fuzz_target!(|octets: &[u8]| {
    if let Ok(text) = str::from_utf8(octets) {
        let _ = Message::from_jer(text);
    }
    if let Ok((message, _)) = Message::decode_prefix(octets) {
        let read = Message::from_jer(&message.to_jer()).expect("our own text is valid");
        assert_eq!(read, message);
    }
});
