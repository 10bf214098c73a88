//! Programs of the house at work, as a person at a terminal sees them: what they say, how they end.
//!
//! Waits are for events and have a deadline, which only a failure reaches. What a program said is
//! repeated on this test's stderr, so that a failure shows it. Not here: sockets, see `air`.

use std::cell::RefCell;
use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

/// Longer than anything here takes on a busy machine.
pub(crate) const LONG: Duration = Duration::from_secs(30);

/// The same for a program that computes until it is done.
pub(crate) const VERY_LONG: Duration = Duration::from_secs(300);

/// The root of the project.
pub(crate) fn project() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// A file of the project, by its path from the root.
pub(crate) fn file(path: &str) -> String {
    project().join(path).display().to_string()
}

/// One of `rsu`, `v2x` and `sim`, as it is in the sources now.
pub(crate) fn program(name: &str) -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let folder = BUILT.get_or_init(|| {
        let this = std::env::current_exe().expect("a test has a path");
        let folder = this.ancestors().nth(2).expect("target/PROFILE/deps/house");
        let mut build = Command::new(env!("CARGO"));
        build.current_dir(project());
        // Costs nothing where all is built already, and never tests what was built yesterday.
        build.args(["build", "--quiet", "--workspace", "--bins"]);
        if folder.ends_with("release") {
            build.arg("--release");
        }
        assert!(build.status().expect("cargo runs").success(), "it builds");
        folder.to_owned()
    });
    let path = folder.join(name);
    assert!(path.exists(), "no program at {}", path.display());
    path
}

/// What a program that ended by itself left behind.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs a program to its end.
pub(crate) fn run<A: AsRef<OsStr>>(name: &str, arguments: impl IntoIterator<Item = A>) -> Outcome {
    let mut child = spawn(name, arguments);
    let out = text_of(child.stdout.take().expect("piped"));
    let err = text_of(child.stderr.take().expect("piped"));
    let status = ended(&mut child, name, VERY_LONG);
    let text = |reader: thread::JoinHandle<String>| reader.join().expect("text");
    Outcome {
        code: status.code(),
        out: text(out),
        err: text(err),
    }
}

/// A program at work. Dropping it ends it.
pub(crate) struct Running {
    name: String,
    child: Child,
    printed: Lines,
    told: Lines,
}

impl Running {
    pub(crate) fn start<A: AsRef<OsStr>>(
        name: &str,
        arguments: impl IntoIterator<Item = A>,
    ) -> Self {
        let mut child = spawn(name, arguments);
        let printed = Lines::of(child.stdout.take().expect("piped"), None);
        let told = Lines::of(child.stderr.take().expect("piped"), Some(name.to_owned()));
        Self {
            name: name.to_owned(),
            child,
            printed,
            told,
        }
    }

    /// Waits for a line on stderr that has all `words`. A line counts once; those that were passed
    /// over are kept for others who wait.
    pub(crate) fn until_told(&self, words: &[&str]) -> String {
        let line = self.told.with(words);
        line.unwrap_or_else(|| panic!("{} never told: {words:?}", self.name))
    }

    /// The same of stdout.
    pub(crate) fn until_printed(&self, words: &[&str]) -> String {
        let line = self.printed.with(words);
        line.unwrap_or_else(|| panic!("{} never printed: {words:?}", self.name))
    }

    /// Sends a signal by its name, such as `TERM`.
    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", signal, &pid]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// Its number to the system.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("our child").is_none()
    }

    /// Waits for its end; with what it said and nobody waited for.
    pub(crate) fn ended(mut self) -> Outcome {
        let status = ended(&mut self.child, &self.name, LONG);
        Outcome {
            code: status.code(),
            out: self.printed.rest(),
            err: self.told.rest(),
        }
    }

    /// Asks it to end, as a service manager does, and expects it to do so in order.
    pub(crate) fn stop(self) {
        self.signal("TERM");
        let outcome = self.ended();
        assert_eq!(outcome.code, Some(0), "{}", outcome.err);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already unless the test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A folder of this test's own, removed in the end.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("house-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).expect("a temporary folder");
        Self(folder)
    }

    /// Writes a file and gives its path.
    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        fs::write(&path, text).expect("a file in a temporary folder");
        path.display().to_string()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed is the system's to tidy.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn spawn<A: AsRef<OsStr>>(name: &str, arguments: impl IntoIterator<Item = A>) -> Child {
    Command::new(program(name))
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a program of ours starts")
}

fn ended(child: &mut Child, name: &str, within: Duration) -> ExitStatus {
    let until = Instant::now() + within;
    loop {
        if let Some(status) = child.try_wait().expect("our child") {
            return status;
        }
        assert!(Instant::now() < until, "{name} does not end");
        // There is no event to wait for with a deadline; this only yields the processor.
        thread::sleep(Duration::from_millis(2));
    }
}

/// What a program says, line by line.
struct Lines {
    coming: Receiver<String>,
    /// Those that came and that nobody has waited for yet.
    kept: RefCell<Vec<String>>,
}

impl Lines {
    /// Reads on a thread of its own; repeats each line on our stderr as said by `shown_as`.
    fn of(pipe: impl Read + Send + 'static, shown_as: Option<String>) -> Self {
        let (sender, coming) = channel();
        thread::spawn(move || {
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                if let Some(name) = &shown_as {
                    eprintln!("{name}: {line}");
                }
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let kept = RefCell::default();
        Self { coming, kept }
    }

    /// The first line that has all `words`, as soon as it comes; None where it does not.
    fn with(&self, words: &[&str]) -> Option<String> {
        let has_all = |line: &String| words.iter().all(|word| line.contains(word));
        let mut kept = self.kept.borrow_mut();
        if let Some(place) = kept.iter().position(has_all) {
            return Some(kept.remove(place));
        }
        let until = Instant::now() + LONG;
        loop {
            let rest = until.saturating_duration_since(Instant::now());
            let line = self.coming.recv_timeout(rest).ok()?;
            if has_all(&line) {
                return Some(line);
            }
            kept.push(line);
        }
    }

    /// All that is left when the program has ended.
    fn rest(&self) -> String {
        let kept = self.kept.take().into_iter();
        kept.chain(self.coming.iter())
            .map(|line| line + "\n")
            .collect()
    }
}

fn text_of(mut pipe: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut octets = Vec::new();
        pipe.read_to_end(&mut octets).expect("a pipe");
        String::from_utf8(octets).expect("text")
    })
}
