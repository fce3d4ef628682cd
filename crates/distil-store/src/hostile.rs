//! The readers of this crate as functions of bytes, for tests of damaged copies and for the fuzz targets in `tests/fuzz`.
//! Each says whether it found nothing wrong. Checksums are left out where they would hide what is behind them.

use std::io::Write;
use std::path::Path;

use distil_files::container::Container;
use distil_files::seal;
use serde_json::Value;

use crate::checkpoint::{CHECKPOINT, Checkpoint};
use crate::import::ReplayBuffer;
use crate::import_set::{PublicImages, PublicLabels, read_public_step};
use crate::synthetic::{SET, SyntheticSet};
use crate::torch_archive::Storages;
use crate::trajectory::{SHARD, TENSOR, check_header, parse_header};
use crate::{events, read_weights, run_folder};

fn path() -> &'static Path {
    Path::new("fixture")
}

/// A synthetic set.
pub fn synthetic(bytes: &[u8]) -> bool {
    Container::parse(path(), &SET, bytes).is_ok_and(|file| SyntheticSet::of(&file).is_ok())
}

/// A checkpoint.
pub fn checkpoint(bytes: &[u8]) -> bool {
    Container::parse(path(), &CHECKPOINT, bytes).is_ok_and(|file| Checkpoint::of(&file).is_ok())
}

/// An expert.
pub fn shard(bytes: &[u8]) -> bool {
    let file = Container::parse(path(), &SHARD, bytes);
    file.is_ok_and(|file| {
        file.f32(TENSOR).is_ok_and(|(shape, values)| shape.iter().product::<usize>() == values.len())
    })
}

/// The header of a store of experts.
pub fn header(bytes: &[u8]) -> bool {
    parse_header(path(), bytes).and_then(|header| check_header(path(), &header)).is_ok()
}

/// A log of events.
pub fn events(bytes: &[u8]) -> bool {
    events::parse::<Value>(path(), bytes).is_ok()
}

/// A run's configuration, with or without its checksum.
pub fn config(bytes: &[u8]) -> bool {
    let sealed = seal::check(path(), bytes, "").is_ok();
    sealed & std::str::from_utf8(bytes).is_ok_and(|text| run_folder::parse_config(path(), text).is_ok())
}

/// Weights by name: safetensors, or what `torch.save` wrote.
pub fn state_dict(bytes: &[u8]) -> bool {
    on_disk(bytes, |path| read_weights(path).is_ok())
}

/// Experts that MTT's public code saved.
pub fn replay_buffer(bytes: &[u8]) -> bool {
    on_disk(bytes, |path| {
        let buffer = ReplayBuffer::open(path, &std::env::temp_dir(), Storages::Copied);
        buffer.is_ok_and(|buffer| buffer.expert(0).is_ok())
    })
}

/// A set that MTT's public code saved: its images, labels and step size.
pub fn public_set(bytes: &[u8]) -> bool {
    on_disk(bytes, |path| {
        let labels = PublicLabels::read(path);
        let probabilities = labels.as_ref().is_ok_and(PublicLabels::look_like_probabilities);
        probabilities | PublicImages::read(path).is_ok() | labels.is_ok() | read_public_step(path).is_ok()
    })
}

fn on_disk(bytes: &[u8], read: impl FnOnce(&Path) -> bool) -> bool {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(bytes).expect("a temporary file");
    read(file.path())
}
