use distil_augment::Strategy;

use crate::{Family, GradientMatching, Init, Method, MethodRow};

/// The method's row.
pub(super) const ROW: MethodRow = MethodRow {
    name: "dsa",
    title: "Gradient matching with differentiable siamese augmentation",
    published: "Zhao & Bilen, ICML 2021",
    preset: Method::dsa,
    family: Family::of::<GradientMatching>(),
    sections: &[],
    citations: &[include_str!("bibtex/dc.bib"), include_str!("bibtex/dsa.bib")],
};

impl Method {
    /// DSA (Zhao & Bilen 2021): DC from real images, which it sees together with the synthetic ones under one random
    /// transformation a class and step.
    pub fn dsa() -> Self {
        Self { init: Init::Real, augmentation: Strategy::dsa(), ..Self::dc() }
    }
}
