//! The RSM's slots: each opens a little before it closes, and they follow the sensors.
//!
//! A report that arrives while a slot is open lets the RSM go at once, so that what the sensors just
//! said does not wait for a timer; where none arrives, the slot is used when it closes. Each slot is
//! used once, which keeps the rate. The grid drifts slowly until the arrivals of a sensor that runs
//! in step with it fall into the middle of the opening. Where several sensors always arrive within
//! one opening, the slot waits for the last of them. Not here: what is sent.

use std::f64::consts::TAU;
use std::time::Duration;

use super::schedule::{Grid, Turn};
use crate::clock::{Mono, Now};
use crate::report::InputId;

/// A grid whose slots open before they close.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    grid: Grid,
    open: Duration,
    burst: Burst,
    phase: Phase,
}

impl Window {
    /// Slots that close on the grid and open `open` earlier, at most half a period.
    pub(crate) fn new(period: Duration, offset: Duration, open: Duration) -> Self {
        let open = open.min(period / 2);
        Self {
            grid: Grid::new(period, offset),
            open,
            burst: Burst::default(),
            phase: Phase::new(open),
        }
    }

    /// Keeps step with the clocks; first in every wake-up.
    pub(crate) fn follow(&mut self, now: Now) {
        self.grid.follow(now);
    }

    /// A report of objects has just been handled: uses the slot if it is open and no sensor of the
    /// usual burst is still missing.
    pub(crate) fn turn_on_report(&mut self, now: Now, input: InputId) -> Turn {
        let Some(late_ns) = self.grid.late_ns(now) else {
            return Turn::default();
        };
        let (period_ns, open_ns) = (self.grid.period_ns(), self.open_ns());
        self.phase.note(late_ns, period_ns);
        if late_ns < -open_ns {
            // The slot before this one may have been used before it closed.
            if late_ns <= -period_ns {
                self.burst.came_after_use(input);
            }
            return Turn::default();
        }
        if self.burst.is_whole_with(input) {
            self.turn(now, self.open)
        } else {
            Turn::default()
        }
    }

    /// A timer has run out: uses the slot if it closes now.
    pub(crate) fn turn_on_time(&mut self, now: Now) -> Turn {
        self.turn(now, Duration::ZERO)
    }

    /// When the next slot closes.
    pub(crate) fn due(&self) -> Mono {
        self.grid.due()
    }

    /// When it opens; the origin of the clock where it has been open ever since.
    pub(crate) fn opens(&self) -> Mono {
        Mono::ZERO + self.grid.due().since(Mono::ZERO + self.open)
    }

    fn turn(&mut self, now: Now, early: Duration) -> Turn {
        let turn = self.grid.turn(now, early);
        if turn.missed > 0 {
            self.burst = Burst::default();
        }
        if turn.slot.is_some() {
            self.burst.used();
            let shift_ns = self.phase.settle(self.grid.period_ns());
            self.grid.shift(now, shift_ns);
        }
        turn
    }

    fn open_ns(&self) -> i64 {
        i64::try_from(self.open.as_nanos()).unwrap_or(i64::MAX)
    }
}

/// Which sensors report within one opening, slot after slot. Inputs from 32 on are not waited for.
#[derive(Clone, Copy, Debug, Default)]
struct Burst {
    /// In the opening of the coming slot.
    here: u32,
    /// In the openings of the last three slots.
    before: [u32; 3],
}

impl Burst {
    /// Notes `input`, and tells whether all have come that came in each of the last three slots.
    fn is_whole_with(&mut self, input: InputId) -> bool {
        self.here |= bit(input);
        let usual = self.before[0] & self.before[1] & self.before[2];
        usual & !self.here == 0
    }

    fn came_after_use(&mut self, input: InputId) {
        self.before[0] |= bit(input);
    }

    fn used(&mut self) {
        self.before = [self.here, self.before[0], self.before[1]];
        self.here = 0;
    }
}

fn bit(input: InputId) -> u32 {
    1u32.checked_shl(input.0.into()).unwrap_or(0)
}

