//! A site as GeoJSON (RFC 7946), for maps on a screen: degrees of WGS-84, longitude first.
//!
//! Every feature says in `kind` what it is and in `synthetic` whether it is made up; keys carry their
//! unit. Nodes are named as people write them, `12`, or `310/12` with a region.

use serde_json::{Value, json};
use v2x_msg::base::{Degrees, Enu, LaneId, PhaseId};
use v2x_msg::kinds::map::Maneuvers;

use crate::site::{
    Connection, GreenKind, Lane, Link, Phase, Site, Stop, Turn, across, kind, line, turn,
};

/// The whole site, an object of JSON.
pub(in crate::daemon) fn collection(site: &Site) -> Value {
    let drawing = Drawing { site };
    let mut features: Vec<Value> = drawing.nodes().collect();
    features.extend(site.links.iter().flat_map(|link| drawing.link(link)));
    features.extend(site.phases.iter().map(|phase| drawing.phase(phase)));
    features.extend(site.stops.iter().map(|stop| drawing.stop(stop)));
    json!({
        "type": "FeatureCollection",
        "name": site.name,
        "node": site.node.to_string(),
        "synthetic": site.synthetic,
        "features": features,
    })
}

struct Drawing<'a> {
    site: &'a Site,
}

impl Drawing<'_> {
    fn nodes(&self) -> impl Iterator<Item = Value> {
        self.site.nodes.iter().map(|node| {
            let geometry = json!({ "type": "Point", "coordinates": self.place(node.position) });
            let properties = json!({
                "kind": "node",
                "id": node.id.to_string(),
                "name": node.name,
                "here": node.id == self.site.node,
            });
            self.feature(&geometry, properties)
        })
    }

    /// The link, its lanes, their stop lines and where they lead.
    fn link(&self, link: &Link) -> Vec<Value> {
        let properties = json!({
            "kind": "link",
            "name": link.name,
            "upstream": link.upstream.to_string(),
            "downstream": link.downstream.to_string(),
            "speed_limit_kmh": kmh(link.speed_limit_mps),
            "width_m": link.width_m,
            "lanes": link.lanes.len(),
        });
        let mut features = vec![self.feature(&self.line(&link.points), properties)];
        for lane in &link.lanes {
            features.push(self.lane(link, lane));
            if across(lane.kind) {
                continue;
            }
            if link.downstream == self.site.node {
                features.push(self.stop_line(link, lane));
            }
            let leads = lane.connections.iter();
            features.extend(leads.map(|connection| self.connection(link, lane, connection)));
        }
        features
    }

    fn lane(&self, link: &Link, lane: &Lane) -> Value {
        let limit_mps = lane.speed_limit_mps.unwrap_or(link.speed_limit_mps);
        let properties = json!({
            "kind": "lane",
            "link": link.name,
            "upstream": link.upstream.to_string(),
            "downstream": link.downstream.to_string(),
            "id": lane.id.value(),
            "use": kind(lane.kind),
            "maneuvers": maneuvers(lane.maneuvers),
            "phases": phases(lane),
            // A crosswalk has no connection to carry it.
            "phase": lane.connections.first().filter(|_| across(lane.kind)).and_then(|one| one.phase).map(PhaseId::value),
            "speed_limit_kmh": kmh(limit_mps),
            "width_m": lane.width_m,
        });
        self.feature(&self.line(&lane.centre), properties)
    }

    /// Across the end of a lane.
    fn stop_line(&self, link: &Link, lane: &Lane) -> Value {
        let edge = |right_m| line::beside(&lane.centre, right_m).last().copied();
        let half_m = lane.width_m / 2.0;
        let ends: Vec<Enu> = [edge(-half_m), edge(half_m)]
            .into_iter()
            .flatten()
            .collect();
        let properties = json!({
            "kind": "stop-line",
            "link": link.name,
            "upstream": link.upstream.to_string(),
            "lane": lane.id.value(),
            "phases": phases(lane),
        });
        self.feature(&self.line(&ends), properties)
    }

    /// From the end of a lane over the junction, bent as one would drive: nobody surveys it.
    fn connection(&self, link: &Link, lane: &Lane, connection: &Connection) -> Value {
        let path = self.site.path(lane, connection).unwrap_or_default();
        let properties = json!({
            "kind": "connection",
            "link": link.name,
            "upstream": link.upstream.to_string(),
            "lane": lane.id.value(),
            "to_node": connection.to_node.to_string(),
            "to_lane": connection.to_lane.map(LaneId::value),
            "turn": turn(connection.turn),
            "phase": connection.phase.map(PhaseId::value),
        });
        self.feature(&self.line(&path), properties)
    }

    /// At the stop lines that it rules.
    fn phase(&self, phase: &Phase) -> Value {
        let lanes = self.site.approaches().flat_map(|link| &link.lanes);
        let ruled = lanes.filter(|lane| phases(lane).contains(&phase.id.value()));
        let places: Vec<[f64; 2]> = ruled.map(|lane| self.place(lane.end())).collect();
        let geometry = json!({ "type": "MultiPoint", "coordinates": places });
        let properties = json!({
            "kind": "phase",
            "id": phase.id.value(),
            "name": phase.name,
            "controller": phase.controller,
            "lamps": phase.lamps,
            "green": match phase.green {
                GreenKind::Protected => "protected",
                GreenKind::Permissive => "permissive",
            },
            "conflicts_with": self.in_conflict(phase.id),
        });
        self.feature(&geometry, properties)
    }

    /// The phases that are never green with this one.
    fn in_conflict(&self, id: PhaseId) -> Vec<u8> {
        let pairs = self.site.conflicts.iter();
        let others = pairs.filter_map(|(a, b)| match (*a == id, *b == id) {
            (true, _) => Some(b.value()),
            (_, true) => Some(a.value()),
            _ => None,
        });
        others.collect()
    }

    /// Along its lane, in the direction of travel.
    fn stop(&self, stop: &Stop) -> Value {
        let properties = json!({
            "kind": "stop",
            "name": stop.name,
            "upstream": stop.upstream.to_string(),
            "downstream": stop.downstream.to_string(),
            "lane": stop.lane.value(),
            "from_stop_line_m": stop.from_stop_line_m,
            "length_m": stop.length_m,
            "dwell_s": stop.dwell.map(|dwell| dwell.as_secs_f64()),
        });
        self.feature(&self.line(&stop.line(self.site)), properties)
    }

    fn feature(&self, geometry: &Value, mut properties: Value) -> Value {
        properties["synthetic"] = self.site.synthetic.into();
        json!({ "type": "Feature", "geometry": geometry, "properties": properties })
    }

    fn line(&self, points: &[Enu]) -> Value {
        let places: Vec<[f64; 2]> = points.iter().map(|point| self.place(*point)).collect();
        json!({ "type": "LineString", "coordinates": places })
    }

    /// Longitude and latitude, to a millimetre: what is behind it is rounding.
    fn place(&self, point: Enu) -> [f64; 2] {
        let Degrees {
            lat_deg, lon_deg, ..
        } = self.site.frame.degrees(point);
        [lon_deg, lat_deg].map(|degrees| (degrees * 1e8).round() / 1e8)
    }
}

