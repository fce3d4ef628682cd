//! ImageNet-1K and the family of its named subsets, one row each.

use std::sync::LazyLock;

use super::spec::{Count, DatasetSpec, MeanStd, Origin, PartCounts, Places, Reader, Sign, square};
use crate::imagenet::{self, ImagenetSubset};

/// The entry of the paper that EDF and Comp-DD are from.
pub const COMP_DD_BIBTEX: &str = include_str!("bibtex/comp-dd.bib");
const BIBTEX: &str = include_str!("bibtex/imagenet.bib");
const IMAGENETTE_BIBTEX: &str = include_str!("bibtex/imagenette.bib");

/// The side of its images in the trajectory-matching papers, in pixels.
const SIDE: usize = 128;
/// Training images of a class: most have so many, none has more.
const TRAIN: usize = 1300;
/// Images of a class in the published validation part, which is the test part here.
const TEST: usize = 50;

pub(super) const ROW: DatasetSpec = DatasetSpec {
    keys: &["classes", "skip", "counts"],
    ..row("imagenet", "photographs, ILSVRC2012", 1000, PLACES)
};

const fn row(name: &'static str, title: &'static str, classes: usize, places: Places) -> DatasetSpec {
    DatasetSpec {
        shape: Some(square(3, SIDE)),
        classes: Some(classes),
        counts: Some(PartCounts::new(Count::AtMost(classes * TRAIN), classes * TEST)),
        mean_std: Some(MEAN_STD),
        bibtex: &[BIBTEX],
        keys: &["skip", "counts"],
        default_side: Some(SIDE),
        ..DatasetSpec::new(
            name,
            title,
            Origin::ByHand(places, HOW_TO_GET),
            Reader::ImageFiles(imagenet::list),
        )
    }
}

pub(super) const MEAN_STD: MeanStd = MeanStd { mean: &[0.485, 0.456, 0.406], std: &[0.229, 0.224, 0.225] };

const HOW_TO_GET: &str = "get ImageNet (ILSVRC2012) from image-net.org, which gives it to registered users, and put \
                          train/ and val/, or ILSVRC2012_img_train.tar, ILSVRC2012_img_val.tar and \
                          ILSVRC2012_devkit_t12.tar.gz, into the data folder";

const PLACES: Places = Places {
    folders: &[
        "",
        "imagenet",
        "ImageNet",
        "imagenet-1k",
        "ILSVRC2012",
        "ilsvrc2012",
        "ILSVRC/Data/CLS-LOC",
        "imagenet/ILSVRC/Data/CLS-LOC",
    ],
    copies: &[],
    archives: &[],
    sign: Sign::Imagenet { first: None },
};

/// The row of a named subset.
pub(super) fn subset(subset: ImagenetSubset) -> &'static DatasetSpec {
    static ROWS: LazyLock<Vec<DatasetSpec>> =
        LazyLock::new(|| ImagenetSubset::all().map(subset_row).collect());
    &ROWS[subset.position()]
}

fn subset_row(subset: ImagenetSubset) -> DatasetSpec {
    let classes = subset.classes();
    let (copies, bibtex) = published_with(subset.name());
    let places = Places { copies, sign: Sign::Imagenet { first: Some(classes[0].wnid) }, ..PLACES };
    DatasetSpec { bibtex, ..row(subset.name(), "classes of ImageNet", classes.len(), places) }
}

/// Folders of copies (fastai's have other training and validation images), and what to cite.
fn published_with(name: &str) -> (&'static [&'static str], &'static [&'static str]) {
    match name {
        "imagenette" => (
            &["imagenette", "imagenette2", "imagenette2-320", "imagenette2-224", "imagenette2-160"],
            &[BIBTEX, IMAGENETTE_BIBTEX],
        ),
        "imagewoof" => (
            &["imagewoof", "imagewoof2", "imagewoof2-320", "imagewoof2-224", "imagewoof2-160"],
            &[BIBTEX, IMAGENETTE_BIBTEX],
        ),
        name if name.starts_with("comp-dd/") => (&[], &[COMP_DD_BIBTEX, BIBTEX]),
        _ => (&[], &[BIBTEX]),
    }
}
