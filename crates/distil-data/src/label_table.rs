//! Tables that name a file and its class in each line.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::File;
use std::path::Path;

use crate::{
    bounded,
    error::{Error, is_unprintable},
    parts::{self, Role},
};

const REMEDY: &str = "write a first line with the columns file and label";
/// The longest table that is read: lines for millions of images.
const MOST_BYTES: u64 = 256 << 20;

/// Names of columns as people and data sets write them; the first that is there counts.
const FILE: [&str; 16] = [
    "file",
    "file_name",
    "filename",
    "file_path",
    "filepath",
    "path",
    "image",
    "image_path",
    "image_name",
    "image_file",
    "image_id",
    "img",
    "img_path",
    "img_name",
    "id",
    "name",
];
const LABEL: [&str; 10] =
    ["label", "labels", "class", "class_name", "category", "target", "class_id", "species", "breed", "y"];
const PART: [&str; 5] = ["split", "part", "subset", "partition", "set"];

/// A line of the table.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// Its number, for messages.
    pub(crate) line: u64,
    pub(crate) file: String,
    pub(crate) label: String,
    pub(crate) part: Role,
}

/// The folder that a table lies in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    let parent = path.parent().unwrap_or(Path::new(""));
    if parent.as_os_str().is_empty() { Path::new(".") } else { parent }
}

/// Whether a file is called as tables are.
pub(crate) fn has_ending(path: &Path) -> bool {
    let is_table = |end: &OsStr| ["csv", "tsv"].iter().any(|known| end.eq_ignore_ascii_case(known));
    path.extension().is_some_and(is_table)
}

/// The part that a table or folder is called after: `train.csv`, `train/`.
pub(crate) fn role_of(path: &Path) -> Option<Role> {
    parts::role(path.file_stem()?.to_str()?)
}

/// Whether a file looks like such a table: its first line has the names of both columns.
pub(crate) fn fits(path: &Path) -> bool {
    has_ending(path)
        && text(path).is_ok_and(|text| text.lines().next().is_some_and(|head| columns(head).is_some()))
}

/// Reads a table, in UTF-8, with commas, semicolons or tabs between its columns.
pub(crate) fn read(path: &Path) -> Result<Vec<Row>, Error> {
    parse(path, &text(path)?)
}

fn text(path: &Path) -> Result<String, Error> {
    let mut file = File::open(path).map_err(Error::io(path, "open"))?;
    let length = file.metadata().map_err(Error::io(path, "read"))?.len();
    if length > MOST_BYTES {
        let problem = format!("has {length} bytes, and {MOST_BYTES} of a table are read at most");
        return Err(Error::format(path, problem, "leave out the columns that are not needed"));
    }
    let bytes = bounded::read_exactly(path, &mut file, length as usize)?;
    let text = String::from_utf8(bytes);
    text.map_err(|_| Error::format(path, "is not UTF-8 text", "save it again as CSV in UTF-8"))
}

/// Columns of file, label and part.
type Columns = (usize, usize, Option<usize>);

fn columns(head: &str) -> Option<Columns> {
    let head: Vec<String> = cells(head).iter().map(|cell| column_name(cell)).collect();
    let of = |known: &[&str]| known.iter().find_map(|name| head.iter().position(|cell| cell == name));
    Some((of(&FILE)?, of(&LABEL)?, of(&PART)))
}

fn column_name(cell: &str) -> String {
    cell.trim().trim_start_matches('\u{feff}').to_lowercase().replace([' ', '-'], "_")
}

fn reader(text: &str) -> csv::Reader<&[u8]> {
    let head = text.lines().next().unwrap_or_default();
    let between =
        [b'\t', b';', b','].into_iter().find(|&mark| head.contains(char::from(mark))).unwrap_or(b',');
    csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(between)
        .from_reader(text.as_bytes())
}

/// The cells of one line.
fn cells(line: &str) -> Vec<String> {
    let record = reader(line).records().next().and_then(Result::ok).unwrap_or_default();
    record.iter().map(str::to_owned).collect()
}

