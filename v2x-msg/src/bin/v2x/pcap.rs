//! Frames out of a classic pcap file: UDP payloads from common links, whole packets from USER0.
//!
//! Not here: pcapng, IP fragments, checksums. A packet that carries no UDP is passed over.

use std::io::{self, Read};

/// Packets longer than this are a damaged file, not traffic.
const MAX_PACKET: usize = 262_144;

/// Whether a file that begins so is a classic pcap.
pub(crate) fn looks_like(start: &[u8]) -> bool {
    byte_order(start).is_some()
}

/// Whether a file that begins so is a pcapng, which is not read here.
pub(crate) fn looks_like_pcapng(start: &[u8]) -> bool {
    start.starts_with(&[0x0a, 0x0d, 0x0d, 0x0a])
}

/// Reads packet after packet.
pub(crate) struct Packets<R> {
    source: R,
    number: fn([u8; 4]) -> u32,
    link: u32,
    packet: Vec<u8>,
}

impl<R: Read> Packets<R> {
    /// Reads the header of the file.
    pub(crate) fn new(mut source: R) -> io::Result<Self> {
        let mut header = [0; 24];
        source.read_exact(&mut header)?;
        let number = byte_order(&header).ok_or_else(|| damaged("not a pcap file"))?;
        let [.., a, b, c, d] = header;
        // The upper half holds flags about checksums.
        let link = number([a, b, c, d]) & 0xffff;
        Ok(Packets {
            source,
            number,
            link,
            packet: Vec::new(),
        })
    }

    /// The payload of the next packet; an empty one for a packet that carries no UDP. None at the
    /// end of the file.
    pub(crate) fn next_payload(&mut self) -> io::Result<Option<&[u8]>> {
        let mut header = [0; 16];
        if !read_whole(&mut self.source, &mut header)? {
            return Ok(None);
        }
        let [_, _, _, _, _, _, _, _, a, b, c, d, ..] = header;
        let len = (self.number)([a, b, c, d]) as usize;
        if len > MAX_PACKET {
            return Err(damaged("packet of more than 262144 bytes"));
        }
        self.packet.resize(len, 0);
        self.source.read_exact(&mut self.packet)?;
        Ok(Some(payload(self.link, &self.packet).unwrap_or_default()))
    }
}

/// How the file's numbers are to be read, by its first four bytes: the magic of microseconds or
/// nanoseconds, in either order.
fn byte_order(start: &[u8]) -> Option<fn([u8; 4]) -> u32> {
    match *start.first_chunk::<4>()? {
        [0xd4, 0xc3, 0xb2, 0xa1] | [0x4d, 0x3c, 0xb2, 0xa1] => Some(u32::from_le_bytes),
        [0xa1, 0xb2, 0xc3, 0xd4] | [0xa1, 0xb2, 0x3c, 0x4d] => Some(u32::from_be_bytes),
        _ => None,
    }
}

