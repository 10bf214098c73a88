//! A recording back to what was recorded, in the order in which it was written, a piece of the file at a
//! time. The end of a file whose writer was killed is simply where it ends.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use mcap::records::Record;
use mcap::sans_io::{LinearReadEvent, LinearReader, LinearReaderOptions};
use serde::de::DeserializeOwned;

use super::entry;
use super::file::is_recording;

/// One message that a replay uses; others are passed over.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Entry {
    Start(Box<entry::Start>),
    Arrived(entry::Bytes),
    Restarted(entry::Bytes),
    Asked(entry::Bytes),
    Flushed(entry::Bytes),
    Ordered(entry::Ordered),
    Step(entry::Step),
    /// With the name of its kind.
    Frame(String, entry::Frame),
    Gap(entry::Gap),
}

/// How a file ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// As it should.
    Whole,
    /// Its writer did not come to the end.
    CutShort,
}

/// Why a file cannot be read as a recording.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreadable {
    /// The system refuses.
    #[error("cannot be read: {0}")]
    Disk(#[from] io::Error),
    /// It is something else.
    #[error("not a recording: it does not begin as MCAP does")]
    Other,
    /// A part of it is not what was written.
    #[error("damaged after {whole} messages: {reason}; `mcap recover` saves what is whole")]
    Damaged {
        /// Messages before that.
        whole: u64,
        /// What is wrong there.
        reason: String,
    },
    /// A message makes no sense.
    #[error("{0}")]
    Message(String),
}

impl From<String> for Unreadable {
    fn from(reason: String) -> Self {
        Self::Message(reason)
    }
}

/// The files as given; of a folder, those of the run that began last.
///
/// # Errors
/// Where the folder cannot be read, or holds no recording.
pub(crate) fn last_run(paths: &[PathBuf]) -> Result<Vec<PathBuf>, String> {
    let [folder] = paths else {
        return Ok(paths.to_vec());
    };
    if !folder.is_dir() {
        return Ok(paths.to_vec());
    }
    let entries = fs::read_dir(folder)
        .map_err(|error| format!("cannot read {}: {error}", folder.display()))?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| is_recording(path))
        .collect();
    files.sort();
    let run = |path: &Path| {
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        stem.and_then(|stem| stem.rsplit_once('-'))
            .map(|(run, _)| run.to_owned())
    };
    let last = files.last().and_then(|path| run(path));
    files.retain(|path| run(path) == last);
    if files.is_empty() {
        return Err(format!("no recording in {}", folder.display()));
    }
    Ok(files)
}

/// Hands every message of the file to `each`, until that says that it has enough.
///
/// # Errors
/// Where the file cannot be read or is no MCAP, or a message is not one of ours.
pub(crate) fn read(
    file: impl Read + Seek,
    each: &mut dyn FnMut(Entry) -> bool,
) -> Result<Ending, Unreadable> {
    messages(file, |topic, data| {
        Ok(understand(topic, data)?.is_none_or(&mut *each))
    })
}

/// Longest record that is read; what claims to be longer is damaged. Chunks are unpacked bit by bit.
const LONGEST_RECORD: usize = 64 << 20;
/// Read at once, at the most.
const PIECE: usize = 256 << 10;

/// Hands topic and JSON of every message to `each`, until that says that it has enough.
///
/// # Errors
/// Where the file cannot be read or is no MCAP, and those of `each`.
pub(crate) fn messages(
    mut file: impl Read + Seek,
    mut each: impl FnMut(&str, &[u8]) -> Result<bool, String>,
) -> Result<Ending, Unreadable> {
    let ending = ending_of(&mut file)?.ok_or(Unreadable::Other)?;
    let options = LinearReaderOptions::default()
        .with_skip_end_magic(true)
        .with_record_length_limit(LONGEST_RECORD);
    let mut reader = LinearReader::new_with_options(options);
    let mut topics: BTreeMap<u16, String> = BTreeMap::new();
    let mut count = 0_u64;
    while let Some(event) = reader.next_event() {
        let record = match event {
            Ok(LinearReadEvent::ReadRequest(wanted)) => {
                let count = file.read(reader.insert(wanted.min(PIECE)));
                reader.notify_read(count?);
                continue;
            }
            Ok(LinearReadEvent::Record { data, opcode }) => mcap::parse_record(opcode, data),
            Err(error) => Err(error),
        };
        let record = match record {
            Ok(record) => record,
            Err(_) if ending == Ending::CutShort => return Ok(ending),
            Err(error) => {
                return Err(Unreadable::Damaged {
                    whole: count,
                    reason: error.to_string(),
                });
            }
        };
        match record {
            Record::Channel(channel) => {
                topics.insert(channel.id, channel.topic);
            }
            Record::Message { header, data } => {
                let topic = topics.get(&header.channel_id);
                count += 1;
                let topic = topic.ok_or_else(|| Unreadable::Damaged {
                    whole: count - 1,
                    reason: "a message of a channel that is not there".to_owned(),
                })?;
                if !each(topic, &data)? {
                    break;
                }
            }
            _ => {}
        }
    }
    Ok(ending)
}

