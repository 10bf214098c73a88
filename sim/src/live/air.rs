//! The vehicles with radios, and the air between them and real units.
//!
//! They are those of virtual time, and so is the air: it takes what the daemons' radios really send, when
//! they send it, and what it lets a unit hear goes to the socket where that daemon listens to its radio.
//! What comes late by this machine's doing is on the air when it comes: the air never goes back.

use rsu::clock::{Mono, Now};

use super::play::Worlds;
use crate::obu::fleet::{Fleet, Order};
use crate::obu::score::Score;
use crate::truth::Epoch;
use crate::world::World;
use crate::world::vehicles::Vehicle;

/// Vehicles and their air.
pub struct OnAir {
    fleet: Fleet,
    /// The latest moment that the air knows of.
    at: Mono,
    /// What units have heard since somebody asked.
    heard: u64,
}

impl OnAir {
    /// These vehicles; none is on the road yet.
    pub fn new(fleet: Fleet) -> Self {
        Self {
            fleet,
            at: Mono::ZERO,
            heard: 0,
        }
    }

    /// When somebody speaks or hears next.
    pub fn poll_timeout(&self) -> Mono {
        self.fleet.poll_timeout()
    }

    /// Lets those speak and hear whose time has come; the worlds must cover `now`.
    pub fn handle_timeout(&mut self, now: Now, worlds: &Worlds) {
        self.at = self.at.max(now.mono);
        let worlds: Vec<&World> = worlds.all().iter().collect();
        while self.fleet.handle_timeout(now, &worlds) {}
    }

    /// A frame that the radio of the unit of a junction hears; call until None.
    pub fn poll_delivery(&mut self, junction: usize) -> Option<Vec<u8>> {
        let (_, frame) = self.fleet.poll_delivery(junction)?;
        self.heard += 1;
        Some(frame)
    }

    /// The unit of a junction has sent a frame.
    pub fn broadcast(&mut self, now: Now, junction: usize, frame: &[u8]) {
        self.at = self.at.max(now.mono);
        let now = Now {
            mono: self.at,
            ..now
        };
        self.fleet.broadcast(now, junction, frame);
    }

    /// Looks at a step that the worlds have made, and says which drivers are told what now.
    pub fn follow(&mut self, worlds: &Worlds) -> Vec<Order> {
        let all: Vec<&World> = worlds.all().iter().collect();
        let onward = |at: usize, vehicle: &Vehicle| worlds.onward(at, vehicle);
        self.fleet.follow(&all, &onward)
    }

    /// UTC and simulated time belong together otherwise from now on.
    pub fn set_epoch(&mut self, epoch: Epoch) {
        self.fleet.set_epoch(epoch);
    }

    /// How many vehicles with radios are on the road, and what units have heard of them since this was
    /// asked last.
    pub fn take_counts(&mut self) -> (usize, u64) {
        (self.fleet.on_road(), std::mem::take(&mut self.heard))
    }

    /// What is counted on board.
    pub fn score(&self) -> Score {
        self.fleet.score()
    }

    /// From now on it is counted anew.
    pub fn begin_anew(&mut self) {
        self.fleet.begin_anew();
    }
}
