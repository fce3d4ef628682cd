use distil_gradcam::Maps;
use serde::{Deserialize, Serialize};

/// Bins of [`crate::Measurement::histogram`], of equal width in `[0, 1]`.
pub const HISTOGRAM_BINS: usize = 20;
/// Scores are summed in units of 2⁻²⁰, as whole numbers: neither the order nor the cut of a pass has a say in the sum.
const SCORE_UNIT: f64 = 1_048_576.0;
/// Larger scores are counted as this: 2²⁰ units of such scores of 2²³ images fit into 64 bits.
const LARGEST_SCORE: f64 = 1_048_576.0;

/// What was counted of one class: whole numbers, so that sums are exact, in whatever order and parts they are made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub struct ClassTally {
    /// Name of the class.
    pub name: String,
    /// Images measured.
    pub images: u64,
    /// Values of a map.
    cells: u64,
    /// For each threshold: Σ c over images, where c is the number of an image's map values ≥ the threshold.
    sums: Vec<u64>,
    /// For each threshold: Σ c².
    squares: Vec<u64>,
    /// For each class of the network: Σ of the images' scores, in units of 2⁻²⁰.
    scores: Vec<i64>,
}

/// A tally in a file: with what follows from it, for readers without distil.
#[derive(Serialize, Deserialize)]
struct Stored {
    name: String,
    images: u64,
    #[serde(default, skip_deserializing)]
    complexity: Vec<Option<f64>>,
    #[serde(default, skip_deserializing)]
    standard_error: Vec<Option<f64>>,
    cells: u64,
    sums: Vec<u64>,
    squares: Vec<u64>,
    scores: Vec<i64>,
}

impl From<Stored> for ClassTally {
    fn from(stored: Stored) -> Self {
        let Stored { name, images, cells, sums, squares, scores, .. } = stored;
        Self { name, images, cells, sums, squares, scores }
    }
}

impl From<ClassTally> for Stored {
    fn from(tally: ClassTally) -> Self {
        let each = |value: fn(&ClassTally, usize) -> Option<f64>| {
            (0..tally.sums.len()).map(|threshold| value(&tally, threshold)).collect()
        };
        let (complexity, standard_error) = (each(ClassTally::complexity), each(ClassTally::standard_error));
        let ClassTally { name, images, cells, sums, squares, scores } = tally;
        Self { name, images, complexity, standard_error, cells, sums, squares, scores }
    }
}

impl ClassTally {
    pub(crate) fn new(name: &str, thresholds: usize, network_classes: usize) -> Self {
        Self {
            name: name.to_owned(),
            images: 0,
            cells: 0,
            sums: vec![0; thresholds],
            squares: vec![0; thresholds],
            scores: vec![0; network_classes],
        }
    }

    /// Counts one image: its map in `[0, 1]` and its scores.
    pub(crate) fn add(&mut self, map: &[f64], thresholds: &[f64], scores: &[f64]) {
        self.images += 1;
        self.cells = map.len() as u64;
        for (at, threshold) in thresholds.iter().enumerate() {
            let count = map.iter().filter(|value| *value >= threshold).count() as u64;
            self.sums[at] += count;
            self.squares[at] += count * count;
        }
        for (sum, score) in self.scores.iter_mut().zip(scores) {
            *sum += (score.clamp(-LARGEST_SCORE, LARGEST_SCORE) * SCORE_UNIT).round() as i64;
        }
    }

    pub(crate) fn join(&mut self, other: &Self) {
        self.images += other.images;
        self.cells = self.cells.max(other.cells);
        for (sum, more) in self.sums.iter_mut().zip(&other.sums) {
            *sum += more;
        }
        for (sum, more) in self.squares.iter_mut().zip(&other.squares) {
            *sum += more;
        }
        for (sum, more) in self.scores.iter_mut().zip(&other.scores) {
            *sum += more;
        }
    }

    pub(crate) fn fits(&self, thresholds: usize, network_classes: usize) -> bool {
        self.sums.len() == thresholds
            && self.squares.len() == thresholds
            && self.scores.len() == network_classes
    }

