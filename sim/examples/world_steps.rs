//! What the steps of the world alone cost: `world_steps fourarm|grid FLOW WARM_UP_S SPAN_S`.
//!
//! Prints the vehicles on the road, the mean over the span, and the processor's time for a step in
//! microseconds, as JSON. `tests/sumo/run` holds it against SUMO.

use anyhow::{Context, Result, bail};
use nix::time::{ClockId, clock_gettime};
use sim::case::{fourarm, grid};

fn main() -> Result<()> {
    let mut words = std::env::args().skip(1);
    let mut word = || words.next().context("fourarm|grid FLOW WARM_UP_S SPAN_S");
    let (case, flow) = (word()?, word()?.parse::<f64>()?);
    let (warm_up, span) = (word()?.parse::<u32>()? * 10, word()?.parse::<u32>()? * 10);
    let (vehicles, us) = match &*case {
        "fourarm" => {
            let mut world = fourarm::world(flow, 1)?;
            measure(warm_up, span, || {
                world.step();
                world.vehicles().len()
            })?
        }
        "grid" => {
            let (mut joined, mut worlds) = grid::grid(10, flow, 1)?;
            measure(warm_up, span, || {
                joined.step(&mut worlds);
                worlds.iter().map(|world| world.vehicles().len()).sum()
            })?
        }
        other => bail!("{other:?} is neither fourarm nor grid"),
    };
    println!("{{\"vehicles\": {vehicles:.1}, \"us_per_step\": {us:.2}}}");
    Ok(())
}

/// Mean vehicles, and processor time of a step.
fn measure(warm_up: u32, span: u32, mut step: impl FnMut() -> usize) -> Result<(f64, f64)> {
    for _ in 0..warm_up {
        step();
    }
    let begun = clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID)?;
    let vehicles: usize = (0..span).map(|_| step()).sum();
    let took = clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID)? - begun;
    let took_us = (took.tv_sec() as f64) * 1e6 + (took.tv_nsec() as f64) / 1e3;
    Ok((vehicles as f64 / f64::from(span), took_us / f64::from(span)))
}
