//! Reading a configuration from the disk, and saying in a few lines what it would do.

use std::fmt::Write;
use std::path::Path;
use std::{fs, io};

use crate::config::{self, Checked, Config, Finding, Findings, Reason, Severity};

/// Reads a configuration and the site that it names.
///
/// # Errors
/// All that is wrong, with file and line; or that the file cannot be read.
pub fn load(file: &Path) -> Result<Checked, Findings> {
    match read(file) {
        Ok(text) => config::parse(&text, file, &mut read),
        Err(error) => Err(unreadable(file, &error)),
    }
}

/// A file that people wrote, whole.
pub(super) fn read(file: &Path) -> io::Result<String> {
    fs::read_to_string(file)
}

/// The one finding about a file that cannot be read.
pub(super) fn unreadable(file: &Path, error: &io::Error) -> Findings {
    let mut findings = Findings::default();
    findings.push(Finding {
        severity: Severity::Wrong,
        file: file.display().to_string(),
        line: 0,
        key: String::new(),
        reason: Reason::new(
            "file-unreadable",
            [error.to_string()],
            format!("cannot be read: {error}"),
        ),
    });
    findings
}

/// What a configuration would do: junction, inputs and outputs, one line each.
pub fn summary(config: &Config) -> String {
    let mut text = String::new();
    let site = &config.site;
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "{} at {}: {} links, {} phases, {} signs, {} events",
        config.name,
        site.name,
        site.links.len(),
        site.phases.len(),
        site.signs.len(),
        site.events.len()
    );
    for input in &config.inputs {
        let _ = writeln!(
            text,
            "  input {}: {} from {}",
            input.name,
            input.protocol.name(),
            input.source
        );
    }
    for target in &config.radio {
        let _ = writeln!(
            text,
            "  radio: udp://{}{}",
            target.to,
            target
                .interface
                .as_ref()
                .map_or_else(String::new, |name| format!(" by {name}"))
        );
    }
    text.push_str("ok");
    text
}
