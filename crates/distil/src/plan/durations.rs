//! How long the steps of a reproduction take on this device.

use super::{Plan, Times};

/// Sets of a run that students are trained on: the last and the best one, and random real images.
const SETS: f64 = 3.0;

/// Seconds, all experts and students counted, whether some of them are there already or not.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Durations {
    /// Training the experts.
    pub experts: f64,
    /// Distilling, with validations.
    pub distillation: f64,
    /// Training and testing one student on a set.
    pub student: f64,
    /// Training and testing one student on all data.
    pub full_student: f64,
    /// Students of each row of the evaluation.
    pub seeds: usize,
    /// Students on all data.
    pub full_seeds: usize,
}

impl Durations {
    /// Evaluating a run: its sets, random real images and all data.
    pub fn evaluation(&self) -> f64 {
        self.seeds as f64 * SETS * self.student + self.full_seeds as f64 * self.full_student
    }

    /// From experts to results.
    pub fn total(&self) -> f64 {
        self.experts + self.distillation + self.evaluation()
    }
}

impl Plan<'_> {
    /// How long the steps of this plan take, from times on this device, which may be those of another plan with the same network.
    pub fn durations(&self, times: &Times) -> Durations {
        let (recipe, eval, method) = (&self.config.expert, &self.config.eval, &self.config.distill);
        let times = times.of_run(self.config, &self.net, self.synthetic_and_held_out());
        let [train, _, test] = self.images.map(|images| images as f64);
        let gradients = |images: f64, epochs: usize| images * epochs as f64 * times.plain;
        let tested = test * Times::CLASSIFICATION * times.plain;
        // GSAM takes a second gradient at the perturbed parameters.
        let ascents = if recipe.gsam.is_some() { 2.0 } else { 1.0 };
        let experts = if method.needs_experts() { recipe.experts as f64 } else { 0.0 };
        Durations {
            experts: experts * ascents * gradients(train, recipe.epochs),
            distillation: times.total(method.iterations),
            student: gradients(self.job().images() as f64, eval.epochs + 1) + tested,
            full_student: gradients(train, eval.full_epochs + 1) + tested,
            seeds: eval.seeds,
            full_seeds: eval.seeds_on_full(),
        }
    }
}
