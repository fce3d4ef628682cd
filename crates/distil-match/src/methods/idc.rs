use distil_augment::Strategy;
use distil_store::Decoding;

use crate::{Distance, Family, GradientMatching, Init, Method, MethodRow, Pixels, RealTraining};

/// The method's row.
pub(super) const ROW: MethodRow = MethodRow {
    name: "idc",
    title: "Efficient synthetic-data parameterisation (IDC)",
    published: "Kim et al., ICML 2022",
    preset: Method::idc,
    family: Family::of::<GradientMatching>(),
    sections: &["[eval]\nprotocol = \"idc\"\n"],
    citations: &[include_str!("bibtex/dc.bib"), include_str!("bibtex/idc.bib")],
};

impl Method {
    /// IDC (Kim et al. 2022): gradients of convolutions alone, matched on networks that train on real images, through tiles: each stored
    /// image holds 2 × 2 pictures. Settings of the public code for CIFAR at ten images a class; `image_lr` there grows with
    /// the images a class (5e-4 times them).
    pub fn idc() -> Self {
        let objective = GradientMatching {
            outer_loop: Some(100),
            inner_loop: Some(1),
            distance: Distance::ConvMse,
            batch_real: 64,
            cluster_every: None,
            batch_train: 64,
            inner_momentum: 0.9,
            real_training: Some(RealTraining::default()),
            pixels: Pixels::Unit,
        };
        Self {
            ipc: 10.into(),
            iterations: 2000,
            image_lr: 5e-3,
            init: Init::Mix,
            decoding: Decoding::Tiles { factor: 2 },
            augmentation: Strategy::idc(),
            validate_every: 100,
            ..Self::of(objective)
        }
    }
}
