//! MATLAB's level 5 files (`.mat`, version 5 to 7): numeric, character and structure arrays, plain or zlib-compressed,
//! of either byte order. What the files of SVHN and ImageNet's development kit need; version 7.3 is HDF5 and refused.

use std::io::Read;
use std::path::Path;

use flate2::read::ZlibDecoder;

use crate::{
    bounded::{self, BAD_COPY},
    error::Error,
};

const MATRIX: u32 = 14;
const COMPRESSED: u32 = 15;
const CLASS_STRUCT: u8 = 2;
/// The largest array that is read; SVHN's largest has 1.6 GB.
const MOST_BYTES: u64 = 4 << 30;
/// Structures within structures.
const DEEPEST: u8 = 4;
const MOST_DIMENSIONS: u64 = 32;

/// An array of a file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Array {
    /// Sizes; the first runs fastest.
    pub(crate) sizes: Vec<usize>,
    pub(crate) content: Content,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Content {
    /// Numbers and characters as they are stored: an array of doubles may be stored as bytes.
    Numbers { kind: Kind, big_endian: bool, bytes: Vec<u8> },
    /// Structures: for each element the values of all fields.
    Structures { fields: Vec<String>, values: Vec<Array> },
    /// Arrays of other classes, which nobody here needs, and empty ones.
    Nothing,
}

/// How a number is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    I8,
    U8,
    I16,
    U16,
    I32,
    U32,
    F32,
    F64,
    I64,
    U64,
}

impl Kind {
    fn of(code: u32) -> Option<Self> {
        Some(match code {
            1 => Self::I8,
            2 | 16 => Self::U8,
            3 => Self::I16,
            4 | 17 => Self::U16,
            5 => Self::I32,
            6 | 18 => Self::U32,
            7 => Self::F32,
            9 => Self::F64,
            12 => Self::I64,
            13 => Self::U64,
            _ => return None,
        })
    }

    fn bytes(self) -> usize {
        match self {
            Self::I8 | Self::U8 => 1,
            Self::I16 | Self::U16 => 2,
            Self::I32 | Self::U32 | Self::F32 => 4,
            Self::F64 | Self::I64 | Self::U64 => 8,
        }
    }

    fn value(self, bytes: &[u8], big_endian: bool) -> f64 {
        let mut wide = [0; 8];
        let n = self.bytes();
        wide[..n].copy_from_slice(bytes);
        if big_endian {
            wide[..n].reverse();
        }
        let bits = u64::from_le_bytes(wide);
        match self {
            Self::I8 => f64::from(bits as i8),
            Self::U8 | Self::U16 | Self::U32 | Self::U64 => bits as f64,
            Self::I16 => f64::from(bits as i16),
            Self::I32 => f64::from(bits as i32),
            Self::F32 => f32::from_bits(bits as u32).into(),
            Self::F64 => f64::from_bits(bits),
            Self::I64 => bits as i64 as f64,
        }
    }
}

impl Array {
    /// The numbers, in the order of the file; none for other arrays.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = f64> {
        let (kind, big_endian, bytes) = match &self.content {
            Content::Numbers { kind, big_endian, bytes } => (*kind, *big_endian, &bytes[..]),
            _ => (Kind::U8, false, &[][..]),
        };
        bytes.chunks_exact(kind.bytes()).map(move |bytes| kind.value(bytes, big_endian))
    }

    /// A row of characters as text.
    pub(crate) fn text(&self) -> String {
        self.numbers().filter_map(|code| char::from_u32(code as u32)).collect()
    }

    /// The values of a field of every structure, in order; none when there is no such field.
    pub(crate) fn field<'a>(&'a self, name: &str) -> Vec<&'a Array> {
        let Content::Structures { fields, values } = &self.content else { return Vec::new() };
        let Some(at) = fields.iter().position(|field| field == name) else { return Vec::new() };
        values.iter().skip(at).step_by(fields.len()).collect()
    }
}

