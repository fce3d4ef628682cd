//! Which class the validation images of ImageNet belong to. The images are numbered; the published answers are in the
//! development kit, in Kaggle's table, or in a list of wnids.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use crate::{
    bounded::{self, BAD_COPY},
    error::Error,
    mat, tar_index,
};

const KIT: &str = "ILSVRC2012_devkit_t12";
const META: &str = "meta.mat";
const ANSWERS: &str = "ILSVRC2012_validation_ground_truth.txt";
const TABLE: &str = "LOC_val_solution.csv";
const LISTS: [&str; 2] =
    ["imagenet_2012_validation_synset_labels.txt", "ILSVRC2012_validation_synset_labels.txt"];
/// The largest of these files that is read; Kaggle's table has 2 MB, the kit unpacks to 20 MB.
const MOST_BYTES: u64 = 64 << 20;
const MOST_UNPACKED: u64 = 512 << 20;

/// Wnid of every validation image, by its number.
pub(crate) type GroundTruth = BTreeMap<u32, String>;

/// Reads the answers from the first of the known files below `root`.
pub(super) fn read(root: &Path) -> Result<GroundTruth, Error> {
    let file = |name: &str| Some(root.join(name)).filter(|path| path.is_file());
    if let Some(path) = file(&format!("{KIT}.tar.gz")) {
        return from_archive(&path);
    }
    for folder in [root.join(KIT).join("data"), root.join(KIT), root.join("devkit/data"), root.to_owned()] {
        if folder.join(ANSWERS).is_file() && folder.join(META).is_file() {
            return from_kit(&folder, &small(&folder.join(META))?, &small(&folder.join(ANSWERS))?);
        }
    }
    // Kaggle's table lies next to ILSVRC/Data/CLS-LOC, not in it.
    let beside = root.ends_with("ILSVRC/Data/CLS-LOC").then(|| root.join("../../..").join(TABLE));
    if let Some(path) = file(TABLE).or(beside.filter(|path| path.is_file())) {
        return from_table(&path, &text(&path, small(&path)?)?);
    }
    if let Some(path) = LISTS.iter().find_map(|name| file(name)) {
        return from_list(&path, &text(&path, small(&path)?)?);
    }
    let remedy = "put ILSVRC2012_devkit_t12.tar.gz next to them, or sort them into folders by wnid";
    Err(Error::format(root, "has validation images, but nothing says what they show", remedy))
}

fn small(path: &Path) -> Result<Vec<u8>, Error> {
    let file = File::open(path).map_err(Error::io(path, "open"))?;
    let length = file.metadata().map_err(Error::io(path, "read"))?.len();
    if length > MOST_BYTES {
        return Err(Error::format(path, format!("has {length} bytes, far more than published"), BAD_COPY));
    }
    bounded::read_exactly(path, &mut BufReader::new(file), length as usize)
}

fn text(path: &Path, bytes: Vec<u8>) -> Result<String, Error> {
    String::from_utf8(bytes).map_err(|_| Error::format(path, "is not UTF-8 text", BAD_COPY))
}

fn from_archive(path: &Path) -> Result<GroundTruth, Error> {
    let unpacked = bounded::open(path)?;
    kit_members(path, unpacked.reader)
}

pub(crate) fn kit_members(path: &Path, reader: impl Read) -> Result<GroundTruth, Error> {
    let wanted = |name: &str| [META, ANSWERS].into_iter().find(|wanted| *wanted == name);
    let members = tar_index::read_members(path, reader, [MOST_BYTES, MOST_UNPACKED], wanted)?;
    let member = |name: &str| {
        let found = members.iter().find(|(found, _)| *found == name).map(|(_, bytes)| &bytes[..]);
        found.ok_or_else(|| Error::format(path, format!("{name} is missing"), BAD_COPY))
    };
    from_kit(path, member(META)?, member(ANSWERS)?)
}

/// The kit numbers the classes in its own order, which `meta.mat` tells.
fn from_kit(place: &Path, meta: &[u8], answers: &[u8]) -> Result<GroundTruth, Error> {
    let (meta_path, path) = (place.join(META), place.join(ANSWERS));
    let mut variables = mat::read(&meta_path, &mut &meta[..], meta.len() as u64)?;
    let synsets = mat::variable(&meta_path, &mut variables, "synsets")?;
    let ids = synsets.field("ILSVRC2012_ID").into_iter().filter_map(|id| id.numbers().next());
    let wnids = synsets.field("WNID").into_iter().map(mat::Array::text);
    let by_id: BTreeMap<u32, String> = ids.map(|id| id as u32).zip(wnids).collect();
    let mut found = GroundTruth::new();
    for (line, answer) in text(&path, answers.to_vec())?.lines().enumerate() {
        let wnid = answer.trim().parse().ok().and_then(|id: u32| by_id.get(&id));
        let unknown = || no_class(&path, line, answer);
        found.insert(line as u32 + 1, wnid.filter(|wnid| is_wnid(wnid)).ok_or_else(unknown)?.clone());
    }
    Ok(found)
}

fn no_class(path: &Path, line: usize, answer: &str) -> Error {
    let answer: String = answer.chars().take(40).collect();
    Error::format(path, format!("line {} names no class of ImageNet: {answer:?}", line + 1), BAD_COPY)
}

/// `ImageId,PredictionString`: a name and then `WNID x y x y` for each object, all of one class.
fn from_table(path: &Path, table: &str) -> Result<GroundTruth, Error> {
    let mut found = GroundTruth::new();
    for (line, row) in table.lines().enumerate().skip(1) {
        let parsed = row.split_once(',').and_then(|(image, objects)| {
            Some((number(image)?, objects.split(' ').next().filter(|wnid| is_wnid(wnid))?))
        });
        let (number, wnid) = parsed.ok_or_else(|| no_class(path, line, row))?;
        found.insert(number, wnid.to_owned());
    }
    Ok(found)
}

/// A wnid a line, in the order of the numbers.
fn from_list(path: &Path, list: &str) -> Result<GroundTruth, Error> {
    let mut found = GroundTruth::new();
    for (line, wnid) in list.lines().enumerate() {
        let wnid = wnid.trim();
        if !is_wnid(wnid) {
            return Err(no_class(path, line, wnid));
        }
        found.insert(line as u32 + 1, wnid.to_owned());
    }
    Ok(found)
}

/// `n` and eight digits.
pub(crate) fn is_wnid(text: &str) -> bool {
    text.len() == 9 && text.starts_with('n') && text[1..].bytes().all(|byte| byte.is_ascii_digit())
}

/// 17 of `ILSVRC2012_val_00000017.JPEG`.
pub(super) fn number(name: &str) -> Option<u32> {
    let stem = name.split('.').next()?;
    stem.strip_prefix("ILSVRC2012_val_")?.parse().ok()
}

/// Labels for numbered images.
pub(super) fn wnid_of<'a>(truth: &'a GroundTruth, path: &Path) -> Result<&'a str, Error> {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let wnid = number(&name).and_then(|number| truth.get(&number));
    wnid.map(String::as_str).ok_or_else(|| {
        let remedy = "remove it, or name it as published (ILSVRC2012_val_00000001.JPEG)";
        Error::format(path, "the ground truth does not know this validation image", remedy)
    })
}

/// What damaged tables, lists and answers lead to, for tests.
#[cfg(any(test, fuzzing))]
pub(crate) fn read_answers(bytes: &[u8], meta: &[u8]) {
    let (path, content) = (Path::new("answers"), String::from_utf8_lossy(bytes));
    let _ = (from_table(path, &content), from_list(path, &content), from_kit(path, meta, bytes));
}
