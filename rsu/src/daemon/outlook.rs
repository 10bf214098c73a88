//! What a configuration that can be read would meet on this machine: files that are not there, folders
//! that cannot be written, a station that cannot be made of it.
//!
//! The very code that will need them is asked, as far as that changes nothing: no folder is made, no
//! file is touched, no device is opened. What the unit itself takes as no reason to stop, and tries
//! again while the rest works, is a warning; what it would refuse is wrong. Whoever asks has rights of
//! its own: only the unit's own user meets what the unit will. Not here: variables of the environment,
//! which are those of the unit's service, and devices that may be away.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::unistd::{AccessFlags, access};

use super::clock;
#[cfg(feature = "console")]
use super::console;
use super::link::mqtt;
use super::orders;
use super::record::Folder;
use crate::config::{
    Broker, Checked, Effective, Finding, Findings, Input, Password, Reason, Severity, Source,
    effective,
};
use crate::station::Station;

/// What reading found, and what this machine has against it.
pub fn outlook(checked: &Checked) -> Findings {
    let config = &checked.config;
    let main = config.files.first();
    let mut look = Look {
        file: main.map_or_else(String::new, |main| main.path.clone()),
        values: main.map(effective).unwrap_or_default(),
        findings: checked.warnings.clone(),
    };
    look.station(checked);
    for input in &config.inputs {
        look.input(input);
    }
    if let Some(cloud) = &config.cloud {
        look.broker("cloud", "cloud", &cloud.broker);
    }
    if let Some(wish) = &config.record {
        let folder = Folder::new(wish.clone(), &config.name);
        let met = folder.look();
        look.met("record.folder", "no-recording-yet", met, |error| {
            format!("{error}: nothing is recorded until that is mended")
        });
    }
    if let Some(orders) = &config.orders {
        let met = orders::look_at_journal(&orders.journal);
        look.met("orders.journal", "no-journal", met, |error| {
            format!("{error}: every order is refused until that is mended")
        });
        if let Some(socket) = &orders.socket {
            let met = orders::control::look(socket);
            look.met("orders.socket", "no-socket", met, |error| {
                format!("{error}: nobody can order by `rsu event` until that is mended")
            });
        }
    }
    #[cfg(feature = "console")]
    if let Some(wish) = &config.console
        && let Password::File(_) = wish.token
    {
        let met = console::look_at_token(&wish.token);
        look.met("console.token-file", "no-token", met, |error| {
            format!("{error}: nothing can be changed over the console until that is mended")
        });
    }
    look.findings.sort();
    look.findings
}

struct Look {
    file: String,
    values: Vec<Effective>,
    findings: Findings,
}

impl Look {
    /// What no station can run is refused at the start, and so here.
    fn station(&mut self, checked: &Checked) {
        let config = &checked.config;
        let made = Station::new(config.station.clone(), config.site.clone(), clock::now(), 0);
        if let Err(unfit) = made.map(Box::new) {
            let unfit = unfit.to_string();
            let told = format!("the station cannot run: {unfit}");
            self.findings.push(Finding {
                severity: Severity::Wrong,
                file: self.file.clone(),
                line: 0,
                key: String::new(),
                reason: Reason::new("unfit", [unfit], told),
            });
        }
    }

    fn input(&mut self, input: &Input) {
        let section = format!("input.{}", input.protocol.name());
        let place = format!("{section}[{}]", input.name);
        match &input.source {
            Source::Mqtt(broker) => self.broker(&section, &place, broker),
            Source::Candump { path } => {
                let met = File::open(path).map(|_| ()).map_err(|e| named(path, &e));
                let line = self.line_of(&format!("{place}.replay"));
                self.tell(line, format!("{section}.replay"), "no-file", met, |error| {
                    format!("{error}: it is looked for again and again")
                });
            }
            _ => {}
        }
    }

    fn broker(&mut self, section: &str, place: &str, broker: &Broker) {
        let Some(login) = &broker.login else { return };
        let Password::File(_) = login.password else {
            return;
        };
        let met = mqtt::password(&login.password).map(|_| ());
        let met = met.map_err(io::Error::other);
        let line = self.line_of(&format!("{place}.broker.password-file"));
        let key = format!("{section}.broker.password-file");
        self.tell(line, key, "no-password", met, |error| {
            format!("{error}: the broker is not spoken to until that is mended")
        });
    }

    fn met(
        &mut self,
        key: &str,
        code: &'static str,
        met: io::Result<()>,
        told: impl FnOnce(&str) -> String,
    ) {
        self.tell(self.line_of(key), key.to_owned(), code, met, told);
    }

    fn tell(
        &mut self,
        line: usize,
        key: String,
        code: &'static str,
        met: io::Result<()>,
        told: impl FnOnce(&str) -> String,
    ) {
        let Err(error) = met else { return };
        let error = error.to_string();
        let told = told(&error);
        self.findings.push(Finding {
            severity: Severity::Unwise,
            file: self.file.clone(),
            line,
            key,
            reason: Reason::new(code, [error], told),
        });
    }

    fn line_of(&self, key: &str) -> usize {
        let known = self.values.iter().find(|value| value.key == key);
        known.and_then(|value| value.line).unwrap_or(0)
    }
}

