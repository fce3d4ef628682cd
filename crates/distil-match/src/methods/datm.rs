use distil_store::LabelKind;

use super::{FLAT_EXPERTS, LONG_EXPERTS};
use crate::{Family, Init, Method, MethodRow, TrajectoryMatching};

/// The method's row.
pub(super) const ROW: MethodRow = MethodRow {
    name: "datm",
    title: "Difficulty-aligned trajectory matching",
    published: "Guo et al., ICLR 2024",
    preset: Method::datm,
    family: Family::of::<TrajectoryMatching>(),
    sections: &[LONG_EXPERTS, FLAT_EXPERTS, "[eval]\nprotocol = \"datm\"\n"],
    citations: &[
        include_str!("bibtex/mtt.bib"),
        include_str!("bibtex/ftd.bib"),
        include_str!("bibtex/datm.bib"),
    ],
};

impl Method {
    /// DATM (Guo et al. 2024): correctly classified initial images, soft labels, a widening window
    /// and a loss gate; settings for CIFAR-10 at one image a class.
    pub fn datm() -> Self {
        let method = Self {
            iterations: 10_000,
            init: Init::Correct,
            labels: LabelKind::Soft,
            label_lr: 5.0,
            loss_gate: 1.1,
            ..Self::mtt()
        };
        method.with_trajectory(|trajectory| {
            trajectory.syn_steps = 80;
            trajectory.window.max = 4;
        })
    }
}