/// How a file ends, and None where it does not even begin as it should; reads from its beginning then.
fn ending_of(file: &mut (impl Read + Seek)) -> io::Result<Option<Ending>> {
    const MAGIC: usize = mcap::MAGIC.len();
    let length = file.seek(SeekFrom::End(0))?;
    let mut magic_at = |place: u64| -> io::Result<bool> {
        let mut bytes = [0; MAGIC];
        file.seek(SeekFrom::Start(place))?;
        file.read_exact(&mut bytes)?;
        Ok(bytes == *mcap::MAGIC)
    };
    if length < MAGIC as u64 || !magic_at(0)? {
        return Ok(None);
    }
    let whole = length > 2 * MAGIC as u64 && magic_at(length - MAGIC as u64)?;
    file.rewind()?;
    Ok(Some(match whole {
        true => Ending::Whole,
        false => Ending::CutShort,
    }))
}

fn understand(topic: &str, data: &[u8]) -> Result<Option<Entry>, String> {
    let (kind, rest) = topic[1.min(topic.len())..]
        .split_once('/')
        .unwrap_or((topic.get(1..).unwrap_or(""), ""));
    Ok(Some(match kind {
        "start" => Entry::Start(Box::new(parse(topic, data)?)),
        "input" => Entry::Arrived(parse(topic, data)?),
        "restart" => Entry::Restarted(parse(topic, data)?),
        "asked" => Entry::Asked(parse(topic, data)?),
        "flush" => Entry::Flushed(parse(topic, data)?),
        "order" => Entry::Ordered(parse(topic, data)?),
        "step" => Entry::Step(parse(topic, data)?),
        "frame" => Entry::Frame(rest.to_owned(), parse(topic, data)?),
        "gap" => Entry::Gap(parse(topic, data)?),
        _ => return Ok(None),
    }))
}

/// A message out of its JSON.
///
/// # Errors
/// Where it is not of that form.
pub(crate) fn parse<T: DeserializeOwned>(topic: &str, data: &[u8]) -> Result<T, String> {
    serde_json::from_slice(data).map_err(|error| format!("a message of {topic}: {error}"))
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write as _};

    use mcap::WriteOptions;
    use mcap::records::MessageHeader;

    use super::*;

    /// A recording of `count` messages, as a unit writes them but in small chunks.
    fn recorded(count: u32) -> Vec<u8> {
        let mut file = Cursor::new(Vec::new());
        let options = WriteOptions::new()
            .chunk_size(Some(1024))
            .disable_seeking(true);
        let mut writer = options.create(&mut file).unwrap();
        let channel = writer
            .add_channel(0, "/gap", "json", &BTreeMap::new())
            .unwrap();
        for sequence in 0..count {
            let header = MessageHeader {
                channel_id: channel,
                sequence,
                log_time: 0,
                publish_time: 0,
            };
            let text = format!("{{\"n\":{sequence},\"pad\":\"{}\"}}", "x".repeat(200));
            writer
                .write_to_known_channel(&header, text.as_bytes())
                .unwrap();
        }
        writer.finish().unwrap();
        drop(writer);
        file.into_inner()
    }

    fn count(bytes: &[u8]) -> (Result<Ending, String>, u32) {
        let mut seen = 0;
        let ending = messages(Cursor::new(bytes), |topic, data| {
            assert_eq!(topic, "/gap");
            assert!(data.starts_with(format!("{{\"n\":{seen},").as_bytes()));
            seen += 1;
            Ok(true)
        });
        (ending.map_err(|error| error.to_string()), seen)
    }

    /// What is read at once is counted.
    struct Counted<'a>(Cursor<&'a [u8]>, usize);

    impl Read for Counted<'_> {
        fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
            self.1 = self.1.max(room.len());
            self.0.read(room)
        }
    }

    impl Seek for Counted<'_> {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.0.seek(to)
        }
    }

    #[test]
    fn a_file_is_read_in_pieces_and_whole() {
        let bytes = recorded(20_000);
        assert_eq!(count(&bytes), (Ok(Ending::Whole), 20_000));
        let mut file = Counted(Cursor::new(&bytes), 0);
        messages(&mut file, |_, _| Ok(true)).unwrap();
        assert!(file.1 <= PIECE, "{} at once", file.1);
        let mut first = 0;
        let enough = messages(Cursor::new(&bytes), |_, _| {
            first += 1;
            Ok(first < 3)
        });
        assert_eq!((enough.unwrap(), first), (Ending::Whole, 3));
    }

    #[test]
    fn a_file_ends_where_its_writer_did() {
        let bytes = recorded(100);
        let mut before = 0;
        for length in (20..bytes.len() - 20).step_by(97) {
            let (ending, seen) = count(&bytes[..length]);
            assert_eq!(ending, Ok(Ending::CutShort), "{length}");
            assert!(seen >= before, "{length}");
            before = seen;
        }
        assert!(before > 80, "{before}");
    }

    #[test]
    fn what_is_none_or_damaged_is_refused_and_a_long_record_takes_no_memory() {
        for bytes in [&b""[..], b"pcap", b"\x89MCAP0\r", b"not a recording at all"] {
            let told = count(bytes).0.unwrap_err();
            assert!(told.starts_with("not a recording"), "{told}");
        }
        let mut bytes = recorded(100);
        let middle = bytes.len() / 3;
        bytes[middle..middle + 64].fill(0xff);
        let told = count(&bytes).0.unwrap_err();
        assert!(told.starts_with("damaged"), "{told}");
        // A record that claims to be of an exabyte.
        let mut long = mcap::MAGIC.to_vec();
        long.write_all(&[5]).unwrap();
        long.write_all(&(1_u64 << 60).to_le_bytes()).unwrap();
        long.resize(1000, 0);
        assert_eq!(count(&long), (Ok(Ending::CutShort), 0));
        long.extend(mcap::MAGIC);
        assert!(count(&long).0.unwrap_err().starts_with("damaged"));
    }
}
