//! ImageNet-1K and its named subsets, from class folders or the official tar files.

mod ground_truth;
mod indices;
mod layout;
mod published;
mod subset;
#[cfg(test)]
mod tests;

pub(crate) use ground_truth::is_wnid;
#[cfg(any(test, fuzzing))]
pub(crate) use ground_truth::{kit_members, read_answers};
pub(crate) use layout::{holds, list};
pub use subset::{ImagenetSubset, SubsetClass};
