//! How often and how much is allocated, counted by the allocator itself.

#![expect(
    unsafe_code,
    reason = "an allocator is an unsafe trait; this one counts and passes everything on to the \
              system's, and exists only in this test program"
)]
#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking, helpers included"
)]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use common::{encoded, own};
use serde_json::{Value, json};
use v2x_msg::uper::DecodeErrorKind;
use v2x_msg::{Edition, Message, MessageKind};

struct Counting;

thread_local! {
    static CALLS: Cell<usize> = const { Cell::new(0) };
    static LIVE: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn note(bytes: isize) {
    // Threads on their way out have no counters any more, and nothing of interest.
    let _ = LIVE.try_with(|live| {
        live.set(live.get() + bytes);
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(live.get())));
    });
    if bytes > 0 {
        let _ = CALLS.try_with(|calls| calls.set(calls.get() + 1));
    }
}

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size() as isize);
        // SAFETY: the caller keeps the promises that `alloc` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        note(-(layout.size() as isize));
        // SAFETY: the caller keeps the promises that `dealloc` asks for.
        unsafe { System.dealloc(at, layout) }
    }
}

/// How many allocations `work` makes, and how many bytes it holds at once at the most.
fn counted(work: impl FnOnce()) -> (usize, isize) {
    let before = LIVE.get();
    PEAK.set(before);
    CALLS.set(0);
    work();
    (CALLS.get(), PEAK.get() - before)
}

/// Frames of one kind, at least three; those of Day I without additions.
fn frames(kind: MessageKind) -> Vec<Vec<u8>> {
    let of_kind = |file| {
        let octets = own(file).into_iter().map(|vector| vector.octets);
        let of_kind = octets.filter(|octets| Message::decode(octets).unwrap().kind() == kind);
        of_kind.collect::<Vec<_>>()
    };
    let mut frames = of_kind("day1_2020.jsonl");
    if frames.is_empty() {
        frames = of_kind("day2_2020.jsonl");
    }
    assert!(frames.len() >= 3);
    frames
}

#[test]
fn the_counter_counts() {
    let (calls, peak) = counted(|| drop(std::hint::black_box(vec![0_u8; 1000])));
    assert_eq!((calls, peak), (1, 1000));
}

#[test]
fn encoding_never_allocates() {
    for kind in MessageKind::ALL {
        for octets in frames(kind) {
            let message = Message::decode(&octets).unwrap();
            let mut out = [0; 4096];
            let (calls, _) = counted(|| {
                message.encode_into(&mut out).unwrap();
                message.encode_into(&mut out[..3]).unwrap_err();
            });
            assert_eq!(calls, 0, "{kind}");
        }
    }
}

#[test]
fn decoding_into_a_message_that_held_the_same_never_allocates() {
    for kind in MessageKind::ALL {
        for octets in frames(kind) {
            let mut message = Message::decode(&octets).unwrap();
            let (calls, _) = counted(|| message.decode_into(&octets).unwrap());
            assert_eq!(calls, 0, "{kind}");
        }
    }
}

/// A path is told without allocating: a stranger can cause failures at any rate.
#[test]
fn a_frame_that_is_refused_costs_no_memory_but_what_was_read() {
    for kind in MessageKind::ALL {
        for octets in frames(kind) {
            let mut message = Message::decode(&octets).unwrap();
            for len in (0..octets.len()).step_by(7) {
                // The part in front of the cut, so that only the failure itself is counted.
                let _ = message.decode_into(&octets[..len]);
                let (calls, _) = counted(|| {
                    let error = message.decode_into(&octets[..len]).unwrap_err();
                    let mut text = Text::default();
                    std::fmt::Write::write_fmt(&mut text, format_args!("{error}")).unwrap();
                    assert!(text.0 > 10);
                });
                assert_eq!(calls, 0, "{kind} cut to {len}");
            }
        }
    }
}

/// Text that is only counted.
#[derive(Default)]
struct Text(usize);

impl std::fmt::Write for Text {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0 += text.len();
        Ok(())
    }
}

/// What a roadside unit says ten times a second: SPAT and RSM of any content.
#[test]
fn decoding_spat_and_rsm_by_turns_stops_allocating_after_the_first_round() {
    for kind in [MessageKind::Spat, MessageKind::Rsm] {
        let frames: Vec<_> = frames(kind).iter().map(|octets| nameless(octets)).collect();
        let mut message = Message::default();
        let mut round = || {
            for octets in &frames {
                message.decode_into(octets).unwrap();
            }
        };
        round();
        let (calls, _) = counted(round);
        assert_eq!(calls, 0, "{kind}");
    }
}

