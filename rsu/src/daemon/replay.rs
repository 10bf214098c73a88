//! `rsu replay FILE...`: a recording through the production station, and whether it says the same.
//!
//! Recorded bytes go through the decoders that the recorded configuration makes, and the station is
//! stepped by what they say at the very moments at which the heart stepped it. A recording that begins
//! with the unit's start gives the same frames, byte for byte, as long as the program is the same;
//! one that begins later (an earlier file was removed, or left out) begins with an empty road.
//!
//! Nothing goes on the air, unless that is asked for by name: what was true then is not true now.

pub(super) mod player;
#[cfg(feature = "console")]
pub(super) mod said;
#[cfg(feature = "console")]
mod show;

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
#[cfg(feature = "console")]
use std::net::{SocketAddr, TcpListener};
#[cfg(feature = "console")]
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

#[cfg(feature = "console")]
use super::console::Audience;
use super::radio::Radio;
use super::record::entry;
use super::record::read::{Ending, Entry, Unreadable, last_run, read};
use super::record::span::{Lies, Point, Span, is_backwards};
use super::{clock, hex};
#[cfg(feature = "console")]
use super::{shared::Playback, sys};
use crate::clock::{Mono, Now, Utc};
use crate::config::Reason;
use player::{Played, Player, Unplayable};
#[cfg(feature = "console")]
use show::{Place, Show};

/// What `rsu replay` is asked to do.
#[derive(Clone, Debug, clap::Args)]
pub struct ReplayArgs {
    /// The files of one run in their order, or the folder that they lie in, of which the last run is
    /// taken.
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// How many times faster than it was: a number, or `max` for as fast as it goes.
    #[arg(long, default_value = "max", value_parser = speed)]
    pub speed: Speed,
    /// Begin there: seconds from the first moment, a time of day such as 14:05 or 14:05:30 (UTC, or with
    /// its offset: 22:05+08:00), or a moment such as 2026-11-22T14:05:30Z; what was before is played
    /// as fast as it goes.
    #[arg(long, value_name = "WHEN", default_value = "0")]
    pub from: Point,
    /// End there, written likewise.
    #[arg(long, value_name = "WHEN")]
    pub to: Option<Point>,
    /// Show the first frame that is not as it was, and end with 1 if there is one.
    #[arg(long)]
    pub diff: bool,
    /// Print each frame as a line of hex, for `v2x decode`.
    #[arg(long)]
    pub print: bool,
    /// Send the frames to the radio of the recorded configuration. They tell of the past: only where
    /// no vehicle can hear them.
    #[arg(long)]
    pub allow_broadcast: bool,
    /// Show it on the page there, such as 127.0.0.1:8381, at the pace at which it was unless a
    /// --speed is given.
    #[cfg(feature = "console")]
    #[arg(long, value_name = "ADDRESS")]
    pub console: Option<SocketAddr>,
    /// For a unit's console, which plays a recording by this: the page is shown on the socket that is the
    /// standard input, and all ends when nobody looks at it.
    #[cfg(feature = "console")]
    #[arg(long, hide = true, conflicts_with_all = ["console", "allow_broadcast"])]
    pub console_on_stdin: bool,
}

/// How fast.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Speed {
    /// As fast as it goes.
    Max,
    /// So many times faster than it was.
    Times(f64),
}

fn speed(text: &str) -> Result<Speed, String> {
    if text == "max" {
        return Ok(Speed::Max);
    }
    match text.parse() {
        Ok(times) if (0.01..=1000.0).contains(&times) => Ok(Speed::Times(times)),
        _ => Err("must be `max` or a number from 0.01 to 1000".to_owned()),
    }
}

/// Without anybody who looks, what is played for a console ends.
#[cfg(feature = "console")]
const PATIENCE: Duration = Duration::from_secs(60);

/// Frames are not as they were.
const DIFFERENT: u8 = 1;
/// As in sysexits.h.
const USAGE: u8 = 64;
const NO_SENSE: u8 = 65;
const CANNOT_OPEN: u8 = 66;
const CANNOT_WRITE: u8 = 74;

