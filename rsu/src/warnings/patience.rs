//! For how long something must have been likely before it is warned of.
//!
//! The nearer it is and the likelier, the less is gained by another look. What is far off may still come to
//! nothing: the one before a driver brakes, a walker turns. Not here: what is likely.

use super::{Config, Kind};

/// So long before a walker or rider would be met there is time for who was not warned of before: 2.5 s before
/// is early enough, and the foreseen moment is off by half a second at most, as a rule.
const IN_TIME_S: f64 = 3.0;
/// What is farther off is warned of early once it has been likely for so long.
const FAR_LIKELY_S: f64 = 0.6;

/// In seconds. Where somebody on foot or two wheels is about to be met the time of the configuration is for what
/// is just as likely as the configuration asks for; the less doubt, the shorter.
pub(super) fn likely_for_s(config: &Config, kind: Kind, probability: f64, left_s: f64) -> f64 {
    let usual_s = config.after.as_secs_f64();
    if kind != Kind::Soft {
        return usual_s;
    }
    if left_s > IN_TIME_S {
        return FAR_LIKELY_S.max(usual_s);
    }
    let most_doubt = (1.0 - config.probability).max(1e-3);
    usual_s * ((1.0 - probability) / most_doubt).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_less_doubt_and_the_less_time_the_sooner() {
        let config = Config::default();
        let soft = |probability, left_s| likely_for_s(&config, Kind::Soft, probability, left_s);
        let is_usual = |wait_s: f64| (wait_s - config.after.as_secs_f64()).abs() < 1e-9;
        assert!(is_usual(soft(config.probability, 2.0)));
        assert!(soft(0.9, 2.0) < soft(0.8, 2.0) && soft(1.0, 2.0) <= 0.0);
        assert!(soft(0.99, 3.5) > soft(config.probability, 2.5));
        // Vehicles are judged as ever.
        let vehicles = likely_for_s(&config, Kind::Vehicles, 0.99, 2.0);
        assert!(is_usual(vehicles));
    }
}
