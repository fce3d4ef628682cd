use burn::tensor::Tensor;
use burn::tensor::activation::{log_softmax, relu, softmax};
use burn::tensor::module::{conv2d, max_pool2d_with_indices};
use burn::tensor::ops::{ConvOptions, MaxPoolOptions};
use distil_models::{Arithmetic, GroupStatistics, Plain, per_channel};

/// A value and its directional derivative; `None` is a tangent of zero that nobody computes with.
#[derive(Debug, Clone)]
pub struct Dual<const D: usize> {
    /// The value.
    pub value: Tensor<D>,
    /// d value / dε along the chosen direction.
    pub tangent: Option<Tensor<D>>,
}

impl<const D: usize> Dual<D> {
    /// A number that does not move along the direction.
    pub fn constant(value: Tensor<D>) -> Self {
        Self { value, tangent: None }
    }

    /// A number that moves along the direction.
    pub fn new(value: Tensor<D>, tangent: Tensor<D>) -> Self {
        Self { value, tangent: Some(tangent) }
    }

    /// Applies a linear map to value and tangent.
    fn linear_map<const E: usize>(self, map: impl Fn(Tensor<D>) -> Tensor<E>) -> Dual<E> {
        Dual { value: map(self.value), tangent: self.tangent.map(map) }
    }
}

/// Forward-mode arithmetic: every operation carries its exact derivative along one direction.
#[derive(Debug, Clone, Copy)]
pub struct Duals;

impl Arithmetic for Duals {
    type Tensor<const D: usize> = Dual<D>;

    fn reshape<const D: usize, const E: usize>(x: Dual<D>, shape: [usize; E]) -> Dual<E> {
        x.linear_map(|x| x.reshape(shape))
    }

    fn flatten(x: Dual<4>, features: usize) -> Dual<2> {
        x.linear_map(|x| Plain::flatten(x, features))
    }

    fn conv2d(x: Dual<4>, weight: Dual<4>, bias: Dual<1>, padding: usize) -> Dual<4> {
        let conv = |x: Tensor<4>, weight: Tensor<4>, bias: Option<Tensor<1>>| {
            conv2d(x, weight, bias, ConvOptions::new([1, 1], [padding, padding], [1, 1], 1))
        };
        let along_x = x.tangent.map(|dx| conv(dx, weight.value.clone(), None));
        let along_weight = weight.tangent.map(|dw| conv(x.value.clone(), dw, bias.tangent));
        Dual { value: conv(x.value, weight.value, Some(bias.value)), tangent: sum(along_x, along_weight) }
    }

    /// With c = x − μ, s = 1/σ: y = c·(s·w) + b and, since dc = dx − mean(dx) and ds = −s³·mean(c·dx),
    /// dy = dx·(s·w) + c·(s·dw − s³·w·mean(c·dx)) + (db − mean(dx)·s·w). Everything in brackets is one
    /// number a channel, so the activations are passed over as rarely as they can be.
    fn group_norm(x: Dual<4>, weight: Dual<1>, bias: Dual<1>, groups: usize) -> Dual<4> {
        let dims = x.value.dims();
        let [n, c, h, w] = dims;
        let channel = |p: Tensor<1>| p.reshape([1, c, 1, 1]);
        let GroupStatistics { centred, inverse_std } = GroupStatistics::of(x.value, groups);
        let inverse = per_channel(inverse_std.clone(), c);
        let scale = inverse.clone() * channel(weight.value.clone());
        let moved = x.tangent.map(|dx| {
            let grouped = dx.clone().reshape([n, groups, c / groups * h * w]);
            let projection = (centred.clone() * grouped.clone()).mean_dim(2);
            let bend = per_channel(projection * inverse_std.powi_scalar(3), c).neg();
            let shift = (per_channel(grouped.mean_dim(2), c) * scale.clone()).neg();
            (dx * scale.clone(), bend * channel(weight.value), shift)
        });
        let (stretched, bend, shift) =
            moved.map_or((None, None, None), |(a, b, c)| (Some(a), Some(b), Some(c)));
        let bend = sum(bend, weight.tangent.map(|dw| inverse * channel(dw)));
        let shift = sum(shift, bias.tangent.map(channel));
        let centred = centred.reshape(dims);
        let bent = bend.map(|bend| centred.clone() * bend);
        let moved = sum(stretched, bent);
        let tangent = match (moved, shift) {
            (None, shift) => shift.map(|shift| shift.expand(dims)),
            (moved, shift) => sum(moved, shift),
        };
        Dual { value: centred * scale + channel(bias.value), tangent }
    }

    fn relu(x: Dual<4>) -> Dual<4> {
        let tangent = x.tangent.map(|dx| dx.mask_fill(x.value.clone().lower_equal_elem(0.0), 0.0));
        Dual { value: relu(x.value), tangent }
    }

    fn avg_pool(x: Dual<4>) -> Dual<4> {
        x.linear_map(Plain::avg_pool)
    }

    fn max_pool(x: Dual<4>) -> Dual<4> {
        let [n, c, h, w] = x.value.dims();
        let (value, winners) = max_pool2d_with_indices(x.value, MaxPoolOptions::new([2, 2]));
        let dims = value.dims();
        let tangent = x.tangent.map(|dx| {
            let winners = winners.reshape([n, c, dims[2] * dims[3]]);
            dx.reshape([n, c, h * w]).gather(2, winners).reshape(dims)
        });
        Dual { value, tangent }
    }

    fn linear(x: Dual<2>, weight: Dual<2>, bias: Dual<1>) -> Dual<2> {
        let along_x = x.tangent.map(|dx| dx.matmul(weight.value.clone().transpose()));
        let along_weight = weight.tangent.map(|dw| x.value.clone().matmul(dw.transpose()));
        let [n, k] = [x.value.dims()[0], weight.value.dims()[0]];
        let along_bias = bias.tangent.map(|db| db.unsqueeze::<2>().expand([n, k]));
        Dual {
            value: Plain::linear(x.value, weight.value, bias.value),
            tangent: sum(sum(along_x, along_weight), along_bias),
        }
    }

    /// The tangent is Σ (softmax(out) − p)·d out, because every row of `probabilities` sums to one.
    fn cross_entropy(out: Dual<2>, probabilities: Tensor<2>) -> Dual<1> {
        let tangent = out.tangent.map(|d_out| {
            let error = softmax(out.value.clone(), 1) - probabilities.clone();
            (error * d_out).sum()
        });
        let value = (probabilities * log_softmax(out.value, 1)).sum().neg();
        Dual { value, tangent }
    }
}

fn sum<const D: usize>(a: Option<Tensor<D>>, b: Option<Tensor<D>>) -> Option<Tensor<D>> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a + b),
        (a, b) => a.or(b),
    }
}
