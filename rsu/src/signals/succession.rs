//! Whether another plan follows the one that is running, and up to when the running one speaks.
//!
//! A controller may say which plan its next cycle runs. Where that is another one, nothing is promised
//! beyond the end of this cycle: what comes then is told by the new plan, once it runs. Some may mean
//! by it the next plan of their day, hours away: whose running plan simply goes on is not believed
//! again until its plan has really changed. Not here: the plans.

use std::time::Duration;

use crate::clock::Mono;

/// Ends this near to the change of plans may be put off by it.
const NEAR: Duration = Duration::from_millis(500);

/// What was said of the plan after this one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Succession {
    /// Nothing, or that it is the same.
    #[default]
    Same,
    /// It is another one, from the end of the cycle that is running; where in its cycle the controller
    /// is, is not known yet.
    Other,
    /// It is another one, from this moment on.
    OtherFrom(Mono),
    /// What was said did not come.
    NotBelieved,
}

impl Succession {
    /// The next cycle is said to run another plan.
    pub(super) fn announce(&mut self) {
        if *self == Self::Same {
            *self = Self::Other;
        }
    }

    /// The next cycle is said to run the same plan.
    pub(super) fn call_off(&mut self) {
        if *self != Self::NotBelieved {
            *self = Self::Same;
        }
    }

    /// The lamps follow the running plan, in a cycle that ends then.
    pub(super) fn follow(&mut self, arrived: Mono, ends: Mono, cycle: Duration) {
        match *self {
            Self::Other => *self = Self::OtherFrom(ends),
            Self::OtherFrom(from) if arrived > from + cycle => *self = Self::NotBelieved,
            Self::Same | Self::OtherFrom(_) | Self::NotBelieved => {}
        }
    }

    /// The running plan is said to be the running one.
    pub(super) fn goes_on(&mut self, at: Mono) {
        if let Self::OtherFrom(from) = *self
            && at > from
        {
            *self = Self::NotBelieved;
        }
    }

    /// Whether the running plan speaks of a light that ends then; at [`Mono::NEVER`] for one without
    /// an end.
    pub(super) fn holds(self, end: Mono) -> bool {
        match self {
            Self::Same | Self::NotBelieved => true,
            Self::Other => false,
            Self::OtherFrom(from) => end < from - NEAR,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CYCLE: Duration = Duration::from_secs(100);

    fn s(seconds: u64) -> Mono {
        Mono::ZERO + Duration::from_secs(seconds)
    }

    #[test]
    fn nothing_is_promised_beyond_the_last_cycle_of_a_plan() {
        let mut succession = Succession::default();
        assert!(succession.holds(s(150)));
        succession.announce();
        assert!(!succession.holds(s(60)), "who knows where the cycle is");
        succession.follow(s(40), s(100), CYCLE);
        succession.announce();
        assert!(succession.holds(s(99)) && !succession.holds(s(100)));
        assert!(!succession.holds(Mono::NEVER));
        succession.call_off();
        assert!(succession.holds(s(150)));
    }

    #[test]
    fn who_announced_a_plan_that_did_not_come_is_not_believed_again() {
        for told in [true, false] {
            let mut succession = Succession::default();
            succession.announce();
            succession.follow(s(40), s(100), CYCLE);
            succession.follow(s(180), s(200), CYCLE);
            succession.goes_on(s(90));
            assert!(!succession.holds(s(190)), "it may have come unseen");
            if told {
                succession.goes_on(s(181));
            } else {
                succession.follow(s(201), s(300), CYCLE);
            }
            succession.announce();
            succession.call_off();
            succession.announce();
            assert_eq!(succession, Succession::NotBelieved);
            assert!(succession.holds(s(500)));
        }
    }
}