/// Runs the command.
pub fn replay(args: &ReplayArgs) -> ExitCode {
    if args.allow_broadcast && args.speed == Speed::Max {
        eprintln!("--allow-broadcast needs a --speed: receivers would drown in frames otherwise");
        return USAGE.into();
    }
    if (args.to.as_ref()).is_some_and(|to| is_backwards(&args.from, to)) {
        eprintln!("--to must be later than --from: nothing lies between");
        return USAGE.into();
    }
    match play(args) {
        Ok(player) => report(args, &player),
        Err(failure) => {
            tell(args, &failure.reason);
            failure.exit.into()
        }
    }
}

struct Failure {
    exit: u8,
    reason: Reason,
}

/// For a person; for a console, which says it in the language of who reads, with its code.
fn tell(args: &ReplayArgs, what: &Reason) {
    #[cfg(feature = "console")]
    if args.console_on_stdin {
        let said = said::Said::from(what);
        return eprintln!("{}", said.line());
    }
    #[cfg(not(feature = "console"))]
    let _ = args;
    eprintln!("{what}");
}

fn play(args: &ReplayArgs) -> Result<Played, Failure> {
    let files = last_run(&args.files).map_err(|reason| Failure {
        exit: CANNOT_OPEN,
        reason: (&reason).into(),
    })?;
    let mut stage = Stage::new(args);
    #[cfg(feature = "console")]
    if args.console_on_stdin
        && let Err(error) = sys::stand_back()
    {
        eprintln!("cannot stand back behind others: {error}");
    }
    let lengths = files.iter().filter_map(|path| fs::metadata(path).ok());
    stage.length = lengths.map(|about| about.len()).sum();
    for path in &files {
        let shown = path.display().to_string();
        let file = File::open(path).map_err(|error| Failure {
            exit: CANNOT_OPEN,
            reason: Reason::new(
                "not-opened",
                [shown.clone(), error.to_string()],
                format!("cannot read {shown}: {error}"),
            ),
        })?;
        let file = Passed {
            file,
            passed: Arc::clone(&stage.passed),
        };
        let mut failed = None;
        let mut take = |entry| match stage.take(entry) {
            Ok(more) => more,
            Err(failure) => {
                failed = Some(failure);
                false
            }
        };
        let ending = read(file, &mut take);
        if let Some(failure) = failed {
            return Err(failure);
        }
        let ending = ending.map_err(|error| Failure {
            exit: NO_SENSE,
            reason: unreadable(&shown, &error),
        })?;
        if ending == Ending::CutShort && !stage.is_over {
            let told =
                format!("{shown}: its writer did not come to the end; played as far as it goes");
            tell(args, &Reason::new("cut-short", [shown], told));
        }
        if stage.is_over {
            break;
        }
    }
    stage.finish()
}

/// Where it is played: what comes out, when, and whether it is as it was.
struct Stage<'a> {
    args: &'a ReplayArgs,
    player: Option<Player>,
    radio: Option<Radio>,
    span: Option<Span>,
    last: Now,
    /// When what was recorded at a moment is due on our clock.
    pace: Option<(Mono, Mono)>,
    /// Bytes in all files, and how many have been read.
    length: u64,
    passed: Arc<AtomicU64>,
    #[cfg(feature = "console")]
    hall: Option<Hall>,
    is_over: bool,
}

/// Who looks on, and since when nobody has.
#[cfg(feature = "console")]
struct Hall {
    audience: Audience,
    playback: Arc<Playback>,
    /// None: it is played whether anybody looks or not.
    patience: Option<Duration>,
    seen: Mono,
}

#[cfg(feature = "console")]
impl Hall {
    /// Tells how far it is, in thousandths; false when nobody has looked for too long.
    fn goes_on(&mut self, now: Mono, share: u64) -> bool {
        self.playback.set_share(share);
        if self.audience.is_there() {
            self.seen = now;
        }
        (self.patience).is_none_or(|patience| now.since(self.seen) < patience)
    }
}

