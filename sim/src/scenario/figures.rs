//! Figures that a scenario may have, refused while they are read, so that the line can be told.
//!
//! For `#[serde(deserialize_with = "...")]`. Not here: what two keys say of each other.

use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// A figure that its key cannot have.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub(super) enum NoFigure {
    /// Of a rate, a distance, a speed.
    #[error("{0} is not a number from 0 on")]
    FromNought(f64),
    /// Of a share.
    #[error("{0} is not a share: a number from 0 to 1")]
    Share(f64),
    /// Of a time between two.
    #[error("{0} is not a number above 0")]
    Positive(f64),
    /// Of a time or a place.
    #[error("{0} is not a number")]
    Finite(f64),
}

/// From nought on.
pub(super) fn from_nought<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    read(from, |value| value >= 0.0, NoFigure::FromNought)
}

/// The same of what may be left out.
pub(super) fn some_from_nought<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<f64>, D::Error> {
    from_nought(from).map(Some)
}

/// From 0 to 1.
pub(super) fn share<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    read(from, |value| (0.0..=1.0).contains(&value), NoFigure::Share)
}

/// Above nought, of what may be left out.
pub(super) fn some_positive<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    read(from, |value| value > 0.0, NoFigure::Positive).map(Some)
}

/// Any that is one.
pub(super) fn finite<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    read(from, |_| true, NoFigure::Finite)
}

/// The same of what may be left out.
pub(super) fn some_finite<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    finite(from).map(Some)
}

fn read<'de, D: Deserializer<'de>>(
    from: D,
    fits: impl Fn(f64) -> bool,
    no_figure: impl Fn(f64) -> NoFigure,
) -> Result<f64, D::Error> {
    let value = f64::deserialize(from)?;
    if value.is_finite() && fits(value) {
        Ok(value)
    } else {
        Err(D::Error::custom(no_figure(value)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{DemandTable, LineTable, RidersTable, UserTable};
    use serde::de::DeserializeOwned;

    const DEMAND: &str = "from = 11\nvehicles-per-hour = 520\nleft = 0.2\nright = 0.2\ntrucks = 0.1\n\
                          buses = 0.0\nequipped = 0.5\n";
    const RIDERS: &str = "from = 11\nper-hour = 520\nleft = 0.2\nright = 0.2\ne-bikes = 0.1\n";
    const LINE: &str = "service = 'bus'\nfrom = 11\nlane = 2\nturn = 'straight'\nfirst-s = 5\n\
                        every-s = 60\nuntil-s = 300\nstop-before-m = 80\n";
    const USER: &str = "kind = 'pedestrian'\nway-m = [[0, 0], [1, 0]]\nspeed-mps = 1.2\n\
                        speed-sigma-mps = 0.2\nfrom-s = 0\nuntil-s = 9\nper-hour = 60\n\
                        wait-at-m = 0.5\ngap-s = 2\n";

    /// Every key of `text` with a wrong figure for its own is refused, with the line and the reason.
    fn refuses<T: DeserializeOwned + std::fmt::Debug>(text: &str, wrong: &[(&str, &str, &str)]) {
        toml::from_str::<T>(text).expect("right as it stands");
        for &(key, value, reason) in wrong {
            let lines = text.lines().enumerate();
            let mut line_no = 0;
            let lines = lines.map(|(i, line)| {
                if line.starts_with(&format!("{key} =")) {
                    line_no = i + 1;
                    format!("{key} = {value}\n")
                } else {
                    format!("{line}\n")
                }
            });
            let text: String = lines.collect();
            assert!(line_no > 0, "{key}");
            let refused = toml::from_str::<T>(&text).expect_err(key).to_string();
            for told in [reason, &format!("line {line_no},"), key] {
                assert!(refused.contains(told), "{key} = {value}: {refused}");
            }
        }
    }

    #[test]
    fn rates_and_shares_that_are_none_are_refused_with_line_and_reason() {
        let none = "is not a share";
        refuses::<DemandTable>(
            DEMAND,
            &[
                ("vehicles-per-hour", "-1", "-1 is not a number from 0 on"),
                ("vehicles-per-hour", "nan", "NaN is not a number from 0 on"),
                ("vehicles-per-hour", "inf", "inf is not a number from 0 on"),
                ("left", "-0.1", none),
                ("right", "1.1", none),
                ("trucks", "nan", none),
                ("buses", "inf", none),
                ("equipped", "2", none),
            ],
        );
        refuses::<RidersTable>(
            RIDERS,
            &[
                ("per-hour", "-5", "-5 is not a number from 0 on"),
                ("left", "1.2", none),
                ("right", "nan", none),
                ("e-bikes", "-1", none),
            ],
        );
    }

    #[test]
    fn times_and_speeds_that_are_none_are_refused_with_line_and_reason() {
        let less = "is not a number from 0 on";
        refuses::<LineTable>(
            LINE,
            &[
                ("first-s", "nan", "NaN is not a number"),
                ("every-s", "0", "0 is not a number above 0"),
                ("every-s", "-60", "-60 is not a number above 0"),
                ("until-s", "inf", "inf is not a number"),
                ("stop-before-m", "-80", less),
            ],
        );
        refuses::<UserTable>(
            USER,
            &[
                ("speed-mps", "-1", less),
                ("speed-sigma-mps", "nan", less),
                ("from-s", "nan", "NaN is not a number"),
                ("until-s", "inf", "inf is not a number"),
                ("per-hour", "-60", less),
                ("per-hour", "inf", less),
                ("wait-at-m", "-1", less),
                ("gap-s", "-2", less),
            ],
        );
    }
}
