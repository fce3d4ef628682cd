//! The form of all binary files: one safetensors file whose metadata hold a typed JSON card and a digest.
//!
//! Metadata keys: `kind` (what the file is), `card` (JSON), and `sha256` over kind, card, tensor names, types, shapes and
//! payload, so that one flipped byte anywhere is found.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use safetensors::{Dtype, SafeTensors};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::atomic::{self, WriteError};
use crate::content::{Content, unversioned};
use crate::digest::hex;
use crate::error::FileError;
use crate::mapped::as_f32;

/// Bytes of the length that a file begins with.
const LENGTH: usize = 8;
/// As many bytes of a header hold the kind, unless tensors' names come before it.
const TELLING: usize = 128;
/// Metadata key of the card.
const CARD: &str = "card";

/// What a file is, and what to do when it is something else or damaged.
#[derive(Debug, Clone, Copy)]
pub struct Format {
    /// Value of the metadata key `kind`; ends in the version of the form.
    pub kind: &'static str,
    /// What the file is in a message, with its article: "a synthetic set".
    pub expected: &'static str,
    /// What the user should do when the file is something else.
    pub origin: &'static str,
    /// What the user should do when the file is damaged.
    pub remedy: &'static str,
}

impl Format {
    /// Whether the header in `bytes`, or what is left of it, is one of this form: of so few bytes nobody can tell.
    fn begins(&self, bytes: &[u8]) -> bool {
        let length = bytes.first_chunk().map_or(0, |length| u64::from_le_bytes(*length));
        let end = usize::try_from(length).unwrap_or(usize::MAX).saturating_add(LENGTH).min(bytes.len());
        end < TELLING || String::from_utf8_lossy(&bytes[..end]).contains(unversioned(self.kind))
    }

    fn refuses(&self, path: &Path, content: Content) -> FileError {
        FileError::foreign(path, content, self.expected, self.origin)
    }

    /// A file of distil's form that is of another kind.
    fn refuses_kind(&self, path: &Path, kind: &str, bytes: &[u8]) -> FileError {
        let what = match Content::of_bytes(path, bytes) {
            Content::Safetensors | Content::OtherContainer => format!("a file of kind `{kind}`"),
            content if unversioned(kind) != unversioned(self.kind) => return self.refuses(path, content),
            _ => format!("{} of another version (`{kind}`)", self.expected),
        };
        let Self { expected, origin, .. } = *self;
        FileError::Foreign { path: path.to_path_buf(), expected, what, remedy: origin }
    }
}

/// Values of a tensor that is to be written.
#[derive(Debug, Clone)]
pub enum Values<'a> {
    /// Floats, in pieces that follow each other.
    F32(Vec<&'a [f32]>),
    /// Double precision.
    F64(&'a [f64]),
    /// Integers.
    I64(Vec<i64>),
}

/// A tensor that is to be written.
#[derive(Debug, Clone)]
pub struct Tensor<'a> {
    /// Its name in the file.
    pub name: &'a str,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its values, row-major.
    pub values: Values<'a>,
}

/// Values converted to their little-endian form at once.
const PIECE: usize = 1 << 12;

impl Tensor<'_> {
    fn dtype(&self) -> Dtype {
        match self.values {
            Values::F32(_) => Dtype::F32,
            Values::F64(_) => Dtype::F64,
            Values::I64(_) => Dtype::I64,
        }
    }

    fn byte_len(&self) -> usize {
        match &self.values {
            Values::F32(pieces) => pieces.iter().map(|piece| size_of_val(*piece)).sum(),
            Values::F64(values) => size_of_val(*values),
            Values::I64(values) => size_of_val(values.as_slice()),
        }
    }

    /// Hands the values' little-endian bytes on, piece by piece.
    fn for_bytes(&self, sink: &mut impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        match &self.values {
            Values::F32(pieces) => {
                pieces.iter().try_for_each(|piece| in_pieces(piece, f32::to_le_bytes, sink))
            }
            Values::F64(values) => in_pieces(values, f64::to_le_bytes, sink),
            Values::I64(values) => in_pieces(values, i64::to_le_bytes, sink),
        }
    }
}

fn in_pieces<T: Copy, const N: usize>(
    values: &[T],
    to_bytes: fn(T) -> [u8; N],
    sink: &mut impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut bytes = Vec::with_capacity(PIECE * N);
    for piece in values.chunks(PIECE) {
        bytes.clear();
        bytes.extend(piece.iter().flat_map(|value| to_bytes(*value)));
        sink(&bytes)?;
    }
    Ok(())
}

