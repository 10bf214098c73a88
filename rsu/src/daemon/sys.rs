//! What the operating system offers and no safe library does: real-time scheduling, timer slack and
//! the state of the clock.
//!
//! One of two modules with `unsafe`, beside `allocations`, which debug builds alone have. Each block is one system call that takes plain
//! integers or a pointer to a local of the right type, keeps nothing of it, and reports failure by
//! its return value.
#![expect(
    unsafe_code,
    reason = "sched_setscheduler, setpriority, adjtimex, prctl and mlockall on fault have no safe door in our dependencies"
)]

use std::io;
use std::time::Duration;

use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;

/// How well the system clock keeps UTC, as the kernel knows from whoever disciplines it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockQuality {
    /// Somebody (NTP, PTP, GNSS) is disciplining the clock.
    pub synchronised: bool,
    /// The kernel's bound on the error; grows while nobody disciplines the clock.
    pub max_error: Duration,
}

/// Asks the kernel how well the clock keeps UTC.
///
/// # Errors
/// Where the system call is not allowed, as in some sandboxes.
pub(crate) fn clock_quality() -> io::Result<ClockQuality> {
    // SAFETY: `timex` is a C struct of integers, for which all zeroes is a value; `modes` of zero
    // makes the call read only, and the kernel writes within the struct that we own.
    let (state, timex) = unsafe {
        let mut timex: libc::timex = std::mem::zeroed();
        let state = libc::adjtimex(&raw mut timex);
        (state, timex)
    };
    if state < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(ClockQuality {
        synchronised: state != libc::TIME_ERROR && timex.status & libc::STA_UNSYNC == 0,
        max_error: Duration::from_micros(u64::try_from(timex.maxerror).unwrap_or(u64::MAX)),
    })
}

/// Puts the calling thread under SCHED_FIFO at `priority`, 1..=99; threads that it starts are
/// ordinary ones.
///
/// # Errors
/// Without CAP_SYS_NICE or a sufficient RLIMIT_RTPRIO.
pub(crate) fn run_fifo(priority: u8) -> io::Result<()> {
    let parameters = libc::sched_param {
        sched_priority: priority.into(),
    };
    let policy = libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK;
    // SAFETY: pid 0 is the calling thread; the kernel copies the struct, which outlives the call.
    let result = unsafe { libc::sched_setscheduler(0, policy, &raw const parameters) };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Lets others have the processor first, from now on: for the calling thread and those that it starts.
///
/// # Errors
/// As the kernel says.
#[cfg(feature = "console")]
pub(crate) fn stand_back() -> io::Result<()> {
    const NICENESS: libc::c_int = 10;
    // SAFETY: the call takes integers and no pointer.
    let result = unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, NICENESS) };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Asks the kernel to fire the calling thread's timers as close to their moment as it can.
///
/// Otherwise an ordinary thread's timers may be up to 50 us late, to save power.
///
/// # Errors
/// As the kernel says.
pub(crate) fn tighten_timers() -> io::Result<()> {
    const ONE_NANOSECOND: libc::c_ulong = 1;
    // SAFETY: this option of prctl takes one integer and no pointer.
    let result = unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, ONE_NANOSECOND) };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Keeps the calling thread on one processor core, counted from 0.
///
/// # Errors
/// Where there is no such core, or the process may not use it.
pub(crate) fn pin_to_core(core: usize) -> io::Result<()> {
    let mut cores = CpuSet::new();
    cores.set(core)?;
    sched_setaffinity(Pid::from_raw(0), &cores)?;
    Ok(())
}

/// Keeps every page that this process uses, now and later, in memory once it has been touched.
///
/// Pages are locked as they are touched and not ahead of it: otherwise the untouched part of every
/// thread's stack would count as used.
///
/// # Errors
/// Without CAP_IPC_LOCK or a sufficient RLIMIT_MEMLOCK.
pub(crate) fn lock_memory() -> io::Result<()> {
    // SAFETY: the call takes one integer and no pointer.
    let result =
        unsafe { libc::mlockall(libc::MCL_CURRENT | libc::MCL_FUTURE | libc::MCL_ONFAULT) };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_tells_its_clock_error_or_refuses_cleanly() {
        match clock_quality() {
            Ok(quality) => assert!(quality.max_error > Duration::ZERO),
            Err(refused) => eprintln!("skipped: adjtimex is refused here: {refused}"),
        }
    }

    #[test]
    fn timers_can_be_tightened_without_privileges() {
        tighten_timers().unwrap();
    }

    #[test]
    fn a_core_that_does_not_exist_is_refused() {
        assert!(pin_to_core(1_000_000).is_err());
        assert!(pin_to_core(1023).is_err());
    }
}
