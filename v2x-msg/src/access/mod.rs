//! What lies below the message on the radio: the DSMP header ([`dsmp`]) and who is spoken to
//! ([`Aid`]). Source: YD/T 3707-2020, tested by YD/T 3708-2020; numbers by YD/T 4008-2022.
//!
//! [`envelope`] finds the message in a security envelope.
//!
//! Not here: the envelope's signature; the radio itself.

mod aid;
pub mod dsmp;
pub mod envelope;

pub use aid::{Aid, UnknownAid, pppp};
