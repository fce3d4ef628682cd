use burn::tensor::{DType, Device, Tensor, TensorData};
use distil_data::Split;
use distil_models::{ConvNet, Plain};

/// Images a forward pass; bounds memory only.
const BATCH: usize = 250;

/// Top-1 accuracy of `net` at `theta` `[P]` on a labelled split, in `[0, 1]`; 0 on an empty split.
///
/// A network whose outputs are not finite classifies nothing correctly.
pub fn accuracy(net: &ConvNet, theta: &Tensor<1>, split: &Split, device: &Device) -> f64 {
    let params = net.layout().split(theta.clone());
    let rows: Vec<usize> = (0..split.labels.len()).collect();
    let mut correct = 0;
    for rows in rows.chunks(BATCH) {
        let shape = [rows.len(), net.channels, net.height, net.image_width];
        let data = TensorData::new(split.images.gather(rows), shape);
        let out = net.forward::<Plain>(&params, Tensor::from_data(data, (device, DType::F32)));
        let out: Vec<f32> = out.into_data().iter::<f32>().collect();
        let labels = rows.iter().map(|&row| split.labels[row] as usize);
        correct += out.chunks(net.classes).zip(labels).filter(|(scores, label)| hits(scores, *label)).count();
    }
    correct as f64 / split.labels.len().max(1) as f64
}

/// Whether `label` has the highest score; the first of equal scores counts.
fn hits(scores: &[f32], label: usize) -> bool {
    let top = scores[label];
    top.is_finite()
        && scores.iter().enumerate().all(|(class, &score)| score < top || (score == top && class >= label))
}

#[cfg(test)]
mod tests {
    use super::hits;

    #[test]
    fn the_highest_finite_score_wins() {
        assert!(hits(&[0.1, 0.9], 1));
        assert!(!hits(&[0.1, 0.9], 0));
        assert!(hits(&[0.5, 0.5], 0) && !hits(&[0.5, 0.5], 1));
        assert!(!hits(&[f32::NAN, f32::NAN], 0) && !hits(&[f32::NAN, 0.0], 1));
    }
}
