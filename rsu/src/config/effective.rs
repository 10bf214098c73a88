//! Every value that holds, and where it comes from: a line of the file that was read, or the default,
//! which is what `configs/rsu.toml` shows and tests hold the sections to.
//!
//! Values are shown as they were written. Secrets are not. Not here: whether a value makes sense.

use core::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Written;

/// All keys with their defaults.
const EXAMPLE: &str = include_str!("../../../configs/rsu.toml");
/// Keys of an input that have no default: the example's are only examples.
const OF_EACH_INPUT: [&str; 6] = ["name", "listen", "connect", "serial", "to", "mount"];
/// Names of keys whose values are nobody's business.
const SECRETS: [&str; 4] = ["community", "password", "token", "secret"];
/// What stands for a secret.
const MASK: &str = "••••••";

/// One value that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effective {
    /// Section and key, such as `spat.period-ms`; inputs with their names, as in
    /// `input.gat1743[signal].listen`.
    pub key: String,
    /// As it was written; None: there is none, and no default.
    pub value: Option<String>,
    /// The line of the file that says it; None: it is the default.
    pub line: Option<usize>,
}

/// All values of a configuration that was read without a fault, section by section.
pub fn effective(file: &Written) -> Vec<Effective> {
    let (document, _) = DeTable::parse_recoverable(&file.text);
    let (example, _) = DeTable::parse_recoverable(EXAMPLE);
    let given = Text(&file.text);
    let usual = Text(EXAMPLE);
    let mut values = Vec::new();
    for (section, shown) in example.get_ref() {
        let section: &str = section.get_ref();
        let theirs = document.get_ref().get(section).map(Spanned::get_ref);
        if section == "input" {
            continue;
        }
        let DeValue::Table(shown) = shown.get_ref() else {
            continue;
        };
        match theirs {
            Some(DeValue::Array(several)) => {
                for (place, one) in several.iter().enumerate() {
                    if let DeValue::Table(one) = one.get_ref() {
                        let name = format!("{section}[{place}]");
                        merge(&name, &given, one, &usual, shown, &[], &mut values);
                    }
                }
            }
            Some(DeValue::Table(one)) => {
                merge(section, &given, one, &usual, shown, &[], &mut values);
            }
            _ => defaults(section, &usual, shown, &[], &mut values),
        }
        let unset = SHOWN_ONLY
            .iter()
            .filter(|(of, _)| *of == section)
            .map(|(_, key)| format!("{section}.{key}"));
        for key in unset {
            if !values.iter().any(|known| known.key == key) {
                values.push(Effective {
                    key,
                    value: None,
                    line: None,
                });
            }
        }
    }
    let inputs = document.get_ref().get("input").map(Spanned::get_ref);
    let shown = example.get_ref().get("input").map(Spanned::get_ref);
    let (Some(DeValue::Table(inputs)), Some(DeValue::Table(shown))) = (inputs, shown) else {
        return values;
    };
    for (protocol, theirs) in inputs {
        let protocol: &str = protocol.get_ref();
        let usually = shown.get(protocol).map(Spanned::get_ref);
        let usually = match usually {
            Some(DeValue::Array(list)) => list.iter().next().map(Spanned::get_ref),
            other => other,
        };
        let theirs: Vec<&DeValue<'_>> = match theirs.get_ref() {
            DeValue::Array(list) => list.iter().map(Spanned::get_ref).collect(),
            one => vec![one],
        };
        for one in theirs {
            let (DeValue::Table(one), Some(DeValue::Table(usually))) = (one, usually) else {
                continue;
            };
            let name = one.get("name").and_then(|name| name.get_ref().as_str());
            let path = format!("input.{protocol}[{}]", name.unwrap_or("?"));
            merge(
                &path,
                &given,
                one,
                &usual,
                usually,
                &OF_EACH_INPUT,
                &mut values,
            );
        }
    }
    values
}

/// Keys that the example shows without a default.
const SHOWN_ONLY: [(&str, &str); 16] = [
    ("station", "id"),
    ("radio", "interface"),
    ("rsm", "survey-error-m"),
    ("realtime", "fifo-priority"),
    ("realtime", "heart-core"),
    ("record", "folder"),
    ("console", "listen"),
    ("console", "token-file"),
    ("console", "token-env"),
    ("orders", "journal"),
    ("orders", "socket"),
    ("cloud", "broker"),
    ("cloud", "dialect"),
    ("cloud", "device"),
    ("cloud", "ack-topic"),
    ("cloud", "duration-unit-ms"),
];

/// A file as it was written.
struct Text<'t>(&'t str);

