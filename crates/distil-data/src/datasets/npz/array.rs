//! Arrays of NumPy's archives (`.npz`): zip files of `.npy` files, stored or deflated.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};

use npyz::{DType, Endianness, NpyHeader, Order, TypeChar, TypeStr};

use crate::{error::Error, source::Member, tar_index, zip_index};

const MAGIC: &[u8] = b"\x93NUMPY";
/// A header longer than this describes no plain array.
const LONGEST_HEADER: usize = 1024;
/// The largest array that is read: the largest of MedMNIST's has 13.5 GB.
const MOST_BYTES: u64 = 16 << 30;
const REMEDY: &str = "save it again with np.savez or np.savez_compressed";

/// An archive whose arrays are not read yet.
pub(crate) struct Archive<R> {
    path: PathBuf,
    reader: R,
    members: BTreeMap<String, Member>,
}

impl Archive<File> {
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        Self::new(path, File::open(path).map_err(Error::io(path, "open"))?)
    }
}

impl<R> Archive<R> {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Names of its arrays, sorted.
    pub(crate) fn names(&self) -> Vec<&str> {
        self.members.keys().map(String::as_str).collect()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.members.contains_key(name)
    }
}

impl<R: Read + Seek> Archive<R> {
    pub(crate) fn new(path: &Path, mut reader: R) -> Result<Self, Error> {
        let length = tar_index::length(path, &mut reader)?;
        let members = zip_index::members(path, &mut reader, length)?;
        let array = |(name, member): (String, Member)| Some((name.strip_suffix(".npy")?.to_owned(), member));
        let members = members.into_iter().filter_map(array).collect();
        Ok(Self { path: path.to_owned(), reader, members })
    }

    /// The array of that name, whole; no more is allocated than its member holds.
    pub(crate) fn read(&mut self, name: &str) -> Result<Array, Error> {
        let path = self.path.join(name);
        let member = self.members.get(name).ok_or_else(|| Error::format(&path, "is missing", REMEDY))?;
        let bytes = member.read_at_most(&path, &mut self.reader, MOST_BYTES)?;
        Array::parse(path, bytes)
    }
}

/// One array in C order.
pub(crate) struct Array {
    /// For messages: the name below the archive.
    pub(crate) path: PathBuf,
    pub(crate) shape: Vec<usize>,
    /// As they are stored.
    pub(crate) bytes: Vec<u8>,
    values: TypeStr,
}

impl Array {
    /// From the bytes of a `.npy` file.
    fn parse(path: PathBuf, mut bytes: Vec<u8>) -> Result<Self, Error> {
        let refuse = |problem: &str| Error::format(&path, problem, REMEDY);
        let start = header_bytes(&bytes).ok_or_else(|| refuse("has no header of a plain array"))?;
        let header = NpyHeader::from_reader(&bytes[..start]).map_err(|e| refuse(&format!("{e}")))?;
        let DType::Plain(values) = header.dtype() else { return Err(refuse("holds records, not numbers")) };
        if header.order() != Order::C && header.shape().len() > 1 {
            return Err(refuse("is stored columns first (np.ascontiguousarray puts rows first)"));
        }
        let shape: Option<Vec<usize>> = header.shape().iter().map(|&size| size.try_into().ok()).collect();
        let promised = shape.as_ref().zip(values.num_bytes()).and_then(|(shape, size)| {
            shape.iter().try_fold(size, |product: usize, &size| product.checked_mul(size))
        });
        match (shape, promised) {
            (Some(shape), Some(promised)) if promised == bytes.len() - start => {
                bytes.drain(..start);
                Ok(Self { path, shape, bytes, values })
            }
            _ => {
                let problem = format!(
                    "announces {:?} values of type {values}, but {} bytes follow",
                    header.shape(),
                    bytes.len() - start
                );
                Err(refuse(&problem))
            }
        }
    }

    /// What its values are, as NumPy writes it ("<f4").
    pub(crate) fn values(&self) -> String {
        self.values.to_string()
    }

    pub(crate) fn is_bytes(&self) -> bool {
        self.values.type_char() == TypeChar::Uint && self.values.size_field() == 1
    }

    /// Its values, if they are whole numbers.
    pub(crate) fn whole_numbers(&self) -> Option<Vec<i64>> {
        let size = self.values.num_bytes()?;
        let signed = match self.values.type_char() {
            TypeChar::Int => true,
            TypeChar::Uint | TypeChar::Bool => false,
            _ => return None,
        };
        let number = |bytes: &[u8]| {
            let mut wide = [0; 8];
            wide[..size].copy_from_slice(bytes);
            if self.values.endianness() == Endianness::Big {
                wide[..size].reverse();
            }
            let unused = 64 - 8 * size as u32;
            let raised = i64::from_le_bytes(wide) << unused;
            if signed { raised >> unused } else { (raised as u64 >> unused) as i64 }
        };
        matches!(size, 1 | 2 | 4 | 8).then(|| self.bytes.chunks_exact(size).map(number).collect())
    }

    /// Its values, if they are texts.
    pub(crate) fn texts(&self) -> Option<Vec<String>> {
        let size = self.values.num_bytes().filter(|size| *size > 0)?;
        let text = |bytes: &[u8]| match self.values.type_char() {
            TypeChar::UnicodeStr => {
                let unit = |unit: &[u8; 4]| match self.values.endianness() {
                    Endianness::Big => u32::from_be_bytes(*unit),
                    _ => u32::from_le_bytes(*unit),
                };
                bytes
                    .as_chunks()
                    .0
                    .iter()
                    .map(|bytes| char::from_u32(unit(bytes)))
                    .collect::<Option<String>>()
            }
            TypeChar::ByteStr => std::str::from_utf8(bytes).ok().map(str::to_owned),
            _ => None,
        };
        let unpadded = |text: String| text.trim_end_matches('\0').to_owned();
        self.bytes.chunks_exact(size).map(|bytes| text(bytes).map(unpadded)).collect()
    }
}

/// How many bytes come before the values: magic number, version, length and header.
fn header_bytes(bytes: &[u8]) -> Option<usize> {
    let (version, rest) = bytes.strip_prefix(MAGIC)?.split_first()?;
    let (before, length) = match version {
        1 => (10, usize::from(u16::from_le_bytes(*rest.get(1..)?.first_chunk()?))),
        2 | 3 => (12, u32::from_le_bytes(*rest.get(1..)?.first_chunk()?) as usize),
        _ => return None,
    };
    let fits = length <= LONGEST_HEADER && before + length <= bytes.len();
    fits.then_some(before + length)
}
