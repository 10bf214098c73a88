//! Ours against rasn on the same ASN.1: what one accepts the other accepts, and it means the same.
//!
//! Where they may differ, and why:
//! - `Node.inLinks-ex`, an addition that is a SEQUENCE OF with a name: rasn 0.30 reads and writes
//!   wrong bits there, so such frames are passed over
//! - encodings that say what they mean but not as the standard has it (padding, lengths in more
//!   octets than need be): ours names them, rasn takes some
//! - numbers whose range may grow, sent in more than eight octets: ours has no room for them
//! - lengths of 16,384 and more, and frames that ask for much memory: ours refuses them

#![no_main]

use libfuzzer_sys::fuzz_target;
use v2x_msg::Message;
use v2x_msg::uper::{DecodeError, DecodeErrorKind};

#[allow(warnings, reason = "written by rasn-compiler")]
mod theirs {
    include!(concat!(env!("OUT_DIR"), "/rasn.rs"));
}

use theirs::msg_day_ii::MessageFrameExt;
use theirs::msg_frame::MessageFrame;

fuzz_target!(|octets: &[u8]| {
    let ours = Message::decode(octets);
    match (&ours, read(octets)) {
        (Ok(message), Some(theirs)) => {
            if !message.to_jer().contains(DIFFERENT) {
                let mut again = Message::default();
                again
                    .decode_lenient_into(&theirs)
                    .expect("what rasn writes is a frame");
                assert_eq!(&again, message, "rasn reads another value");
            }
        }
        (Ok(message), None) => {
            assert!(
                message.to_jer().contains(DIFFERENT),
                "rasn refuses {}",
                message.to_jer()
            );
        }
        (Err(error), Some(_)) => assert!(may_differ(error, octets), "only rasn takes it: {error}"),
        (Err(_), None) => {}
    }
});

/// What rasn makes of a frame, in its own octets; the message within that of Day II included.
fn read(octets: &[u8]) -> Option<Vec<u8>> {
    let mut frame: MessageFrame = rasn::uper::decode(octets).ok()?;
    if let MessageFrame::msgFrameExt(extension) = &frame {
        let value = inner(extension.message_id.0, &extension.value)?;
        let id = extension.message_id.clone();
        frame = MessageFrame::msgFrameExt(MessageFrameExt::new(id, value.into()));
    }
    rasn::uper::encode(&frame).ok()
}

fn inner(id: u16, octets: &[u8]) -> Option<Vec<u8>> {
    match id {
        0 => through::<theirs::test_msg::TestMsg>(octets),
        10 => through::<theirs::rtcm::RTCMcorrections>(octets),
        11 => through::<theirs::rsc::RoadsideCoordination>(octets),
        12 => through::<theirs::sensor_sharing::SensorSharingMsg>(octets),
        13 => through::<theirs::vir::VehIntentionAndRequest>(octets),
        14 => through::<theirs::pam::PAMData>(octets),
        15 => through::<theirs::psm::PersonalSafetyMessage>(octets),
        16 => through::<theirs::platooning::CLPMM>(octets),
        17 => through::<theirs::vpm::VehiclePaymentMessage>(octets),
        _ => None,
    }
}

fn through<T: rasn::Decode + rasn::Encode>(octets: &[u8]) -> Option<Vec<u8>> {
    rasn::uper::encode(&rasn::uper::decode::<T>(octets).ok()?).ok()
}

/// Whether the reason is one of ours that rasn has not.
fn may_differ(error: &DecodeError, octets: &[u8]) -> bool {
    let of_ours = matches!(
        error.kind,
        DecodeErrorKind::Padding
            | DecodeErrorKind::LeftOver
            | DecodeErrorKind::NotShortest
            | DecodeErrorKind::TooLong
            | DecodeErrorKind::TooCostly
    );
    let frame = rasn::uper::decode::<MessageFrame>(octets);
    of_ours
        || has_no_room(error, octets)
        || frame.is_ok_and(|frame| format!("{frame:?}").contains("in_links_ex: Some"))
}

/// Whether what was refused is a number of nine octets or more; it stands behind its length.
fn has_no_room(error: &DecodeError, octets: &[u8]) -> bool {
    let bit = |at: usize| {
        octets
            .get(at / 8)
            .map_or(0, |octet| octet >> (7 - at % 8) & 1)
    };
    let length = (error.at_bit.saturating_sub(8)..error.at_bit)
        .fold(0_usize, |length, at| length << 1 | usize::from(bit(at)));
    let path = error.path.to_string();
    let may_grow = MAY_GROW.iter().any(|member| path.ends_with(member));
    error.kind == DecodeErrorKind::OutOfRange && may_grow && length > 8
}

/// Members of the form `INTEGER (a..b, ...)`.
const MAY_GROW: [&str; 5] = [
    ".id",
    ".contractType",
    ".contractVersion",
    ".vehicleTollingClass",
    ".vehicleUserType",
];

const DIFFERENT: &str = "\"inLinks-ex\"";
