//! Tells the operator: events and changes of state as log lines, one each, and never a line for
//! every datagram.
//!
//! A thread of its own looks at the tallies a few times a second, so that a slow terminal or disk
//! holds up nobody. What a stranger on the network can cause is a counter, with at most a line an
//! input and interval.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;
use tracing::{error, info, warn};

use super::clock;
use super::notices::Notice;
use super::radio::Stage;
use super::receivers::{Receivers, Trouble};
use super::shared::{InputView, Shared};
use super::snapshot::suspicion_name;
use super::tally::LinkState;
use crate::clock::Mono;
use crate::events;
use crate::fusion::Suspicion;
use crate::station::{Event, FrameKind};
use crate::warnings;

/// How often it looks.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// At most one line about rejected bytes in this time, for each input.
const REJECTS_EVERY: Duration = Duration::from_secs(10);

/// At most one line about slots that were missed in this time, for each kind of message: a machine that
/// is too busy misses some each second, and fifty such lines would push out all other warnings.
const MISSED_EVERY: Duration = Duration::from_secs(60);

/// At most one line about what a device says has gone wrong with it in this time, for each.
const FAULTS_EVERY: Duration = Duration::from_secs(10);

/// At most one line about what is suspected of a sensor in this time, for each.
const SUSPICION_EVERY: Duration = Duration::from_secs(60);

/// What was told already.
pub(crate) struct Observer {
    shared: Arc<Shared>,
    inputs: Vec<Told>,
    outlets: Vec<Option<(Stage, Option<i32>)>>,
    recording: Recording,
    missed: [Missed; FrameKind::ALL.len()],
}

/// Slots of one kind that were missed and not yet told.
#[derive(Clone, Copy, Default)]
struct Missed {
    slots: u64,
    told_at: Option<Mono>,
}

#[derive(Default)]
struct Recording {
    trouble: Option<String>,
    dropped: u64,
    dropped_at: Option<Mono>,
}

#[derive(Default)]
struct Told {
    link: LinkState,
    silent: bool,
    idle: bool,
    rejected: u64,
    rejected_at: Option<Mono>,
    /// By kind, as the input lists them.
    faults: Vec<u64>,
    faults_at: Option<Mono>,
    suspicion: Option<Suspicion>,
    suspicion_at: Option<Mono>,
    receiver: Receivers,
}

impl Observer {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        let inputs = shared.inputs.iter().map(|_| Told::default()).collect();
        let outlets = shared.outlets.iter().map(|_| None).collect();
        Self {
            shared,
            inputs,
            outlets,
            recording: Recording::default(),
            missed: Default::default(),
        }
    }

    /// Looks and tells until the wish to end, and once more then.
    pub(crate) fn run(mut self) {
        loop {
            let stopping = self.shared.stop.wait(LOOK_EVERY);
            self.look(clock::mono());
            if stopping {
                return;
            }
        }
    }

    fn look(&mut self, now: Mono) {
        while let Some(event) = self.shared.heart.next_event() {
            match event {
                Event::SlotsMissed { kind, count } => self.missed[kind.index()].slots += count,
                event => tell_event(&self.shared, event),
            }
        }
        for (kind, missed) in FrameKind::ALL.into_iter().zip(&mut self.missed) {
            tell_missed(&self.shared, kind, missed, now);
        }
        for (view, told) in self.shared.inputs.iter().zip(&mut self.inputs) {
            tell_link(&self.shared, view, told);
            tell_silence(&self.shared, view, told, now);
            tell_idle(&self.shared, view, told);
            tell_rejects(&self.shared, view, told, now);
            tell_faults(&self.shared, view, told, now);
            tell_suspicion(&self.shared, view, told, now);
            tell_receiver(view, told, now);
        }
        tell_recording(&self.shared, &mut self.recording, now);
        for ((target, tally), told) in self.shared.outlets.iter().zip(&mut self.outlets) {
            let trouble = tally.trouble();
            let key = trouble
                .as_ref()
                .map(|(stage, e)| (*stage, e.raw_os_error()));
            if key == *told {
                continue;
            }
            let to = target.to;
            let interface = target.interface.as_deref().unwrap_or("any");
            if let Some((_, e)) = &trouble {
                note(&self.shared, "radio", &to.to_string(), e.to_string());
            }
            match &trouble {
                Some((Stage::Interface, e)) => {
                    warn!(to = %to, interface, "radio: interface cannot be used: {e}; trying again");
                }
                Some((Stage::Open, e)) => {
                    warn!(to = %to, interface, "radio: cannot open: {e}; trying again");
                }
                Some((Stage::Send, e)) => {
                    warn!(to = %to, interface, "radio: cannot send: {e}; trying again");
                }
                None => info!(to = %to, interface, "radio: sending again"),
            }
            *told = key;
        }
    }
}

