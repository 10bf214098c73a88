//! Rates, ages, losses and rejects, by sender and kind.
//!
//! Bounded: whoever sends from ever new addresses is counted together once the book is full.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::SocketAddr;

use v2x_msg::MessageKind;
use v2x_msg::access::Aid;
use v2x_msg::base::MsgCount;

/// Flows, and likewise reasons, that are kept apart.
const MAX_ENTRIES: usize = 512;

#[derive(Default)]
pub(super) struct Ledger {
    flows: BTreeMap<(SocketAddr, MessageKind), Flow>,
    /// How many frames of whom were rejected, by reason.
    rejects: BTreeMap<(SocketAddr, String), Count>,
    /// What came when the book was full.
    beyond: Count,
    seconds: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    whole: u64,
    second: u64,
}

impl Count {
    fn add(&mut self, number: u64) {
        self.whole += number;
        self.second += number;
    }
}

#[derive(Default)]
struct Flow {
    messages: Count,
    /// Of RSI: dynamic, semi-static and static ones, which have rates of their own and one counter.
    classes: [Count; 3],
    lost: Count,
    /// Counters that went back or far ahead: a restart, a second sender, or another order.
    jumps: Count,
    repeated: Count,
    last: Option<MsgCount>,
    age_whole: Age,
    age_second: Age,
}

#[derive(Clone, Copy, Debug, Default)]
struct Age {
    number: u64,
    sum_ms: f64,
    greatest_ms: f64,
}

impl Age {
    fn add(&mut self, age_ms: f64) {
        self.greatest_ms = if self.number == 0 {
            age_ms
        } else {
            self.greatest_ms.max(age_ms)
        };
        self.number += 1;
        self.sum_ms += age_ms;
    }

    fn text(&self) -> String {
        if self.number == 0 {
            return "age -".to_owned();
        }
        let mean = self.sum_ms / self.number as f64;
        format!("age {mean:.0}/{:.0} ms", self.greatest_ms)
    }
}

impl Ledger {
    /// A message that was understood.
    pub(super) fn note(
        &mut self,
        sender: SocketAddr,
        kind: MessageKind,
        aid: Option<Aid>,
        msg_cnt: u8,
        age_ms: Option<f64>,
    ) {
        let full = self.flows.len() >= MAX_ENTRIES;
        if full && !self.flows.contains_key(&(sender, kind)) {
            self.beyond.add(1);
            return;
        }
        let flow = self.flows.entry((sender, kind)).or_default();
        flow.messages.add(1);
        if let Some(class) = CLASSES.iter().position(|(class, _)| Some(*class) == aid) {
            flow.classes[class].add(1);
        }
        let count = MsgCount::new(msg_cnt).ok();
        let last = count.and_then(|count| flow.last.replace(count));
        if let (Some(last), Some(count)) = (last, count) {
            match last.lost_before(count) {
                127 => flow.repeated.add(1),
                // Half a round lost at once is less likely than a new beginning.
                64.. => flow.jumps.add(1),
                lost => flow.lost.add(lost.into()),
            }
        }
        if let Some(age_ms) = age_ms {
            flow.age_whole.add(age_ms);
            flow.age_second.add(age_ms);
        }
    }

    /// A frame that was not understood, or should not have been sent so.
    pub(super) fn reject(&mut self, sender: SocketAddr, reason: String) {
        let full = self.rejects.len() >= MAX_ENTRIES;
        let key = (sender, reason);
        if full && !self.rejects.contains_key(&key) {
            self.beyond.add(1);
            return;
        }
        self.rejects.entry(key).or_default().add(1);
    }

    /// The lines of the second that ends now.
    pub(super) fn second(&mut self) -> String {
        self.seconds += 1;
        let mut lines = String::new();
        for ((sender, kind), flow) in &mut self.flows {
            let messages = flow.messages.second;
            let classes = classes(flow, "/s", |count| count.second);
            let age = flow.age_second.text();
            let gaps = gaps(flow, |count| count.second);
            let _ = writeln!(
                lines,
                "-- {sender} {kind} {messages}/s{classes}, {age}, {gaps}"
            );
            for count in [
                &mut flow.messages,
                &mut flow.lost,
                &mut flow.jumps,
                &mut flow.repeated,
            ] {
                count.second = 0;
            }
            for class in &mut flow.classes {
                class.second = 0;
            }
            flow.age_second = Age::default();
        }
        for ((sender, reason), count) in &mut self.rejects {
            if count.second > 0 {
                let number = count.second;
                let _ = writeln!(lines, "-- {sender} rejected {number}: {reason}");
            }
            count.second = 0;
        }
        lines
    }