/// The same frame without a name: a text that goes takes its memory along; lists stay.
fn nameless(octets: &[u8]) -> Vec<u8> {
    let jer = Message::decode(octets).unwrap().to_jer();
    let mut jer: Value = serde_json::from_str(&jer).unwrap();
    for frame in jer.as_object_mut().unwrap().values_mut() {
        frame.as_object_mut().unwrap().remove("name");
    }
    encoded(&Message::from_jer(&jer.to_string()).unwrap())
}

#[test]
fn noise_never_makes_us_hold_much() {
    let mut noise = Noise(0x2545_f491_4f6c_dd1d);
    for _ in 0..20_000 {
        let octets: Vec<u8> = (0..1400).map(|_| noise.next() as u8).collect();
        let (_, peak) = counted(|| drop(Message::decode(&octets)));
        assert!(peak <= 24_000, "{peak} bytes");
    }
}

/// Frames of 1,400 octets that begin like one of each kind and go on with noise or with all ones,
/// which asks for the longest lists and for everything that is optional.
#[test]
fn no_kind_of_message_makes_us_hold_much_however_it_is_decoded() {
    let mut noise = Noise(0x9e37_79b9_7f4a_7c15);
    let mut most = [0; 3];
    for kind in MessageKind::ALL {
        for octets in frames(kind) {
            for kept in [1, 3, 6, 10, 20, 40, 80] {
                for round in 0..12 {
                    let tail: Vec<u8> = (0..1400)
                        .map(|_| match round {
                            0 => 0xff,
                            1 => 0,
                            2..6 => (noise.next() | noise.next()) as u8,
                            _ => noise.next() as u8,
                        })
                        .collect();
                    let frame = long_frame(&octets, kept, &tail);
                    assert_eq!(frame.len(), 1400);
                    let peaks = [
                        counted(|| drop(Message::decode(&frame))).1,
                        counted(|| drop(Message::decode_keeping(&frame))).1,
                        counted(|| drop(Message::decode_as(Edition::Y2019, &frame))).1,
                    ];
                    for (most, peak) in most.iter_mut().zip(peaks) {
                        *most = peak.max(*most);
                    }
                }
            }
        }
    }
    eprintln!("{most:?} bytes at most: decoding, keeping the unknown, as 2019");
    assert!(most[0] > 5_000, "{most:?}: this tried nothing");
    assert!(most.iter().all(|peak| *peak <= 24_000), "{most:?}");
}

/// The first octets of a message, then the tail; lengths of open types around it are made to fit.
fn long_frame(octets: &[u8], kept: usize, tail: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    let mut message = octets;
    if octets[0] == 0x80 {
        // Two lengths of one or two octets, and between them the number.
        let behind = |at: usize| at + 1 + usize::from(octets[at] >= 0x80);
        let id = behind(1);
        let length = |len: u16| (0x8000 | len).to_be_bytes();
        frame.extend([0x80]);
        frame.extend(length(1397));
        frame.extend(&octets[id..id + 2]);
        frame.extend(length(1393));
        message = &octets[behind(id + 2)..];
    }
    frame.extend(&message[..kept.min(message.len())]);
    frame.extend(tail);
    frame.truncate(1400);
    frame
}

/// JSON is for files and people, so its memory is bounded by its own length.
#[test]
fn json_makes_us_hold_no_more_than_the_values_that_it_spells() {
    let text = lanes(&[vec![8; 4]]).to_jer();
    let (calls, peak) = counted(|| drop(Message::from_jer(&text).unwrap()));
    eprintln!(
        "{} bytes of JSON, {peak} of values in {calls} calls",
        text.len()
    );
    assert!(peak < 20 * text.len() as isize, "{peak} bytes");
    // What is not JSON, or not ours, never gets that far.
    for text in [
        "[".repeat(100_000),
        format!("{{\"spatFrame\":[{}1]}}", "1,".repeat(50_000)),
    ] {
        let (_, peak) = counted(|| drop(Message::from_jer(&text).unwrap_err()));
        assert!(peak <= 4_096, "{peak} bytes");
    }
}

/// Writing JSON into memory that is there takes no more.
#[test]
fn writing_json_never_allocates() {
    for kind in MessageKind::ALL {
        for octets in frames(kind) {
            let message = Message::decode(&octets).unwrap();
            let mut text = Text::default();
            let (calls, _) = counted(|| message.write_jer(&mut text).unwrap());
            assert_eq!(calls, 0, "{kind}");
        }
    }
}

