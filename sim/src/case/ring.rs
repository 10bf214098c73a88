//! A ring road of 1 km: flow against density, and against the equilibrium of the model.

use std::fmt::Write;

use super::Findings;
use crate::world::vehicles::Driver;

/// Vehicles on the ring.
const COUNTS: [u32; 9] = [5, 10, 20, 30, 40, 60, 80, 100, 120];
const RING_M: f64 = 1000.0;
const LENGTH_M: f64 = 5.0;
const LIMIT_MPS: f64 = 13.89;
const DT_S: f64 = 0.1;
/// Ten minutes to settle, and ten to measure.
const STEPS: u32 = 6000;

/// Cars of our own default driver.
const DRIVER: Driver = Driver::CAR;

/// Drives each number of vehicles from an uneven start.
pub fn ring() -> Findings {
    let mut findings = Findings {
        csv: "vehicles_per_km,speed_mps,flow_per_h,equilibrium_flow_per_h\n".to_owned(),
        ..Findings::default()
    };
    for count in COUNTS {
        let speed_mps = drive(count);
        let flow = f64::from(count) * speed_mps * 3.6;
        let wanted = f64::from(count) * equilibrium_mps(count) * 3.6;
        let _ = writeln!(findings.csv, "{count},{speed_mps:.4},{flow:.1},{wanted:.1}");
        let what = format!("{count} vehicles: flow over equilibrium");
        findings.figure(what, flow / wanted, 0.99, 1.01);
    }
    findings
}

/// The mean speed of all vehicles in the second half.
fn drive(count: u32) -> f64 {
    // Two places out of three are taken to begin with.
    let spacing_m = RING_M / f64::from(count);
    let mut along_m: Vec<f64> = (0..count)
        .map(|i| f64::from(i) * spacing_m - if i % 2 == 0 { 0.0 } else { spacing_m * 0.2 })
        .collect();
    let mut speeds = vec![0.0_f64; along_m.len()];
    let mut sum_mps = 0.0;
    for step in 0..2 * STEPS {
        let (places, before) = (along_m.clone(), speeds.clone());
        for i in 0..places.len() {
            let ahead = (i + 1) % places.len();
            let around_m = if ahead == 0 { RING_M } else { 0.0 };
            let gap_m = places[ahead] + around_m - LENGTH_M - places[i];
            let acceleration = DRIVER.following_mps2(before[i], LIMIT_MPS, gap_m, before[ahead]);
            speeds[i] = (before[i] + acceleration * DT_S).max(0.0);
            along_m[i] += speeds[i] * DT_S;
        }
        if step >= STEPS {
            sum_mps += speeds.iter().sum::<f64>();
        }
    }
    sum_mps / f64::from(STEPS) / f64::from(count)
}

/// The speed at which the gap of evenly spaced vehicles is the wanted one, by bisection.
fn equilibrium_mps(count: u32) -> f64 {
    let gap_m = RING_M / f64::from(count) - LENGTH_M;
    let (mut low, mut high) = (0.0, LIMIT_MPS);
    for _ in 0..100 {
        let middle = (low + high) / 2.0;
        if DRIVER.following_mps2(middle, LIMIT_MPS, gap_m, middle) > 0.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flow_on_a_ring_is_that_of_the_equilibrium() {
        let findings = ring();
        assert!(findings.hold(), "{:?}", findings.figures);
        // A saturated city street carries about 1,850 an hour.
        let most = COUNTS.map(|count| f64::from(count) * equilibrium_mps(count) * 3.6);
        let peak = most.into_iter().fold(0.0, f64::max);
        assert!((1700.0..2000.0).contains(&peak), "{peak}");
    }
}
