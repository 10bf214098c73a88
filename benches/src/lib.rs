//! Benchmarks: the house looked at from outside.