/// Every variable of a file with its name. `length` is the size of the file in bytes.
pub(crate) fn read(path: &Path, reader: &mut dyn Read, length: u64) -> Result<Vec<(String, Array)>, Error> {
    let mut file = Source { path, reader, left: length, big_endian: false };
    let header = file.take(128)?;
    let big_endian = match (&header[126..], header[124..126].contains(&2)) {
        (b"IM", false) => false,
        (b"MI", false) => true,
        (b"IM" | b"MI", true) => {
            let problem = "is a MATLAB 7.3 (HDF5) file";
            return Err(Error::format(path, problem, "use the published file, or save it with -v7"));
        }
        _ => return Err(Error::format(path, "is no MATLAB file of level 5", BAD_COPY)),
    };
    file.big_endian = big_endian;
    let mut variables = Vec::new();
    while file.left > 0 {
        let Tag { code, bytes, .. } = file.tag()?;
        if bytes > file.left {
            return Err(file.too_long(bytes));
        }
        file.left -= bytes;
        let mut element = file.reader.take(bytes);
        match code {
            COMPRESSED => {
                let left = bytes.saturating_mul(bounded::MOST_EXPANSION).min(MOST_BYTES);
                let mut unpacker = ZlibDecoder::new(&mut element);
                let mut inner = Source { path, reader: &mut unpacker, left, big_endian };
                variables.extend(inner.variable()?);
                // The checksum of a zlib stream is only checked when its end is reached.
                bounded::expect_end(path, &mut unpacker, bytes as usize)?;
            }
            MATRIX => {
                let mut inner = Source { path, reader: &mut element, left: bytes, big_endian };
                variables.push(inner.matrix(DEEPEST)?);
            }
            _ => {}
        }
        std::io::copy(&mut element, &mut std::io::sink()).map_err(|e| bounded::damaged(path, e))?;
    }
    Ok(variables)
}

/// The variable called `name`.
pub(crate) fn variable(
    path: &Path,
    variables: &mut Vec<(String, Array)>,
    name: &str,
) -> Result<Array, Error> {
    let at = variables.iter().position(|(found, _)| found == name);
    let at = at.ok_or_else(|| Error::format(path, format!("has no variable {name}"), BAD_COPY))?;
    Ok(variables.swap_remove(at).1)
}

/// A stream of elements with the bytes that may still come out of it.
struct Source<'a> {
    path: &'a Path,
    reader: &'a mut dyn Read,
    left: u64,
    big_endian: bool,
}

/// The head of an element.
struct Tag {
    code: u32,
    bytes: u64,
    /// Up to four bytes of data may be in the head itself.
    inline: Option<[u8; 4]>,
}

