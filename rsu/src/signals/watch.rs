//! What one phase shows, since when, and until when by its countdown.
//!
//! News may be lost, late, doubled or in the wrong order. A colour that stops traffic is believed at
//! once; a green that comes back right after it ended is the echo of older news. A countdown is read
//! at the moment at which its second changes. Not here: plans, and what the past tells.

use std::time::Duration;

use arrayvec::ArrayVec;
use v2x_msg::base::PhaseId;

use super::anchor::{Anchor, Heard, Rounding};
use super::drift::{Drift, Missed, REACHES};
use super::forecast::{Basis, End, Start, StateForecast, Timing};
use super::kept::Kept;
use super::limits::{self, Limits};
use super::pace::Pace;
use super::rounding::Implied;
use super::{Oddities, merged};
use crate::clock::Mono;
use crate::report::Light;
use crate::site::{self, GreenKind};

/// News further apart may have missed a change in between: a beginning between them is not known to
/// the tenth.
const MAX_GAP: Duration = Duration::from_millis(1500);
/// News further apart may have missed a whole light.
const MAX_BLIND: Duration = Duration::from_millis(3500);
/// A countdown whose beginning was not seen is a whole second vague.
const VAGUE: Duration = Duration::from_secs(1);
/// A second that is told for longer than this is not counting.
const STUCK: Duration = Duration::from_millis(1400);
/// An end that is no farther away is settled with most controllers, in seconds.
const NEAR_S: u16 = 6;
/// Who asks its controller for each lamp in turn has asked for all of them by then.
const MISSING_AFTER: Duration = Duration::from_secs(10);
/// A green that has ended does not come back within this.
const ECHO: Duration = Duration::from_secs(1);

/// One phase under watch.
#[derive(Debug)]
pub(super) struct Watch {
    pub(super) phase: PhaseId,
    pub(super) green: GreenKind,
    pub(super) lamps: Vec<u16>,
    /// Its controller's place.
    pub(super) controller: usize,
    /// Flashing merged with steady.
    pub(super) light: Light,
    /// As the lamps show it.
    shown: Light,
    since: Option<Mono>,
    end: Option<Anchor>,
    /// The second that was told last, and when it was first told.
    told: Option<(u16, Mono)>,
    heard_at: Option<Mono>,
    /// It is told of that nobody mentions it.
    missing: bool,
    pace: Pace,
    /// By how much the newest news of the end came late, until somebody asks.
    late: Option<Duration>,
    /// When the last green ended.
    green_until: Option<Mono>,
    kept: Kept,
    /// The newest news spoke of the end anew.
    announced: bool,
    /// The ends that whole seconds have implied, when the end was near.
    implied: Option<Implied>,
    /// What the last end said of the controller's rounding, until somebody asks.
    rounded: Option<Rounding>,
    /// The ends that were told of the light that ended last, until somebody asks.
    missed: ArrayVec<Missed, { REACHES.len() }>,
    limits: limits::Word,
}

/// What a controller says of the time that is left of a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Countdown {
    /// Nothing.
    Silent,
    /// Whole seconds, as a display shows them; 0 means that the end is now.
    Seconds(u16),
    /// To the tenth or better, as of the arrival.
    Exact(Duration),
}

impl Countdown {
    fn seconds(self) -> Option<u16> {
        match self {
            Self::Seconds(s) => Some(s),
            Self::Silent | Self::Exact(_) => None,
        }
    }
}

/// What news did to a phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// It shows what it showed.
    Same,
    /// It shows the same colour in another way, such as flashing.
    Shade,
    /// It shows another colour, since this moment where that is known about.
    Colour(Option<Mono>),
    /// It was out of sight for so long that another colour may have been between.
    Lost,
}

