//! Your own images, with a table (CSV) that says which class each is of.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::spec::{DatasetSpec, Origin, OwnFiles, Reader};
use crate::{
    error::Error,
    folder::{Found, distinct},
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

/// A table, the part that its name says it is, and the folder of its images.
struct Table {
    path: PathBuf,
    part: Option<Role>,
    rows: Vec<Row>,
    place: PathBuf,
}

impl Table {
    fn read(path: &Path, part: Option<Role>) -> Result<Self, Error> {
        let rows = label_table::read(path)?;
        let place = image_folder(path, part, &rows)?;
        Ok(Self { path: path.to_owned(), part, rows, place })
    }

    /// A table; with the tables of the other parts beside it, if it is `train.csv`.
    fn read_all(path: &Path) -> Result<Vec<Self>, Error> {
        if label_table::role_of(path) != Some(Role::Train) {
            return Ok(vec![Self::read(path, None)?]);
        }
        let mut tables = vec![Self::read(path, Some(Role::Train))?];
        for other in walk::entries(label_table::folder_of(path))? {
            let part = label_table::role_of(&other).filter(|part| *part != Role::Train);
            if part.is_none() || !label_table::has_ending(&other) {
                continue;
            }
            if label_table::fits(&other) {
                tables.push(Self::read(&other, part)?);
            } else {
                // Test parts of competitions come without answers.
                walk::warn_once(&format!("{}: left out, it has no labels", crate::error::shown(&other)));
            }
        }
        Ok(tables)
    }
}

/// Lists the images that a table names, below its folder or a folder beside it.
fn list(path: &Path, classes: Option<&[String]>, skip: &Skip) -> Result<Found, Error> {
    let tables = Table::read_all(path)?;
    let root = label_table::folder_of(path);
    let class_names = match classes {
        Some(names) => distinct(names)?,
        None => label_table::class_names(path, tables.iter().flat_map(|table| &table.rows))?,
    };
    let labels: BTreeMap<&str, usize> =
        class_names.iter().enumerate().map(|(label, name)| (name.as_str(), label)).collect();
    let mut survey = Survey::default();
    let mut parts = [Role::Train, Role::Validation, Role::Test].map(|_| vec![Vec::new(); class_names.len()]);
    let (mut missing, mut seen) = (Vec::new(), BTreeSet::new());
    for (table, row) in tables.iter().flat_map(|table| table.rows.iter().map(move |row| (table, row))) {
        let Some(file) = find(&table.place, &row.file) else {
            missing.push(table.place.join(&row.file));
            continue;
        };
        if !seen.insert(file.clone()) {
            let problem = format!("line {} names {} a second time", row.line, row.file);
            return Err(Error::format(&table.path, problem, "name every image once"));
        }
        if kind::of_file(&file)? == Kind::Unread {
            survey.unread.push(file);
        } else if let Some(&label) = labels.get(row.label.as_str()) {
            let part = table.part.unwrap_or(row.part);
            parts[part as usize][label].push(ImageFile::on_disk(file));
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
    for files in parts.iter_mut().flatten() {
        files.sort_by(|a, b| a.path.cmp(&b.path));
    }
    let found = Found::of_roles(root, class_names, parts, survey);
    if let Some(class) = found.untrained_class() {
        let problem = format!("names no training image of {class}");
        return Err(Error::format(path, problem, "add some, or list the other classes in data.classes"));
    }
    Ok(found)
}

/// The table's own folder, or the one folder in it that holds the files; of several, the one that is called like the part.
fn image_folder(path: &Path, part: Option<Role>, rows: &[Row]) -> Result<PathBuf, Error> {
    let root = label_table::folder_of(path);
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
    let of_part = |folder: &PathBuf| part.is_some() && label_table::role_of(folder) == part;
    if found.len() > 1 && found.iter().filter(|folder| of_part(folder)).count() == 1 {
        found.retain(of_part);
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
