//! `v2x encode`: JSON lines to hex lines.

use std::io::{self, BufRead, BufWriter, Read, Write};
use std::path::Path;

use v2x_msg::Message;

use crate::{Failure, open};

/// No message takes more: the longest frame has 65 kB, the JSON of one some ten times that.
const MAX_LINE: u64 = 16 << 20;

pub(crate) fn run(file: Option<&Path>) -> Result<(), Failure> {
    let input = open(file)?;
    let bad = encode(
        input,
        BufWriter::new(io::stdout().lock()),
        io::stderr().lock(),
    )?;
    if bad == 0 {
        Ok(())
    } else {
        Err(Failure::BadData)
    }
}

/// Returns how many lines were bad.
fn encode(
    mut input: impl BufRead,
    mut out: impl Write,
    mut notes: impl Write,
) -> io::Result<usize> {
    let mut bad = 0;
    let mut line = Vec::new();
    let mut frame = vec![0; 65_536];
    for number in 1.. {
        line.clear();
        if (&mut input).take(MAX_LINE).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        match octets(&line, &mut frame) {
            Ok(octets) => {
                octets
                    .iter()
                    .try_for_each(|octet| write!(out, "{octet:02x}"))?;
                writeln!(out)?;
                out.flush()?;
            }
            Err(reason) => {
                bad += 1;
                writeln!(notes, "line {number}: {reason}")?;
            }
        }
    }
    Ok(bad)
}

fn octets<'a>(line: &[u8], frame: &'a mut [u8]) -> Result<&'a [u8], String> {
    let text = std::str::from_utf8(line).map_err(|error| error.to_string())?;
    let message = Message::from_jer(text).map_err(|error| error.to_string())?;
    let len = message
        .encode_into(frame)
        .map_err(|error| error.to_string())?;
    Ok(&frame[..len])
}
