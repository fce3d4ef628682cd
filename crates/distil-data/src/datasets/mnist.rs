//! MNIST.

use super::spec::{
    Arrays, Count, DatasetSpec, MeanStd, Origin, PartCounts, Places, Published, Reader, Sign, square,
};
use crate::{datasets::npz, idx};

const CLASS_NAMES: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

pub(super) const ROW: DatasetSpec = DatasetSpec {
    shape: Some(square(1, 28)),
    classes: Some(CLASS_NAMES.len()),
    counts: Some(PartCounts::new(Count::Exactly(60_000), 10_000)),
    mean_std: Some(MeanStd { mean: &[0.1307], std: &[0.3081] }),
    bibtex: &[include_str!("bibtex/mnist.bib")],
    ..DatasetSpec::new(
        "mnist",
        "handwritten digits",
        Origin::Published(PLACES, PUBLISHED),
        Reader::Arrays(|place| {
            if place.is_file() {
                return npz::read(place);
            }
            Ok(Arrays::new(&CLASS_NAMES, idx::read_folder(place, CLASS_NAMES.len())?))
        }),
    )
};

/// Those of this program and of torchvision; Keras keeps it as one file in `~/.keras/datasets`.
const PLACES: Places = Places {
    folders: &["mnist", "MNIST/raw", "MNIST", "mnist/raw"],
    copies: &[],
    archives: &["mnist.npz", "datasets/mnist.npz"],
    sign: Sign::AnyFile(idx::SIGNS),
};

/// The mirror that PyTorch uses; the original site no longer serves the files.
const PUBLISHED: Published = Published {
    base_url: "https://ossci-datasets.s3.amazonaws.com/mnist",
    folder: "mnist",
    files: &[
        (
            "train-images-idx3-ubyte.gz",
            9_912_422,
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        ),
        (
            "train-labels-idx1-ubyte.gz",
            28_881,
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        ),
        (
            "t10k-images-idx3-ubyte.gz",
            1_648_877,
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        ),
        (
            "t10k-labels-idx1-ubyte.gz",
            4_542,
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        ),
    ],
    members: &[],
};
