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

impl Summary {
    /// The classes with the fewest and the most training images, where their numbers differ by more than the one by which
    /// held-out parts may differ.
    pub fn extremes(&self) -> Option<[&ClassSummary; 2]> {
        let images = |class: &&ClassSummary| class.images[0];
        let (smallest, largest) =
            (self.classes.iter().min_by_key(images)?, self.classes.iter().rev().max_by_key(images)?);
        (images(&largest) > images(&smallest) + 1).then_some([smallest, largest])
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "dataset        {}", self.name)?;
        writeln!(f, "images         {} (channels x height x width)", self.shape)?;
        writeln!(f, "preprocessing  {}", self.preprocessing)?;
        writeln!(f, "digest         {}", self.digest)?;
        if let Some([ClassSummary { name, images: [few, ..] }, largest]) = self.extremes() {
            let (most, many) = (&largest.name, largest.images[0]);
            write!(f, "imbalance      {few} training images of {name}, {many} of {most}")?;
            match *few {
                0 => writeln!(f)?,
                few => writeln!(f, " ({:.1} times as many)", many as f64 / few as f64)?,
            }
        }
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

#[cfg(test)]
mod tests {
    use distil_store::Normalisation;

    use super::*;

    fn summary(train: &[usize]) -> String {
        let class = |(label, &images): (usize, &usize)| ClassSummary {
            name: format!("c{label}"),
            images: [images, 1, 1],
        };
        let summary = Summary {
            name: "set".to_owned(),
            shape: ImageShape { channels: 1, height: 1, width: 1 },
            images: [train.iter().sum(), train.len(), train.len()],
            classes: train.iter().enumerate().map(class).collect(),
            preprocessing: Preprocessing { resize: None, normalisation: Normalisation::Identity },
            digest: String::new(),
        };
        summary.to_string()
    }

    #[test]
    fn classes_of_different_sizes_are_told() {
        let text = summary(&[48, 3, 12]);
        assert!(
            text.contains("imbalance      3 training images of c1, 48 of c0 (16.0 times as many)\n"),
            "{text}"
        );
        assert!(summary(&[0, 5]).contains("0 training images of c0, 5 of c1\n"));
        assert!(!summary(&[5, 4, 5]).contains("imbalance"), "rounding of what is held out is no imbalance");
    }
}
