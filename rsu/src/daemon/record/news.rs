//! What the station told its operator, as messages of a recording: a name for each sort, and its values
//! with their units. The names and members stay what they are; `entry` has their schema.

use serde::Serialize;

use crate::events::Stage;
use crate::station::{Event, NotSent};
use crate::warnings;

/// One thing that was told.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub(crate) enum News {
    SpatStopped,
    SpatStarted,
    ConflictingGreens {
        phases: [u8; 2],
    },
    PhaseNotMentioned {
        phases: [u8; 1],
    },
    RsmStopped,
    RsmStarted,
    ClockUnfit {
        error_ns: Option<u64>,
    },
    ClockFit,
    SlotsMissed {
        kind: &'static str,
        count: u64,
    },
    NotSent {
        kind: &'static str,
        reason: &'static str,
    },
    MapCoarser {
        tolerance_m: f64,
    },
    MapInParts {
        parts: usize,
    },
    LinkTooLong {
        link: usize,
    },
    ExitTooLong {
        to: String,
    },
    MapLinkCut {
        from: String,
        to: String,
        told_m: f64,
        long_m: f64,
    },
    OnTheRoad {
        state: State,
        id: u8,
        #[serde(rename = "type")]
        event_type: u16,
    },
    Warning {
        state: State,
        of: &'static str,
        participants: Vec<u8>,
        lead_ms: u64,
        probability_percent: u8,
    },
    NotAnnounced {
        what: &'static str,
        index: usize,
    },
}

/// What lasts begins and is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum State {
    Begun,
    Over,
}

impl News {
    pub(super) fn of(event: Event) -> Self {
        match event {
            Event::SpatStopped => Self::SpatStopped,
            Event::SpatStarted => Self::SpatStarted,
            Event::ConflictingGreens { first, second } => Self::ConflictingGreens {
                phases: [first.value(), second.value()],
            },
            Event::PhaseNotMentioned { phase } => Self::PhaseNotMentioned {
                phases: [phase.value()],
            },
            Event::RsmStopped => Self::RsmStopped,
            Event::RsmStarted => Self::RsmStarted,
            Event::ClockUnfit { error } => Self::ClockUnfit {
                error_ns: error.map(super::nanos),
            },
            Event::ClockFit => Self::ClockFit,
            Event::SlotsMissed { kind, count } => Self::SlotsMissed {
                kind: kind.name(),
                count,
            },
            Event::NotSent { kind, reason } => Self::NotSent {
                kind: kind.name(),
                reason: match reason {
                    NotSent::Refused => "refused",
                    NotSent::NotEncoded => "not-encoded",
                    NotSent::TooLong => "too-long",
                },
            },
            Event::MapCoarser { tolerance_m } => Self::MapCoarser { tolerance_m },
            Event::MapInParts { parts } => Self::MapInParts { parts },
            Event::LinkTooLong { link } => Self::LinkTooLong { link },
            Event::ExitTooLong { to } => Self::ExitTooLong { to: to.to_string() },
            Event::MapLinkCut {
                upstream,
                downstream,
                told_m,
                long_m,
            } => Self::MapLinkCut {
                from: upstream.to_string(),
                to: downstream.to_string(),
                told_m,
                long_m,
            },
            Event::OnTheRoad(change) => Self::OnTheRoad {
                state: match change.stage {
                    Stage::Holds => State::Begun,
                    Stage::Cleared => State::Over,
                },
                id: change.id,
                event_type: change.event_type.0,
            },
            Event::Warning(warnings::Change::Begun(warning)) => {
                Self::warning(State::Begun, warning)
            }
            Event::Warning(warnings::Change::Over(warning)) => Self::warning(State::Over, warning),
            Event::NotAnnounced { event, index } => Self::NotAnnounced {
                what: if event { "event" } else { "sign" },
                index,
            },
        }
    }

