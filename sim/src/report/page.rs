//! The report as one page that needs nothing else: verdicts, figures, drawings, what to look into.

use std::fmt::Write;

use rsu::clock::Mono;

use super::plot::{self, Axis, escape};
use super::{Distribution, Report};
use crate::judge::objects::What;
use crate::judge::verdict::{Limit, Verdict, number};
use crate::plane::Point;
use crate::run::Outcome;
use crate::scenario::MountTable;
use crate::world::roads::Roads;

/// The whole page.
pub fn page(outcome: &Outcome, report: &Report<'_>) -> String {
    let mut page = String::new();
    let word = if report.pass { "pass" } else { "fail" };
    let _ = write!(
        page,
        "<!doctype html><html lang='en'><meta charset='utf-8'>\
         <meta name='viewport' content='width=device-width'>\
         <title>{name}, seed {seed}: {word}</title><style>{STYLE}</style>\
         <header><h1>{name} <small>seed {seed}</small> <span class='{word}'>{word}</span></h1>\
         <p>{summary}</p><p>{site}{synthetic}</p>\
         {why}<p class='fine'>{duration} s simulated; the judge counted for {counted} s.</p></header>",
        name = escape(report.scenario),
        seed = report.seed,
        summary = escape(report.summary),
        site = escape(report.site),
        synthetic = if report.synthetic {
            " <b class='synthetic'>synthetic: this junction is made up</b>"
        } else {
            ""
        },
        why = expected(report.expected_to_fail),
        duration = plain(report.duration_s),
        counted = plain(report.counted_s),
    );
    verdicts(&mut page, report.verdicts);
    drawings(&mut page, outcome);
    if let Some(on_board) = &report.on_board {
        on_board.write(&mut page);
    }
    report.told.write(&mut page);
    messages(&mut page, report);
    distributions(&mut page, "Distributions", &report.distributions);
    for kind in &report.kinds {
        if kind.expected > 0 || kind.distributions[0].count > 0 {
            let title = format!(
                "{}: {} expected in all pictures, {} missed",
                kind.kind, kind.expected, kind.missed
            );
            distributions(&mut page, &title, &kind.distributions);
        }
    }
    if let Some(live) = &report.live {
        live.write(&mut page);
    }
    report.unit.write(&mut page);
    remarks(&mut page, outcome, report);
    let _ = write!(
        page,
        "<footer>frames {} · world {}</footer></html>",
        report.frames_hash, report.world_hash
    );
    page
}

/// Why it was expected not to pass, as a paragraph; nothing if it was not.
pub(crate) fn expected(why: Option<&str>) -> String {
    why.map_or_else(String::new, |why| {
        format!("<p>expected to fail {}</p>", escape(why))
    })
}

/// The verdicts as a section.
pub(crate) fn verdicts(page: &mut String, verdicts: &[Verdict]) {
    page.push_str("<section><h2>Verdicts</h2><table><tr><th>criterion<th>value<th>limit<th></tr>");
    for verdict in verdicts {
        let (sign, limit) = match verdict.limit {
            Limit::AtMost(limit) => ("≤", limit),
            Limit::AtLeast(limit) => ("≥", limit),
        };
        let word = if verdict.pass { "pass" } else { "fail" };
        let value = verdict.value.map_or_else(
            || "nothing to measure".to_owned(),
            |value| number(value, verdict.unit),
        );
        let _ = write!(
            page,
            "<tr><td>{}<td class='n'>{value}<td class='n'>{sign} {}<td><span class='{word}'>{word}</span></tr>",
            escape(&verdict.criterion),
            number(limit, verdict.unit)
        );
    }
    page.push_str("</table></section>");
}