pub(crate) fn parse(path: &Path, text: &str) -> Result<Vec<Row>, Error> {
    let text = text.trim_start_matches('\u{feff}');
    let head = text.lines().next().unwrap_or_default();
    let named = columns(head);
    let width = cells(head).len();
    // Without names, two columns can only be the one and the other.
    let (file, label, part) = named.or((width == 2).then_some((0, 1, None))).ok_or_else(|| {
        let names: Vec<String> =
            cells(head).into_iter().take(12).map(|cell| cell.escape_debug().to_string()).collect();
        let problem = format!("has no column of files and one of labels among {}", names.join(", "));
        Error::format(path, problem, REMEDY)
    })?;
    let mut rows = Vec::new();
    for record in reader(text).records().skip(named.is_some().into()) {
        let record =
            record.map_err(|error| Error::format(path, format!("cannot be read ({error})"), REMEDY))?;
        let line = record.position().map_or(0, csv::Position::line);
        let cell = |column: usize| record.get(column).map(str::trim).filter(|cell| !cell.is_empty());
        let (Some(file), Some(label)) = (cell(file), cell(label)) else {
            let problem = format!("line {line} lacks a file or a label");
            return Err(Error::format(path, problem, "complete the line, or remove it"));
        };
        if label.chars().any(is_unprintable) || file.contains('\0') {
            let problem = format!("line {line} has control characters");
            return Err(Error::format(path, problem, "remove them"));
        }
        let part =
            part.map_or(Ok(Role::Train), |column| role(path, line, cell(column).unwrap_or_default()))?;
        rows.push(Row { line, file: file.to_owned(), label: label.to_owned(), part });
    }
    if rows.is_empty() {
        return Err(Error::format(path, "has no line that names an image", REMEDY));
    }
    Ok(rows)
}

fn role(path: &Path, line: u64, name: &str) -> Result<Role, Error> {
    parts::role(name).ok_or_else(|| {
        let problem = format!("line {line} is of no known part ({name:?})");
        Error::format(path, problem, "write train, val or test in the column of the parts")
    })
}

/// The names of the classes.
pub(crate) fn class_names<'a>(
    path: &Path,
    rows: impl IntoIterator<Item = &'a Row>,
) -> Result<Vec<String>, Error> {
    let labels: BTreeSet<&str> = rows.into_iter().map(|row| row.label.as_str()).collect();
    if labels.len() < 2 {
        let problem = "has images of one class, and a classifier needs two";
        return Err(Error::format(path, problem, "add the other classes"));
    }
    Ok(sorted(labels))
}

/// Names of classes in the order of their labels: by number if all are whole numbers, else by name.
pub(crate) fn sorted(labels: BTreeSet<&str>) -> Vec<String> {
    let mut names: Vec<String> = labels.into_iter().map(str::to_owned).collect();
    let numbers: Option<Vec<i64>> = names.iter().map(|name| name.parse().ok()).collect();
    if numbers.is_some() {
        names.sort_by_key(|name| name.parse::<i64>().unwrap_or_default());
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Result<Vec<(String, String, Role)>, String> {
        let rows = parse(Path::new("labels.csv"), text).map_err(|error| error.to_string())?;
        Ok(rows.into_iter().map(|row| (row.file, row.label, row.part)).collect())
    }

    #[test]
    fn the_usual_names_of_columns_are_known() {
        let expected = vec![("a b.png".to_owned(), "cat, wild".to_owned(), Role::Train)];
        for text in [
            "file,label\na b.png,\"cat, wild\"\n",
            "\u{feff}Filename;Class\r\na b.png;\"cat, wild\"\r\n",
            "x\timage id\tCategory\n1\ta b.png\tcat, wild",
            "a b.png,\"cat, wild\"",
        ] {
            assert_eq!(rows(text).unwrap(), expected, "{text:?}");
        }
        let parted = rows("label,split,path\n1,train,a\n0,TEST,b\n0,valid,c").unwrap();
        assert_eq!(
            parted.iter().map(|row| row.2).collect::<Vec<_>>(),
            [Role::Train, Role::Test, Role::Validation]
        );
    }

    #[test]
    fn what_is_no_such_table_is_refused_with_its_columns_or_line() {
        for (text, words) in [
            ("label,pixel0,pixel1\n1,0,0", "among label, pixel0, pixel1"),
            ("", "among "),
            ("file,label\na.png,\n", "line 2 lacks"),
            ("file,label\n", "no line that names"),
            ("file,label,split\na.png,1,other", "(\"other\")"),
            ("file,label\na.png,x\u{1b}[0m", "control characters"),
        ] {
            let error = rows(text).unwrap_err();
            assert!(error.contains("labels.csv") && error.contains(words), "{error}");
        }
    }

    #[test]
    fn numbers_are_sorted_as_numbers() {
        let names = |text: &str| class_names(Path::new("x"), &parse(Path::new("x"), text).unwrap());
        assert_eq!(names("file,label\na,10\nb,9\nc,9").unwrap(), ["9", "10"]);
        assert_eq!(names("file,label\na,10\nb,9\nc,x").unwrap(), ["10", "9", "x"]);
        assert!(names("file,label\na,10").unwrap_err().to_string().contains("one class"));
    }
}
