//! Expert trajectories: the parameters of networks trained on the real data, after every epoch.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use distil_files::atomic;
use distil_files::container::{self, Container, Format, Tensor, Values};
use distil_files::{FolderLock, MappedFile, as_f32, sha256};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::difference;
use crate::error::StoreError;
use crate::preprocessing::Preprocessing;

pub(crate) const SHARD: Format = Format {
    kind: "distil.expert.2",
    expected: "an expert",
    origin: "delete the file and train this expert again (`distil expert`)",
    remedy: "delete the file and train this expert again (`distil expert`)",
};
const HEADER_FILE: &str = "store.json";
pub(crate) const TENSOR: &str = "trajectory";
const BUFFERS: &str = "buffers";

/// What all experts of a store have in common; whoever matches these trajectories needs all of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreHeader {
    /// The network, in the form of the crate that builds it.
    pub architecture: Value,
    /// Name and shape of each parameter tensor, in PyTorch's order; their sizes add up to P.
    pub layout: Vec<(String, Vec<usize>)>,
    /// Name and shape of each running statistic of batch norms; their sizes add up to B.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buffers: Vec<(String, Vec<usize>)>,
    /// Name of the data set.
    pub dataset: String,
    /// Digest of the data set's pixels and labels.
    pub dataset_digest: String,
    /// How pixels became network input (normalisation, ZCA, resize).
    pub preprocessing: Preprocessing,
    /// How the experts were trained (optimiser, batch size, augmentation, GSAM's rho and alpha).
    pub recipe: Value,
    /// Seed of the whole store; expert `i` draws from streams keyed by (seed, purpose, i).
    pub seed: u64,
    /// Snapshots of each expert: the initial parameters and one per epoch, so epochs + 1.
    pub snapshots: usize,
}

impl StoreHeader {
    /// Number of parameters P of one snapshot, or `None` when it exceeds the address space.
    pub fn parameters(&self) -> Option<usize> {
        scalars(&self.layout)
    }

    /// Number of running statistics B of one snapshot, or `None` when it exceeds the address space.
    pub fn running(&self) -> Option<usize> {
        scalars(&self.buffers)
    }
}

/// Number of scalars of all tensors.
fn scalars(layout: &[(String, Vec<usize>)]) -> Option<usize> {
    let sizes = layout.iter().map(|(_, shape)| shape.iter().try_fold(1_usize, |p, n| p.checked_mul(*n)));
    sizes.into_iter().try_fold(0_usize, |sum, size| sum.checked_add(size?))
}

/// What a store keeps of one expert.
#[derive(Debug, Clone, Copy)]
pub struct Snapshots<'a> {
    /// `snapshots` vectors of P parameters.
    pub theta: &'a [Vec<f32>],
    /// As many vectors of B running statistics; nothing for networks without batch norms.
    pub buffers: &'a [Vec<f32>],
}

impl<'a, T: AsRef<[Vec<f32>]> + ?Sized> From<&'a T> for Snapshots<'a> {
    /// Of a network without batch norms.
    fn from(theta: &'a T) -> Self {
        Self { theta: theta.as_ref(), buffers: &[] }
    }
}

/// A folder of expert trajectories: `store.json` and one `expert-0000.safetensors` per expert.
///
/// Experts are written whole, so a partially written store is usable for the experts it has, and continues
/// with the ones it lacks. Shards are memory-mapped: other programs must not change them in place while a store is open.
#[derive(Debug)]
pub struct TrajectoryStore {
    folder: PathBuf,
    header: StoreHeader,
    parameters: usize,
    running: usize,
    /// Experts that were opened and verified.
    opened: Mutex<BTreeMap<usize, Expert>>,
}

impl TrajectoryStore {
    /// Opens the store in `folder`, or makes an empty one (with its folder) when there is none.
    ///
    /// # Errors
    /// [`StoreError::Differs`] names the fields in which an existing store's header differs from `header`;
    /// otherwise the errors of [`TrajectoryStore::open`] and of writing.
    pub fn create_or_open(folder: impl AsRef<Path>, header: &StoreHeader) -> Result<Self, StoreError> {
        let folder = folder.as_ref();
        let path = folder.join(HEADER_FILE);
        check_header(&path, header)?;
        if !path.exists() {
            atomic::create_folder(folder)?;
            let text = json!({"header": header, "sha256": digest(header)});
            atomic::write(&path, format!("{text:#}\n"))?;
        }
        atomic::sweep(folder)?;
        let store = Self::open(folder)?;
        match difference::describe(&as_json(&store.header), &as_json(header)) {
            None => Ok(store),
            Some(differences) => Err(StoreError::Differs {
                path: folder.to_path_buf(),
                differences,
                remedy: "choose another folder for these experts, or the configuration of the existing ones",
            }),
        }
    }

