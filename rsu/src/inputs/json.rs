//! JSON as devices send it: bytes to whole objects of bounded size and depth, and the loose numbers
//! in them.
//!
//! A [`Splitter`] finds the objects, `{` to its `}`, in a datagram, an MQTT message or a stream; a
//! byte order mark, blanks, commas and the brackets of a list around them are passed over, so that a
//! list of messages is the messages. Nothing is parsed before it is known to be short and shallow
//! enough. Reading then allocates in proportion to the text, on the link's own thread.
//!
//! A stream may lose the end of an object: a box that was started anew behind a converter, whose connection
//! lasts. What JSON cannot have there ends the open object: the end of a line within a text, a text without a
//! colon, a comma or an end behind it, an object without a colon, a comma or a list before it. So a message or
//! two are lost, and not all that come until the open one is too long. An object that took long to come is
//! dropped: however new its end, what it tells is old.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::Carrier;
use crate::clock::Mono;

/// Longest object.
pub const LONGEST: usize = 4 << 20;
/// Objects and lists in each other.
pub const DEEPEST: usize = 24;
/// From the first byte of an object to its last; a device's word is no older than that on any line that
/// carries ten of them a second.
pub const SLOWEST: Duration = Duration::from_secs(2);

/// What the splitter found.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// One object, from its brace to its brace.
    Object(&'a [u8]),
    /// Bytes that belong to no object; told once a run.
    Noise,
    /// An object beyond [`LONGEST`], dropped.
    TooLong,
    /// An object beyond [`DEEPEST`], dropped.
    TooDeep,
    /// An object that did not end in its datagram, or within [`SLOWEST`], or in which another began.
    Cut,
}

impl Piece<'_> {
    /// The words under which what is no object is counted.
    pub const KINDS: [&'static str; 4] = ["noise", "too-long", "too-deep", "cut"];

    /// The word for this one; None for an object.
    pub fn kind(&self) -> Option<&'static str> {
        match self {
            Self::Object(_) => None,
            Self::Noise => Some("noise"),
            Self::TooLong => Some("too-long"),
            Self::TooDeep => Some("too-deep"),
            Self::Cut => Some("cut"),
        }
    }
}

/// Bytes to objects.
#[derive(Debug)]
pub struct Splitter {
    carrier: Carrier,
    /// What there is of an object that began in an earlier chunk.
    held: Vec<u8>,
    depth: usize,
    in_text: bool,
    escaped: bool,
    /// A text has ended, and nothing but blanks has come since.
    behind_text: bool,
    /// When the open object began.
    began: Mono,
    /// What comes is dropped up to the end of the line: no brace in it can be trusted.
    skipping: bool,
    in_noise: bool,
}

impl Splitter {
    /// Ready for the first byte.
    pub fn new(carrier: Carrier) -> Self {
        Self {
            carrier,
            held: Vec::new(),
            depth: 0,
            in_text: false,
            escaped: false,
            behind_text: false,
            began: Mono::ZERO,
            skipping: false,
            in_noise: false,
        }
    }

