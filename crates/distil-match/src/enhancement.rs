use std::path::PathBuf;

use burn::tensor::{Tensor, TensorData};
use distil_data::{ChannelMap, Normalisation};
use distil_engine::Engine;
use distil_gradcam::{
    Cam, CamError, CamModel, ClassMap, ClassRule, Discriminative, Enhancement, Explainer, Maps, Noise,
    Threshold, layer, usual_map,
};
use distil_random::{permutation, stream};
use distil_store::sha256;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use thiserror::Error;

use crate::area_weights::{Mask, on_device};

/// What counts as highly activated in the log, whatever the method's own threshold is (EDF's Figures 1 and 7,
/// Comp-DD).
const HALF: f64 = 0.5;

/// Discriminative-area enhancement (EDF §2.2): images learn more where a trained network sees their class.
///
/// The gradient of the images is multiplied with F(M, β): 1 where the activation map M is below its threshold, β
/// + M elsewhere. Maps are recomputed every `refresh_every` iterations.
///
/// The defaults are EDF's at ten images a class. Published values at one, ten and fifty images a class: β 1, 1
/// or 2, and 1 or 2 (Table 8 and the public code contradict each other at fifty); K 50, 100 and 200.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AreaEnhancement {
    /// β ≥ 0 (published: 1 or 2; below 1 weakens what it should enhance, and 5 distorts).
    pub beta: f64,
    /// Which pixels are discriminative (published: those not below their map's mean).
    pub threshold: Threshold,
    /// Iterations K between two sets of maps (published: 50, 100, 200).
    pub refresh_every: u64,
    /// Where the weights enter the update of the images.
    pub apply: Apply,
    /// Which activation map. Without it Grad-CAM, which the paper describes, and Grad-CAM++ of a ConvNet; the public code
    /// takes `{ smooth-grad-cam-plus-plus = { form = "public-code" } }`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cam: Option<Cam>,
    /// The layer whose map is taken; without it, the last one (published), of a ConvNet the last block but one, whose maps
    /// point at objects more often.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layer: Option<String>,
    /// Whose map an image gets: its own, or another's as a control.
    #[serde(skip_serializing_if = "is_own")]
    pub maps: MapOf,
    /// A file of maps in place of a network's: the array `masks` `[images, h, w]` of a .npz, bytes, 255 for what belongs to the
    /// class; one for each image of the set in its order, or one for each training image, of which those count that the set
    /// starts from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub masks: Option<PathBuf>,
    /// The network of the maps: a file of `distil train`, or weights of torchvision's resnet18 or EfficientNet-Lite.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<PathBuf>,
    /// How labels become classes of that network. The public code's mapping, `"public-code"`, shows a network of
    /// ImageNet the classes 0 to 9 for every subset.
    pub classes: ClassRule,
    /// The class of the network for each label, which goes before `classes`; for networks that do not name their
    /// classes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class_indices: Option<Vec<u32>>,
}

impl Default for AreaEnhancement {
    fn default() -> Self {
        Self {
            beta: 1.0,
            threshold: Threshold::Mean,
            refresh_every: 100,
            apply: Apply::default(),
            cam: None,
            layer: None,
            maps: MapOf::Own,
            masks: None,
            model: None,
            classes: ClassRule::default(),
            class_indices: None,
        }
    }
}

/// Whose map an image gets. If others serve as well as its own, what helped was not the place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MapOf {
    /// Its own, for its class.
    #[default]
    Own,
    /// Its own, for the class after its own.
    WrongClass,
    /// That of an image of the set, in random order.
    Permuted,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_own(maps: &MapOf) -> bool {
    *maps == MapOf::Own
}

/// Where the weights F(M, β) enter the update of the images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Apply {
    /// Before the momentum, which so accumulates weighted gradients. The public code, whose figures were published.
    #[default]
    BeforeMomentum,
    /// D ← D − r·F∘∇D without any momentum on the images, as line 19 of the paper's algorithm reads.
    PlainUpdate,
    /// Nowhere: maps are made and logged, and the images learn as without enhancement. For comparing
    /// discriminative areas with a method that has none (EDF's Figure 5).
    Observe,
}

/// The network whose maps are taken, and the class of it for each label of the set.
#[derive(Debug, Clone, Copy)]
pub struct CamNetwork<'a> {
    /// Where its maps are computed.
    pub engine: &'a Engine,
    /// The trained network.
    pub model: &'a CamModel,
    /// The class of the network for each label.
    pub classes: &'a ClassMap,
}

