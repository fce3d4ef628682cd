use burn::tensor::{DType, Device, Tensor, TensorData};
use distil_data::Split;
use distil_models::Network;
use distil_stats::Tally;

/// Images a forward pass; bounds memory only.
pub const TEST_BATCH: usize = 250;

/// Top-1 accuracy of `net` at `theta` `[P]` and `buffers` `[B]` on a labelled split, in `[0, 1]`; 0 on an empty split.
///
/// A network whose outputs are not finite classifies nothing correctly.
pub fn accuracy(
    net: &Network,
    theta: &Tensor<1>,
    buffers: &Tensor<1>,
    split: &Split,
    device: &Device,
) -> f64 {
    tally(net, theta, buffers, split, device).top1()
}

/// Everything that `net` at `theta` `[P]` and `buffers` `[B]` says about a labelled split.
///
/// # Panics
/// When a label is no class of the network.
pub fn tally(net: &Network, theta: &Tensor<1>, buffers: &Tensor<1>, split: &Split, device: &Device) -> Tally {
    let [channels, height, width] = net.image_shape();
    let rows: Vec<usize> = (0..split.labels.len()).collect();
    let mut tally = Tally::new(net.classes());
    for rows in rows.chunks(TEST_BATCH) {
        let shape = [rows.len(), channels, height, width];
        let data = TensorData::new(split.images.gather(rows), shape);
        let out = net.logits(theta, buffers, &Tensor::from_data(data, (device, DType::F32)));
        let out: Vec<f32> = out.into_data().iter::<f32>().collect();
        let labels: Vec<u32> = rows.iter().map(|&row| split.labels[row]).collect();
        tally.add(&out, &labels).expect("the network has the classes of the split");
    }
    tally
}
