//! Drawings as SVG text: a histogram, lines and points over time, and the junction from above.

use std::fmt::Write;

use crate::judge::objects::Picture;
use crate::plane::Point;
use crate::world::roads::Roads;
use crate::world::snapshot::Body;

/// Width of every drawing in its own units; the page scales it.
const WIDTH: f64 = 640.0;
/// Height of those over time and of histograms.
const HEIGHT: f64 = 220.0;
/// Room for the labels of the axes: left, right, top, bottom.
const MARGIN: [f64; 4] = [48.0, 12.0, 12.0, 34.0];
/// Bars of a histogram.
const BARS: usize = 48;

/// What is drawn along an axis.
#[derive(Clone, Copy, Debug)]
pub struct Axis<'a> {
    /// Name and unit.
    pub label: &'a str,
    /// Where it begins.
    pub low: f64,
    /// Where it ends; more than `low`.
    pub high: f64,
}

/// A drawing area with two axes.
struct Area {
    x: (f64, f64),
    y: (f64, f64),
    text: String,
}

impl Area {
    fn new(across: Axis<'_>, up: Axis<'_>) -> Self {
        let mut text = format!("<svg viewBox='0 0 {WIDTH} {HEIGHT}' role='img'>");
        let mut area = Self {
            x: (across.low, across.high.max(across.low + 1e-9)),
            y: (up.low, up.high.max(up.low + 1e-9)),
            text: String::new(),
        };
        let [left, right, top, bottom] = MARGIN;
        let (low, high) = (HEIGHT - bottom, top);
        for (i, value) in ticks(area.x).into_iter().enumerate() {
            let x = area.across(value);
            let anchor = if i == 0 { "start" } else { "middle" };
            let _ = write!(
                text,
                "<text x='{x:.1}' y='{:.1}' text-anchor='{anchor}'>{}</text>",
                low + 14.0,
                short(value)
            );
        }
        for value in ticks(area.y) {
            let y = area.up(value);
            let _ = write!(
                text,
                "<line class='grid' x1='{left}' x2='{:.1}' y1='{y:.1}' y2='{y:.1}'/>\
                 <text x='{:.1}' y='{:.1}' text-anchor='end'>{}</text>",
                WIDTH - right,
                left - 6.0,
                y + 3.5,
                short(value)
            );
        }
        let _ = write!(
            text,
            "<line class='axis' x1='{left}' x2='{:.1}' y1='{low}' y2='{low}'/>\
             <text class='label' x='{:.1}' y='{:.1}' text-anchor='end'>{}</text>\
             <text class='label' x='{:.1}' y='{:.1}'>{}</text>",
            WIDTH - right,
            WIDTH - right,
            HEIGHT - 4.0,
            escape(across.label),
            left + 6.0,
            high + 8.0,
            escape(up.label)
        );
        area.text = text;
        area
    }

    fn across(&self, value: f64) -> f64 {
        let [left, right, ..] = MARGIN;
        let share = (value - self.x.0) / (self.x.1 - self.x.0);
        left + share.clamp(0.0, 1.0) * (WIDTH - left - right)
    }

    fn up(&self, value: f64) -> f64 {
        let [.., top, bottom] = MARGIN;
        let share = (value - self.y.0) / (self.y.1 - self.y.0);
        HEIGHT - bottom - share.clamp(0.0, 1.0) * (HEIGHT - top - bottom)
    }

    fn done(mut self) -> String {
        self.text.push_str("</svg>");
        self.text
    }
}

/// How often each size of a value came, with a mark where the limit is.
pub fn histogram(values: &[(f64, u64)], label: &str, limit: Option<f64>) -> String {
    let sizes = values.iter().map(|(value, _)| *value);
    let largest = sizes.fold(0.0, f64::max);
    let high = limit.map_or(largest, |limit| limit.max(largest.min(limit * 1.6))) * 1.05;
    let high = if high > 0.0 { high } else { 1.0 };
    let mut bars = [0_u64; BARS];
    for (value, count) in values {
        let bar = (value / high * BARS as f64).max(0.0) as usize;
        bars[bar.min(BARS - 1)] += count;
    }
    let most = bars.iter().copied().max().unwrap_or(0).max(1) as f64;
    let whole = bars.iter().sum::<u64>().max(1) as f64;
    let across = Axis {
        label,
        low: 0.0,
        high,
    };
    let up = Axis {
        label: "% of all",
        low: 0.0,
        high: most / whole * 100.0,
    };
    let mut area = Area::new(across, up);
    for (i, count) in bars.into_iter().enumerate() {
        let (left, right) = (
            area.across(i as f64 / BARS as f64 * high),
            area.across((i + 1) as f64 / BARS as f64 * high),
        );
        let (top, foot) = (area.up(count as f64 / whole * 100.0), area.up(0.0));
        let _ = write!(
            area.text,
            "<rect class='bar' x='{left:.1}' y='{top:.1}' width='{:.1}' height='{:.1}'/>",
            (right - left - 1.0).max(0.5),
            foot - top
        );
    }
    if let Some(limit) = limit {
        let x = area.across(limit);
        let (top, foot) = (area.up(up.high), area.up(0.0));
        let _ = write!(
            area.text,
            "<line class='limit' x1='{x:.1}' x2='{x:.1}' y1='{top:.1}' y2='{foot:.1}'/>"
        );
    }
    area.done()
}

