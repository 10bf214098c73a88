//! What a vehicle asks for in a VIR, as the station takes it: in metres, and only what may be served.
//!
//! Not here: whether and how it is answered ([`crate::requests`]).

use std::time::Duration;

use v2x_msg::kinds::Vir;
use v2x_msg::kinds::rsi::ReferencePath;
use v2x_msg::kinds::vir::{DriveRequest, Status, Wish};

use super::Decoder;
use crate::report::{self, Area, Request, Strip};

impl Decoder {
    /// Puts by what `vir` asks of roadside units; counts what it asks beyond that.
    pub(super) fn note_wishes(&mut self, vir: &Vir) {
        for asked in &vir.requests {
            match self.wish(asked) {
                Some(wish) => self.wishes.push(Request {
                    vehicle: vir.id,
                    number: asked.id,
                    unit: asked.to_unit,
                    lasts: asked.lasts.map(|lasts| Duration::from_secs_f64(lasts.s())),
                    wish,
                }),
                None => self.counts.ignore("wish"),
            }
        }
    }

    fn wish(&self, asked: &DriveRequest) -> Option<report::Wish> {
        // One vehicle asks another: the roadside only overhears it.
        if asked.to_vehicle.is_some() && asked.to_unit.is_none() {
            return None;
        }
        if matches!(asked.status, Status::Cancelled | Status::Done) {
            return Some(report::Wish::Nothing);
        }
        match asked.wish.as_ref()? {
            Wish::LaneChange(wanted) => Some(report::Wish::Lane {
                upstream: wanted.upstream,
                downstream: wanted.downstream,
                lane: wanted.lane?,
            }),
            Wish::SensorSharing(paths) => Some(report::Wish::Share(Area {
                paths: paths.iter().map(|path| self.strip(path)).collect(),
            })),
            Wish::ClearTheWay { .. } | Wish::SignalPriority(_) | Wish::Parking(_) => None,
        }
    }

    fn strip(&self, path: &ReferencePath) -> Strip {
        let point = |pos| {
            let at = self.config.frame.enu(pos);
            (at.east_m, at.north_m)
        };
        Strip {
            points_m: path.points.iter().map(|pos| point(*pos)).collect(),
            radius_m: path.radius.m(),
        }
    }
}
