//! Sockets, threads and clocks: the station in a process of its own.
//!
//! In the order in which bytes meet them:
//! - `link`: from a socket, a stream or a recording to an input's decoder
//! - `mailbox`: from the inputs' threads to the heart
//! - `heart`: the loop that waits, steps the station and sends
//! - `radio`: the way out
//! - `tally`, `latency`: what each of them has done, `snapshot` as others see it
//! - `observer`: log lines for the operator
//! - `watchers`, `tap`, `view`: what is copied for who looks on; `record`: keeps it, `replay`: plays it
//! - `console`: shows it over HTTP (feature `console`)
//! - `clock`, `sys`: what the machine knows of time, and what is asked of it
//! - `fuse`, `probe`, `map`, `forecast`: the commands that fuse a file of detections, show what is
//!   understood of a device, check a site's road model and print it in other formats, and score
//!   forecasts on recorded signals
//! - `run`: the command that is a unit at work, with signals and the reading anew of the configuration
//!
//! Threads: `heart`; one `rx-*` for each input that listens for datagrams; `net` for all streams and
//! recordings; `brokers` for all of MQTT; `observer`; `recorder` and
//! `console`, if they are wished for. Each has its own state and goes on when another's input fails.

mod backoff;
pub mod calibrate;
mod clock;
#[cfg(feature = "console")]
mod console;
pub mod forecast;
pub mod fuse;
mod heart;
mod hex;
mod latency;
mod link;
mod load;
mod mailbox;
pub mod map;
mod names;
mod notify;
mod observer;
pub mod probe;
mod radio;
mod record;
pub mod replay;
mod run;
mod say;
mod shared;
mod snapshot;
mod stop;
mod sys;
mod tally;
mod tap;
mod threads;
mod view;
mod watchers;

use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use crate::clock::Now;
use crate::config::{Config, Input};
use crate::station::{Station, Unfit};

use self::heart::Heart;
use self::mailbox::{Mailbox, Says};
use self::observer::Observer;
use self::radio::Radio;
use self::record::{RecordTally, Recorder};
use self::shared::{InputView, Shared};
use self::stop::Stop;
use self::tally::HeartTally;
use self::tap::Sizes;
use self::watchers::{Reader, Watchers, Window};

pub use load::{load, summary};
pub use run::{RunError, run};
pub use snapshot::{
    ClockQuality, InputSnapshot, LinkState, PathLatency, Percentiles, RadioSnapshot,
    RecordingSnapshot, Sent, Snapshot,
};

/// A station at work, with its threads. Dropping it ends them.
pub struct Daemon {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    nets: Vec<threads::Net>,
    /// Ends last, when all that it keeps has been done.
    recorder: Option<(Arc<Stop>, JoinHandle<()>)>,
}

/// Why a daemon could not start. A port that is taken or a device that is away is no reason: those
/// are tried again while the rest works.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No station can run this.
    #[error("the station cannot run: {0}")]
    Unfit(#[from] Unfit),
    /// The system gives no more threads.
    #[error("cannot start thread {name}: {reason}")]
    Thread {
        /// Which one.
        name: String,
        /// The system's word.
        reason: std::io::Error,
    },
}

impl Daemon {
    /// Starts all threads. `seed` chooses message counts and ids; it should be random.
    ///
    /// # Errors
    /// See [`StartError`]; nothing is left running then.
    pub fn start(config: Config, seed: u64) -> Result<Self, StartError> {
        let now = clock::now();
        let watchers = Watchers {
            record: config.record.as_ref().map(|_| Reader::new(Sizes::RECORD)),
            page: config.console.map(|_| Reader::new(Sizes::PAGE)),
        };
        let recorder = recorder(&config, now, seed, &watchers);
        #[cfg(feature = "console")]
        let unit = console::Unit::of(&config);
        let station = Box::new(Station::new(config.station, config.site, now, seed)?);
        let radio = Radio::open(&config.radio, now.mono);
        let says: Vec<Says> = config.inputs.iter().map(says).collect();
        let shared = Arc::new(Shared {
            started: now.mono,
            stop: Arc::default(),
            mailbox: Arc::new(Mailbox::new(&says)),
            heart: Arc::new(HeartTally::new()),
            inputs: config.inputs.iter().map(InputView::new).collect(),
            outlets: radio.tallies(),
            recording: (recorder.as_ref()).map(|(_, tally, _)| Arc::clone(tally)),
            watchers: watchers.clone(),
            refused: Mutex::default(),
        });
        let heart = Heart {
            station,
            radio,
            mailbox: Arc::clone(&shared.mailbox),
            tally: Arc::clone(&shared.heart),
            spin: config.realtime.spin,
            window: Window::new(watchers),
        };
        // From here on a failure drops the daemon, which ends what was started.
        let mut daemon = Self {
            shared: Arc::clone(&shared),
            threads: Vec::new(),
            nets: Vec::new(),
            recorder: None,
        };
        if let Some((recorder, _, stop)) = recorder {
            let thread = threads::start("recorder", move || recorder.run())?;
            daemon.recorder = Some((stop, thread));
        }
        let observer = Observer::new(Arc::clone(&shared));
        daemon.spawn("observer", move || observer.run())?;
        let wishes = config.realtime;
        let asking = Arc::clone(&shared);
        daemon.spawn("heart", move || {
            threads::ask_for_heart(&asking, wishes);
            heart.run();
        })?;
        daemon.start_links(&config.inputs, wishes)?;
        #[cfg(feature = "console")]
        daemon.start_console(config.console, unit)?;
        threads::ask_for_process(&shared, wishes);
        Ok(daemon)
    }

    /// What has been done so far.
    pub fn stats(&self) -> Snapshot {
        self.shared.snapshot()
    }

    /// Ends all threads and waits for them; at most a few tenths of a second.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.shared.stop.raise();
        self.shared.mailbox.close();
        for net in self.nets.drain(..) {
            net.stop();
        }
        for thread in self.threads.drain(..) {
            // A panic has been told by its own thread.
            let _ = thread.join();
        }
        if let Some((stop, thread)) = self.recorder.take() {
            stop.raise();
            let _ = thread.join();
        }
    }
}

fn recorder(
    config: &Config,
    now: Now,
    seed: u64,
    watchers: &Watchers,
) -> Option<(Recorder, Arc<RecordTally>, Arc<Stop>)> {
    let (wish, reader) = (config.record.clone()?, watchers.record.clone()?);
    let (tally, stop) = (Arc::<RecordTally>::default(), Arc::<Stop>::default());
    let (told, ended) = (Arc::clone(&tally), Arc::clone(&stop));
    let recorder = Recorder::new(wish, config, now, seed, reader, told, ended);
    Some((recorder, tally, stop))
}

fn says(input: &Input) -> Says {
    let signals = input.protocol.is_controller();
    let weather = input.protocol.is_weather();
    Says {
        signals,
        objects: !signals && !weather,
        weather,
    }
}