/// Where maps come from.
#[derive(Debug, Clone, Copy)]
pub enum MapSource<'a> {
    /// A trained network.
    Network(CamNetwork<'a>),
    /// A file: one an image of the set, in `[0, 1]`.
    Given(&'a Maps),
}

/// Why there are no activation maps.
#[derive(Debug, Error)]
pub enum EnhancementError {
    /// No network was given.
    #[error(
        "distill.enhancement has no network; train one with `distil train` and name its file in distill.enhancement.model, or set distill.enhancement to \"off\""
    )]
    NoModel,
    /// The file is for other images.
    #[error(
        "distill.enhancement.masks has {found} maps of {sides}, but the set has {images} images of {wanted}; make one for each image"
    )]
    Masks {
        /// Maps of the file.
        found: usize,
        /// Their sides.
        sides: String,
        /// Images of the set.
        images: usize,
        /// Their sides.
        wanted: String,
    },
    /// The run was begun with another network.
    #[error(
        "the network of distill.enhancement.model, or the file of masks, is not the one this run began with; put that one back, or start a new run"
    )]
    OtherModel,
    /// The network was trained on input that the synthetic images cannot be turned into.
    #[error(
        "the network of distill.enhancement.model was trained on other input ({model}) than the synthetic images are ({data}); train one with `distil train` and the same [data] section, or set data.zca=false"
    )]
    Input {
        /// Kind of the network's input.
        model: &'static str,
        /// Kind of the images.
        data: &'static str,
    },
    /// The maps cannot be made.
    #[error("distill.enhancement: {0}")]
    Cam(#[from] CamError),
}

/// Statistics of the discriminative areas of all synthetic images, averaged over images.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct AreaStatistics {
    /// Share of pixels at or above the method's threshold, in `[0, 1]`: what is enhanced.
    pub area: f64,
    /// The smallest such share of an image.
    pub smallest_area: f64,
    /// The largest such share of an image.
    pub largest_area: f64,
    /// Share of pixels with an activation of at least 0.5, in `[0, 1]`.
    pub area_half: f64,
    /// Mean activation, in `[0, 1]`.
    pub activation: f64,
}

impl AreaEnhancement {
    /// β and the threshold.
    fn weighting(&self) -> Enhancement {
        Enhancement { beta: self.beta, threshold: self.threshold }
    }

    /// The key and value that cannot work, and the remedy.
    pub(crate) fn fault(&self) -> Option<(&'static str, f64, &'static str)> {
        if let Err(error) = self.weighting().check() {
            let key = if error.key == "beta" { "enhancement.beta" } else { "enhancement.threshold" };
            return Some((key, error.value, error.range));
        }
        let cam = self.cam?;
        let Cam::SmoothGradCamPlusPlus(smoothing) = cam else { return None };
        cam.check().is_err().then_some((
            "enhancement.cam.smooth-grad-cam-plus-plus.sigma",
            smoothing.sigma,
            "0 or more, with samples of 1 or more",
        ))
    }

    /// Whether maps are due before the step after `iteration`.
    pub(crate) fn is_due(&self, iteration: u64) -> bool {
        iteration.is_multiple_of(self.refresh_every)
    }

    /// Maps of `images` `[n, c, h, w]`, normalised as `data`, for the classes of `labels` `[n]`: weights and statistics.
    pub(crate) fn refresh(
        &self,
        (images, data): (&Tensor<4>, &Normalisation),
        labels: &[u32],
        source: MapSource<'_>,
        noise: Noise,
        micro_batch: usize,
    ) -> Result<(Mask, AreaStatistics), EnhancementError> {
        let ([n, _, h, w], device) = (images.dims(), images.device());
        let (found, model) = match source {
            MapSource::Network(cam) => {
                let map = input_map(cam.model, data, images.dims()[1])?;
                let model = digest(cam.model, &map);
                (self.seen(&mapped(images, map), labels, cam, noise, micro_batch)?, model)
            }
            MapSource::Given(maps) => {
                check_given(maps, [n, h, w])?;
                (Discriminative::of(maps.clone(), self.weighting()), digest_of_given(maps))
            }
        };
        let found = match self.maps {
            MapOf::Own | MapOf::WrongClass => found,
            MapOf::Permuted => Discriminative::of(permuted(&found.maps, noise), self.weighting()),
        };
        let statistics = statistics(&found);
        let weights = on_device(found.weights, [n, 1, h, w], &device);
        Ok((Mask { weights, model }, statistics))
    }

