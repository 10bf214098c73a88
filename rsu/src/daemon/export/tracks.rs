//! Recorded tracks as CSV and as GeoJSON, in WGS-84 degrees by the recorded site's frame.
//!
//! Ids on the air are few and come again; here each track has a number of its own.

use std::io::{self, Write};

use serde::Deserialize;
use serde_json::json;
use v2x_msg::base::{Enu, EnuFrame};

use crate::clock::Utc;
use crate::daemon::say::TrackSaid;

/// A track whose birth is computed to be farther than this from that of its id's last is another:
/// what is recorded is rounded, and an id rests for longer.
const SAME_BIRTH_S: f64 = 0.5;
/// A track that was not in the picture for so long does not come back.
const GONE_NS: u64 = 5_000_000_000;

/// A message of `/tracks`, as far as it is read here.
#[derive(Deserialize)]
pub(super) struct Seen {
    pub(super) mono_ns: u64,
    pub(super) utc_ns: i64,
    tracks: Vec<TrackSaid>,
}

/// Metres to degrees, and ids to numbers.
pub(super) struct Place {
    frame: EnuFrame,
    /// Number and birth of the last track, by id.
    known: [Option<(u64, f64)>; 256],
    next: u64,
}

impl Place {
    pub(super) fn new(frame: EnuFrame) -> Self {
        Self {
            frame,
            known: [None; 256],
            next: 1,
        }
    }

    fn number(&mut self, mono_ns: u64, track: &TrackSaid) -> u64 {
        let born_s = mono_ns as f64 / 1e9 - track.alive_s;
        let known = &mut self.known[usize::from(track.id)];
        match known {
            Some((number, birth)) if (*birth - born_s).abs() < SAME_BIRTH_S => *number,
            _ => {
                let number = self.next;
                self.next += 1;
                *known = Some((number, born_s));
                number
            }
        }
    }

    /// Longitude and latitude, to a millimetre.
    fn lon_lat(&self, track: &TrackSaid) -> [f64; 2] {
        let place = self.frame.degrees(Enu {
            east_m: track.east_m,
            north_m: track.north_m,
            up_m: 0.0,
        });
        [place.lon_deg, place.lat_deg].map(|degrees| (degrees * 1e8).round() / 1e8)
    }
}

fn speed_mps(track: &TrackSaid) -> f64 {
    track.east_mps.hypot(track.north_mps)
}

/// Clockwise from north, from an angle that turns from east to north.
fn heading_deg(yaw_rad: f64) -> f64 {
    (90.0 - yaw_rad.to_degrees()).rem_euclid(360.0)
}

/// A line for each track at each moment.
pub(super) struct Csv {
    place: Place,
    has_head: bool,
}

const HEAD: &str = "utc,time_s,track,id,class,class_confidence,existence,lat_deg,lon_deg,east_m,north_m,\
                    east_mps,north_mps,speed_mps,heading_deg,length_m,width_m,var_east_m2,var_north_m2,\
                    cov_m2,unseen_s,alive_s,sources";

impl Csv {
    pub(super) fn new(place: Place) -> Self {
        Self {
            place,
            has_head: false,
        }
    }

    pub(super) fn add(&mut self, out: &mut impl Write, time_s: f64, seen: &Seen) -> io::Result<()> {
        self.head(out)?;
        let utc = Utc::from_unix_ns(seen.utc_ns);
        for track in &seen.tracks {
            let number = self.place.number(seen.mono_ns, track);
            let [lon, lat] = self.place.lon_lat(track);
            let TrackSaid {
                id,
                class,
                class_confidence,
                existence,
                east_m,
                north_m,
                cov_m2: [var_east, var_north, cov],
                east_mps,
                north_mps,
                unseen_s,
                alive_s,
                sources,
                ..
            } = track;
            let speed = speed_mps(track);
            let maybe = |value: Option<f64>| value.map_or(String::new(), |v| format!("{v:.3}"));
            let heading = maybe(track.yaw_rad.map(heading_deg));
            let (length, width) = (maybe(track.length_m), maybe(track.width_m));
            writeln!(
                out,
                "{utc},{time_s:.3},{number},{id},{class},{class_confidence},{existence},{lat:.8},\
                 {lon:.8},{east_m},{north_m},{east_mps},{north_mps},{speed:.3},{heading},{length},\
                 {width},{var_east},{var_north},{cov},{unseen_s},{alive_s},{sources}"
            )?;
        }
        Ok(())
    }

