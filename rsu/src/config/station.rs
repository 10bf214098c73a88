//! `[station]`, and the sections of what the station does: `[clock]`, `[spat]`, `[map]`, `[rsm]`,
//! `[rsi]`, `[events]`, `[detect]`, `[warnings]`, `[requests]`, `[signals]`, `[fusion]`.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use v2x_msg::base::StationId;

use super::Input;
use crate::sheet::{Reader, Reason, Severity, Table};

use crate::events::{self, detect};
use crate::services::{FrameKind, Priorities, answer, map, rsi, rsm, spat};
use crate::site::{FileLines, Phase, Site};
use crate::{fusion, requests, signals, station, warnings};

/// `[station]`.
pub(super) struct Identity {
    pub(super) name: String,
    pub(super) id: Option<StationId>,
    /// None if the site is missing or wrong, which has been noted.
    pub(super) site: Option<ReadSite>,
    /// Where the file names its site.
    pub(super) site_line: usize,
}

/// A site and where it was read.
pub(super) struct ReadSite {
    pub(super) site: Site,
    file: String,
    lines: FileLines,
}

/// Reads `[station]` and the site that it names.
pub(super) fn read_identity(
    root: &mut Table<'_, '_>,
    folder: &Path,
    read: &mut dyn FnMut(&Path) -> io::Result<String>,
) -> Identity {
    let mut table = root.table("station");
    let name = table.required_text("name");
    let id = table.parsed("id", "8 characters, or 16 hexadecimal digits", station_id);
    let path = table.required_text("site");
    let site = path.and_then(|path| {
        let file: PathBuf = folder.join(path.value);
        match read(&file) {
            Ok(text) => read_site(&table, &text, &file),
            Err(e) => {
                let shown = file.display().to_string();
                let told = format!("cannot be read: {shown}: {e}");
                let reason = Reason::new("site-unreadable", [shown, e.to_string()], told);
                table.wrong(path.line, "site", reason);
                None
            }
        }
    });
    let identity = Identity {
        name: name.map_or_else(String::new, |name| name.value.to_owned()),
        id: id.map(|id| id.value),
        site,
        site_line: path.map_or(table.line(), |path| path.line),
    };
    table.finish();
    identity
}

fn read_site(table: &Table<'_, '_>, text: &str, file: &Path) -> Option<ReadSite> {
    let file = file.display().to_string();
    match Site::parse_with_lines(text, &file) {
        Ok((site, remarks, lines)) => {
            table.reader().merge(remarks);
            Some(ReadSite { site, file, lines })
        }
        Err(findings) => {
            table.reader().merge(findings);
            None
        }
    }
}

/// What MAP, as it is to be sent, cannot tell of the site.
pub(super) fn check_map(reader: &Reader<'_>, config: &map::Config, read: &ReadSite) {
    let findings = map::findings::findings(config, &read.site, &read.file, &read.lines);
    reader.merge(findings);
}

fn station_id(text: &str) -> Option<StationId> {
    if let Ok(characters) = <[u8; 8]>::try_from(text.as_bytes()) {
        return text
            .bytes()
            .all(|b| b.is_ascii_graphic())
            .then_some(StationId(characters));
    }
    if text.len() != 16 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let digits = u64::from_str_radix(text, 16).ok()?;
    Some(StationId(digits.to_be_bytes()))
}

/// Reads what the station does; inputs and id are filled in later.
pub(super) fn read(root: &mut Table<'_, '_>) -> station::Config {
    let mut priorities = Priorities::default();
    let (requests, answers) = read_requests(root, &mut priorities);
    station::Config {
        clock_error_limit: read_clock(root),
        spat: read_spat(root, &mut priorities),
        map: read_map(root, &mut priorities),
        rsm: read_rsm(root, &mut priorities),
        rsi: read_rsi(root, &mut priorities),
        priorities,
        signals: read_signals(root),
        fusion: read_fusion(root),
        events: read_events(root),
        detect: read_detect(root),
        warnings: read_warnings(root),
        requests,
        answers,
        ..station::Config::default()
    }
}