    /// What a network sees in images that are its own input.
    fn seen(
        &self,
        images: &Tensor<4>,
        labels: &[u32],
        cam: CamNetwork<'_>,
        noise: Noise,
        micro_batch: usize,
    ) -> Result<Discriminative, EnhancementError> {
        let network = &cam.model.network;
        let (theta, buffers) = cam.model.tensors(&images.device());
        let (usual_layer, usual) = usual_map(network)?;
        let layer = self.layer.as_ref().map_or(Ok(usual_layer), |name| layer(network, name))?;
        let (theta, buffers, cam_kind) = (&theta, &buffers, self.cam.unwrap_or(usual));
        let explainer =
            Explainer { engine: cam.engine, network, theta, buffers, layer, cam: cam_kind, micro_batch };
        let labels = match self.maps {
            MapOf::WrongClass => {
                let classes = labels.iter().max().map_or(1, |last| last + 1);
                labels.iter().map(|label| (label + 1) % classes).collect()
            }
            MapOf::Own | MapOf::Permuted => labels.to_vec(),
        };
        Ok(explainer.discriminative(images, &labels, cam.classes, self.weighting(), noise)?)
    }
}

/// Refuses maps of other images.
pub(crate) fn check_given(maps: &Maps, [n, h, w]: [usize; 3]) -> Result<(), EnhancementError> {
    if (maps.len(), maps.height, maps.width) == (n, h, w) {
        return Ok(());
    }
    let sides = |height, width| format!("{height}×{width} pixels");
    let (found, sides, wanted) = (maps.len(), sides(maps.height, maps.width), sides(h, w));
    Err(EnhancementError::Masks { found, sides, images: n, wanted })
}

/// Maps in another order, drawn anew whenever they are made.
fn permuted(maps: &Maps, noise: Noise) -> Maps {
    let order = permutation(&mut stream(noise.seed, "permuted-maps", noise.round), maps.len());
    maps.select(&order)
}

/// Names maps of a file.
pub(crate) fn digest_of_given(maps: &Maps) -> String {
    let bytes: Vec<u8> = maps.values.iter().flat_map(|value| value.to_le_bytes()).collect();
    sha256(bytes)
}

/// Names what a network computes, and what its input is made with.
pub(crate) fn digest(model: &CamModel, input: &ChannelMap) -> String {
    sha256(json!([model.digest(), input.factors, input.summands]).to_string())
}

fn statistics(found: &Discriminative) -> AreaStatistics {
    let Discriminative { maps, areas, .. } = found;
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let half: Vec<f64> = maps.areas(&[HALF]).iter().map(|areas| areas[0]).collect();
    AreaStatistics {
        area: mean(areas),
        smallest_area: areas.iter().copied().fold(f64::INFINITY, f64::min),
        largest_area: areas.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        area_half: mean(&half),
        activation: mean(&maps.values),
    }
}

/// What turns the synthetic images, normalised as `data`, into the network's input. Resizes do not matter here: the
/// network's sides are compared with the images' when maps are made.
pub(crate) fn input_map(
    model: &CamModel,
    data: &Normalisation,
    channels: usize,
) -> Result<ChannelMap, EnhancementError> {
    let own = &model.card.preprocessing.normalisation;
    let network = &model.network;
    if network.image_shape()[0] != channels {
        let channels_of = |channels| format!("of {channels} channels");
        let (found, wanted) = (channels_of(channels), channels_of(network.image_shape()[0]));
        return Err(CamError::Shape { found, wanted }.into());
    }
    let refused = || EnhancementError::Input { model: own.kind(), data: data.kind() };
    ChannelMap::between(data, own, channels).ok_or_else(refused)
}

