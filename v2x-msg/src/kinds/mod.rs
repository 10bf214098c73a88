//! The messages that the roadside unit itself reasons about, as values that cannot be wrong.
//!
//! One folder a kind: `mod.rs` holds the value and its rules, `wire.rs` turns it into a
//! [`crate::Message`] and back. What can be built can be encoded. SPAT and RSM live inline, without
//! heap, and so do RSC, SSM and VIR; MAP and RSI, which are built rarely, own lists.
//!
//! ```
//! use v2x_msg::Message;
//! use v2x_msg::base::{MsgCount, NodeId, PhaseId};
//! use v2x_msg::kinds::spat::{IntersectionState, Light, Phase, PhaseState, Spat};
//!
//! let red = PhaseState { light: Light::Red, timing: None };
//! let phase = Phase::new(PhaseId::new(1)?, [red])?;
//! let node = NodeId { region: Some(310), id: 5 };
//! let junction = IntersectionState::new(node, [phase])?;
//! let spat = Spat::new(MsgCount::new(7)?, [junction])?;
//!
//! let mut message = Message::default();
//! spat.fill(&mut message);
//! let mut frame = [0; 64];
//! let len = message.encode_into(&mut frame)?;
//! assert_eq!(Spat::read(&Message::decode(&frame[..len])?)?, spat);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Not here: the kinds that a station only passes on; [`crate::Message`] holds all of them.

pub mod bsm;
mod flags;
pub mod map;
pub mod psm;
pub mod rsc;
pub mod rsi;
pub mod rsm;
pub mod spat;
pub mod ssm;
pub mod vir;
mod wire;

pub use bsm::Bsm;
pub use map::Map;
pub use psm::Psm;
pub use rsc::Rsc;
pub use rsi::Rsi;
pub use rsm::Rsm;
pub use spat::Spat;
pub use ssm::Ssm;
pub use vir::Vir;

use crate::MessageKind;
use crate::base::{NotAName, OutOfRange, WrongCount};

/// A message that was decoded, but is not one of these values: it breaks a rule of the standard
/// that the encoding does not enforce, or is larger than this crate reasons about.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum Unfit {
    /// A message of another kind.
    #[error("{found} instead of {expected}")]
    Kind {
        /// What was asked for.
        expected: MessageKind,
        /// What it is.
        found: MessageKind,
    },
    /// A number that means nothing.
    #[error(transparent)]
    Value(#[from] OutOfRange),
    /// A text that is not a name.
    #[error(transparent)]
    Name(#[from] NotAName),
    /// More entries than fit.
    #[error(transparent)]
    Count(#[from] WrongCount),
    /// What must be there is not.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// Breaks a rule of SPAT.
    #[error(transparent)]
    Spat(#[from] spat::Refused),
    /// Breaks a rule of MAP.
    #[error(transparent)]
    Map(#[from] map::Refused),
    /// Breaks a rule of RSM.
    #[error(transparent)]
    Rsm(#[from] rsm::Refused),
    /// Breaks a rule of RSI.
    #[error(transparent)]
    Rsi(#[from] rsi::Refused),
    /// A description that is not text.
    #[error(transparent)]
    Text(#[from] rsi::NotText),
}
