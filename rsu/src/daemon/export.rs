//! `rsu export FILE...`: what a recording holds, in formats of other tools: frames as a pcap, tracks as
//! CSV or GeoJSON.
//!
//! It is read as it was recorded; nothing is played. Not here: frames that the program of today would
//! send, see `replay`.

mod tracks;

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::ValueEnum;
use serde::Deserialize;

use super::record::entry;
use super::record::read::{Ending, last_run, messages, parse};
use super::record::span::{Lies, Point, Span, is_backwards};
use super::replay::player::config_of;
use super::{hex, pcap};
use crate::clock::{Mono, Now, Utc};
use crate::config::Reason;
use tracks::{Csv, GeoJson, Place, Seen};

/// What `rsu export` is asked to do.
#[derive(Clone, Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("what").required(true))]
pub struct ExportArgs {
    /// The files of one run in their order, or the folder that they lie in, of which the last run is
    /// taken.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Frames that were sent: `pcap` for Wireshark, link type USER0.
    #[arg(long, value_enum, value_name = "FORM", group = "what")]
    frames: Option<FrameForm>,
    /// Road users as fused: `csv`, a line for each at each moment, or `geojson`, a line on the map for
    /// each; WGS-84.
    #[arg(long, value_enum, value_name = "FORM", group = "what")]
    tracks: Option<TrackForm>,
    /// Begin there: seconds from the first moment, a time of day such as 14:05 or 14:05:30 (UTC, or with
    /// its offset: 22:05+08:00), or a moment such as 2026-11-22T14:05:30Z.
    #[arg(long, value_name = "WHEN", default_value = "0")]
    from: Point,
    /// End there, written likewise.
    #[arg(long, value_name = "WHEN")]
    to: Option<Point>,
    /// Write to this file, not to stdout.
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum FrameForm {
    Pcap,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum TrackForm {
    Csv,
    Geojson,
}

/// As in sysexits.h.
const USAGE: u8 = 64;
const NO_SENSE: u8 = 65;
const CANNOT_OPEN: u8 = 66;
const CANNOT_WRITE: u8 = 74;

struct Failure {
    exit: u8,
    reason: String,
}

/// Runs the command.
pub fn export(args: &ExportArgs) -> ExitCode {
    match run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{}", failure.reason);
            failure.exit.into()
        }
    }
}

fn run(args: &ExportArgs) -> Result<(), Failure> {
    if (args.to.as_ref()).is_some_and(|to| is_backwards(&args.from, to)) {
        return Err(Failure {
            exit: USAGE,
            reason: "--to must be later than --from: nothing lies between".to_owned(),
        });
    }
    let files = last_run(&args.files).map_err(|reason| Failure {
        exit: CANNOT_OPEN,
        reason,
    })?;
    let unwritten = |error: &io::Error| Failure {
        exit: CANNOT_WRITE,
        reason: match &args.out {
            Some(path) => format!("cannot write {}: {error}", path.display()),
            None => format!("cannot print: {error}"),
        },
    };
    let out: Box<dyn Write> = match &args.out {
        Some(path) => Box::new(File::create(path).map_err(|error| unwritten(&error))?),
        None if args.frames.is_some() && io::stdout().is_terminal() => {
            return Err(Failure {
                exit: USAGE,
                reason: "a pcap is not for a terminal: name a file by --out".to_owned(),
            });
        }
        None => Box::new(io::stdout().lock()),
    };
    let mut writing = Writing {
        args,
        out: BufWriter::new(out),
        form: None,
        start: None,
        span: None,
        last: None,
        failed: None,
    };
    for path in &files {
        let file = File::open(path).map_err(|error| Failure {
            exit: CANNOT_OPEN,
            reason: format!("cannot read {}: {error}", path.display()),
        })?;
        let ending = messages(file, |topic, data| writing.take(topic, data));
        let ending = ending.map_err(|reason| Failure {
            exit: NO_SENSE,
            reason: format!("{}: {reason}", path.display()),
        })?;
        if ending == Ending::CutShort && writing.failed.is_none() {
            eprintln!(
                "{}: its writer did not come to the end; read as far as it goes",
                path.display()
            );
        }
    }
    if let Some(reason) = writing.missed() {
        return Err(Failure {
            exit: NO_SENSE,
            reason: reason.text,
        });
    }
    match writing.finish() {
        // Whoever reads has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done.map_err(|error| unwritten(&error)),
    }
}

/// What every message has.
#[derive(Deserialize)]
struct When {
    mono_ns: u64,
    utc_ns: i64,
}

enum Form {
    Pcap(Vec<u8>),
    Csv(Csv),
    GeoJson(GeoJson),
}

