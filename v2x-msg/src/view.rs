//! The serde view: any message to any format of serde, and back.
//!
//! What people read gets exactly what [`crate::jer`] says: the same names, absent members left
//! out, octets and bits as hexadecimal text. Other formats (`is_human_readable` is false) get
//! octets as bytes, and absent members as `None`, so that formats without names work as well.
//! Bounds are checked on the way in, as JER does.
//!
//! The emitter writes a line for each type, for the macros at the end of this file.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, DeserializeSeed, Deserializer, SeqAccess, Visitor};
use serde::ser::{SerializeSeq, SerializeStruct, SerializeTuple, Serializer};
use serde::{Deserialize, Serialize};

use crate::uper::{ExtensibleBits, Ia5, List, Octets, OpenInteger};

/// What serde's own traits say, but for octets, which are not a list of numbers here.
pub(crate) trait View: Sized {
    /// Whether a member of this type may be left out.
    const OPTIONAL: bool = false;

    fn is_absent(&self) -> bool {
        false
    }

    fn to_serde<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error>;

    fn from_serde<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error>;
}

/// A value on its way out.
pub(crate) struct Out<'a, T>(pub(crate) &'a T);

impl<T: View> Serialize for Out<'_, T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.to_serde(to)
    }
}

/// A value on its way in.
pub(crate) struct In<T>(pub(crate) T);

impl<'de, T: View> Deserialize<'de> for In<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        T::from_serde(from).map(Self)
    }
}

/// One of some names, by name or by place.
pub(crate) struct OneOf(pub(crate) &'static [&'static str]);

impl<'de> DeserializeSeed<'de> for OneOf {
    type Value = &'static str;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_identifier(self)
    }
}

impl Visitor<'_> for OneOf {
    type Value = &'static str;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name of the message set")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        let found = self.0.iter().copied().find(|name| *name == text);
        found.ok_or_else(|| E::unknown_field(text, self.0))
    }

    fn visit_bytes<E: de::Error>(self, text: &[u8]) -> Result<Self::Value, E> {
        self.visit_str(&String::from_utf8_lossy(text))
    }

    fn visit_u64<E: de::Error>(self, index: u64) -> Result<Self::Value, E> {
        let found = usize::try_from(index)
            .ok()
            .and_then(|index| self.0.get(index));
        found
            .copied()
            .ok_or_else(|| E::custom(format_args!("no name at place {index}")))
    }
}

impl<T: View> View for Option<T> {
    const OPTIONAL: bool = true;

    fn is_absent(&self) -> bool {
        self.is_none()
    }

    fn to_serde<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Some(value) => to.serialize_some(&Out(value)),
            None => to.serialize_none(),
        }
    }

    fn from_serde<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Option::<In<T>>::deserialize(from).map(|value| value.map(|In(value)| value))
    }
}

impl<T: View> View for Box<T> {
    fn to_serde<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        (**self).to_serde(to)
    }

    fn from_serde<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        T::from_serde(from).map(Self::new)
    }
}

macro_rules! as_serde_has_it {
    ($($native:ty),*) => {$(
        impl View for $native {
            fn to_serde<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                self.serialize(to)
            }

            fn from_serde<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                Self::deserialize(from)
            }
        }
    )*};
}

as_serde_has_it!(bool, u8, u16, u32);

impl<const MIN: i64, const MAX: i64> View for OpenInteger<MIN, MAX> {
    fn to_serde<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(to)
    }

    fn from_serde<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        i64::deserialize(from).map(Self)
    }
}

impl<T: View, const MIN: usize, const MAX: usize> View for List<T, MIN, MAX> {
    fn to_serde<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut elements = to.serialize_seq(Some(self.len()))?;
        for element in self {
            elements.serialize_element(&Out(element))?;
        }
        elements.end()
    }

    fn from_serde<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Elements<L>(PhantomData<L>);
        impl<'de, T: View, const MIN: usize, const MAX: usize> Visitor<'de>
            for Elements<List<T, MIN, MAX>>
        {
            type Value = List<T, MIN, MAX>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a list of {MIN}..={MAX}")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Self::Value, A::Error> {
                let mut list = List::new();
                while let Some(In(element)) = from.next_element()? {
                    list.push(element)
                        .map_err(|_| de::Error::invalid_length(MAX.saturating_add(1), &self))?;
                }
                if list.len() < MIN {
                    return Err(de::Error::invalid_length(list.len(), &self));
                }
                Ok(list)
            }
        }
        from.deserialize_seq(Elements(PhantomData))
    }
}

