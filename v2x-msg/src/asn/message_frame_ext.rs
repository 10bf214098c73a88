//! The envelope of the messages of Day II: a number, and the message that it names as an open
//! type. What ASN.1 says with an information object set is the table at the end of this file.

use super::*;

/// Writes the enum and what depends on the table.
macro_rules! messages {
    ($($(#[$doc:meta])* $number:literal $name:ident,)*) => {
        /// One message of Day II.
        ///
        /// ASN.1 `MessageFrameExt` of module `MsgDayII`. A number that this edition does not
        /// have is refused with [`DecodeErrorKind::UnknownMessage`]: nothing could be done with
        /// such a message, and who only passes frames on has their octets.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum MessageFrameExt {
            $($(#[$doc])* $name($name),)*
        }

        impl MessageFrameExt {
            /// The number that says which message it is.
            pub fn message_id(&self) -> ExtMsgID {
                match self {
                    $(Self::$name(_) => ExtMsgID($number),)*
                }
            }

            /// The sender's counter of messages of this kind.
            pub fn msg_cnt(&self) -> MsgCount {
                match self {
                    $(Self::$name(message) => message.msg_cnt,)*
                }
            }

            fn encode_message<const AGAIN: bool>(&self, writer: &mut Writer<'_, AGAIN>) {
                match self {
                    $(Self::$name(message) => message.encode(Run::NONE, writer),)*
                }
            }

            fn check_message(&self, path: &mut Path) -> Result<(), EncodeErrorKind> {
                match self {
                    $(Self::$name(message) => message.check(path),)*
                }
            }

            /// The same message as before is decoded in place.
            fn decode_message(
                &mut self,
                id: ExtMsgID,
                reader: &mut Reader<'_>,
            ) -> Result<(), DecodeErrorKind> {
                self.become_message(id).ok_or(DecodeErrorKind::UnknownMessage)?;
                match self {
                    $(Self::$name(message) => message.decode_into(reader),)*
                }
            }

            fn write_message(&self, out: &mut jer::Writer<'_>) -> fmt::Result {
                match self {
                    $(Self::$name(message) => out.member("value", message),)*
                }
            }

            fn read_message(&mut self, object: &mut jer::Object<'_>) -> Result<(), jer::JerError> {
                match self {
                    $(Self::$name(message) => object.required("value", message),)*
                }
            }

            #[cfg(feature = "serde")]
            fn view_message<S: serde::ser::SerializeStruct>(
                &self,
                members: &mut S,
            ) -> Result<(), S::Error> {
                match self {
                    $(Self::$name(message) => {
                        members.serialize_field("value", &crate::view::Out(message))
                    })*
                }
            }

            #[cfg(feature = "serde")]
            fn message_from_view<'de, D: serde::Deserializer<'de>>(
                id: ExtMsgID,
                from: D,
            ) -> Result<Self, D::Error> {
                match id.0 {
                    $($number => crate::view::View::from_serde(from).map(Self::$name),)*
                    other => {
                        let text = format_args!("unknown name \"messageId {other}\"");
                        Err(serde::de::Error::custom(text))
                    }
                }
            }

            /// Makes this the message of that number, unless it is; None if there is none.
            fn become_message(&mut self, id: ExtMsgID) -> Option<()> {
                if self.message_id() != id {
                    *self = match id.0 {
                        $($number => Self::$name($name::default()),)*
                        _ => return None,
                    };
                }
                Some(())
            }
        }
    };
}

impl Default for MessageFrameExt {
    fn default() -> Self {
        Self::TestMsg(TestMsg::default())
    }
}

impl Wire for MessageFrameExt {
    // The extension bit, the number, a length, an octet.
    const MIN_BITS: usize = 1 + 15 + 8 + 8;
    const ROOM: u32 = 5;

    fn encode<const AGAIN: bool>(&self, run: Run, writer: &mut Writer<'_, AGAIN>) {
        let unknown = writer.enter();
        let run = run.then(u64::from(unknown.is_some()), 1);
        writer.put(self.message_id().gather(run));
        writer.open_type(|writer| self.encode_message(writer));
        if let Some(unknown) = unknown {
            writer.only_unknown(unknown);
        }
    }

    fn check(&self, path: &mut Path) -> Result<(), EncodeErrorKind> {
        let done = self.check_message(path);
        done.inspect_err(|_| path.within_member("MessageFrameExt.value"))
    }

    fn decode_into(&mut self, reader: &mut Reader<'_>) -> Result<(), DecodeErrorKind> {
        let sequence = reader.enter();
        let extended = reader.bits(1)? != 0;
        let mut id = ExtMsgID(0);
        id.decode_into(reader)
            .map_err(|kind| reader.blame("MessageFrameExt.messageId", kind))?;
        reader
            .open_type(|reader| self.decode_message(id, reader))
            .map_err(|kind| reader.blame("MessageFrameExt.value", kind))?;
        if extended {
            reader.skip_additions(sequence)?;
        }
        Ok(())
    }
}

/// As an open type is written (X.697, clause 41): inline.
impl Jer for MessageFrameExt {
    fn write_jer(&self, out: &mut jer::Writer<'_>) -> fmt::Result {
        out.open('{')?;
        out.member("messageId", &self.message_id())?;
        self.write_message(out)?;
        out.close('}')
    }

    fn read_jer(&mut self, input: jer::Input<'_>) -> Result<(), jer::JerError> {
        let mut object = input.object()?;
        let mut id = ExtMsgID(0);
        object.required("messageId", &mut id)?;
        self.become_message(id)
            .ok_or_else(|| jer::Problem::Unknown(format!("messageId {}", id.0)))?;
        self.read_message(&mut object)?;
        object.finish(&["messageId", "value"])
    }
}

#[cfg(feature = "serde")]
mod view {
    use std::fmt;

    use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
    use serde::ser::{SerializeStruct, Serializer};

    use super::{ExtMsgID, MessageFrameExt};
    use crate::view::{OneOf, View, serde_by_view};

    const NAMES: &[&str] = &["messageId", "value"];

    /// As it stands in JSON. On the way in, the number has to stand before the message.
    impl View for MessageFrameExt {
        fn to_serde<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
            let mut members = to.serialize_struct("MessageFrameExt", 2)?;
            members.serialize_field("messageId", &self.message_id())?;
            self.view_message(&mut members)?;
            members.end()
        }

        fn from_serde<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            from.deserialize_struct("MessageFrameExt", NAMES, Members)
        }
    }

    serde_by_view!(MessageFrameExt);

    struct Members;

    impl<'de> Visitor<'de> for Members {
        type Value = MessageFrameExt;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("messageId, then value")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Self::Value, A::Error> {
            let first = from.next_key_seed(OneOf(NAMES))?;
            if first != Some("messageId") {
                return Err(de::Error::missing_field("messageId"));
            }
            let id = from.next_value()?;
            if from.next_key_seed(OneOf(NAMES))? != Some("value") {
                return Err(de::Error::missing_field("value"));
            }
            let message = from.next_value_seed(Content(id))?;
            match from.next_key_seed(OneOf(NAMES))? {
                None => Ok(message),
                Some(name) => Err(de::Error::duplicate_field(name)),
            }
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Self::Value, A::Error> {
            let id = from.next_element()?;
            let id = id.ok_or_else(|| de::Error::missing_field("messageId"))?;
            let message = from.next_element_seed(Content(id))?;
            message.ok_or_else(|| de::Error::missing_field("value"))
        }
    }

    /// The message of that number.
    struct Content(ExtMsgID);

    impl<'de> DeserializeSeed<'de> for Content {
        type Value = MessageFrameExt;

        fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
            MessageFrameExt::message_from_view(self.0, from)
        }
    }
}

messages! {
    /// Any octets.
    0 TestMsg,
    /// Corrections for satellite navigation.
    10 RTCMcorrections,
    /// Guidance from the roadside.
    11 RoadsideCoordination,
    /// What sensors see.
    12 SensorSharingMsg,
    /// What a vehicle intends and asks for.
    13 VehIntentionAndRequest,
    /// A car park.
    14 PAMData,
    /// A road user outside of motor vehicles, about itself.
    15 PersonalSafetyMessage,
    /// A vehicle about its part in a platoon.
    16 CLPMM,
    /// One step of a payment.
    17 VehiclePaymentMessage,
}
