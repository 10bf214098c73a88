//! The conversation with SUMO: one question, one answer, over one socket.
//!
//! Only what a roadside unit's neighbourhood needs: the version, what a traffic light rules, where a lane
//! lies, one context subscription for vehicles and one for persons, lamps, steps. Every answer has a
//! deadline. Not here: who starts SUMO ([`super::process`]), and what comes of the values.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use super::wire::{self, Cursor, Garbage, Value, kind};

/// Why it does not go on.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// There is no such program, or it cannot be started.
    #[error(
        "cannot start {program}: {why}; install it with `pip install eclipse-sumo==1.28.0`, and name it with --sumo PATH, SUMO_HOME or PATH"
    )]
    NoProgram {
        /// What was to be started.
        program: String,
        /// What the system says.
        why: io::Error,
    },
    /// It ended.
    #[error("SUMO ended ({status}); it said: {said}")]
    Ended {
        /// How.
        status: String,
        /// Its last words.
        said: String,
    },
    /// It does not answer.
    #[error("SUMO at {at} has not answered for {}s: it hangs, or something else listens there; run again, or start it by hand to see why", patience.as_secs())]
    Silent {
        /// Where it is.
        at: SocketAddr,
        /// How long was waited.
        patience: Duration,
    },
    /// The connection is broken.
    #[error("the connection to SUMO at {at} broke ({why}): it was ended, or it crashed; run again")]
    Lost {
        /// Where it was.
        at: SocketAddr,
        /// What the system says.
        why: io::Error,
    },
    /// It speaks something else.
    #[error("what answers at {at} is not SUMO's TraCI: {garbage}")]
    Garbled {
        /// Where it is.
        at: SocketAddr,
        /// What was wrong.
        garbage: Garbage,
    },
    /// It speaks another version.
    #[error(
        "{name} speaks TraCI {api}, and {} to {} are understood; install eclipse-sumo 1.28.0 (1.23 or newer has TraCI 22)",
        APIS.start(), APIS.end()
    )]
    Version {
        /// The version of the protocol.
        api: i32,
        /// What it calls itself.
        name: String,
    },
    /// It does not do what was asked.
    #[error("SUMO refuses to {what}: {said}")]
    Refused {
        /// What was asked.
        what: String,
        /// Why.
        said: String,
    },
    /// Its network does not fit the site.
    #[error("the network does not fit the site: {0}")]
    Misfit(String),
}

/// Versions of TraCI that are understood; tried with SUMO 1.28.0.
const APIS: RangeInclusive<i32> = 22..=22;

/// A connection.
#[derive(Debug)]
pub struct Client {
    stream: TcpStream,
    at: SocketAddr,
    patience: Duration,
    /// What it calls itself.
    name: String,
    /// Kept for its memory.
    answer: Vec<u8>,
}

/// One road user as SUMO has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// SUMO's name for it.
    pub id: String,
    /// It is on foot.
    pub person: bool,
    /// The middle of its front, in the network's metres.
    pub front: (f64, f64),
    /// Clockwise from the network's north.
    pub angle_deg: f64,
    /// Over ground.
    pub speed_mps: f64,
    /// Bumper to bumper.
    pub length_m: f64,
    /// Across.
    pub width_m: f64,
    /// Above ground.
    pub height_m: f64,
    /// SUMO's class of vehicles.
    pub class: String,
}

impl Client {
    /// Greets whoever listens at `at`, with so much patience for each answer.
    pub fn greet(stream: TcpStream, patience: Duration) -> Result<Self, Trouble> {
        let at = stream
            .peer_addr()
            .unwrap_or_else(|_| SocketAddr::from(([127, 0, 0, 1], 0)));
        let lost = |why| Trouble::Lost { at, why };
        stream.set_nodelay(true).map_err(lost)?;
        stream.set_write_timeout(Some(patience)).map_err(lost)?;
        let mut client = Self {
            stream,
            at,
            patience,
            name: String::new(),
            answer: Vec::new(),
        };
        let (api, name) = client.ask(0x00, &[], "tell its version", |rest| {
            let (_, mut version) = rest.block()?;
            Ok((version.integer()?, version.text()?.to_owned()))
        })?;
        if !APIS.contains(&api) {
            return Err(Trouble::Version { api, name });
        }
        client.name = name;
        Ok(client)
    }

