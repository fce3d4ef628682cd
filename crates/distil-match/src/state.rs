use burn::tensor::{DType, Device, Tensor, TensorData};
use distil_engine::Targets;
use distil_hypergrad::SgdState;
use distil_store::{Card, Checkpoint, LabelKind, Labels, StoreError, SyntheticSet};
use serde::{Deserialize, Serialize};

use crate::ipc::labels;
use crate::outer::Learned;
use crate::seen::Seen;
use crate::{Distiller, Inputs, Method, Saved};

/// The numbers of a checkpoint; tensors lie next to them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Numbers {
    syn_lr: f64,
    syn_lr_buffer: f64,
    gated: u64,
    non_finite: u64,
    last_applied: u64,
    label_kind: LabelKind,
    /// Which optional tensors are there.
    image_buffer: bool,
    label_buffer: bool,
    ema: bool,
    /// The method's own state.
    method: serde_json::Value,
    images: [usize; 4],
    labels: [usize; 2],
    selection: Selection,
}

/// The choice of a checkpoint on held-out data, so far.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, Default)]
pub(crate) struct Selection {
    /// Last iteration that was validated.
    pub(crate) validated: Option<u64>,
    /// The best one and its validation accuracy.
    pub(crate) best: Option<(u64, f64)>,
}

impl Distiller {
    /// The whole state as a checkpoint; restoring it continues as if nothing had happened.
    pub(crate) fn checkpoint(&self, selection: Selection) -> Result<Checkpoint, StoreError> {
        let learned = &self.learned;
        let (label_kind, labels) = match &learned.targets {
            Targets::Hard(values) => (LabelKind::Hard, values),
            Targets::Soft(values) => (LabelKind::Soft, values),
        };
        let own = self.own.as_ref().expect("no step is running").save();
        let numbers = Numbers {
            syn_lr: learned.syn_lr,
            syn_lr_buffer: learned.syn_lr_buffer,
            gated: self.gated,
            non_finite: self.non_finite,
            last_applied: self.last_applied,
            label_kind,
            image_buffer: learned.image_state.buffer.is_some(),
            label_buffer: learned.label_state.buffer.is_some(),
            ema: learned.ema.is_some(),
            method: own.document().clone(),
            images: learned.images.dims(),
            labels: labels.dims(),
            selection,
        };
        let mut checkpoint = Checkpoint::new(self.iteration, &numbers)?
            .with_tensor("images", &numbers.images, floats(&learned.images))
            .with_tensor("labels", &numbers.labels, floats(labels));
        if let Some(buffer) = &learned.image_state.buffer {
            checkpoint = checkpoint.with_tensor("image_buffer", &numbers.images, floats(buffer));
        }
        if let Some(buffer) = &learned.label_state.buffer {
            checkpoint = checkpoint.with_tensor("label_buffer", &numbers.labels, floats(buffer));
        }
        if let Some(ema) = &learned.ema {
            checkpoint = checkpoint.with_tensor("ema", &numbers.images, floats(ema));
        }
        Ok(own.into_checkpoint(checkpoint))
    }

