//! What happens on the road, through the sensors' real bytes, to the unit's RSI: told soon, at its
//! place, taken back, and nothing else told.

use std::fs;
use std::path::Path;
use std::time::Duration;

use sim::judge::events::Told;
use sim::run::run;
use sim::scenario::Scenario;

#[test]
fn a_wrong_way_driver_is_told_and_taken_back() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../configs/scenarios");
    let file = Path::new(folder).join("wrong-way.toml");
    let mut scenario = Scenario::load(&file).expect("a scenario");
    // The first of the three, alone.
    scenario.file.traffic_s = 60;
    scenario.file.settle_s = 5;
    for user in &mut scenario.file.user {
        user.from_s -= 110.0;
        user.until_s -= 110.0;
    }
    let outcome = run(&scenario, 1, Some(Duration::from_secs(32))).expect("a run");
    let events = &outcome.judge.events;
    let lines: Vec<String> = events.told.iter().map(Told::line).collect();
    assert_eq!(events.told.len(), 1, "{lines:?}");
    assert_eq!(events.false_events, [], "{lines:?}");
    assert_eq!(events.missed(5.0), (1, 0), "{lines:?}");
    assert!(events.delay_s().is_some_and(|s| s < 4.0), "{lines:?}");
    assert!(events.cancel_s().is_some_and(|s| s < 5.0), "{lines:?}");
    let off_m = events.position_m.quantile(0.95);
    assert!(off_m.is_some_and(|m| m < 5.0), "{off_m:?}");
}

#[test]
fn fog_at_the_weather_station_is_told_by_modbus_and_taken_back() {
    let folder = std::env::temp_dir().join(format!("sim-fog-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("fog.toml");
    let usual = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../configs/scenarios/moyu-boyuan.toml"
    );
    let text = format!("extends = '{usual}'\n{FOG}");
    fs::write(&file, text).expect("a scenario's file");
    let scenario = Scenario::load(&file).expect("a scenario");
    let outcome = run(&scenario, 1, Some(Duration::from_secs(32))).expect("a run");
    let events = &outcome.judge.events;
    let lines: Vec<String> = events.told.iter().map(Told::line).collect();
    assert_eq!(events.told.len(), 1, "{lines:?}");
    assert_eq!(events.false_events, [], "{lines:?}");
    assert_eq!(events.missed(5.0), (1, 0), "{lines:?}");
    assert!(events.delay_s().is_some_and(|s| s < 5.0), "{lines:?}");
    assert!(events.cancel_s().is_some_and(|s| s < 3.0), "{lines:?}");
    let _ = fs::remove_dir_all(&folder);
}

#[test]
fn an_ambulance_is_told_by_its_own_word_and_a_dog_by_what_a_camera_sees() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../configs/scenarios");
    let file = Path::new(folder).join("ambulance-and-animals.toml");
    let mut scenario = Scenario::load(&file).expect("a scenario");
    scenario.file.traffic_s = 20;
    scenario.file.settle_s = 3;
    // One ambulance from the north, and the dog that crosses the western road.
    scenario.file.line.remove(0);
    scenario.file.line[0].first_s = 4.0;
    scenario.file.line[0].until_s = 5.0;
    scenario.file.user.remove(2);
    scenario.file.user.remove(0);
    scenario.file.user[0].from_s = 8.0;
    scenario.file.user[0].until_s = 9.0;
    let outcome = run(&scenario, 1, Some(Duration::from_secs(26))).expect("a run");
    let events = &outcome.judge.events;
    let lines: Vec<String> = events.told.iter().map(Told::line).collect();
    let mut codes: Vec<u16> = events.told.iter().map(|one| one.what.event_type).collect();
    codes.sort_unstable();
    assert_eq!(codes, [406, 905], "{lines:?}");
    assert_eq!(events.false_events, [], "{lines:?}");
    assert_eq!(events.missed(5.0), (2, 0), "{lines:?}");
    assert!(events.delay_s().is_some_and(|s| s < 4.0), "{lines:?}");
}

/// One fog, and a weather station that sees it.
const FOG: &str = r#"
name      = "fog"
traffic-s = 1
settle-s  = 1

[weather-station]
name = "weather"

[weather-station.input]
unit           = 17
period-ms      = 1000
stale-after-ms = 10000
register = [{ quantity = "visibility-m", table = "holding", address = 0, type = "u16", most = 20000 }]
event    = [{ quantity = "visibility-m", below = 200, until = 250, after-ms = 3000, type = 305, level = 4 }]

[[weather]]
quantity   = "visibility-m"
value      = 80
from-s     = 6
until-s    = 20
event-type = 305
"#;
