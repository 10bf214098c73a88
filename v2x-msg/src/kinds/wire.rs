//! What all kinds share on their way to the generated types and back: positions and their offset
//! classes, ids, names, bits and lists.
//!
//! Together with `*/wire.rs` this is the only place that knows sentinels. A value that a receiver
//! must take as unknown is read as `None`; one that breaks a rule is [`Unfit`].

use super::Unfit;
use crate::asn;
use crate::base::{
    DSecond, Elevation, GeoPosition, MinuteOfYear, Name, NodeId, PhaseId, TimeOffset,
};
use crate::uper::{ExtensibleBits, List};

/// Empties `list` and fills its recycled elements; both sides have the same bounds.
pub(super) fn fill_list<T: Default, U, const MIN: usize, const MAX: usize>(
    list: &mut List<T, MIN, MAX>,
    entries: impl IntoIterator<Item = U>,
    mut fill: impl FnMut(U, &mut T),
) {
    list.clear();
    for entry in entries {
        let Some(slot) = list.next_slot() else { break };
        fill(entry, slot);
    }
}

/// As [`fill_list`], for a list that is left out where it would be empty.
pub(super) fn fill_optional<T: Default, U, const MIN: usize, const MAX: usize>(
    list: &mut Option<List<T, MIN, MAX>>,
    entries: impl IntoIterator<Item = U, IntoIter: ExactSizeIterator>,
    fill: impl FnMut(U, &mut T),
) {
    let entries = entries.into_iter();
    if entries.len() == 0 {
        *list = None;
    } else {
        fill_list(list.get_or_insert_default(), entries, fill);
    }
}

/// The value of ours for an enumeral of theirs: own lists have the standard's order, and begin with
/// what stands for "unknown".
pub(super) fn at_index<T: Copy>(all: &[T], index: usize) -> T {
    all.get(index).copied().unwrap_or(all[0])
}

/// Fills a name, in the memory of the last one.
pub(super) fn fill_name(slot: &mut Option<asn::DescriptiveName>, name: Option<&Name>) {
    match name {
        // A `Name` keeps the bounds of a DescriptiveName, so this cannot be refused.
        Some(name) => drop(slot.get_or_insert_default().set(name.as_str())),
        None => *slot = None,
    }
}

pub(super) fn read_name(name: Option<&asn::DescriptiveName>) -> Result<Option<Name>, Unfit> {
    Ok(name.map(|name| Name::new(name.as_str())).transpose()?)
}

pub(super) fn node_id(node: NodeId) -> asn::NodeReferenceID {
    asn::NodeReferenceID {
        region: node.region.map(asn::RoadRegulatorID),
        id: asn::NodeID(node.id),
    }
}

pub(super) fn read_node_id(node: asn::NodeReferenceID) -> NodeId {
    NodeId {
        region: node.region.map(|region| region.0),
        id: node.id.0,
    }
}

pub(super) fn phase_id(phase: PhaseId) -> asn::PhaseID {
    asn::PhaseID(phase.value())
}

/// 0 is "no phase" where a phase may be left out.
pub(super) fn read_phase_id(phase: Option<asn::PhaseID>) -> Option<PhaseId> {
    PhaseId::new(phase?.0).ok()
}

pub(super) fn moy(minute: MinuteOfYear) -> asn::MinuteOfTheYear {
    asn::MinuteOfTheYear(minute.value())
}

/// 527040 is "invalid".
pub(super) fn read_moy(minute: Option<asn::MinuteOfTheYear>) -> Option<MinuteOfYear> {
    MinuteOfYear::new(minute?.0).ok()
}

pub(super) fn d_second(ms: DSecond) -> asn::DSecond {
    asn::DSecond(ms.ms())
}

/// 65535 is "unavailable", 61000 to 65534 are reserved.
pub(super) fn read_d_second(ms: asn::DSecond) -> Option<DSecond> {
    DSecond::new(ms.0).ok()
}

/// A set of `width` bits whose bit n is the standard's bit n, as the generated types hold it:
/// with the standard's bit 0 as the highest.
pub(super) fn bits_to_asn(bits: u16, width: u32) -> u16 {
    bits.reverse_bits() >> (16 - width)
}

/// The inverse of [`bits_to_asn`].
pub(super) fn bits_from_asn(bits: u16, width: u32) -> u16 {
    (bits << (16 - width)).reverse_bits()
}

