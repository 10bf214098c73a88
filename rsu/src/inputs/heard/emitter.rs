//! The decoder's mirror: what a road user says, as a radio hands it over.

use v2x_msg::Message;
use v2x_msg::access::dsmp;
use v2x_msg::kinds::{Bsm, Psm, Vir};

/// Speaks as on-board units do.
#[derive(Clone, Debug, Default)]
pub struct Emitter {
    message: Message,
}

impl Emitter {
    /// Appends a BSM as it goes over the air, DSMP around it; false for one that cannot be sent.
    pub fn bsm(&mut self, bsm: &Bsm, out: &mut Vec<u8>) -> bool {
        bsm.fill(&mut self.message);
        self.frame(out)
    }

    /// Appends a VIR as it goes over the air: it has no application number of its own yet, so it goes
    /// under that of the BSM.
    pub fn framed_vir(&mut self, vir: &Vir, out: &mut Vec<u8>) -> bool {
        vir.fill(&mut self.message);
        self.frame(out)
    }

    /// Appends the octets of a PSM: messages of Day II have no application number yet.
    pub fn psm(&mut self, psm: &Psm, out: &mut Vec<u8>) -> bool {
        psm.fill(&mut self.message);
        self.octets(out)
    }

    /// Appends the octets of a VIR.
    pub fn vir(&mut self, vir: &Vir, out: &mut Vec<u8>) -> bool {
        vir.fill(&mut self.message);
        self.octets(out)
    }

    fn frame(&mut self, out: &mut Vec<u8>) -> bool {
        let start = out.len();
        out.resize(start + dsmp::MAX_HEADER + dsmp::MAX_DATA, 0);
        let length = (|| {
            let mut frame = dsmp::Frame::begin(Bsm::AID, &mut out[start..]).ok()?;
            let used = self.message.encode_into(frame.data()).ok()?;
            frame.finish(used).ok()
        })();
        out.truncate(start + length.unwrap_or(0));
        length.is_some()
    }

    fn octets(&mut self, out: &mut Vec<u8>) -> bool {
        let start = out.len();
        out.resize(start + dsmp::MAX_DATA, 0);
        let length = self.message.encode_into(&mut out[start..]).ok();
        out.truncate(start + length.unwrap_or(0));
        length.is_some()
    }
}
