//! The laws of the kinds: what can be built can be encoded, and comes back as it was; what others
//! sent is read as it was meant, or refused with a reason.

#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking, helpers included"
)]

mod any_value;
#[path = "../common/mod.rs"]
mod common;

use any_value::{bsm, map, psm, rsc, rsi, rsm, spat, ssm, vir};
use common::{own, shared};
use proptest::prelude::*;
use v2x_msg::base::{LaneId, NodeId, Speed};
use v2x_msg::kinds::rsm::{ParticipantKind, Size, Source};
use v2x_msg::kinds::spat::{Light, Phase, Status, Timing};
use v2x_msg::kinds::vir::Wish;
use v2x_msg::kinds::{Bsm, Map, Psm, Rsc, Rsi, Rsm, Spat, Ssm, Unfit, Vir};
use v2x_msg::{Message, MessageKind};

/// Through the frame and back, by way of a message that held something else.
fn through_the_air(fill: impl Fn(&mut Message)) -> Message {
    let mut message = Message::default();
    fill(&mut message);
    let mut out = vec![0; 1 << 20];
    let len = message.encode_into(&mut out).unwrap();
    Message::decode(&out[..len]).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_spat_comes_back(spat in spat(), other in spat()) {
        let heard = through_the_air(|message| {
            other.fill(message);
            spat.fill(message);
        });
        prop_assert_eq!(Spat::read(&heard), Ok(spat));
    }

    #[test]
    fn an_rsm_comes_back(rsm in rsm(), other in rsm()) {
        let heard = through_the_air(|message| {
            other.fill(message);
            rsm.fill(message);
        });
        prop_assert_eq!(Rsm::read(&heard), Ok(rsm));
    }

    #[test]
    fn a_map_comes_back(map in map(), other in map()) {
        let heard = through_the_air(|message| {
            other.fill(message);
            map.fill(message);
        });
        prop_assert_eq!(Map::read(&heard), Ok(map));
    }

    #[test]
    fn an_rsi_comes_back(rsi in rsi(), other in rsi()) {
        let heard = through_the_air(|message| {
            other.fill(message);
            rsi.fill(message);
        });
        prop_assert_eq!(Rsi::read(&heard), Ok(rsi));
    }

    #[test]
    fn an_rsc_comes_back(rsc in rsc(), other in rsc()) {
        let heard = through_the_air(|message| {
            other.fill(message);
            rsc.fill(message);
        });
        prop_assert_eq!(Rsc::read(&heard), Ok(rsc));
    }

    #[test]
    fn an_ssm_comes_back(ssm in ssm(), other in ssm()) {
        let heard = through_the_air(|message| {
            other.fill(message);
            ssm.fill(message);
        });
        prop_assert_eq!(Ssm::read(&heard), Ok(ssm));
    }

    #[test]
    fn what_road_users_say_of_themselves_comes_back(bsm in bsm(), psm in psm(), vir in vir()) {
        prop_assert_eq!(Bsm::read(&through_the_air(|message| bsm.fill(message))), Ok(bsm));
        prop_assert_eq!(Psm::read(&through_the_air(|message| psm.fill(message))), Ok(psm));
        prop_assert_eq!(Vir::read(&through_the_air(|message| vir.fill(message))), Ok(vir));
    }
}

#[test]
fn a_message_of_another_kind_is_named() {
    let bsm = Message::default();
    let refused = Spat::read(&bsm).unwrap_err();
    let (expected, found) = (MessageKind::Spat, MessageKind::Bsm);
    assert_eq!(refused, Unfit::Kind { expected, found });
    assert_eq!(refused.to_string(), "BSM instead of SPAT");
}

