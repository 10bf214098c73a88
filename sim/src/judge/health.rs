//! Whether the health of each sensor tells what is wrong with it, how soon, and of nothing else.
//!
//! Held against the scenario's faults: a sensor that falls silent, or whose messages arrive as another's,
//! must be told as silent; one that is turned as turned; one that is stuck as anything but well. A sensor
//! that another speaks for is left out meanwhile: nothing is agreed of what its health should be.

use rsu::clock::Mono;
use rsu::fusion::Suspicion;

use super::samples::Samples;
use crate::scenario::Scenario;
use crate::sensors::faults::FaultKind;

/// What is wrong with one sensor for a time, and what was told of it.
#[derive(Clone, Debug)]
struct Wrong {
    of: String,
    from: Mono,
    until: Mono,
    /// What its health should tell; None where nothing is agreed.
    kind: Option<Kind>,
    told: Option<Mono>,
    well: Option<Mono>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Silent,
    Turned,
    Stuck,
}

/// Watches the health of all sensors.
#[derive(Clone, Debug, Default)]
pub struct HealthJudge {
    wrongs: Vec<Wrong>,
    /// Sensors whose health told of something that was not wrong, when that began, and what it was.
    pub false_alarms: Vec<(String, Mono, Suspicion)>,
    suspected: Vec<String>,
}

impl HealthJudge {
    /// A judge of what goes wrong with a scenario's radars and cameras.
    pub fn new(scenario: &Scenario) -> Self {
        let mut wrongs = Vec::new();
        for fault in &scenario.file.fault {
            let Some(of) = &fault.of else { continue };
            let kind = match fault.kind {
                FaultKind::Silence if fault.share >= 1.0 => Some(Kind::Silent),
                FaultKind::Misaddressed => Some(Kind::Silent),
                FaultKind::Turned => Some(Kind::Turned),
                FaultKind::Stuck => Some(Kind::Stuck),
                _ => None,
            };
            let wrong = |of: &String, kind| Wrong {
                of: of.clone(),
                from: scenario.moment(fault.from_s),
                until: scenario.moment(fault.until_s),
                kind,
                told: None,
                well: None,
            };
            wrongs.push(wrong(of, kind));
            wrongs.extend(fault.to.iter().map(|to| wrong(to, None)));
        }
        Self {
            wrongs,
            ..Self::default()
        }
    }

    /// Looks at the health of one sensor; what it tells while the judge does not count is not held
    /// against it.
    pub fn follow(&mut self, now: Mono, name: &str, suspicion: Option<Suspicion>, counts: bool) {
        let mut excused = false;
        for wrong in self.wrongs.iter_mut().filter(|wrong| wrong.of == name) {
            let on = wrong.from <= now && now < wrong.until;
            // Until it has been well again, what was wrong may still be told.
            excused |= on || (now >= wrong.until && wrong.well.is_none());
            let told = suspicion.is_some_and(|suspicion| match wrong.kind {
                Some(Kind::Silent) => suspicion == Suspicion::Silent,
                Some(Kind::Turned) => suspicion == Suspicion::Turned,
                Some(Kind::Stuck) | None => true,
            });
            if on && told && wrong.told.is_none() {
                wrong.told = Some(now);
            }
            if now >= wrong.until && suspicion.is_none() && wrong.well.is_none() {
                wrong.well = Some(now);
            }
        }
        let known = self.suspected.iter().position(|other| other == name);
        match (suspicion, known) {
            (Some(what), None) => {
                self.suspected.push(name.to_owned());
                if counts && !excused {
                    self.false_alarms.push((name.to_owned(), now, what));
                }
            }
            (None, Some(i)) => {
                self.suspected.swap_remove(i);
            }
            _ => {}
        }
    }

    /// Seconds from the beginning of each silence until it was told; without end where it was not.
    pub fn silent_told_s(&self) -> Samples {
        self.told_s(Kind::Silent)
    }