/// The same for a set that newer editions may lengthen.
pub(super) fn open_bits_to_asn<const ROOT: u32>(bits: u16) -> ExtensibleBits<ROOT> {
    let top = u64::from(bits.reverse_bits()) << 48;
    ExtensibleBits::from_top(top, ROOT).unwrap_or(ExtensibleBits::EMPTY)
}

/// The inverse of [`open_bits_to_asn`]; what newer editions name is not among the first bits.
pub(super) fn open_bits_from_asn<const ROOT: u32>(bits: ExtensibleBits<ROOT>) -> u16 {
    ((bits.top() >> 48) as u16).reverse_bits()
}

pub(super) fn time_offset(span: TimeOffset) -> asn::TimeOffset {
    asn::TimeOffset(span.steps())
}

/// 65535 is "unavailable".
pub(super) fn read_time_offset(span: Option<asn::TimeOffset>) -> Option<TimeOffset> {
    TimeOffset::from_steps(span?.0.into()).ok()
}

pub(super) fn position(place: GeoPosition) -> asn::Position3D {
    asn::Position3D {
        lat: asn::Latitude(place.lat_e7()),
        long: asn::Longitude(place.lon_e7()),
        elevation: place.elevation().map(elevation),
    }
}

/// 900000001 and 1800000001 are "unavailable", and out of range.
pub(super) fn read_position(place: asn::Position3D) -> Result<GeoPosition, Unfit> {
    let elevation = place.elevation.and_then(read_elevation);
    Ok(GeoPosition::new(place.lat.0, place.long.0, elevation)?)
}

fn elevation(elevation: Elevation) -> asn::Elevation {
    asn::Elevation(elevation.steps())
}

/// -4096 is "unknown".
fn read_elevation(elevation: asn::Elevation) -> Option<Elevation> {
    Elevation::from_steps(elevation.0).ok()
}

/// `place` as seen from `reference`: the smallest class that holds the offset in plan, and likewise
/// for the height; beyond the largest, absolute.
pub(super) fn offset(reference: GeoPosition, place: GeoPosition) -> asn::PositionOffsetLLV {
    asn::PositionOffsetLLV {
        offset_ll: offset_in_plan(reference, place),
        offset_v: place
            .elevation()
            .map(|above| offset_in_height(reference.elevation(), above)),
    }
}

fn offset_in_plan(reference: GeoPosition, place: GeoPosition) -> asn::PositionOffsetLL {
    use asn::PositionOffsetLL as Ll;
    let (lat, lon) = reference.steps_to(place);
    // A class of n bits holds -2^(n-1) up to 2^(n-1) - 1; `!x` folds the negative half over.
    let reach = lat.max(!lat).max(lon.max(!lon));
    match reach {
        ..0x800 => {
            let [lon, lat] = [lon, lat].map(|steps| asn::OffsetLLB12(steps as i16));
            Ll::PositionLL1(asn::PositionLL24B { lon, lat })
        }
        0x800..0x2000 => {
            let [lon, lat] = [lon, lat].map(|steps| asn::OffsetLLB14(steps as i16));
            Ll::PositionLL2(asn::PositionLL28B { lon, lat })
        }
        0x2000..0x8000 => {
            let [lon, lat] = [lon, lat].map(|steps| asn::OffsetLLB16(steps as i16));
            Ll::PositionLL3(asn::PositionLL32B { lon, lat })
        }
        0x8000..0x2_0000 => {
            let [lon, lat] = [lon, lat].map(asn::OffsetLLB18);
            Ll::PositionLL4(asn::PositionLL36B { lon, lat })
        }
        0x2_0000..0x20_0000 => {
            let [lon, lat] = [lon, lat].map(asn::OffsetLLB22);
            Ll::PositionLL5(asn::PositionLL44B { lon, lat })
        }
        0x20_0000..0x80_0000 => {
            let [lon, lat] = [lon, lat].map(asn::OffsetLLB24);
            Ll::PositionLL6(asn::PositionLL48B { lon, lat })
        }
        _ => Ll::PositionLatLon(asn::PositionLLmD64b {
            lon: asn::Longitude(place.lon_e7()),
            lat: asn::Latitude(place.lat_e7()),
        }),
    }
}

fn offset_in_height(reference: Option<Elevation>, above: Elevation) -> asn::VerticalOffset {
    use asn::VerticalOffset as V;
    let Some(reference) = reference else {
        return V::Elevation(elevation(above));
    };
    let steps = above.steps() - reference.steps();
    // The least value of each class means "unavailable", so the classes are symmetric.
    match steps.abs() {
        ..64 => V::Offset1(asn::VertOffsetB07(steps as i8)),
        64..128 => V::Offset2(asn::VertOffsetB08(steps as i8)),
        128..256 => V::Offset3(asn::VertOffsetB09(steps as i16)),
        256..512 => V::Offset4(asn::VertOffsetB10(steps as i16)),
        512..1024 => V::Offset5(asn::VertOffsetB11(steps as i16)),
        1024..2048 => V::Offset6(asn::VertOffsetB12(steps as i16)),
        _ => V::Elevation(elevation(above)),
    }
}

