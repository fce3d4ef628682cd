use crate::winograd::{Grid, Maps};
use crate::{Lanes, PANEL};

/// The ConvNets that these kernels compute: `depth` × (3×3 convolution, instance norm, ReLU, 2×2 average pool),
/// then one linear layer, with the parameters θ `[P]` in PyTorch's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    /// Input channels.
    pub channels: usize,
    /// Output classes.
    pub classes: usize,
    /// Input height in pixels.
    pub height: usize,
    /// Input width in pixels.
    pub image_width: usize,
    /// Output channels of every convolution.
    pub width: usize,
    /// Number of blocks, at least one.
    pub depth: usize,
    /// Zeros around the input of the first convolution: 1, or 3 for 28×28 images treated as 32×32.
    pub first_padding: usize,
}

/// One block as the kernels see it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Block {
    /// Input channels.
    pub(crate) channels: usize,
    /// The map between convolution and pool, of one image.
    pub(crate) height: usize,
    pub(crate) width: usize,
    /// Where this block's parameters start in θ.
    pub(crate) offset: usize,
}

impl Block {
    pub(crate) fn grid(self) -> Grid {
        Grid { height: self.height, width: self.width }
    }

    /// Pixels of one image after the pool.
    pub(crate) fn pooled(self) -> usize {
        (self.height / 2) * (self.width / 2)
    }
}

impl Network {
    /// Length `P` of θ.
    pub fn params(&self) -> usize {
        self.classifier() + self.classes * (self.features() + 1)
    }

    /// Scalars of one image.
    pub(crate) fn pixels(&self) -> usize {
        self.channels * self.height * self.image_width
    }

    /// Panels of channels between the blocks.
    pub(crate) fn panels(&self) -> usize {
        self.width.div_ceil(PANEL)
    }

    /// Panels of the patches of the first convolution.
    pub(crate) fn patch_panels(&self) -> usize {
        (self.channels * 9).div_ceil(PANEL)
    }

    /// How many columns of each patch panel count.
    pub(crate) fn patch_depth(&self) -> usize {
        if self.patch_panels() == 1 { self.channels * 9 } else { PANEL }
    }

    pub(crate) fn blocks(
        &self,
    ) -> impl DoubleEndedIterator<Item = Block> + ExactSizeIterator + Clone + use<> {
        let net = *self;
        let grown = 2 * (net.first_padding - 1);
        let (height, width) = (net.height + grown, net.image_width + grown);
        let first = net.width * (net.channels * 9 + 3);
        let later = net.width * (net.width * 9 + 3);
        (0..net.depth).map(move |block| Block {
            channels: if block == 0 { net.channels } else { net.width },
            height: height >> block,
            width: width >> block,
            offset: if block == 0 { 0 } else { first + (block - 1) * later },
        })
    }

    /// The maps of a block for so many images.
    pub(crate) fn maps(&self, block: Block, images: usize) -> Maps {
        Maps { images, panels: self.panels(), grid: block.grid() }
    }

    /// Pixels of one image before the classifier.
    pub(crate) fn last_pixels(&self) -> usize {
        self.blocks().next_back().map_or(0, Block::pooled)
    }

    /// Features of one image.
    pub(crate) fn features(&self) -> usize {
        self.width * self.last_pixels()
    }

    /// Where the classifier's parameters start in θ.
    pub(crate) fn classifier(&self) -> usize {
        let first = self.width * (self.channels * 9 + 3);
        first + (self.depth - 1) * self.width * (self.width * 9 + 3)
    }
}

/// One value a channel, of a panel, from a vector over all channels; zero where there is no channel.
pub(crate) fn channels_of(values: &[f32], panel: usize) -> Lanes {
    let mut lanes = [0.0; PANEL];
    let values = &values[(panel * PANEL).min(values.len())..values.len().min((panel + 1) * PANEL)];
    lanes[..values.len()].copy_from_slice(values);
    lanes
}