/// Writes a file whole or not at all. The card is stored as compact JSON; equal input gives equal bytes.
///
/// # Errors
/// [`WriteError`] names the path and the remedy.
///
/// # Panics
/// When the card is not plain JSON.
pub fn write(
    path: impl AsRef<Path>,
    format: &Format,
    card: &impl Serialize,
    mut tensors: Vec<Tensor<'_>>,
) -> Result<(), WriteError> {
    // Wide types first keeps every tensor aligned for readers that view them in place.
    tensors.sort_by_key(|tensor| matches!(tensor.values, Values::F32(_)));
    let card = serde_json::to_string(card).expect("a card is plain JSON");
    let head = head(format, &card, &tensors);
    atomic::write_with(path, |file| write_to(file, &head, &tensors))
}

fn write_to(file: &mut File, head: &[u8], tensors: &[Tensor<'_>]) -> io::Result<()> {
    let mut out = BufWriter::new(file);
    out.write_all(&(head.len() as u64).to_le_bytes())?;
    out.write_all(head)?;
    for tensor in tensors {
        tensor.for_bytes(&mut |bytes| out.write_all(bytes))?;
    }
    out.flush()
}

fn head(format: &Format, card: &str, tensors: &[Tensor<'_>]) -> Vec<u8> {
    let mut digest = ContentDigest::new(format, card);
    let mut entries = serde_json::Map::new();
    let mut offset = 0;
    for tensor in tensors {
        digest.add(tensor);
        let end = offset + tensor.byte_len();
        let dtype = tensor.dtype().to_string();
        let entry = json!({"dtype": dtype, "shape": tensor.shape, "data_offsets": [offset, end]});
        entries.insert(tensor.name.to_owned(), entry);
        offset = end;
    }
    let metadata = json!({"kind": format.kind, CARD: card, "sha256": digest.finish()});
    entries.insert("__metadata__".to_owned(), metadata);
    let mut head = Value::Object(entries).to_string().into_bytes();
    head.resize(head.len().next_multiple_of(8), b' ');
    head
}

/// SHA-256 of what a file means: its kind, its card (or what of it counts) and its tensors, in order.
#[derive(Debug, Clone)]
pub struct ContentDigest(Sha256);

impl ContentDigest {
    /// Begins with the kind of the file and a card in JSON.
    pub fn new(format: &Format, card: &str) -> Self {
        Self(Sha256::new_with_prefix(json!([format.kind, card]).to_string()))
    }

    /// Adds a tensor: its name, type, shape and values.
    ///
    /// # Panics
    /// Never: hashing does no input or output.
    pub fn add(&mut self, tensor: &Tensor<'_>) {
        self.describe(tensor.name, tensor.dtype(), &tensor.shape);
        let hashed: io::Result<()> = tensor.for_bytes(&mut |bytes| {
            self.0.update(bytes);
            Ok(())
        });
        hashed.expect("hashing does no input or output");
    }

    /// The digest in hexadecimal digits.
    pub fn finish(self) -> String {
        hex(&self.0.finalize())
    }

    fn describe(&mut self, name: &str, dtype: Dtype, shape: &[usize]) {
        self.0.update(json!([name, dtype.to_string(), shape]).to_string());
    }
}

/// The whole file at `path`, for [`Container::open`], if it begins like one. Of another file, which may be large, no more
/// is read than says what it is.
///
/// # Errors
/// [`FileError::Foreign`] says what it is, [`FileError::Read`] that it cannot be read.
pub fn read(path: &Path, format: &Format) -> Result<Vec<u8>, FileError> {
    let failed = |source| FileError::read(path, source);
    match Content::of(path).map_err(failed)? {
        content if content.is_container() => fs::read(path).map_err(failed),
        content => Err(format.refuses(path, content)),
    }
}

/// A tensor of a file that was read; `bytes` are little-endian.
#[derive(Debug)]
struct Stored<'a> {
    name: String,
    shape: Vec<usize>,
    dtype: Dtype,
    bytes: &'a [u8],
}

/// A file that was read.
#[derive(Debug)]
pub struct Container<'a> {
    format: &'a Format,
    path: &'a Path,
    card: String,
    sha256: String,
    /// In the order of the file.
    tensors: Vec<Stored<'a>>,
}

impl<'a> Container<'a> {
    /// Reads the structure of the file in `bytes` (the whole file) and verifies its digest.
    ///
    /// # Errors
    /// [`FileError::Foreign`] when it is something else, [`FileError::Damaged`] when it is truncated or altered.
    pub fn open(path: &'a Path, format: &'a Format, bytes: &'a [u8]) -> Result<Self, FileError> {
        let file = Self::parse(path, format, bytes)?;
        file.verify()?;
        Ok(file)
    }

