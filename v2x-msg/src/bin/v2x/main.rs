//! `v2x`: decode, encode and listen. Arguments and exit codes; the work is in the rooms.
//!
//! - [`frames`]: frames out of a file or a pipe: hex lines, raw bytes, pcap
//! - [`peel`]: what is around a message: DSMP, a security envelope
//! - [`decode`], [`encode`]: frames to JSON and back
//! - [`listen`]: what is on the air now

mod decode;
mod encode;
mod frames;
mod listen;
mod pcap;
mod peel;

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Reads and writes the messages of China's C-V2X (T/CSAE 53-2020, UPER).
#[derive(Parser)]
#[command(name = "v2x", version, after_help = EXIT_CODES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Frames to JSON (JER, X.697), one message a line
    #[command(after_help = DECODE_HELP)]
    Decode(decode::Arguments),
    /// JSON (JER) lines to frames as hex lines
    #[command(after_help = EXIT_CODES)]
    Encode(encode::Arguments),
    /// Joins a broadcast and prints its messages, rates, ages and losses
    #[command(after_help = LISTEN_HELP)]
    Listen(listen::Arguments),
}

const EXIT_CODES: &str = "\
Exit codes:
  0   all was well
  2   wrong arguments
  65  some line or frame was bad; it is named on standard error
  66  the input cannot be opened
  69  the address cannot be listened on
  74  reading or writing failed";

const DECODE_HELP: &str = "\
Input is recognised by its first bytes:
  hex lines    spaces, a leading 0x, empty lines and # comments are allowed
  pcap         classic; UDP payloads over Ethernet, raw IP, Linux cooked or loopback,
               whole packets of USER0
  other bytes  one raw frame
A DSMP header (04 00 ...) and a security envelope (03 80 / 03 81 ...) around a message are
taken off. Signatures are not verified, and it is said how many messages had one.

Bad frames go to standard error: their line, the bit where decoding stopped, the reason.
With --edition auto, so does what each frame was taken for: it is decoded as either edition
has it, encoded again and compared. SPAT and RSM are the same in both.

Exit codes:
  0   all was well
  2   wrong arguments
  65  some frame was bad
  66  the input cannot be opened
  74  reading or writing failed";

const LISTEN_HELP: &str = "\
Each message is one line: time of arrival (UTC), sender, application, msgCnt, octets,
content. Lines that begin with `--` come every second, and for all of the time at the end
(Ctrl-C, --duration, --count), one a sender and kind:
  rate    messages in that second
  age     mean and greatest, in ms, by the message's own times and this clock; of a SPAT,
          since the lamps were read; of an RSM, since its oldest road user was seen
  lost    gaps in msgCnt
and one for each reason why frames were rejected. With --json, standard output has nothing
but JSON, and these lines go to standard error.

Exit codes:
  0   all was well
  2   wrong arguments
  69  the address cannot be listened on
  74  reading or writing failed";

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Decode(arguments) => decode::run(&arguments),
        Command::Encode(arguments) => encode::run(&arguments),
        Command::Listen(arguments) => listen::run(&arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::BadData) => ExitCode::from(65),
        // Whoever read our output has enough of it, as `head` has.
        Err(Failure::Io(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("v2x: {failure}");
            ExitCode::from(failure.code())
        }
    }
}

/// Why a command ends without success.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// Some line or frame was bad, and has been reported.
    #[error("bad input")]
    BadData,
    /// Arguments that do not go together.
    #[error("{0}")]
    Usage(&'static str),
    /// The input cannot be opened.
    #[error("cannot open {0}: {1}")]
    NoInput(PathBuf, io::Error),
    /// The address cannot be listened on.
    #[error("{0}")]
    Unavailable(anyhow::Error),
    /// Reading or writing failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Failure {
    /// Codes of sysexits.h.
    fn code(&self) -> u8 {
        match self {
            Failure::BadData => 65,
            Failure::Usage(_) => 2,
            Failure::NoInput(..) => 66,
            Failure::Unavailable(_) => 69,
            Failure::Io(_) => 74,
        }
    }
}

/// The file, or standard input where it is left out or `-`.
fn open(file: Option<&Path>) -> Result<Box<dyn BufRead>, Failure> {
    match file {
        None => Ok(Box::new(io::stdin().lock())),
        Some(path) if path.as_os_str() == "-" => Ok(Box::new(io::stdin().lock())),
        Some(path) => File::open(path)
            .map(|file| Box::new(BufReader::new(file)) as Box<dyn BufRead>)
            .map_err(|error| Failure::NoInput(path.to_path_buf(), error)),
    }
}