/// Whether files can be made in a folder, or the folder itself where it is not there yet; and the folder
/// that is there, on whose disk it is or would be.
pub(super) fn writable(folder: &Path) -> io::Result<PathBuf> {
    let mut there = folder;
    let found = loop {
        match fs::metadata(there) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                there = match there.parent() {
                    Some(parent) if !parent.as_os_str().is_empty() => parent,
                    _ => Path::new("."),
                };
            }
            found => break found.map_err(|e| named(there, &e))?,
        }
    };
    if !found.is_dir() {
        return Err(named(there, &Errno::ENOTDIR.into()));
    }
    let may = access(there, AccessFlags::W_OK | AccessFlags::X_OK);
    may.map_err(|errno| named(there, &errno.into()))?;
    Ok(there.to_owned())
}

/// The system's word, with what it is about.
pub(super) fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::load;

    const CONFIGS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../configs");

    struct Scratch(PathBuf);

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    /// Writes a configuration with `rest`, and says what is met; paths of the folder are cut off.
    fn of(name: &str, rest: &str, prepare: impl FnOnce(&Path)) -> Vec<String> {
        let folder =
            std::env::temp_dir().join(format!("rsu-outlook-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let scratch = Scratch(folder.clone());
        prepare(&folder);
        let before = listing(&folder);
        let file = folder.join("rsu.toml");
        let text = format!(
            "[station]\nname = 'test'\nsite = '{CONFIGS}/sites/moyu-boyuan.toml'\n\
             [[input.gat1743]]\nname = 'signal'\nlisten = 'udp://127.0.0.1:9'\n{rest}"
        );
        fs::write(&file, &text).unwrap();
        let checked = load(&file).unwrap_or_else(|findings| panic!("{findings}"));
        let told = outlook(&checked);
        assert_eq!(listing(&folder).len(), before.len() + 1, "it makes nothing");
        let shown = format!("{}/", folder.display());
        let lines = told.iter().map(|finding| {
            assert!(!finding.reason.code.is_empty(), "{finding}");
            finding.to_string().replace(&shown, "")
        });
        drop(scratch);
        lines.collect()
    }

    fn listing(folder: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    #[test]
    fn what_is_all_there_is_not_told() {
        let rest = "[record]\nfolder = 'kept/here'\nkeep-free-mb = 0\n\
                    [orders]\njournal = 'sub/events'\nsocket = 'run/control.sock'\n\
                    [console]\nlisten = '127.0.0.1:0'\ntoken-file = 'token'\n";
        let told = of("good", rest, |folder| {
            fs::write(folder.join("token"), "a-word-of-enough-letters\n").unwrap();
        });
        assert_eq!(told, [""; 0]);
    }

    #[test]
    fn files_that_are_not_there_are_told_with_their_lines() {
        let rest = "[[input.spat-json]]\nname = 'box'\nbroker = { address = 'mqtt://127.0.0.1:1', \
                    topics = ['a'], user = 'me', password-file = 'pw' }\n\
                    [[input.ars408]]\nname = 'north'\nreplay = 'candump:radar.log'\n\
                    mount = { east-m = 0, north-m = 30, up-m = 6, heading-deg = 180 }\n\
                    [console]\nlisten = '127.0.0.1:0'\ntoken-file = 'token'\n";
        let told = of("absent", rest, |_| {});
        let expected = [
            "rsu.toml:9: warning: input.spat-json.broker.password-file: cannot read the password in pw: \
             No such file or directory (os error 2): the broker is not spoken to until that is mended",
            "rsu.toml:12: warning: input.ars408.replay: radar.log: No such file or directory (os error 2): \
             it is looked for again and again",
            "rsu.toml:16: warning: console.token-file: token: No such file or directory (os error 2): \
             nothing can be changed over the console until that is mended",
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn a_word_that_is_none_is_told_and_not_shown() {
        let rest = "[console]\nlisten = '127.0.0.1:0'\ntoken-file = 'token'\n";
        let told = of("short", rest, |folder| {
            fs::write(folder.join("token"), "shibboleth").unwrap();
        });
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].contains("16 to 512 letters"), "{told:?}");
        assert!(!told[0].contains("shibboleth"), "{told:?}");
    }

    #[test]
    fn what_cannot_be_a_folder_is_told() {
        let rest = "[record]\nfolder = 'file/kept'\nkeep-free-mb = 0\n\
                    [orders]\njournal = 'file/events'\nsocket = 'taken'\n";
        let told = of("file", rest, |folder| {
            fs::write(folder.join("file"), "in the way").unwrap();
            fs::write(folder.join("taken"), "no socket").unwrap();
        });
        let places: Vec<&str> = told
            .iter()
            .map(|t| &t[..t.find(": file").unwrap_or(40)])
            .collect();
        assert_eq!(told.len(), 3, "{told:?}");
        assert_eq!(places[0], "rsu.toml:8: warning: record.folder", "{told:?}");
        assert_eq!(
            places[1], "rsu.toml:11: warning: orders.journal",
            "{told:?}"
        );
        assert!(
            told[2].starts_with("rsu.toml:12: warning: orders.socket: "),
            "{told:?}"
        );
    }

    #[test]
    fn a_disk_with_too_little_left_is_told() {
        let rest = "[record]\nfolder = 'kept'\nkeep-free-mb = 10000000\n";
        let told = of("full", rest, |_| {});
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].contains("`keep-free-mb` is 10000000"), "{told:?}");
    }

    #[test]
    fn a_journal_must_be_a_file_that_can_be_written() {
        let rest = "[orders]\njournal = 'events'\n";
        let told = of("folder", rest, |folder| {
            fs::create_dir(folder.join("events")).unwrap();
        });
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(
            told[0].starts_with("rsu.toml:8: warning: orders.journal: "),
            "{told:?}"
        );
    }
}
