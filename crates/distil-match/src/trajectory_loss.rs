use distil_models::Layout;

use crate::CommonPatternDropout;
use crate::dropout::{Draw, spread};

/// The matching loss ‖θ_N − θ*‖² / ‖θ_0 − θ*‖² and what the adjoint loop needs of it.
#[derive(Debug, Clone)]
pub struct TrajectoryLoss {
    /// The loss; not finite when student and expert started at the same point.
    pub loss: f64,
    /// The same without dropout.
    pub full: f64,
    /// λ_N = ∂loss/∂θ_N `[P]`.
    pub lambda: Vec<f64>,
    /// Which units were kept: `P` scalars or one a parameter tensor. `None` without dropout.
    pub kept: Option<Vec<bool>>,
}

/// Compares a student's θ_N with an expert's θ* (MTT eq. 2; EDF eq. 2 with dropout).
///
/// All vectors are `[P]`, in f32 or f64. With dropout, the kept units restrict numerator and denominator alike and
/// count as constants under differentiation. Computed on the host in f64, without copies of the vectors: P is small next to a
/// forward pass, and the result does not depend on a device's order of summation. `draw` names the random numbers of
/// dropout criteria that draw.
///
/// # Panics
/// When the vectors differ in length.
pub fn trajectory_loss<S: Copy + Into<f64>>(
    layout: &Layout,
    theta_n: &[S],
    theta_0: &[S],
    target: &[S],
    dropout: Option<CommonPatternDropout>,
    draw: Draw,
) -> TrajectoryLoss {
    assert!(theta_n.len() == target.len() && theta_0.len() == target.len(), "vectors of one network");
    let difference = |a: S, b: S| -> f64 { Into::<f64>::into(a) - Into::<f64>::into(b) };
    // λ once it is divided.
    let mut error: Vec<f64> = theta_n.iter().zip(target).map(|(&a, &b)| difference(a, b)).collect();
    let kept = dropout.and_then(|dropout| dropout.kept(layout, &error, draw));
    let mask: Option<Vec<bool>> = kept.as_ref().map(|kept| spread(layout, kept, error.len()));
    let keeps = |i: usize| mask.as_ref().is_none_or(|mask| mask[i]);
    let square = |difference: f64| difference * difference;
    let ratio = |counts: &dyn Fn(usize) -> bool| {
        let (mut numerator, mut denominator) = (0.0, 0.0);
        for (i, e) in error.iter().enumerate().filter(|(i, _)| counts(*i)) {
            numerator += square(*e);
            denominator += square(difference(theta_0[i], target[i]));
        }
        (numerator / denominator, denominator)
    };
    let (loss, denominator) = ratio(&keeps);
    let full = if mask.is_some() { ratio(&|_| true).0 } else { loss };
    for (i, e) in error.iter_mut().enumerate() {
        *e = if keeps(i) { 2.0 * *e / denominator } else { 0.0 };
    }
    TrajectoryLoss { loss, full, lambda: error, kept }
}

impl TrajectoryLoss {
    /// How many scalars of every parameter tensor were dropped, in the order of `layout`; `None` without dropout.
    pub fn dropped_by_layer(&self, layout: &Layout) -> Option<Vec<usize>> {
        let kept = spread(layout, self.kept.as_ref()?, layout.params());
        let mut rest = kept.as_slice();
        let count = |entry: &distil_models::Entry| {
            let (layer, tail) = rest.split_at(entry.len());
            rest = tail;
            layer.iter().filter(|keep| !**keep).count()
        };
        Some(layout.entries().iter().map(count).collect())
    }
}
