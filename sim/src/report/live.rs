//! What only a run in real time has, for the report: how long the daemon took, what it dropped, and how far the
//! machine fell behind.
//!
//! Of virtual time there is none: the unit takes no time there. All of it measures the machine too, so two runs
//! of a seed differ in it.

use std::fmt::Write;
use std::time::Duration;

use rsu::daemon::Percentiles;
use serde::Serialize;

use super::unit::Count;
use crate::live::summary::drops;
use crate::run::LiveRun;

/// What a daemon measured of itself, and the machine it ran on.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Live {
    /// So long simulated time stood still, as the machine did not keep up.
    pub fell_behind_s: f64,
    /// Criteria of the scenario that only virtual time has.
    pub left_out: Vec<&'static str>,
    /// Parts of the way from bytes in to frames out.
    pub latency: Vec<Latency>,
    /// What was dropped on it.
    pub dropped: Vec<Count>,
}

/// How long one part takes.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Latency {
    /// Which.
    pub what: &'static str,
    /// How often.
    pub count: u64,
    /// Half took at most this.
    pub p50_s: f64,
    /// 99 of 100.
    pub p99_s: f64,
    /// 999 of 1000.
    pub p999_s: f64,
    /// The longest.
    pub max_s: f64,
}

impl Live {
    /// What was measured.
    pub fn of(run: &LiveRun) -> Self {
        let path = &run.daemon.latency;
        let parts = [
            ("from bytes in to the heart", &path.to_heart),
            ("the heart's work on one wake-up", &path.work),
            ("the heart woke later than due", &path.lateness),
            (
                "from bytes in to the frame that they set off",
                &path.reaction,
            ),
            ("newest input of all frames", &path.age),
        ];
        let dropped = drops(&run.daemon).into_iter();
        Self {
            fell_behind_s: run.slipped.as_secs_f64(),
            left_out: run.left_out.clone(),
            latency: parts.map(|(what, part)| latency(what, part)).into(),
            dropped: dropped.map(|(what, count)| Count { what, count }).collect(),
        }
    }

    /// As a section of the page.
    pub(crate) fn write(&self, page: &mut String) {
        let _ = write!(
            page,
            "<section><h2>In real time</h2><p class='fine'>Against a daemon on sockets. Simulated time fell \
             {:.1} s behind. The daemon's own figures since its start.</p>\
             <table><tr><th>time<th>count<th>p50<th>p99<th>p99.9<th>max</tr>",
            self.fell_behind_s
        );
        for one in &self.latency {
            let ms = |value_s: f64| format!("{:.2} ms", value_s * 1e3);
            let _ = write!(
                page,
                "<tr><td>{}<td class='n'>{}<td class='n'>{}<td class='n'>{}<td class='n'>{}<td class='n'>{}</tr>",
                one.what,
                one.count,
                ms(one.p50_s),
                ms(one.p99_s),
                ms(one.p999_s),
                ms(one.max_s)
            );
        }
        page.push_str("</table><table><tr><th>dropped<th>times</tr>");
        for one in &self.dropped {
            let _ = write!(page, "<tr><td>{}<td class='n'>{}</tr>", one.what, one.count);
        }
        page.push_str("</table>");
        if !self.left_out.is_empty() {
            let _ = write!(
                page,
                "<p class='fine'>Judged in virtual time alone: {}.</p>",
                self.left_out.join(", ")
            );
        }
        page.push_str("</section>");
    }
}

fn latency(what: &'static str, part: &Percentiles) -> Latency {
    let [p50_s, p99_s, p999_s, max_s] =
        [part.p50, part.p99, part.p999, part.max].map(|span: Duration| span.as_secs_f64());
    Latency {
        what,
        count: part.count,
        p50_s,
        p99_s,
        p999_s,
        max_s,
    }
}
