//! Networks trained on real images: teachers, and those used for Grad-CAM maps.

use distil_engine::At;
use distil_eval::{Student, StudentError, Training, TrainingSet, accuracy};
use distil_gradcam::{CamModel, ModelCard};
use distil_models::{Network, NetworkState};
use serde_json::json;

use crate::{Error, Session};

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
        let Student { theta, buffers, .. } = training.run(self.progress()).map_err(|error| match error {
            StudentError::Stopped => Error::stopped("nothing is kept; run the same command again"),
            error => error.into(),
        })?;
        let held_out = &dataset.validation;
        let accuracy = (!held_out.is_empty())
            .then(|| accuracy(engine, At::evaluation(&network, &theta, &buffers), held_out));
        let state = NetworkState {
            theta: theta.into_data().iter::<f32>().collect(),
            buffers: buffers.into_data().iter::<f32>().collect(),
        };
        let card = self.model_card(&network, epochs, accuracy);
        Ok(CamModel { network, state, card })
    }

    fn model_card(&self, network: &Network, epochs: usize, accuracy: Option<f64>) -> ModelCard {
        let Self { config, dataset, .. } = self;
        ModelCard {
            architecture: json!(network),
            class_names: dataset.class_names.clone(),
            preprocessing: dataset.preprocessing().clone(),
            dataset: dataset.name.clone(),
            dataset_digest: dataset.digest.clone(),
            validation_accuracy: accuracy,
            recipe: json!({"last_epoch": epochs, "lr": config.eval.real_lr, "protocol": config.eval.values()}),
            seed: config.seed,
            distil_version: env!("CARGO_PKG_VERSION").to_owned(),
            command: std::env::args().collect::<Vec<_>>().join(" "),
        }
    }
}
