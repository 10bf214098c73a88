//! `v2x decode`: frames to JSON lines.

use std::cell::RefCell;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::PathBuf;
use std::rc::Rc;

use v2x_msg::{Edition, Fit, Found, Message, Probe};

use crate::frames::{self, NotHex};
use crate::peel::{Peeled, peel};
use crate::{Failure, open};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Hex lines, pcap or one raw frame; standard input where it is left out or `-`
    file: Option<PathBuf>,
    /// Edition of the message set that the frames follow
    #[arg(long, value_enum, default_value_t = Choice::Ours)]
    edition: Choice,
    /// Takes messages of careless senders too: padding that is not zero, lengths in more bits than
    /// need be, octets left over. Edition 2020 only
    #[arg(long)]
    lenient: bool,
    /// Only checks: bad frames are named, good ones counted
    #[arg(long, short)]
    quiet: bool,
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
    if arguments.lenient && arguments.edition != Choice::Ours {
        return Err(Failure::Usage("--lenient is for --edition 2020"));
    }
    let out = Rc::new(RefCell::new(Output {
        lines: BufWriter::with_capacity(BUFFER, io::stdout().lock()),
        notes: BufWriter::new(io::stderr().lock()),
    }));
    let input = FlushFirst {
        source: open(arguments.file.as_deref())?,
        out: Rc::clone(&out),
    };
    let tally = decode(arguments, BufReader::with_capacity(BUFFER, input), &out)?;
    if tally.bad == 0 {
        Ok(())
    } else {
        Err(Failure::BadData)
    }
}

/// Large enough that the kernel is rarely asked.
const BUFFER: usize = 1 << 18;

/// Where messages go, and what there is to say about them.
struct Output<L: Write, N: Write> {
    lines: L,
    notes: N,
}

impl<L: Write, N: Write> Output<L, N> {
    fn flush(&mut self) -> io::Result<()> {
        self.lines.flush()?;
        self.notes.flush()
    }
}

/// Hands out what has been said before it waits for more: a person may be watching the other end
/// of a pipe that goes on.
struct FlushFirst<R, L: Write, N: Write> {
    source: R,
    out: Rc<RefCell<Output<L, N>>>,
}

impl<R: Read, L: Write, N: Write> Read for FlushFirst<R, L, N> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.out.borrow_mut().flush()?;
        self.source.read(buffer)
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    good: usize,
    signed: usize,
    bad: usize,
}

fn decode<L: Write, N: Write>(
    arguments: &Arguments,
    input: impl BufRead,
    out: &RefCell<Output<L, N>>,
) -> io::Result<Tally> {
    let mut tally = Tally::default();
    let mut decoder = Decoder::default();
    let passed_over = frames::for_each(input, |place, frame| {
        let decoded = decoder.decode(arguments, frame);
        let Output { lines, notes } = &mut *out.borrow_mut();
        match decoded {
            Ok(signed) => {
                tally.good += 1;
                tally.signed += usize::from(signed);
                if let Some(edition) = &decoder.edition {
                    writeln!(notes, "{place}: {edition}")?;
                }
                lines.write_all(decoder.line.as_bytes())?;
            }
            Err(reason) => {
                tally.bad += 1;
                writeln!(notes, "{place}: {reason}")?;
            }
        }
        Ok(())
    })?;
    let mut out = out.borrow_mut();
    let Output { notes, .. } = &mut *out;
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
    if arguments.quiet {
        writeln!(notes, "{} messages, {} bad frames", tally.good, tally.bad)?;
    }
    out.flush()?;
    Ok(tally)
}

/// Frame after frame, in the same memory.
#[derive(Default)]
struct Decoder {
    message: Message,
    /// The JSON of the last frame with its line end; empty where it is not wanted.
    line: String,
    /// Which edition the last frame was, where that is asked for.
    edition: Option<String>,
}

impl Decoder {
    /// Decodes a frame, and says whether it was signed; else why it is no message.
    fn decode(
        &mut self,
        arguments: &Arguments,
        frame: Result<&[u8], NotHex>,
    ) -> Result<bool, String> {
        let peeled = peel(frame.map_err(|not_hex| not_hex.to_string())?);
        self.line.clear();
        match arguments.edition {
            Choice::Ours => {
                let decoded = match arguments.lenient {
                    true => peeled.decode_lenient_into(&mut self.message),
                    false => peeled.decode_into(&mut self.message),
                };
                decoded.map_err(|not| not.to_string())?;
                if !arguments.quiet {
                    // A String takes any text.
                    let _ = self.message.write_jer(&mut self.line);
                }
            }
            Choice::Older => self.line = jer_of(Edition::Y2019, &peeled)?,
            Choice::Auto => {
                let probe = Probe::of(peeled.message);
                self.edition = Some(said(&probe));
                self.line = jer_of(probe.found().edition().unwrap_or_default(), &peeled)?;
            }
        }
        if arguments.quiet {
            self.line.clear();
        } else {
            self.line.push('\n');
        }
        Ok(peeled.signed)
    }
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
