//! t-SNE: points of many dimensions drawn in two, neighbours next to each other.

use distil_random::{normal, stream};

use crate::error::StatsError;

/// Iterations in which like points are drawn together first, and how much.
const EARLY: usize = 250;
const EXAGGERATION: f64 = 12.0;
/// Spread of the first positions.
const SPREAD: f64 = 1e-4;
/// The smallest probability of a pair, which keeps logarithms and quotients finite.
const LEAST: f64 = 1e-12;
/// Halvings of the search for a point's bandwidth; each doubles its precision.
const HALVINGS: usize = 60;

/// The exact method of van der Maaten and Hinton (2008), for at most a few thousand points: every pair is visited in
/// every iteration. The same seed gives the same picture.
///
/// ```
/// use distil_stats::TSne;
/// let points = [0.0, 0.0, 0.1, 0.0, 9.0, 9.0, 9.1, 9.0f32];
/// let drawn = TSne { perplexity: 1.0, ..TSne::default() }.embed(&points, 2)?;
/// let distance = |i: usize, j: usize| (drawn[i][0] - drawn[j][0]).hypot(drawn[i][1] - drawn[j][1]);
/// assert!(distance(0, 1) < distance(0, 2));
/// # Ok::<(), distil_stats::StatsError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TSne {
    /// About how many neighbours a point has (usual: 5–50); at most a third of the points is used.
    pub perplexity: f64,
    /// Steps of gradient descent.
    pub iterations: usize,
    /// Seed of the first positions.
    pub seed: u64,
}

impl Default for TSne {
    fn default() -> Self {
        Self { perplexity: 30.0, iterations: 750, seed: 0 }
    }
}

impl TSne {
    /// Positions `[n]` of `points` `[n, dims]` (row-major), around the origin.
    ///
    /// # Errors
    /// [`StatsError::TooFew`] below four points, [`StatsError::NotFinite`], [`StatsError::OutOfRange`] when the values
    /// are not rows of `dims` or the perplexity is not positive.
    pub fn embed(&self, points: &[f32], dims: usize) -> Result<Vec<[f64; 2]>, StatsError> {
        if !(self.perplexity > 0.0 && self.perplexity.is_finite()) {
            let value = self.perplexity.to_string();
            return Err(StatsError::OutOfRange { what: "perplexity", value, range: "a positive number" });
        }
        let n = rows(points, dims)?;
        if n < 4 {
            return Err(StatsError::TooFew { what: "t-SNE", needed: 4, found: n });
        }
        let likeness = self.likeness(&squared_distances(points, dims));
        let mut state = Descent::new(n, self.seed);
        for iteration in 0..self.iterations {
            let (exaggeration, momentum) = if iteration < EARLY { (EXAGGERATION, 0.5) } else { (1.0, 0.8) };
            state.step(&likeness, exaggeration, momentum);
        }
        Ok(state.positions)
    }

    /// The symmetric probabilities of pairs, `[n, n]`.
    fn likeness(&self, distances: &[f64]) -> Vec<f64> {
        let n = distances.len().isqrt();
        let wanted = self.perplexity.min((n - 1) as f64 / 3.0).max(1.0).ln();
        let conditional: Vec<f64> =
            (0..n).flat_map(|i| neighbours(&distances[i * n..][..n], i, wanted)).collect();
        let pair = |at: usize| (conditional[at] + conditional[at % n * n + at / n]) / (2 * n) as f64;
        (0..n * n).map(|at| pair(at).max(LEAST)).collect()
    }
}

/// Mean Euclidean distance of all pairs of points `[n, dims]` (row-major) with different `labels` `[n]`; `None` where
/// there is no such pair.
///
/// # Errors
/// [`StatsError::OutOfRange`] when there is not one row of `dims` a label, [`StatsError::NotFinite`].
pub fn inter_class_distance(points: &[f32], dims: usize, labels: &[u32]) -> Result<Option<f64>, StatsError> {
    let n = rows(points, dims)?;
    if n != labels.len() {
        let value = format!("{n} for {} labels", labels.len());
        return Err(StatsError::OutOfRange { what: "points", value, range: "one row a label" });
    }
    let distances = squared_distances(points, dims);
    let pairs = (0..n).flat_map(|i| (0..i).map(move |j| (i, j)));
    let apart: Vec<f64> =
        pairs.filter(|(i, j)| labels[*i] != labels[*j]).map(|(i, j)| distances[i * n + j].sqrt()).collect();
    Ok((!apart.is_empty()).then(|| apart.iter().sum::<f64>() / apart.len() as f64))
}

fn rows(points: &[f32], dims: usize) -> Result<usize, StatsError> {
    if let Some(index) = points.iter().position(|value| !value.is_finite()) {
        return Err(StatsError::NotFinite { index });
    }
    if dims == 0 || !points.len().is_multiple_of(dims) {
        let value = format!("{} values", points.len());
        return Err(StatsError::OutOfRange { what: "points", value, range: "rows of equal length" });
    }
    Ok(points.len() / dims)
}

