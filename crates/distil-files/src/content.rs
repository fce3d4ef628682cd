//! What a file or folder is, by its first bytes and, of archives, the names in them: for messages about one that is something
//! else than was asked for. A name says little, because files are renamed, and downloads are not always what they are called.

use std::fs::{self, File};
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::path::Path;

use serde::Deserialize;
use zip::ZipArchive;

use crate::picture::{PictureKind, picture};

/// As many bytes as tell every form apart.
const HEAD: u64 = 4096;
/// Bytes of the length that a safetensors file begins with.
const LENGTH: usize = 8;
/// The longest header that safetensors files have.
const LONGEST_HEADER: u64 = 100_000_000;
/// How a file of `torch.save` before PyTorch 1.6 begins, after the opcodes that push this number.
const TORCH_LEGACY: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
const GIT_LFS: &str = "version https://git-lfs";
const GIT_ANNEX: &str = "/annex/objects/";

/// What a file or folder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "`what` says in words what each is")]
pub enum Content {
    Set,
    Expert,
    Checkpoint,
    Model,
    OtherContainer,
    Safetensors,
    Torch,
    LegacyTorch,
    TorchScript,
    Pickle,
    Npz,
    Npy,
    Keras,
    Hdf5,
    Onnx,
    Picture,
    Zip,
    CutZip,
    Packed,
    Table,
    Pdf,
    WebPage,
    Pointer,
    Toml,
    Json,
    Text,
    Empty,
    Cut,
    RunFolder,
    PartOfRun,
    Experts,
    Folder,
    Unknown,
}

impl Content {
    /// What is at `path`. No more is read than tells it: a head, or the list of an archive.
    ///
    /// # Errors
    /// What the operating system says when it cannot be read.
    pub fn of(path: &Path) -> io::Result<Self> {
        if fs::metadata(path)?.is_dir() {
            return Ok(of_folder(path));
        }
        of_file(path, File::open(path)?)
    }

    /// What the `bytes` are that the file at `path` holds.
    pub fn of_bytes(path: &Path, bytes: &[u8]) -> Self {
        of_file(path, Cursor::new(bytes)).unwrap_or(Self::Unknown)
    }

    /// Whether it begins like the binary files of distil, damaged ones among them: a few bytes may be what is left of one.
    pub fn is_container(self) -> bool {
        use Content::{Checkpoint, Cut, Expert, Model, OtherContainer, Safetensors, Set};
        matches!(self, Set | Expert | Checkpoint | Model | OtherContainer | Safetensors | Cut)
    }

    /// Whether weights of a network may be read from it.
    pub fn may_hold_weights(self) -> bool {
        matches!(self, Self::Torch | Self::LegacyTorch | Self::Pickle | Self::Safetensors)
    }

    /// Whether it may be a configuration, a damaged one among them.
    pub fn may_be_toml(self) -> bool {
        matches!(self, Self::Toml | Self::Text | Self::Empty | Self::Cut | Self::Unknown)
    }