impl Watch {
    pub(super) fn new(phase: &site::Phase, controller: usize) -> Self {
        Self {
            phase: phase.id,
            green: phase.green,
            lamps: phase.lamps.clone(),
            controller,
            light: Light::Unknown,
            shown: Light::Unknown,
            since: None,
            end: None,
            told: None,
            heard_at: None,
            missing: false,
            pace: Pace::default(),
            late: None,
            green_until: None,
            kept: Kept::default(),
            announced: false,
            implied: None,
            rounded: None,
            missed: ArrayVec::new(),
            limits: limits::Word::default(),
        }
    }

    /// Takes in how soon and how late the light that is on may end, as the newest news have it.
    pub(super) fn take_limits(&mut self, min: Option<Mono>, max: Option<Mono>) {
        self.limits.take(min, max);
    }

    /// How soon and how late the light may end by the controller's word, while that holds.
    pub(super) fn limits(&self, at: Mono) -> Limits {
        self.limits.believed(self.light, at)
    }

    /// What the last end said of the controller's rounding; told once.
    pub(super) fn take_rounded(&mut self) -> Option<Rounding> {
        self.rounded.take()
    }

    /// Keeps the end that is told, to hold it against what comes.
    pub(super) fn keep(&mut self, at: Mono, end: Mono) {
        self.announced = false;
        self.kept.tell(at, end);
    }

    /// The same of the end that is announced, where there is news of it.
    pub(super) fn keep_announced(&mut self, at: Mono) {
        if std::mem::take(&mut self.announced)
            && let Some(end) = self.end
        {
            self.kept.tell(at, end.at);
        }
    }

    /// How often the end that is told, so far ahead, has come true; None before there were enough.
    pub(super) fn share_kept(&self, left: Duration) -> Option<f32> {
        self.kept.share(left)
    }

    /// What came of the ends that were told of the light that ended last; told once.
    pub(super) fn take_missed(&mut self) -> ArrayVec<Missed, { REACHES.len() }> {
        std::mem::take(&mut self.missed)
    }

    /// Takes in what the phase shows.
    pub(super) fn hear(
        &mut self,
        arrived: Mono,
        shown: Light,
        countdown: Countdown,
        rounding: Rounding,
        oddities: &mut Oddities,
    ) -> Seen {
        if self.heard_at.is_some_and(|before| before > arrived) || self.is_echo(arrived, shown) {
            oddities.out_of_order += 1;
            return Seen::Same;
        }
        let before = self.heard_at.replace(arrived);
        self.missing = false;
        let gap = before.map(|before| arrived.since(before));
        let shade = std::mem::replace(&mut self.shown, shown) != shown;
        if merged(shown) != self.light {
            return self.change(arrived, gap, countdown);
        }
        let lost = gap.is_none_or(|gap| gap > MAX_BLIND);
        if lost {
            self.since = None;
            self.kept.forget();
            self.limits.forget();
            self.implied = None;
        }
        match countdown {
            Countdown::Exact(left) => self.take_exact(arrived + left, oddities),
            whole => {
                let gap = gap.unwrap_or(VAGUE);
                self.count(arrived, gap, whole.seconds(), rounding, oddities);
            }
        }
        if let Some(gap) = gap {
            self.pace.note(gap);
        }
        match (lost, shade) {
            (true, _) => Seen::Lost,
            (false, true) => Seen::Shade,
            (false, false) => Seen::Same,
        }
    }

    /// The countdown no longer means anything. What was told stays to be held against what comes: an
    /// end that was called off was told all the same. Limits that somebody else overrides are not broken.
    pub(super) fn forget_end(&mut self) {
        self.limits.forget();
        self.end = None;
        self.told = None;
        self.implied = None;
    }

    /// By how much the newest news of the end came late; told once.
    pub(super) fn take_lateness(&mut self) -> Option<Duration> {
        self.late.take()
    }

    /// Time since the phase was last mentioned; None if never.
    pub(super) fn age(&self, at: Mono) -> Option<Duration> {
        Some(at.since(self.heard_at?))
    }

    /// Whether a controller that has spoken since then does not mention it, though it had time to; told
    /// once, until it is mentioned.
    pub(super) fn is_missing(&mut self, speaks_since: Mono, at: Mono) -> bool {
        let since = self
            .heard_at
            .map_or(speaks_since, |heard| heard.max(speaks_since));
        let told = self.missing;
        self.missing |= at.since(since) > MISSING_AFTER;
        self.missing && !told
    }

