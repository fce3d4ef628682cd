//! Loss and gradient of a batch, checked by central differences, and a few steps of SGD.

#![expect(clippy::print_stdout, reason = "an example shows its result")]

use distil_kernels::{Batch, Network, Weights, gradient, gradient_bytes};

/// Images of each batch.
const N: usize = 8;

fn main() {
    let (height, image_width) = (16, 16);
    let net = Network { channels: 1, classes: 2, height, image_width, width: 32, depth: 2, first_padding: 1 };
    // Bright upper halves are class 0, bright lower halves class 1.
    let pixel = |i: usize| if i / 128 % 2 == i / 256 % 2 { 1.0 } else { 0.1 * (i % 7) as f32 };
    let images: Vec<f32> = (0..N * 256).map(pixel).collect();
    let targets = [1.0, 0.0, 0.0, 1.0].repeat(N / 2);
    let batch = Batch { images: &images, targets: &targets, total: N };
    let step = |theta: &[f32]| gradient(&net, &Weights::new(&net, theta), batch);
    let moved = |theta: &[f32], along: &[f32], by: f32| -> Vec<f32> {
        theta.iter().zip(along).map(|(theta, along)| theta + by * along).collect()
    };

    let mut theta: Vec<f32> = (0..net.params()).map(|i| (i * i % 101) as f32 * 0.004 - 0.2).collect();
    println!("{} parameters, {} kB of working memory a thread", net.params(), gradient_bytes(&net, N) / 1000);
    let first = step(&theta);
    let squared: f32 = first.theta.iter().map(|g| g * g).sum();
    let [ahead, behind] = [3e-4, -3e-4].map(|by| step(&moved(&theta, &first.theta, by)).loss);
    println!("slope along the gradient: {squared:.4}, by differences {:.4}", (ahead - behind) / 6e-4);
    for i in 0..5 {
        let found = step(&theta);
        println!("step {i}: loss {:.4}", found.loss);
        theta = moved(&theta, &found.theta, -0.1);
    }
}
