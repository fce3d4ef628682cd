use crate::{Family, Init, Method, MethodRow, Selection};

/// The method's row.
pub(super) const ROW: MethodRow = MethodRow {
    name: "random",
    title: "Random real images",
    published: "the baseline of every table",
    preset: Method::random,
    family: Family::of::<Selection>(),
    sections: &[],
    citations: &[],
};

impl Method {
    /// Random real images: the baseline of every table.
    pub fn random() -> Self {
        Self { iterations: 0, init: Init::Real, ..Self::of(Selection {}) }
    }
}
