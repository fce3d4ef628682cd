use burn::tensor::{Bool, Int, Tensor, TensorData};
use distil_random::{Stream, below, permutation, unit};

/// A batch of images mixed with itself in another order by `CutMix` (Yun et al. 2019).
#[derive(Debug, Clone)]
pub struct CutMix {
    /// The images `[n, c, h, w]`, each with a box of another one in it.
    pub images: Tensor<4>,
    /// Which image each box is of, `[n]`.
    pub order: Tensor<1, Int>,
    /// Share of each image that is its own, in `[0, 1]`.
    pub kept: f64,
}

impl CutMix {
    /// Mixes `images`: λ is drawn from Beta(alpha, alpha), and one box for all of about 1 − λ of the area.
    pub fn of(images: Tensor<4>, alpha: f64, rng: &mut Stream) -> Self {
        let order = mixing_order(&images, rng);
        let lambda = beta(alpha, rng);
        let [_, _, height, width] = images.dims();
        let inside = cut(lambda, [height, width], rng);
        let kept = inside.iter().filter(|inside| !**inside).count() as f64 / inside.len() as f64;
        let inside = TensorData::new(inside, [1, 1, height, width]);
        let inside = Tensor::<4, Bool>::from_data(inside, &images.device());
        let (shape, others) = (images.dims(), images.clone().select(0, order.clone()));
        Self { images: images.mask_where(inside.expand(shape), others), order, kept }
    }
}

/// The other image of each image of a batch.
pub fn mixing_order(images: &Tensor<4>, rng: &mut Stream) -> Tensor<1, Int> {
    let order: Vec<i64> = permutation(rng, images.dims()[0]).into_iter().map(|row| row as i64).collect();
    Tensor::from_data(TensorData::from(&order[..]), &images.device())
}

/// Which pixels are the other image's: a box of about 1 − λ of the area around a random pixel.
fn cut(lambda: f64, sides: [usize; 2], rng: &mut Stream) -> Vec<bool> {
    let share = (1.0 - lambda).sqrt();
    let range = |side: usize, rng: &mut Stream| {
        let (half, centre) = ((side as f64 * share) as usize / 2, below(rng, side));
        centre.saturating_sub(half)..(centre + half).min(side)
    };
    let columns = range(sides[1], rng);
    let rows = range(sides[0], rng);
    (0..sides[0] * sides[1])
        .map(|i| rows.contains(&(i / sides[1])) && columns.contains(&(i % sides[1])))
        .collect()
}

/// A draw from Beta(alpha, alpha) (Jöhnk 1964).
pub fn beta(alpha: f64, rng: &mut Stream) -> f64 {
    loop {
        let [x, y] = [(); 2].map(|()| f64::from(unit(rng)).powf(1.0 / alpha));
        if x + y > 0.0 && x + y <= 1.0 {
            return x / (x + y);
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use distil_random::stream;

    use super::*;

    #[test]
    fn the_share_kept_is_what_is_left_of_the_image() {
        let values: Vec<f32> = (0..4 * 64).map(|i| (i / 64) as f32).collect();
        let images = Tensor::<4>::from_data(TensorData::new(values, [4, 1, 8, 8]), &Device::flex());
        for index in 0..20 {
            let mixed = CutMix::of(images.clone(), 1.0, &mut stream(7, "test", index));
            let order: Vec<i64> = mixed.order.into_data().iter::<i64>().collect();
            let pixels: Vec<f32> = mixed.images.into_data().iter::<f32>().collect();
            for (row, image) in pixels.chunks(64).enumerate() {
                let own = image.iter().filter(|pixel| **pixel == row as f32).count() as f64 / 64.0;
                let other = order[row] as f32;
                assert!(image.iter().all(|pixel| *pixel == row as f32 || *pixel == other));
                assert!(other == row as f32 || (own - mixed.kept).abs() < 1e-9, "{own} {}", mixed.kept);
            }
        }
    }

    #[test]
    fn shares_are_beta_distributed() {
        // Beta(a, a) has mean 1/2 and variance 1/(4(2a + 1)).
        for alpha in [0.8, 1.0, 2.0] {
            let mut rng = stream(2, "test", 0);
            let draws: Vec<f64> = (0..8000).map(|_| beta(alpha, &mut rng)).collect();
            let mean = draws.iter().sum::<f64>() / 8000.0;
            let variance = draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 8000.0;
            let wanted = 0.25 / (2.0 * alpha + 1.0);
            assert!(
                (mean - 0.5).abs() < 0.015 && (variance / wanted - 1.0).abs() < 0.06,
                "{mean} {variance} {wanted}"
            );
        }
    }
}
