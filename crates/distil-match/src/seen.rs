//! From what is stored to what networks see, and gradients back: the set's parametrisation inside the loop.

use burn::tensor::{DType, Tensor, TensorData};
use distil_engine::Targets;
use distil_hypergrad::Hypergradient;
use distil_store::Decoding;

use crate::outer::Learned;

/// The images that networks see, and their labels. The images of one stored image lie together, so that rows of a class do.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) images: Tensor<4>,
    pub(crate) targets: Targets,
}

impl Seen {
    /// `None` where networks see what is stored.
    pub(crate) fn of(decoding: Decoding, learned: &Learned) -> Option<Self> {
        let times = decoding.images_per_stored();
        if times == 1 {
            return None;
        }
        let stored = learned.images.dims();
        let decoded = decoding.decode(stored, &host(&learned.images));
        let images = reordered(&decoded, stored, times, Order::ByStored);
        let place = (&learned.images.device(), learned.images.dtype());
        Some(Self {
            images: Tensor::from_data(TensorData::new(images, decoding.shape(stored)), place),
            targets: learned.targets.map(|values| repeated(values, times)),
        })
    }
}

/// The gradient of what is stored, from that of what networks see.
pub(crate) fn gradient_of_stored(
    decoding: Decoding,
    stored: [usize; 4],
    seen: Hypergradient,
) -> Hypergradient {
    let times = decoding.images_per_stored();
    if times == 1 {
        return seen;
    }
    let place = (&seen.images.device(), seen.images.dtype());
    let gradient = reordered(&host(&seen.images), stored, times, Order::ByTile);
    let images = TensorData::new(decoding.transpose(stored, &gradient), stored);
    let labels = seen.labels.map(|labels| {
        let classes = labels.dims()[1];
        labels.reshape([stored[0], times, classes]).sum_dim(1).reshape([stored[0], classes])
    });
    Hypergradient { images: Tensor::from_data(images, place), labels, ..seen }
}

/// How decoded images are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    /// Those of the first stored image first: as methods expect them.
    ByStored,
    /// The first tile of every stored image first: as [`Decoding`] has them.
    ByTile,
}

/// Decoded images of `stored` in the other order.
fn reordered(images: &[f32], [n, c, h, w]: [usize; 4], times: usize, order: Order) -> Vec<f32> {
    let size = c * h * w;
    let source = |row: usize| match order {
        Order::ByStored => (row % times) * n + row / times,
        Order::ByTile => (row % n) * times + row / n,
    };
    (0..n * times).flat_map(|row| &images[source(row) * size..][..size]).copied().collect()
}

/// Each row several times.
fn repeated(rows: Tensor<2>, times: usize) -> Tensor<2> {
    let [n, k] = rows.dims();
    rows.reshape([n, 1, k]).repeat_dim(1, times).reshape([n * times, k])
}

fn host(images: &Tensor<4>) -> Vec<f32> {
    images.clone().cast(DType::F32).into_data().iter::<f32>().collect()
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::Method;

    fn learned(n: usize, labels: &[u32]) -> Learned {
        let device = Device::flex();
        let pixels: Vec<f32> = (0..n * 3 * 16).map(|at| (at as f32 * 0.37).sin()).collect();
        let images = Tensor::from_data(TensorData::new(pixels, [n, 3, 4, 4]), &device);
        Learned::new(images, Targets::from_classes(labels, 2, &device, DType::F32), &Method::mtt())
    }

    #[test]
    fn images_of_one_stored_image_lie_together_with_its_label() {
        let tiles = Decoding::Tiles { factor: 2 };
        let (both, second) = (learned(2, &[0, 1]), learned(2, &[0, 1]));
        let seen = Seen::of(tiles, &both).unwrap();
        assert_eq!((seen.images.dims(), seen.targets.len()), ([8, 3, 4, 4], 8));
        let classes: Vec<f32> = seen.targets.probabilities().slice([0..8, 1..2]).into_data().iter().collect();
        assert_eq!(classes, [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0]);
        let alone = Learned { images: second.images.narrow(0, 1, 1), ..learned(1, &[1]) };
        let alone = Seen::of(tiles, &alone).unwrap();
        assert_eq!(host(&seen.images.narrow(0, 4, 4)), host(&alone.images));
    }

    /// ⟨decode(x), g⟩ = ⟨x, transpose(g)⟩ up to what padding adds, which there is none of.
    #[test]
    fn gradients_come_back_by_the_transpose() {
        let tiles = Decoding::Tiles { factor: 2 };
        let learned = learned(3, &[0, 1, 1]);
        let seen = Seen::of(tiles, &learned).unwrap();
        let direction = seen.images.clone().cos();
        let labels = Some(seen.targets.probabilities());
        let gradient = Hypergradient { images: direction.clone(), labels, syn_lr: 0.0, theta: None };
        let back = gradient_of_stored(tiles, learned.images.dims(), gradient);
        let sum = |a: Tensor<4>, b: Tensor<4>| (a * b).sum().into_scalar::<f32>();
        let (ahead, behind) = (sum(seen.images, direction), sum(learned.images, back.images));
        assert!((ahead - behind).abs() < 1e-3 * ahead.abs(), "{ahead} {behind}");
        let labels: Vec<f32> = back.labels.unwrap().into_data().iter().collect();
        assert_eq!(labels, [4.0, 0.0, 0.0, 4.0, 0.0, 4.0]);
    }
}
