//! What is around a message: DSMP, a security envelope, both or nothing.
//!
//! A plain message may begin with the same bytes as either wrapping (a BSM may begin with 04 00 or
//! 03 81), so a wrapping counts only if all of it is in order.

use std::fmt;

use v2x_msg::access::dsmp::{self, NotDsmp};
use v2x_msg::access::{Aid, envelope};
use v2x_msg::uper::DecodeError;
use v2x_msg::{Message, MessageKind};

/// A frame without its wrappings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Peeled<'a> {
    /// The number in the DSMP header, if there is one.
    pub(crate) aid_number: Option<u32>,
    /// Whether there is a signature. It is not verified.
    pub(crate) signed: bool,
    /// The message.
    pub(crate) message: &'a [u8],
    /// Why it is no DSMP frame, if it begins like one.
    almost_dsmp: Option<NotDsmp>,
}

/// Bytes that are not a message in any wrapping.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NotMessage {
    uper: DecodeError,
    almost_dsmp: Option<NotDsmp>,
}

impl NotMessage {
    /// A few words that are the same for all frames with the same fault.
    pub(crate) fn reason(&self) -> String {
        match self.almost_dsmp {
            Some(NotDsmp::Length { .. }) => "DSMP length".to_owned(),
            Some(not_dsmp) => not_dsmp.to_string(),
            None => self.uper.kind.to_string(),
        }
    }
}

impl fmt::Display for NotMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.almost_dsmp {
            Some(not_dsmp) => write!(f, "neither DSMP ({not_dsmp}) nor a message ({})", self.uper),
            None => self.uper.fmt(f),
        }
    }
}

/// Takes the wrappings off.
pub(crate) fn peel(frame: &[u8]) -> Peeled<'_> {
    let (aid_number, inside, almost_dsmp) = match dsmp::parse(frame) {
        Ok(found) => (Some(found.aid_number), found.data, None),
        Err(not_dsmp) => (None, frame, begins_like_dsmp(frame).then_some(not_dsmp)),
    };
    let opened = envelope::looks_like(inside)
        .then(|| envelope::open(inside).ok())
        .flatten();
    Peeled {
        aid_number,
        signed: opened.is_some_and(|opened| opened.signed.is_some()),
        message: opened.map_or(inside, |opened| opened.data),
        almost_dsmp,
    }
}

impl Peeled<'_> {
    /// Decodes the message into `message`.
    pub(crate) fn decode_into(&self, message: &mut Message) -> Result<(), NotMessage> {
        message
            .decode_into(self.message)
            .map_err(|uper| self.not_message(uper))
    }

    /// The same, and takes what a careless sender made of it.
    pub(crate) fn decode_lenient_into(&self, message: &mut Message) -> Result<(), NotMessage> {
        let used = message.decode_lenient_into(self.message);
        used.map(drop).map_err(|uper| self.not_message(uper))
    }

    /// Why this is no message, once decoding has failed so.
    pub(crate) fn not_message(&self, uper: DecodeError) -> NotMessage {
        let almost_dsmp = self.almost_dsmp;
        NotMessage { uper, almost_dsmp }
    }

    /// Whether the header's application is one for messages of this kind; also where there is no
    /// header.
    pub(crate) fn fits(&self, kind: MessageKind) -> bool {
        let Some(number) = self.aid_number else {
            return true;
        };
        match Aid::from_number(number) {
            Ok(Aid::Map) => kind == MessageKind::Map,
            Ok(Aid::Spat) => kind == MessageKind::Spat,
            Ok(Aid::Rsm) => kind == MessageKind::Rsm,
            Ok(Aid::RsiStatic | Aid::RsiSemiStatic | Aid::RsiDynamic) => kind == MessageKind::Rsi,
            Ok(
                Aid::BsmOrdinary
                | Aid::BsmOrdinaryEvent
                | Aid::BsmEmergency
                | Aid::BsmEmergencyEvent
                | Aid::BsmAftermarket,
            ) => kind == MessageKind::Bsm,
            Ok(_) | Err(_) => false,
        }
    }
}

/// The adaptation byte, and version 0 with or without extension fields.
fn begins_like_dsmp(frame: &[u8]) -> bool {
    matches!(frame, [0x04, 0x00 | 0x10, ..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_wrappings_are_taken_off() {
        let mut frame = vec![0x04, 0x00, 0x8d, 0xa3, 0x00, 0x05];
        frame.extend([3, 0x80, 2, 0xaa, 0xbb]);
        let peeled = peel(&frame);
        assert_eq!((peeled.aid_number, peeled.signed), (Some(3619), false));
        assert_eq!(peeled.message, [0xaa, 0xbb]);
        assert!(peeled.fits(MessageKind::Spat) && !peeled.fits(MessageKind::Map));
    }

    #[test]
    fn a_wrapping_that_is_not_whole_is_none() {
        let cut = [0x04, 0x00, 0x6f, 0x00, 0x09, 1, 2];
        assert_eq!(peel(&cut).message, cut);
        let mut message = Message::default();
        let text = peel(&cut)
            .decode_into(&mut message)
            .unwrap_err()
            .to_string();
        assert!(
            text.starts_with("neither DSMP (header says 9 bytes, 2 follow)"),
            "{text}"
        );
        let not_signed = [0x03, 0x81, 0xff, 0xff];
        assert_eq!(peel(&not_signed).message, not_signed);
    }
}
