use std::ops::Range;

use burn::tensor::{Tensor, TensorData};
use distil_engine::Engine;
use distil_models::{Arch, BatchNorms, Network};
use distil_random::{normal, stream};
use thiserror::Error;

use crate::cam::{Derivatives, mean_gradient, weighted_map};
use crate::{Cam, CamSettingError, ClassMap, ClassMapError, Enhancement, Maps, SmoothForm, Smoothing};

/// A trained network, the layer whose feature map is used, and how.
#[derive(Debug, Clone, Copy)]
pub struct Explainer<'a> {
    /// Where to compute.
    pub engine: &'a Engine,
    /// The network.
    pub network: &'a Network,
    /// Its parameters `[P]`, without a graph.
    pub theta: &'a Tensor<1>,
    /// Its running statistics `[B]`.
    pub buffers: &'a Tensor<1>,
    /// Number of the layer among [`Network::cam_layers`]; [`last_layer`] is the papers', [`usual_map`] the best known.
    pub layer: usize,
    /// Which map.
    pub cam: Cam,
    /// The most images alive at a time, on each CPU thread; bounds memory and changes nothing but rounding.
    pub micro_batch: usize,
}

/// Which class of the network each image's map is for.
#[derive(Debug, Clone, Copy)]
pub enum Target<'a> {
    /// One class an image, `[n]`.
    Classes(&'a [u32]),
    /// The class that the network gives the highest score.
    Predicted,
}

/// Names the noise of SmoothGrad-CAM++; the other maps have none.
///
/// Image `i` of a call draws its copies from streams of `(seed, round, first_image + i)` and of nothing else: the maps
/// depend neither on micro-batches nor on how a data set was cut into calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Noise {
    /// Seed of the run.
    pub seed: u64,
    /// Which maps of the same images, such as the iteration that refreshes them.
    pub round: u64,
    /// Number of the call's first image among all images, below 2³².
    pub first_image: u64,
}

/// What a network sees in each image.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// ReLU(Σ_c w_c·A_c) at the resolution of the layer, not normalised; [`Maps::unit`] and [`Maps::resize`] are next.
    pub raw: Maps,
    /// Weights w, `[n, channels]` row-major.
    pub channel_weights: Vec<f64>,
    /// Logits of the clean images, `[n, classes]` row-major.
    pub scores: Vec<f64>,
    /// The class that each map is for, `[n]`.
    pub classes: Vec<u32>,
}

/// Maps of synthetic images and what EDF makes of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Discriminative {
    /// Maps in `[0, 1]` at the resolution of the images.
    pub maps: Maps,
    /// F(M, β), `[n, h, w]` row-major: multiply all channels of an image's gradient with it.
    pub weights: Vec<f32>,
    /// Share of each image that is enhanced, in `[0, 1]`, `[n]`.
    pub areas: Vec<f64>,
}

