//! A platform that orders events over MQTT: heard, passed to the clerk, and answered where it asks; told
//! of warnings where it names a topic.
//!
//! A task on the brokers' thread. What is faulty in a message is refused and counted, the rest of it
//! stands. Messages beyond the configured rate are dropped unread, and so are those that the broker
//! had kept from an earlier time. While the broker is away what stands goes on until its end. Not here:
//! what messages mean ([`crate::events::cloud`]), what is kept ([`super::orders`]).

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use super::backoff::Backoff;
use super::clock;
use super::link::mqtt::{Session, Voice, Word};
use super::orders::{Desk, What, Wish};
use super::stop::lock;
use crate::clock::Mono;
use crate::config::Cloud;
use crate::events::cloud;
use crate::site::Site;

/// At most one line about what was refused in this time.
const TELL_EVERY: Duration = Duration::from_secs(10);
/// Seconds' worth of messages that may come at once.
const AT_ONCE: u64 = 2;

/// What became of a platform's messages.
#[derive(Debug, Default)]
pub(crate) struct CloudTally {
    pub(crate) messages: AtomicU64,
    /// Entries that began, changed or ended something.
    pub(crate) entries: AtomicU64,
    /// Entries and messages that were refused.
    pub(crate) faults: AtomicU64,
    pub(crate) too_fast: AtomicU64,
    pub(crate) retained: AtomicU64,
    pub(crate) answered: AtomicU64,
    /// Answers that could not be sent.
    pub(crate) unanswered: AtomicU64,
    pub(crate) connected: AtomicU64,
    /// Warnings that were sent to it, and those that could not be.
    pub(crate) warned: AtomicU64,
    pub(crate) unwarned: AtomicU64,
    /// While it listens and wants warnings: what speaks, and the topic.
    voice: Mutex<Option<(Voice, String)>>,
}

impl CloudTally {
    /// Tells the platform of a warning, if it wants that and listens: what is about to happen is no news
    /// later. Never waits for the network.
    pub(crate) fn warn(&self, warning: &Value) {
        if let Some((voice, topic)) = &*lock(&self.voice) {
            let sent = voice.publish(topic, warning.to_string());
            let counter = match sent {
                Ok(()) => &self.warned,
                Err(_) => &self.unwarned,
            };
            count(counter, 1);
        }
    }
}

/// The platform's link.
pub(crate) struct CloudLink {
    pub(crate) wish: Cloud,
    pub(crate) site: Arc<Site>,
    pub(crate) desk: Desk,
    pub(crate) tally: Arc<CloudTally>,
}

impl CloudLink {
    /// Connects and listens, again after every failure; the task is dropped to end it.
    pub(crate) async fn run(self) {
        let mut backoff = Backoff::default();
        let mut told: Option<String> = None;
        let mut pace = Pace::new(self.wish.most_per_s, clock::mono());
        loop {
            let reason = match Session::open(&self.wish.broker) {
                Ok(session) => {
                    let told = &mut told;
                    self.listen(session, &mut backoff, &mut pace, told).await
                }
                Err(reason) => reason,
            };
            self.tally.connected.store(0, Ordering::Relaxed);
            *lock(&self.tally.voice) = None;
            if told.as_ref() != Some(&reason) {
                tracing::warn!("cloud: {reason}; trying again");
                told = Some(reason);
            }
            sleep(backoff.pause()).await;
        }
    }

    async fn listen(
        &self,
        mut session: Session,
        backoff: &mut Backoff,
        pace: &mut Pace,
        told: &mut Option<String>,
    ) -> String {
        let mut told_faults_at: Option<Mono> = None;
        loop {
            match session.next().await {
                Ok(Word::Subscribed) => {
                    tracing::info!(broker = %self.wish.broker.host, "cloud: listening");
                    let topic = self.wish.warnings_topic.clone();
                    *lock(&self.tally.voice) = topic.map(|topic| (session.voice(), topic));
                    self.tally.connected.store(1, Ordering::Relaxed);
                    (*told, _) = (None, backoff.reset());
                }
                Ok(Word::Said(message)) if message.retain => count(&self.tally.retained, 1),
                Ok(Word::Said(_)) if !pace.takes(clock::mono()) => count(&self.tally.too_fast, 1),
                Ok(Word::Said(message)) => {
                    let faults = self.take(&message.payload, &mut session).await;
                    let now = clock::mono();
                    let lately = |at: Mono| now.since(at) < TELL_EVERY;
                    if let Some(first) = faults.first()
                        && !told_faults_at.is_some_and(lately)
                    {
                        told_faults_at = Some(now);
                        let refused = faults.len();
                        tracing::warn!(refused, "cloud: refused, first {first}");
                    }
                }
                Err(reason) => {
                    let broker = &self.wish.broker;
                    return format!("mqtt://{}:{}: {reason}", broker.host, broker.port);
                }
            }
        }
    }

