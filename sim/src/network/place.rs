//! One junction of many from one description: numbered, turned and put somewhere else.
//!
//! Works on tables as they are written, whatever else stands in them: numbers of nodes are replaced by
//! those here, and whatever has a place (`east-m` and `north-m`, lists such as `points-m`) is turned
//! about the origin, with the direction that it looks in (`heading-deg`). Coordinates are rounded to a
//! tenth of a millimetre, so that they are the same whatever a machine makes of a sine.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use toml::{Table, Value};
use v2x_msg::base::{EnuFrame, GeoPosition};

/// What a junction is within its network.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Placing {
    /// How reports call it.
    pub name: String,
    /// Its number here; left out: that of its site's file.
    #[serde(default)]
    pub node: Option<u16>,
    /// By number in the site's file: the number of that node here.
    #[serde(default)]
    pub nodes: BTreeMap<String, u16>,
    /// East and north of the network's origin; left out: where the site's file says.
    #[serde(default)]
    pub at_m: Option<[f64; 2]>,
    /// Turned clockwise.
    #[serde(default)]
    pub turned_deg: f64,
}

impl Placing {
    /// The keys of a `[[junction]]` that are about its place; all others are about its scenario.
    pub const KEYS: [&str; 5] = ["name", "node", "nodes", "at-m", "turned-deg"];

    /// The site's table as it is here.
    pub fn site(&self, site: &mut Table, network: Option<EnuFrame>) -> Result<()> {
        let own = site
            .get("site")
            .and_then(|site| site.get("node"))
            .and_then(Value::as_integer);
        self.turn(site, own)?;
        let Some(Value::Table(head)) = site.get_mut("site") else {
            // The site's own reader says what is missing.
            return Ok(());
        };
        if self.node.is_some() {
            let name = head.get("name").and_then(Value::as_str).unwrap_or_default();
            let name = format!("{}: {name}", self.name);
            head.insert("name".to_owned(), name.into());
        }
        if let Some([east_m, north_m]) = self.at_m {
            let frame = network.context("at-m is from the [network] origin, which is not there")?;
            let here = frame.ground_position(east_m, north_m)?;
            let origin = head
                .get_mut("origin")
                .and_then(Value::as_table_mut)
                .context("the site has no origin")?;
            origin.insert("lat-deg".to_owned(), here.lat_deg().into());
            origin.insert("lon-deg".to_owned(), here.lon_deg().into());
        }
        Ok(())
    }

    /// The scenario's table as it is here, for a site that was number `own`.
    pub fn scenario(&self, scenario: &mut Table, own: Option<i64>) -> Result<()> {
        self.turn(scenario, own)
    }

    fn turn(&self, table: &mut Table, own: Option<i64>) -> Result<()> {
        let mut numbers = BTreeMap::new();
        for (from, &to) in &self.nodes {
            let from: i64 = from
                .parse()
                .with_context(|| format!("nodes: {from:?} is no number of a node"))?;
            numbers.insert(from, i64::from(to));
        }
        if let (Some(own), Some(node)) = (own, self.node) {
            numbers.insert(own, i64::from(node));
        }
        ensure!(self.turned_deg.is_finite(), "turned-deg is no number");
        // Whole turns of a right angle are exact.
        let (sin, cos) = match self.turned_deg.rem_euclid(360.0) {
            0.0 => (0.0, 1.0),
            90.0 => (1.0, 0.0),
            180.0 => (0.0, -1.0),
            270.0 => (-1.0, 0.0),
            other => other.to_radians().sin_cos(),
        };
        let walk = Walk {
            numbers,
            turned_deg: self.turned_deg,
            sin,
            cos,
        };
        walk.table(table, "");
        Ok(())
    }
}

/// The origin of a network, as it is written.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Origin {
    /// Degrees north.
    pub lat_deg: f64,
    /// Degrees east.
    pub lon_deg: f64,
}

impl Origin {
    /// The frame that touches the earth there.
    pub fn frame(self) -> Result<EnuFrame> {
        Ok(EnuFrame::new(GeoPosition::from_deg(
            self.lat_deg,
            self.lon_deg,
            None,
        )?))
    }
}

