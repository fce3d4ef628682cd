use burn::tensor::Tensor;
use distil_augment::Augmentation;
use distil_models::ConvNet;

/// A network and one transformation, through which real and synthetic images are seen alike (siamese, as DSA has it).
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// The network.
    pub net: &'a ConvNet,
    /// Its parameters `[P]`.
    pub theta: &'a Tensor<1>,
    /// Of one image, and meant for all: [`Augmentation::repeat`].
    pub augmentation: &'a Augmentation,
    /// The most images alive at a time, on each CPU thread.
    pub micro_batch: usize,
}

impl View<'_> {
    /// The images as the network gets them.
    pub(crate) fn seen(&self, images: Tensor<4>) -> Tensor<4> {
        self.augmentation.repeat(images.dims()[0]).apply(images)
    }
}
