//! The table of a network of SUMO's, and what a scenario may not ask of a world that SUMO drives.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use serde::Deserialize;
use v2x_msg::base::PhaseId;

use super::Scenario;
use super::traffic::EventKind;

/// A network of SUMO's whose junction is the scenario's site, for `--world sumo`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SumoTable {
    /// The network, from the folder of this file.
    pub network: PathBuf,
    /// Who comes, from the folder of this file.
    pub routes: Vec<PathBuf>,
    /// The junction, by SUMO's id.
    pub junction: String,
    /// Its traffic light, if that has another id.
    #[serde(default)]
    pub light: Option<String>,
    /// Who is farther away is not told of.
    #[serde(default = "three_hundred")]
    pub radius_m: f64,
    /// Where the site's origin is in the network's metres.
    #[serde(default)]
    pub origin_m: [f64; 2],
    /// How far the network's north is turned clockwise from the true one.
    #[serde(default)]
    pub turned_deg: f64,
    /// Which phase of the site walkers of each crossing follow.
    #[serde(default)]
    pub walk: Vec<WalkTable>,
}

/// A crossing of SUMO's.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct WalkTable {
    /// Its edge, such as `:c_c0`.
    pub crossing: String,
    /// Walkers begin to cross at green of this phase.
    pub phase: u8,
}

impl SumoTable {
    /// The id of its traffic light.
    pub fn light(&self) -> &str {
        self.light.as_ref().unwrap_or(&self.junction)
    }

    /// Paths from the folder of a file as paths from here.
    pub(super) fn place(&mut self, folder: &Path) {
        for path in [&mut self.network].into_iter().chain(&mut self.routes) {
            *path = folder.join(&*path);
        }
    }
}

impl Scenario {
    pub(super) fn check_sumo(&self) -> Result<()> {
        let Some(sumo) = &self.file.sumo else {
            return Ok(());
        };
        ensure!(
            (10.0..=5000.0).contains(&sumo.radius_m),
            "sumo.radius-m is from 10 to 5000"
        );
        for WalkTable { crossing, phase } in &sumo.walk {
            let known = self.site.phase(PhaseId::new(*phase)?).is_some();
            ensure!(
                known,
                "sumo.walk: {crossing} follows phase {phase}, which the site has not"
            );
        }
        Ok(())
    }

    /// The same scenario without drivers of ours, for a world that another simulation drives; refused
    /// where it needs ours.
    pub fn without_drivers(&self) -> Result<Self> {
        let file = &self.file;
        let deeds = |kind: EventKind| !matches!(kind, EventKind::Offset | EventKind::Preempt);
        let ours = [
            ("[[user]]", !file.user.is_empty()),
            ("[[parked]]", !file.parked.is_empty()),
            ("[[riders]]", !file.riders.is_empty()),
            ("[[line]]", !file.line.is_empty()),
            ("[[works]]", !file.works.is_empty()),
            ("[air]", file.air.is_some()),
            (
                "[[event]] of drivers",
                file.event.iter().any(|event| deeds(event.kind)),
            ),
        ];
        for (what, there) in ours {
            ensure!(
                !there,
                "{}: {what} is about our own road users, and SUMO drives its own; run it without \
                 --world sumo, or say it in SUMO's routes",
                file.name
            );
        }
        let mut without = self.clone();
        without.file.demand.clear();
        Ok(without)
    }
}

const fn three_hundred() -> f64 {
    300.0
}