/// Points over time.
pub fn points(values: &[(f64, f64)], up: Axis<'_>) -> String {
    let mut area = Area::new(times(values.iter().map(|value| value.0)), up);
    for &(at, value) in values {
        let (x, y) = (area.across(at), area.up(value));
        let _ = write!(
            area.text,
            "<circle class='dot' cx='{x:.1}' cy='{y:.1}' r='1.3'/>"
        );
    }
    area.done()
}

/// Lines over time, each with the name of its style.
pub fn lines(series: &[(&str, Vec<(f64, f64)>)], label: &str) -> String {
    let all = || series.iter().flat_map(|(_, line)| line);
    let high = all().map(|value| value.1).fold(1.0, f64::max);
    let up = Axis {
        label,
        low: 0.0,
        high: high * 1.1,
    };
    lines_over(series, times(all().map(|value| value.0)), up)
}

/// The same over something else than time.
pub fn lines_over(series: &[(&str, Vec<(f64, f64)>)], across: Axis<'_>, up: Axis<'_>) -> String {
    let mut area = Area::new(across, up);
    for (style, line) in series {
        let mut path = String::new();
        for &(at, value) in line {
            let _ = write!(path, "{:.1},{:.1} ", area.across(at), area.up(value));
        }
        let _ = write!(area.text, "<polyline class='{style}' points='{path}'/>");
    }
    area.done()
}

/// What is drawn of a junction.
#[derive(Clone, Debug)]
pub struct Junction<'a> {
    /// As they are.
    pub roads: &'a Roads,
    /// Centre lines as MAP tells them.
    pub told: Vec<&'a [Point]>,
    /// Where each stands and which way it looks.
    pub radars: Vec<(Point, Point)>,
    /// The same.
    pub cameras: Vec<(Point, Point)>,
    /// What stands beside the road.
    pub walls: Vec<Body>,
    /// Where somebody was about to be run into.
    pub conflicts: Vec<Point>,
    /// Where RSM showed nobody.
    pub nobody: Vec<Point>,
    /// Road users, and what was shown of them.
    pub picture: Option<&'a Picture>,
}

impl Junction<'_> {
    /// What stands beside the road, what looks at it, and where something went wrong.
    fn beside(&self, text: &mut String) {
        for line in &self.told {
            let _ = write!(text, "<polyline class='told' points='{}'/>", outline(line));
        }
        for wall in &self.walls {
            let corners = outline(&wall.corners());
            let _ = write!(text, "<polygon class='wall' points='{corners}'/>");
        }
        for (place, axis) in &self.radars {
            let side = axis.left().times(1.6);
            let corners = [
                place.plus(axis.times(4.0)),
                place.plus(side),
                place.minus(side),
            ];
            let _ = write!(
                text,
                "<polygon class='radar' points='{}'/>",
                outline(&corners)
            );
        }
        for (place, axis) in &self.cameras {
            let (ahead, side) = (axis.times(1.6), axis.left().times(1.6));
            let corners = [
                place.plus(ahead).plus(side),
                place.minus(ahead).plus(side),
                place.minus(ahead).minus(side),
                place.plus(ahead).minus(side),
            ];
            let _ = write!(
                text,
                "<polygon class='camera' points='{}'/>",
                outline(&corners)
            );
        }
        for place in &self.conflicts {
            let (x, y) = (place.east_m, -place.north_m);
            let _ = write!(
                text,
                "<path class='conflict' d='M{:.1} {:.1}l4 4m0 -4l-4 4'/>",
                x - 2.0,
                y - 2.0
            );
        }
        for place in &self.nobody {
            let (x, y) = (place.east_m, -place.north_m);
            let _ = write!(
                text,
                "<circle class='nobody' cx='{x:.1}' cy='{y:.1}' r='2.2'/>"
            );
        }
    }
}

