//! Whole-house tests: the house looked at from outside, one binary.

mod walls;
