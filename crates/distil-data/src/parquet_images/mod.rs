//! Pictures and labels in Parquet files. Labels are read when a set is listed, a picture when it is asked for: of a file,
//! memory holds its labels and one page.

mod columns;
mod pages;
mod table;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use columns::Labels;
pub(crate) use table::Table;

use crate::{
    config::DataConfig,
    error::{Error, is_unprintable, shown},
    folder::{self, Found},
    label_table, shards,
    source::ImageFile,
    walk::Survey,
};

const NUMBERED: &str = "number the classes from 0, and give every image its number";

/// Lists the pictures of a set's Parquet files.
pub(crate) fn list(config: &DataConfig, path: &Path) -> Result<Found, Error> {
    let parts = shards::find(path)?;
    let mut tables = Vec::new();
    for (part, files) in parts.iter().enumerate() {
        for file in files {
            let table = Table::open(file)?;
            let labels = table.labels()?;
            tables.push((part, Arc::new(table), labels));
        }
    }
    let all = names(path, &tables)?;
    let class_names = match &config.classes {
        Some(classes) => chosen(folder::distinct(classes)?, &all)?,
        None => all.clone(),
    };
    let mut by_role = [(); 3].map(|()| vec![Vec::new(); class_names.len()]);
    let places: BTreeMap<&str, usize> = class_names.iter().map(String::as_str).zip(0..).collect();
    for (part, table, labels) in &tables {
        for row in 0..labels.len() {
            let name = labels.name(row, &all).ok_or_else(|| unlabelled(table, row, labels))?;
            if let Some(&label) = places.get(name) {
                by_role[*part][label].push(ImageFile::in_table(table, row as u64));
            }
        }
    }
    let found = Found::of_roles(path, class_names, by_role, Survey::default());
    if let Some(class) = found.untrained_class() {
        let problem = format!("holds no training image of {class}");
        return Err(Error::format(path, problem, "add some, or list the other classes in data.classes"));
    }
    Ok(found)
}

/// The names of the classes in the order of their labels: those that Hugging Face notes in the file, the texts themselves,
/// or numbers.
fn names(path: &Path, tables: &[(usize, Arc<Table>, Labels)]) -> Result<Vec<String>, Error> {
    let noted: Vec<_> = tables.iter().filter_map(|(_, table, _)| table.class_names()).collect();
    if let Some(&first) = noted.first() {
        if noted.iter().any(|other| *other != first) {
            let problem = "its files name different classes";
            return Err(Error::format(path, problem, "give the files of one set"));
        }
        return enough(path, first.clone());
    }
    let mut texts = BTreeSet::new();
    let mut highest = None;
    for (_, table, labels) in tables {
        match labels {
            Labels::Texts(labels) => texts.extend(labels.iter().flatten().map(String::as_str)),
            Labels::Numbers(labels) => highest = highest.max(labels.iter().flatten().max().copied()),
        }
        if highest.is_some() && !texts.is_empty() {
            let problem = "its labels are numbers, and texts in another file of the set";
            return Err(Error::format(table.path(), problem, "give the files of one set"));
        }
    }
    if let Some(text) = texts.iter().find(|text| text.is_empty() || text.chars().any(is_unprintable)) {
        let problem = format!("has the label {text:?}");
        return Err(Error::format(path, problem, "give classes a name that can be printed"));
    }
    match highest {
        Some(highest) => numbered(path, tables, highest),
        None => enough(path, label_table::sorted(texts)),
    }
}

fn numbered(path: &Path, tables: &[(usize, Arc<Table>, Labels)], highest: i64) -> Result<Vec<String>, Error> {
    let images: u64 = tables.iter().map(|(_, table, _)| table.rows()).sum();
    if !(0..images as i64).contains(&highest) {
        let problem = format!("has the label {highest}, but {images} images");
        return Err(Error::format(path, problem, NUMBERED));
    }
    enough(path, (0..=highest).map(|class| class.to_string()).collect())
}

fn enough(path: &Path, names: Vec<String>) -> Result<Vec<String>, Error> {
    if names.len() < 2 {
        let problem = format!("holds {} classes, and a classifier needs two", names.len());
        return Err(Error::format(path, problem, "add images of another class"));
    }
    Ok(names)
}

fn chosen(classes: Vec<String>, all: &[String]) -> Result<Vec<String>, Error> {
    match classes.iter().find(|class| !all.contains(class)) {
        None => Ok(classes),
        Some(class) => {
            let problem =
                format!("names {class:?}, which is not a class of the set; it has {}", all.join(", "));
            Err(Error::config("classes", problem))
        }
    }
}

/// Test parts of competitions have -1 for every label.
fn unlabelled(table: &Table, row: usize, labels: &Labels) -> Error {
    let number = if let Labels::Numbers(labels) = labels { labels[row] } else { None };
    let problem = match number {
        Some(label) => format!("image {row} has the label {label}, which is none of its classes"),
        None => format!("image {row} has no label"),
    };
    let remedy = "move the file away if it is a test part without answers, or correct the label";
    Error::format(table.path(), problem, remedy)
}

/// For messages: the names of columns.
fn listed(columns: &[String]) -> String {
    let names: Vec<String> = columns.iter().take(12).map(|name| shown(Path::new(name))).collect();
    names.join(", ")
}