/// A file that tells how much of it has been read.
struct Passed {
    file: File,
    passed: Arc<AtomicU64>,
}

impl Read for Passed {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read(room)?;
        self.passed.fetch_add(length as u64, Ordering::Relaxed);
        Ok(length)
    }
}

impl Seek for Passed {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

impl<'a> Stage<'a> {
    fn new(args: &'a ReplayArgs) -> Self {
        Self {
            args,
            player: None,
            radio: None,
            span: None,
            last: Now {
                mono: Mono::ZERO,
                utc: Utc::from_unix_ns(0),
            },
            pace: None,
            length: 0,
            passed: Arc::default(),
            #[cfg(feature = "console")]
            hall: None,
            is_over: false,
        }
    }

    /// Plays one entry; false when that was enough.
    fn take(&mut self, entry: Entry) -> Result<bool, Failure> {
        let player = match (&mut self.player, entry) {
            (None, Entry::Start(start)) => {
                self.begin(&start)?;
                return Ok(true);
            }
            (None, _) => {
                let told = "the recording does not begin with the unit's start";
                return Err(no_sense(Reason::new("no-start", [], told.to_owned())));
            }
            (Some(player), Entry::Start(start)) => {
                let taken = player.go_on(&start);
                return taken.map(|()| true).map_err(|e| unplayable(&e));
            }
            (Some(player), entry) => {
                if let Entry::Step(step) = &entry {
                    let at = Now {
                        mono: Mono::from_nanos(step.mono_ns),
                        utc: Utc::from_unix_ns(step.utc_ns),
                    };
                    self.last = at;
                    let span = match &mut self.span {
                        Some(span) => span,
                        none => {
                            let span = Span::of(&self.args.from, self.args.to.as_ref(), at);
                            let exit = USAGE;
                            none.insert(span.map_err(|reason| Failure { exit, reason })?)
                        }
                    };
                    let lies = span.lies(at);
                    if lies == Lies::Behind {
                        self.is_over = true;
                        return Ok(false);
                    }
                    #[cfg(feature = "console")]
                    if let Some(hall) = &mut self.hall {
                        let read = self.passed.load(Ordering::Relaxed);
                        let share = read.saturating_mul(1000) / self.length.max(1);
                        if !hall.goes_on(clock::mono(), share.min(1000)) {
                            let told = "nobody has looked for a while: ended before its end";
                            tell(self.args, &Reason::new("unwatched", [], told.to_owned()));
                            self.is_over = true;
                            return Ok(false);
                        }
                    }
                    player.shows = lies == Lies::Within;
                    if player.shows {
                        wait(&mut self.pace, speed_of(self.args), at.mono);
                    }
                }
                player.take(entry).map_err(|e| unplayable(&e))?;
                player
            }
        };
        let out = &mut io::stdout().lock();
        for (at, frame) in player.said.drain(..) {
            if self.args.print {
                let hex = hex::encode(frame.bytes());
                match writeln!(out, "{hex} # {at} {}", frame.kind.name()) {
                    Ok(()) => {}
                    // Who reads has seen enough, as `head` does.
                    Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                        self.is_over = true;
                        return Ok(false);
                    }
                    Err(error) => {
                        return Err(Failure {
                            exit: CANNOT_WRITE,
                            reason: (&format!("cannot print: {error}")).into(),
                        });
                    }
                }
            }
            if let Some(radio) = &mut self.radio {
                radio.send(clock::mono(), frame.bytes());
            }
        }
        Ok(true)
    }

    fn begin(&mut self, start: &entry::Start) -> Result<(), Failure> {
        if start.part > 0 {
            let part = start.part.to_string();
            let told = format!(
                "this is part {part} of its run: the road is empty at first, and frames differ until \
                 all is seen anew"
            );
            tell(self.args, &Reason::new("later-part", [part], told));
        }
        let player = Player::new(start).map_err(|e| unplayable(&e))?;
        #[cfg(feature = "console")]
        let player = match place(self.args)? {
            Some(place) => {
                let (show, audience) = show(start, place)?;
                self.hall = Some(Hall {
                    audience,
                    playback: show.playback(),
                    patience: self.args.console_on_stdin.then_some(PATIENCE),
                    seen: clock::mono(),
                });
                player.shown_to(Box::new(show))
            }
            None => player,
        };
        if self.args.allow_broadcast {
            self.radio = Some(Radio::open(player.radio(), clock::mono()));
        }
        self.player = Some(player);
        Ok(())
    }