    /// What SUMO calls itself.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What each lamp of a traffic light rules: from which lane to which.
    pub fn links(&mut self, light: &str) -> Result<Vec<Vec<[String; 2]>>, Trouble> {
        let what = format!("tell what traffic light {light:?} rules");
        let value = self.get(0xa2, 0x27, light, &what)?;
        let wrong = || Trouble::Garbled {
            at: self.at,
            garbage: Garbage {
                what: "links of a traffic light that are not as documented".to_owned(),
                at: 0,
            },
        };
        // A count, then for each lamp a count and so many lists of lane, lane and way.
        let Value::Many(values) = value else {
            return Err(wrong());
        };
        let mut lamps: Vec<Vec<[String; 2]>> = Vec::new();
        for value in values.into_iter().skip(1) {
            match (value, lamps.last_mut()) {
                (Value::Number(_), _) => lamps.push(Vec::new()),
                (Value::Texts(lanes), Some(lamp)) if lanes.len() >= 2 => {
                    let mut lanes = lanes.into_iter();
                    if let (Some(from), Some(to)) = (lanes.next(), lanes.next()) {
                        lamp.push([from, to]);
                    }
                }
                _ => return Err(wrong()),
            }
        }
        Ok(lamps)
    }

    /// Where a lane lies, in the network's metres.
    pub fn lane(&mut self, lane: &str) -> Result<Vec<(f64, f64)>, Trouble> {
        let what = format!("tell where lane {lane:?} lies");
        match self.get(0xa3, 0x4e, lane, &what)? {
            Value::Line(points) if points.len() >= 2 => Ok(points),
            _ => Err(Trouble::Misfit(format!("lane {lane:?} has no shape"))),
        }
    }

    /// Asks to be told, after each step, of all who are so near to a junction.
    pub fn subscribe(&mut self, junction: &str, radius_m: f64) -> Result<(), Trouble> {
        for domain in [VEHICLES, PERSONS] {
            let mut body = Vec::new();
            // From now on, for ever: the two mean just that.
            wire::number(FOR_EVER, &mut body);
            wire::number(FOR_EVER, &mut body);
            wire::text(junction, &mut body);
            body.push(domain);
            wire::number(radius_m, &mut body);
            body.push(VARIABLES.len() as u8);
            body.extend_from_slice(&VARIABLES);
            let what = format!("tell who is near junction {junction:?}");
            self.ask(0x89, &body, &what, |_| Ok(()))?;
        }
        Ok(())
    }

    /// Sets the lamps of a traffic light, a letter each.
    pub fn set_lamps(&mut self, light: &str, letters: &str) -> Result<(), Trouble> {
        let mut body = vec![0x20];
        wire::text(light, &mut body);
        body.push(kind::TEXT);
        wire::text(letters, &mut body);
        let what = format!("set traffic light {light:?}");
        self.ask(0xc2, &body, &what, |_| Ok(()))
    }

    /// Goes on by one step; who is near then.
    pub fn step(&mut self, seen: &mut Vec<Seen>) -> Result<(), Trouble> {
        seen.clear();
        let mut body = Vec::new();
        wire::number(0.0, &mut body);
        self.ask(0x02, &body, "go on by a step", |rest| {
            let count = rest.count(2)?;
            for _ in 0..count {
                let (id, mut told) = rest.block()?;
                if id == 0x99 {
                    context(&mut told, seen)?;
                }
            }
            Ok(())
        })
    }

    fn get(&mut self, domain: u8, variable: u8, id: &str, what: &str) -> Result<Value, Trouble> {
        let mut body = vec![variable];
        wire::text(id, &mut body);
        self.ask(domain, &body, what, |rest| {
            let (_, mut told) = rest.block()?;
            told.byte()?;
            told.text()?;
            told.value()
        })
    }

    /// Sends a command, and reads what follows the status of the answer.
    fn ask<T>(
        &mut self,
        command: u8,
        body: &[u8],
        what: &str,
        mut read: impl FnMut(&mut Cursor<'_>) -> Result<T, Garbage>,
    ) -> Result<T, Trouble> {
        let at = self.at;
        let sent = self.stream.write_all(&wire::message(command, body));
        sent.map_err(|why| self.broken(why))?;
        self.receive()?;
        let mut cursor = Cursor::new(&self.answer);
        let mut understand = || {
            let (id, mut status) = cursor.block()?;
            if id != command {
                return Err(cursor.garbage(format!("an answer to {id:#04x}, not {command:#04x}")));
            }
            let (result, said) = (status.byte()?, status.text()?);
            if result != 0 {
                return Ok(Err(said.to_owned()));
            }
            read(&mut cursor).map(Ok)
        };
        match understand() {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(said)) => Err(Trouble::Refused {
                what: what.to_owned(),
                said,
            }),
            Err(garbage) => Err(Trouble::Garbled { at, garbage }),
        }
    }

