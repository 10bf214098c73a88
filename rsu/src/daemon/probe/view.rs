//! Reports as JSON lines, for people and scripts: keys carry their unit.

use std::io::{self, Write};

use serde_json::{Map, Value, json};

use crate::clock::Now;
use crate::report::{
    Class, Content, ControlMode, Covariance, Detection, LampPlan, LampState, Light, Objects,
};

/// Writes one line. `arrived` is None where the source does not say.
pub(super) fn write(
    out: &mut dyn Write,
    protocol: &str,
    arrived: Option<Now>,
    content: &Content,
) -> io::Result<()> {
    let mut line = Map::new();
    line.insert("protocol".into(), protocol.into());
    if let Some(arrived) = arrived {
        line.insert("arrived".into(), arrived.utc.to_string().into());
    }
    let (kind, body) = match content {
        Content::Lamps(states) => (
            "lamps",
            json!({ "lamps": states.lamps.iter().map(lamp).collect::<Vec<_>>() }),
        ),
        Content::Plan(plan) => (
            "plan",
            json!({ "lamps": plan.lamps.iter().map(lamp_plan).collect::<Vec<_>>() }),
        ),
        Content::Mode(mode) => ("mode", json!({ "mode": mode_name(*mode) })),
        Content::Objects(objects) => ("objects", objects_body(arrived, objects)),
    };
    line.insert("content".into(), kind.into());
    if let Value::Object(body) = body {
        line.extend(body);
    }
    serde_json::to_writer(&mut *out, &line)?;
    out.write_all(b"\n")
}

fn lamp(state: &LampState) -> Value {
    json!({
        "lamp": state.lamp,
        "light": light_name(state.light),
        "countdown_s": state.countdown_s,
    })
}

fn lamp_plan(plan: &LampPlan) -> Value {
    let step = |step: &crate::report::PlanStep| json!({ "light": light_name(step.light), "duration_s": step.duration_s });
    json!({
        "lamp": plan.lamp,
        "cycle_s": plan.cycle().as_secs(),
        "steps": plan.steps.iter().map(step).collect::<Vec<_>>(),
    })
}

fn objects_body(arrived: Option<Now>, objects: &Objects) -> Value {
    let detections: Vec<_> = objects.detections.iter().map(detection).collect();
    match arrived {
        Some(arrived) => json!({
            "seen_at": arrived.utc_at(objects.seen_at).to_string(),
            "detections": detections,
        }),
        None => json!({ "detections": detections }),
    }
}

fn detection(detection: &Detection) -> Value {
    let velocity = detection.velocity.map(|velocity| {
        json!({
            "east_mps": tidy(velocity.east_mps),
            "north_mps": tidy(velocity.north_mps),
            "cov_m2ps2": covariance(&velocity.cov),
        })
    });
    let size = detection.size.map(|size| {
        json!({
            "length_m": tidy(size.length_m.into()),
            "width_m": tidy(size.width_m.into()),
            "height_m": size.height_m.map(|height_m| tidy(height_m.into())),
        })
    });
    json!({
        "device_id": detection.device_id,
        "east_m": tidy(detection.east_m),
        "north_m": tidy(detection.north_m),
        "cov_m2": covariance(&detection.position_cov),
        "velocity": velocity,
        "yaw_rad": detection.yaw_rad.map(tidy),
        "size": size,
        "class": class_name(detection.class),
        "existence": tidy(detection.existence.into()),
    })
}

fn covariance(cov: &Covariance) -> Value {
    json!({ "ee": tidy(cov.ee), "en": tidy(cov.en), "nn": tidy(cov.nn) })
}

/// To a tenth of a millimetre and its like: what is behind it is rounding of ours. No minus zero.
fn tidy(value: f64) -> f64 {
    (value * 1e4).round() / 1e4 + 0.0
}

fn light_name(light: Light) -> &'static str {
    match light {
        Light::Unknown => "unknown",
        Light::Dark => "dark",
        Light::Red => "red",
        Light::FlashingRed => "flashing-red",
        Light::RedYellow => "red-yellow",
        Light::Green => "green",
        Light::FlashingGreen => "flashing-green",
        Light::Yellow => "yellow",
        Light::FlashingYellow => "flashing-yellow",
    }
}

fn mode_name(mode: ControlMode) -> &'static str {
    match mode {
        ControlMode::Flash => "flash",
        ControlMode::FixedTime => "fixed-time",
        ControlMode::Manual => "manual",
        ControlMode::Actuated => "actuated",
        ControlMode::Coordinated => "coordinated",
        ControlMode::Adaptive => "adaptive",
        ControlMode::BusPriority => "bus-priority",
        ControlMode::Emergency => "emergency",
        ControlMode::Fault => "fault",
        ControlMode::Other => "other",
    }
}

fn class_name(class: Class) -> &'static str {
    match class {
        Class::Unknown => "unknown",
        Class::Car => "car",
        Class::Truck => "truck",
        Class::Bus => "bus",
        Class::Motorcycle => "motorcycle",
        Class::Bicycle => "bicycle",
        Class::Pedestrian => "pedestrian",
    }
}