/// Why there are no maps.
#[derive(Debug, Error)]
pub enum CamError {
    /// There is no image.
    #[error("there is no image to explain; give at least one")]
    NoImages,
    /// Images of another shape than the network's.
    #[error("the images are {found}, the model takes {wanted}; resize them or use another model")]
    Shape {
        /// Channels × height × width of the images.
        found: String,
        /// What the network takes.
        wanted: String,
    },
    /// Not one class an image.
    #[error("there are {classes} classes for {images} images; give one class per image")]
    Count {
        /// Number of classes.
        classes: usize,
        /// Number of images.
        images: usize,
    },
    /// The network has no such layer.
    #[error("the network has no layer {layer:?}; choose one of {known}")]
    Layer {
        /// What was asked for.
        layer: String,
        /// Its layers.
        known: String,
    },
    /// A map is not a number.
    #[error("the map of image {image} is not a number; the model or the image has diverged, use another")]
    NotFinite {
        /// Which image.
        image: usize,
    },
    /// A class is not one of the network's.
    #[error(transparent)]
    Class(#[from] ClassMapError),
    /// The settings of the map cannot work.
    #[error(transparent)]
    Setting(#[from] CamSettingError),
}

/// Number of the layer called `name` in [`Network::cam_layers`].
///
/// # Errors
/// [`CamError::Layer`] lists the layers there are.
pub fn layer(network: &Network, name: &str) -> Result<usize, CamError> {
    let layers = network.cam_layers();
    let known = layers.join(", ");
    let found = layers.iter().position(|layer| layer == name);
    found.ok_or_else(|| CamError::Layer { layer: name.to_owned(), known })
}

impl Discriminative {
    /// F(M, β) of maps in `[0, 1]` at the resolution of the images, and where they are discriminative.
    pub fn of(maps: Maps, enhancement: Enhancement) -> Self {
        let weights = enhancement.weights(&maps).into_iter().map(|weight| weight as f32).collect();
        Self { weights, areas: enhancement.areas(&maps), maps }
    }
}

/// Number of the last layer, the one the papers look at.
///
/// # Errors
/// [`CamError::Layer`] for a network without convolutions.
pub fn last_layer(network: &Network) -> Result<usize, CamError> {
    let none =
        || CamError::Layer { layer: "(last)".to_owned(), known: "none, it has no convolution".to_owned() };
    network.cam_layers().len().checked_sub(1).ok_or_else(none)
}

/// What shows where things are in images of a network: the layer, and how its channels are weighted.
///
/// Grad-CAM of the last layer, which the papers look at. The last block of a ConvNet, four pixels wide, hardly says where
/// anything is (docs/benchmarks.md): of those with two blocks or more it is Grad-CAM++ of the last but one.
///
/// # Errors
/// [`CamError::Layer`] for a network without convolutions.
pub fn usual_map(network: &Network) -> Result<(usize, Cam), CamError> {
    let last = last_layer(network)?;
    Ok(match network.arch() {
        Arch::ConvNet if last > 0 => (last - 1, Cam::GradCamPlusPlus),
        _ => (last, Cam::GradCam),
    })
}

impl Explainer<'_> {
    /// The maps of `images` `[n, c, h, w]` (network input, without a graph) for the classes of `target`.
    ///
    /// Maps are computed in the images' floating-point type; chunks of at most `micro_batch` images run on all CPU threads.
    ///
    /// # Errors
    /// [`CamError`] says what does not fit, or which map is not a number.
    pub fn explain(
        &self,
        images: &Tensor<4>,
        target: Target<'_>,
        noise: Noise,
    ) -> Result<Explanation, CamError> {
        self.check(images, target)?;
        let [n, ..] = images.dims();
        let work = |range: Range<usize>| {
            let rows = images.clone().slice([range.clone()]);
            let first = noise.first_image + range.start as u64;
            let target = match target {
                Target::Classes(classes) => Target::Classes(&classes[range]),
                Target::Predicted => Target::Predicted,
            };
            self.chunk(&rows, target, Noise { first_image: first, ..noise })
        };
        let found = self.engine.reduce_chunks(n, self.micro_batch, work, Explanation::join);
        let found = found.ok_or(CamError::NoImages)?;
        let bad = found.raw.iter().position(|map| map.iter().any(|value| !value.is_finite()));
        bad.map_or(Ok(found), |image| Err(CamError::NotFinite { image }))
    }

    /// EDF's weights for synthetic `images` with class indices `labels` `[n]` of their own set: the maps of the classes
    /// that `class_map` makes of the labels, min–max normalised, at the resolution of the images, and F(M, β) of them.
    ///
    /// # Errors
    /// As [`Explainer::explain`], and [`CamError::Class`] for a label without class.
    pub fn discriminative(
        &self,
        images: &Tensor<4>,
        labels: &[u32],
        class_map: &ClassMap,
        enhancement: Enhancement,
        noise: Noise,
    ) -> Result<Discriminative, CamError> {
        let classes = class_map.classes(labels)?;
        let explanation = self.explain(images, Target::Classes(&classes), noise)?;
        let [_, _, h, w] = images.dims();
        let maps = explanation.raw.unit().resize(h, w);
        Ok(Discriminative::of(maps, enhancement))
    }

    fn check(&self, images: &Tensor<4>, target: Target<'_>) -> Result<(), CamError> {
        self.cam.check()?;
        let layers = self.network.cam_layers();
        if self.layer >= layers.len() {
            let layer = format!("number {}", self.layer);
            return Err(CamError::Layer { layer, known: layers.join(", ") });
        }
        let [n, c, h, w] = images.dims();
        let shown = |[c, h, w]: [usize; 3]| format!("{c}×{h}×{w}");
        if n == 0 {
            return Err(CamError::NoImages);
        }
        if [c, h, w] != self.network.image_shape() {
            let (found, wanted) = (shown([c, h, w]), shown(self.network.image_shape()));
            return Err(CamError::Shape { found, wanted });
        }
        let Target::Classes(given) = target else { return Ok(()) };
        if given.len() != n {
            return Err(CamError::Count { classes: given.len(), images: n });
        }
        let classes = self.network.classes();
        match given.iter().find(|class| **class as usize >= classes) {
            Some(&class) => Err(ClassMapError::OutOfRange { class, classes }.into()),
            None => Ok(()),
        }
    }

    fn chunk(&self, images: &Tensor<4>, target: Target<'_>, noise: Noise) -> Explanation {
        let clean = self.activation(images.clone());
        let head = Head::new(self, clean.clone());
        let scores = floats(head.scores.clone().inner());
        let classes = match target {
            Target::Classes(classes) => classes.to_vec(),
            Target::Predicted => scores.chunks(self.network.classes()).map(highest).collect(),
        };
        let (weights, map) = match self.cam {
            Cam::GradCam => (mean_gradient(head.gradient(&classes)), clean),
            Cam::GradCamPlusPlus => (Derivatives::of(head.gradient(&classes)).weights(clean.clone()), clean),
            Cam::SmoothGradCamPlusPlus(smoothing) => self.smooth(smoothing, images, clean, &classes, noise),
        };
        let raw = weighted_map(weights.clone(), map);
        let [_, _, height, width] = raw.dims();
        let raw = Maps { height, width, values: floats(raw) };
        Explanation { raw, channel_weights: floats(weights), scores, classes }
    }

    /// Channel weights of SmoothGrad-CAM++, and the feature map they go with.
    fn smooth(
        &self,
        smoothing: Smoothing,
        images: &Tensor<4>,
        clean: Tensor<4>,
        classes: &[u32],
        noise: Noise,
    ) -> (Tensor<2>, Tensor<4>) {
        let mut last = clean.clone();
        let mut gradient = clean.zeros_like();
        let mut sum = None;
        for sample in 0..smoothing.samples {
            last = self.activation(images.clone() + noise.draw(images, sample) * smoothing.sigma);
            gradient = Head::new(self, last.clone()).gradient(classes);
            let one = Derivatives::of(gradient.clone());
            sum = Some(match sum {
                None => one,
                Some(sum) => Derivatives::plus(sum, one),
            });
        }
        let mean = sum.unwrap_or_else(|| Derivatives::of(clean.zeros_like())).over(smoothing.samples.max(1));
        match smoothing.form {
            SmoothForm::Averaged => (mean.weights(clean.clone()), clean),
            SmoothForm::PublicCode => (Derivatives { first: gradient, ..mean }.torchcam_weights(clean), last),
        }
    }

    fn activation(&self, images: Tensor<4>) -> Tensor<4> {
        let params = self.network.layout().split(self.theta.clone());
        self.network.activation(&params, BatchNorms::Running(self.buffers), images, self.layer)
    }
}

/// The network from the layer on: only this part is differentiated.
struct Head {
    map: Tensor<4>,
    /// `[n, k]`
    scores: Tensor<2>,
}

impl Head {
    fn new(explainer: &Explainer<'_>, map: Tensor<4>) -> Self {
        let Explainer { network, theta, buffers, layer, .. } = *explainer;
        let map = map.autodiff().require_grad();
        let params = network.layout().split(theta.clone());
        let scores = network.logits_from(&params, BatchNorms::Running(buffers), map.clone(), layer);
        Self { map, scores }
    }

