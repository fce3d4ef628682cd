//! The synthetic images: what the caller hands over, and how they become rows of pictures.

use distil_store::Labels;
use serde::Serialize;

use crate::error::ReportError;
use crate::picture::Picture;

/// The most bytes of raw pixels a page shows; more images of a class are counted, not shown.
const MOST_BYTES: usize = 6 << 20;
/// The most images shown of one class.
const MOST_PER_CLASS: usize = 10;
/// The least width, in CSS pixels, that small images are enlarged to.
const SHOWN_WIDTH: usize = 84;
/// Width of the arrow between two pictures with its gaps, in CSS pixels; agrees with the style sheet.
const ARROW: usize = 28;

/// Synthetic images as people see them: normalisation and whitening undone, which takes the data set's statistics.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Gallery {
    /// `[n, c, h, w]`. One channel is shown as grey, three as RGB, others as their mean.
    pub shape: [usize; 4],
    /// The initial images, row-major like `shape`, in `[0, 1]`; `None` shows the distilled ones alone.
    pub pixels_before: Option<Vec<f32>>,
    /// The distilled images, row-major like `shape`. An image that leaves `[0, 1]` is stretched to its own range, and
    /// the page says so.
    pub pixels_after: Vec<f32>,
    /// Class of each of the n images (the largest entry of a soft label).
    pub labels: Vec<u32>,
    /// A line below each of the n images, see [`soft_label_captions`]; empty for none.
    pub captions: Vec<String>,
}

/// All images of one class.
#[derive(Debug, Serialize)]
pub(crate) struct ClassRow {
    pub(crate) name: String,
    pub(crate) pairs: Vec<Pair>,
}

/// One synthetic image, before and after.
#[derive(Debug, Serialize)]
pub(crate) struct Pair {
    number: usize,
    before: Option<Picture>,
    after: Picture,
    caption: String,
}

/// Where the initial image stands; also a class of the style sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Layout {
    /// Above the distilled one, as the classes have several images each.
    Stacked,
    /// Next to the distilled one.
    Beside,
    /// Next to it, and small enough for two classes in a row on a phone.
    Small,
}

/// The gallery as the page shows it.
#[derive(Debug, Serialize)]
pub(crate) struct GalleryView {
    pub(crate) classes: Vec<ClassRow>,
    pub(crate) shown: usize,
    pub(crate) images: usize,
    pub(crate) stretched: usize,
    /// Size of a picture on the page, in CSS pixels.
    width: usize,
    height: usize,
    /// Width of an image with what stands next to it.
    pair_width: usize,
    layout: Layout,
    /// `1×28×28`.
    size: String,
    has_before: bool,
    channels: usize,
}

impl Gallery {
    /// Refuses a gallery whose parts do not fit each other.
    pub(crate) fn check(&self) -> Result<(), ReportError> {
        let images = self.shape[0];
        let pixels = self.shape.iter().try_fold(1_usize, |product, size| product.checked_mul(*size));
        let fits = |values: &[f32]| pixels.is_some_and(|pixels| pixels > 0 && pixels == values.len());
        let what = if !fits(&self.pixels_after) {
            format!("{} distilled pixels for shape {:?}", self.pixels_after.len(), self.shape)
        } else if let Some(before) = self.pixels_before.as_ref().filter(|before| !fits(before)) {
            format!("{} initial pixels for shape {:?}", before.len(), self.shape)
        } else if self.labels.len() != images {
            format!("{} labels for {images} images; give one per image", self.labels.len())
        } else if !self.captions.is_empty() && self.captions.len() != images {
            format!("{} captions for {images} images; give one per image or none", self.captions.len())
        } else {
            return Ok(());
        };
        Err(ReportError::Gallery { what })
    }

    /// Pictures by class; classes are named by `class_names`, or by their number where it ends.
    pub(crate) fn view(&self, class_names: &[String]) -> GalleryView {
        let [images, channels, height, width] = self.shape;
        let scale = (SHOWN_WIDTH / width).max(1);
        let mut view = GalleryView {
            classes: Vec::new(),
            shown: 0,
            images,
            stretched: 0,
            width: width * scale,
            height: height * scale,
            pair_width: width * scale,
            layout: Layout::Stacked,
            size: format!("{channels}×{height}×{width}"),
            has_before: self.pixels_before.is_some(),
            channels,
        };
        for (label, mut members) in self.by_class() {
            members.truncate(self.most_per_class());
            let name = class_names.get(label as usize).cloned().unwrap_or_else(|| format!("class {label}"));
            let pairs: Vec<Pair> = members.into_iter().map(|index| self.pair(index)).collect();
            view.shown += pairs.len();
            view.stretched += pairs.iter().map(Pair::stretched).sum::<usize>();
            view.classes.push(ClassRow { name, pairs });
        }
        if view.shown == view.classes.len() {
            view.layout = if view.width < 2 * SHOWN_WIDTH { Layout::Small } else { Layout::Beside };
            view.pair_width += if view.has_before { view.width + ARROW } else { 0 };
        }
        view
    }