/// `[n, n]`
fn squared_distances(points: &[f32], dims: usize) -> Vec<f64> {
    let n = points.len() / dims;
    let mut distances = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..i {
            let pairs = points[i * dims..][..dims].iter().zip(&points[j * dims..][..dims]);
            let distance = pairs.map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum();
            distances[i * n + j] = distance;
            distances[j * n + i] = distance;
        }
    }
    distances
}

/// Probabilities of one point's neighbours: a Gaussian whose entropy is `wanted`.
fn neighbours(distances: &[f64], own: usize, wanted: f64) -> Vec<f64> {
    let others = || distances.iter().enumerate().filter(|(j, _)| *j != own);
    let nearest = others().map(|(_, d)| *d).fold(f64::INFINITY, f64::min);
    let (mut beta, mut low, mut high) = (1.0, 0.0, f64::INFINITY);
    let mut weights = vec![0.0; distances.len()];
    for _ in 0..HALVINGS {
        let (mut total, mut energy) = (0.0, 0.0);
        for (j, distance) in others() {
            let above = distance - nearest;
            weights[j] = (-beta * above).exp();
            total += weights[j];
            energy += above * weights[j];
        }
        let entropy = f64::ln(total) + beta * energy / total;
        for weight in &mut weights {
            *weight /= total;
        }
        if entropy > wanted {
            low = beta;
            beta = if high.is_finite() { f64::midpoint(low, high) } else { 2.0 * beta };
        } else {
            high = beta;
            beta = f64::midpoint(low, high);
        }
    }
    weights
}

/// Gradient descent with momentum and a gain for each coordinate.
struct Descent {
    positions: Vec<[f64; 2]>,
    velocities: Vec<[f64; 2]>,
    gains: Vec<[f64; 2]>,
    rate: f64,
}

impl Descent {
    fn new(n: usize, seed: u64) -> Self {
        let mut rng = stream(seed, "t-sne", 0);
        let mut draw = || SPREAD * f64::from(normal(&mut rng));
        let positions = (0..n).map(|_| [draw(), draw()]).collect();
        let rate = (n as f64 / EXAGGERATION / 4.0).max(50.0);
        // A few points would jump over each other at the usual rate.
        let rate = rate.min(10.0 * n as f64);
        Self { positions, velocities: vec![[0.0; 2]; n], gains: vec![[1.0; 2]; n], rate }
    }

    fn step(&mut self, likeness: &[f64], exaggeration: f64, momentum: f64) {
        let gradient = self.gradient(likeness, exaggeration);
        let n = self.positions.len() as f64;
        let mut centre = [0.0; 2];
        for (i, gradient) in gradient.iter().enumerate() {
            for axis in 0..2 {
                let (velocity, gain) = (&mut self.velocities[i][axis], &mut self.gains[i][axis]);
                let turned = (gradient[axis] > 0.0) == (*velocity > 0.0);
                *gain = if turned { (*gain * 0.8).max(0.01) } else { *gain + 0.2 };
                *velocity = momentum * *velocity - self.rate * *gain * gradient[axis];
                self.positions[i][axis] += *velocity;
                centre[axis] += self.positions[i][axis] / n;
            }
        }
        for position in &mut self.positions {
            *position = [position[0] - centre[0], position[1] - centre[1]];
        }
    }

    /// 4 Σ_j (p_ij − q_ij)(y_i − y_j) / (1 + ‖y_i − y_j‖²).
    fn gradient(&self, likeness: &[f64], exaggeration: f64) -> Vec<[f64; 2]> {
        let n = self.positions.len();
        let mut attraction = vec![[0.0; 2]; n];
        let mut repulsion = vec![[0.0; 2]; n];
        let mut total = 0.0;
        for i in 0..n {
            for j in 0..i {
                let apart = [0, 1].map(|axis| self.positions[i][axis] - self.positions[j][axis]);
                let kernel = 1.0 / (1.0 + apart[0] * apart[0] + apart[1] * apart[1]);
                total += 2.0 * kernel;
                let (pull, push) = (exaggeration * likeness[i * n + j] * kernel, kernel * kernel);
                for axis in 0..2 {
                    attraction[i][axis] += pull * apart[axis];
                    attraction[j][axis] -= pull * apart[axis];
                    repulsion[i][axis] += push * apart[axis];
                    repulsion[j][axis] -= push * apart[axis];
                }
            }
        }
        let both = attraction.iter().zip(&repulsion);
        both.map(|(pull, push)| [0, 1].map(|axis| 4.0 * (pull[axis] - push[axis] / total))).collect()
    }
}

#[cfg(test)]
mod tests {
    use distil_random::{normal, stream};

    use super::{Descent, TSne, inter_class_distance, squared_distances};

    const DIMS: usize = 12;

