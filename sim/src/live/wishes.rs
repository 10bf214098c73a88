//! What is asked of a live run, and what of it each unit's configuration must say.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Result;

use crate::sumo::Mover;

/// What is asked of a live run.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    /// Who moves the world.
    pub mover: Mover,
    /// Chance.
    pub seed: u64,
    /// For how long; None: until it is interrupted.
    pub duration: Option<Duration>,
    /// Where frames of every unit are sent besides.
    pub also_to: Vec<SocketAddr>,
    /// Where the pages of the units are served.
    pub pages: Pages,
    /// Where all that a unit hears and says is kept; of several each has a folder within.
    pub record: Option<PathBuf>,
    /// Where the word is that who changes something over a page must know.
    pub token: Option<PathBuf>,
    /// Up once it is to end; None: nobody can wish that.
    pub ended: Option<Arc<AtomicBool>>,
}

/// Where the pages of the units are served: that of the first junction at an address, those of the others
/// at the ports behind it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pages {
    /// Nowhere.
    #[default]
    No,
    /// There, and where somebody has that port, at a free one.
    From(SocketAddr),
    /// There, or not at all.
    At(SocketAddr),
}

impl Wishes {
    /// Whether it is to end now.
    pub fn is_over(&self) -> bool {
        let ended = self.ended.as_ref();
        ended.is_some_and(|ended| ended.load(Ordering::Relaxed))
    }

    /// A unit's configuration with what is asked of it for people; written, so that the unit can show it.
    /// `node` is its number where there are several.
    pub fn written(
        &self,
        config: &str,
        page: Option<SocketAddr>,
        node: Option<u16>,
    ) -> Result<String> {
        let mut config: toml::Table = config.parse()?;
        let mut section = |name: &str, keys: toml::Table| {
            config.insert(name.to_owned(), keys.into());
        };
        if let Some(listen) = page {
            let mut keys = toml::Table::new();
            keys.insert("listen".to_owned(), listen.to_string().into());
            keys.insert("simulated".to_owned(), true.into());
            if let Some(file) = &self.token {
                keys.insert("token-file".to_owned(), file.display().to_string().into());
            }
            section("console", keys);
        }
        // Who knows the word may also say what is to be told on the road.
        if let Some(file) = &self.token {
            let journal = journal(file, node).display().to_string();
            let keys = [("journal".to_owned(), journal.into())];
            section("orders", keys.into_iter().collect());
        }
        if let Some(folder) = &self.record {
            let folder = node.map_or_else(
                || folder.clone(),
                |node| folder.join(format!("junction-{node}")),
            );
            let folder = folder.display().to_string();
            let keys = [("folder".to_owned(), folder.into())];
            section("record", keys.into_iter().collect());
        }
        Ok(toml::to_string(&config)?)
    }
}

/// Beside the word; each of several units has its own.
fn journal(token: &Path, node: Option<u16>) -> PathBuf {
    match node {
        None => token.with_extension("events"),
        Some(node) => token.with_extension(format!("{node}.events")),
    }
}

impl Pages {
    /// Where that of the junction at a place may be, in the order in which they are tried.
    pub fn of(self, place: usize) -> Vec<SocketAddr> {
        let behind = |first: SocketAddr| {
            let port = match first.port() {
                0 => 0,
                port => port.saturating_add(place as u16),
            };
            SocketAddr::new(first.ip(), port)
        };
        match self {
            Self::No => Vec::new(),
            Self::From(first) => vec![behind(first), SocketAddr::new(first.ip(), 0)],
            Self::At(first) => vec![behind(first)],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_units_each_has_its_page_its_journal_and_its_folder() {
        let first = "127.0.0.1:8380".parse().expect("an address");
        assert_eq!(Pages::At(first).of(2)[0].port(), 8382);
        assert_eq!(
            Pages::From(first).of(1).last().map(SocketAddr::port),
            Some(0)
        );
        assert!(Pages::No.of(0).is_empty());
        let wishes = Wishes {
            record: Some("kept".into()),
            token: Some("word.txt".into()),
            ..Wishes::default()
        };
        let written = |node| -> toml::Table {
            let text = wishes.written("", Some(first), node).expect("TOML");
            text.parse().expect("TOML")
        };
        let own = written(Some(21));
        assert_eq!(own["record"]["folder"].as_str(), Some("kept/junction-21"));
        assert_eq!(own["orders"]["journal"].as_str(), Some("word.21.events"));
        let alone = written(None);
        assert_eq!(alone["record"]["folder"].as_str(), Some("kept"));
        assert_eq!(alone["orders"]["journal"].as_str(), Some("word.events"));
    }
}