impl Source<'_> {
    fn too_long(&self, bytes: u64) -> Error {
        let problem = format!("announces {bytes} bytes where at most {} can follow", self.left);
        Error::format(self.path, problem, BAD_COPY)
    }

    fn damaged(&self, problem: &str) -> Error {
        Error::format(self.path, problem, BAD_COPY)
    }

    fn take(&mut self, bytes: u64) -> Result<Vec<u8>, Error> {
        if bytes > self.left || bytes > MOST_BYTES {
            return Err(self.too_long(bytes));
        }
        self.left -= bytes;
        bounded::read_exactly(self.path, self.reader, bytes as usize)
    }

    fn u32(&self, bytes: [u8; 4]) -> u32 {
        if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    }

    fn tag(&mut self) -> Result<Tag, Error> {
        let head: [u8; 8] = self.take(8)?.try_into().expect("eight bytes were taken");
        let (words, _) = head.as_chunks::<4>();
        let (first, second) = (self.u32(words[0]), self.u32(words[1]));
        Ok(match first >> 16 {
            0 => Tag { code: first, bytes: second.into(), inline: None },
            bytes => Tag { code: first & 0xffff, bytes: bytes.into(), inline: Some(words[1]) },
        })
    }

    /// The data of an element that is not a matrix, without padding.
    fn data(&mut self) -> Result<(u32, Vec<u8>), Error> {
        let Tag { code, bytes, inline } = self.tag()?;
        if let Some(inline) = inline {
            let data = inline.get(..bytes as usize).ok_or_else(|| self.damaged("has a damaged element"))?;
            return Ok((code, data.to_vec()));
        }
        let data = self.take(bytes)?;
        // The last element of a compressed variable may lack its padding.
        let padding = (bytes.next_multiple_of(8) - bytes).min(self.left);
        self.left -= padding;
        let mut nothing = Vec::new();
        Read::take(&mut *self.reader, padding)
            .read_to_end(&mut nothing)
            .map_err(|e| bounded::damaged(self.path, e))?;
        Ok((code, data))
    }

    /// The one element of a compressed stream; `None` when it is not a matrix.
    fn variable(&mut self) -> Result<Option<(String, Array)>, Error> {
        let Tag { code, bytes, .. } = self.tag()?;
        if bytes > self.left {
            return Err(self.too_long(bytes));
        }
        self.left = bytes;
        if code == MATRIX { self.matrix(DEEPEST).map(Some) } else { Ok(None) }
    }

    /// The body of a matrix, which is what is left.
    fn matrix(&mut self, depth: u8) -> Result<(String, Array), Error> {
        if self.left == 0 {
            return Ok((String::new(), Array { sizes: vec![0, 0], content: Content::Nothing }));
        }
        let (_, flags) = self.data()?;
        let flags: [u8; 4] =
            flags.first_chunk().copied().ok_or_else(|| self.damaged("has no array flags"))?;
        let class = self.u32(flags) as u8;
        let (_, sizes) = self.data()?;
        if sizes.len() as u64 > 4 * MOST_DIMENSIONS {
            return Err(self.damaged("has an array of too many dimensions"));
        }
        let sizes: Vec<usize> = sizes.as_chunks().0.iter().map(|&size| self.u32(size) as usize).collect();
        let (_, name) = self.data()?;
        let name = String::from_utf8_lossy(&name).into_owned();
        let content = match class {
            CLASS_STRUCT if depth > 0 => self.structures(&sizes, depth)?,
            4 | 6..=15 => self.stored_numbers(&sizes)?,
            _ => Content::Nothing,
        };
        self.skip_rest()?;
        Ok((name, Array { sizes, content }))
    }

    fn stored_numbers(&mut self, sizes: &[usize]) -> Result<Content, Error> {
        let (code, bytes) = self.data()?;
        let kind = Kind::of(code).ok_or_else(|| self.damaged("stores numbers in an unknown way"))?;
        if elements(sizes) != Some(bytes.len() / kind.bytes()) || !bytes.len().is_multiple_of(kind.bytes()) {
            let problem = format!("announces an array of {sizes:?}, but stores {} bytes", bytes.len());
            return Err(self.damaged(&problem));
        }
        Ok(Content::Numbers { kind, big_endian: self.big_endian, bytes })
    }

    fn structures(&mut self, sizes: &[usize], depth: u8) -> Result<Content, Error> {
        let (_, length) = self.data()?;
        let length = length.first_chunk().map(|&bytes| self.u32(bytes) as usize).filter(|&length| length > 0);
        let length = length.ok_or_else(|| self.damaged("has structures without field names"))?;
        let (_, names) = self.data()?;
        let name = |name: &[u8]| String::from_utf8_lossy(name).trim_end_matches('\0').to_owned();
        let fields: Vec<String> = names.chunks_exact(length).map(name).collect();
        let wanted = elements(sizes).and_then(|elements| elements.checked_mul(fields.len()));
        // Every value takes at least the eight bytes of its head.
        let wanted = wanted.filter(|&wanted| wanted as u64 <= self.left / 8);
        let wanted = wanted.ok_or_else(|| self.damaged("announces more structures than can follow"))?;
        let mut values = Vec::new();
        for _ in 0..wanted {
            let Tag { code, bytes, .. } = self.tag()?;
            if code != MATRIX || bytes > self.left {
                return Err(self.damaged("has a structure with a damaged field"));
            }
            let outside = self.left - bytes;
            self.left = bytes;
            values.push(self.matrix(depth - 1)?.1);
            self.left = outside;
        }
        Ok(Content::Structures { fields, values })
    }

    fn skip_rest(&mut self) -> Result<(), Error> {
        let mut rest = Read::take(&mut *self.reader, self.left);
        std::io::copy(&mut rest, &mut std::io::sink()).map_err(|e| bounded::damaged(self.path, e))?;
        self.left = 0;
        Ok(())
    }
}

fn elements(sizes: &[usize]) -> Option<usize> {
    sizes.iter().try_fold(1usize, |product, &size| product.checked_mul(size))
}
