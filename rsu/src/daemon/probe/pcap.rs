//! Classic pcap files: the payloads of UDP packets, or of TCP segments where there are no UDP ones.
//!
//! Link types Ethernet (with VLAN tags), raw IP, BSD loopback and Linux "cooked" (both versions).
//! Segments are taken in the order of the file: nothing is put back in order, and a segment that was
//! sent twice counts twice. Fragments and IPv6 extension headers are not read, and counted.

use super::recording::Unreadable;
use crate::clock::Utc;

const FILE_HEADER: usize = 24;
const RECORD_HEADER: usize = 16;

/// What the payloads came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transport {
    Udp,
    Tcp,
}

/// One payload that is not empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Packet<'a> {
    pub(super) recorded: Utc,
    pub(super) payload: &'a [u8],
    /// It is of another connection than the one before.
    pub(super) new_stream: bool,
}

/// A file being read.
#[derive(Debug)]
pub(super) struct Pcap<'a> {
    records: Records<'a>,
    port: Option<u16>,
    transport: Transport,
    flow: Option<Flow>,
    not_read: u64,
    cut: u64,
}

impl<'a> Pcap<'a> {
    /// None where the bytes are no pcap.
    pub(super) fn open(bytes: &'a [u8], port: Option<u16>) -> Result<Option<Self>, Unreadable> {
        let Some(records) = Records::open(bytes) else {
            return Ok(None);
        };
        if !matches!(records.link, NULL | ETHERNET | RAW | COOKED | COOKED_2) {
            let reason = "the pcap's link type is not read; Ethernet, raw IP and cooked are";
            return Err(Unreadable::Form(reason));
        }
        let mut pcap = Self {
            records: records.clone(),
            port,
            transport: Transport::Udp,
            flow: None,
            not_read: 0,
            cut: 0,
        };
        if pcap.next().is_none() {
            pcap.transport = Transport::Tcp;
        }
        let transport = pcap.transport;
        Ok(Some(Self {
            records,
            port,
            transport,
            flow: None,
            not_read: 0,
            cut: 0,
        }))
    }

    pub(super) fn transport(&self) -> Transport {
        self.transport
    }

    /// Packets that are not UDP or TCP over IP, or are in a form that is not read.
    pub(super) fn not_read(&self) -> u64 {
        self.not_read
    }

    /// Packets that were not saved whole.
    pub(super) fn cut(&self) -> u64 {
        self.cut
    }

    pub(super) fn next(&mut self) -> Option<Packet<'a>> {
        loop {
            let record = self.records.next()?;
            let found = network(self.records.link, record.frame).and_then(segment);
            let segment = match found {
                Ok(segment) => segment,
                Err(Skipped::NotRead) => {
                    self.not_read += 1;
                    continue;
                }
                Err(Skipped::Cut) => {
                    self.cut += 1;
                    continue;
                }
            };
            let ports = [segment.flow.from.1, segment.flow.to.1];
            let wanted = self.port.is_none_or(|port| ports.contains(&port));
            if !wanted || segment.transport != self.transport || segment.payload.is_empty() {
                continue;
            }
            let new_stream = self.transport == Transport::Tcp && self.flow != Some(segment.flow);
            self.flow = Some(segment.flow);
            return Some(Packet {
                recorded: record.recorded,
                payload: segment.payload,
                new_stream,
            });
        }
    }
}

#[derive(Clone, Debug)]
struct Records<'a> {
    rest: &'a [u8],
    is_big_endian: bool,
    ns_per_fraction: i64,
    link: u32,
}

struct Record<'a> {
    recorded: Utc,
    frame: &'a [u8],
}

impl<'a> Records<'a> {
    fn open(bytes: &'a [u8]) -> Option<Self> {
        let (header, rest) = bytes.split_first_chunk::<FILE_HEADER>()?;
        let (is_big_endian, ns_per_fraction) = match header[..4] {
            [0xD4, 0xC3, 0xB2, 0xA1] => (false, 1000),
            [0xA1, 0xB2, 0xC3, 0xD4] => (true, 1000),
            [0x4D, 0x3C, 0xB2, 0xA1] => (false, 1),
            [0xA1, 0xB2, 0x3C, 0x4D] => (true, 1),
            _ => return None,
        };
        let mut records = Self {
            rest,
            is_big_endian,
            ns_per_fraction,
            link: 0,
        };
        // The upper bits say how long the frame checksum is.
        records.link = records.number(header, 20)? & 0x0FFF_FFFF;
        Some(records)
    }

    fn number(&self, bytes: &[u8], at: usize) -> Option<u32> {
        let bytes: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
        Some(if self.is_big_endian {
            u32::from_be_bytes(bytes)
        } else {
            u32::from_le_bytes(bytes)
        })
    }