fn read_clock(root: &mut Table<'_, '_>) -> Option<Duration> {
    let mut table = root.table("clock");
    let required = table.boolean("require-sync").unwrap_or(true);
    // T/CSAE 159-2020 wants times within 150 ms of UTC.
    let limit = table
        .millis("max-error-ms", 1..=150)
        .unwrap_or(Duration::from_millis(150));
    if !required {
        table.unwise(
            table.line_of("require-sync"),
            "require-sync",
            Reason::new(
                "clock-not-kept",
                [],
                "times are sent even while nothing keeps the clock; for the laboratory only"
                    .to_owned(),
            ),
        );
    }
    table.finish();
    required.then_some(limit)
}

fn read_spat(root: &mut Table<'_, '_>, priorities: &mut Priorities) -> spat::Config {
    let default = spat::Config::default();
    let mut table = root.table("spat");
    let forms = [
        ("counting", spat::TimingForm::Counting),
        ("utc", spat::TimingForm::Utc),
    ];
    let config = spat::Config {
        period: period(&mut table, "period-ms", 50, 500, default.period),
        offset: table.millis("offset-ms", 0..=499).unwrap_or(default.offset),
        form: table
            .choice("form", &forms)
            .map_or(default.form, |form| form.value),
        change_gap: table
            .millis("change-gap-ms", 0..=100)
            .unwrap_or(default.change_gap),
    };
    priority(&mut table, "priority", FrameKind::Spat, priorities);
    table.finish();
    config
}

fn read_map(root: &mut Table<'_, '_>, priorities: &mut Priorities) -> map::Config {
    let default = map::Config::default();
    let mut table = root.table("map");
    let config = map::Config {
        period: period(&mut table, "period-ms", 100, 1000, default.period),
        offset: table.millis("offset-ms", 0..=999).unwrap_or(default.offset),
        exits: table.boolean("exits").unwrap_or(default.exits),
    };
    priority(&mut table, "priority", FrameKind::Map, priorities);
    table.finish();
    config
}

fn read_rsm(root: &mut Table<'_, '_>, priorities: &mut Priorities) -> rsm::Config {
    let default = rsm::Config::default();
    let mut table = root.table("rsm");
    let config = rsm::Config {
        period: period(&mut table, "period-ms", 100, 1000, default.period),
        offset: table.millis("offset-ms", 0..=999).unwrap_or(default.offset),
        open: table.millis("open-ms", 0..=50).unwrap_or(default.open),
        stale_after: table
            .millis("stale-after-ms", 200..=10_000)
            .unwrap_or(default.stale_after),
        track_stale_after: table
            .millis("track-stale-after-ms", 100..=5000)
            .unwrap_or(default.track_stale_after),
        hidden_stale_after: table
            .millis("hidden-stale-after-ms", 100..=5000)
            .unwrap_or(default.hidden_stale_after),
        most_messages: table
            .integer("most-messages", 1..=17)
            .map_or(default.most_messages, |n| n.value as usize),
        survey_error_m: table
            .number("survey-error-m", 0.01..=100.0)
            .map(|m| m.value),
    };
    priority(&mut table, "priority", FrameKind::Rsm, priorities);
    table.finish();
    config
}

fn read_rsi(root: &mut Table<'_, '_>, priorities: &mut Priorities) -> rsi::Config {
    let default = rsi::Config::default();
    let mut table = root.table("rsi");
    let config = rsi::Config {
        dynamic_period: period(
            &mut table,
            "dynamic-period-ms",
            100,
            1000,
            default.dynamic_period,
        ),
        semi_static_period: period(
            &mut table,
            "semi-static-period-ms",
            100,
            5000,
            default.semi_static_period,
        ),
        static_period: period(
            &mut table,
            "static-period-ms",
            100,
            10_000,
            default.static_period,
        ),
        offset: table.millis("offset-ms", 0..=999).unwrap_or(default.offset),
    };
    for (key, kind) in [
        ("dynamic-priority", FrameKind::RsiDynamic),
        ("semi-static-priority", FrameKind::RsiSemiStatic),
        ("static-priority", FrameKind::RsiStatic),
    ] {
        priority(&mut table, key, kind, priorities);
    }
    table.finish();
    config
}

fn read_events(root: &mut Table<'_, '_>) -> events::Config {
    let default = events::Config::default();
    let mut table = root.table("events");
    let config = events::Config {
        cleared_for: table
            .millis("cleared-for-ms", 1000..=60_000)
            .unwrap_or(default.cleared_for),
        id_rest: table
            .millis("id-rest-ms", 0..=3_600_000)
            .unwrap_or(default.id_rest),
        same_within_m: table
            .number("same-within-m", 0.0..=500.0)
            .map_or(default.same_within_m, |m| m.value),
    };
    table.finish();
    config
}