    pub(super) fn finish(&mut self, out: &mut impl Write) -> io::Result<()> {
        self.head(out)
    }

    fn head(&mut self, out: &mut impl Write) -> io::Result<()> {
        if !std::mem::replace(&mut self.has_head, true) {
            writeln!(out, "{HEAD}")?;
        }
        Ok(())
    }
}

/// A line on the map for each track, written when the track has gone: as many are held as there are
/// on the road.
pub(super) struct GeoJson {
    place: Place,
    open: Vec<Line>,
    written: u64,
}

struct Line {
    number: u64,
    id: u8,
    class: String,
    last_ns: u64,
    times: Vec<String>,
    places: Vec<[f64; 2]>,
    max_mps: f64,
}

impl GeoJson {
    pub(super) fn new(place: Place) -> Self {
        Self {
            place,
            open: Vec::new(),
            written: 0,
        }
    }

    pub(super) fn add(&mut self, out: &mut impl Write, seen: &Seen) -> io::Result<()> {
        let utc = Utc::from_unix_ns(seen.utc_ns).to_string();
        for track in &seen.tracks {
            let number = self.place.number(seen.mono_ns, track);
            let known = self.open.iter().position(|line| line.number == number);
            let known = known.unwrap_or_else(|| {
                self.open.push(Line {
                    number,
                    id: track.id,
                    class: String::new(),
                    last_ns: 0,
                    times: Vec::new(),
                    places: Vec::new(),
                    max_mps: 0.0,
                });
                self.open.len() - 1
            });
            let place = self.place.lon_lat(track);
            let line = &mut self.open[known];
            // The last word is the best informed.
            line.class = track.class.to_string();
            line.last_ns = seen.mono_ns;
            line.times.push(utc.clone());
            line.places.push(place);
            line.max_mps = line.max_mps.max(speed_mps(track));
        }
        let gone = |line: &mut Line| seen.mono_ns.saturating_sub(line.last_ns) > GONE_NS;
        let gone: Vec<Line> = self.open.extract_if(.., gone).collect();
        gone.iter().try_for_each(|line| self.write(out, line))
    }

    pub(super) fn finish(&mut self, out: &mut impl Write) -> io::Result<()> {
        let open = std::mem::take(&mut self.open);
        open.iter().try_for_each(|line| self.write(out, line))?;
        match self.written {
            0 => writeln!(out, "{{\"type\":\"FeatureCollection\",\"features\":[]}}"),
            _ => writeln!(out, "\n]}}"),
        }
    }

    fn write(&mut self, out: &mut impl Write, line: &Line) -> io::Result<()> {
        match self.written {
            0 => writeln!(out, "{{\"type\":\"FeatureCollection\",\"features\":[")?,
            _ => writeln!(out, ",")?,
        }
        self.written += 1;
        // One place makes no line.
        let geometry = match line.places.as_slice() {
            [place] => json!({ "type": "Point", "coordinates": place }),
            places => json!({ "type": "LineString", "coordinates": places }),
        };
        let feature = json!({
            "type": "Feature",
            "geometry": geometry,
            "properties": {
                "track": line.number,
                "id": line.id,
                "class": line.class,
                "from": line.times.first(),
                "to": line.times.last(),
                "max_speed_mps": (line.max_mps * 1e3).round() / 1e3,
                // As others call the moments of a line's places.
                "coordTimes": line.times,
            },
        });
        write!(out, "{feature}")
    }
}
