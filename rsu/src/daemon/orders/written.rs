//! Orders as text, for the journal and the recording: content is an RSI of its own in UPER, so that it
//! comes back as it was to the last bit.

use std::path::Path;

use serde::{Deserialize, Serialize};
use v2x_msg::Message;
use v2x_msg::base::{EnuFrame, GeoPosition, MsgCount, StationId, Utc};
use v2x_msg::kinds::Rsi;

use crate::daemon::hex;
use crate::events::standing::Standing;
use crate::events::{Claim, Key, Order, Origin, SignClaim, Until, claim};
use crate::site::Site;

/// An order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "lowercase")]
pub(crate) enum Written {
    /// An event begins, or is changed.
    Event(Content),
    /// A sign is put up, or is changed.
    Sign(Content),
    /// An event is over.
    End { who: Who, number: u64 },
    /// A sign is taken down.
    Down { who: Who, number: u64 },
    /// The site's file is another now.
    Site { path: String, text: String },
}

/// An event or a sign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Content {
    pub(crate) who: Who,
    pub(crate) number: u64,
    /// Whether the id in it is a wish.
    pub(crate) keeps_id: bool,
    /// When it ends of itself.
    pub(crate) until_ms: Option<i64>,
    /// Hexadecimal digits of an RSI that holds it alone.
    pub(crate) rsi: String,
}

/// Who orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Who {
    Operator,
    Cloud,
}

impl Who {
    pub(crate) fn key(self, number: u64) -> Key {
        let origin = match self {
            Self::Operator => Origin::Operator,
            Self::Cloud => Origin::Cloud,
        };
        Key { origin, number }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Cloud => "cloud",
        }
    }
}

/// Why a text is no order.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NoOrder(String);

impl Content {
    /// Of an event; its position is counted from `ref_pos`.
    ///
    /// # Errors
    /// Where it breaks a rule of RSI, or does not fit into a message.
    pub(crate) fn of_event(
        (who, number): (Who, u64),
        event: &v2x_msg::kinds::rsi::Event,
        until: Option<Utc>,
        ref_pos: GeoPosition,
    ) -> Result<Self, NoOrder> {
        let alone = [event.clone()];
        let rsi = Rsi::of_events(MsgCount::from_random(0), NOBODY, ref_pos, alone);
        Self::of(who, number, until, &rsi.map_err(refused)?)
    }

    /// Of a sign.
    ///
    /// # Errors
    /// As [`Content::of_event`].
    pub(crate) fn of_sign(
        (who, number): (Who, u64),
        sign: &v2x_msg::kinds::rsi::Sign,
        until: Option<Utc>,
        ref_pos: GeoPosition,
    ) -> Result<Self, NoOrder> {
        let alone = [sign.clone()];
        let rsi = Rsi::of_signs(MsgCount::from_random(0), NOBODY, ref_pos, alone);
        Self::of(who, number, until, &rsi.map_err(refused)?)
    }

    fn of(who: Who, number: u64, until: Option<Utc>, rsi: &Rsi) -> Result<Self, NoOrder> {
        let mut message = Message::default();
        rsi.fill(&mut message);
        let mut bytes = [0; v2x_msg::access::dsmp::MAX_DATA];
        let length = message.encode_into(&mut bytes);
        let length = length.map_err(|_| NoOrder("does not fit into a message".to_owned()))?;
        Ok(Self {
            who,
            number,
            keeps_id: false,
            until_ms: until.map(Utc::unix_ms),
            rsi: hex::encode(&bytes[..length]),
        })
    }

    fn rsi(&self) -> Result<Rsi, NoOrder> {
        let bytes = hex::decode(&self.rsi).ok_or_else(|| NoOrder("no hex".to_owned()))?;
        let message = Message::decode(&bytes).map_err(refused)?;
        Rsi::read(&message).map_err(refused)
    }

    fn until(&self) -> Until {
        let moment = self.until_ms.and_then(Utc::from_unix_ms);
        moment.map_or(Until::Withdrawn, Until::Utc)
    }

