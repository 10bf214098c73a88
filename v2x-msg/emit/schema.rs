//! Our own model of the message set: only what we can encode, already spelt in Rust.

use asn1rs_model::model::lor::Resolved;
use asn1rs_model::model::{
    Asn, BitString, Charset, Choice, ComponentTypeList, Definition as AsnDefinition, Enumerated,
    Integer, Model, MultiModuleResolver, Size, Type as AsnType,
};
use asn1rs_model::parser::Tokenizer;

use super::comments::Comments;
use super::names;

/// A module's text and where it comes from.
pub struct Source {
    pub path: String,
    pub text: String,
}

/// All definitions, in the order of the files.
pub struct Schema {
    pub definitions: Vec<Definition>,
}

/// `Name ::= ...`
pub struct Definition {
    pub asn: String,
    pub rust: String,
    pub module: String,
    pub docs: Vec<String>,
    pub kind: Kind,
}

/// What a definition stands for.
pub enum Kind {
    Integer {
        min: i64,
        max: i64,
        named: Vec<(String, i64)>,
    },
    Enumerated {
        names: Vec<String>,
        extensible: bool,
    },
    Bits {
        size: u32,
        extensible: bool,
        named: Vec<(String, u64)>,
    },
    /// Needs no type of its own: strings and lists carry their bounds.
    Alias(Use),
    Sequence {
        members: Vec<Member>,
        extensible: bool,
    },
    Choice {
        alternatives: Vec<Member>,
        extensible: bool,
    },
}

/// A component of a SEQUENCE or an alternative of a CHOICE.
pub struct Member {
    pub asn: String,
    /// As a field; alternatives spell themselves as variants.
    pub rust: String,
    pub doc: Option<String>,
    pub used: Use,
    pub optional: bool,
}

/// A type where it is used.
pub enum Use {
    /// Another definition, by its Rust name.
    Named(String),
    /// An unsigned integer that fills its 8, 16 or 32 bits.
    Unsigned(u32),
    FixedOctets(usize),
    Octets(usize, usize),
    Ia5(usize, usize),
    List(Box<Use>, usize, usize),
}

impl Schema {
    pub fn read(sources: &[Source]) -> Result<Self, String> {
        let mut comments = Comments::default();
        let mut resolver = MultiModuleResolver::default();
        for source in sources {
            Comments::read(&source.text, &mut comments);
            let model = Model::try_from(Tokenizer.parse(&source.text))
                .map_err(|error| format!("{}: {error}", source.path))?;
            resolver.push(model);
        }
        let models = resolver
            .try_resolve_all()
            .map_err(|error| error.to_string())?;
        let mut definitions = Vec::new();
        for model in &models {
            for definition in &model.definitions {
                definitions.push(Definition::read(&model.name, definition, &comments)?);
            }
        }
        Ok(Self { definitions })
    }
}

impl Definition {
    fn read(module: &str, from: &AsnDefinition<Asn>, comments: &Comments) -> Result<Self, String> {
        let asn = from.name();
        let kind = match &from.value().r#type {
            AsnType::Integer(integer) => Kind::integer(integer),
            AsnType::Enumerated(enumerated) => Kind::enumerated(enumerated),
            AsnType::BitString(bits) => Kind::bits(bits),
            AsnType::Sequence(members) => Kind::sequence(asn, members, comments),
            AsnType::Choice(choice) => Kind::choice(asn, choice, comments),
            other => Use::read(other).map(Kind::Alias),
        };
        Ok(Self {
            asn: asn.to_owned(),
            rust: names::type_name(asn),
            module: module.to_owned(),
            docs: comments.of_type(asn),
            kind: kind.map_err(|problem| format!("{module}: {asn}: {problem}"))?,
        })
    }
}

impl Kind {
    fn integer(integer: &Integer) -> Result<Self, String> {
        let (min, max) = bounds(integer)?;
        Ok(Self::Integer {
            min,
            max,
            named: integer.constants.clone(),
        })
    }

    fn enumerated(enumerated: &Enumerated) -> Result<Self, String> {
        let root = root_len(enumerated.len(), enumerated.extension_after_index())?;
        // X.691, clause 14: the index counts the enumerals in the order of their values.
        let mut numbered: Vec<_> = (0..)
            .zip(enumerated.variants())
            .map(|(place, variant)| (variant.number().unwrap_or(place), variant.name().to_owned()))
            .collect();
        debug_assert_eq!(numbered.len(), root);
        numbered.sort_by_key(|(number, _)| *number);
        Ok(Self::Enumerated {
            names: numbered.into_iter().map(|(_, name)| name).collect(),
            extensible: enumerated.is_extensible(),
        })
    }

