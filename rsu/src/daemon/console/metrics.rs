//! What Prometheus is given: one table of all metrics, read off the tallies at each scrape.
//!
//! `docs/metrics.md` is made of the same table, and a test holds it against what is exported.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use super::forecasts::{BOUNDS_S, Errors};
use super::page::Page;
use crate::daemon::latency::Latency;
use crate::daemon::shared::Shared;
use crate::daemon::snapshot::{Snapshot, suspicion_name};
use crate::daemon::tally::LinkState;
use crate::fusion::{Health, Suspicion};
use crate::station::FrameKind;

/// Bounds of the histograms of spans.
const BOUNDS: [Duration; 13] = [
    Duration::from_micros(50),
    Duration::from_micros(100),
    Duration::from_micros(250),
    Duration::from_micros(500),
    Duration::from_millis(1),
    Duration::from_micros(2500),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_secs(1),
];

/// What a metric counts from.
struct Source<'s> {
    shared: &'s Shared,
    page: &'s Page,
    now: Snapshot,
}

type Labels = Vec<(&'static str, String)>;
/// A value with its labels.
type Sample = (Labels, f64);

enum Read {
    /// Only grows; `_total` is added to its name.
    Counter(fn(&Source<'_>) -> Vec<Sample>),
    Gauge(fn(&Source<'_>) -> Vec<Sample>),
    Histogram(for<'s> fn(&'s Source<'_>) -> Vec<(Labels, &'s Latency)>),
    /// Of what the console itself has counted, in seconds.
    Errors(fn(&Source<'_>) -> Vec<(Labels, Errors)>),
}

struct Metric {
    name: &'static str,
    help: &'static str,
    read: Read,
}

impl Metric {
    fn kind(&self) -> (&'static str, MetricType) {
        match self.read {
            Read::Counter(_) => ("counter", MetricType::Counter),
            Read::Gauge(_) => ("gauge", MetricType::Gauge),
            Read::Histogram(_) | Read::Errors(_) => ("histogram", MetricType::Histogram),
        }
    }
}

macro_rules! metric {
    ($kind:ident $name:literal, $help:literal, $read:expr) => {
        Metric {
            name: $name,
            help: $help,
            read: Read::$kind($read),
        }
    };
}

const METRICS: &[Metric] = &[
    metric!(Gauge "rsu_build_info", "Always 1; the version of the program, and for what machine and how it was built", |_| {
        let profile = if cfg!(debug_assertions) { "debug" } else { "release" };
        let labels = [
            ("version", env!("CARGO_PKG_VERSION")),
            ("arch", std::env::consts::ARCH),
            ("os", std::env::consts::OS),
            ("profile", profile),
        ];
        vec![(labels.map(|(label, value)| (label, value.to_owned())).into(), 1.0)]
    }),
    metric!(Gauge "rsu_uptime_seconds", "Since the unit started", |s| {
        vec![(vec![], s.now.uptime.as_secs_f64())]
    }),
    metric!(Counter "rsu_frames_sent", "Frames handed to the radio, by kind", |s| {
        let sent = s.now.sent.iter();
        sent.map(|sent| (kind(sent.kind), sent.frames as f64)).collect()
    }),
    metric!(Counter "rsu_frames_sent_bytes", "Their length, by kind", |s| {
        let sent = s.now.sent.iter();
        sent.map(|sent| (kind(sent.kind), sent.bytes as f64)).collect()
    }),
    metric!(Counter "rsu_frames_missed", "Slots that went by unused because the heart woke too late, by kind", |s| {
        by_kind(&s.now.station.missed)
    }),
    metric!(Counter "rsu_frames_withheld", "Messages that were due and withheld: nothing may be said, or no time claimed; by kind", |s| {
        by_kind(&s.now.station.withheld)
    }),
    metric!(Counter "rsu_frames_not_composed", "Messages that were due and broke a rule of their kind, by kind", |s| {
        by_kind(&s.now.station.not_sent)
    }),
    metric!(Gauge "rsu_tracks", "Road users in the newest picture", |s| {
        vec![(vec![], s.now.station.tracks as f64)]
    }),
    metric!(Counter "rsu_tracks_left_out", "Road users that a picture held and its messages did not", |s| {
        vec![(vec![], s.now.station.tracks_left_out as f64)]
    }),
    metric!(Counter "rsu_fusion_detections", "Detections that fusion took", |s| {
        vec![(vec![], s.now.station.fusion.detections as f64)]
    }),
    metric!(Counter "rsu_signal_oddities", "What was odd about the news of signal controllers, by kind", |s| {
        let oddities = s.now.station.signals.by_kind().into_iter();
        oddities.map(|(kind, count)| (vec![("kind", kind.to_owned())], count as f64)).collect()
    }),
    metric!(Counter "rsu_fusion_refused", "Frames and detections that fusion refused or gave up for want of time, by kind", |s| {
        let refused = s.now.station.fusion.refused().into_iter();
        refused.map(|(kind, count)| (vec![("kind", kind.to_owned())], count as f64)).collect()
    }),
    metric!(Counter "rsu_events_lost", "News for the operator that gave way unread", |s| {
        vec![(vec![], s.now.events_lost as f64)]
    }),
    metric!(Counter "rsu_radio_frames", "Frames that the kernel took, by target", |s| {
        by_target(s, |radio| radio.frames as f64)
    }),
    metric!(Counter "rsu_radio_frames_lost", "Frames that it did not take, by target", |s| {
        by_target(s, |radio| radio.lost as f64)
    }),
    metric!(Gauge "rsu_radio_up", "1 while nothing is wrong with a target", |s| {
        by_target(s, |radio| f64::from(u8::from(radio.trouble.is_none())))
    }),
    metric!(Gauge "rsu_input_up", "1 while an input's bytes can reach the unit", |s| {
        by_input(s, |input| f64::from(u8::from(input.link == LinkState::Up)))
    }),
    metric!(Gauge "rsu_input_age_seconds", "Since an input's newest report; absent before the first", |s| {
        let known = s.now.inputs.iter().filter_map(|i| Some((&i.name, i.age?)));
        known.map(|(name, age)| (input(name), age.as_secs_f64())).collect()
    }),
    metric!(Counter "rsu_input_arrivals", "Datagrams, or reads of a stream, by input", |s| {
        by_input(s, |input| input.arrivals as f64)
    }),
    metric!(Counter "rsu_input_received_bytes", "Bytes in them, by input", |s| {
        by_input(s, |input| input.bytes as f64)
    }),
    metric!(Counter "rsu_input_reports", "Reports made of them, by input", |s| {
        by_input(s, |input| input.reports as f64)
    }),
    metric!(Counter "rsu_input_reconnects", "Times that a link was found again after it had been lost, by input", |s| {
        by_input(s, |input| input.reconnects as f64)
    }),
    metric!(Counter "rsu_input_displaced", "Reports that gave way to newer ones before the station came to them, by input", |s| {
        by_input(s, |input| input.displaced as f64)
    }),
    metric!(Gauge "rsu_input_waiting", "Reports that wait for the station, by input", |s| {
        let inputs = s.shared.inputs.iter();
        inputs.map(|view| (input(&view.name), s.shared.mailbox.waiting(view.id) as f64)).collect()
    }),
    metric!(Counter "rsu_input_dropped", "What was not even decoded, by input and reason", |s| {
        let inputs = s.now.inputs.iter();
        let rows = inputs.flat_map(|i| {
            let counts = [
                ("foreign", i.foreign),
                ("overlong", i.overlong),
                ("retained", i.retained),
                ("unsent-question", i.unsent),
            ];
            counts.map(|(reason, count)| (labelled(&i.name, "reason", reason), count as f64))
        });
        rows.collect()
    }),
    metric!(Counter "rsu_input_rejected", "Frames that were damaged or made no sense, by input and kind", |s| {
        by_tally(s, |counts| counts.rejected())
    }),
    metric!(Counter "rsu_input_ignored", "Sound frames of no use here, by input and kind", |s| {
        by_tally(s, |counts| counts.ignored())
    }),
    metric!(Counter "rsu_input_tolerated", "Departures from the specification that were put up with, by input and kind", |s| {
        by_tally(s, |counts| counts.tolerated())
    }),
    metric!(Counter "rsu_input_faults", "What a device says has gone wrong with it, by input and kind", |s| {
        by_tally(s, |counts| counts.faults())
    }),
    metric!(Gauge "rsu_input_clock_behind_seconds", "How far a device's clock is behind the unit's, with what its quickest messages take, or where those are not told apart its last, by input; absent of devices that stamp nothing", |s| {
        let known = s.now.inputs.iter().filter_map(|i| Some((&i.name, i.clock_behind_s?)));
        known.map(|(name, behind_s)| (input(name), behind_s)).collect()
    }),
    metric!(Gauge "rsu_sensor_rate_hertz", "Mean rate of a sensor's frames of late, by input", |s| {
        by_sensor(s, |health| health.rate_hz)
    }),
    metric!(Gauge "rsu_sensor_age_seconds", "Mean age of a sensor's newest frame when the picture is told, by input", |s| {
        by_sensor(s, |health| health.age_s)
    }),
    metric!(Gauge "rsu_sensor_range_offset_meters", "How much too far a sensor measures by the word of the others, by input; already taken off", |s| {
        by_sensor(s, |health| health.range_offset_m)
    }),
    metric!(Gauge "rsu_sensor_heading_offset_degrees", "How far a sensor is turned clockwise from its configured heading by the word of the others, by input; already taken off", |s| {
        by_sensor(s, |health| health.turned_clockwise_rad.to_degrees())
    }),
    metric!(Gauge "rsu_sensor_noise_ratio", "Variance of a sensor's errors over what it claims, by input and axis: along and across its beam", |s| {
        let rows = sensors(s).flat_map(|(name, health)| {
            let axes = [("along", health.noise_along), ("across", health.noise_across)];
            axes.map(|(axis, ratio)| (labelled(name, "axis", axis), ratio))
        });
        rows.collect()
    }),
    metric!(Gauge "rsu_sensor_repeats_ratio", "How much of a sensor's errors is the same from frame to frame, over what is supposed of such a sensor, by input", |s| {
        by_sensor(s, |health| health.repeats)
    }),
    metric!(Gauge "rsu_sensor_later_seconds", "How much later a sensor without a clock reports than its configured latency, by the word of the others, by input; taken off already, and 0 without learn-latency", |s| {
        by_sensor(s, |health| health.later_s)
    }),
    metric!(Gauge "rsu_sensor_suspected", "1 for what is suspected of a sensor: hung (the same picture again and again, though those in it are said to move, or were never seen where they were to the bit), silent, astray (hardly anything in common with the others that look there), turned by more than a degree, shifted by more than 0.8 m, or noisier than twice its claim; by input and suspicion", |s| {
        let rows = sensors(s).flat_map(|(name, health)| {
            let all = [Suspicion::Hung, Suspicion::Silent, Suspicion::Astray, Suspicion::Turned, Suspicion::Shifted, Suspicion::Noisy];
            all.map(|one| {
                let suspected = u8::from(health.suspicion == Some(one));
                (labelled(name, "suspicion", suspicion_name(one)), f64::from(suspected))
            })
        });
        rows.collect()
    }),
    metric!(Gauge "rsu_clock_synchronised", "1 while somebody disciplines the system's clock; absent where the kernel does not say", |s| {
        let clock = s.now.clock.iter();
        clock.map(|clock| (vec![], f64::from(u8::from(clock.synchronised)))).collect()
    }),
    metric!(Gauge "rsu_clock_max_error_seconds", "The kernel's bound on the clock's error; absent where it does not say", |s| {
        let clock = s.now.clock.iter();
        clock.map(|clock| (vec![], clock.max_error.as_secs_f64())).collect()
    }),
    metric!(Histogram "rsu_stage_duration_seconds", "Stages of the straight path: `to_heart` from arrival to the heart, `queue` of that from the report to the heart, `fuse` a report of objects into the tracks, `compose` from tracks and forecasts to a message, `encode` its bytes, `send` into the sockets, `work` one wake-up of the heart with all of these, `lateness` how late it woke for what was due, `reaction` from arrival to the frame that it set off, `age` of the newest input when a frame is sent", |s| {
        let heart = &s.shared.heart;
        let stages = [
            ("to_heart", &heart.to_heart),
            ("queue", &heart.queue),
            ("fuse", &heart.fuse),
            ("compose", &heart.compose),
            ("encode", &heart.encode),
            ("send", &heart.send),
            ("work", &heart.work),
            ("lateness", &heart.lateness),
            ("reaction", &heart.reaction),
            ("age", &heart.age),
        ];
        stages.map(|(stage, latency)| (vec![("stage", stage.to_owned())], latency)).into()
    }),
    metric!(Counter "rsu_heart_allocations", "Allocations on the heart's thread since its first beat; in debug builds alone, absent in others", |s| {
        let counted = s.shared.heart.allocations().into_iter();
        counted.map(|count| (vec![], count as f64)).collect()
    }),
    metric!(Histogram "rsu_input_taking_seconds", "From the arrival of bytes to the thread that takes them, by input", |s| {
        let inputs = s.shared.inputs.iter();
        inputs.map(|view| (input(&view.name), &view.tally.taking)).collect()
    }),
    metric!(Histogram "rsu_input_decoding_seconds", "From there to a report, or to the end of bytes that make none, by input", |s| {
        let inputs = s.shared.inputs.iter();
        inputs.map(|view| (input(&view.name), &view.tally.decoding)).collect()
    }),
    metric!(Histogram "rsu_frame_behind_slot_seconds", "How long after its slot of the grid a frame was sent, by kind", |s| {
        let kinds = FrameKind::ALL.into_iter().zip(&s.shared.heart.behind_slot);
        kinds.map(|(k, latency)| (kind(k), latency)).collect()
    }),
    metric!(Errors "rsu_forecast_error_seconds", "How far off it was, when a light changed, what had been told of that change 5 s before, by phase", |s| {
        let phases = s.page.forecast_errors().into_iter();
        phases.map(|(phase, errors)| (vec![("phase", phase.to_string())], errors)).collect()
    }),
    metric!(Gauge "rsu_recording_up", "1 while all is kept, 0 while the disk refuses; absent where nothing is to be kept", |s| {
        let now = s.now.recording.iter().filter(|recording| recording.on);
        now.map(|recording| (vec![], f64::from(u8::from(recording.file.is_some())))).collect()
    }),
    metric!(Counter "rsu_recording_messages", "Messages written", |s| {
        recording(s, |recording| recording.messages as f64)
    }),
    metric!(Counter "rsu_recording_written_bytes", "Bytes on the disk", |s| {
        recording(s, |recording| recording.bytes as f64)
    }),
    metric!(Counter "rsu_recording_dropped", "What passed and was not kept", |s| {
        recording(s, |recording| recording.dropped as f64)
    }),
    metric!(Counter "rsu_recording_failures", "Times that the disk refused", |s| {
        recording(s, |recording| recording.failures as f64)
    }),
    metric!(Gauge "rsu_recording_waiting", "What waits to be written", |s| {
        recording(s, |recording| recording.waiting as f64)
    }),
    metric!(Counter "rsu_road_events_turned_away", "Events and signs that were turned away or gave way to more urgent ones: no room, or too long", |s| {
        vec![(vec![], s.now.station.road_events_turned_away as f64)]
    }),
    metric!(Counter "rsu_road_events_left_out", "Events and signs that found no room in the messages of a slot", |s| {
        vec![(vec![], s.now.station.road_events_left_out as f64)]
    }),
    metric!(Counter "rsu_requests", "Requests of vehicles (VIR) by what became of them: taken up; not of this unit or not answered here; no room; came to be granted, refused as somebody is in the way, for want of sight, or for another reason", |s| {
        let of = s.now.station.answers;
        let counts = [
            ("taken_up", of.taken_up),
            ("not_served", of.not_served),
            ("turned_away", of.turned_away),
            ("granted", of.granted),
            ("refused", of.refused),
            ("unseen", of.unseen),
            ("impossible", of.impossible),
        ];
        counts.map(|(outcome, count)| (vec![("outcome", outcome.to_owned())], count as f64)).to_vec()
    }),
    metric!(Counter "rsu_requests_made_room", "Times that a vehicle was asked to slow down for one that asked for its lane", |s| {
        vec![(vec![], s.now.station.answers.made_room as f64)]
    }),
    metric!(Counter "rsu_requests_left_out", "Road users that vehicles asked after and that found no room in an answer, slot by slot", |s| {
        vec![(vec![], s.now.station.answers.left_out as f64)]
    }),
    metric!(Gauge "rsu_orders_standing", "Events and signs that stand by the word of people and platforms", |s| {
        vec![(vec![], s.now.orders.standing as f64)]
    }),
    metric!(Counter "rsu_orders", "Orders of people and platforms, by outcome: done, refused, turned away because too many waited", |s| {
        let orders = &s.now.orders;
        let counts = [("done", orders.done), ("refused", orders.refused), ("turned_away", orders.turned_away)];
        counts.map(|(outcome, count)| (vec![("outcome", outcome.to_owned())], count as f64)).to_vec()
    }),
    metric!(Counter "rsu_orders_journal_failures", "Times that the disk refused to keep orders", |s| {
        vec![(vec![], s.now.orders.journal_failures as f64)]
    }),
    metric!(Counter "rsu_orders_journal_damaged", "Lines of the journal that were damaged and passed over", |s| {
        vec![(vec![], s.now.orders.journal_damaged as f64)]
    }),
    metric!(Counter "rsu_orders_journal_cut_bytes", "Bytes of a line of the journal that was never finished and was cut off", |s| {
        vec![(vec![], s.now.orders.journal_cut as f64)]
    }),
    metric!(Counter "rsu_cloud_messages", "Messages of the platform, by outcome: taken, too fast, kept by the broker from an earlier time", |s| {
        let cloud = s.now.cloud.iter();
        cloud.flat_map(|cloud| {
            let counts = [("taken", cloud.messages), ("too_fast", cloud.too_fast), ("retained", cloud.retained)];
            counts.map(|(outcome, count)| (vec![("outcome", outcome.to_owned())], count as f64))
        }).collect()
    }),
    metric!(Counter "rsu_cloud_faults", "Entries and messages of the platform that were refused", |s| {
        s.now.cloud.iter().map(|cloud| (vec![], cloud.faults as f64)).collect()
    }),
    metric!(Counter "rsu_cloud_warnings", "Warnings for the platform, by outcome: sent, or lost as too much waited", |s| {
        let cloud = s.now.cloud.iter();
        cloud.flat_map(|cloud| {
            let counts = [("sent", cloud.warned), ("lost", cloud.unwarned)];
            counts.map(|(outcome, count)| (vec![("outcome", outcome.to_owned())], count as f64))
        }).collect()
    }),
    metric!(Gauge "rsu_cloud_up", "1 while the platform's broker listens to us; absent where there is none", |s| {
        s.now.cloud.iter().map(|cloud| (vec![], f64::from(u8::from(cloud.connected)))).collect()
    }),
    metric!(Counter "rsu_pcap_frames", "Frames written to the file of `--pcap`; absent without one", |s| {
        let tally = s.shared.pcap.iter();
        tally.map(|tally| (vec![], tally.frames.load(Ordering::Relaxed) as f64)).collect()
    }),
    metric!(Counter "rsu_pcap_dropped", "Frames that were not: the disk was too slow or refused, or the file is as long as it may be", |s| {
        let tally = s.shared.pcap.iter().zip(&s.shared.watchers.frames);
        tally.map(|(tally, tap)| {
            let dropped = tally.unwritten.load(Ordering::Relaxed) + tap.lost();
            (vec![], dropped as f64)
        }).collect()
    }),
    metric!(Gauge "rsu_console_connections", "Connections to the console", |s| {
        vec![(vec![], s.page.door.inside.load(Ordering::Relaxed) as f64)]
    }),
    metric!(Counter "rsu_console_turned_away", "Connections that were ended for others, having asked for nothing, or found no room", |s| {
        vec![(vec![], s.page.door.turned_away.load(Ordering::Relaxed) as f64)]
    }),
    metric!(Gauge "rsu_console_readers", "Pages that are open and listen", |s| {
        vec![(vec![], s.page.readers() as f64)]
    }),
    metric!(Counter "rsu_console_skipped", "Pieces of news that readers were too slow for", |s| {
        vec![(vec![], s.page.skipped.load(Ordering::Relaxed) as f64)]
    }),
];

fn kind(kind: FrameKind) -> Labels {
    vec![("kind", kind.name().to_owned())]
}

fn by_kind(counts: &[u64; FrameKind::ALL.len()]) -> Vec<Sample> {
    let kinds = FrameKind::ALL.into_iter().zip(counts);
    kinds.map(|(k, count)| (kind(k), *count as f64)).collect()
}

fn input(name: &str) -> Labels {
    vec![("input", name.to_owned())]
}

fn labelled(name: &str, label: &'static str, value: &str) -> Labels {
    vec![("input", name.to_owned()), (label, value.to_owned())]
}

fn by_input(s: &Source<'_>, read: fn(&crate::daemon::InputSnapshot) -> f64) -> Vec<Sample> {
    let inputs = s.now.inputs.iter();
    inputs.map(|i| (input(&i.name), read(i))).collect()
}

/// Inputs that are sensors.
fn sensors<'s>(s: &'s Source<'_>) -> impl Iterator<Item = (&'s str, Health)> {
    let inputs = s.now.inputs.iter();
    inputs.filter_map(|i| Some((i.name.as_str(), i.sensor?)))
}

fn by_sensor(s: &Source<'_>, read: fn(&Health) -> f64) -> Vec<Sample> {
    let rows = sensors(s).map(|(name, health)| (input(name), read(&health)));
    rows.collect()
}

fn by_target(s: &Source<'_>, read: fn(&crate::daemon::RadioSnapshot) -> f64) -> Vec<Sample> {
    let targets = s.now.radio.iter();
    targets
        .map(|radio| (vec![("target", radio.target.clone())], read(radio)))
        .collect()
}

fn by_tally(
    s: &Source<'_>,
    read: fn(&crate::inputs::Counts) -> &[(&'static str, u64)],
) -> Vec<Sample> {
    let inputs = s.now.inputs.iter();
    let rows = inputs.flat_map(|i| {
        let tally = read(&i.counts).iter();
        tally.map(|(kind, count)| (labelled(&i.name, "kind", kind), *count as f64))
    });
    rows.collect()
}

fn recording(s: &Source<'_>, read: fn(&crate::daemon::RecordingSnapshot) -> f64) -> Vec<Sample> {
    let recording = s.now.recording.iter();
    recording
        .map(|recording| (vec![], read(recording)))
        .collect()
}

/// Reads everything anew at each scrape.
struct Scrape {
    shared: Arc<Shared>,
    page: Arc<Page>,
}

impl fmt::Debug for Scrape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scrape")
    }
}

impl Collector for Scrape {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let source = Source {
            shared: &self.shared,
            page: &self.page,
            now: self.shared.snapshot(),
        };
        for metric in METRICS {
            let (_, kind) = metric.kind();
            let mut family = encoder.encode_descriptor(metric.name, metric.help, None, kind)?;
            match metric.read {
                Read::Counter(read) => {
                    for (labels, value) in read(&source) {
                        let value = ConstCounter::new(value);
                        with_labels(&mut family, &labels, |encoder| value.encode(encoder))?;
                    }
                }
                Read::Gauge(read) => {
                    for (labels, value) in read(&source) {
                        let value = ConstGauge::new(value);
                        with_labels(&mut family, &labels, |encoder| value.encode(encoder))?;
                    }
                }
                Read::Histogram(read) => {
                    for (labels, latency) in read(&source) {
                        with_labels(&mut family, &labels, |encoder| histogram(encoder, latency))?;
                    }
                }
                Read::Errors(read) => {
                    for (labels, errors) in read(&source) {
                        with_labels(&mut family, &labels, |encoder| spread(encoder, &errors))?;
                    }
                }
            }
        }
        Ok(())
    }
}

fn with_labels(
    family: &mut MetricEncoder<'_>,
    labels: &Labels,
    encode: impl FnOnce(MetricEncoder<'_>) -> fmt::Result,
) -> fmt::Result {
    let labels = labels.as_slice();
    encode(family.encode_family(&labels)?)
}

fn histogram(mut encoder: MetricEncoder<'_>, latency: &Latency) -> fmt::Result {
    let told = latency.histogram(BOUNDS);
    let bounds = BOUNDS.iter().map(Duration::as_secs_f64);
    let mut buckets: Vec<(f64, u64)> = bounds.zip(told.within).collect();
    buckets.push((f64::INFINITY, told.beyond));
    let count = buckets.iter().map(|(_, count)| count).sum();
    encoder.encode_histogram::<NoLabelSet>(told.sum.as_secs_f64(), count, &buckets, None)
}

fn spread(mut encoder: MetricEncoder<'_>, errors: &Errors) -> fmt::Result {
    let mut buckets: Vec<(f64, u64)> = BOUNDS_S.into_iter().zip(errors.within).collect();
    buckets.push((f64::INFINITY, errors.beyond));
    let count = buckets.iter().map(|(_, count)| count).sum();
    encoder.encode_histogram::<NoLabelSet>(errors.sum_s, count, &buckets, None)
}

/// The registry with all of them.
pub(super) fn registry(shared: Arc<Shared>, page: Arc<Page>) -> Registry {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Scrape { shared, page }));
    registry
}

/// `docs/metrics.md`.
#[cfg(test)]
pub(super) fn document() -> String {
    let mut text = String::from(
        "# Metrics\n\n`GET /metrics` of the console (`[console] listen` in the configuration), in \
         OpenMetrics text. Counters\nare since the start of the unit; `_total` is part of their \
         names. This file is made of the table in\n`rsu/src/daemon/console/metrics.rs`: \
         `RENEW=1 cargo test -p rsu --lib metrics` writes it anew.\n\n| name | kind | what |\n\
         |---|---|---|\n",
    );
    for metric in METRICS {
        let (kind, _) = metric.kind();
        let total = if kind == "counter" { "_total" } else { "" };
        text += &format!("| `{}{total}` | {kind} | {} |\n", metric.name, metric.help);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_is_what_is_exported() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/metrics.md");
        if std::env::var_os("RENEW").is_some() {
            std::fs::write(path, document()).unwrap();
        }
        assert_eq!(std::fs::read_to_string(path).unwrap(), document());
    }

    /// Whether a series of that name is exported.
    fn is_exported(series: &str) -> bool {
        METRICS.iter().any(|metric| match metric.read {
            Read::Gauge(_) => series == metric.name,
            Read::Counter(_) => series.strip_suffix("_total") == Some(metric.name),
            Read::Histogram(_) | Read::Errors(_) => ["_bucket", "_sum", "_count"]
                .iter()
                .any(|end| series.strip_suffix(end) == Some(metric.name)),
        })
    }

    #[test]
    fn the_dashboard_asks_for_what_is_exported() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/grafana/rsu.json");
        let text = std::fs::read_to_string(path).unwrap();
        let dashboard: serde_json::Value = serde_json::from_str(&text).unwrap();
        let panels = dashboard["panels"].as_array().unwrap().iter();
        let targets = panels.flat_map(|panel| panel["targets"].as_array().into_iter().flatten());
        let mut asked = String::new();
        for target in targets {
            asked += target["expr"].as_str().unwrap();
            asked.push(' ');
        }
        let words = asked.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let series: Vec<&str> = words.filter(|word| word.starts_with("rsu_")).collect();
        assert!(series.len() > 30, "{series:?}");
        for name in series {
            assert!(is_exported(name), "{name} is not exported");
        }
        assert!(text.contains("label_values(rsu_build_info, instance)"));
    }

    #[test]
    fn names_are_unique_and_carry_their_unit() {
        let mut names: Vec<&str> = METRICS.iter().map(|metric| metric.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), METRICS.len());
        for metric in METRICS {
            if matches!(metric.read, Read::Histogram(_) | Read::Errors(_)) {
                assert!(metric.name.ends_with("_seconds"), "{}", metric.name);
            }
        }
    }
}
