//! Application identifiers: number, layer-2 destination and priority of each kind of message.
//!
//! Numbers and destinations: the AID configuration of the 2020 interoperability tests, which
//! YD/T 4008-2022 took over. Priorities: T/CSAE 159-2020, Table 3. The standard gives Day II
//! messages no final numbers: those that a roadside unit sends have a vendor's here, and priorities of
//! our choice; those of road users have none.

/// To which application on the other side a frame is addressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Aid {
    /// BSM of an ordinary vehicle, regular.
    BsmOrdinary,
    /// BSM of an ordinary vehicle with an event.
    BsmOrdinaryEvent,
    /// BSM of an emergency vehicle, regular.
    BsmEmergency,
    /// BSM of an emergency vehicle with an event.
    BsmEmergencyEvent,
    /// BSM of an aftermarket device; a vendor's number.
    BsmAftermarket,
    /// MAP.
    Map,
    /// SPAT.
    Spat,
    /// RSI that stays for months: signs.
    RsiStatic,
    /// RSI that stays for hours or days: works, weather.
    RsiSemiStatic,
    /// RSI that comes and goes in seconds: objects and vehicles on the road.
    RsiDynamic,
    /// RSM.
    Rsm,
    /// RSC; a vendor's number.
    Rsc,
    /// SSM; a vendor's number.
    Ssm,
    /// Certificate management.
    CertificateManagement,
    /// Lists of revoked certificates.
    CertificateRevocation,
    /// Reports of misbehaviour.
    Misbehaviour,
}

/// A number that stands for no application we know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unregistered AID {0}")]
pub struct UnknownAid(pub u32);

impl Aid {
    /// All of them, in the order of their numbers.
    pub const ALL: [Aid; 16] = [
        Aid::Rsc,
        Aid::Ssm,
        Aid::BsmOrdinary,
        Aid::BsmOrdinaryEvent,
        Aid::BsmEmergency,
        Aid::BsmEmergencyEvent,
        Aid::BsmAftermarket,
        Aid::Map,
        Aid::Spat,
        Aid::RsiStatic,
        Aid::RsiSemiStatic,
        Aid::RsiDynamic,
        Aid::Rsm,
        Aid::CertificateManagement,
        Aid::CertificateRevocation,
        Aid::Misbehaviour,
    ];

    /// Its number.
    pub const fn number(self) -> u32 {
        match self {
            Aid::Rsc => 21,
            Aid::Ssm => 23,
            Aid::BsmOrdinary => 111,
            Aid::BsmOrdinaryEvent => 112,
            Aid::BsmEmergency => 113,
            Aid::BsmEmergencyEvent => 114,
            Aid::BsmAftermarket => 3617,
            Aid::Map => 3618,
            Aid::Spat => 3619,
            Aid::RsiStatic => 3620,
            Aid::RsiSemiStatic => 3621,
            Aid::RsiDynamic => 3622,
            Aid::Rsm => 3623,
            Aid::CertificateManagement => 3627,
            Aid::CertificateRevocation => 3628,
            Aid::Misbehaviour => 3629,
        }
    }

    /// From its number.
    pub fn from_number(number: u32) -> Result<Aid, UnknownAid> {
        Self::ALL
            .into_iter()
            .find(|aid| aid.number() == number)
            .ok_or(UnknownAid(number))
    }

    /// The layer-2 address that it is sent to; None where the radio's host decides.
    pub fn layer2_destination(self) -> Option<[u8; 3]> {
        let last = match self {
            Aid::BsmOrdinary => 1,
            Aid::BsmOrdinaryEvent => 2,
            Aid::BsmEmergency => 3,
            Aid::BsmEmergencyEvent => 4,
            Aid::BsmAftermarket => 5,
            Aid::Map => 6,
            Aid::Spat => 7,
            Aid::RsiStatic => 8,
            Aid::RsiSemiStatic => 9,
            Aid::RsiDynamic => 10,
            Aid::Rsm => 11,
            Aid::Rsc
            | Aid::Ssm
            | Aid::CertificateManagement
            | Aid::CertificateRevocation
            | Aid::Misbehaviour => return None,
        };
        Some([0, 0, last])
    }

    /// The priority at which a roadside unit sends it, 0 to 255 (most urgent); None for what no
    /// roadside unit originates. See [`pppp`].
    pub fn priority(self) -> Option<u8> {
        match self {
            Aid::Map => Some(16),
            Aid::Spat => Some(176),
            Aid::Rsm => Some(208),
            Aid::RsiStatic => Some(48),
            Aid::RsiSemiStatic => Some(80),
            Aid::RsiDynamic | Aid::Rsc => Some(112),
            Aid::Ssm => Some(80),
            _ => None,
        }
    }

    /// How a person calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Aid::BsmOrdinary => "BSM",
            Aid::BsmOrdinaryEvent => "BSM event",
            Aid::BsmEmergency => "BSM emergency vehicle",
            Aid::BsmEmergencyEvent => "BSM emergency vehicle event",
            Aid::BsmAftermarket => "BSM aftermarket",
            Aid::Map => "MAP",
            Aid::Spat => "SPAT",
            Aid::RsiStatic => "RSI static",
            Aid::RsiSemiStatic => "RSI semi-static",
            Aid::RsiDynamic => "RSI dynamic",
            Aid::Rsm => "RSM",
            Aid::Rsc => "RSC",
            Aid::Ssm => "SSM",
            Aid::CertificateManagement => "certificate management",
            Aid::CertificateRevocation => "certificate revocation",
            Aid::Misbehaviour => "misbehaviour report",
        }
    }
}

/// The packet priority of the radio, 1 (most urgent) to 8, for a priority of the network layer.
pub const fn pppp(priority: u8) -> u8 {
    8 - priority / 32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_finds_its_application() {
        for aid in Aid::ALL {
            assert_eq!(Aid::from_number(aid.number()), Ok(aid));
        }
        assert_eq!(Aid::from_number(18), Err(UnknownAid(18)));
    }

    #[test]
    fn what_a_roadside_unit_sends_has_the_priority_of_table_3() {
        let level = |aid: Aid| aid.priority().map(pppp);
        assert_eq!(level(Aid::Map), Some(8));
        assert_eq!(level(Aid::Spat), Some(3));
        assert_eq!(level(Aid::Rsm), Some(2));
        assert_eq!(level(Aid::RsiStatic), Some(7));
        assert_eq!(level(Aid::RsiSemiStatic), Some(6));
        assert_eq!(level(Aid::RsiDynamic), Some(5));
        assert_eq!(level(Aid::BsmOrdinary), None);
    }

    #[test]
    fn the_eight_priorities_share_the_byte_evenly() {
        assert_eq!([0, 31, 32, 223, 224, 255].map(pppp), [8, 8, 7, 2, 1, 1]);
    }

    #[test]
    fn layer_2_destinations_are_all_different() {
        let mut seen: Vec<_> = Aid::ALL
            .iter()
            .filter_map(|aid| aid.layer2_destination())
            .collect();
        seen.dedup();
        assert_eq!(seen.len(), 11);
        assert_eq!(Aid::Rsm.layer2_destination(), Some([0, 0, 0x0b]));
    }
}