/// Frames whose content two other codecs agree on. Most of it is drawn at random and breaks some
/// rule; none of it may make us stumble, and what fits must be kept.
#[test]
fn what_fits_of_the_vectors_is_kept() {
    let mut fitted = 0;
    for vector in own("day1_2020.jsonl") {
        let message = Message::decode(&vector.octets).unwrap();
        let mut again = Message::default();
        if let Ok(spat) = Spat::read(&message) {
            spat.fill(&mut again);
            assert_eq!(Spat::read(&again), Ok(spat), "{}", vector.place);
            fitted += 1;
        }
        if let Ok(rsm) = Rsm::read(&message) {
            rsm.fill(&mut again);
            assert_eq!(Rsm::read(&again), Ok(rsm), "{}", vector.place);
            fitted += 1;
        }
        if let Ok(map) = Map::read(&message) {
            map.fill(&mut again);
            assert_eq!(Map::read(&again), Ok(map), "{}", vector.place);
            fitted += 1;
        }
        if let Ok(rsi) = Rsi::read(&message) {
            rsi.fill(&mut again);
            assert_eq!(Rsi::read(&again), Ok(rsi), "{}", vector.place);
            fitted += 1;
        }
        if let Ok(bsm) = Bsm::read(&message) {
            bsm.fill(&mut again);
            assert_eq!(Bsm::read(&again), Ok(bsm), "{}", vector.place);
            fitted += 1;
        }
    }
    assert!(fitted > 0);
}

/// The same of Day II: road users that speak of themselves, and what a roadside unit answers.
#[test]
fn what_fits_of_the_vectors_of_day_ii_is_kept() {
    let (mut walkers, mut vehicles) = (0, 0);
    let beside = shared("day2_2020.jsonl").unwrap_or_default();
    for vector in own("day2_2020.jsonl").iter().chain(&beside) {
        let message = Message::decode(&vector.octets).unwrap();
        let mut again = Message::default();
        if let Ok(psm) = Psm::read(&message) {
            psm.fill(&mut again);
            assert_eq!(Psm::read(&again), Ok(psm), "{}", vector.place);
            walkers += 1;
        }
        if let Ok(vir) = Vir::read(&message) {
            vir.fill(&mut again);
            assert_eq!(Vir::read(&again), Ok(vir), "{}", vector.place);
            vehicles += 1;
        }
        if let Ok(rsc) = Rsc::read(&message) {
            rsc.fill(&mut again);
            assert_eq!(Rsc::read(&again), Ok(rsc), "{}", vector.place);
        }
        if let Ok(ssm) = Ssm::read(&message) {
            ssm.fill(&mut again);
            assert_eq!(Ssm::read(&again), Ok(ssm), "{}", vector.place);
        }
    }
    assert!(walkers > 0 && vehicles > 0, "{walkers} {vehicles}");
}

/// Whatever a stranger makes of a frame: if it decodes, it is read or refused, and what is read can
/// be encoded again.
#[test]
fn no_bit_that_is_turned_makes_a_value_that_cannot_be_encoded() {
    let mut read = 0;
    for vector in own("day1_2020.jsonl").iter().step_by(7) {
        for bit in 0..vector.octets.len() * 8 {
            let mut octets = vector.octets.clone();
            octets[bit / 8] ^= 0x80 >> (bit % 8);
            let Ok(message) = Message::decode(&octets) else {
                continue;
            };
            let mut again = Message::default();
            let fill = [
                Spat::read(&message).map(|spat| spat.fill(&mut again)),
                Rsm::read(&message).map(|rsm| rsm.fill(&mut again)),
                Map::read(&message).map(|map| map.fill(&mut again)),
                Rsi::read(&message).map(|rsi| rsi.fill(&mut again)),
                Bsm::read(&message).map(|bsm| bsm.fill(&mut again)),
            ];
            if fill.iter().any(Result::is_ok) {
                read += 1;
                common::encoded(&again);
            }
        }
    }
    assert!(read > 0);
}

