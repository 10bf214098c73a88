//! What weather and road sensors measure, and which values are an event.
//!
//! A rule holds from the moment at which its value has been beyond its limit for long enough, until
//! it is back beyond `until`; what lies between changes nothing. Of the rules of one sensor for one
//! type of event the most urgent that holds is told, with the speed that it advises as a sign. A
//! value that is not heard any more says nothing: its rules end. Not here: registers and protocols.

use std::time::Duration;

use arrayvec::ArrayVec;
use v2x_msg::base::{Enu, EnuFrame, Few, Radius};
use v2x_msg::kinds::rsi::{self, Level, Place, ReferenceLink, ReferencePath, SignText};

use super::board::Board;
use super::book::Book;
use super::claim::{Claim, Key, Origin, SignClaim, Until};
use crate::clock::{Mono, Now};
use crate::report::{InputId, Quantity, Weather as Readings};
use crate::site::{Link, Site, simplify::simplified};

/// When a value is an event, and what is told of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Whose values.
    pub input: InputId,
    /// Which of them.
    pub quantity: Quantity,
    /// On which side of the limit it is bad.
    pub side: Side,
    /// In the unit of the quantity.
    pub limit: f64,
    /// Where it is good again.
    pub until: f64,
    /// For how long it must have been bad.
    pub after: Duration,
    /// From so long without a value on it says nothing.
    pub stale_after: Duration,
    /// What happens; where is filled in from `links`.
    pub event: rsi::Event,
    /// Where it matters; none: on all approaches of the site.
    pub links: Vec<ReferenceLink>,
    /// What speed is advised.
    pub advice: Option<Advice>,
}

/// On which side of a limit values are bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Visibility, temperature, grip.
    Below,
    /// Wind, rain, ice, water.
    Above,
}

impl Side {
    /// Whether a value is beyond the limit.
    pub fn is_bad(self, value: f64, limit: f64) -> bool {
        match self {
            Side::Below => value < limit,
            Side::Above => value > limit,
        }
    }

    /// Whether a value is on the good side of `until`, or on it.
    pub fn is_back(self, value: f64, until: f64) -> bool {
        !self.is_bad(value, until)
    }
}

/// A sign that stands while a rule is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Advice {
    /// Row in the name index of GB 5768.2-2009.
    pub sign_type: u16,
    /// Its code and its words.
    pub text: SignText,
}

impl Advice {
    /// "Speed advised in bad weather".
    pub const BAD_WEATHER: u16 = 193;

    /// Its words in GB 2312, escaped: "advised speed", and the number.
    pub fn words(speed_kmh: i64) -> String {
        format!("\\xBD\\xA8\\xD2\\xE9\\xCB\\xD9\\xB6\\xC8{speed_kmh}km/h")
    }
}

/// All rules, and which of them hold.
#[derive(Debug, Default)]
pub struct Weather {
    rules: Vec<Watched>,
    /// For each sensor and type of event, the rules from the most urgent on.
    groups: Vec<Group>,
}

#[derive(Debug)]
struct Watched {
    rule: Rule,
    claim: Claim,
    sign: Option<SignClaim>,
    heard: Option<Mono>,
    bad_since: Option<Mono>,
    holds: bool,
}

#[derive(Debug)]
struct Group {
    rules: Vec<usize>,
    told: Option<usize>,
}

/// Most points of a path of an event, and how far it may be off the road for it.
const MAX_POINTS: usize = 32;
const PATH_ERROR_M: f64 = 1.0;
/// Most paths and links of a place.
const MAX_PATHS: usize = 8;
const MAX_LINKS: usize = 16;

