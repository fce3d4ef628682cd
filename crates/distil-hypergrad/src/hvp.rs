use burn::tensor::Tensor;
use distil_engine::{At, Batch, Engine, Products, Wanted};

/// Loss, gradient, Hessian-vector product and mixed products of a batch along `v` `[P]`, exactly.
///
/// At most `micro_batch` images are alive at a time, on each CPU thread, unless they meet in batch statistics.
pub fn hvp(engine: &Engine, at: At<'_>, batch: &Batch<'_>, v: &Tensor<1>, micro_batch: usize) -> Products {
    engine.products(at, batch, v, micro_batch, Wanted::HessianAndGradient)
}

/// The mixed products of a batch along `v` `[P]`: ∂⟨∇_θ ℓ, v⟩ with respect to the images before augmentation and to the label
/// logits (or values), and ⟨∇_θ ℓ, v⟩ itself. Gradient matching and effect matching need nothing else.
///
/// At most `micro_batch` images are alive at a time, on each CPU thread, unless they meet in batch statistics.
pub fn mixed(engine: &Engine, at: At<'_>, batch: &Batch<'_>, v: &Tensor<1>, micro_batch: usize) -> Products {
    engine.products(at, batch, v, micro_batch, Wanted::Images)
}
