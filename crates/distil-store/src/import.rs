//! Import of the expert buffers that MTT's public code and its descendants save.
//!
//! A `replay_buffer_*.pt` is `torch.save` of a list \[expert\]\[snapshot\]\[tensor\].

use distil_progress::{Progress, Step};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use pytorch_reader::{DType, PytorchReader, Tensor};
use tempfile::NamedTempFile;

use crate::error::StoreError;
use crate::torch_archive::{ROOT, Storages, damaged, refused, rooted};
use crate::trajectory::{StoreHeader, TrajectoryStore};

const REMEDY: &str = "download the file again, or save the experts again with MTT's buffer.py";
const SHAPE_REMEDY: &str = "give the architecture, classes and epochs the experts were trained with";
const CLASSES_REMEDY: &str = "name the configuration of the data they were trained on";
const ALIAS_REMEDY: &str = "save copies of the parameters after each epoch, p.detach().cpu().clone(): on a CPU, without clone() all are the last ones";

/// What a replay buffer holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayShape {
    /// Number of experts.
    pub experts: usize,
    /// Snapshots of each expert: epochs + 1.
    pub snapshots: usize,
    /// Shapes of the parameter tensors of one snapshot, in PyTorch's order.
    pub tensors: Vec<Vec<usize>>,
}

impl ReplayShape {
    /// Reads the shapes in `path` without reading any parameters.
    ///
    /// # Errors
    /// [`StoreError::Import`] when the file is not a replay buffer; [`StoreError::File`] when it cannot be read.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let scratch = std::env::temp_dir();
        Ok(ReplayBuffer::open(path.as_ref(), &scratch, Storages::LeftOut)?.shape)
    }
}

/// Imports the experts of MTT-style `replay_buffer_*.pt` files into the store in `folder`, which is made or continued;
/// they are numbered in the order of `paths`. Experts the store already has are skipped, so an interrupted import
/// continues.
///
/// Needs free space for a copy of the largest file in `folder` while it is imported.
///
/// # Errors
/// [`StoreError::Import`] when a file is not a replay buffer, is damaged, does not fit `header`, or has an expert that never
/// moves or is not finite;
/// [`StoreError::Stopped`] when the listener asked to stop; otherwise the
/// errors of [`TrajectoryStore::create_or_open`], [`TrajectoryStore::lock`] and [`TrajectoryStore::write`].
pub fn import_replay_buffers(
    paths: &[PathBuf],
    header: &StoreHeader,
    folder: impl AsRef<Path>,
    progress: Progress<'_>,
) -> Result<TrajectoryStore, StoreError> {
    let folder = folder.as_ref();
    if let (Some(path), false) = (paths.first(), header.buffers.is_empty()) {
        let what = "it has no running statistics, and the network has batch norms".to_owned();
        return Err(refused(path, what, "train experts of this network with `distil expert`"));
    }
    // Nothing is made before all files are known to fit.
    let shapes = paths.iter().map(|path| fitting(path, header)).collect::<Result<Vec<_>, _>>()?;
    let store = TrajectoryStore::create_or_open(folder, header)?;
    let _lock = store.lock()?;
    let complete = store.complete();
    let total = shapes.iter().map(|shape| shape.experts).sum::<usize>() as u64;
    let mut first = 0;
    for (path, shape) in paths.iter().zip(shapes) {
        let missing: Vec<usize> = (0..shape.experts).filter(|i| !complete.contains(&(first + i))).collect();
        if !missing.is_empty() {
            let buffer = ReplayBuffer::open(path, folder, Storages::Copied)?;
            for index in missing {
                store.write(first + index, &buffer.usable_expert(index)?)?;
                let done = (first + index) as u64 + 1;
                if progress.at(Step::of("import", done, total, "experts")).is_break() {
                    return Err(StoreError::Stopped);
                }
            }
        }
        first += shape.experts;
    }
    Ok(store)
}

/// The shapes in `path`, if they are those of `header`.
fn fitting(path: &Path, header: &StoreHeader) -> Result<ReplayShape, StoreError> {
    let shape = ReplayShape::read(path)?;
    if shape.snapshots < 2 {
        let what = "it has one snapshot an expert, and a trajectory goes from one to another".to_owned();
        return Err(refused(path, what, REMEDY));
    }
    if shape.snapshots != header.snapshots {
        let what = format!("it has {} snapshots an expert, not {}", shape.snapshots, header.snapshots);
        return Err(refused(path, what, SHAPE_REMEDY));
    }
    if shape.tensors.len() != header.layout.len() {
        let what = format!(
            "it has {} tensors a snapshot, the architecture {}",
            shape.tensors.len(),
            header.layout.len()
        );
        return Err(refused(path, what, SHAPE_REMEDY));
    }
    // The last tensor is the bias of the classes.
    if let (Some([stored]), Some((_, expected))) =
        (shape.tensors.last().map(Vec::as_slice), header.layout.last())
        && let [expected] = expected[..]
        && *stored != expected
    {
        let what = format!("its experts tell {stored} classes apart, the data have {expected}");
        return Err(refused(path, what, CLASSES_REMEDY));
    }
    for (stored, (name, expected)) in shape.tensors.iter().zip(&header.layout) {
        if stored != expected {
            let what = format!("the tensor at the place of `{name}` has shape {stored:?}, not {expected:?}");
            return Err(refused(path, what, SHAPE_REMEDY));
        }
    }
    Ok(shape)
}

