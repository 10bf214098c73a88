//! A recording back to what was recorded, in the order in which it was written. The end of a file
//! whose writer was killed is simply where it ends.

use std::fs;
use std::path::{Path, PathBuf};

use mcap::MessageStream;
use mcap::read::Options;
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
/// Where the bytes are no MCAP, or a message is not one of ours.
pub(crate) fn read(file: &[u8], each: &mut dyn FnMut(Entry) -> bool) -> Result<Ending, String> {
    messages(file, |topic, data| {
        Ok(understand(topic, data)?.is_none_or(&mut *each))
    })
}

/// Hands topic and JSON of every message to `each`, until that says that it has enough.
///
/// # Errors
/// Where the bytes are no MCAP, and those of `each`.
pub(crate) fn messages(
    file: &[u8],
    mut each: impl FnMut(&str, &[u8]) -> Result<bool, String>,
) -> Result<Ending, String> {
    if !file.starts_with(mcap::MAGIC) {
        return Err("not a recording: it does not begin as MCAP does".to_owned());
    }
    let whole = file.ends_with(mcap::MAGIC) && file.len() > 2 * mcap::MAGIC.len();
    let stream = MessageStream::new_with_options(file, Options::IgnoreEndMagic.into())
        .map_err(|error| format!("not a recording: {error}"))?;
    for message in stream {
        let message = match message {
            Ok(message) => message,
            Err(_) if !whole => return Ok(Ending::CutShort),
            Err(error) => return Err(format!("damaged: {error}")),
        };
        if !each(&message.channel.topic, &message.data)? {
            break;
        }
    }
    Ok(if whole {
        Ending::Whole
    } else {
        Ending::CutShort
    })
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
