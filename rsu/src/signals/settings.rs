//! What people may set of the forecasts.

use std::time::Duration;

/// How long news stay good.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// A controller silent for longer has its timing withheld.
    pub no_timing_after: Duration,
    /// So long into a silence the times of a fixed plan that was followed still hold, with a
    /// confidence that falls to nothing; not less than `no_timing_after`.
    pub plan_lasts: Duration,
    /// With every controller silent for longer, nothing is said at all.
    pub stop_after: Duration,
    /// An end that has passed without a change is claimed to be "now" for so long, then unknown. A
    /// green or yellow is not told so long where nothing was heard since its end.
    pub expiry_grace: Duration,
    /// A longer countdown is taken for "unknown".
    pub max_countdown: Duration,
    /// How far the stated time of collection may be from what the lamps really did, at least; where
    /// a controller's news come later than that, their lateness is stated.
    pub timing_error: Duration,
    /// Whether the past may speak where a controller announces no end.
    pub use_history: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            no_timing_after: Duration::from_millis(2500),
            plan_lasts: Duration::from_secs(4),
            stop_after: Duration::from_secs(5),
            expiry_grace: Duration::from_secs(1),
            max_countdown: Duration::from_secs(600),
            timing_error: Duration::from_millis(100),
            use_history: true,
        }
    }
}
