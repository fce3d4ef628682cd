//! The registry: a file and a line below for every dataset. Whatever knows something of a dataset reads its row.

mod cifar10;
mod cifar100;
mod clutter;
mod fashion_mnist;
mod folder;
mod imagenet;
mod mnist;
pub(crate) mod npz;
mod parquet;
mod spec;
pub(crate) mod svhn;
mod table;
pub(crate) mod tiny_imagenet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::imagenet::ImagenetSubset;

pub use imagenet::COMP_DD_BIBTEX;
pub(crate) use spec::{Arrays, Reader, Sign};
pub use spec::{
    Count, DatasetKind, DatasetSpec, MeanStd, Origin, OwnFiles, PartCounts, Places, Published, RemoteFile,
};

/// Makes the names and finds their rows, so that there is one list.
macro_rules! registry {
    ($($(#[$doc:meta])+ $name:ident = $row:expr,)+) => {
        /// A dataset that this crate knows by name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schemars(with = "String")]
        #[non_exhaustive]
        pub enum DatasetName {
            $($(#[$doc])+ $name,)+
            /// A named subset of ImageNet-1K: `imagenette`, …, `comp-dd/bird-hard`, ….
            ImagenetSubset(ImagenetSubset),
        }

        impl DatasetName {
            /// Every name, the subsets of ImageNet last.
            pub fn all() -> impl Iterator<Item = Self> {
                [$(Self::$name),+].into_iter().chain(ImagenetSubset::all().map(Self::ImagenetSubset))
            }

            /// What is known of it.
            pub fn spec(self) -> &'static DatasetSpec {
                match self {
                    $(Self::$name => const { &$row },)+
                    Self::ImagenetSubset(subset) => imagenet::subset(subset),
                }
            }
        }
    };
}

registry! {
    /// Generated: large glyphs, few distractors.
    ClutterEasy = clutter::EASY,
    /// Generated: small glyphs among many distractors.
    ClutterHard = clutter::HARD,
    /// Generated, with the parameters of `[data.clutter]`.
    Clutter = clutter::ANY,
    /// MNIST, 1×28×28, 10 classes.
    Mnist = mnist::ROW,
    /// Fashion-MNIST, 1×28×28, 10 classes.
    FashionMnist = fashion_mnist::ROW,
    /// SVHN's cropped digits, 3×32×32, 10 classes.
    Svhn = svhn::ROW,
    /// CIFAR-10, 3×32×32.
    Cifar10 = cifar10::ROW,
    /// CIFAR-100, 3×32×32, fine labels.
    Cifar100 = cifar100::ROW,
    /// Tiny-ImageNet, 3×64×64, 200 classes in the order of their wnids.
    TinyImagenet = tiny_imagenet::ROW,
    /// Classes of ImageNet-1K: those of `classes`, by wnid, or all.
    Imagenet = imagenet::ROW,
    /// Your own images in folders by class, at `path`.
    Folder = folder::ROW,
    /// Your own images with a table of file and label, at `path`.
    Csv = table::ROW,
    /// Your own images in a NumPy archive, at `path`.
    Npz = npz::ROW,
    /// Your own images in Parquet files, at `path`.
    Parquet = parquet::ROW,
}

impl DatasetName {
    /// As it is written in a configuration.
    pub fn as_str(self) -> &'static str {
        self.spec().name
    }

    /// Whether `distil fetch` can download it.
    pub fn is_downloaded(self) -> bool {
        self.spec().is_downloaded()
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

#[cfg(test)]
mod tests;
