//! `sim demo` and `sim run --live`: a scenario in real time, told to whoever sits at the terminal.
//!
//! Not here: what is played and judged ([`crate::live`]).

use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::Args;

use crate::command::Moved;
use crate::judge::verdict;
use crate::live::bench::Judged;
use crate::live::outcome::Ended;
use crate::live::play::Play;
use crate::live::summary::measured;
use crate::live::wishes::{Pages, Wishes};
use crate::live::{Heard, Live, News};
use crate::network;
use crate::report;
use crate::settings::{Settings, settings};
use crate::sumo::Mover;

/// What is asked of a demonstration.
#[derive(Args)]
pub(crate) struct Demo {
    /// Which scenario: its name, or a file.
    #[arg(default_value = "moyu-boyuan")]
    scenario: String,
    /// Chance.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Set keys of the scenario, such as signals.gap-s=4,demand.*.vehicles-per-hour=600.
    #[arg(long, value_name = "KEY=VALUE", value_parser = settings)]
    set: Vec<Settings>,
    /// End after so many seconds.
    #[arg(long, value_name = "S")]
    duration: Option<u32>,
    /// Print one line a second and show no page.
    #[arg(long)]
    headless: bool,
    /// Send the frames there as well, such as 127.0.0.1:4900 for `v2x listen`.
    #[arg(long, value_name = "ADDRESS")]
    also_to: Vec<SocketAddr>,
    /// Where the unit's page is; by default port 8380 of this machine, or a free one. Those of further
    /// junctions are at the ports behind it.
    #[arg(long, value_name = "ADDRESS", conflicts_with = "headless")]
    console: Option<SocketAddr>,
    /// Keep all that a unit hears and says in this folder, for `rsu replay`; of several junctions each has
    /// one within.
    #[arg(long, value_name = "DIR")]
    record: Option<PathBuf>,
    /// Let who knows the word in this file order events, and begin, end and play recordings, over HTTP. What
    /// is ordered is kept beside it.
    #[arg(long, value_name = "FILE", conflicts_with = "headless")]
    token_file: Option<PathBuf>,
    #[command(flatten)]
    world: Moved,
}

/// Goes on until somebody ends it. Exit 1 if a kind of message never came, or if it came to a verdict and a
/// criterion fails.
pub(crate) fn demo(wanted: &Demo) -> Result<ExitCode> {
    let set = wanted.set.iter();
    let set: Vec<_> = set.flat_map(|Settings(keys)| keys.clone()).collect();
    let usual = SocketAddr::from((Ipv4Addr::LOCALHOST, PAGE));
    let wishes = Wishes {
        mover: wanted.world.mover(),
        seed: wanted.seed,
        duration: wanted.duration.map(|s| Duration::from_secs(u64::from(s))),
        also_to: wanted.also_to.clone(),
        pages: match wanted.console {
            _ if wanted.headless => Pages::No,
            Some(address) => Pages::At(address),
            None => Pages::From(usual),
        },
        record: wanted.record.clone(),
        token: wanted.token_file.clone(),
        ended: None,
    };
    let (heard, early) = play(&Play::find_with(&wanted.scenario, &set)?, wishes)?;
    let judged = heard.judged.as_ref().filter(|judged| judged.is_whole());
    let well = heard.everything() && judged.is_none_or(Judged::passes);
    // Who ends it early has heard enough.
    Ok(ExitCode::from(u8::from(!early && !well)))
}

/// As long as in virtual time, or for `duration`, with its report in a folder. Exit 1 if a criterion fails, as
/// there.
pub(crate) fn run(
    name: &str,
    set: &[(String, String)],
    mover: Mover,
    seed: u64,
    duration: Option<Duration>,
    report: Option<&Path>,
) -> Result<ExitCode> {
    let scenario = Play::find_with(name, set)?;
    let wishes = Wishes {
        mover,
        seed,
        duration: Some(duration.unwrap_or(scenario.duration())),
        ..Wishes::default()
    };
    let (heard, early) = play(&scenario, wishes)?;
    let well = heard.judged.as_ref().is_some_and(Judged::passes);
    if let (Some(folder), Some(ended)) = (report, Ended::of(&scenario, heard, seed)) {
        match ended {
            Ended::One(outcome) => report::write(&outcome, folder)?,
            Ended::Several(outcome) => network::report::write(&outcome, folder)?,
        }
        println!("{}", folder.join("report.html").display());
    }
    Ok(ExitCode::from(u8::from(early || !well)))
}

