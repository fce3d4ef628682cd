//! The way to the fused CPU kernels of `distil-kernels`, for the networks and numbers they know.

use std::ops::Range;

use burn::tensor::{DType, Device, Tensor, TensorData};
use distil_kernels::{Batch, Gradient, Network, Weights, gradient, logits};

use crate::chunks::computes_on_cpu;
use crate::gradient::LossGradient;
use crate::{ConvNet, Norm, Plain, Pool, Targets, reduce_chunks};

impl ConvNet {
    /// The kernels' view of this network, if they compute it in these numbers: in f32 on the CPU, not tracked by
    /// autodiff, with instance norm and average pools. Everything else runs on Burn's operations, which are also the oracle in f64.
    pub fn kernels(&self, device: &Device, dtype: DType) -> Option<Network> {
        let known = self.norm == Norm::Instance && self.pool == Pool::Avg && self.depth > 0;
        let here = computes_on_cpu(device) && !device.is_autodiff() && dtype == DType::F32;
        (known && here).then(|| Network {
            channels: self.channels,
            classes: self.classes,
            height: self.height,
            image_width: self.image_width,
            width: self.width,
            depth: self.depth,
            first_padding: self.first_padding(),
        })
    }

    /// Logits `[n, k]` of images `[n, c, h, w]` at θ `[P]`, without a graph.
    pub fn logits(&self, theta: &Tensor<1>, images: &Tensor<4>) -> Tensor<2> {
        let device = images.device();
        let n = images.dims()[0];
        let Some(net) = self.kernels(&device, theta.dtype()) else {
            let params = self.layout().split(theta.clone());
            let work = |rows: Range<usize>| self.forward::<Plain>(&params, images.clone().slice([rows]));
            let join = |a, b| Tensor::cat(vec![a, b], 0);
            return reduce_chunks(n, n, &device, work, join).expect("there are images");
        };
        let weights = Weights::new(&net, &scalars(theta.clone()));
        let work = |range: Range<usize>| logits(&net, &weights, &scalars(images.clone().slice([range])));
        let join = |mut all: Vec<f32>, next: Vec<f32>| {
            all.extend(next);
            all
        };
        let out = reduce_chunks(n, n, &device, work, join).unwrap_or_default();
        vector(out, &device).reshape([n, self.classes])
    }
}

/// The scalars of a tensor in row-major order.
///
/// # Panics
/// When they are not f32.
pub fn scalars<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec().expect("an f32 tensor holds f32")
}

/// The scalars as a tensor, without a copy.
pub fn vector(scalars: Vec<f32>, device: &Device) -> Tensor<1> {
    let count = scalars.len();
    Tensor::from_data(TensorData::new(scalars, [count]), device)
}

/// [`loss_and_gradient_of`](crate::loss_and_gradient_of) on the kernels.
pub(crate) fn loss_and_gradient_of(
    net: &Network,
    theta: &Tensor<1>,
    n: usize,
    micro_batch: usize,
    rows: impl Fn(Range<usize>) -> (Tensor<4>, Targets) + Sync + Send,
) -> LossGradient {
    let device = theta.device();
    let weights = Weights::new(net, &scalars(theta.clone()));
    let work = |range| {
        let (images, targets) = rows(range);
        let (images, targets) = (scalars(images), scalars(targets.probabilities()));
        gradient(net, &weights, Batch { images: &images, targets: &targets, total: n })
    };
    let add = |mut sum: Gradient, part: Gradient| {
        sum.loss += part.loss;
        sum.theta.iter_mut().zip(&part.theta).for_each(|(sum, part)| *sum += part);
        sum
    };
    let zero = || Gradient { loss: 0.0, theta: vec![0.0; net.params()] };
    let Gradient { loss, theta } = reduce_chunks(n, micro_batch, &device, work, add).unwrap_or_else(zero);
    LossGradient { loss: Tensor::from_data([loss], &device), gradient: vector(theta, &device) }
}