/// Octets: hexadecimal text for people, bytes for others.
pub(crate) fn put_octets<S: Serializer>(octets: &[u8], to: S) -> Result<S::Ok, S::Error> {
    if !to.is_human_readable() {
        return to.serialize_bytes(octets);
    }
    let digits = |octet: &u8| [octet >> 4, octet & 15];
    let digits = octets.iter().flat_map(digits);
    let text: String = digits
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect();
    to.serialize_str(&text)
}

/// The counterpart.
pub(crate) fn take_octets<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
    if from.is_human_readable() {
        from.deserialize_str(AnyOctets)
    } else {
        from.deserialize_byte_buf(AnyOctets)
    }
}

struct AnyOctets;

impl<'de> Visitor<'de> for AnyOctets {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("octets, or hexadecimal text")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Vec<u8>, E> {
        let digit = |digit: u8| char::from(digit).to_digit(16).map(|digit| digit as u8);
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        let octets: Option<Vec<u8>> = pairs
            .iter()
            .map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?))
            .collect();
        let octets = octets.filter(|_| rest.is_empty());
        octets.ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
    }

    fn visit_bytes<E: de::Error>(self, octets: &[u8]) -> Result<Vec<u8>, E> {
        Ok(octets.to_vec())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Vec<u8>, A::Error> {
        // What the format claims is not believed; what is there is bounded by its text.
        let mut octets = Vec::new();
        while let Some(octet) = from.next_element()? {
            octets.push(octet);
        }
        Ok(octets)
    }
}

impl<const N: usize> View for [u8; N] {
    fn to_serde<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        put_octets(self, to)
    }

    fn from_serde<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let octets = take_octets(from)?;
        let wrong = de::Error::invalid_length(octets.len(), &"octets, as many as the type has");
        Self::try_from(octets.as_slice()).map_err(|_| wrong)
    }
}

impl<const MIN: usize, const MAX: usize, const EXTENSIBLE: bool> View
    for Octets<MIN, MAX, EXTENSIBLE>
{
    fn to_serde<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        put_octets(self, to)
    }

    fn from_serde<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let octets = take_octets(from)?;
        let wrong = || de::Error::invalid_length(octets.len(), &"octets, as many as allowed");
        if octets.len() < MIN && !EXTENSIBLE {
            return Err(wrong());
        }
        Self::try_from(octets.as_slice()).map_err(|_| wrong())
    }
}

impl<const MIN: usize, const MAX: usize> View for Ia5<MIN, MAX> {
    fn to_serde<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }

    fn from_serde<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        if text.len() < MIN {
            return Err(de::Error::invalid_length(text.len(), &"longer text"));
        }
        Self::try_from(text.as_str()).map_err(de::Error::custom)
    }
}

impl<const ROOT: u32> View for ExtensibleBits<ROOT> {
    fn to_serde<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let octets = self.top().to_be_bytes();
        let octets = &octets[..self.size().div_ceil(8).min(8) as usize];
        if !to.is_human_readable() {
            let mut pair = to.serialize_tuple(2)?;
            pair.serialize_element(&Bytes(octets))?;
            pair.serialize_element(&self.size())?;
            return pair.end();
        }
        if self.size() == ROOT {
            return put_octets(octets, to);
        }
        let mut members = to.serialize_struct("BitString", 2)?;
        members.serialize_field("value", &Bytes(octets))?;
        members.serialize_field("length", &self.size())?;
        members.end()
    }

    fn from_serde<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Bits<const ROOT: u32>;
        impl<'de, const ROOT: u32> Visitor<'de> for Bits<ROOT> {
            type Value = ExtensibleBits<ROOT>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("hexadecimal text, or value and length")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                bit_string(&AnyOctets.visit_str(text)?, ROOT)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Self::Value, A::Error> {
                let short = || de::Error::invalid_length(0, &"value and length");
                let BytesIn(octets) = from.next_element()?.ok_or_else(short)?;
                let size = from.next_element()?.ok_or_else(short)?;
                bit_string(&octets, size)
            }

            fn visit_map<A: de::MapAccess<'de>>(
                self,
                mut from: A,
            ) -> Result<Self::Value, A::Error> {
                let (mut octets, mut size) = (None, None);
                while let Some(name) = from.next_key_seed(OneOf(&["value", "length"]))? {
                    match name {
                        "value" => octets = Some(from.next_value::<BytesIn>()?.0),
                        _ => size = Some(from.next_value()?),
                    }
                }
                let octets = octets.ok_or_else(|| de::Error::missing_field("value"))?;
                bit_string(
                    &octets,
                    size.ok_or_else(|| de::Error::missing_field("length"))?,
                )
            }
        }
        if from.is_human_readable() {
            from.deserialize_any(Bits::<ROOT>)
        } else {
            from.deserialize_tuple(2, Bits::<ROOT>)
        }
    }
}