/// For who looks at the console.
fn note(shared: &Shared, code: &'static str, subject: &str, text: String) {
    shared.notices.add(Notice {
        utc_ms: clock::now().utc.unix_ms(),
        code,
        subject: subject.to_owned(),
        text,
    });
}

fn tell_missed(shared: &Shared, kind: FrameKind, missed: &mut Missed, now: Mono) {
    let waits = |at| now.since(at) < MISSED_EVERY;
    if missed.slots == 0 || missed.told_at.is_some_and(waits) {
        return;
    }
    let (kind, count) = (kind.name(), missed.slots);
    note(shared, "late", kind, count.to_string());
    warn!(kind, count, "messages missed their time");
    *missed = Missed {
        slots: 0,
        told_at: Some(now),
    };
}

fn tell_recording(shared: &Shared, told: &mut Recording, now: Mono) {
    let Some(tally) = &shared.recording else {
        return;
    };
    let trouble = tally.trouble();
    if trouble != told.trouble {
        match &trouble {
            Some(trouble) => {
                note(shared, "recording", "", trouble.clone());
                error!("recording: {trouble}; nothing is kept, trying again");
            }
            None => info!("recording: going on"),
        }
        told.trouble = trouble;
    }
    let lately = told
        .dropped_at
        .is_some_and(|at| now.since(at) < REJECTS_EVERY);
    let dropped = shared.not_recorded();
    if lately || dropped == told.dropped {
        return;
    }
    // While the disk refuses, that has been told already.
    if told.trouble.is_none() {
        let new = dropped - told.dropped;
        note(shared, "recording-slow", "", new.to_string());
        warn!(new, "recording: not kept, the disk was too slow or refused");
        told.dropped_at = Some(now);
    }
    told.dropped = dropped;
}

fn tell_link(shared: &Shared, view: &InputView, told: &mut Told) {
    let link = view.tally.link();
    if link == told.link {
        return;
    }
    let input = view.name.as_str();
    match &link {
        LinkState::Starting => {}
        LinkState::Up => info!(input, source = %view.source, "link up"),
        LinkState::Down(reason) => {
            note(shared, "down", input, reason.clone());
            warn!(input, source = %view.source, "{reason}; trying again");
        }
        LinkState::Ended => info!(input, source = %view.source, "recording ended"),
    }
    told.link = link;
}

fn tell_silence(shared: &Shared, view: &InputView, told: &mut Told, now: Mono) {
    let last = view.tally.last_report();
    let age = now.since(last.unwrap_or(shared.started));
    let silent = age > view.silent_after;
    if silent == told.silent {
        return;
    }
    let input = view.name.as_str();
    if silent {
        note(shared, "silent", input, String::new());
    }
    match (silent, last) {
        (true, None) => warn!(input, "silent since the start"),
        (true, Some(_)) => warn!(input, silent_ms = age.as_millis() as u64, "silent"),
        (false, _) => info!(input, "heard"),
    }
    told.silent = silent;
}

/// That a controller speaks of which nothing is used; once.
fn tell_idle(shared: &Shared, view: &InputView, told: &mut Told) {
    if told.idle || !view.is_idle || view.tally.last_report().is_none() {
        return;
    }
    let input = view.name.as_str();
    note(shared, "controller-idle", input, String::new());
    warn!(
        input,
        "signals: this controller speaks and drives no phase of the site; nothing that it says is used"
    );
    told.idle = true;
}

fn tell_rejects(shared: &Shared, view: &InputView, told: &mut Told, now: Mono) {
    if told
        .rejected_at
        .is_some_and(|at| now.since(at) < REJECTS_EVERY)
    {
        return;
    }
    let counts = view.tally.counts();
    let foreign = view.tally.foreign.load(Ordering::Relaxed);
    let overlong = view.tally.overlong.load(Ordering::Relaxed);
    let rejected: u64 = counts.rejected().iter().map(|(_, n)| n).sum::<u64>() + foreign + overlong;
    if rejected == told.rejected {
        return;
    }
    let mut kinds = String::new();
    let link = [("foreign", foreign), ("overlong", overlong)];
    for (kind, count) in counts.rejected().iter().chain(&link) {
        if *count > 0 {
            kinds.push_str(&format!(" {kind}={count}"));
        }
    }
    let input = view.name.as_str();
    let new = rejected - told.rejected;
    note(shared, "rejected", input, kinds.trim().to_owned());
    warn!(
        input,
        new, "dropped what makes no sense; since the start:{kinds}"
    );
    told.rejected = rejected;
    told.rejected_at = Some(now);
}

