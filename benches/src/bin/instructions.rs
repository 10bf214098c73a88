//! One operation of the codec or of fusion many times over, for a tool that counts instructions.
//!
//! `instructions encode map/4x5 1000` encodes that message a thousand times, `instructions fuse crowd/100
//! 1000` lets a hundred things be seen and followed for a thousand frames. The script
//! `benches/instructions/run` runs it under callgrind, twice with different counts, so that what is
//! done once cancels out. Not here: times; `benches/codec.rs` has those.

use std::hint::black_box;
use std::process::ExitCode;

use anyhow::{Context, bail};
use benches::crowd::Crowd;
use benches::messages::{Shape, air};
use v2x_msg::Message;

fn main() -> anyhow::Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [operation, name, count] = arguments.as_slice() else {
        for shape in air() {
            println!("encode {0}\ndecode {0}", shape.name);
        }
        println!("fuse {CROWD}");
        return Ok(ExitCode::SUCCESS);
    };
    let count: u32 = count.parse().context("the third argument is a count")?;
    if operation == "fuse" && name == CROWD {
        fuse(count);
        return Ok(ExitCode::SUCCESS);
    }
    let shapes = air();
    let shape = shapes.iter().find(|shape| shape.name == name);
    let shape = shape.with_context(|| format!("no message is called {name}"))?;
    match operation.as_str() {
        "encode" => encode(shape, count)?,
        "decode" => decode(shape, count)?,
        other => bail!("{other} is neither encode, decode nor fuse"),
    }
    Ok(ExitCode::SUCCESS)
}

fn encode(shape: &Shape, count: u32) -> anyhow::Result<()> {
    let mut out = [0; 1500];
    for _ in 0..count {
        let length = black_box(&shape.message).encode_into(black_box(&mut out))?;
        assert_eq!(length, shape.octets.len());
    }
    assert_eq!(out[..shape.octets.len()], shape.octets);
    Ok(())
}

fn decode(shape: &Shape, count: u32) -> anyhow::Result<()> {
    let mut message = Message::default();
    message.decode_into(&shape.octets)?;
    for _ in 0..count {
        message.decode_into(black_box(&shape.octets))?;
    }
    assert_eq!(message, shape.message);
    Ok(())
}

/// So many frames of a crowd that is followed already.
fn fuse(count: u32) {
    let mut crowd = Crowd::new(CROWD_OF);
    for _ in 0..20 {
        crowd.step();
    }
    for _ in 0..count {
        assert_eq!(black_box(crowd.step()), CROWD_OF);
    }
}

const CROWD: &str = "crowd/100";
const CROWD_OF: usize = 100;
