//! RSM against the road: is everybody shown, where they are, under one number, and nobody else?
//!
//! A picture is all participants of one secMark, for more than 15 come in several messages. It is
//! compared with the road at that secMark. A pair of track and vehicle that belonged together still
//! does while they are near each other; then the nearest pairs are joined. Entries of those who have just
//! driven over the edge of the world are left out.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rsu::clock::Mono;
use v2x_msg::base::{DSecond, EnuFrame, PositionConfidence, Speed};
use v2x_msg::kinds::rsm::{Participant, ParticipantKind, Rsm};

use super::beyond::Beyond;
use super::coverage::Coverage;
use super::kinds::{KindScore, kind_of};
use super::samples::Samples;
use super::trace::Trace;
use crate::plane::Point;
use crate::sensors::air::Air;
use crate::sensors::weather::Spell;
use crate::truth::Truth;
use crate::world::snapshot::{Body, Snapshot};
use crate::world::vehicles::Kind;

/// What was found in all pictures.
#[derive(Clone, Debug, Default)]
pub struct ObjectScore {
    /// Pictures that were compared.
    pub pictures: u64,
    /// From secMark to arrival.
    pub age_s: Samples,
    /// Distance from where a road user is to where RSM shows it.
    pub position_m: Samples,
    /// How far ahead of the road user RSM shows it, in its direction; of those that move.
    pub ahead_m: Samples,
    /// Absolute difference of speeds.
    pub speed_mps: Samples,
    /// Angle between the headings, of those that move.
    pub heading_deg: Samples,
    /// Road users in pictures, and of these those in coverage for at least a second.
    pub present: u64,
    /// See `present`.
    pub expected: u64,
    /// Of the expected, those that were not shown.
    pub missed: u64,
    /// The same of walkers and riders.
    pub vulnerable_expected: u64,
    /// The same of walkers and riders.
    pub vulnerable_missed: u64,
    /// Walkers and riders that were shown, and of these those that were shown as what they are.
    pub vulnerable_shown: u64,
    /// See `vulnerable_shown`.
    pub vulnerable_right: u64,
    /// The same of one kind of road user: vehicles, riders, walkers; things are left out.
    pub kinds: [KindScore; 3],
    /// Entries that say how sure their position is, and of these those that are as near as they say.
    pub sure: (u64, u64),
    /// The same by what they say, in millimetres.
    pub sure_by_claim: BTreeMap<u32, (u64, u64)>,
    /// What they say that 95 % are within: where one sees well, and in fog.
    pub said_m: [Samples; 2],
    /// For how long an entry showed nobody without a break.
    pub nobody_s: Samples,
    /// Entries in pictures without the roadside unit's own.
    pub shown: u64,
    /// Of these, those that show nobody, or somebody a second time.
    pub unmatched: u64,
    /// Of the unmatched, those near a road user that another entry shows.
    pub doubled: u64,
    /// Road users shown under another number than before.
    pub id_switches: u64,
    /// The first of these changes, and of the entries that show nobody.
    pub remarks: Vec<Remark>,
    /// Entries shown, road users expected, and those missed, about each second.
    pub trace: Trace<(f64, u64, u64, u64)>,
    /// Where the road users of the last picture are, and what was shown.
    pub last: Option<Picture>,
}

/// Something that a person may want to look into.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Remark {
    /// When.
    pub at: Mono,
    /// Where, in the site's plane.
    pub place: Point,
    /// What.
    pub what: What,
}

/// What a [`Remark`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A road user was shown under one number, and now is under another.
    IdSwitch {
        /// The road user.
        body: u32,
        /// Its number before.
        before: u8,
        /// Its number now.
        after: u8,
    },
    /// An entry shows nobody.
    Nobody {
        /// Its number.
        shown: u8,
    },
    /// A road user is not shown.
    Missed {
        /// The road user.
        body: u32,
    },
}

/// What is shown at one moment, beside what is.
#[derive(Clone, Debug)]
pub struct Picture {
    /// When.
    pub at: Mono,
    /// What RSM shows.
    pub shown: Vec<Shown>,
    /// What is on the road.
    pub bodies: Vec<Body>,
}

/// One entry of an RSM, in metres.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shown {
    /// The number that it goes by.
    pub id: u8,
    /// What it is said to be.
    pub kind: ParticipantKind,
    /// Where it is.
    pub place: Point,
    /// Over ground, where it is said.
    pub speed_mps: Option<f64>,
    /// Unit vector of its heading, where it is said.
    pub direction: Option<Point>,
    /// How near it is in 95 of 100 cases, where that is said.
    pub sure_m: Option<f64>,
}

