//! Your own images, with a table (CSV) that says which class each is of.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::spec::{DatasetSpec, Origin, OwnFiles, Reader};
use crate::{
    error::Error,
    folder::{Found, distinct},
    image_list::ImageList,
    kind::{self, Kind},
    label_table::{self, Row},
    parts::Role,
    skip::Skip,
    source::ImageFile,
    walk::{self, Survey},
};

pub(super) const ROW: DatasetSpec = DatasetSpec {
    keys: &["classes", "skip", "test_share"],
    ..DatasetSpec::new(
        "csv",
        "your images, with a table of file and label",
        Origin::Own(OwnFiles { what: "the CSV file with the columns file and label" }),
        Reader::ImageFiles(|data, path| {
            let skip = Skip::of(data, label_table::folder_of(path));
            list(path, data.classes.as_deref(), &skip)
        }),
    )
};

/// Endings that tables leave out.
const ENDINGS: [&str; 8] = ["png", "jpg", "jpeg", "JPEG", "JPG", "PNG", "webp", "bmp"];
/// Rows that are looked for to find the folder of the images.
const LOOKED_FOR: usize = 50;

/// Lists the images that a table names, below its folder or a folder beside it.
fn list(path: &Path, classes: Option<&[String]>, skip: &Skip) -> Result<Found, Error> {
    let rows = label_table::read(path)?;
    let root = label_table::folder_of(path);
    let place = image_folder(path, root, &rows)?;
    let class_names = match classes {
        Some(names) => distinct(names)?,
        None => label_table::class_names(path, &rows)?,
    };
    let labels: BTreeMap<&str, usize> =
        class_names.iter().enumerate().map(|(label, name)| (name.as_str(), label)).collect();
    let mut survey = Survey::default();
    let mut parts = [Role::Train, Role::Validation, Role::Test].map(|_| vec![Vec::new(); class_names.len()]);
    let (mut missing, mut seen) = (Vec::new(), BTreeSet::new());
    for row in &rows {
        let Some(file) = find(&place, &row.file) else {
            missing.push(place.join(&row.file));
            continue;
        };
        if !seen.insert(file.clone()) {
            let problem = format!("line {} names {} a second time", row.line, row.file);
            return Err(Error::format(path, problem, "name every image once"));
        }
        if kind::of_file(&file)? == Kind::Unread {
            survey.unread.push(file);
        } else if let Some(&label) = labels.get(row.label.as_str()) {
            parts[row.part as usize][label].push(ImageFile::on_disk(file));
        }
    }
    missing.retain(|file| !skip.takes(file));
    if !missing.is_empty() {
        let paths: Vec<&Path> = missing.iter().map(PathBuf::as_path).collect();
        let problem = format!("names files that are missing: {}", walk::named(root, &paths));
        return Err(Error::format(path, problem, "add them, or remove their lines"));
    }
    survey.judge(root, skip)?;
    warn_of_others(path, root, &seen)?;
    let [train, validation, test] = parts.map(|by_class| list_of(root, by_class));
    if let Some(label) = train.class_counts(class_names.len()).iter().position(|&images| images == 0) {
        let problem = format!("names no training image of {}", class_names[label]);
        return Err(Error::format(path, problem, "add some, or list the other classes in data.classes"));
    }
    // One part beside the training part, whatever it is called, is the test part.
    let [validation, test] = [validation, test].map(|part| Some(part).filter(|part| !part.is_empty()));
    let (validation, test) = if test.is_some() { (validation, test) } else { (None, validation) };
    Ok(Found { class_names, train, validation, test, survey })
}

fn list_of(root: &Path, by_class: Vec<Vec<ImageFile>>) -> ImageList {
    let mut list = ImageList::new(root);
    for (label, mut files) in by_class.into_iter().enumerate() {
        files.sort_by(|a, b| a.path.cmp(&b.path));
        list.extend(label, files);
    }
    list
}

/// The table's own folder, or the one folder in it that holds the files.
fn image_folder(path: &Path, root: &Path, rows: &[Row]) -> Result<PathBuf, Error> {
    let holds = |folder: &Path| rows.iter().take(LOOKED_FOR).any(|row| find(folder, &row.file).is_some());
    if holds(root) {
        return Ok(root.to_owned());
    }
    let mut found = Vec::new();
    for folder in walk::entries(root)?.into_iter().filter(|path| path.is_dir() && !walk::is_ignored(path)) {
        if holds(&folder) {
            found.push(folder);
        }
    }
    let paths: Vec<&Path> = found.iter().map(PathBuf::as_path).collect();
    match paths[..] {
        [one] => Ok(one.to_owned()),
        [] => {
            let first = rows.first().map(|row| row.file.as_str()).unwrap_or_default();
            let problem =
                format!("names files ({first:?}…) that are neither in its folder nor in a folder beside it");
            Err(Error::format(path, problem, "put the table beside the images, or beside their folder"))
        }
        _ => {
            let problem = format!("names files that several folders hold: {}", walk::named(root, &paths));
            Err(Error::format(path, problem, "write the folder before each name, as in train/1.png"))
        }
    }
}

/// The file of that name, which may lack its ending.
fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    let path = folder.join(name);
    if path.is_file() {
        return Some(path);
    }
    ENDINGS.iter().map(|ending| folder.join(format!("{name}.{ending}"))).find(|path| path.is_file())
}

/// Pictures that lie beside those of the table and are in no line of it.
fn warn_of_others(path: &Path, root: &Path, seen: &BTreeSet<PathBuf>) -> Result<(), Error> {
    let folders: BTreeSet<&Path> = seen.iter().filter_map(|file| file.parent()).collect();
    let mut others = Vec::new();
    for folder in folders {
        let files = walk::entries(folder)?.into_iter();
        others.extend(files.filter(|file| {
            kind::of_name(file) == Kind::Read
                && !walk::is_ignored(file)
                && file.is_file()
                && !seen.contains(file)
        }));
    }
    if !others.is_empty() {
        let paths: Vec<&Path> = others.iter().map(PathBuf::as_path).collect();
        let table = crate::error::shown(path);
        tracing::warn!("{table}: {} without a line are left out", walk::counted(root, &paths));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
