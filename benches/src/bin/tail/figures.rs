//! Percentiles, and how they are shown.

use std::fmt;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

/// Durations, and how many that were waited for never came to be.
pub(crate) struct Samples {
    nanos: Histogram<u64>,
    missing: u64,
}

impl Samples {
    /// One more; None if it never came.
    pub(crate) fn note(&mut self, span: Option<Duration>) {
        match span {
            Some(span) => {
                let nanos = u64::try_from(span.as_nanos()).unwrap_or(LONGEST_NS);
                self.nanos.saturating_record(nanos);
            }
            None => self.missing += 1,
        }
    }
}

impl Default for Samples {
    fn default() -> Self {
        let nanos = Histogram::new_with_bounds(1, LONGEST_NS, 3);
        Self {
            nanos: nanos.expect("these bounds are possible"),
            missing: 0,
        }
    }
}

/// A minute; what takes longer counts as that.
const LONGEST_NS: u64 = 60_000_000_000;

/// What is to be reached.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct Target {
    what: Quantile,
    at_most_ms: f64,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Quantile {
    P99,
    #[serde(rename = "p99.9")]
    P999,
    Max,
}

impl Target {
    pub(crate) fn p99(at_most_ms: f64) -> Self {
        let what = Quantile::P99;
        Self { what, at_most_ms }
    }

    pub(crate) fn p99_9(at_most_ms: f64) -> Self {
        let what = Quantile::P999;
        Self { what, at_most_ms }
    }

    pub(crate) fn max(at_most_ms: f64) -> Self {
        let what = Quantile::Max;
        Self { what, at_most_ms }
    }
}

/// Percentiles of one thing; None where there is no sample.
#[derive(Serialize)]
pub(crate) struct Figure {
    samples: u64,
    missing: u64,
    p50_ms: Option<f64>,
    p99_ms: Option<f64>,
    p99_9_ms: Option<f64>,
    max_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<Target>,
    /// With none missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    reached: Option<bool>,
}

impl Figure {
    pub(crate) fn new(samples: &Samples, target: Option<Target>) -> Self {
        let nanos = &samples.nanos;
        let ms = |nanos: u64| nanos as f64 / 1e6;
        let at = |quantile| (!nanos.is_empty()).then(|| ms(nanos.value_at_quantile(quantile)));
        let mut figure = Self {
            samples: nanos.len(),
            missing: samples.missing,
            p50_ms: at(0.5),
            p99_ms: at(0.99),
            p99_9_ms: at(0.999),
            max_ms: at(1.0),
            target,
            reached: None,
        };
        figure.reached = target.map(|target| {
            let value = match target.what {
                Quantile::P99 => figure.p99_ms,
                Quantile::P999 => figure.p99_9_ms,
                Quantile::Max => figure.max_ms,
            };
            figure.missing == 0 && value.is_some_and(|value| value <= target.at_most_ms)
        });
        figure
    }
}

/// All that is timed in a run.
#[derive(Serialize)]
pub(crate) struct Figures {
    pub(crate) controller_to_spat: Figure,
    pub(crate) controller_to_spat_at_socket: Figure,
    pub(crate) radar_to_rsm: Figure,
    pub(crate) radar_to_rsm_at_socket: Figure,
    pub(crate) spat_grid_lateness: Figure,
    pub(crate) spat_grid_lateness_at_socket: Figure,
    pub(crate) first_lamps_to_spat: Figure,
    pub(crate) start_to_spat: Figure,
    pub(crate) own_wake_up: Figure,
}

