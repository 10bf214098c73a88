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
    /// What they say in the same minutes of the same run where nothing clouds the view; where that is asked.
    pub said_without_fog_m: Option<Samples>,
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
    /// The road users of the last picture, in its order, which is that of their ids.
    followed: Vec<Followed>,
}

/// What is remembered of a road user from picture to picture.
#[derive(Clone, Copy, Debug)]
struct Followed {
    body: u32,
    /// The number it is shown under, or was last.
    number: Option<u8>,
    /// Since when it is in coverage.
    covered: Option<Mono>,
    /// Since when it is shown in every picture.
    shown: Option<Mono>,
}

impl Followed {
    /// Whether it has been in coverage for so long that it should be shown.
    fn is_expected(&self, at: Mono) -> bool {
        self.covered.is_some_and(|since| at.since(since) >= NOTICED)
    }
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
            followed: Vec::new(),
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
        let place = self.followed.binary_search_by_key(&body, |one| one.body);
        let since = place.ok().and_then(|place| self.followed[place].shown);
        since.map_or(0.0, |since| at.seconds_after(since))
    }

    /// Whom a number of RSM shows just now.
    pub fn shown_by(&self, id: u8) -> Option<u32> {
        let is_it = |one: &&Followed| one.number == Some(id) && one.shown.is_some();
        self.followed.iter().find(is_it).map(|one| one.body)
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
        self.follow(at, &road);
        self.beyond.follow(self.score.last.as_ref(), &road);
        let pairs = self.join(&shown, &road);
        let mut joined = [false; 256];
        for &entry in pairs.iter().flatten() {
            joined[usize::from(shown[entry].id)] = true;
        }
        let all = shown.len();
        shown.retain(|entry| {
            let (place, near_m) = (entry.place, self.match_m);
            joined[usize::from(entry.id)] || !self.beyond.holds(at, place, near_m)
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
        for (one, entry) in self.followed.iter_mut().zip(&pairs) {
            let Some(entry) = entry.map(|entry| &shown[entry]) else {
                one.shown = None;
                continue;
            };
            one.shown.get_or_insert(at);
            let before = one.number.replace(entry.id);
            if counted
                && let Some(before) = before
                && before != entry.id
            {
                self.score.id_switches += 1;
                let what = What::IdSwitch {
                    body: one.body,
                    before,
                    after: entry.id,
                };
                self.score.remark(at, entry.place, what);
            }
        }
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
        pairs: &[Option<usize>],
    ) {
        let score = &mut self.score;
        let fog = Air::at(&self.spells, road.at).visibility_m < FOG_M;
        for ((body, one), entry) in road.bodies.iter().zip(&self.followed).zip(pairs) {
            let Some(kind) = kind_of(body) else { continue };
            let kind = &mut score.kinds[kind];
            let expected = one.is_expected(road.at);
            kind.expected += u64::from(expected);
            let &Some(entry) = entry else {
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
    fn note_nobody(&mut self, at: Mono, shown: &[Shown], pairs: &[Option<usize>]) {
        let entries = shown.iter().zip(joined(shown, pairs));
        let empty = entries.filter(|(_, joined)| !joined);
        let empty: BTreeSet<u8> = empty.map(|(entry, _)| entry.id).collect();
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

    /// Remembers those who are on the road now, with what was known of them; both are in order of id.
    fn follow(&mut self, at: Mono, road: &Snapshot) {
        let before = std::mem::take(&mut self.followed);
        let mut before = before.into_iter().peekable();
        let now = road.bodies.iter().map(|body| {
            while before.next_if(|one| one.body < body.id).is_some() {}
            let known = before.next_if(|one| one.body == body.id);
            let one = known.unwrap_or(Followed {
                body: body.id,
                number: None,
                covered: None,
                shown: None,
            });
            let inside = self.coverage.holds(body.centre);
            Followed {
                covered: inside.then(|| one.covered.unwrap_or(at)),
                ..one
            }
        });
        self.followed = now.collect();
    }

    /// By road user of the road: which entry shows it.
    fn join(&self, shown: &[Shown], road: &Snapshot) -> Vec<Option<usize>> {
        let mut pairs: Vec<(bool, f64, usize, usize)> = Vec::new();
        // Alone, places are many to a line of memory, and most are far from each other.
        let places: Vec<Point> = shown.iter().map(|entry| entry.place).collect();
        for (n, (body, one)) in road.bodies.iter().zip(&self.followed).enumerate() {
            for (i, place) in places.iter().enumerate() {
                let off = body.centre.minus(*place);
                if off.east_m.abs() > self.match_m || off.north_m.abs() > self.match_m {
                    continue;
                }
                let apart_m = off.length_m();
                if apart_m < self.match_m {
                    let is_new = one.number != Some(shown[i].id);
                    pairs.push((is_new, apart_m, n, i));
                }
            }
        }
        pairs.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let mut joined = vec![None; road.bodies.len()];
        let mut taken = vec![false; shown.len()];
        for (_, _, n, entry) in pairs {
            if !taken[entry] && joined[n].is_none() {
                taken[entry] = true;
                joined[n] = Some(entry);
            }
        }
        joined
    }

    fn count(&mut self, at: Mono, shown: &[Shown], road: &Snapshot, pairs: &[Option<usize>]) {
        let score = &mut self.score;
        score.pictures += 1;
        score.present += road.bodies.len() as u64;
        score.shown += shown.len() as u64;
        let (mut expected, mut missed) = (0, 0);
        for ((body, one), entry) in road.bodies.iter().zip(&self.followed).zip(pairs) {
            if one.is_expected(at) {
                expected += 1;
                let missing = entry.is_none();
                if is_vulnerable(body) {
                    score.vulnerable_expected += 1;
                    score.vulnerable_missed += u64::from(missing);
                }
                if missing {
                    missed += 1;
                    score.remark(at, body.centre, What::Missed { body: body.id });
                }
            }
            if let &Some(entry) = entry {
                measure(score, body, &shown[entry]);
            }
        }
        score.expected += expected;
        score.missed += missed;
        for (entry, joined) in shown.iter().zip(joined(shown, pairs)) {
            if !joined {
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

/// By entry: whether it shows somebody.
fn joined(shown: &[Shown], pairs: &[Option<usize>]) -> Vec<bool> {
    let mut joined = vec![false; shown.len()];
    for &entry in pairs.iter().flatten() {
        joined[entry] = true;
    }
    joined
}

fn is_vulnerable(body: &Body) -> bool {
    matches!(
        body.kind,
        Kind::Pedestrian | Kind::Bicycle | Kind::ElectricBicycle
    )
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
