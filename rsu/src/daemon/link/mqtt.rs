//! Messages of an MQTT 3.1.1 broker, as a task on the brokers' thread.
//!
//! One connection an input, with a session of its own that the broker forgets when it ends: what was
//! said while we were away is over. A retained message is dropped and counted for the same reason.
//! Nothing is queued here: while a message is decoded the next one waits in the broker, which drops
//! at its own bound. Passwords are read anew at each connection, from a file or the environment.
//!
//! Not here: TLS; what is published.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::Ordering;
use std::{env, fs};

use rumqttc::{
    AsyncClient, Event, EventLoop, MqttOptions, NetworkOptions, Packet, Publish, PublishOptions,
    QoS,
};
use tokio::time::sleep;

use super::Inlet;
use crate::config::{Broker, Password};
use crate::daemon::backoff::Backoff;
use crate::daemon::clock;
use crate::daemon::tally::LinkState;

/// A broker that is gone without a word is found out after one and a half of it.
const KEEP_ALIVE_S: u16 = 5;
/// Longest that a connection may take to come about.
const CONNECT_WITHIN_S: u64 = 5;
/// Longest message; a longer one ends the connection, which begins anew.
const LONGEST: usize = 8 << 20;
/// Our own requests: as many subscriptions as a configuration may have.
const REQUESTS: usize = crate::config::MOST_TOPICS + 2;

/// One input that subscribes at a broker.
pub(crate) struct MqttLink {
    pub(crate) inlet: Inlet,
    pub(crate) broker: Broker,
}

impl MqttLink {
    /// Connects and listens, again after every failure; the task is dropped to end it.
    pub(crate) async fn run(mut self) {
        let mut backoff = Backoff::default();
        loop {
            let reason = match Session::open(&self.broker) {
                Ok(session) => self.listen(session, &mut backoff).await,
                Err(reason) => reason,
            };
            self.inlet.went_down(reason);
            sleep(backoff.pause()).await;
        }
    }

    /// Listens until the connection fails, and says why.
    async fn listen(&mut self, mut session: Session, backoff: &mut Backoff) -> String {
        loop {
            match session.next().await {
                Ok(Word::Subscribed) => {
                    self.inlet.tally.set_link(LinkState::Up);
                    backoff.reset();
                }
                Ok(Word::Said(message)) if message.retain => {
                    self.inlet.tally.retained.fetch_add(1, Ordering::Relaxed);
                }
                Ok(Word::Said(message)) => self.inlet.take(clock::now(), &message.payload),
                Err(reason) => {
                    return format!("mqtt://{}:{}: {reason}", self.broker.host, self.broker.port);
                }
            }
        }
    }
}

/// What a broker has to say.
pub(crate) enum Word {
    /// It listens to us and has taken our subscriptions.
    Subscribed,
    /// A message.
    Said(Publish),
}

/// Speaks for a session.
#[derive(Debug)]
pub(crate) struct Voice(AsyncClient);

impl Voice {
    /// Says something without waiting.
    ///
    /// # Errors
    /// Where too much waits to be said, or the session has ended.
    pub(crate) fn publish(&self, topic: &str, text: String) -> Result<(), String> {
        let options = PublishOptions::at_least_once();
        let said = self.0.try_publish(topic.to_owned(), text, options);
        said.map_err(|e| e.to_string())
    }
}

/// One connection.
pub(crate) struct Session {
    client: AsyncClient,
    events: EventLoop,
    topics: Vec<(String, QoS)>,
    /// Subscriptions that the broker has not answered.
    open: usize,
}

impl Session {
    /// Nothing is sent before [`Self::next`] is awaited. The error is for the operator.
    pub(crate) fn open(broker: &Broker) -> Result<Self, String> {
        let id = match &broker.client_id {
            Some(id) => id.clone(),
            // Two clients of one id would throw each other out for ever.
            None => format!("rsu-{:016x}", RandomState::new().hash_one(&broker.topics)),
        };
        let mut options = MqttOptions::new(id, (broker.host.clone(), broker.port));
        options
            .set_keep_alive(KEEP_ALIVE_S)
            .set_clean_session(true)
            .set_max_packet_size(LONGEST, 64 << 10);
        if let Some(login) = &broker.login {
            let password = password(&login.password)?;
            options.set_credentials(login.user.clone(), password);
        }
        let (client, mut events) = AsyncClient::builder(options)
            .capacity(REQUESTS)
            .try_build()
            .map_err(|e| e.to_string())?;
        let mut network = NetworkOptions::new();
        network.set_tcp_nodelay(true);
        network.set_connection_timeout(CONNECT_WITHIN_S);
        events.set_network_options(network);
        let qos = match broker.qos {
            0 => QoS::AtMostOnce,
            _ => QoS::AtLeastOnce,
        };
        Ok(Self {
            client,
            events,
            topics: broker.topics.iter().map(|t| (t.clone(), qos)).collect(),
            open: 0,
        })
    }

    /// Says something, once the session is asked for its next word.
    ///
    /// # Errors
    /// Where too much waits to be said.
    pub(crate) fn publish(&self, topic: &str, text: String) -> Result<(), String> {
        self.voice().publish(topic, text)
    }

    /// What speaks for this session from another thread, as long as it lasts.
    pub(crate) fn voice(&self) -> Voice {
        Voice(self.client.clone())
    }

    /// The next word; an error ends the session.
    pub(crate) async fn next(&mut self) -> Result<Word, String> {
        loop {
            match self.events.poll().await.map_err(|e| e.to_string())? {
                Event::Incoming(Packet::ConnAck(_)) => {
                    for (topic, qos) in &self.topics {
                        let asked = self.client.try_subscribe(topic.clone(), *qos);
                        asked.map_err(|e| e.to_string())?;
                    }
                    self.open = self.topics.len();
                }
                Event::Incoming(Packet::SubAck(answer)) => {
                    let refused = |code: &rumqttc::SubscribeReasonCode| {
                        matches!(code, rumqttc::SubscribeReasonCode::Failure)
                    };
                    if answer.return_codes.iter().any(refused) {
                        return Err("the broker refuses a subscription".to_owned());
                    }
                    self.open = self.open.saturating_sub(1);
                    if self.open == 0 {
                        return Ok(Word::Subscribed);
                    }
                }
                Event::Incoming(Packet::Publish(message)) => return Ok(Word::Said(message)),
                _ => {}
            }
        }
    }
}

/// The word itself, read anew each time. The error is for the operator.
pub(crate) fn password(password: &Password) -> Result<String, String> {
    let read = match password {
        Password::File(path) => fs::read_to_string(path)
            .map_err(|e| format!("cannot read the password in {}: {e}", path.display())),
        Password::Env(name) => {
            env::var(name).map_err(|_| format!("the environment has no text in {name}"))
        }
        Password::None => Ok(String::new()),
    }?;
    Ok(read.trim_end_matches(['\r', '\n']).to_owned())
}