/// Plays it, tells all that there is to tell, and says whether somebody ended it early.
fn play(play: &Play, wishes: Wishes) -> Result<(Heard, bool)> {
    // What is wrong with a daemon's files is told by its log.
    rsu::daemon::log_to_stderr(rsu::daemon::Level::Error);
    let wishes = Wishes {
        // What is recorded and played is to be closed in order too.
        ended: Some(rsu::daemon::on_signal()?),
        ..wishes
    };
    let live = Live::start(play, &wishes)?;
    introduce(play, &live, wishes.seed);
    let expected_to_fail = play.expected_to_fail();
    // Who reads may have seen enough, as `head` does.
    let heard = live.run(&wishes, &mut |news| match news {
        News::Second(second) => writeln!(io::stdout(), "{second}").is_ok(),
        News::Verdict(judged) => {
            write!(io::stdout(), "{}", told(&judged, expected_to_fail)).is_ok()
        }
    })?;
    let [spat, rsm, map, rsi] = heard.frames;
    let mut text = format!(
        "heard {spat} SPAT, {rsm} RSM, {map} MAP, {rsi} RSI; {} lost or not decoded, {} rejected\n",
        heard.broken, heard.rejected
    );
    let junctions = play.junctions();
    for ((name, _), unit) in junctions.iter().zip(&heard.units) {
        if junctions.len() > 1 {
            text.push_str(&format!("{name}: "));
        }
        text.push_str(&measured(unit));
        text.push('\n');
    }
    // Else it has been told when it was due.
    if let Some(judged) = heard.judged.as_ref().filter(|judged| !judged.is_whole()) {
        text.push_str(&told(judged, expected_to_fail));
    }
    // Nobody may read any more.
    let _ = write!(io::stdout(), "{text}");
    let early = wishes.is_over();
    Ok((heard, early))
}

fn introduce(play: &Play, live: &Live, seed: u64) {
    let radios: Vec<String> = live
        .radios()
        .iter()
        .map(|to| format!("udp://{to}"))
        .collect();
    println!(
        "{}: {} (seed {seed}); frames go to {}",
        play.name(),
        play.summary(),
        radios.join(", ")
    );
    let junctions = play.junctions();
    for (name, scenario) in &junctions {
        if scenario.site.synthetic {
            println!("synthetic: the junction {name:?} is made up");
        }
    }
    if let Some((_, first)) = junctions.first() {
        println!(
            "UTC is this machine's; in virtual time the scenario begins at {}",
            first.file.start
        );
    }
    for ((name, _), page) in junctions.iter().zip(live.pages()) {
        match page {
            Some(page) if junctions.len() > 1 => println!("the page of {name}: http://{page}/"),
            Some(page) => println!("the page: http://{page}/"),
            None => {}
        }
    }
}

/// A verdict as a person reads it.
fn told(judged: &Judged, expected_to_fail: Option<&str>) -> String {
    let settle = judged.settle.as_secs();
    if judged.span.is_zero() {
        return format!("no verdict: the judge waits {settle} s until all has settled\n");
    }
    let (span, of) = (judged.span.as_secs(), judged.of.as_secs());
    let mut text = if judged.is_whole() {
        format!("verdict, of {span} s after the first {settle}:\n")
    } else {
        format!("so far, of {span} s after the first {settle}; the verdict takes {of}:\n")
    };
    for (name, verdicts) in &judged.junctions {
        if judged.junctions.len() > 1 {
            text.push_str(&format!("{name}\n"));
        }
        text.push_str(&verdict::table(verdicts));
    }
    if !judged.whole.is_empty() {
        text.push_str("the whole\n");
        text.push_str(&verdict::table(&judged.whole));
    }
    if !judged.left_out.is_empty() {
        text.push_str(&format!(
            "judged in virtual time alone (`sim run`): {}\n",
            judged.left_out.join(", ")
        ));
    }
    if let Some(why) = expected_to_fail {
        text.push_str(&format!("in virtual time expected to fail {why}\n"));
    }
    text
}

/// Where people look for the page.
const PAGE: u16 = 8380;