impl ObjectScore {
    /// All that is measured again and again.
    pub(super) fn samples(&mut self) -> impl Iterator<Item = &mut Samples> {
        let own = [
            &mut self.age_s,
            &mut self.position_m,
            &mut self.ahead_m,
            &mut self.speed_mps,
            &mut self.heading_deg,
            &mut self.nobody_s,
        ];
        let kinds = self.kinds.iter_mut().flat_map(KindScore::samples);
        own.into_iter().chain(&mut self.said_m).chain(kinds)
    }

    /// Notes something to look into; of what goes on for many pictures, only the beginning.
    fn remark(&mut self, at: Mono, place: Point, what: What) {
        let goes_on = |earlier: &Remark| earlier.what == what && at.since(earlier.at) < GOES_ON;
        let known = self.remarks.iter().any(goes_on);
        if !known && self.remarks.len() < MOST_REMARKS {
            self.remarks.push(Remark { at, place, what });
        }
    }
}

/// Collects pictures and compares them.
#[derive(Clone, Debug)]
pub struct ObjectJudge {
    /// What was found so far.
    pub score: ObjectScore,
    frame: EnuFrame,
    coverage: Coverage,
    match_m: f64,
    from: Mono,
    open: Option<Open>,
    spells: Vec<Spell>,
    beyond: Beyond,
    /// By number in RSM: since when it shows nobody.
    nobody: BTreeMap<u8, Mono>,
    /// By road user: the number it is shown under, or was last.
    known: BTreeMap<u32, u8>,
    /// By road user: since when it is in coverage.
    covered: BTreeMap<u32, Mono>,
    /// By road user: since when it is shown in every picture.
    shown_since: BTreeMap<u32, Mono>,
}

/// A picture that more entries may come to.
#[derive(Clone, Debug)]
struct Open {
    at: Mono,
    /// Its first message.
    arrived: Mono,
    shown: Vec<Shown>,
}

impl ObjectJudge {
    /// A judge that counts from `from` on.
    pub fn new(frame: EnuFrame, coverage: Coverage, match_m: f64, from: Mono) -> Self {
        Self {
            score: ObjectScore::default(),
            frame,
            coverage,
            match_m,
            from,
            open: None,
            spells: Vec::new(),
            beyond: Beyond::default(),
            nobody: BTreeMap::new(),
            known: BTreeMap::new(),
            covered: BTreeMap::new(),
            shown_since: BTreeMap::new(),
        }
    }

    /// The same under other weather than usual.
    pub fn under(self, spells: Vec<Spell>) -> Self {
        Self { spells, ..self }
    }

    /// Takes one RSM; what it completes is compared.
    pub fn hear(&mut self, rsm: &Rsm, arrived: Mono, truth: &Truth) {
        let about = truth.epoch().utc(arrived);
        let mark = rsm.participants().iter().find_map(|entry| entry.sec_mark);
        let Some(at) = mark.map(|mark: DSecond| truth.epoch().mono(mark.near(about))) else {
            return;
        };
        if arrived >= self.from {
            self.score.age_s.add(arrived.seconds_after(at));
        }
        if self.open.as_ref().is_some_and(|open| open.at != at) {
            self.close(truth);
        }
        let entries = rsm
            .participants()
            .iter()
            .filter(|entry| entry.kind != ParticipantKind::Rsu)
            .map(|entry| self.shown(entry));
        let entries: Vec<Shown> = entries.collect();
        let open = self.open.get_or_insert_with(|| Open {
            at,
            arrived,
            shown: Vec::new(),
        });
        open.shown.extend(entries);
    }

    /// For how long a road user has been shown without a break.
    pub fn shown_for_s(&self, body: u32, at: Mono) -> f64 {
        let since = self.shown_since.get(&body);
        since.map_or(0.0, |since| at.seconds_after(*since))
    }

    /// Whom a number of RSM shows just now.
    pub fn shown_by(&self, id: u8) -> Option<u32> {
        let is_it =
            |(body, known): &(&u32, &u8)| **known == id && self.shown_since.contains_key(body);
        self.known.iter().find(is_it).map(|(body, _)| *body)
    }

    /// Nothing more will come.
    pub fn finish(&mut self, truth: &Truth) {
        let last = self.open.as_ref().map(|open| open.at);
        self.close(truth);
        for since in std::mem::take(&mut self.nobody).into_values() {
            let at = last.unwrap_or(since);
            self.score.nobody_s.add(at.seconds_after(since));
        }
    }

    /// Compares the picture that is open, if any.
    pub fn close(&mut self, truth: &Truth) {
        if let Some(open) = self.open.take()
            && let Some(road) = truth.at(open.at)
        {
            self.compare(open, road);
        }
    }

