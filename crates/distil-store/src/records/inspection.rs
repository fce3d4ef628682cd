//! What a trained network sees in real and synthetic images, as a run folder keeps it.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use distil_files::{FileError, seal};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::MeasuredSet;
use crate::RunPaths;

/// Contents of a run folder's `inspection.json`. Whoever has the network and the data writes it, and a
/// report draws it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Inspection {
    /// The network that looked, for people.
    pub network: String,
    /// The inspected set.
    pub set: MeasuredSet,
    /// Features of real and synthetic images in two dimensions.
    pub embedding: Embedding,
    /// Mean distance between synthetic images of different classes, in the space of features, by iteration.
    pub distances: Vec<Distance>,
    /// The same between the real images of the embedding.
    pub real_distance: Option<f64>,
    /// How the values of activation maps are spread.
    pub activations: Vec<Activations>,
    /// Maps of some synthetic images.
    pub maps: Vec<MapPair>,
}

/// Points of two dimensions that are near each other where features are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Embedding {
    /// Perplexity of the t-SNE.
    pub perplexity: f64,
    /// Its seed.
    pub seed: u64,
    /// The points.
    pub points: Vec<EmbeddedPoint>,
}

/// One image in an [`Embedding`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EmbeddedPoint {
    /// Where it is.
    pub at: [f64; 2],
    /// Its class.
    pub class: u32,
    /// Whether it is a training image or a synthetic one.
    pub kind: ImageKind,
}

/// What an image is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ImageKind {
    /// Of the training split.
    Real,
    /// Of the synthetic set.
    Synthetic,
}

/// A distance between classes after an iteration.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Distance {
    /// Outer iteration.
    pub iteration: u64,
    /// Mean over pairs of images of different classes.
    pub distance: f64,
}

/// Values of the activation maps of several images together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Activations {
    /// Which images, as `real`, `initial` or `distilled`.
    pub name: String,
    /// Share of all pixels in each of equally wide stretches of `[0, 1]`; sums to 1.
    pub shares: Vec<f64>,
    /// Mean activation, in `[0, 1]`.
    pub mean: f64,
    /// Share of pixels with an activation of at least 0.5, in `[0, 1]`.
    pub above_half: f64,
}

impl Activations {
    /// Spread of `values` in `[0, 1]` over `stretches`.
    pub fn of(name: &str, values: &[f64], stretches: usize) -> Self {
        let n = values.len().max(1) as f64;
        let mut shares = vec![0.0; stretches];
        for value in values {
            let stretch = (value * stretches as f64) as usize;
            shares[stretch.min(stretches - 1)] += 1.0 / n;
        }
        let above_half = values.iter().filter(|value| **value >= 0.5).count() as f64 / n;
        Self { name: name.to_owned(), shares, mean: values.iter().sum::<f64>() / n, above_half }
    }
}

/// Maps of one synthetic image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MapPair {
    /// Its number in the set.
    pub number: usize,
    /// Its class.
    pub class: u32,
    /// Before distillation, where that is known.
    pub before: Option<DrawnMap>,
    /// After it.
    pub after: DrawnMap,
}

/// An image with its activation map.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DrawnMap {
    /// The picture, a PNG file.
    #[serde(serialize_with = "to_base64", deserialize_with = "from_base64")]
    pub png: Vec<u8>,
    /// Discriminative area: share of pixels whose activation is not below the map's mean, in `[0, 1]` (EDF's Figure 5).
    pub area: f64,
}

impl DrawnMap {
    /// The picture inside a page.
    pub fn uri(&self) -> String {
        format!("data:image/png;base64,{}", STANDARD.encode(&self.png))
    }
}

fn to_base64<S: Serializer>(png: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&STANDARD.encode(png))
}

fn from_base64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    STANDARD.decode(text).map_err(serde::de::Error::custom)
}

impl Inspection {
    /// Where a run folder keeps it.
    pub fn path(run: &RunPaths) -> PathBuf {
        run.folder().join("inspection.json")
    }

    /// Reads the file at `path`; `None` when there is none.
    ///
    /// # Errors
    /// [`FileError`] when it is damaged, cannot be read, or holds something else.
    pub fn load(path: &Path) -> Result<Option<Self>, FileError> {
        seal::load(path, "an inspection", "inspect the run again (`distil inspect`)")
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use distil_files::seal;

    use super::*;

    /// A file with something in every part.
    fn inspection() -> Inspection {
        let point = |i: u32, kind| EmbeddedPoint { at: [f64::from(i), f64::from(i * i)], class: i % 2, kind };
        let points = (0..6).map(|i| point(i, if i < 4 { ImageKind::Real } else { ImageKind::Synthetic }));
        let drawn = |area| DrawnMap { png: b"\x89PNG".to_vec(), area };
        Inspection {
            network: "an <expert>".into(),
            set: MeasuredSet { part: crate::Part::Last, digest: "d".into() },
            embedding: Embedding { perplexity: 5.0, seed: 1, points: points.collect() },
            distances: [(0, 4.0), (20, 5.5)]
                .map(|(iteration, distance)| Distance { iteration, distance })
                .to_vec(),
            real_distance: Some(6.25),
            activations: vec![
                Activations::of("real", &[0.1, 0.9], 4),
                Activations::of("distilled", &[0.6], 4),
            ],
            maps: vec![MapPair { number: 3, class: 1, before: Some(drawn(0.25)), after: drawn(0.5) }],
        }
    }

    #[test]
    fn files_come_back_and_others_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = Inspection::path(&RunPaths::new(folder.path()));
        assert_eq!(Inspection::load(&path).unwrap(), None);
        fs::write(&path, serde_json::to_string(&inspection()).unwrap()).unwrap();
        assert_eq!(Inspection::load(&path).unwrap(), Some(inspection()));
        fs::write(&path, seal::compact_json(&inspection())).unwrap();
        distil_damage::every_damage_is_found(&path, || Inspection::load(&path));
        let bad = serde_json::to_string(&inspection()).unwrap().replace("iVBORw", "\\\"><img");
        assert!(bad.contains("<img") || !bad.contains("iVBORw"));
        fs::write(&path, "{}").unwrap();
        assert!(Inspection::load(&path).unwrap_err().to_string().contains("inspection.json"));
    }

    #[test]
    fn shares_sum_to_one_and_the_top_is_in_the_last_stretch() {
        let spread = Activations::of("real", &[0.0, 0.24, 0.25, 0.5, 1.0], 4);
        assert_eq!(spread.shares, [0.4, 0.2, 0.2, 0.2]);
        assert!((spread.mean - 0.398).abs() < 1e-12 && (spread.above_half - 0.4).abs() < 1e-12);
        assert_eq!(Activations::of("none", &[], 2).shares, [0.0, 0.0]);
    }
}
