//! Which phases must not be green together.

use v2x_msg::base::PhaseId;

use super::Site;

impl Site {
    /// Whether two phases must never be green together; the same both ways round, and never of a
    /// phase with itself.
    pub fn conflict(&self, a: PhaseId, b: PhaseId) -> bool {
        a != b && self.conflicts.contains(&(a.min(b), a.max(b)))
    }
}
