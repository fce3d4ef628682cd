//! What a path is: which dataset, in which of its layouts.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::{
    archive::{self, Form},
    config::DataConfig,
    datasets::{DatasetKind, DatasetName},
    error::{Error, shown},
    imagenet::is_wnid,
    kind::{self, Kind},
    label_table,
    locate::{candidates, is_in},
    parts::{self, Role},
    shards,
    tree::Tree,
    walk,
};

const KNOWN: &str = "give class folders or a zip, tar or tar.gz of them, a CSV file of file and label, an .npz or Parquet file, or the \
                     published files of CIFAR-10, CIFAR-100, MNIST, Fashion-MNIST, SVHN, Tiny-ImageNet or ImageNet";
const PARQUET: &str = "pictures in Parquet files, as Hugging Face keeps them";
/// Members of an archive that are looked at.
const LOOKED_AT: usize = 64;

/// What a path was taken for.
#[derive(Debug, Clone, PartialEq)]
pub struct Recognised {
    /// In words: "CIFAR-10 or a copy of it…".
    pub what: String,
    /// What a configuration must say.
    pub config: DataConfig,
}

/// `name` and `path`, as lines of a configuration.
impl fmt::Display for Recognised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.config.path.as_deref().unwrap_or(Path::new(""));
        // The escapes of JSON are those of TOML.
        let path = serde_json::to_string(&path.to_string_lossy()).unwrap_or_default();
        write!(
            f,
            "[data]            # taken for {}\nname = \"{}\"\npath = {path}",
            self.what, self.config.name
        )
    }
}

impl Recognised {
    fn new(name: DatasetName, path: &Path, what: impl Into<String>) -> Self {
        let config = DataConfig { path: Some(path.to_owned()), ..DataConfig::new(name) };
        Self { what: what.into(), config }
    }

    /// The files of a published set.
    fn published(name: DatasetName, path: &Path) -> Self {
        Self::new(name, path, format!("the published files of {name}"))
    }
}

/// Finds out which dataset lies at `path`, by what is in it.
///
/// # Errors
/// [`Error::Unrecognised`] says what is known; [`Error::Format`], [`Error::Io`].
pub fn recognise(path: &Path) -> Result<Recognised, Error> {
    if path.is_dir() { of_folder(path) } else { of_file(path) }
}

fn unknown(path: &Path, problem: impl Into<String>, remedy: &'static str) -> Error {
    Error::Unrecognised { path: path.to_owned(), problem: problem.into(), remedy }
}

fn of_file(path: &Path) -> Result<Recognised, Error> {
    let folder = label_table::folder_of(path);
    if shards::is_parquet(path)? {
        // One of several files is not what somebody means.
        let whole = if shards::is_shard(path) { folder } else { path };
        return Ok(Recognised::new(DatasetName::Parquet, whole, PARQUET));
    }
    if path.file_name().and_then(OsStr::to_str).is_some_and(|name| name.starts_with("ILSVRC2012_img_")) {
        return Ok(Recognised::published(DatasetName::Imagenet, folder));
    }
    if let Some(form) = archive::form(path)? {
        return of_archive(path, form);
    }
    if label_table::has_ending(path) {
        return Ok(Recognised::new(DatasetName::Csv, path, "a table of files and labels"));
    }
    if let Some(name) = published_in(folder) {
        return Ok(Recognised::published(name, folder));
    }
    let what = match kind::of_file(path)? {
        Kind::Read | Kind::Unread => "is a single picture, not a set",
        Kind::Other => "is no set that is known",
    };
    Err(unknown(path, what, KNOWN))
}

fn of_archive(path: &Path, form: Form) -> Result<Recognised, Error> {
    let names = archive::first_names(path, form, LOOKED_AT)?;
    let ends = |files: &[&str]| {
        names.iter().any(|name| files.contains(&name.rsplit('/').next().unwrap_or_default()))
    };
    if form == Form::Zip && names.iter().any(|name| Path::new(name).extension() == Some(OsStr::new("npy"))) {
        let stem = path.file_stem().and_then(OsStr::to_str);
        let name = if stem == Some("mnist") { DatasetName::Mnist } else { DatasetName::Npz };
        return Ok(Recognised::new(name, path, "arrays in a NumPy archive"));
    }
    if ends(&["data_batch_1", "data_batch_1.bin"]) {
        return Ok(Recognised::published(DatasetName::Cifar10, path));
    }
    if ends(&["train.bin"]) || names.iter().any(|name| name.ends_with("cifar-100-python/train")) {
        return Ok(Recognised::published(DatasetName::Cifar100, path));
    }
    if form == Form::Zip && names.iter().any(|name| name.starts_with("tiny-imagenet-200/")) {
        return Ok(Recognised::published(DatasetName::TinyImagenet, path));
    }
    Ok(Recognised::new(DatasetName::Folder, path, "an archive of class folders"))
}