/// Octets as a member.
struct Bytes<'a>(&'a [u8]);

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        put_octets(self.0, to)
    }
}

struct BytesIn(Vec<u8>);

impl<'de> Deserialize<'de> for BytesIn {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        take_octets(from).map(Self)
    }
}

fn bit_string<const ROOT: u32, E: de::Error>(
    octets: &[u8],
    size: u32,
) -> Result<ExtensibleBits<ROOT>, E> {
    let top = word(octets, size).ok_or_else(|| E::custom("not as many bits as it says"))?;
    ExtensibleBits::from_top(top, size).ok_or_else(|| E::custom("more than 64 bits"))
}

/// Exactly `size` bits at the top of a word, from octets that hold no other bits.
pub(crate) fn word(octets: &[u8], size: u32) -> Option<u64> {
    let mut word = [0; 8];
    if size > 64 || octets.len() != size.div_ceil(8) as usize {
        return None;
    }
    word.get_mut(..octets.len())?.copy_from_slice(octets);
    let top = u64::from_be_bytes(word);
    (top.checked_shl(size).unwrap_or(0) == 0).then_some(top)
}

/// Gives a type serde's traits, once it has a view.
macro_rules! serde_by_view {
    ($name:ident) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                crate::view::View::to_serde(self, to)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                crate::view::View::from_serde(from)
            }
        }
    };
}

/// An INTEGER with a name.
macro_rules! integer {
    ($name:ident) => {
        impl crate::view::View for $name {
            fn to_serde<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                serde::Serialize::serialize(&self.0, to)
            }

            fn from_serde<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let value = serde::Deserialize::deserialize(from)?;
                if (Self::MIN..=Self::MAX).contains(&value) {
                    return Ok(Self(value));
                }
                let (min, max) = (Self::MIN, Self::MAX);
                let text = format_args!("{value} is not in {min}..={max}");
                Err(serde::de::Error::custom(text))
            }
        }

        crate::view::serde_by_view!($name);
    };
}

/// An ENUMERATED.
macro_rules! enumerated {
    ($name:ident: $($asn:literal,)*) => {
        impl crate::view::View for $name {
            fn to_serde<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_unit_variant(stringify!($name), self.index() as u32, self.name())
            }

            fn from_serde<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                const NAMES: &[&str] = &[$($asn),*];
                struct Name;
                impl<'de> serde::de::Visitor<'de> for Name {
                    type Value = $name;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str(concat!("a ", stringify!($name)))
                    }

                    fn visit_enum<A: serde::de::EnumAccess<'de>>(
                        self,
                        from: A,
                    ) -> Result<Self::Value, A::Error> {
                        let (name, nothing) = from.variant_seed(crate::view::OneOf(NAMES))?;
                        serde::de::VariantAccess::unit_variant(nothing)?;
                        let mut all = $name::ALL.into_iter();
                        let unknown = || serde::de::Error::unknown_variant(name, NAMES);
                        all.find(|one| one.name() == name).ok_or_else(unknown)
                    }
                }
                from.deserialize_enum(stringify!($name), NAMES, Name)
            }
        }

        crate::view::serde_by_view!($name);
    };
}

/// A BIT STRING of one size.
macro_rules! bits {
    ($name:ident) => {
        impl crate::view::View for $name {
            fn to_serde<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                let octets = (u64::from(self.0) << (64 - Self::SIZE)).to_be_bytes();
                let len = Self::SIZE.div_ceil(8) as usize;
                crate::view::put_octets(&octets[..len], to)
            }

            fn from_serde<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let octets = crate::view::take_octets(from)?;
                let wrong = || serde::de::Error::custom("not as many bits as the type has");
                let top = crate::view::word(&octets, Self::SIZE).ok_or_else(wrong)?;
                let bits = (top >> (64 - Self::SIZE)).try_into();
                bits.map(Self).map_err(|_| wrong())
            }
        }

        crate::view::serde_by_view!($name);
    };
}

