//! CAN frames, and the forms in which they reach us, from a CAN controller of the machine or without one.
//!
//! - [`candump`]: the text of can-utils, from a file or a terminal
//! - [`gateway`]: the 13-byte records of CAN-to-Ethernet gateways (ZLG CANET, Waveshare), over TCP
//!   or UDP
//! - [`slcan`]: the text of serial adapters
//! - [`socketcan`]: the records of a CAN interface of Linux
//!
//! What the frames mean is the business of the rooms beside this one.

pub mod candump;
pub mod gateway;
pub mod slcan;
pub mod socketcan;

/// One classic CAN frame: identifier, and up to eight bytes of data or a request for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CanFrame {
    id: u32,
    data: [u8; 8],
    size: u8,
    extended: bool,
    remote: bool,
}

impl CanFrame {
    /// Largest 11-bit identifier.
    pub const MAX_STANDARD_ID: u32 = 0x7FF;
    /// Largest 29-bit identifier.
    pub const MAX_EXTENDED_ID: u32 = 0x1FFF_FFFF;

    /// A data frame with an 11-bit identifier; None where identifier or data are too large.
    pub fn standard(id: u32, data: &[u8]) -> Option<Self> {
        (id <= Self::MAX_STANDARD_ID).then_some(())?;
        Self::with_data(id, false, data)
    }

    /// A data frame with a 29-bit identifier; None where identifier or data are too large.
    pub fn extended(id: u32, data: &[u8]) -> Option<Self> {
        (id <= Self::MAX_EXTENDED_ID).then_some(())?;
        Self::with_data(id, true, data)
    }

    /// The same frame as a request: identifier and size without data.
    pub fn as_remote(self) -> Self {
        Self {
            remote: true,
            data: [0; 8],
            ..self
        }
    }

    /// Identifier, of 11 or 29 bits.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The data; empty in a remote frame.
    pub fn data(&self) -> &[u8] {
        let size = if self.remote { 0 } else { self.size };
        &self.data[..usize::from(size)]
    }

    /// Data length code, 0 to 8; in a remote frame, how much is asked for.
    pub fn size(&self) -> u8 {
        self.size
    }

    /// Whether the identifier is of 29 bits.
    pub fn is_extended(&self) -> bool {
        self.extended
    }

    /// Whether this is a request for data.
    pub fn is_remote(&self) -> bool {
        self.remote
    }

    fn with_data(id: u32, extended: bool, data: &[u8]) -> Option<Self> {
        let mut padded = [0; 8];
        padded.get_mut(..data.len())?.copy_from_slice(data);
        Some(Self {
            id,
            data: padded,
            size: data.len() as u8,
            extended,
            remote: false,
        })
    }
}

/// The form in which a link carries CAN frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Carrier {
    /// 13-byte gateway records in a TCP stream.
    #[default]
    GatewayStream,
    /// 13-byte gateway records, whole ones in each UDP datagram.
    GatewayDatagrams,
    /// Lines of candump text.
    Candump,
    /// Lines of a serial adapter.
    Slcan,
    /// Records of an interface of Linux, whole ones each time.
    SocketCan,
}

/// Bytes of a link that are no CAN frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A line that is not candump text, or has no frame of classic CAN in it.
    Line,
    /// A line that would not end.
    LongLine,
    /// Records are out of step; bytes are dropped until they make sense again.
    OutOfStep,
    /// The end of a datagram cut a record.
    Cut,
    /// The adapter refused an order.
    Refused,
    /// The controller tells of trouble: bus off, too many errors, a queue that overflowed.
    Bus,
}

impl Fault {
    /// The word under which it is counted.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Line => "can-line",
            Self::LongLine => "can-long-line",
            Self::OutOfStep => "can-out-of-step",
            Self::Cut => "can-cut",
            Self::Refused => "can-refused",
            Self::Bus => "can-bus-trouble",
        }
    }

    /// All words under which faults are counted.
    pub const KINDS: [&'static str; 6] = [
        "can-line",
        "can-long-line",
        "can-out-of-step",
        "can-cut",
        "can-refused",
        "can-bus-trouble",
    ];
}

/// Bytes of a link to CAN frames.
#[derive(Debug)]
pub enum Reader {
    /// Of [`Carrier::GatewayStream`] and [`Carrier::GatewayDatagrams`].
    Gateway(gateway::Reader),
    /// Of [`Carrier::Candump`].
    Candump(candump::Reader),
    /// Of [`Carrier::Slcan`].
    Slcan(slcan::Reader),
    /// Of [`Carrier::SocketCan`], which leaves nothing half received.
    SocketCan,
}

