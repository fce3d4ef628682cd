//! What `distil data info` prints.

use std::fmt;

use serde::Serialize;

use distil_store::Preprocessing;

use crate::{dataset::Dataset, images::ImageShape};

/// Facts about a dataset.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// Name of the dataset.
    pub name: String,
    /// Shape of every image.
    pub shape: ImageShape,
    /// Images of the training, validation and test part.
    pub images: [usize; 3],
    /// The classes, in the order of their labels.
    pub classes: Vec<ClassSummary>,
    /// What was done to the pixels.
    pub preprocessing: Preprocessing,
    /// Digest of everything.
    pub digest: String,
}

/// Facts about a class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClassSummary {
    /// Its name.
    pub name: String,
    /// Its images in the training, validation and test part.
    pub images: [usize; 3],
}

impl Dataset {
    /// Counts per class and part, shape, preprocessing and digest.
    pub fn summary(&self) -> Summary {
        let parts = self.parts().map(|(_, split)| split);
        let counts = parts.map(|split| split.class_counts(self.classes()));
        let class = |(class, name): (usize, &String)| ClassSummary {
            name: name.clone(),
            images: counts.each_ref().map(|counts| counts[class]),
        };
        Summary {
            name: self.name.clone(),
            shape: self.shape(),
            images: parts.map(crate::Split::len),
            classes: self.class_names.iter().enumerate().map(class).collect(),
            preprocessing: self.preprocessing().clone(),
            digest: self.digest.clone(),
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "dataset        {}", self.name)?;
        writeln!(f, "images         {} (channels x height x width)", self.shape)?;
        writeln!(f, "preprocessing  {}", self.preprocessing)?;
        writeln!(f, "digest         {}", self.digest)?;
        let width = self.classes.iter().map(|class| class.name.chars().count()).max().unwrap_or(0).max(5);
        writeln!(f, "{:>5}  {:width$} {:>9} {:>10} {:>9}", "label", "class", "train", "validation", "test")?;
        for (label, ClassSummary { name, images: [train, validation, test] }) in
            self.classes.iter().enumerate()
        {
            writeln!(f, "{label:>5}  {name:width$} {train:>9} {validation:>10} {test:>9}")?;
        }
        let [train, validation, test] = self.images;
        write!(f, "{:>5}  {:width$} {train:>9} {validation:>10} {test:>9}", "", "total")
    }
}
