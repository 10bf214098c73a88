//! The messages of a recording: their topics, their schemas, and their JSON both ways.
//!
//! All are JSON objects with `mono_ns`, the machine's clock that never steps, and `utc_ns`, what it
//! took for UTC at that moment; bytes are pairs of hexadecimal digits. `docs/recording.md` describes
//! them for people.

use serde::{Deserialize, Serialize};

use super::news::News;
use crate::daemon::orders::written::Written;

/// A kind of message.
pub(crate) struct Kind {
    /// What tools call it.
    pub(crate) schema: &'static str,
    /// JSON Schema.
    pub(crate) text: &'static str,
}

macro_rules! schema {
    ($required:literal, $properties:literal) => {
        concat!(
            r#"{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","required":["mono_ns","utc_ns""#,
            $required,
            r#"],"properties":{"mono_ns":{"type":"integer"},"utc_ns":{"type":"integer"}"#,
            $properties,
            "}}"
        )
    };
}

/// Kinds, in the order of their schema ids from 1.
pub(crate) const KINDS: [Kind; 11] = [
    Kind {
        schema: "rsu.Start",
        text: schema!(
            r#","seed","part","version","name","inputs","files""#,
            r#","seed":{"type":"integer"},"part":{"type":"integer"},"version":{"type":"string"},"name":{"type":"string"},"inputs":{"type":"array","items":{"type":"string"}},"files":{"type":"array","items":{"type":"object","properties":{"path":{"type":"string"},"text":{"type":"string"}}}}"#
        ),
    },
    Kind {
        schema: "rsu.Bytes",
        text: schema!(
            r#","input","hex""#,
            r#","input":{"type":"integer"},"hex":{"type":"string"}"#
        ),
    },
    Kind {
        schema: "rsu.Step",
        text: schema!(
            r#","what""#,
            r#","what":{"enum":["report","order","clock","timeout","view"]},"number":{"type":"integer"},"input":{"type":"integer"},"lane":{"type":"integer"},"nth":{"type":"integer"},"arrived_ns":{"type":"integer"},"synchronised":{"type":"boolean"},"error_ns":{"type":["integer","null"]}"#
        ),
    },
    Kind {
        schema: "rsu.Frame",
        text: schema!(
            r#","hex","priority","took_ns""#,
            r#","hex":{"type":"string"},"priority":{"type":"integer"},"took_ns":{"type":"integer"},"cause_ns":{"type":["integer","null"]}"#
        ),
    },
    Kind {
        schema: "rsu.Event",
        text: schema!(
            r#","event""#,
            r#","event":{"enum":["spat-stopped","spat-started","conflicting-greens","phase-not-mentioned","rsm-stopped","rsm-started","clock-unfit","clock-fit","slots-missed","not-sent","map-coarser","map-in-parts","link-too-long","exit-too-long","map-link-cut","on-the-road","warning","not-announced"]},"phases":{"type":"array","items":{"type":"integer"}},"error_ns":{"type":["integer","null"]},"kind":{"type":"string"},"count":{"type":"integer"},"reason":{"enum":["refused","not-encoded","too-long"]},"tolerance_m":{"type":"number"},"parts":{"type":"integer"},"link":{"type":"integer"},"to":{"type":"string"},"from":{"type":"string"},"told_m":{"type":"number"},"long_m":{"type":"number"},"id":{"type":"integer"},"type":{"type":"integer"},"state":{"enum":["begun","over"]},"of":{"enum":["vehicles","vulnerable","left-turn","red-light"]},"participants":{"type":"array","items":{"type":"integer"}},"lead_ms":{"type":"integer"},"probability_percent":{"type":"integer"},"what":{"enum":["event","sign"]},"index":{"type":"integer"}"#
        ),
    },
    Kind {
        schema: "rsu.Tracks",
        text: schema!(
            r#","tracks","detections""#,
            r#","tracks":{"type":"array","items":{"type":"object","properties":{"id":{"type":"integer"},"class":{"type":"string"},"class_confidence":{"type":"number"},"existence":{"type":"number"},"east_m":{"type":"number"},"north_m":{"type":"number"},"cov_m2":{"type":"array","items":{"type":"number"}},"east_mps":{"type":"number"},"north_mps":{"type":"number"},"yaw_rad":{"type":["number","null"]},"length_m":{"type":["number","null"]},"width_m":{"type":["number","null"]},"unseen_s":{"type":"number"},"alive_s":{"type":"number"},"sources":{"type":"integer"}}}},"detections":{"type":"array","items":{"type":"object","properties":{"input":{"type":"string"},"east_north_m":{"type":"array","items":{"type":"array","items":{"type":"number"}}}}}}"#
        ),
    },
    Kind {
        schema: "rsu.Forecast",
        text: schema!(
            r#","phases""#,
            r#","age_s":{"type":["number","null"]},"phases":{"type":"array","items":{"type":"object","properties":{"phase":{"type":"integer"},"green":{"type":"string"},"states":{"type":"array","items":{"type":"object","properties":{"light":{"type":"string"},"running":{"type":"boolean"},"since_s":{"type":["number","null"]},"start_s":{"type":["number","null"]},"min_end_s":{"type":["number","null"]},"likely_end_s":{"type":["number","null"]},"max_end_s":{"type":["number","null"]},"endless":{"type":"boolean"},"confidence":{"type":["number","null"]},"basis":{"enum":["plan","countdown","limits","history",null]}}}}}}}"#
        ),
    },
    Kind {
        schema: "rsu.Gap",
        text: schema!(r#","lost""#, r#","lost":{"type":"integer"}"#),
    },
    Kind {
        schema: "rsu.Order",
        text: schema!(
            r#","number","order""#,
            r#","number":{"type":"integer"},"order":{"type":"object","required":["do"],"properties":{"do":{"enum":["event","sign","end","down","site"]},"who":{"enum":["operator","cloud"]},"number":{"type":"integer"},"keeps_id":{"type":"boolean"},"until_ms":{"type":["integer","null"]},"rsi":{"type":"string"},"path":{"type":"string"},"text":{"type":"string"}}}"#
        ),
    },
    Kind {
        schema: "rsu.Report",
        text: schema!(
            r#","input","content""#,
            r#","input":{"type":"integer"},"content":{"enum":["objects","lamps","plan","next-plan","mode","receiver","weather"]},"seen_at":{"type":"string"},"detections":{"type":"array","items":{"type":"object","required":["class","existence","east_m","north_m","cov_m2"],"properties":{"device_id":{"type":["integer","null"]},"own_id":{"type":"string"},"class":{"type":"string"},"existence":{"type":"number"},"east_m":{"type":"number"},"north_m":{"type":"number"},"cov_m2":{"type":"object","additionalProperties":{"type":"number"}},"velocity":{"type":["object","null"],"properties":{"east_mps":{"type":"number"},"north_mps":{"type":"number"},"cov_m2ps2":{"type":"object","additionalProperties":{"type":"number"}}}},"yaw_rad":{"type":["number","null"]},"size":{"type":["object","null"],"properties":{"length_m":{"type":"number"},"width_m":{"type":"number"},"height_m":{"type":["number","null"]}}}}}},"lamps":{"type":"array","items":{"type":"object","required":["lamp"],"properties":{"lamp":{"type":"integer"},"light":{"type":"string"},"countdown_s":{"type":["integer","null"]},"left_ms":{"type":"object","additionalProperties":{"type":["integer","null"]}},"cycle_s":{"type":"integer"},"steps":{"type":"array","items":{"type":"object","properties":{"light":{"type":"string"},"duration_s":{"type":"integer"}}}}}}},"mode":{"type":"string"},"fix":{"type":"string"},"utc":{"type":["string","null"]},"lat_deg":{"type":["number","null"]},"lon_deg":{"type":["number","null"]},"offset_m":{"type":["number","null"]},"clock_ahead_s":{"type":["number","null"]},"satellites_used":{"type":["integer","null"]},"satellites_in_view":{"type":["integer","null"]},"hdop":{"type":["number","null"]},"readings":{"type":"object","additionalProperties":{"type":"number"}}"#
        ),
    },
    Kind {
        schema: "rsu.Map",
        text: schema!(
            r#","geojson""#,
            r#","geojson":{"type":"object","additionalProperties":true}"#
        ),
    },
];

/// Where each kind stands in [`KINDS`].
pub(crate) mod kind {
    pub(crate) const START: usize = 0;
    pub(crate) const BYTES: usize = 1;
    pub(crate) const STEP: usize = 2;
    pub(crate) const FRAME: usize = 3;
    pub(crate) const EVENT: usize = 4;
    pub(crate) const TRACKS: usize = 5;
    pub(crate) const FORECAST: usize = 6;
    pub(crate) const GAP: usize = 7;
    pub(crate) const ORDER: usize = 8;
    pub(crate) const REPORT: usize = 9;
    pub(crate) const MAP: usize = 10;
}

/// First in every file: what the unit was when it started, which is all that a replay needs besides
/// what came later.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Start {
    pub(crate) mono_ns: u64,
    pub(crate) utc_ns: i64,
    pub(crate) seed: u64,
    /// Which file of this run, from 0.
    pub(crate) part: u32,
    /// Of the program.
    pub(crate) version: String,
    /// Of the unit.
    pub(crate) name: String,
    /// Names, in the order of their ids.
    pub(crate) inputs: Vec<String>,
    /// The configuration and the site, as they were read.
    pub(crate) files: Vec<File>,
}

