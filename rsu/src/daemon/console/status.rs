//! The state of the unit in one piece, as the page and other programs ask for it: what was sent, the
//! inputs, the radio, the clock, the machine, and what is wrong.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use super::stages::percentiles_json as percentiles;
use super::{About, ON_TIME};
use crate::config::Config;
use crate::daemon::snapshot::{InputSnapshot, Snapshot, suspicion_name};
use crate::daemon::tally::LinkState;
use crate::daemon::{clock, machine};
use crate::report::Fix;
use crate::site::Site;
use crate::station::FrameKind;

impl About {
    /// What keeps the unit from being on the air in time.
    pub(super) fn not_ready(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        if let Some(playback) = &self.shared.playback {
            wrong.push(format!(
                "nothing is on the air: {} is played back",
                playback.what
            ));
            return wrong;
        }
        let map = self.page.last_sent(FrameKind::Map);
        if map.is_none_or(|at| clock::mono().since(at) > ON_TIME) {
            wrong.push("no MAP was sent lately".to_owned());
        }
        let radio = self.shared.snapshot().radio;
        if radio.iter().all(|target| target.trouble.is_some()) {
            wrong.push("no target of the radio takes frames".to_owned());
        }
        wrong
    }

    pub(super) fn status(&self) -> Value {
        let now: Snapshot = self.shared.snapshot();
        let wrong = self.not_ready();
        let sent = now.sent.iter().map(|sent| {
            let kind = sent.kind;
            json!({
                "kind": kind.name(), "period_ms": self.periods[kind.index()].as_secs_f64() * 1e3,
                "frames": sent.frames, "bytes": sent.bytes,
                "missed": now.station.missed[kind.index()],
                "withheld": now.station.withheld[kind.index()],
                "not_composed": now.station.not_sent[kind.index()],
            })
        });
        let latency = &now.latency;
        json!({
            "unit": self.name,
            "simulated": self.simulated,
            "may_change": self.keeper.is_there(),
            "version": env!("CARGO_PKG_VERSION"),
            "replay": self.shared.playback.as_ref().map(|playback| &playback.what),
            "replay_share": self.shared.playback.as_ref().map(|playback| playback.share()),
            "utc_ms": self.shared.now().utc.unix_ms(),
            "uptime_s": now.uptime.as_secs_f64(),
            "ready": wrong.is_empty(),
            "wrong": wrong,
            "sent": sent.collect::<Vec<_>>(),
            "tracks": now.station.tracks,
            "radio": now.radio.iter().map(|radio| json!({
                "target": radio.target, "frames": radio.frames, "bytes": radio.bytes,
                "lost": radio.lost, "trouble": radio.trouble,
            })).collect::<Vec<_>>(),
            "inputs": now.inputs.iter().zip(&self.shared.inputs).map(|(input, view)| {
                about_input(input, view.silent_after)
            }).collect::<Vec<_>>(),
            "clock": now.clock.map(|clock| json!({
                "synchronised": clock.synchronised,
                "max_error_ms": clock.max_error.as_secs_f64() * 1e3,
            })),
            "latency": {
                "to_heart": percentiles(&latency.to_heart),
                "work": percentiles(&latency.work),
                "lateness": percentiles(&latency.lateness),
                "reaction": percentiles(&latency.reaction),
                "age": percentiles(&latency.age),
            },
            "machine": machine::taken().map(|taken| json!({
                "processor_s": taken.processor.as_secs_f64(),
                "resident_bytes": taken.resident_bytes, "threads": taken.threads,
            })),
            "temperature_c": machine::temperature_c(),
            "disk": json!({
                "path": self.disk.display().to_string(),
                "free_bytes": machine::free_bytes(&self.disk),
            }),
            "recording": now.recording.map(|recording| json!({
                "on": recording.on,
                "file": recording.file.map(|file| file.display().to_string()),
                "trouble": recording.trouble,
                "messages": recording.messages, "bytes": recording.bytes,
                "files": recording.files, "dropped": recording.dropped,
            })),
            "refused": now.refused,
            "orders": json!({
                "standing": now.orders.standing, "done": now.orders.done,
                "refused": now.orders.refused, "turned_away": now.orders.turned_away,
                "journal_failures": now.orders.journal_failures,
                "journal_damaged": now.orders.journal_damaged,
                "journal_cut_bytes": now.orders.journal_cut,
            }),
        })
    }
}