impl Text<'_> {
    fn line(&self, offset: usize) -> usize {
        let upto = offset.min(self.0.len());
        1 + self.0.as_bytes()[..upto]
            .iter()
            .filter(|&&byte| byte == b'\n')
            .count()
    }

    fn value(&self, span: Range<usize>) -> String {
        let written = self.0.get(span).unwrap_or_default();
        written.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// What is given, then the defaults of what is not.
fn merge(
    path: &str,
    given: &Text<'_>,
    table: &DeTable<'_>,
    usual: &Text<'_>,
    shown: &DeTable<'_>,
    without_default: &[&str],
    values: &mut Vec<Effective>,
) {
    for (key, value) in table {
        let line = given.line(key.span().start);
        let key: &str = key.get_ref();
        say(
            &format!("{path}.{key}"),
            key,
            given,
            value,
            Some(line),
            values,
        );
    }
    let missing = shown.iter().filter(|(key, _)| {
        let key: &str = key.get_ref();
        !table.contains_key(key) && !without_default.contains(&key)
    });
    for (key, value) in missing {
        let key: &str = key.get_ref();
        say(&format!("{path}.{key}"), key, usual, value, None, values);
    }
}

fn defaults(
    path: &str,
    usual: &Text<'_>,
    shown: &DeTable<'_>,
    without_default: &[&str],
    values: &mut Vec<Effective>,
) {
    merge(
        path,
        usual,
        &DeTable::default(),
        usual,
        shown,
        without_default,
        values,
    );
}

/// A value, or those of a table one by one.
fn say(
    path: &str,
    key: &str,
    text: &Text<'_>,
    value: &Spanned<DeValue<'_>>,
    line: Option<usize>,
    values: &mut Vec<Effective>,
) {
    if let DeValue::Table(table) = value.get_ref() {
        for (key, value) in table {
            let key: &str = key.get_ref();
            say(&format!("{path}.{key}"), key, text, value, line, values);
        }
        return;
    }
    let shown = match SECRETS.contains(&key) {
        true => MASK.to_owned(),
        false => without_login(&text.value(value.span())),
    };
    values.push(Effective {
        key: path.to_owned(),
        value: Some(shown),
        line,
    });
}

/// An address with who logs in and by what word: only where.
fn without_login(value: &str) -> String {
    let login = value
        .split_once("://")
        .and_then(|(scheme, rest)| Some((scheme, rest.split_once('@')?)));
    match login {
        Some((scheme, (_, place))) => format!("{scheme}://{MASK}@{place}"),
        None => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<Effective> {
        effective(&Written {
            path: "rsu.toml".to_owned(),
            text: text.to_owned(),
        })
    }

    fn find<'v>(values: &'v [Effective], key: &str) -> &'v Effective {
        let found = values.iter().find(|value| value.key == key);
        found.unwrap_or_else(|| panic!("no {key} in {values:#?}"))
    }

    #[test]
    fn what_is_given_has_its_line_and_the_rest_is_the_default() {
        let values = of("[station]\nname = 'x'\nsite = 's'\n\n[spat]\nperiod-ms = 200\n");
        let period = find(&values, "spat.period-ms");
        assert_eq!(
            (period.value.as_deref(), period.line),
            (Some("200"), Some(6))
        );
        let offset = find(&values, "spat.offset-ms");
        assert_eq!((offset.value.as_deref(), offset.line), (Some("0"), None));
        let folder = find(&values, "record.folder");
        assert_eq!((folder.value.as_deref(), folder.line), (None, None));
        let target = find(&values, "radio.target");
        assert_eq!(
            target.value.as_deref(),
            Some("\"udp://239.255.67.86:4900\"")
        );
    }

    #[test]
    fn an_address_of_an_example_is_nobodys_default() {
        let values = of("[[input.gat1743]]\nname = 'signal'\nconnect = 'tcp://192.0.2.20:1'\n");
        let path = "input.gat1743[signal].";
        assert_eq!(find(&values, &format!("{path}connect")).line, Some(3));
        assert_eq!(find(&values, &format!("{path}silent-after-ms")).line, None);
        assert!(
            !values
                .iter()
                .any(|value| value.key == format!("{path}listen"))
        );
        assert!(!values.iter().any(|value| value.key.contains("ars408")));
    }

    #[test]
    fn secrets_are_not_shown() {
        let text = "[[input.ntcip]]\nname = 'n'\nlisten = 'udp://0.0.0.0:1'\n\
             poll = { agent = 'udp://192.0.2.1:161', community = 'hush' }\n\
             [[input.spat-json]]\nname = 'p'\n\
             broker = { address = 'mqtt://me:hush@192.0.2.1:1883', user = 'me', password-file = 'pw' }\n";
        let values = of(text);
        assert!(
            values
                .iter()
                .all(|value| !format!("{value:?}").contains("hush")),
            "{values:#?}"
        );
        let community = find(&values, "input.ntcip[n].poll.community");
        assert_eq!(
            (community.value.as_deref(), community.line),
            (Some(MASK), Some(4))
        );
        let file = find(&values, "input.spat-json[p].broker.password-file");
        assert_eq!(file.value.as_deref(), Some("'pw'"));
    }

    #[test]
    fn keys_that_are_only_shown_are_in_the_example() {
        for (section, key) in SHOWN_ONLY {
            let from = EXAMPLE.find(&format!("\n[{section}]")).unwrap();
            let rest = &EXAMPLE[from + 2..];
            let own = &rest[..rest.find("\n[").unwrap_or(rest.len())];
            assert!(own.contains(&format!("\n# {key} = ")), "{section}.{key}");
        }
    }
}