impl Weather {
    /// Rules for a site.
    pub fn new(rules: Vec<Rule>, site: &Site) -> Self {
        let mut weather = Self::default();
        for rule in rules {
            let place = place(&rule.links, site);
            let group = weather.groups.iter_mut().find(|group| {
                let first = &weather.rules[group.rules[0]].rule;
                (first.input, first.event.event_type) == (rule.input, rule.event.event_type)
            });
            let number = weather.rules.len();
            match group {
                Some(group) => group.rules.push(number),
                None => weather.groups.push(Group {
                    rules: vec![number],
                    told: None,
                }),
            }
            weather.rules.push(Watched {
                sign: place.clone().and_then(|place| sign(&rule, place, number)),
                claim: claim(&rule, place, &site.frame),
                rule,
                heard: None,
                bad_since: None,
                holds: false,
            });
        }
        let urgency = |place: &usize| {
            let level = weather.rules[*place].rule.event.level;
            std::cmp::Reverse(level.map_or(0, Level::value))
        };
        for group in &mut weather.groups {
            group.rules.sort_by_key(urgency);
        }
        weather
    }

    /// Takes what a sensor has measured.
    pub fn hear(
        &mut self,
        now: Now,
        input: InputId,
        readings: &Readings,
        book: &mut Book,
        board: &mut Board,
    ) {
        for watched in &mut self.rules {
            // Silence is no evidence, also where nobody has followed in the meantime.
            watched.forget_stale(now.mono);
            let is_it = |reading: &&crate::report::Reading| {
                watched.rule.input == input && reading.quantity == watched.rule.quantity
            };
            if let Some(reading) = readings.readings.iter().find(is_it) {
                watched.hear(now.mono, reading.value);
            }
        }
        self.settle(now, book, board);
    }

    /// Ends what is based on values that are too old.
    pub fn follow(&mut self, now: Now, book: &mut Book, board: &mut Board) {
        let mut changed = false;
        for watched in &mut self.rules {
            changed |= watched.forget_stale(now.mono);
        }
        if changed {
            self.settle(now, book, board);
        }
    }

    /// When [`Weather::follow`] has something to end; never where nothing is told.
    pub fn due(&self) -> Mono {
        let told = self.groups.iter().filter_map(|group| group.told);
        let due = told.filter_map(|place| {
            let watched = &self.rules[place];
            Some(watched.heard? + watched.rule.stale_after)
        });
        due.min().unwrap_or(Mono::NEVER)
    }

    /// Tells the book and the board what holds now; they count what they turn away.
    fn settle(&mut self, now: Now, book: &mut Book, board: &mut Board) {
        for group in &mut self.groups {
            let holds = |place: &usize| self.rules[*place].holds;
            let chosen = group.rules.iter().copied().find(holds);
            match (group.told, chosen) {
                (Some(before), None) => {
                    book.handle_end(now, self.rules[before].claim.key);
                }
                (_, Some(place)) => {
                    let watched = &mut self.rules[place];
                    if let Some(heard) = watched.heard {
                        watched.claim.until = Until::Mono(heard + watched.rule.stale_after);
                    }
                    let _ = book.handle_claim(now, &watched.claim);
                }
                (None, None) => {}
            }
            if group.told != chosen {
                let sign = |place: usize| self.rules[place].sign.as_ref();
                if let Some(before) = group.told.and_then(sign) {
                    board.handle_end(now, before.key);
                }
                if let Some(after) = chosen.and_then(sign) {
                    let _ = board.handle_claim(now, after);
                }
                group.told = chosen;
            }
        }
    }
}

impl Watched {
    /// Forgets what rests on a value that is too old; tells whether there was one.
    fn forget_stale(&mut self, now: Mono) -> bool {
        let stale_after = self.rule.stale_after;
        let is_stale = self
            .heard
            .is_some_and(|heard| now.since(heard) >= stale_after);
        if is_stale {
            (self.heard, self.bad_since, self.holds) = (None, None, false);
        }
        is_stale
    }

    fn hear(&mut self, now: Mono, value: f64) {
        let rule = &self.rule;
        self.heard = Some(now);
        if self.holds {
            self.holds = !rule.side.is_back(value, rule.until);
            self.bad_since = self.bad_since.filter(|_| self.holds);
        } else if rule.side.is_bad(value, rule.limit) {
            let since = *self.bad_since.get_or_insert(now);
            self.holds = now.since(since) >= rule.after;
        } else {
            self.bad_since = None;
        }
    }
}