fn phases(lane: &Lane) -> Vec<u8> {
    let ruling = lane.connections.iter().filter_map(|one| one.phase);
    let mut phases: Vec<u8> = ruling.map(PhaseId::value).collect();
    phases.sort_unstable();
    phases.dedup();
    phases
}

fn kmh(mps: f64) -> f64 {
    (mps * 3.6 * 10.0).round() / 10.0
}

fn maneuvers(allowed: Maneuvers) -> Vec<&'static str> {
    let turns = [Turn::Left, Turn::Straight, Turn::Right, Turn::UTurn];
    let allowed = turns
        .into_iter()
        .filter(|turn| allowed.contains(turn.maneuver()));
    allowed.map(turn).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn() -> Value {
        let text = include_str!("../../../../configs/sites/moyu-boyuan.toml");
        collection(&Site::parse(text, "site.toml").unwrap())
    }

    fn of_kind<'a>(drawn: &'a Value, kind: &str) -> Vec<&'a Value> {
        let features = drawn["features"].as_array().unwrap().iter();
        features
            .filter(|feature| feature["properties"]["kind"] == kind)
            .collect()
    }

    /// Metres east and north of the site's origin, near enough for a few hundred metres.
    fn metres(place: &Value) -> (f64, f64) {
        let degrees = |at: usize| place[at].as_f64().unwrap();
        let east_m = (degrees(0) - 121.161) * 111_320.0 * 31.284_f64.to_radians().cos();
        (east_m, (degrees(1) - 31.284) * 110_870.0)
    }

    #[test]
    fn everything_is_drawn_and_says_that_it_is_made_up() {
        let drawn = drawn();
        let counts = [
            "node",
            "link",
            "lane",
            "stop-line",
            "connection",
            "phase",
            "stop",
        ]
        .map(|kind| of_kind(&drawn, kind).len());
        assert_eq!(counts, [5, 8, 24, 12, 16, 8, 2]);
        let features = drawn["features"].as_array().unwrap();
        assert!(
            features
                .iter()
                .all(|one| one["properties"]["synthetic"] == true)
        );
        assert_eq!(
            (&drawn["type"], &drawn["synthetic"]),
            (&json!("FeatureCollection"), &json!(true))
        );
    }

    #[test]
    fn what_is_drawn_can_be_read_again() {
        use crate::site::import::{Format, Model, Options};
        let text = include_str!("../../../../configs/sites/moyu-boyuan.toml");
        let site = Site::parse(text, "site.toml").unwrap();
        let options = Options::default();
        let model = Model::read(Format::GeoJson, &collection(&site).to_string(), &options).unwrap();
        let back = model.site("10", &options).unwrap().site;
        assert_eq!(
            (&back.nodes.len(), &back.phases),
            (&site.nodes.len(), &site.phases)
        );
        assert_eq!(back.stops, site.stops);
        for (link, source) in back.links.iter().zip(&site.links) {
            assert_eq!((&link.name, link.width_m), (&source.name, source.width_m));
            for (lane, source) in link.lanes.iter().zip(&source.lanes) {
                assert_eq!((lane.kind, lane.maneuvers), (source.kind, source.maneuvers));
                assert_eq!(lane.connections, source.connections);
                let off_m = line::distance_m(lane.end(), source.end());
                assert!(off_m < 0.02, "{off_m}");
            }
        }
    }

    #[test]
    fn the_conflicts_of_every_shipped_site_come_back() {
        use crate::site::import::{Format, Model, Options};
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../configs/sites");
        let mut sites = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let site = Site::parse(&text, "site.toml").unwrap_or_else(|faults| panic!("{faults}"));
            let options = Options::default();
            let drawn = collection(&site).to_string();
            let model = Model::read(Format::GeoJson, &drawn, &options).unwrap();
            let back = model.site(&site.node.to_string(), &options).unwrap();
            assert_eq!(back.site.conflicts, site.conflicts, "{}", path.display());
            let read =
                Site::parse(&back.toml, "back.toml").unwrap_or_else(|faults| panic!("{faults}"));
            assert_eq!(read.conflicts, site.conflicts, "{}", path.display());
            sites += 1;
        }
        assert!(sites >= 8);
    }

    #[test]
    fn a_stop_line_lies_across_the_end_of_its_lane() {
        let drawn = drawn();
        let lines = of_kind(&drawn, "stop-line");
        // Coming from the north one drives south, and the left lane lies west of the road's centre.
        let first = &lines[0]["geometry"]["coordinates"];
        let (left, right) = (metres(&first[0]), metres(&first[1]));
        assert!(
            (left.0 - 0.0).abs() < 0.02 && (left.1 - 20.0).abs() < 0.2,
            "{left:?}"
        );
        assert!(
            (right.0 + 3.25).abs() < 0.02 && (right.1 - 20.0).abs() < 0.2,
            "{right:?}"
        );
        assert_eq!(lines[0]["properties"]["phases"], json!([2]));
    }

    #[test]
    fn a_phase_stands_at_the_lanes_that_it_rules() {
        let drawn = drawn();
        let phase = of_kind(&drawn, "phase")[0];
        assert_eq!(phase["properties"]["name"], "north straight");
        assert_eq!(phase["properties"]["lamps"], json!([1]));
        // Lanes 2 and 3, though lane 3 also turns right without a signal.
        assert_eq!(
            phase["geometry"]["coordinates"].as_array().unwrap().len(),
            2
        );
    }

    #[test]
    fn a_connection_joins_the_ends_of_two_lanes() {
        let drawn = drawn();
        let connection = of_kind(&drawn, "connection")[0];
        assert_eq!(connection["properties"]["turn"], "left");
        let ends = &connection["geometry"]["coordinates"];
        let last = ends.as_array().unwrap().len() - 1;
        let (from, to) = (metres(&ends[0]), metres(&ends[last]));
        assert!(
            (from.0 + 1.625).abs() < 0.02 && (from.1 - 20.0).abs() < 0.2,
            "{from:?}"
        );
        assert!(
            (to.0 - 20.0).abs() < 0.2 && (to.1 + 1.625).abs() < 0.02,
            "{to:?}"
        );
    }
}
