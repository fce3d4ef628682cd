//! CIFAR-100, fine labels.

use super::cifar10;
use super::spec::{
    Arrays, Count, DatasetSpec, MeanStd, Origin, PartCounts, Places, Published, Reader, Sign, square,
};
use crate::cifar::{Cifar, read_cifar};

#[rustfmt::skip]
pub(super) const CLASS_NAMES: [&str; 100] = [
    "apple", "aquarium_fish", "baby", "bear", "beaver", "bed", "bee", "beetle", "bicycle", "bottle",
    "bowl", "boy", "bridge", "bus", "butterfly", "camel", "can", "castle", "caterpillar", "cattle",
    "chair", "chimpanzee", "clock", "cloud", "cockroach", "couch", "crab", "crocodile", "cup", "dinosaur",
    "dolphin", "elephant", "flatfish", "forest", "fox", "girl", "hamster", "house", "kangaroo", "keyboard",
    "lamp", "lawn_mower", "leopard", "lion", "lizard", "lobster", "man", "maple_tree", "motorcycle", "mountain",
    "mouse", "mushroom", "oak_tree", "orange", "orchid", "otter", "palm_tree", "pear", "pickup_truck", "pine_tree",
    "plain", "plate", "poppy", "porcupine", "possum", "rabbit", "raccoon", "ray", "road", "rocket",
    "rose", "sea", "seal", "shark", "shrew", "skunk", "skyscraper", "snail", "snake", "spider",
    "squirrel", "streetcar", "sunflower", "sweet_pepper", "table", "tank", "telephone", "television", "tiger", "tractor",
    "train", "trout", "tulip", "turtle", "wardrobe", "whale", "willow_tree", "wolf", "woman", "worm",
];

pub(super) const ROW: DatasetSpec = DatasetSpec {
    shape: Some(square(3, 32)),
    classes: Some(CLASS_NAMES.len()),
    counts: Some(PartCounts::new(Count::Exactly(50_000), 10_000)),
    // MTT's code normalises it as CIFAR-10.
    mean_std: Some(cifar10::MEAN_STD),
    mean_std_of_dc: Some(MeanStd { mean: &[0.5071, 0.4866, 0.4409], std: &[0.2673, 0.2564, 0.2762] }),
    bibtex: &[include_str!("bibtex/cifar.bib")],
    ..DatasetSpec::new(
        "cifar100",
        "objects and animals, fine labels",
        Origin::Published(PLACES, PUBLISHED),
        Reader::Arrays(|place| Ok(Arrays::new(&CLASS_NAMES, read_cifar(Cifar::Hundred, place)?))),
    )
};

/// Of the binary version, and of the Python version as torchvision and Keras keep it.
const PLACES: Places = Places {
    folders: &[
        "cifar-100-binary",
        "cifar100/cifar-100-binary",
        "cifar100",
        "cifar-100-python",
        "cifar100/cifar-100-python",
        "cifar-100-python-target/cifar-100-python",
        "datasets/cifar-100-python",
        "datasets/cifar-100-python-target/cifar-100-python",
    ],
    copies: &[],
    archives: &[
        "cifar-100-binary.tar.gz",
        "cifar100/cifar-100-binary.tar.gz",
        "cifar-100-python.tar.gz",
        "cifar100/cifar-100-python.tar.gz",
        "datasets/cifar-100-python.tar.gz",
    ],
    sign: Sign::AnyFile(&["train.bin", "train"]),
};

const PUBLISHED: Published = Published {
    base_url: "https://www.cs.toronto.edu/~kriz",
    folder: "",
    files: &[(
        "cifar-100-binary.tar.gz",
        168_513_733,
        "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
    )],
    members: &[
        ("train.bin", "f31298fc616915fa142368359df1c4ca2ae984d6915ca468b998a5ec6aeebf29"),
        ("test.bin", "d8b1e6b7b3bee4020055f0699b111f60b1af1e262aeb93a0b659061746f8224a"),
    ],
};
