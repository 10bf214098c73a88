//! Sockets, threads and clocks: the station in a process of its own.
//!
//! In the order in which bytes meet them:
//! - `link`: from a socket, a stream or a recording to an input's decoder
//! - `mailbox`: from the inputs' threads to the heart
//! - `orders`: from people and platforms to the heart, kept on disk; `cloud`: the platform's broker;
//!   `event`: the command that orders
//! - `heart`: the loop that waits, steps the station and sends
//! - `radio`: the way out
//! - `tally`, `latency`: what each of them has done, `snapshot` as others see it
//! - `observer`: log lines for the operator; `log`: where they go; `notices`: the last warnings among them
//! - `watchers`, `tap`, `view`: what is copied for who looks on; `record`: keeps it, `replay`: plays it
//! - `export`: a recording in other formats; `pcap`: frames for Wireshark
//! - `console`: shows it over HTTP (feature `console`)
//! - `allocations`: how many there were, in debug builds
//! - `clock`, `sys`, `machine`: what the machine knows of time, what is asked of it, what we take
//! - `fuse`, `probe`, `map`, `forecast`: the commands that fuse a file of detections, show what is
//!   understood of a device, check a site's road model and print it in other formats, and score
//!   forecasts on recorded signals
//! - `load`, `outlook`: a configuration from the disk, and what it would meet on this machine
//! - `ended`: a wish to end, for programs with a daemon within them
//! - `run`: the command that is a unit at work, with signals and the reading anew of the configuration
//!
//! Threads: `heart`; one `rx-*` for each input that listens for datagrams; `net` for all streams and
//! recordings; `brokers` for all of MQTT; `observer`; `clerk` for orders and their journal; `control`,
//! `recorder`, `pcap` and `console`, if they are wished for; `replay` while the console has a recording
//! played by another program. Each has its own state and goes on when
//! another's input fails.

mod allocations;
mod backoff;
pub mod calibrate;
mod clock;
mod cloud;
#[cfg(feature = "console")]
mod console;
mod ended;
pub mod event;
pub mod export;
pub mod forecast;
pub mod fuse;
mod heart;
mod hex;
mod latency;
mod link;
mod load;
mod log;
#[cfg(feature = "console")]
mod machine;
mod mailbox;
pub mod map;
mod names;
mod notices;
mod notify;
mod observer;
mod orders;
mod outlook;
mod pcap;
pub mod probe;
mod radio;
mod receivers;
mod record;
pub mod replay;
mod run;
mod say;
#[cfg(test)]
mod schema;
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
use crate::config::{Config, Input, Record};
use crate::station::{Station, Unfit};

use self::heart::Heart;
use self::mailbox::{Mailbox, Says};
use self::notices::Notices;
use self::observer::Observer;
use self::orders::{Answer, Clerk, Desk, What, Wish};
use self::radio::Radio;
use self::record::{RecordTally, Recorder};
use self::shared::{InputView, Shared};
use self::stop::Stop;
use self::tally::HeartTally;
use self::tap::{Sizes, Tap};
use self::watchers::{Reader, Watchers, Window};

pub use allocations::{Counting, count_allocation};
pub use ended::on_signal;
pub use load::{load, summary};
pub use log::{Level, log_to_stderr};
pub use outlook::outlook;
pub use pcap::PcapFile;
pub use run::{RunArgs, RunError, run};
pub use snapshot::{
    ClockQuality, CloudSnapshot, InputSnapshot, LinkState, OrdersSnapshot, PathLatency,
    Percentiles, RadioSnapshot, RecordingSnapshot, Sent, Snapshot,
};

/// What the program around a daemon has for it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Around {
    /// Where to write the frames that are sent.
    pub(crate) pcap: Option<PcapFile>,
    /// Whom to tell that the configuration is to be read again; None where nobody could.
    #[cfg(feature = "console")]
    pub(crate) reload: Option<Arc<tokio::sync::Notify>>,
}

