use distil_store::LabelKind;

use super::{FLAT_EXPERTS, LONG_EXPERTS};
use crate::{Family, Ipc, Method, MethodRow, TrajectoryMatching, Window};

/// The method's row.
pub(super) const ROW: MethodRow = MethodRow {
    name: "m-datm",
    title: "DATM as it won the first dataset distillation challenge",
    published: "Zhou et al., ECCV 2024 workshop",
    preset: Method::m_datm,
    family: Family::of::<TrajectoryMatching>(),
    sections: &[LONG_EXPERTS, FLAT_EXPERTS, "[eval]\nprotocol = \"eccv-2024\"\n"],
    citations: &[
        include_str!("bibtex/mtt.bib"),
        include_str!("bibtex/ftd.bib"),
        include_str!("bibtex/datm.bib"),
        include_str!("bibtex/m-datm.bib"),
    ],
};

impl Method {
    /// M-DATM (Zhou et al. 2024): DATM with hard labels and its own range. The published range is not
    /// known; this is DATM's for CIFAR-100 at ten images a class, the nearest there is.
    pub fn m_datm() -> Self {
        let method = Self {
            ipc: Ipc::Each(10),
            labels: LabelKind::Hard,
            label_lr: 0.0,
            image_lr: 1000.0,
            syn_lr_lr: 1e-5,
            loss_gate: 1.0,
            ..Self::datm()
        };
        let window = Window { min: 0, max: 50, initial_max: Some(30), expand_until: 2000 };
        method.with_trajectory(|trajectory| trajectory.window = window)
    }
}
