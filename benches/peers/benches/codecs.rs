//! Ours, asn1c and rasn on the same octets, encode and decode, in one run.
//!
//! Every peer reads the octets that ours writes, and writes them again: what is not equal to the
//! last octet is not compared.

use std::hint::black_box;

use benches::messages::{Shape, air};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use peers::Asn1c;
use peers::generated::msg_frame::MessageFrame;
use v2x_msg::Message;

fn encode(c: &mut Criterion) {
    let mut group = c.benchmark_group("encode");
    for Shape {
        name,
        message,
        octets,
    } in air()
    {
        group.bench_function(BenchmarkId::new("ours", name), |b| {
            let mut out = [0; 1500];
            b.iter(|| {
                let length = black_box(&message).encode_into(black_box(&mut out));
                assert_eq!(length, Ok(octets.len()));
            });
            assert_eq!(out[..octets.len()], octets);
        });
        group.bench_function(BenchmarkId::new("asn1c", name), |b| {
            let theirs = Asn1c::decode(&octets).expect("asn1c reads what we write");
            let mut out = [0; 1500];
            b.iter(|| {
                let length = black_box(&theirs).encode(black_box(&mut out));
                assert_eq!(length, Some(octets.len()));
            });
            assert_eq!(out[..octets.len()], octets);
        });
        group.bench_function(BenchmarkId::new("rasn", name), |b| {
            let theirs: MessageFrame = rasn::uper::decode(&octets).expect("rasn reads it too");
            b.iter(|| {
                let out = rasn::uper::encode(black_box(&theirs)).expect("it was decoded");
                assert_eq!(out.len(), octets.len());
                out
            });
            assert_eq!(rasn::uper::encode(&theirs).ok(), Some(octets.clone()));
        });
    }
    group.finish();
}

fn decode(c: &mut Criterion) {
    let mut group = c.benchmark_group("decode");
    for Shape {
        name,
        message,
        octets,
    } in air()
    {
        group.bench_function(BenchmarkId::new("ours", name), |b| {
            let mut slot = Message::default();
            b.iter(|| {
                let decoded = slot.decode_into(black_box(&octets));
                assert_eq!(decoded, Ok(()));
                assert_eq!(slot.msg_cnt(), message.msg_cnt());
            });
            assert_eq!(slot, message);
        });
        group.bench_function(BenchmarkId::new("asn1c", name), |b| {
            b.iter(|| Asn1c::decode(black_box(&octets)).expect("asn1c reads what we write"));
        });
        group.bench_function(BenchmarkId::new("rasn", name), |b| {
            b.iter(|| {
                rasn::uper::decode::<MessageFrame>(black_box(&octets)).expect("rasn reads it too")
            });
        });
    }
    group.finish();
}

criterion_group!(benches, encode, decode);
criterion_main!(benches);
