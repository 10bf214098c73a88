//! What the unit counted of itself, for the report: nought is told as nought.

use std::fmt::Write;

use rsu::station::{FrameKind, Stats};
use serde::Serialize;

use super::plot::escape;
use super::{Distribution, distribution};
use crate::unit::UnitCounts;

/// What the unit counted since its start.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Unit {
    /// By kind of message, most urgent first.
    pub messages: Vec<Kind>,
    /// What was left out, refused or given up.
    pub dropped: Vec<Count>,
    /// By input.
    pub inputs: Vec<Input>,
}

/// One kind of message.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Kind {
    /// As people call it.
    pub kind: &'static str,
    /// Frames that left.
    pub sent: u64,
    /// Slots that went by unused, as the station was woken too late.
    pub slots_missed: u64,
    /// Due and withheld: nothing may be said, or no time claimed.
    pub withheld: u64,
    /// Due, and broke a rule of their kind.
    pub not_composed: u64,
    /// How long ago the newest input that a frame rests on had arrived when it left.
    pub newest_input_age: Distribution,
}

/// How often something was dropped.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Count {
    /// What.
    pub what: &'static str,
    /// How often.
    pub count: u64,
}

/// What an input made of its device's bytes.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Input {
    /// As configured.
    pub name: String,
    /// Frames that were understood and used.
    pub accepted: u64,
    /// Reports made of them.
    pub reports: u64,
    /// Frames that were damaged or made no sense, by kind.
    pub rejected: Vec<Count>,
    /// Sound frames of no use here, by kind.
    pub ignored: Vec<Count>,
    /// Departures from the specification that were put up with, by kind.
    pub tolerated: Vec<Count>,
}

impl Unit {
    /// What the unit counted.
    pub fn of(counts: &UnitCounts) -> Self {
        let kinds = FrameKind::ALL.into_iter().zip(&counts.age_s);
        let inputs = counts.inputs.iter().map(|(name, counts)| Input {
            name: name.clone(),
            accepted: counts.accepted(),
            reports: counts.reports(),
            rejected: tally(counts.rejected()),
            ignored: tally(counts.ignored()),
            tolerated: tally(counts.tolerated()),
        });
        let stats = &counts.stats;
        Self {
            messages: kinds
                .map(|(kind, age_s)| Kind {
                    kind: kind.name(),
                    sent: stats.sent(kind),
                    slots_missed: stats.missed[kind.index()],
                    withheld: stats.withheld[kind.index()],
                    not_composed: stats.not_sent[kind.index()],
                    newest_input_age: distribution("age of the newest input", "s", age_s),
                })
                .collect(),
            dropped: dropped(stats),
            inputs: inputs.collect(),
        }
    }

    /// As a section of the page.
    pub(crate) fn write(&self, page: &mut String) {
        page.push_str(
            "<section><h2>The unit</h2><p class='fine'>Its own counts since its start. Age: how long ago \
             the newest input that a frame rests on had arrived when it left; the unit itself takes no \
             time here.</p><table><tr><th>kind<th>sent<th>slots missed<th>withheld<th>not composed\
             <th>age p50<th>p99<th>max</tr>",
        );
        for kind in &self.messages {
            let age = &kind.newest_input_age;
            let cell = |age_s: Option<f64>| {
                age_s.map_or_else(String::new, |age_s| format!("{age_s:.3} s"))
            };
            let _ = write!(
                page,
                "<tr><td>{}<td class='n'>{}<td class='n'>{}<td class='n'>{}<td class='n'>{}\
                 <td class='n'>{}<td class='n'>{}<td class='n'>{}</tr>",
                escape(kind.kind),
                kind.sent,
                kind.slots_missed,
                kind.withheld,
                kind.not_composed,
                cell(age.p50),
                cell(age.p99),
                cell(age.max)
            );
        }
        page.push_str("</table><table><tr><th>dropped<th>times</tr>");
        for one in &self.dropped {
            let _ = write!(page, "<tr><td>{}<td class='n'>{}</tr>", one.what, one.count);
        }
        page.push_str(
            "</table><table><tr><th>input<th>accepted<th>reports<th>rejected<th>ignored<th>tolerated</tr>",
        );
        for input in &self.inputs {
            let _ = write!(
                page,
                "<tr><td>{}<td class='n'>{}<td class='n'>{}<td>{}<td>{}<td>{}</tr>",
                escape(&input.name),
                input.accepted,
                input.reports,
                words(&input.rejected),
                words(&input.ignored),
                words(&input.tolerated)
            );
        }
        page.push_str("</table></section>");
    }
}

