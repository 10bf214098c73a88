//! `rsu fuse FILE`: fuses a file of recorded detections offline and prints the tracks.
//!
//! Frames of the file (`recording`) are handed over in order of arrival; at 10 Hz from t = 0.1 s a line
//! `{"t": ..., "tracks": [[id, x, y, vx, vy, heading_rad, class, var_x, var_y, cov_xy], ...]}` says
//! what would be broadcast at that moment, knowing only what had arrived by then. A heading that is
//! not known is given as the course.

mod recording;

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use arrayvec::ArrayVec;
use serde_json::{Value, json};

use crate::fusion::{Config, Fusion, Parts, Picture, Track};
use crate::report::{Class, InputId, MAX_OBJECTS, Objects, Velocity};
use recording::{FrameEntry, moment};
pub(super) use recording::{Recording, Unusable};

/// What `rsu fuse` is asked to do.
#[derive(Clone, Debug, clap::Args)]
pub struct FuseArgs {
    /// The detections, as JSON.
    pub file: PathBuf,
    /// Also say on stderr what was taken, refused and published.
    #[arg(long)]
    pub counts: bool,
    /// Also say on stderr how long frames took, what was before them included.
    #[arg(long)]
    pub times: bool,
    /// Work the file through so often: a frame's time is the middle one of its rounds, so that what the
    /// machine does besides is not in it.
    #[arg(long, value_name = "N", default_value_t = 1, requires = "times", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub rounds: u16,
    /// Leave out a part of fusion, to see what it buys.
    #[arg(long, value_delimiter = ',')]
    pub without: Vec<Part>,
}

/// Parts of fusion that can be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// Late frames in their place.
    Replay,
    /// Shadows of things before others.
    Shadows,
    /// Learning of detection probability and false alarms.
    Eyesight,
    /// Learning of noise.
    Noise,
    /// Learning of mount offsets.
    Mount,
    /// Several ways of moving.
    Modes,
    /// Radar echoes anywhere on the body.
    Extent,
    /// Class in association.
    Class,
    /// Errors that last, in what is published.
    Lasting,
    /// Only what is new of tracks.
    News,
}

/// Runs the command. Exit codes as in sysexits.h: 65 where the file is not what it should be, 66
/// where it cannot be read, 74 where the result cannot be written.
pub fn fuse(args: &FuseArgs) -> ExitCode {
    let recording = match Recording::read(&args.file) {
        Ok(recording) => recording,
        Err(Unusable { exit, reason }) => {
            eprintln!("failed to read {}: {reason}", args.file.display());
            return ExitCode::from(exit);
        }
    };
    let mut spent = Vec::new();
    let out = &mut BufWriter::new(io::stdout().lock());
    match recording.replay(out, parts(&args.without), &mut spent) {
        Ok(fusion) => {
            if args.counts {
                eprintln!("{:?}", fusion.counts());
                recording.say_health(&fusion);
            }
            if args.times {
                let again = (1..args.rounds).map(|_| recording.times(parts(&args.without)));
                say_times(&mut middles(spent, again), args.rounds);
            }
            ExitCode::SUCCESS
        }
        // Whoever read the lines has had enough of them.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("failed to write the tracks: {error}");
            ExitCode::from(74)
        }
    }
}

fn parts(without: &[Part]) -> Parts {
    let mut parts = Parts::default();
    for part in without {
        let switch = match part {
            Part::Replay => &mut parts.replay,
            Part::Shadows => &mut parts.shadows,
            Part::Eyesight => &mut parts.eyesight,
            Part::Noise => &mut parts.noise,
            Part::Mount => &mut parts.mount,
            Part::Modes => &mut parts.modes,
            Part::Extent => &mut parts.extent,
            Part::Class => &mut parts.class,
            Part::Lasting => &mut parts.lasting,
            Part::News => &mut parts.news,
        };
        *switch = false;
    }
    parts
}

/// Of each frame the middle one of its times.
fn middles(first: Vec<Duration>, again: impl Iterator<Item = Vec<Duration>>) -> Vec<Duration> {
    let mut of_frames: Vec<Vec<Duration>> = first.into_iter().map(|time| vec![time]).collect();
    for round in again {
        for (times, time) in of_frames.iter_mut().zip(round) {
            times.push(time);
        }
    }
    of_frames
        .iter_mut()
        .map(|times| {
            times.sort_unstable();
            times[times.len() / 2]
        })
        .collect()
}

