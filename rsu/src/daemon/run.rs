//! The command `rsu run`: start, wait for signals, end.
//!
//! SIGTERM and SIGINT end it in order; a second one later on ends it at once. SIGHUP, or who knows the
//! word over the console, has the configuration read anew: if it is wrong the old one goes on. If only the
//! signs and events of the site's file are others they are told from then on, without a message missed;
//! otherwise the whole station is started anew, which pauses the broadcast for as long as is then told, and
//! begins with new message counts and new tracks as after any start.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;
use tracing::{error, info, warn};

use super::notify::{State, notify};
use super::{Around, Daemon, PcapFile, StartError, clock, ended, load};
use crate::config::{Config, Findings, Written};
use crate::site::Site;

/// Why `rsu run` ended in disorder.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The configuration is wrong.
    #[error("{0}")]
    Config(Findings),
    /// It is right and yet cannot be started.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The file for frames cannot be written.
    #[error("cannot write {}: {reason}", path.display())]
    Pcap {
        /// Which file.
        path: PathBuf,
        /// The system's word.
        reason: io::Error,
    },
    /// The machine refuses what every program needs.
    #[error("{0}")]
    Machine(#[from] io::Error),
}

/// What `rsu run` is asked to do besides.
#[derive(Clone, Debug, clap::Args)]
pub struct RunArgs {
    /// Choose message counts and ids by this number, not by chance.
    #[arg(long)]
    pub seed: Option<u64>,
    /// Write the frames that are sent into this file as a pcap, for Wireshark; what is in it is lost.
    #[arg(long, value_name = "FILE")]
    pub pcap: Option<PathBuf>,
    /// How long that file may become.
    #[arg(long, value_name = "MB", default_value_t = 1000, requires = "pcap")]
    pub pcap_max_mb: u64,
}

/// Runs until a signal ends it.
///
/// # Errors
/// See [`RunError`].
pub fn run(file: &Path, wishes: &RunArgs) -> Result<(), RunError> {
    let config = load_and_warn(file).map_err(RunError::Config)?;
    let pcap = wishes.pcap.as_deref().map(|path| {
        let most_bytes = wishes.pcap_max_mb.saturating_mul(1_000_000);
        PcapFile::create(path, most_bytes).map_err(|reason| RunError::Pcap {
            path: path.to_owned(),
            reason,
        })
    });
    let reload = Arc::<Notify>::default();
    let wishes = Wishes {
        seed: wishes.seed,
        around: Around {
            pcap: pcap.transpose()?,
            #[cfg(feature = "console")]
            reload: Some(Arc::clone(&reload)),
        },
        reload,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    let ended = runtime.block_on(attend(file, config, &wishes));
    // What still ends after a second signal is not waited for.
    runtime.shutdown_background();
    ended
}

/// What holds for every start, also after a new reading of the configuration.
struct Wishes {
    seed: Option<u64>,
    around: Around,
    /// Somebody asks over the console for what SIGHUP asks for.
    reload: Arc<Notify>,
}

async fn attend(file: &Path, mut config: Config, wishes: &Wishes) -> Result<(), RunError> {
    let mut signals = Signals::new()?;
    let mut daemon = begin(&config, wishes)?;
    info!(
        name = config.name,
        inputs = config.inputs.len(),
        targets = config.radio.len(),
        "running"
    );
    notify(State::Ready);
    loop {
        let word = tokio::select! {
            word = signals.next() => word,
            () = wishes.reload.notified() => Word::Reload,
        };
        match word {
            Word::End => break,
            Word::Reload => {
                let Some(new) = reload(file) else { continue };
                match changes(&config, &new) {
                    Changes::None => {
                        info!("nothing has changed");
                        continue;
                    }
                    Changes::Standing(file) => {
                        let (path, text) = (file.path.clone(), file.text.clone());
                        match daemon.stand(path, text).await {
                            Ok(()) => {
                                let (signs, events) = (new.site.signs.len(), new.site.events.len());
                                info!(signs, events, "the site's signs and events are taken");
                                config = new;
                            }
                            Err(answer) => error!("not taken: {}", answer.body),
                        }
                        continue;
                    }
                    Changes::More => {}
                }
                let paused = clock::mono();
                drop(daemon);
                (daemon, config) = restart(config, new, wishes)?;
                let pause_ms = clock::mono().since(paused).as_millis() as u64;
                info!(name = config.name, pause_ms, "running anew");
            }
        }
    }
    info!("ending");
    notify(State::Stopping);
    let ended = tokio::task::spawn_blocking(move || daemon.stop());
    tokio::select! {
        _ = ended => {}
        () = signals.wished_again() => warn!("ended at once by a second signal"),
    }
    Ok(())
}

/// What a new configuration asks for.
enum Changes<'n> {
    None,
    /// Other signs and events in the site's file, which this is.
    Standing(&'n Written),
    More,
}

fn changes<'n>(old: &Config, new: &'n Config) -> Changes<'n> {
    if old.files == new.files {
        return Changes::None;
    }
    let same_paths = old.files.len() == new.files.len()
        && old
            .files
            .iter()
            .zip(&new.files)
            .all(|(a, b)| a.path == b.path);
    let pairs = old.files.iter().zip(&new.files);
    let changed: Vec<_> = pairs.filter(|(a, b)| a != b).collect();
    let bare = Site {
        signs: old.site.signs.clone(),
        events: old.site.events.clone(),
        ..new.site.clone()
    };
    match changed[..] {
        // The first file is the configuration itself.
        [(_, file)] if same_paths && *file != new.files[0] && bare == old.site => {
            Changes::Standing(file)
        }
        _ => Changes::More,
    }
}

/// The new configuration, unless something is wrong with it.
fn reload(file: &Path) -> Option<Config> {
    match load_and_warn(file) {
        Ok(config) => Some(config),
        Err(findings) => {
            for finding in &findings {
                error!("{finding}");
            }
            error!("configuration not taken; the old one goes on");
            None
        }
    }
}

/// The new one, or the old one again if the new cannot be started.
fn restart(old: Config, new: Config, wishes: &Wishes) -> Result<(Daemon, Config), RunError> {
    match begin(&new, wishes) {
        Ok(daemon) => Ok((daemon, new)),
        Err(e) => {
            error!("{e}; going back to the old configuration");
            Ok((begin(&old, wishes)?, old))
        }
    }
}

fn begin(config: &Config, wishes: &Wishes) -> Result<Daemon, RunError> {
    let seed = match wishes.seed {
        Some(seed) => seed,
        None => chance()?,
    };
    Ok(Daemon::start_with(
        config.clone(),
        seed,
        wishes.around.clone(),
    )?)
}

fn load_and_warn(file: &Path) -> Result<Config, Findings> {
    let checked = load(file)?;
    for warning in &checked.warnings {
        warn!("{warning}");
    }
    Ok(checked.config)
}

fn chance() -> io::Result<u64> {
    let mut bytes = [0; 8];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(u64::from_ne_bytes(bytes))
}

enum Word {
    End,
    Reload,
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Word {
        tokio::select! {
            _ = self.terminate.recv() => Word::End,
            _ = self.interrupt.recv() => Word::End,
            _ = self.hangup.recv() => Word::Reload,
        }
    }

    /// That it is to end, told again after the end was wished for just now.
    async fn wished_again(&mut self) {
        let wished = clock::mono();
        loop {
            let word = self.next().await;
            if matches!(word, Word::End) && clock::mono().since(wished) > ended::ONE_WISH {
                return;
            }
        }
    }
}
