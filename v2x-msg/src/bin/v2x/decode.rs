//! `v2x decode`: frames to JSON lines.

use std::io::{self, BufRead, BufWriter, Write};
use std::path::PathBuf;

use v2x_msg::{Edition, Fit, Found, Message, Probe};

use crate::frames::{self, NotHex, Place};
use crate::peel::{Peeled, peel};
use crate::{Failure, open};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Hex lines, pcap or one raw frame; standard input where it is left out or `-`
    file: Option<PathBuf>,
    /// Edition of the message set that the frames follow
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
    /// Tries both on each frame and says which it was, and how sure that is
    Auto,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let input = open(arguments.file.as_deref())?;
    let tally = decode(
        arguments.edition,
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

fn decode(
    choice: Choice,
    input: impl BufRead,
    mut out: impl Write,
    mut notes: impl Write,
) -> io::Result<Tally> {
    let mut tally = Tally::default();
    let mut message = Message::default();
    let passed_over = frames::for_each(input, |place, frame| {
        match text(choice, frame, &mut message) {
            Ok(text) => {
                tally.good += 1;
                tally.signed += usize::from(text.signed);
                if let Some(edition) = text.edition {
                    writeln!(notes, "{place}: {edition}")?;
                }
                writeln!(out, "{}", text.jer)?;
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

/// A frame that was understood.
struct Text {
    jer: String,
    signed: bool,
    /// Which edition it was, where that was asked for.
    edition: Option<String>,
}

fn text(
    choice: Choice,
    frame: Result<&[u8], NotHex>,
    message: &mut Message,
) -> Result<Text, String> {
    let peeled = peel(frame.map_err(|not_hex| not_hex.to_string())?);
    let mut edition = None;
    let jer = match choice {
        Choice::Ours => {
            peeled.decode_into(message).map_err(|not| not.to_string())?;
            message.to_jer()
        }
        Choice::Older => jer_of(Edition::Y2019, &peeled)?,
        Choice::Auto => {
            let probe = Probe::of(peeled.message);
            edition = Some(said(&probe));
            jer_of(probe.found().edition().unwrap_or_default(), &peeled)?
        }
    };
    Ok(Text {
        jer,
        signed: peeled.signed,
        edition,
    })
}

fn jer_of(edition: Edition, peeled: &Peeled<'_>) -> Result<String, String> {
    let jer = edition.jer(peeled.message);
    jer.map_err(|uper| peeled.not_message(uper).to_string())
}

/// Which edition it is, how sure, and why.
fn said(probe: &Probe) -> String {
    let (found, sure) = match probe.found() {
        Found::Neither => return "neither 2020 nor 2019-07-24".to_owned(),
        Found::Either => return "2020 or 2019-07-24: says the same in both".to_owned(),
        Found::Sure(edition) => (edition, "surely"),
        Found::Likely(edition) => (edition, "likely"),
    };
    let (other, fit, other_fit) = match found {
        Edition::Y2019 => (Edition::Y2020, probe.y2019, probe.y2020),
        Edition::Y2020 => (Edition::Y2019, probe.y2020, probe.y2019),
    };
    let why = match (fit, other_fit) {
        (Fit::Same, Fit::Same) => format!("fits {other} too, but would say something else"),
        (Fit::Same, Fit::Other) => format!("as {other} it would be encoded otherwise"),
        (Fit::Same, Fit::No(error)) => format!("not {other}, {error}"),
        _ => "though we would encode it otherwise".to_owned(),
    };
    format!("{found}, {sure}: {why}")
}