struct Walk {
    numbers: BTreeMap<i64, i64>,
    turned_deg: f64,
    sin: f64,
    cos: f64,
}

impl Walk {
    fn table(&self, table: &mut Table, name: &str) {
        if let (Some(east), Some(north)) = (metres(table.get(EAST)), metres(table.get(NORTH))) {
            let [east_m, north_m] = self.turned([east, north]);
            table.insert(EAST.to_owned(), east_m.into());
            table.insert(NORTH.to_owned(), north_m.into());
        }
        for (key, value) in table.iter_mut() {
            // Only the list of nodes numbers nodes by `id`.
            let number = NUMBERS.contains(&&**key) || (name == "node" && key == "id");
            match value {
                Value::Integer(id) if number => {
                    *id = self.numbers.get(id).copied().unwrap_or(*id);
                }
                Value::Table(inner) => self.table(inner, key),
                Value::Array(list) if POINTS.contains(&&**key) => {
                    list.iter_mut().for_each(|point| self.point(point));
                }
                Value::Array(list) => {
                    let tables = list.iter_mut().filter_map(Value::as_table_mut);
                    tables.for_each(|inner| self.table(inner, key));
                }
                _ => {
                    if key == HEADING
                        && let Some(heading_deg) = metres(Some(&*value))
                    {
                        *value = (heading_deg + self.turned_deg).rem_euclid(360.0).into();
                    }
                }
            }
        }
    }

    fn point(&self, point: &mut Value) {
        if let Value::Array(pair) = point
            && let [Some(east), Some(north)] = [metres(pair.first()), metres(pair.get(1))]
        {
            let turned = self.turned([east, north]);
            for (value, turned) in pair.iter_mut().zip(turned) {
                *value = turned.into();
            }
        }
    }

    fn turned(&self, [east, north]: [f64; 2]) -> [f64; 2] {
        let place = [
            east * self.cos + north * self.sin,
            north * self.cos - east * self.sin,
        ];
        // Adding nought makes nought of its negative.
        place.map(|metres| (metres * STEPS_PER_M).round() / STEPS_PER_M + 0.0)
    }
}

fn metres(value: Option<&Value>) -> Option<f64> {
    match value? {
        Value::Integer(whole) => Some(*whole as f64),
        Value::Float(metres) => Some(*metres),
        _ => None,
    }
}

const EAST: &str = "east-m";
const NORTH: &str = "north-m";
const HEADING: &str = "heading-deg";
/// Keys whose value is the number of a node.
const NUMBERS: [&str; 5] = ["node", "upstream", "downstream", "to-node", "from"];
/// Keys whose value is a list of points.
const POINTS: [&str; 3] = ["points-m", "path-m", "way-m"];
const STEPS_PER_M: f64 = 1e4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_a_place_is_turned_and_what_names_a_node_is_renamed() {
        let written = |[north, here, node, line, mount]: [&str; 5]| {
            let text = format!(
                "
                [[node]]
                id = {north}
                {node}
                [[link]]
                upstream = {north}
                downstream = {here}
                points-m = {line}
                lane = [{{ id = 11, connections = [{{ to-node = 12 }}] }}]
                [[radar]]
                mount = {mount}
                [[demand]]
                from = {north}
                [[sign]]
                from = '2026-12-31 20:00'
                "
            );
            toml::from_str::<Table>(&text).expect("TOML")
        };
        let mut table = written([
            "11",
            "10",
            "east-m = 0\nnorth-m = 290",
            "[[0, 270], [0, 20]]",
            "{ east-m = -4.0, north-m = -20.0, heading-deg = 300.0 }",
        ]);
        let placing = Placing {
            node: Some(20),
            nodes: BTreeMap::from([("11".to_owned(), 30)]),
            turned_deg: 90.0,
            ..Placing::default()
        };
        placing.scenario(&mut table, Some(10)).expect("a placing");
        let wanted = written([
            "30",
            "20",
            "east-m = 290.0\nnorth-m = 0.0",
            "[[270.0, 0.0], [20.0, 0.0]]",
            "{ east-m = -20.0, north-m = 4.0, heading-deg = 30.0 }",
        ]);
        assert_eq!(table, wanted);
    }
}
