//! Tiny-ImageNet, as the published zip or folder, or re-laid into one folder a class.
//!
//! Published: `train/WNID/images/*.JPEG` and `val/images/*.JPEG` with `val/val_annotations.txt`. Re-laid, in the ways
//! that go round: `val/WNID/*.JPEG`, `val/WNID/images/*.JPEG`, and `train/WNID/*.JPEG`. Classes are the sorted wnids, as
//! torchvision's `ImageFolder` has them; `wnids.txt` is in another order and is not read.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use super::imagenet;
use super::spec::{Count, DatasetSpec, Origin, PartCounts, Places, Published, Reader, Sign, square};
use crate::{
    bounded::BAD_COPY,
    error::Error,
    folder::Found,
    image_list::ImageList,
    imagenet::is_wnid,
    kind::{self, Kind},
    skip::Skip,
    source::ImageFile,
    tar_index,
    walk::{self, Survey},
    zip_index,
};

const FOLDER: &str = "tiny-imagenet-200";
const ANNOTATIONS: &str = "val/val_annotations.txt";

pub(super) const ROW: DatasetSpec = DatasetSpec {
    shape: Some(square(3, 64)),
    classes: Some(200),
    counts: Some(PartCounts::new(Count::Exactly(100_000), 10_000)),
    mean_std: Some(imagenet::MEAN_STD),
    bibtex: &[include_str!("bibtex/tiny-imagenet.bib"), include_str!("bibtex/imagenet.bib")],
    keys: &["skip", "counts"],
    ..DatasetSpec::new(
        "tiny-imagenet",
        "classes of ImageNet, reduced",
        Origin::Published(PLACES, PUBLISHED),
        Reader::ImageFiles(|data, root| list(root, &Skip::of(data, root))),
    )
};

const PLACES: Places = Places {
    folders: &[
        FOLDER,
        "tiny-imagenet-200/tiny-imagenet-200",
        "tiny-imagenet",
        "tiny-imagenet/tiny-imagenet-200",
    ],
    copies: &[],
    archives: &["tiny-imagenet-200.zip", "tiny-imagenet/tiny-imagenet-200.zip"],
    sign: Sign::Folder("train/n01443537"),
};

const PUBLISHED: Published = Published {
    base_url: "http://cs231n.stanford.edu",
    folder: "",
    files: &[(
        "tiny-imagenet-200.zip",
        248_100_043,
        "6198c8ae015e2b3e007c7841da39ec069199b9aa3bfa943a462022fe5e43c821",
    )],
    members: &[],
};

/// Lists the published zip, or a folder of either layout.
fn list(root: &Path, skip: &Skip) -> Result<Found, Error> {
    let mut survey = Survey::default();
    let tree = if root.is_dir() { from_folder(root, &mut survey)? } else { from_zip(root, &mut survey)? };
    survey.judge(root, skip)?;
    let mut train: BTreeMap<&str, Vec<ImageFile>> = BTreeMap::new();
    let mut sorted: BTreeMap<&str, Vec<ImageFile>> = BTreeMap::new();
    let mut flat = Vec::new();
    for (name, file) in &tree {
        match name.split('/').collect::<Vec<_>>()[..] {
            ["train", wnid, .., _] if is_wnid(wnid) => train.entry(wnid).or_default().push(file.clone()),
            ["val", wnid, .., _] if is_wnid(wnid) => sorted.entry(wnid).or_default().push(file.clone()),
            ["val", "images", image] => flat.push((image, file.clone())),
            _ => {}
        }
    }
    if train.len() < 2 {
        let problem = format!("holds training images of {} classes", train.len());
        return Err(Error::format(root, problem, "give the folder or zip of tiny-imagenet-200"));
    }
    if sorted.is_empty() {
        sorted = annotated(root, &tree, flat)?;
    }
    let class_names: Vec<String> = train.keys().map(|&wnid| wnid.to_owned()).collect();
    if let Some(wnid) = sorted.keys().find(|wnid| !train.contains_key(*wnid)) {
        let problem = format!("has validation images of {wnid}, but no training images");
        return Err(Error::format(root, problem, BAD_COPY));
    }
    let (mut train_list, mut test) = (ImageList::new(root), ImageList::new(root));
    for (label, (wnid, files)) in train.into_iter().enumerate() {
        train_list.extend(label, files);
        test.extend(label, sorted.remove(wnid).unwrap_or_default());
    }
    Ok(Found { class_names, train: train_list, validation: None, test: Some(test), survey })
}