/// What is new of what a device says has gone wrong with it.
fn tell_faults(shared: &Shared, view: &InputView, told: &mut Told, now: Mono) {
    let lately = |at| now.since(at) < FAULTS_EVERY;
    if told.faults_at.is_some_and(lately) {
        return;
    }
    let counts = view.tally.counts();
    told.faults.resize(counts.faults().len(), 0);
    let mut kinds = Vec::new();
    for ((kind, count), before) in counts.faults().iter().zip(&mut told.faults) {
        if count > before {
            kinds.push(*kind);
        }
        *before = *count;
    }
    if kinds.is_empty() {
        return;
    }
    let (input, faults) = (view.name.as_str(), kinds.join(", "));
    warn!(
        input,
        faults, "device: it has logged faults of its own; have it looked at by who maintains it"
    );
    note(shared, "device-fault", input, faults);
    told.faults_at = Some(now);
}

/// That a sensor is silent is told of its input already.
fn tell_suspicion(shared: &Shared, view: &InputView, told: &mut Told, now: Mono) {
    let Some(health) = shared.heart.sensor(view.id) else {
        return;
    };
    let suspicion = health.suspicion.filter(|s| *s != Suspicion::Silent);
    let lately = told
        .suspicion_at
        .is_some_and(|at| now.since(at) < SUSPICION_EVERY);
    if suspicion == told.suspicion || lately {
        return;
    }
    let input = view.name.as_str();
    let heading_deg = health.turned_clockwise_rad.to_degrees();
    match suspicion {
        None => info!(input, "sensor: agrees with the others again"),
        Some(Suspicion::Hung) => warn!(
            input,
            "sensor: shows the same again and again, though those in it are said to move; start it anew"
        ),
        Some(Suspicion::Astray) => warn!(
            input,
            "sensor: has hardly anything in common with the others that look there; look at its place, its heading, and how far and wide it is said to see"
        ),
        Some(Suspicion::Turned) => {
            warn!(
                input,
                by_deg = format!("{heading_deg:.1}"),
                "sensor: seems to be turned; look at its mount, or set its heading"
            );
        }
        Some(Suspicion::Shifted) => {
            warn!(
                input,
                by_m = format!("{:.1}", health.range_offset_m),
                "sensor: measures ranges wrong; look at its place and its settings"
            );
        }
        Some(_) => {
            let ratio = health.noise_along.max(health.noise_across);
            warn!(
                input,
                variance_ratio = format!("{ratio:.1}"),
                "sensor: its errors are larger than it claims"
            );
        }
    }
    if let Some(suspicion) = suspicion {
        let text = match suspicion {
            Suspicion::Turned => format!("{heading_deg:.1}°"),
            Suspicion::Shifted => format!("{:.1} m", health.range_offset_m),
            _ => String::new(),
        };
        note(shared, suspicion_name(suspicion), input, text);
    }
    told.suspicion = suspicion;
    told.suspicion_at = Some(now);
}

/// What a receiver of satellite navigation has against us, or has lost.
fn tell_receiver(view: &InputView, told: &mut Told, now: Mono) {
    let Some(receiver) = view.tally.receiver() else {
        return;
    };
    let input = view.name.as_str();
    let by = |number: Option<f64>| format!("{:.1}", number.unwrap_or_default());
    for (trouble, is_there) in told.receiver.look(view.tally.counts().tolerated(), now) {
        match (trouble, is_there) {
            (Trouble::NoFix, true) => warn!(input, "receiver: has no fix"),
            (Trouble::NoFix, false) => info!(input, "receiver: has a fix again"),
            (Trouble::Place, true) => warn!(
                input,
                by_m = by(receiver.offset_m),
                "receiver: is not where the site was surveyed; look at the site's origin, or at who disturbs the sky"
            ),
            (Trouble::Place, false) => info!(input, "receiver: is where the site was surveyed"),
            (Trouble::Clock, true) => warn!(
                input,
                by_s = by(receiver.clock_ahead_s),
                "receiver: its time and that of this machine differ"
            ),
            (Trouble::Clock, false) => {
                info!(input, "receiver: agrees with the time of this machine");
            }
        }
    }
}

/// What of the station's news is a warning for who looks at the console: which sort, and what else.
fn warning_of(event: &Event) -> Option<(&'static str, String, String)> {
    let none = String::new;
    Some(match event {
        Event::SpatStopped => ("spat-stopped", none(), none()),
        Event::ConflictingGreens { first, second } => {
            let both = format!("{} {}", first.value(), second.value());
            ("conflict", both, none())
        }
        Event::PhaseNotMentioned { phase } => {
            ("phase-not-mentioned", phase.value().to_string(), none())
        }
        Event::RsmStopped => ("rsm-stopped", none(), none()),
        Event::ClockUnfit { error } => {
            let text = error.map(|by| format!("{} ms", by.as_millis()));
            ("clock", none(), text.unwrap_or_default())
        }
        Event::NotSent { kind, reason } => ("not-sent", kind.name().to_owned(), reason.to_string()),
        Event::LinkTooLong { link } => ("map", link.to_string(), none()),
        Event::NotAnnounced { index, .. } => ("rsi", index.to_string(), none()),
        _ => return None,
    })
}