pub(crate) struct ReplayBuffer {
    path: PathBuf,
    shape: ReplayShape,
    /// Tensors by (expert, snapshot, place); they read from the copy.
    tensors: BTreeMap<[usize; 3], Tensor>,
    /// Removed when dropped.
    _copy: NamedTempFile,
}

impl ReplayBuffer {
    pub(crate) fn open(path: &Path, scratch: &Path, storages: Storages) -> Result<Self, StoreError> {
        let copy = rooted(path, scratch, storages)?;
        let reader = PytorchReader::new(copy.path()).map_err(|error| damaged(path, error))?;
        let tensors = reader.into_tensors().into_iter().map(|(name, tensor)| Some((place(&name)?, tensor)));
        let tensors: BTreeMap<_, _> = tensors.collect::<Option<_>>().ok_or_else(|| not_a_buffer(path))?;
        if let Some(other) = tensors.values().find(|tensor| tensor.dtype() != DType::F32) {
            let what = format!("a tensor is of type {:?}, experts are float32", other.dtype());
            return Err(refused(path, what, REMEDY));
        }
        let shape = regular_shape(&tensors).ok_or_else(|| not_a_buffer(path))?;
        Ok(Self { path: path.to_path_buf(), shape, tensors, _copy: copy })
    }

    /// The trajectory of one expert: its tensors one after the other, per snapshot.
    pub(crate) fn expert(&self, index: usize) -> Result<Vec<Vec<f32>>, StoreError> {
        (0..self.shape.snapshots).map(|snapshot| self.snapshot(index, snapshot)).collect()
    }

    /// As [`ReplayBuffer::expert`], if there is anything to learn from it.
    fn usable_expert(&self, index: usize) -> Result<Vec<Vec<f32>>, StoreError> {
        let snapshots = self.expert(index)?;
        if let Some(epoch) =
            snapshots.iter().position(|snapshot| snapshot.iter().any(|value| !value.is_finite()))
        {
            let what = format!("snapshot {epoch} of its expert {index} has values that are not finite");
            return Err(refused(&self.path, what, "leave the file out, or train these experts again"));
        }
        if snapshots.windows(2).all(|pair| pair[0] == pair[1]) {
            let what = format!("its expert {index} never moves: all {} snapshots are equal", snapshots.len());
            return Err(refused(&self.path, what, ALIAS_REMEDY));
        }
        Ok(snapshots)
    }

    fn snapshot(&self, expert: usize, snapshot: usize) -> Result<Vec<f32>, StoreError> {
        let mut parameters = Vec::new();
        for (_, tensor) in self.tensors.range([expert, snapshot, 0]..[expert, snapshot + 1, 0]) {
            let bytes = tensor.read().map_err(|error| damaged(&self.path, error))?;
            let (whole, _) = bytes.as_chunks::<4>();
            parameters.extend(whole.iter().map(|bytes| f32::from_ne_bytes(*bytes)));
        }
        Ok(parameters)
    }
}

/// Reads `buffer.3.50.7` as expert 3, snapshot 50, tensor 7.
fn place(name: &str) -> Option<[usize; 3]> {
    let mut parts = name.strip_prefix(ROOT)?.strip_prefix('.')?.split('.').map(str::parse);
    let place = [parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?];
    parts.next().is_none().then_some(place)
}

/// The shape all experts have in common; `None` unless every snapshot of every expert has the same tensors.
fn regular_shape(tensors: &BTreeMap<[usize; 3], Tensor>) -> Option<ReplayShape> {
    let (last, _) = tensors.last_key_value()?;
    let [experts, snapshots, places] = last.map(|index| index.saturating_add(1));
    let first = tensors.values().take(places);
    let shapes: Vec<Vec<usize>> = first.map(|tensor| tensor.shape().to_vec()).collect();
    let count = experts.checked_mul(snapshots)?.checked_mul(places)?;
    let regular = tensors.len() == count
        && tensors.iter().all(|([_, snapshot, place], tensor)| {
            *snapshot < snapshots && shapes.get(*place).is_some_and(|shape| shape == tensor.shape())
        });
    regular.then_some(ReplayShape { experts, snapshots, tensors: shapes })
}

fn not_a_buffer(path: &Path) -> StoreError {
    let what = "it is not a list [expert][epoch][tensor] with equal experts".to_owned();
    refused(path, what, "give the replay_buffer_*.pt files that MTT's buffer.py saved")
}
