use burn::tensor::{DType, Tensor, TensorData};
use distil_data::Split;
use distil_engine::{At, Engine};
use distil_stats::Tally;

/// Images a forward pass; bounds memory only.
pub const TEST_BATCH: usize = 250;

/// Top-1 accuracy of a network on a labelled split, in `[0, 1]`; 0 on an empty split.
///
/// A network whose outputs are not finite classifies nothing correctly.
pub fn accuracy(engine: &Engine, at: At<'_>, split: &Split) -> f64 {
    tally(engine, at, split).top1()
}

/// Everything that a network says about a labelled split.
///
/// # Panics
/// When a label is not a class of the network.
pub fn tally(engine: &Engine, at: At<'_>, split: &Split) -> Tally {
    let [channels, height, width] = at.net.image_shape();
    let rows: Vec<usize> = (0..split.labels.len()).collect();
    let mut tally = Tally::new(at.net.classes());
    for rows in rows.chunks(TEST_BATCH) {
        let shape = [rows.len(), channels, height, width];
        let data = TensorData::new(split.images.gather(rows), shape);
        let out = engine.logits(at, &Tensor::from_data(data, (engine.device(), DType::F32)));
        let out: Vec<f32> = out.into_data().iter::<f32>().collect();
        let labels: Vec<u32> = rows.iter().map(|&row| split.labels[row]).collect();
        tally.add(&out, &labels).expect("the network has the classes of the split");
    }
    tally
}
