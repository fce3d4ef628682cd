//! Weights of networks by name, as PyTorch saves a `state_dict`.

use std::collections::BTreeMap;
use std::path::Path;

use pytorch_reader::{DType, PytorchReader};
use safetensors::{Dtype, SafeTensors};

use crate::error::StoreError;

const REMEDY: &str = "give a state_dict saved by torch.save or in safetensors format";
const FLOAT_REMEDY: &str = "save it in float32: torch.save({k: v.float() for k, v in state.items()}, path)";

/// Tensors by name: shapes and values in row-major order.
pub type StateDict = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// A tensor whose values are still bytes.
struct Raw {
    shape: Vec<usize>,
    /// Little-endian values; `None` for integers, and what else it is for other floats.
    bytes: Result<Option<Vec<u8>>, String>,
}

/// Reads the float32 tensors of a `state_dict`, from a safetensors file or from anything that `torch.save` wrote (`.pth`,
/// `.pt`), without running code from it. Tensors of integers, such as PyTorch's counters `num_batches_tracked`, are left
/// out.
///
/// # Errors
/// [`StoreError::File`] when the file cannot be read; [`StoreError::Import`] when it holds no tensors by name, is damaged,
/// or holds floats of another precision.
pub fn read_state_dict(path: impl AsRef<Path>) -> Result<StateDict, StoreError> {
    let path = path.as_ref();
    let bytes = std::fs::read(path).map_err(|source| StoreError::read(path, source))?;
    // A safetensors file begins with the length of its JSON header.
    let raw = if bytes.get(8) == Some(&b'{') { safetensors(path, &bytes)? } else { pytorch(path)? };
    let mut tensors = StateDict::new();
    for (name, Raw { shape, bytes }) in raw {
        let of_tensor = |what| refused(path, format!("the tensor `{name}` {what}"), FLOAT_REMEDY);
        let Some(bytes) = bytes.map_err(of_tensor)? else { continue };
        let (values, _) = bytes.as_chunks::<4>();
        tensors.insert(name, (shape, values.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()));
    }
    if tensors.is_empty() {
        return Err(refused(path, "it holds no tensors by name".to_owned(), REMEDY));
    }
    Ok(tensors)
}

fn safetensors(path: &Path, bytes: &[u8]) -> Result<BTreeMap<String, Raw>, StoreError> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| damaged(path, error))?;
    let raw = file.tensors().into_iter().map(|(name, view)| {
        let bytes = match view.dtype() {
            Dtype::F32 => Ok(Some(view.data().to_vec())),
            Dtype::I64 | Dtype::I32 | Dtype::U8 | Dtype::BOOL => Ok(None),
            other => Err(format!("is of type {other:?}, not float32")),
        };
        (name, Raw { shape: view.shape().to_vec(), bytes })
    });
    Ok(raw.collect())
}

fn pytorch(path: &Path) -> Result<BTreeMap<String, Raw>, StoreError> {
    let reader = PytorchReader::new(path).map_err(|error| damaged(path, error))?;
    let raw = reader.into_tensors().into_iter().map(|(name, tensor)| {
        let bytes = match tensor.dtype() {
            DType::F32 => Ok(Some(tensor.read().map_err(|error| damaged(path, error))?)),
            DType::I64 | DType::I32 | DType::U8 | DType::Bool => Ok(None),
            other => Err(format!("is of type {other:?}, not float32")),
        };
        Ok((name, Raw { shape: tensor.shape().to_vec(), bytes }))
    });
    raw.collect()
}

fn damaged(path: &Path, error: impl std::fmt::Display) -> StoreError {
    refused(path, format!("it is damaged or holds no weights ({error})"), REMEDY)
}

fn refused(path: &Path, what: String, remedy: &'static str) -> StoreError {
    StoreError::Import { path: path.to_path_buf(), what, remedy }
}
