//! The message set as generated from `asn/*.asn`: every type of Day I, edition 2020
//! (YD/T 3709-2020 = T/CSAE 53-2020), and of Day II (T/CSAE 157-2020), with its bits and its JSON.
//!
//! `build.rs` reads the ASN.1 and `emit/` writes this module; only [`MessageFrameExt`], which holds
//! an open type, is written by hand. [`edition_2019`] has what the edition before says otherwise.
//! The types are as the air has them, sentinels and all; [`crate::kinds`] has values that cannot
//! be wrong, and is where most readers want to be.
//!
//! | ASN.1 | Rust |
//! |---|---|
//! | name of a type, `Position-LL-24B` | without hyphens, `PositionLL24B` |
//! | name of a member, `position-LL1`, `type` | `position_ll1`, `type_` |
//! | name of an enumeral or alternative, `flashing-red`, `prec0-1deg` | `FlashingRed`, `Prec0_1deg` |
//! | INTEGER | `struct DSecond(pub u16)`, the smallest integer that holds it; consts `MIN`, `MAX` and the named numbers |
//! | INTEGER (0..255) without a name | `u8`; likewise `u16`, `u32` |
//! | ENUMERATED | `enum`; `ALL`, `index`, `from_index`, `name` |
//! | BIT STRING of one size | `struct AllowedManeuvers(pub u16)`; a const for each named bit, `has`, `with`, `without` |
//! | BIT STRING (SIZE (n, ...)) | the same around [`ExtensibleBits`] |
//! | BOOLEAN | `bool` |
//! | INTEGER (0..127, ...) | [`OpenInteger`] |
//! | OCTET STRING of one size of at most 32 | `[u8; n]` |
//! | OCTET STRING, IA5String | [`Octets`], [`Ia5`] |
//! | SEQUENCE OF | [`List`], which keeps its elements for reuse |
//! | SEQUENCE | `struct` with public fields, `Option` where OPTIONAL |
//! | CHOICE | `enum` with one value each |
//! | a member or alternative behind the extension marker | the same in a `Box`, so that frames without it pay for a pointer only |
//! | a type without a name, within another one | named after both: `PAMNode.floor` is `PAMNodeFloor` |
//!
//! A type without memory of its own is `Copy`. `Default` is zero (or the least value), the first
//! enumeral or alternative, the empty list. Bounds are checked when a value is encoded, and when
//! one is decoded; in between, a field may hold anything.

#![allow(
    non_camel_case_types,
    reason = "an underscore keeps the digits of `prec0-1deg` apart from those of `prec01deg`"
)]
#![allow(
    clippy::let_and_return,
    reason = "the last field is put behind the others as the first was"
)]
#![allow(
    clippy::upper_case_acronyms,
    clippy::large_enum_variant,
    reason = "names and shapes are those of the standard"
)]

mod between;
mod message_frame_ext;

use crate::jer::{self, Jer};
use crate::uper::{
    DecodeErrorKind, Draft, EncodeErrorKind, Path, Reader, Run, Wire, Writer, check_integer,
    encode_brief,
};
pub use crate::uper::{ExtensibleBits, Full, Ia5, List, Octets, OpenInteger};
use crate::uper::{decode_boxed, decode_optional};
use between::recast_list;
pub(crate) use between::{NotInEdition, Recast};
pub use message_frame_ext::MessageFrameExt;
use std::fmt;

include!(concat!(env!("OUT_DIR"), "/asn.rs"));