/// Where in the period the sensors' reports arrive, as a mean direction on a circle.
///
/// Of the reports between two slots only the one nearest to the middle of the opening counts, so
/// that a sensor at twice the rate is followed too.
#[derive(Clone, Debug)]
struct Phase {
    middle_ns: i64,
    rest_ns: f64,
    nearest_ns: Option<i64>,
    cos: f64,
    sin: f64,
}

impl Phase {
    fn new(open: Duration) -> Self {
        let open_ns = i64::try_from(open.as_nanos()).unwrap_or(i64::MAX);
        Self {
            middle_ns: open_ns / 2,
            rest_ns: open_ns as f64 / 4.0,
            nearest_ns: None,
            cos: 0.0,
            sin: 0.0,
        }
    }

    /// A report `late_ns` after the coming slot's close.
    fn note(&mut self, late_ns: i64, period_ns: i64) {
        let half_ns = period_ns / 2;
        let off_ns = (late_ns
            .saturating_add(self.middle_ns)
            .saturating_add(half_ns))
        .rem_euclid(period_ns)
            - half_ns;
        if self
            .nearest_ns
            .is_none_or(|nearest| off_ns.abs() < nearest.abs())
        {
            self.nearest_ns = Some(off_ns);
        }
    }

    /// Closes a slot; returns by how much the grid should move.
    fn settle(&mut self, period_ns: i64) -> i64 {
        let turn_per_ns = TAU / period_ns as f64;
        if let Some(off_ns) = self.nearest_ns.take() {
            let (sin, cos) = (off_ns as f64 * turn_per_ns).sin_cos();
            self.cos += (cos - self.cos) * LEARN;
            self.sin += (sin - self.sin) * LEARN;
        }
        if self.cos.hypot(self.sin) < IN_STEP {
            return 0;
        }
        let off_ns = self.sin.atan2(self.cos) / turn_per_ns;
        if off_ns.abs() < self.rest_ns {
            return 0;
        }
        let most_ns = period_ns as f64 * MOST_SHIFT;
        let shift_ns = (off_ns * GAIN).clamp(-most_ns, most_ns).round();
        self.turn_back(shift_ns * turn_per_ns);
        shift_ns as i64
    }

    /// What was learnt, as seen from the grid that has moved.
    fn turn_back(&mut self, angle: f64) {
        let (sin, cos) = angle.sin_cos();
        (self.cos, self.sin) = (
            self.cos * cos + self.sin * sin,
            self.sin * cos - self.cos * sin,
        );
    }
}