/// Fills `buffer`, or reads nothing at the end of the file.
fn read_whole(source: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    let (first, rest) = buffer.split_at_mut(1);
    loop {
        match source.read(first) {
            Ok(0) => return Ok(false),
            Ok(_) => return source.read_exact(rest).map(|()| true),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn damaged(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("damaged pcap: {what}"))
}

/// Link types of tcpdump.org.
fn payload(link: u32, packet: &[u8]) -> Option<&[u8]> {
    match link {
        // NULL and LOOP: the address family in 4 bytes, in an order that the IP version makes
        // unnecessary to know.
        0 | 108 => ip(packet.get(4..)?),
        1 => ethernet(packet.get(12..)?),
        101 => ip(packet),
        113 => ip(packet.get(16..)?),
        147 => Some(packet),
        276 => ip(packet.get(20..)?),
        _ => None,
    }
}

/// From the EtherType on; up to two VLAN tags stand before it.
fn ethernet(mut from_type: &[u8]) -> Option<&[u8]> {
    for _ in 0..3 {
        match from_type {
            [0x81, 0x00, ..] | [0x88, 0xa8, ..] => from_type = from_type.get(4..)?,
            [0x08, 0x00, packet @ ..] | [0x86, 0xdd, packet @ ..] => return ip(packet),
            _ => return None,
        }
    }
    None
}

fn ip(packet: &[u8]) -> Option<&[u8]> {
    match packet.first()? >> 4 {
        4 => {
            let header = usize::from(packet[0] & 0x0f) * 4;
            let total = usize::from(u16::from_be_bytes([*packet.get(2)?, *packet.get(3)?]));
            // Any fragment: its offset, or the mark that more follow.
            let fragment = u16::from_be_bytes([*packet.get(6)?, *packet.get(7)?]) & 0x3fff != 0;
            (*packet.get(9)? == UDP && !fragment)
                .then(|| udp(packet.get(header.max(20)..total)?))
                .flatten()
        }
        6 => {
            let len = usize::from(u16::from_be_bytes([*packet.get(4)?, *packet.get(5)?]));
            (*packet.get(6)? == UDP)
                .then(|| udp(packet.get(40..40 + len)?))
                .flatten()
        }
        _ => None,
    }
}

const UDP: u8 = 17;

fn udp(datagram: &[u8]) -> Option<&[u8]> {
    let len = usize::from(u16::from_be_bytes([*datagram.get(4)?, *datagram.get(5)?]));
    datagram.get(8..len)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn udp_over_ipv4(payload: &[u8]) -> Vec<u8> {
        let udp_len = u16::try_from(8 + payload.len()).unwrap();
        let mut packet = vec![0x45, 0];
        packet.extend((20 + udp_len).to_be_bytes());
        packet.extend([0, 0, 0, 0, 64, UDP, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
        packet.extend([0x13, 0x24, 0x13, 0x24]);
        packet.extend(udp_len.to_be_bytes());
        packet.extend([0, 0]);
        packet.extend(payload);
        packet
    }

    fn file(link: u32, packets: &[Vec<u8>]) -> Vec<u8> {
        let mut file = vec![
            0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0,
        ];
        file.extend(link.to_le_bytes());
        for packet in packets {
            file.extend([0; 8]);
            let len = u32::try_from(packet.len()).unwrap().to_le_bytes();
            file.extend(len);
            file.extend(len);
            file.extend(packet);
        }
        file
    }

    fn payloads(file: &[u8]) -> io::Result<Vec<Vec<u8>>> {
        let mut packets = Packets::new(file)?;
        let mut found = Vec::new();
        while let Some(payload) = packets.next_payload()? {
            found.push(payload.to_vec());
        }
        Ok(found)
    }

    #[test]
    fn udp_is_found_behind_every_link() {
        let inner = udp_over_ipv4(&[1, 2, 3]);
        let behind = |header: &[u8]| [header, &inner[..]].concat();
        let ethernet = [&[0xff; 12][..], &[0x08, 0x00]].concat();
        let vlan = [&[0xff; 12][..], &[0x81, 0x00, 0, 5, 0x08, 0x00]].concat();
        for (link, packet) in [
            (1, behind(&ethernet)),
            (1, behind(&vlan)),
            (101, inner.clone()),
            (0, behind(&[2, 0, 0, 0])),
            (113, behind(&[0; 16])),
            (276, behind(&[0; 20])),
        ] {
            assert_eq!(
                payloads(&file(link, &[packet])).unwrap(),
                [[1, 2, 3]],
                "link {link}"
            );
        }
    }

    #[test]
    fn udp_over_ipv6_is_found() {
        let mut packet = vec![0x60, 0, 0, 0, 0, 10, UDP, 64];
        packet.extend([0; 32]);
        packet.extend([0, 1, 0, 2, 0, 10, 0, 0, 8, 9]);
        assert_eq!(payloads(&file(101, &[packet])).unwrap(), [[8, 9]]);
    }

    #[test]
    fn a_user_packet_is_a_frame() {
        assert_eq!(
            payloads(&file(147, &[vec![4, 0], vec![5]])).unwrap(),
            [vec![4, 0], vec![5]]
        );
    }

    #[test]
    fn other_packets_are_empty() {
        let mut tcp = udp_over_ipv4(&[1]);
        tcp[9] = 6;
        let mut fragment = udp_over_ipv4(&[1]);
        fragment[6] = 0x20;
        let cut = udp_over_ipv4(&[1, 2, 3])[..29].to_vec();
        let found = payloads(&file(101, &[tcp, fragment, cut, vec![]])).unwrap();
        assert_eq!(found, [[]; 4] as [[u8; 0]; 4]);
    }

    #[test]
    fn damage_is_an_error() {
        let whole = file(101, &[udp_over_ipv4(&[1, 2, 3])]);
        assert!(payloads(&whole[..whole.len() - 1]).is_err());
        let mut long = file(101, &[vec![]]);
        long[32..36].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(payloads(&long).is_err());
    }
}
