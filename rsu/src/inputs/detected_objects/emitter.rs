//! The decoder's mirror: a box that writes our form. The simulator drives it.

use serde_json::{Map, Value, json};

use super::wire::word;
use crate::clock::Utc;
use crate::report::{Covariance, Detection};

/// One box's voice.
#[derive(Clone, Copy, Debug, Default)]
pub struct Emitter {
    sequence: u64,
}

impl Emitter {
    /// Appends a message of what is seen, in metres from the site's origin.
    pub fn scene(&mut self, utc: Utc, seen: &[Detection], out: &mut Vec<u8>) {
        let objects: Vec<Value> = seen.iter().map(object).collect();
        let message = json!({
            "time_ms": utc.unix_ns() / 1_000_000, "sequence": self.sequence, "objects": objects,
        });
        self.sequence += 1;
        out.extend(message.to_string().bytes());
        out.push(b'\n');
    }
}

fn object(seen: &Detection) -> Value {
    let mut said = Map::new();
    let mut say = |name: &str, value: Value| {
        said.insert(name.to_owned(), value);
    };
    let cov = |c: &Covariance| json!([c.ee, c.en, c.nn]);
    say("class", json!(word(seen.class)));
    if seen.emergency {
        say("emergency", json!(true));
    }
    say("existence", json!(seen.existence));
    say("east_m", json!(seen.east_m));
    say("north_m", json!(seen.north_m));
    say("position_cov_m2", cov(&seen.position_cov));
    if let Some(id) = seen.device_id {
        say("id", json!(id));
    }
    if let Some(velocity) = &seen.velocity {
        say("east_mps", json!(velocity.east_mps));
        say("north_mps", json!(velocity.north_mps));
        say("velocity_cov_m2ps2", cov(&velocity.cov));
    }
    if let Some(yaw_rad) = seen.yaw_rad {
        let heading_deg = (90.0 - yaw_rad.to_degrees()).rem_euclid(360.0);
        say("heading_deg", json!(heading_deg));
    }
    if let Some(size) = seen.size {
        say("length_m", json!(size.length_m));
        say("width_m", json!(size.width_m));
        if let Some(height_m) = size.height_m {
            say("height_m", json!(height_m));
        }
    }
    Value::Object(said)
}