fn tell_event(shared: &Shared, event: Event) {
    if let Some((code, subject, text)) = warning_of(&event) {
        note(shared, code, &subject, text);
    }
    match event {
        Event::SpatStopped => warn!("spat: stopped, nothing may be said about the signals"),
        Event::SpatStarted => info!("spat: sending"),
        Event::ConflictingGreens { first, second } => {
            let (first, second) = (first.value(), second.value());
            error!(
                first,
                second, "signals: phases in conflict are green together"
            );
        }
        Event::PhaseNotMentioned { phase } => {
            let phase = phase.value();
            warn!(
                phase,
                "signals: the controller speaks and does not mention this phase; compare the site's lamps \
                 with its own numbers"
            );
        }
        Event::RsmStopped => warn!("rsm: stopped, no sensor has reported for too long"),
        Event::RsmStarted => info!("rsm: sending"),
        Event::ClockUnfit { error: Some(by) } => {
            let error_ms = by.as_millis() as u64;
            error!(
                error_ms,
                "clock: not fit, nothing is sent that claims a time"
            );
        }
        Event::ClockUnfit { error: None } => {
            error!("clock: its error is unknown, nothing is sent that claims a time");
        }
        Event::ClockFit => info!("clock: fit"),
        // Gathered, see `tell_missed`.
        Event::SlotsMissed { .. } => {}
        Event::NotSent { kind, reason } => warn!(kind = kind.name(), "not sent: {reason}"),
        Event::MapCoarser { tolerance_m } => {
            info!(
                tolerance_m,
                "map: lines are told with fewer points to fit a message"
            );
        }
        Event::ExitTooLong { to } => {
            warn!(%to, "map: a road away from here is too long for a message and is left out");
        }
        Event::MapLinkCut {
            upstream,
            downstream,
            told_m,
            long_m,
        } => {
            warn!(
                %upstream,
                %downstream,
                told_m,
                long_m,
                "map: a link is told only in part, from the junction"
            );
        }
        Event::MapInParts { parts } => info!(parts, "map: too long for one message, sent in parts"),
        Event::LinkTooLong { link } => {
            warn!(
                link,
                "map: a link is too long for a message and is left out"
            );
        }
        Event::OnTheRoad(change) => {
            let (id, code) = (change.id, change.event_type.0);
            match change.stage {
                events::Stage::Holds => info!(id, code, "road: event raised"),
                events::Stage::Cleared => info!(id, code, "road: event cleared"),
            }
        }
        Event::Warning(change) => tell_warning(shared, change),
        Event::NotAnnounced { event, index } => {
            let what = if event { "event" } else { "sign" };
            warn!(
                what,
                index, "rsi: left out, it breaks a rule or is too long"
            );
        }
    }
}

fn tell_warning(shared: &Shared, change: warnings::Change) {
    match change {
        warnings::Change::Begun(warning) => {
            let warnings::Warning { first, second, .. } = warning;
            let kind = warning.kind.name();
            let lead_ms = warning.at.since(warning.since).as_millis() as u64;
            let percent = (warning.probability * 100.0).round() as u8;
            let who = second.map_or(first.to_string(), |second| format!("{first}, {second}"));
            let text = format!("{kind}, {lead_ms} ms, {percent} %");
            note(shared, "warning", &who, text);
            tell_cloud(shared, true, &warning);
            match second {
                Some(second) => warn!(kind, first, second, lead_ms, percent, "warning"),
                None => warn!(kind, first, lead_ms, percent, "warning"),
            }
        }
        warnings::Change::Over(warning) => {
            let (kind, first) = (warning.kind.name(), warning.first);
            info!(kind, first, "warning over");
            tell_cloud(shared, false, &warning);
        }
    }
}

/// The numbers of participants are those of RSM.
fn tell_cloud(shared: &Shared, begins: bool, warning: &warnings::Warning) {
    if let Some(cloud) = &shared.cloud {
        cloud.warn(&json!({
            "utc_ms": clock::now().utc.unix_ms(),
            "kind": warning.kind.name(),
            "state": if begins { "begun" } else { "over" },
            "participants": std::iter::once(warning.first).chain(warning.second).collect::<Vec<u8>>(),
            "lead_ms": warning.at.since(warning.since).as_millis() as u64,
            "probability_percent": (warning.probability * 100.0).round() as u8,
        }));
    }
}