/// The dearest thing that 1,400 octets can say: a map of as many lanes as possible, each of
/// 15 bits and nothing but its number.
#[test]
fn a_frame_of_1400_octets_that_asks_for_much_memory_is_refused_before_it_gets_it() {
    let octets = encoded(&lanes(&[vec![32; 21]]));
    assert!((1350..=1400).contains(&octets.len()));
    let (_, peak) = counted(|| {
        let error = Message::decode(&octets).unwrap_err();
        assert_eq!(error.kind, DecodeErrorKind::TooCostly);
        assert_eq!(error.path.member(), "Link.lanes");
    });
    assert!(peak <= 24_000, "{peak} bytes");
}

#[test]
fn lanes_without_anything_are_no_reason_to_refuse_a_frame_of_usual_size() {
    let octets = encoded(&lanes(&[vec![8; 4]]));
    let (_, peak) = counted(|| drop(Message::decode(&octets).unwrap()));
    eprintln!("{} octets on the air, {peak} in memory", octets.len());
    assert!(octets.len() < 100 && peak < 6_000, "{peak} bytes");
}

/// Each of these frames leaves its lanes at another node or link; together they would go well beyond
/// the limit.
#[test]
fn frames_of_ever_other_shapes_do_not_fill_a_message_that_is_used_again() {
    let shapes: Vec<_> = (0..32 * 10)
        .map(|shape| {
            let before = vec![1; shape / 32 * 3];
            let node = |node| match node == shape % 32 {
                true => [&before[..], &[32; 3]].concat(),
                false => vec![1],
            };
            encoded(&lanes(&(0..32).map(node).collect::<Vec<_>>()))
        })
        .collect();
    assert!(shapes.iter().all(|octets| octets.len() <= 1400));
    let mut message = Message::default();
    let (_, peak) = counted(|| {
        for octets in shapes.iter().cycle().take(1_000) {
            // A frame that is refused on the way leaves what it got until then.
            let _ = message.decode_into(octets);
        }
    });
    eprintln!("{peak} octets at most");
    // Far more than one frame may take, and never much beyond the limit.
    assert!((600_000..1_100_000).contains(&peak), "{peak} octets");
}

/// A map of nodes, each with links of that many lanes.
fn lanes(nodes: &[Vec<usize>]) -> Message {
    let id = json!({"id": 1});
    let lane = |lane| json!({"laneID": lane});
    let link = |lanes: &usize| {
        let lanes: Vec<_> = (0..*lanes).map(lane).collect();
        json!({"upstreamNodeId": id, "linkWidth": 0, "lanes": lanes})
    };
    let node = |links: &Vec<usize>| {
        let links: Vec<_> = links.iter().map(link).collect();
        json!({"id": id, "refPos": {"lat": 0, "long": 0}, "inLinks": links})
    };
    let nodes: Vec<_> = nodes.iter().map(node).collect();
    let map = json!({"mapFrame": {"msgCnt": 0, "nodes": nodes}});
    Message::from_jer(&map.to_string()).unwrap()
}

/// Xorshift: numbers without a pattern, the same in every run.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

/// What the roadside unit does ten times a second: a new SPAT into the message of the last one.
#[test]
fn filling_and_encoding_a_spat_and_an_rsm_again_never_allocates() {
    use v2x_msg::kinds::{Rsm, Spat};
    let jer = json!({"spatFrame": {"msgCnt": 1, "name": "four arms", "intersections": [{
        "intersectionId": {"id": 5}, "status": "0400", "phases": [{"id": 3, "phaseStates": [
            {"light": "red", "timing": {"counting": {"startTime": 0, "likelyEndTime": 93}}},
            {"light": "yellow"}]}]}]}});
    let spat = Spat::read(&Message::from_jer(&jer.to_string()).unwrap()).unwrap();
    let jer = json!({"rsmFrame": {"msgCnt": 1, "id": "0102030405060708",
        "refPos": {"lat": 312870000, "long": 1211660000}, "participants": [{
            "ptcType": "motor", "ptcId": 7, "source": "microwaveRadar", "secMark": 12000,
            "pos": {"offsetLL": {"position-LL1": {"lon": 5, "lat": -9}}},
            "posConfidence": {"pos": "a1m"}, "speed": 600, "heading": 7200,
            "size": {"width": 180, "length": 450}}]}});
    let rsm = Rsm::read(&Message::from_jer(&jer.to_string()).unwrap()).unwrap();

    let (mut as_spat, mut as_rsm) = (Message::default(), Message::default());
    let mut out = [0; 1400];
    let mut say_both = || {
        spat.fill(&mut as_spat);
        rsm.fill(&mut as_rsm);
        as_spat.encode_into(&mut out).unwrap() + as_rsm.encode_into(&mut out).unwrap()
    };
    let first = say_both();
    let (calls, _) = counted(|| assert_eq!(say_both(), first));
    assert_eq!(calls, 0);
}