    /// As [`Container::open`], but leaves the payload alone: [`Container::verify`] has to follow.
    ///
    /// # Errors
    /// As [`Container::open`].
    pub fn parse(path: &'a Path, format: &'a Format, bytes: &'a [u8]) -> Result<Self, FileError> {
        let damaged = |what: String| FileError::damaged(path, what, format.remedy);
        let (_, metadata) =
            SafeTensors::read_metadata(bytes).map_err(|error| match Content::of_bytes(path, bytes) {
                content if content.is_container() && format.begins(bytes) => damaged(error.to_string()),
                content => format.refuses(path, content),
            })?;
        let fields = metadata.metadata().as_ref();
        let field = |name: &str| fields.and_then(|fields| fields.get(name)).cloned();
        let (Some(kind), Some(card)) = (field("kind"), field(CARD)) else {
            return Err(format.refuses(path, Content::Safetensors));
        };
        if kind != format.kind {
            return Err(format.refuses_kind(path, &kind, bytes));
        }
        let tensors = stored(bytes).map_err(damaged)?;
        Ok(Self { format, path, card, sha256: field("sha256").unwrap_or_default(), tensors })
    }

    /// Compares the digest of the content with the one in the metadata.
    ///
    /// # Errors
    /// [`FileError::Damaged`] when they differ.
    pub fn verify(&self) -> Result<(), FileError> {
        let mut digest = ContentDigest::new(self.format, &self.card);
        for tensor in &self.tensors {
            digest.describe(&tensor.name, tensor.dtype, &tensor.shape);
            digest.0.update(tensor.bytes);
        }
        if digest.finish() == self.sha256 {
            return Ok(());
        }
        Err(self.damaged("its content does not match its checksum"))
    }

    /// The card as the type it was written from.
    ///
    /// # Errors
    /// [`FileError::Damaged`] when it is of another type.
    pub fn card<T: DeserializeOwned>(&self) -> Result<T, FileError> {
        serde_json::from_str(&self.card)
            .map_err(|error| self.damaged(format!("its card is not understood ({error})")))
    }

    /// Shape and values of a float tensor, viewed in place.
    ///
    /// # Errors
    /// [`FileError::Damaged`] when there is none of this name and type.
    pub fn f32(&self, name: &str) -> Result<(&[usize], &'a [f32]), FileError> {
        let tensor = self.tensor(name, Dtype::F32)?;
        let values = as_f32(tensor.bytes)
            .ok_or_else(|| self.damaged(format!("its tensor `{name}` is not aligned to 4 bytes")))?;
        Ok((&tensor.shape, values))
    }

    /// Shape and values of a tensor in double precision.
    ///
    /// # Errors
    /// As [`Container::f32`].
    pub fn f64(&self, name: &str) -> Result<(&[usize], Vec<f64>), FileError> {
        let tensor = self.tensor(name, Dtype::F64)?;
        let (whole, _) = tensor.bytes.as_chunks::<8>();
        Ok((&tensor.shape, whole.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect()))
    }

    /// Shape and values of an integer tensor.
    ///
    /// # Errors
    /// As [`Container::f32`].
    pub fn i64(&self, name: &str) -> Result<(&[usize], Vec<i64>), FileError> {
        let tensor = self.tensor(name, Dtype::I64)?;
        let (whole, _) = tensor.bytes.as_chunks::<8>();
        Ok((&tensor.shape, whole.iter().map(|bytes| i64::from_le_bytes(*bytes)).collect()))
    }

    /// Names of all tensors, in the order of the file.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.iter().map(|tensor| tensor.name.as_str())
    }

    /// An error about the content of this file.
    pub fn damaged(&self, what: impl Into<String>) -> FileError {
        FileError::damaged(self.path, what, self.format.remedy)
    }

    fn tensor(&self, name: &str, dtype: Dtype) -> Result<&Stored<'a>, FileError> {
        let tensor = self.tensors.iter().find(|tensor| tensor.name == name);
        let tensor = tensor.ok_or_else(|| self.damaged(format!("it has no tensor `{name}`")))?;
        if tensor.dtype != dtype {
            return Err(self.damaged(format!("its tensor `{name}` is {}, not {dtype}", tensor.dtype)));
        }
        Ok(tensor)
    }
}

fn stored(bytes: &[u8]) -> Result<Vec<Stored<'_>>, String> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
    let mut tensors: Vec<_> = file
        .iter()
        .map(|(name, view)| Stored {
            name: name.to_owned(),
            shape: view.shape().to_vec(),
            dtype: view.dtype(),
            bytes: view.data(),
        })
        .collect();
    // The library lists them in the order of a hash map; the digest goes by position.
    tensors.sort_by(|a, b| (a.bytes.as_ptr(), &a.name).cmp(&(b.bytes.as_ptr(), &b.name)));
    Ok(tensors)
}