/// The images as another normalisation has them.
fn mapped(images: &Tensor<4>, map: ChannelMap) -> Tensor<4> {
    if map.is_identity() {
        return images.clone();
    }
    let shape = [1, map.factors.len(), 1, 1];
    let place = (&images.device(), images.dtype());
    let column = |values| Tensor::<4>::from_data(TensorData::new(values, shape), place);
    images.clone() * column(map.factors) + column(map.summands)
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use distil_data::{ImageShape, Preprocessing, Whitening};
    use distil_gradcam::ModelCard;
    use distil_models::{ConvNet, Network, NetworkState};

    use super::*;

    #[test]
    fn a_configuration_reads_naturally() {
        let read = |text: &str| serde_json::from_str::<AreaEnhancement>(text);
        assert_eq!(read("{}").unwrap(), AreaEnhancement::default());
        let other = read(
            r#"{"beta": 2, "threshold": {"fixed": 0.5}, "apply": "plain-update", "classes": "public-code", "class_indices": [3]}"#,
        )
        .unwrap();
        assert_eq!((other.apply, other.classes), (Apply::PlainUpdate, ClassRule::PublicCode));
        assert_eq!((other.threshold, other.class_indices), (Threshold::Fixed(0.5), Some(vec![3])));
        assert!(read(r#"{"betta": 1}"#).is_err());
    }

    #[test]
    fn impossible_values_are_named() {
        let of = |change: &dyn Fn(&mut AreaEnhancement)| {
            let mut enhancement = AreaEnhancement::default();
            change(&mut enhancement);
            enhancement.fault().map(|(key, ..)| key)
        };
        assert_eq!(of(&|_| {}), None);
        assert_eq!(of(&|e| e.beta = -1.0), Some("enhancement.beta"));
        assert_eq!(of(&|e| e.threshold = Threshold::Fixed(1.5)), Some("enhancement.threshold"));
        let smoothing = distil_gradcam::Smoothing { sigma: f64::NAN, ..distil_gradcam::Smoothing::default() };
        assert!(of(&|e| e.cam = Some(Cam::SmoothGradCamPlusPlus(smoothing))).is_some());
    }

    #[test]
    fn maps_are_due_at_the_start_and_every_k_iterations() {
        let enhancement = AreaEnhancement { refresh_every: 3, ..AreaEnhancement::default() };
        let due: Vec<u64> = (0..8).filter(|&iteration| enhancement.is_due(iteration)).collect();
        assert_eq!(due, [0, 3, 6]);
    }

    #[test]
    fn a_network_sees_its_own_input() {
        let normalised = |mean: f32, std: f32| Normalisation::MeanStd { mean: vec![mean], std: vec![std] };
        let (own, theirs) = (normalised(0.4, 0.2), normalised(0.1, 0.5));
        let model = model(&own);
        let classes = ClassMap::public_code(2, 2).unwrap();
        let engine = Engine::new(Device::flex());
        let cam = MapSource::Network(CamNetwork { engine: &engine, model: &model, classes: &classes });
        let pixels: Vec<f32> = (0..2 * 64).map(|i| (i as f32 * 0.7).sin() * 0.5 + 0.5).collect();
        let weights = |data: &Normalisation| {
            let preprocessing = Preprocessing { resize: None, normalisation: data.clone() };
            let shape = ImageShape { channels: 1, height: 8, width: 8 };
            let input = distil_data::Transform::from(preprocessing).apply(shape, &pixels).unwrap();
            let images = Tensor::from_data(TensorData::new(input, [2, 1, 8, 8]), &Device::flex());
            let enhancement =
                AreaEnhancement { threshold: Threshold::Fixed(0.0), ..AreaEnhancement::default() };
            let found = enhancement.refresh((&images, data), &[0, 1], cam, Noise::default(), 2);
            found.unwrap().0.weights.into_data().iter::<f32>().collect::<Vec<f32>>()
        };
        let wanted = weights(&own);
        assert!(wanted.iter().any(|&weight| weight > 1.1), "some pixel is enhanced");
        for (got, wanted) in weights(&theirs).iter().zip(&wanted) {
            assert!((got - wanted).abs() < 1e-4, "{got} for {wanted}");
        }
        let zca = Normalisation::Zca(Whitening { eps: 0.1, fit_digest: "a".to_owned() });
        let error = input_map(&model, &zca, 1).unwrap_err().to_string();
        assert!(error.contains("ZCA") && error.contains("data.zca"), "{error}");
    }

    /// A network of two classes on 1×8×8 pixels that were normalised like this.
    fn model(normalisation: &Normalisation) -> CamModel {
        let network = Network::from(ConvNet::new(1, 2, 8, 8).with_width(4).with_depth(1));
        let state = NetworkState { theta: network.init(&mut stream(0, "test", 0)), buffers: Vec::new() };
        let preprocessing = Preprocessing { resize: None, normalisation: normalisation.clone() };
        let card = ModelCard {
            architecture: json!(network),
            class_names: vec!["a".to_owned(), "b".to_owned()],
            preprocessing,
            dataset: "test".to_owned(),
            dataset_digest: String::new(),
            validation_accuracy: None,
            recipe: json!({}),
            seed: 0,
            distil_version: String::new(),
            command: String::new(),
        };
        CamModel { network, state, card }
    }
}
