//! Where area enhancement has its maps from: a network used for Grad-CAM, with what its classes are to the data, or a file.

use std::path::{Path, PathBuf};

use distil_data::{DatasetName, read_byte_maps};
use distil_engine::Engine;
use distil_gradcam::{CamModel, ClassMap, ClassRule, Maps};
use distil_match::{Apply, AreaEnhancement, CamNetwork, Inputs, MapSource, initial_rows};
use distil_store::atomic;
use serde_json::json;
use thiserror::Error;

use crate::place::shared_name;
use crate::{Error, Session};

/// What torchvision's weights say they were trained on.
const IMAGENET: &str = "imagenet-1k";

/// Why there are no maps for area enhancement.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum MapsError {
    /// There is no network.
    #[error(
        "there is no network for activation maps at {}; train one with `distil train --out` to that place, name another in distill.enhancement.model, or set distill.enhancement=off",
        path.display()
    )]
    NoNetwork {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The classes of the network are listed, and not one for each class of the data.
    #[error(
        "distill.enhancement.class_indices has {given} entries for {classes} classes; give one index per class"
    )]
    ClassIndices {
        /// Entries.
        given: usize,
        /// Classes of the data.
        classes: usize,
    },
}

/// Opened maps.
pub(crate) enum OpenMaps {
    /// A network, and the class of it for each label.
    Network(Box<(CamModel, ClassMap)>),
    /// Those of a file.
    File(Maps),
}

impl OpenMaps {
    /// As a distillation takes them.
    pub(crate) fn source<'a>(&'a self, engine: &'a Engine) -> MapSource<'a> {
        match self {
            Self::Network(network) => {
                MapSource::Network(CamNetwork { engine, model: &network.0, classes: &network.1 })
            }
            Self::File(maps) => MapSource::Given(maps),
        }
    }
}

/// Maps in `[0, 1]` of an archive's array of bytes.
fn read_masks(file: &Path) -> Result<Maps, Error> {
    let ([_, height, width], bytes) = read_byte_maps(file, "masks")?;
    Ok(Maps { height, width, values: bytes.into_iter().map(|byte| f64::from(byte) / 255.0).collect() })
}

impl Session {
    /// What maps come from, where the configuration enhances anything; `inputs` are the run's.
    pub(crate) fn open_maps(&self, inputs: &Inputs<'_>) -> Result<Option<OpenMaps>, Error> {
        let Some(enhancement) = self.config.distill.enhancement() else { return Ok(None) };
        if let Some(file) = &enhancement.masks {
            let maps = read_masks(file)?;
            let training = self.dataset.train.len();
            let starts = if maps.len() == training { initial_rows(inputs)? } else { None };
            return Ok(Some(OpenMaps::File(starts.map_or(maps.clone(), |rows| maps.select(&rows)))));
        }
        let path = self.maps_network_path(enhancement);
        if !path.exists() {
            return Err(MapsError::NoNetwork { path }.into());
        }
        let shape = self.dataset.shape();
        let model = CamModel::open(&path, [shape.height, shape.width])?;
        let classes = self.classes_of_maps(enhancement, &model)?;
        if enhancement.classes == ClassRule::PublicCode && enhancement.class_indices.is_none() {
            self.progress().warn(format_args!(
                "distill.enhancement.classes = \"public-code\": maps are for the network's first classes, not for the \
                 images' own"
            ));
        }
        let what = if enhancement.apply == Apply::Observe { "observes" } else { "enhances" };
        tracing::info!(model = %path.display(), what, "activation maps");
        Ok(Some(OpenMaps::Network(Box::new((model, classes)))))
    }

    /// Trains the network used for maps on the real images where the configuration names none and none was trained before:
    /// the students' own architecture, as the full-data reference is trained.
    ///
    /// # Errors
    /// [`enum@Error`] when it cannot be trained or written; [`Error::Stopped`] when the listener asked to stop.
    pub fn train_needed_maps_network(&self) -> Result<(), Error> {
        let Some(enhancement) = self.config.distill.enhancement() else { return Ok(()) };
        let path = self.maps_network_path(enhancement);
        if enhancement.model.is_some() || enhancement.masks.is_some() || path.exists() {
            return Ok(());
        }
        self.progress().note(format_args!("training the network used for maps, {}", path.display()));
        let folder = path.parent().expect("a file below the session's folder");
        atomic::create_folder(folder)?;
        atomic::sweep(folder)?;
        Ok(self.train(self.net.clone(), self.config.eval.full_epochs)?.save(&path)?)
    }

    /// The file named in the configuration, or one that all runs with the same data, network and training share.
    fn maps_network_path(&self, enhancement: &AreaEnhancement) -> PathBuf {
        if let Some(model) = &enhancement.model {
            return model.clone();
        }
        let Self { config, dataset, net, .. } = self;
        let key = json!([dataset.digest, dataset.preprocessing(), net, config.eval.values(), config.seed]);
        let name = shared_name(&dataset.name, net, &key.to_string());
        self.root().join("cam").join(format!("{name}.safetensors"))
    }

    /// By index where the configuration or the data know it, else by name.
    fn classes_of_maps(&self, enhancement: &AreaEnhancement, model: &CamModel) -> Result<ClassMap, Error> {
        let classes = self.dataset.classes();
        let Some(indices) = &enhancement.class_indices else {
            return self.class_map(enhancement.classes, model);
        };
        if indices.len() != classes {
            return Err(MapsError::ClassIndices { given: indices.len(), classes }.into());
        }
        Ok(ClassMap::by_index(indices.clone(), model.card.class_names.len())?)
    }

    /// The class of a model for each label of the data: by ImageNet's index where both are ImageNet's, else by name.
    pub(crate) fn class_map(&self, rule: ClassRule, model: &CamModel) -> Result<ClassMap, Error> {
        let data = &self.config.data;
        let known = model.card.class_names.len();
        let subset = matches!(data.name, DatasetName::Imagenet | DatasetName::ImagenetSubset(_));
        if rule == ClassRule::Mapped && subset && model.card.dataset == IMAGENET {
            let indices = data.imagenet_indices()?;
            return Ok(ClassMap::by_index(indices.into_iter().map(u32::from).collect(), known)?);
        }
        Ok(model.class_map(rule, &self.dataset.class_names)?)
    }
}
