//! What was accepted can be encoded, and is the same when it comes back.

#![no_main]

use libfuzzer_sys::fuzz_target;
use v2x_msg::Message;

fuzz_target!(|octets: &[u8]| {
    let Ok((message, used)) = Message::decode_prefix(octets) else { return };
    // Unknown additions are dropped and short flags filled up to their root, 13 bits at the most
    // for a length of eight.
    let mut out = vec![0; 2 * used + 16];
    let len = message.encode_into(&mut out).expect("a message that was decoded has an encoding");
    let again = Message::decode(&out[..len]).expect("an encoding of ours is valid");
    assert_eq!(again, message);
});