/// What the picture shows by itself: a detector whose time is 0 is off.
fn read_detect(root: &mut Table<'_, '_>) -> detect::Config {
    let default = detect::Config::default();
    let mut table = root.table("detect");
    let config = detect::Config {
        stopped_after: switch(&mut table, "stopped-after-ms", default.stopped_after),
        bus_stopped_after: table
            .millis("bus-stopped-after-ms", 1000..=3_600_000)
            .unwrap_or(default.bus_stopped_after),
        siren_within_m: table
            .number("siren-within-m", 0.0..=500.0)
            .map_or(default.siren_within_m, |m| m.value),
        siren_after: table
            .millis("siren-after-ms", 0..=60_000)
            .unwrap_or(default.siren_after),
        siren_longest: table
            .millis("siren-longest-ms", 0..=600_000)
            .unwrap_or(default.siren_longest),
        object_after: switch(&mut table, "object-after-ms", default.object_after),
        wrong_way_after: switch(&mut table, "wrong-way-after-ms", default.wrong_way_after),
        pedestrian_after: switch(&mut table, "pedestrian-after-ms", default.pedestrian_after),
        animal_after: switch(&mut table, "animal-after-ms", default.animal_after),
        slow_after: switch(&mut table, "slow-after-ms", default.slow_after),
        slow_below_mps: table
            .number("slow-below-kmh", 3.0..=80.0)
            .map_or(default.slow_below_mps, |kmh| kmh.value / 3.6),
        overspeed_after: switch(&mut table, "overspeed-after-ms", default.overspeed_after),
        overspeed_ratio: table
            .number("overspeed-ratio", 1.0..=3.0)
            .map_or(default.overspeed_ratio, |ratio| ratio.value),
        emergency_after: switch(&mut table, "emergency-after-ms", default.emergency_after),
        congestion_after: switch(&mut table, "congestion-after-ms", default.congestion_after),
        congestion_cycles_after: table
            .millis("longer-than-any-cycle-ms", 30_000..=3_600_000)
            .unwrap_or(default.congestion_cycles_after),
        congestion_from_m: table
            .number("congestion-from-m", 20.0..=1000.0)
            .map_or(default.congestion_from_m, |m| m.value),
    };
    table.finish();
    config
}

/// What is about to happen at the junction; conflicts within 0 are not looked for.
fn read_warnings(root: &mut Table<'_, '_>) -> warnings::Config {
    let default = warnings::Config::default();
    let mut table = root.table("warnings");
    let config = warnings::Config {
        conflicts_within: match table.millis("conflicts-within-ms", 0..=5000) {
            None => default.conflicts_within,
            Some(within) => (!within.is_zero()).then_some(within),
        },
        probability: table
            .number("probability", 0.05..=0.95)
            .map_or(default.probability, |least| least.value),
        red_light: table.boolean("red-light").unwrap_or(default.red_light),
        braking_mps2: table
            .number("braking-mps2", 2.0..=9.0)
            .map_or(default.braking_mps2, |most| most.value),
        red_braking: table
            .millis("red-braking-ms", 500..=5000)
            .unwrap_or(default.red_braking),
        after: table.millis("after-ms", 0..=2000).unwrap_or(default.after),
        over_after: table
            .millis("over-after-ms", 100..=10_000)
            .unwrap_or(default.over_after),
    };
    table.finish();
    config
}