/// Names and places of all files, by name; of `train` and `val` only.
type Tree = BTreeMap<String, ImageFile>;

fn from_folder(root: &Path, survey: &mut Survey) -> Result<Tree, Error> {
    let mut tree = Tree::new();
    for part in ["train", "val"] {
        // part / wnid / images / file
        walk(&root.join(part), part, 3, &mut tree, survey)?;
    }
    Ok(tree)
}

fn walk(folder: &Path, name: &str, deeper: u8, tree: &mut Tree, survey: &mut Survey) -> Result<(), Error> {
    for path in walk::entries(folder)? {
        let Some(file) = path.file_name().and_then(|name| name.to_str()) else { continue };
        let name = format!("{name}/{file}");
        if walk::is_ignored(&path) {
            continue;
        }
        if path.is_dir() {
            if deeper > 1 {
                walk(&path, &name, deeper - 1, tree, survey)?;
            }
            continue;
        }
        match kind::of_name(&path) {
            Kind::Unread => survey.unread.push(path),
            Kind::Other if name != ANNOTATIONS => {}
            Kind::Read | Kind::Other => drop(tree.insert(name, ImageFile::on_disk(path))),
        }
    }
    Ok(())
}

fn from_zip(path: &Path, survey: &mut Survey) -> Result<Tree, Error> {
    let file = File::open(path).map_err(Error::io(path, "open"))?;
    let length = tar_index::length(path, &mut &file)?;
    let archive: Arc<Path> = Arc::from(path);
    let mut tree = Tree::new();
    for (name, member) in zip_index::members(path, &mut &file, length)? {
        let name = name.strip_prefix(FOLDER).and_then(|name| name.strip_prefix('/')).unwrap_or(&name);
        if walk::is_ignored(Path::new(name)) || name.starts_with("__MACOSX/") {
            continue;
        }
        match kind::of_name(Path::new(name)) {
            Kind::Unread => survey.unread.push(path.join(name)),
            Kind::Other if name != ANNOTATIONS => {}
            Kind::Read | Kind::Other => {
                tree.insert(name.to_owned(), ImageFile::in_archive(&archive, Path::new(name), member));
            }
        }
    }
    Ok(tree)
}

/// Lines of name, wnid, and the four sides of a box that is not needed, with tabs between.
fn annotated<'a>(
    root: &Path,
    tree: &'a Tree,
    flat: Vec<(&'a str, ImageFile)>,
) -> Result<BTreeMap<&'a str, Vec<ImageFile>>, Error> {
    let Some(file) = tree.get(ANNOTATIONS) else {
        let problem = format!("{ANNOTATIONS} is missing, and the validation images are not in class folders");
        return Err(Error::format(root, problem, BAD_COPY));
    };
    let text = String::from_utf8(file.read()?);
    let text = text.map_err(|_| Error::format(&file.path, "is not UTF-8 text", BAD_COPY))?;
    let mut wnids = BTreeMap::new();
    for (line, row) in text.lines().enumerate() {
        let mut words = row.split('\t');
        let (name, wnid) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        if !is_wnid(wnid) {
            return Err(Error::format(&file.path, format!("line {} names no class", line + 1), BAD_COPY));
        }
        wnids.insert(name.to_owned(), wnid.to_owned());
    }
    let known: BTreeMap<&str, &'a str> =
        tree.keys().filter_map(|name| name.split('/').nth(1)).map(|w| (w, w)).collect();
    let mut sorted: BTreeMap<&str, Vec<ImageFile>> = BTreeMap::new();
    for (name, image) in flat {
        let wnid = wnids.get(name).and_then(|wnid| known.get(wnid.as_str()));
        let unknown =
            || Error::format(&image.path, format!("{ANNOTATIONS} does not name its class"), BAD_COPY);
        sorted.entry(wnid.ok_or_else(unknown)?).or_default().push(image);
    }
    Ok(sorted)
}

#[cfg(test)]
pub(crate) mod tests;
