//! Controllers over real sockets and a real serial line.
