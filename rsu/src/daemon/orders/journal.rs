//! The journal: what people and platforms were promised, on disk before they are told so.
//!
//! A file of lines, each a checksum and JSON: what stands, and what has ended. Lines are only added;
//! a file that has grown long is written anew beside itself and takes the old one's place in one step.
//! Every line tells for itself: one that is damaged is passed over and counted, and the file as it was
//! is set aside; what a crash left half written at the end is cut off. A file of which nothing can be
//! read is set aside whole. Not here: what is done with what was read.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::written::{Content, Who, Written};
use crate::daemon::outlook::{named, writable};

/// Longest file that is read: a thousand times what can stand.
const LONGEST: u64 = 64 << 20;
/// So many lines more than stand, and it is written anew.
const SLACK: usize = 1000;

/// What stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Live {
    /// What people call it by; never given twice.
    pub(crate) number: u64,
    /// Its id on air.
    pub(crate) id: u8,
    /// Since when.
    pub(crate) since_ms: i64,
    /// What the platform calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    /// What a person has written, for whoever changes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) asked: Option<serde_json::Value>,
    /// Under which idempotency key it was ordered, and the checksum of what was asked then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<(String, u64)>,
    /// The order itself.
    pub(crate) order: Written,
}

impl Live {
    pub(crate) fn content(&self) -> Option<&Content> {
        match &self.order {
            Written::Event(content) | Written::Sign(content) => Some(content),
            _ => None,
        }
    }

    pub(crate) fn who(&self) -> Option<Who> {
        self.content().map(|content| content.who)
    }

    pub(crate) fn is_sign(&self) -> bool {
        matches!(self.order, Written::Sign(_))
    }

    pub(crate) fn is_over(&self, utc_ms: i64) -> bool {
        let until = self.content().and_then(|content| content.until_ms);
        until.is_some_and(|until| until <= utc_ms)
    }
}

/// A line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Line {
    /// The first: what this file is, and the next number to be given.
    Begin { version: u32, next: u64 },
    /// It stands, or stands otherwise than before.
    Stands(Box<Live>),
    /// It has ended.
    Ended(u64),
}

/// What a file held.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) live: BTreeMap<u64, Live>,
    pub(crate) next: u64,
    /// Lines that were damaged and passed over.
    pub(crate) damaged: u64,
    /// Bytes of a half-written line at the end.
    pub(crate) cut_bytes: u64,
    /// Where the file as it was now lies, if it was damaged.
    pub(crate) set_aside: Option<PathBuf>,
}

/// The open file.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
    /// Up to here it is whole; what a failed write left behind it is cut off before the next.
    whole: u64,
    lines: usize,
}

impl Journal {
    /// Opens the file, or makes it; `utc_ms` names what is set aside.
    ///
    /// # Errors
    /// Where the disk refuses, or another process has the file.
    pub(crate) fn open(path: &Path, utc_ms: i64) -> io::Result<(Self, Found)> {
        if let Some(folder) = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
        {
            fs::create_dir_all(folder)?;
        }
        let mut file = create(path, false)?;
        lock(&file)?;
        let metadata = file.metadata()?;
        ordinary(&metadata)?;
        let length = metadata.len();
        let mut bytes = Vec::new();
        if length <= LONGEST {
            (&mut file).take(LONGEST).read_to_end(&mut bytes)?;
        }
        let (mut found, readable) = read(&bytes);
        if !readable && length > 0 {
            // Too long to be read, or a first line that is torn: nothing that a crash leaves.
            found.damaged = found.damaged.max(1);
        }
        if found.damaged > 0 {
            let aside = beside(path, &format!("damaged-{utc_ms}"));
            // A copy: until the new file stands the old one must not be gone.
            match fs::copy(path, &aside) {
                Ok(_) => found.set_aside = Some(aside),
                Err(error) if !readable => return Err(error),
                // A full disk: what can be read is to stand again all the same.
                Err(_) => {}
            }
        }
        found.next = found.next.max(1);
        let mut journal = Self {
            path: path.to_owned(),
            file,
            whole: length - found.cut_bytes,
            lines: 0,
        };
        found.live.retain(|_, live| !live.is_over(utc_ms));
        match journal.rewrite(&found.live, found.next) {
            // The old file goes on, as far as it is whole.
            Err(_) if readable => {}
            rewritten => rewritten?,
        }
        Ok((journal, found))
    }

