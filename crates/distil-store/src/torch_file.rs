//! Files that `torch.load` reads, also with `weights_only=True`: a ZIP archive of a pickle, which says what the tensors are,
//! and their values.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use distil_files::atomic;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::error::StoreError;

/// Where values begin in the file, so that PyTorch may map them.
const ALIGNMENT: u16 = 64;
/// Entries that hold more need other fields of the ZIP format.
const LARGE: usize = 1 << 31;

/// Values of one type, which tensors share.
pub(crate) enum Storage<'a> {
    F32(&'a [f32]),
    I64(&'a [i64]),
}

/// What such a file holds.
pub(crate) enum Object {
    /// Of a storage, from an offset in values on.
    Tensor {
        storage: usize,
        offset: usize,
        shape: Vec<usize>,
    },
    List(Vec<Object>),
}

/// Writes the file, whole or not at all.
///
/// # Errors
/// [`StoreError::File`].
pub(crate) fn write(path: &Path, storages: &[Storage<'_>], object: &Object) -> Result<(), StoreError> {
    let pickle = Pickle { storages, bytes: Vec::new() }.of(object);
    atomic::write_with(path, |file| {
        let mut zip = ZipWriter::new(BufWriter::new(file));
        entry(&mut zip, "data.pkl", &pickle)?;
        entry(&mut zip, "byteorder", b"little")?;
        for (index, storage) in storages.iter().enumerate() {
            start(&mut zip, &format!("data/{index}"), storage.bytes())?;
            storage.write(&mut zip)?;
        }
        entry(&mut zip, "version", b"3\n")?;
        zip.finish()?.flush()
    })?;
    Ok(())
}

fn entry(zip: &mut ZipWriter<impl Write + io::Seek>, name: &str, bytes: &[u8]) -> io::Result<()> {
    start(zip, name, bytes.len())?;
    zip.write_all(bytes)
}

fn start(zip: &mut ZipWriter<impl Write + io::Seek>, name: &str, length: usize) -> io::Result<()> {
    Ok(zip.start_file(format!("archive/{name}"), stored(length).with_alignment(ALIGNMENT))?)
}

/// An entry of so many bytes, as they are. Its size is known only to us beforehand; the format's 4 GB fields do not hold more.
pub(crate) fn stored(length: usize) -> SimpleFileOptions {
    let plain = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    plain.large_file(length > LARGE)
}

impl Storage<'_> {
    fn len(&self) -> usize {
        match self {
            Self::F32(values) => values.len(),
            Self::I64(values) => values.len(),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::F32(values) => size_of_val(*values),
            Self::I64(values) => size_of_val(*values),
        }
    }

    fn class(&self) -> &'static str {
        match self {
            Self::F32(_) => "FloatStorage",
            Self::I64(_) => "LongStorage",
        }
    }

    fn write(&self, to: &mut impl Write) -> io::Result<()> {
        let mut to = BufWriter::new(to);
        match self {
            Self::F32(values) => values.iter().try_for_each(|value| to.write_all(&value.to_le_bytes()))?,
            Self::I64(values) => values.iter().try_for_each(|value| to.write_all(&value.to_le_bytes()))?,
        }
        to.flush()
    }
}

/// A pickle of protocol 2, as `torch.save` writes it but for the memo, which nothing needs.
struct Pickle<'a> {
    storages: &'a [Storage<'a>],
    bytes: Vec<u8>,
}

impl Pickle<'_> {
    fn of(mut self, object: &Object) -> Vec<u8> {
        self.bytes.extend(b"\x80\x02");
        self.object(object);
        self.bytes.push(b'.');
        self.bytes
    }

    fn object(&mut self, object: &Object) {
        match object {
            Object::List(items) => {
                self.bytes.extend(b"](");
                for item in items {
                    self.object(item);
                }
                self.bytes.push(b'e');
            }
            Object::Tensor { storage, offset, shape } => self.tensor(*storage, *offset, shape),
        }
    }

    /// `_rebuild_tensor_v2(storage, offset, shape, strides, requires_grad, hooks)`.
    fn tensor(&mut self, storage: usize, offset: usize, shape: &[usize]) {
        self.global("torch._utils", "_rebuild_tensor_v2");
        self.bytes.push(b'(');
        self.storage(storage);
        self.integer(offset);
        self.tuple(shape);
        self.tuple(&strides(shape));
        // False, an empty OrderedDict, the end of the arguments, and the call.
        self.bytes.push(0x89);
        self.global("collections", "OrderedDict");
        self.bytes.extend(b")RtR");
    }

    /// ("storage", its class, its name in the archive, where it was, values), which the reader looks up.
    fn storage(&mut self, index: usize) {
        self.bytes.push(b'(');
        self.text("storage");
        self.global("torch", self.storages[index].class());
        self.text(&index.to_string());
        self.text("cpu");
        self.integer(self.storages[index].len());
        self.bytes.extend(b"tQ");
    }

    fn global(&mut self, module: &str, name: &str) {
        self.bytes.extend(format!("c{module}\n{name}\n").as_bytes());
    }

    fn text(&mut self, text: &str) {
        self.bytes.push(b'X');
        self.bytes.extend((text.len() as u32).to_le_bytes());
        self.bytes.extend(text.as_bytes());
    }

    fn tuple(&mut self, numbers: &[usize]) {
        self.bytes.push(b'(');
        for &number in numbers {
            self.integer(number);
        }
        self.bytes.push(b't');
    }

    /// In four bytes, or as a long of eight.
    fn integer(&mut self, number: usize) {
        if let Ok(small) = i32::try_from(number) {
            self.bytes.push(b'J');
            self.bytes.extend(small.to_le_bytes());
        } else {
            self.bytes.extend(b"\x8a\x08");
            self.bytes.extend((number as i64).to_le_bytes());
        }
    }
}

/// Values between neighbours along each axis.
fn strides(shape: &[usize]) -> Vec<usize> {
    (0..shape.len()).map(|axis| shape[axis + 1..].iter().product()).collect()
}
