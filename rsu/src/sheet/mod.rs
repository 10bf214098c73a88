//! Files that a person wrote, read so that every fault is told at once with its line.
//!
//! - `finding`: what is wrong or unwise, and where
//! - `reader`: a TOML file, its lines and what was found in it
//! - `table`: one table of it, key by key
//! - `meant`: which key was probably meant
//!
//! Not here: what the keys mean; the site and the configuration know that. Nothing is read from disk.

mod finding;
mod meant;
mod reader;
mod table;

pub use finding::{Finding, Findings, Reason, Severity};
pub(crate) use reader::Reader;
pub(crate) use table::{At, Table};
