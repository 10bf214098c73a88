//! Which messages came, how often, and how many did not arrive.

use std::collections::BTreeMap;

use rsu::clock::Mono;
use v2x_msg::access::{Aid, dsmp};

/// All that came, by application.
#[derive(Clone, Debug)]
pub struct Traffic {
    /// By application number.
    pub kinds: BTreeMap<u32, Kind>,
    /// Frames that are no frame, no message, or not what their application carries.
    pub undecoded: u64,
    /// Messages that the counters say were sent and did not come.
    pub lost: u64,
    /// A number that differs if any byte of any frame does, or their order.
    pub hash: u64,
    from: Mono,
    until: Mono,
}

/// The messages of one application.
#[derive(Clone, Debug, Default)]
pub struct Kind {
    /// How many came.
    pub frames: u64,
    /// Their length in all.
    pub bytes: u64,
    /// Moments at which at least one came: several parts sent together are one.
    pub moments: u64,
    /// The longest time between two of those moments.
    pub longest_gap_s: Option<f64>,
    last: Option<Mono>,
    count: Option<u8>,
}

impl Traffic {
    /// Rates are counted from `from` on.
    pub fn new(from: Mono) -> Self {
        Self {
            kinds: BTreeMap::new(),
            undecoded: 0,
            lost: 0,
            hash: HASH_START,
            from,
            until: from,
        }
    }

    /// Takes one frame.
    pub fn hear(&mut self, arrived: Mono, frame: &[u8]) {
        self.hash = frame.iter().fold(self.hash, |hash, &byte| {
            (hash ^ u64::from(byte)).wrapping_mul(HASH_PRIME)
        });
        self.until = self.until.max(arrived);
        if arrived < self.from {
            return;
        }
        let Ok(packet) = dsmp::parse(frame) else {
            return;
        };
        let kind = self.kinds.entry(packet.aid_number).or_default();
        kind.frames += 1;
        kind.bytes += frame.len() as u64;
        // Parts of one message leave within a millisecond.
        let gap_s = kind.last.map(|last| arrived.seconds_after(last));
        if gap_s.is_none_or(|gap_s| gap_s > TOGETHER_S) {
            kind.moments += 1;
            if let Some(gap_s) = gap_s {
                let longest_s = kind.longest_gap_s.unwrap_or(0.0);
                kind.longest_gap_s = Some(longest_s.max(gap_s));
            }
            kind.last = Some(arrived);
        }
    }

    /// Follows the counter of an application's messages. RSI of all classes share one.
    pub fn count(&mut self, aid: Aid, count: u8) {
        let shared = match aid {
            Aid::RsiSemiStatic | Aid::RsiDynamic => Aid::RsiStatic,
            other => other,
        };
        let kind = self.kinds.entry(shared.number()).or_default();
        if let Some(before) = kind.count.replace(count) {
            self.lost += u64::from(count.wrapping_sub(before).wrapping_sub(1) & 0x7f);
        }
    }

    /// Counts from nought; the messages' own counters are followed on.
    pub fn begin_anew(&mut self) {
        for kind in self.kinds.values_mut() {
            *kind = Kind {
                last: kind.last,
                count: kind.count,
                ..Kind::default()
            };
        }
        self.undecoded = 0;
        self.lost = 0;
        // A demonstration that could not keep up has gone back in simulated time.
        self.from = Mono::ZERO;
        self.until = Mono::ZERO;
    }

    /// Nothing comes after `at`.
    pub fn finish(&mut self, at: Mono) {
        self.until = self.until.max(at);
    }

    /// From the beginning of counting to the end.
    pub fn span_s(&self) -> f64 {
        self.until.seconds_after(self.from)
    }

    /// Moments a second at which something of this application came.
    pub fn rate_hz(&self, aid: Aid) -> f64 {
        let span_s = self.span_s();
        let moments = self.kinds.get(&aid.number()).map_or(0, |kind| kind.moments);
        if span_s > 0.0 {
            moments as f64 / span_s
        } else {
            0.0
        }
    }

    /// Frames of this application.
    pub fn frames(&self, aid: Aid) -> u64 {
        self.kinds.get(&aid.number()).map_or(0, |kind| kind.frames)
    }
}

/// FNV-1a.
const HASH_START: u64 = 0xcbf2_9ce4_8422_2325;
const HASH_PRIME: u64 = 0x0100_0000_01b3;
/// What comes within this is one moment.
const TOGETHER_S: f64 = 0.005;
