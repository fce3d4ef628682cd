use burn::tensor::Tensor;

/// `AdamW` as PyTorch computes it (Loshchilov & Hutter 2019): θ ← θ(1 − lr·wd), then m ← β₁m + (1 − β₁)g and
/// v ← β₂v + (1 − β₂)g², and θ ← θ − lr·m̂ / (√v̂ + ε) with both divided by 1 − βᵗ.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamW {
    /// β₁ and β₂, in `[0, 1)`.
    pub betas: (f64, f64),
    /// ε, positive.
    pub eps: f64,
    /// Weight decay, at least 0.
    pub weight_decay: f64,
}

/// Running means of gradients and of their squares, and how many they are of. The default remembers nothing.
#[derive(Debug, Clone)]
pub struct AdamState<const D: usize> {
    /// m and v, like the parameters.
    pub means: Option<(Tensor<D>, Tensor<D>)>,
    /// Steps t taken so far.
    pub steps: i32,
}

impl<const D: usize> Default for AdamState<D> {
    fn default() -> Self {
        Self { means: None, steps: 0 }
    }
}

impl Default for AdamW {
    /// PyTorch's β and ε, without weight decay.
    fn default() -> Self {
        Self { betas: (0.9, 0.999), eps: 1e-8, weight_decay: 0.0 }
    }
}

impl AdamW {
    /// One step with step size `lr`; returns the new parameters and the new state. With a mask `decayed` of ones and zeros,
    /// weight decay is for the ones only.
    pub fn update<const D: usize>(
        &self,
        theta: Tensor<D>,
        gradient: Tensor<D>,
        lr: f64,
        decayed: Option<&Tensor<D>>,
        state: AdamState<D>,
    ) -> (Tensor<D>, AdamState<D>) {
        let (first, second) = self.betas;
        let (of_first, of_second) = (gradient.clone() * (1.0 - first), gradient.square() * (1.0 - second));
        let (m, v) = match state.means {
            Some((m, v)) => (m * first + of_first, v * second + of_second),
            None => (of_first, of_second),
        };
        let steps = state.steps + 1;
        let (m_hat, v_hat) = (1.0 - first.powi(steps), 1.0 - second.powi(steps));
        let denominator = (v.clone() / v_hat).sqrt() + self.eps;
        let theta = match decayed {
            None => theta * (1.0 - lr * self.weight_decay),
            Some(mask) => theta.clone() - theta * mask.clone() * (lr * self.weight_decay),
        };
        let theta = theta - m.clone() / denominator * (lr / m_hat);
        (theta, AdamState { means: Some((m, v)), steps })
    }
}
