//! One OpenDRIVE road as it is written: its line, its lanes, what it is joined to, its signals.
//!
//! ASAM OpenDRIVE 1.8, chapters 10, 11 and 14. Heights, cross-falls, road marks and objects are not
//! read.

use std::collections::BTreeMap;

use roxmltree::Node as Element;
use v2x_msg::kinds::map::{BikeLane, LaneKind, TrackedLane, VehicleLane};

use super::super::Refused;
use super::super::net::Point;
use super::super::xml::{Xml, children};
use super::curve::{self, Cubic, Piece, Shape};

/// Longer than any road, so that sums stay finite.
const LONGEST_M: f64 = 100_000.0;
/// As far as a projection's coordinates go.
const REACH_M: f64 = 2e7;
/// Tighter than any curve of a road, in 1/m.
const TIGHTEST: f64 = 10.0;
/// Where nothing is said.
const USUAL_LIMIT_MPS: f64 = 50.0 / 3.6;

/// One of a road's ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum End {
    Start,
    End,
}

/// What a road is joined to.
#[derive(Clone, Debug)]
pub(super) enum Joined {
    Junction(String),
    Road(String, End),
}

#[derive(Debug)]
pub(super) struct Road {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) length: f64,
    /// The junction that it lies in.
    pub(super) inside: Option<String>,
    pub(super) before: Option<Joined>,
    pub(super) after: Option<Joined>,
    pub(super) sections: Vec<Section>,
    pub(super) signals: Vec<SignalAt>,
    plan: Vec<Piece>,
    offset: Vec<(f64, Cubic)>,
}

/// A stretch in which the number of lanes does not change.
#[derive(Debug)]
pub(super) struct Section {
    pub(super) s: f64,
    /// Positive on the left of the reference line, against its direction; negative on the right.
    pub(super) lanes: BTreeMap<i32, Lane>,
}

#[derive(Debug)]
pub(super) struct Lane {
    /// None where a site does not tell it.
    pub(super) kind: Option<LaneKind>,
    pub(super) limit_mps: f64,
    pub(super) before: Option<i32>,
    pub(super) after: Option<i32>,
    width: Vec<(f64, Cubic)>,
}

/// A traffic light at a road, or a reference to one elsewhere.
#[derive(Debug)]
pub(super) struct SignalAt {
    pub(super) id: String,
    pub(super) s: f64,
    /// `+`, `-` or anything else for both.
    pub(super) orientation: String,
    /// What it is; None for a reference.
    pub(super) face: Option<Face>,
    /// The lanes that it holds for; empty for all.
    lanes: Vec<(i32, i32)>,
}

/// Number and kind of a signal.
#[derive(Clone, Debug)]
pub(super) struct Face {
    pub(super) dynamic: bool,
    pub(super) kind: String,
    pub(super) subkind: String,
}

impl SignalAt {
    pub(super) fn holds_for(&self, lane: i32) -> bool {
        self.lanes.is_empty()
            || self
                .lanes
                .iter()
                .any(|(from, to)| (*from..=*to).contains(&lane))
    }
}

impl Road {
    pub(super) fn joined(&self, end: End) -> Option<&Joined> {
        match end {
            End::Start => self.before.as_ref(),
            End::End => self.after.as_ref(),
        }
    }

    /// The reference line's end.
    pub(super) fn end_point(&self, end: End) -> Option<Point> {
        let s = if end == End::Start { 0.0 } else { self.length };
        curve::pose(&self.plan, s).map(|pose| (pose.x, pose.y))
    }

    /// Where a section ends.
    pub(super) fn section_end(&self, section: usize) -> f64 {
        self.sections
            .get(section + 1)
            .map_or(self.length, |next| next.s)
            .max(self.sections[section].s)
    }