/// A file that people wrote.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// Bytes of a device (`/input/NAME`), the moment when its decoder began afresh (`/restart/NAME`, no
/// bytes) or passed on what it had gathered (`/flush/NAME`, no bytes), or what it was asked
/// (`/asked/NAME`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Bytes {
    pub(crate) mono_ns: u64,
    pub(crate) utc_ns: i64,
    pub(crate) input: u8,
    pub(crate) hex: String,
}

/// A wake-up of the heart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Step {
    pub(crate) mono_ns: u64,
    pub(crate) utc_ns: i64,
    #[serde(flatten)]
    pub(crate) what: What,
}

/// Why it woke.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "lowercase")]
pub(crate) enum What {
    /// A report of an input: the `nth` of its lane since the start.
    Report {
        input: u8,
        lane: u8,
        nth: u64,
        arrived_ns: u64,
    },
    /// An order of people or a platform: the `number`th of `/order`.
    Order { number: u64 },
    /// News of the clock.
    Clock {
        synchronised: bool,
        error_ns: Option<u64>,
    },
    /// Something was due.
    Timeout,
    /// The road was shown to somebody.
    View,
}

/// A frame that was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Frame {
    pub(crate) mono_ns: u64,
    pub(crate) utc_ns: i64,
    pub(crate) priority: u8,
    pub(crate) took_ns: u64,
    pub(crate) cause_ns: Option<u64>,
    pub(crate) hex: String,
}