    fn shown(&self, entry: &Participant) -> Shown {
        let place = self.frame.enu(entry.pos);
        Shown {
            id: entry.id.value(),
            kind: entry.kind,
            place: Point::new(place.east_m, place.north_m),
            speed_mps: entry.speed.map(Speed::mps),
            sure_m: entry.pos_confidence.map(PositionConfidence::limit_m),
            direction: entry.heading.map(|heading| {
                let radians = heading.deg().to_radians();
                Point::new(radians.sin(), radians.cos())
            }),
        }
    }

    fn compare(&mut self, open: Open, road: Snapshot) {
        let Open {
            at,
            arrived,
            mut shown,
        } = open;
        self.note_coverage(at, &road);
        self.beyond.follow(self.score.last.as_ref(), &road);
        let pairs = self.join(&shown, &road);
        let joined: BTreeSet<u8> = pairs.values().map(|&entry| shown[entry].id).collect();
        let all = shown.len();
        shown.retain(|entry| {
            let (place, near_m) = (entry.place, self.match_m);
            joined.contains(&entry.id) || !self.beyond.holds(at, place, near_m)
        });
        let pairs = if shown.len() == all {
            pairs
        } else {
            self.join(&shown, &road)
        };
        let counted = at >= self.from;
        if counted {
            self.count(at, &shown, &road, &pairs);
            self.note_kinds(arrived.seconds_after(at), &shown, &road, &pairs);
            self.note_nobody(at, &shown, &pairs);
        }
        for (&body, &entry) in &pairs {
            let id = shown[entry].id;
            let before = self.known.insert(body, id);
            if counted
                && let Some(before) = before
                && before != id
            {
                self.score.id_switches += 1;
                let what = What::IdSwitch {
                    body,
                    before,
                    after: id,
                };
                self.score.remark(at, shown[entry].place, what);
            }
        }
        self.shown_since.retain(|id, _| pairs.contains_key(id));
        for &body in pairs.keys() {
            self.shown_since.entry(body).or_insert(at);
        }
        self.known.retain(|&id, _| road.body(id).is_some());
        self.score.last = Some(Picture {
            at,
            shown,
            bodies: road.bodies,
        });
    }

    /// How well each kind is shown, and whether entries are as near as they say.
    fn note_kinds(
        &mut self,
        age_s: f64,
        shown: &[Shown],
        road: &Snapshot,
        pairs: &BTreeMap<u32, usize>,
    ) {
        let score = &mut self.score;
        let fog = Air::at(&self.spells, road.at).visibility_m < FOG_M;
        for body in &road.bodies {
            let Some(kind) = kind_of(body) else { continue };
            let kind = &mut score.kinds[kind];
            let since = self.covered.get(&body.id);
            let expected = since.is_some_and(|since| road.at.since(*since) >= NOTICED);
            kind.expected += u64::from(expected);
            let Some(&entry) = pairs.get(&body.id) else {
                kind.missed += u64::from(expected);
                continue;
            };
            let entry = &shown[entry];
            let off_m = entry.place.distance_m(body.centre);
            kind.age_s.add(age_s);
            kind.position_m.add(off_m);
            if let Some(speed_mps) = entry.speed_mps {
                kind.speed_mps.add((speed_mps - body.speed_mps).abs());
            }
            let moves = body.speed_mps > MOVING_MPS
                || body.kind == Kind::Pedestrian && body.speed_mps > WALKING_MPS;
            if let Some(direction) = entry.direction.filter(|_| moves) {
                kind.heading_deg.add(angle_deg(direction, body.direction));
            }
            if let Some(sure_m) = entry.sure_m {
                let held = u64::from(off_m <= sure_m);
                let claim = (sure_m * 1e3).round() as u32;
                let by_claim = score.sure_by_claim.entry(claim).or_default();
                for (said, right) in [&mut score.sure, by_claim, &mut kind.sure] {
                    *said += 1;
                    *right += held;
                }
                score.said_m[usize::from(fog)].add(sure_m);
            }
        }
    }

    /// Entries that go on showing nobody: what has frozen or was never there.
    fn note_nobody(&mut self, at: Mono, shown: &[Shown], pairs: &BTreeMap<u32, usize>) {
        let joined: BTreeSet<usize> = pairs.values().copied().collect();
        let empty = shown
            .iter()
            .enumerate()
            .filter(|(i, _)| !joined.contains(i));
        let empty: BTreeSet<u8> = empty.map(|(_, entry)| entry.id).collect();
        for id in &empty {
            self.nobody.entry(*id).or_insert(at);
        }
        let score = &mut self.score;
        self.nobody.retain(|id, since| {
            let goes_on = empty.contains(id);
            if !goes_on {
                score.nobody_s.add(at.seconds_after(*since));
            }
            goes_on
        });
    }

