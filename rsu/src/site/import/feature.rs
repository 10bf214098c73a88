//! A feature of GeoJSON: its properties as what they mean, its geometry in degrees, its place in the file.
//!
//! Not here: what features are together, which `geojson` knows.

use serde_json::{Map as Object, Value};
use v2x_msg::base::{LaneId, NodeId, PhaseId};

use super::Refused;
use crate::site::read::ruling;

/// Points of a drawn line.
const MOST_POINTS: usize = 10_000;

pub(super) fn of_kind<'f, 'v>(
    features: &'f [Feature<'v>],
    kind: &'static str,
) -> impl Iterator<Item = &'f Feature<'v>> {
    features
        .iter()
        .filter(move |feature| feature.text("kind") == Some(kind))
}

/// A feature with properties, and its place in the file for whoever looks for it.
pub(super) struct Feature<'v> {
    number: usize,
    line: Option<u32>,
    pub(super) properties: &'v Object<String, Value>,
    geometry: &'v Value,
}

impl<'v> Feature<'v> {
    /// The feature at a place in the list, on a line of the file.
    pub(super) fn of(at: usize, value: &'v Value, line: Option<u32>) -> Option<Self> {
        Some(Feature {
            number: at + 1,
            line,
            properties: value.get("properties")?.as_object()?,
            geometry: &value["geometry"],
        })
    }

    pub(super) fn wrong(&self, reason: &str) -> Refused {
        let kind = self.text("kind").unwrap_or("feature");
        let reason = format!("feature {} ({kind}): {reason}", self.number);
        match self.line {
            Some(line) => Refused::Malformed { line, reason },
            None => Refused::Unusable(reason),
        }
    }

    /// Whether it has a value, be it a wrong one.
    pub(super) fn has(&self, key: &str) -> bool {
        self.properties
            .get(key)
            .is_some_and(|value| !value.is_null())
    }

    /// Whole numbers up to 65535: a list, one, or a text, as QGIS has no lists: "1, 2".
    pub(super) fn numbers(&self, key: &str) -> Option<Vec<u16>> {
        let small = |number: u64| u16::try_from(number).ok();
        match self.properties.get(key)? {
            Value::Array(list) => list.iter().map(|one| small(one.as_u64()?)).collect(),
            Value::Number(number) => Some(vec![small(number.as_u64()?)?]),
            Value::String(text) => {
                let words = text.split([',', ' ', '[', ']']);
                let words = words.filter(|word| !word.is_empty());
                words.map(|word| word.parse().ok()).collect()
            }
            _ => None,
        }
    }

