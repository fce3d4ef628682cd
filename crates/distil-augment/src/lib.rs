//! Differentiable siamese augmentation as pure tensor functions of host-drawn parameters.