fn drawings(page: &mut String, outcome: &Outcome) {
    let judge = &outcome.judge;
    let objects = &judge.objects.score;
    let limits = &outcome.scenario.file.limits;
    let mut figure = |title: &str, drawing: &str, note: &str| {
        let _ = write!(
            page,
            "<figure><figcaption>{title}</figcaption>{drawing}<p class='fine'>{note}</p></figure>"
        );
    };
    if let Ok(roads) = Roads::of_site(&outcome.scenario.site) {
        figure(
            "The junction at the end",
            &plot::junction(&map(outcome, &roads)),
            "Grey: road users as they are. Ringed: where RSM shows them, with a second of their way. \
             Dotted: lanes as MAP tells them. Triangles: radars; squares: cameras. Dark: what hides. \
             Crosses: conflicts; rings in red: what RSM showed where nobody was.",
        );
    }
    figure(
        "RSM position error",
        &plot::histogram(&objects.position_m.weighted(), "m", limits.position_p95_m),
        "The line is the limit of the 95th percentile.",
    );
    let [clear, fog] = &objects.said_m;
    let said = [clear.weighted(), fog.weighted()].concat();
    figure(
        "What RSM says it is within",
        &plot::histogram(&said, "m, in 95 of 100 cases", None),
        "By the class of confidence of each entry's position.",
    );
    figure(
        "MAP centre line error",
        &plot::histogram(
            &judge.maps.centre_line_m.weighted(),
            "m",
            limits.map_centre_p95_m,
        ),
        "Metre by metre of each lane that leads to the junction. The line is the limit of the 95th percentile.",
    );
    if !judge.conflicts.found.is_empty() {
        let told = judge.conflicts.found.iter();
        let told: Vec<(f64, u64)> = told.map(|conflict| (conflict.warned_s, 1)).collect();
        figure(
            "Conflicts: warned of so long before",
            &plot::histogram(&told, "s", Some(limits.conflict_warned_s)),
            "0 where nobody was warned. The line is what counts as in time.",
        );
    }
    let spread = limits.countdown_p99_s.unwrap_or(1.0) * 1.5;
    let up = Axis {
        label: "said minus true end, s",
        low: -spread,
        high: spread,
    };
    figure(
        "Countdown error",
        &plot::points(judge.signals.trace.points(), up),
        "Each point is a running state of a phase; errors beyond the frame lie on its edge.",
    );
    let series = |pick: fn(&(f64, u64, u64, u64)) -> u64| {
        let line = objects
            .trace
            .points()
            .iter()
            .map(|moment| (moment.0, pick(moment) as f64));
        line.collect::<Vec<_>>()
    };
    figure(
        "Road users",
        &plot::lines(
            &[
                ("shown-line", series(|moment| moment.1)),
                ("expected-line", series(|moment| moment.2)),
                ("missed-line", series(|moment| moment.3)),
            ],
            "count",
        ),
        "Blue: shown by RSM. Grey: within coverage. Red: of these, not shown.",
    );
    figure(
        "Age of the lamp states in SPAT",
        &plot::histogram(&judge.signals.age_s.weighted(), "s", limits.spat_age_p99_s),
        "From the reading of the lamps to the arrival of the SPAT.",
    );
}

/// What is drawn of the junction.
fn map<'a>(outcome: &'a Outcome, roads: &'a Roads) -> plot::Junction<'a> {
    let (file, judge) = (&outcome.scenario.file, &outcome.judge);
    let mount = |mount: &MountTable| {
        let heading = mount.heading_deg.to_radians();
        let place = Point::new(mount.east_m, mount.north_m);
        (place, Point::new(heading.sin(), heading.cos()))
    };
    let nobody = judge.objects.score.remarks.iter();
    let nobody = nobody.filter(|remark| matches!(remark.what, What::Nobody { .. }));
    plot::Junction {
        roads,
        told: judge.maps.told.values().map(Vec::as_slice).collect(),
        radars: file.radar.iter().map(|radar| mount(&radar.mount)).collect(),
        cameras: file
            .camera
            .iter()
            .map(|camera| mount(&camera.mount))
            .collect(),
        walls: outcome.scenario.walls().unwrap_or_default(),
        conflicts: judge.conflicts.found.iter().map(|one| one.place).collect(),
        nobody: nobody.map(|remark| remark.place).collect(),
        picture: judge.objects.score.last.as_ref(),
    }
}

fn messages(page: &mut String, report: &Report<'_>) {
    page.push_str(
        "<section><h2>Messages</h2><table><tr><th>kind<th>frames<th>rate<th>bytes<th>longest gap</tr>",
    );
    for kind in &report.messages {
        let _ = write!(
            page,
            "<tr><td>{}<td class='n'>{}<td class='n'>{:.2} Hz<td class='n'>{}<td class='n'>{}</tr>",
            escape(&kind.kind),
            kind.frames,
            kind.rate_hz,
            kind.bytes,
            kind.longest_gap_s
                .map_or_else(String::new, |gap_s| format!("{gap_s:.3} s"))
        );
    }
    page.push_str("</table></section>");
}

/// Distributions as a section.
pub(crate) fn distributions(page: &mut String, title: &str, all: &[Distribution]) {
    let _ = write!(
        page,
        "<section><h2>{title}</h2><table><tr><th>of<th>count<th>mean<th>p50<th>p95<th>p99<th>max</tr>",
    );
    for one in all {
        let cell =
            |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.3}"));
        let _ = write!(
            page,
            "<tr><td>{}, {}<td class='n'>{}<td class='n'>{}<td class='n'>{}<td class='n'>{}<td class='n'>{}<td class='n'>{}</tr>",
            one.what,
            one.unit,
            one.count,
            cell(one.mean),
            cell(one.p50),
            cell(one.p95),
            cell(one.p99),
            cell(one.max)
        );
    }
    page.push_str("</table></section>");
}

