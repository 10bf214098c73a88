//! `rsu event add|list|show|end|rsi`: a person orders what is told on the road, at the unit's control
//! socket.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::load::{self, load};
use crate::events::ask::whole;

/// What `rsu event` is asked to do.
#[derive(Clone, Debug, clap::Args)]
pub struct EventArgs {
    /// The unit's control socket.
    #[arg(long, global = true, value_name = "SOCKET")]
    pub control: Option<PathBuf>,
    /// The unit's configuration, which names the socket.
    #[arg(long, global = true, conflicts_with = "control", value_name = "FILE")]
    pub config: Option<PathBuf>,
    #[command(subcommand)]
    command: EventCommand,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum EventCommand {
    /// Tell of an event until it ends, or put up a sign.
    Add(Box<AddArgs>),
    /// What stands by the word of people and platforms, one JSON object a line.
    List,
    /// One of them.
    Show {
        /// Its number.
        number: u64,
    },
    /// End one: it is sent with its end for a while, and gone.
    End {
        /// Its number.
        number: u64,
    },
    /// Tell what a ready-made RSI says, after checking it.
    Rsi {
        /// UPER in hexadecimal digits, with or without its DSMP header.
        hex: String,
    },
}

#[derive(Clone, Debug, clap::Args)]
struct AddArgs {
    /// Code of GB/T 29100-2012, such as 501 for works.
    #[arg(long = "type", required_unless_present_any = ["json", "sign"])]
    kind: Option<u16>,
    /// A sign in place of an event: its row in the index of GB 5768.2-2009, such as 38 for works.
    #[arg(long, value_name = "TYPE", conflicts_with = "kind", requires = "code")]
    sign: Option<u16>,
    /// The sign's 16 characters by GB/T 30699-2014.
    #[arg(long, requires = "sign")]
    code: Option<String>,
    /// The sign's words, which GB 2312 must have.
    #[arg(long, requires = "sign")]
    text: Option<String>,
    /// In degrees: LAT,LON.
    #[arg(long, value_name = "LAT,LON", value_parser = pair, allow_hyphen_values = true)]
    at: Option<(f64, f64)>,
    /// In metres from the site's origin: EAST,NORTH.
    #[arg(long, value_name = "EAST,NORTH", value_parser = pair, allow_hyphen_values = true)]
    at_m: Option<(f64, f64)>,
    /// On a link: UPSTREAM-DOWNSTREAM@METRES before the stop line, lanes after a colon, and its length
    /// after a plus: 11-10:1,2@80+40.
    #[arg(long, value_name = "UP-DOWN[:LANES]@M[+M]", value_parser = on_link)]
    on: Option<Value>,
    /// How far around it reaches, in metres.
    #[arg(long, value_name = "M")]
    radius_m: Option<f64>,
    /// In words that GB 2312 has.
    #[arg(long)]
    description: Option<String>,
    /// Who says so: police, government, meteorological, internet, detection, unknown.
    #[arg(long)]
    source: Option<String>,
    /// How urgent, 0 to 7.
    #[arg(long)]
    level: Option<u8>,
    /// How sure, in percent.
    #[arg(long)]
    confidence: Option<f64>,
    /// For so many seconds.
    #[arg(long, value_name = "S", conflicts_with = "until")]
    lasts_s: Option<u64>,
    /// Until a moment such as 2026-12-31T20:00:00+08:00.
    #[arg(long)]
    until: Option<String>,
    /// The whole event or sign as JSON (docs/events.schema.json), from a file or `-`; the other options replace
    /// what stands there.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Made again with the same key, an order is answered again and not done twice.
    #[arg(long)]
    key: Option<String>,
}

/// As in sysexits.h.
const USAGE: u8 = 64;
const REFUSED: u8 = 65;
const CANNOT_OPEN: u8 = 66;
/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// Runs the command.
pub fn event(args: &EventArgs) -> ExitCode {
    match run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err((exit, reason)) => {
            eprintln!("{reason}");
            exit.into()
        }
    }
}

fn run(args: &EventArgs) -> Result<(), (u8, String)> {
    let socket = socket(args)?;
    let asked = match &args.command {
        EventCommand::Add(add) => add.request()?,
        EventCommand::List => json!({ "do": "list" }),
        EventCommand::Show { number } => json!({ "do": "show", "number": number }),
        EventCommand::End { number } => json!({ "do": "end", "number": number }),
        EventCommand::Rsi { hex } => json!({ "do": "rsi", "hex": hex }),
    };
    let answer = ask(&socket, &asked).map_err(|error| {
        let reason = format!("no answer at {}: {error}", socket.display());
        (CANNOT_OPEN, reason)
    })?;
    let code = answer["code"].as_u64().unwrap_or(500);
    let body = &answer["body"];
    if code >= 300 {
        let reason = body["error"].as_str().map(str::to_owned);
        return Err((REFUSED, reason.unwrap_or_else(|| body.to_string())));
    }
    let mut out = io::stdout().lock();
    // A reader that went away is not our concern.
    let _ = match body["events"].as_array() {
        Some(list) => list.iter().try_for_each(|event| writeln!(out, "{event}")),
        None => writeln!(out, "{body}"),
    };
    match body["errors"].as_array() {
        Some(errors) if !errors.is_empty() => {
            let errors: Vec<&str> = errors.iter().filter_map(Value::as_str).collect();
            Err((REFUSED, errors.join("\n")))
        }
        _ => Ok(()),
    }
}

