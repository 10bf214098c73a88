//! The folder of recordings: how files are called, how much they may hold together, and how much the
//! disk must have left.
//!
//! A name sorts by time: the unit, when the run began, which part of it. Only files that are called
//! like this unit's are ever counted or removed.

use std::path::{Path, PathBuf};
#[cfg(feature = "console")]
use std::time::SystemTime;
use std::{fs, io};

use nix::sys::statvfs::statvfs;

use super::file::is_recording;
use crate::clock::Utc;
use crate::config::Record;
use crate::daemon::outlook::writable;

/// One file of the folder.
#[cfg(feature = "console")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    /// Without the folder.
    pub(crate) name: String,
    pub(crate) bytes: u64,
    /// When it was begun, where the file system keeps that, and when it was last written.
    pub(crate) began: Option<SystemTime>,
    pub(crate) ended: Option<SystemTime>,
}

/// The folder, as one unit uses it.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    wish: Record,
    prefix: String,
}

impl Folder {
    pub(crate) fn new(wish: Record, unit: &str) -> Self {
        let plain = |c: char| if c.is_alphanumeric() { c } else { '-' };
        Self {
            wish,
            prefix: format!("{}-", unit.chars().map(plain).collect::<String>()),
        }
    }

    /// Makes room for one more file, and says how it is called.
    pub(super) fn next(&self, began: Utc, part: u32) -> io::Result<PathBuf> {
        fs::create_dir_all(&self.wish.folder)?;
        self.keep_free()?;
        self.make_room()?;
        let c = began.civil();
        let millis = c.nanosecond / 1_000_000;
        let name = format!(
            "{}{:04}{:02}{:02}T{:02}{:02}{:02}.{millis:03}Z-{part:05}.mcap",
            self.prefix, c.year, c.month, c.day, c.hour, c.minute, c.second
        );
        Ok(self.wish.folder.join(name))
    }

    /// What [`Self::next`] would meet, without making anything.
    pub(crate) fn look(&self) -> io::Result<()> {
        let there = writable(&self.wish.folder)?;
        self.keep_free_of(free_bytes(&there)?)
    }

    /// An error where the disk has less left than is to be kept free.
    pub(super) fn keep_free(&self) -> io::Result<()> {
        self.keep_free_of(self.free_bytes()?)
    }

    fn keep_free_of(&self, free: u64) -> io::Result<()> {
        let least = self.wish.keep_free_bytes;
        if free >= least {
            return Ok(());
        }
        let mb = |bytes: u64| bytes / 1_000_000;
        Err(io::Error::new(
            io::ErrorKind::StorageFull,
            format!(
                "{} MB are free and `keep-free-mb` is {}: remove files or lower `quota-mb`",
                mb(free),
                mb(least)
            ),
        ))
    }

    /// Where it is.
    #[cfg(feature = "console")]
    pub(crate) fn path(&self) -> &Path {
        &self.wish.folder
    }

    /// How much the disk has left.
    pub(crate) fn free_bytes(&self) -> io::Result<u64> {
        free_bytes(&self.wish.folder)
    }

    /// This unit's files, the newest first; none where there is no such folder yet.
    #[cfg(feature = "console")]
    pub(crate) fn list(&self) -> io::Result<Vec<Kept>> {
        let mut files = match self.files() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            files => files?,
        };
        files.sort();
        let kept = files.into_iter().rev().filter_map(|(path, bytes)| {
            let name = path.file_name()?.to_str()?.to_owned();
            let about = fs::metadata(&path).ok();
            Some(Kept {
                name,
                bytes,
                began: about.as_ref().and_then(|about| about.created().ok()),
                ended: about.and_then(|about| about.modified().ok()),
            })
        });
        Ok(kept.collect())
    }

    /// Where a file of [`Folder::list`] is; the name of nothing else is taken, so that it leads nowhere.
    #[cfg(feature = "console")]
    pub(crate) fn find(&self, name: &str) -> io::Result<Option<PathBuf>> {
        let known = self.list()?.iter().any(|kept| kept.name == name);
        Ok(known.then(|| self.wish.folder.join(name)))
    }

    /// Opens one.
    #[cfg(feature = "console")]
    pub(crate) fn open(&self, name: &str) -> io::Result<Option<fs::File>> {
        self.find(name)?.map(fs::File::open).transpose()
    }

    /// Removes the oldest files until another of full length fits the quota.
    fn make_room(&self) -> io::Result<()> {
        let mut files = self.files()?;
        files.sort();
        let mut sum: u64 = files.iter().map(|(_, bytes)| bytes).sum();
        for (path, bytes) in files {
            if sum + self.wish.max_file_bytes <= self.wish.quota_bytes {
                break;
            }
            fs::remove_file(path)?;
            sum -= bytes;
        }
        Ok(())
    }

    fn files(&self) -> io::Result<Vec<(PathBuf, u64)>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.wish.folder)? {
            let entry = entry?;
            let path = entry.path();
            // Of the entry itself: a link that leads elsewhere is no file of ours.
            let about = entry.metadata()?;
            if about.is_file() && is_recording(&path) && self.is_ours(&path) {
                files.push((path, about.len()));
            }
        }
        Ok(files)
    }

    fn is_ours(&self, path: &Path) -> bool {
        let name = path.file_name().and_then(|name| name.to_str());
        // Behind the prefix stands a date, so that unit "a" does not take the files of "a-b" for its.
        let rest = name.and_then(|name| name.strip_prefix(&self.prefix));
        rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    }
}

