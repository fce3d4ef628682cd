//! A set small enough to learn in a second.

use distil_data::{Dataset, ImageShape, Images, Normalisation, Preprocessing, Split};
use distil_eval::Protocol;
use distil_models::{ConvNet, Network};
use distil_random::{below, stream};
use distil_store::{Card, Decoding, LabelKind, Labels, SyntheticSet};

pub(crate) const SIDE: usize = 8;

/// Two classes: the upper or the lower half is bright.
pub(crate) fn split(purpose: &str, n: usize) -> Split {
    let mut rng = stream(1, purpose, 0);
    let labels: Vec<u32> = (0..n).map(|i| (i % 2) as u32).collect();
    let bytes = (0..n * SIDE * SIDE)
        .map(|i| {
            let lower = usize::from(i / SIDE % SIDE >= SIDE / 2);
            let lit = lower == labels[i / (SIDE * SIDE)] as usize;
            (below(&mut rng, 90) + if lit { 120 } else { 0 }) as u8
        })
        .collect();
    let shape = ImageShape { channels: 1, height: SIDE, width: SIDE };
    Split::new(Images::from_u8(shape, bytes).expect("whole images"), labels).expect("one label each")
}

pub(crate) fn dataset() -> Dataset {
    let normalisation = Normalisation::MeanStd { mean: vec![0.4], std: vec![0.25] };
    let preprocessing = Preprocessing { resize: None, normalisation };
    let parts = [split("train", 24), split("validation", 4), split("test", 40)];
    Dataset::from_parts("halves", vec!["upper".into(), "lower".into()], parts, preprocessing)
        .expect("parts fit")
}

pub(crate) fn net() -> Network {
    Network::from(ConvNet::new(1, 2, SIDE, SIDE).with_width(4).with_depth(1))
}

pub(crate) fn protocol() -> Protocol {
    let augmentation = "none".parse().expect("a valid strategy");
    Protocol {
        seeds: 3,
        epochs: 20,
        full_epochs: 10,
        batch: 12,
        real_lr: 0.05,
        augmentation,
        ..Protocol::default()
    }
}

/// The first real image of each class as a synthetic set.
pub(crate) fn synthetic(data: &Dataset) -> SyntheticSet {
    SyntheticSet {
        images: data.train.images.gather(&[0, 1]),
        shape: [2, 1, SIDE, SIDE],
        labels: Labels::Soft { logits: vec![3.0, -3.0, -3.0, 3.0], classes: 2 },
        syn_lr: 0.05,
        card: Card {
            dataset: data.name.clone(),
            dataset_digest: data.digest.clone(),
            class_names: data.class_names.clone(),
            preprocessing: data.preprocessing().clone(),
            decoding: Decoding::Pixels,
            label_kind: LabelKind::Soft,
            ipc: 1,
            image_classes: None,
            augmentation: "none".into(),
            architecture: serde_json::Value::Null,
            method: "test".into(),
            iteration: 0,
            seed: 0,
            distil_version: "0".into(),
            command: "test".into(),
        },
    }
}