impl Reader {
    /// Ready for the first byte.
    pub fn new(carrier: Carrier) -> Self {
        match carrier {
            Carrier::GatewayStream => Self::Gateway(gateway::Reader::stream()),
            Carrier::GatewayDatagrams => Self::Gateway(gateway::Reader::datagrams()),
            Carrier::Candump => Self::Candump(candump::Reader::new()),
            Carrier::Slcan => Self::Slcan(slcan::Reader::new()),
            Carrier::SocketCan => Self::SocketCan,
        }
    }

    /// Takes the next bytes and hands out the frames that they complete.
    pub fn push(&mut self, bytes: &[u8], sink: impl FnMut(Result<CanFrame, Fault>)) {
        match self {
            Self::Gateway(reader) => reader.push(bytes, sink),
            Self::Candump(reader) => reader.push(bytes, sink),
            Self::Slcan(reader) => reader.push(bytes, sink),
            Self::SocketCan => socketcan::read(bytes, sink),
        }
    }

    /// Forgets what is half received.
    pub fn reset(&mut self) {
        match self {
            Self::Gateway(reader) => reader.reset(),
            Self::Candump(reader) => reader.reset(),
            Self::Slcan(reader) => reader.reset(),
            Self::SocketCan => {}
        }
    }
}

/// Appends a frame in the form of the carrier.
pub fn emit(carrier: Carrier, frame: &CanFrame, out: &mut Vec<u8>) {
    match carrier {
        Carrier::GatewayStream | Carrier::GatewayDatagrams => gateway::emit(frame, out),
        Carrier::Candump => candump::emit(frame, None, out),
        Carrier::Slcan => slcan::emit(frame, out),
        Carrier::SocketCan => socketcan::emit(frame, out),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    prop_compose! {
        pub(in crate::inputs) fn frames()(
            id in 0..=CanFrame::MAX_EXTENDED_ID,
            data in proptest::collection::vec(any::<u8>(), 0..=8),
            extended: bool, remote: bool,
        ) -> CanFrame {
            let frame = if extended {
                CanFrame::extended(id, &data).unwrap()
            } else {
                CanFrame::standard(id & CanFrame::MAX_STANDARD_ID, &data).unwrap()
            };
            if remote { frame.as_remote() } else { frame }
        }
    }

    fn read(carrier: Carrier, bytes: &[u8], chunk: usize) -> Vec<Result<CanFrame, Fault>> {
        let mut reader = Reader::new(carrier);
        let mut read = Vec::new();
        for chunk in bytes.chunks(chunk) {
            reader.push(chunk, |frame| read.push(frame));
        }
        read
    }

    proptest! {
        #[test]
        fn what_is_emitted_is_read_again_in_chunks_of_any_size(
            frames in proptest::collection::vec(frames(), 1..20),
            chunk in 1..40_usize,
        ) {
            for carrier in [Carrier::GatewayStream, Carrier::Candump, Carrier::Slcan] {
                let mut bytes = Vec::new();
                for frame in &frames {
                    emit(carrier, frame, &mut bytes);
                }
                let expected: Vec<_> = frames.iter().copied().map(Ok).collect();
                prop_assert_eq!(read(carrier, &bytes, chunk), expected);
            }
            let mut bytes = Vec::new();
            for frame in &frames {
                emit(Carrier::SocketCan, frame, &mut bytes);
            }
            let expected: Vec<_> = frames.iter().copied().map(Ok).collect();
            prop_assert_eq!(read(Carrier::SocketCan, &bytes, socketcan::RECORD * chunk), expected);
        }

        #[test]
        fn any_bytes_do_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..400), chunk in 1..50_usize) {
            for carrier in [Carrier::GatewayStream, Carrier::GatewayDatagrams, Carrier::Candump, Carrier::Slcan, Carrier::SocketCan] {
                read(carrier, &bytes, chunk);
            }
        }
    }

    #[test]
    fn an_identifier_or_data_too_large_make_no_frame() {
        assert_eq!(CanFrame::standard(0x800, &[]), None);
        assert_eq!(CanFrame::extended(0x2000_0000, &[]), None);
        assert_eq!(CanFrame::standard(1, &[0; 9]), None);
    }
}
