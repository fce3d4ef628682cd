use std::path::Path;

use distil_data::ImagenetSubset;
use serde::{Deserialize, Serialize};
use toml::Table;

use crate::{CompddError, Measurement};

/// Classes that are ranked against each other: similar objects, so that complexity is what differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Category {
    /// What it is called.
    pub name: String,
    /// Its classes: names as they were measured, or wnids.
    pub classes: Vec<String>,
}

impl Category {
    /// All measured classes as one category.
    pub fn everything(measured: &Measurement) -> Self {
        Self {
            name: "all".to_owned(),
            classes: measured.classes.iter().map(|class| class.name.clone()).collect(),
        }
    }

    /// The eight categories of Comp-DD as far as they are published: the classes of the two subsets of each, by wnid.
    /// Which further classes the authors ranked is not known. Music has nineteen: see [`ImagenetSubset::note`].
    pub fn published() -> Vec<Self> {
        let of = |selection: Selected| Self {
            classes: selection.easy.into_iter().chain(selection.hard).collect(),
            name: selection.category,
        };
        Selected::published().into_iter().map(of).collect()
    }

    /// Categories of a TOML file: one list of classes each, `bird = ["n01537544", …]`.
    ///
    /// # Errors
    /// [`CompddError::Read`], [`CompddError::File`].
    pub fn read(path: impl AsRef<Path>) -> Result<Vec<Self>, CompddError> {
        let path = path.as_ref();
        let each = table(path)?.into_iter().map(|(name, value)| {
            let classes: Vec<String> = value.try_into().map_err(|_| {
                file(
                    path,
                    format!("`{name}` is not a list of classes; write {name} = [\"class\", \"class\"]"),
                )
            })?;
            Ok(Self { name, classes })
        });
        each.collect()
    }

    /// Labels of its classes in a measurement.
    ///
    /// # Errors
    /// [`CompddError::NotMeasured`], [`CompddError::Ambiguous`].
    pub(crate) fn labels(&self, measured: &Measurement) -> Result<Vec<usize>, CompddError> {
        let found: Vec<Vec<usize>> = self.classes.iter().map(|class| find(class, measured)).collect();
        let missing: Vec<&String> =
            found.iter().zip(&self.classes).filter(|(at, _)| at.is_empty()).map(|(_, class)| class).collect();
        if let Some(&class) = missing.first() {
            let (category, class, classes) = (self.name.clone(), class.clone(), self.classes.len());
            return Err(CompddError::NotMeasured { category, class, missing: missing.len(), classes });
        }
        let mut labels = Vec::new();
        for (at, class) in found.iter().zip(&self.classes) {
            let [label] = at[..] else { return Err(self.ambiguous(class)) };
            if labels.contains(&label) {
                return Err(self.ambiguous(class));
            }
            labels.push(label);
        }
        Ok(labels)
    }

    fn ambiguous(&self, class: &str) -> CompddError {
        CompddError::Ambiguous { category: self.name.clone(), class: class.to_owned() }
    }
}

/// Labels of the classes that are called `class`, or else of those with the same wnid.
fn find(class: &str, measured: &Measurement) -> Vec<usize> {
    let labels = |fits: &dyn Fn(&str) -> bool| -> Vec<usize> {
        let each = measured.classes.iter().enumerate();
        each.filter(|(_, tally)| fits(&tally.name)).map(|(label, _)| label).collect()
    };
    let exact = labels(&|name| name == class);
    if exact.is_empty() { labels(&|name| wnid(name) == wnid(class)) } else { exact }
}

/// The wnid that a class's name is or begins with (`n01440764 tench`), else the name.
pub fn wnid(name: &str) -> &str {
    let first = name.split(' ').next().unwrap_or(name);
    let digits = first.strip_prefix('n').unwrap_or_default();
    if digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_digit()) { first } else { name }
}

/// A selection: the easy and the hard classes of a category.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Selected {
    /// The category.
    pub category: String,
    /// The least complex classes, the least complex first where the selection knows.
    pub easy: Vec<String>,
    /// The most complex classes, the most complex first where the selection knows.
    pub hard: Vec<String>,
}

impl Selected {
    /// The sixteen subsets of Comp-DD by wnid, category by category. Music-Hard has nine classes.
    pub fn published() -> Vec<Self> {
        let wnids =
            |subset: ImagenetSubset| subset.classes().iter().map(|class| class.wnid.to_owned()).collect();
        let each = ImagenetSubset::all().filter_map(|hard| {
            let category = hard.name().strip_prefix("comp-dd/")?.strip_suffix("-hard")?;
            let easy = ImagenetSubset::find(&format!("comp-dd/{category}-easy"))?;
            Some(Self { category: category.to_owned(), easy: wnids(easy), hard: wnids(hard) })
        });
        each.collect()
    }

    /// Selections of a TOML file: a table with the lists `easy` and `hard` for each category.
    ///
    /// # Errors
    /// [`CompddError::Read`], [`CompddError::File`].
    pub fn read(path: impl AsRef<Path>) -> Result<Vec<Self>, CompddError> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Lists {
            easy: Vec<String>,
            hard: Vec<String>,
        }
        let path = path.as_ref();
        let each = table(path)?.into_iter().map(|(category, value)| {
            let lists: Lists = value.try_into().map_err(|error| {
                file(
                    path,
                    format!("`{category}` is not a selection ({error}); give it the lists easy and hard"),
                )
            })?;
            if lists.easy.is_empty() || lists.hard.is_empty() {
                let problem = format!("`{category}` has an empty list; name easy and hard classes");
                return Err(file(path, problem));
            }
            Ok(Self { category, easy: lists.easy, hard: lists.hard })
        });
        each.collect()
    }

    /// Selections as TOML, as [`Selected::read`] reads them.
    pub fn toml(selections: &[Self]) -> String {
        let list = |classes: &[String]| toml::Value::from(classes.to_vec());
        let each = selections.iter().map(|one| {
            let lists = Table::from_iter([
                ("easy".to_owned(), list(&one.easy)),
                ("hard".to_owned(), list(&one.hard)),
            ]);
            (one.category.clone(), toml::Value::Table(lists))
        });
        toml::to_string(&each.collect::<Table>()).expect("tables of lists are TOML")
    }
}

fn table(path: &Path) -> Result<Table, CompddError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| CompddError::Read { path: path.to_owned(), source })?;
    let found: Table = text.parse().map_err(|error: toml::de::Error| {
        let line = error.to_string().lines().map(str::trim).collect::<Vec<_>>().join(" ");
        file(path, format!("this is no TOML ({line}); correct it"))
    })?;
    if found.is_empty() {
        return Err(file(path, "it holds no category; write bird = [\"class\", \"class\"]".to_owned()));
    }
    Ok(found)
}

fn file(path: &Path, problem: String) -> CompddError {
    CompddError::File { path: path.to_owned(), problem }
}

#[cfg(test)]
mod tests {
    use super::wnid;

    #[test]
    fn wnids_are_told_from_names() {
        assert_eq!([wnid("n01440764 tench"), wnid("n01440764")], ["n01440764"; 2]);
        assert_eq!([wnid("a cat"), wnid("n0144076x"), wnid("")], ["a cat", "n0144076x", ""]);
    }
}