    /// The lines of all that was heard.
    pub(super) fn whole(&self) -> String {
        let mut lines = format!("-- in all, {} s\n", self.seconds);
        for ((sender, kind), flow) in &self.flows {
            let messages = flow.messages.whole;
            let classes = classes(flow, "", |count| count.whole);
            let age = flow.age_whole.text();
            let gaps = gaps(flow, |count| count.whole);
            let _ = writeln!(
                lines,
                "-- {sender} {kind} {messages} messages{classes}, {age}, {gaps}"
            );
        }
        for ((sender, reason), count) in &self.rejects {
            let _ = writeln!(lines, "-- {sender} rejected {}: {reason}", count.whole);
        }
        if self.beyond.whole > 0 {
            let _ = writeln!(lines, "-- {} more from too many senders", self.beyond.whole);
        }
        lines
    }
}

const CLASSES: [(Aid, &str); 3] = [
    (Aid::RsiDynamic, "dynamic"),
    (Aid::RsiSemiStatic, "semi-static"),
    (Aid::RsiStatic, "static"),
];

/// ` (dynamic 10/s, static 1/s)`, where there have been any.
fn classes(flow: &Flow, unit: &str, of: impl Fn(Count) -> u64) -> String {
    let heard = flow.classes.iter().zip(CLASSES);
    let heard = heard.filter(|(count, _)| count.whole > 0);
    let texts: Vec<String> = heard
        .map(|(count, (_, name))| format!("{name} {}{unit}", of(*count)))
        .collect();
    if texts.is_empty() {
        return String::new();
    }
    format!(" ({})", texts.join(", "))
}

fn gaps(flow: &Flow, of: impl Fn(Count) -> u64) -> String {
    let mut text = format!("lost {}", of(flow.lost));
    for (count, what) in [(flow.repeated, "repeated"), (flow.jumps, "jumps")] {
        if of(count) > 0 {
            let _ = write!(text, ", {what} {}", of(count));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sender() -> SocketAddr {
        "10.0.0.1:4900".parse().unwrap()
    }

    fn heard(counts: &[u8]) -> String {
        let mut ledger = Ledger::default();
        for count in counts {
            ledger.note(sender(), MessageKind::Spat, None, *count, Some(12.0));
        }
        ledger.second()
    }

    #[test]
    fn rates_ages_and_losses_are_of_the_last_second() {
        assert_eq!(
            heard(&[126, 127, 2]),
            "-- 10.0.0.1:4900 SPAT 3/s, age 12/12 ms, lost 2\n"
        );
        let mut ledger = Ledger::default();
        ledger.note(sender(), MessageKind::Map, None, 1, None);
        ledger.second();
        assert_eq!(ledger.second(), "-- 10.0.0.1:4900 MAP 0/s, age -, lost 0\n");
        assert!(ledger.whole().contains("MAP 1 messages"));
    }

    #[test]
    fn classes_of_rsi_have_rates_of_their_own_and_one_counter() {
        let mut ledger = Ledger::default();
        let flows = [Aid::RsiDynamic, Aid::RsiStatic, Aid::RsiDynamic];
        for (count, aid) in (0..).zip(flows) {
            ledger.note(sender(), MessageKind::Rsi, Some(aid), count, None);
        }
        assert_eq!(
            ledger.second(),
            "-- 10.0.0.1:4900 RSI 3/s (dynamic 2/s, static 1/s), age -, lost 0\n"
        );
        assert!(ledger.second().contains("0/s (dynamic 0/s, static 0/s)"));
        assert!(
            ledger
                .whole()
                .contains("3 messages (dynamic 2, static 1), age")
        );
    }

    #[test]
    fn a_restart_is_no_loss() {
        assert!(heard(&[5, 100]).ends_with("lost 0, jumps 1\n"));
        assert!(heard(&[5, 5]).ends_with("lost 0, repeated 1\n"));
    }

    #[test]
    fn strangers_beyond_bounds_are_counted_together() {
        let mut ledger = Ledger::default();
        for port in 1..=1000 {
            let stranger = SocketAddr::new(sender().ip(), port);
            ledger.note(stranger, MessageKind::Bsm, None, 0, None);
            ledger.reject(stranger, "noise".to_owned());
        }
        assert_eq!(
            (ledger.flows.len(), ledger.rejects.len()),
            (MAX_ENTRIES, MAX_ENTRIES)
        );
        assert!(
            ledger
                .whole()
                .ends_with("-- 976 more from too many senders\n")
        );
    }
}
