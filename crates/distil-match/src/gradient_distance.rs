use burn::tensor::Tensor;
use distil_models::{Entry, Layout};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Added to a product of norms, as in the public code of DC.
const EPS: f64 = 1e-6;
/// Where a norm is smaller, its derivative is taken to be zero.
const SMALLEST: f64 = 1e-30;

/// How far a gradient `b` on synthetic images is from a gradient `a` on real ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Distance {
    /// DC's own (eq. 9): Σ (1 − cos(a_row, b_row)) over the output rows of all weights; biases and norms do not count.
    #[default]
    Ours,
    /// Σ (a − b)² over all parameters.
    Mse,
    /// 1 − cos(a, b) of all parameters as one vector.
    Cos,
    /// Σ (a − b)² over the weights of convolutions alone (IDC, DREAM).
    ConvMse,
    /// Σ |a − b| over the weights of convolutions alone (IDC and DREAM on MNIST, Fashion-MNIST and SVHN).
    ConvL1,
}

/// A distance between gradients, and where it grows.
#[derive(Debug, Clone)]
pub struct GradientDistance {
    /// Its parts, which add up to it: one a weight tensor for [`Distance::Ours`], in the order of the layout, else one.
    pub parts: Tensor<1>,
    /// ∂distance/∂b `[P]`.
    pub direction: Tensor<1>,
}

impl Distance {
    /// Compares the gradients `real` and `synthetic` `[P]` of a network of this layout; `real` is a constant.
    ///
    /// The cosine of a row is ⟨a,b⟩/(‖a‖‖b‖ + 1e-6). All in the numbers, and on the device, of the gradients.
    ///
    /// # Panics
    /// When the vectors do not fit the layout.
    pub fn between(self, layout: &Layout, real: &Tensor<1>, synthetic: &Tensor<1>) -> GradientDistance {
        let (a, b) = (real.clone(), synthetic.clone());
        match self {
            Self::Ours => by_rows(layout, a, b),
            Self::Mse => {
                let difference = b - a;
                let parts = (difference.clone() * difference.clone()).sum();
                GradientDistance { parts, direction: difference * 2.0 }
            }
            Self::ConvMse => {
                let difference = of_convolutions(layout, b - a);
                let parts = (difference.clone() * difference.clone()).sum();
                GradientDistance { parts, direction: difference * 2.0 }
            }
            Self::ConvL1 => {
                let difference = of_convolutions(layout, b - a);
                GradientDistance { parts: difference.clone().abs().sum(), direction: difference.sign() }
            }
            Self::Cos => {
                let params = layout.params();
                let (parts, direction) = rows(a.reshape([1, params]), b.reshape([1, params]));
                GradientDistance { parts, direction: direction.reshape([params]) }
            }
        }
    }
}

/// The vector with zeros for all that is no weight of a convolution.
fn of_convolutions(layout: &Layout, vector: Tensor<1>) -> Tensor<1> {
    let parts = layout.split(vector).into_iter().zip(layout.entries());
    let kept =
        |(part, entry): (Tensor<1>, &Entry)| if entry.shape.len() == 4 { part } else { part.zeros_like() };
    Tensor::cat(parts.map(kept).collect(), 0)
}

fn by_rows(layout: &Layout, a: Tensor<1>, b: Tensor<1>) -> GradientDistance {
    let (mut parts, mut directions) = (Vec::new(), Vec::new());
    let tensors = layout.split(a).into_iter().zip(layout.split(b));
    for (entry, (a, b)) in layout.entries().iter().zip(tensors) {
        let Some(shape) = matrix(entry) else {
            directions.push(b.zeros_like());
            continue;
        };
        let (part, direction) = rows(a.reshape(shape), b.reshape(shape));
        parts.push(part);
        directions.push(direction.reshape([entry.len()]));
    }
    GradientDistance { parts: Tensor::cat(parts, 0), direction: Tensor::cat(directions, 0) }
}

/// A weight as a matrix with one row an output; `None` for biases and norms.
fn matrix(entry: &Entry) -> Option<[usize; 2]> {
    let [outputs, _, ..] = entry.shape[..] else { return None };
    Some([outputs, entry.len() / outputs])
}

