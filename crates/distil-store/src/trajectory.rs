//! Expert trajectories: the parameters of networks trained on the real data, after every epoch.

use std::collections::BTreeMap;
use std::fs;
use std::io;
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

/// What all experts of a store have in common; whoever matches these trajectories needs all of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreHeader {
    /// The network, in the form of the crate that builds it.
    pub architecture: Value,
    /// Name and shape of each parameter tensor, in PyTorch's order; their sizes add up to P.
    pub layout: Vec<(String, Vec<usize>)>,
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
        let sizes =
            self.layout.iter().map(|(_, shape)| shape.iter().try_fold(1_usize, |p, n| p.checked_mul(*n)));
        sizes.into_iter().try_fold(0_usize, |sum, size| sum.checked_add(size?))
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
        let parameters = check_header(&path, &header)?;
        Ok(Self { folder: folder.to_path_buf(), header, parameters, opened: Mutex::default() })
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

    /// Writes the trajectory of expert `index`: `snapshots` vectors of P parameters.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when the numbers of snapshots or parameters differ from the header, or a parameter is
    /// not finite; [`StoreError::File`] when the file cannot be written.
    pub fn write(&self, index: usize, trajectory: &[Vec<f32>]) -> Result<(), StoreError> {
        let path = self.shard(index);
        if let Some(what) = self.unfit(trajectory) {
            return Err(StoreError::refused(&path, what, "check the expert's training recipe"));
        }
        let tensor = Tensor {
            name: TENSOR,
            shape: vec![self.header.snapshots, self.parameters],
            values: Values::F32(trajectory.iter().map(Vec::as_slice).collect()),
        };
        container::write(&path, &SHARD, &self.card(index), vec![tensor])?;
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
        let (_, values) = file.f32(TENSOR)?;
        let start = values.as_ptr().addr() - mapped.bytes().as_ptr().addr();
        let span = start..start + size_of_val(values);
        let expert = Expert { file: Arc::new(mapped), span, parameters: self.parameters };
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
        let (shape, _) = file.f32(TENSOR)?;
        let expected = [self.header.snapshots, self.parameters];
        if shape != expected {
            let what = format!("its trajectory has shape {shape:?}, not {expected:?}");
            return Err(file.damaged(what).into());
        }
        Ok(file)
    }

    /// Why a trajectory cannot be an expert of this store.
    fn unfit(&self, trajectory: &[Vec<f32>]) -> Option<String> {
        let (snapshots, parameters) = (self.header.snapshots, self.parameters);
        if trajectory.len() != snapshots {
            return Some(format!("it has {} snapshots where the store has {snapshots}", trajectory.len()));
        }
        trajectory.iter().enumerate().find_map(|(epoch, snapshot)| {
            if snapshot.len() != parameters {
                Some(format!(
                    "snapshot {epoch} has {} parameters, the layout has {parameters}",
                    snapshot.len()
                ))
            } else if snapshot.iter().any(|value| !value.is_finite()) {
                Some(format!("snapshot {epoch} has parameters that are not finite, the training diverged"))
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
    /// Bytes of the trajectory within the file.
    span: std::ops::Range<usize>,
    parameters: usize,
}

impl Expert {
    /// The P parameters after `epoch` epochs; 0 is the initial network.
    ///
    /// # Panics
    /// When `epoch` is not below [`Expert::snapshots`].
    pub fn snapshot(&self, epoch: usize) -> &[f32] {
        &self.values()[epoch * self.parameters..(epoch + 1) * self.parameters]
    }

    /// Number of snapshots: epochs + 1.
    pub fn snapshots(&self) -> usize {
        self.values().len() / self.parameters
    }

    fn values(&self) -> &[f32] {
        as_f32(&self.file.bytes()[self.span.clone()])
            .expect("alignment was checked when the expert was opened")
    }
}

/// Number of parameters of a header that makes sense.
pub(crate) fn check_header(path: &Path, header: &StoreHeader) -> Result<usize, StoreError> {
    let remedy = "correct the configuration of the experts";
    if header.snapshots < 2 {
        let what = format!("a trajectory needs at least 2 snapshots, not {}", header.snapshots);
        return Err(StoreError::refused(path, what, remedy));
    }
    match header.parameters() {
        Some(parameters) if parameters > 0 => Ok(parameters),
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
