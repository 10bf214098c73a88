//! A junction out of somebody's own map: the site's file, or a road model that it is made of.
//!
//! A map that may not be passed on stays where it is and is named by the scenario. What becomes of it is
//! what `rsu map import` writes, so that nodes and phases are numbered as there. Not here: how road
//! models are read (`rsu::site::import`).

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail, ensure};
use rsu::site::import::{Format, Junction, Model, Options, Refused};
use serde::Deserialize;
use v2x_msg::base::GeoPosition;

/// What a road model does not say of itself; the options of `rsu map import`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct MapTable {
    /// The junction, by the model's own id; not needed where only one has signals.
    #[serde(default)]
    pub junction: Option<String>,
    /// Latitude and longitude of its zero by WGS-84, for models that do not say.
    #[serde(default)]
    pub origin_deg: Option<[f64; 2]>,
    /// How far from its stop line a road is told.
    #[serde(default)]
    pub reach_m: Option<f64>,
    /// The first of the numbers that nodes are given.
    #[serde(default)]
    pub first_node: Option<u16>,
    /// The region of all nodes.
    #[serde(default)]
    pub region: Option<u16>,
    /// The road is made up.
    #[serde(default)]
    pub synthetic: bool,
}

/// The text of the site that a scenario names, and where its file is. `controller` is who reports its
/// lamps.
pub(crate) fn site_text(
    named: &Path,
    map: Option<&MapTable>,
    controller: &str,
) -> Result<(PathBuf, String)> {
    let path = named
        .canonicalize()
        .with_context(|| format!("site {} is not there", named.display()))?;
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let shown = path.display();
    let Some(format) = Format::of_name(&path.to_string_lossy()) else {
        ensure!(
            map.is_none(),
            "[map] is about a road model (.net.xml, .xodr, .geojson), and {shown} is a site's file"
        );
        return Ok((path, text));
    };
    let map = map.cloned().unwrap_or_default();
    let options = map.options(controller).context("[map]")?;
    let refused = |fault: Refused| match fault {
        Refused::Malformed { line, reason } => anyhow!("{shown}:{line}: {reason}"),
        Refused::Unusable(reason) => anyhow!("{shown}: {reason}"),
        several @ Refused::Several(_) => anyhow!("{shown}:\n{several}"),
    };
    let model = Model::read(format, &text, &options).map_err(refused)?;
    let key = map
        .chosen(&model.junctions())
        .with_context(|| shown.to_string())?;
    let text = model.site(&key, &options).map_err(refused)?.toml;
    Ok((path, text))
}

impl MapTable {
    fn options(&self, controller: &str) -> Result<Options> {
        let usual = Options::default();
        let reach_m = self.reach_m.unwrap_or(usual.reach_m);
        ensure!(
            (20.0..=2000.0).contains(&reach_m),
            "reach-m is from 20 to 2000"
        );
        let origin = self
            .origin_deg
            .map(|[lat, lon]| GeoPosition::from_deg(lat, lon, None));
        Ok(Options {
            origin: origin.transpose().context("origin-deg")?,
            reach_m,
            controller: controller.to_owned(),
            first_node: self.first_node.unwrap_or(usual.first_node),
            region: self.region,
            synthetic: self.synthetic,
        })
    }

    /// The junction that is meant, by the model's id.
    fn chosen(&self, junctions: &[Junction]) -> Result<String> {
        if let Some(key) = &self.junction {
            return Ok(key.clone());
        }
        let mut signals = junctions.iter().filter(|junction| junction.signals);
        match (signals.next(), signals.next(), junctions) {
            (Some(one), None, _) | (None, None, [one]) => Ok(one.key.clone()),
            _ => bail!(
                "which junction is meant? say [map] junction; `rsu map import` lists all {}",
                junctions.len()
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILL: &str = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../rsu/src/site/import/fixtures/mill.net.xml"
    );

    #[test]
    fn a_site_of_its_own_needs_no_map_and_a_model_no_more_than_its_name() {
        let own = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../configs/sites/moyu-boyuan.toml"
        );
        let (_, text) = site_text(Path::new(own), None, "signal").expect("a site");
        assert_eq!(text, fs::read_to_string(own).expect("there"));
        let told = site_text(Path::new(own), Some(&MapTable::default()), "signal");
        assert!(told.unwrap_err().to_string().contains("[map] is about"));
        let (_, text) = site_text(Path::new(MILL), None, "the-controller").expect("a model");
        assert!(text.contains("the-controller") && text.contains("name      = \"mill\""));
    }

    #[test]
    fn what_is_wrong_with_a_map_is_said() {
        let of = |map: &MapTable| site_text(Path::new(MILL), Some(map), "signal");
        let far = MapTable {
            reach_m: Some(5.0),
            ..MapTable::default()
        };
        assert!(format!("{:#}", of(&far).unwrap_err()).contains("reach-m is from 20"));
        let nowhere = MapTable {
            origin_deg: Some([131.0, 121.0]),
            ..MapTable::default()
        };
        assert!(format!("{:#}", of(&nowhere).unwrap_err()).contains("origin-deg"));
        let other = MapTable {
            junction: Some("no such".to_owned()),
            ..MapTable::default()
        };
        assert!(format!("{:#}", of(&other).unwrap_err()).contains("no such"));
        let missing = site_text(Path::new("nowhere.xodr"), None, "signal");
        assert!(missing.unwrap_err().to_string().contains("is not there"));
    }
}