/// Requests as two other codecs have them, read into what they mean.
#[test]
fn wishes_of_the_vectors_are_read_as_they_were_meant() {
    let Some(vectors) = shared("day2_2020.jsonl") else {
        return;
    };
    let mut told = 0;
    for vector in vectors {
        let message = Message::decode(&vector.octets).unwrap();
        let Ok(vir) = Vir::read(&message) else {
            continue;
        };
        let theirs = &vector.jer()["msgFrameExt"]["value"]["intAndReq"]["reqs"];
        let theirs = theirs.as_array().map_or(&[][..], Vec::as_slice);
        assert_eq!(vir.requests.len(), theirs.len(), "{}", vector.place);
        for (request, theirs) in vir.requests.iter().zip(theirs) {
            assert_eq!(theirs["reqID"], request.id, "{}", vector.place);
            let lasts = theirs["lifeTime"].as_u64().filter(|steps| *steps < 65_535);
            let ours = request.lasts.map(|lasts| u64::from(lasts.steps()));
            assert_eq!(ours, lasts, "{}", vector.place);
            let word = match &request.wish {
                Some(Wish::LaneChange(wish)) => {
                    let lane = wish.lane.map_or(0, LaneId::value);
                    let wish = &theirs["info"]["laneChange"];
                    assert_eq!(wish["targetLane"], lane, "{}", vector.place);
                    "laneChange"
                }
                Some(Wish::ClearTheWay { .. }) => "clearTheWay",
                Some(Wish::SignalPriority(_)) => "signalPriority",
                Some(Wish::SensorSharing(paths)) => {
                    let area = &theirs["info"]["sensorSharing"]["detectArea"];
                    assert_eq!(area.as_array().unwrap().len(), paths.len());
                    "sensorSharing"
                }
                Some(Wish::Parking(_)) => "parking",
                None => {
                    assert!(theirs["info"].is_null(), "{}", vector.place);
                    continue;
                }
            };
            assert!(theirs["info"][word].is_object(), "{}", vector.place);
            told += 1;
        }
    }
    assert!(told > 0);
}

/// SPATs of a product in service, made by its maker's encoder.
#[test]
fn published_spats_are_read_as_they_were_meant() {
    let Some(vectors) = shared("published_frames.jsonl") else {
        return;
    };
    let spats = vectors
        .iter()
        .filter_map(|vector| Message::decode(&vector.octets).ok())
        .filter(|message| message.kind() == MessageKind::Spat);
    let read: Vec<Spat> = spats.map(|message| Spat::read(&message).unwrap()).collect();
    assert_eq!(read.len(), 3);
    let junction = &read[1].intersections[0];
    assert_eq!(
        junction.id,
        NodeId {
            region: Some(1),
            id: 193
        }
    );
    assert!(junction.status.contains(Status::FIXED_TIME));
    let shown = |phase: &Phase| {
        let state = phase.current().unwrap();
        let Some(Timing::Counting(counting)) = state.timing else {
            panic!("no countdown");
        };
        (
            phase.id().value(),
            state.light,
            counting.ends.likely().unwrap().tenths(),
        )
    };
    let phases: Vec<_> = junction.phases().iter().map(shown).collect();
    let expected = [
        (2, Light::Red, 180),
        (8, Light::PermissiveGreen, 180),
        (10, Light::Red, 180),
        (16, Light::PermissiveGreen, 180),
    ];
    assert_eq!(phases, expected);
}

/// An RSM of a product in service; its one road user is given in degrees, not as an offset.
#[test]
fn a_published_rsm_is_read_as_it_was_meant() {
    let Some(vectors) = shared("published_frames.jsonl") else {
        return;
    };
    let message = vectors
        .iter()
        .filter_map(|vector| Message::decode(&vector.octets).ok())
        .find(|message| message.kind() == MessageKind::Rsm)
        .unwrap();
    let rsm = Rsm::read(&message).unwrap();
    let rider = rsm.participants()[0];
    assert_eq!(
        (rider.kind, rider.source),
        (ParticipantKind::NonMotor, Source::Video)
    );
    assert_eq!(
        (rider.pos.lat_e7(), rider.pos.lon_e7()),
        (297_241_937, 1_074_134_465)
    );
    assert_eq!(rider.speed.map(Speed::mps), Some(258.0 * 0.02));
    assert_eq!((rider.size, rider.pos_confidence), (Size::UNKNOWN, None));
}
