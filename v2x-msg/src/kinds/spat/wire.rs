//! SPAT to and from the generated types. A TimeMark of 36001 is "unknown".

use super::{
    Counting, Ends, IntersectionState, Light, Mark, Phase, PhaseState, Spat, Status, Timing,
    UtcTiming,
};
use crate::asn;
use crate::base::{Confidence, Countdown, Few, HourMark, MsgCount, PhaseId, TimeConfidence};
use crate::kinds::Unfit;
use crate::kinds::wire::{
    at_index, bits_from_asn, bits_to_asn, d_second, fill_list, fill_name, moy, node_id, phase_id,
    read_d_second, read_moy, read_name, read_node_id,
};
use crate::{Message, MessageKind};

impl Spat {
    /// Makes `message` this SPAT, in place. Nothing is allocated once it has held as large a one, so
    /// keep a message for each kind.
    pub fn fill(&self, message: &mut Message) {
        let frame = message.frame_mut();
        if !matches!(frame, asn::MessageFrame::SpatFrame(_)) {
            *frame = asn::MessageFrame::SpatFrame(asn::SPAT::default());
        }
        if let asn::MessageFrame::SpatFrame(spat) = frame {
            spat.msg_cnt = asn::MsgCount(self.msg_cnt.value());
            spat.moy = self.moy.map(moy);
            spat.time_stamp = self.time_stamp.map(d_second);
            fill_name(&mut spat.name, self.name.as_ref());
            fill_list(
                &mut spat.intersections,
                &self.intersections,
                fill_intersection,
            );
        }
    }

    /// The SPAT in `message`. Controllers in service fill a phase up with states of which they know
    /// nothing; of several such states the first is kept.
    ///
    /// # Errors
    /// Another kind, more than [`super::MAX_INTERSECTIONS`], or what [`super::Refused`] names.
    pub fn read(message: &Message) -> Result<Self, Unfit> {
        let asn::MessageFrame::SpatFrame(spat) = message.frame() else {
            let found = message.kind();
            return Err(Unfit::Kind {
                expected: MessageKind::Spat,
                found,
            });
        };
        let mut intersections = Few::<_, 0, { super::MAX_INTERSECTIONS }>::default();
        for intersection in &spat.intersections {
            intersections.push(read_intersection(intersection)?)?;
        }
        Ok(Spat {
            moy: read_moy(spat.moy),
            time_stamp: spat.time_stamp.and_then(read_d_second),
            name: read_name(spat.name.as_ref())?,
            ..Spat::new(MsgCount::new(spat.msg_cnt.0)?, intersections)?
        })
    }
}

fn fill_intersection(from: &IntersectionState, to: &mut asn::IntersectionState) {
    to.intersection_id = node_id(from.id);
    to.status = asn::IntersectionStatusObject(bits_to_asn(from.status.bits(), 16));
    to.moy = from.moy.map(moy);
    to.time_stamp = from.time_stamp.map(d_second);
    to.time_confidence = from
        .time_confidence
        .and_then(|confidence| asn::TimeConfidence::from_index(confidence.class().into()));
    fill_list(&mut to.phases, from.phases(), |phase, slot| {
        slot.id = phase_id(phase.id());
        fill_list(&mut slot.phase_states, phase.states(), |state, slot| {
            *slot = asn::PhaseState {
                light: asn::LightState::from_index(state.light as usize).unwrap_or_default(),
                timing: state.timing.map(timing),
            };
        });
    });
}

fn timing(timing: Timing) -> asn::TimeChangeDetails {
    match timing {
        Timing::Counting(counting) => asn::TimeChangeDetails::Counting(asn::TimeCountingDown {
            start_time: mark_or_unknown(counting.start),
            min_end_time: counting.ends.min.map(mark),
            max_end_time: counting.ends.max.map(mark),
            likely_end_time: mark_or_unknown(counting.ends.likely),
            time_confidence: counting.confidence.map(confidence),
            next_start_time: counting.next_start.map(mark),
            next_duration: counting.next_duration.map(mark),
        }),
        Timing::Utc(utc) => asn::TimeChangeDetails::UtcTiming(asn::UTCTiming {
            start_utc_time: mark_or_unknown(utc.start),
            min_end_utc_time: utc.ends.min.map(mark),
            max_end_utc_time: utc.ends.max.map(mark),
            likely_end_utc_time: mark_or_unknown(utc.ends.likely),
            time_confidence: utc.confidence.map(confidence),
            next_start_utc_time: utc.next_start.map(mark),
            next_end_utc_time: utc.next_end.map(mark),
        }),
    }
}