    /// The same of turned ones.
    pub fn turned_told_s(&self) -> Samples {
        self.told_s(Kind::Turned)
    }

    /// The same of stuck ones.
    pub fn stuck_told_s(&self) -> Samples {
        self.told_s(Kind::Stuck)
    }

    /// Seconds from the end of all that was wrong until all was well.
    pub fn recovered_s(&self) -> Samples {
        let mut samples = Samples::default();
        for wrong in self.wrongs.iter().filter(|wrong| wrong.kind.is_some()) {
            let well_s = wrong.well.map(|well| well.seconds_after(wrong.until));
            samples.add(well_s.unwrap_or(NEVER_S));
        }
        samples
    }

    fn told_s(&self, kind: Kind) -> Samples {
        let mut samples = Samples::default();
        for wrong in self.wrongs.iter().filter(|wrong| wrong.kind == Some(kind)) {
            let told_s = wrong.told.map(|told| told.seconds_after(wrong.from));
            samples.add(told_s.unwrap_or(NEVER_S));
        }
        samples
    }

    /// A line for each thing that was wrong and each false alarm, in seconds of the world.
    pub fn lines(&self) -> Vec<String> {
        let after = |at: Option<Mono>, since: Mono| {
            at.map_or("never".to_owned(), |at| {
                format!("after {:.1} s", at.seconds_after(since))
            })
        };
        let at_s = |at: Mono| at.seconds_after(Mono::ZERO);
        let wrongs = self.wrongs.iter().filter_map(|wrong| {
            let kind = wrong.kind?;
            Some(format!(
                "{} {kind:?} at {:.1} s: told {}, well again {}",
                wrong.of,
                at_s(wrong.from),
                after(wrong.told, wrong.from),
                after(wrong.well, wrong.until)
            ))
        });
        let alarms = self.false_alarms.iter();
        let alarms = alarms.map(|(name, at, what)| {
            format!("{name} told as {what:?} at {:.1} s: of nothing", at_s(*at))
        });
        wrongs.chain(alarms).collect()
    }
}

/// What has not been told by the end counts as a day.
const NEVER_S: f64 = 86_400.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(kind: Kind) -> HealthJudge {
        let at = |s| Mono::ZERO.offset_by(s);
        HealthJudge {
            wrongs: vec![Wrong {
                of: "radar".to_owned(),
                from: at(10.0),
                until: at(20.0),
                kind: Some(kind),
                told: None,
                well: None,
            }],
            ..HealthJudge::default()
        }
    }

    #[test]
    fn what_is_told_in_time_counts_and_what_is_not_wrong_is_a_false_alarm() {
        let mut judge = wrong(Kind::Silent);
        let mut follow = |s: f64, name: &str, what| {
            judge.follow(Mono::ZERO.offset_by(s), name, what, true);
        };
        follow(5.0, "radar", None);
        follow(11.0, "radar", Some(Suspicion::Noisy));
        follow(12.0, "radar", Some(Suspicion::Silent));
        follow(12.0, "other", Some(Suspicion::Turned));
        follow(13.0, "other", Some(Suspicion::Turned));
        follow(21.0, "radar", Some(Suspicion::Silent));
        follow(23.0, "radar", None);
        follow(30.0, "radar", Some(Suspicion::Turned));
        assert_eq!(judge.silent_told_s().quantile(1.0), Some(2.0));
        assert_eq!(judge.recovered_s().quantile(1.0), Some(3.0));
        let alarms: Vec<&str> = judge.false_alarms.iter().map(|one| &*one.0).collect();
        assert_eq!(alarms, ["other", "radar"]);
    }

    #[test]
    fn what_is_never_told_fails() {
        let judge = wrong(Kind::Turned);
        assert!(judge.turned_told_s().quantile(1.0) > Some(1000.0));
        assert!(judge.recovered_s().quantile(1.0) > Some(1000.0));
        assert_eq!(judge.stuck_told_s().quantile(1.0), None);
    }
}
