//! Lists of objects as JSON: our own form, of which `docs/detected-objects.schema.json` is the schema,
//! and the detected object of CARMA Streets and V2X-Hub. Members only; units are in our names.

use serde::Deserialize;
use serde::de::Visitor;

use crate::inputs::json::{Capped, DeviceId, Number};
use crate::inputs::objects::MOST;
use crate::report::{Class, Covariance};

/// One message: a list of ours, or one detected object of CARMA. What it does not have is absent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Message {
    /// Ours: when the scene was as described, ms of Unix time.
    pub time_ms: Number,
    /// Ours: counts messages, without an upper bound.
    pub sequence: Number,
    /// Ours: everything that is seen.
    pub objects: Option<Capped<Object, MOST>>,
    /// CARMA: what it is.
    #[serde(rename = "type")]
    pub class: Option<ClassWord>,
    /// CARMA: 0 to 1.
    pub confidence: Number,
    /// CARMA: a PROJ string; the object lies in its frame.
    #[serde(rename = "projString")]
    pub proj_string: Option<String>,
    /// CARMA: the sensor's number of it.
    #[serde(rename = "objectId")]
    pub object_id: Option<DeviceId>,
    /// CARMA: m.
    pub position: Option<Vector>,
    /// CARMA: m².
    #[serde(rename = "positionCovariance")]
    pub position_covariance: Option<Matrix>,
    /// CARMA: m/s.
    pub velocity: Option<Vector>,
    /// CARMA: (m/s)².
    #[serde(rename = "velocityCovariance")]
    pub velocity_covariance: Option<Matrix>,
    /// CARMA: m.
    pub size: Option<CarmaSize>,
    /// CARMA: ms, of Unix time or of a simulation.
    pub timestamp: Number,
}

/// One object of our own form.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Object {
    /// The device's number or word for it.
    pub id: Option<DeviceId>,
    /// See [`ClassWord`].
    pub class: Option<ClassWord>,
    /// It is an emergency vehicle on duty.
    pub emergency: bool,
    /// Probability that it exists, 0 to 1.
    pub existence: Number,
    /// East of the site's origin.
    pub east_m: Number,
    /// North of the site's origin.
    pub north_m: Number,
    /// Ahead of the sensor, by its mount.
    pub forward_m: Number,
    /// To the left of the sensor.
    pub left_m: Number,
    /// Degrees north, WGS-84 or CGCS2000.
    pub lat_deg: Number,
    /// Degrees east.
    pub lon_deg: Number,
    /// Variances east, covariance, variance north.
    pub position_cov_m2: Option<[Number; 3]>,
    /// Towards the east.
    pub east_mps: Number,
    /// Towards the north.
    pub north_mps: Number,
    /// Over ground, along `heading_deg`.
    pub speed_mps: Number,
    /// Where it goes, and points: clockwise from north.
    pub heading_deg: Number,
    /// As `position_cov_m2`.
    pub velocity_cov_m2ps2: Option<[Number; 3]>,
    /// Along its heading.
    pub length_m: Number,
    /// Across.
    pub width_m: Number,
    /// Above ground.
    pub height_m: Number,
}

/// East, north, up.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Vector {
    /// East.
    pub x: Number,
    /// North.
    pub y: Number,
}

/// Three by three, row by row.
pub type Matrix = Capped<Capped<Number, 3>, 3>;

/// Outer dimensions in m.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub struct CarmaSize {
    /// Along.
    pub length: Number,
    /// Across.
    pub width: Number,
    /// Above ground.
    pub height: Number,
}

/// What an object is, in the words of either form; an unknown word is an unknown class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClassWord(pub Class);

impl<'de> Deserialize<'de> for ClassWord {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WordVisitor)
    }
}

struct WordVisitor;

impl Visitor<'_> for WordVisitor {
    type Value = ClassWord;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a word for a class")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<ClassWord, E> {
        let mut words = WORDS.iter();
        let known = words.find(|(word, _)| text.eq_ignore_ascii_case(word));
        Ok(ClassWord(known.map_or(Class::Unknown, |(_, class)| *class)))
    }

    // A code of the box's own says nothing here, and costs nothing either.
    fn visit_u64<E>(self, _: u64) -> Result<ClassWord, E> {
        Ok(ClassWord(Class::Unknown))
    }

    fn visit_i64<E>(self, _: i64) -> Result<ClassWord, E> {
        Ok(ClassWord(Class::Unknown))
    }
}

const WORDS: [(&str, Class); 11] = [
    ("car", Class::Car),
    ("van", Class::Car),
    ("sedan", Class::Car),
    ("suv", Class::Car),
    ("truck", Class::Truck),
    ("bus", Class::Bus),
    ("motorcycle", Class::Motorcycle),
    ("bicycle", Class::Bicycle),
    ("cyclist", Class::Bicycle),
    ("pedestrian", Class::Pedestrian),
    ("animal", Class::Animal),
];

/// Of three numbers; None where one is none.
pub(super) fn covariance(said: Option<[Number; 3]>) -> Option<Covariance> {
    let [ee, en, nn] = said?;
    Some(Covariance {
        ee: ee.finite()?,
        en: en.finite()?,
        nn: nn.finite()?,
    })
}

/// Of the level part of a matrix that is the same on both sides.
pub(super) fn level(matrix: Option<&Matrix>) -> Option<Covariance> {
    let matrix = matrix?;
    let at = |row: usize, column: usize| matrix.items.get(row)?.items.get(column)?.finite();
    let (en, ne) = (at(0, 1)?, at(1, 0)?);
    ((en - ne).abs() <= 1e-6 * (1.0 + en.abs())).then_some(Covariance {
        ee: at(0, 0)?,
        en,
        nn: at(1, 1)?,
    })
}

/// The origin that a PROJ string of a transverse Mercator or like frame names, in degrees.
pub(super) fn origin_of(proj: &str) -> Option<(f64, f64)> {
    let of = |key: &str| {
        let mut words = proj.split_whitespace();
        let value =
            words.find_map(|word| word.strip_prefix('+')?.strip_prefix(key)?.strip_prefix('='));
        value?.parse::<f64>().ok().filter(|n| n.is_finite())
    };
    let shifted = ["x_0", "y_0"]
        .iter()
        .any(|key| of(key).is_some_and(|m| m != 0.0));
    (!shifted).then_some((of("lat_0")?, of("lon_0")?))
}

/// Reads one message.
///
/// # Errors
/// Where it is no JSON, or a member has another shape than these forms give it.
pub fn parse(bytes: &[u8]) -> Result<Message, serde_json::Error> {
    serde_json::from_slice(bytes)
}
