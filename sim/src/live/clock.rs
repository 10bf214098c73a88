//! Simulated time as it goes live: real time, less what was lost by not keeping up.
//!
//! UTC is this machine's, as the daemon reads it, whatever the scenario says of its day. The two belong
//! together by an epoch, which is set anew where simulated time has stood still or somebody has set the
//! machine's clock.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use rsu::clock::{Mono, Now, Utc};

use crate::truth::Epoch;

/// Which moment of simulated time it is.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    began: Instant,
    at: Mono,
    epoch: Epoch,
    slipped: Duration,
}

impl Clock {
    /// Now is `at`.
    pub fn starting_at(at: Mono) -> Result<Self> {
        Ok(Self {
            began: Instant::now(),
            at,
            epoch: Epoch::new(at, system_utc()?),
            slipped: Duration::ZERO,
        })
    }

    /// The simulated moment of a real one.
    pub fn mono(&self, at: Instant) -> Mono {
        self.at + at.saturating_duration_since(self.began)
    }

    /// What time it is where `due` is the next that has not been done. What is too late makes simulated
    /// time fall behind rather than rush after real time: then true, and the epoch is another.
    pub fn keep_up(&mut self, due: Mono) -> Result<(Mono, bool)> {
        let read = Instant::now();
        let now = self.mono(read);
        let due = due.min(now);
        let behind = now.since(due);
        if behind <= PATIENCE {
            return Ok((now, false));
        }
        self.slipped += behind;
        self.began = read;
        self.at = due;
        self.epoch = Epoch::new(due, system_utc()?);
        Ok((due, true))
    }

    /// True if the machine's clock was set since: the epoch is another.
    pub fn was_set(&mut self) -> Result<bool> {
        let (read, system) = (self.mono(Instant::now()), system_utc()?);
        let off = self.epoch.utc(read).since(system) + system.since(self.epoch.utc(read));
        if off <= TOLERATED {
            return Ok(false);
        }
        self.epoch = Epoch::new(read, system);
        Ok(true)
    }

    /// How UTC and simulated time belong together.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// A simulated moment by both clocks.
    pub fn both(&self, mono: Mono) -> Now {
        Now {
            mono,
            utc: self.epoch.utc(mono),
        }
    }

    /// How far simulated time has fallen behind.
    pub fn slipped(&self) -> Duration {
        self.slipped
    }
}

fn system_utc() -> Result<Utc> {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .context("the system's clock is before 1970")?;
    Ok(Utc::from_unix_ns(0) + since)
}

/// So late, and simulated time falls behind.
const PATIENCE: Duration = Duration::from_millis(250);
/// What slewing and the two readings may make of it.
const TOLERATED: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_late_makes_simulated_time_stand_still_and_never_go_back() {
        let start = Mono::ZERO + Duration::from_secs(300);
        let mut clock = Clock::starting_at(start).expect("a clock after 1970");
        // As if a second had passed in which nothing was done.
        clock.began -= Duration::from_secs(1);
        let due = start + Duration::from_millis(100);
        let (now, slipped) = clock.keep_up(due).expect("a clock after 1970");
        assert_eq!((now, slipped), (due, true));
        assert!(clock.slipped() >= Duration::from_millis(900));
        assert!(clock.mono(Instant::now()) >= due);
        // The next reading has little behind it, unless this machine stood still itself.
        let (later, _) = clock.keep_up(Mono::NEVER).expect("a clock after 1970");
        assert!(later >= due);
    }
}
