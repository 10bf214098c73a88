//! A message in half a line, and how old its content is.

use std::collections::BTreeMap;
use std::fmt::Write;

use v2x_msg::base::{Countdown, DSecond, Utc};
use v2x_msg::kinds::rsm::{ParticipantKind, Rsm};
use v2x_msg::kinds::spat::{IntersectionState, Light, Phase, PhaseState, Spat, Timing};
use v2x_msg::kinds::{Map, Rsi, Unfit};
use v2x_msg::{Message, MessageKind};

/// What is to be said of a message.
pub(super) struct Summary {
    /// Half a line.
    pub(super) text: String,
    /// From when its content was true to its arrival, by its own times and our clock.
    pub(super) age_ms: Option<f64>,
    /// Why it is not a value that could have been built here, if it is none.
    pub(super) unfit: Option<Unfit>,
}

/// Of a message that arrived `now`.
pub(super) fn of(message: &Message, now: Utc) -> Summary {
    let read = match message.kind() {
        MessageKind::Spat => {
            Spat::read(message).map(|spat| (of_spat(&spat, now), spat_age(&spat, now)))
        }
        MessageKind::Rsm => Rsm::read(message).map(|rsm| (of_rsm(&rsm), rsm_age(&rsm, now))),
        MessageKind::Map => Map::read(message).map(|map| (of_map(&map), None)),
        MessageKind::Rsi => Rsi::read(message).map(|rsi| (of_rsi(&rsi), None)),
        MessageKind::Bsm => Ok(of_bsm(message, now)),
        // Day II has no values in `kinds` yet: who, how often and how large is all we say.
        _ => Ok((String::new(), None)),
    };
    match read {
        Ok((text, age_ms)) => Summary {
            text,
            age_ms,
            unfit: None,
        },
        Err(unfit) => Summary {
            text: format!("({unfit})"),
            age_ms: None,
            unfit: Some(unfit),
        },
    }
}

fn of_spat(spat: &Spat, now: Utc) -> String {
    let junction = |junction: &IntersectionState| {
        let phases: Vec<String> = junction
            .phases()
            .iter()
            .map(|phase| of_phase(phase, now))
            .collect();
        format!("{}: {}", junction.id, phases.join("  "))
    };
    let junctions: Vec<String> = spat.intersections.iter().map(junction).collect();
    junctions.join("; ")
}

/// `3 red 9.3`: phase, light, seconds left.
fn of_phase(phase: &Phase, now: Utc) -> String {
    let Some(state) = phase
        .states()
        .iter()
        .find(|state| is_on(state, now))
        .or(phase.current())
    else {
        return format!("{} ?", phase.id());
    };
    let left = match state.timing {
        Some(Timing::Counting(counting)) => counting.ends.likely(),
        Some(Timing::Utc(utc)) => utc
            .ends
            .likely()
            .and_then(|mark| mark.near(now))
            .map(|end| Countdown::until(end, now)),
        None => None,
    };
    let light = short(state.light);
    match left {
        None => format!("{} {light}", phase.id()),
        Some(Countdown::HOUR_OR_MORE) => format!("{} {light} >1h", phase.id()),
        Some(left) => format!(
            "{} {light} {:.1}",
            phase.id(),
            left.duration().as_secs_f64()
        ),
    }
}

fn is_on(state: &PhaseState, now: Utc) -> bool {
    match state.timing {
        Some(Timing::Counting(counting)) => counting.start == Some(Countdown::ZERO),
        Some(Timing::Utc(utc)) => {
            let start = utc.start.and_then(|mark| mark.near(now));
            let end = utc.ends.likely().and_then(|mark| mark.near(now));
            start.is_some_and(|start| start <= now) && end.is_some_and(|end| now < end)
        }
        None => false,
    }
}

fn short(light: Light) -> &'static str {
    match light {
        Light::Unavailable => "unknown",
        Light::ProtectedGreen => "green",
        Light::PermissiveGreen => "perm-green",
        other => other.name(),
    }
}

/// Of the oldest lamps in it.
fn spat_age(spat: &Spat, now: Utc) -> Option<f64> {
    let collected = spat
        .intersections
        .iter()
        .filter_map(|junction| junction.time_stamp);
    collected
        .map(|stamp| age_ms(stamp, now))
        .reduce(f64::max)
        .or_else(|| spat.time_stamp.map(|stamp| age_ms(stamp, now)))
}

fn of_rsm(rsm: &Rsm) -> String {
    let of_kind = |kind: &ParticipantKind| {
        let number = rsm
            .participants()
            .iter()
            .filter(|one| one.kind == *kind)
            .count();
        (number > 0).then(|| format!("{number} {}", kind.name()))
    };
    let kinds: Vec<String> = ParticipantKind::ALL.iter().filter_map(of_kind).collect();
    format!("{}: {}", rsm.id, kinds.join(", "))
}

