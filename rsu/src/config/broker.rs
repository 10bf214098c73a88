//! `broker`: where an input of JSON messages hears them, and the choice between it and sockets.

use std::path::Path;

use super::address::{Broker, Login, MOST_TOPICS, Password, Source, TCP_FORM, UDP_FORM};
use super::address::{is_topic_filter, mqtt, tcp, udp};
use crate::inputs::Carrier;
use crate::sheet::Table;

/// Reads `listen`, `connect` or `broker`: exactly one of them; and what the decoder then receives.
pub(super) fn read_source(table: &mut Table<'_, '_>, folder: &Path) -> (Option<Source>, Carrier) {
    let listen = table.parsed("listen", UDP_FORM, |text| {
        udp(text).filter(|listen| listen.port() > 0)
    });
    let connect = table.parsed("connect", TCP_FORM, tcp);
    let broker = read_broker(table, folder, None);
    let keys = ["listen", "connect", "broker"];
    let given: Vec<&str> = keys.into_iter().filter(|key| table.has(key)).collect();
    let line = table.line_of("listen");
    match given.as_slice() {
        [_] => {}
        [] => table.wrong(
            line,
            "listen",
            "is missing: give `listen`, `connect` or `broker`",
        ),
        _ => {
            let given = given.join(" and ");
            let reason =
                format!("has company: give one of `listen`, `connect` or `broker`, not {given}");
            table.wrong(line, "listen", &reason);
        }
    }
    let carrier = match connect {
        Some(_) => Carrier::Stream,
        None => Carrier::Datagrams,
    };
    let listen = listen.map(|listen| Source::Udp {
        listen: listen.value,
    });
    let source = listen
        .or(connect.map(|connect| connect.value))
        .or(broker.map(Source::Mqtt));
    (source, carrier)
}

/// Reads the table; `usual` is the topic where it names none.
pub(super) fn read_broker(
    table: &mut Table<'_, '_>,
    folder: &Path,
    usual: Option<String>,
) -> Option<Broker> {
    let given = table.has("broker");
    let mut inner = table.table("broker");
    let form = "an address such as \"mqtt://192.0.2.40:1883\"";
    let address = inner.parsed("address", form, mqtt);
    let topics = inner.texts("topics");
    for key in ["address", "topics"] {
        if given && !inner.has(key) && (key != "topics" || usual.is_none()) {
            inner.missing(key);
        }
    }
    for topic in &topics {
        if !is_topic_filter(topic.value) {
            let reason = format!(
                "must be topic filters of MQTT, and \"{}\" is none",
                topic.value
            );
            inner.wrong(topic.line, "topics", &reason);
        }
    }
    if topics.len() > MOST_TOPICS || (topics.is_empty() && inner.has("topics")) {
        let reason = format!("must be a list of 1 to {MOST_TOPICS}");
        inner.wrong(inner.line_of("topics"), "topics", &reason);
    }
    let qos = inner.integer("qos", 0..=1).map_or(0, |n| n.value as u8);
    let client_id = inner.text("client-id");
    if let Some(id) = client_id
        && !(1..=64).contains(&id.value.len())
    {
        inner.wrong(id.line, "client-id", "must have 1 to 64 characters");
    }
    let login = read_login(&mut inner, folder);
    let inner_has_topics = inner.has("topics");
    inner.finish();
    let (host, port) = address?.value;
    let topics = topics.iter().map(|t| t.value.to_owned());
    Some(Broker {
        host,
        port,
        topics: if inner_has_topics {
            topics.collect()
        } else {
            usual.into_iter().collect()
        },
        qos,
        client_id: client_id.map(|id| id.value.to_owned()),
        login,
    })
}

fn read_login(table: &mut Table<'_, '_>, folder: &Path) -> Option<Login> {
    let user = table.text("user").map(|user| user.value.to_owned());
    let file = table.text("password-file");
    let env = table.text("password-env");
    if table.has("password") {
        table.wrong(
            table.line_of("password"),
            "password",
            "must not stand here for all to read: give `password-file` or `password-env`",
        );
    }
    let line = file.map(|f| f.line).or(env.map(|e| e.line));
    if let (None, Some(line)) = (&user, line) {
        table.wrong(line, "user", "is missing: whose password is it?");
    }
    let password = match (file, env) {
        (Some(file), Some(_)) => {
            let reason = "has company: give `password-file` or `password-env`, not both";
            table.wrong(file.line, "password-file", reason);
            Password::None
        }
        (Some(file), None) => Password::File(folder.join(file.value)),
        (None, Some(env)) => Password::Env(env.value.to_owned()),
        (None, None) => Password::None,
    };
    user.map(|user| Login { user, password })
}