    fn note_coverage(&mut self, at: Mono, road: &Snapshot) {
        let inside: BTreeSet<u32> = road
            .bodies
            .iter()
            .filter(|body| self.coverage.holds(body.centre))
            .map(|body| body.id)
            .collect();
        self.covered.retain(|id, _| inside.contains(id));
        for id in inside {
            self.covered.entry(id).or_insert(at);
        }
    }

    /// Which entry shows which road user: their index by the road user's id.
    fn join(&self, shown: &[Shown], road: &Snapshot) -> BTreeMap<u32, usize> {
        let mut pairs: Vec<(bool, f64, u32, usize)> = Vec::new();
        for body in &road.bodies {
            for (i, entry) in shown.iter().enumerate() {
                // Most are far apart, and that is quicker to see.
                let off = body.centre.minus(entry.place);
                if off.east_m.abs() > self.match_m || off.north_m.abs() > self.match_m {
                    continue;
                }
                let apart_m = body.centre.distance_m(entry.place);
                if apart_m < self.match_m {
                    let is_new = self.known.get(&body.id) != Some(&entry.id);
                    pairs.push((is_new, apart_m, body.id, i));
                }
            }
        }
        pairs.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let mut joined = BTreeMap::new();
        let mut taken = BTreeSet::new();
        for (_, _, body, entry) in pairs {
            if !joined.contains_key(&body) && taken.insert(entry) {
                joined.insert(body, entry);
            }
        }
        joined
    }

    fn count(&mut self, at: Mono, shown: &[Shown], road: &Snapshot, pairs: &BTreeMap<u32, usize>) {
        let score = &mut self.score;
        score.pictures += 1;
        score.present += road.bodies.len() as u64;
        score.shown += shown.len() as u64;
        let (mut expected, mut missed) = (0, 0);
        for body in &road.bodies {
            let long_covered = self
                .covered
                .get(&body.id)
                .is_some_and(|since| at.since(*since) >= NOTICED);
            if long_covered {
                expected += 1;
                if is_vulnerable(body) {
                    score.vulnerable_expected += 1;
                    score.vulnerable_missed += u64::from(!pairs.contains_key(&body.id));
                }
                if !pairs.contains_key(&body.id) {
                    missed += 1;
                    score.remark(at, body.centre, What::Missed { body: body.id });
                }
            }
            if let Some(&entry) = pairs.get(&body.id) {
                measure(score, body, &shown[entry]);
            }
        }
        score.expected += expected;
        score.missed += missed;
        let joined: BTreeSet<usize> = pairs.values().copied().collect();
        for (i, entry) in shown.iter().enumerate() {
            if !joined.contains(&i) {
                score.unmatched += 1;
                score.remark(at, entry.place, What::Nobody { shown: entry.id });
                let near = |body: &Body| body.centre.distance_m(entry.place) < body.length_m;
                score.doubled += u64::from(road.bodies.iter().any(near));
            }
        }
        if score.pictures % TRACE_EVERY == 1 {
            let at_s = at.seconds_after(Mono::ZERO);
            score
                .trace
                .push((at_s, shown.len() as u64, expected, missed));
        }
    }
}

fn is_vulnerable(body: &Body) -> bool {
    matches!(body.kind, Kind::Pedestrian | Kind::Bicycle)
}

fn measure(score: &mut ObjectScore, body: &Body, entry: &Shown) {
    if is_vulnerable(body) {
        score.vulnerable_shown += 1;
        let right = match body.kind {
            Kind::Pedestrian => ParticipantKind::Pedestrian,
            _ => ParticipantKind::NonMotor,
        };
        score.vulnerable_right += u64::from(entry.kind == right);
    }
    let off = entry.place.minus(body.centre);
    score.position_m.add(off.length_m());
    if let Some(speed_mps) = entry.speed_mps {
        score.speed_mps.add((speed_mps - body.speed_mps).abs());
    }
    if body.speed_mps > MOVING_MPS {
        score.ahead_m.add(off.dot(body.direction));
        if let Some(direction) = entry.direction {
            score.heading_deg.add(angle_deg(direction, body.direction));
        }
    }
}

fn angle_deg(one: Point, other: Point) -> f64 {
    let angle = one.cross(other).atan2(one.dot(other));
    angle.to_degrees().abs()
}

/// Where one sees less, there is fog.
const FOG_M: f64 = 200.0;
/// Walkers that are slower hardly have a direction.
const WALKING_MPS: f64 = 0.7;
/// A road user should be shown after so long in coverage.
const NOTICED: Duration = Duration::from_secs(1);
/// Slower than this a direction means little.
const MOVING_MPS: f64 = 3.0;
/// What is remarked on again within this time has gone on.
const GOES_ON: Duration = Duration::from_secs(5);
/// So many remarks are kept.
const MOST_REMARKS: usize = 200;
/// About each second.
const TRACE_EVERY: u64 = 10;