    fn receive(&mut self) -> Result<(), Trouble> {
        let due = Instant::now() + self.patience;
        let mut head = [0; 4];
        self.fill(&mut head, due)?;
        let told = i32::from_be_bytes(head);
        let length = usize::try_from(told)
            .ok()
            .and_then(|all| all.checked_sub(4));
        let Some(length) = length.filter(|&length| length <= LONGEST) else {
            return Err(Trouble::Garbled {
                at: self.at,
                garbage: Garbage {
                    what: format!("an answer of {told} bytes"),
                    at: 0,
                },
            });
        };
        let mut answer = std::mem::take(&mut self.answer);
        answer.clear();
        // What is promised is believed as it comes.
        while answer.len() < length {
            let have = answer.len();
            answer.resize(length.min(have + PIECE), 0);
            self.fill(&mut answer[have..], due)?;
        }
        self.answer = answer;
        Ok(())
    }

    fn fill(&mut self, mut buffer: &mut [u8], due: Instant) -> Result<(), Trouble> {
        while !buffer.is_empty() {
            let left = due.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(self.silent());
            }
            let waits = self.stream.set_read_timeout(Some(left));
            waits.map_err(|why| self.broken(why))?;
            match self.stream.read(buffer) {
                Ok(0) => return Err(self.broken(io::ErrorKind::UnexpectedEof.into())),
                Ok(count) => buffer = &mut buffer[count..],
                Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
                Err(why) => return Err(self.broken(why)),
            }
        }
        Ok(())
    }

    fn broken(&self, why: io::Error) -> Trouble {
        match why.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => self.silent(),
            _ => Trouble::Lost { at: self.at, why },
        }
    }

    fn silent(&self) -> Trouble {
        Trouble::Silent {
            at: self.at,
            patience: self.patience,
        }
    }
}

/// Who is near a junction.
fn context(told: &mut Cursor<'_>, seen: &mut Vec<Seen>) -> Result<(), Garbage> {
    told.text()?;
    let domain = told.byte()?;
    let variables = usize::from(told.byte()?);
    let objects = told.count(4)?;
    for _ in 0..objects {
        let mut one = Seen {
            id: told.text()?.to_owned(),
            person: domain == PERSONS,
            front: (0.0, 0.0),
            angle_deg: 0.0,
            speed_mps: 0.0,
            length_m: 0.0,
            width_m: 0.0,
            height_m: 0.0,
            class: String::new(),
        };
        for _ in 0..variables {
            let (variable, status) = (told.byte()?, told.byte()?);
            let value = told.value()?;
            if status != 0 {
                return Err(told.garbage(format!("no variable {variable:#04x} of {}", one.id)));
            }
            match (variable, value) {
                (0x42, Value::Place(east_m, north_m)) => one.front = (east_m, north_m),
                (0x43, Value::Number(deg)) => one.angle_deg = deg,
                (0x40, Value::Number(mps)) => one.speed_mps = mps,
                (0x44, Value::Number(m)) => one.length_m = m,
                (0x4d, Value::Number(m)) => one.width_m = m,
                (0xbc, Value::Number(m)) => one.height_m = m,
                (0x49, Value::Text(class)) => one.class = class,
                _ => return Err(told.garbage(format!("variable {variable:#04x} as another type"))),
            }
        }
        seen.push(one);
    }
    Ok(())
}

const VEHICLES: u8 = 0xa4;
const PERSONS: u8 = 0xae;
/// Place, angle, speed, length, width, height, class.
const VARIABLES: [u8; 7] = [0x42, 0x43, 0x40, 0x44, 0x4d, 0xbc, 0x49];
/// SUMO's number for a time that is not given.
const FOR_EVER: f64 = -1_073_741_824.0;
/// No answer is longer: a thousand road users are 150 kB.
const LONGEST: usize = 64 << 20;
const PIECE: usize = 64 << 10;
