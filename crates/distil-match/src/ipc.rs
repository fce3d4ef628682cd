//! How many images each class gets.

use std::fmt;
use std::ops::Range;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const PROPORTIONAL: &str = "proportional";
const EXPECTED: &str =
    "a number of images per class, 1 or more, a list with one for each class, or \"proportional\"";

/// Stored images of each class: `ipc = 10`, `ipc = [10, 2, 5]` or `ipc = "proportional"` in a configuration.
///
/// ```
/// use distil_match::Ipc;
///
/// assert_eq!(Ipc::from(10).of_classes(&[500, 20]), [10, 10]);
/// assert_eq!(Ipc::Proportional.of_classes(&[500, 20]), [25, 1]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ipc {
    /// So many of every class.
    Each(usize),
    /// A number for each class, in the order of the labels.
    PerClass(Vec<usize>),
    /// One of the smallest class, and of the others as many as they are larger.
    Proportional,
}

impl Ipc {
    /// Images of each class, whose training images are `images`.
    pub fn of_classes(&self, images: &[usize]) -> Vec<usize> {
        match self {
            Self::Each(ipc) => vec![*ipc; images.len()],
            Self::PerClass(list) => list.clone(),
            Self::Proportional => {
                let smallest = images.iter().copied().filter(|images| *images > 0).min().unwrap_or(1);
                let rounded = |images: &usize| ((images + smallest / 2) / smallest).max(1);
                images.iter().map(rounded).collect()
            }
        }
    }

    /// Images of all classes together, where the classes have `train` training images and the smallest of them `smallest`;
    /// for a plan, before the data are loaded.
    pub fn total(&self, classes: usize, train: usize, smallest: usize) -> usize {
        match self {
            Self::Each(ipc) => ipc.saturating_mul(classes),
            Self::PerClass(list) => list.iter().fold(0, |sum, ipc| sum.saturating_add(*ipc)),
            Self::Proportional => (train / smallest.max(1)).max(classes),
        }
    }

    /// The number that every class has; `None` where classes differ.
    pub fn each(&self) -> Option<usize> {
        match self {
            Self::Each(ipc) => Some(*ipc),
            Self::PerClass(_) | Self::Proportional => None,
        }
    }

    /// Whether a class would get no image.
    pub(crate) fn has_zero(&self) -> bool {
        match self {
            Self::Each(ipc) => *ipc == 0,
            Self::PerClass(list) => list.is_empty() || list.contains(&0),
            Self::Proportional => false,
        }
    }
}

/// Where the images of each class lie, which is class by class.
pub(crate) fn ranges(counts: &[usize]) -> Vec<Range<usize>> {
    let ends = counts.iter().scan(0, |end, count| {
        *end += count;
        Some(*end)
    });
    ends.zip(counts).map(|(end, count)| end - count..end).collect()
}

/// The class of each image, which lie class by class.
pub(crate) fn labels(counts: &[usize]) -> Vec<u32> {
    let of_class = |(class, count): (usize, &usize)| std::iter::repeat_n(class as u32, *count);
    counts.iter().enumerate().flat_map(of_class).collect()
}

impl From<usize> for Ipc {
    fn from(ipc: usize) -> Self {
        Self::Each(ipc)
    }
}

impl From<Vec<usize>> for Ipc {
    fn from(list: Vec<usize>) -> Self {
        Self::PerClass(list)
    }
}

impl fmt::Display for Ipc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Each(ipc) => write!(f, "{ipc}"),
            Self::PerClass(list) => write!(f, "{list:?}"),
            Self::Proportional => f.write_str(PROPORTIONAL),
        }
    }
}

impl Serialize for Ipc {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Each(ipc) => ipc.serialize(serializer),
            Self::PerClass(list) => list.serialize(serializer),
            Self::Proportional => PROPORTIONAL.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Ipc {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Written)
    }
}

/// Reads what stands in a configuration.
struct Written;

impl<'de> Visitor<'de> for Written {
    type Value = Ipc;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(EXPECTED)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Ipc, E> {
        let count = usize::try_from(value);
        count.map(Ipc::Each).map_err(|_| E::invalid_value(Unexpected::Signed(value), &self))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Ipc, E> {
        let count = usize::try_from(value);
        count.map(Ipc::Each).map_err(|_| E::invalid_value(Unexpected::Unsigned(value), &self))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Ipc, E> {
        if text == PROPORTIONAL {
            Ok(Ipc::Proportional)
        } else {
            Err(E::invalid_value(Unexpected::Str(text), &self))
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Ipc, A::Error> {
        let mut counts = Vec::new();
        while let Some(count) = list.next_element()? {
            counts.push(count);
        }
        Ok(Ipc::PerClass(counts))
    }
}

impl JsonSchema for Ipc {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Ipc".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let count = serde_json::json!({ "type": "integer", "minimum": 1 });
        json_schema!({ "anyOf": [
            { "type": "integer", "minimum": 1, "description": "So many of every class" },
            { "type": "array", "items": count, "description": "A number for each class, in the order of the labels" },
            { "const": PROPORTIONAL, "description": "One of the smallest class, and of the others as many as they are larger" },
        ] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for (text, ipc) in [
            ("10", Ipc::Each(10)),
            ("[3,1]", Ipc::PerClass(vec![3, 1])),
            ("\"proportional\"", Ipc::Proportional),
        ] {
            assert_eq!(serde_json::from_str::<Ipc>(text).unwrap(), ipc);
            assert_eq!(serde_json::to_string(&ipc).unwrap(), text);
        }
        for bad in ["-1", "1.5", "\"many\"", "[1,-2]", "true"] {
            let error = serde_json::from_str::<Ipc>(bad).unwrap_err().to_string();
            assert!(error.contains("expected"), "{bad}: {error}");
        }
    }

    #[test]
    fn no_class_goes_without() {
        assert_eq!(Ipc::Proportional.of_classes(&[100, 149, 10, 14]), [10, 15, 1, 1]);
        assert_eq!(Ipc::Proportional.total(4, 273, 10), 27);
        assert_eq!(Ipc::PerClass(vec![2, 5]).total(2, 0, 0), 7);
        assert_eq!(Ipc::Each(3).total(4, 9, 9), 12);
    }

    #[test]
    fn images_lie_class_by_class() {
        assert_eq!(ranges(&[2, 1, 3]), [0..2, 2..3, 3..6]);
        assert_eq!(labels(&[2, 1, 3]), [0, 0, 1, 2, 2, 2]);
    }
}
