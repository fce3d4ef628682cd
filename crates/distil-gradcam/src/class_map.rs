use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// How labels of a (sub)set become classes of the network whose maps are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ClassRule {
    /// Each label is the class of the same name: what the EDF paper describes.
    #[default]
    Mapped,
    /// Label k is class k whatever the classes are, as in EDF's public code: with a network of ImageNet's 1,000
    /// classes, every subset's maps then show tench to ostrich. Only for comparisons with it.
    PublicCode,
}

/// The class of a network for each label of a set.
///
/// ```
/// use distil_gradcam::ClassMap;
/// let names = |names: &[&str]| names.iter().map(|name| name.to_string()).collect::<Vec<_>>();
/// let model = names(&["cat", "cow", "dog"]);
/// let map = ClassMap::by_name(&names(&["dog", "cat"]), &model)?;
/// assert_eq!(map.classes(&[0, 1, 1])?, [2, 0, 0]);
/// assert!(ClassMap::by_name(&names(&["horse"]), &model).is_err());
/// # Ok::<(), distil_gradcam::ClassMapError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassMap {
    /// `[labels]` classes of the network.
    classes: Vec<u32>,
}

/// Labels that have no class in the network.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ClassMapError {
    /// The network does not know a class.
    #[error(
        "the model has no class {name:?} ({missing} of {labels} classes are missing); use a model trained on these classes"
    )]
    Unknown {
        /// The first name it does not know.
        name: String,
        /// How many it does not know.
        missing: usize,
        /// How many there are.
        labels: usize,
    },
    /// A name stands for several classes of the network (ImageNet has two cranes).
    #[error(
        "the model has several classes {name:?}; name the classes of the data by what is unique, such as wnids"
    )]
    Ambiguous {
        /// The name.
        name: String,
    },
    /// A class index is not one of the network's.
    #[error("class {class} is not one of the model's {classes} classes; correct the class map")]
    OutOfRange {
        /// The class.
        class: u32,
        /// Classes of the network.
        classes: usize,
    },
    /// A label has no entry.
    #[error(
        "label {label} is not in the class map, which has {labels} labels; correct the labels or the map"
    )]
    NoLabel {
        /// The label.
        label: u32,
        /// Labels with an entry.
        labels: usize,
    },
}

impl ClassMap {
    /// By `rule`: [`ClassMap::by_name`], or [`ClassMap::public_code`].
    ///
    /// # Errors
    /// As these.
    pub fn by_rule(rule: ClassRule, labels: &[String], model: &[String]) -> Result<Self, ClassMapError> {
        match rule {
            ClassRule::Mapped => Self::by_name(labels, model),
            ClassRule::PublicCode => Self::public_code(labels.len(), model.len()),
        }
    }

    /// Label k is the class that is called `labels[k]` in the model. Equal lists map every label to itself, also where
    /// a name occurs twice.
    ///
    /// # Errors
    /// [`ClassMapError`] when the model has no such class, or several.
    pub fn by_name(labels: &[String], model: &[String]) -> Result<Self, ClassMapError> {
        if labels == model {
            return Ok(Self { classes: (0..labels.len() as u32).collect() });
        }
        let unknown: Vec<&String> = labels.iter().filter(|name| !model.contains(name)).collect();
        if let Some(&name) = unknown.first() {
            let (missing, labels) = (unknown.len(), labels.len());
            return Err(ClassMapError::Unknown { name: name.clone(), missing, labels });
        }
        let class_of = |name: &String| {
            let mut found = (0u32..).zip(model).filter(|(_, class)| *class == name).map(|(at, _)| at);
            match (found.next(), found.next()) {
                (Some(class), None) => Ok(class),
                _ => Err(ClassMapError::Ambiguous { name: name.clone() }),
            }
        };
        Ok(Self { classes: labels.iter().map(class_of).collect::<Result<_, _>>()? })
    }

    /// Label k is class `classes[k]` of a network of `model_classes` classes: for subsets of ImageNet, whose classes
    /// are known by index.
    ///
    /// # Errors
    /// [`ClassMapError::OutOfRange`] for a class that the network does not have.
    pub fn by_index(classes: Vec<u32>, model_classes: usize) -> Result<Self, ClassMapError> {
        match classes.iter().find(|class| **class as usize >= model_classes) {
            Some(&class) => Err(ClassMapError::OutOfRange { class, classes: model_classes }),
            None => Ok(Self { classes }),
        }
    }

    /// Label k is class k, whatever it is: see [`ClassRule::PublicCode`].
    ///
    /// # Errors
    /// [`ClassMapError::OutOfRange`] when there are more labels than classes.
    pub fn public_code(labels: usize, model_classes: usize) -> Result<Self, ClassMapError> {
        Self::by_index((0..labels as u32).collect(), model_classes)
    }

    /// The classes of `labels`.
    ///
    /// # Errors
    /// [`ClassMapError::NoLabel`] for a label without entry.
    pub fn classes(&self, labels: &[u32]) -> Result<Vec<u32>, ClassMapError> {
        let class = |&label: &u32| {
            let found = self.classes.get(label as usize).copied();
            found.ok_or(ClassMapError::NoLabel { label, labels: self.classes.len() })
        };
        labels.iter().map(class).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &str) -> Vec<String> {
        names.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn labels_are_mapped_by_name_or_as_the_public_code_does() {
        let (subset, model) = (names("dog cat"), names("cat cow dog"));
        let map = |rule| ClassMap::by_rule(rule, &subset, &model).unwrap().classes(&[1, 0, 1]).unwrap();
        assert_eq!(map(ClassRule::Mapped), [0, 2, 0]);
        assert_eq!(map(ClassRule::PublicCode), [1, 0, 1]);
    }

    #[test]
    fn what_cannot_be_mapped_is_named() {
        let model = names("crane crane cow");
        let error = ClassMap::by_name(&names("cow horse pig"), &model).unwrap_err();
        assert_eq!(error, ClassMapError::Unknown { name: "horse".into(), missing: 2, labels: 3 });
        let error = ClassMap::by_name(&names("crane cow"), &model).unwrap_err();
        assert_eq!(error, ClassMapError::Ambiguous { name: "crane".into() });
        assert_eq!(ClassMap::by_name(&model, &model).unwrap().classes(&[1]), Ok(vec![1]));
        let error = ClassMap::public_code(4, 3).unwrap_err();
        assert_eq!(error, ClassMapError::OutOfRange { class: 3, classes: 3 });
        let map = ClassMap::by_index(vec![999, 0], 1000).unwrap();
        assert_eq!(map.classes(&[0, 2]), Err(ClassMapError::NoLabel { label: 2, labels: 2 }));
    }
}
