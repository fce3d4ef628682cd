use distil_augment::Strategy;

use crate::{Distance, Family, GradientMatching, Init, Method, MethodRow, Pixels};

/// The method's row.
pub(super) const ROW: MethodRow = MethodRow {
    name: "dc",
    title: "Dataset condensation with gradient matching",
    published: "Zhao et al., ICLR 2021",
    preset: Method::dc,
    family: Family::of::<GradientMatching>(),
    // Evaluated without augmentation, and for fewer epochs.
    sections: &[r#"
[eval]
epochs = 300
augmentation = "none"
"#],
    citations: &[include_str!("bibtex/dc.bib")],
};

impl Method {
    /// DC (Zhao et al. 2021): gradient matching from noise, without augmentation.
    pub fn dc() -> Self {
        let objective = GradientMatching {
            outer_loop: None,
            inner_loop: None,
            distance: Distance::Ours,
            batch_real: 256,
            cluster_every: None,
            batch_train: 256,
            inner_momentum: 0.0,
            real_training: None,
            pixels: Pixels::Normalised,
        };
        Self { image_lr: 0.1, init: Init::Noise, augmentation: Strategy::none(), ..Self::of(objective) }
    }
}
