//! What passes over an image take on Burn's operations, whose graphs no formula knows.

use std::time::Instant;

use burn::tensor::{DType, Tensor, TensorData};
use distil_engine::{Engine, Targets};
use distil_hypergrad::{InnerLoop, InnerSet, InnerStep, adjoint, unroll};
use distil_match::Method;
use distil_models::Network;
use distil_random::{normal, stream};

use crate::machine;

/// The first batch, of one image, took longer than this: the second is not tried.
const PATIENCE: f64 = 2.0;

/// Steps of which the largest peak counts.
const REPEATS: usize = 5;

/// Bytes that a pass takes for each image of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PerImage {
    /// Second-order products.
    pub dual: u128,
    /// A gradient.
    pub plain: u128,
}

/// Measured by the largest resident size of this process, in a batch of one image and in one of `images` that keeps `threads`
/// busy, so that what is there anyway does not count. `None` where the system does not tell, or it takes too long.
pub(super) fn per_image(
    method: &Method,
    net: &Network,
    (images, threads): (usize, usize),
    engine: &Engine,
) -> Option<PerImage> {
    let begun = Instant::now();
    let one = peaks(method, net, 1, engine)?;
    if begun.elapsed().as_secs_f64() > PATIENCE {
        return None;
    }
    let size = engine.chunk_size(images, method.micro_batch);
    let images = images.min(size * threads);
    let all = peaks(method, net, images, engine)?;
    let size = engine.chunk_size(images, method.micro_batch);
    // Images that are alive at the same time, beyond the one.
    let more = (size * images.div_ceil(size).min(threads)).checked_sub(1).filter(|more| *more > 0)?;
    let each = |one: u128, all: u128| (all > one).then(|| (all - one) / more as u128);
    Some(PerImage { plain: each(one[0], all[0])?, dual: each(one[1], all[1])? })
}

/// The largest resident sizes during a gradient, and during second-order products, of a batch.
fn peaks(method: &Method, net: &Network, images: usize, engine: &Engine) -> Option<[u128; 2]> {
    let mut rng = stream(0, "plan-measured", images as u64);
    let ([channels, height, width], device) = (net.image_shape(), engine.device());
    let augmentation = method.augmentation.draw(images, height, width, &mut rng);
    let mut gaussian = |shape: Vec<usize>| {
        let values: Vec<f32> = (0..shape.iter().product()).map(|_| normal(&mut rng)).collect();
        TensorData::new(values, shape)
    };
    let pixels = gaussian(vec![images, channels, height, width]);
    let logits = gaussian(vec![images, net.classes()]);
    let labels = Targets::Soft(Tensor::from_data(logits, (device, DType::F32)));
    let set = InnerSet::new(Tensor::from_data(pixels, (device, DType::F32)), labels);
    let steps = [InnerStep { rows: (0..images).collect(), augmentation }];
    let (syn_lr, micro_batch) = (method.syn_lr, method.micro_batch);
    let inner = InnerLoop { engine, net, set: &set, steps: &steps, syn_lr, momentum: 0.0, micro_batch };
    let theta = net.theta(&net.init(&mut stream(0, "plan-init", 0)), device);
    let direction = Tensor::ones([theta.dims()[0]], device);
    machine::reset_peak_resident();
    let mut thetas = Vec::new();
    // The threads' peaks seldom meet in the first step.
    for _ in 0..REPEATS {
        thetas = unroll(&inner, theta.clone());
        // What is read has been computed.
        let _ = thetas[1].clone().sum().into_data();
    }
    let plain = machine::peak_resident_mib()?;
    machine::reset_peak_resident();
    let differentiation = method.objective.cost(images, net.classes()).products;
    for _ in 0..REPEATS {
        let _ = adjoint(&inner, &thetas, direction.clone(), differentiation).images.sum().into_data();
    }
    let dual = machine::peak_resident_mib()?;
    Some([plain, dual].map(|mib| (mib * f64::from(1 << 20)) as u128))
}
