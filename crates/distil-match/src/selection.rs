//! Selections of real images: the baselines that learn nothing.

use distil_hypergrad::Differentiation;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Cost, Distiller, Inputs, Method, MethodError, NormMode, Objective, Passes, StepError, StepOutcome,
    StepStatus,
};

/// A selection of real images: what is chosen is [`Method::init`]'s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Selection {}

impl Objective for Selection {
    type State = ();

    fn check(&self, _method: &Method, _epochs: usize) -> Result<(), MethodError> {
        Ok(())
    }

    fn cost(&self, images: usize, _classes: usize) -> Cost {
        let (passes, products) = (Passes::default(), Differentiation::Exact);
        Cost { batch_syn: images, syn_steps: 0, batch_real: 0, passes, products }
    }

    fn batch_norms(&self) -> NormMode {
        NormMode::Trained
    }

    fn learns(&self) -> bool {
        false
    }

    fn step(
        &self,
        _own: &mut (),
        distiller: &mut Distiller,
        _inputs: &Inputs<'_>,
    ) -> Result<StepOutcome, StepError> {
        Ok(distiller.outcome(0.0, StepStatus::Applied))
    }
}

/// Features of the images of one class, row by row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Features {
    /// `[n, width]`.
    pub(crate) values: Vec<f32>,
    /// Features of an image.
    pub(crate) width: usize,
}

impl Features {
    /// Row by row.
    pub(crate) fn rows(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.values.chunks_exact(self.width)
    }

    /// Features of one image.
    pub(crate) fn row(&self, i: usize) -> &[f32] {
        &self.values[i * self.width..(i + 1) * self.width]
    }

    /// Their mean.
    pub(crate) fn mean(&self) -> Vec<f64> {
        let mut mean = vec![0f64; self.width];
        for row in self.rows() {
            mean.iter_mut().zip(row).for_each(|(sum, &value)| *sum += f64::from(value));
        }
        let n = self.rows().len() as f64;
        for sum in &mut mean {
            *sum /= n;
        }
        mean
    }

    /// The first of the rows that are not `chosen` with the least value.
    pub(crate) fn first_least(&self, chosen: &[usize], of: impl Fn(&[f32]) -> f64) -> usize {
        let free = self.rows().enumerate().filter(|(i, _)| !chosen.contains(i));
        let least = free.map(|(i, row)| (i, of(row))).min_by(|a, b| a.1.total_cmp(&b.1));
        least.expect("an image is left").0
    }
}

/// ‖row − point‖².
pub(crate) fn square_distance(row: &[f32], point: &[f64]) -> f64 {
    row.iter().zip(point).map(|(&a, b)| (f64::from(a) - b).powi(2)).sum()
}