    /// Opens an existing store.
    ///
    /// # Errors
    /// [`StoreError::File`] when there is no `store.json`, [`StoreError::File`] when it is not a header.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, StoreError> {
        let folder = folder.as_ref();
        let path = folder.join(HEADER_FILE);
        let header = read_header(&path)?;
        let [parameters, running] = check_header(&path, &header)?;
        Ok(Self { folder: folder.to_path_buf(), header, parameters, running, opened: Mutex::default() })
    }

    /// What all experts have in common.
    pub fn header(&self) -> &StoreHeader {
        &self.header
    }

    /// The store's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Numbers of the complete experts, in ascending order. A truncated or foreign shard is not complete (see
    /// [`TrajectoryStore::damaged`]); the checksum of a shard's payload is verified by [`TrajectoryStore::expert`].
    pub fn complete(&self) -> Vec<usize> {
        self.shards().into_iter().filter(|index| self.inspect(*index).is_ok()).collect()
    }

    /// One error per shard that is present but cannot be used, naming the file; training that expert again replaces it.
    pub fn damaged(&self) -> Vec<StoreError> {
        self.shards().into_iter().filter_map(|index| self.inspect(index).err()).collect()
    }

    /// Keeps other processes from training experts of this store; reading goes on.
    ///
    /// # Errors
    /// [`StoreError::File`] when another process trains some, [`StoreError::File`].
    pub fn lock(&self) -> Result<FolderLock, StoreError> {
        Ok(FolderLock::take(&self.folder, "experts")?)
    }

    /// Writes the trajectory of expert `index`.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when the numbers of snapshots, parameters or running statistics differ from the header, or a
    /// value is not finite; [`StoreError::File`] when the file cannot be written.
    pub fn write<'a>(&self, index: usize, trajectory: impl Into<Snapshots<'a>>) -> Result<(), StoreError> {
        let path = self.shard(index);
        let Snapshots { theta, buffers } = trajectory.into();
        let unfit = self.unfit(theta, "parameters", self.parameters).or_else(|| {
            if self.running == 0 { None } else { self.unfit(buffers, "running statistics", self.running) }
        });
        if let Some(what) = unfit {
            return Err(StoreError::refused(&path, what, "check the expert's training recipe"));
        }
        let mut tensors = vec![tensor(TENSOR, theta, self.parameters)];
        if self.running > 0 {
            tensors.push(tensor(BUFFERS, buffers, self.running));
        }
        container::write(&path, &SHARD, &self.card(index), tensors)?;
        self.opened.lock().unwrap_or_else(PoisonError::into_inner).remove(&index);
        Ok(())
    }

    /// The trajectory of expert `index`, memory-mapped. Its checksum is verified the first time.
    ///
    /// # Errors
    /// [`StoreError::NoExpert`] when it was not trained yet, [`StoreError::File`] when its shard is truncated,
    /// altered or of another store.
    pub fn expert(&self, index: usize) -> Result<Expert, StoreError> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(expert) = opened.get(&index) {
            return Ok(expert.clone());
        }
        let path = self.shard(index);
        let mapped = self.map(index)?;
        let file = self.parse(index, &path, &mapped)?;
        file.verify()?;
        let span = |name: &str| -> Result<_, StoreError> {
            let (_, values) = file.f32(name)?;
            let start = values.as_ptr().addr() - mapped.bytes().as_ptr().addr();
            Ok(start..start + size_of_val(values))
        };
        let theta = span(TENSOR)?;
        let buffers = if self.running > 0 { span(BUFFERS)? } else { 0..0 };
        let Self { parameters, running, .. } = *self;
        let expert = Expert { file: Arc::new(mapped), theta, buffers, parameters, running };
        opened.insert(index, expert.clone());
        Ok(expert)
    }

    fn shard(&self, index: usize) -> PathBuf {
        self.folder.join(format!("expert-{index:04}.safetensors"))
    }

    /// Numbers of the shards that are present, in ascending order.
    fn shards(&self) -> Vec<usize> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let mut found: Vec<usize> = entries
            .filter_map(|entry| {
                let name = entry.file_name();
                name.to_str()?.strip_prefix("expert-")?.strip_suffix(".safetensors")?.parse().ok()
            })
            .filter(|index| self.shard(*index).is_file())
            .collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// What a shard says about itself.
    fn card(&self, index: usize) -> Value {
        json!({"expert": index, "store": self.header})
    }

    /// Checks everything about a shard but its payload.
    fn inspect(&self, index: usize) -> Result<(), StoreError> {
        let path = self.shard(index);
        self.parse(index, &path, &self.map(index)?).map(|_| ())
    }

    fn map(&self, index: usize) -> Result<MappedFile, StoreError> {
        let path = self.shard(index);
        MappedFile::open(&path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => StoreError::NoExpert { path: self.folder.clone(), index },
            _ => StoreError::read(&path, source),
        })
    }

    fn parse<'a>(
        &self,
        index: usize,
        path: &'a Path,
        mapped: &'a MappedFile,
    ) -> Result<Container<'a>, StoreError> {
        let file = Container::parse(path, &SHARD, mapped.bytes())?;
        if let Some(differences) = difference::describe(&file.card()?, &self.card(index)) {
            return Err(file.damaged(format!("it does not belong to this store ({differences})")).into());
        }
        let wanted = [(TENSOR, self.parameters), (BUFFERS, self.running)];
        for (name, width) in wanted.into_iter().filter(|(_, width)| *width > 0) {
            let (shape, _) = file.f32(name)?;
            let expected = [self.header.snapshots, width];
            if shape != expected {
                let what = format!("its {name} has shape {shape:?}, not {expected:?}");
                return Err(file.damaged(what).into());
            }
        }
        Ok(file)
    }

    /// Why a trajectory of `width` values a snapshot cannot be an expert of this store.
    fn unfit(&self, trajectory: &[Vec<f32>], values: &str, width: usize) -> Option<String> {
        let snapshots = self.header.snapshots;
        if trajectory.len() != snapshots {
            return Some(format!("it has {} snapshots where the store has {snapshots}", trajectory.len()));
        }
        trajectory.iter().enumerate().find_map(|(epoch, snapshot)| {
            if snapshot.len() != width {
                Some(format!("snapshot {epoch} has {} {values}, the layout has {width}", snapshot.len()))
            } else if snapshot.iter().any(|value| !value.is_finite()) {
                Some(format!("snapshot {epoch} has {values} that are not finite, the training diverged"))
            } else {
                None
            }
        })
    }
}

