//! What fusion counts: what came in, and what became of it.

/// What came in and what became of it, since the start. What happens again when a late frame is taken
/// in its place counts again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Frames taken.
    pub frames: u64,
    /// Of these, frames older than one taken before.
    pub late: u64,
    /// Frames worked through again for their sake.
    pub replayed: u64,
    /// Frames refused: older than the window.
    pub too_late: u64,
    /// Frames refused: their time cannot be.
    pub time_jumps: u64,
    /// Times that fusion forgot everything because only such frames came any more.
    pub restarts: u64,
    /// Frames refused: the same sensor said the very same of the same moment already.
    pub repeated: u64,
    /// Frames refused: the same picture for long, though those in it are said to move.
    pub hung: u64,
    /// Frames refused: of an input that is not among the sensors.
    pub unknown_input: u64,
    /// Late frames given up: going back for them would have taken too long.
    pub given_up_late: u64,
    /// Detections given up for want of time, though a track expected them.
    pub given_up_expected: u64,
    /// Detections given up for want of time that belonged to nobody known.
    pub given_up_strangers: u64,
    /// Detections taken.
    pub detections: u64,
    /// Detections refused: a number that cannot be.
    pub malformed: u64,
    /// Detections that began no target, for want of room.
    pub births_refused: u64,
    /// Detections that began no target, as echoes of a body that is followed already.
    pub echoes: u64,
    /// Published tracks that turned out to be another one and were merged into it.
    pub merged: u64,
    /// Groups of detections so entangled that they were paired greedily.
    pub oversized_groups: u64,
    /// Tracks published.
    pub published: u64,
    /// Tracks published under the id of one that had been lost in that place.
    pub found_again: u64,
    /// Times (frames times tracks) that a track stayed unpublished for want of a free id.
    pub ids_exhausted: u64,
}

impl Counts {
    /// What was refused or given up, by kind.
    pub fn refused(&self) -> [(&'static str, u64); 13] {
        [
            ("late_given_up", self.given_up_late),
            ("expected_given_up", self.given_up_expected),
            ("strangers_given_up", self.given_up_strangers),
            ("too_late", self.too_late),
            ("time_jump", self.time_jumps),
            ("repeated", self.repeated),
            ("hung", self.hung),
            ("unknown_input", self.unknown_input),
            ("malformed", self.malformed),
            ("no_room", self.births_refused),
            ("echo", self.echoes),
            ("entangled", self.oversized_groups),
            ("no_id", self.ids_exhausted),
        ]
    }
}