    /// Adds lines, and waits until the disk has them.
    ///
    /// # Errors
    /// Where the disk refuses; then none of them counts.
    pub(crate) fn append(&mut self, lines: &[Line]) -> io::Result<()> {
        let mut text = Vec::new();
        for line in lines {
            push(&mut text, line)?;
        }
        if self.file.metadata()?.len() != self.whole {
            self.file.set_len(self.whole)?;
        }
        self.file.seek(SeekFrom::Start(self.whole))?;
        self.file.write_all(&text)?;
        self.file.sync_data()?;
        self.whole += text.len() as u64;
        self.lines += lines.len();
        Ok(())
    }

    /// Whether it holds much that no longer stands.
    pub(crate) fn is_long(&self, live: usize) -> bool {
        self.lines > live * 2 + SLACK
    }

    /// Writes it anew with only what stands.
    ///
    /// # Errors
    /// Where the disk refuses; then the old one goes on.
    pub(crate) fn rewrite(&mut self, live: &BTreeMap<u64, Live>, next: u64) -> io::Result<()> {
        let mut text = Vec::new();
        push(&mut text, &Line::Begin { version: 1, next })?;
        for live in live.values() {
            push(&mut text, &Line::Stands(Box::new(live.clone())))?;
        }
        let new = beside(&self.path, "new");
        let mut file = create(&new, true)?;
        lock(&file)?;
        file.write_all(&text)?;
        file.sync_all()?;
        fs::rename(&new, &self.path)?;
        sync_folder(&self.path)?;
        *self = Self {
            path: self.path.clone(),
            file,
            whole: text.len() as u64,
            lines: live.len() + 1,
        };
        Ok(())
    }
}

/// What [`Journal::open`] would meet, without opening it: another process may have it just now.
pub(crate) fn look(path: &Path) -> io::Result<()> {
    writable(path.parent().unwrap_or(Path::new("")))?;
    let found = match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        found => found.and_then(|found| ordinary(&found)),
    };
    let opened = found.and_then(|()| OpenOptions::new().read(true).write(true).open(path));
    opened.map(|_| ()).map_err(|error| named(path, &error))
}

fn ordinary(metadata: &Metadata) -> io::Result<()> {
    match metadata.is_file() {
        true => Ok(()),
        false => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "is no ordinary file",
        )),
    }
}

/// What the bytes hold, and whether any line of them can be read.
fn read(bytes: &[u8]) -> (Found, bool) {
    let mut found = Found::default();
    let (mut readable, mut begun) = (false, false);
    for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
        let line = piece.strip_suffix(b"\n");
        let Some(line) = line else {
            found.cut_bytes = piece.len() as u64;
            continue;
        };
        let Some(line) = parse(line) else {
            found.damaged += 1;
            continue;
        };
        readable = true;
        match line {
            Line::Begin { next, .. } => {
                begun = true;
                found.next = found.next.max(next);
            }
            Line::Stands(live) => {
                found.next = found.next.max(live.number + 1);
                found.live.insert(live.number, *live);
            }
            Line::Ended(number) => {
                found.next = found.next.max(number + 1);
                found.live.remove(&number);
            }
        }
    }
    // It is written whole with its first line: without that its beginning is lost.
    if readable && !begun && found.damaged == 0 {
        found.damaged = 1;
    }
    (found, readable)
}

fn parse(line: &[u8]) -> Option<Line> {
    let (sum, json) = line.split_at_checked(9)?;
    let sum = std::str::from_utf8(sum).ok()?.strip_suffix(' ')?;
    let sum = u32::from_str_radix(sum, 16).ok()?;
    if crc32fast::hash(json) != sum {
        return None;
    }
    serde_json::from_slice(json).ok()
}

fn push(text: &mut Vec<u8>, line: &Line) -> io::Result<()> {
    let json = serde_json::to_vec(line)?;
    write!(text, "{:08x} ", crc32fast::hash(&json))?;
    text.extend_from_slice(&json);
    text.push(b'\n');
    Ok(())
}

/// For us alone: it holds who ordered what.
fn create(path: &Path, empty: bool) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(empty)
        .mode(0o600)
        .open(path)
}

fn lock(file: &File) -> io::Result<()> {
    file.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => {
            io::Error::new(io::ErrorKind::WouldBlock, "another process has it")
        }
        TryLockError::Error(error) => error,
    })
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path.as_os_str());
    name.push(".");
    name.push(ending);
    name.into()
}

