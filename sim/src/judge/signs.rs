//! RSI's speed limits against those that stand at the junction, and whether buses keep to them.
//!
//! A sign stands where the site's file says, and its number has to be the limit of the world's road that it is
//! for. Only signs that always hold are judged. Not here: events, and the speed that is advised in bad weather
//! ([`super::events`]).

use rsu::clock::Mono;
use rsu::site::{Site, Timetable};
use v2x_msg::base::{EnuFrame, GeoPosition, NodeId};
use v2x_msg::kinds::rsi::{Rsi, Sign};

use crate::plane::Point;
use crate::world::World;
use crate::world::roads::Roads;
use crate::world::vehicles::Kind;

/// What was found of the speed limits of a junction.
#[derive(Clone, Debug)]
pub struct SignJudge {
    /// Speed limits told that do not stand there, or with another number than the road's.
    pub wrong: u64,
    /// How much faster than a sign allows a bus drove at most, m/s; None where no bus came by one.
    pub bus_over_mps: Option<f64>,
    signs: Vec<Standing>,
    frame: EnuFrame,
    started: Mono,
    until: Mono,
}

/// A sign that stands there, and what was told of it.
#[derive(Clone, Debug)]
struct Standing {
    /// Where the roads that it is for come from.
    from: Vec<NodeId>,
    place: Option<Point>,
    /// What may be driven on them.
    limit_mps: f64,
    first: Option<Mono>,
    last: Mono,
    gap_s: f64,
    off_m: Option<f64>,
}

impl SignJudge {
    /// A judge of the signs of a site whose unit starts at `started`.
    pub fn new(site: &Site, roads: &Roads, started: Mono) -> Self {
        let frame = site.frame;
        let posted = site.signs.iter();
        let posted = posted.filter(|one| one.when == Timetable::ALWAYS && is_limit(&one.what));
        let signs = posted.filter_map(|one| {
            let from = from(&one.what, site.node);
            let mut lanes = roads.approaches.iter();
            let lane = lanes.find(|lane| from.contains(&lane.from))?;
            Some(Standing {
                from,
                place: one.what.pos.map(|pos| at(&frame, pos)),
                limit_mps: lane.limit_mps,
                first: None,
                last: started,
                gap_s: 0.0,
                off_m: None,
            })
        });
        Self {
            wrong: 0,
            bus_over_mps: None,
            signs: signs.collect(),
            frame,
            started,
            until: started,
        }
    }

    /// Takes one RSI.
    pub fn hear(&mut self, rsi: &Rsi, arrived: Mono, here: NodeId) {
        for sign in rsi.signs().iter().filter(|sign| is_limit(sign)) {
            let told = from(sign, here);
            let standing = self.signs.iter_mut().find(|one| one.from == told);
            let number = number(sign.text.text());
            let Some(standing) = standing.filter(|one| {
                number.is_some_and(|kmh| (f64::from(kmh) / 3.6 - one.limit_mps).abs() < SAME_MPS)
            }) else {
                self.wrong += 1;
                continue;
            };
            standing.heard(arrived);
            let place = sign.pos.map(|pos| at(&self.frame, pos));
            let off_m = standing
                .place
                .zip(place)
                .map(|(is, told)| is.distance_m(told));
            let off_m = off_m.unwrap_or(f64::INFINITY);
            standing.off_m = Some(standing.off_m.map_or(off_m, |most_m| most_m.max(off_m)));
        }
    }

    /// Looks at a step of the world: do buses keep to the signs?
    pub fn follow(&mut self, world: &World) {
        let roads = world.roads();
        let buses = world.vehicles().iter();
        for bus in buses.filter(|one| one.kind == Kind::Bus && one.entered.is_none()) {
            let lane = &roads.approaches[roads.routes[bus.route].approach];
            let mut signs = self.signs.iter();
            if let Some(sign) = signs.find(|sign| sign.from.contains(&lane.from)) {
                let over_mps = bus.speed_mps - sign.limit_mps;
                let most_mps = self.bus_over_mps.unwrap_or(f64::NEG_INFINITY);
                self.bus_over_mps = Some(most_mps.max(over_mps));
            }
        }
    }

    /// Nothing more will come.
    pub fn finish(&mut self, at: Mono) {
        self.until = at;
    }

    /// From the unit's start to the first RSI with each sign, longest; None without a sign, or where one was
    /// never told.
    pub fn told_s(&self) -> Option<f64> {
        self.longest(|sign| Some(sign.first?.seconds_after(self.started)))
    }

    /// From one RSI with a sign to the next, or to the end, longest.
    pub fn gap_s(&self) -> Option<f64> {
        self.longest(|sign| {
            sign.first?;
            Some(sign.gap_s.max(self.until.seconds_after(sign.last)))
        })
    }

    /// Distance of a sign from where it was told, largest.
    pub fn off_m(&self) -> Option<f64> {
        self.longest(|sign| sign.off_m)
    }