    /// The centre of a lane at `s`, and its width there.
    pub(super) fn centre(&self, section: usize, lane: i32, s: f64) -> Option<(Point, f64)> {
        let section = self.sections.get(section)?;
        let ds = s - section.s;
        let width_of = |id: &i32| {
            section
                .lanes
                .get(id)
                .map_or(0.0, |lane| cubic(&lane.width, ds).max(0.0))
        };
        let width = width_of(&lane);
        let side = f64::from(lane.signum());
        let nearer: f64 = if lane > 0 {
            section
                .lanes
                .range(1..lane)
                .map(|(id, _)| width_of(id))
                .sum()
        } else {
            section
                .lanes
                .range(lane + 1..0)
                .map(|(id, _)| width_of(id))
                .sum()
        };
        let aside = cubic(&self.offset, s) + side * (nearer + width / 2.0);
        let pose = curve::pose(&self.plan, s)?;
        let (sin, cos) = pose.heading.sin_cos();
        Some(((pose.x - aside * sin, pose.y + aside * cos), width))
    }
}

/// The value of the cubic that holds at `s`; 0 before the first.
fn cubic(list: &[(f64, Cubic)], s: f64) -> f64 {
    // A lane section may begin a rounding error after its widths do.
    let behind = list.partition_point(|(start, _)| *start <= s + 1e-6);
    match behind.checked_sub(1).and_then(|at| list.get(at)) {
        Some((start, cubic)) => cubic.at(s - start),
        None => 0.0,
    }
}

/// Reads one `<road>`; None where it cannot stand for one. What is wrong with it `xml` keeps.
pub(super) fn read(xml: &Xml<'_, '_>, at: Element<'_, '_>) -> Option<Road> {
    let id = xml.keep(xml.text(at, "id"));
    let called = id.unwrap_or("?");
    if at.attribute("rule") == Some("LHT") {
        xml.note(at, format!("road {called}: left-hand traffic is not read"));
    }
    let length = xml.keep(xml.required(at, "length"));
    if let Some(length) = length.filter(|length| !(0.0..=LONGEST_M).contains(length)) {
        xml.note(
            at,
            format!("road {called}: a length of {length} m is no road"),
        );
    }
    let inside = at
        .attribute("junction")
        .filter(|id| *id != "-1")
        .map(ToOwned::to_owned);
    let link = children(at, "link").next();
    let joined = |tag| -> Option<Joined> {
        let element = link.and_then(|link| children(link, tag).next())?;
        xml.keep(join(xml, element))
    };
    let mut limits = Vec::new();
    for kind in children(at, "type") {
        if let Some(speed) = children(kind, "speed").next() {
            let from = xml.keep(xml.number(kind, "s", 0.0));
            limits.extend(from.zip(xml.keep(limit(xml, speed))));
        }
    }
    let name = at.attribute("name").filter(|name| !name.is_empty());
    let (before, after) = (joined("predecessor"), joined("successor"));
    let (signals, plan) = (signals(xml, at), plan(xml, at));
    let Some(lanes) = children(at, "lanes").next() else {
        xml.note(at, format!("road {called} has no <lanes>"));
        return None;
    };
    let mut road = Road {
        name: name.map_or_else(|| format!("road {called}"), ToOwned::to_owned),
        length: length?,
        inside,
        before,
        after,
        sections: sections(xml, lanes, &limits),
        signals,
        plan,
        offset: cubics(xml, lanes, "laneOffset", "s"),
        id: id?.to_owned(),
    };
    road.sections.retain(|section| section.s <= road.length);
    let mut line = children(at, "planView").flat_map(|plan| children(plan, "geometry"));
    if line.next().is_none() || road.sections.is_empty() {
        xml.note(at, format!("road {called} has no line or no lanes"));
    }
    (!road.plan.is_empty() && !road.sections.is_empty()).then_some(road)
}

fn join(xml: &Xml<'_, '_>, at: Element<'_, '_>) -> Result<Joined, Refused> {
    let id = xml.text(at, "elementId")?.to_owned();
    Ok(match at.attribute("elementType") {
        Some("junction") => Joined::Junction(id),
        _ => Joined::Road(id, contact(xml, at)?),
    })
}

/// The attribute `contactPoint`.
pub(super) fn contact(xml: &Xml<'_, '_>, at: Element<'_, '_>) -> Result<End, Refused> {
    match at.attribute("contactPoint") {
        Some("start") => Ok(End::Start),
        Some("end") => Ok(End::End),
        _ => Err(xml.wrong(at, "contactPoint must be start or end")),
    }
}

/// An attribute that numbers a lane.
pub(super) fn lane_number(
    xml: &Xml<'_, '_>,
    at: Element<'_, '_>,
    key: &str,
) -> Result<i32, Refused> {
    let text = xml.text(at, key)?;
    let number = text.parse::<i16>();
    let number = number.map_err(|_| xml.wrong(at, format!("{text} is no lane")))?;
    Ok(number.into())
}

