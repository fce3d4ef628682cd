use distil_store::LabelKind;

use crate::{Coefficient, EffectAlignment, Family, Method, MethodRow, Window};

/// The method's row.
pub(super) const ROW: MethodRow = MethodRow {
    name: "ead",
    title: "Matching the effect of training on real images",
    published: "under review",
    preset: Method::ead,
    family: Family::of::<EffectAlignment>(),
    // The paper says only that its training is short; half of MTT's is ours.
    sections: &[r"
[expert]
epochs = 25
"],
    citations: &[include_str!("bibtex/ead.bib")],
};

impl Method {
    /// EAD ("Learn to synthesize compact datasets by matching effects", under review): real images with an expert's
    /// logits as labels, both learned. The paper prints no value of any setting; these are ours (docs/methods).
    pub fn ead() -> Self {
        let objective = EffectAlignment {
            checkpoints: 4,
            window: Window { min: 0, max: 10, initial_max: None, expand_until: 0 },
            batch_syn: None,
            batch_probe: 256,
            batch_real: 256,
            coefficient: Coefficient::One,
            weights: Vec::new(),
        };
        Self {
            iterations: 5000,
            image_lr: 10.0,
            label_lr: 1.0,
            labels: LabelKind::Soft,
            ..Self::of(objective)
        }
    }
}
