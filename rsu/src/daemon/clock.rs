//! The one place that reads the machine's clocks.
//!
//! `Mono` is CLOCK_MONOTONIC since boot, `Utc` is CLOCK_REALTIME. The kernel stamps datagrams by
//! CLOCK_REALTIME, so a stamp becomes a `Mono` by the relation of the two clocks at the moment when
//! it is read; a step of the clock in between would put it anywhere, so what is not within a second
//! before now is taken as now.

use std::time::Duration;

use nix::sys::time::TimeSpec;
use nix::time::{ClockId, clock_gettime};

use crate::clock::{Mono, Now, Utc};

/// Longest that a datagram may plausibly have waited between the kernel and us.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// Reads both clocks.
pub(crate) fn now() -> Now {
    Now {
        mono: mono(),
        utc: Utc::from_unix_ns(nanos(read(ClockId::CLOCK_REALTIME))),
    }
}

/// Reads the clock that never steps.
pub(crate) fn mono() -> Mono {
    let nanos = nanos(read(ClockId::CLOCK_MONOTONIC));
    Mono::from_nanos(u64::try_from(nanos).unwrap_or(0))
}

/// When a datagram arrived by the kernel's stamp of it, read just now.
pub(crate) fn arrival(stamp: TimeSpec, now: Now) -> Now {
    let stamp = Utc::from_unix_ns(nanos(stamp));
    let waited = Duration::from_nanos(u64::try_from(now.utc.ns_since(stamp)).unwrap_or(u64::MAX));
    if waited > LONGEST_WAIT {
        return now;
    }
    Now {
        mono: now.mono - waited,
        utc: stamp,
    }
}

fn read(clock: ClockId) -> TimeSpec {
    clock_gettime(clock).expect("both clocks exist on every Linux")
}

fn nanos(time: TimeSpec) -> i64 {
    time.tv_sec()
        .saturating_mul(1_000_000_000)
        .saturating_add(time.tv_nsec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(utc_ns: i64) -> Now {
        Now {
            mono: Mono::from_nanos(50_000_000_000),
            utc: Utc::from_unix_ns(utc_ns),
        }
    }

    #[test]
    fn monotonic_time_moves_forward() {
        let first = mono();
        let second = mono();
        assert!(second >= first);
        assert!(first > Mono::ZERO);
    }

    #[test]
    fn a_stamp_becomes_a_moment_of_both_clocks() {
        let arrived = arrival(TimeSpec::new(99, 999_000_000), at(100_000_000_000));
        assert_eq!(arrived.mono, Mono::from_nanos(49_999_000_000));
        assert_eq!(arrived.utc, Utc::from_unix_ns(99_999_000_000));
    }

    #[test]
    fn a_stamp_from_the_future_or_long_past_is_taken_as_now() {
        let now = at(100_000_000_000);
        assert_eq!(arrival(TimeSpec::new(100, 1), now), now);
        assert_eq!(arrival(TimeSpec::new(98, 0), now), now);
    }
}
