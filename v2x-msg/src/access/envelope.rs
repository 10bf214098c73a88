//! Finding the message inside a security envelope (IEEE 1609.2 in COER, T/CSAE 159-2020 chapter 11).
//!
//! [`open`] reads only as far as the message and the header behind it. It does not look at signer
//! and signature: what it finds is *signed, not verified*.
//! Not here, and nowhere yet: certificates, signing and verifying.

/// A message that was taken out of its envelope, borrowed from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened<'a> {
    /// The message.
    pub data: &'a [u8],
    /// What the signed header says; None in an envelope without signature.
    pub signed: Option<SignedHeader>,
}

/// The header that is signed together with the message. Nothing of it is verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedHeader {
    /// For which application the signer may speak; equal to the AID below.
    pub psid: u32,
    /// When it was signed: microseconds since 2004-01-01 TAI.
    pub generation_time_us: Option<u64>,
}

/// Bytes that are not an envelope, or one without a message in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a security envelope: {reason} at byte {at}")]
pub struct NotEnvelope {
    /// Where it stopped making sense.
    pub at: usize,
    /// Why.
    pub reason: &'static str,
}

/// Whether `bytes` begin like an envelope: protocol version 3, then an alternative that [`open`]
/// knows. Some messages begin so too, so a failed [`open`] decides nothing.
pub fn looks_like(bytes: &[u8]) -> bool {
    matches!(bytes, [PROTOCOL_VERSION, UNSECURED | SIGNED, ..])
}

/// Takes the message out of `bytes`.
pub fn open(bytes: &[u8]) -> Result<Opened<'_>, NotEnvelope> {
    let mut reader = Reader { bytes, at: 0 };
    reader.expect(PROTOCOL_VERSION, "protocol version is not 3")?;
    match reader.byte()? {
        UNSECURED => {
            let data = reader.octets()?;
            if reader.at != bytes.len() {
                return Err(reader.fail("bytes after the message"));
            }
            Ok(Opened { data, signed: None })
        }
        SIGNED => open_signed(&mut reader),
        _ => Err(reader.fail("neither unsecured nor signed")),
    }
}

/// `hashId`, then `tbsData`: a payload that is itself an unsecured envelope, then the header.
fn open_signed<'a>(reader: &mut Reader<'a>) -> Result<Opened<'a>, NotEnvelope> {
    let _hash_algorithm = reader.byte()?;
    // Preamble of the payload: data present, no digest of external data, no extension.
    reader.expect(0x40, "the signed payload holds no message")?;
    reader.expect(PROTOCOL_VERSION, "protocol version of the payload is not 3")?;
    reader.expect(UNSECURED, "the signed payload is not plain")?;
    let data = reader.octets()?;
    let header = reader.byte()?;
    let psid = reader.octets()?;
    if !(1..=4).contains(&psid.len()) {
        return Err(reader.fail("bad length of psid"));
    }
    let psid = psid
        .iter()
        .fold(0, |value, byte| (value << 8) | u32::from(*byte));
    let generation_time_us = if header & GENERATION_TIME != 0 {
        Some(u64::from_be_bytes(reader.array()?))
    } else {
        None
    };
    Ok(Opened {
        data,
        signed: Some(SignedHeader {
            psid,
            generation_time_us,
        }),
    })
}

