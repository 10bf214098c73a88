//! Sockets, threads and clocks: the station in a process of its own.

mod backoff;
mod clock;
pub mod fuse;
mod latency;
mod mailbox;
pub mod probe;
mod radio;
mod stop;
mod sys;
