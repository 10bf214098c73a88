//! RSI against what happens on the road: is it told, how soon, where, and does it end?
//!
//! Only what the roadside unit or its weather sensors have found is judged; events and signs that stand in its
//! site's file are not news. What is told belongs to the nearest happening of its type that lasts or
//! has just ended, and an RSI that says an end which has passed takes the event back. What belongs to none is
//! false, once for each time that it is raised. How late it is counts from when the happening is without doubt;
//! what is told of it before is neither late nor false.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rsu::clock::Mono;
use v2x_msg::base::EnuFrame;
use v2x_msg::kinds::rsi::{Event, EventSource, EventType, Rsi};

use super::samples::Samples;
use crate::plane::Point;
use crate::truth::Truth;
use crate::world::users::Happening;

/// What was found in all RSIs.
#[derive(Clone, Debug)]
pub struct EventJudge {
    /// Distance of what is told from where it is, while it lasts.
    pub position_m: Samples,
    /// The same by type of event.
    pub position_by_type: BTreeMap<u16, Samples>,
    /// By type: RSI that went on about something that lasted, told of farther away than what belongs to it.
    pub astray_by_type: BTreeMap<u16, u64>,
    /// By type: RSI that said of something that lasted that it goes on behind what is seen of it, and it did.
    pub end_unseen_by_type: BTreeMap<u16, u64>,
    /// Events that nothing on the road explains: their type, and when they were raised.
    pub false_events: Vec<(u16, Mono)>,
    /// What happened, with what was told of it.
    pub told: Vec<Told>,
    frame: EnuFrame,
    from: Mono,
    until: Mono,
    /// Types that are not judged.
    unjudged: BTreeSet<u16>,
    /// So many of `told`, from the first on, were over when they were taken over.
    over: usize,
    /// By number on the air and type: heard last, and which happening it was about then.
    on_air: BTreeMap<(u8, u16), (Mono, Option<usize>)>,
    /// By the same: which happening it has been about last, since it was raised.
    was_about: BTreeMap<(u8, u16), usize>,
}

/// One happening and what was told of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Told {
    /// What happened.
    pub what: Happening,
    /// Its first RSI.
    pub first: Option<Mono>,
    /// Its last RSI.
    pub last: Option<Mono>,
}

impl Told {
    /// From when it is without doubt to its first RSI, nought if that comes before; None without both.
    pub fn delay_s(&self) -> Option<f64> {
        let late_s = self.first?.seconds_after(self.what.sure?);
        Some(late_s.max(0.0))
    }

    /// From its end to its last RSI, nought if that came before; None without both.
    pub fn after_end_s(&self) -> Option<f64> {
        let late_s = self.last?.seconds_after(self.what.until?);
        Some(late_s.max(0.0))
    }

    /// For a terminal, in seconds of the world.
    pub fn line(&self) -> String {
        let after = |at: Option<Mono>| {
            at.map_or_else(
                || "never".to_owned(),
                |at| format!("{:.1} s", at.seconds_after(Mono::ZERO)),
            )
        };
        format!(
            "event {} from {} (for sure {}) to {}: told from {} to {}",
            self.what.event_type,
            after(Some(self.what.since)),
            after(self.what.sure),
            after(self.what.until),
            after(self.first),
            after(self.last)
        )
    }
}

impl EventJudge {
    /// A judge that counts from `from` on, and not events of these types.
    pub fn new(frame: EnuFrame, unjudged: &[u16], from: Mono) -> Self {
        Self {
            position_m: Samples::default(),
            position_by_type: BTreeMap::new(),
            astray_by_type: BTreeMap::new(),
            end_unseen_by_type: BTreeMap::new(),
            false_events: Vec::new(),
            told: Vec::new(),
            frame,
            from,
            until: from,
            unjudged: unjudged.iter().copied().collect(),
            over: 0,
            on_air: BTreeMap::new(),
            was_about: BTreeMap::new(),
        }
    }

