use burn::tensor::{IndexingUpdateOp, Tensor};
use distil_engine::Wanted;

use crate::InnerLoop;

/// How the outer loss is differentiated through the inner steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Differentiation {
    /// The exact gradient: λ is carried back through every step.
    Exact,
    /// TESLA's truncation: λ stays λ_N, as if every Hessian were zero. Exact only for N = 1.
    Truncated,
}

/// The gradient of the outer loss with respect to everything that inner training depends on.
#[derive(Debug, Clone)]
pub struct Hypergradient {
    /// ∂L/∂images, like the images; zero for an image that no step used.
    pub images: Tensor<4>,
    /// ∂L/∂label logits (or values), where the loss has them.
    pub labels: Option<Tensor<2>>,
    /// ∂L/∂syn_lr.
    pub syn_lr: f64,
    /// ∂L/∂θ_0 `[P]` through inner training, where λ was carried back exactly.
    pub theta: Option<Tensor<1>>,
}

/// Walks back through the steps of [`unroll`](crate::unroll) with `lambda` = ∂L/∂θ_N `[P]`.
///
/// `thetas` are θ_0…θ_N. Memory is one step's graph of at most `micro_batch` images, whatever N is.
///
/// # Panics
/// When `thetas` does not hold one vector more than there are steps.
pub fn adjoint(
    inner: &InnerLoop<'_>,
    thetas: &[Tensor<1>],
    lambda: Tensor<1>,
    differentiation: Differentiation,
) -> Hypergradient {
    assert_eq!(thetas.len(), inner.steps.len() + 1, "unroll keeps one vector more than there are steps");
    let wanted = match differentiation {
        Differentiation::Exact => Wanted::Hessian,
        Differentiation::Truncated => Wanted::Images,
    };
    let a = inner.syn_lr;
    let mut lambda = lambda;
    // What the steps after this one feel of its gradient: λ_{i+1}, and through the velocity, those after it.
    let mut direction: Option<Tensor<1>> = None;
    let mut images = inner.set.images.zeros_like();
    let mut labels = inner.set.loss.learnable().map(Tensor::zeros_like);
    let mut slopes = Vec::with_capacity(inner.steps.len());
    for i in (0..inner.steps.len()).rev() {
        let step = inner.batch(i);
        let (rows, at) = (step.rows.clone(), inner.at(&thetas[i]));
        let carried = direction.filter(|_| inner.momentum != 0.0);
        let along = carried.map_or_else(|| lambda.clone(), |later| lambda.clone() + later * inner.momentum);
        let step = inner.engine.products(at, &step.batch(), &along, inner.micro_batch, wanted);
        images = images.select_assign(0, rows.clone(), step.images * -a, IndexingUpdateOp::Add);
        labels = labels
            .zip(step.labels)
            .map(|(sum, part)| sum.select_assign(0, rows, part * -a, IndexingUpdateOp::Add));
        if let Some(hv) = step.hv {
            lambda = lambda - hv * a;
        }
        slopes.push(step.slope);
        direction = Some(along);
    }
    Hypergradient {
        images,
        labels,
        syn_lr: -total(slopes),
        theta: (differentiation == Differentiation::Exact).then_some(lambda),
    }
}

/// Sums device scalars with one transfer.
fn total(slopes: Vec<Tensor<1>>) -> f64 {
    if slopes.is_empty() {
        return 0.0;
    }
    Tensor::cat(slopes, 0).into_data().iter::<f64>().sum()
}
