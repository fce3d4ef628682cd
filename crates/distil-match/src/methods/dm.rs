use crate::{DistributionMatching, Family, Method, MethodRow};

/// The method's row.
pub(super) const ROW: MethodRow = MethodRow {
    name: "dm",
    title: "Distribution matching",
    published: "Zhao & Bilen, WACV 2023",
    preset: Method::dm,
    family: Family::of::<DistributionMatching>(),
    sections: &[],
    citations: &[include_str!("bibtex/dm.bib")],
};

impl Method {
    /// DM (Zhao & Bilen 2023): mean embeddings by random networks, from real images, under DSA's transformations; settings for
    /// up to 50 images a class (from 100 on, the public code has `image_lr` 10).
    pub fn dm() -> Self {
        Self {
            iterations: 20_000,
            validate_every: 2000,
            ..Self::of(DistributionMatching { batch_real: 256 })
        }
    }
}