    /// In words, with its article.
    pub fn what(self) -> &'static str {
        self.described().0
    }

    /// What to do with it, where that does not depend on what was asked for.
    pub fn remedy(self) -> Option<&'static str> {
        self.described().1
    }

    fn described(self) -> (&'static str, Option<&'static str>) {
        let weights = "save the weights alone: torch.save(model.state_dict(), path)";
        let again = "download or save it again";
        let (what, remedy) = match self {
            Self::Set => (
                "a synthetic set of distil",
                "give it to `distil eval`, `distil export` or `distil gradcam`, or name the run folder it was made in",
            ),
            Self::Expert => ("an expert of distil", "give the folder it lies in with --experts"),
            Self::Checkpoint => (
                "a checkpoint of a run",
                "continue the run with `distil run --resume`, or name a set in its folder `synthetic`",
            ),
            Self::Model => ("a trained model of distil", "give it with --model or --teacher"),
            Self::OtherContainer => ("a file of distil of another kind", ""),
            Self::Safetensors => (
                "a safetensors file of another program",
                "give weights of a network with --model or --teacher",
            ),
            Self::Torch => (
                "a file of torch.save",
                "take over a set with `distil import` and experts with `distil expert --import`, or give weights of a \
                 network with --model or --teacher",
            ),
            Self::LegacyTorch => (
                "a file that torch.save of PyTorch before 1.6 wrote",
                "save it again with PyTorch 1.6 or later: torch.save(torch.load(path), path)",
            ),
            Self::TorchScript => ("a TorchScript archive, which is a program", weights),
            Self::Pickle => ("a Python pickle without tensors of PyTorch", "save tensors with torch.save"),
            Self::Npz => (
                "a NumPy archive (.npz)",
                "train on the images in it with data.name = \"npz\" and its path in data.path",
            ),
            Self::Npy => (
                "a NumPy array (.npy)",
                "save it for PyTorch: torch.save(torch.from_numpy(numpy.load(path)), \"array.pt\")",
            ),
            Self::Keras | Self::Hdf5 => (
                if self == Self::Keras {
                    "a model of Keras (.keras)"
                } else {
                    "an HDF5 file, as Keras writes (.h5)"
                },
                "train one with `distil train`, or give weights of a PyTorch network",
            ),
            Self::Onnx => ("an ONNX graph", weights),
            Self::Picture => (
                "a picture",
                "draw a map over it with `distil gradcam`, or train on a folder of pictures with data.name = \"folder\"",
            ),
            Self::Zip => ("a ZIP archive", "unpack it first"),
            Self::CutZip => ("a ZIP archive, as PyTorch and NumPy write, that is cut off or damaged", again),
            Self::Packed => ("a compressed file or archive", "unpack it first"),
            Self::Table => (
                "a table (Parquet or Arrow)",
                "train on the images of a Parquet file with data.name = \"parquet\" and its path in data.path",
            ),
            Self::Pdf => ("a PDF", ""),
            Self::WebPage => {
                ("a web page", "download the file itself, which the page in a browser may ask you to confirm")
            }
            Self::Pointer => {
                ("a pointer of Git LFS or git-annex", "get the file with `git lfs pull` or `git annex get`")
            }
            Self::Toml => ("a configuration (TOML)", "give it with --config"),
            Self::Json => ("a JSON file", ""),
            Self::Text => ("a text file", ""),
            Self::Empty => ("an empty file", again),
            Self::Cut => ("a file of a few bytes", ""),
            Self::RunFolder => (
                "a run folder",
                "name the file in it that is meant: run.toml, or a set in its folder `synthetic`",
            ),
            Self::PartOfRun => {
                ("a folder inside a run folder", "name the run folder above it, or a file in it")
            }
            Self::Experts => ("a store of experts", "give it with --experts"),
            Self::Folder => ("a folder", ""),
            Self::Unknown => ("a file of a form that distil does not know", ""),
        };
        (what, Some(remedy).filter(|remedy| !remedy.is_empty()))
    }
}

fn of_folder(path: &Path) -> Content {
    let holds = |folder: &Path, name: &str| folder.join(name).is_file();
    match () {
        () if holds(path, "run.toml") => Content::RunFolder,
        () if holds(path, "store.json") => Content::Experts,
        () if path.parent().is_some_and(|above| holds(above, "run.toml")) => Content::PartOfRun,
        () => Content::Folder,
    }
}

fn of_file(path: &Path, mut file: impl Read + Seek) -> io::Result<Content> {
    let mut head = Vec::new();
    file.by_ref().take(HEAD).read_to_end(&mut head)?;
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        file.rewind()?;
        return Ok(ZipArchive::new(file).map_or(Content::CutZip, |archive| of_archive(&archive)));
    }
    match safetensors_header(&head) {
        Some(length) => Ok(of_safetensors(file, length)),
        None => Ok(of_head(path, &head)),
    }
}

fn of_archive<R: Read + Seek>(archive: &ZipArchive<R>) -> Content {
    let names = || archive.file_names().map(Result::unwrap_or_default);
    let any = |wanted: &str| {
        names()
            .any(|name| name.strip_suffix(wanted).is_some_and(|path| path.is_empty() || path.ends_with('/')))
    };
    match () {
        () if any("constants.pkl") => Content::TorchScript,
        () if any("data.pkl") => Content::Torch,
        () if !archive.is_empty() && names().all(|name| name.ends_with(".npy")) => Content::Npz,
        () if any("config.json") && any("model.weights.h5") => Content::Keras,
        () => Content::Zip,
    }
}