/// What was left out, refused or given up, nought among it.
fn dropped(stats: &Stats) -> Vec<Count> {
    // In full, so that a new counter asks to be told.
    let Stats {
        objects: _,
        lamps: _,
        plans: _,
        modes: _,
        weather: _,
        requests: _,
        sent: _,
        sent_at_change: _,
        missed: _,
        not_sent: _,
        withheld: _,
        signals,
        fusion,
        tracks: _,
        tracks_left_out,
        events_lost,
        road_events_left_out,
        road_events_turned_away,
        orders: _,
        orders_refused,
        warnings_left_out,
        answers,
    } = stats;
    [
        (
            "road users left out of messages, slot by slot",
            *tracks_left_out,
        ),
        (
            "late reports given up: going back for them takes too long",
            fusion.given_up_late,
        ),
        (
            "lamp states refused: older than others, or a green that comes back",
            signals.out_of_order,
        ),
        ("signal plans refused", signals.refused_plans),
        (
            "news of controllers that rule no phase here",
            signals.strangers,
        ),
        ("reports refused: older than the window", fusion.too_late),
        ("reports refused: their time cannot be", fusion.time_jumps),
        ("reports refused: said already", fusion.repeated),
        ("reports refused: of no sensor", fusion.unknown_input),
        (
            "detections given up for want of time, of tracks",
            fusion.given_up_expected,
        ),
        (
            "detections given up for want of time, of nobody known",
            fusion.given_up_strangers,
        ),
        (
            "detections refused: a number that cannot be",
            fusion.malformed,
        ),
        (
            "detections that began nothing: no room",
            fusion.births_refused,
        ),
        ("detections that began nothing: echoes", fusion.echoes),
        (
            "groups of detections paired greedily",
            fusion.oversized_groups,
        ),
        (
            "tracks unpublished for want of an id, frame by frame",
            fusion.ids_exhausted,
        ),
        (
            "events and signs left out of messages, slot by slot",
            *road_events_left_out,
        ),
        ("events and signs turned away", *road_events_turned_away),
        ("warnings left out, look by look", *warnings_left_out),
        ("orders refused", *orders_refused),
        ("requests of vehicles not served here", answers.not_served),
        (
            "requests of vehicles turned away: no room",
            answers.turned_away,
        ),
        (
            "road users left out of answers, slot by slot",
            answers.left_out,
        ),
        ("news for the operator lost unread", *events_lost),
    ]
    .map(|(what, count)| Count { what, count })
    .into()
}

fn tally(kinds: &[(&'static str, u64)]) -> Vec<Count> {
    let kinds = kinds.iter();
    kinds.map(|&(what, count)| Count { what, count }).collect()
}

/// How many in all, and of what kinds those are that there were.
fn words(kinds: &[Count]) -> String {
    let sum: u64 = kinds.iter().map(|kind| kind.count).sum();
    let told = kinds.iter().filter(|kind| kind.count > 0);
    let told: Vec<String> = told
        .map(|kind| format!("{} {}", escape(kind.what), kind.count))
        .collect();
    if told.is_empty() {
        return sum.to_string();
    }
    format!("{sum} ({})", told.join(", "))
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use serde_json::Value;

    use super::*;
    use crate::report::{Report, page};
    use crate::run::{Outcome, run};
    use crate::scenario::Scenario;

    /// Twelve seconds with traffic, `rsu` in the unit's configuration.
    fn outcome(name: &str, rsu: &str) -> Outcome {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../configs/scenarios");
        let mut scenario = Scenario::load(&Path::new(folder).join(name)).expect("a scenario");
        scenario.file.traffic_s = 60;
        scenario.file.settle_s = 0;
        scenario
            .file
            .fault
            .iter_mut()
            .for_each(|fault| fault.from_s = 2.0);
        scenario
            .file
            .rsu
            .extend(rsu.parse::<toml::Table>().expect("a table"));
        run(&scenario, 1, Some(Duration::from_secs(12))).expect("a run")
    }

    fn json(outcome: &Outcome) -> Value {
        serde_json::to_value(Report::of(outcome)).expect("JSON")
    }

    #[test]
    fn what_a_unit_gives_up_is_told_and_nought_as_nought() {
        let calm = outcome("moyu-boyuan.toml", "");
        let unit = Unit::of(&calm.unit);
        let of = |unit: &Unit, what: &str| {
            let mut lines = unit.dropped.iter();
            let line = lines.find(|one| one.what == what);
            line.expect("a line of its own").count
        };
        let (no_room, no_id) = (
            "detections that began nothing: no room",
            "tracks unpublished for want of an id, frame by frame",
        );
        assert_eq!((of(&unit, no_room), of(&unit, no_id)), (0, 0));
        let spat = &unit.messages[0];
        assert_eq!(spat.kind, "SPAT");
        assert!(
            spat.sent > 100 && spat.newest_input_age.count > 100,
            "{spat:?}"
        );
        // A controller speaks each second at the least, and a frame is no older than its newest word.
        assert!(spat.newest_input_age.max < Some(1.5), "{spat:?}");

        let little = "fusion = { max-followed = 16, max-tracks = 3, max-work = 100 }";
        let pressed = outcome("moyu-boyuan.toml", little);
        let unit = Unit::of(&pressed.unit);
        let fusion = pressed.unit.stats.fusion;
        let own = (fusion.births_refused, fusion.ids_exhausted);
        assert_eq!((of(&unit, no_room), of(&unit, no_id)), own);
        assert!(own.0 + own.1 > 0, "{:?}", unit.dropped);
        let html = page::page(&pressed, &Report::of(&pressed));
        for one in &unit.dropped {
            let row = format!("<tr><td>{}<td class='n'>{}</tr>", one.what, one.count);
            assert!(html.contains(&row), "no {row}");
        }
    }

    #[test]
    fn what_an_input_rejects_is_told_by_kind() {
        let noisy = outcome("signal-faults-garbage.toml", "");
        let unit = Unit::of(&noisy.unit);
        assert_eq!(unit.inputs.len(), noisy.inputs.len());
        let kinds = unit.inputs.iter().flat_map(|input| &input.rejected);
        assert!(kinds.map(|kind| kind.count).sum::<u64>() > 0, "no noise");
        for (input, (name, accepted, rejected)) in unit.inputs.iter().zip(&noisy.inputs) {
            let sum: u64 = input.rejected.iter().map(|kind| kind.count).sum();
            assert_eq!(
                (&input.name, input.accepted, sum),
                (name, *accepted, *rejected)
            );
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_report() {
        let first = json(&outcome("moyu-boyuan.toml", ""));
        assert_eq!(json(&outcome("moyu-boyuan.toml", "")), first);
        let messages = first["unit"]["messages"].as_array().expect("kinds");
        assert_eq!(messages.len(), FrameKind::ALL.len());
    }
}
