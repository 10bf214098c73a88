//! Doors into the peers: what asn1c and rasn make of our schema.
//!
//! Here, and only here, C is called: the one door in this repository that needs `unsafe` for a
//! measurement alone. Nothing of it is part of any program.

use std::ffi::{c_int, c_long, c_ulong, c_void};
use std::ptr;

/// What rasn-compiler makes of our schema.
#[allow(warnings)]
pub mod generated {
    include!(concat!(env!("OUT_DIR"), "/rasn_peer.rs"));
}

unsafe extern "C" {
    fn peer_decode(octets: *const u8, length: c_ulong, message: *mut *mut c_void) -> c_int;
    fn peer_encode(message: *mut c_void, octets: *mut u8, size: c_ulong) -> c_long;
    fn peer_free(message: *mut c_void);
}

/// A message in asn1c's memory.
#[derive(Debug)]
pub struct Asn1c(*mut c_void);

impl Asn1c {
    /// None where asn1c refuses the octets.
    pub fn decode(octets: &[u8]) -> Option<Self> {
        let mut message = ptr::null_mut();
        // SAFETY: the octets are borrowed for the call, and `message` starts out as null, which asks
        // asn1c to allocate; what it leaves there, even on failure, is freed by `drop`.
        let code =
            unsafe { peer_decode(octets.as_ptr(), octets.len() as c_ulong, &raw mut message) };
        let decoded = Self(message);
        (code == 0).then_some(decoded)
    }

    /// The length of the encoding in `out`; None where asn1c refuses the value.
    pub fn encode(&self, out: &mut [u8]) -> Option<usize> {
        // SAFETY: `self.0` was made by `peer_decode`; asn1c writes at most `out.len()` octets.
        let length = unsafe { peer_encode(self.0, out.as_mut_ptr(), out.len() as c_ulong) };
        usize::try_from(length).ok()
    }
}

impl Drop for Asn1c {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: made by `peer_decode` and not freed before.
            unsafe { peer_free(self.0) }
        }
    }
}
