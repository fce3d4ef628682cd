//! Gradients of an outer loss through ten steps of inner SGD: exact, truncated and by central differences.

#![expect(clippy::print_stdout, reason = "an example shows its result")]

use burn::tensor::{Device, Tensor, TensorData};
use distil_augment::Augmentation;
use distil_engine::{Engine, Targets};
use distil_hypergrad::{Differentiation, InnerLoop, InnerSet, InnerStep, adjoint, unroll};
use distil_models::{ConvNet, Network};
use distil_random::{normal, stream};

const STEPS: usize = 10;

fn norm<const D: usize>(tensor: Tensor<D>) -> f32 {
    tensor.square().sum().sqrt().into_scalar()
}

fn main() {
    let engine = &Engine::new(Device::flex());
    let device = engine.device();
    let net = &Network::from(ConvNet::new(1, 2, 16, 16).with_width(4).with_depth(1));
    let [start, goal] = [0, 1].map(|i| net.theta(&net.init(&mut stream(0, "init", i)), device));
    let mut rng = stream(0, "images", 0);
    let pixels: Vec<f32> = (0..4 * 256).map(|_| normal(&mut rng)).collect();
    let images = Tensor::from_data(TensorData::new(pixels, [4, 1, 16, 16]), device);
    let logits = Tensor::from_data([[2.0, 0.0], [0.0, 2.0], [2.0, 0.0], [0.0, 2.0]], device);
    let set = &InnerSet::new(images, Targets::Soft(logits));
    let steps = vec![InnerStep { rows: vec![0, 1, 2, 3], augmentation: Augmentation::None }; STEPS];
    let inner =
        |syn_lr| InnerLoop { engine, net, set, steps: &steps, syn_lr, momentum: 0.0, micro_batch: 64 };
    let end = |syn_lr| unroll(&inner(syn_lr), start.clone());

    // L = ½‖θ_N − goal‖², so λ_N = θ_N − goal.
    let thetas = end(0.1);
    let lambda = thetas[STEPS].clone() - goal.clone();
    for differentiation in [Differentiation::Exact, Differentiation::Truncated] {
        let gradient = adjoint(&inner(0.1), &thetas, lambda.clone(), differentiation);
        let (syn_lr, images) = (gradient.syn_lr, norm(gradient.images));
        println!("{differentiation:?}: ∂L/∂syn_lr {syn_lr:.4}, ‖∂L/∂images‖ {images:.4}");
    }
    let loss = |syn_lr| 0.5 * norm(end(syn_lr)[STEPS].clone() - goal.clone()).powi(2);
    println!("by differences: ∂L/∂syn_lr {:.4}", (loss(0.101) - loss(0.099)) / 0.002);
}
