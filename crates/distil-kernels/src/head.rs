//! The classifier and its cross-entropy.

use crate::vectorised::vectorised;
use crate::{Lanes, PANEL};

/// Features and classifier rows as panels: `[panels][pixels]` for one image or class.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head {
    pub(crate) classes: usize,
    pub(crate) images: usize,
    pub(crate) panels: usize,
    pub(crate) pixels: usize,
}

impl Head {
    /// Where a panel of image `image` starts in `[images][panels][pixels]`.
    #[inline(always)]
    fn feature(self, panel: usize, image: usize) -> usize {
        (image * self.panels + panel) * self.pixels
    }

    /// Where class `class`'s part of a panel starts in `[classes][panels][pixels]`.
    #[inline(always)]
    fn row(self, class: usize, panel: usize) -> usize {
        (class * self.panels + panel) * self.pixels
    }

    /// Calls `f(image, class, feature start, row start)` for every pair and panel.
    #[inline(always)]
    fn each(self, mut f: impl FnMut(usize, usize, usize)) {
        for panel in 0..self.panels {
            for image in 0..self.images {
                for class in 0..self.classes {
                    f(image * self.classes + class, self.feature(panel, image), self.row(class, panel));
                }
            }
        }
    }
}

vectorised! {
    /// Adds ⟨features, row⟩ to `out` `[images, classes]`.
    pub(crate) fn products<'a>(head: Head, features: &'a [Lanes], rows: &'a [Lanes], out: &'a mut [f32]) {
        head.each(
            #[inline(always)]
            |at, feature, row| {
                let mut sum = [0.0; PANEL];
                for (x, w) in features[feature..][..head.pixels].iter().zip(&rows[row..][..head.pixels]) {
                    for l in 0..PANEL {
                        sum[l] += x[l] * w[l];
                    }
                }
                out[at] += sum.iter().sum::<f32>();
            },
        );
    }
}

vectorised! {
    /// Adds Σ over classes of `d_out`·row to `features`.
    pub(crate) fn features_gradient<'a>(head: Head, d_out: &'a [f32], rows: &'a [Lanes], features: &'a mut [Lanes]) {
        head.each(
            #[inline(always)]
            |at, feature, row| {
                let factor = d_out[at];
                let target = &mut features[feature..][..head.pixels];
                for (x, w) in target.iter_mut().zip(&rows[row..][..head.pixels]) {
                    for l in 0..PANEL {
                        x[l] += factor * w[l];
                    }
                }
            },
        );
    }
}

vectorised! {
    /// Adds Σ over images of `d_out`·features to `rows`.
    pub(crate) fn rows_gradient<'a>(head: Head, d_out: &'a [f32], features: &'a [Lanes], rows: &'a mut [Lanes]) {
        head.each(
            #[inline(always)]
            |at, feature, row| {
                let factor = d_out[at];
                let target = &mut rows[row..][..head.pixels];
                for (w, x) in target.iter_mut().zip(&features[feature..][..head.pixels]) {
                    for l in 0..PANEL {
                        w[l] += factor * x[l];
                    }
                }
            },
        );
    }
}

/// Softmax of one row and the log of its normaliser, so that log softmax = out − that log.
pub(crate) fn softmax(out: &[f32]) -> (Vec<f32>, f32) {
    let most = out.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let exponentials: Vec<f32> = out.iter().map(|x| (x - most).exp()).collect();
    let sum: f32 = exponentials.iter().sum();
    (exponentials.into_iter().map(|e| e / sum).collect(), most + sum.ln())
}