    /// Takes a datagram, in which what is open never ends, or the next bytes of a stream.
    pub fn push(&mut self, arrived: Mono, bytes: &[u8], mut sink: impl FnMut(Piece<'_>)) {
        self.take(arrived, bytes, &mut sink);
        if self.carrier == Carrier::Datagrams {
            if self.depth > 0 {
                sink(Piece::Cut);
            }
            self.reset();
        }
    }

    fn take(&mut self, arrived: Mono, bytes: &[u8], sink: &mut impl FnMut(Piece<'_>)) {
        // Where the open object begins in `bytes`; 0 if it began before.
        let mut start = 0;
        let mut next = 0;
        while let Some(&byte) = bytes.get(next) {
            let at = next;
            next += 1;
            if self.skipping {
                self.skipping = byte != b'\n';
                continue;
            }
            if self.depth == 0 {
                if byte == b'{' {
                    (self.depth, self.in_noise, start) = (1, false, at);
                    self.began = arrived;
                } else if between(byte) {
                    self.in_noise = false;
                } else if !std::mem::replace(&mut self.in_noise, true) {
                    sink(Piece::Noise);
                }
                continue;
            }
            if self.is_cut(byte, &bytes[start..at]) {
                sink(Piece::Cut);
                self.reset();
                // The byte belongs to what comes behind the cut.
                next = at;
                continue;
            }
            if self.within(byte) {
                let end = at + 1;
                if self.depth == 0 {
                    self.whole(arrived, &bytes[start..end], sink);
                } else if self.depth > DEEPEST {
                    sink(Piece::TooDeep);
                    self.drop_line(byte);
                }
            } else if self.held.len() + at - start >= LONGEST {
                sink(Piece::TooLong);
                self.drop_line(byte);
            } else {
                // No farther than where the object would be too long.
                let most = (start + LONGEST).saturating_sub(self.held.len());
                let rest = bytes.get(next..most.min(bytes.len()));
                next += self.plain(rest.unwrap_or_default());
            }
        }
        if self.depth > 0 {
            self.held.extend_from_slice(&bytes[start..]);
        }
    }

    /// Forgets what is half received.
    pub fn reset(&mut self) {
        let mut held = std::mem::take(&mut self.held);
        held.clear();
        // One long object must not be paid for ever after.
        held.shrink_to(KEPT);
        *self = Self {
            held,
            ..Self::new(self.carrier)
        };
    }

    /// Whether no object goes on so: its rest was lost, and this belongs to the next. `open` is what there is
    /// of it in this chunk.
    fn is_cut(&self, byte: u8, open: &[u8]) -> bool {
        match byte {
            _ if self.in_text => byte == b'\n',
            _ if byte.is_ascii_whitespace() => false,
            _ if self.behind_text => !matches!(byte, b':' | b',' | b'}' | b']'),
            b'{' => {
                let before = self.held.iter().chain(open).rev();
                let before = before.copied().find(|byte| !byte.is_ascii_whitespace());
                !matches!(before, Some(b':' | b',' | b'['))
            }
            _ => false,
        }
    }

    /// Takes a byte of the open object; true if the depth changed.
    fn within(&mut self, byte: u8) -> bool {
        if self.in_text {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => (self.in_text, self.behind_text) = (false, true),
                _ => {}
            }
            return false;
        }
        self.behind_text &= byte.is_ascii_whitespace();
        match byte {
            b'"' => self.in_text = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => self.depth -= 1,
            _ => return false,
        }
        byte != b'"'
    }

    /// How many bytes of the open object come before one that says anything of where it ends.
    fn plain(&self, rest: &[u8]) -> usize {
        if self.escaped || self.behind_text {
            return 0;
        }
        let of = if self.in_text { IN_TEXT } else { OUTSIDE };
        let ends = rest
            .iter()
            .position(|byte| MARKS[usize::from(*byte)] & of != 0);
        ends.unwrap_or(rest.len())
    }

    fn whole(&mut self, arrived: Mono, rest: &[u8], sink: &mut impl FnMut(Piece<'_>)) {
        if arrived.since(self.began) > SLOWEST {
            sink(Piece::Cut);
        } else if self.held.is_empty() {
            sink(Piece::Object(rest));
        } else {
            self.held.extend_from_slice(rest);
            sink(Piece::Object(&self.held));
        }
        self.reset();
    }

    fn drop_line(&mut self, byte: u8) {
        self.reset();
        self.skipping = byte != b'\n';
    }
}

/// What a splitter keeps of its memory from object to object.
const KEPT: usize = 64 << 10;

/// Which bytes say where texts, and outside of these objects and lists, begin and end.
const MARKS: [u8; 256] = {
    let mut marks = [0; 256];
    marks[b'"' as usize] = IN_TEXT | OUTSIDE;
    marks[b'\\' as usize] = IN_TEXT;
    marks[b'\n' as usize] = IN_TEXT;
    marks[b'{' as usize] = OUTSIDE;
    marks[b'}' as usize] = OUTSIDE;
    marks[b'[' as usize] = OUTSIDE;
    marks[b']' as usize] = OUTSIDE;
    marks
};
const IN_TEXT: u8 = 1;
const OUTSIDE: u8 = 2;

/// What may stand between objects: blanks, a list's marks, a byte order mark.
fn between(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, b'[' | b']' | b',' | 0xEF | 0xBB | 0xBF | 0x1E)
}

/// The same text with `null` for every `NaN` and `Infinity`, which JSON does not have and Python writes; None where
/// none stands outside of texts. So what one object does not know does not cost the others.
pub(super) fn without_nan(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut mended = Vec::new();
    let (mut from, mut at) = (0, 0);
    let (mut in_text, mut escaped) = (false, false);
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_text,
            b'"' => in_text = !in_text,
            b'N' | b'I' | b'-' if !in_text => {
                let rest = &bytes[at - 1..];
                let word = NO_NUMBERS.iter().find(|word| rest.starts_with(word));
                if let Some(word) = word {
                    mended.extend_from_slice(&bytes[from..at - 1]);
                    mended.extend_from_slice(b"null");
                    at += word.len() - 1;
                    from = at;
                }
            }
            _ => {}
        }
    }
    (from > 0).then(|| {
        mended.extend_from_slice(&bytes[from..]);
        mended
    })
}

