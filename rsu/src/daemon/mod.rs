//! What touches the operating system: sockets, threads, the clock, the commands.

pub mod fuse;
