//! The form all binary artefacts share: one safetensors file whose metadata hold a JSON document and a checksum.
//!
//! Metadata keys: `kind` (what the file is), the document under a name of the kind's own (`header`, `card`, `state`),
//! and `sha256` over kind, document, tensor names, types, shapes and payload, so that one flipped byte anywhere is found.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use safetensors::{Dtype, SafeTensors};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::atomic;
use crate::error::StoreError;
use crate::mapped::as_f32;

/// What a file is, and what to do when it is damaged.
pub(crate) struct Kind {
    /// Value of the metadata key `kind`; ends in the version of the form.
    pub(crate) name: &'static str,
    /// Metadata key of the JSON document.
    pub(crate) document: &'static str,
    /// What the user should do when the file is damaged.
    pub(crate) remedy: &'static str,
}

/// Values of a tensor that is to be written.
pub(crate) enum Values<'a> {
    /// Floats, in pieces that follow each other.
    F32(Vec<&'a [f32]>),
    /// Integers.
    I64(Vec<i64>),
}

/// A tensor that is to be written.
pub(crate) struct Output<'a> {
    pub(crate) name: &'a str,
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Values<'a>,
}

/// Bytes handed on at once when values are converted to their little-endian form.
const PIECE: usize = 1 << 14;

impl Output<'_> {
    fn dtype(&self) -> &'static str {
        match self.values {
            Values::F32(_) => "F32",
            Values::I64(_) => "I64",
        }
    }

    fn byte_len(&self) -> usize {
        match &self.values {
            Values::F32(pieces) => pieces.iter().map(|piece| piece.len() * 4).sum(),
            Values::I64(values) => values.len() * 8,
        }
    }

    fn for_bytes(&self, sink: &mut impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(PIECE);
        match &self.values {
            Values::F32(pieces) => {
                for values in pieces.iter().flat_map(|piece| piece.chunks(PIECE / 4)) {
                    bytes.clear();
                    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
                    sink(&bytes)?;
                }
            }
            Values::I64(values) => {
                for values in values.chunks(PIECE / 8) {
                    bytes.clear();
                    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
                    sink(&bytes)?;
                }
            }
        }
        Ok(())
    }
}

/// Writes one artefact atomically. `document` is stored as compact JSON; equal input gives equal bytes.
pub(crate) fn write(
    path: &Path,
    kind: &Kind,
    document: &Value,
    mut tensors: Vec<Output<'_>>,
) -> Result<(), StoreError> {
    // Wide types first keeps every tensor aligned for readers that view them in place.
    tensors.sort_by_key(|tensor| matches!(tensor.values, Values::F32(_)));
    let document = document.to_string();
    let head = head(kind, &document, &tensors);
    atomic::write_with(path, |file| write_to(file, &head, &tensors))?;
    Ok(())
}

fn write_to(file: &mut File, head: &[u8], tensors: &[Output<'_>]) -> io::Result<()> {
    let mut out = BufWriter::new(file);
    out.write_all(&(head.len() as u64).to_le_bytes())?;
    out.write_all(head)?;
    for tensor in tensors {
        tensor.for_bytes(&mut |bytes| out.write_all(bytes))?;
    }
    out.flush()
}

fn head(kind: &Kind, document: &str, tensors: &[Output<'_>]) -> Vec<u8> {
    let mut digest = Digester::new(kind, document);
    let mut entries = serde_json::Map::new();
    let mut offset = 0;
    for tensor in tensors {
        digest.tensor(tensor.name, tensor.dtype(), &tensor.shape);
        let hashed: io::Result<()> = tensor.for_bytes(&mut |bytes| {
            digest.0.update(bytes);
            Ok(())
        });
        hashed.expect("hashing does no input or output");
        let end = offset + tensor.byte_len();
        let entry = json!({"dtype": tensor.dtype(), "shape": tensor.shape, "data_offsets": [offset, end]});
        entries.insert(tensor.name.to_owned(), entry);
        offset = end;
    }
    let metadata = json!({"kind": kind.name, kind.document: document, "sha256": digest.finish()});
    entries.insert("__metadata__".to_owned(), metadata);
    let mut head = Value::Object(entries).to_string().into_bytes();
    head.resize(head.len().next_multiple_of(8), b' ');
    head
}

/// The checksum of an artefact.
struct Digester(Sha256);

impl Digester {
    fn new(kind: &Kind, document: &str) -> Self {
        let mut digest = Sha256::new();
        digest.update(json!([kind.name, kind.document, document]).to_string());
        Self(digest)
    }

    fn tensor(&mut self, name: &str, dtype: &str, shape: &[usize]) {
        self.0.update(json!([name, dtype, shape]).to_string());
    }

    fn finish(self) -> String {
        hex(&self.0.finalize())
    }
}

/// SHA-256 of `bytes` in hexadecimal digits.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Lower-case hexadecimal digits of `bytes`, such as a digest.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
        text
    })
}

