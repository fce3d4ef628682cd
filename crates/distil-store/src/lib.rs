//! Files of a distillation run: expert trajectories, synthetic sets, checkpoints and run folders, written whole or not at all.
//!
//! Pixels and parameters cross this crate's border as `f32` slices with their shapes, so it needs no tensor library.
//! Binary artefacts are safetensors files whose metadata say what they are and hold a SHA-256 of everything in them.
//!
//! ```
//! use distil_store::{StoreHeader, TrajectoryStore};
//! use serde_json::json;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! let header = StoreHeader {
//!     architecture: json!({"kind": "mlp"}),
//!     layout: vec![("weight".into(), vec![2, 3]), ("bias".into(), vec![2])],
//!     dataset: "clutter".into(),
//!     dataset_digest: "sha256:…".into(),
//!     preprocessing: json!({"zca": false}),
//!     recipe: json!({"lr": 0.01}),
//!     seed: 0,
//!     snapshots: 2, // one epoch
//! };
//! let store = TrajectoryStore::create_or_open(folder.path(), &header)?;
//! store.write(0, &[vec![0.0; 8], vec![1.0; 8]])?;
//! assert_eq!(store.complete(), [0]);
//! assert_eq!(store.expert(0)?.snapshot(1), [1.0; 8]);
//! # Ok(())
//! # }
//! ```

mod checkpoint;
mod decoding;
mod difference;
mod error;
mod events;
#[cfg(any(test, fuzzing))]
pub mod hostile;
mod import;
mod import_set;
mod model;
#[cfg(test)]
mod mutation;
mod npz;
mod preprocessing;
mod records;
mod run_folder;
mod state_dict;
mod synthetic;
mod tail;
mod torch_archive;
mod trajectory;

pub use checkpoint::{Checkpoint, Checkpoints, Latest};
pub use decoding::Decoding;
pub use distil_files::{FileError, FolderLock, WriteError, atomic, hex, seal, sha256, sha256_of_file};
pub use error::StoreError;
pub use import::{ReplayShape, import_replay_buffers};
pub use import_set::{PublicImages, PublicLabels, read_public_step};
pub use model::{ModelCard, TrainedModel};
pub use preprocessing::{
    Difference, Normalisation, Preprocessing, Resize, ResizeFilter, ResizePolicy, Whitening,
};
pub use records::{
    Activations, Conditions, Cost, Distance, DrawnMap, EmbeddedPoint, Embedding, Evaluation, EvaluationFile,
    ImageKind, Inspection, MapPair, MeasuredSet, PaperFigure, Part, RowKind, percent,
};
pub use run_folder::{RunFolder, RunPaths};
pub use state_dict::{StateDict, read_state_dict};
pub use synthetic::{Card, LabelKind, Labels, SyntheticSet};
pub use tail::{EventTail, News};
pub use trajectory::{Expert, StoreHeader, TrajectoryStore};
