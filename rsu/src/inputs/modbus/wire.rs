//! Frames of the Modbus Application Protocol 1.1b3 that read: four functions, over a serial line
//! (RTU, with its CRC) or over TCP (with its header).
//!
//! A frame of RTU has neither beginning nor length of its own: it is found by what was asked. Not
//! here: what registers mean; functions that write, which no sensor is sent.

/// What stands around a request and its answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// The device's number before, a CRC behind.
    Rtu,
    /// A header of seven bytes before.
    #[default]
    Tcp,
}

/// Which of a device's four tables; the number is the function that reads it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// Bits that may be written.
    Coils = 1,
    /// Bits that are only read.
    Discretes = 2,
    /// Words that may be written.
    #[default]
    Holding = 3,
    /// Words that are only read.
    Input = 4,
}

impl Table {
    const ALL: [Table; 4] = [Table::Coils, Table::Discretes, Table::Holding, Table::Input];

    /// Whether its entries are bits, not words.
    pub fn is_bits(self) -> bool {
        matches!(self, Table::Coils | Table::Discretes)
    }
}

/// What is asked of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// The device's number.
    pub unit: u8,
    /// Where to read.
    pub table: Table,
    /// The first entry, counted from 0.
    pub address: u16,
    /// How many entries.
    pub count: u16,
}

impl Request {
    /// Bytes of data in its answer.
    pub fn answer_bytes(&self) -> usize {
        let count = usize::from(self.count);
        if self.table.is_bits() {
            count.div_ceil(8)
        } else {
            2 * count
        }
    }
}

/// What a device says to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer<'a> {
    /// The entries: two bytes a word, or eight bits a byte from the lowest.
    Data(&'a [u8]),
    /// It cannot, and why, as a number.
    Exception(u8),
}

/// What the bytes that are there begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found<'a> {
    /// Nothing whole yet.
    More,
    /// So many bytes that are no answer, and of which kind.
    Not(usize, &'static str),
    /// An answer, and how long its frame is.
    Answer(Answer<'a>, usize),
}

/// What is no answer, by kind.
pub const KINDS: [&str; 5] = ["noise", "crc", "framing", "other-answer", "length"];

const EXCEPTION: u8 = 0x80;
/// Header of TCP: transaction, protocol, length, unit.
const HEADER: usize = 7;
/// Longest that follows the length field of a TCP header: unit and a PDU of 253 bytes.
const LONGEST: usize = 254;

/// Appends a request.
pub fn emit_request(form: Form, transaction: u16, request: &Request, out: &mut Vec<u8>) {
    let mut pdu = [0; 5];
    pdu[0] = request.table as u8;
    pdu[1..3].copy_from_slice(&request.address.to_be_bytes());
    pdu[3..5].copy_from_slice(&request.count.to_be_bytes());
    frame(form, transaction, request.unit, &pdu, out);
}

/// A request at the beginning of `bytes`, its transaction, and how long it is; None if there is none.
pub fn parse_request(form: Form, bytes: &[u8]) -> Option<(u16, Request, usize)> {
    let (transaction, unit, pdu, length) = match form {
        Form::Rtu => {
            let frame = bytes.get(..8)?;
            if crc(&frame[..6]).to_le_bytes() != frame[6..] {
                return None;
            }
            (0, frame[0], &frame[1..6], 8)
        }
        Form::Tcp => {
            let frame = bytes.get(..HEADER + 5)?;
            if word(frame, 2) != 0 || word(frame, 4) != 6 {
                return None;
            }
            (word(frame, 0), frame[6], &frame[HEADER..], HEADER + 5)
        }
    };
    let table = Table::ALL
        .into_iter()
        .find(|table| *table as u8 == pdu[0])?;
    let request = Request {
        unit,
        table,
        address: word(pdu, 1),
        count: word(pdu, 3),
    };
    Some((transaction, request, length))
}

/// Appends an answer.
pub fn emit_answer(
    form: Form,
    transaction: u16,
    request: &Request,
    answer: Answer<'_>,
    out: &mut Vec<u8>,
) {
    let mut pdu = vec![request.table as u8];
    match answer {
        Answer::Data(data) => {
            pdu.push(data.len() as u8);
            pdu.extend(data);
        }
        Answer::Exception(code) => {
            pdu[0] |= EXCEPTION;
            pdu.push(code);
        }
    }
    frame(form, transaction, request.unit, &pdu, out);
}

/// What `bytes` begin with, as an answer to `request`.
pub fn find_answer<'a>(
    form: Form,
    transaction: u16,
    request: &Request,
    bytes: &'a [u8],
) -> Found<'a> {
    match form {
        Form::Rtu => find_rtu(request, bytes),
        Form::Tcp => find_tcp(transaction, request, bytes),
    }
}