    fn finish(self) -> Result<Played, Failure> {
        let Some(player) = self.player else {
            let told = "the recording is empty".to_owned();
            return Err(no_sense(Reason::new("empty", [], told)));
        };
        // Of one that was ended before its end nothing is known of what came behind.
        let span = self.span.filter(|_| !self.is_over);
        if let Some(reason) = span.and_then(|span| span.missed(self.last)) {
            return Err(no_sense(reason));
        }
        Ok(player.finish())
    }
}

/// What is asked for; who looks on sees nothing of what is played as fast as it goes.
fn speed_of(args: &ReplayArgs) -> Speed {
    #[cfg(feature = "console")]
    if (args.console.is_some() || args.console_on_stdin) && args.speed == Speed::Max {
        return Speed::Times(1.0);
    }
    args.speed
}

/// Where it is to be shown, if that is wished for.
#[cfg(feature = "console")]
fn place(args: &ReplayArgs) -> Result<Option<Place>, Failure> {
    if args.console_on_stdin {
        let socket = io::stdin().as_fd().try_clone_to_owned();
        let socket = socket.map_err(|error| Failure {
            exit: CANNOT_OPEN,
            reason: (&format!("the standard input is no socket: {error}")).into(),
        })?;
        return Ok(Some(Place::Socket(TcpListener::from(socket))));
    }
    Ok(args.console.map(Place::Address))
}

/// Begins to show the run that began so.
#[cfg(feature = "console")]
fn show(start: &entry::Start, place: Place) -> Result<(Show, Audience), Failure> {
    let config = player::config_of(start).map_err(|e| unplayable(&e))?;
    let began = Now {
        mono: Mono::from_nanos(start.mono_ns),
        utc: Utc::from_unix_ns(start.utc_ns),
    };
    let what = format!("{} of {}", start.name, began.utc);
    Show::start(&config, place, began, what).map_err(|error| Failure {
        exit: CANNOT_OPEN,
        reason: (&error.to_string()).into(),
    })
}

/// Until what was recorded then is due.
fn wait(pace: &mut Option<(Mono, Mono)>, speed: Speed, at: Mono) {
    let Speed::Times(times) = speed else { return };
    let now = clock::mono();
    let (first, began) = *pace.get_or_insert((at, now));
    let due = began + Duration::from_secs_f64(at.since(first).as_secs_f64() / times);
    thread::sleep(due.since(now));
}

fn no_sense(reason: Reason) -> Failure {
    Failure {
        exit: NO_SENSE,
        reason,
    }
}

fn unplayable(error: &Unplayable) -> Failure {
    let told = error.to_string();
    no_sense(Reason::new("unplayable", [told.clone()], told))
}

fn unreadable(file: &str, error: &Unreadable) -> Reason {
    let told = format!("{file}: {error}");
    let file = file.to_owned();
    match error {
        Unreadable::Disk(error) => Reason::new("not-opened", [file, error.to_string()], told),
        Unreadable::Other => Reason::new("no-recording", [file], told),
        Unreadable::Damaged { whole, .. } => {
            Reason::new("damaged", [file, whole.to_string()], told)
        }
        Unreadable::Message(reason) => Reason::new("no-sense", [file, reason.clone()], told),
    }
}

fn report(args: &ReplayArgs, played: &Played) -> ExitCode {
    tell(args, &played.reason());
    let Some(difference) = played.first_difference.as_ref().filter(|_| args.diff) else {
        return ExitCode::SUCCESS;
    };
    eprintln!("{difference}");
    DIFFERENT.into()
}
