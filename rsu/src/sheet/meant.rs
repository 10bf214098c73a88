//! What somebody meant who wrote a key that is not known: the same with another unit, or one that is
//! spelt nearly so. Units are part of a key's name.

use super::Reason;

/// The unit that a key's last word names, for messages; longest suffix first.
const UNITS: [(&str, &str); 11] = [
    ("-ms", " of milliseconds"),
    ("-us", " of microseconds"),
    ("-mps", " of metres per second"),
    ("-m", " of metres"),
    ("-deg", " of degrees"),
    ("-hz", " of hertz"),
    ("-kib", " of KiB"),
    ("-mb", " of megabytes"),
    ("-s", " of seconds"),
    ("-h", " of hours"),
    ("-kmh", " of kilometres per hour"),
];

/// What kind of number a key wants, for messages; empty where its name says none.
pub(super) fn unit_of(key: &str) -> &'static str {
    UNITS
        .iter()
        .find(|(suffix, _)| key.ends_with(suffix))
        .map_or("", |(_, unit)| unit)
}

fn stem(key: &str) -> &str {
    UNITS
        .iter()
        .find_map(|(suffix, _)| key.strip_suffix(suffix))
        .unwrap_or(key)
}

/// Why a key is refused, with the key that was probably meant.
pub(super) fn unknown(name: &str, known: &[&'static str]) -> Reason {
    let same_stem = known
        .iter()
        .find(|k| stem(k) == stem(name) && unit_of(k) != unit_of(name));
    if let Some(meant) = same_stem {
        let told = format!(
            "unknown key; the unit is part of the key: this one is `{meant}`, a number{}",
            unit_of(meant)
        );
        return Reason::new("unknown-key-unit", [(*meant).to_owned()], told);
    }
    let nearest = known
        .iter()
        .map(|k| (distance(name, k), *k))
        .min()
        .filter(|(steps, _)| *steps <= 2);
    match nearest {
        Some((_, meant)) => {
            let told = format!("unknown key; did you mean `{meant}`?");
            Reason::new("unknown-key-meant", [meant.to_owned()], told)
        }
        None if known.is_empty() => {
            let told = "unknown key; none is known here".to_owned();
            Reason::new("unknown-key-none", [], told)
        }
        None => {
            let known = known.join(", ");
            let told = format!("unknown key; known here: {known}");
            Reason::new("unknown-key", [known], told)
        }
    }
}

/// How many letters must be changed, added, dropped or swapped with the next to get from one word to
/// the other.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let changed = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = changed.min(row[j - 1] + 1).min(rows[i - 1][j] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_letters() {
        assert_eq!(distance("listen", "listen"), 0);
        assert_eq!(distance("lisen", "listen"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("rms", "rsm"), 1);
        assert_eq!(distance("rms", "rsi"), 2);
    }
}