    /// The derivative of each image's class score by its feature map. Images do not see each other, so the
    /// derivative of the sum of their scores holds all of them.
    fn gradient(self, classes: &[u32]) -> Tensor<4> {
        let [n, k] = self.scores.dims();
        let mut chosen = vec![0f32; n * k];
        for (row, &class) in classes.iter().enumerate() {
            chosen[row * k + class as usize] = 1.0;
        }
        let scores = self.scores.clone().inner();
        let chosen = Tensor::from_data(TensorData::new(chosen, [n, k]), (&scores.device(), scores.dtype()));
        let mut gradients = (self.scores * chosen).sum().backward();
        self.map.grad_remove(&mut gradients).unwrap_or_else(|| self.map.inner().zeros_like())
    }
}

impl Noise {
    /// Standard normal noise for copy `sample` of each of `images`.
    fn draw(self, images: &Tensor<4>, sample: usize) -> Tensor<4> {
        let [n, c, h, w] = images.dims();
        let purpose = format!("smooth-grad-cam {} {sample}", self.round);
        let mut values = Vec::with_capacity(n * c * h * w);
        for image in 0..n as u64 {
            let mut rng = stream(self.seed, &purpose, self.first_image + image);
            values.extend((0..c * h * w).map(|_| normal(&mut rng)));
        }
        Tensor::from_data(TensorData::new(values, [n, c, h, w]), (&images.device(), images.dtype()))
    }
}

impl Explanation {
    fn join(mut self, other: Self) -> Self {
        self.raw.values.extend(other.raw.values);
        self.channel_weights.extend(other.channel_weights);
        self.scores.extend(other.scores);
        self.classes.extend(other.classes);
        self
    }

    /// The class of the highest score of each image, `[n]`.
    pub fn predicted(&self) -> Vec<u32> {
        self.rows().map(highest).collect()
    }

    /// Softmax probability of the class that each map is for, `[n]`.
    pub fn confidences(&self) -> Vec<f64> {
        let confidence = |(row, &class): (&[f64], &u32)| {
            let top = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = row.iter().map(|score| (score - top).exp()).sum();
            (row[class as usize] - top).exp() / sum
        };
        self.rows().zip(&self.classes).map(confidence).collect()
    }

    fn rows(&self) -> impl Iterator<Item = &[f64]> {
        self.scores.chunks(self.scores.len() / self.classes.len().max(1))
    }
}

/// Index of the highest value, the first of equal ones.
fn highest(values: &[f64]) -> u32 {
    let better = |best: usize, at: usize| if values[at] > values[best] { at } else { best };
    (0..values.len()).reduce(better).unwrap_or(0) as u32
}

fn floats<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}
