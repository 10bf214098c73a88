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
#[derive(Clone)]
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
        /// Of the extension root.
        members: Vec<Member>,
        /// Behind the extension marker; all OPTIONAL.
        additions: Vec<Member>,
        extensible: bool,
    },
    Choice {
        /// Of the extension root.
        alternatives: Vec<Member>,
        /// Behind the extension marker.
        additions: Vec<Member>,
        extensible: bool,
    },
    /// The Rust of it stands beside `src/asn.rs`.
    ByHand,
}

/// What the elements of long lists rarely have, and what would make all of them large.
const BOXED: [(&str, &str); 2] = [
    ("DetectedPTCData", "pathHistory"),
    ("DetectedPTCData", "type-relatedExt"),
];

/// Open types, which neither asn1rs nor we can express.
const BY_HAND: [&str; 1] = ["MessageFrameExt"];

/// A component of a SEQUENCE or an alternative of a CHOICE.
pub struct Member {
    pub asn: String,
    /// As a field; alternatives spell themselves as variants.
    pub rust: String,
    pub doc: Option<String>,
    pub used: Use,
    pub optional: bool,
    /// Stands apart, in a box.
    pub boxed: bool,
}

/// A type where it is used.
pub enum Use {
    /// Another definition, by its Rust name.
    Named(String),
    /// An unsigned integer that fills its 8, 16 or 32 bits.
    Unsigned(u32),
    Boolean,
    /// An INTEGER whose range may grow in later editions.
    OpenInteger(i64, i64),
    FixedOctets(usize),
    Octets(Sizes),
    Ia5(usize, usize),
    List(Box<Use>, usize, usize),
}

/// How long an OCTET STRING may be.
pub struct Sizes {
    pub min: usize,
    pub max: usize,
    /// Later editions may go beyond.
    pub extensible: bool,
}

/// The longest list where the ASN.1 names no limit.
pub const UNBOUNDED: usize = usize::MAX;

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
                let mut place = Place {
                    module: &model.name,
                    owner: definition.name(),
                    comments: &comments,
                    nameless: Vec::new(),
                };
                definitions.push(place.definition(definition)?);
                definitions.append(&mut place.nameless);
            }
        }
        Ok(Self { definitions })
    }

    /// The definitions of an older edition that are its own; all else it takes from `sources`.
    pub fn own(sources: &[Source], older: &Source) -> Result<Vec<Definition>, String> {
        let both: Vec<_> = sources.iter().chain([older]).cloned().collect();
        let mut definitions = Self::read(&both)?.definitions;
        // The module in question comes last.
        let module = definitions.last().map(|last| last.module.clone());
        definitions.retain(|definition| Some(&definition.module) == module.as_ref());
        Ok(definitions)
    }
}

/// Where in the text we are, and what has been found there without a name of its own.
struct Place<'a> {
    module: &'a str,
    owner: &'a str,
    comments: &'a Comments,
    nameless: Vec<Definition>,
}

