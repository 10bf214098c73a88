//! Quantities, positions, air time and ids that every message shares.
