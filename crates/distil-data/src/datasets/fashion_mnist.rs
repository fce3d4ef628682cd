//! Fashion-MNIST.

use super::spec::{
    Arrays, Count, DatasetSpec, MeanStd, Origin, PartCounts, Places, Published, Reader, Sign, square,
};
use crate::idx;

const CLASS_NAMES: [&str; 10] = [
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
];

pub(super) const ROW: DatasetSpec = DatasetSpec {
    shape: Some(square(1, 28)),
    classes: Some(CLASS_NAMES.len()),
    counts: Some(PartCounts::new(Count::Exactly(60_000), 10_000)),
    mean_std: Some(MeanStd { mean: &[0.2861], std: &[0.3530] }),
    bibtex: &[include_str!("bibtex/fashion-mnist.bib")],
    ..DatasetSpec::new(
        "fashion-mnist",
        "articles of clothing",
        Origin::Published(PLACES, PUBLISHED),
        Reader::Arrays(|folder| Ok(Arrays::new(&CLASS_NAMES, idx::read_folder(folder, CLASS_NAMES.len())?))),
    )
};

/// Those of this program, of torchvision and of Keras.
const PLACES: Places = Places {
    folders: &[
        "fashion-mnist",
        "FashionMNIST/raw",
        "FashionMNIST",
        "fashion_mnist",
        "fashion-mnist/raw",
        "datasets/fashion-mnist",
    ],
    copies: &[],
    archives: &[],
    sign: Sign::AnyFile(idx::SIGNS),
};

const PUBLISHED: Published = Published {
    base_url: "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
    folder: "fashion-mnist",
    files: &[
        (
            "train-images-idx3-ubyte.gz",
            26_421_880,
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        ),
        (
            "train-labels-idx1-ubyte.gz",
            29_515,
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        ),
        (
            "t10k-images-idx3-ubyte.gz",
            4_422_102,
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        ),
        (
            "t10k-labels-idx1-ubyte.gz",
            5_148,
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        ),
    ],
    members: &[],
};
