//! The page's Chinese words for what the unit says, `rsu/web/src/reasons.js`, against the sources that
//! say it: no code without words, and no words for what nobody says.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const WORDS: &str = include_str!("../../../../web/src/reasons.js");
/// Behind these stands a code.
const SAY: [&str; 5] = [
    "Reason::new(",
    "plain(",
    "Form::plain(",
    "Form::range(",
    "self.understood(key,",
];

/// What is between two marks of the file.
fn part(from: &str, to: &str) -> &'static str {
    let (_, rest) = WORDS.split_once(from).unwrap();
    rest.split_once(to).unwrap().0
}

/// Texts in quotes.
fn quoted(text: &str) -> Vec<&str> {
    text.split('"').skip(1).step_by(2).collect()
}

/// The codes that the page has words for.
fn known() -> BTreeSet<String> {
    let mut codes = BTreeSet::new();
    for line in part("const REASONS = {", "\n};").lines() {
        if line.trim_start().starts_with("//") {
            continue;
        }
        // Key, words, key, words; a key may stand without quotes.
        let mut rest = line.trim();
        while let Some((key, after)) = rest.split_once(':') {
            codes.insert(key.trim_matches([' ', ',', '"']).to_owned());
            let (_, words) = after.split_once('"').unwrap();
            rest = words.split_once('"').unwrap().1;
        }
    }
    codes
}

fn sources(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
}

/// All of the program, without its tests.
fn program() -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    sources(
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")),
        &mut files,
    );
    files.retain(|(path, _)| !path.to_string_lossy().contains("tests"));
    for (_, text) in &mut files {
        let end = text
            .find("\n#[cfg(test)]\nmod tests {")
            .unwrap_or(text.len());
        text.truncate(end);
    }
    files
}

#[test]
fn every_code_has_words_and_no_words_are_without_a_code() {
    let files = program();
    let mut said = BTreeSet::new();
    for (path, text) in &files {
        for call in SAY.iter().flat_map(|say| text.split(say).skip(1)) {
            if let Some(code) = call.trim_start().strip_prefix('"') {
                said.insert(code.split('"').next().unwrap().to_owned());
            }
        }
        if path.ends_with("outlook.rs") {
            let codes = quoted(text)
                .into_iter()
                .filter(|word| word.starts_with("no-"));
            said.extend(codes.map(str::to_owned));
        }
    }
    // By which code a replay ended is chosen before its reason is made.
    said.extend(["must-be", "played", "played-with-gaps"].map(str::to_owned));
    let known = known();
    assert!(said.len() > 60, "{said:?}");
    assert_eq!(
        said.difference(&known).collect::<Vec<_>>(),
        [""; 0],
        "without words"
    );
    assert_eq!(
        known.difference(&said).collect::<Vec<_>>(),
        [""; 0],
        "said by nobody"
    );
}

#[test]
fn every_sentence_that_has_words_is_said() {
    let files = program();
    let phrases = quoted(part("const PHRASES = [", "\n];"));
    let english: Vec<&str> = phrases.into_iter().step_by(2).collect();
    assert!(english.len() > 20, "{english:?}");
    for phrase in english {
        let pieces = (0..3).fold(vec![phrase], |pieces, n| {
            let mark = format!("{{{n}}}");
            pieces
                .into_iter()
                .flat_map(|piece| piece.split(&mark).collect::<Vec<_>>())
                .collect()
        });
        let longest = pieces.into_iter().max_by_key(|piece| piece.len()).unwrap();
        let is_said = files.iter().any(|(_, text)| {
            let joined = text.replace("\\\n", "");
            let tight = joined.split_whitespace().collect::<Vec<_>>().join(" ");
            tight.contains(longest.trim().trim_end_matches(':'))
        });
        assert!(is_said, "nobody says {phrase:?}");
    }
}
