//! Frames that were sent as a classic pcap, for Wireshark and for whatever else reads one.
//!
//! Link type USER0: each packet is a frame as the radio is given it, from the adaptation byte of DSMP
//! on. No Ethernet or IP header is made up around it, since the air has none; `docs/wireshark` holds
//! the dissector. Not here: reading pcaps, see `probe`.
//!
//! `rsu run --pcap` writes on a thread of its own from a tap, as the recording does: what the disk is
//! too slow for is dropped and counted, and a disk that refuses holds nobody up.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tracing::{info, warn};

use super::backoff::Backoff;
use super::clock;
use super::stop::Stop;
use super::tap::{Mark, Tap};
use crate::clock::{Mono, Utc};

/// LINKTYPE_USER0.
const LINK: u32 = 147;
/// Longer than any frame.
const SNAP: u32 = 65_535;
/// How often the tap is emptied: soon enough for whoever follows the file.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How a file begins: classic pcap with nanoseconds, little-endian.
pub(crate) fn header() -> Vec<u8> {
    let mut header = 0xA1B2_3C4D_u32.to_le_bytes().to_vec();
    for version in [2_u16, 4] {
        header.extend(version.to_le_bytes());
    }
    for number in [0, 0, SNAP, LINK] {
        header.extend(number.to_le_bytes());
    }
    header
}

/// Adds one frame to what is to be written.
pub(crate) fn add(to: &mut Vec<u8>, at: Utc, frame: &[u8]) {
    let ns = at.unix_ns().max(0).unsigned_abs();
    let length = frame.len().min(SNAP as usize);
    // The format's seconds end in 2106.
    let seconds = (ns / 1_000_000_000) as u32;
    let rest = (ns % 1_000_000_000) as u32;
    for number in [seconds, rest, length as u32, length as u32] {
        to.extend(number.to_le_bytes());
    }
    to.extend(&frame[..length]);
}

/// The file of `rsu run --pcap`, open. It goes on through a new reading of the configuration.
#[derive(Clone, Debug)]
pub struct PcapFile {
    path: PathBuf,
    file: Arc<File>,
    most_bytes: u64,
}

impl PcapFile {
    /// Makes it, or empties it; it grows no longer than `most_bytes`.
    ///
    /// # Errors
    /// Where it cannot be written, or is a pipe.
    pub fn create(path: &Path, most_bytes: u64) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(true).open(path)?;
        file.write_all_at(&header(), 0)?;
        Ok(Self {
            path: path.to_owned(),
            file: Arc::new(file),
            most_bytes,
        })
    }
}

/// What was written, for others to read.
#[derive(Debug, Default)]
pub(crate) struct PcapTally {
    pub(crate) frames: AtomicU64,
    /// Frames that the disk refused, and those beyond the greatest length.
    pub(crate) unwritten: AtomicU64,
}

/// What its thread owns.
pub(crate) struct Keeper {
    wish: PcapFile,
    tap: Arc<Tap>,
    tally: Arc<PcapTally>,
    stop: Arc<Stop>,
    /// How much of the file is whole.
    length: u64,
    batch: Vec<u8>,
    retry_at: Mono,
    backoff: Backoff,
    in_trouble: bool,
    is_full: bool,
}

impl Keeper {
    pub(crate) fn new(
        wish: PcapFile,
        tap: Arc<Tap>,
        tally: Arc<PcapTally>,
        stop: Arc<Stop>,
    ) -> Self {
        Self {
            // Where it cannot be told nothing is overwritten but the header, by the same.
            length: wish.file.metadata().map_or(0, |file| file.len()),
            wish,
            tap,
            tally,
            stop,
            batch: Vec::new(),
            retry_at: Mono::ZERO,
            backoff: Backoff::default(),
            in_trouble: false,
            is_full: false,
        }
    }

    /// Writes until the wish to end, and what waits then.
    pub(crate) fn run(mut self) {
        loop {
            let stopping = self.stop.wait(LOOK_EVERY);
            self.work(clock::mono());
            if stopping {
                break;
            }
        }
    }