fn sign(rule: &Rule, place: Place, number: usize) -> Option<SignClaim> {
    let advice = rule.advice.as_ref()?;
    let mut sign = rsi::Sign::new(0, advice.sign_type, advice.text.clone(), place);
    sign.level = rule.event.level;
    Some(SignClaim {
        key: Key {
            origin: Origin::Weather,
            number: number as u64,
        },
        sign,
        keeps_id: false,
        until: Until::Withdrawn,
    })
}

fn claim(rule: &Rule, place: Option<Place>, frame: &EnuFrame) -> Claim {
    let mut event = rule.event.clone();
    event.place = place;
    event.pos = frame.ground_position(0.0, 0.0).ok();
    Claim {
        key: Key {
            origin: Origin::Weather,
            number: u64::from(rule.input.0) << 32 | u64::from(event.event_type.0),
        },
        event,
        keeps_id: false,
        at_m: Some((0.0, 0.0)),
        until: Until::Withdrawn,
    }
}

/// The links, or all approaches, with the paths of the first of them.
fn place(links: &[ReferenceLink], site: &Site) -> Option<Place> {
    let all = site.approaches().map(|link| ReferenceLink {
        upstream: link.upstream,
        downstream: link.downstream,
        lanes: None,
    });
    let links: ArrayVec<ReferenceLink, MAX_LINKS> = if links.is_empty() {
        all.take(MAX_LINKS).collect()
    } else {
        links.iter().take(MAX_LINKS).cloned().collect()
    };
    let known = links
        .iter()
        .filter_map(|link| site.link(link.upstream, link.downstream));
    let paths: ArrayVec<ReferencePath, MAX_PATHS> = known
        .filter_map(|link| path(link, &site.frame))
        .take(MAX_PATHS)
        .collect();
    Place::new(paths, links).ok()
}