    /// When it was last mentioned.
    pub(super) fn heard_at(&self) -> Option<Mono> {
        self.heard_at
    }

    /// Whether the colour is promised to be still on.
    pub(super) fn outlasts(&self, at: Mono) -> bool {
        let earliest = |end: Anchor| end.before().map_or(end.at, |before| before.min(end.at));
        self.end.is_some_and(|end| earliest(end) > at + VAGUE)
    }

    /// Whether a light that lets traffic go, and was to end at `end`, may no longer be told: nothing
    /// was heard since, and `patience` has passed. Whoever still shows it is believed until the next
    /// word is overdue.
    pub(super) fn is_over(&self, end: Mono, at: Mono, patience: Duration) -> bool {
        let lets_go = matches!(self.light, Light::Green | Light::Yellow);
        let until = match self.heard_at {
            Some(heard) if heard > end => heard + MAX_GAP,
            _ => end,
        };
        lets_go && at.since(until) > patience
    }

    /// The same of the end that is announced.
    pub(super) fn is_overdue(&self, at: Mono, patience: Duration) -> bool {
        // What is shown as 0 may last a second more.
        let nought = self.told.filter(|(s, _)| *s == 0);
        let nought = nought.map_or(Mono::ZERO, |(_, since)| since + VAGUE);
        let end = self.end.map(|end| end.at.max(nought));
        end.is_some_and(|end| self.is_over(end, at, patience))
    }

    /// What the lamps show, flashing told apart from steady.
    pub(super) fn shown(&self) -> Light {
        self.shown
    }

    /// Since when the colour is on, where that was seen.
    pub(super) fn since(&self) -> Option<Mono> {
        self.since
    }

    /// Whether an end is announced.
    pub(super) fn is_counting(&self) -> bool {
        self.end.is_some()
    }

    /// The running state, by countdown alone; a controller that `runs_fixed` means what it announces.
    pub(super) fn running(
        &self,
        at: Mono,
        grace: Duration,
        drift: &Drift,
        runs_fixed: bool,
    ) -> StateForecast {
        let end = self.end.filter(|end| at.since(end.at) <= grace);
        StateForecast {
            light: self.light,
            timing: end.map(|end| self.timing(at, end, drift, runs_fixed)),
        }
    }

    fn timing(&self, at: Mono, end: Anchor, drift: &Drift, runs_fixed: bool) -> Timing {
        let likely = end.at.max(at);
        let learned = drift.margins(self.light, likely.since(at));
        let margins = match learned {
            Some((early, late)) => Some((early.max(end.slack()), late)),
            None if !runs_fixed => None,
            None if end.slack() > Duration::ZERO || end.before().is_some() => {
                Some((end.slack(), Duration::ZERO))
            }
            None => None,
        };
        // Until it is said twice, both ends are possible.
        let before = end.before().unwrap_or(end.at);
        let around = |(early, late)| {
            let earliest = (end.at - early).min(before).max(at);
            let latest = (end.at + late).max(before).max(at);
            (earliest, latest)
        };
        let (min, max) = margins.map(around).unzip();
        Timing {
            start: Start::Running { since: self.since },
            end: End::At { min, max, likely },
            confidence: self.kept.share(likely.since(at)),
            basis: Basis::Countdown,
            next: None,
        }
    }