/// The place that an offset from `reference` means. A height that cannot be known, because the
/// reference has none, is `None`.
pub(super) fn read_offset(
    reference: GeoPosition,
    offset: asn::PositionOffsetLLV,
) -> Result<GeoPosition, Unfit> {
    use asn::PositionOffsetLL as Ll;
    let (lat, lon) = match offset.offset_ll {
        Ll::PositionLL1(ll) => (ll.lat.0.into(), ll.lon.0.into()),
        Ll::PositionLL2(ll) => (ll.lat.0.into(), ll.lon.0.into()),
        Ll::PositionLL3(ll) => (ll.lat.0.into(), ll.lon.0.into()),
        Ll::PositionLL4(ll) => (ll.lat.0, ll.lon.0),
        Ll::PositionLL5(ll) => (ll.lat.0, ll.lon.0),
        Ll::PositionLL6(ll) => (ll.lat.0, ll.lon.0),
        Ll::PositionLatLon(absolute) => {
            let above = read_height(reference, offset.offset_v)?;
            return Ok(GeoPosition::new(absolute.lat.0, absolute.lon.0, above)?);
        }
    };
    let place = reference
        .offset_e7(lat, lon)
        .ok_or(Unfit::Missing("a position on the earth"))?;
    Ok(place.at_elevation(read_height(reference, offset.offset_v)?))
}