/// One expert's trajectory, memory-mapped. Cloning shares the map.
#[derive(Debug, Clone)]
pub struct Expert {
    file: Arc<MappedFile>,
    /// Bytes of the trajectory and of the running statistics within the file.
    theta: Range<usize>,
    buffers: Range<usize>,
    parameters: usize,
    running: usize,
}

impl Expert {
    /// The P parameters after `epoch` epochs; 0 is the initial network.
    ///
    /// # Panics
    /// When `epoch` is not below [`Expert::snapshots`].
    pub fn snapshot(&self, epoch: usize) -> &[f32] {
        &self.values(&self.theta)[epoch * self.parameters..(epoch + 1) * self.parameters]
    }

    /// The B running statistics after `epoch` epochs; nothing for networks without batch norms.
    ///
    /// # Panics
    /// When `epoch` is not below [`Expert::snapshots`].
    pub fn buffers(&self, epoch: usize) -> &[f32] {
        &self.values(&self.buffers)[epoch * self.running..(epoch + 1) * self.running]
    }

    /// Number of snapshots: epochs + 1.
    pub fn snapshots(&self) -> usize {
        self.values(&self.theta).len() / self.parameters
    }

    fn values(&self, span: &Range<usize>) -> &[f32] {
        as_f32(&self.file.bytes()[span.clone()]).expect("alignment was checked when the expert was opened")
    }
}

/// A vector of `width` values per snapshot.
fn tensor<'a>(name: &'static str, values: &'a [Vec<f32>], width: usize) -> Tensor<'a> {
    Tensor {
        name,
        shape: vec![values.len(), width],
        values: Values::F32(values.iter().map(Vec::as_slice).collect()),
    }
}

/// Numbers of parameters and running statistics of a header that makes sense.
pub(crate) fn check_header(path: &Path, header: &StoreHeader) -> Result<[usize; 2], StoreError> {
    let remedy = "correct the configuration of the experts";
    if header.snapshots < 2 {
        let what = format!("a trajectory needs at least 2 snapshots, not {}", header.snapshots);
        return Err(StoreError::refused(path, what, remedy));
    }
    match (header.parameters(), header.running()) {
        (Some(parameters), Some(running)) if parameters > 0 => Ok([parameters, running]),
        _ => Err(StoreError::refused(path, "the layout has no parameters, or impossibly many", remedy)),
    }
}

/// The content of `store.json`.
#[derive(Deserialize)]
struct HeaderFile {
    header: StoreHeader,
    sha256: String,
}

fn read_header(path: &Path) -> Result<StoreHeader, StoreError> {
    let bytes = fs::read(path).map_err(|source| StoreError::read(path, source))?;
    parse_header(path, &bytes)
}

pub(crate) fn parse_header(path: &Path, bytes: &[u8]) -> Result<StoreHeader, StoreError> {
    let damaged = |what: String| {
        StoreError::damaged(path, what, "restore it from a copy, or train the experts in a new folder")
    };
    let file: HeaderFile = serde_json::from_slice(bytes).map_err(|error| damaged(error.to_string()))?;
    if digest(&file.header) != file.sha256 {
        return Err(damaged("its content does not match its checksum".to_owned()));
    }
    Ok(file.header)
}

fn digest(header: &StoreHeader) -> String {
    sha256(as_json(header).to_string())
}

fn as_json(header: &StoreHeader) -> Value {
    serde_json::to_value(header).expect("a header is plain JSON")
}
