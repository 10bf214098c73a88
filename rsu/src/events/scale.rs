//! Whether an event or a sign fits into a message of its own, in memory that is used again.

use v2x_msg::access::dsmp::MAX_DATA;
use v2x_msg::base::{GeoPosition, MinuteOfYear, MsgCount, StationId};
use v2x_msg::kinds::rsi;

/// Composes what is to be measured.
#[derive(Debug)]
pub(super) struct Scale {
    header: rsi::Header,
    composer: rsi::Composer,
    bytes: Box<[u8; MAX_DATA]>,
}

impl Scale {
    pub(super) fn new(ref_pos: GeoPosition) -> Self {
        let header = rsi::Header {
            msg_cnt: MsgCount::from_random(0),
            moy: MinuteOfYear::new(0).ok(),
            id: StationId([0; 8]),
            ref_pos,
        };
        Self {
            header,
            composer: rsi::Composer::roomy(ref_pos),
            bytes: Box::new([0; MAX_DATA]),
        }
    }

    pub(super) fn fits_event(&mut self, event: &rsi::Event) -> bool {
        let alone = std::iter::once(event);
        let message = self.composer.events(&self.header, alone);
        message.is_ok_and(|message| message.encode_into(&mut self.bytes[..]).is_ok())
    }

    pub(super) fn fits_sign(&mut self, sign: &rsi::Sign) -> bool {
        let alone = std::iter::once(sign);
        let message = self.composer.signs(&self.header, alone);
        message.is_ok_and(|message| message.encode_into(&mut self.bytes[..]).is_ok())
    }
}
