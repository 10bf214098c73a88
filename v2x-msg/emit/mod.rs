//! From our ASN.1 to our Rust: what the build script writes into `OUT_DIR/asn.rs`.
//!
//! asn1rs reads the text (tokens, model, references across modules); nothing else of it is used.
//! Rooms, in the order data meets them: [`comments`] keeps what the tokenizer drops, [`schema`]
//! turns its model into ours and refuses what we cannot encode, [`facts`] derives what follows
//! from that, [`names`] spells things in Rust, and [`types`], [`wire`] and [`jer`] write: the
//! types themselves, their bits, their JSON; [`view`] their serde view; [`edition`] does so for what an older edition has
//! otherwise. What the written code does at run time lives in
//! `src/uper/` and `src/jer/`.

mod comments;
mod edition;
mod facts;
mod jer;
pub mod names;
mod page;
pub mod schema;
mod types;
mod view;
mod wire;

use edition::Editions;
use page::Page;
pub use schema::{Schema, Source};

/// Writes the Rust of all definitions, and of those that an older edition has otherwise.
///
/// # Errors
/// ASN.1 that asn1rs cannot read, or that we cannot encode; says which file or type.
pub fn rust(sources: &[Source], older: Option<&Source>) -> Result<String, String> {
    let schema = Schema::read(sources)?;
    let facts = facts::Facts::of(&schema.definitions)?;
    let mut page = Page::default();
    page.line("// Written by v2x-msg/build.rs from v2x-msg/asn/*.asn. Change those, not this.");
    for definition in &schema.definitions {
        types::definition(&mut page, definition, &facts);
        wire::definition(&mut page, definition, &facts);
        jer::definition(&mut page, definition);
    }
    view::all(&mut page, &schema.definitions);
    if let Some(older) = older {
        let own = Schema::own(sources, older)?;
        Editions::new(&schema, &own).module(&mut page)?;
    }
    Ok(page.text)
}
