//! A recording, given to its decoder at the pace of its stamps, as a task on the asynchronous thread.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::PathBuf;
use std::time::Duration;

use tokio::time::sleep;

use super::Inlet;
use crate::clock::{Mono, Utc};
use crate::daemon::backoff::Backoff;
use crate::daemon::clock;
use crate::daemon::tally::LinkState;
use crate::inputs::can::candump;

/// A gap longer than this is a cut in the recording and is not waited for.
const LONGEST_GAP: Duration = Duration::from_secs(10);

/// One input that is read from a candump log.
pub(crate) struct FileLink {
    pub(crate) inlet: Inlet,
    pub(crate) path: PathBuf,
}

impl FileLink {
    /// Plays the recording once; a file that is not there is looked for again.
    pub(crate) async fn run(mut self) {
        let mut backoff = Backoff::default();
        loop {
            match self.play().await {
                Ok(()) => return self.inlet.tally.set_link(LinkState::Ended),
                Err(e) => {
                    let reason = format!("cannot read {}: {e}", self.path.display());
                    self.inlet.went_down(reason);
                }
            }
            sleep(backoff.pause()).await;
        }
    }

    async fn play(&mut self) -> io::Result<()> {
        let mut lines = BufReader::new(File::open(&self.path)?);
        self.inlet.tally.set_link(LinkState::Up);
        let mut line = Vec::with_capacity(candump::MAX_LINE);
        let mut pace = Pace::default();
        loop {
            line.clear();
            if lines.read_until(b'\n', &mut line)? == 0 {
                return Ok(());
            }
            // What is not a line of candump is for the decoder to refuse and count.
            let recorded = candump::parse(&line)
                .ok()
                .flatten()
                .and_then(|l| l.recorded);
            if let Some(recorded) = recorded {
                let wait = pace.wait(clock::mono(), recorded);
                if !wait.is_zero() {
                    sleep(wait).await;
                }
            }
            self.inlet.take(clock::now(), &line);
        }
    }
}

/// How the recording's time lies on ours.
#[derive(Default)]
struct Pace {
    anchor: Option<(Mono, Utc)>,
    last: Option<Utc>,
}

impl Pace {
    /// How long until what was recorded then is due.
    fn wait(&mut self, now: Mono, recorded: Utc) -> Duration {
        let cut = self
            .last
            .is_some_and(|last| recorded < last || recorded.since(last) > LONGEST_GAP);
        self.last = Some(recorded);
        let (start, first) = match self.anchor {
            Some(anchor) if !cut => anchor,
            _ => *self.anchor.insert((now, recorded)),
        };
        (start + recorded.since(first)).since(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Utc {
        Utc::from_unix_ms(ms).unwrap()
    }

    #[test]
    fn lines_come_at_the_pace_of_their_stamps() {
        let mut pace = Pace::default();
        let start = Mono::from_nanos(1_000_000_000);
        assert_eq!(pace.wait(start, at(500)), Duration::ZERO);
        assert_eq!(pace.wait(start, at(575)), Duration::from_millis(75));
        let late = start + Duration::from_millis(100);
        assert_eq!(pace.wait(late, at(580)), Duration::ZERO);
        assert_eq!(pace.wait(late, at(650)), Duration::from_millis(50));
    }

    #[test]
    fn a_cut_and_a_step_back_are_not_waited_for() {
        let mut pace = Pace::default();
        let start = Mono::from_nanos(1_000_000_000);
        pace.wait(start, at(500));
        assert_eq!(pace.wait(start, at(60_000)), Duration::ZERO);
        assert_eq!(pace.wait(start, at(60_010)), Duration::from_millis(10));
        assert_eq!(pace.wait(start, at(100)), Duration::ZERO);
    }
}