/// Σ over rows of 1 − c/(‖a‖‖b‖ + ε) with c = ⟨a,b⟩, and its derivative by b, which is
/// −a/(‖a‖‖b‖ + ε) + c·‖a‖·(b/‖b‖)/(‖a‖‖b‖ + ε)².
fn rows(a: Tensor<2>, b: Tensor<2>) -> (Tensor<1>, Tensor<2>) {
    let norm = |x: &Tensor<2>| (x.clone() * x.clone()).sum_dim(1).sqrt();
    let (norm_a, norm_b) = (norm(&a), norm(&b));
    let product = (a.clone() * b.clone()).sum_dim(1);
    let scale = norm_a.clone() * norm_b.clone() + EPS;
    let cosine = product / scale.clone();
    let bend = cosine.clone() * norm_a / (norm_b.clamp_min(SMALLEST) * scale.clone());
    let direction = b * bend - a / scale;
    ((cosine.neg() + 1.0).sum(), direction)
}

#[cfg(test)]
mod tests {
    use burn::tensor::{DType, Device, TensorData};

    use super::*;

    fn layout() -> Layout {
        let entry = |name: &str, shape: &[usize]| Entry { name: name.to_owned(), shape: shape.to_vec() };
        Layout::new(vec![entry("conv", &[2, 1, 2, 2]), entry("bias", &[2]), entry("linear", &[3, 2])])
    }

    fn vector(values: &[f64]) -> Tensor<1> {
        Tensor::from_data(TensorData::new(values.to_vec(), [values.len()]), (&Device::flex(), DType::F64))
    }

    fn values(tensor: Tensor<1>) -> Vec<f64> {
        tensor.into_data().iter::<f64>().collect()
    }

    fn distance(distance: Distance, a: &[f64], b: &[f64]) -> f64 {
        values(distance.between(&layout(), &vector(a), &vector(b)).parts).iter().sum()
    }

    /// Sixteen parameters of no pattern.
    fn gradients() -> [Vec<f64>; 2] {
        [1.0, 2.7].map(|by| (0..16).map(|i| (f64::from(i) * by + 0.3).sin()).collect())
    }

    #[test]
    fn directions_are_slopes_of_the_distance() {
        let [a, b] = gradients();
        for each in [Distance::Ours, Distance::Mse, Distance::Cos, Distance::ConvMse, Distance::ConvL1] {
            let direction = values(each.between(&layout(), &vector(&a), &vector(&b)).direction);
            for i in 0..b.len() {
                let moved = |by: f64| {
                    let mut b = b.clone();
                    b[i] += by;
                    distance(each, &a, &b)
                };
                let slope = (moved(1e-5) - moved(-1e-5)) / 2e-5;
                assert!((slope - direction[i]).abs() < 1e-8, "{each:?} {i}: {slope} {}", direction[i]);
            }
        }
    }

    #[test]
    fn alike_is_near_zero_and_each_row_counts_for_itself() {
        let [a, _] = gradients();
        let twice: Vec<f64> = a.iter().map(|x| 2.0 * x).collect();
        assert!(distance(Distance::Ours, &a, &twice) < 1e-4 && distance(Distance::Cos, &a, &twice) < 1e-4);
        assert!(distance(Distance::Mse, &a, &twice) > 1.0);
        // Five rows; turning one over adds two, scaling one nothing, biases nothing.
        let mut turned = a.clone();
        turned[..4].iter_mut().for_each(|x| *x *= -1.0);
        turned[4..8].iter_mut().for_each(|x| *x *= 9.0);
        turned[8..10].fill(100.0);
        assert!((distance(Distance::Ours, &a, &turned) - 2.0).abs() < 1e-4);
    }

    #[test]
    fn some_look_at_convolutions_alone() {
        let [a, b] = gradients();
        let sum = |power: i32| a.iter().zip(&b).take(8).map(|(a, b)| (a - b).abs().powi(power)).sum::<f64>();
        assert!((distance(Distance::ConvMse, &a, &b) - sum(2)).abs() < 1e-12);
        assert!((distance(Distance::ConvL1, &a, &b) - sum(1)).abs() < 1e-12);
    }

    #[test]
    fn a_row_of_zeros_stays_finite() {
        let [a, _] = gradients();
        let zero = vec![0.0; 16];
        for (a, b) in [(&a, &zero), (&zero, &a), (&zero, &zero)] {
            let got = Distance::Ours.between(&layout(), &vector(a), &vector(b));
            assert_eq!(values(got.parts).iter().sum::<f64>(), 5.0);
            assert!(values(got.direction).iter().all(|x| x.is_finite()));
        }
    }
}
