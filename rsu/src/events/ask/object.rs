//! A JSON object that is read key by key: every fault is noted, and what nobody asked for is one.
//!
//! Not here: which keys there are, and what they mean.

use serde_json::{Map, Value};
use v2x_msg::base::{LaneId, NodeId};

/// A JSON object whose every key is asked for or refused.
pub(super) struct Object<'v> {
    name: String,
    entries: &'v Map<String, Value>,
    asked: Vec<&'static str>,
}

impl<'v> Object<'v> {
    pub(super) fn new(name: &str, value: &'v Value, faults: &mut Vec<String>) -> Option<Self> {
        let Some(entries) = value.as_object() else {
            let name = if name.is_empty() { "the body" } else { name };
            faults.push(format!("{name}: must be an object"));
            return None;
        };
        Some(Self {
            name: name.to_owned(),
            entries,
            asked: Vec::new(),
        })
    }

    /// A value that is null is one that is not there.
    pub(super) fn take(&mut self, key: &'static str) -> Option<&'v Value> {
        self.asked.push(key);
        self.entries.get(key).filter(|value| !value.is_null())
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.get(key).is_some_and(|value| !value.is_null())
    }

    fn path(&self, key: &str) -> String {
        match self.name.as_str() {
            "" => key.to_owned(),
            name => format!("{name}.{key}"),
        }
    }

    pub(super) fn text(&mut self, key: &'static str, faults: &mut Vec<String>) -> Option<&'v str> {
        let value = self.take(key)?;
        if value.as_str().is_none() {
            faults.push(format!("{}: must be text", self.path(key)));
        }
        value.as_str()
    }

    pub(super) fn whole(
        &mut self,
        key: &'static str,
        least: i64,
        most: i64,
        faults: &mut Vec<String>,
    ) -> Option<i64> {
        let value = self.take(key)?.as_i64();
        let within = value.filter(|value| (least..=most).contains(value));
        if within.is_none() {
            let key = self.path(key);
            faults.push(format!(
                "{key}: must be a whole number from {least} to {most}"
            ));
        }
        within
    }

    pub(super) fn number(
        &mut self,
        key: &'static str,
        least: f64,
        most: f64,
        faults: &mut Vec<String>,
    ) -> Option<f64> {
        let value = self.take(key)?.as_f64();
        let within = value.filter(|value| (least..=most).contains(value));
        if within.is_none() {
            let key = self.path(key);
            faults.push(format!("{key}: must be a number from {least} to {most}"));
        }
        within
    }

    /// 12, or "7/12" with its region.
    pub(super) fn node(&mut self, key: &'static str, faults: &mut Vec<String>) -> Option<NodeId> {
        let node = self.take(key).and_then(|value| match value {
            Value::String(text) => {
                let (region, id) = text.split_once('/')?;
                Some(NodeId {
                    region: Some(region.parse().ok()?),
                    id: id.parse().ok()?,
                })
            }
            _ => Some(NodeId {
                region: None,
                id: u16::try_from(value.as_u64()?).ok()?,
            }),
        });
        if node.is_none() {
            let key = self.path(key);
            faults.push(format!(
                "{key}: must be a node, 12 or \"7/12\" with its region"
            ));
        }
        node
    }

    pub(super) fn lanes(&mut self, key: &'static str, faults: &mut Vec<String>) -> Vec<LaneId> {
        let Some(value) = self.take(key) else {
            return Vec::new();
        };
        let one = |value: &Value| {
            let id = u8::try_from(value.as_u64()?).ok().filter(|id| *id <= 15)?;
            LaneId::new(id).ok()
        };
        let list = value.as_array().filter(|list| list.len() <= 15);
        let lanes: Option<Vec<_>> = list.and_then(|list| list.iter().map(one).collect());
        if lanes.is_none() {
            let key = self.path(key);
            faults.push(format!("{key}: must be a list of lanes from 1 to 15"));
        }
        lanes.unwrap_or_default()
    }

    pub(super) fn finish(self, faults: &mut Vec<String>) {
        let unknown = self.entries.keys();
        for key in unknown.filter(|key| !self.asked.contains(&key.as_str())) {
            // What a stranger wrote is not repeated at length.
            let shown: String = key.chars().take(40).collect();
            let known = self.asked.join(", ");
            let key = self.path(&shown);
            faults.push(format!("{key}: unknown; known here: {known}"));
        }
    }
}