fn path(link: &Link, frame: &EnuFrame) -> Option<ReferencePath> {
    let points: Vec<Enu> = simplified(&link.points, PATH_ERROR_M);
    let points = points.iter().take(MAX_POINTS);
    let points = points.filter_map(|point| frame.position(*point).ok());
    Some(ReferencePath {
        points: Few::new(points).ok()?,
        radius: Radius::from_m(link.width_m / 2.0 + PATH_ERROR_M).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use v2x_msg::kinds::rsi::{EventSource, EventType, RsiClass};

    use super::*;
    use crate::clock::Utc;
    use crate::events::{self, Stage};
    use crate::report::Reading;

    const INPUT: InputId = InputId(3);

    fn at(ms: u64) -> Now {
        Now {
            mono: Mono::ZERO + Duration::from_millis(ms),
            utc: Utc::from_unix_ns(0),
        }
    }

    fn site() -> Site {
        let text = include_str!("../../../configs/sites/moyu-boyuan.toml");
        Site::parse(text, "moyu-boyuan.toml").unwrap()
    }

    fn fog(below_m: f64, level: u8, speed_kmh: i64) -> Rule {
        let mut event = rsi::Event::new(0, EventType::FOG, EventSource::Meteorological);
        event.level = Level::new(level).ok();
        Rule {
            input: INPUT,
            quantity: Quantity::Visibility,
            side: Side::Below,
            limit: below_m,
            until: below_m * 1.2,
            after: Duration::from_secs(2),
            stale_after: Duration::from_secs(5),
            event,
            links: Vec::new(),
            advice: Some(Advice {
                sign_type: Advice::BAD_WEATHER,
                text: SignText::escaped("0000000000000193", &Advice::words(speed_kmh)).unwrap(),
            }),
        }
    }

    struct Bench {
        weather: Weather,
        book: Book,
        board: Board,
    }

    impl Bench {
        fn new() -> Self {
            let site = site();
            let weather = Weather::new(vec![fog(200.0, 3, 60), fog(50.0, 6, 20)], &site);
            Self {
                weather,
                book: Book::new(events::Config::default(), site.origin),
                board: Board::new(events::Config::default(), site.origin),
            }
        }

        /// Level and stage of what is told, and the levels of the signs that stand.
        fn hear(&mut self, ms: u64, visibility_m: Option<f64>) -> (Vec<(u8, Stage)>, Vec<u8>) {
            let (book, board) = (&mut self.book, &mut self.board);
            if let Some(value) = visibility_m {
                let readings = Readings {
                    readings: [Reading {
                        quantity: Quantity::Visibility,
                        value,
                    }]
                    .into_iter()
                    .collect(),
                };
                self.weather.hear(at(ms), INPUT, &readings, book, board);
                let other = InputId(0);
                self.weather.hear(at(ms), other, &readings, book, board);
            }
            self.weather.follow(at(ms), book, board);
            book.follow(at(ms));
            board.follow(at(ms));
            let told = book.shown();
            let told = told.map(|shown| (shown.event.level.unwrap().value(), shown.stage));
            let signs = board.sent().into_iter();
            let standing = signs.filter(|sign| sign.validity.end.is_none());
            let levels = standing.map(|sign| sign.level.unwrap().value());
            (told.collect(), levels.collect())
        }
    }

    #[test]
    fn the_most_urgent_rule_is_told_and_noise_at_its_limit_changes_nothing() {
        let mut bench = Bench::new();
        assert_eq!(bench.hear(0, Some(500.0)), (vec![], vec![]));
        assert_eq!(bench.hear(1000, Some(150.0)).0, []);
        assert_eq!(bench.hear(2000, Some(250.0)).0, [], "for not long enough");
        assert_eq!(bench.hear(3000, Some(150.0)).0, []);
        let first = (vec![(3, Stage::Holds)], vec![3]);
        assert_eq!(bench.hear(5000, Some(150.0)), first);
        for step in 0..8 {
            let value = if step % 2 == 0 { 239.0 } else { 199.0 };
            assert_eq!(bench.hear(6000 + 1000 * step, Some(value)), first);
        }
        assert_eq!(bench.hear(14_000, Some(40.0)), first);
        let worse = (vec![(6, Stage::Holds)], vec![6]);
        assert_eq!(bench.hear(16_000, Some(40.0)), worse);
        assert_eq!(bench.hear(17_000, Some(61.0)), first);
        let over = (vec![(3, Stage::Cleared)], vec![]);
        assert_eq!(bench.hear(18_000, Some(241.0)), over);
        assert_eq!(bench.hear(23_000, Some(241.0)).0, []);
    }

    #[test]
    fn values_that_are_not_heard_any_more_end_the_event() {
        let mut bench = Bench::new();
        bench.hear(0, Some(100.0));
        bench.hear(2000, Some(100.0));
        assert_eq!(bench.weather.due(), at(7000).mono);
        assert_eq!(bench.hear(6999, None).0, [(3, Stage::Holds)]);
        let over = (vec![(3, Stage::Cleared)], vec![]);
        assert_eq!(bench.hear(7000, None), over);
        assert_eq!(bench.weather.due(), Mono::NEVER);
        // One value is no evidence again yet.
        assert_eq!(bench.hear(8000, Some(100.0)).0, [(3, Stage::Cleared)]);
    }

    #[test]
    fn a_value_after_a_silence_does_not_rest_on_the_one_before_it() {
        let mut bench = Bench::new();
        assert_eq!(bench.hear(0, Some(100.0)).0, []);
        // Nobody has followed since: `hear` comes first.
        assert_eq!(bench.hear(60_000, Some(100.0)).0, []);
        assert_eq!(bench.hear(61_999, Some(100.0)).0, []);
        let told = bench.hear(62_000, Some(100.0)).0;
        assert_eq!(told, [(3, Stage::Holds)]);
    }

    #[test]
    fn an_event_matters_on_every_approach_with_its_path() {
        let mut bench = Bench::new();
        bench.hear(0, Some(100.0));
        bench.hear(2000, Some(100.0));
        let sent = bench.book.sent(RsiClass::SemiStatic);
        let place = sent[0].place.as_ref().unwrap();
        assert_eq!((place.links().len(), place.paths().len()), (4, 4));
        let signs = bench.board.sent();
        assert_eq!((signs.len(), signs[0].sign_type), (1, 193));
    }
}