/// A BIT STRING that may grow.
macro_rules! open_bits {
    ($name:ident) => {
        impl crate::view::View for $name {
            fn to_serde<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                self.0.to_serde(to)
            }

            fn from_serde<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                crate::view::View::from_serde(from).map(Self)
            }
        }

        crate::view::serde_by_view!($name);
    };
}

/// A SEQUENCE: names of the ASN.1 and of the fields.
macro_rules! sequence {
    ($name:ident: $($asn:literal $field:ident,)*) => {
        impl crate::view::View for $name {
            fn to_serde<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeStruct;
                use crate::view::Out;
                // Names tell what is absent; without them, each member has its place.
                let leave_out = to.is_human_readable();
                let there = 0 $(+ usize::from(!(leave_out && self.$field.is_absent())))*;
                #[allow(unused_mut, reason = "not used where there is no member")]
                let mut members = to.serialize_struct(stringify!($name), there)?;
                $(
                    if leave_out && self.$field.is_absent() {
                        members.skip_field($asn)?;
                    } else {
                        members.serialize_field($asn, &Out(&self.$field))?;
                    }
                )*
                members.end()
            }

            fn from_serde<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                use crate::view::{In, OneOf, View};
                const NAMES: &[&str] = &[$($asn),*];
                /// Whether a member of that type may be left out.
                fn optional<T: View>(_: &T) -> bool {
                    T::OPTIONAL
                }
                struct Members;
                impl<'de> serde::de::Visitor<'de> for Members {
                    type Value = $name;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str(concat!("a ", stringify!($name)))
                    }

                    fn visit_map<A: serde::de::MapAccess<'de>>(
                        self,
                        mut from: A,
                    ) -> Result<Self::Value, A::Error> {
                        let mut value = $name::default();
                        $(let mut $field = false;)*
                        while let Some(name) = from.next_key_seed(OneOf(NAMES))? {
                            match name {
                                $($asn => {
                                    if std::mem::replace(&mut $field, true) {
                                        return Err(serde::de::Error::duplicate_field($asn));
                                    }
                                    value.$field = from.next_value::<In<_>>()?.0;
                                })*
                                _ => {}
                            }
                        }
                        $(if !$field && !optional(&value.$field) {
                            return Err(serde::de::Error::missing_field($asn));
                        })*
                        Ok(value)
                    }

                    fn visit_seq<A: serde::de::SeqAccess<'de>>(
                        self,
                        mut from: A,
                    ) -> Result<Self::Value, A::Error> {
                        let mut value = $name::default();
                        $(
                            let missing = || serde::de::Error::missing_field($asn);
                            value.$field = from.next_element::<In<_>>()?.ok_or_else(missing)?.0;
                        )*
                        Ok(value)
                    }
                }
                from.deserialize_struct(stringify!($name), NAMES, Members)
            }
        }

        crate::view::serde_by_view!($name);
    };
}

/// A CHOICE: place, name of the ASN.1 and of the variant.
macro_rules! choice {
    ($name:ident: $($index:literal $asn:literal $variant:ident,)*) => {
        impl crate::view::View for $name {
            fn to_serde<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                use crate::view::Out;
                let name = stringify!($name);
                match self {
                    $(Self::$variant(value) => {
                        to.serialize_newtype_variant(name, $index, $asn, &Out(value))
                    })*
                }
            }

            fn from_serde<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                const NAMES: &[&str] = &[$($asn),*];
                struct Alternative;
                impl<'de> serde::de::Visitor<'de> for Alternative {
                    type Value = $name;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str(concat!("a ", stringify!($name)))
                    }

                    fn visit_enum<A: serde::de::EnumAccess<'de>>(
                        self,
                        from: A,
                    ) -> Result<Self::Value, A::Error> {
                        use crate::view::{In, OneOf};
                        use serde::de::VariantAccess;
                        let (name, value) = from.variant_seed(OneOf(NAMES))?;
                        match name {
                            $($asn => {
                                let In(value) = value.newtype_variant()?;
                                Ok($name::$variant(value))
                            })*
                            _ => Err(serde::de::Error::unknown_variant(name, NAMES)),
                        }
                    }
                }
                from.deserialize_enum(stringify!($name), NAMES, Alternative)
            }
        }

        crate::view::serde_by_view!($name);
    };
}

pub(crate) use {bits, choice, enumerated, integer, open_bits, sequence, serde_by_view};
