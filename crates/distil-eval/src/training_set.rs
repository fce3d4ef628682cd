use burn::tensor::{DType, Device, Tensor, TensorData};
use distil_data::Split;
use distil_engine::Targets;
use distil_models::Network;
use distil_random::{shuffle, stream};
use distil_store::{Labels, SyntheticSet};

/// What a student trains on.
#[derive(Debug, Clone, Copy)]
pub enum TrainingSet<'a> {
    /// A distilled set, with its labels and its learned step size.
    Synthetic(&'a SyntheticSet),
    /// Real images with hard labels.
    Real(&'a Split),
}

impl TrainingSet<'_> {
    /// Number of images.
    pub fn len(&self) -> usize {
        match self {
            Self::Synthetic(set) => set.shape[0],
            Self::Real(split) => split.labels.len(),
        }
    }

    /// Whether there is nothing to train on.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The given rows on the device.
    pub(crate) fn batch(&self, net: &Network, rows: &[usize], device: &Device) -> (Tensor<4>, Targets) {
        let [channels, height, width] = net.image_shape();
        let pixels = match self {
            Self::Real(split) => split.images.gather(rows),
            Self::Synthetic(set) => select(&set.images, channels * height * width, rows),
        };
        let shape = [rows.len(), channels, height, width];
        let images = Tensor::from_data(TensorData::new(pixels, shape), (device, DType::F32));
        let classes = |labels: &[u32]| {
            let labels: Vec<u32> = rows.iter().map(|&row| labels[row]).collect();
            Targets::from_classes(&labels, net.classes(), device, DType::F32)
        };
        let targets = match self {
            Self::Real(split) => classes(&split.labels),
            Self::Synthetic(set) => match &set.labels {
                Labels::Hard(labels) => classes(labels),
                Labels::Soft { logits, classes } => {
                    let data = TensorData::new(select(logits, *classes, rows), [rows.len(), *classes]);
                    Targets::Soft(Tensor::from_data(data, (device, DType::F32)))
                }
            },
        };
        (images, targets)
    }
}

/// Rows of a row-major matrix.
fn select(values: &[f32], columns: usize, rows: &[usize]) -> Vec<f32> {
    rows.iter().flat_map(|&row| &values[row * columns..(row + 1) * columns]).copied().collect()
}

/// So many random real images of each class, or all of a class that has fewer: the reference a distilled set has to beat.
pub fn random_real(train: &Split, per_class: &[usize], seed: u64) -> Split {
    let mut chosen = Vec::new();
    for (class, &ipc) in per_class.iter().enumerate() {
        let mut rows = train.rows_of_class(class as u32);
        shuffle(&mut stream(seed, "random-real", class as u64), &mut rows);
        chosen.extend(rows.into_iter().take(ipc));
    }
    train.subset(&chosen)
}