fn plan(xml: &Xml<'_, '_>, road: Element<'_, '_>) -> Vec<Piece> {
    let pieces = children(road, "planView").flat_map(|plan| children(plan, "geometry"));
    let mut pieces: Vec<Piece> = pieces.filter_map(|at| piece(xml, at)).collect();
    pieces.sort_by(|a, b| a.s.total_cmp(&b.s));
    pieces
}

fn piece(xml: &Xml<'_, '_>, at: Element<'_, '_>) -> Option<Piece> {
    let [s, x, y, heading, length] =
        ["s", "x", "y", "hdg", "length"].map(|key| xml.keep(xml.required(at, key)));
    let shape = xml.keep(shape(xml, at));
    let piece = Piece {
        s: s?,
        x: x?,
        y: y?,
        heading: heading?,
        length: length?,
        shape: shape?,
    };
    let bounded = [
        (piece.s, LONGEST_M),
        (piece.length, LONGEST_M),
        (piece.x, REACH_M),
        (piece.y, REACH_M),
    ];
    if bounded.iter().any(|(value, most)| value.abs() > *most) || piece.length < 0.0 {
        xml.note(at, "a number of this <geometry> is out of all range");
        return None;
    }
    Some(piece)
}

fn shape(xml: &Xml<'_, '_>, at: Element<'_, '_>) -> Result<Shape, Refused> {
    let curvature = |at, key| -> Result<f64, Refused> {
        let value = xml.required(at, key)?;
        match value.abs() <= TIGHTEST {
            true => Ok(value),
            false => Err(xml.wrong(at, format!("{key} of {value} per metre is no road"))),
        }
    };
    let child = at.children().find(Element::is_element);
    let child = child.ok_or_else(|| xml.wrong(at, "<geometry> is empty"))?;
    Ok(match child.tag_name().name() {
        "line" => Shape::Line,
        "arc" => Shape::Arc(curvature(child, "curvature")?),
        "spiral" => Shape::Spiral(curvature(child, "curvStart")?, curvature(child, "curvEnd")?),
        "poly3" => Shape::Poly3(read_cubic(xml, child, ["a", "b", "c", "d"])?),
        "paramPoly3" => Shape::ParamPoly3 {
            u: read_cubic(xml, child, ["aU", "bU", "cU", "dU"])?,
            v: read_cubic(xml, child, ["aV", "bV", "cV", "dV"])?,
            to_one: child.attribute("pRange") != Some("arcLength"),
        },
        other => return Err(xml.wrong(child, format!("<{other}> is no geometry that is read"))),
    })
}

fn read_cubic(xml: &Xml<'_, '_>, at: Element<'_, '_>, keys: [&str; 4]) -> Result<Cubic, Refused> {
    let mut cubic = Cubic::default();
    for (slot, key) in cubic.0.iter_mut().zip(keys) {
        *slot = xml.number(at, key, 0.0)?;
    }
    Ok(cubic)
}

fn cubics(
    xml: &Xml<'_, '_>,
    of: Element<'_, '_>,
    tag: &'static str,
    start: &str,
) -> Vec<(f64, Cubic)> {
    let read = |at| {
        let from = xml.keep(xml.number(at, start, 0.0));
        from.zip(xml.keep(read_cubic(xml, at, ["a", "b", "c", "d"])))
    };
    let mut list: Vec<(f64, Cubic)> = children(of, tag).filter_map(read).collect();
    list.sort_by(|a, b| a.0.total_cmp(&b.0));
    list
}

fn sections(xml: &Xml<'_, '_>, lanes: Element<'_, '_>, limits: &[(f64, f64)]) -> Vec<Section> {
    let mut sections = Vec::new();
    for at in children(lanes, "laneSection") {
        // Where it begins may be wrong; its lanes are looked at all the same.
        let s = xml.keep(xml.required(at, "s")).unwrap_or_default();
        let limit_mps = limits
            .iter()
            .rfind(|(from, _)| *from <= s)
            .map_or(USUAL_LIMIT_MPS, |(_, limit)| *limit);
        let mut section = Section {
            s,
            lanes: BTreeMap::new(),
        };
        for side in ["left", "right"] {
            for lane in children(at, side).flat_map(|side| children(side, "lane")) {
                let id = xml.keep(lane_of_side(xml, lane, side));
                let read = read_lane(xml, lane, limit_mps);
                section.lanes.extend(id.map(|id| (id, read)));
            }
        }
        sections.push(section);
    }
    sections.sort_by(|a, b| a.s.total_cmp(&b.s));
    sections
}