    /// Complexity for threshold number `threshold`: the mean over images of 1 − share of map values ≥ the threshold, in
    /// `[0, 1]`. `None` without images.
    ///
    /// # Panics
    /// When there is no such threshold.
    pub fn complexity(&self, threshold: usize) -> Option<f64> {
        let values = (self.images * self.cells) as f64;
        (self.images > 0).then(|| 1.0 - self.sums[threshold] as f64 / values)
    }

    /// Standard error of [`ClassTally::complexity`]: the standard deviation over images (n − 1) by √n. `None` below two
    /// images.
    ///
    /// # Panics
    /// When there is no such threshold.
    pub fn standard_error(&self, threshold: usize) -> Option<f64> {
        if self.images < 2 {
            return None;
        }
        // n·Σc² − (Σc)² is a whole number: nothing cancels.
        let (n, sum) = (u128::from(self.images), u128::from(self.sums[threshold]));
        let spread = (n * u128::from(self.squares[threshold])).saturating_sub(sum * sum) as f64;
        let (n, cells) = (n as f64, self.cells as f64);
        Some((spread / (n * (n - 1.0))).sqrt() / cells / n.sqrt())
    }

    /// Mean scores of the class's images, `[classes of the network]`.
    pub(crate) fn mean_scores(&self) -> Vec<f64> {
        self.scores.iter().map(|sum| *sum as f64 / SCORE_UNIT / self.images.max(1) as f64).collect()
    }
}

/// Adds every value of `maps` to the bins; 1 belongs to the last one.
pub(crate) fn count_values(bins: &mut [u64], maps: &Maps) {
    for value in &maps.values {
        let bin = (value * bins.len() as f64) as usize;
        bins[bin.min(bins.len() - 1)] += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complexity_is_one_minus_the_share_and_its_error_that_of_a_mean() {
        let mut tally = ClassTally::new("a", 2, 1);
        for map in [[0.0, 0.5, 0.9, 1.0], [0.0, 0.1, 0.2, 1.0], [0.0, 0.6, 0.4, 1.0]] {
            tally.add(&map, &[0.5, 0.05], &[1.0]);
        }
        // Shares at 0.5: 3/4, 1/4, 2/4.
        assert_eq!((tally.complexity(0), tally.complexity(1)), (Some(0.5), Some(0.25)));
        let error = tally.standard_error(0).unwrap();
        assert!((error - 0.25 / 3f64.sqrt()).abs() < 1e-15, "{error}");
        assert_eq!(tally.standard_error(1), Some(0.0));
        assert_eq!(tally.mean_scores(), [1.0]);
        assert_eq!(ClassTally::new("b", 1, 0).complexity(0), None);
    }

    #[test]
    fn halves_join_to_the_whole_and_files_give_it_back() {
        let maps: Vec<Vec<f64>> = (0..9).map(|i| (0..9).map(|j| f64::from(i * j) / 64.0).collect()).collect();
        let tally = |maps: &[Vec<f64>]| {
            let mut tally = ClassTally::new("a", 1, 2);
            for map in maps {
                tally.add(map, &[0.5], &[map[1] / 3.0, -2e9]);
            }
            tally
        };
        let whole = tally(&maps);
        let mut joined = tally(&maps[4..]);
        joined.join(&tally(&maps[..4]));
        assert_eq!(joined, whole);
        let text = serde_json::to_string(&whole).unwrap();
        assert!(text.contains("\"complexity\":[0."), "{text}");
        assert_eq!(serde_json::from_str::<ClassTally>(&text).unwrap(), whole);
    }

    #[test]
    fn every_value_is_in_one_bin() {
        let mut bins = vec![0; 4];
        count_values(&mut bins, &Maps { height: 1, width: 5, values: vec![0.0, 0.25, 0.49, 0.999, 1.0] });
        assert_eq!(bins, [1, 2, 0, 2]);
    }
}
