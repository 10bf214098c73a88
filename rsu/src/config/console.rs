//! `[console]`: whether and where the page, its API and the metrics are served.

use core::net::SocketAddr;
use std::path::Path;

use super::address::Password;
use crate::sheet::{Reason, Table};

/// A server of what there is to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Console {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Whether it is to say that nothing is real.
    pub simulated: bool,
    /// Where the word is that who changes anything must know; none: nothing can be changed.
    pub token: Password,
}

/// Reads the section; None where it names no address.
pub(super) fn read(root: &mut Table<'_, '_>, folder: &Path) -> Option<Console> {
    let mut table = root.table("console");
    let form = "an address and a port in numbers, such as \"127.0.0.1:8380\"";
    let listen = table.parsed("listen", form, |text| text.parse::<SocketAddr>().ok());
    let simulated = table.boolean("simulated").unwrap_or(false);
    let token = read_token(&mut table, folder);
    if let Some(at) = &listen {
        if !at.value.ip().is_loopback() {
            let told = "is not 127.0.0.1: anybody who reaches it sees everything; put it behind \
                        something that knows who may";
            let reason = Reason::new("page-for-all", [], told.to_owned());
            table.unwise(at.line, "listen", reason);
        }
        if cfg!(all(feature = "daemon", not(feature = "console"))) {
            table.wrong(at.line, "listen", "is not in this build; leave it out");
        }
    }
    table.finish();
    Some(Console {
        listen: listen?.value,
        simulated,
        token,
    })
}

fn read_token(table: &mut Table<'_, '_>, folder: &Path) -> Password {
    let file = table.text("token-file");
    let env = table.text("token-env");
    if table.has("token") {
        let reason = "must not stand here for all to read: give `token-file` or `token-env`";
        table.wrong(table.line_of("token"), "token", reason);
    }
    match (file, env) {
        (Some(file), Some(_)) => {
            let reason = "has company: give `token-file` or `token-env`, not both";
            table.wrong(file.line, "token-file", reason);
            Password::None
        }
        (Some(file), None) => Password::File(folder.join(file.value)),
        (None, Some(env)) => Password::Env(env.value.to_owned()),
        (None, None) => Password::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sheet::Reader;

    fn read_text(text: &str) -> (Option<Console>, Vec<String>) {
        let reader = Reader::new("f", text);
        let document = reader.document();
        let mut root = reader.root(&document);
        let console = read(&mut root, Path::new("etc"));
        root.finish();
        let (findings, _) = reader.into_findings();
        (console, findings.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn it_is_off_unless_it_is_asked_for() {
        assert_eq!(read_text(""), (None, vec![]));
        assert_eq!(read_text("[console]\nsimulated = true\n"), (None, vec![]));
    }

    #[test]
    #[cfg(feature = "console")]
    fn an_address_beyond_this_machine_is_unwise() {
        let (console, told) = read_text("[console]\nlisten = '127.0.0.1:80'\n");
        assert!(console.is_some() && told.is_empty(), "{told:?}");
        let (console, told) = read_text("[console]\nlisten = '0.0.0.0:80'\n");
        assert!(console.is_some());
        assert!(
            told[0].starts_with("f:2: warning: console.listen: "),
            "{told:?}"
        );
    }

    #[test]
    fn a_token_is_in_a_place_of_its_own() {
        let at = "[console]\nlisten = '127.0.0.1:80'\n";
        let token = |text: &str| {
            let (console, told) = read_text(&format!("{at}{text}"));
            (console.map(|console| console.token), told)
        };
        assert_eq!(token("").0, Some(Password::None));
        let (found, told) = token("token-file = 'token'\n");
        assert_eq!(found, Some(Password::File("etc/token".into())), "{told:?}");
        let (found, _) = token("token-env = 'RSU_TOKEN'\n");
        assert_eq!(found, Some(Password::Env("RSU_TOKEN".into())));
        let (_, told) = token("token = 'secret'\n");
        assert!(told[0].starts_with("f:3: console.token: "), "{told:?}");
        let (_, told) = token("token-file = 'a'\ntoken-env = 'B'\n");
        assert!(told[0].starts_with("f:3: console.token-file: "), "{told:?}");
    }

    #[test]
    fn an_address_that_is_none_is_refused() {
        let (console, told) = read_text("[console]\nlisten = 'here'\n");
        assert!(console.is_none());
        assert!(told[0].starts_with("f:2: "), "{told:?}");
    }
}