    /// Takes one RSI.
    pub fn hear(&mut self, rsi: &Rsi, arrived: Mono, truth: &Truth) {
        self.follow(truth);
        let utc = truth.epoch().utc(arrived);
        for event in rsi.events() {
            let code = event.event_type.0;
            if !is_measured(event.source) && !self.is_planned(code) {
                continue;
            }
            let taken_back = event.validity.end.is_some_and(|end| end.near(utc) <= utc);
            if taken_back || self.unjudged.contains(&code) {
                continue;
            }
            let place = event.pos.map(|pos| self.frame.enu(pos));
            let place = place.map(|place| Point::new(place.east_m, place.north_m));
            let behind = self.goes_on_behind(event, place);
            let key = (event.id, code);
            let before = self.on_air.get(&key);
            let before = before.filter(|(heard, _)| arrived.since(*heard) < GOES_ON);
            let goes_on = before.is_some();
            if !goes_on {
                self.was_about.remove(&key);
            }
            let known = before.and_then(|(_, about)| *about);
            let about = self.nearest(code, (place, behind), known, arrived, truth);
            self.on_air.insert(key, (arrived, about.map(|(i, ..)| i)));
            match about {
                Some((i, off_m, unseen)) => {
                    self.was_about.insert(key, i);
                    let told = &mut self.told[i];
                    told.first.get_or_insert(arrived);
                    told.last = Some(arrived);
                    let off_m = off_m.filter(|_| told.what.until.is_none());
                    if unseen && off_m.is_some() {
                        *self.end_unseen_by_type.entry(code).or_default() += 1;
                    } else if let Some(off_m) = off_m {
                        self.position_m.add(off_m);
                        self.position_by_type.entry(code).or_default().add(off_m);
                    }
                }
                None if arrived >= self.from && !goes_on => {
                    self.false_events.push((code, arrived));
                }
                None => {
                    let was_about = self.was_about.get(&key).filter(|_| goes_on);
                    if was_about.is_some_and(|&i| self.told[i].what.until.is_none()) {
                        *self.astray_by_type.entry(code).or_default() += 1;
                    }
                }
            }
        }
    }

    /// For so long it has counted.
    pub fn judged_s(&self) -> f64 {
        self.until.seconds_after(self.from).max(0.0)
    }

    /// Nothing more will come.
    pub fn finish(&mut self, at: Mono, truth: &Truth) {
        self.follow(truth);
        self.until = at;
    }

    /// The longest time from when a happening is without doubt to its first RSI; None without any.
    pub fn delay_s(&self) -> Option<f64> {
        let delays = self.counted().filter_map(Told::delay_s);
        delays.max_by(f64::total_cmp)
    }

    /// The longest time from the end of a happening to its last RSI that does not take it back.
    pub fn cancel_s(&self) -> Option<f64> {
        let late = self.counted().filter_map(Told::after_end_s);
        late.max_by(f64::total_cmp)
    }

    /// How many happenings lasted for at least `least_s`, and how many of these were never told.
    pub fn missed(&self, least_s: f64) -> (u64, u64) {
        let long = self.counted().filter(|told| self.lasts(told, least_s));
        let (mut happened, mut missed) = (0, 0);
        for told in long {
            happened += 1;
            missed += u64::from(told.first.is_none());
        }
        (happened, missed)
    }

    /// Works are told from the site's file: for them that is news.
    fn is_planned(&self, code: u16) -> bool {
        let mut told = self.told.iter();
        code == EventType::WORKS.0 && told.any(|told| told.what.event_type == code)
    }

    /// Whether a happening lasted, or has lasted so far, for at least so long, without doubt.
    pub fn lasts(&self, told: &Told, least_s: f64) -> bool {
        let until = told.what.until.unwrap_or(self.until);
        let sure = told.what.sure;
        sure.is_some_and(|sure| until.seconds_after(sure) >= least_s)
    }

    /// What is judged of what happened.
    pub fn counted(&self) -> impl Iterator<Item = &Told> {
        let judged = |told: &&Told| !self.unjudged.contains(&told.what.event_type);
        self.told.iter().filter(judged)
    }

    /// Takes over what has happened since; happenings stay in the order in which they began.
    fn follow(&mut self, truth: &Truth) {
        for (i, happening) in truth.happenings().iter().enumerate().skip(self.over) {
            match self.told.get_mut(i) {
                Some(told) => told.what = *happening,
                None => self.told.push(Told {
                    what: *happening,
                    first: None,
                    last: None,
                }),
            }
        }
        self.over = truth.over();
    }