/// Length of the header that a safetensors file begins with: a number, and the first brace of the JSON.
fn safetensors_header(head: &[u8]) -> Option<u64> {
    let length = u64::from_le_bytes(*head.first_chunk()?);
    (length <= LONGEST_HEADER && head.get(8) == Some(&b'{')).then_some(length)
}

fn of_safetensors(mut file: impl Read + Seek, length: u64) -> Content {
    #[derive(Deserialize)]
    struct Header {
        #[serde(rename = "__metadata__")]
        metadata: Option<Metadata>,
    }
    #[derive(Deserialize)]
    struct Metadata {
        kind: Option<String>,
    }
    let mut json = Vec::new();
    let read = file.seek(SeekFrom::Start(8)).and_then(|_| file.take(length).read_to_end(&mut json));
    let header = read.ok().and_then(|_| serde_json::from_slice::<Header>(&json).ok());
    let kind = header.and_then(|header| header.metadata?.kind).unwrap_or_default();
    match kind.strip_prefix("distil.").map(unversioned) {
        Some("synthetic") => Content::Set,
        Some("expert") => Content::Expert,
        Some("checkpoint") => Content::Checkpoint,
        Some("model") => Content::Model,
        Some(_) => Content::OtherContainer,
        None => Content::Safetensors,
    }
}

/// A kind of file without the version it ends in.
pub(crate) fn unversioned(kind: &str) -> &str {
    kind.rsplit_once('.').map_or(kind, |(kind, _)| kind)
}

fn of_head(path: &Path, head: &[u8]) -> Content {
    let starts = |magic: &[u8]| head.starts_with(magic);
    let packed: [&[u8]; 7] = [
        b"\x1f\x8b",
        b"BZh",
        b"\xfd7zXZ\0",
        b"7z\xbc\xaf\x27\x1c",
        b"\x28\xb5\x2f\xfd",
        b"Rar!",
        b"\x04\x22\x4d\x18",
    ];
    let tables: [&[u8]; 2] = [b"PAR1", b"ARROW1"];
    match () {
        () if head.is_empty() => Content::Empty,
        () if starts(b"\x93NUMPY") => Content::Npy,
        () if starts(b"\x89HDF\r\n\x1a\n") => Content::Hdf5,
        () if starts(b"%PDF") => Content::Pdf,
        () if head.windows(TORCH_LEGACY.len()).take(32).any(|at| at == TORCH_LEGACY) => Content::LegacyTorch,
        () if matches!(head, [0x80, 2..=5, ..]) => Content::Pickle,
        () if packed.iter().any(|magic| starts(magic)) || head.get(257..262) == Some(b"ustar") => {
            Content::Packed
        }
        () if tables.iter().any(|magic| starts(magic)) => Content::Table,
        () if picture(head) != PictureKind::Other => Content::Picture,
        () if is_onnx(path, head) => Content::Onnx,
        () => match text(head) {
            Some(text) => of_text(path, text),
            None if head.len() <= LENGTH => Content::Cut,
            None => Content::Unknown,
        },
    }
}

/// Protocol buffers have no mark. A graph begins with the version of its form, and then says who made it, or begins.
fn is_onnx(path: &Path, head: &[u8]) -> bool {
    let fields = [0x12, 0x1a, 0x22, 0x2a, 0x32, 0x3a, 0x42];
    matches!(head, [0x08, 1..=32, field, ..] if fields.contains(field))
        || (has_extension(path, "onnx") && text(head).is_none())
}

fn has_extension(path: &Path, wanted: &str) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(wanted))
}

/// The head as text, if it is that: UTF-8, which may be cut off at its end, without control characters.
fn text(head: &[u8]) -> Option<&str> {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&head[..error.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    let control = |c: char| c.is_control() && !c.is_whitespace();
    (!text.contains(control)).then_some(text)
}

fn of_text(path: &Path, text: &str) -> Content {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let begins = |with: &str| text.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with));
    match () {
        () if begins("<svg") || (begins("<?xml") && text.contains("<svg")) => Content::Picture,
        () if begins("<!doctype") || begins("<html") || begins("<?xml") => Content::WebPage,
        () if begins(GIT_LFS) || begins(GIT_ANNEX) => Content::Pointer,
        () if has_extension(path, "toml") || begins(crate::seal::TOML) => Content::Toml,
        () if begins("{") || has_extension(path, "json") => Content::Json,
        () => Content::Text,
    }
}

#[cfg(test)]
mod tests;
