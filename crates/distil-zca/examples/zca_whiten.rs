//! Whitens images whose pixels share a brightness, and takes them back.

#![expect(clippy::print_stdout, reason = "an example shows its result")]

use distil_random::{normal, stream};
use distil_zca::{Zca, ZcaError};

const IMAGES: usize = 500;
/// Values of one 8×8 image.
const D: usize = 64;

/// Correlation of two pixels that lie next to each other.
fn neighbours(images: &[f64]) -> f64 {
    let column = |at| images.iter().skip(at).step_by(D).copied().collect::<Vec<f64>>();
    let [a, b] = [column(0), column(1)].map(|values| {
        let mean = values.iter().sum::<f64>() / IMAGES as f64;
        values.iter().map(|value| value - mean).collect::<Vec<f64>>()
    });
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    dot(&a, &b) / (dot(&a, &a) * dot(&b, &b)).sqrt()
}

fn main() -> Result<(), ZcaError> {
    let mut rng = stream(0, "images", 0);
    let mut draw = |scale| scale * f64::from(normal(&mut rng));
    let mut images = Vec::with_capacity(IMAGES * D);
    for _ in 0..IMAGES {
        let brightness = 0.5 + draw(0.2);
        images.extend((0..D).map(|_| brightness + draw(0.1)));
    }
    let zca = Zca::fit(&images, D, 0.1)?;
    let white = zca.whiten(&images)?;
    println!("correlation of neighbours: {:.2} before, {:.2} after", neighbours(&images), neighbours(&white));
    let back = zca.unwhiten(&white)?;
    let error = back.iter().zip(&images).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    println!("largest error of a pixel that was whitened and taken back: {error:.1e}");
    Ok(())
}
