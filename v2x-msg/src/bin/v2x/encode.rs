//! `v2x encode`: JSON lines to hex lines.

use std::io::{self, BufRead, BufWriter, Read, Write};
use std::path::PathBuf;

use v2x_msg::Edition;

use crate::{Failure, open};

/// No message takes more: the longest frame has 65 kB, the JSON of one some ten times that.
const MAX_LINE: u64 = 16 << 20;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// JER lines; standard input where it is left out or `-`
    file: Option<PathBuf>,
    /// Edition of the message set that the lines follow and the frames are to follow
    #[arg(long, value_enum, default_value_t = Choice::Ours)]
    edition: Choice,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Choice {
    /// YD/T 3709-2020 = T/CSAE 53-2020, with Day II
    #[value(name = "2020")]
    Ours,
    /// Release of 2019-07-24
    #[value(name = "2019")]
    Older,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let edition = match arguments.edition {
        Choice::Ours => Edition::Y2020,
        Choice::Older => Edition::Y2019,
    };
    let input = open(arguments.file.as_deref())?;
    let bad = encode(
        edition,
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
    edition: Edition,
    mut input: impl BufRead,
    mut out: impl Write,
    mut notes: impl Write,
) -> io::Result<usize> {
    let mut bad = 0;
    let mut line = Vec::new();
    let mut hex = Vec::new();
    let mut frame = vec![0; 65_536];
    for number in 1.. {
        line.clear();
        if (&mut input).take(MAX_LINE).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        match octets(edition, &line, &mut frame) {
            Ok(octets) => {
                hex.clear();
                for octet in octets {
                    hex.extend([octet >> 4, octet & 15].map(|digit| DIGITS[usize::from(digit)]));
                }
                hex.push(b'\n');
                out.write_all(&hex)?;
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

fn octets<'a>(edition: Edition, line: &[u8], frame: &'a mut [u8]) -> Result<&'a [u8], String> {
    let text = std::str::from_utf8(line).map_err(|error| error.to_string())?;
    let len = edition
        .encode_jer_into(text, frame)
        .map_err(|error| error.to_string())?;
    Ok(&frame[..len])
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";
