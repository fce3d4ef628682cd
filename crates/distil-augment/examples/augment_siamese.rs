//! Shows real and synthetic images through the same transformation, and takes the gradient through it.

#![expect(clippy::print_stdout, reason = "an example shows its result")]

use burn::tensor::{Device, Tensor, TensorData};
use distil_augment::Strategy;
use distil_random::{stream, unit};

const SIDE: usize = 16;

fn images(purpose: &str, n: usize) -> Tensor<4> {
    let shape = [n, 3, SIDE, SIDE];
    let mut rng = stream(0, purpose, 0);
    let pixels: Vec<f32> = (0..shape.iter().product()).map(|_| unit(&mut rng)).collect();
    Tensor::from_data(TensorData::new(pixels, shape), &Device::flex())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let strategy: Strategy = "color_crop_cutout_flip_scale_rotate".parse()?;
    let (real, synthetic) = (images("real", 8), images("synthetic", 2));
    for iteration in 0..6 {
        let one = strategy.draw_siamese(1, SIDE, SIDE, &mut stream(1, "augmentation", iteration));
        // One draw for batches of different sizes.
        let seen = one.repeat(8).apply(real.clone()).mean_dim(0);
        let leaf = synthetic.clone().autodiff().require_grad();
        let distance = (one.repeat(2).apply(leaf.clone()).mean_dim(0) - seen).square().sum();
        let gradient = leaf.grad(&distance.backward()).ok_or("the distance depends on the images")?;
        let norm = gradient.square().sum().sqrt().into_scalar::<f32>();
        println!("{one:?}: distance {:.2}, gradient {norm:.2}", distance.into_scalar::<f32>());
    }
    Ok(())
}
