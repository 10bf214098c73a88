//! UPER: a message into octets, octets into a message that is used again, and into a new one.

use std::hint::black_box;

use benches::messages::shapes;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use v2x_msg::Message;

fn codec(c: &mut Criterion) {
    let shapes = shapes();
    let mut group = c.benchmark_group("encode");
    for shape in &shapes {
        group.throughput(Throughput::Bytes(shape.octets.len() as u64));
        group.bench_function(BenchmarkId::from_parameter(shape.name), |b| {
            let mut out = [0; 1500];
            b.iter(|| {
                let length = black_box(&shape.message).encode_into(black_box(&mut out));
                assert_eq!(length, Ok(shape.octets.len()));
            });
            assert_eq!(out[..shape.octets.len()], shape.octets);
        });
    }
    group.finish();

    let mut group = c.benchmark_group("decode");
    for shape in &shapes {
        group.throughput(Throughput::Bytes(shape.octets.len() as u64));
        group.bench_function(BenchmarkId::from_parameter(shape.name), |b| {
            let mut message = Message::default();
            b.iter(|| {
                let decoded = message.decode_into(black_box(&shape.octets));
                assert_eq!(decoded, Ok(()));
                assert_eq!(message.msg_cnt(), shape.message.msg_cnt());
            });
            assert_eq!(message, shape.message);
        });
    }
    group.finish();

    let mut group = c.benchmark_group("decode-fresh");
    for shape in &shapes {
        group.throughput(Throughput::Bytes(shape.octets.len() as u64));
        group.bench_function(BenchmarkId::from_parameter(shape.name), |b| {
            b.iter(|| {
                let message = Message::decode(black_box(&shape.octets)).expect("it was encoded");
                assert_eq!(message.msg_cnt(), shape.message.msg_cnt());
                message
            });
            assert_eq!(Message::decode(&shape.octets).as_ref(), Ok(&shape.message));
        });
    }
    group.finish();
}

criterion_group!(benches, codec);
criterion_main!(benches);
