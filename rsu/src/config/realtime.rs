//! `[realtime]`: what is asked of the operating system, so that messages leave on time.

use std::time::Duration;

use crate::sheet::Table;

/// Wishes; what the system refuses is told, and the daemon goes on without it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Realtime {
    /// SCHED_FIFO at this priority for the heart, one below for the receivers; None: ordinary
    /// scheduling.
    pub fifo_priority: Option<u8>,
    /// Whether memory is kept from being swapped out.
    pub lock_memory: bool,
    /// The processor core that the heart keeps to, counted from 0; None: any.
    pub heart_core: Option<usize>,
    /// How long the heart waits awake before a deadline.
    pub spin: Duration,
}

/// Reads the section. The heart is woken for two deadlines in 100 ms; above 1 ms in 100 ms awake the
/// kernel's throttle stalls a FIFO thread for 35 to 300 ms, hence the limit of `spin-us`.
pub(super) fn read(root: &mut Table<'_, '_>) -> Realtime {
    let mut table = root.table("realtime");
    let spin = table.integer("spin-us", 0..=400);
    let realtime = Realtime {
        fifo_priority: table
            .integer("fifo-priority", 2..=90)
            .map(|n| n.value as u8),
        lock_memory: table.boolean("lock-memory").unwrap_or(false),
        heart_core: table
            .integer("heart-core", 0..=1023)
            .map(|n| n.value as usize),
        spin: Duration::from_micros(spin.map_or(0, |us| us.value.unsigned_abs())),
    };
    table.finish();
    realtime
}
