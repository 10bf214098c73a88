//! May a message claim a time? Only while the clock is known to be good enough.
//!
//! T/CSAE 159-2020 wants the times of SPAT and RSI within 150 ms of UTC. SPAT and RSM rest on times
//! and are not sent otherwise; MAP and RSI go out without theirs. Not here: how the clock's error is
//! found, which the shell knows.

use std::time::Duration;

use crate::services::Event;

/// What the shell knows of the UTC clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockState {
    /// Whether something disciplines it: GNSS, PTP or NTP.
    pub synchronised: bool,
    /// The largest error it may have; None if unknown.
    pub error: Option<Duration>,
}

/// The configured limit, and what the clock's state means for it.
#[derive(Clone, Debug)]
pub(super) struct ClockRule {
    limit: Option<Duration>,
    fit: bool,
    heard: bool,
}

impl ClockRule {
    /// With a limit, the clock is unfit until its state is known.
    pub(super) fn new(limit: Option<Duration>) -> Self {
        Self {
            limit,
            fit: limit.is_none(),
            heard: false,
        }
    }

    /// Takes the clock's state; tells when it has become fit or unfit.
    pub(super) fn handle(&mut self, state: ClockState) -> Option<Event> {
        let limit = self.limit?;
        let fit = state.synchronised && state.error.is_some_and(|error| error <= limit);
        let news = fit != self.fit || !self.heard;
        self.fit = fit;
        self.heard = true;
        news.then_some(if fit {
            Event::ClockFit
        } else {
            Event::ClockUnfit { error: state.error }
        })
    }

    /// Whether a time may be sent.
    pub(super) fn is_fit(&self) -> bool {
        self.fit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(synchronised: bool, error_ms: Option<u64>) -> ClockState {
        ClockState {
            synchronised,
            error: error_ms.map(Duration::from_millis),
        }
    }

    #[test]
    fn without_a_limit_the_clock_is_trusted() {
        let mut rule = ClockRule::new(None);
        assert!(rule.is_fit());
        assert_eq!(rule.handle(state(false, None)), None);
        assert!(rule.is_fit());
    }

    #[test]
    fn with_a_limit_an_unknown_clock_is_unfit() {
        assert!(!ClockRule::new(Some(Duration::from_millis(150))).is_fit());
    }

    #[test]
    fn the_clock_is_fit_within_the_limit_and_says_so_once() {
        let mut rule = ClockRule::new(Some(Duration::from_millis(150)));
        let unfit = |ms| {
            Some(Event::ClockUnfit {
                error: Some(Duration::from_millis(ms)),
            })
        };
        assert_eq!(rule.handle(state(true, Some(151))), unfit(151));
        assert_eq!(rule.handle(state(true, Some(150))), Some(Event::ClockFit));
        assert_eq!(rule.handle(state(true, Some(10))), None);
        assert!(rule.is_fit());
        assert_eq!(rule.handle(state(false, Some(10))), unfit(10));
        assert_eq!(rule.handle(state(true, None)), None);
        assert!(!rule.is_fit());
    }
}