impl Place<'_> {
    fn definition(&mut self, from: &AsnDefinition<Asn>) -> Result<Definition, String> {
        let kind = if BY_HAND.contains(&self.owner) {
            Ok(Kind::ByHand)
        } else {
            self.kind(&from.value().r#type)
        };
        Ok(Definition {
            asn: self.owner.to_owned(),
            rust: names::type_name(self.owner),
            module: self.module.to_owned(),
            docs: self.comments.of_type(self.owner),
            kind: kind.map_err(|problem| format!("{}: {}: {problem}", self.module, self.owner))?,
        })
    }

    fn kind(&mut self, from: &AsnType) -> Result<Kind, String> {
        match from {
            AsnType::Integer(integer) if !integer.range.extensible() => Kind::integer(integer),
            AsnType::Enumerated(enumerated) => Kind::enumerated(enumerated),
            AsnType::BitString(bits) => Kind::bits(bits),
            AsnType::Sequence(members) => self.sequence(members),
            AsnType::Choice(choice) => self.choice(choice),
            other => Use::read(other).map(Kind::Alias),
        }
    }

    fn sequence(&mut self, list: &ComponentTypeList<Resolved>) -> Result<Kind, String> {
        let mut members = Vec::new();
        for field in &list.fields {
            if field.role.default.is_some() {
                return Err(format!("{}: DEFAULT is not supported", field.name));
            }
            let (used, optional) = match &field.role.r#type {
                AsnType::Optional(inner) => (inner.as_ref(), true),
                used => (used, false),
            };
            members.push(self.member(&field.name, used, optional)?);
        }
        let mut additions = members.split_off(root_len(members.len(), list.extension_after));
        additions
            .iter_mut()
            .for_each(|addition| addition.boxed = true);
        if let Some(addition) = additions.iter().find(|addition| !addition.optional) {
            // An older sender leaves it out whatever we say, and the bits are the same.
            return Err(format!("{}: an addition must be OPTIONAL", addition.asn));
        }
        Ok(Kind::Sequence {
            members,
            additions,
            extensible: list.extension_after.is_some(),
        })
    }

    fn choice(&mut self, choice: &Choice) -> Result<Kind, String> {
        // AUTOMATIC TAGS: the index is the order of writing.
        let mut alternatives = choice
            .variants()
            .map(|variant| self.member(variant.name(), variant.r#type(), false))
            .collect::<Result<Vec<_>, _>>()?;
        let root = root_len(alternatives.len(), choice.extension_after_index());
        let mut additions = alternatives.split_off(root);
        additions
            .iter_mut()
            .for_each(|addition| addition.boxed = true);
        Ok(Kind::Choice {
            alternatives,
            additions,
            extensible: choice.is_extensible(),
        })
    }

    fn member(&mut self, asn: &str, used: &AsnType, optional: bool) -> Result<Member, String> {
        let doc = self.comments.of_member(self.owner, asn);
        let used = match Use::read(used) {
            Ok(used) => used,
            Err(_) => Use::Named(self.name(asn, used, doc.clone())?),
        };
        Ok(Member {
            asn: asn.to_owned(),
            rust: names::field(asn),
            doc,
            used,
            optional,
            boxed: BOXED.contains(&(self.owner, asn)),
        })
    }

    /// Gives a type that stands within another one a definition, named after both.
    fn name(
        &mut self,
        member: &str,
        used: &AsnType,
        doc: Option<String>,
    ) -> Result<String, String> {
        let problem = |problem| format!("{member}: {problem}");
        if let AsnType::Sequence(_) | AsnType::TypeReference(..) | AsnType::SequenceOf(..) = used {
            return Err(problem("not supported here, give it a name".to_owned()));
        }
        let rust = names::type_name(self.owner) + &names::variant(member);
        let definition = Definition {
            asn: format!("{}.{member}", self.owner),
            rust: rust.clone(),
            module: self.module.to_owned(),
            docs: doc.into_iter().collect(),
            kind: self.kind(used).map_err(problem)?,
        };
        self.nameless.push(definition);
        Ok(rust)
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
        if root_len(enumerated.len(), enumerated.extension_after_index()) != enumerated.len() {
            return Err("additions to an ENUMERATED are not supported".to_owned());
        }
        // X.691, clause 14: the index counts the enumerals in the order of their values.
        let mut numbered: Vec<_> = (0..)
            .zip(enumerated.variants())
            .map(|(place, variant)| (variant.number().unwrap_or(place), variant.name().to_owned()))
            .collect();
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
}

impl Member {
    /// As a variant of a Rust enum.
    pub fn variant(&self) -> String {
        names::variant(&self.asn)
    }
}

impl Use {
    fn read(from: &AsnType) -> Result<Self, String> {
        match from {
            AsnType::TypeReference(name, _) => Ok(Self::Named(names::type_name(name))),
            AsnType::Boolean => Ok(Self::Boolean),
            AsnType::Integer(integer) if integer.range.extensible() => {
                let (min, max) = bounds(integer)?;
                Ok(Self::OpenInteger(min, max))
            }
            AsnType::Integer(integer) => match bounds(integer)? {
                (0, 0xff) => Ok(Self::Unsigned(8)),
                (0, 0xffff) => Ok(Self::Unsigned(16)),
                (0, 0xffff_ffff) => Ok(Self::Unsigned(32)),
                _ => Err("an INTEGER with bounds such as these needs a name".to_owned()),
            },
            // Rust has defaults for arrays up to that size.
            AsnType::OctetString(Size::Fix(size, false)) if *size <= 32 => {
                Ok(Self::FixedOctets(*size))
            }
            AsnType::OctetString(size) => octets(size).map(Self::Octets),
            AsnType::String(size, Charset::Ia5) => {
                sizes(size).map(|(min, max)| Self::Ia5(min, max))
            }
            AsnType::SequenceOf(element, size) => {
                let (min, max) = match size {
                    Size::Any => (0, UNBOUNDED),
                    size => sizes(size)?,
                };
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
        (Some(min), Some(max)) if min < max && max.abs_diff(*min) < 1 << 32 => Ok((*min, *max)),
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

fn octets(size: &Size) -> Result<Sizes, String> {
    let (root, extensible) = match size {
        Size::Range(min, max, extensible) => (Size::Range(*min, *max, false), *extensible),
        Size::Fix(size, extensible) => (Size::Fix(*size, false), *extensible),
        Size::Any => (Size::Any, false),
    };
    sizes(&root).map(|(min, max)| Sizes {
        min,
        max,
        extensible,
    })
}

/// How many come before the extension marker.
fn root_len(len: usize, extension_after: Option<usize>) -> usize {
    extension_after.map_or(len, |last| last + 1)
}
