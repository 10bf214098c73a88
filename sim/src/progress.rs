//! How far a run is, on the last line of a terminal.
//!
//! Nothing is written where nobody looks: to a file or a pipe. What is written is gone before anything
//! else is.

use std::io::{self, IsTerminal, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// A bar on the standard error, if that is a terminal.
pub(crate) struct Progress<W: Write = io::Stderr> {
    line: Option<Mutex<Line<W>>>,
}

struct Line<W> {
    out: W,
    /// When it was written last.
    at: Option<Instant>,
    /// Columns that are written.
    width: usize,
}

impl Progress {
    /// That of this program.
    pub(crate) fn on_stderr() -> Self {
        Self::on(io::stderr().is_terminal().then(io::stderr))
    }
}

impl<W: Write> Progress<W> {
    fn on(out: Option<W>) -> Self {
        let line = |out| {
            Mutex::new(Line {
                out,
                at: None,
                width: 0,
            })
        };
        Self {
            line: out.map(line),
        }
    }

    /// So much of it all is done, in `unit`; left out where the line is still new.
    pub(crate) fn show(&self, now: Instant, done: u64, all: u64, unit: &str) {
        self.with_line(|line| {
            let is_new = |at| now.saturating_duration_since(at) < PERIOD;
            if line.at.is_some_and(is_new) {
                return;
            }
            line.at = Some(now);
            let text = bar(done, all, unit);
            let before = std::mem::replace(&mut line.width, text.len());
            // The rest of a longer line is written over. Who cannot be told is not told.
            let _ = write!(line.out, "\r{text:<before$}");
            let _ = line.out.flush();
        });
    }

    /// Leaves the line as it was found.
    pub(crate) fn clear(&self) {
        self.with_line(|line| {
            let width = std::mem::take(&mut line.width);
            if width > 0 {
                line.at = None;
                let _ = write!(line.out, "\r{:width$}\r", "");
                let _ = line.out.flush();
            }
        });
    }

    fn with_line(&self, write: impl FnOnce(&mut Line<W>)) {
        let line = self.line.as_ref().map(Mutex::lock);
        if let Some(Ok(mut line)) = line {
            write(&mut line);
        }
    }
}

impl<W: Write> Drop for Progress<W> {
    fn drop(&mut self) {
        self.clear();
    }
}

fn bar(done: u64, all: u64, unit: &str) -> String {
    let share = (done as f64 / all.max(1) as f64).min(1.0);
    let full = (share * COLUMNS as f64) as usize;
    let (full, empty) = ("#".repeat(full), ".".repeat(COLUMNS - full));
    format!("[{full}{empty}] {done} of {all} {unit}")
}

/// From one line to the next, at least.
const PERIOD: Duration = Duration::from_millis(250);

/// Width of the bar: with its words it fits a terminal of 80.
const COLUMNS: usize = 30;

#[cfg(test)]
mod tests {
    use super::*;

    fn written(steps: &[(u64, u64)]) -> String {
        let mut out = Vec::new();
        let begun = Instant::now();
        let progress = Progress::on(Some(&mut out));
        for &(after_ms, done) in steps {
            progress.show(begun + Duration::from_millis(after_ms), done, 100, "s");
        }
        drop(progress);
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn a_bar_is_shown_a_few_times_a_second_and_leaves_nothing() {
        let shown = written(&[(0, 0), (10, 1), (249, 2), (250, 50), (400, 51), (600, 200)]);
        let lines: Vec<&str> = shown.split('\r').collect();
        let blank = " ".repeat("[] 200 of 100 s".len() + COLUMNS);
        assert_eq!(
            lines,
            [
                "",
                "[..............................] 0 of 100 s",
                "[###############...............] 50 of 100 s",
                "[##############################] 200 of 100 s",
                &blank,
                ""
            ]
        );
    }

    #[test]
    fn a_shorter_line_covers_a_longer_one() {
        let shown = written(&[(0, 100), (300, 7)]);
        let lines: Vec<&str> = shown.split('\r').collect();
        assert!(lines[2].ends_with("7 of 100 s  "), "{shown:?}");
    }

    #[test]
    fn nothing_is_shown_where_nothing_was_or_nobody_looks() {
        assert_eq!(written(&[]), "");
        let nowhere: Progress<Vec<u8>> = Progress::on(None);
        nowhere.show(Instant::now(), 1, 2, "s");
        nowhere.clear();
        assert!(nowhere.line.is_none());
    }
}
