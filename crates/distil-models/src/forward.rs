//! Running the layers of a network over any arithmetic.

use burn::tensor::Tensor;

use crate::op::{BatchStatistics, Bias, Op};
use crate::{Arithmetic, Moments, Network, Plain};

/// What batch norms normalise with. Networks without them do the same either way.
#[derive(Debug, Clone, Copy)]
pub enum BatchNorms<'a> {
    /// The batch's own statistics, as in training.
    Batch,
    /// Running statistics `[B]`, as in evaluation.
    Running(&'a Tensor<1>),
}

/// Which moments of the inputs of batch norms a pass keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// None that can be differentiated.
    Nothing,
    /// All of them, as [`Outputs::moments`].
    Moments,
}

/// Everything that one forward pass gives.
pub struct Outputs<A: Arithmetic> {
    /// Flattened features before the last linear layer, `[n, f]`, in C, H, W order.
    pub features: A::Tensor<2>,
    /// Logits `[n, k]`.
    pub logits: A::Tensor<2>,
    /// Moments of the input of each batch norm, in the order of their parameters, where the pass keeps them.
    pub moments: Vec<Moments<A>>,
    /// Values of the batch's statistics of each batch norm; none on running statistics.
    pub batch: Vec<Moments<Plain>>,
}

/// One pass through layers.
struct Pass<'a, A: Arithmetic> {
    params: &'a [A::Tensor<1>],
    /// Of each batch norm; `None` for the batch's own.
    running: Option<Vec<Moments<Plain>>>,
    keep: Keep,
    moments: Vec<Option<Moments<A>>>,
    batch: Vec<Option<Moments<Plain>>>,
}

impl Network {
    /// Logits `[n, k]` of images `[n, c, h, w]`; `params` holds one 1-D tensor per layout entry.
    ///
    /// # Panics
    /// When `params` has fewer tensors than the layout.
    pub fn forward<A: Arithmetic>(
        &self,
        params: &[A::Tensor<1>],
        norms: BatchNorms<'_>,
        images: A::Tensor<4>,
    ) -> A::Tensor<2> {
        self.outputs::<A>(params, norms, images, Keep::Nothing).logits
    }

    /// Flattened features `[n, f]` before the last linear layer, in C, H, W order.
    ///
    /// # Panics
    /// When `params` has fewer tensors than the layout.
    pub fn embed<A: Arithmetic>(
        &self,
        params: &[A::Tensor<1>],
        norms: BatchNorms<'_>,
        images: A::Tensor<4>,
    ) -> A::Tensor<2> {
        let (body, _) = self.halves();
        flat::<A>(self.pass::<A>(params, norms, Keep::Nothing).ops(body, images))
    }

    /// Everything that one pass gives.
    ///
    /// # Panics
    /// When `params` has fewer tensors than the layout.
    pub fn outputs<A: Arithmetic>(
        &self,
        params: &[A::Tensor<1>],
        norms: BatchNorms<'_>,
        images: A::Tensor<4>,
        keep: Keep,
    ) -> Outputs<A> {
        let (body, classifier) = self.halves();
        let mut pass = self.pass::<A>(params, norms, keep);
        let map = pass.ops(body, images);
        let features = flat::<A>(map.clone());
        let logits = flat::<A>(pass.op(classifier, map));
        let batch = pass.batch.into_iter().flatten().collect();
        Outputs { features, logits, moments: pass.moments.into_iter().flatten().collect(), batch }
    }

    /// The activation map `[n, channels, h, w]` of number `layer` of [`Network::cam_layers`]: the output of that layer's ReLU,
    /// before any pool. Stages of EfficientNet-Lite end without one; its `head` has one.
    ///
    /// # Panics
    /// When there is no such layer.
    pub fn activation(
        &self,
        params: &[Tensor<1>],
        norms: BatchNorms<'_>,
        images: Tensor<4>,
        layer: usize,
    ) -> Tensor<4> {
        self.pass::<Plain>(params, norms, Keep::Nothing).ops(&self.ops()[..self.cam(layer)], images)
    }

