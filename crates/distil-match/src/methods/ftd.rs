use super::FLAT_EXPERTS;
use crate::{Family, Method, MethodRow, TrajectoryMatching};

/// The method's row.
pub(super) const ROW: MethodRow = MethodRow {
    name: "ftd",
    title: "Flat trajectory distillation",
    published: "Du et al., CVPR 2023",
    preset: Method::ftd,
    family: Family::of::<TrajectoryMatching>(),
    sections: &[FLAT_EXPERTS],
    citations: &[include_str!("bibtex/mtt.bib"), include_str!("bibtex/ftd.bib")],
};

impl Method {
    /// FTD (Du et al. 2023): MTT on flat experts, with an EMA of the images.
    pub fn ftd() -> Self {
        Self { ema: 0.9999, ..Self::mtt() }
    }
}