/// What vehicles that ask are answered, and when.
fn read_requests(
    root: &mut Table<'_, '_>,
    priorities: &mut Priorities,
) -> (requests::Config, answer::Config) {
    let (default, when) = (requests::Config::default(), answer::Config::default());
    let mut table = root.table("requests");
    let config = requests::Config {
        lane_change: table.boolean("lane-change").unwrap_or(default.lane_change),
        passing: table.boolean("passing").unwrap_or(default.passing),
        sharing: table.boolean("sharing").unwrap_or(default.sharing),
        reaction: table
            .millis("reaction-ms", 300..=3000)
            .unwrap_or(default.reaction),
        braking_mps2: table
            .number("braking-mps2", 2.0..=9.0)
            .map_or(default.braking_mps2, |most| most.value),
        least_gap_m: table
            .number("least-gap-m", 0.5..=20.0)
            .map_or(default.least_gap_m, |m| m.value),
        change: table
            .millis("change-ms", 1000..=10_000)
            .unwrap_or(default.change),
        holds: table
            .millis("holds-ms", 100..=5000)
            .unwrap_or(default.holds),
        stands: table
            .millis("stands-ms", 200..=60_000)
            .unwrap_or(default.stands),
    };
    let answers = answer::Config {
        period: period(&mut table, "period-ms", 100, 1000, when.period),
        offset: table.millis("offset-ms", 0..=999).unwrap_or(when.offset),
    };
    if config.holds < answers.period {
        table.wrong(
            table.line_of("holds-ms"),
            "holds-ms",
            "is shorter than period-ms: an answer would be over before the next",
        );
    }
    for (key, kind) in [
        ("advice-priority", FrameKind::Rsc),
        ("sharing-priority", FrameKind::Ssm),
    ] {
        priority(&mut table, key, kind, priorities);
    }
    table.finish();
    (config, answers)
}

fn switch(
    table: &mut Table<'_, '_>,
    key: &'static str,
    default: Option<Duration>,
) -> Option<Duration> {
    match table.millis(key, 0..=3_600_000) {
        None => default,
        Some(after) => (!after.is_zero()).then_some(after),
    }
}

fn read_signals(root: &mut Table<'_, '_>) -> signals::Config {
    let default = signals::Config::default();
    let mut table = root.table("signals");
    let config = signals::Config {
        no_timing_after: table
            .millis("no-timing-after-ms", 500..=60_000)
            .unwrap_or(default.no_timing_after),
        plan_lasts: table
            .millis("plan-lasts-ms", 500..=300_000)
            .unwrap_or(default.plan_lasts),
        stop_after: table
            .millis("stop-after-ms", 1000..=60_000)
            .unwrap_or(default.stop_after),
        expiry_grace: table
            .millis("expiry-grace-ms", 0..=5000)
            .unwrap_or(default.expiry_grace),
        max_countdown: table
            .millis("max-countdown-ms", 10_000..=3_600_000)
            .unwrap_or(default.max_countdown),
        timing_error: table
            .millis("timing-error-ms", 1..=5000)
            .unwrap_or(default.timing_error),
        use_history: table.boolean("use-history").unwrap_or(default.use_history),
    };
    if config.plan_lasts > config.stop_after {
        table.unwise(
            table.line_of("plan-lasts-ms"),
            "plan-lasts-ms",
            Reason::new(
                "plan-outlasts-spat",
                [],
                "is longer than stop-after-ms: SPAT stops before the plan's times are withheld"
                    .to_owned(),
            ),
        );
    }
    if config.stop_after < config.no_timing_after {
        table.wrong(
            table.line_of("stop-after-ms"),
            "stop-after-ms",
            "is shorter than no-timing-after-ms: times would never be withheld before SPAT stops",
        );
    }
    table.finish();
    config
}

