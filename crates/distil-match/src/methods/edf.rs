use super::{FLAT_EXPERTS, LONG_EXPERTS};
use crate::{
    AreaEnhancement, CommonPatternDropout, Family, Ipc, Method, MethodRow, TrajectoryMatching, Window,
};

/// The method's row.
pub(super) const ROW: MethodRow = MethodRow {
    name: "edf",
    title: "Emphasising discriminative features",
    published: "Wang et al., CVPR 2025",
    preset: Method::edf,
    family: Family::of::<TrajectoryMatching>(),
    sections: &[LONG_EXPERTS, FLAT_EXPERTS, "[eval]\nprotocol = \"datm\"\n"],
    citations: &[
        include_str!("bibtex/mtt.bib"),
        include_str!("bibtex/ftd.bib"),
        include_str!("bibtex/datm.bib"),
        distil_data::COMP_DD_BIBTEX,
    ],
};

impl Method {
    /// EDF (Wang et al. 2025): DATM with common-pattern dropout and discriminative-area enhancement; settings
    /// for ImageNette at ten images a class. Without the two, this is DATM to the last bit.
    ///
    /// Paper and public code agree on all of these; the paper does not print the window, the gate, `syn_lr` and
    /// its own step size, which are the public code's. Both name a `batch_syn` above the number of images, which
    /// means all of them.
    pub fn edf() -> Self {
        let method = Self {
            ipc: Ipc::Each(10),
            image_lr: 1000.0,
            label_lr: 2.0,
            syn_lr_lr: 1e-5,
            loss_gate: 1.5,
            ..Self::datm()
        };
        method.with_trajectory(|trajectory| {
            trajectory.syn_steps = 40;
            trajectory.window = Window { min: 0, max: 20, initial_max: Some(10), expand_until: 1000 };
            trajectory.dropout = Some(CommonPatternDropout::default());
            trajectory.enhancement = Some(AreaEnhancement::default());
        })
    }
}