/// Of the oldest road user; the unit's own entry says nothing of sensors.
fn rsm_age(rsm: &Rsm, now: Utc) -> Option<f64> {
    rsm.participants()
        .iter()
        .filter(|one| one.kind != ParticipantKind::Rsu)
        .filter_map(|one| one.sec_mark)
        .map(|stamp| age_ms(stamp, now))
        .reduce(f64::max)
}

fn of_map(map: &Map) -> String {
    let node = |node: &v2x_msg::kinds::map::Node| {
        let lanes: usize = node.links().iter().map(|link| link.lanes().len()).sum();
        format!("{}: {} links, {lanes} lanes", node.id, node.links().len())
    };
    let nodes: Vec<String> = map.nodes().iter().map(node).collect();
    nodes.join("; ")
}

fn of_rsi(rsi: &Rsi) -> String {
    let mut text = rsi.id.to_string();
    let mut events = BTreeMap::new();
    for event in rsi.events() {
        *events.entry(event.event_type.0).or_insert(0usize) += 1;
    }
    for (code, number) in events {
        let _ = write!(text, " event {code} x{number}");
    }
    for sign in rsi.signs() {
        let _ = write!(text, " sign {}", sign.sign_type);
    }
    text
}

/// The station only passes BSMs on and has no value for them, so this goes by the JSON view.
fn of_bsm(message: &Message, now: Utc) -> (String, Option<f64>) {
    let jer: serde_json::Value = serde_json::from_str(&message.to_jer()).unwrap_or_default();
    let bsm = &jer["bsmFrame"];
    let id = bsm["id"].as_str().unwrap_or("?");
    let mut text = id.to_owned();
    if let Some(steps) = bsm["speed"].as_i64().filter(|steps| *steps < 8191) {
        let _ = write!(text, " {:.1} km/h", steps as f64 * 0.02 * 3.6);
    }
    if let Some(steps) = bsm["heading"].as_i64().filter(|steps| *steps < 28_800) {
        let _ = write!(text, " heading {:.0}", steps as f64 * 0.0125);
    }
    let stamp = bsm["secMark"]
        .as_u64()
        .and_then(|ms| u16::try_from(ms).ok());
    let age = stamp
        .and_then(|ms| DSecond::new(ms).ok())
        .map(|stamp| age_ms(stamp, now));
    (text, age)
}

fn age_ms(stamp: DSecond, now: Utc) -> f64 {
    now.ns_since(stamp.near(now)) as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(jer: &str) -> Summary {
        // Ten seconds and 50 ms into some minute.
        let now = Utc::from_unix_ms(1_700_000_000_000 / 60_000 * 60_000 + 10_050).unwrap();
        of(&Message::from_jer(jer).unwrap(), now)
    }

    #[test]
    fn a_spat_shows_phases_with_light_and_countdown() {
        let seen = read(
            r#"{"spatFrame": {"msgCnt": 1, "intersections": [{
                "intersectionId": {"region": 310, "id": 5}, "status": "0400", "timeStamp": 10000,
                "phases": [
                    {"id": 1, "phaseStates": [
                        {"light": "yellow", "timing": {"counting":
                            {"startTime": 93, "likelyEndTime": 123}}},
                        {"light": "protected-green", "timing": {"counting":
                            {"startTime": 0, "likelyEndTime": 93}}}]},
                    {"id": 2, "phaseStates": [{"light": "red"}]}]}]}}"#,
        );
        assert_eq!(seen.text, "310/5: 1 green 9.3  2 red");
        assert_eq!(seen.age_ms, Some(50.0));
    }

    #[test]
    fn an_rsm_shows_whom_it_sees_and_the_age_of_the_oldest() {
        let one = |kind: &str, id: u32, ms: u32| {
            format!(
                r#"{{"ptcType": "{kind}", "ptcId": {id}, "source": "unknown", "secMark": {ms},
                "pos": {{"offsetLL": {{"position-LL1": {{"lon": 5, "lat": -9}}}}}},
                "posConfidence": {{"pos": "a1m"}}, "speed": 600, "heading": 7200,
                "size": {{"width": 180, "length": 450}}}}"#
            )
        };
        let list = [
            one("rsu", 0, 1000),
            one("motor", 1, 10_000),
            one("motor", 2, 9950),
        ];
        let seen = read(&format!(
            r#"{{"rsmFrame": {{"msgCnt": 1, "id": "5253553030303031",
            "refPos": {{"lat": 312870000, "long": 1211660000}}, "participants": [{}]}}}}"#,
            list.join(",")
        ));
        assert_eq!(seen.text, "RSU00001: 2 motor, 1 rsu");
        assert_eq!(seen.age_ms, Some(100.0));
    }

    #[test]
    fn a_message_that_breaks_a_rule_says_which() {
        let seen = read(
            r#"{"spatFrame": {"msgCnt": 1, "intersections": [{"intersectionId": {"id": 5},
                "status": "0000", "phases": [{"id": 0, "phaseStates": [{"light": "red"}]}]}]}}"#,
        );
        assert!(seen.unfit.is_some());
        assert_eq!(seen.text, "(phase id of 0 is outside 1..=255)");
    }
}