/// The published set of arrays whose files lie in a folder.
fn published_in(folder: &Path) -> Option<DatasetName> {
    let holds = |name: &DatasetName| name.spec().places().is_some_and(|places| is_in(places, folder));
    let arrays = DatasetName::all().filter(|name| name.spec().kind() == DatasetKind::Arrays);
    let found: Vec<DatasetName> = arrays.filter(holds).collect();
    // MNIST's relatives have its names of files: only those of the folder tell them apart.
    let fashion =
        folder.canonicalize().is_ok_and(|real| real.to_string_lossy().to_lowercase().contains("fashion"));
    let other = if fashion { DatasetName::Mnist } else { DatasetName::FashionMnist };
    found.iter().copied().find(|name| *name != other)
}

fn of_folder(path: &Path) -> Result<Recognised, Error> {
    if let Some(name) = published_in(path) {
        return Ok(Recognised::published(name, path));
    }
    if let Some(name) = imagenet_in(path)? {
        return Ok(Recognised::published(name, path));
    }
    if let Some(recognised) = below(path)? {
        return Ok(recognised);
    }
    let folder = Recognised::new(DatasetName::Folder, path, "pictures in folders by class");
    if class_folders(path)? > 1 {
        return Ok(folder);
    }
    let files: Vec<PathBuf> = walk::entries(path)?.into_iter().filter(|path| path.is_file()).collect();
    let tables: Vec<&PathBuf> = files.iter().filter(|file| label_table::fits(file)).collect();
    let of_train = |table: &&&PathBuf| label_table::role_of(table) == Some(Role::Train);
    let table = match tables[..] {
        [table] => Some(table),
        _ => tables.iter().find(of_train).copied(),
    };
    if let Some(table) = table {
        return Ok(Recognised::new(DatasetName::Csv, table, "pictures with a table of files and labels"));
    }
    if shards::folder_of(path)?.is_some() {
        return Ok(Recognised::new(DatasetName::Parquet, path, PARQUET));
    }
    if Tree::Disk.folders_in(path)?.is_empty() && !files.iter().any(|file| kind::of_name(file) != Kind::Other)
    {
        return Err(unknown(path, "is a folder without pictures", KNOWN));
    }
    // What is wrong with it is for the reader of such folders to say.
    Ok(folder)
}

/// ImageNet and Tiny-ImageNet where their folders are no plain class folders.
fn imagenet_in(path: &Path) -> Result<Option<DatasetName>, Error> {
    if path.join("val/val_annotations.txt").is_file() && path.join("train").is_dir() {
        return Ok(Some(DatasetName::TinyImagenet));
    }
    let holds = DatasetName::Imagenet.spec().places().is_some_and(|places| is_in(places, path));
    if !holds || !path.join("train").is_dir() {
        return Ok(holds.then_some(DatasetName::Imagenet));
    }
    let classes = |part: &str| -> Result<usize, Error> {
        let folder = path.join(part);
        let folders = if folder.is_dir() { Tree::Disk.folders_in(&folder)? } else { Vec::new() };
        let named = |path: &&PathBuf| path.file_name().and_then(OsStr::to_str).is_some_and(is_wnid);
        Ok(folders.iter().filter(named).count())
    };
    let (train, val) = (classes("train")?, classes("val")?);
    let flat_or_packed = train == 0 || (val == 0 && path.join("val").is_dir());
    Ok((train == 1000 || flat_or_packed).then_some(DatasetName::Imagenet))
}

/// Folders with pictures that are classes, of the training part where there are parts; two are as good as many.
fn class_folders(path: &Path) -> Result<usize, Error> {
    let root = parts::find(&Tree::Disk, path, None)
        .ok()
        .flatten()
        .map_or_else(|| path.to_owned(), |parts| parts.train);
    let mut found = 0;
    for folder in Tree::Disk.folders_in(&root)? {
        found += usize::from(walk::holds_picture(&Tree::Disk, &folder)?);
        if found > 1 {
            break;
        }
    }
    Ok(found)
}

/// The one published set in a data folder.
fn below(path: &Path) -> Result<Option<Recognised>, Error> {
    let rows = DatasetName::all().filter(|name| name.spec().is_downloaded());
    let place = |name: DatasetName| Some((name, candidates(name, path).into_iter().next()?));
    let found: Vec<(DatasetName, PathBuf)> = rows.filter_map(place).collect();
    match &found[..] {
        [] => Ok(None),
        [(name, place)] => Ok(Some(Recognised::published(*name, place))),
        _ => {
            let sets: Vec<String> =
                found.iter().map(|(name, place)| format!("{name} in {}", shown(place))).collect();
            let problem = format!("holds several sets: {}", sets.join(", "));
            Err(unknown(path, problem, "give the path of one of them"))
        }
    }
}

#[cfg(test)]
mod tests;
