//! What we make of an ARS408's CAN frames: candump lines in, a JSON object a line out, with the signals
//! by their names in `tests/ars408/ars408.dbc` and the frame that we would send for them.
//!
//! For `tests/ars408`, which holds it against cantools. Lines that are no message are answered by null.

use std::io::{self, BufRead, Write};

use rsu::inputs::ars408::wire::{self, Extended, General, Message, Quality, Rms, State, Status};
use rsu::inputs::can::{CanFrame, candump};
use serde_json::{Value, json};

fn main() -> io::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    for line in io::stdin().lock().lines() {
        let line = line?;
        let frame = candump::parse(line.as_bytes()).ok().flatten();
        let said = frame.and_then(|line| answer(&line.frame));
        writeln!(out, "{}", said.unwrap_or(Value::Null))?;
    }
    out.flush()
}

fn answer(frame: &CanFrame) -> Option<Value> {
    let sensor = (frame.id() >> 4 & 0xF) as u8;
    let message = wire::parse(frame, sensor).ok()?;
    let (name, signals) = match &message {
        Message::State(state) => ("RadarState", of_state(state)),
        Message::Status(status) => ("ObjectStatus", of_status(status)),
        Message::General(general) => ("ObjectGeneral", of_general(general)),
        Message::Quality(quality) => ("ObjectQuality", of_quality(quality)),
        Message::Extended(extended) => ("ObjectExtended", of_extended(extended)),
    };
    let hex = |frame: &CanFrame| -> String {
        let data = frame.data().iter();
        data.map(|byte| format!("{byte:02X}")).collect()
    };
    let standstill = wire::standstill(sensor).map(|told| json!([told.id(), hex(&told)]));
    Some(json!({
        "message": name, "signals": signals, "sent": hex(&wire::emit(&message, sensor)),
        "standstill": standstill,
    }))
}

fn of_state(said: &State) -> Value {
    json!({
        "MaxDistance": said.max_distance_m, "SensorID": said.sensor,
        "PersistentError": u8::from(said.persistent_error), "Interference": u8::from(said.interference),
        "TemperatureError": u8::from(said.temperature_error),
        "TemporaryError": u8::from(said.temporary_error), "VoltageError": u8::from(said.voltage_error),
        "MotionRxState": said.motion_input,
    })
}

fn of_status(said: &Status) -> Value {
    json!({
        "NofObjects": said.objects, "MeasCounter": said.counter, "InterfaceVersion": said.interface,
    })
}

fn of_general(said: &General) -> Value {
    json!({
        "ID": said.id, "DistLong": said.dist_long_m, "DistLat": said.dist_lat_m,
        "VrelLong": said.vrel_long_mps, "VrelLat": said.vrel_lat_mps, "DynProp": said.motion,
        "Class76": said.kind, "RCS": said.rcs_dbm2,
    })
}

/// Standard deviations as their bounds; null where the radar does not know.
fn of_quality(said: &Quality) -> Value {
    let bound = Rms::sigma;
    json!({
        "ID": said.id, "DistLong_rms": bound(said.dist_long_rms),
        "DistLat_rms": bound(said.dist_lat_rms), "VrelLong_rms": bound(said.vrel_long_rms),
        "VrelLat_rms": bound(said.vrel_lat_rms), "ArelLong_rms": bound(said.arel_long_rms),
        "ArelLat_rms": bound(said.arel_lat_rms), "Orientation_rms": said.orientation_rms.sigma_deg(),
        "ProbOfExist": said.existence, "MeasState": said.measurement as u8,
    })
}

fn of_extended(said: &Extended) -> Value {
    json!({
        "ID": said.id, "ArelLong": said.arel_long_mps2, "ArelLat": said.arel_lat_mps2,
        "Class": said.class, "Orientation": said.orientation_deg, "Length": said.length_m,
        "Width": said.width_m,
    })
}
