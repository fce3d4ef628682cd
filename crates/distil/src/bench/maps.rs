//! One pass of activation maps: what discriminative-area enhancement does every K iterations, and Comp-DD once an image.

use burn::tensor::{Tensor, TensorData};
use distil_engine::Engine;
use distil_gradcam::{Cam, Explainer, Noise, Target, last_layer};
use distil_models::Network;
use distil_random::{normal, stream};

use super::Bench;

/// Grad-CAM of the last layer, for a class of each image.
#[derive(Debug)]
pub(super) struct Maps {
    engine: Engine,
    network: Network,
    theta: Tensor<1>,
    buffers: Tensor<1>,
    images: Tensor<4>,
    classes: Vec<u32>,
    micro_batch: usize,
}

impl Maps {
    pub(super) fn new(bench: &Bench, images: usize, engine: &Engine) -> Self {
        let (network, device) = (bench.net.clone(), engine.device());
        let theta = network.theta(&network.init(&mut stream(bench.seed, "bench-init", 0)), device);
        let buffers = network.buffers(&network.init_buffers(), device);
        let [channels, height, width] = network.image_shape();
        let shape = [images, channels, height, width];
        let mut rng = stream(bench.seed, "bench-images", 0);
        let pixels: Vec<f32> = (0..shape.iter().product()).map(|_| normal(&mut rng)).collect();
        let images = Tensor::from_data(TensorData::new(pixels, shape), device);
        let classes = (0..shape[0]).map(|image| (image % network.classes()) as u32).collect();
        Self {
            engine: engine.clone(),
            network,
            theta,
            buffers,
            images,
            classes,
            micro_batch: bench.micro_batch,
        }
    }

    /// Maps of all images at their resolution; returns the mean value of a map.
    pub(super) fn pass(&self) -> f64 {
        let Self { engine, network, theta, buffers, micro_batch, .. } = self;
        let layer = last_layer(network).expect("a ConvNet has a layer");
        let explainer = Explainer {
            engine,
            network,
            theta,
            buffers,
            layer,
            cam: Cam::GradCam,
            micro_batch: *micro_batch,
        };
        let found = explainer.explain(&self.images, Target::Classes(&self.classes), Noise::default());
        let [_, _, height, width] = self.images.dims();
        let maps = found.expect("classes and images of the network's own").raw.unit().resize(height, width);
        let (mut sum, mut count) = (0.0, 0);
        for map in maps.iter() {
            sum += map.iter().sum::<f64>();
            count += map.len();
        }
        sum / count as f64
    }
}