    /// The event, where it is one.
    pub(crate) fn event(&self) -> Result<v2x_msg::kinds::rsi::Event, NoOrder> {
        let rsi = self.rsi()?;
        let event = rsi.events().first().cloned();
        event.ok_or_else(|| NoOrder("holds no event".to_owned()))
    }

    /// The sign, where it is one.
    pub(crate) fn sign(&self) -> Result<v2x_msg::kinds::rsi::Sign, NoOrder> {
        let rsi = self.rsi()?;
        let sign = rsi.signs().first().cloned();
        sign.ok_or_else(|| NoOrder("holds no sign".to_owned()))
    }
}

impl Written {
    /// The order, ready for a station of this site.
    ///
    /// # Errors
    /// Where the text is damaged, or a site's file is none.
    pub(crate) fn order(&self, frame: &EnuFrame) -> Result<Order, NoOrder> {
        Ok(match self {
            Self::Event(content) => {
                let event = content.event()?;
                Order::Event(Box::new(Claim {
                    key: content.who.key(content.number),
                    at_m: claim::at_m(&event, frame),
                    event,
                    keeps_id: content.keeps_id,
                    until: content.until(),
                }))
            }
            Self::Sign(content) => Order::Sign(Box::new(SignClaim {
                key: content.who.key(content.number),
                sign: content.sign()?,
                keeps_id: content.keeps_id,
                until: content.until(),
            })),
            Self::End { who, number } => Order::End(who.key(*number)),
            Self::Down { who, number } => Order::Down(who.key(*number)),
            Self::Site { path, text } => {
                let path = Path::new(path).display().to_string();
                let site = Site::parse(text, &path).map_err(refused)?;
                Order::Site(Box::new(Standing::of(&site)))
            }
        })
    }
}

fn refused(reason: impl std::fmt::Display) -> NoOrder {
    NoOrder(reason.to_string())
}

/// These messages are never sent.
const NOBODY: StationId = StationId([0; 8]);

#[cfg(test)]
mod tests {
    use v2x_msg::base::{Confidence, MinuteOfYear, Radius};
    use v2x_msg::kinds::rsi::{Event, EventSource, EventType, Level};

    use super::*;
    use crate::services::fixture::crossing;
    use crate::site::words;

    #[test]
    fn an_event_comes_back_as_it_was() {
        let site = crossing(2, 2);
        let mut event = Event::new(17, EventType::WORKS, EventSource::Police);
        event.pos = site.frame.ground_position(123.456, -78.9).ok();
        event.radius = Radius::from_m(12.3).ok();
        event.description = words::description("前方施工 2 km").ok();
        event.level = Level::new(6).ok();
        event.confidence = Confidence::from_percent(87.5).ok();
        event.validity.start = MinuteOfYear::new(527_039).ok();
        let until = Utc::from_unix_ms(1_800_000_000_123);
        let content = Content::of_event((Who::Cloud, 9), &event, until, site.origin).unwrap();
        let text = serde_json::to_string(&Written::Event(content.clone())).unwrap();
        let back: Written = serde_json::from_str(&text).unwrap();
        let Order::Event(claim) = back.order(&site.frame).unwrap() else {
            panic!("{text}")
        };
        assert_eq!(claim.event, event);
        assert_eq!(claim.until, Until::Utc(until.unwrap()));
        assert_eq!(claim.key, Who::Cloud.key(9));
        assert!(claim.at_m.is_some());
    }

    #[test]
    fn damaged_text_is_refused() {
        let mut content = Content {
            who: Who::Operator,
            number: 1,
            keeps_id: false,
            until_ms: Some(i64::MAX),
            rsi: String::new(),
        };
        let frame = crossing(2, 2).frame;
        for rsi in ["", "0", "zz", "00", "4fffffffffffffff", "30303030303030"] {
            content.rsi = rsi.to_owned();
            let written = Written::Event(content.clone());
            assert!(written.order(&frame).is_err(), "{rsi}");
        }
    }
}
