//! `[orders]`: whether people may order events, by which ways, and where that is kept; `[cloud]`: the
//! platform that may.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::address::{Broker, MOST_TOPICS};
use super::broker::read_broker;
use crate::events::cloud::{Dialect, Rules};
use crate::sheet::Table;

/// What people order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Orders {
    /// The file that keeps it.
    pub journal: PathBuf,
    /// The socket of `rsu event`; None: not served.
    pub socket: Option<PathBuf>,
}

/// A platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cloud {
    /// Where it speaks.
    pub broker: Broker,
    /// What its messages mean.
    pub rules: Rules,
    /// Where it wants to be answered; None: it is not.
    pub ack_topic: Option<String>,
    /// Where it wants to hear of warnings; None: it does not.
    pub warnings_topic: Option<String>,
    /// Messages beyond so many a second, after a few at once, are refused.
    pub most_per_s: u32,
}

/// Reads both sections.
pub(super) fn read(root: &mut Table<'_, '_>, folder: &Path) -> (Option<Orders>, Option<Cloud>) {
    let (orders, asked, line) = read_orders(root, folder);
    let mut table = root.table("cloud");
    let cloud = read_cloud(&mut table, folder);
    let cloud_line = table.line();
    table.finish();
    let by_whom = if cloud.is_some() { "cloud" } else { "orders" };
    if orders.is_none() && (asked || cloud.is_some()) {
        let line = if cloud.is_some() { cloud_line } else { line };
        let reason = "needs `journal` in [orders]: nothing is promised that is not kept on disk";
        root.wrong(line, by_whom, reason);
    }
    (orders, cloud)
}

/// Also whether a way of ordering is asked for, and where.
fn read_orders(root: &mut Table<'_, '_>, folder: &Path) -> (Option<Orders>, bool, usize) {
    let mut table = root.table("orders");
    let mut path = |key| {
        let text = table.text(key)?;
        if text.value.trim().is_empty() {
            table.wrong(text.line, key, "must name a file");
            return None;
        }
        Some(folder.join(text.value))
    };
    let (journal, socket) = (path("journal"), path("socket"));
    let line = table.line();
    // What the kernel takes as the address of a socket, with its end.
    if let Some(socket) = socket.as_ref().filter(|path| path.as_os_str().len() > 100) {
        let reason = format!(
            "must be at most 100 characters, not {}",
            socket.as_os_str().len()
        );
        table.wrong(table.line_of("socket"), "socket", &reason);
    }
    table.finish();
    let asked = socket.is_some();
    let orders = journal.map(|journal| Orders { journal, socket });
    (orders, asked, line)
}

fn read_cloud(table: &mut Table<'_, '_>, folder: &Path) -> Option<Cloud> {
    let dialects = [("huawei", Dialect::Huawei), ("openv2x", Dialect::OpenV2x)];
    let dialect = table.choice("dialect", &dialects).map(|at| at.value);
    let device = table.text("device");
    let longest = table.integer("longest-s", 10..=31_536_000);
    let unit = table.millis("duration-unit-ms", 1..=86_400_000);
    let rate = table.integer("most-per-s", 1..=1000);
    let given = table.has("broker");
    let usual = device.filter(|device| is_part(device.value)).zip(dialect);
    let usual = usual.map(|(device, dialect)| down_topic(dialect, device.value));
    let broker = read_broker(table, folder, usual.clone());
    let ack = table.text("ack-topic");
    let warnings = table.text("warnings-topic");
    if !given {
        return None;
    }
    for key in ["dialect", "device"] {
        if !table.has(key) {
            table.missing(key);
        }
    }
    if let Some(device) = device.filter(|device| !is_part(device.value)) {
        let reason = "must be 1 to 64 characters without +, # or /: it is a part of topics";
        table.wrong(device.line, "device", reason);
    }
    let plain = |topic: &str| (1..=256).contains(&topic.len()) && !topic.contains(['+', '#', '\0']);
    if let Some(ack) = ack.filter(|ack| !ack.value.is_empty() && !plain(ack.value)) {
        table.wrong(ack.line, "ack-topic", "must be a topic without + and #");
    }
    if let Some(topic) = warnings.filter(|topic| !topic.value.is_empty() && !plain(topic.value)) {
        let reason = "must be a topic without + and #";
        table.wrong(topic.line, "warnings-topic", reason);
    }
    let ack_topic = match ack {
        Some(ack) => Some(ack.value.to_owned()).filter(|topic| !topic.is_empty()),
        None => usual.map(|topic| ack_topic(dialect, &topic)),
    };
    Some(Cloud {
        broker: broker?,
        rules: Rules {
            dialect: dialect?,
            longest: Duration::from_secs(longest.map_or(3600, |s| s.value.unsigned_abs())),
            duration_unit: unit,
        },
        ack_topic,
        warnings_topic: warnings
            .map(|topic| topic.value.to_owned())
            .filter(|topic| !topic.is_empty()),
        most_per_s: rate.map_or(10, |rate| rate.value as u32),
    })
}

