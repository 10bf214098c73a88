//! Any octets, into a message that is used again: no panic, and the same as into a new one.

#![no_main]

use std::cell::RefCell;

use libfuzzer_sys::fuzz_target;
use v2x_msg::Message;

thread_local! {
    static USED: RefCell<Message> = RefCell::default();
}

fuzz_target!(|octets: &[u8]| {
    USED.with_borrow_mut(|used| {
        let fresh = Message::decode(octets);
        match used.decode_into(octets) {
            Ok(()) => assert_eq!(fresh.as_ref(), Ok(&*used)),
            Err(error) => {
                assert!(error.at_bit <= octets.len() * 8);
                assert_eq!(fresh, Err(error));
            }
        }
    });
});
