//! The network that looks: an expert after its last epoch.

use std::io::Cursor;

use burn::tensor::{Tensor, TensorData};
use distil_data::Transform;
use distil_engine::{At, Engine};
use distil_gradcam::{Enhancement, Explainer, Maps, Noise, Overlay, Target, Threshold, overlay, usual_map};
use distil_models::Network;
use distil_store::DrawnMap;
use image::RgbImage;

use super::Sample;
use crate::{Error, Session};

/// Images alive at a time on each CPU thread.
const MICRO_BATCH: usize = 16;
/// Images whose features are computed at a time.
const BATCH: usize = 64;
/// The smallest side of a drawn picture, in pixels.
const SHOWN_SIDE: usize = 96;
/// What counts as discriminative in EDF: what is not below the mean of its map.
const AREA: Enhancement = Enhancement { beta: 1.0, threshold: Threshold::Mean };

/// An expert and how its images are prepared.
pub(super) struct Inspector<'a> {
    expert: usize,
    engine: &'a Engine,
    network: &'a Network,
    theta: Tensor<1>,
    buffers: Tensor<1>,
    transform: &'a Transform,
}

/// What it saw in the images of a sample.
pub(super) struct Features {
    /// Activation maps in `[0, 1]` at the images' resolution.
    pub(super) maps: Maps,
    /// Discriminative area of each image, in `[0, 1]`.
    areas: Vec<f64>,
}

impl<'a> Inspector<'a> {
    /// The first expert of the run's store.
    pub(super) fn open(session: &'a Session) -> Result<Self, Error> {
        let store = session.open_experts()?;
        let expert = store.complete()[0];
        let trajectory = store.expert(expert)?;
        let (network, engine, last) = (&session.net, session.device.engine(), trajectory.snapshots() - 1);
        let theta = network.theta(trajectory.snapshot(last), engine.device());
        let buffers = network.buffers(trajectory.buffers(last), engine.device());
        Ok(Self { expert, engine, network, theta, buffers, transform: &session.dataset.transform })
    }

    /// The network, for people.
    pub(super) fn name(&self) -> String {
        format!("expert {} after its last epoch, trained on the real images", self.expert)
    }

    /// Length of a feature vector.
    pub(super) fn dims(&self) -> usize {
        self.network.features()
    }

    /// Features before the classifier, `[n, dims]`, of `input` `[n, c, h, w]`.
    pub(super) fn features(&self, input: &[f32]) -> Vec<f32> {
        let size: usize = self.network.image_shape().iter().product();
        let at = At::evaluation(self.network, &self.theta, &self.buffers);
        let batch = |input: &[f32]| {
            let images = self.tensor(input);
            let part = |rows| images.clone().slice([rows]);
            let features = self.engine.features(at, images.dims()[0], BATCH, part);
            features.into_data().iter::<f32>().collect::<Vec<_>>()
        };
        input.chunks(BATCH * size).flat_map(batch).collect()
    }

    /// Maps of the images' own classes.
    pub(super) fn look(&self, sample: &Sample) -> Result<Features, Error> {
        let (layer, cam) = usual_map(self.network)?;
        let explainer = Explainer {
            engine: self.engine,
            network: self.network,
            theta: &self.theta,
            buffers: &self.buffers,
            layer,
            cam,
            micro_batch: MICRO_BATCH,
        };
        let images = self.tensor(&sample.input);
        let found = explainer.explain(&images, Target::Classes(&sample.labels), Noise::default())?;
        let [_, height, width] = self.network.image_shape();
        let maps = found.raw.unit().resize(height, width);
        Ok(Features { areas: AREA.areas(&maps), maps })
    }

    /// Image `at` of a sample next to its map.
    pub(super) fn draw(&self, sample: &Sample, seen: &Features, at: usize) -> Result<DrawnMap, Error> {
        let sides = self.network.image_shape();
        let [channels, height, width] = sides;
        let size = channels * height * width;
        let shape = distil_data::ImageShape { channels, height, width };
        let pixels = self.transform.undo(shape, &sample.input[at * size..][..size])?;
        let scale = SHOWN_SIDE.div_ceil(height.min(width)).max(1);
        let Overlay { width, height, rgb } = overlay(&pixels, sides, seen.maps.map(at), scale);
        let picture = RgbImage::from_raw(width as u32, height as u32, rgb).expect("three bytes a pixel");
        let mut png = Cursor::new(Vec::new());
        picture
            .write_to(&mut png, image::ImageFormat::Png)
            .expect("a picture in memory becomes PNG in memory");
        Ok(DrawnMap { png: png.into_inner(), area: seen.areas[at] })
    }

    fn tensor(&self, input: &[f32]) -> Tensor<4> {
        let [channels, height, width] = self.network.image_shape();
        let shape = [input.len() / (channels * height * width), channels, height, width];
        Tensor::from_data(TensorData::new(input.to_vec(), shape), self.engine.device())
    }
}
