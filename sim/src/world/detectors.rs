//! What the detectors of a signal that decides feel: loops in the lanes, buses, emergency vehicles.
//!
//! Not here: what the signal makes of it ([`super::signals`]), and those whom another simulation moves
//! (`guests`).

use std::time::Duration;

use super::World;
use super::signals::Detected;
use super::vehicles::Kind;

impl World {
    /// What the detectors of each phase see, which look so far before the stop line.
    pub(super) fn detected(&self, reach_m: f64) -> Vec<Detected> {
        let now = self.now();
        let mut detected: Vec<Detected> = self
            .signals
            .phases()
            .into_iter()
            .map(|phase| Detected {
                phase,
                present: false,
                waiting: false,
                bus: None,
                emergency: false,
            })
            .collect();
        for vehicle in self.vehicles.iter().filter(|v| v.entered.is_none()) {
            let route = &self.roads.routes[vehicle.route];
            let nose_m = route.stop_m - vehicle.along_m;
            let asks = vehicle.siren && nose_m <= SIREN_KNOWN_M;
            let entry = detected
                .iter_mut()
                .find(|one| Some(one.phase) == route.phase);
            if let Some(entry) = entry.filter(|_| asks) {
                entry.emergency = true;
            }
            if nose_m > reach_m.max(LINE_DETECTOR_M) {
                continue;
            }
            let tail_m = nose_m + vehicle.length_m;
            // A loop lies in a lane, whoever drives over it.
            let lane = &self.roads.approaches[route.approach];
            let phases = lane.movements.iter().filter_map(|movement| movement.phase);
            for phase in phases {
                let Some(entry) = detected.iter_mut().find(|entry| entry.phase == phase) else {
                    continue;
                };
                entry.waiting = true;
                entry.present |= nose_m <= LINE_DETECTOR_M || tail_m >= reach_m;
                if vehicle.kind == Kind::Bus && route.phase == Some(phase) {
                    let speed_mps = route.speed_mps(vehicle.along_m);
                    let arrives_s = vehicle.least_time_s(nose_m, speed_mps);
                    let stands = vehicle.call.map_or(Duration::ZERO, |call| call.left(now));
                    let arrives = Duration::from_secs_f64(arrives_s.max(0.0)) + stands;
                    let soonest = entry.bus.map_or(arrives, |other| other.min(arrives));
                    entry.bus = Some(soonest);
                }
            }
        }
        self.feel_guests(reach_m, &mut detected);
        detected
    }
}

/// An emergency vehicle asks for its green from so far on.
const SIREN_KNOWN_M: f64 = 250.0;
/// A loop at the stop line is so long.
pub(super) const LINE_DETECTOR_M: f64 = 6.0;
