#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod archive;
mod bounded;
mod channel_map;
mod cifar;
pub mod clutter;
mod config;
mod contact_sheet;
mod dataset;
mod datasets;
mod depth;
mod download;
mod error;
mod fetch;
mod folder;
mod hold_out;
#[cfg(any(test, fuzzing))]
pub mod hostile;
mod idx;
mod image_list;
mod image_set;
mod image_stream;
mod imagenet;
mod images;
mod integrity;
mod kind;
mod label_table;
mod load;
mod locate;
mod mat;
#[cfg(test)]
mod mutation;
mod normalise;
mod parallel;
#[cfg(feature = "parquet")]
mod parquet_images;
mod parts;
mod pickle;
mod picture;
mod picture_folder;
mod preprocessing;
mod progress;
mod recognise;
mod renormalise;
mod resize;
mod shards;
mod size;
mod skip;
mod source;
mod summary;
mod tar_index;
mod tree;
mod walk;
mod zca_cache;
mod zip_index;

pub use channel_map::ChannelMap;
pub use cifar::{Cifar, read_cifar};
pub use config::{Counts, DataConfig};
pub use contact_sheet::{Pictures, contact_sheet};
pub use dataset::{Dataset, Split};
pub use datasets::npz::read_byte_maps;
pub use datasets::svhn::read_svhn;
pub use datasets::{
    COMP_DD_BIBTEX, Count, DatasetKind, DatasetName, DatasetSpec, MeanStd, Origin, OwnFiles, PartCounts,
    Places, Published, RemoteFile,
};
pub use distil_store::{
    Difference, Normalisation, Preprocessing, Resize, ResizeFilter, ResizePolicy, Whitening,
};
pub use distil_zca::{Zca, ZcaError};
pub use download::{Download, download};
pub use error::Error;
pub use fetch::{Fetch, fetch};
pub use hold_out::{HoldOut, share_of_class};
pub use idx::{read_idx, read_idx_images, read_idx_labels};
pub use image_list::{ImageList, Listing};
pub use image_stream::{ImageStream, Shard, StreamOptions, StreamPosition};
pub use imagenet::{ImagenetSubset, SubsetClass};
pub use images::{ImageShape, Images};
pub use locate::{data_dirs, locate};
pub use picture::read_picture;
pub use picture_folder::{FolderLayout, PictureFolder};
pub use preprocessing::Transform;
pub use progress::Progress;
pub use recognise::{Recognised, recognise};
pub use size::{DatasetSize, Sides};
pub use summary::{ClassSummary, Summary};
pub use walk::{all_picture_files, picture_files};