/// A tensor of a file that was read; `bytes` are little-endian.
pub(crate) struct Input<'a> {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    dtype: Dtype,
    bytes: &'a [u8],
}

/// An artefact whose structure is sound. [`Artefact::verify`] checks the content.
pub(crate) struct Artefact<'a> {
    kind: &'a Kind,
    path: &'a Path,
    document_text: String,
    sha256: String,
    /// The JSON document.
    pub(crate) document: Value,
    /// Tensors in the order of the file.
    tensors: Vec<Input<'a>>,
}

impl<'a> Artefact<'a> {
    /// Reads the structure of the artefact in `bytes` (the whole file); the payload is not touched.
    pub(crate) fn parse(path: &'a Path, kind: &'a Kind, bytes: &'a [u8]) -> Result<Self, StoreError> {
        let damaged = |what: String| StoreError::damaged(path, what, kind.remedy);
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|error| damaged(error.to_string()))?;
        let fields = metadata.metadata().as_ref();
        let Some(document_text) = fields.and_then(|fields| fields.get(kind.document)).cloned() else {
            return Err(if kind.document == "card" {
                StoreError::NoCard { path: path.to_path_buf() }
            } else {
                damaged(format!("its metadata have no `{}`", kind.document))
            });
        };
        let field = |name: &str| fields.and_then(|fields| fields.get(name)).cloned().unwrap_or_default();
        if field("kind") != kind.name {
            return Err(damaged(format!("it is of kind `{}`, not `{}`", field("kind"), kind.name)));
        }
        let document = serde_json::from_str(&document_text)
            .map_err(|error| damaged(format!("its `{}` is not JSON ({error})", kind.document)))?;
        let tensors = read_tensors(bytes).map_err(damaged)?;
        Ok(Self { kind, path, document_text, sha256: field("sha256"), document, tensors })
    }

    /// Compares the checksum of the content with the one in the metadata.
    pub(crate) fn verify(&self) -> Result<(), StoreError> {
        let mut digest = Digester::new(self.kind, &self.document_text);
        for tensor in &self.tensors {
            digest.tensor(&tensor.name, &tensor.dtype.to_string(), &tensor.shape);
            digest.0.update(tensor.bytes);
        }
        if digest.finish() == self.sha256 {
            return Ok(());
        }
        Err(self.damaged("its content does not match its checksum"))
    }

    /// The document as the type it was written from.
    pub(crate) fn document_as<T: serde::de::DeserializeOwned>(&self) -> Result<T, StoreError> {
        T::deserialize(&self.document).map_err(|error| {
            self.damaged(format!("its `{}` is not understood ({error})", self.kind.document))
        })
    }

    /// Shape and values of a float tensor, viewed in place.
    pub(crate) fn f32(&self, name: &str) -> Result<(&[usize], &'a [f32]), StoreError> {
        let tensor = self.tensor(name, Dtype::F32)?;
        let values = as_f32(tensor.bytes)
            .ok_or_else(|| self.damaged(format!("its tensor `{name}` is not aligned to 4 bytes")))?;
        Ok((&tensor.shape, values))
    }

    /// Shape and values of an integer tensor.
    pub(crate) fn i64(&self, name: &str) -> Result<(&[usize], Vec<i64>), StoreError> {
        let tensor = self.tensor(name, Dtype::I64)?;
        let (whole, _) = tensor.bytes.as_chunks::<8>();
        Ok((&tensor.shape, whole.iter().map(|bytes| i64::from_le_bytes(*bytes)).collect()))
    }

    /// Names of all tensors, in the order of the file.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.iter().map(|tensor| tensor.name.as_str())
    }

    /// An error about this file.
    pub(crate) fn damaged(&self, what: impl Into<String>) -> StoreError {
        StoreError::damaged(self.path, what, self.kind.remedy)
    }

    fn tensor(&self, name: &str, dtype: Dtype) -> Result<&Input<'a>, StoreError> {
        let tensor = self.tensors.iter().find(|tensor| tensor.name == name);
        let tensor = tensor.ok_or_else(|| self.damaged(format!("it has no tensor `{name}`")))?;
        if tensor.dtype != dtype {
            return Err(self.damaged(format!("its tensor `{name}` is {}, not {dtype}", tensor.dtype)));
        }
        Ok(tensor)
    }
}

fn read_tensors(bytes: &[u8]) -> Result<Vec<Input<'_>>, String> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
    let mut tensors: Vec<_> = file
        .iter()
        .map(|(name, view)| Input {
            name: name.to_owned(),
            shape: view.shape().to_vec(),
            dtype: view.dtype(),
            bytes: view.data(),
        })
        .collect();
    // The library lists them in the order of a hash map; the checksum goes by position.
    tensors.sort_by(|a, b| (a.bytes.as_ptr(), &a.name).cmp(&(b.bytes.as_ptr(), &b.name)));
    Ok(tensors)
}
