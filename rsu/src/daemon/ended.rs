//! That somebody wishes a program to end, for programs that have a daemon within them and a loop of
//! their own: SIGTERM or SIGINT raise a flag, and a second one later on ends all at once. Not here:
//! `rsu run`, which takes other signals too.

use std::io;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use super::{clock, threads};

/// Signals that come together are one wish: `timeout` of GNU sends one to the program and the next to its
/// group, to which the program belongs.
pub(super) const ONE_WISH: Duration = Duration::from_millis(500);
/// As a shell tells that a program was ended by SIGINT.
const AT_ONCE: i32 = 130;

/// A flag that is up once the program is to end.
///
/// # Errors
/// Where the system refuses what that takes.
pub fn on_signal() -> io::Result<Arc<AtomicBool>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    let flag = Arc::<AtomicBool>::default();
    let raised = Arc::clone(&flag);
    // From here on they are ours: none is missed before the thread looks.
    let (mut terminate, mut interrupt) = {
        let _inside = runtime.enter();
        (
            signal(SignalKind::terminate())?,
            signal(SignalKind::interrupt())?,
        )
    };
    let wait = move || {
        runtime.block_on(async {
            let mut first = None;
            loop {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                let now = clock::mono();
                if now.since(*first.get_or_insert(now)) > ONE_WISH {
                    process::exit(AT_ONCE);
                }
                raised.store(true, Ordering::Relaxed);
            }
        });
    };
    threads::start("signals", wait)
        .map_err(io::Error::other)
        .map(|_| flag)
}