/// A new name is only as safe as the folder that it stands in.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    /// A folder of its own for a test, gone after it.
    pub(crate) struct Scratch(pub(crate) PathBuf);

    impl Scratch {
        pub(crate) fn new() -> Self {
            static NUMBER: AtomicU32 = AtomicU32::new(0);
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let name = format!("rsu-journal-{}-{number}", std::process::id());
            let folder = std::env::temp_dir().join(name);
            fs::create_dir_all(&folder).unwrap();
            Self(folder)
        }

        pub(crate) fn path(&self) -> PathBuf {
            self.0.join("sub/events.journal")
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    impl Journal {
        /// From now on the disk refuses; gives what it had.
        pub(crate) fn refuse(&mut self) -> File {
            let deaf = File::open(&self.path).unwrap();
            std::mem::replace(&mut self.file, deaf)
        }
    }

    pub(crate) fn live(number: u64, until_ms: Option<i64>) -> Live {
        Live {
            number,
            id: number as u8,
            since_ms: 5,
            name: None,
            asked: Some(serde_json::json!({ "type": 501, "description": "施工" })),
            key: Some((format!("key {number}"), u64::MAX)),
            order: Written::Event(Content {
                who: Who::Operator,
                number,
                keeps_id: true,
                until_ms,
                rsi: "40".to_owned(),
            }),
        }
    }

    fn stands(number: u64) -> Line {
        Line::Stands(Box::new(live(number, None)))
    }

    fn numbers(found: &Found) -> Vec<u64> {
        found.live.keys().copied().collect()
    }

    #[test]
    fn what_was_kept_comes_back_and_what_has_ended_does_not() {
        let scratch = Scratch::new();
        let (mut journal, found) = Journal::open(&scratch.path(), 10).unwrap();
        assert_eq!((found.next, found.live.len()), (1, 0));
        journal.append(&[stands(1), stands(2)]).unwrap();
        journal.append(&[Line::Ended(1), stands(3)]).unwrap();
        let expiring = Line::Stands(Box::new(live(4, Some(99))));
        journal.append(&[expiring]).unwrap();
        drop(journal);
        let (journal, found) = Journal::open(&scratch.path(), 98).unwrap();
        assert_eq!(numbers(&found), [2, 3, 4]);
        assert_eq!(found.live[&3], live(3, None));
        drop(journal);
        let (_journal, found) = Journal::open(&scratch.path(), 99).unwrap();
        assert_eq!((numbers(&found), found.next), (vec![2, 3], 5));
        assert_eq!((found.damaged, found.cut_bytes), (0, 0));
    }

    #[test]
    fn two_processes_do_not_share_a_journal() {
        let scratch = Scratch::new();
        let (mut journal, _) = Journal::open(&scratch.path(), 10).unwrap();
        assert!(Journal::open(&scratch.path(), 10).is_err());
        // Nor once it has been written anew.
        journal.rewrite(&BTreeMap::new(), 7).unwrap();
        assert!(Journal::open(&scratch.path(), 10).is_err());
        drop(journal);
        let (_journal, found) = Journal::open(&scratch.path(), 10).unwrap();
        assert_eq!(found.next, 7);
    }

    #[test]
    fn a_crash_at_any_byte_loses_nothing_that_was_kept_before() {
        let scratch = Scratch::new();
        let (mut journal, _) = Journal::open(&scratch.path(), 10).unwrap();
        journal.append(&[stands(1)]).unwrap();
        let before = fs::read(scratch.path()).unwrap().len();
        journal.append(&[Line::Ended(1), stands(2)]).unwrap();
        drop(journal);
        let whole = fs::read(scratch.path()).unwrap();
        for length in before..whole.len() {
            fs::write(scratch.path(), &whole[..length]).unwrap();
            let (mut journal, found) = Journal::open(&scratch.path(), 10).unwrap();
            let first = whole[before..].iter().position(|b| *b == b'\n').unwrap() + before + 1;
            let expected: &[u64] = if length < first { &[1] } else { &[] };
            assert_eq!(numbers(&found), expected, "{length}");
            let line_begin = if length < first { before } else { first };
            assert_eq!(found.cut_bytes, (length - line_begin) as u64, "{length}");
            assert_eq!((found.damaged, found.set_aside), (0, None));
            // It goes on from there.
            journal.append(&[stands(9)]).unwrap();
            drop(journal);
            let (_, found) = Journal::open(&scratch.path(), 10).unwrap();
            assert!(found.live.contains_key(&9), "{length}");
        }
    }

    #[test]
    fn a_flipped_bit_costs_one_line_and_the_file_is_set_aside() {
        let scratch = Scratch::new();
        let (mut journal, _) = Journal::open(&scratch.path(), 10).unwrap();
        journal.append(&[stands(1), stands(2), stands(3)]).unwrap();
        drop(journal);
        let whole = fs::read(scratch.path()).unwrap();
        for at in (0..whole.len()).step_by(7) {
            let mut flipped = whole.clone();
            flipped[at] ^= 4;
            fs::write(scratch.path(), &flipped).unwrap();
            let (journal, found) = Journal::open(&scratch.path(), 1000 + at as i64).unwrap();
            drop(journal);
            // A line's end that is no more makes one bad line of two.
            assert!(found.damaged >= 1 || found.cut_bytes > 0, "{at}");
            assert!(!found.live.is_empty(), "{at}");
            if let Some(aside) = found.set_aside {
                assert_eq!(fs::read(aside).unwrap(), flipped, "{at}");
            }
        }
    }

    #[test]
    fn a_torn_or_missing_first_line_is_damage_and_no_crash() {
        let scratch = Scratch::new();
        let (mut journal, _) = Journal::open(&scratch.path(), 10).unwrap();
        journal.append(&[stands(1), stands(2)]).unwrap();
        drop(journal);
        let whole = fs::read(scratch.path()).unwrap();
        let first = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        let torn = [&whole[..first / 2], &whole[first / 2..], &whole[first..]];
        for (utc_ms, (left, stands)) in torn.into_iter().zip([0, 2, 2]).enumerate() {
            fs::write(scratch.path(), left).unwrap();
            let (journal, found) = Journal::open(&scratch.path(), utc_ms as i64).unwrap();
            drop(journal);
            assert_eq!((found.damaged, found.live.len()), (1, stands), "{utc_ms}");
            let aside = found.set_aside.expect("told where it is");
            assert_eq!(fs::read(aside).unwrap(), left, "{utc_ms}");
        }
    }

    #[test]
    fn a_file_that_is_no_journal_is_set_aside_whole() {
        let scratch = Scratch::new();
        fs::create_dir_all(scratch.path().parent().unwrap()).unwrap();
        for (number, garbage) in [&b"\0\0\0\0"[..], b"hello\nworld\n", &[0xff; 5000]]
            .into_iter()
            .enumerate()
        {
            fs::write(scratch.path(), garbage).unwrap();
            let (mut journal, found) = Journal::open(&scratch.path(), number as i64).unwrap();
            assert_eq!(fs::read(found.set_aside.unwrap()).unwrap(), garbage);
            assert!(found.live.is_empty());
            journal.append(&[stands(1)]).unwrap();
        }
    }

    #[test]
    fn what_the_disk_refused_is_not_half_there_afterwards() {
        let scratch = Scratch::new();
        let (mut journal, _) = Journal::open(&scratch.path(), 10).unwrap();
        journal.append(&[stands(1)]).unwrap();
        let good = journal.refuse();
        assert!(journal.append(&[stands(2)]).is_err());
        journal.file = good;
        // As if half a line had been written before the disk was full.
        journal.file.write_all(b"1234abcd {\"stan").unwrap();
        journal.append(&[stands(3)]).unwrap();
        drop(journal);
        let (_journal, found) = Journal::open(&scratch.path(), 10).unwrap();
        assert_eq!(numbers(&found), [1, 3]);
        assert_eq!((found.damaged, found.cut_bytes), (0, 0));
        assert!(Journal::open(Path::new("/dev/full"), 10).is_err());
    }

    #[test]
    fn a_disk_that_takes_no_new_file_does_not_keep_what_stands_from_standing_again() {
        let scratch = Scratch::new();
        let (mut journal, _) = Journal::open(&scratch.path(), 10).unwrap();
        journal.append(&[stands(1), stands(2)]).unwrap();
        drop(journal);
        let mut text = fs::read(scratch.path()).unwrap();
        text.extend_from_slice(b"1234abcd {\"stan");
        fs::write(scratch.path(), &text).unwrap();
        let new = beside(&scratch.path(), "new");
        fs::create_dir(&new).unwrap();
        let (mut journal, found) = Journal::open(&scratch.path(), 10).unwrap();
        assert_eq!((numbers(&found), found.cut_bytes), (vec![1, 2], 15));
        journal.append(&[Line::Ended(1)]).unwrap();
        drop(journal);
        fs::remove_dir(&new).unwrap();
        let (_journal, found) = Journal::open(&scratch.path(), 10).unwrap();
        assert_eq!((numbers(&found), found.damaged), (vec![2], 0));
    }

    #[test]
    fn it_does_not_grow_for_ever() {
        let scratch = Scratch::new();
        let (mut journal, _) = Journal::open(&scratch.path(), 10).unwrap();
        let live = BTreeMap::from([(1, live(1, None))]);
        for number in 1..=SLACK as u64 + 2 {
            assert!(!journal.is_long(live.len()), "{number}");
            journal.append(&[Line::Ended(number + 10)]).unwrap();
        }
        assert!(journal.is_long(live.len()));
        journal.rewrite(&live, 5000).unwrap();
        assert!(!journal.is_long(live.len()));
        drop(journal);
        let (_, found) = Journal::open(&scratch.path(), 10).unwrap();
        assert_eq!((numbers(&found), found.next), (vec![1], 5000));
    }
}
