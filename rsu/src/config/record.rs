//! `[record]`: whether and where everything that is heard and said is kept, and how much of it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::sheet::Table;

/// Bytes of a megabyte, as disks are sold.
const MB: u64 = 1_000_000;

/// A recording that goes on as long as the unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Where its files lie; made if it is not there.
    pub folder: PathBuf,
    /// A file that is so long is followed by another.
    pub max_file_bytes: u64,
    /// So is one that covers so much time.
    pub max_file_age: Duration,
    /// All files of the folder together; beyond it the oldest is removed.
    pub quota_bytes: u64,
    /// What is left free on the disk; below it nothing is recorded.
    pub keep_free_bytes: u64,
    /// Whether what was made of the bytes is kept beside them.
    pub reports: bool,
    /// Whether it begins with the unit, or when somebody asks for it.
    pub at_start: bool,
}

impl Record {
    /// In this folder, with the usual bounds.
    pub fn in_folder(folder: PathBuf) -> Self {
        Self {
            folder,
            max_file_bytes: 256 * MB,
            max_file_age: Duration::from_secs(3_600),
            quota_bytes: 8_000 * MB,
            keep_free_bytes: 1_000 * MB,
            reports: true,
            at_start: true,
        }
    }
}

/// Reads the section; None where it names no folder.
pub(super) fn read(root: &mut Table<'_, '_>, base: &Path) -> Option<Record> {
    let mut table = root.table("record");
    let folder = table.text("folder");
    let usual = Record::in_folder(PathBuf::new());
    let mut megabytes = |key, range, usual: u64| {
        let given = table.integer(key, range);
        given.map_or(usual, |mb| mb.value.unsigned_abs() * MB)
    };
    let max_file_bytes = megabytes("max-file-mb", 1..=4_000, usual.max_file_bytes);
    let quota_bytes = megabytes("quota-mb", 2..=10_000_000, usual.quota_bytes);
    let keep_free_bytes = megabytes("keep-free-mb", 0..=10_000_000, usual.keep_free_bytes);
    let reports = table.boolean("reports").unwrap_or(usual.reports);
    let max_file_age = table.integer("max-file-s", 1..=86_400);
    let at_start = table.boolean("at-start").unwrap_or(usual.at_start);
    if let Some(folder) = folder.filter(|folder| folder.value.trim().is_empty()) {
        table.wrong(folder.line, "folder", "must name a folder");
    }
    if quota_bytes < 2 * max_file_bytes {
        let line = table.line_of("quota-mb");
        let reason =
            "must hold two files of `max-file-mb`: the oldest is removed while another grows";
        table.wrong(line, "quota-mb", reason);
    }
    table.finish();
    Some(Record {
        folder: base.join(folder?.value),
        max_file_bytes,
        max_file_age: max_file_age.map_or(usual.max_file_age, |s| {
            Duration::from_secs(s.value.unsigned_abs())
        }),
        quota_bytes,
        keep_free_bytes,
        reports,
        at_start,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sheet::Reader;

    fn read_text(text: &str) -> (Option<Record>, Vec<String>) {
        let reader = Reader::new("f", text);
        let document = reader.document();
        let mut root = reader.root(&document);
        let record = read(&mut root, Path::new("/etc/rsu"));
        root.finish();
        let (findings, _) = reader.into_findings();
        (record, findings.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn without_a_folder_nothing_is_recorded() {
        assert_eq!(read_text(""), (None, vec![]));
        assert_eq!(read_text("[record]\nquota-mb = 900\n"), (None, vec![]));
    }

    #[test]
    fn a_folder_starts_from_the_file() {
        let (record, told) = read_text("[record]\nfolder = 'rec'\nmax-file-s = 60\n");
        assert!(told.is_empty(), "{told:?}");
        let record = record.unwrap();
        assert_eq!(record.folder, Path::new("/etc/rsu/rec"));
        assert_eq!(record.max_file_age, Duration::from_secs(60));
        assert_eq!(record.max_file_bytes, 256_000_000);
    }

    #[test]
    fn the_example_shows_the_defaults() {
        let example = include_str!("../../../configs/rsu.toml").replace("# folder", "folder");
        let from = example.find("[record]").unwrap();
        let to = from + example[from..].find("\n[console]").unwrap();
        let (shown, told) = read_text(&example[from..to]);
        assert!(told.is_empty(), "{told:?}");
        let (default, _) = read_text("[record]\nfolder = '/var/lib/rsu/recordings'\n");
        assert_eq!(shown, default);
    }

    #[test]
    fn a_quota_below_two_files_and_an_empty_folder_are_refused() {
        let (_, told) = read_text("[record]\nfolder = ' '\nmax-file-mb = 8\nquota-mb = 15\n");
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told.iter().any(|t| t.starts_with("f:2: ")), "{told:?}");
        assert!(told.iter().any(|t| t.starts_with("f:4: ")), "{told:?}");
    }
}
