//! What devices make of the truth, said in the devices' own protocols.
//!
//! - [`ars408`]: radars that look along an approach
//! - [`gat1743`]: the signal controller
//!
//! Each is driven by time alone: `poll_timeout` says when it acts next, and what it says comes out as
//! the bytes of its protocol with the moment at which they arrive. No sockets here: the stage hands
//! the bytes to a decoder, the live stage to a socket.

pub mod ars408;
pub mod gat1743;
