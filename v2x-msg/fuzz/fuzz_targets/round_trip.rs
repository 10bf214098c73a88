//! What was accepted can be encoded, and is the same when it comes back; a frame of which nothing
//! was dropped comes back octet by octet.

#![no_main]

use libfuzzer_sys::fuzz_target;
use v2x_msg::Message;
use v2x_msg::uper::DecodeErrorKind;

fuzz_target!(|octets: &[u8]| {
    let mut lenient = Message::default();
    let used = lenient.decode_lenient_into(octets);
    // Short flags are filled up to their root, 13 bits at the most for a length of eight.
    let mut out = vec![0; 2 * octets.len() + 16];

    if let Ok((message, len)) = Message::decode_prefix(octets) {
        assert_eq!((&lenient, used), (&message, Ok(len)), "a lenient receiver hears the same");
    }
    if used.is_ok() {
        let len = lenient.encode_into(&mut out).expect("what was decoded has an encoding");
        match Message::decode(&out[..len]) {
            Ok(again) => assert_eq!(again, lenient),
            // Without what was dropped, the frame is shorter, and may ask for less memory.
            Err(error) => assert!(
                error.kind == DecodeErrorKind::TooCostly && len < octets.len(),
                "an encoding of ours is refused: {error}"
            ),
        }
    }
    if let Ok(kept) = Message::decode_keeping(octets) {
        let len = kept.encode_into(&mut out).expect("what was decoded has an encoding");
        // All that a strict reader may change are flags shorter than their root, or beyond 64.
        if out[..len] != *octets {
            let again = Message::decode_keeping(&out[..len]).expect("an encoding of ours is valid");
            assert_eq!(again, kept);
            let mut second = vec![0; out.len()];
            let second_len = again.encode_into(&mut second).expect("it has an encoding");
            assert_eq!(second[..second_len], out[..len]);
        }
    }
});