    fn work(&mut self, now: Mono) {
        self.batch.clear();
        let mut frames = 0;
        while let Some(slot) = self.tap.take() {
            if let Mark::Frame(mark) = slot.mark {
                add(&mut self.batch, mark.at.utc, &slot.bytes);
                frames += 1;
            }
            self.tap.give_back(slot);
        }
        if frames == 0 {
            return;
        }
        let path = self.wish.path.display();
        let longer = self.length + self.batch.len() as u64;
        if longer > self.wish.most_bytes && !self.is_full {
            self.is_full = true;
            warn!("{path}: as long as `--pcap-max-mb` lets it be; no more frames are written");
        }
        if self.is_full || now < self.retry_at {
            self.tally.unwritten.fetch_add(frames, Ordering::Relaxed);
            return;
        }
        match self.wish.file.write_all_at(&self.batch, self.length) {
            Ok(()) => {
                self.length = longer;
                self.tally.frames.fetch_add(frames, Ordering::Relaxed);
                self.backoff.reset();
                if std::mem::take(&mut self.in_trouble) {
                    info!("{path}: going on");
                }
            }
            Err(error) => {
                self.tally.unwritten.fetch_add(frames, Ordering::Relaxed);
                self.retry_at = now + self.backoff.pause();
                // No half of a packet stays; if even that fails the next writing goes over it.
                let _ = self.wish.file.set_len(self.length);
                if !std::mem::replace(&mut self.in_trouble, true) {
                    warn!("{path}: {error}; frames are not written, trying again");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Now;
    use crate::daemon::tap::{FrameMark, Sizes};
    use crate::station::FrameKind;

    fn sent(tap: &Tap, ns: i64, bytes: &[u8]) {
        let at = Now {
            mono: Mono::ZERO,
            utc: Utc::from_unix_ns(ns),
        };
        let mark = FrameMark {
            at,
            kind: FrameKind::Spat,
            priority: 176,
            cause: None,
            took: Duration::ZERO,
        };
        tap.put(Mark::Frame(mark), bytes);
    }

    fn keeper(path: &Path, most_bytes: u64) -> Keeper {
        let tap = Arc::new(Tap::new(Sizes::PAGE));
        let wish = PcapFile::create(path, most_bytes).unwrap();
        Keeper::new(wish, tap, Arc::default(), Arc::default())
    }

    fn scratch(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("rsu-pcap-{name}-{}", std::process::id()))
    }

    #[test]
    fn a_file_is_as_tcpdump_org_has_it_and_ends_where_it_must() {
        let path = scratch("form");
        let mut keeper = keeper(&path, 24 + 2 * (16 + 3));
        for n in 0..3 {
            sent(&keeper.tap, 1_700_000_000_000_000_001 + n, &[4, 0, n as u8]);
            keeper.work(Mono::ZERO);
        }
        let written = std::fs::read(&path).unwrap();
        let head = [
            0x4d, 0x3c, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 147, 0,
            0, 0,
        ];
        assert_eq!(written[..24], head);
        let seconds = 1_700_000_000_u32.to_le_bytes();
        let packet = |n: u8| {
            [
                &seconds[..],
                &[1 + n, 0, 0, 0, 3, 0, 0, 0, 3, 0, 0, 0, 4, 0, n],
            ]
            .concat()
        };
        assert_eq!(written[24..], [packet(0), packet(1)].concat());
        let tally = &keeper.tally;
        assert_eq!(tally.frames.load(Ordering::Relaxed), 2);
        assert_eq!(tally.unwritten.load(Ordering::Relaxed), 1);
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_disk_that_is_full_costs_frames_and_nothing_else() {
        let full = Path::new("/dev/full");
        assert!(
            PcapFile::create(full, 1000).is_err(),
            "told before the start"
        );
        let path = scratch("full");
        let mut keeper = keeper(&path, 1000);
        let whole = Arc::clone(&keeper.wish.file);
        keeper.wish.file = Arc::new(OpenOptions::new().write(true).open(full).unwrap());
        sent(&keeper.tap, 0, &[4, 0]);
        keeper.work(Mono::ZERO);
        assert!(keeper.in_trouble);
        // Not tried again at once.
        keeper.wish.file = whole;
        sent(&keeper.tap, 0, &[4, 1]);
        keeper.work(Mono::ZERO);
        assert_eq!(keeper.tally.unwritten.load(Ordering::Relaxed), 2);
        sent(&keeper.tap, 0, &[4, 2]);
        keeper.work(Mono::ZERO + Duration::from_secs(1));
        assert!(!keeper.in_trouble);
        let written = std::fs::read(&path).unwrap();
        assert_eq!((written.len(), written.last()), (24 + 16 + 2, Some(&2)));
        std::fs::remove_file(path).unwrap();
    }
}
