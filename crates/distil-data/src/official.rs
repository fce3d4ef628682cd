//! The published files: where they are, how long, and their SHA-256.
//!
//! Sums of the IDX files and the CIFAR-10 batches were taken from verified copies. Those of the CIFAR archives,
//! CIFAR-100's members, SVHN's files and Tiny-ImageNet's zip are the ones that several unrelated projects pin for these
//! addresses and lengths; their publishers print MD5 sums (CIFAR) or none. ImageNet is not downloaded: its files need
//! an account, so their structure is checked instead.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::imagenet::ImagenetSubset;

/// A dataset that this crate knows by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
#[non_exhaustive]
pub enum DatasetName {
    /// Generated: large glyphs, few distractors.
    ClutterEasy,
    /// Generated: small glyphs among many distractors.
    ClutterHard,
    /// Generated, with the parameters of `[data.clutter]`.
    Clutter,
    /// MNIST, 1×28×28, 10 classes.
    Mnist,
    /// Fashion-MNIST, 1×28×28, 10 classes.
    FashionMnist,
    /// SVHN's cropped digits, 3×32×32, 10 classes.
    Svhn,
    /// CIFAR-10, 3×32×32.
    Cifar10,
    /// CIFAR-100, 3×32×32, fine labels.
    Cifar100,
    /// Tiny-ImageNet, 3×64×64, 200 classes in the order of their wnids.
    TinyImagenet,
    /// Classes of ImageNet-1K: those of `classes`, by wnid, or all.
    Imagenet,
    /// A named subset of ImageNet-1K: `imagenette`, …, `comp-dd/bird-hard`, ….
    ImagenetSubset(ImagenetSubset),
    /// Your own images in folders by class, at `path`.
    Folder,
}

impl DatasetName {
    /// Every name, in the order of the documentation.
    pub fn all() -> impl Iterator<Item = Self> {
        use DatasetName as N;
        let single = [N::ClutterEasy, N::ClutterHard, N::Clutter, N::Mnist, N::FashionMnist, N::Svhn];
        let single = single.into_iter().chain([N::Cifar10, N::Cifar100, N::TinyImagenet, N::Imagenet]);
        single.chain(ImagenetSubset::all().map(N::ImagenetSubset)).chain([N::Folder])
    }

    /// As it is written in a configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClutterEasy => "clutter-easy",
            Self::ClutterHard => "clutter-hard",
            Self::Clutter => "clutter",
            Self::Mnist => "mnist",
            Self::FashionMnist => "fashion-mnist",
            Self::Svhn => "svhn",
            Self::Cifar10 => "cifar10",
            Self::Cifar100 => "cifar100",
            Self::TinyImagenet => "tiny-imagenet",
            Self::Imagenet => "imagenet",
            Self::ImagenetSubset(subset) => subset.name(),
            Self::Folder => "folder",
        }
    }

    /// Whether `distil fetch` can download it.
    pub fn is_downloaded(self) -> bool {
        published(self).is_some()
    }

    pub(crate) fn is_imagenet(self) -> bool {
        matches!(self, Self::Imagenet | Self::ImagenetSubset(_))
    }

    /// Whether it is read image by image.
    pub(crate) fn is_image_files(self) -> bool {
        self.is_imagenet() || matches!(self, Self::Folder | Self::TinyImagenet)
    }
}

impl std::fmt::Display for DatasetName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

impl std::str::FromStr for DatasetName {
    type Err = crate::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = || Self::all().map(Self::as_str).collect::<Vec<_>>().join(", ");
        let unknown =
            || crate::Error::config("name", format!("{text:?} is not known; use one of {}", known()));
        Self::all().find(|name| name.as_str() == text).ok_or_else(unknown)
    }
}

impl TryFrom<String> for DatasetName {
    type Error = crate::Error;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<DatasetName> for String {
    fn from(name: DatasetName) -> Self {
        name.as_str().to_owned()
    }
}

/// One published file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteFile {
    /// Where it is.
    pub url: String,
    /// Its name on disk.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256, in lower-case hex.
    pub sha256: String,
}

type Sum = (&'static str, u64, &'static str);

/// A set that can be downloaded.
pub(crate) struct Published {
    base_url: &'static str,
    /// Folder below the data folder that the files go to; empty for the data folder itself.
    pub(crate) folder: &'static str,
    files: &'static [Sum],
    /// SHA-256 of the files inside the archive that are read, when `files` is one archive.
    pub(crate) members: &'static [(&'static str, &'static str)],
}

impl Published {
    pub(crate) fn files(&self, base_url: Option<&str>) -> Vec<RemoteFile> {
        let base = base_url.unwrap_or(self.base_url).trim_end_matches('/');
        let file = |&(name, bytes, sha256): &Sum| RemoteFile {
            url: format!("{base}/{name}"),
            name: name.to_owned(),
            bytes,
            sha256: sha256.to_owned(),
        };
        self.files.iter().map(file).collect()
    }
}

pub(crate) fn published(name: DatasetName) -> Option<&'static Published> {
    match name {
        DatasetName::Mnist => Some(&MNIST),
        DatasetName::FashionMnist => Some(&FASHION_MNIST),
        DatasetName::Cifar10 => Some(&CIFAR10),
        DatasetName::Cifar100 => Some(&CIFAR100),
        DatasetName::Svhn => Some(&SVHN),
        DatasetName::TinyImagenet => Some(&TINY_IMAGENET),
        _ => None,
    }
}

/// The mirror that PyTorch uses; the original site no longer serves the files.
static MNIST: Published = Published {
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

static FASHION_MNIST: Published = Published {
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

static CIFAR10: Published = Published {
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

static SVHN: Published = Published {
    base_url: "http://ufldl.stanford.edu/housenumbers",
    folder: "svhn",
    files: &[
        ("train_32x32.mat", 182_040_794, "435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8"),
        ("test_32x32.mat", 64_275_384, "cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b"),
    ],
    members: &[],
};

static TINY_IMAGENET: Published = Published {
    base_url: "http://cs231n.stanford.edu",
    folder: "",
    files: &[(
        "tiny-imagenet-200.zip",
        248_100_043,
        "6198c8ae015e2b3e007c7841da39ec069199b9aa3bfa943a462022fe5e43c821",
    )],
    members: &[],
};

static CIFAR100: Published = Published {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_as_they_are_parsed() {
        for name in DatasetName::all() {
            assert_eq!(name.as_str().parse::<DatasetName>().unwrap(), name);
            assert_eq!(serde_json::to_string(&name).unwrap(), format!("{:?}", name.as_str()));
        }
        let error = "cifar-10".parse::<DatasetName>().unwrap_err().to_string();
        assert!(error.contains("cifar10"), "{error}");
    }

    #[test]
    fn sums_are_whole_and_the_base_can_be_replaced() {
        for name in DatasetName::all() {
            let Some(published) = published(name) else { continue };
            for file in published.files(Some("http://127.0.0.1:9/x/")) {
                assert_eq!(
                    (file.sha256.len(), file.url),
                    (64, format!("http://127.0.0.1:9/x/{}", file.name))
                );
            }
            assert!(published.members.iter().all(|(_, sum)| sum.len() == 64));
        }
    }
}
