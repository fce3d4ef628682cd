//! Weights of networks by name, as PyTorch saves a `state_dict`, and checkpoints around one.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use distil_files::Content;
use pytorch_reader::{DType, PytorchReader};
use safetensors::{Dtype, SafeTensors};

use crate::error::StoreError;
use crate::numbers::{conversion, floats};
use crate::wrapping::{unprefixed, way};

const REMEDY: &str = "give a state_dict saved by torch.save or in safetensors format";
const MODULE_REMEDY: &str = "save the weights alone: torch.save(model.state_dict(), path)";
const FLOAT_REMEDY: &str = "save it in float32: torch.save({k: v.float() for k, v in state.items()}, path)";
const FINITE_REMEDY: &str = "give weights of a training that did not diverge";

/// Tensors by name: shapes and values in row-major order.
pub type StateDict = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// Weights as they were found in a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights {
    /// In single precision, without what was around them.
    pub tensors: StateDict,
    /// What was done to get at them, for people: "taken from `state_dict`", "prefix `module.` removed", "float16 widened to
    /// float32".
    pub changes: Vec<String>,
}

/// Reads the weights of a network, from a safetensors file or from what `torch.save` wrote (`.pth`, `.pt`), without running
/// code from it. A `state_dict` may be in a checkpoint and under the names of a wrapper, and its floats may have any precision.
/// Tensors of integers, such as PyTorch's counters `num_batches_tracked`, are left out.
///
/// # Errors
/// [`StoreError::File`] when the file cannot be read; [`StoreError::Import`] when it is something else, holds no tensors by name,
/// is damaged, or has values that are not finite.
pub fn read_weights(path: impl AsRef<Path>) -> Result<Weights, StoreError> {
    let path = path.as_ref();
    let read = |source| StoreError::read(path, source);
    let content = Content::of(path).map_err(read)?;
    let found = match content {
        Content::Safetensors | Content::Model => safetensors(path, &std::fs::read(path).map_err(read)?)?,
        content if content.may_hold_weights() => pytorch(path)?,
        content => {
            let remedy = content.remedy().unwrap_or(REMEDY);
            return Err(refused(path, format!("it is {}", content.what()), remedy));
        }
    };
    if found.tensors.is_empty() {
        return Err(refused(path, "it holds no tensors by name".to_owned(), REMEDY));
    }
    Ok(found.weights())
}

/// Tensors that were read, and what that took.
#[derive(Default)]
struct Found {
    keys: Vec<String>,
    conversions: BTreeSet<&'static str>,
    tensors: StateDict,
}

impl Found {
    /// Takes a tensor, unless it is one of integers. `kind` is the type's name where it is not read.
    fn add<'a>(
        &mut self,
        path: &Path,
        (name, shape): (&str, &[usize]),
        kind: Result<DType, String>,
        bytes: impl FnOnce() -> Result<Cow<'a, [u8]>, StoreError>,
    ) -> Result<(), StoreError> {
        let of_tensor = |what: &str, remedy| refused(path, format!("the tensor `{name}` {what}"), remedy);
        let kind =
            kind.map_err(|name| of_tensor(&format!("is of type {name}, which is not read"), FLOAT_REMEDY))?;
        // Asked of no bytes, it says whether these are floats.
        if floats(kind, &[]).is_none() {
            return Ok(());
        }
        let values = floats(kind, &bytes()?).unwrap_or_default();
        if values.iter().any(|value| !value.is_finite()) {
            return Err(of_tensor("has values that are not finite", FINITE_REMEDY));
        }
        self.conversions.extend(conversion(kind));
        self.tensors.insert(name.to_owned(), (shape.to_vec(), values));
        Ok(())
    }

    fn weights(self) -> Weights {
        let (tensors, prefix) = unprefixed(self.tensors);
        let mut changes = Vec::new();
        if !self.keys.is_empty() {
            changes.push(format!("taken from `{}`", self.keys.join(".")));
        }
        if !prefix.is_empty() {
            changes.push(format!("prefix `{prefix}` removed"));
        }
        changes.extend(self.conversions.into_iter().map(str::to_owned));
        Weights { tensors, changes }
    }
}

fn safetensors(path: &Path, bytes: &[u8]) -> Result<Found, StoreError> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| damaged(path, error))?;
    let mut found = Found::default();
    for (name, view) in file.iter() {
        let kind = match view.dtype() {
            Dtype::F32 => Ok(DType::F32),
            Dtype::F64 => Ok(DType::F64),
            Dtype::F16 => Ok(DType::F16),
            Dtype::BF16 => Ok(DType::BF16),
            Dtype::I64 | Dtype::U64 | Dtype::I32 | Dtype::U32 => Ok(DType::I64),
            Dtype::I16 | Dtype::U16 | Dtype::I8 | Dtype::U8 | Dtype::BOOL => Ok(DType::I64),
            other => Err(other.to_string()),
        };
        found.add(path, (name, view.shape()), kind, || Ok(Cow::Borrowed(view.data())))?;
    }
    Ok(found)
}

fn pytorch(path: &Path) -> Result<Found, StoreError> {
    let root = PytorchReader::read_pickle_data(path, None).map_err(|error| damaged(path, error))?;
    let keys = way(&root).map_err(|instead| {
        refused(path, instead.what, if instead.is_module { MODULE_REMEDY } else { REMEDY })
    })?;
    let reader = PytorchReader::new(path).map_err(|error| damaged(path, error))?;
    let before: String = keys.iter().flat_map(|key| [key.as_str(), "."]).collect();
    let mut found = Found { keys, ..Found::default() };
    for (name, tensor) in reader.into_tensors().into_iter().collect::<BTreeMap<_, _>>() {
        let Some(name) = name.strip_prefix(&before) else { continue };
        found.add(path, (name, tensor.shape()), Ok(tensor.dtype()), || {
            tensor.read().map(Cow::Owned).map_err(|error| damaged(path, error))
        })?;
    }
    Ok(found)
}

fn damaged(path: &Path, error: impl std::fmt::Display) -> StoreError {
    refused(path, format!("it is damaged or holds no weights ({error})"), REMEDY)
}

fn refused(path: &Path, what: String, remedy: &'static str) -> StoreError {
    StoreError::Import { path: path.to_path_buf(), what, remedy }
}