    /// The next record; a file that was cut ends with its last whole one.
    fn next(&mut self) -> Option<Record<'a>> {
        let (header, rest) = self.rest.split_first_chunk::<RECORD_HEADER>()?;
        let seconds = i64::from(self.number(header, 0)?);
        let fraction = i64::from(self.number(header, 4)?);
        let saved = self.number(header, 8)? as usize;
        let frame = rest.get(..saved)?;
        self.rest = &rest[saved..];
        let fraction_ns = fraction.saturating_mul(self.ns_per_fraction);
        Some(Record {
            recorded: Utc::from_unix_ns(seconds * 1_000_000_000 + fraction_ns),
            frame,
        })
    }
}

const NULL: u32 = 0;
const ETHERNET: u32 = 1;
const RAW: u32 = 101;
const COOKED: u32 = 113;
const COOKED_2: u32 = 276;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Skipped {
    NotRead,
    Cut,
}

/// The IP packet in a frame.
fn network(link: u32, frame: &[u8]) -> Result<&[u8], Skipped> {
    const IPV4: u16 = 0x0800;
    const IPV6: u16 = 0x86DD;
    const VLANS: [u16; 2] = [0x8100, 0x88A8];
    let (mut kind_at, mut start) = match link {
        NULL => return frame.get(4..).ok_or(Skipped::Cut),
        RAW => return Ok(frame),
        ETHERNET => (12, 14),
        COOKED => (14, 16),
        _ => (0, 20),
    };
    let mut kind = be16(frame, kind_at)?;
    while VLANS.contains(&kind) {
        kind_at = start + 2;
        start += 4;
        kind = be16(frame, kind_at)?;
    }
    match kind {
        IPV4 | IPV6 => frame.get(start..).ok_or(Skipped::Cut),
        _ => Err(Skipped::NotRead),
    }
}

/// Addresses as the wire has them, IPv4 in the first four bytes, with ports.
type End = ([u8; 16], u16);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Flow {
    from: End,
    to: End,
}

#[derive(Clone, Copy, Debug)]
struct Segment<'a> {
    transport: Transport,
    flow: Flow,
    payload: &'a [u8],
}

fn segment(packet: &[u8]) -> Result<Segment<'_>, Skipped> {
    let (protocol, from, to, body) = match packet.first().map(|byte| byte >> 4) {
        Some(4) => {
            let header = usize::from(byte(packet, 0)? & 0x0F) * 4;
            let total = usize::from(be16(packet, 2)?);
            // More fragments to come, or not the first of them.
            if be16(packet, 6)? & 0x3FFF != 0 {
                return Err(Skipped::NotRead);
            }
            let body = packet.get(header..total).ok_or(Skipped::Cut)?;
            (
                byte(packet, 9)?,
                address(packet, 12, 4)?,
                address(packet, 16, 4)?,
                body,
            )
        }
        Some(6) => {
            let size = usize::from(be16(packet, 4)?);
            let body = packet.get(40..40 + size).ok_or(Skipped::Cut)?;
            (
                byte(packet, 6)?,
                address(packet, 8, 16)?,
                address(packet, 24, 16)?,
                body,
            )
        }
        Some(_) => return Err(Skipped::NotRead),
        None => return Err(Skipped::Cut),
    };
    const TCP: u8 = 6;
    const UDP: u8 = 17;
    let (transport, payload) = match protocol {
        UDP => {
            let size = usize::from(be16(body, 4)?);
            (Transport::Udp, body.get(8..size).ok_or(Skipped::Cut)?)
        }
        TCP => {
            let header = usize::from(byte(body, 12)? >> 4) * 4;
            (Transport::Tcp, body.get(header..).ok_or(Skipped::Cut)?)
        }
        _ => return Err(Skipped::NotRead),
    };
    let flow = Flow {
        from: (from, be16(body, 0)?),
        to: (to, be16(body, 2)?),
    };
    Ok(Segment {
        transport,
        flow,
        payload,
    })
}

fn byte(bytes: &[u8], at: usize) -> Result<u8, Skipped> {
    bytes.get(at).copied().ok_or(Skipped::Cut)
}

fn be16(bytes: &[u8], at: usize) -> Result<u16, Skipped> {
    Ok(u16::from_be_bytes([byte(bytes, at)?, byte(bytes, at + 1)?]))
}

