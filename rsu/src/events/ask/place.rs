//! Places as people write them: in degrees, in metres from the site's origin, or by link, lane and
//! distance from the stop line.
//!
//! Not here: what happens there.

use serde_json::Value;
use v2x_msg::base::{GeoPosition, Radius};
use v2x_msg::kinds::rsi::{Lanes, ReferenceLink, ReferencePath};

use super::object::Object;
use crate::site::Site;
use crate::site::placing::OnLink;

/// Farthest from the site.
const MAX_REACH_M: f64 = 19_000.0;

/// A position, paths and links.
pub(super) type Where = (Option<GeoPosition>, Vec<ReferencePath>, Vec<ReferenceLink>);

pub(super) fn read_place(root: &mut Object<'_>, site: &Site, faults: &mut Vec<String>) -> Where {
    let position = root
        .take("position")
        .and_then(|value| position("position", value, site, faults));
    let placed = root.take("on").and_then(|value| {
        let on = on_link(value, faults)?;
        on.find(site.links.iter(), &site.frame)
            .map_err(|fault| faults.push(format!("on: {fault}")))
            .ok()
    });
    let mut paths: Vec<ReferencePath> = root
        .take("path")
        .and_then(|value| path(value, site, faults))
        .into_iter()
        .collect();
    let mut links = root
        .take("links")
        .map(|value| reference_links(value, faults))
        .unwrap_or_default();
    let Some(placed) = placed else {
        return (position, paths, links);
    };
    paths.extend(placed.path);
    links.push(placed.link);
    (position.or(Some(placed.pos)), paths, links)
}

fn position(
    key: &str,
    value: &Value,
    site: &Site,
    faults: &mut Vec<String>,
) -> Option<GeoPosition> {
    let mut object = Object::new(key, value, faults)?;
    let lat = object.number("lat_deg", -90.0, 90.0, faults);
    let lon = object.number("lon_deg", -180.0, 180.0, faults);
    let east = object.number("east_m", -MAX_REACH_M, MAX_REACH_M, faults);
    let north = object.number("north_m", -MAX_REACH_M, MAX_REACH_M, faults);
    object.finish(faults);
    let position = match (lat, lon, east, north) {
        (Some(lat), Some(lon), None, None) => GeoPosition::from_deg(lat, lon, None).ok(),
        (None, None, Some(east), Some(north)) => site.frame.ground_position(east, north).ok(),
        _ => {
            faults.push(format!(
                "{key}: must be lat_deg and lon_deg, or east_m and north_m"
            ));
            return None;
        }
    };
    let near = position.filter(|position| is_near(*position, site));
    if near.is_none() {
        faults.push(format!("{key}: is more than {MAX_REACH_M} m from the site"));
    }
    near
}

/// Whether a position can be told from this site.
pub(in crate::events) fn is_near(position: GeoPosition, site: &Site) -> bool {
    let at = site.frame.enu(position);
    at.east_m.hypot(at.north_m) <= MAX_REACH_M
}

fn on_link(value: &Value, faults: &mut Vec<String>) -> Option<OnLink> {
    let mut object = Object::new("on", value, faults)?;
    let ends = (
        object.node("upstream", faults),
        object.node("downstream", faults),
    );
    let lanes = object.lanes("lanes", faults);
    let from = object.number("from_stop_line_m", 0.0, MAX_REACH_M, faults);
    if !object.has("from_stop_line_m") {
        faults.push("on.from_stop_line_m: is missing".to_owned());
    }
    let length_m = object.number("length_m", 1.0, MAX_REACH_M, faults);
    object.finish(faults);
    Some(OnLink {
        upstream: ends.0?,
        downstream: ends.1?,
        lanes,
        from_stop_line_m: from?,
        length_m,
    })
}

fn path(value: &Value, site: &Site, faults: &mut Vec<String>) -> Option<ReferencePath> {
    let mut object = Object::new("path", value, faults)?;
    let radius = object.number("radius_m", 0.1, 6553.5, faults);
    if !object.has("radius_m") {
        faults.push("path.radius_m: is missing".to_owned());
    }
    let listed = object.take("points").and_then(Value::as_array);
    if listed.is_none() {
        faults.push("path.points: must be a list of 2 to 32 positions".to_owned());
    }
    object.finish(faults);
    let points = listed?.iter().take(33);
    let points: Vec<_> = points
        .filter_map(|point| position("path.points", point, site, faults))
        .collect();
    let points = v2x_msg::base::Few::new(points);
    Some(ReferencePath {
        points: points
            .map_err(|fault| faults.push(format!("path.points: {fault}")))
            .ok()?,
        radius: Radius::from_m(radius?).ok()?,
    })
}

fn reference_links(value: &Value, faults: &mut Vec<String>) -> Vec<ReferenceLink> {
    let Some(list) = value.as_array().filter(|list| list.len() <= 16) else {
        faults.push("links: must be a list of at most 16".to_owned());
        return Vec::new();
    };
    let mut links = Vec::new();
    for value in list {
        let Some(mut object) = Object::new("links", value, faults) else {
            continue;
        };
        let upstream = object.node("upstream", faults);
        let downstream = object.node("downstream", faults);
        let lanes = object.lanes("lanes", faults);
        object.finish(faults);
        if let (Some(upstream), Some(downstream)) = (upstream, downstream) {
            links.push(ReferenceLink {
                upstream,
                downstream,
                lanes: (!lanes.is_empty()).then(|| Lanes::of(lanes).ok()).flatten(),
            });
        }
    }
    links
}