    /// The state that [`Distiller::checkpoint`] saved.
    pub(crate) fn restore(
        checkpoint: &Checkpoint,
        method: &Method,
        device: &Device,
    ) -> Result<(Self, Selection), StoreError> {
        let numbers: Numbers = checkpoint.state()?;
        let (images, labels) = (numbers.images, numbers.labels);
        let values = tensor(checkpoint, "labels", labels, device)?;
        let optional =
            |there: bool, name| there.then(|| tensor(checkpoint, name, images, device)).transpose();
        let learned = Learned {
            images: tensor(checkpoint, "images", images, device)?,
            targets: match numbers.label_kind {
                LabelKind::Hard => Targets::Hard(values),
                LabelKind::Soft => Targets::Soft(values),
            },
            syn_lr: numbers.syn_lr,
            image_state: SgdState { buffer: optional(numbers.image_buffer, "image_buffer")? },
            label_state: SgdState {
                buffer: numbers
                    .label_buffer
                    .then(|| tensor(checkpoint, "label_buffer", labels, device))
                    .transpose()?,
            },
            syn_lr_buffer: numbers.syn_lr_buffer,
            ema: optional(numbers.ema, "ema")?,
        };
        let own = Saved { checkpoint, document: &numbers.method };
        let distiller = Self {
            iteration: checkpoint.iteration(),
            gated: numbers.gated,
            non_finite: numbers.non_finite,
            last_applied: numbers.last_applied,
            own: Some(method.objective.restore(&own, device)?),
            seen: Seen::of(method.decoding, &learned),
            decoding: method.decoding,
            learned,
        };
        Ok((distiller, numbers.selection))
    }

    /// The synthetic set as it stands, for evaluation or publication.
    pub fn synthetic_set(&self, card: &Card) -> SyntheticSet {
        self.set_of(&self.learned.images, card)
    }

    /// The synthetic set with the moving average of the images, where the method keeps one.
    pub fn averaged_set(&self, card: &Card) -> Option<SyntheticSet> {
        self.learned.ema.as_ref().map(|ema| self.set_of(ema, card))
    }

    fn set_of(&self, images: &Tensor<4>, card: &Card) -> SyntheticSet {
        let labels = match &self.learned.targets {
            Targets::Soft(logits) => Labels::Soft { logits: floats(logits), classes: logits.dims()[1] },
            Targets::Hard(one_hot) => Labels::Hard(classes(one_hot)),
        };
        SyntheticSet {
            images: floats(images),
            shape: images.dims(),
            labels,
            syn_lr: self.learned.syn_lr as f32,
            card: Card { iteration: self.iteration, ..card.clone() },
        }
    }
}

/// What an evaluator must know about any set of this run; the iteration is filled in when one is made.
pub(crate) fn card(inputs: &Inputs<'_>, method_name: &str, command: &str) -> Card {
    let plain = "plain JSON";
    let per_class = inputs.per_class();
    let unequal = inputs.method.labels == LabelKind::Soft && per_class.iter().any(|ipc| *ipc != per_class[0]);
    Card {
        dataset: inputs.dataset.name.clone(),
        dataset_digest: inputs.dataset.digest.clone(),
        class_names: inputs.dataset.class_names.clone(),
        preprocessing: inputs.dataset.preprocessing().clone(),
        decoding: inputs.method.decoding,
        label_kind: inputs.method.labels,
        ipc: per_class.iter().sum::<usize>().div_ceil(per_class.len().max(1)),
        image_classes: unequal.then(|| labels(&per_class)),
        augmentation: inputs.method.augmentation.to_string(),
        architecture: serde_json::to_value(inputs.net).expect(plain),
        method: method_name.to_owned(),
        iteration: 0,
        seed: inputs.seed,
        distil_version: env!("CARGO_PKG_VERSION").to_owned(),
        command: command.to_owned(),
    }
}

fn classes(one_hot: &Tensor<2>) -> Vec<u32> {
    let columns = one_hot.dims()[1];
    let hot = |row: &[f32]| row.iter().position(|&p| p == 1.0).expect("a one-hot row") as u32;
    floats(one_hot).chunks(columns).map(hot).collect()
}

fn floats<const D: usize>(tensor: &Tensor<D>) -> Vec<f32> {
    tensor.clone().into_data().iter::<f32>().collect()
}

fn tensor<const D: usize>(
    checkpoint: &Checkpoint,
    name: &str,
    shape: [usize; D],
    device: &Device,
) -> Result<Tensor<D>, StoreError> {
    let values = checkpoint.tensor(name, &shape)?.to_vec();
    Ok(Tensor::from_data(TensorData::new(values, shape), (device, DType::F32)))
}
