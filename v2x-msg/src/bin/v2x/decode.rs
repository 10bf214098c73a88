//! `v2x decode`: frames to JSON lines.

use std::io::{self, BufRead, BufWriter, Write};
use std::path::PathBuf;

use v2x_msg::Message;

use crate::frames::{self, NotHex, Place};
use crate::peel::peel;
use crate::{Failure, open};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Hex lines, pcap or one raw frame; standard input where it is left out or `-`
    file: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let input = open(arguments.file.as_deref())?;
    let tally = decode(
        input,
        BufWriter::new(io::stdout().lock()),
        io::stderr().lock(),
    )?;
    if tally.bad == 0 {
        Ok(())
    } else {
        Err(Failure::BadData)
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    good: usize,
    signed: usize,
    bad: usize,
}

fn decode(input: impl BufRead, mut out: impl Write, mut notes: impl Write) -> io::Result<Tally> {
    let mut tally = Tally::default();
    let mut message = Message::default();
    let passed_over = frames::for_each(input, |place, frame| {
        match text(frame, &mut message) {
            Ok((jer, signed)) => {
                tally.good += 1;
                tally.signed += usize::from(signed);
                writeln!(out, "{jer}")?;
                // A person may be watching the other end of a pipe that goes on.
                if place != Place::WholeFile {
                    out.flush()?;
                }
            }
            Err(reason) => {
                tally.bad += 1;
                writeln!(notes, "{place}: {reason}")?;
            }
        }
        Ok(())
    })?;
    out.flush()?;
    if tally.signed > 0 {
        writeln!(
            notes,
            "{} of {} messages: signed, not verified",
            tally.signed, tally.good
        )?;
    }
    if passed_over > 0 {
        writeln!(notes, "{passed_over} packets are not whole UDP datagrams")?;
    }
    Ok(tally)
}

fn text(frame: Result<&[u8], NotHex>, message: &mut Message) -> Result<(String, bool), String> {
    let peeled = peel(frame.map_err(|not_hex| not_hex.to_string())?);
    peeled.decode_into(message).map_err(|not| not.to_string())?;
    Ok((message.to_jer(), peeled.signed))
}
