//! What lies below the message: a DSMP frame, a security envelope. Any octets do no harm, and a
//! frame that we send is the one that is heard.

#![no_main]

use libfuzzer_sys::fuzz_target;
use v2x_msg::access::dsmp::{self, Frame, MAX_DATA, MAX_HEADER};
use v2x_msg::access::{Aid, envelope};

fuzz_target!(|octets: &[u8]| {
    let inside = match dsmp::parse(octets) {
        Ok(frame) => {
            assert!(frame.data.len() <= MAX_DATA && octets.ends_with(frame.data));
            frame.data
        }
        Err(_) => octets,
    };
    if let Ok(opened) = envelope::open(inside) {
        assert!(envelope::looks_like(inside) && opened.data.len() < inside.len());
    }

    let Some((choice, data)) = octets.split_first() else { return };
    let aid = Aid::ALL[usize::from(*choice) % Aid::ALL.len()];
    let mut out = [0; MAX_HEADER + MAX_DATA];
    let mut frame = Frame::begin(aid, &mut out).expect("room for a header");
    let Some(room) = frame.data().get_mut(..data.len()) else { return };
    room.copy_from_slice(data);
    let len = frame.finish(data.len()).expect("no longer than allowed");
    let heard = dsmp::parse(&out[..len]).expect("ours is valid");
    assert_eq!((heard.aid(), heard.data), (Ok(aid), data));
});