    fn change(&mut self, arrived: Mono, gap: Option<Duration>, countdown: Countdown) -> Seen {
        let seen = self.light != Light::Unknown && gap.is_some_and(|gap| gap <= MAX_GAP);
        let about = gap.filter(|gap| self.light != Light::Unknown && *gap <= MAX_BLIND);
        if self.light == Light::Green {
            self.green_until = Some(arrived);
        }
        if seen {
            self.missed = self.kept.settle(self.light, arrived);
            self.limits.settle(self.light, arrived);
            self.rounded = self.implied.and_then(|implied| implied.settle(arrived));
        } else {
            self.kept.forget();
            self.limits.forget();
        }
        self.light = merged(self.shown);
        self.since = seen.then_some(arrived);
        let counting = countdown.seconds().filter(|s| *s > 0);
        self.told = counting.map(|s| (s, arrived));
        self.implied = None;
        if let Some(s) = counting {
            self.imply(s, arrived);
        }
        let slack = if seen { Duration::ZERO } else { VAGUE };
        self.end = match countdown {
            Countdown::Exact(left) => Some(Anchor::new(arrived + left, Duration::ZERO)),
            _ => counting.map(|s| Anchor::new(arrived + seconds(s), slack)),
        };
        Seen::Colour(match about {
            Some(gap) if !seen => Some(arrived - gap / 2),
            _ => self.since,
        })
    }

    /// Takes in the end of a colour that goes on, as a controller says it to the tenth.
    fn take_exact(&mut self, implied: Mono, oddities: &mut Oddities) {
        self.told = None;
        let Some(end) = &mut self.end else {
            self.end = Some(Anchor::new(implied, Duration::ZERO));
            return;
        };
        match end.hear(implied, Duration::ZERO, true, Rounding::Up) {
            Heard::ChangedMind => oddities.changed_minds += 1,
            Heard::Same => self.late = Some(implied.since(end.at)),
        }
        self.announced = true;
    }

    /// Takes in the countdown of a colour that goes on.
    fn count(
        &mut self,
        arrived: Mono,
        gap: Duration,
        countdown_s: Option<u16>,
        rounding: Rounding,
        oddities: &mut Oddities,
    ) {
        let told = self.told;
        let echoes = |(before, since): (u16, Mono)| {
            countdown_s == before.checked_add(1) && arrived.since(since) < STUCK
        };
        if told.is_some_and(echoes) {
            oddities.out_of_order += 1;
            return;
        }
        self.told = countdown_s.map(|s| match told {
            Some((before, since)) if before == s => (s, since),
            _ => (s, arrived),
        });
        let Some((s, first_told)) = self.told else {
            self.end = None;
            return;
        };
        let implied = arrived + seconds(s);
        if s == 0 {
            // Some show 0 in the last second, some show 0 for "not known".
            self.end = self.end.filter(|end| end.at <= arrived + VAGUE + VAGUE / 2);
            return;
        }
        let again = first_told < arrived;
        if !again {
            self.imply(s, arrived);
        }
        let Some(end) = &mut self.end else {
            self.end = Some(Anchor::new(implied, VAGUE));
            return;
        };
        if again {
            if arrived.since(first_told) > STUCK {
                oddities.stuck_countdowns += 1;
                end.hear(implied, VAGUE, true, rounding);
            }
            return;
        }
        let begun = self.pace.is_usual(gap);
        match end.hear(implied, gap.min(VAGUE), begun, rounding) {
            Heard::ChangedMind => {
                oddities.changed_minds += 1;
                self.implied = None;
            }
            Heard::Same => self.late = Some(implied.since(end.at)),
        }
        self.announced = true;
    }

    /// Keeps what a second that is newly told implies, when the end is so near that few controllers
    /// still change their mind.
    fn imply(&mut self, s: u16, arrived: Mono) {
        if s > NEAR_S {
            return;
        }
        let end = arrived + seconds(s);
        match &mut self.implied {
            Some(implied) => implied.add(end),
            none => *none = Some(Implied::new(end)),
        }
    }

    /// A late or doubled report of the green that was: it must not bring the green back.
    fn is_echo(&self, arrived: Mono, shown: Light) -> bool {
        let stopped = matches!(self.light, Light::Yellow | Light::Red);
        let just = self
            .green_until
            .is_some_and(|until| arrived.since(until) < ECHO);
        stopped && just && merged(shown) == Light::Green
    }
}

fn seconds(s: u16) -> Duration {
    Duration::from_secs(s.into())
}