fn address(bytes: &[u8], at: usize, size: usize) -> Result<[u8; 16], Skipped> {
    let mut address = [0; 16];
    let found = bytes.get(at..at + size).ok_or(Skipped::Cut)?;
    address[..size].copy_from_slice(found);
    Ok(address)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A little-endian pcap of Ethernet frames, one a second from 1000 s on.
    pub(in crate::daemon::probe) fn file(frames: &[Vec<u8>]) -> Vec<u8> {
        let mut file = vec![0xD4, 0xC3, 0xB2, 0xA1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        file.extend(65_535_u32.to_le_bytes());
        file.extend(ETHERNET.to_le_bytes());
        for (index, frame) in frames.iter().enumerate() {
            for number in [
                1000 + index as u32,
                250_000,
                frame.len() as u32,
                frame.len() as u32,
            ] {
                file.extend(number.to_le_bytes());
            }
            file.extend(frame);
        }
        file
    }

    pub(in crate::daemon::probe) fn udp(port: u16, payload: &[u8]) -> Vec<u8> {
        let size = (payload.len() + 8) as u16;
        let mut body = Vec::new();
        for number in [5000, port, size, 0] {
            body.extend(number.to_be_bytes());
        }
        body.extend(payload);
        ethernet(&ipv4(17, &body))
    }

    pub(in crate::daemon::probe) fn tcp(port: u16, payload: &[u8]) -> Vec<u8> {
        let mut body = Vec::new();
        for number in [port, 6000] {
            body.extend(u16::to_be_bytes(number));
        }
        body.extend([0; 8]);
        body.extend([5 << 4, 0x18, 0, 0, 0, 0, 0, 0]);
        body.extend(payload);
        ethernet(&ipv4(6, &body))
    }

    fn ipv4(protocol: u8, body: &[u8]) -> Vec<u8> {
        let mut packet = vec![0x45, 0];
        packet.extend((body.len() as u16 + 20).to_be_bytes());
        packet.extend([0, 0, 0x40, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
        packet.extend(body);
        packet
    }

    fn ethernet(packet: &[u8]) -> Vec<u8> {
        let mut frame = vec![0; 12];
        frame.extend([8, 0]);
        frame.extend(packet);
        // Short frames are padded; the padding is no payload.
        frame.resize(frame.len().max(60), 0xEE);
        frame
    }

    fn payloads(file: &[u8], port: Option<u16>) -> Vec<(Vec<u8>, bool)> {
        let mut pcap = Pcap::open(file, port).unwrap().unwrap();
        std::iter::from_fn(|| pcap.next().map(|p| (p.payload.to_vec(), p.new_stream))).collect()
    }

    #[test]
    fn datagrams_come_out_with_their_times() {
        let file = file(&[udp(10050, &[1, 2]), udp(10050, &[3])]);
        let mut pcap = Pcap::open(&file, None).unwrap().unwrap();
        assert_eq!(pcap.transport(), Transport::Udp);
        let first = pcap.next().unwrap();
        assert_eq!(first.payload, [1, 2]);
        assert_eq!(first.recorded, Utc::from_unix_ns(1_000_250_000_000));
        assert_eq!(pcap.next().unwrap().payload, [3]);
        assert_eq!(pcap.next(), None);
    }

    #[test]
    fn other_ports_are_left_out_where_one_is_named() {
        let file = file(&[udp(53, &[1]), udp(10050, &[2])]);
        assert_eq!(payloads(&file, Some(10050)), [(vec![2], false)]);
    }

    #[test]
    fn segments_are_read_where_there_are_no_datagrams() {
        let file = file(&[
            tcp(4001, &[]),
            tcp(4001, &[1]),
            tcp(4001, &[2]),
            tcp(4002, &[3]),
        ]);
        let expected = [(vec![1], true), (vec![2], false), (vec![3], true)];
        assert_eq!(payloads(&file, None), expected);
    }

    #[test]
    fn vlan_tags_are_stepped_over() {
        let mut frame = udp(10050, &[7]);
        frame.splice(12..12, [0x81, 0, 0, 5]);
        assert_eq!(payloads(&file(&[frame]), None), [(vec![7], false)]);
    }

    #[test]
    fn what_is_not_read_is_counted() {
        let mut fragment = udp(10050, &[1]);
        fragment[20] = 0x20;
        let mut cut = udp(10050, &[1; 100]);
        cut.truncate(70);
        let mut arp = udp(10050, &[1]);
        arp[13] = 6;
        let file = file(&[fragment, cut, arp, udp(10050, &[9])]);
        let mut pcap = Pcap::open(&file, None).unwrap().unwrap();
        assert_eq!(pcap.next().unwrap().payload, [9]);
        assert_eq!((pcap.not_read(), pcap.cut()), (2, 1));
    }

    #[test]
    fn a_link_type_that_is_not_read_is_refused() {
        let mut file = file(&[]);
        file[20] = 105;
        assert!(matches!(Pcap::open(&file, None), Err(Unreadable::Form(_))));
    }

    proptest! {
        #[test]
        fn any_file_is_read_to_its_end(link in 0..300_u32, bytes in proptest::collection::vec(any::<u8>(), 0..300), big: bool) {
            let mut file = file(&[]);
            if big {
                file[..4].reverse();
            }
            file[20..24].copy_from_slice(&if big { link.to_be_bytes() } else { link.to_le_bytes() });
            let mut record = [0; 16];
            let size = (bytes.len() / 2) as u32;
            record[8..12].copy_from_slice(&if big { size.to_be_bytes() } else { size.to_le_bytes() });
            file.extend(record);
            file.extend(&bytes);
            if let Ok(Some(mut pcap)) = Pcap::open(&file, None) {
                while pcap.next().is_some() {}
            }
        }

        #[test]
        fn any_packet_is_read_or_counted(bytes in proptest::collection::vec(any::<u8>(), 0..120), version in 4..=6_u8) {
            let mut packet = bytes;
            if let Some(first) = packet.first_mut() {
                *first = *first & 0x0F | version << 4;
            }
            let _ = segment(&packet);
        }
    }
}