    pub(super) fn text(&self, key: &str) -> Option<&'v str> {
        self.properties.get(key)?.as_str()
    }

    /// A number, as QGIS writes it or as text; None where it is not there or null.
    fn number(&self, key: &str) -> Result<Option<f64>, Refused> {
        let number = match self.properties.get(key) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::Number(number)) => number.as_f64(),
            Some(Value::String(text)) if text.is_empty() => return Ok(None),
            Some(Value::String(text)) => text.trim().parse().ok(),
            Some(_) => None,
        };
        match number.filter(|number| number.is_finite()) {
            Some(number) => Ok(Some(number)),
            None => Err(self.wrong(&format!("{key} must be a number"))),
        }
    }

    pub(super) fn within(&self, key: &str, low: f64, high: f64) -> Result<Option<f64>, Refused> {
        match self.number(key)? {
            Some(number) if !(low..=high).contains(&number) => {
                Err(self.wrong(&format!("{key} must be from {low} to {high}, not {number}")))
            }
            number => Ok(number),
        }
    }

    fn octet(&self, key: &str) -> Result<Option<u8>, Refused> {
        let number = self.within(key, 1.0, 255.0)?;
        match number {
            Some(number) if number.fract() != 0.0 => {
                Err(self.wrong(&format!("{key} must be a whole number")))
            }
            number => Ok(number.map(|number| number as u8)),
        }
    }

    pub(super) fn lane(&self, key: &str) -> Result<Option<LaneId>, Refused> {
        let made = |id| LaneId::new(id).map_err(|fault| self.wrong(&format!("{key}: {fault}")));
        self.octet(key)?.map(made).transpose()
    }

    pub(super) fn phase(&self, key: &str) -> Result<Option<PhaseId>, Refused> {
        let made = |id| {
            ruling(id).map_err(|()| self.wrong(&format!("{key} must be from 1 to 254, not {id}")))
        };
        self.octet(key)?.map(made).transpose()
    }

    pub(super) fn needed<T>(&self, key: &str, found: Option<T>) -> Result<T, Refused> {
        found.ok_or_else(|| self.wrong(&format!("{key} is missing")))
    }

    /// `12`, or `"310114/12"` with its region.
    pub(super) fn maybe_node(&self, key: &str) -> Result<Option<NodeId>, Refused> {
        let text = match self.properties.get(key) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        };
        let parse = || match text.split_once('/') {
            Some((region, id)) => Some(NodeId {
                region: Some(region.parse().ok()?),
                id: id.parse().ok()?,
            }),
            None => Some(NodeId {
                region: None,
                id: text.parse().ok()?,
            }),
        };
        let node = parse().ok_or_else(|| {
            self.wrong(&format!(
                "{key} must be a node, 300 or \"7/300\" with its region, not {text}"
            ))
        });
        node.map(Some)
    }

    pub(super) fn node(&self, key: &str) -> Result<NodeId, Refused> {
        self.needed(key, self.maybe_node(key)?)
    }

    pub(super) fn word<T: Copy>(
        &self,
        key: &str,
        words: &[(&str, T)],
    ) -> Result<Option<T>, Refused> {
        let Some(text) = self.text(key).filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        match words.iter().find(|(word, _)| *word == text) {
            Some((_, meaning)) => Ok(Some(*meaning)),
            None => {
                let list: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
                Err(self.wrong(&format!(
                    "{key} must be one of {}, not {text}",
                    list.join(", ")
                )))
            }
        }
    }

    /// Longitude and latitude.
    pub(super) fn point(&self) -> Result<(f64, f64), Refused> {
        match self.geometry["type"].as_str() {
            Some("Point") => self.place(&self.geometry["coordinates"]),
            _ => Err(self.wrong("must be a Point")),
        }
    }

    fn place(&self, value: &Value) -> Result<(f64, f64), Refused> {
        let degree = |at: usize, most: f64| {
            value
                .get(at)?
                .as_f64()
                .filter(|degree| degree.abs() <= most)
        };
        let (lon, lat) = (degree(0, 180.0), degree(1, 90.0));
        lon.zip(lat).ok_or_else(|| {
            self.wrong(
                "has a point that is not [longitude, latitude] in degrees; export it as EPSG:4326",
            )
        })
    }

    /// A LineString, or a MultiLineString of one, as QGIS makes of it; empty where there is none.
    pub(super) fn line(&self) -> Result<Vec<(f64, f64)>, Refused> {
        let coordinates = &self.geometry["coordinates"];
        let list = match self.geometry["type"].as_str() {
            None => return Ok(Vec::new()),
            Some("LineString") => coordinates.as_array(),
            Some("MultiLineString") => match coordinates.as_array().map(Vec::as_slice) {
                Some([one]) => one.as_array(),
                _ => return Err(self.wrong("has several parts; one line is needed")),
            },
            Some(other) => return Err(self.wrong(&format!("must be a LineString, not a {other}"))),
        };
        let list = list.map_or(&[][..], Vec::as_slice);
        if list.len() > MOST_POINTS {
            return Err(self.wrong(&format!("has more than {MOST_POINTS} points")));
        }
        list.iter().map(|value| self.place(value)).collect()
    }
}

/// The lines that the features of a collection begin on. The text is JSON; what is no collection has
/// none.
pub(super) fn lines(text: &str) -> Vec<u32> {
    let mut lines = Vec::new();
    let (mut line, mut depth, mut is_text, mut escaped) = (1_u32, 0_u32, false, false);
    // The text that ended last outside of all lists, and whether the list of features is open.
    let (mut begun, mut last, mut within) = (0, "", false);
    for (at, octet) in text.bytes().enumerate() {
        line += u32::from(octet == b'\n');
        if is_text {
            match octet {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => {
                    is_text = false;
                    if depth == 1 {
                        last = &text[begun..at];
                    }
                }
                _ => {}
            }
            continue;
        }
        match octet {
            b'"' => (is_text, begun) = (true, at + 1),
            b'[' | b'{' => {
                if depth == 1 {
                    within = octet == b'[' && last == "features";
                }
                if depth == 2 && within && octet == b'{' {
                    lines.push(line);
                }
                depth += 1;
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_feature_has_the_line_that_it_begins_on() {
        let text = "{\"name\": \"features\", \"x\": [{}],\n\"features\": [{\"a\": [{}]},\n\n{\"b\": \"]}\\\"{\"}, {}\n],\n\"y\": [{}]}";
        let document: Value = serde_json::from_str(text).unwrap();
        assert_eq!(document["features"].as_array().unwrap().len(), 3);
        assert_eq!(lines(text), [2, 4, 4]);
    }
}
