//! Keys of a scenario that somebody sets, as people type them: `signals.gap-s=4,traffic-s=200`.
//!
//! Not here: what is done with them ([`crate::scenario`]).

/// Keys and what is set there, from one argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings(pub(crate) Vec<(String, String)>);

/// Reads one argument. A comma within brackets, braces or quotes belongs to the value.
pub(crate) fn settings(text: &str) -> Result<Settings, String> {
    let settings = parts(text)?.into_iter().map(|part| {
        let (key, value) = part
            .split_once('=')
            .ok_or_else(|| format!("{part:?}: give KEY=VALUE"))?;
        Ok((key.trim().to_owned(), value.trim().to_owned()))
    });
    settings.collect::<Result<_, _>>().map(Settings)
}

fn parts(text: &str) -> Result<Vec<&str>, String> {
    let (mut parts, mut begin, mut depth, mut quote) = (Vec::new(), 0, 0_u32, None);
    for (at, c) in text.char_indices() {
        match (c, quote) {
            (_, Some(open)) => quote = quote.filter(|_| c != open),
            ('"', None) => quote = Some(c),
            ('[' | '{', None) => depth += 1,
            (']' | '}', None) => {
                depth = depth
                    .checked_sub(1)
                    .ok_or_else(|| format!("{text:?}: nothing opens the {c} there"))?;
            }
            (',', None) if depth == 0 => {
                parts.push(&text[begin..at]);
                begin = at + 1;
            }
            _ => {}
        }
    }
    if depth > 0 || quote.is_some() {
        return Err(format!("{text:?}: a bracket or a quote is not closed"));
    }
    parts.push(&text[begin..]);
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_parted_by_commas_but_not_within_a_value() {
        let schedule =
            "[{ from-s = 0, vehicles-per-hour = 300 }, { from-s = 9, vehicles-per-hour = 0 }]";
        let text = format!("traffic-s=200,demand.*.schedule={schedule},name=\"a, [b\",x = [1,2]");
        let wanted = [
            ("traffic-s", "200"),
            ("demand.*.schedule", schedule),
            ("name", "\"a, [b\""),
            ("x", "[1,2]"),
        ];
        let wanted = wanted.map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(settings(&text), Ok(Settings(wanted.to_vec())));
    }

    #[test]
    fn what_sets_nothing_or_is_not_closed_is_refused() {
        for wrong in ["", "a", "a=1,", "a=1,b", "a=[1,2", "a=1]", "a=\"1,b=2"] {
            assert!(settings(wrong).is_err(), "{wrong}");
        }
    }
}