/// Share of the newest slot in the mean: a memory of about ten slots.
const LEARN: f64 = 0.1;
/// Length of the mean above which arrivals count as in step; evenly spread ones stay far below.
const IN_STEP: f64 = 0.75;
/// Share of the error that one slot corrects.
const GAIN: f64 = 0.2;
/// Most that one slot moves, of a period: 2 ms at 10 Hz.
const MOST_SHIFT: f64 = 0.02;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Utc;

    const MS: u64 = 1_000_000;
    const RADAR: InputId = InputId(3);
    const CAMERA: InputId = InputId(5);

    fn window() -> Window {
        Window::new(
            Duration::from_millis(100),
            Duration::ZERO,
            Duration::from_millis(20),
        )
    }

    fn at_us(us: u64) -> Now {
        Now {
            mono: Mono::from_nanos(us * 1000),
            utc: Utc::from_unix_ns((us * 1000) as i64),
        }
    }

    fn at(ms: u64) -> Now {
        at_us(ms * 1000)
    }

    /// Runs the heart's loop over arrivals (sorted, in microseconds); lists when slots were used and
    /// whether a report did it.
    fn run(window: &mut Window, arrivals: &[(u64, InputId)]) -> Vec<(u64, bool)> {
        let mut used = Vec::new();
        window.follow(at(0));
        for &(us, input) in arrivals {
            while window.due() <= at_us(us).mono {
                let now = at_us(window.due().nanos().div_ceil(1000));
                window.follow(now);
                if window.turn_on_time(now).slot.is_some() {
                    used.push((now.mono.nanos() / 1000, false));
                }
            }
            window.follow(at_us(us));
            if window.turn_on_report(at_us(us), input).slot.is_some() {
                used.push((us, true));
            }
        }
        used
    }

    #[test]
    fn a_report_in_the_opening_uses_the_slot_at_once() {
        let mut window = window();
        window.follow(at(1));
        assert!(window.turn_on_report(at(79), RADAR).slot.is_none());
        assert_eq!(
            window.turn_on_report(at(81), RADAR).slot,
            Some(at(100).mono)
        );
        assert!(window.turn_on_report(at(82), RADAR).slot.is_none());
        assert!(window.turn_on_time(at(100)).slot.is_none());
    }

    #[test]
    fn without_a_report_the_slot_is_used_when_it_closes() {
        let mut window = window();
        window.follow(at(1));
        assert!(window.turn_on_time(at(99)).slot.is_none());
        assert_eq!(window.turn_on_time(at(100)).slot, Some(at(100).mono));
    }

    #[test]
    fn a_sensor_in_step_is_followed_until_its_reports_go_out_at_once() {
        for phase_ms in [5, 35, 55, 95] {
            let arrivals: Vec<_> = (0..200)
                .map(|n| ((n * 100 + phase_ms) * 1000 + n % 7 * 100, RADAR))
                .collect();
            let used = run(&mut window(), &arrivals);
            let settled = &used[used.len() - 50..];
            assert!(
                settled.iter().all(|(_, by_report)| *by_report),
                "phase {phase_ms}: {settled:?}"
            );
            for pair in used.windows(2) {
                let gap_ms = (pair[1].0 - pair[0].0) as f64 / 1000.0;
                assert!((78.0..=122.0).contains(&gap_ms), "gap {gap_ms}");
            }
            assert!((198..=202).contains(&used.len()), "{}", used.len());
        }
    }

    #[test]
    fn a_sensor_at_twice_the_rate_is_followed() {
        let arrivals: Vec<_> = (0..400).map(|n| ((n * 50 + 31) * 1000, RADAR)).collect();
        let used = run(&mut window(), &arrivals);
        assert!(
            used[used.len() - 50..]
                .iter()
                .all(|(_, by_report)| *by_report)
        );
    }

    #[test]
    fn a_sensor_out_of_step_leaves_the_grid_in_place() {
        let mut window = window();
        let arrivals: Vec<_> = (0..1000).map(|n| (n * 72_300, RADAR)).collect();
        let used = run(&mut window, &arrivals);
        let into_period = (window.due().nanos() % (100 * MS)) as i64;
        let off = into_period.min((100 * MS) as i64 - into_period);
        assert!(off <= (5 * MS) as i64, "{off}");
        assert!((722..=724).contains(&used.len()), "{}", used.len());
    }

    #[test]
    fn a_slot_waits_for_the_last_sensor_of_the_usual_burst() {
        let mut window = window();
        window.follow(at(1));
        for slot in 1..=4 {
            let base = slot * 100 - 10;
            window.follow(at(base));
            let first = window.turn_on_report(at(base), RADAR).slot.is_some();
            window.follow(at(base + 2));
            let second = window.turn_on_report(at(base + 2), CAMERA).slot.is_some();
            // Three slots teach the burst; from then on both are waited for.
            assert_eq!(
                (first, second),
                if slot <= 3 {
                    (true, false)
                } else {
                    (false, true)
                }
            );
        }
        // The camera fails: the close does not wait.
        window.follow(at(490));
        assert!(window.turn_on_report(at(490), RADAR).slot.is_none());
        window.follow(at(500));
        assert!(window.turn_on_time(at(500)).slot.is_some());
        // And it is not waited for again.
        window.follow(at(590));
        assert!(window.turn_on_report(at(590), RADAR).slot.is_some());
    }

    #[test]
    fn inputs_beyond_the_mask_are_served_at_once() {
        let mut window = window();
        window.follow(at(1));
        for slot in 1..=5 {
            window.follow(at(slot * 100 - 5));
            assert!(
                window
                    .turn_on_report(at(slot * 100 - 5), InputId(200))
                    .slot
                    .is_some()
            );
        }
    }
}