impl Figures {
    fn all(&self) -> [(&'static str, &Figure); 9] {
        [
            ("controller -> SPAT received", &self.controller_to_spat),
            (
                "controller -> SPAT at socket",
                &self.controller_to_spat_at_socket,
            ),
            ("radar burst -> RSMs received", &self.radar_to_rsm),
            (
                "radar burst -> RSMs at socket",
                &self.radar_to_rsm_at_socket,
            ),
            ("SPAT grid, late, received", &self.spat_grid_lateness),
            (
                "SPAT grid, late, at socket",
                &self.spat_grid_lateness_at_socket,
            ),
            ("first lamps -> first SPAT", &self.first_lamps_to_spat),
            ("process start -> first SPAT", &self.start_to_spat),
            ("our own wake-up", &self.own_wake_up),
        ]
    }
}

/// Resident memory of the daemon.
#[derive(Serialize)]
pub(crate) struct Memory {
    /// The most that was seen while it was measured.
    rss_kib: u64,
    /// The most ever.
    peak_kib: u64,
    at_most_mb: f64,
    reached: bool,
}

impl Memory {
    pub(crate) fn new(rss_kib: u64, peak_kib: u64) -> Self {
        Self {
            rss_kib,
            peak_kib,
            at_most_mb: MOST_MB,
            reached: megabytes(peak_kib) <= MOST_MB,
        }
    }
}

fn megabytes(kib: u64) -> f64 {
    kib as f64 * 1024.0 / 1e6
}

const MOST_MB: f64 = 30.0;

/// What the processors did while it was measured, in percent of one of them.
#[derive(Serialize)]
pub(crate) struct Busy {
    pub(crate) daemon: f64,
    /// This program, with the threads that keep cores busy.
    pub(crate) tail: f64,
    /// Whatever else ran here: well above zero, the figures are not those of a quiet machine.
    pub(crate) others: f64,
    /// What the host of a virtual machine kept for itself.
    pub(crate) stolen: f64,
}

/// Frames that were received while it was measured.
#[derive(Default, Serialize)]
pub(crate) struct Frames {
    pub(crate) spat: u64,
    pub(crate) rsm: u64,
    pub(crate) other: u64,
    /// Gaps in the counts of SPAT, RSM and MAP.
    pub(crate) lost: u64,
}

/// Sets of RSMs, one a slot.
#[derive(Default, Serialize)]
pub(crate) struct Sets {
    pub(crate) all: u64,
    /// With fewer cars than there are.
    pub(crate) short: u64,
    /// With more.
    pub(crate) long: u64,
    /// That do not show on which burst they rest.
    pub(crate) unclear: u64,
    /// Bursts that this program sent late, and those after them: no radar does that, and what came
    /// of them is not among the samples.
    pub(crate) spoilt_bursts: u64,
}

/// One run.
#[derive(Serialize)]
pub(crate) struct Run {
    pub(crate) setting: String,
    pub(crate) realtime: bool,
    pub(crate) loaded: bool,
    /// Of the minute before.
    pub(crate) load_average: f64,
    /// Our own threads that stand for devices and vehicles run in real time too.
    pub(crate) devices_realtime: bool,
    /// What the system refused the daemon.
    pub(crate) refused: Vec<String>,
    pub(crate) figures: Figures,
    pub(crate) memory: Memory,
    pub(crate) busy_percent: Busy,
    pub(crate) frames: Frames,
    pub(crate) sets: Sets,
    /// How long it took RSM to come into step with the radar; None if it never did.
    pub(crate) radar_followed_after_ms: Option<f64>,
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} (load average before: {:.2})",
            self.setting, self.load_average
        )?;
        writeln!(
            f,
            "  {:<30} {:>7} {:>7} {:>9} {:>9} {:>9} {:>9}",
            "ms", "samples", "missing", "p50", "p99", "p99.9", "max"
        )?;
        for (name, figure) in self.figures.all() {
            write!(
                f,
                "  {name:<30} {:>7} {:>7}",
                figure.samples, figure.missing
            )?;
            for value in [figure.p50_ms, figure.p99_ms, figure.p99_9_ms, figure.max_ms] {
                match value {
                    Some(value) => write!(f, " {value:>9.3}")?,
                    None => write!(f, " {:>9}", "-")?,
                }
            }
            if let (Some(target), Some(reached)) = (figure.target, figure.reached) {
                let what = match target.what {
                    Quantile::P99 => "p99",
                    Quantile::P999 => "p99.9",
                    Quantile::Max => "max",
                };
                let limit = target.at_most_ms;
                write!(f, "  {what} <= {limit} ms {}", verdict(reached))?;
            }
            writeln!(f)?;
        }
        let Memory {
            rss_kib,
            peak_kib,
            at_most_mb,
            reached,
        } = self.memory;
        let (rss, peak) = (megabytes(rss_kib), megabytes(peak_kib));
        let reached = verdict(reached);
        writeln!(
            f,
            "  memory {rss:.1} MB, at most {peak:.1} MB (<= {at_most_mb} MB {reached})"
        )?;
        let Busy {
            daemon,
            tail,
            others,
            stolen,
        } = self.busy_percent;
        writeln!(
            f,
            "  processor, % of one: daemon {daemon:.1}, tail {tail:.1}, others {others:.1}, stolen {stolen:.1}"
        )?;
        let Frames {
            spat,
            rsm,
            other,
            lost,
        } = self.frames;
        writeln!(
            f,
            "  frames: {spat} SPAT, {rsm} RSM, {other} other, {lost} lost"
        )?;
        let Sets {
            all,
            short,
            long,
            unclear,
            spoilt_bursts,
        } = self.sets;
        let followed = match self.radar_followed_after_ms {
            Some(ms) => format!("in step with the radar after {:.1} s", ms / 1e3),
            None => "never in step with the radar".to_owned(),
        };
        writeln!(
            f,
            "  RSM sets: {all}, {short} with too few cars, {long} with too many, {unclear} unclear; {followed}; {spoilt_bursts} bursts spoilt"
        )?;
        if self.realtime && !self.devices_realtime {
            writeln!(
                f,
                "  refused: real-time scheduling of the simulated devices"
            )?;
        }
        for refused in &self.refused {
            writeln!(f, "  refused: {refused}")?;
        }
        Ok(())
    }
}

fn verdict(reached: bool) -> &'static str {
    if reached { "reached" } else { "NOT REACHED" }
}

/// All runs.
#[derive(Serialize)]
pub(crate) struct Report {
    /// Of each run.
    seconds: u64,
    cores: usize,
    pub(crate) runs: Vec<Run>,
}

impl Report {
    pub(crate) fn new(seconds: u64) -> Self {
        Self {
            seconds,
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            runs: Vec::new(),
        }
    }

    /// Whether all targets are reached.
    pub(crate) fn reaches_its_targets(&self) -> bool {
        self.runs.iter().all(|run| {
            let mut figures = run.figures.all().into_iter();
            run.memory.reached && figures.all(|(_, figure)| figure.reached != Some(false))
        })
    }
}
