//! CIFAR-10.

use super::spec::{
    Arrays, Count, DatasetSpec, MeanStd, Origin, PartCounts, Places, Published, Reader, Sign, square,
};
use crate::cifar::{Cifar, read_cifar};

const CLASS_NAMES: [&str; 10] =
    ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

/// As MTT's code has them.
pub(super) const MEAN_STD: MeanStd =
    MeanStd { mean: &[0.4914, 0.4822, 0.4465], std: &[0.2023, 0.1994, 0.2010] };

pub(super) const ROW: DatasetSpec = DatasetSpec {
    shape: Some(square(3, 32)),
    classes: Some(CLASS_NAMES.len()),
    counts: Some(PartCounts::new(Count::Exactly(50_000), 10_000)),
    mean_std: Some(MEAN_STD),
    bibtex: &[include_str!("bibtex/cifar.bib")],
    ..DatasetSpec::new(
        "cifar10",
        "objects and animals",
        Origin::Published(PLACES, PUBLISHED),
        Reader::Arrays(|place| Ok(Arrays::new(&CLASS_NAMES, read_cifar(Cifar::Ten, place)?))),
    )
};

/// Of the binary version, and of the Python version as torchvision and Keras keep it.
const PLACES: Places = Places {
    folders: &[
        "cifar-10-batches-bin",
        "cifar10/cifar-10-batches-bin",
        "cifar-10-binary/cifar-10-batches-bin",
        "cifar10",
        "cifar-10-batches-py",
        "cifar10/cifar-10-batches-py",
        "cifar-10-batches-py-target/cifar-10-batches-py",
        "datasets/cifar-10-batches-py",
        "datasets/cifar-10-batches-py-target/cifar-10-batches-py",
    ],
    copies: &[],
    archives: &[
        "cifar-10-binary.tar.gz",
        "cifar10/cifar-10-binary.tar.gz",
        "cifar-10-python.tar.gz",
        "cifar10/cifar-10-python.tar.gz",
        "cifar-10-batches-py.tar.gz",
        "datasets/cifar-10-batches-py.tar.gz",
    ],
    sign: Sign::AnyFile(&["data_batch_1.bin", "data_batch_1"]),
};

const PUBLISHED: Published = Published {
    base_url: "https://www.cs.toronto.edu/~kriz",
    folder: "",
    files: &[(
        "cifar-10-binary.tar.gz",
        170_052_171,
        "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
    )],
    members: &[
        ("data_batch_1.bin", "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5"),
        ("data_batch_2.bin", "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed"),
        ("data_batch_3.bin", "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67"),
        ("data_batch_4.bin", "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48"),
        ("data_batch_5.bin", "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add"),
        ("test_batch.bin", "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b"),
    ],
};
