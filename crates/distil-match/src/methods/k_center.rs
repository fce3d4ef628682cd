use super::ONE_EXPERT;
use crate::selection::{Features, square_distance};
use crate::{Family, Init, Method, MethodRow, Selection};

/// The method's row.
pub(super) const ROW: MethodRow = MethodRow {
    name: "k-center",
    title: "Greedy k-center on features of a trained network",
    published: "Sener & Savarese, ICLR 2018",
    preset: Method::k_center,
    family: Family::of::<Selection>(),
    sections: &[ONE_EXPERT],
    citations: &[include_str!("bibtex/k-center.bib")],
};

impl Method {
    /// Greedy k-center (Sener & Savarese 2018) on features of a trained network.
    pub fn k_center() -> Self {
        Self { init: Init::KCenter, ..Self::random() }
    }
}

impl Features {
    /// The image nearest to the mean, then again and again the image farthest from all that are chosen, which covers
    /// the class with balls of at most twice the least radius. Of equally good images the first.
    pub(crate) fn k_center(&self, count: usize) -> Vec<usize> {
        let mean = self.mean();
        let mut nearest = vec![f64::INFINITY; self.rows().len()];
        let mut chosen = Vec::with_capacity(count);
        while chosen.len() < count.min(nearest.len()) {
            let best = if chosen.is_empty() {
                self.first_least(&chosen, |row| square_distance(row, &mean))
            } else {
                let free = (0..nearest.len()).filter(|i| !chosen.contains(i));
                // The first of equals, unlike `max_by`.
                free.rev().max_by(|&a, &b| nearest[a].total_cmp(&nearest[b])).expect("an image is left")
            };
            let centre: Vec<f64> = self.row(best).iter().map(|&value| f64::from(value)).collect();
            for (near, row) in nearest.iter_mut().zip(self.rows()) {
                *near = near.min(square_distance(row, &centre));
            }
            chosen.push(best);
        }
        chosen
    }
}

#[cfg(test)]
mod tests {
    use super::Features;

    fn line(values: &[f32]) -> Features {
        Features { values: values.to_vec(), width: 1 }
    }

    #[test]
    fn k_center_takes_the_farthest() {
        assert_eq!(line(&[0.0, 1.0, 10.0, 4.0, 20.0]).k_center(3), [2, 0, 4]);
        let far = line(&[0.0, 5.0, 10.0]).k_center(3);
        assert_eq!(far, [1, 0, 2], "of equals the first");
    }
}