const PROTOCOL_VERSION: u8 = 3;
/// Content alternatives 0 and 1, as COER tags.
const UNSECURED: u8 = 0x80;
const SIGNED: u8 = 0x81;
/// In the preamble of HeaderInfo: the first of its optional members is present.
const GENERATION_TIME: u8 = 0x40;

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Result<u8, NotEnvelope> {
        let [byte] = self.array()?;
        Ok(byte)
    }

    fn expect(&mut self, expected: u8, reason: &'static str) -> Result<(), NotEnvelope> {
        if self.byte()? == expected {
            return Ok(());
        }
        self.at -= 1;
        Err(self.fail(reason))
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], NotEnvelope> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let found = rest
            .first_chunk::<N>()
            .ok_or_else(|| self.fail("ends early"))?;
        self.at += N;
        Ok(*found)
    }

    /// Octets behind their COER length: one byte below 128, else the number of length bytes first.
    fn octets(&mut self) -> Result<&'a [u8], NotEnvelope> {
        let len = match self.byte()? {
            short @ ..=0x7f => usize::from(short),
            0x81 => usize::from(self.byte()?),
            0x82 => usize::from(u16::from_be_bytes(self.array()?)),
            _ => return Err(self.fail("length too large")),
        };
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let octets = rest.get(..len).ok_or_else(|| self.fail("ends early"))?;
        self.at += len;
        Ok(octets)
    }

    fn fail(&self, reason: &'static str) -> NotEnvelope {
        NotEnvelope {
            at: self.at,
            reason,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A signed envelope around three bytes, as the rules give it; the signature is all zero.
    fn signed() -> Vec<u8> {
        let mut bytes = vec![0x03, 0x81, 0x02, 0x40, 0x03, 0x80, 3, 0xaa, 0xbb, 0xcc];
        bytes.extend([0x40, 2, 0x0e, 0x23]);
        bytes.extend(1_000_000u64.to_be_bytes());
        bytes.push(0x80);
        bytes.extend([0x11; 8]);
        bytes.extend([0x84, 0x40]);
        bytes.extend([0; 64]);
        bytes
    }

    #[test]
    fn a_signed_message_is_found_with_its_header() {
        let bytes = signed();
        let opened = open(&bytes).unwrap();
        assert_eq!(opened.data, [0xaa, 0xbb, 0xcc]);
        let header = SignedHeader {
            psid: 3619,
            generation_time_us: Some(1_000_000),
        };
        assert_eq!(opened.signed, Some(header));
    }

    #[test]
    fn an_unsecured_message_is_found() {
        assert_eq!(
            open(&[3, 0x80, 1, 9]),
            Ok(Opened {
                data: &[9],
                signed: None
            })
        );
        let long = [&[3, 0x80, 0x82, 0x01, 0x00][..], &[7; 256]].concat();
        assert_eq!(open(&long).unwrap().data.len(), 256);
        assert_eq!(open(&[3, 0x80, 1, 9, 9]).unwrap_err().at, 4);
    }

    #[test]
    fn other_bytes_are_refused_with_a_place() {
        assert_eq!(open(&[]).unwrap_err().at, 0);
        assert_eq!(open(&[2, 0x80, 0]).unwrap_err().at, 0);
        assert_eq!(open(&[3, 0x80, 5, 1]).unwrap_err().at, 3);
        assert_eq!(
            open(&[3, 0x80, 0x83, 0, 0, 1]).unwrap_err().reason,
            "length too large"
        );
        let digest_only = [3, 0x81, 2, 0x20, 0];
        assert_eq!(open(&digest_only).unwrap_err().at, 3);
    }

    #[test]
    fn the_shared_signed_bsm_is_opened() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../shared/vectors/security/signed_spdu_bsm.json"
        );
        let Ok(text) = std::fs::read_to_string(path) else {
            eprintln!("skipped: {path} is absent");
            return;
        };
        let vector: serde_json::Value = serde_json::from_str(&text).unwrap();
        let bytes = |key: &str| -> Vec<u8> {
            let hex = vector[key].as_str().unwrap();
            (0..hex.len() / 2)
                .map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap())
                .collect()
        };
        let envelope = bytes("hex");
        let opened = open(&envelope).unwrap();
        assert_eq!(opened.data, bytes("inner_frame_hex"));
        let header = SignedHeader {
            psid: 111,
            generation_time_us: Some(584_874_755_780_203),
        };
        assert_eq!(opened.signed, Some(header));
    }

    proptest! {
        #[test]
        fn any_bytes_are_opened_or_refused(
            bytes in proptest::collection::vec(any::<u8>(), 0..64), cut in 0usize..90,
        ) {
            let _ = open(&bytes);
            let whole = signed();
            let _ = open(&whole[..cut.min(whole.len())]);
        }
    }
}
