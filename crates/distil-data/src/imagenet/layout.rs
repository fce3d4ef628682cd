//! ImageNet-1K as it lies on disks: class folders, a tar file a class, or the official tar files.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::ground_truth::{self, GroundTruth, is_wnid};
use crate::{
    config::DataConfig,
    datasets::DatasetName,
    error::Error,
    folder::{self, Found, distinct},
    image_list::ImageList,
    kind::{self, Kind},
    skip::Skip,
    source::{ImageFile, Member, Window},
    tar_index,
    walk::{self, Survey},
};

const TRAIN_TAR: &str = "ILSVRC2012_img_train.tar";
const VAL_TAR: &str = "ILSVRC2012_img_val.tar";

/// Whether a folder holds ImageNet, or at least the class `first`.
pub(crate) fn holds(root: &Path, first: Option<&str>) -> bool {
    let train = root.join("train");
    root.join(TRAIN_TAR).is_file()
        || match first {
            Some(wnid) => train.join(wnid).is_dir() || train.join(format!("{wnid}.tar")).is_file(),
            None => train.is_dir() && wnids(&train).is_ok_and(|wnids| wnids.len() > 1),
        }
}

/// Lists the images of the classes asked for, in that order, or of all classes in the order of their wnids. The training
/// part is ImageNet's, the test part ImageNet's validation part: the answers of its test part are not public.
pub(crate) fn list(data: &DataConfig, root: &Path) -> Result<Found, Error> {
    let DatasetName::ImagenetSubset(subset) = data.name else {
        return list_classes(root, data.classes.as_deref(), &Skip::of(data, root));
    };
    if let Some(note) = subset.note() {
        tracing::warn!("{note}");
    }
    let classes = subset.classes();
    let wnids: Vec<String> = classes.iter().map(|class| class.wnid.to_owned()).collect();
    let class_names = classes.iter().map(|class| format!("{} {}", class.wnid, class.name)).collect();
    Ok(Found { class_names, ..list_classes(root, Some(&wnids), &Skip::of(data, root))? })
}

fn list_classes(root: &Path, asked: Option<&[String]>, skip: &Skip) -> Result<Found, Error> {
    if let Some(asked) = asked {
        distinct(asked)?;
        if let Some(odd) = asked.iter().find(|name| !is_wnid(name)) {
            let problem = format!("{odd:?} is not a wnid; write n and eight digits, like n01440764");
            return Err(Error::config("classes", problem));
        }
    }
    let mut survey = Survey::default();
    let (class_names, train) = train(root, asked, &mut survey)?;
    let test = validation(root, &class_names, &mut survey)?;
    survey.judge(root, skip)?;
    Ok(Found { class_names, train, validation: None, test: Some(test), survey })
}

/// Folders and tar files named by wnid, sorted.
fn wnids(train: &Path) -> Result<Vec<String>, Error> {
    let stem =
        |path: &PathBuf| path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
    let mut found: Vec<String> =
        walk::entries(train)?.iter().map(stem).filter(|name| is_wnid(name)).collect();
    found.dedup();
    Ok(found)
}

/// The wnids of all classes of the training part, sorted.
pub(super) fn all_wnids(root: &Path) -> Result<Vec<String>, Error> {
    let folder = root.join("train");
    if folder.is_dir() {
        return wnids(&folder);
    }
    let path = root.join(TRAIN_TAR);
    Ok(class_tars(&path, &open(&path)?)?.into_keys().collect())
}

fn train(
    root: &Path,
    asked: Option<&[String]>,
    survey: &mut Survey,
) -> Result<(Vec<String>, ImageList), Error> {
    let folder = root.join("train");
    let mut list = ImageList::new(root);
    if folder.is_dir() {
        let class_names = asked.map_or_else(|| wnids(&folder), |asked| Ok(asked.to_vec()))?;
        for (label, wnid) in class_names.iter().enumerate() {
            let packed = folder.join(format!("{wnid}.tar"));
            let files = if packed.is_file() {
                let file = open(&packed)?;
                let length = tar_index::length(&packed, &mut &file)?;
                members(&packed, &packed, &file, [0, length], survey)?
            } else {
                folder::class_files(&folder.join(wnid), survey)?
            };
            list.extend(label, files);
        }
        return Ok((class_names, list));
    }
    let path = root.join(TRAIN_TAR);
    let file = open(&path)?;
    let classes = class_tars(&path, &file)?;
    let class_names = asked.map_or_else(|| classes.keys().cloned().collect(), <[String]>::to_vec);
    for (label, wnid) in class_names.iter().enumerate() {
        let missing = || Error::format(&path, format!("{wnid}.tar is not in it"), "restore the archive");
        let Member { offset, length, .. } = classes.get(wnid).ok_or_else(missing)?;
        let shown = path.join(format!("{wnid}.tar"));
        list.extend(label, members(&path, &shown, &file, [*offset, *length], survey)?);
    }
    Ok((class_names, list))
}