/// One JSON line: the mean and percentiles of the time that a frame took. The mean belongs to it: a
/// frame that waits for a late one to share its replay costs next to nothing, so that the median is low.
fn say_times(spent: &mut [Duration], rounds: u16) {
    spent.sort_unstable();
    let whole: Duration = spent.iter().sum();
    let mean_us = whole.as_secs_f64() * 1e6 / spent.len().max(1) as f64;
    let at = |share: f64| {
        let place = (share * spent.len() as f64) as usize;
        spent
            .get(place.min(spent.len().saturating_sub(1)))
            .map_or(0.0, |time| time.as_secs_f64() * 1e6)
    };
    let line = json!({
        "rounds": rounds, "frames": spent.len(), "mean_us": mean_us, "p50_us": at(0.5), "p99_us": at(0.99), "max_us": at(1.0),
    });
    eprintln!("{line}");
}

impl Recording {
    /// Fuses and prints; the fusion as it was at the end.
    fn replay(
        &self,
        out: &mut impl Write,
        parts: Parts,
        spent: &mut Vec<Duration>,
    ) -> io::Result<Fusion> {
        let sensors = self.fusion_sensors();
        let mut fusion = Fusion::new(Config {
            sensors,
            parts,
            ..Config::default()
        });
        let end = self.frames.iter().map(|frame| frame.t).fold(0.0, f64::max);
        let mut frames = self.frames.iter().peekable();
        let mut objects = Objects::default();
        for tick in 1..=(end * 10.0 + 0.5) as u64 {
            let t = tick as f64 / 10.0;
            while let Some(frame) = frames.next_if(|frame| frame.ta <= t) {
                let begun = Instant::now();
                self.hand_over(frame, &mut objects, &mut fusion);
                spent.push(begun.elapsed());
            }
            // Late frames wait until somebody asks; the time that they take is that of the last one.
            let begun = Instant::now();
            fusion.catch_up();
            if let Some(last) = spent.last_mut() {
                *last += begun.elapsed();
            }
            print(t, fusion.picture(moment(t)), out)?;
        }
        out.flush()?;
        Ok(fusion)
    }

    /// How long each frame takes in one more round, of which nothing is printed.
    fn times(&self, parts: Parts) -> Vec<Duration> {
        let mut spent = Vec::new();
        // Nothing fails to be written to nowhere.
        let _ = self.replay(&mut io::sink(), parts, &mut spent);
        spent
    }

    fn say_health(&self, fusion: &Fusion) {
        let end = self.frames.iter().map(|frame| frame.t).fold(0.0, f64::max);
        for (sensor, input) in self.sensors.iter().zip(0..) {
            if let Some(health) = fusion.health(InputId(input), moment(end)) {
                eprintln!("{}: {health:?}", sensor.id);
            }
        }
    }

    fn hand_over(&self, frame: &FrameEntry, objects: &mut Objects, fusion: &mut Fusion) {
        let Some(index) = self
            .sensors
            .iter()
            .position(|sensor| sensor.id == frame.sensor)
        else {
            return;
        };
        let entry = &self.sensors[index];
        objects.seen_at = moment(frame.t);
        // More than one report holds: the same moment in several.
        for part in frame.dets.chunks(MAX_OBJECTS) {
            objects.detections.clear();
            objects
                .detections
                .extend(part.iter().map(|d| d.detection(entry)));
            fusion.handle_objects(InputId(index as u8), objects);
        }
        if frame.dets.is_empty() {
            objects.detections = ArrayVec::new();
            fusion.handle_objects(InputId(index as u8), objects);
        }
    }
}

fn print(t: f64, picture: &Picture, out: &mut impl Write) -> io::Result<()> {
    let tracks: Vec<Value> = picture.tracks.iter().map(row).collect();
    serde_json::to_writer(&mut *out, &json!({ "t": t, "tracks": tracks }))?;
    writeln!(out)
}