/// Where recordings are kept, else the journal of orders, else nothing of ours.
pub(super) fn disk_of(config: &Config) -> PathBuf {
    let record = config.record.as_ref().map(|wish| wish.folder.clone());
    let journal = config.orders.as_ref();
    let journal = journal.and_then(|orders| Some(orders.journal.parent()?.to_owned()));
    record.or(journal).unwrap_or_else(|| PathBuf::from("/"))
}

fn fix_name(fix: Fix) -> &'static str {
    match fix {
        Fix::None => "none",
        Fix::Alone => "alone",
        Fix::Differential => "differential",
        Fix::RtkFloat => "rtk-float",
        Fix::Rtk => "rtk",
    }
}

pub(super) fn about_site(site: &Site) -> Value {
    json!({
        "name": site.name,
        "node": site.node.id,
        "synthetic": site.synthetic,
        "lat_deg": f64::from(site.origin.lat_e7()) / 1e7,
        "lon_deg": f64::from(site.origin.lon_e7()) / 1e7,
    })
}

fn about_input(input: &InputSnapshot, silent_after: Duration) -> Value {
    let (link, why) = match &input.link {
        LinkState::Starting => ("starting", None),
        LinkState::Up => ("up", None),
        LinkState::Down(why) => ("down", Some(why)),
        LinkState::Ended => ("ended", None),
    };
    let kinds = |tally: &[(&'static str, u64)]| {
        let seen = tally.iter().filter(|(_, count)| *count > 0);
        seen.map(|(kind, count)| ((*kind).to_owned(), json!(count)))
            .collect::<serde_json::Map<_, _>>()
    };
    json!({
        "name": input.name, "protocol": input.protocol, "source": input.source,
        "link": link, "why": why,
        "silent": input.age.is_none_or(|age| age > silent_after),
        "age_s": input.age.map(|age| age.as_secs_f64()),
        "arrivals": input.arrivals, "bytes": input.bytes, "reports": input.reports,
        "displaced": input.displaced, "reconnects": input.reconnects, "foreign": input.foreign, "overlong": input.overlong,
        "clock_ahead_s": input.receiver.map_or_else(
            || input.counts.clock_ahead_ms().map(|ms| ms as f64 / 1e3),
            |receiver| receiver.clock_ahead_s,
        ),
        "receiver": input.receiver.map(|receiver| json!({
            "fix": fix_name(receiver.fix), "satellites_used": receiver.satellites_used,
            "hdop": receiver.hdop, "clock_ahead_s": receiver.clock_ahead_s,
            "offset_m": receiver.offset_m,
        })),
        "clock_behind_s": input.clock_behind_s,
        "sensor": input.sensor.map(|health| json!({
            "rate_hz": health.rate_hz, "age_s": health.age_s,
            "range_offset_m": health.range_offset_m,
            "heading_offset_deg": health.turned_clockwise_rad.to_degrees(),
            "noise_along": health.noise_along, "noise_across": health.noise_across,
            "repeats": health.repeats, "later_s": health.later_s,
            "false_per_m2": health.false_per_m2,
            "suspicion": health.suspicion.map(suspicion_name),
        })),
        "rejected": kinds(input.counts.rejected()),
        "ignored": kinds(input.counts.ignored()),
        "tolerated": kinds(input.counts.tolerated()),
        "faults": kinds(input.counts.faults()),
    })
}