fn open(path: &Path) -> Result<File, Error> {
    File::open(path).map_err(Error::io(path, "open"))
}

/// Where the archive of each class lies in the archive of all.
fn class_tars(path: &Path, mut file: &File) -> Result<BTreeMap<String, Member>, Error> {
    let length = tar_index::length(path, &mut file)?;
    let mut classes = BTreeMap::new();
    tar_index::each_member(path, file, [0, length], |name, member| {
        let wnid = name.rsplit('/').next().and_then(|name| name.strip_suffix(".tar"));
        if let Some(wnid) = wnid.filter(|wnid| is_wnid(wnid)) {
            classes.insert(wnid.to_owned(), member);
        }
        Ok(())
    })?;
    Ok(classes)
}

/// The images of a tar file that lies at `[start, length]` of the file at `path` and is called `shown`; by name.
fn members(
    path: &Path,
    shown: &Path,
    file: &File,
    [start, length]: [u64; 2],
    survey: &mut Survey,
) -> Result<Vec<ImageFile>, Error> {
    let archive: Arc<Path> = Arc::from(path);
    let below = shown.strip_prefix(path).unwrap_or(shown);
    let mut found = Vec::new();
    tar_index::each_member(shown, Window::new(file, start, length), [start, length], |name, member| {
        // Only the last part of a name counts, and nothing is written: `../` leads nowhere.
        let name = Path::new(name.rsplit('/').next().unwrap_or_default());
        if !walk::is_ignored(name) {
            match kind::of_name(name) {
                Kind::Read => found.push(ImageFile::in_archive(&archive, &below.join(name), member)),
                Kind::Unread => survey.unread.push(shown.join(name)),
                Kind::Other => survey.other.push(shown.join(name)),
            }
        }
        Ok(())
    })?;
    if found.is_empty() {
        return Err(Error::format(shown, "holds no picture that is read", "restore the archive"));
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

fn validation(root: &Path, class_names: &[String], survey: &mut Survey) -> Result<ImageList, Error> {
    let folder = ["val", "validation"].map(|name| root.join(name)).into_iter().find(|path| path.is_dir());
    let mut list = ImageList::new(root);
    let Some(folder) = folder else {
        let path = root.join(VAL_TAR);
        if !path.is_file() {
            let remedy = "put val/ or ILSVRC2012_img_val.tar there";
            return Err(Error::format(root, "has no validation images", remedy));
        }
        let file = open(&path)?;
        let length = tar_index::length(&path, &mut &file)?;
        let files = members(&path, &path, &file, [0, length], survey)?;
        return sort_by_class(list, files, &ground_truth::read(root)?, class_names);
    };
    if class_names.iter().any(|wnid| folder.join(wnid).is_dir()) {
        for (label, wnid) in class_names.iter().enumerate() {
            list.extend(label, folder::class_files(&folder.join(wnid), survey)?);
        }
        return Ok(list);
    }
    let files = folder::flat_files(&folder, survey)?;
    sort_by_class(list, files, &ground_truth::read(root)?, class_names)
}

/// Files of numbered images to the labels of the ground truth; those of other classes are left out.
fn sort_by_class(
    mut list: ImageList,
    files: Vec<ImageFile>,
    truth: &GroundTruth,
    class_names: &[String],
) -> Result<ImageList, Error> {
    let labels: BTreeMap<&str, usize> =
        class_names.iter().enumerate().map(|(label, name)| (name.as_str(), label)).collect();
    let mut by_class = vec![Vec::new(); class_names.len()];
    for file in files {
        let wnid = ground_truth::wnid_of(truth, &file.path)?;
        if let Some(&label) = labels.get(wnid) {
            by_class[label].push(file);
        }
    }
    for (label, files) in by_class.into_iter().enumerate() {
        list.extend(label, files);
    }
    Ok(list)
}
