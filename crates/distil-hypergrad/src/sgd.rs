use burn::tensor::Tensor;

/// SGD with momentum and weight decay, as PyTorch computes it: d = g + wd·θ; buffer = d at first,
/// then momentum·buffer + d; θ ← θ − lr·buffer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sgd {
    /// Momentum, in `[0, 1)`.
    pub momentum: f64,
    /// Weight decay, at least 0.
    pub weight_decay: f64,
}

/// What SGD remembers between steps. The default state remembers nothing: a start, or a reset.
#[derive(Debug, Clone)]
pub struct SgdState<const D: usize> {
    /// The momentum buffer, like the parameters.
    pub buffer: Option<Tensor<D>>,
}

impl<const D: usize> Default for SgdState<D> {
    fn default() -> Self {
        Self { buffer: None }
    }
}

impl Sgd {
    /// One step with step size `lr`; returns the new parameters and the new state.
    pub fn update<const D: usize>(
        &self,
        theta: Tensor<D>,
        gradient: Tensor<D>,
        lr: f64,
        state: SgdState<D>,
    ) -> (Tensor<D>, SgdState<D>) {
        let decayed =
            if self.weight_decay == 0.0 { gradient } else { gradient + theta.clone() * self.weight_decay };
        let buffer = match state.buffer {
            Some(buffer) if self.momentum != 0.0 => buffer * self.momentum + decayed,
            _ => decayed,
        };
        (theta - buffer.clone() * lr, SgdState { buffer: Some(buffer) })
    }
}
