//! Personal safety message (Day II): what somebody on foot or on a bicycle says of themselves.
//!
//! Not here: where they have been and mean to go, who they work for, what they ask for; filling
//! leaves it out and reading passes over it.

mod wire;

use crate::base::{DSecond, GeoPosition, Heading, MsgCount, Speed, StationId};
use crate::kinds::bsm::ErrorEllipse;

/// A PSM message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Psm {
    /// Counts the PSMs of this sender.
    pub msg_cnt: MsgCount,
    /// What the road user calls itself for some minutes.
    pub id: StationId,
    /// When it was where it says: millisecond in the UTC minute.
    pub sec_mark: Option<DSecond>,
    /// Where it was then.
    pub pos: GeoPosition,
    /// How sure its place is.
    pub ellipse: Option<ErrorEllipse>,
    /// Over ground.
    pub speed: Option<Speed>,
    /// Where it moves to.
    pub heading: Option<Heading>,
    /// Who it is.
    pub user: User,
}

/// Who carries the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum User {
    /// Nobody says.
    Unknown,
    /// Somebody on foot.
    Pedestrian,
    /// Somebody on a bicycle.
    Cyclist,
    /// Somebody who works on the road.
    RoadWorker,
    /// An animal.
    Animal,
}

impl User {
    /// All of them, in the order of the standard's numbers from 0.
    pub const ALL: [User; 5] = [
        User::Unknown,
        User::Pedestrian,
        User::Cyclist,
        User::RoadWorker,
        User::Animal,
    ];
}