    /// Three clouds of 20 points, far apart in 12 dimensions.
    fn clouds() -> (Vec<f32>, Vec<usize>) {
        let mut rng = stream(3, "clouds", 0);
        let labels: Vec<usize> = (0..60).map(|i| i % 3).collect();
        let mut value = |label, axis| normal(&mut rng) + if axis == label { 12.0 } else { 0.0 };
        (
            labels
                .iter()
                .flat_map(|&label| (0..DIMS).map(move |axis| (label, axis)))
                .map(|(l, a)| value(l, a))
                .collect(),
            labels,
        )
    }

    #[test]
    fn neighbours_stay_neighbours() {
        let (points, labels) = clouds();
        let drawn = TSne { perplexity: 10.0, ..TSne::default() }.embed(&points, DIMS).unwrap();
        let distance = |i: usize, j: usize| (drawn[i][0] - drawn[j][0]).hypot(drawn[i][1] - drawn[j][1]);
        let stray = |i: &usize| {
            let mut others: Vec<usize> = (0..60).filter(|j| j != i).collect();
            others.sort_by(|a, b| distance(*i, *a).total_cmp(&distance(*i, *b)));
            others[..10].iter().filter(|j| labels[**j] == labels[*i]).count() < 9
        };
        // Now and then a point is shut out by the others of its kind; scikit-learn's are, too.
        let strays = (0..60).filter(stray).count();
        assert!(strays <= 2, "{strays} of 60 points are not among their kind");
        assert!(drawn.iter().flatten().all(|value| value.is_finite()));
        assert!(drawn.iter().map(|p| p[0]).sum::<f64>().abs() < 1e-6);
    }

    #[test]
    fn a_seed_is_a_picture() {
        let (points, _) = clouds();
        let with = |seed| TSne { iterations: 20, seed, ..TSne::default() }.embed(&points, DIMS).unwrap();
        assert_eq!(with(1), with(1));
        assert_ne!(with(1), with(2));
    }

    /// The gradient is that of Σ p log(p / q), by central differences.
    #[test]
    fn descent_follows_the_divergence() {
        let (points, _) = clouds();
        let few = &points[..8 * DIMS];
        let likeness = TSne::default().likeness(&squared_distances(few, DIMS));
        let mut state = Descent::new(8, 5);
        for (i, position) in state.positions.iter_mut().enumerate() {
            *position = [(i as f64).sin(), (i as f64 * 1.7).cos()];
        }
        let divergence = |state: &Descent| {
            let kernel = |i: usize, j: usize| {
                let (a, b) = (state.positions[i], state.positions[j]);
                1.0 / (1.0 + (a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2))
            };
            let pairs = || (0..8).flat_map(|i| (0..8).map(move |j| (i, j))).filter(|(i, j)| i != j);
            let total: f64 = pairs().map(|(i, j)| kernel(i, j)).sum();
            pairs()
                .map(|(i, j)| {
                    let p = likeness[i * 8 + j];
                    p * (p / (kernel(i, j) / total)).ln()
                })
                .sum::<f64>()
        };
        let gradient = state.gradient(&likeness, 1.0);
        for (i, axis) in [(0, 0), (3, 1), (7, 0)] {
            let mut at = |step: f64| {
                state.positions[i][axis] += step;
                let value = divergence(&state);
                state.positions[i][axis] -= step;
                value
            };
            let numeric = (at(1e-5) - at(-1e-5)) / 2e-5;
            assert!((numeric - gradient[i][axis]).abs() < 1e-7, "{numeric} and {}", gradient[i][axis]);
        }
    }

    #[test]
    fn distances_are_of_pairs_of_different_classes() {
        let points = [0.0, 0.0, 3.0, 4.0, 0.0, 1.0f32];
        let distance = |labels: &[u32]| inter_class_distance(&points, 2, labels).unwrap();
        assert_eq!(distance(&[0, 1, 0]), Some(f64::midpoint(5.0, f64::sqrt(18.0))));
        assert_eq!(distance(&[1, 1, 1]), None);
        assert!(inter_class_distance(&points, 2, &[0]).is_err());
        assert!(inter_class_distance(&[f32::NAN], 1, &[0]).is_err());
    }

    #[test]
    fn what_cannot_be_drawn_is_refused() {
        let refused = |tsne: TSne, points: &[f32], dims| tsne.embed(points, dims).unwrap_err().to_string();
        assert!(refused(TSne::default(), &[0.0; 3], 1).contains("at least 4"));
        assert!(refused(TSne::default(), &[0.0; 9], 2).contains("rows"));
        assert!(refused(TSne { perplexity: 0.0, ..TSne::default() }, &[0.0; 9], 1).contains("perplexity"));
        let same = TSne { iterations: 300, ..TSne::default() }.embed(&[1.0; 20], 2).unwrap();
        assert!(same.iter().flatten().all(|value| value.is_finite()), "equal points are no trouble");
    }
}