    /// One message; gives what was wrong with it.
    async fn take(&self, payload: &[u8], session: &mut Session) -> Vec<String> {
        count(&self.tally.messages, 1);
        let now = clock::now().utc;
        let rules = &self.wish.rules;
        // Ready-made ones come as they are on air: no JSON begins so.
        let first = payload.iter().find(|byte| !byte.is_ascii_whitespace());
        let whole = match first {
            Some(b'{' | b'[') => cloud::parse(payload, rules, &self.site, now),
            _ => match cloud::parse_uper(payload, rules.longest, &self.site, now) {
                Ok(whole) => whole,
                Err(reason) => {
                    count(&self.tally.faults, 1);
                    return vec![reason];
                }
            },
        };
        let (ack, count_of) = (whole.ack.clone(), whole.entries.len() as u64);
        let what = What::Many {
            told: whole,
            digits: String::new(),
        };
        let answer = self.desk.ask(Wish { what, key: None }).await;
        let errors = answer.body["errors"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let mut faults: Vec<String> = errors
            .iter()
            .filter_map(|error| error.as_str().map(str::to_owned))
            .collect();
        faults.extend(answer.body["error"].as_str().map(str::to_owned));
        count(&self.tally.faults, faults.len() as u64);
        let refused = faults.len() as u64;
        count(&self.tally.entries, count_of.saturating_sub(refused));
        if let (Some(number), Some(topic)) = (ack, &self.wish.ack_topic) {
            let error_desc: String = faults.join("; ").chars().take(500).collect();
            let body = json!({
                "seqNum": number, "errorCode": u8::from(!faults.is_empty()), "errorDesc": error_desc,
            });
            let sent = session.publish(topic, body.to_string());
            let counter = match sent {
                Ok(()) => &self.tally.answered,
                Err(_) => &self.tally.unanswered,
            };
            count(counter, 1);
        }
        faults
    }
}

fn count(counter: &AtomicU64, by: u64) {
    counter.fetch_add(by, Ordering::Relaxed);
}

/// So many a second, and a few at once.
#[derive(Debug)]
struct Pace {
    per_s: u64,
    /// In billionths of a message.
    saved: u64,
    at: Mono,
}

impl Pace {
    fn new(per_s: u32, now: Mono) -> Self {
        let per_s = u64::from(per_s);
        Self {
            per_s,
            saved: AT_ONCE * per_s * ONE,
            at: now,
        }
    }

    fn takes(&mut self, now: Mono) -> bool {
        let passed = u64::try_from(now.since(self.at).as_nanos()).unwrap_or(u64::MAX);
        self.at = now;
        let most = AT_ONCE * self.per_s * ONE;
        self.saved = passed
            .saturating_mul(self.per_s)
            .saturating_add(self.saved)
            .min(most);
        let takes = self.saved >= ONE;
        if takes {
            self.saved -= ONE;
        }
        takes
    }
}

const ONE: u64 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_slowed_to_its_rate() {
        let at = |ms: u64| Mono::ZERO + Duration::from_millis(ms);
        let mut pace = Pace::new(10, at(0));
        let mut taken = |from: u64, to: u64| (from..to).filter(|ms| pace.takes(at(*ms))).count();
        assert_eq!(taken(0, 1000), 29);
        assert_eq!(taken(1000, 11_000), 100);
        // After a silence a few at once, no more.
        assert_eq!(taken(60_000, 60_050), 20);
    }
}
