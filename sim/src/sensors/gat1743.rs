//! The controller's voice by GA/T 1743-2020: its frames, and the questions that it understands.

use rsu::clock::Utc;
use rsu::inputs::gat1743::content::{CONTROL_MODE, CURRENT_PLAN, LAMP_STATE, Place};
use rsu::inputs::gat1743::{Address, Approach, Audience, Emitter, Identity, Question};
use rsu::site::{Site, Turn};

use super::controller::{Saying, Topic};
use crate::scenario::ControllerTable;

/// A controller that speaks and understands GA/T 1743-2020.
#[derive(Debug)]
pub struct Voice {
    emitter: Emitter,
}

impl Voice {
    /// Of the controller of a site's phases.
    pub fn new(table: &ControllerTable, site: &Site) -> Self {
        let identity = Identity {
            controller: Address {
                division: table.division,
                kind: Address::CONTROLLER,
                number: table.number,
            },
            place: Place {
                lon_e7: site.origin.lon_e7(),
                lat_e7: site.origin.lat_e7(),
                altitude: 0,
            },
            approaches: approaches(site),
            ..Identity::default()
        };
        Self {
            emitter: Emitter::new(identity),
        }
    }

    /// Appends a frame; `asker` is whom it answers, None for everybody.
    pub fn say(&mut self, utc: Utc, asker: Option<Address>, what: &Saying, out: &mut Vec<u8>) {
        let to = asker.map_or(Audience::Everyone, Audience::Asker);
        match what {
            Saying::Lamps(states) => self.emitter.lamps(utc, to, states, out),
            Saying::Plan(plan) => self.emitter.plan(utc, to, plan, out),
            Saying::Mode(mode) => self.emitter.mode(utc, to, *mode, out),
        }
    }

    /// What somebody wants to know, and who. A device does not answer what it does not know.
    pub fn questions(&mut self, datagram: &[u8]) -> Vec<(Address, Topic)> {
        let mut questions = Vec::new();
        self.emitter
            .push(datagram, |Question { from, object }| match object {
                LAMP_STATE => questions.push((from, Topic::Lamps)),
                CURRENT_PLAN => questions.push((from, Topic::Plan)),
                CONTROL_MODE => questions.push((from, Topic::Mode)),
                _ => {}
            });
        questions
    }
}

/// The lamp groups of each approach. A phase with a lamp on each of several approaches has them in
/// the order of the site's links.
fn approaches(site: &Site) -> Vec<Approach> {
    let mut said: Vec<u16> = Vec::new();
    let mut approaches = Vec::new();
    for link in site.approaches() {
        let mut lamps: Vec<(u8, u8)> = Vec::new();
        let connections = link.lanes.iter().flat_map(|lane| &lane.connections);
        for connection in connections {
            let Some(phase) = connection.phase.and_then(|id| site.phase(id)) else {
                continue;
            };
            let here = lamps
                .iter()
                .any(|&(lamp, _)| phase.lamps.contains(&u16::from(lamp)));
            let next = phase.lamps.iter().find(|lamp| !said.contains(lamp));
            if let (false, Some(&lamp)) = (here, next)
                && let Ok(id) = u8::try_from(lamp)
            {
                said.push(lamp);
                lamps.push((id, kind(connection.turn)));
            }
        }
        let inward = link.points[link.points.len() - 1];
        let outward = link.points[0];
        let azimuth_deg = (outward.east_m - inward.east_m)
            .atan2(outward.north_m - inward.north_m)
            .to_degrees()
            .rem_euclid(360.0);
        approaches.push(Approach {
            direction_deg: azimuth_deg.round() as u16 % 360,
            lamps,
        });
    }
    approaches
}

/// The standard's number of a lamp group's kind.
fn kind(turn: Turn) -> u8 {
    match turn {
        Turn::Straight => 1,
        Turn::Left => 2,
        Turn::Right => 3,
        Turn::UTurn => 9,
    }
}
