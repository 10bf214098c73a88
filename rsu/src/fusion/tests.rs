//! Rules of the room as a whole.
