//! Every epoch draws its order from its own stream, so a resumed run draws the same ones.

#![expect(clippy::print_stdout, reason = "an example shows its result")]

use distil_random::{normal, permutation, stream};

const SEED: u64 = 7;

fn order(epoch: u64) -> Vec<usize> {
    permutation(&mut stream(SEED, "order", epoch), 8)
}

fn main() {
    for epoch in 0..3 {
        println!("epoch {epoch}: {:?}", order(epoch));
    }
    // Nothing before epoch 2 is drawn again to get here.
    println!("resumed at epoch 2: {:?}", order(2));

    let mut rng = stream(SEED, "noise", 0);
    let noise: Vec<f32> = (0..10_000).map(|_| normal(&mut rng)).collect();
    let mean = noise.iter().sum::<f32>() / 10_000.0;
    let variance = noise.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / 10_000.0;
    println!("10,000 normal draws: mean {mean:.3}, standard deviation {:.3}", variance.sqrt());
}
