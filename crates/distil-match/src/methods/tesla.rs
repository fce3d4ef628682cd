use crate::{Family, Gradient, Method, MethodRow, TrajectoryMatching};

/// The method's row.
pub(super) const ROW: MethodRow = MethodRow {
    name: "tesla",
    title: "Trajectory matching in constant memory, with a truncated gradient",
    published: "Cui et al., ICML 2023",
    preset: Method::tesla,
    family: Family::of::<TrajectoryMatching>(),
    sections: &[],
    citations: &[include_str!("bibtex/mtt.bib"), include_str!("bibtex/tesla.bib")],
};

impl Method {
    /// TESLA (Cui et al. 2023): MTT with the truncated gradient, with its settings for CIFAR-10 at one image a class
    /// and hard labels; `labels = "soft"` with `soft_labels = "teacher"` is its setting for ImageNet-1K. The public
    /// code's image gradient is half of its formula, so that its `image_lr` of 1000 moves images as 500 does here.
    pub fn tesla() -> Self {
        let method = Self { image_lr: 1000.0, ..Self::mtt() };
        method.with_trajectory(|trajectory| {
            trajectory.window.max = 5;
            trajectory.gradient = Gradient::Tesla;
        })
    }
}
