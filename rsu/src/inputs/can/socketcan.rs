//! CAN frames as Linux hands them to programs: the 16-byte records of SocketCAN, with the identifier in
//! network order, as captures have it (LINKTYPE_CAN_SOCKETCAN), so that a recording of them is the same
//! on every machine.
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 4 | bit 31 extended, bit 30 remote, bit 29 error, identifier; big-endian |
//! | 4 | 1 | data length, 0 to 8 |
//! | 5 | 3 | nothing of classic CAN |
//! | 8 | 8 | data, padded |
//!
//! Not here: the socket, which is the daemon's business.

use super::{CanFrame, Fault};

/// Size of a record.
pub const RECORD: usize = 16;

const EXTENDED: u32 = 1 << 31;
const REMOTE: u32 = 1 << 30;
const ERROR: u32 = 1 << 29;
const DATA: usize = 8;

/// What a record is when it is no frame: the controller tells of itself or of its bus.
pub const TROUBLE: [u8; RECORD] = {
    let mut record = [0; RECORD];
    record[0] = (ERROR >> 24) as u8;
    record[4] = 8;
    record
};

/// Hands out the frames of whole records; a rest is told as cut.
pub fn read(bytes: &[u8], mut sink: impl FnMut(Result<CanFrame, Fault>)) {
    let (records, rest) = bytes.as_chunks::<RECORD>();
    for record in records {
        sink(parse(record));
    }
    if !rest.is_empty() {
        sink(Err(Fault::Cut));
    }
}

/// Reads one record.
pub fn parse(record: &[u8; RECORD]) -> Result<CanFrame, Fault> {
    let [a, b, c, d, size, ..] = *record;
    let word = u32::from_be_bytes([a, b, c, d]);
    if word & ERROR != 0 {
        return Err(Fault::Bus);
    }
    let data = record[DATA..].get(..usize::from(size));
    let data = data.ok_or(Fault::OutOfStep)?;
    let frame = if word & EXTENDED != 0 {
        CanFrame::extended(word & CanFrame::MAX_EXTENDED_ID, data)
    } else {
        CanFrame::standard(word & !REMOTE, data)
    };
    let frame = frame.ok_or(Fault::OutOfStep)?;
    Ok(if word & REMOTE != 0 {
        frame.as_remote()
    } else {
        frame
    })
}

/// Appends one record.
pub fn emit(frame: &CanFrame, out: &mut Vec<u8>) {
    out.extend(record(frame));
}

/// The record of a frame.
pub fn record(frame: &CanFrame) -> [u8; RECORD] {
    let flag = |set: bool, bit: u32| if set { bit } else { 0 };
    let flags = flag(frame.is_extended(), EXTENDED) | flag(frame.is_remote(), REMOTE);
    let mut record = [0; RECORD];
    record[..4].copy_from_slice(&(frame.id() | flags).to_be_bytes());
    record[4] = frame.size();
    record[DATA..][..frame.data().len()].copy_from_slice(frame.data());
    record
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_of_a_capture_is_read() {
        // As dumpcap writes frame 60B of the recording from a CAN interface.
        let record = [
            0, 0, 6, 0x0B, 8, 0, 0, 0, 0x38, 0x4F, 4, 2, 0x80, 0x20, 1, 0x9C,
        ];
        let frame = CanFrame::standard(0x60B, &[0x38, 0x4F, 4, 2, 0x80, 0x20, 1, 0x9C]).unwrap();
        assert_eq!(parse(&record), Ok(frame));
        let mut out = Vec::new();
        emit(&frame, &mut out);
        assert_eq!(out, record);
    }

    #[test]
    fn trouble_of_the_bus_and_what_is_no_record_are_told_apart() {
        let mut told = Vec::new();
        let mut long = [0; RECORD];
        long[4] = 9;
        let bytes = [&TROUBLE[..], &long, &[0; 5]].concat();
        read(&bytes, |frame| told.push(frame));
        assert_eq!(
            told,
            [Err(Fault::Bus), Err(Fault::OutOfStep), Err(Fault::Cut)]
        );
    }
}
