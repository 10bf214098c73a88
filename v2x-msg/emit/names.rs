//! ASN.1 names as Rust spells them.

/// Acronyms that the message set writes straight in front of a lower-case word
/// (`currGNSSstatus`). Elsewhere the last capital of a run begins the next word (`UTCTime`).
const ACRONYMS: [&str; 6] = ["ABS", "GNSS", "IR", "MAP", "PDOP", "SPAT"];

/// Words that Rust keeps for itself and that the message set could use.
const KEYWORDS: [&str; 14] = [
    "abstract", "as", "box", "const", "enum", "final", "in", "loop", "move", "override", "ref",
    "static", "type", "yield",
];

/// `Position-LL-24B` is `PositionLL24B`: hyphens go, the rest stays.
pub fn type_name(asn: &str) -> String {
    asn.replace('-', "")
}

/// `flashing-red` is `FlashingRed`. Between digits the hyphen becomes an underscore, because
/// `prec01deg` and `prec0-1deg` are not the same: `Prec01deg`, `Prec0_1deg`.
pub fn variant(asn: &str) -> String {
    let mut name = String::new();
    let mut raise = true;
    let mut last = None;
    let mut letters = asn.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter == '-' {
            let digit = |c: Option<char>| c.is_some_and(|c: char| c.is_ascii_digit());
            if digit(last) && digit(letters.peek().copied()) {
                name.push('_');
            }
            raise = true;
        } else if raise {
            name.extend(letter.to_uppercase());
            raise = false;
        } else {
            name.push(letter);
        }
        last = Some(letter);
    }
    name
}

/// `msgCnt` is `msg_cnt`, `position-LL1` is `position_ll1`, `type` is `type_`.
pub fn field(asn: &str) -> String {
    let mut name = words(asn).join("_");
    if KEYWORDS.contains(&name.as_str()) {
        name.push('_');
    }
    name
}

/// `fixedTimeOperation` is `FIXED_TIME_OPERATION`.
pub fn constant(asn: &str) -> String {
    words(asn).join("_").to_uppercase()
}

/// The words of a name, in lower case.
fn words(asn: &str) -> Vec<String> {
    let letters: Vec<char> = asn.chars().collect();
    let mut words = vec![String::new()];
    let mut at = 0;
    while at < letters.len() {
        let run = letters[at..]
            .iter()
            .take_while(|c| c.is_ascii_uppercase())
            .count();
        if letters[at] == '-' {
            words.push(String::new());
            at += 1;
        } else if run == 0 {
            push(&mut words, &letters[at..=at]);
            at += 1;
        } else {
            words.push(String::new());
            let before_lower = letters.get(at + run).is_some_and(char::is_ascii_lowercase);
            let text: String = letters[at..at + run].iter().collect();
            // How much of the run is a word of its own, and is not the first letter of the next.
            let own = match ACRONYMS.iter().find(|acronym| text.ends_with(**acronym)) {
                Some(acronym) if before_lower && text.len() > acronym.len() => {
                    text.len() - acronym.len()
                }
                Some(_) => run,
                None if before_lower && run > 1 => run - 1,
                None => run,
            };
            push(&mut words, &letters[at..at + own]);
            at += own;
            let next_is_word = letters.get(at).is_some_and(char::is_ascii_lowercase);
            if next_is_word && own > 1 {
                words.push(String::new());
            }
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn push(words: &mut [String], letters: &[char]) {
    if let Some(word) = words.last_mut() {
        word.extend(letters.iter().flat_map(|letter| letter.to_lowercase()));
    }
}
