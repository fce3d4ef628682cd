use crate::{Family, GradientMatching, Init, Method, MethodRow};

/// Steps between two choices of real images (the public code's `interval`).
const INTERVAL: usize = 10;

/// The method's row.
pub(super) const ROW: MethodRow = MethodRow {
    name: "dream",
    title: "Matching representative real images (DREAM)",
    published: "Liu et al., ICCV 2023",
    preset: Method::dream,
    family: Family::of::<GradientMatching>(),
    sections: &["[eval]\nprotocol = \"idc\"\n"],
    citations: &[include_str!("bibtex/idc.bib"), include_str!("bibtex/dream.bib")],
};

impl Method {
    /// DREAM (Liu et al. 2023): IDC with real batches of the images nearest to k-means centroids, chosen anew every ten steps, and a
    /// start of such images. Settings of the public code for CIFAR at ten images a class.
    pub fn dream() -> Self {
        let mut method = Self { init: Init::MixKMeans, ..Self::idc() };
        method.change(|gradient: &mut GradientMatching| {
            (gradient.batch_real, gradient.cluster_every) = (128, Some(INTERVAL));
        });
        method
    }
}
