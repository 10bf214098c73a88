//! Files that a person wrote, read so that every fault is told at once with its line.
//!
//! - `finding`: what is wrong or unwise, and where
//! - `reader`: a TOML table read key by key
//!
//! Not here: what the keys mean; the site and the configuration know that. Nothing is read from disk.

mod finding;
mod reader;

pub use finding::{Finding, Findings, Reason, Severity};
pub(crate) use reader::{At, Reader, Table};