fn row(track: &Track) -> Value {
    let Velocity {
        east_mps,
        north_mps,
        ..
    } = track.velocity;
    let heading = track.yaw_rad.unwrap_or_else(|| north_mps.atan2(east_mps));
    let cov = track.position_cov;
    json!([
        track.id,
        millis(track.east_m),
        millis(track.north_m),
        millis(east_mps),
        millis(north_mps),
        millis(heading),
        name(track.class),
        micros(cov.ee),
        micros(cov.nn),
        micros(cov.en),
    ])
}

fn millis(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

fn micros(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

fn name(class: Class) -> &'static str {
    CLASSES
        .iter()
        .find(|(known, _)| *known == class)
        .map_or("unknown", |(_, name)| *name)
}

const CLASSES: [(Class, &str); 6] = [
    (Class::Car, "car"),
    (Class::Truck, "truck"),
    (Class::Bus, "bus"),
    (Class::Motorcycle, "motorcycle"),
    (Class::Bicycle, "bike"),
    (Class::Pedestrian, "ped"),
];
#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::BufReader;
    use std::path::Path;

    use super::*;

    /// One camera at the origin looking east, and a car that drives north past it.
    fn recording(frames: &str) -> Recording {
        let sensors = r#"[{"id": "cam", "kind": "camera", "x": 0, "y": 0, "yaw": 0, "fov": 2.5,
            "rmin": 2, "rmax": 90}, {"id": "rad", "kind": "radar", "x": 0, "y": 0, "yaw": 0,
            "fov": 2.5, "rmin": 2, "rmax": 90}]"#;
        serde_json::from_str(&format!(
            r#"{{"sensors": {sensors}, "frames": [{frames}]}}"#
        ))
        .unwrap()
    }

    fn car_frame(t: f64, ta: f64) -> String {
        let y = 10.0 * t;
        format!(
            r#"{{"sensor": "cam", "t": {t}, "ta": {ta}, "dets": [{{"x": 30, "y": {y}, "sr": 0.4,
            "sc": 0.2, "cls": "car", "conf": 0.9, "l": 4.5, "w": 1.8, "gt": 1}}]}}"#
        )
    }

    fn lines(recording: &Recording) -> Vec<Value> {
        let mut out = Vec::new();
        recording
            .replay(&mut out, Parts::default(), &mut Vec::new())
            .unwrap();
        let text = String::from_utf8(out).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    #[test]
    fn sensors_that_cannot_be_and_two_of_one_name_are_refused() {
        let good = recording(&car_frame(0.0, 0.1));
        assert_eq!(good.check(), Ok(()));
        let changed = |change: &dyn Fn(&mut Value)| {
            let mut whole = json!({"sensors": [
                {"id": "cam", "kind": "camera", "x": 0, "y": 0, "yaw": 0, "fov": 2.5, "rmin": 2, "rmax": 90},
                {"id": "rad", "kind": "radar", "x": 0, "y": 0, "yaw": 0, "fov": 6.29, "rmin": 2, "rmax": 90},
            ], "frames": []});
            change(&mut whole["sensors"][0]);
            serde_json::from_value::<Recording>(whole).unwrap().check()
        };
        assert_eq!(changed(&|_| {}), Ok(()));
        for (key, value) in [
            ("id", json!("rad")),
            ("x", json!(1e308)),
            ("fov", json!(-1)),
            ("yaw", json!(1e9)),
            ("rmax", json!(1)),
        ] {
            let refused = changed(&|sensor| sensor[key] = value.clone());
            assert!(refused.is_err(), "{key}: {value}");
        }
    }

    #[test]
    fn a_line_a_tenth_of_a_second_says_where_everybody_is() {
        let frames: Vec<String> = (0..=20)
            .map(|n| f64::from(n) / 20.0)
            .map(|t| car_frame(t, t))
            .collect();
        let lines = lines(&recording(&frames.join(",")));
        assert_eq!(lines.len(), 10);
        assert_eq!(lines[9]["t"], 1.0);
        let track = &lines[9]["tracks"][0];
        assert_eq!(track[0], 1);
        assert!((track[1].as_f64().unwrap() - 30.0).abs() < 0.2);
        assert!((track[2].as_f64().unwrap() - 10.0).abs() < 0.2);
        assert!((track[5].as_f64().unwrap() - 1.571).abs() < 0.1);
        assert_eq!(track[6], "car");
        assert_eq!(track.as_array().unwrap().len(), 10);
    }

    #[test]
    fn what_interrupts_a_frame_in_one_round_is_not_in_its_time_and_what_is_slow_in_each_is() {
        let us = |times: [u64; 3]| times.map(Duration::from_micros).to_vec();
        let again = [us([2, 90, 31]), us([70, 88, 30])];
        let middles = middles(us([1, 89, 400]), again.into_iter());
        assert_eq!(middles, us([2, 89, 31]));
    }

    #[test]
    fn each_round_times_each_frame_once() {
        let frames: Vec<String> = (0..=20)
            .map(|n| f64::from(n) / 20.0)
            .map(|t| car_frame(t, t))
            .collect();
        let recording = recording(&frames.join(","));
        assert_eq!(recording.times(Parts::default()).len(), 21);
    }

    #[test]
    fn a_frame_that_has_not_arrived_is_not_known() {
        let frames: Vec<String> = (0..=20)
            .map(|n| f64::from(n) / 20.0)
            .map(|t| car_frame(t, t + 0.5))
            .collect();
        let lines = lines(&recording(&frames.join(",")));
        // The third frame, of 0.1 s, arrives at 0.6 s.
        assert_eq!(lines[4]["tracks"].as_array().unwrap().len(), 0);
        assert_eq!(lines[5]["tracks"].as_array().unwrap().len(), 1);
        assert!((lines[9]["tracks"][0][2].as_f64().unwrap() - 10.0).abs() < 0.5);
    }

    #[test]
    fn a_frame_of_a_sensor_that_is_not_listed_is_refused() {
        let wrong = car_frame(0.0, 0.0).replace("cam", "other");
        assert!(recording(&wrong).check().unwrap_err().contains("other"));
    }

    #[test]
    fn a_time_that_is_no_time_is_refused() {
        assert!(recording(&car_frame(1e300, 0.0)).check().is_err());
    }

    /// The reference case, where it is at hand: found within 2 m, and little else.
    #[test]
    fn of_the_reference_case_nine_in_ten_road_users_are_found() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../shared/scenes/fusion/dev1.json"
        );
        if !Path::new(path).exists() {
            eprintln!("skipped: {path} is not here");
            return;
        }
        let recording = Recording::read(Path::new(path)).unwrap();
        let case: Value =
            serde_json::from_reader(BufReader::new(File::open(path).unwrap())).unwrap();
        let moments = case["truth"].as_array().unwrap();
        let near = |x: f64, y: f64| x.hypot(y) <= 75.0;
        let (mut there, mut found, mut said) = (0, 0, 0);
        for line in lines(&recording).iter().skip(30) {
            let t = line["t"].as_f64().unwrap();
            let Some(truth) = moments
                .iter()
                .find(|m| (m["t"].as_f64().unwrap() - t).abs() < 1e-6)
            else {
                continue;
            };
            let place =
                |row: &Value, i: usize| (row[i].as_f64().unwrap(), row[i + 1].as_f64().unwrap());
            let mut tracks: Vec<(f64, f64)> = line["tracks"]
                .as_array()
                .unwrap()
                .iter()
                .map(|r| place(r, 1))
                .collect();
            tracks.retain(|(x, y)| near(*x, *y));
            said += tracks.len();
            for object in truth["objs"].as_array().unwrap() {
                let (x, y) = place(object, 2);
                if !near(x, y) {
                    continue;
                }
                there += 1;
                let away = |track: &(f64, f64)| (track.0 - x).hypot(track.1 - y);
                let best = (0..tracks.len())
                    .min_by(|&a, &b| away(&tracks[a]).total_cmp(&away(&tracks[b])));
                if let Some(best) = best.filter(|&i| away(&tracks[i]) < 2.0) {
                    tracks.swap_remove(best);
                    found += 1;
                }
            }
        }
        let (recall, precision) = (
            f64::from(found) / f64::from(there),
            f64::from(found) / said as f64,
        );
        assert!(recall > 0.9, "recall {recall}");
        assert!(precision > 0.95, "precision {precision}");
    }
}