/// What the station told its operator.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Event {
    pub(crate) mono_ns: u64,
    pub(crate) utc_ns: i64,
    #[serde(flatten)]
    pub(crate) news: News,
}

/// An order of people or a platform, before the heart has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Ordered {
    pub(crate) mono_ns: u64,
    pub(crate) utc_ns: i64,
    pub(crate) number: u64,
    pub(crate) order: Written,
}

/// What was made of bytes, for tools that do not know the device; a replay makes it anew.
#[derive(Debug, Serialize)]
pub(crate) struct Report<C: Serialize> {
    pub(crate) mono_ns: u64,
    pub(crate) utc_ns: i64,
    pub(crate) input: u8,
    #[serde(flatten)]
    pub(crate) content: C,
}

/// The junction as a map, for tools that do not read its file.
#[derive(Debug, Serialize)]
pub(crate) struct Map<'m> {
    pub(crate) mono_ns: u64,
    pub(crate) utc_ns: i64,
    pub(crate) geojson: &'m serde_json::Value,
}

/// Something was not recorded: so many things before this.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Gap {
    pub(crate) mono_ns: u64,
    pub(crate) utc_ns: i64,
    pub(crate) lost: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn schemas_are_json_and_say_what_they_require() {
        for kind in KINDS {
            let schema: Value = serde_json::from_str(kind.text)
                .unwrap_or_else(|error| panic!("{}: {error}", kind.schema));
            for required in schema["required"].as_array().unwrap() {
                let name = required.as_str().unwrap();
                assert!(schema["properties"][name].is_object(), "{name}");
            }
        }
    }

    #[test]
    fn a_step_is_flat_and_comes_back() {
        let step = Step {
            mono_ns: 5,
            utc_ns: -6,
            what: What::Report {
                input: 1,
                lane: 3,
                nth: u64::MAX,
                arrived_ns: 4,
            },
        };
        let text = serde_json::to_string(&step).unwrap();
        assert!(text.contains(r#""what":"report""#), "{text}");
        assert_eq!(serde_json::from_str::<Step>(&text).unwrap(), step);
    }
}