    fn warning(state: State, warning: warnings::Warning) -> Self {
        Self::Warning {
            state,
            of: warning.kind.name(),
            participants: std::iter::once(warning.first)
                .chain(warning.second)
                .collect(),
            lead_ms: u64::try_from(warning.at.since(warning.since).as_millis()).unwrap_or(u64::MAX),
            probability_percent: (warning.probability * 100.0).round() as u8,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use serde_json::{Value, json};
    use v2x_msg::base::{NodeId, PhaseId};
    use v2x_msg::kinds::rsi::EventType;

    use super::*;
    use crate::clock::Mono;
    use crate::daemon::record::entry::{self, KINDS, kind};
    use crate::daemon::schema;
    use crate::events::Change;
    use crate::station::FrameKind;

    fn every() -> Vec<Event> {
        let phase = |id| PhaseId::new(id).unwrap();
        let change = |stage| Change {
            id: 7,
            event_type: EventType(501),
            stage,
        };
        let warning = |kind, second| warnings::Warning {
            kind,
            first: 3,
            second,
            at: Mono::from_nanos(2_500_000_000),
            probability: 0.666,
            since: Mono::from_nanos(1_000_000_000),
        };
        let not_sent = |reason| Event::NotSent {
            kind: FrameKind::Rsm,
            reason,
        };
        vec![
            Event::SpatStopped,
            Event::SpatStarted,
            Event::ConflictingGreens {
                first: phase(1),
                second: phase(4),
            },
            Event::PhaseNotMentioned { phase: phase(3) },
            Event::RsmStopped,
            Event::RsmStarted,
            Event::ClockUnfit { error: None },
            Event::ClockUnfit {
                error: Some(Duration::from_millis(120)),
            },
            Event::ClockFit,
            Event::SlotsMissed {
                kind: FrameKind::Map,
                count: 3,
            },
            not_sent(NotSent::Refused),
            not_sent(NotSent::NotEncoded),
            not_sent(NotSent::TooLong),
            Event::MapCoarser { tolerance_m: 0.25 },
            Event::MapInParts { parts: 2 },
            Event::LinkTooLong { link: 1 },
            Event::ExitTooLong {
                to: NodeId {
                    region: Some(3),
                    id: 10,
                },
            },
            Event::MapLinkCut {
                upstream: NodeId {
                    region: Some(3),
                    id: 11,
                },
                downstream: NodeId {
                    region: Some(3),
                    id: 10,
                },
                told_m: 412.0,
                long_m: 900.0,
            },
            Event::OnTheRoad(change(Stage::Holds)),
            Event::OnTheRoad(change(Stage::Cleared)),
            Event::Warning(warnings::Change::Begun(warning(
                warnings::Kind::Vehicles,
                Some(9),
            ))),
            Event::Warning(warnings::Change::Over(warning(
                warnings::Kind::RedLight,
                None,
            ))),
            Event::NotAnnounced {
                event: true,
                index: 0,
            },
            Event::NotAnnounced {
                event: false,
                index: 5,
            },
        ]
    }

    fn told(event: Event) -> Value {
        let message = entry::Event {
            mono_ns: 5,
            utc_ns: 6,
            news: News::of(event),
        };
        serde_json::to_value(message).unwrap()
    }

    #[test]
    fn every_event_is_as_the_schema_has_it_and_the_schema_has_no_other() {
        let schema: Value = serde_json::from_str(KINDS[kind::EVENT].text).unwrap();
        let mut names = BTreeSet::new();
        for event in every() {
            let told = told(event);
            let faults = schema::faults(&schema, &schema, &told);
            assert!(faults.is_empty(), "{told}: {faults:#?}");
            names.insert(told["event"].as_str().unwrap().to_owned());
        }
        let known = schema["properties"]["event"]["enum"].as_array().unwrap();
        let known: BTreeSet<String> = known
            .iter()
            .map(|name| name.as_str().unwrap().to_owned())
            .collect();
        assert_eq!(names, known);
    }

    #[test]
    fn what_is_told_keeps_its_values() {
        let shown = every().into_iter().map(told).collect::<Vec<_>>();
        let find = |name: &str, place: usize| {
            let mut of_it = shown.iter().filter(|told| told["event"] == name);
            of_it.nth(place).unwrap().clone()
        };
        assert_eq!(
            find("conflicting-greens", 0),
            json!({"mono_ns": 5, "utc_ns": 6, "event": "conflicting-greens", "phases": [1, 4]})
        );
        assert_eq!(find("clock-unfit", 1)["error_ns"], 120_000_000);
        assert_eq!(
            find("warning", 0),
            json!({"mono_ns": 5, "utc_ns": 6, "event": "warning", "state": "begun", "of": "vehicles",
                "participants": [3, 9], "lead_ms": 1500, "probability_percent": 67})
        );
        assert_eq!(
            find("on-the-road", 1),
            json!({"mono_ns": 5, "utc_ns": 6, "event": "on-the-road", "state": "over", "id": 7, "type": 501})
        );
    }
}
