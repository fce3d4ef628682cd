use std::ops::Range;

use burn::tensor::Tensor;
use distil_kernels::{Weights, features};

use crate::{ConvNet, Plain, reduce_chunks, scalars, vector};

impl ConvNet {
    /// The mean of the flattened features `[f]` before the classifier at `theta` `[P]`, over `n` images of which `rows`
    /// makes any range when it is needed; zero where there is no image.
    ///
    /// There is no graph, and no more than the chunks at work, of at most `micro_batch` images, are ever alive.
    pub fn mean_features(
        &self,
        theta: &Tensor<1>,
        n: usize,
        micro_batch: usize,
        rows: impl Fn(Range<usize>) -> Tensor<4> + Sync + Send,
    ) -> Tensor<1> {
        let (device, columns) = (theta.device(), self.features());
        let sum = |features: Tensor<2>| features.sum_dim(0).reshape([columns]);
        let add = |sum: Tensor<1>, part: Tensor<1>| sum + part;
        let total = if let Some(net) = self.kernels(&device, theta.dtype()) {
            let weights = Weights::new(&net, &scalars(theta.clone()));
            let work = |range: Range<usize>| {
                let count = range.len();
                let found = features(&net, &weights, &scalars(rows(range)));
                sum(vector(found, &device).reshape([count, columns]))
            };
            reduce_chunks(n, micro_batch, &device, work, add)
        } else {
            let params = self.layout().split(theta.clone());
            let work = |range| sum(self.embed::<Plain>(&params, rows(range)));
            reduce_chunks(n, micro_batch, &device, work, add)
        };
        match total {
            Some(total) => total / n as f64,
            None => Tensor::zeros([columns], (&device, theta.dtype())),
        }
    }
}