    fn longest(&self, of: impl Fn(&Standing) -> Option<f64>) -> Option<f64> {
        let all = self.signs.iter().map(of);
        let all = all.collect::<Option<Vec<f64>>>()?;
        all.into_iter().max_by(f64::total_cmp)
    }
}

impl Standing {
    fn heard(&mut self, arrived: Mono) {
        if self.first.is_some() {
            self.gap_s = self.gap_s.max(arrived.seconds_after(self.last));
        }
        self.first.get_or_insert(arrived);
        self.last = arrived;
    }
}

fn is_limit(sign: &Sign) -> bool {
    sign.sign_type == SPEED_LIMIT
}

/// Where the roads to `here` come from that a sign is for.
fn from(sign: &Sign, here: NodeId) -> Vec<NodeId> {
    let links = sign.place.links().iter();
    let links = links.filter(|link| link.downstream == here);
    links.map(|link| link.upstream).collect()
}

/// The number at the end of the words of a sign; the rest may be Chinese, whose bytes are no digits.
fn number(text: &[u8]) -> Option<u32> {
    let digits = text.iter().rev().take_while(|byte| byte.is_ascii_digit());
    let digits = digits.count();
    let digits = std::str::from_utf8(&text[text.len() - digits..]).ok()?;
    digits.parse().ok()
}

fn at(frame: &EnuFrame, pos: GeoPosition) -> Point {
    let place = frame.enu(pos);
    Point::new(place.east_m, place.north_m)
}

/// Row of a speed limit in the name index of GB 5768.2-2009.
const SPEED_LIMIT: u16 = 85;
/// Limits are whole kilometres an hour.
const SAME_MPS: f64 = 0.01;

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use v2x_msg::base::{MsgCount, StationId};
    use v2x_msg::kinds::rsi::SignText;

    use super::*;

    fn site() -> Site {
        let file = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../configs/sites/huanhu-ring.toml"
        );
        let text = std::fs::read_to_string(Path::new(file)).expect("a file");
        Site::parse(&text, file).expect("a site")
    }

    fn after(seconds: f64) -> Mono {
        Mono::ZERO.offset_by(seconds)
    }

    fn rsi(site: &Site, sign: Sign) -> Rsi {
        let (count, id) = (MsgCount::new(0).expect("nought"), StationId([1; 8]));
        Rsi::of_signs(count, id, site.origin, [sign]).expect("one sign")
    }

    fn judge(site: &Site) -> SignJudge {
        let roads = Roads::of_site(site).expect("roads");
        SignJudge::new(site, &roads, Mono::ZERO)
    }

    #[test]
    fn a_sign_is_told_in_time_in_its_place_and_with_the_number_of_the_road() {
        let site = site();
        let sign = site.signs[0].what.clone();
        let mut judge = judge(&site);
        assert_eq!((judge.told_s(), judge.off_m()), (None, None), "never told");
        for second in [0.5, 1.5, 4.0] {
            judge.hear(&rsi(&site, sign.clone()), after(second), site.node);
        }
        judge.finish(Mono::ZERO + Duration::from_secs(5));
        assert_eq!((judge.told_s(), judge.gap_s()), (Some(0.5), Some(2.5)));
        assert_eq!((judge.off_m(), judge.wrong), (Some(0.0), 0));
    }

    #[test]
    fn another_number_another_road_and_another_place_are_wrong() {
        let site = site();
        let sign = site.signs[0].what.clone();
        let text = SignText::new("0000000000000085", b"60").expect("words");
        let faster = Sign {
            text,
            ..sign.clone()
        };
        let elsewhere = Sign {
            place: v2x_msg::kinds::rsi::Place::new(
                [],
                [v2x_msg::kinds::rsi::ReferenceLink {
                    upstream: NodeId {
                        region: None,
                        id: 12,
                    },
                    ..sign.place.links()[0]
                }],
            )
            .expect("a place"),
            ..sign.clone()
        };
        let mut judge = judge(&site);
        for wrong in [faster, elsewhere] {
            judge.hear(&rsi(&site, wrong), after(1.0), site.node);
        }
        assert_eq!((judge.wrong, judge.told_s()), (2, None));
        let moved = site.frame.ground_position(-150.0, -8.0).expect("near by");
        let moved = Sign {
            pos: Some(moved),
            ..sign
        };
        judge.hear(&rsi(&site, moved), after(2.0), site.node);
        assert!(
            judge
                .off_m()
                .is_some_and(|off_m| (off_m - 10.0).abs() < 0.1)
        );
    }

    #[test]
    fn numbers_stand_at_the_end_of_the_words() {
        assert_eq!(number(b"\xcf\xde\xd6\xc6\xb3\xb5\xcb\xd950"), Some(50));
        assert_eq!(number(b"40"), Some(40));
        assert_eq!(number(b"slow"), None);
    }
}