fn lane_of_side(xml: &Xml<'_, '_>, at: Element<'_, '_>, side: &str) -> Result<i32, Refused> {
    let text = xml.text(at, "id")?;
    let id = text
        .parse::<i16>()
        .ok()
        .filter(|id| (*id > 0) == (side == "left") && *id != 0);
    let id = id.ok_or_else(|| xml.wrong(at, format!("{text} is no lane on the {side}")))?;
    Ok(id.into())
}

fn read_lane(xml: &Xml<'_, '_>, at: Element<'_, '_>, road_limit_mps: f64) -> Lane {
    let link = children(at, "link").next();
    let joined = |tag| -> Option<i32> {
        let element = link.and_then(|link| children(link, tag).next())?;
        xml.keep(lane_number(xml, element, "id"))
    };
    let speed = children(at, "speed").last();
    if children(at, "border").next().is_some() && children(at, "width").next().is_none() {
        xml.note(at, "lanes by <border> are not read; write them by <width>");
    }
    Lane {
        kind: lane_kind(at.attribute("type").unwrap_or("none")),
        limit_mps: speed
            .and_then(|speed| xml.keep(limit(xml, speed)))
            .unwrap_or(road_limit_mps),
        before: joined("predecessor"),
        after: joined("successor"),
        width: cubics(xml, at, "width", "sOffset"),
    }
}

fn limit(xml: &Xml<'_, '_>, at: Element<'_, '_>) -> Result<f64, Refused> {
    if matches!(at.attribute("max"), Some("no limit" | "undefined") | None) {
        return Ok(USUAL_LIMIT_MPS);
    }
    let factor = match at.attribute("unit") {
        Some("km/h") => 1.0 / 3.6,
        Some("mph") => 0.447_04,
        _ => 1.0,
    };
    Ok(xml.number(at, "max", USUAL_LIMIT_MPS)? * factor)
}

/// What a lane is for; None for those that a site leaves out.
fn lane_kind(kind: &str) -> Option<LaneKind> {
    match kind {
        "driving" | "entry" | "exit" | "onRamp" | "offRamp" | "connectingRamp" | "slipLane"
        | "shared" => Some(LaneKind::Vehicle(VehicleLane::NONE)),
        "bus" => Some(LaneKind::Vehicle(VehicleLane::BUS_ONLY)),
        "biking" => Some(LaneKind::Bike(BikeLane::NONE)),
        "tram" | "rail" => Some(LaneKind::Tracked(TrackedLane::NONE)),
        _ => None,
    }
}

fn signals(xml: &Xml<'_, '_>, road: Element<'_, '_>) -> Vec<SignalAt> {
    let mut found = Vec::new();
    for at in children(road, "signals").flat_map(|signals| signals.children()) {
        let face = match at.tag_name().name() {
            "signal" => Some(Face {
                dynamic: at.attribute("dynamic") == Some("yes"),
                kind: at.attribute("type").unwrap_or_default().to_owned(),
                subkind: at.attribute("subtype").unwrap_or_default().to_owned(),
            }),
            "signalReference" => None,
            _ => continue,
        };
        let lane = |at, key| xml.keep(lane_number(xml, at, key));
        let lanes = children(at, "validity")
            .filter_map(|validity| lane(validity, "fromLane").zip(lane(validity, "toLane")))
            .map(|(from, to)| (from.min(to), from.max(to)))
            .collect();
        let (id, s) = (
            xml.keep(xml.text(at, "id")),
            xml.keep(xml.number(at, "s", 0.0)),
        );
        found.extend(id.zip(s).map(|(id, s)| SignalAt {
            id: id.to_owned(),
            s,
            orientation: at.attribute("orientation").unwrap_or_default().to_owned(),
            face,
            lanes,
        }));
    }
    found
}
