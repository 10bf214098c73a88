//! What the machine was busy with while it was measured, as the kernel tells.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Context;

/// Processes that run, on average over the last minute.
pub(crate) fn load_average() -> anyhow::Result<f64> {
    let text = fs::read_to_string("/proc/loadavg")?;
    let first = text.split_whitespace().next();
    let first = first.context("/proc/loadavg is empty")?;
    first.parse().context("the load average is no number")
}

/// Asks the system to run the calling thread in real time, through the program `chrt`.
pub(crate) fn run_fifo(priority: u8) -> anyhow::Result<()> {
    let thread = fs::read_link("/proc/thread-self")?;
    let number = thread.file_name().context("a thread has a number")?;
    let status = Command::new("chrt")
        .args(["-f", "-p", &priority.to_string()])
        .arg(number)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .context("chrt does not start")?;
    anyhow::ensure!(status.success(), "chrt was refused");
    Ok(())
}

/// How long the threads of a process have run on a processor; `process` is its number, or `self`.
pub(crate) fn processor_time(process: &str) -> anyhow::Result<Duration> {
    let mut sum = Duration::ZERO;
    for thread in fs::read_dir(format!("/proc/{process}/task"))? {
        let path = thread?.path().join("schedstat");
        let text = fs::read_to_string(path)?;
        let nanos = text.split_whitespace().next().context("empty schedstat")?;
        sum += Duration::from_nanos(nanos.parse()?);
    }
    Ok(sum)
}

/// Time that all processors together have spent, since the machine's start.
#[derive(Clone, Copy)]
pub(crate) struct Spent {
    /// At work for whatever process.
    pub(crate) busy: Duration,
    /// Ready to work, but kept from it by the host of a virtual machine.
    pub(crate) stolen: Duration,
}

impl Spent {
    pub(crate) fn so_far() -> anyhow::Result<Self> {
        let text = fs::read_to_string("/proc/stat")?;
        let line = text.lines().find_map(|line| line.strip_prefix("cpu "));
        let numbers = line.context("/proc/stat has no line of all processors")?;
        let ticks: Vec<u64> = numbers
            .split_whitespace()
            .map(str::parse)
            .collect::<Result<_, _>>()?;
        let [user, nice, system, _idle, _io, irq, softirq, steal, ..] = ticks[..] else {
            anyhow::bail!("/proc/stat has too few numbers");
        };
        // The kernel shows hundredths of a second, whatever it counts in.
        let time = |ticks: u64| Duration::from_millis(10 * ticks);
        Ok(Self {
            busy: time(user + nice + system + irq + softirq),
            stolen: time(steal),
        })
    }
}
