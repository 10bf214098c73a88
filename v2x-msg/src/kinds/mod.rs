//! The messages that the roadside unit itself reasons about.
