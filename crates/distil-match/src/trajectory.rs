use distil_models::Layout;
use serde::{Deserialize, Serialize};

/// Common-pattern dropout (EDF §4.2): the share of smallest matching errors that is left out of the
/// loss, because small errors come from patterns that student and expert share anyway.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommonPatternDropout {
    /// Share α of the errors that is dropped, in `[0, 1)`.
    pub ratio: f64,
    /// What counts as one error.
    pub granularity: Granularity,
}

/// The unit of common-pattern dropout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Granularity {
    /// Each scalar parameter's squared error (public code).
    Scalar,
    /// Each parameter tensor's summed squared error.
    Tensor,
}

/// The matching loss ‖θ_N − θ*‖² / ‖θ_0 − θ*‖² and what the adjoint loop needs of it.
#[derive(Debug, Clone)]
pub struct TrajectoryLoss {
    /// The loss; not finite when student and expert started at the same point.
    pub loss: f64,
    /// λ_N = ∂loss/∂θ_N `[P]`.
    pub lambda: Vec<f64>,
    /// Which units were kept: `P` scalars or one a parameter tensor. `None` without dropout.
    pub kept: Option<Vec<bool>>,
}

/// Compares a student's θ_N with an expert's θ* (MTT eq. 2; EDF eq. 3 with dropout).
///
/// All vectors are `[P]`. With dropout, the kept units restrict numerator and denominator alike and
/// count as constants under differentiation. Computed on the host in f64: P is small next to a
/// forward pass, and the result does not depend on a device's order of summation.
///
/// # Panics
/// When the vectors differ in length.
pub fn trajectory_loss(
    layout: &Layout,
    theta_n: &[f64],
    theta_0: &[f64],
    target: &[f64],
    dropout: Option<CommonPatternDropout>,
) -> TrajectoryLoss {
    assert!(theta_n.len() == target.len() && theta_0.len() == target.len(), "vectors of one network");
    let error: Vec<f64> = theta_n.iter().zip(target).map(|(a, b)| a - b).collect();
    let kept = dropout.filter(|d| d.ratio > 0.0).map(|d| keep_largest(layout, &error, d));
    let mask: Option<Vec<bool>> = kept.as_ref().map(|kept| spread(layout, kept, error.len()));
    let keeps = |i: usize| mask.as_ref().is_none_or(|mask| mask[i]);
    let kept_sum = |squares: &mut dyn Iterator<Item = f64>| -> f64 {
        squares.enumerate().filter(|(i, _)| keeps(*i)).map(|(_, square)| square).sum()
    };
    let numerator = kept_sum(&mut error.iter().map(|e| e * e));
    let denominator = kept_sum(&mut theta_0.iter().zip(target).map(|(a, b)| (a - b) * (a - b)));
    let lambda =
        error.iter().enumerate().map(|(i, e)| if keeps(i) { 2.0 * e / denominator } else { 0.0 }).collect();
    TrajectoryLoss { loss: numerator / denominator, lambda, kept }
}

/// Marks the units that remain after the ⌊α·units⌋ smallest squared errors are dropped; among equal
/// errors the earlier unit goes first.
fn keep_largest(layout: &Layout, error: &[f64], dropout: CommonPatternDropout) -> Vec<bool> {
    let squares: Vec<f64> = match dropout.granularity {
        Granularity::Scalar => error.iter().map(|e| e * e).collect(),
        Granularity::Tensor => {
            let mut rest = error;
            let sum_next = |entry: &distil_models::Entry| {
                let (head, tail) = rest.split_at(entry.len());
                rest = tail;
                head.iter().map(|e| e * e).sum()
            };
            layout.entries().iter().map(sum_next).collect()
        }
    };
    let dropped = (dropout.ratio * squares.len() as f64).floor() as usize;
    let mut kept = vec![true; squares.len()];
    if dropped == 0 {
        return kept;
    }
    let mut order: Vec<usize> = (0..squares.len()).collect();
    let by_size = |a: &usize, b: &usize| squares[*a].total_cmp(&squares[*b]).then(a.cmp(b));
    // A selection, not a sort: linear in P.
    let (smaller, &mut last, _) = order.select_nth_unstable_by(dropped.min(squares.len()) - 1, by_size);
    smaller.iter().chain([&last]).for_each(|&unit| kept[unit] = false);
    kept
}

/// The kept units as a mask over scalars.
fn spread(layout: &Layout, kept: &[bool], params: usize) -> Vec<bool> {
    if kept.len() == params {
        return kept.to_vec();
    }
    layout
        .entries()
        .iter()
        .zip(kept)
        .flat_map(|(entry, &keep)| std::iter::repeat_n(keep, entry.len()))
        .collect()
}
