//! What the process takes of the machine: processor time, memory, threads. Asked of the kernel when
//! somebody looks, never on the straight path.

use std::fs;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// As the kernel says just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    /// Of all threads, in the program and in the kernel, since the start.
    pub(crate) processor: Duration,
    /// Memory in use.
    pub(crate) resident_bytes: u64,
    pub(crate) threads: u64,
}

/// None where the kernel does not say.
pub(crate) fn taken() -> Option<Taken> {
    let processor = clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).ok()?;
    let status = fs::read_to_string("/proc/self/status").ok()?;
    Some(Taken {
        processor: processor.into(),
        resident_bytes: field(&status, "VmRSS:")? * 1024,
        threads: field(&status, "Threads:")?,
    })
}

/// The number of a line of proc_pid_status(5).
fn field(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_kernel_are_understood() {
        let status = "Name:\trsu\nVmRSS:\t   14500 kB\nThreads:\t9\n";
        assert_eq!(field(status, "VmRSS:"), Some(14_500));
        assert_eq!(field(status, "Threads:"), Some(9));
        assert_eq!(field(status, "VmSwap:"), None);
    }

    #[test]
    fn this_process_takes_something() {
        let told = taken().unwrap();
        assert!(told.threads >= 1, "{told:?}");
        assert!(told.resident_bytes > 1_000_000, "{told:?}");
        assert!(told.processor > Duration::ZERO, "{told:?}");
    }
}