fn socket(args: &EventArgs) -> Result<PathBuf, (u8, String)> {
    if let Some(socket) = &args.control {
        return Ok(socket.clone());
    }
    let Some(file) = &args.config else {
        return Err((USAGE, "give --control SOCKET or --config FILE".to_owned()));
    };
    let checked = load(file).map_err(|findings| (78, findings.to_string()))?;
    let socket = checked.config.orders.and_then(|orders| orders.socket);
    socket.ok_or_else(|| {
        let reason = format!("{}: [orders] names no `socket`", file.display());
        (78, reason)
    })
}

fn ask(socket: &Path, asked: &Value) -> io::Result<Value> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(format!("{asked}\n").as_bytes())?;
    let mut line = String::new();
    BufReader::new(stream).take(16 << 20).read_line(&mut line)?;
    if line.is_empty() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(serde_json::from_str(&line)?)
}

impl AddArgs {
    fn request(&self) -> Result<Value, (u8, String)> {
        let mut event = match &self.json {
            None => Map::new(),
            Some(path) => match read_json(path)? {
                Value::Object(event) => event,
                _ => return Err((REFUSED, format!("{}: is no object", path.display()))),
            },
        };
        let mut set = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                event.insert(key.to_owned(), value);
            }
        };
        let degrees = |(lat, lon)| json!({ "lat_deg": lat, "lon_deg": lon });
        let metres = |(east, north)| json!({ "east_m": east, "north_m": north });
        set("type", self.kind.or(self.sign).map(Value::from));
        set("kind", self.sign.map(|_| Value::from("sign")));
        set("code", self.code.clone().map(Value::from));
        set("text", self.text.clone().map(Value::from));
        set("position", self.at.map(degrees).or(self.at_m.map(metres)));
        set("on", self.on.clone());
        set("radius_m", self.radius_m.map(Value::from));
        set("description", self.description.clone().map(Value::from));
        set("source", self.source.clone().map(Value::from));
        set("level", self.level.map(Value::from));
        set("confidence_percent", self.confidence.map(Value::from));
        set("lasts_s", self.lasts_s.map(Value::from));
        set("until", self.until.clone().map(Value::from));
        Ok(json!({ "do": "add", "event": event, "key": self.key }))
    }
}

fn read_json(path: &Path) -> Result<Value, (u8, String)> {
    let text = if path.as_os_str() == "-" {
        let mut text = String::new();
        let read = io::stdin().take(1 << 20).read_to_string(&mut text);
        read.map(|_| text)
    } else {
        load::read(path)
    };
    let shown = path.display();
    let text = text.map_err(|error| (CANNOT_OPEN, format!("cannot read {shown}: {error}")))?;
    whole::parse(text.as_bytes()).map_err(|error| (REFUSED, format!("{shown}: {error}")))
}

fn pair(text: &str) -> Result<(f64, f64), String> {
    let both = text.split_once(',').and_then(|(a, b)| {
        let number = |text: &str| text.trim().parse::<f64>().ok().filter(|n| n.is_finite());
        Some((number(a)?, number(b)?))
    });
    both.ok_or_else(|| "must be two numbers with a comma between them".to_owned())
}

fn on_link(text: &str) -> Result<Value, String> {
    let parse = || {
        let (link, place) = text.split_once('@')?;
        let (link, lanes) = link
            .split_once(':')
            .map_or((link, None), |(l, n)| (l, Some(n)));
        let (upstream, downstream) = link.split_once('-')?;
        let node = |text: &str| match text.contains('/') {
            true => Some(Value::from(text)),
            false => Some(Value::from(text.parse::<u16>().ok()?)),
        };
        let (from, length) = place
            .split_once('+')
            .map_or((place, None), |(f, l)| (f, Some(l)));
        let lanes = lanes.map(|lanes| lanes.split(',').map(str::parse::<u8>).collect());
        let lanes: Option<Result<Vec<u8>, _>> = lanes;
        let mut on = json!({
            "upstream": node(upstream)?,
            "downstream": node(downstream)?,
            "from_stop_line_m": from.parse::<f64>().ok()?,
        });
        if let Some(lanes) = lanes {
            on["lanes"] = json!(lanes.ok()?);
        }
        if let Some(length) = length {
            on["length_m"] = json!(length.parse::<f64>().ok()?);
        }
        Some(on)
    };
    parse().ok_or_else(|| "must be such as 11-10@80 or 11-10:1,2@80+40".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_on_a_link_is_written_in_one_word() {
        let whole = on_link("11-10:1,2@80+40").unwrap();
        let expected = json!({
            "upstream": 11, "downstream": 10, "lanes": [1, 2],
            "from_stop_line_m": 80.0, "length_m": 40.0,
        });
        assert_eq!(whole, expected);
        assert_eq!(on_link("7/11-10@8").unwrap()["upstream"], json!("7/11"));
        for wrong in ["11-10", "11@8", "11-10@x", "11-10:@8", "a-10@8"] {
            assert!(on_link(wrong).is_err(), "{wrong}");
        }
        assert_eq!(pair("31.2, 121.5"), Ok((31.2, 121.5)));
        assert!(pair("31.2").is_err() && pair("nan,1").is_err());
    }
}