fn read_height(
    reference: GeoPosition,
    offset: Option<asn::VerticalOffset>,
) -> Result<Option<Elevation>, Unfit> {
    use asn::VerticalOffset as V;
    let (steps, unavailable) = match offset {
        None => return Ok(None),
        Some(V::Elevation(above)) => return Ok(read_elevation(above)),
        Some(V::Offset1(offset)) => (i32::from(offset.0), -64),
        Some(V::Offset2(offset)) => (i32::from(offset.0), -128),
        Some(V::Offset3(offset)) => (i32::from(offset.0), -256),
        Some(V::Offset4(offset)) => (i32::from(offset.0), -512),
        Some(V::Offset5(offset)) => (i32::from(offset.0), -1024),
        Some(V::Offset6(offset)) => (i32::from(offset.0), -2048),
    };
    match reference.elevation() {
        Some(reference) if steps != unavailable => {
            Ok(Some(Elevation::from_steps(reference.steps() + steps)?))
        }
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(lat_e7: i32, lon_e7: i32, tenths: Option<i32>) -> GeoPosition {
        let above = tenths.map(|steps| Elevation::from_steps(steps).unwrap());
        GeoPosition::new(lat_e7, lon_e7, above).unwrap()
    }

    /// The class of an offset, 1 to 6, or 7 for absolute.
    fn class(lat: i32, lon: i32) -> usize {
        use asn::PositionOffsetLL as Ll;
        let reference = at(312_870_000, 1_211_660_000, None);
        match offset_in_plan(reference, reference.offset_e7(lat, lon).unwrap()) {
            Ll::PositionLL1(_) => 1,
            Ll::PositionLL2(_) => 2,
            Ll::PositionLL3(_) => 3,
            Ll::PositionLL4(_) => 4,
            Ll::PositionLL5(_) => 5,
            Ll::PositionLL6(_) => 6,
            Ll::PositionLatLon(_) => 7,
        }
    }

    #[test]
    fn the_smallest_class_that_fits_is_chosen() {
        for (place, bits) in [12, 14, 16, 18, 22, 24].into_iter().enumerate() {
            let (least, most) = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1);
            let own = place + 1;
            assert_eq!([class(least, 0), class(most, 0)], [own, own], "{bits} bits");
            assert_eq!([class(0, least), class(0, most)], [own, own], "{bits} bits");
            assert_eq!(
                [class(least - 1, 0), class(0, most + 1)],
                [own + 1, own + 1]
            );
        }
    }

    #[test]
    fn an_offset_is_longitude_then_latitude_on_the_air() {
        let reference = at(312_870_000, 1_211_660_000, None);
        let place = reference.offset_e7(1, -2).unwrap();
        let asn::PositionOffsetLL::PositionLL1(ll) = offset_in_plan(reference, place) else {
            panic!("not the smallest class");
        };
        assert_eq!((ll.lon.0, ll.lat.0), (-2, 1));
    }

    #[test]
    fn the_smallest_height_class_never_says_unavailable() {
        use asn::VerticalOffset as V;
        let from = |steps| {
            let reference = Elevation::from_steps(100).unwrap();
            offset_in_height(Some(reference), Elevation::from_steps(100 + steps).unwrap())
        };
        assert_eq!(from(63), V::Offset1(asn::VertOffsetB07(63)));
        assert_eq!(from(-63), V::Offset1(asn::VertOffsetB07(-63)));
        assert_eq!(from(-64), V::Offset2(asn::VertOffsetB08(-64)));
        assert_eq!(from(-128), V::Offset3(asn::VertOffsetB09(-128)));
        assert_eq!(from(2047), V::Offset6(asn::VertOffsetB12(2047)));
        assert_eq!(from(2048), V::Elevation(asn::Elevation(2148)));
    }

    #[test]
    fn heights_that_nobody_knows_are_read_as_none() {
        let read = |reference, offset_v| {
            let offset_ll = asn::PositionOffsetLL::default();
            let offset_v = Some(offset_v);
            read_offset(
                reference,
                asn::PositionOffsetLLV {
                    offset_ll,
                    offset_v,
                },
            )
        };
        let unavailable = asn::VerticalOffset::Offset1(asn::VertOffsetB07(-64));
        assert_eq!(read(at(0, 0, Some(5)), unavailable), Ok(at(0, 0, None)));
        let one_step = asn::VerticalOffset::Offset1(asn::VertOffsetB07(1));
        assert_eq!(read(at(0, 0, None), one_step), Ok(at(0, 0, None)));
        assert_eq!(read(at(0, 0, Some(5)), one_step), Ok(at(0, 0, Some(6))));
        let unknown = asn::VerticalOffset::Elevation(asn::Elevation(-4096));
        assert_eq!(read(at(0, 0, Some(5)), unknown), Ok(at(0, 0, None)));
        assert!(read(at(0, 0, Some(61_439)), one_step).is_err());
    }

    #[test]
    fn the_codes_for_no_position_are_unfit() {
        let nowhere = asn::Position3D {
            lat: asn::Latitude(900_000_001),
            long: asn::Longitude(1_800_000_001),
            elevation: None,
        };
        assert!(read_position(nowhere).is_err());
        let offset_ll = asn::PositionOffsetLL::PositionLatLon(asn::PositionLLmD64b {
            lon: asn::Longitude(1_800_000_001),
            lat: asn::Latitude(0),
        });
        let offset = asn::PositionOffsetLLV {
            offset_ll,
            offset_v: None,
        };
        assert!(read_offset(at(0, 0, None), offset).is_err());
    }

    #[test]
    fn the_first_bit_of_the_standard_is_the_highest_on_the_air() {
        assert_eq!(bits_to_asn(0b1, 12), 0x800);
        assert_eq!(
            bits_to_asn(0b100, 16),
            asn::IntersectionStatusObject::FAILURE_FLASH.0
        );
        assert_eq!(bits_from_asn(asn::AllowedManeuvers::CAUTION.0, 12), 1 << 10);
    }

    proptest! {
        #[test]
        fn any_place_survives_any_reference(
            lat in -900_000_000i32..=900_000_000, lon in -1_799_999_999i32..=1_800_000_000,
            from_lat in -900_000_000i32..=900_000_000,
            from_lon in -1_799_999_999i32..=1_800_000_000,
            near in any::<bool>(),
            above in proptest::option::of(-4095i32..=61_439),
            from_above in proptest::option::of(-4095i32..=61_439),
        ) {
            let place = at(lat, lon, above);
            let reference = if near {
                let lat = lat.clamp(-899_000_000, 899_000_000) + from_lat % 1_000_000;
                at(lat, lon / 2, from_above).at_elevation(place.elevation())
            } else {
                at(from_lat, from_lon, from_above)
            };
            prop_assert_eq!(read_offset(reference, offset(reference, place)), Ok(place));
        }

        #[test]
        fn bits_come_back(bits in any::<u16>(), width in 1u32..=16) {
            let kept = bits & (u16::MAX >> (16 - width));
            prop_assert_eq!(bits_from_asn(bits_to_asn(kept, width), width), kept);
            prop_assert_eq!(open_bits_from_asn(open_bits_to_asn::<14>(bits)), bits & 0x3fff);
        }
    }
}
