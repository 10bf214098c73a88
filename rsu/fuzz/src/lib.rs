//! What several fuzz targets ask in the same words.

use std::time::Duration;

use rsu::clock::{Mono, Now, Utc};
use rsu::inputs::Carrier;
use rsu::report::Content;
use rsu::site::Site;
use rsu::site::import::{Format, Model, Options};

/// A map of any text is read or refused, and what is made of it is a file that can be read.
///
/// # Panics
/// If it is not.
pub fn a_map_becomes_a_site(format: Format, text: &str) {
    let options = Options {
        origin: v2x_msg::base::GeoPosition::from_deg(31.25, 121.2, None).ok(),
        ..Options::default()
    };
    let Ok(model) = Model::read(format, text, &options) else {
        return;
    };
    for junction in model.junctions().iter().take(3) {
        let Ok(imported) = model.site(&junction.key, &options) else {
            continue;
        };
        // Wrong it may be, but never in its TOML.
        if let Err(findings) = Site::parse(&imported.toml, "site.toml") {
            let told = findings.to_string();
            let is_toml = !told.contains("unknown key") && !told.contains("invalid");
            assert!(is_toml, "{told}\n{}", imported.toml);
        }
    }
}

/// Hands the bytes over in pieces, a pause between them: the first byte says over what carrier, and how
/// long the pieces are. `begin` makes what takes them.
pub fn in_pieces<Take>(bytes: &[u8], pause: Duration, begin: impl FnOnce(Carrier) -> Take)
where
    Take: FnMut(Now, &[u8]),
{
    let Some((first, rest)) = bytes.split_first() else {
        return;
    };
    let mut take = begin(if first & 1 == 0 {
        Carrier::Datagrams
    } else {
        Carrier::Stream
    });
    let mut now = Now {
        mono: Mono::from_nanos(1),
        utc: Utc::from_unix_ns(1_800_000_000_000_000_000),
    };
    for piece in rest.chunks(1 + usize::from(*first) * 16) {
        now.mono += pause;
        take(now, piece);
    }
}

/// Every object that is reported is a place and a size that can be computed with.
///
/// # Panics
/// If one is not, or if something else is reported.
pub fn objects_are_sound(now: Now, content: &Content) {
    let Content::Objects(objects) = content else {
        panic!("{content:?}")
    };
    assert!(objects.seen_at <= now.mono);
    for seen in &objects.detections {
        assert!(seen.east_m.is_finite() && seen.north_m.is_finite());
        assert!((0.0..=1.0).contains(&seen.existence));
        assert!(seen.position_cov.ee > 0.0 && seen.position_cov.nn > 0.0);
        assert!(seen.yaw_rad.is_none_or(|yaw| yaw.abs() < 3.15));
    }
}