    fn by_class(&self) -> Vec<(u32, Vec<usize>)> {
        let mut order: Vec<usize> = (0..self.labels.len()).collect();
        order.sort_by_key(|index| self.labels[*index]);
        let runs = order.chunk_by(|a, b| self.labels[*a] == self.labels[*b]);
        runs.map(|run| (self.labels[run[0]], run.to_vec())).collect()
    }

    fn most_per_class(&self) -> usize {
        let versions = 1 + usize::from(self.pixels_before.is_some());
        let bytes = self.shape[1] * self.shape[2] * self.shape[3] * versions * self.by_class().len().max(1);
        (MOST_BYTES / bytes).clamp(1, MOST_PER_CLASS)
    }

    fn pair(&self, index: usize) -> Pair {
        let [_, c, h, w] = self.shape;
        let picture = |pixels: &[f32]| Picture::of(&pixels[index * c * h * w..][..c * h * w], [c, h, w]);
        Pair {
            number: index,
            before: self.pixels_before.as_deref().map(picture),
            after: picture(&self.pixels_after),
            caption: self.captions.get(index).cloned().unwrap_or_default(),
        }
    }
}

impl Pair {
    fn stretched(&self) -> usize {
        usize::from(self.after.stretched) + usize::from(self.before.as_ref().is_some_and(|b| b.stretched))
    }
}

/// The two likeliest classes of each soft label, as `coat 61 %, shirt 22 %`; empty for hard labels, whose class is
/// said already.
pub fn soft_label_captions(labels: &Labels, class_names: &[String]) -> Vec<String> {
    match labels {
        Labels::Soft { logits, classes } if *classes > 0 => {
            logits.chunks_exact(*classes).map(|row| caption(row, class_names)).collect()
        }
        _ => Vec::new(),
    }
}

fn caption(logits: &[f32], class_names: &[String]) -> String {
    let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let weights: Vec<f32> = logits.iter().map(|logit| (logit - highest).exp()).collect();
    let total: f32 = weights.iter().sum();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by(|a, b| weights[*b].total_cmp(&weights[*a]));
    let one = |class: &usize| {
        let number = class.to_string();
        let name = class_names.get(*class).unwrap_or(&number);
        format!("{name} {:.0}\u{a0}%", 100.0 * weights[*class] / total)
    };
    order.iter().take(2).map(one).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::{Gallery, soft_label_captions};
    use distil_store::Labels;

    fn gallery(n: usize, side: usize, labels: Vec<u32>) -> Gallery {
        let pixels = vec![0.5; n * side * side];
        Gallery {
            shape: [n, 1, side, side],
            pixels_before: None,
            pixels_after: pixels,
            labels,
            captions: vec![],
        }
    }

    #[test]
    fn images_are_grouped_by_class_in_order() {
        let view = gallery(4, 2, vec![7, 0, 7, 1]).view(&["zero".into(), "one".into()]);
        let rows: Vec<_> = view.classes.iter().map(|row| (row.name.as_str(), row.pairs.len())).collect();
        assert_eq!(rows, [("zero", 1), ("one", 1), ("class 7", 2)]);
        assert_eq!(view.classes[2].pairs.iter().map(|pair| pair.number).collect::<Vec<_>>(), [0, 2]);
    }

    #[test]
    fn a_large_set_is_shown_in_part() {
        let view = gallery(60, 8, vec![3; 60]).view(&[]);
        assert_eq!((view.shown, view.images), (10, 60));
        let view = gallery(8, 1500, vec![0, 0, 0, 0, 1, 1, 1, 1]).view(&[]);
        assert_eq!(view.shown, 2);
    }

    #[test]
    fn parts_that_do_not_fit_are_refused() {
        let good = gallery(2, 3, vec![0, 1]);
        assert!(good.check().is_ok());
        for bad in [
            Gallery { labels: vec![0], ..good.clone() },
            Gallery { captions: vec!["x".into()], ..good.clone() },
            Gallery { pixels_before: Some(vec![0.0; 3]), ..good.clone() },
            Gallery { shape: [2, 1, 3, 4], ..good.clone() },
            Gallery { shape: [usize::MAX, 2, 3, 3], ..good.clone() },
            Gallery { shape: [0, 1, 3, 3], pixels_after: vec![], labels: vec![], ..good },
        ] {
            assert!(bad.check().is_err(), "{:?}", bad.shape);
        }
    }

    #[test]
    fn captions_name_the_two_likeliest_classes() {
        let names = ["a".to_owned(), "b".to_owned()];
        let logits = vec![0.0, 3.0_f32.ln(), f32::NEG_INFINITY, 500.0, 500.0, 500.0 - 1000.0];
        let got = soft_label_captions(&Labels::Soft { logits, classes: 3 }, &names);
        assert_eq!(got, ["b 75\u{a0}%, a 25\u{a0}%", "a 50\u{a0}%, b 50\u{a0}%"]);
        assert!(soft_label_captions(&Labels::Hard(vec![1]), &names).is_empty());
    }
}
