//! Which outputs of a network trained on ImageNet-1K belong to the classes of a subset.

use super::{ImagenetSubset, layout};
use crate::{config::DataConfig, datasets::DatasetName, error::Error};

/// Classes of ImageNet-1K.
const CLASSES: usize = 1000;

impl DataConfig {
    /// For every class of `imagenet` or one of its subsets, in the order of labels, its index among ImageNet-1K's 1000
    /// classes in the order of wnids: which output of torchvision's networks it is. Known for the classes of the named
    /// subsets; for others the place of their wnid in a complete ImageNet.
    ///
    /// # Errors
    /// [`Error::Config`] for other datasets, and for a class that is in no named subset while the training part at hand
    /// has not all 1000 classes; [`Error::Missing`], [`Error::Format`], [`Error::Io`].
    pub fn imagenet_indices(&self) -> Result<Vec<u16>, Error> {
        self.check()?;
        let asked = match self.name {
            DatasetName::ImagenetSubset(subset) => {
                return Ok(subset.classes().iter().map(|class| class.index).collect());
            }
            DatasetName::Imagenet => self.classes.as_deref(),
            name => {
                return Err(Error::config("name", format!("{name} has no classes of ImageNet")));
            }
        };
        let known = |wnid: &String| {
            let mut classes = ImagenetSubset::all().flat_map(ImagenetSubset::published);
            classes.find(|class| class.wnid == wnid).map(|class| class.index)
        };
        if let Some(indices) = asked.and_then(|asked| asked.iter().map(known).collect()) {
            return Ok(indices);
        }
        let all = layout::all_wnids(&self.place()?)?;
        if all.len() != CLASSES {
            let problem = format!(
                "lists a class whose index is only known with all {CLASSES} classes present, and {} are there",
                all.len()
            );
            return Err(Error::config("classes", problem));
        }
        let place = |wnid: &String| {
            let at = all.binary_search(wnid).map(|at| at as u16);
            at.map_err(|_| {
                Error::config("classes", format!("{wnid} is not a class of ImageNet-1K; remove it"))
            })
        };
        asked.unwrap_or(&all).iter().map(place).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(path: &std::path::Path, classes: &[&str]) -> DataConfig {
        DataConfig {
            path: Some(path.to_owned()),
            classes: Some(classes.iter().map(|&wnid| wnid.to_owned()).collect()),
            ..DataConfig::new(DatasetName::Imagenet)
        }
    }

    #[test]
    fn indices_come_from_the_lists_or_from_a_complete_imagenet() {
        let root = tempfile::tempdir().unwrap();
        let known = config(root.path(), &["n03888257", "n01440764"]);
        assert_eq!(known.imagenet_indices().unwrap(), [701, 0]);
        let named = DataConfig::new("comp-dd/music-hard".parse().unwrap()).imagenet_indices().unwrap();
        assert_eq!(named, [420, 594, 579, 402, 776, 486, 401, 546, 558]);
        for class in 0..999 {
            std::fs::create_dir_all(root.path().join(format!("train/n{:08}", 10 * class))).unwrap();
        }
        let own = config(root.path(), &["n00009970", "n00000010"]);
        let error = own.imagenet_indices().unwrap_err().to_string();
        assert!(error.contains("999 are there"), "{error}");
        std::fs::create_dir(root.path().join("train/n00000005")).unwrap();
        assert_eq!(own.imagenet_indices().unwrap(), [998, 2]);
        let error = config(root.path(), &["n00000010", "n00000011"]).imagenet_indices().unwrap_err();
        assert!(error.to_string().contains("n00000011 is not a class"), "{error}");
        assert!(DataConfig::new(DatasetName::Mnist).imagenet_indices().is_err());
    }
}