struct Writing<'a> {
    args: &'a ExportArgs,
    out: BufWriter<Box<dyn Write>>,
    form: Option<Form>,
    start: Option<entry::Start>,
    /// What is wanted, once the first wake-up is known, as in a replay.
    span: Option<Span>,
    /// The last of them.
    last: Option<Now>,
    failed: Option<io::Error>,
}

impl Writing<'_> {
    /// False where that was enough.
    fn take(&mut self, topic: &str, data: &[u8]) -> Result<bool, String> {
        let taken = match topic {
            "/start" => {
                let start = parse(topic, data)?;
                return self.begin(start).map(|()| true);
            }
            "/step" => {
                let When { mono_ns, utc_ns } = parse(topic, data)?;
                let at = now(mono_ns, utc_ns);
                self.last = Some(at);
                if self.span.is_none() {
                    let span = Span::of(&self.args.from, self.args.to.as_ref(), at);
                    self.span = Some(span.map_err(|reason| reason.text)?);
                }
                Ok(self.within(mono_ns, utc_ns).is_some())
            }
            "/tracks" if self.args.tracks.is_some() => self.tracks(&parse(topic, data)?),
            _ if topic.starts_with("/frame/") && self.args.frames.is_some() => {
                self.frame(&parse(topic, data)?)?
            }
            _ => Ok(true),
        };
        Ok(taken.unwrap_or_else(|error| {
            self.failed = Some(error);
            false
        }))
    }

    fn begin(&mut self, start: entry::Start) -> Result<(), String> {
        let run = |start: &entry::Start| (start.mono_ns, start.utc_ns, start.seed);
        if let Some(before) = &self.start {
            let fits = run(before) == run(&start) && before.part < start.part;
            self.start = Some(start);
            let reason = "the files are of different runs, or not in their order";
            return fits.then_some(()).ok_or_else(|| reason.to_owned());
        }
        let form = match self.args.tracks {
            None => Form::Pcap(pcap::header()),
            Some(form) => {
                let config = config_of(&start).map_err(|error| error.to_string())?;
                let place = Place::new(config.site.frame);
                match form {
                    TrackForm::Csv => Form::Csv(Csv::new(place)),
                    TrackForm::Geojson => Form::GeoJson(GeoJson::new(place)),
                }
            }
        };
        self.form = Some(form);
        self.start = Some(start);
        Ok(())
    }

    /// Seconds since the first moment, where they are asked for; None where that was enough.
    fn within(&mut self, mono_ns: u64, utc_ns: i64) -> Option<Option<f64>> {
        let Some(span) = &mut self.span else {
            return Some(None);
        };
        let at = now(mono_ns, utc_ns);
        match span.lies(at) {
            Lies::Before => Some(None),
            Lies::Within => Some(Some(span.seconds(at.mono))),
            Lies::Behind => None,
        }
    }

    /// Why nothing was wanted of what there is.
    fn missed(&self) -> Option<Reason> {
        let (span, last) = (self.span.as_ref()?, self.last?);
        span.missed(last)
    }

    fn frame(&mut self, frame: &entry::Frame) -> Result<io::Result<bool>, String> {
        let since = self.within(frame.mono_ns, frame.utc_ns);
        let (Some(Some(_)), Some(Form::Pcap(batch))) = (since, &mut self.form) else {
            return Ok(Ok(since.is_some()));
        };
        let bytes = hex::decode(&frame.hex).ok_or("a frame that is no hexadecimal digits")?;
        pcap::add(batch, Utc::from_unix_ns(frame.utc_ns), &bytes);
        let written = self.out.write_all(batch);
        batch.clear();
        Ok(written.map(|()| true))
    }

    fn tracks(&mut self, seen: &Seen) -> io::Result<bool> {
        let since = self.within(seen.mono_ns, seen.utc_ns);
        if let Some(Some(since)) = since {
            match &mut self.form {
                Some(Form::Csv(csv)) => csv.add(&mut self.out, since, seen)?,
                Some(Form::GeoJson(map)) => map.add(&mut self.out, seen)?,
                _ => {}
            }
        }
        Ok(since.is_some())
    }

    fn finish(mut self) -> io::Result<()> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        match &mut self.form {
            // Without a frame the header still waits.
            Some(Form::Pcap(batch)) => self.out.write_all(batch)?,
            Some(Form::Csv(csv)) => csv.finish(&mut self.out)?,
            Some(Form::GeoJson(map)) => map.finish(&mut self.out)?,
            None => {}
        }
        self.out.flush()
    }
}

fn now(mono_ns: u64, utc_ns: i64) -> Now {
    Now {
        mono: Mono::from_nanos(mono_ns),
        utc: Utc::from_unix_ns(utc_ns),
    }
}