    /// Logits `[n, k]` from the activation map of number `layer` on: of [`Network::activation`], these are the images' logits.
    ///
    /// # Panics
    /// When there is no such layer, or the map is not of its shape.
    pub fn logits_from(
        &self,
        params: &[Tensor<1>],
        norms: BatchNorms<'_>,
        activation: Tensor<4>,
        layer: usize,
    ) -> Tensor<2> {
        let mut pass = self.pass::<Plain>(params, norms, Keep::Nothing);
        flat::<Plain>(pass.ops(&self.ops()[self.cam(layer)..], activation))
    }

    fn pass<'a, A: Arithmetic>(
        &self,
        params: &'a [A::Tensor<1>],
        norms: BatchNorms<'_>,
        keep: Keep,
    ) -> Pass<'a, A> {
        let count = self.batch_norms();
        let none = || (0..count).map(|_| None);
        let running = match norms {
            BatchNorms::Batch => None,
            BatchNorms::Running(buffers) => Some(self.running_moments(buffers)),
        };
        Pass { params, running, keep, moments: none().collect(), batch: (0..count).map(|_| None).collect() }
    }
}

/// `[n, c, h, w]` as `[n, c·h·w]`.
fn flat<A: Arithmetic>(x: A::Tensor<4>) -> A::Tensor<2> {
    let [n, c, h, w] = A::dims(&x);
    A::reshape(x, [n, c * h * w])
}

impl<A: Arithmetic> Pass<'_, A> {
    /// `x` through `ops`, one after the other.
    fn ops(&mut self, ops: &[Op], x: A::Tensor<4>) -> A::Tensor<4> {
        ops.iter().fold(x, |x, op| self.op(op, x))
    }

    fn op(&mut self, op: &Op, x: A::Tensor<4>) -> A::Tensor<4> {
        match op {
            Op::Conv { weight, shape, bias, convolution } => {
                A::conv2d(x, A::reshape(self.param(*weight), *shape), self.bias(*weight, *bias), *convolution)
            }
            Op::Pad(zeros) => A::pad(x, *zeros),
            Op::GroupNorm { weight, groups } => {
                A::group_norm(x, self.param(*weight), self.param(weight + 1), *groups)
            }
            Op::LayerNorm { weight } => A::layer_norm(x, self.param(*weight), self.param(weight + 1)),
            Op::BatchNorm { weight, mean, statistics } => self.batch_norm(x, *weight, *mean, *statistics),
            Op::Relu => A::relu(x),
            Op::Relu6 => A::relu6(x),
            Op::Gelu => A::gelu(x),
            Op::Softplus => A::softplus(x),
            Op::AvgPool(window) => A::avg_pool(x, *window),
            Op::MaxPool(window) => A::max_pool(x, *window),
            Op::GlobalPool => A::global_pool(x),
            Op::Flatten => {
                let [n, c, h, w] = A::dims(&x);
                A::reshape(x, [n, c * h * w, 1, 1])
            }
            Op::Linear { weight, shape, bias } => {
                let matrix = A::reshape(self.param(*weight), *shape);
                let out = A::linear(flat::<A>(x), matrix, self.bias(*weight, *bias));
                let [n, outputs] = A::dims(&out);
                A::reshape(out, [n, outputs, 1, 1])
            }
            Op::Residual { main, shortcut } => {
                let skipped = self.ops(shortcut, x.clone());
                A::relu(A::add(self.ops(main, x), skipped))
            }
            Op::Skip(main) => A::add(self.ops(main, x.clone()), x),
        }
    }

    fn batch_norm(
        &mut self,
        x: A::Tensor<4>,
        weight: usize,
        mean: usize,
        statistics: BatchStatistics,
    ) -> A::Tensor<4> {
        // A running mean and a running variance each.
        let number = mean / 2;
        if self.keep == Keep::Moments {
            self.moments[number] = Some(A::moments(&x));
        }
        let (scale, shift) = (self.param(weight), self.param(weight + 1));
        if let Some(running) = &self.running {
            return A::frozen_norm(x, scale, shift, &running[number], statistics.eps);
        }
        let (out, batch) = A::batch_norm(x, scale, shift, statistics.eps);
        self.batch[number] = Some(batch);
        out
    }

    fn param(&self, number: usize) -> A::Tensor<1> {
        self.params[number].clone()
    }

    fn bias(&self, weight: usize, bias: Bias) -> Option<A::Tensor<1>> {
        (bias == Bias::Learned).then(|| self.param(weight + 1))
    }
}