fn remarks(page: &mut String, outcome: &Outcome, report: &Report<'_>) {
    page.push_str("<section><h2>To look into</h2><table><tr><th>at<th>where<th>what</tr>");
    for wrong in &outcome.judge.signals.wrong {
        let _ = write!(
            page,
            "<tr><td class='n'>{:.3} s<td>phase {}<td>shown as {}, the lamps were {:?}</tr>",
            wrong.at.seconds_after(Mono::ZERO),
            wrong.phase,
            wrong.said.name(),
            wrong.shown
        );
    }
    for remark in &outcome.judge.objects.score.remarks {
        let what = match remark.what {
            What::IdSwitch {
                body,
                before,
                after,
            } => format!("vehicle {body} was {before} and is {after}"),
            What::Nobody { shown } => format!("{shown} is nobody"),
            What::Missed { body } => format!("vehicle {body} is not shown"),
        };
        let _ = write!(
            page,
            "<tr><td class='n'>{:.1} s<td class='n'>{:.0} m east, {:.0} m north<td>{what}</tr>",
            remark.at.seconds_after(Mono::ZERO),
            remark.place.east_m,
            remark.place.north_m
        );
    }
    for (after_s, event) in &report.events {
        let _ = write!(
            page,
            "<tr><td class='n'>{after_s:.1} s after start<td>station<td>{}</tr>",
            escape(event)
        );
    }
    page.push_str("</table></section>");
}

fn plain(value: f64) -> String {
    number(value, "")
}

/// How pages look.
pub(crate) const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1c2733;--soft:#6b7885;--paper:#fbfbf9;--line:#d9dde1;--blue:#1f6fb2;--red:#c0392b;--green:#2e7d4f;--road:#e4e7ea}\
@media(prefers-color-scheme:dark){:root{--ink:#e6e9ec;--soft:#93a0ac;--paper:#14191e;--line:#2c353d;--blue:#6db3ee;--red:#ef7b6d;--green:#6cc592;--road:#242c33}}\
body{margin:2rem auto;max-width:68rem;padding:0 1rem;font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);display:grid;grid-template-columns:repeat(auto-fit,minmax(26rem,1fr));gap:1.5rem 2rem}\
header,footer,section{grid-column:1/-1}h1{margin:0}h1 small,.fine,footer{color:var(--soft);font-weight:400}h2{font-size:1.05rem;margin:.5rem 0}\
header p{margin:.2rem 0}.fine{font-size:.85rem;margin:.2rem 0}\
table{border-collapse:collapse;width:100%}th{text-align:left;color:var(--soft);font-weight:500}td,th{padding:.2rem .8rem .2rem 0;border-bottom:1px solid var(--line)}.n{font-variant-numeric:tabular-nums;white-space:nowrap}\
.pass,.fail,.synthetic{border-radius:.3rem;padding:.05rem .45rem;font-size:.85rem;font-weight:600;color:#fff;background:var(--green);vertical-align:middle}.fail{background:var(--red)}.synthetic{background:#8a6d1f}\
figure{margin:0}figcaption{font-weight:600;margin-bottom:.3rem}svg{width:100%;height:auto;display:block}\
svg text{font:11px system-ui,sans-serif;fill:var(--soft)}svg .label{fill:var(--ink)}.grid{stroke:var(--line)}.axis{stroke:var(--soft)}\
.bar{fill:var(--blue)}.limit{stroke:var(--red);stroke-width:1.5;stroke-dasharray:4 3}.dot{fill:var(--blue);fill-opacity:.55}\
polyline{fill:none}.shown-line{stroke:var(--blue);stroke-width:1.5}.expected-line{stroke:var(--soft);stroke-width:1.5}.missed-line{stroke:var(--red);stroke-width:1.5}\
.lane{stroke:var(--road)}.body{fill:var(--soft);fill-opacity:.75}.shown{fill:none;stroke:var(--blue);stroke-width:.6}.way{stroke:var(--blue);stroke-width:.5}\
.told{stroke:var(--green);stroke-width:.5;stroke-dasharray:1.5 1.5}.radar{fill:var(--blue)}.camera{fill:var(--green)}.wall{fill:var(--ink);fill-opacity:.8}.conflict{stroke:var(--red);stroke-width:.9}.nobody{fill:none;stroke:var(--red);stroke-width:.4}";
