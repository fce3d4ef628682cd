#![doc = include_str!("../README.md")]

pub mod atomic;
pub mod container;
mod content;
mod digest;
mod error;
mod lock;
mod mapped;
mod panics;
mod picture;
pub mod seal;

pub use atomic::WriteError;
pub use content::Content;
pub use digest::{feed_file, hex, sha256, sha256_of_file};
pub use error::FileError;
pub use lock::FolderLock;
pub use mapped::{MappedFile, as_f32};
pub use panics::{caught, panic_is_expected};
pub use picture::{PictureKind, picture};