    /// Which happening this is about, and how far off it is told: the nearest that lasts, or the one that it was
    /// about before where that has ended nearer, else that one, else the nearest of those that ended lately. Where walkers follow each other, who has
    /// gone is not told any more; and where all have gone they were last at one place, so that only what was
    /// told before says of whom it is told still.
    fn nearest(
        &self,
        code: u16,
        (place, behind): (Option<Point>, Option<Point>),
        known: Option<usize>,
        arrived: Mono,
        truth: &Truth,
    ) -> Option<(usize, Option<f64>, bool)> {
        let now = truth.at(arrived);
        let apart = self.told.iter().enumerate().filter_map(|(i, told)| {
            let what = &told.what;
            let over = what
                .until
                .is_some_and(|until| arrived.since(until) > ENDED_WITHIN);
            if what.event_type != code || over {
                return None;
            }
            let body = now.as_ref().and_then(|road| road.body(what.body));
            let is_at = body.map_or(what.place, |body| body.centre);
            let places = std::iter::once(is_at).chain(what.or_at.into_iter().flatten());
            let nearest = place.map(|place| {
                let off = places.map(|is_at| off(place, behind, is_at));
                off.fold((f64::INFINITY, false), |a, b| if b.0 < a.0 { b } else { a })
            });
            let unseen = nearest.is_some_and(|(_, unseen)| unseen);
            Some((
                what.until.is_some(),
                i,
                nearest.map(|(off_m, _)| off_m),
                unseen,
            ))
        });
        let near = |off_m: &Option<f64>| off_m.is_none_or(|off_m| off_m < BELONGS_WITHIN_M);
        let apart: Vec<(bool, usize, Option<f64>, bool)> =
            apart.filter(|(_, _, off_m, _)| near(off_m)).collect();
        let lasting_m = apart.iter().filter(|(over, ..)| !over);
        let lasting_m = lasting_m.map(|(_, _, off_m, _)| off_m.unwrap_or(0.0));
        let lasting_m = lasting_m.fold(f64::INFINITY, f64::min);
        let was_about = |i: usize| known == Some(i);
        let over = |one: &(bool, usize, Option<f64>, bool)| {
            let still_there = one.2.is_some_and(|off_m| off_m < lasting_m);
            one.0 && !(was_about(one.1) && still_there)
        };
        let best = apart.iter().min_by(|a, b| {
            let off = a.2.unwrap_or(0.0).total_cmp(&b.2.unwrap_or(0.0));
            let before = was_about(b.1).cmp(&was_about(a.1));
            let before = if over(a) { before } else { Ordering::Equal };
            over(a).cmp(&over(b)).then(before).then(off)
        });
        best.map(|&(_, i, off_m, unseen)| (i, off_m, unseen))
    }

    /// Which way a queue goes on that is told of without an end: a tail has a radius, so one without is the last
    /// vehicle that is seen. Its way is told from upstream on.
    fn goes_on_behind(&self, event: &Event, place: Option<Point>) -> Option<Point> {
        if event.event_type != EventType::CONGESTION || event.radius.is_some() {
            return None;
        }
        let path = event.place.as_ref()?.paths().first()?;
        let begins = self.frame.enu(*path.points.first()?);
        let back = Point::new(begins.east_m, begins.north_m).minus(place?);
        (back.length_m() > 1.0).then(|| back.direction())
    }
}

/// How far off what is told at `place` is of what is at `is_at`: if it goes on behind `place` and is there, by how much
/// it is aside, and that it goes on.
fn off(place: Point, behind: Option<Point>, is_at: Point) -> (f64, bool) {
    let from = is_at.minus(place);
    match behind.filter(|behind| from.dot(*behind) > 0.0) {
        Some(behind) => (from.cross(behind).abs(), true),
        None => (from.length_m(), false),
    }
}

fn is_measured(source: EventSource) -> bool {
    matches!(source, EventSource::Detection | EventSource::Meteorological)
}

/// What is told farther away than this is about something else.
const BELONGS_WITHIN_M: f64 = 30.0;
/// So long after its end something told may still be about a happening.
const ENDED_WITHIN: Duration = Duration::from_secs(30);
/// What is not on the air for so long and comes again was raised again.
const GOES_ON: Duration = Duration::from_secs(2);
