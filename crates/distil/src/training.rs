//! Networks to keep: trained on real images (teachers, and those used for Grad-CAM maps), or on a synthetic set alone.

use burn::tensor::Tensor;
use distil_data::{Normalisation, Preprocessing};
use distil_engine::At;
use distil_eval::{Protocol, Student, StudentError, Training, TrainingSet, accuracy};
use distil_gradcam::{CamModel, ModelCard};
use distil_models::{Network, NetworkState};
use distil_progress::Progress;
use distil_store::SyntheticSet;
use serde_json::json;

use crate::{Device, Error, Session};

impl Session {
    /// Trains a network on the training images by the configuration's protocol, for `epochs + 1` epochs.
    ///
    /// # Errors
    /// [`Error`] when it diverges; [`Error::Stopped`] when the listener asked to stop.
    pub fn train(&self, network: Network, epochs: usize) -> Result<CamModel, Error> {
        let Self { config, dataset, .. } = self;
        let engine = self.device.engine();
        let protocol = config.eval.without_teacher();
        let training = Training {
            net: &network,
            set: TrainingSet::Real(&dataset.train),
            protocol: &protocol,
            epochs,
            lr: config.eval.real_lr,
            seed: config.seed,
            engine,
        };
        let Student { theta, buffers, .. } = training.run(self.progress()).map_err(student_error)?;
        let held_out = &dataset.validation;
        let accuracy = (!held_out.is_empty())
            .then(|| accuracy(engine, At::evaluation(&network, &theta, &buffers), held_out));
        let card = ModelCard {
            class_names: dataset.class_names.clone(),
            preprocessing: dataset.preprocessing().clone(),
            dataset: dataset.name.clone(),
            dataset_digest: dataset.digest.clone(),
            validation_accuracy: accuracy,
            ..card(&training)
        };
        Ok(CamModel { state: state(theta, buffers), card, network })
    }
}

/// Trains a network on a synthetic set alone, without the data that it stands for, as the first student of a protocol is
/// trained.
///
/// # Errors
/// [`Error`] when the set's images are not the network's or the training diverges; [`Error::Stopped`] when the listener asked to
/// stop.
pub fn train_on(
    set: &SyntheticSet,
    network: Network,
    protocol: &Protocol,
    seed: u64,
    device: &Device,
    progress: Progress<'_>,
) -> Result<CamModel, Error> {
    let protocol = protocol.without_teacher();
    let training = Training {
        net: &network,
        set: TrainingSet::Synthetic(set),
        protocol: &protocol,
        epochs: protocol.epochs,
        lr: protocol.lr_of(set),
        seed,
        engine: device.engine(),
    };
    let Student { theta, buffers, .. } = training.run(progress).map_err(student_error)?;
    let card = ModelCard {
        class_names: set.card.class_names.clone(),
        preprocessing: set.card.preprocessing.clone(),
        dataset: format!("{} distilled by {}", set.card.dataset, set.card.method),
        dataset_digest: set.card.dataset_digest.clone(),
        validation_accuracy: None,
        ..card(&training)
    };
    Ok(CamModel { state: state(theta, buffers), card, network })
}

fn student_error(error: StudentError) -> Error {
    match error {
        StudentError::Stopped => Error::stopped("nothing is kept; run the same command again"),
        error => error.into(),
    }
}

fn state(theta: Tensor<1>, buffers: Tensor<1>) -> NetworkState {
    let [theta, buffers] = [theta, buffers].map(|values| values.into_data().iter::<f32>().collect());
    NetworkState { theta, buffers }
}

/// What a card says of a training, whatever the data.
fn card(training: &Training<'_>) -> ModelCard {
    let Training { net, protocol, epochs, lr, seed, .. } = training;
    ModelCard {
        architecture: json!(net),
        class_names: Vec::new(),
        preprocessing: Preprocessing { resize: None, normalisation: Normalisation::Identity },
        dataset: String::new(),
        dataset_digest: String::new(),
        validation_accuracy: None,
        recipe: json!({"last_epoch": epochs, "lr": lr, "protocol": protocol.values()}),
        seed: *seed,
        distil_version: env!("CARGO_PKG_VERSION").to_owned(),
        command: std::env::args().collect::<Vec<_>>().join(" "),
    }
}
