//! Starting the daemon's threads, and asking the system to run them on time.

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use tokio::sync::oneshot;

use super::cloud::CloudLink;
#[cfg(feature = "console")]
use super::console::{Server, Unit};
use super::link::Inlet;
#[cfg(feature = "socketcan")]
use super::link::can::CanLink;
use super::link::file::FileLink;
use super::link::mqtt::MqttLink;
use super::link::serial::SerialLink;
use super::link::tcp::{TcpLink, TcpListenLink};
use super::link::udp::{Ear, UdpLink};
use super::orders::control::Control;
use super::shared::Shared;
use super::stop::lock;
use super::{Daemon, StartError, sys};
#[cfg(feature = "console")]
use crate::config::Console;
use crate::config::{Cloud, Input, Orders, Realtime, Source};

/// Enough for the deepest call with a report of 128 objects on it a dozen times over, as unoptimised
/// code has it; what is not touched costs nothing.
const STACK: usize = 1024 * 1024;

/// An asynchronous thread: one for streams and recordings, one for brokers.
pub(super) struct Net {
    thread: JoinHandle<()>,
    end: oneshot::Sender<()>,
}

impl Net {
    /// Drops every task and waits for the thread.
    pub(super) fn stop(self) {
        // Gone already if the thread has ended by itself.
        let _ = self.end.send(());
        let _ = self.thread.join();
    }
}

enum Task {
    Tcp(TcpLink),
    TcpListen(TcpListenLink),
    Serial(SerialLink),
    File(FileLink),
    Mqtt(MqttLink),
    Control(Control),
    Cloud(CloudLink),
}

impl Daemon {
    pub(super) fn spawn(
        &mut self,
        name: &str,
        body: impl FnOnce() + Send + 'static,
    ) -> Result<(), StartError> {
        let thread = start(name, body)?;
        self.threads.push(thread);
        Ok(())
    }

    /// One thread for each address that datagrams come to and each CAN interface, one for all streams and recordings, and one
    /// for all brokers: their messages take long to read, and nothing else waits for that.
    pub(super) fn start_links(
        &mut self,
        inputs: &[Input],
        wishes: Realtime,
    ) -> Result<(), StartError> {
        let (mut tasks, mut brokers) = (Vec::new(), Vec::new());
        let mut datagrams: Vec<(String, UdpLink)> = Vec::new();
        #[cfg(feature = "socketcan")]
        let mut buses: Vec<(String, CanLink)> = Vec::new();
        for (input, view) in inputs.iter().zip(&Arc::clone(&self.shared).inputs) {
            let inlet = Inlet {
                input: input.id,
                decoder: input.protocol.decoder(),
                mailbox: Arc::clone(&self.shared.mailbox),
                tally: Arc::clone(&view.tally),
                watchers: self.shared.watchers.clone(),
            };
            match input.source.clone() {
                Source::Udp { listen } => {
                    let ear = Ear {
                        inlet,
                        from: input.from,
                        device: input.device,
                    };
                    match datagrams.iter_mut().find(|(_, link)| link.listen == listen) {
                        Some((_, link)) => link.ears.push(ear),
                        None => {
                            let link = UdpLink {
                                ears: vec![ear],
                                listen,
                                stop: Arc::clone(&self.shared.stop),
                            };
                            datagrams.push((format!("rx-{}", input.name), link));
                        }
                    }
                }
                Source::Tcp { host, port } => tasks.push(Task::Tcp(TcpLink { inlet, host, port })),
                Source::Mqtt(broker) => brokers.push(Task::Mqtt(MqttLink { inlet, broker })),
                Source::TcpListen { listen } => tasks.push(Task::TcpListen(TcpListenLink {
                    inlet,
                    listen,
                    from: input.from,
                })),
                Source::Serial { path, line } => {
                    tasks.push(Task::Serial(SerialLink { inlet, path, line }));
                }
                Source::Candump { path } => tasks.push(Task::File(FileLink { inlet, path })),
                #[cfg(feature = "socketcan")]
                Source::Can { interface } => {
                    match buses.iter_mut().find(|(_, bus)| bus.interface == interface) {
                        Some((_, bus)) => bus.inlets.push(inlet),
                        None => {
                            let bus = CanLink {
                                inlets: vec![inlet],
                                interface,
                                stop: Arc::clone(&self.shared.stop),
                            };
                            buses.push((format!("rx-{}", input.name), bus));
                        }
                    }
                }
                // Refused where the configuration is read.
                #[cfg(not(feature = "socketcan"))]
                Source::Can { .. } => {
                    let mut inlet = inlet;
                    inlet.went_down("this program has no SocketCAN".to_owned());
                }
            }
        }
        for (name, link) in datagrams {
            let shared = Arc::clone(&self.shared);
            self.spawn(&name.clone(), move || {
                ask_for_receiver(&shared, &name, wishes);
                link.run();
            })?;
        }
        #[cfg(feature = "socketcan")]
        for (name, bus) in buses {
            let shared = Arc::clone(&self.shared);
            self.spawn(&name.clone(), move || {
                ask_for_receiver(&shared, &name, wishes);
                bus.run();
            })?;
        }
        // A broker's thread asks for no real-time priority: what it reads may be long.
        let brokers_wishes = Realtime {
            fifo_priority: None,
            ..wishes
        };
        for (name, tasks, wishes) in [("net", tasks, wishes), ("brokers", brokers, brokers_wishes)]
        {
            if !tasks.is_empty() {
                let net = start_net(name, &self.shared, tasks, wishes)?;
                self.nets.push(net);
            }
        }
        Ok(())
    }
}

