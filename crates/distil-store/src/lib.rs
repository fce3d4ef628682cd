#![doc = include_str!("../README.md")]
mod checkpoint;
mod decoding;
mod difference;
mod error;
mod events;
mod export_torch;
#[cfg(any(test, fuzzing))]
pub mod hostile;
mod import;
mod import_set;
mod model;
#[cfg(test)]
mod mutation;
mod npz;
mod numbers;
mod preprocessing;
mod records;
mod run_folder;
mod state_dict;
mod synthetic;
mod tail;
mod torch_archive;
mod torch_file;
mod trajectory;
mod wrapping;

pub use checkpoint::{Checkpoint, Checkpoints, Latest};
pub use decoding::Decoding;
pub use distil_files::{
    Content, FileError, FolderLock, WriteError, atomic, hex, seal, sha256, sha256_of_file,
};
pub use error::StoreError;
pub use import::{ReplayShape, import_replay_buffers};
pub use import_set::{PublicImages, PublicLabels, read_public_step};
pub use model::{ModelCard, TrainedModel};
pub use preprocessing::{
    Difference, Normalisation, Preprocessing, Resize, ResizeFilter, ResizePolicy, Whitening,
};
pub use records::{
    Activations, Conditions, Cost, Distance, DrawnMap, EmbeddedPoint, Embedding, Evaluation, EvaluationFile,
    ImageKind, Inspection, MapPair, MeasuredSet, OwnWay, PaperFigure, Part, RowKind, percent,
};
pub use run_folder::{RunFolder, RunPaths};
pub use state_dict::{StateDict, Weights, read_weights};
pub use synthetic::{Card, LabelKind, Labels, SyntheticSet};
pub use tail::{EventTail, News};
pub use trajectory::{Expert, Snapshots, StoreHeader, TrajectoryStore};