    fn bits(bits: &BitString) -> Result<Self, String> {
        match bits.size {
            Size::Fix(size, extensible) if (1..=64).contains(&size) => Ok(Self::Bits {
                size: size as u32,
                extensible,
                named: bits.constants.clone(),
            }),
            _ => Err("a BIT STRING needs one fixed size of 1 to 64".to_owned()),
        }
    }

    fn sequence(
        owner: &str,
        list: &ComponentTypeList<Resolved>,
        comments: &Comments,
    ) -> Result<Self, String> {
        root_len(list.fields.len(), list.extension_after)?;
        let read = |field: &asn1rs_model::model::Field<Asn>| {
            if field.role.default.is_some() {
                return Err(format!("{}: DEFAULT is not supported", field.name));
            }
            let (used, optional) = match &field.role.r#type {
                AsnType::Optional(inner) => (inner.as_ref(), true),
                used => (used, false),
            };
            Member::read(owner, &field.name, used, optional, comments)
        };
        Ok(Self::Sequence {
            members: list.fields.iter().map(read).collect::<Result<_, _>>()?,
            extensible: list.extension_after.is_some(),
        })
    }

    fn choice(owner: &str, choice: &Choice, comments: &Comments) -> Result<Self, String> {
        root_len(choice.len(), choice.extension_after_index())?;
        // AUTOMATIC TAGS: the index is the order of writing.
        let alternatives = choice
            .variants()
            .map(|variant| Member::read(owner, variant.name(), variant.r#type(), false, comments))
            .collect::<Result<_, _>>()?;
        Ok(Self::Choice {
            alternatives,
            extensible: choice.is_extensible(),
        })
    }
}

impl Member {
    fn read(
        owner: &str,
        asn: &str,
        used: &AsnType,
        optional: bool,
        comments: &Comments,
    ) -> Result<Self, String> {
        Ok(Self {
            asn: asn.to_owned(),
            rust: names::field(asn),
            doc: comments.of_member(owner, asn),
            used: Use::read(used).map_err(|problem| format!("{asn}: {problem}"))?,
            optional,
        })
    }

    /// As a variant of a Rust enum.
    pub fn variant(&self) -> String {
        names::variant(&self.asn)
    }
}

impl Use {
    fn read(from: &AsnType) -> Result<Self, String> {
        match from {
            AsnType::TypeReference(name, _) => Ok(Self::Named(names::type_name(name))),
            AsnType::Integer(integer) => match bounds(integer)? {
                (0, 0xff) => Ok(Self::Unsigned(8)),
                (0, 0xffff) => Ok(Self::Unsigned(16)),
                (0, 0xffff_ffff) => Ok(Self::Unsigned(32)),
                _ => Err("an INTEGER with bounds such as these needs a name".to_owned()),
            },
            AsnType::OctetString(Size::Fix(size, false)) => Ok(Self::FixedOctets(*size)),
            AsnType::OctetString(size) => sizes(size).map(|(min, max)| Self::Octets(min, max)),
            AsnType::String(size, Charset::Ia5) => {
                sizes(size).map(|(min, max)| Self::Ia5(min, max))
            }
            AsnType::SequenceOf(element, size) => {
                let (min, max) = sizes(size)?;
                Ok(Self::List(Box::new(Self::read(element)?), min, max))
            }
            other => Err(format!("not supported here, give it a name: {other:?}")),
        }
    }
}

fn bounds(integer: &Integer) -> Result<(i64, i64), String> {
    let range = &integer.range;
    match (range.min(), range.max()) {
        // 32 bits is what the writer takes at a time.
        (Some(min), Some(max)) if min < max && max.abs_diff(*min) < 1 << 32 => {
            if range.extensible() {
                return Err("an INTEGER with an extension marker is not supported".to_owned());
            }
            Ok((*min, *max))
        }
        _ => Err("an INTEGER needs bounds less than 2^32 apart".to_owned()),
    }
}

fn sizes(size: &Size) -> Result<(usize, usize), String> {
    match size {
        // X.691, 11.9.4.1: from 64K on, and with an extension marker, lengths look different.
        Size::Range(min, max, false) if *max < 1 << 16 => Ok((*min, *max)),
        Size::Fix(size, false) if *size < 1 << 16 => Ok((*size, *size)),
        _ => Err("a size needs bounds below 65,536 and no extension marker".to_owned()),
    }
}

/// All of a type is its root: additions of later editions are skipped, never written.
fn root_len(len: usize, extension_after: Option<usize>) -> Result<usize, String> {
    match extension_after {
        Some(last) if last + 1 != len => Err("extension additions are not supported".to_owned()),
        _ => Ok(len),
    }
}
