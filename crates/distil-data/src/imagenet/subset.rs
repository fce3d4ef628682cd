//! The named ten-class subsets of ImageNet-1K.

use super::published::{PUBLISHED, Published};

/// A class of ImageNet-1K.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SubsetClass {
    /// WordNet id ("n01440764"), the folder's name. The only unique key: names repeat ("crane" is a bird and a machine).
    pub wnid: &'static str,
    /// Label among the 1000 classes in the order of wnids, from 0 (torchvision's and Keras's).
    pub index: u16,
    /// Name.
    pub name: &'static str,
}

/// One of the named subsets: `imagenette`, `imagewoof`, `imagemeow`, `imagesquawk`, `imagefruit`, `imageyellow` (the
/// trajectory-matching papers) and `comp-dd/bird-hard` … `comp-dd/music-easy` (EDF's Comp-DD).
///
/// ```
/// use distil_data::ImagenetSubset;
/// let woof = ImagenetSubset::find("imagewoof").unwrap();
/// assert_eq!((woof.classes()[0].wnid, woof.classes()[0].index), ("n02096294", 193));   // label 0, not sorted
/// let music = ImagenetSubset::find("comp-dd/music-hard").unwrap();
/// assert_eq!((music.published().len(), music.classes().len()), (10, 9));
/// assert!(music.note().unwrap().contains("banjo"));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ImagenetSubset(u8);

impl ImagenetSubset {
    /// Every named subset, in the order of the documentation.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..PUBLISHED.len() as u8).map(Self)
    }

    /// The subset of a name as it is written in a configuration.
    pub fn find(name: &str) -> Option<Self> {
        Self::all().find(|subset| subset.name() == name)
    }

    /// Its place in the documentation, from 0.
    pub(crate) fn position(self) -> usize {
        usize::from(self.0)
    }

    fn entry(self) -> &'static Published {
        &PUBLISHED[self.position()]
    }

    /// As it is written in a configuration.
    pub fn name(self) -> &'static str {
        self.entry().name
    }

    /// The ten entries of the published list, in its order. Of Comp-DD's Music-Hard two are the same class.
    pub fn published(self) -> Vec<SubsetClass> {
        let class = |&(index, wnid, name): &_| SubsetClass { wnid, index, name };
        self.entry().classes.iter().map(class).collect()
    }

    /// The distinct classes, in the order of their labels, which is the published one: ten, but nine of
    /// `comp-dd/music-hard` (see [`ImagenetSubset::note`]).
    pub fn classes(self) -> Vec<SubsetClass> {
        let mut classes: Vec<SubsetClass> = Vec::new();
        for class in self.published() {
            if !classes.contains(&class) {
                classes.push(class);
            }
        }
        classes
    }

    /// What is wrong with the published list and what is done about it.
    pub fn note(self) -> Option<&'static str> {
        (self.classes().len() < self.published().len()).then_some(
            "the published list of comp-dd/music-hard names n02787622 (banjo) twice, in the paper and in the released \
             code; it is a set of its nine distinct classes here (450 validation images; the published 11,700 training \
             images are 9 x 1,300 as well). The intended tenth class is not known: to choose one, list the wnids with \
             name = \"imagenet\" and classes = [...]",
        )
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn indices_and_wnids_are_in_the_same_order_everywhere() {
        let mut by_wnid = BTreeMap::new();
        for class in ImagenetSubset::all().flat_map(ImagenetSubset::published) {
            assert!(class.wnid.len() == 9 && class.wnid.starts_with('n') && class.index < 1000);
            assert_eq!(
                *by_wnid.entry(class.wnid).or_insert(class),
                class,
                "one class has one index and name"
            );
        }
        let indices: Vec<u16> = by_wnid.values().map(|class| class.index).collect();
        assert!(indices.windows(2).all(|pair| pair[0] < pair[1]), "{indices:?}");
    }

    #[test]
    fn only_music_hard_repeats_a_class() {
        let names: Vec<&str> = ImagenetSubset::all().map(ImagenetSubset::name).collect();
        assert_eq!((names.len(), names.iter().filter(|name| name.starts_with("comp-dd/")).count()), (22, 16));
        for subset in ImagenetSubset::all() {
            let nine = subset.name() == "comp-dd/music-hard";
            assert_eq!((subset.classes().len(), subset.note().is_some()), (if nine { 9 } else { 10 }, nine));
            assert_eq!(ImagenetSubset::find(subset.name()), Some(subset));
        }
    }

    /// Easy and hard halves of a category share no class: a category has twenty.
    #[test]
    fn halves_of_a_category_are_disjoint() {
        for easy in ImagenetSubset::all().filter(|subset| subset.name().ends_with("-easy")) {
            let hard = ImagenetSubset::find(&easy.name().replace("-easy", "-hard")).unwrap();
            assert!(easy.classes().iter().all(|class| !hard.classes().contains(class)), "{}", easy.name());
        }
    }
}