fn free_bytes(folder: &Path) -> io::Result<u64> {
    let disk = statvfs(folder)?;
    Ok(disk.blocks_available() * disk.fragment_size())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn folder(path: &Path, quota_bytes: u64, keep_free_bytes: u64) -> Folder {
        let wish = Record {
            folder: path.to_owned(),
            max_file_bytes: 100,
            max_file_age: Duration::from_secs(60),
            quota_bytes,
            keep_free_bytes,
            reports: true,
            at_start: true,
        };
        Folder::new(wish, "unit 1")
    }

    fn scratch(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("rsu-folder-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        path
    }

    #[test]
    fn the_oldest_of_ours_go_and_nothing_else() {
        let path = scratch("quota");
        let others = ["notes.txt", "unit-1-b-20260101T000000.000Z-00000.mcap"];
        for name in others {
            fs::write(path.join(name), [0; 1000]).unwrap();
        }
        let folder = folder(&path, 300, 0);
        let mut made = Vec::new();
        for part in 0..5 {
            let next = folder.next(Utc::from_unix_ns(0), part).unwrap();
            fs::write(&next, [0; 100]).unwrap();
            made.push(next);
        }
        let left: Vec<bool> = made.iter().map(|file| file.exists()).collect();
        assert_eq!(left, [false, false, true, true, true]);
        assert!(others.iter().all(|name| path.join(name).exists()));
        let name = made[4].file_name().unwrap().to_str().unwrap();
        assert_eq!(name, "unit-1-19700101T000000.000Z-00004.mcap");
        fs::remove_dir_all(path).unwrap();
    }

    #[test]
    #[cfg(feature = "console")]
    fn what_is_listed_can_be_opened_and_nothing_else() {
        let path = scratch("list");
        let folder = folder(&path, 300, 0);
        let kept = folder.next(Utc::from_unix_ns(0), 0).unwrap();
        fs::write(&kept, [0; 7]).unwrap();
        fs::write(path.join("notes.txt"), "no").unwrap();
        let link = path.join("unit-1-19700101T000000.000Z-00009.mcap");
        std::os::unix::fs::symlink("/etc/hostname", &link).unwrap();
        let name = kept.file_name().unwrap().to_str().unwrap().to_owned();
        let listed = folder.list().unwrap();
        assert_eq!(listed.len(), 1);
        assert_eq!((&listed[0].name, listed[0].bytes), (&name, 7));
        let age = listed[0].ended.unwrap().elapsed().unwrap();
        assert!(age.as_secs() < 60, "{age:?}");
        assert!(folder.open(&name).unwrap().is_some());
        let up = format!("../{}/{name}", path.file_name().unwrap().to_str().unwrap());
        for bad in [
            "notes.txt",
            "",
            ".",
            "..",
            "/etc/hostname",
            &up,
            link.file_name().unwrap().to_str().unwrap(),
        ] {
            assert!(folder.open(bad).unwrap().is_none(), "{bad}");
        }
        fs::remove_dir_all(&path).unwrap();
        assert!(folder.list().unwrap().is_empty());
    }

    #[test]
    fn below_the_floor_there_is_no_next_file() {
        let path = scratch("floor");
        let refused = folder(&path, 300, u64::MAX).next(Utc::from_unix_ns(0), 0);
        let error = refused.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert!(error.to_string().contains("keep-free-mb"), "{error}");
        fs::remove_dir_all(path).unwrap();
    }
}
