//! What was heard in one second, in a line that a person can follow; and what the daemon measured of itself,
//! in two.

use std::fmt;
use std::time::Duration;

use rsu::daemon::{InputSnapshot, Percentiles, Snapshot};
use v2x_msg::access::Aid;

use crate::judge::Judge;
use crate::judge::objects::ObjectScore;
use crate::judge::samples::Samples;
use crate::judge::signals::SignalScore;

/// One second of a demonstration.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Since the start.
    pub at: Duration,
    /// Frames of SPAT, RSM, MAP and RSI.
    pub frames: [u64; 4],
    /// Road users on the road and entries shown, in the last picture.
    pub present: usize,
    /// See `present`.
    pub shown: usize,
    /// Median and 95th percentile of the distance from a road user to where it is shown.
    pub position_m: Option<(f64, f64)>,
    /// Share of expected road users that are shown; None if nobody is expected.
    pub found: Option<f64>,
    /// Phases looked at, and of these those in the right colour.
    pub phases: u64,
    /// See `phases`.
    pub right: u64,
    /// Largest error of the end of a running state.
    pub end_error_s: Option<f64>,
    /// Median age of what SPAT says of the lamps, when it arrives.
    pub spat_age_s: Option<f64>,
    /// Median and largest age of what RSM says.
    pub rsm_age_s: Option<(f64, f64)>,
    /// Frames that could not be decoded, or were lost.
    pub broken: u64,
    /// Frames of devices that the daemon rejected or displaced, since the start.
    pub rejected: u64,
    /// Radar cycles and messages of cameras that the daemon did not take, since the start.
    pub dropped: u64,
    /// Vehicles with radios on the road, and what units have heard of them; None where there are none.
    pub radios: Option<(usize, u64)>,
    /// How far simulated time has fallen behind, since the start.
    pub slipped: Duration,
}

impl Summary {
    /// What the judges of all junctions have found since this was called last; they start anew.
    pub fn take<'a>(judges: impl Iterator<Item = &'a mut Judge>) -> Self {
        let mut all = Self::default();
        let mut signals = SignalScore::default();
        let mut objects = ObjectScore::default();
        for judge in judges {
            let traffic = &mut judge.traffic;
            for (sum, aids) in all.frames.iter_mut().zip(KINDS) {
                *sum += aids.iter().map(|aid| traffic.frames(*aid)).sum::<u64>();
            }
            all.broken += traffic.undecoded + traffic.lost;
            traffic.begin_anew();
            let one = std::mem::take(&mut judge.signals);
            signals.phases += one.phases;
            signals.right += one.right;
            signals.end_error_s.add_all(&one.end_error_s);
            signals.age_s.add_all(&one.age_s);
            let one = std::mem::take(&mut judge.objects.score);
            objects.expected += one.expected;
            objects.missed += one.missed;
            objects.position_m.add_all(&one.position_m);
            objects.age_s.add_all(&one.age_s);
            if let Some(last) = &one.last {
                all.present += last.bodies.len();
                all.shown += last.shown.len();
            }
        }
        let two =
            |samples: &Samples, share| Some((samples.quantile(0.5)?, samples.quantile(share)?));
        Self {
            position_m: two(&objects.position_m, 0.95),
            found: (objects.expected > 0)
                .then(|| 1.0 - objects.missed as f64 / objects.expected as f64),
            phases: signals.phases,
            right: signals.right,
            end_error_s: signals.end_error_s.quantile(1.0),
            spat_age_s: signals.age_s.quantile(0.5),
            rsm_age_s: two(&objects.age_s, 1.0),
            ..all
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [spat, rsm, map, rsi] = self.frames;
        write!(
            f,
            "{:>4} s  SPAT {spat:>2} RSM {rsm:>2} MAP {map} RSI {rsi:>2} /s",
            self.at.as_secs()
        )?;
        write!(f, " | road {:>2}, shown {:>2}", self.present, self.shown)?;
        if let Some((p50, p95)) = self.position_m {
            write!(f, ", off {p50:.2} m (95 %: {p95:.2})")?;
        }
        if let Some(found) = self.found {
            write!(f, ", found {:.1} %", found * 100.0)?;
        }
        write!(f, " | colours {}/{}", self.right, self.phases)?;
        if let Some(error_s) = self.end_error_s {
            write!(f, ", ends within {error_s:.2} s")?;
        }
        if let Some(age_s) = self.spat_age_s {
            write!(f, " | age SPAT {:.0} ms", age_s * 1e3)?;
        }
        if let Some((p50, max)) = self.rsm_age_s {
            write!(f, " RSM {:.1} ms (max {:.1})", p50 * 1e3, max * 1e3)?;
        }
        if let Some((radios, heard)) = self.radios {
            write!(
                f,
                " | {radios} vehicles with radios, {heard} words of theirs heard"
            )?;
        }
        write!(f, " | lost {} rejected {}", self.broken, self.rejected)?;
        if self.dropped > 0 {
            write!(f, " not taken {}", self.dropped)?;
        }
        if self.slipped > Duration::ZERO {
            write!(
                f,
                " | this machine is {:.1} s behind: simulated time goes slower",
                self.slipped.as_secs_f64()
            )?;
        }
        Ok(())
    }
}

/// What is counted of each kind: SPAT, RSM, MAP and RSI.
const KINDS: [&[Aid]; 4] = [
    &[Aid::Spat],
    &[Aid::Rsm],
    &[Aid::Map],
    &[Aid::RsiStatic, Aid::RsiSemiStatic, Aid::RsiDynamic],
];

/// What a daemon measured of itself since its start: how long it took, and what it dropped.
pub fn measured(unit: &Snapshot) -> String {
    let path = &unit.latency;
    let dropped = drops(unit).map(|(what, count)| format!("{count} {what}"));
    format!(
        "from bytes in to the frame that they set off: {}; newest input of all frames: {}\ndropped: {}",
        spans(&path.reaction),
        spans(&path.age),
        dropped.join(", ")
    )
}

/// What a daemon dropped since its start, nought as nought.
pub fn drops(unit: &Snapshot) -> [(&'static str, u64); 7] {
    let inputs = |pick: fn(&InputSnapshot) -> u64| unit.inputs.iter().map(pick).sum::<u64>();
    [
        ("slots", unit.station.missed.iter().sum::<u64>()),
        (
            "reports before the station",
            inputs(|input| input.displaced),
        ),
        (
            "reads before a decoder",
            inputs(|input| input.foreign + input.overlong + input.retained),
        ),
        ("by fusion", dropped_by_fusion(unit)),
        (
            "road users left out of messages",
            unit.station.tracks_left_out,
        ),
        (
            "events left out of messages",
            unit.station.road_events_left_out,
        ),
        (
            "frames not sent",
            unit.radio.iter().map(|radio| radio.lost).sum::<u64>(),
        ),
    ]
}

/// What fusion refused or gave up; echoes are no loss.
fn dropped_by_fusion(unit: &Snapshot) -> u64 {
    let refused = unit.station.fusion.refused().into_iter();
    let lost = refused.filter(|(kind, _)| *kind != "echo");
    lost.map(|(_, count)| count).sum()
}

fn spans(of: &Percentiles) -> String {
    if of.count == 0 {
        return "none".to_owned();
    }
    let ms = |span: Duration| span.as_secs_f64() * 1e3;
    format!(
        "p50 {:.2}, p99 {:.2}, max {:.2} ms ({})",
        ms(of.p50),
        ms(of.p99),
        ms(of.max),
        of.count
    )
}
