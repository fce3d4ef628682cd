//! One pass of activation maps: what discriminative-area enhancement does every K iterations, and Comp-DD once an image.

use burn::tensor::{Device, Tensor};
use distil_gradcam::{Cam, Explainer, Noise, Target, last_layer};
use distil_models::{ConvNet, Network};
use distil_random::stream;

use super::setting::Setting;
use super::workload::gaussian;

/// Grad-CAM of the last layer, for a class of each image.
#[derive(Debug)]
pub(super) struct Maps {
    network: Network,
    theta: Tensor<1>,
    buffers: Tensor<1>,
    images: Tensor<4>,
    classes: Vec<u32>,
    micro_batch: usize,
}

impl Maps {
    pub(super) fn new(setting: &Setting, net: ConvNet, device: &Device) -> Self {
        let network = Network::ConvNet(net);
        let theta = network.theta(&network.init(&mut stream(setting.seed, "bench-init", 0)), device);
        let buffers = network.buffers(&network.init_buffers(), device);
        let side = setting.resolution;
        let images =
            gaussian("bench-images", [setting.images, setting.channels, side, side], setting, device);
        let classes = (0..setting.images).map(|image| (image % setting.classes) as u32).collect();
        Self { network, theta, buffers, images, classes, micro_batch: setting.micro_batch }
    }

    /// Maps of all images at their resolution; returns the mean value of a map.
    pub(super) fn pass(&self) -> f64 {
        let Self { network, theta, buffers, micro_batch, .. } = self;
        let layer = last_layer(network).expect("a ConvNet has a layer");
        let explainer =
            Explainer { network, theta, buffers, layer, cam: Cam::GradCam, micro_batch: *micro_batch };
        let found = explainer.explain(&self.images, Target::Classes(&self.classes), Noise::default());
        let [_, _, height, width] = self.images.dims();
        let maps = found.expect("classes and images of the network's own").raw.unit().resize(height, width);
        let (mut sum, mut count) = (0.0, 0);
        for map in maps.iter() {
            sum += map.iter().sum::<f64>();
            count += map.len();
        }
        sum / f64::from(u32::try_from(count).unwrap_or(u32::MAX))
    }
}