impl Daemon {
    /// The control socket and the platform's broker, on threads without real-time priority.
    pub(super) fn start_ways_of_ordering(
        &mut self,
        orders: Option<Orders>,
        cloud: Option<Cloud>,
        wishes: Realtime,
    ) -> Result<(), StartError> {
        let wishes = Realtime {
            fifo_priority: None,
            ..wishes
        };
        let shared = Arc::clone(&self.shared);
        let control = orders.and_then(|orders| orders.socket).map(|path| {
            Task::Control(Control {
                path,
                desk: shared.desk.clone(),
                site: Arc::clone(&shared.site),
            })
        });
        let link = cloud.zip(shared.cloud.clone()).map(|(wish, tally)| {
            Task::Cloud(CloudLink {
                wish,
                site: Arc::clone(&shared.site),
                desk: shared.desk.clone(),
                tally,
            })
        });
        for (name, task) in [("control", control), ("cloud", link)] {
            if let Some(task) = task {
                let net = start_net(name, &shared, vec![task], wishes)?;
                self.nets.push(net);
            }
        }
        Ok(())
    }
}

pub(super) fn start(
    name: &str,
    body: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>, StartError> {
    thread::Builder::new()
        .name(name.to_owned())
        .stack_size(STACK)
        .spawn(body)
        .map_err(|reason| StartError::Thread {
            name: name.to_owned(),
            reason,
        })
}

#[cfg(feature = "console")]
impl Daemon {
    /// The console's own thread, if it is wished for.
    pub(super) fn start_console(
        &mut self,
        wish: Option<Console>,
        unit: Unit,
    ) -> Result<(), StartError> {
        let page = self.shared.watchers.page.clone();
        let Some((wish, reader)) = wish.zip(page) else {
            return Ok(());
        };
        let server = Server::new(wish, unit, Arc::clone(&self.shared), reader);
        self.nets.push(start_server(server)?);
        Ok(())
    }
}

/// The console's thread.
#[cfg(feature = "console")]
pub(super) fn start_server(server: Server) -> Result<Net, StartError> {
    let failed = |reason| StartError::Thread {
        name: "console".to_owned(),
        reason,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        // For what is read from the disk.
        .max_blocking_threads(2)
        .build()
        .map_err(failed)?;
    let (end, ended) = oneshot::channel();
    let thread = start("console", move || {
        runtime.block_on(server.run(ended));
        // Readers who are still there are not waited for.
        runtime.shutdown_background();
    })?;
    Ok(Net { thread, end })
}

fn start_net(
    name: &'static str,
    shared: &Arc<Shared>,
    tasks: Vec<Task>,
    wishes: Realtime,
) -> Result<Net, StartError> {
    let failed = |reason| StartError::Thread {
        name: name.to_owned(),
        reason,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        // Only names are looked up there.
        .max_blocking_threads(2)
        .thread_stack_size(STACK)
        .build()
        .map_err(failed)?;
    let (end, ended) = oneshot::channel::<()>();
    let shared = Arc::clone(shared);
    let thread = start(name, move || {
        ask_for_receiver(&shared, name, wishes);
        runtime.block_on(async move {
            for task in tasks {
                match task {
                    Task::Tcp(link) => drop(tokio::spawn(link.run())),
                    Task::TcpListen(link) => drop(tokio::spawn(link.run())),
                    Task::Serial(link) => drop(tokio::spawn(link.run())),
                    Task::File(link) => drop(tokio::spawn(link.run())),
                    Task::Mqtt(link) => drop(tokio::spawn(link.run())),
                    Task::Control(control) => drop(tokio::spawn(control.run())),
                    Task::Cloud(link) => drop(tokio::spawn(link.run())),
                }
            }
            // An error says that the sender is gone, which ends us just as well.
            let _ = ended.await;
        });
        // A name that is still being looked up is not waited for.
        runtime.shutdown_background();
    })?;
    Ok(Net { thread, end })
}

/// For the thread that calls: on time, and on its core.
pub(super) fn ask_for_heart(shared: &Shared, wishes: Realtime) {
    note(shared, "timers of the heart", sys::tighten_timers());
    if let Some(core) = wishes.heart_core {
        let what = format!("heart on core {core}");
        note(shared, &what, sys::pin_to_core(core));
    }
    if let Some(priority) = wishes.fifo_priority {
        let what = format!("real-time priority {priority} of the heart");
        note(shared, &what, sys::run_fifo(priority));
    }
}

/// For the thread that calls: just below the heart, which then interrupts it.
fn ask_for_receiver(shared: &Shared, name: &str, wishes: Realtime) {
    if let Some(priority) = wishes.fifo_priority {
        let priority = priority - 1;
        let what = format!("real-time priority {priority} of {name}");
        note(shared, &what, sys::run_fifo(priority));
    }
}

/// For the whole process, once it has all its threads.
pub(super) fn ask_for_process(shared: &Shared, wishes: Realtime) {
    if wishes.lock_memory {
        note(shared, "memory lock", sys::lock_memory());
    }
}

fn note(shared: &Shared, what: &str, asked: io::Result<()>) {
    if let Err(refused) = asked {
        tracing::warn!("{what}: refused: {refused}; going on without it");
        lock(&shared.refused).push(format!("{what}: {refused}"));
    }
}
