//! Frames out of a stream that may lose bytes anywhere, or stop and go on later. Work and memory are bounded: at
//! most one longest frame is held, and one that took long to come is dropped: what it shows is over.

use std::time::Duration;

use super::wire::{self, LONGEST, Layout, MAGIC, Progress};
use crate::clock::Mono;

/// What is found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// A frame with all its TLVs, without padding.
    Frame(&'a [u8]),
    /// Bytes between frames that are no padding; told once a run.
    Noise,
    /// A mark with a header or a TLV behind it that cannot be one.
    Broken,
    /// A frame within which the next began, or the end of which came more than [`SLOWEST`] after its beginning.
    Cut,
}

/// Bytes to frames.
#[derive(Debug)]
pub(super) struct Framer {
    layout: Layout,
    /// Begins with the mark, or with the beginning of what may become one.
    held: Vec<u8>,
    /// When the first of it came.
    began: Mono,
    /// Up to here no second mark begins in `held`.
    searched: usize,
    in_noise: bool,
    /// So many bytes behind a frame may be padding, of any value.
    padding: usize,
}

/// A frame's length is a multiple of 32.
const MOST_PADDING: usize = 31;
/// The longest frame takes 0.7 s at 921600 bit/s.
const SLOWEST: Duration = Duration::from_secs(1);
/// Taken at a time, so that `held` stays below [`LONGEST`] and this.
const CHUNK: usize = 4096;

impl Framer {
    pub(super) fn new(layout: Layout) -> Self {
        Self {
            layout,
            held: Vec::with_capacity(LONGEST + CHUNK),
            began: Mono::ZERO,
            searched: 0,
            in_noise: false,
            padding: 0,
        }
    }

    pub(super) fn reset(&mut self) {
        self.held.clear();
        self.searched = 0;
        self.in_noise = false;
    }

    pub(super) fn push(&mut self, arrived: Mono, bytes: &[u8], mut sink: impl FnMut(Piece<'_>)) {
        for chunk in bytes.chunks(CHUNK) {
            if self.held.is_empty() {
                self.began = arrived;
            }
            self.held.extend_from_slice(chunk);
            while self.step(arrived, &mut sink) {}
        }
    }

    /// One move through what is held; false when more bytes are needed.
    fn step(&mut self, arrived: Mono, sink: &mut impl FnMut(Piece<'_>)) -> bool {
        if !self.held.starts_with(&MAGIC) {
            return self.hunt(arrived, sink);
        }
        let progress = wire::progress(self.layout, &self.held);
        let end = match progress {
            // With its first bytes in this frame's last ones, the next mark shows a frame that lost some:
            // where padding is to come, that is waited for.
            Progress::Whole(end) => {
                let seen = end + MAGIC.len() - 1;
                if self.held.len() < seen && wire::is_padded(self.layout, &self.held, end) {
                    return false;
                }
                seen.min(self.held.len())
            }
            _ => self.held.len(),
        };
        if let Some(next) = self.second_mark(end) {
            // Bytes were lost, or the header lies: what comes next is whole again.
            sink(Piece::Cut);
            self.drop_front(arrived, next);
            return true;
        }
        match progress {
            Progress::Whole(end) => {
                self.in_noise = false;
                sink(if arrived.since(self.began) > SLOWEST {
                    Piece::Cut
                } else {
                    Piece::Frame(&self.held[..end])
                });
                self.drop_front(arrived, end);
                self.padding = MOST_PADDING;
                true
            }
            Progress::Broken => {
                sink(Piece::Broken);
                self.drop_front(arrived, MAGIC.len());
                true
            }
            Progress::Open if self.held.len() > LONGEST => {
                sink(Piece::Broken);
                self.drop_front(arrived, MAGIC.len());
                true
            }
            Progress::Open => false,
        }
    }

    /// Drops what is before the next mark, or what cannot be the beginning of one.
    fn hunt(&mut self, arrived: Mono, sink: &mut impl FnMut(Piece<'_>)) -> bool {
        let found = find(&self.held, 0, self.held.len());
        let kept = found.unwrap_or_else(|| {
            let longest = (MAGIC.len() - 1).min(self.held.len());
            let ends_with = |n: &usize| self.held.ends_with(&MAGIC[..*n]);
            self.held.len() - (0..=longest).rev().find(ends_with).unwrap_or(0)
        });
        let noise = kept.saturating_sub(self.padding);
        self.padding = self.padding.saturating_sub(kept);
        if noise > 0 && !std::mem::replace(&mut self.in_noise, true) {
            sink(Piece::Noise);
        }
        self.drop_front(arrived, kept);
        found.is_some()
    }

    /// Where another frame begins before `end`.
    fn second_mark(&mut self, end: usize) -> Option<usize> {
        let found = find(&self.held, self.searched.max(1), end);
        if found.is_none() {
            self.searched = end.saturating_sub(MAGIC.len() - 1);
        }
        found
    }

    /// What is left begins a frame of its own, and has come just now but for padding.
    fn drop_front(&mut self, arrived: Mono, count: usize) {
        self.held.drain(..count);
        self.searched = 0;
        if count > 0 {
            self.began = arrived;
        }
    }
}

fn find(bytes: &[u8], from: usize, end: usize) -> Option<usize> {
    let within = bytes.get(from..end)?;
    let mut windows = within.windows(MAGIC.len());
    windows
        .position(|window| window == MAGIC)
        .map(|at| from + at)
}