fn read_fusion(root: &mut Table<'_, '_>) -> fusion::Config {
    let default = fusion::Config::default();
    let mut table = root.table("fusion");
    let config = fusion::Config {
        max_targets: table
            .integer("max-followed", 16..=fusion::MAX_TARGETS as i64)
            .map_or(default.max_targets, |n| n.value as usize),
        max_work: table
            .integer("max-work", 100..=10_000_000)
            .map_or(default.max_work, |n| n.value as usize),
        max_tracks: table
            .integer("max-tracks", 1..=255)
            .map_or(default.max_tracks, |n| n.value as usize),
        confirm_hits: table
            .integer("confirm-hits", 1..=20)
            .map_or(default.confirm_hits, |n| n.value as u32),
        window: table
            .millis("window-ms", 0..=1000)
            .unwrap_or(default.window),
        max_ahead: table
            .millis("max-ahead-ms", 100..=60_000)
            .unwrap_or(default.max_ahead),
        confirm_log_odds: table
            .number("confirm-log-odds", 0.0..=12.0)
            .map_or(default.confirm_log_odds, |n| n.value),
        patience: table
            .millis("patience-ms", 0..=10_000)
            .unwrap_or(default.patience),
        tentative_for: table
            .millis("tentative-ms", 100..=10_000)
            .unwrap_or(default.tentative_for),
        hidden_sigma_m: table
            .number("hidden-sigma-m", 0.1..=50.0)
            .map_or(default.hidden_sigma_m, |m| m.value),
        delete_log_odds: table
            .number("delete-log-odds", -12.0..=0.0)
            .map_or(default.delete_log_odds, |n| n.value),
        delete_after: table
            .millis("delete-after-ms", 100..=10_000)
            .unwrap_or(default.delete_after),
        delete_hidden_after: table
            .millis("delete-hidden-after-ms", 100..=30_000)
            .unwrap_or(default.delete_hidden_after),
        id_rest: table
            .millis("id-rest-ms", 0..=600_000)
            .unwrap_or(default.id_rest),
        max_distance_m: table
            .number("max-distance-m", 10.0..=5000.0)
            .map_or(default.max_distance_m, |m| m.value),
        gate: table
            .number("gate", 4.0..=50.0)
            .map_or(default.gate, |n| n.value),
        parts: fusion::Parts {
            delay: table
                .boolean("learn-latency")
                .unwrap_or(default.parts.delay),
            lanes: table.boolean("lanes").unwrap_or(default.parts.lanes),
            ..default.parts
        },
        ..default
    };
    if config.max_work < 2 * config.max_targets {
        table.wrong(
            table.line_of("max-work"),
            "max-work",
            "is less than twice max-followed: with so many road users, nearly nothing new could be taken",
        );
    }
    table.finish();
    config
}

/// How urgent a kind of message is to the radio; the standard's priority if nothing is said.
fn priority(
    table: &mut Table<'_, '_>,
    key: &'static str,
    kind: FrameKind,
    priorities: &mut Priorities,
) {
    if let Some(value) = table.integer(key, 0..=255) {
        priorities.set(kind, u8::try_from(value.value).unwrap_or(u8::MAX));
    }
}

/// A period on a grid that is aligned to the second: one that does not divide it drifts.
fn period(
    table: &mut Table<'_, '_>,
    key: &'static str,
    from: i64,
    to: i64,
    default: Duration,
) -> Duration {
    let Some(ms) = table.integer(key, from..=to) else {
        return default;
    };
    if 1000 % ms.value != 0 && ms.value % 1000 != 0 {
        let told = format!(
            "{} ms does not divide a second: slots drift through it",
            ms.value
        );
        let reason = Reason::new("slots-drift", [ms.value.to_string()], told);
        table.unwise(ms.line, key, reason);
    }
    Duration::from_millis(ms.value.unsigned_abs())
}

/// Every phase must be driven by an input that is a signal controller and can speak of its lamps; one word
/// a controller.
pub(super) fn check_controllers(reader: &Reader<'_>, line: usize, site: &Site, inputs: &[Input]) {
    let mut driven: BTreeMap<&str, Vec<&Phase>> = BTreeMap::new();
    for phase in &site.phases {
        driven.entry(&phase.controller).or_default().push(phase);
    }
    let wrong = |told: &str| reader.note(Severity::Wrong, line, "station.site", told);
    for (controller, phases) in &driven {
        let fault = match inputs.iter().find(|input| input.name == **controller) {
            Some(input) if input.protocol.is_controller() => {
                let told = lamps_beyond(input, phases);
                told.iter().for_each(|told| wrong(told));
                continue;
            }
            Some(input) => format!(
                "which speaks {}, not a controller's protocol",
                input.protocol.name()
            ),
            None => "which is no [[input.*]] of this file".to_owned(),
        };
        let phases = phases.iter().map(|phase| phase.id.value().to_string());
        let phases = phases.collect::<Vec<_>>().join(", ");
        wrong(&format!(
            "phases {phases} are driven by \"{controller}\", {fault}"
        ));
    }
}

/// What is to be said of lamps that the controller's protocol has no room for.
fn lamps_beyond(input: &Input, phases: &[&Phase]) -> Vec<String> {
    let lamps = phases
        .iter()
        .flat_map(|phase| phase.lamps.iter().map(|lamp| (phase.id, *lamp)));
    lamps
        .filter(|(_, lamp)| !input.protocol.has_lamp(*lamp))
        .map(|(phase, lamp)| {
            format!(
                "phase {} is shown by lamp {lamp} of \"{}\", and {} has no lamp of that number",
                phase.value(),
                input.name,
                input.protocol.name()
            )
        })
        .collect()
}
