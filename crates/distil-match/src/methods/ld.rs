use distil_store::LabelKind;

use crate::{Family, Init, Method, MethodRow, Unrolled};

/// The method's row.
pub(super) const ROW: MethodRow = MethodRow {
    name: "ld",
    title: "Label distillation",
    published: "Bohdal et al., 2020",
    preset: Method::ld,
    family: Family::of::<Unrolled>(),
    sections: &[],
    citations: &[include_str!("bibtex/ld.bib")],
};

impl Method {
    /// Label distillation (Bohdal et al. 2020): real images stay as they are, their labels alone are learned. The step
    /// size is ours, as in [`Method::dd`]; a few times larger, it diverges.
    pub fn ld() -> Self {
        Self {
            init: Init::Real,
            labels: LabelKind::Soft,
            image_lr: 0.0,
            label_lr: 5.0,
            label_momentum: 0.5,
            syn_lr_lr: 0.0,
            ..Self::dd()
        }
    }
}
