use crate::{Family, Init, Method, MethodRow, Unrolled};

/// The method's row.
pub(super) const ROW: MethodRow = MethodRow {
    name: "dd",
    title: "Dataset distillation",
    published: "Wang et al., 2018",
    preset: Method::dd,
    family: Family::of::<Unrolled>(),
    sections: &[],
    citations: &[include_str!("bibtex/dd.bib")],
};

impl Method {
    /// Dataset distillation (Wang et al. 2018): images and the inner step size are learned, from noise, for networks
    /// with random weights. The number of steps and the batch are the paper's order of magnitude; our optimiser is SGD
    /// where the paper's is Adam, so the step sizes are ours.
    pub fn dd() -> Self {
        let objective = Unrolled { syn_steps: 10, momentum: 0.0, batch_syn: None, batch_real: 1024 };
        Self {
            iterations: 5000,
            init: Init::Noise,
            image_lr: 100.0,
            syn_lr: 0.02,
            syn_lr_lr: 1e-5,
            ..Self::of(objective)
        }
    }
}
