use std::cmp::Reverse;

use crate::{Family, Init, Method, MethodRow, Selection};

/// The most experts that are asked, the first of the store; each after each of its epochs, about all images. The number
/// is ours.
pub(crate) const EXPERTS: usize = 3;

/// The method's row.
pub(super) const ROW: MethodRow = MethodRow {
    name: "forgetting",
    title: "Images that networks forget most often in training",
    published: "Toneva et al., ICLR 2019",
    preset: Method::forgetting,
    family: Family::of::<Selection>(),
    // As many as are asked.
    sections: &["[expert]\nexperts = 3\n"],
    citations: &[include_str!("bibtex/forgetting.bib")],
};

impl Method {
    /// The images that experts forget most often while they are trained (Toneva et al. 2019). Unlike in the paper, images
    /// that no expert ever learned come last (docs/methods).
    pub fn forgetting() -> Self {
        Self { init: Init::Forgetting, ..Self::random() }
    }
}

/// How experts learned and forgot the images of one class.
#[derive(Debug, Clone)]
pub(crate) struct Forgetting {
    images: Vec<History>,
}

/// What happened to an image, over all experts.
#[derive(Debug, Clone, Copy, Default)]
struct History {
    /// An expert classified it correctly after one of its epochs.
    learned: bool,
    /// Epochs after which an expert was wrong that had been right after the epoch before.
    forgotten: usize,
}

impl Forgetting {
    /// So many images, which no expert was asked about yet.
    pub(crate) fn of(images: usize) -> Self {
        Self { images: vec![History::default(); images] }
    }

    /// Adds one expert: `epochs[t][i]` says whether it was right about image i after its t-th epoch.
    pub(crate) fn add(&mut self, epochs: &[Vec<bool>]) {
        for correct in epochs {
            for (image, &correct) in self.images.iter_mut().zip(correct) {
                image.learned |= correct;
            }
        }
        for (before, after) in epochs.iter().zip(epochs.iter().skip(1)) {
            for (image, (&before, &after)) in self.images.iter_mut().zip(before.iter().zip(after)) {
                image.forgotten += usize::from(before && !after);
            }
        }
    }

    /// All images, the one that was forgotten most often first, those that were never learned last; of equals the first.
    pub(crate) fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.images.len()).collect();
        order.sort_by_key(|&i| (!self.images[i].learned, Reverse(self.images[i].forgotten)));
        order
    }
}

#[cfg(test)]
mod tests {
    use super::{EXPERTS, Forgetting, ROW};

    /// One expert, from a line an epoch: `+` where it was right about an image.
    fn expert(epochs: &[&str]) -> Vec<Vec<bool>> {
        epochs.iter().map(|epoch| epoch.chars().map(|mark| mark == '+').collect()).collect()
    }

    #[test]
    fn what_is_forgotten_most_often_comes_first() {
        // Image by image: never learned; never forgotten; forgotten once; twice; learned late; once.
        let first = expert(&["-+++-+", "-++--+", "-+-+--", "-+--+-"]);
        let mut one = Forgetting::of(6);
        one.add(&first);
        assert_eq!(one.order(), [3, 2, 5, 1, 4, 0]);
        // A second expert learns image 0, and forgets image 5 once more than image 2.
        let mut two = one.clone();
        two.add(&expert(&["-+++++", "-+++--", "+++++-", "+++++-"]));
        assert_eq!(two.order(), [3, 5, 2, 4, 0, 1]);
    }

    /// Experts are not one long trajectory: a new one that is wrong at first forgets nothing.
    #[test]
    fn nothing_is_forgotten_between_experts() {
        let mut forgetting = Forgetting::of(2);
        forgetting.add(&expert(&["++", "++"]));
        forgetting.add(&expert(&["+-", "+-"]));
        assert_eq!(forgetting.order(), [0, 1]);
        forgetting.add(&expert(&["-+", "--"]));
        assert_eq!(forgetting.order(), [1, 0]);
    }

    #[test]
    fn nothing_to_go_by_leaves_the_order() {
        let mut forgetting = Forgetting::of(3);
        assert_eq!(forgetting.order(), [0, 1, 2]);
        forgetting.add(&expert(&["-+-"]));
        assert_eq!(forgetting.order(), [1, 0, 2], "one epoch tells only what was learned");
    }

    #[test]
    fn as_many_experts_are_trained_as_are_asked() {
        assert_eq!(ROW.sections, [format!("[expert]\nexperts = {EXPERTS}\n")]);
    }
}