/// The junction from above: lanes, vehicles as they are, and where they were shown.
pub fn junction(drawn: &Junction<'_>) -> String {
    let roads = drawn.roads;
    let lanes = roads
        .approaches
        .iter()
        .map(|lane| (&lane.centre, lane.width_m))
        .chain(roads.exits.iter().map(|lane| (&lane.centre, lane.width_m)));
    let reach_m = VIEW_M;
    let mut text = format!(
        "<svg viewBox='{} {} {} {}' role='img'>",
        -reach_m,
        -reach_m,
        2.0 * reach_m,
        2.0 * reach_m
    );
    for (centre, width_m) in lanes {
        let _ = write!(
            text,
            "<polyline class='lane' stroke-width='{width_m:.2}' points='{}'/>",
            outline(centre)
        );
    }
    for route in &roads.routes {
        let across: Vec<Point> = (0..=CURVE_PIECES)
            .map(|i| f64::from(i) / f64::from(CURVE_PIECES))
            .map(|share| route.stop_m + share * (route.clear_m - route.stop_m))
            .map(|along_m| route.path.point_at(along_m))
            .collect();
        let width_m = roads.approaches[route.approach].width_m;
        let _ = write!(
            text,
            "<polyline class='lane' stroke-width='{width_m:.2}' points='{}'/>",
            outline(&across)
        );
    }
    drawn.beside(&mut text);
    let Some(picture) = drawn.picture else {
        text.push_str("</svg>");
        return text;
    };
    for body in &picture.bodies {
        let _ = write!(
            text,
            "<polygon class='body' points='{}'/>",
            outline(&body.corners())
        );
    }
    for shown in &picture.shown {
        let (x, y) = (shown.place.east_m, -shown.place.north_m);
        let _ = write!(
            text,
            "<circle class='shown' cx='{x:.1}' cy='{y:.1}' r='1.4'/>"
        );
        if let (Some(direction), Some(speed_mps)) = (shown.direction, shown.speed_mps) {
            let tip = shown.place.plus(direction.times(speed_mps));
            let _ = write!(
                text,
                "<line class='way' x1='{x:.1}' y1='{y:.1}' x2='{:.1}' y2='{:.1}'/>",
                tip.east_m, -tip.north_m
            );
        }
    }
    text.push_str("</svg>");
    text
}

/// Text that stands for itself in HTML.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('\'', "&#39;")
}

/// North is up, where SVG counts downwards.
fn outline(points: &[Point]) -> String {
    points.iter().fold(String::new(), |mut text, point| {
        let _ = write!(text, "{:.1},{:.1} ", point.east_m, -point.north_m);
        text
    })
}

fn times(at: impl Iterator<Item = f64>) -> Axis<'static> {
    let (low, high) = at.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), at| {
        (low.min(at), high.max(at))
    });
    Axis {
        label: "simulated time, s",
        low: if low.is_finite() { low } else { 0.0 },
        high: if high.is_finite() { high } else { 1.0 },
    }
}

/// Three to seven round numbers within a range.
fn ticks((low, high): (f64, f64)) -> Vec<f64> {
    let span = high - low;
    let mut step = 1e-6;
    for _ in 0..60 {
        for factor in [1.0, 2.0, 5.0] {
            if span / (step * factor) <= 6.0 {
                let first = (low / (step * factor)).ceil() as i64;
                return (first..)
                    .map(|n| n as f64 * step * factor)
                    .take_while(|value| *value <= high + step * 1e-6)
                    .take(8)
                    .collect();
            }
        }
        step *= 10.0;
    }
    Vec::new()
}

/// A number without zeros at its end.
fn short(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// So many pieces make a curve that looks smooth.
const CURVE_PIECES: u32 = 16;
/// Half of the side of the junction's drawing.
const VIEW_M: f64 = 130.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_few() {
        assert_eq!(
            ticks((0.0, 1.0)),
            [0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0]
        );
        assert_eq!(ticks((117.0, 420.0)), [200.0, 300.0, 400.0]);
    }

    #[test]
    fn a_histogram_of_nothing_is_still_a_drawing() {
        let text = histogram(&[], "error, m", Some(1.0));
        assert!(text.starts_with("<svg") && text.ends_with("</svg>"));
    }

    #[test]
    fn text_cannot_become_markup() {
        assert_eq!(escape("<b> & 'x'"), "&lt;b&gt; &amp; &#39;x&#39;");
    }
}
