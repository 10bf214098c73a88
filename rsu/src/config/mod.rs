//! The configuration: TOML as people write it, to a [`Config`] that can run.
//!
//! - [`reader`]: a table read key by key, each fault with its line
//! - [`finding`]: what is wrong or unwise, and where
//! - [`address`]: addresses as people write them

mod address;
mod finding;
mod radio;
mod reader;

pub use address::Source;
pub use finding::{Finding, Findings, Severity};
pub use radio::RadioTarget;