/// Whether it can be a level of a topic.
fn is_part(text: &str) -> bool {
    (1..=64).contains(&text.len()) && !text.contains(['+', '#', '/', '\0'])
}

fn down_topic(dialect: Dialect, device: &str) -> String {
    match dialect {
        Dialect::Huawei => format!("v2x/v1/rsu/{device}/rsi/down"),
        Dialect::OpenV2x => format!("V2X/RSU/{device}/RSI/DOWN"),
    }
}

/// As the platforms do for MAP; for RSI none is documented.
fn ack_topic(dialect: Option<Dialect>, down: &str) -> String {
    match dialect {
        Some(Dialect::OpenV2x) => format!("{down}/ACK"),
        _ => format!("{down}/ack"),
    }
}

/// A platform has at least the topic on which it speaks.
const _: () = assert!(MOST_TOPICS >= 1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sheet::Reader;

    fn read_text(text: &str) -> (Option<Orders>, Option<Cloud>, Vec<String>) {
        let reader = Reader::new("f", text);
        let document = reader.document();
        let mut root = reader.root(&document);
        let (orders, cloud) = read(&mut root, Path::new("/etc/rsu"));
        root.finish();
        let (findings, _) = reader.into_findings();
        let told = findings.iter().map(ToString::to_string).collect();
        (orders, cloud, told)
    }

    #[test]
    fn nobody_orders_anything_unless_it_is_asked_for() {
        assert_eq!(read_text(""), (None, None, vec![]));
        let (orders, _, told) = read_text("[orders]\njournal = 'j'\n");
        assert_eq!(told, [""; 0]);
        let orders = orders.unwrap();
        assert_eq!(orders.journal, Path::new("/etc/rsu/j"));
        assert_eq!(orders.socket, None);
    }

    #[test]
    fn what_is_promised_is_kept() {
        let (_, _, told) = read_text("[orders]\nsocket = 's'\n");
        assert!(
            told.iter().any(|t| t.contains("needs `journal`")),
            "{told:?}"
        );
    }

    #[test]
    fn a_platform_has_its_topics_by_its_dialect() {
        let (_, cloud, told) = read_text(
            "[orders]\njournal = 'j'\n[cloud]\ndialect = 'huawei'\ndevice = 'esn7'\n\
             broker = { address = 'mqtt://127.0.0.1:1883' }\n",
        );
        assert_eq!(told, [""; 0]);
        let cloud = cloud.unwrap();
        assert_eq!(cloud.broker.topics, ["v2x/v1/rsu/esn7/rsi/down"]);
        assert_eq!(cloud.ack_topic.unwrap(), "v2x/v1/rsu/esn7/rsi/down/ack");
        assert_eq!(cloud.rules.longest, Duration::from_secs(3600));
        let (_, cloud, told) = read_text(
            "[orders]\njournal = 'j'\n[cloud]\ndialect = 'openv2x'\ndevice = 'R1'\nack-topic = ''\n\
             broker = { address = 'mqtt://127.0.0.1:1883', topics = ['a/+'] }\n",
        );
        assert_eq!(told, [""; 0]);
        let cloud = cloud.unwrap();
        assert_eq!(
            (cloud.broker.topics, cloud.ack_topic),
            (vec!["a/+".to_owned()], None)
        );
    }

    #[test]
    fn a_platform_without_a_journal_or_a_name_is_refused() {
        let broker = "broker = { address = 'mqtt://127.0.0.1:1883' }\n";
        let (_, _, told) = read_text(&format!("[cloud]\n{broker}"));
        for word in ["dialect", "device", "topics"] {
            assert!(told.iter().any(|t| t.contains(word)), "{word}: {told:?}");
        }
        let (_, cloud, told) = read_text(&format!(
            "[cloud]\ndialect = 'huawei'\ndevice = 'a'\n{broker}"
        ));
        assert!(cloud.is_some());
        assert!(told[0].contains("needs `journal`"), "{told:?}");
        let (_, _, told) = read_text(&format!(
            "[orders]\njournal = 'j'\n[cloud]\ndialect = 'huawei'\ndevice = 'a/#'\n{broker}"
        ));
        assert!(
            told.iter().any(|t| t.starts_with("f:5: cloud.device")),
            "{told:?}"
        );
    }
}