fn mark<M: WireMark>(mark: M) -> asn::TimeMark {
    asn::TimeMark(mark.to_tenths())
}

fn mark_or_unknown<M: WireMark>(known: Option<M>) -> asn::TimeMark {
    known.map_or(UNKNOWN_MARK, mark)
}

const UNKNOWN_MARK: asn::TimeMark = asn::TimeMark(36_001);

fn confidence(confidence: Confidence) -> asn::Confidence {
    asn::Confidence(confidence.steps())
}

fn read_intersection(from: &asn::IntersectionState) -> Result<IntersectionState, Unfit> {
    let mut phases = Few::<_, 0, { super::MAX_PHASES }>::default();
    for phase in &from.phases {
        phases.push(read_phase(phase)?)?;
    }
    Ok(IntersectionState {
        status: Status::from_bits(bits_from_asn(from.status.0, 16)),
        moy: read_moy(from.moy),
        time_stamp: from.time_stamp.and_then(read_d_second),
        time_confidence: from
            .time_confidence
            .and_then(|confidence| TimeConfidence::from_class(confidence.index() as u8)),
        ..IntersectionState::new(read_node_id(from.intersection_id), phases)?
    })
}

fn read_phase(from: &asn::Phase) -> Result<Phase, Unfit> {
    let id = PhaseId::new(from.id.0)?;
    let mut states = Few::<_, 0, { asn::PhaseStateList::MAX }>::default();
    for state in &from.phase_states {
        let light = at_index(&Light::ALL, state.light.index());
        let says_nothing_new = light == Light::Unavailable
            && states
                .iter()
                .any(|earlier: &PhaseState| earlier.light == light);
        if says_nothing_new {
            continue;
        }
        let timing = state.timing.map(read_timing).transpose()?;
        states.push(PhaseState { light, timing })?;
    }
    Ok(Phase::new(id, states)?)
}

fn read_timing(from: asn::TimeChangeDetails) -> Result<Timing, Unfit> {
    Ok(match from {
        asn::TimeChangeDetails::Counting(from) => Timing::Counting(Counting {
            start: Countdown::known(Some(from.start_time)),
            ends: read_ends(from.min_end_time, from.likely_end_time, from.max_end_time)?,
            confidence: read_confidence(from.time_confidence),
            next_start: Countdown::known(from.next_start_time),
            next_duration: Countdown::known(from.next_duration),
        }),
        asn::TimeChangeDetails::UtcTiming(from) => Timing::Utc(UtcTiming {
            start: HourMark::known(Some(from.start_utc_time)),
            ends: read_ends(
                from.min_end_utc_time,
                from.likely_end_utc_time,
                from.max_end_utc_time,
            )?,
            confidence: read_confidence(from.time_confidence),
            next_start: HourMark::known(from.next_start_utc_time),
            next_end: HourMark::known(from.next_end_utc_time),
        }),
    })
}

fn read_ends<M: WireMark>(
    min: Option<asn::TimeMark>,
    likely: asn::TimeMark,
    max: Option<asn::TimeMark>,
) -> Result<Ends<M>, Unfit> {
    Ok(Ends::new(
        M::known(min),
        M::known(Some(likely)),
        M::known(max),
    )?)
}

fn read_confidence(from: Option<asn::Confidence>) -> Option<Confidence> {
    Confidence::from_steps(from?.0.into()).ok()
}

/// The two meanings of TimeMark.
trait WireMark: Mark {
    fn to_tenths(self) -> u16;
    /// None for "unknown".
    fn known(mark: Option<asn::TimeMark>) -> Option<Self>;
}

impl WireMark for Countdown {
    fn to_tenths(self) -> u16 {
        self.tenths()
    }
    fn known(mark: Option<asn::TimeMark>) -> Option<Self> {
        Countdown::from_tenths(mark?.0).ok()
    }
}

impl WireMark for HourMark {
    fn to_tenths(self) -> u16 {
        self.tenths()
    }
    fn known(mark: Option<asn::TimeMark>) -> Option<Self> {
        HourMark::from_tenths(mark?.0).ok()
    }
}
