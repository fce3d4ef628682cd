use crate::{Family, Gradient, Method, MethodRow, Range, SoftLabels, TrajectoryMatching, Window};

/// The method's row.
pub(super) const ROW: MethodRow = MethodRow {
    name: "mtt",
    title: "Matching training trajectories",
    published: "Cazenavette et al., CVPR 2022",
    preset: Method::mtt,
    family: Family::of::<TrajectoryMatching>(),
    sections: &[],
    citations: &[include_str!("bibtex/mtt.bib")],
};

impl Method {
    /// MTT (Cazenavette et al. 2022), with its settings for CIFAR-10 at one image a class.
    pub fn mtt() -> Self {
        let objective = TrajectoryMatching {
            syn_steps: 50,
            expert_epochs: 2,
            window: Window { min: 0, max: 2, initial_max: None, expand_until: 0 },
            range: Range::Fixed,
            batch_syn: None,
            dropout: None,
            enhancement: None,
            gradient: Gradient::Exact,
            soft_labels: SoftLabels::Learned,
        };
        Self { iterations: 5000, image_lr: 100.0, syn_lr_lr: 1e-7, ..Self::of(objective) }
    }
}