fn find_rtu<'a>(request: &Request, bytes: &'a [u8]) -> Found<'a> {
    let [unit, rest @ ..] = bytes else {
        return Found::More;
    };
    if *unit != request.unit {
        return Found::Not(1, "noise");
    }
    let length = match rest {
        [] => return Found::More,
        [function, ..] if *function == request.table as u8 | EXCEPTION => 5,
        [function, ..] if *function != request.table as u8 => return Found::Not(1, "noise"),
        [_] => return Found::More,
        [_, count, ..] if usize::from(*count) != request.answer_bytes() => {
            return Found::Not(1, "length");
        }
        _ => 5 + request.answer_bytes(),
    };
    let Some(frame) = bytes.get(..length) else {
        return Found::More;
    };
    if crc(&frame[..length - 2]).to_le_bytes() != frame[length - 2..] {
        return Found::Not(1, "crc");
    }
    if frame[1] & EXCEPTION != 0 {
        return Found::Answer(Answer::Exception(frame[2]), length);
    }
    Found::Answer(Answer::Data(&frame[3..length - 2]), length)
}

fn find_tcp<'a>(transaction: u16, request: &Request, bytes: &'a [u8]) -> Found<'a> {
    if bytes.len() < 6 {
        return Found::More;
    }
    let length = usize::from(word(bytes, 4));
    if word(bytes, 2) != 0 || !(3..=LONGEST).contains(&length) {
        // Where the next header begins nobody can tell.
        return Found::Not(bytes.len(), "framing");
    }
    let Some(frame) = bytes.get(..6 + length) else {
        return Found::More;
    };
    if word(frame, 0) != transaction || frame[6] != request.unit {
        return Found::Not(frame.len(), "other-answer");
    }
    let answer = match &frame[HEADER..] {
        [function, code] if *function == request.table as u8 | EXCEPTION => {
            Answer::Exception(*code)
        }
        [function, count, data @ ..]
            if *function == request.table as u8
                && usize::from(*count) == data.len()
                && data.len() == request.answer_bytes() =>
        {
            Answer::Data(data)
        }
        _ => return Found::Not(frame.len(), "length"),
    };
    Found::Answer(answer, frame.len())
}

fn frame(form: Form, transaction: u16, unit: u8, pdu: &[u8], out: &mut Vec<u8>) {
    let begin = out.len();
    if form == Form::Tcp {
        out.extend(transaction.to_be_bytes());
        out.extend([0, 0]);
        out.extend((pdu.len() as u16 + 1).to_be_bytes());
    }
    out.push(unit);
    out.extend(pdu);
    if form == Form::Rtu {
        let check = crc(&out[begin..]);
        out.extend(check.to_le_bytes());
    }
}

fn word(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

/// CRC-16 of polynomial 0x8005 from 0xFFFF, reflected.
fn crc(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xFFFF, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte), |crc: u16, _| {
            if crc & 1 == 1 {
                (crc >> 1) ^ 0xA001
            } else {
                crc >> 1
            }
        })
    })
}
