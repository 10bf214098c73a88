//! What the process takes of the machine: processor time, memory, threads; and how the machine does: its
//! warmest sensor, what is free on a disk. Asked of the kernel when somebody looks, never on the straight
//! path.

use std::fs;
use std::path::Path;
use std::time::Duration;

use nix::sys::statvfs::statvfs;
use nix::time::{ClockId, clock_gettime};

/// As the kernel says just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    /// Of all threads, in the program and in the kernel, since the start.
    pub(crate) processor: Duration,
    /// Memory in use.
    pub(crate) resident_bytes: u64,
    pub(crate) threads: u64,
}

/// None where the kernel does not say.
pub(crate) fn taken() -> Option<Taken> {
    let processor = clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).ok()?;
    let status = fs::read_to_string("/proc/self/status").ok()?;
    Some(Taken {
        processor: processor.into(),
        resident_bytes: field(&status, "VmRSS:")? * 1024,
        threads: field(&status, "Threads:")?,
    })
}

/// The number of a line of proc_pid_status(5).
fn field(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

/// Where the kernel has its sensors of temperature.
const SENSORS: &str = "/sys/class/thermal";

/// The warmest sensor, in degrees Celsius; None where there is none.
pub(crate) fn temperature_c() -> Option<f64> {
    warmest_c(Path::new(SENSORS))
}

fn warmest_c(sensors: &Path) -> Option<f64> {
    let zones = fs::read_dir(sensors).ok()?.flatten();
    let read = |zone: fs::DirEntry| {
        let text = fs::read_to_string(zone.path().join("temp")).ok()?;
        let millidegrees: i32 = text.trim().parse().ok()?;
        Some(f64::from(millidegrees) / 1e3)
    };
    zones.filter_map(read).max_by(f64::total_cmp)
}

/// What is free to us on the disk of a path, which need not be there yet.
pub(crate) fn free_bytes(path: &Path) -> Option<u64> {
    let there = path.ancestors().find(|path| path.exists());
    let disk = statvfs(there.unwrap_or(Path::new("."))).ok()?;
    Some(disk.blocks_available() * disk.fragment_size())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_warmest_sensor_counts_and_one_that_says_nothing_does_not() {
        let folder = std::env::temp_dir().join(format!("rsu-thermal-{}", std::process::id()));
        for (zone, text) in [("zone0", "41500\n"), ("zone1", "-3000\n"), ("zone2", "hot")] {
            fs::create_dir_all(folder.join(zone)).unwrap();
            fs::write(folder.join(zone).join("temp"), text).unwrap();
        }
        assert_eq!(warmest_c(&folder), Some(41.5));
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(warmest_c(&folder), None);
    }

    #[test]
    fn a_disk_has_room_also_for_what_is_not_there_yet() {
        let folder = std::env::temp_dir().join("not/there/yet");
        assert!(free_bytes(&folder).is_some_and(|free| free > 0));
    }

    #[test]
    fn lines_of_the_kernel_are_understood() {
        let status = "Name:\trsu\nVmRSS:\t   14500 kB\nThreads:\t9\n";
        assert_eq!(field(status, "VmRSS:"), Some(14_500));
        assert_eq!(field(status, "Threads:"), Some(9));
        assert_eq!(field(status, "VmSwap:"), None);
    }

    #[test]
    fn this_process_takes_something() {
        let told = taken().unwrap();
        assert!(told.threads >= 1, "{told:?}");
        assert!(told.resident_bytes > 1_000_000, "{told:?}");
        assert!(told.processor > Duration::ZERO, "{told:?}");
    }
}