/// A station at work, with its threads. Dropping it ends them.
pub struct Daemon {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    nets: Vec<threads::Net>,
    /// Ends last, when all that it keeps has been done.
    recorder: Option<(Arc<Stop>, JoinHandle<()>)>,
    /// The same.
    pcap: Option<(Arc<Stop>, JoinHandle<()>)>,
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
        Self::start_with(config, seed, Around::default())
    }

    /// The same, in a program that offers more.
    ///
    /// # Errors
    /// See [`StartError`]; nothing is left running then.
    pub(crate) fn start_with(
        config: Config,
        seed: u64,
        around: Around,
    ) -> Result<Self, StartError> {
        let pcap = around.pcap;
        let now = clock::now();
        let watchers = Watchers {
            record: config.record.as_ref().map(record_reader),
            page: config.console.as_ref().map(|_| Reader::new(Sizes::PAGE)),
            frames: pcap.as_ref().map(|_| Arc::new(Tap::new(Sizes::PAGE))),
        };
        let recorder = recorder(&config, now, seed, &watchers);
        #[cfg(feature = "console")]
        let unit = console::Unit::of(&config);
        let site = Arc::new(config.site.clone());
        let (desk, wishes) = Desk::new();
        let station = Box::new(Station::new(config.station, config.site, now, seed)?);
        let radio = Radio::open(&config.radio, now.mono);
        let says: Vec<Says> = config.inputs.iter().map(says).collect();
        let shared = Arc::new(Shared {
            started: now.mono,
            stop: Arc::default(),
            mailbox: Arc::new(Mailbox::new(&says)),
            heart: Arc::new(HeartTally::new()),
            inputs: config
                .inputs
                .iter()
                .map(|input| InputView::new(input, &site))
                .collect(),
            outlets: radio.tallies(),
            recording: (recorder.as_ref()).map(|(_, tally, _)| Arc::clone(tally)),
            pcap: pcap.as_ref().map(|_| Arc::default()),
            watchers: watchers.clone(),
            desk: desk.clone(),
            orders: config.orders.clone(),
            cloud: config.cloud.as_ref().map(|_| Arc::default()),
            site: Arc::clone(&site),
            notices: Notices::default(),
            #[cfg(feature = "console")]
            reload: around.reload,
            #[cfg(feature = "console")]
            playback: None,
            refused: Mutex::default(),
        });
        let journal = config.orders.as_ref().map(|orders| orders.journal.clone());
        let clerk = Clerk::new(
            (site, station.id(), journal),
            (desk, wishes),
            Arc::clone(&shared.mailbox),
            watchers.clone(),
            Arc::clone(&shared.stop),
        );
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
            pcap: None,
        };
        if let Some((recorder, _, stop)) = recorder {
            let thread = threads::start("recorder", move || recorder.run())?;
            daemon.recorder = Some((stop, thread));
        }
        daemon.start_pcap(pcap)?;
        let observer = Observer::new(Arc::clone(&shared));
        daemon.spawn("observer", move || observer.run())?;
        let wishes = config.realtime;
        let asking = Arc::clone(&shared);
        daemon.spawn("heart", move || {
            threads::ask_for_heart(&asking, wishes);
            heart.run();
        })?;
        daemon.spawn("clerk", move || clerk.run())?;
        daemon.start_links(&config.inputs, wishes)?;
        daemon.start_ways_of_ordering(config.orders, config.cloud, wishes)?;
        #[cfg(feature = "console")]
        daemon.start_console(config.console, unit)?;
        threads::ask_for_process(&shared, wishes);
        Ok(daemon)
    }

    fn start_pcap(&mut self, wish: Option<PcapFile>) -> Result<(), StartError> {
        let tap = self.shared.watchers.frames.clone();
        let Some(((wish, tap), tally)) = wish.zip(tap).zip(self.shared.pcap.clone()) else {
            return Ok(());
        };
        let stop = Arc::<Stop>::default();
        let keeper = pcap::Keeper::new(wish, tap, tally, Arc::clone(&stop));
        self.pcap = Some((stop, threads::start("pcap", move || keeper.run())?));
        Ok(())
    }

    /// What has been done so far.
    pub fn stats(&self) -> Snapshot {
        self.shared.snapshot()
    }

    /// Tells the signs and events of another file of the site from now on, and nothing else of it. The
    /// answer comes once the heart has them.
    pub(crate) async fn stand(&self, path: String, text: String) -> Result<(), Answer> {
        let what = What::Site { path, text };
        let answer = self.shared.desk.file(Wish { what, key: None })?;
        let ending = |_| Answer::refusal(503, "the unit is ending");
        answer.await.map(|_| ()).map_err(ending)
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
        for (stop, thread) in self.pcap.take().into_iter().chain(self.recorder.take()) {
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

/// Open from the start, or once somebody asks for it.
fn record_reader(wish: &Record) -> Reader {
    let reader = Reader::new(Sizes::RECORD);
    reader.shutter.set(wish.at_start);
    reader
}

fn says(input: &Input) -> Says {
    let signals = input.protocol.is_controller();
    let weather = input.protocol.is_weather();
    Says {
        signals,
        objects: !signals && !weather,
        weather,
        requests: input.protocol.is_radio(),
    }
}