const NO_NUMBERS: [&[u8]; 3] = [b"NaN", b"Infinity", b"-Infinity"];

/// A number that may come as a number, as digits in quotes, or not at all: what is none reads as
/// absent, so that one odd member does not cost a message.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Number(pub Option<f64>);

impl Number {
    /// The number, if it is one that can be computed with.
    pub fn finite(self) -> Option<f64> {
        self.0.filter(|number| number.is_finite())
    }

    /// As a whole number within a range.
    pub fn whole(self, range: core::ops::RangeInclusive<i64>) -> Option<i64> {
        let number = self.finite()?.round();
        // Beyond 2^53 a float does not hold every whole number; none of our ranges does.
        let inside = number >= *range.start() as f64 && number <= *range.end() as f64;
        inside.then_some(number as i64)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberVisitor)
    }
}

struct NumberVisitor;

impl<'de> Visitor<'de> for NumberVisitor {
    type Value = Number;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Number, E> {
        Ok(Number(Some(number)))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Number, E> {
        Ok(Number(Some(number as f64)))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Number, E> {
        Ok(Number(Some(number as f64)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Number, E> {
        Ok(Number(text.trim().parse().ok()))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Number, E> {
        Ok(Number(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Number, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Number(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Number, A::Error> {
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Number(None))
    }

    fn visit_unit<E: Error>(self) -> Result<Number, E> {
        Ok(Number(None))
    }
}

/// What a device calls an object: a number or a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceId(pub u16);

impl DeviceId {
    /// A number that fits stands for itself; what is longer is folded, so two may rarely meet.
    pub fn of_number(number: u64) -> Self {
        Self(u16::try_from(number).unwrap_or_else(|_| fold(&number.to_le_bytes())))
    }

    /// Digits count as the number, another word is folded.
    pub fn of_text(text: &str) -> Self {
        match text.parse() {
            Ok(number) => Self::of_number(number),
            Err(_) => Self(fold(text.as_bytes())),
        }
    }
}

/// FNV-1a, folded to 16 bits.
fn fold(bytes: &[u8]) -> u16 {
    let hash = bytes.iter().fold(FNV_OFFSET, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(FNV_PRIME)
    });
    (hash ^ hash >> 16 ^ hash >> 32 ^ hash >> 48) as u16
}

/// Whether two texts are the same, as far as devices are concerned: after FNV-1a, eight bytes at a time.
pub(super) fn fingerprint(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks();
    let words = words.iter().map(|word| u64::from_le_bytes(*word));
    let rest = rest.iter().map(|byte| u64::from(*byte));
    let begun = FNV_OFFSET ^ bytes.len() as u64;
    words.chain(rest).fold(begun, |hash, word| {
        // The turn carries what multiplying moves to the top back down.
        (hash ^ word).wrapping_mul(FNV_PRIME).rotate_left(29)
    })
}

const FNV_OFFSET: u64 = 0xCBF2_9CE4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01B3;

impl<'de> Deserialize<'de> for DeviceId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(IdVisitor)
    }
}

struct IdVisitor;

impl Visitor<'_> for IdVisitor {
    type Value = DeviceId;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number or a word")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<DeviceId, E> {
        Ok(DeviceId::of_number(number))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<DeviceId, E> {
        Ok(DeviceId::of_number(number.cast_unsigned()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<DeviceId, E> {
        Ok(DeviceId::of_number(number as u64))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<DeviceId, E> {
        Ok(DeviceId::of_text(text))
    }
}

/// A list of which the first `MOST` are kept and the others only counted.
#[derive(Clone, Debug, PartialEq)]
pub struct Capped<T, const MOST: usize> {
    /// Those that are kept.
    pub items: Vec<T>,
    /// How many are not.
    pub left_out: u64,
}

impl<T, const MOST: usize> Default for Capped<T, MOST> {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            left_out: 0,
        }
    }
}

impl<'de, T: Deserialize<'de>, const MOST: usize> Deserialize<'de> for Capped<T, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(CappedVisitor(PhantomData))
    }
}

struct CappedVisitor<T, const MOST: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const MOST: usize> Visitor<'de> for CappedVisitor<T, MOST> {
    type Value = Capped<T, MOST>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut capped = Capped::default();
        while capped.items.len() < MOST {
            match list.next_element()? {
                Some(item) => capped.items.push(item),
                None => return Ok(capped),
            }
        }
        while list.next_element::<IgnoredAny>()?.is_some() {
            capped.left_out += 1;
        }
        Ok(capped)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Ends whatever is open, and shows what the splitter makes of the next.
    const END: &[u8] = b"\"}]}\n{}";

    /// Objects as text, and words for the rest.
    fn split(chunks: &[&[u8]], carrier: Carrier) -> Vec<String> {
        let mut splitter = Splitter::new(carrier);
        let mut found = Vec::new();
        let mut note = |piece: Piece<'_>| {
            found.push(match &piece {
                Piece::Object(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                other => other.kind().unwrap().to_owned(),
            });
        };
        for chunk in chunks {
            splitter.push(Mono::ZERO, chunk, &mut note);
        }
        found
    }

    #[test]
    fn a_list_after_a_byte_order_mark_is_its_objects() {
        let text = "\u{FEFF}[{\"a\":[1,{}]}\t\n,{\"b\":\"}{\\\"\"}]".as_bytes();
        let expected = ["{\"a\":[1,{}]}", "{\"b\":\"}{\\\"\"}"];
        assert_eq!(split(&[text], Carrier::Datagrams), expected);
        let bytes: Vec<&[u8]> = text.chunks(1).collect();
        assert_eq!(split(&bytes, Carrier::Stream), expected);
    }

    #[test]
    fn noise_and_cuts_are_told() {
        assert_eq!(
            split(&[b"hello {\"a\":1} x"], Carrier::Datagrams),
            ["noise", "{\"a\":1}", "noise"]
        );
        assert_eq!(split(&[b"{\"a\":1"], Carrier::Datagrams), ["cut"]);
        assert_eq!(split(&[b"{\"a\":", b"1}"], Carrier::Stream), ["{\"a\":1}"]);
    }

    #[test]
    fn a_depth_bomb_is_dropped_and_the_next_line_is_read() {
        let mut text = b"{\"a\":".to_vec();
        text.extend(std::iter::repeat_n(b'[', 100_000));
        text.extend(b"\n{\"b\":2}");
        assert_eq!(
            split(&[&text], Carrier::Datagrams),
            ["too-deep", "{\"b\":2}"]
        );
        let deepest = format!(
            "{{\"a\":{}{}}}",
            "[".repeat(DEEPEST - 1),
            "]".repeat(DEEPEST - 1)
        );
        assert_eq!(split(&[deepest.as_bytes()], Carrier::Datagrams), [deepest]);
    }

    #[test]
    fn an_endless_object_is_dropped_and_costs_no_more_than_its_bound() {
        let mut splitter = Splitter::new(Carrier::Stream);
        let mut told = Vec::new();
        splitter.push(Mono::ZERO, b"{\"a\":\"", |piece| told.push(piece.kind()));
        let chunk = vec![b'x'; 64 << 10];
        for _ in 0..2 * LONGEST / chunk.len() {
            splitter.push(Mono::ZERO, &chunk, |piece| told.push(piece.kind()));
            assert!(splitter.held.capacity() <= 2 * LONGEST);
        }
        assert_eq!(told, [Some("too-long")]);
        splitter.push(Mono::ZERO, b"\"}\n{}", |piece| told.push(piece.kind()));
        assert_eq!(told, [Some("too-long"), None]);
    }

    #[test]
    fn an_object_that_lost_its_end_takes_no_more_than_the_next_along() {
        let message =
            r#"{"time_ms":1,"objects":[{"id":"car-7","at":[1,{"x":2.5}]},{"id":"b","c":true}]}"#;
        for line_end in ["\n", ""] {
            for cut in 1..message.len() {
                let next = format!("{message}{line_end}");
                let text = format!("{}{line_end}{}", &message[..cut], next.repeat(5));
                let found = split(&[text.as_bytes()], Carrier::Stream);
                let whole = found.iter().filter(|piece| *piece == message).count();
                // At least three of the five behind the cut, and the last two surely.
                assert!(whole >= 3, "{cut} {line_end:?}: {found:?}");
                assert!(found.ends_with(&[message.to_owned(), message.to_owned()]));
                assert!(found.iter().any(|piece| piece == "cut") || whole == 5);
            }
        }
    }

    #[test]
    fn what_took_long_to_come_is_old_when_its_end_comes() {
        let mut splitter = Splitter::new(Carrier::Stream);
        let mut told = Vec::new();
        let hour = Mono::ZERO + Duration::from_secs(3600);
        for (at, bytes) in [
            (Mono::ZERO, &b"{\"a\":"[..]),
            (hour, b"1}{\"b\":"),
            (hour + SLOWEST, b"2}"),
        ] {
            splitter.push(at, bytes, |piece| told.push(piece.kind()));
        }
        assert_eq!(told, [Some("cut"), None]);
    }

    #[test]
    fn numbers_are_read_in_every_dress() {
        let of = |text| serde_json::from_str::<Number>(text).map(|number| number.0);
        assert_eq!(of("1.5").unwrap(), Some(1.5));
        assert_eq!(of("\"16644\"").unwrap(), Some(16_644.0));
        assert_eq!(of("null").unwrap(), None);
        assert_eq!(of("\"\"").unwrap(), None);
        for none in ["\"x\"", "[1,{}]", "{\"a\":[1]}", "true"] {
            assert_eq!(of(none).unwrap(), None, "{none}");
        }
        assert_eq!(Number(Some(f64::NAN)).finite(), None);
        assert_eq!(Number(Some(1e300)).whole(0..=9), None);
        assert_eq!(Number(Some(-3.4)).whole(-9..=9), Some(-3));
    }

    #[test]
    fn what_is_no_number_in_python_is_null() {
        let mended = |text: &str| {
            let bytes = without_nan(text.as_bytes())?;
            Some(String::from_utf8(bytes).unwrap())
        };
        let text = r#"{"a":NaN,"NaN":[Infinity,-Infinity,-1],"b":"\"NaN","c":"I"}"#;
        let expected = r#"{"a":null,"NaN":[null,null,-1],"b":"\"NaN","c":"I"}"#;
        assert_eq!(mended(text).as_deref(), Some(expected));
        assert_eq!(mended(expected), None);
        assert_eq!(mended("NaN").as_deref(), Some("null"));
        assert_eq!(mended(""), None);
    }

    #[test]
    fn a_list_beyond_its_bound_is_counted() {
        let text = format!("[{}1]", "1,".repeat(9999));
        let capped: Capped<u8, 100> = serde_json::from_str(&text).unwrap();
        assert_eq!((capped.items.len(), capped.left_out), (100, 9900));
    }

    #[test]
    fn ids_are_numbers_or_words() {
        let of = |text| serde_json::from_str::<DeviceId>(text).unwrap().0;
        assert_eq!((of("7286"), of("\"7286\"")), (7286, 7286));
        assert_ne!(of("\"ad6de\""), of("\"ad6df\""));
        assert_ne!(of("70000"), of("70001"));
    }

    fn any_json(deepest: u32) -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i32>().prop_map(Into::into),
            "[a{}\\[\\]\"\\\\:,\n ]{0,8}".prop_map(Into::into),
        ];
        leaf.prop_recursive(deepest, 40, 5, |inner| {
            let name = "[a{}\"\\\\:\n ]{0,4}";
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
                proptest::collection::btree_map(name, inner, 0..5)
                    .prop_map(|members| members.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn whatever_is_json_is_whole(value in any_json(4)) {
            for text in [value.to_string(), serde_json::to_string_pretty(&value).unwrap()] {
                let text = format!("{{\"a\":{text}}}");
                prop_assert_eq!(split(&[text.as_bytes()], Carrier::Stream), [text]);
            }
        }

        #[test]
        fn how_the_bytes_are_cut_changes_nothing(text in "[{}\\[\\]\"\\\\a, ]{0,80}", at in 0..80_usize) {
            let bytes = text.as_bytes();
            let (a, b) = bytes.split_at(at.min(bytes.len()));
            prop_assert_eq!(split(&[bytes, END], Carrier::Stream), split(&[a, b, END], Carrier::Stream));
        }
    }
}
