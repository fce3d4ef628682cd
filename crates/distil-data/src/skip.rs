//! The files that `data.skip` names.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use crate::{config::DataConfig, error::Error};

/// Files to leave out, whether they are named below the set's folder or with it, as messages show them.
#[derive(Debug, Default)]
pub(crate) struct Skip {
    root: PathBuf,
    /// Names below the set's folder, and what was written for them.
    names: BTreeMap<String, String>,
}

impl Skip {
    pub(crate) fn of(data: &DataConfig, root: &Path) -> Self {
        let mut names = BTreeMap::new();
        for written in data.skip.iter().flatten() {
            let path = Path::new(written);
            names.insert(plain(path), written.clone());
            if let Ok(below) = path.strip_prefix(root) {
                names.insert(plain(below), written.clone());
            }
        }
        Self { root: root.to_owned(), names }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Whether the file at `path` is left out.
    pub(crate) fn takes(&self, path: &Path) -> bool {
        !self.is_empty() && self.names.contains_key(&self.below(path))
    }

    fn below(&self, path: &Path) -> String {
        plain(path.strip_prefix(&self.root).unwrap_or(path))
    }

    /// Refuses a name that is not among `files`: leaving nothing out is not what was asked for.
    pub(crate) fn check<'a>(&self, files: impl Iterator<Item = &'a Path>) -> Result<(), Error> {
        if self.is_empty() {
            return Ok(());
        }
        let mut left: Vec<&String> = self.names.values().collect();
        left.sort();
        left.dedup();
        for file in files {
            if let Some(written) = self.names.get(&self.below(file)) {
                left.retain(|name| *name != written);
            }
        }
        match left.first() {
            None => Ok(()),
            Some(name) => {
                let problem = format!(
                    "{name:?} is not an image of the set; name it below the set's folder, like \"train/a/1.png\""
                );
                Err(Error::config("skip", problem))
            }
        }
    }
}

/// A path with `/` between its parts and without `.`.
fn plain(path: &Path) -> String {
    let parts = path.components().filter(|part| *part != Component::CurDir);
    let parts: Vec<_> = parts.map(|part| part.as_os_str().to_string_lossy()).collect();
    parts.join("/").replacen("//", "/", 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_below_the_folder_or_as_messages_show_it() {
        for root in ["/sets/photos", "photos", "./photos", "a"] {
            let root = Path::new(root);
            let file = root.join("a/1.png");
            for written in ["a/1.png", "./a/1.png", &file.display().to_string()] {
                let config = DataConfig {
                    skip: Some(vec![written.to_owned()]),
                    ..DataConfig::new(crate::DatasetName::Folder)
                };
                let skip = Skip::of(&config, root);
                assert!(skip.takes(&file) && !skip.takes(&root.join("b/1.png")), "{root:?} {written}");
                skip.check([file.as_path()].into_iter()).unwrap();
                assert!(skip.check([root].into_iter()).unwrap_err().to_string().contains(written));
            }
        }
    }
}
