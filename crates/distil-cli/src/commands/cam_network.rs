//! The network of discriminative-area enhancement: where it is, and what its classes are to the data.

use std::path::{Path, PathBuf};

use distil_data::DatasetName;
use distil_gradcam::{CamModel, ClassMap, ClassRule};
use distil_match::{Apply, AreaEnhancement};
use distil_models::Network;
use distil_store::{atomic, hex};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::train_cam;
use crate::failure::Failure;
use crate::session::Session;

/// What torchvision's weights say they were trained on.
const IMAGENET: &str = "imagenet-1k";

/// The network and the class of it for each label, where the configuration enhances anything.
pub(crate) fn open(session: &Session<'_>) -> Result<Option<(CamModel, ClassMap)>, Failure> {
    let Some(enhancement) = session.config.distill.enhancement() else { return Ok(None) };
    let path = place(session, enhancement);
    if !path.exists() {
        return Err(Failure::new(
            format_args!("there is no network for activation maps at {}", path.display()),
            "train one with `distil train-cam --out` to that place, name another in distill.enhancement.model, or set distill.enhancement=off",
        ));
    }
    let shape = session.dataset.shape();
    let model = CamModel::open(&path, [shape.height, shape.width])?;
    let classes = classes(session, enhancement, &model)?;
    if enhancement.classes == ClassRule::PublicCode && enhancement.class_indices.is_none() {
        session.console.warn("distill.enhancement.classes = \"public-code\": maps are for the network's first classes, not for the images' own");
    }
    let what = if enhancement.apply == Apply::Observe { "observes" } else { "enhances" };
    tracing::info!(model = %path.display(), what, "activation maps");
    Ok(Some((model, classes)))
}

/// Trains a network on the real images where the configuration names none and none was trained before: the
/// students' own architecture, as the full-data reference is trained.
pub(crate) fn train_if_missing(session: &Session<'_>) -> Result<(), Failure> {
    let Some(enhancement) = session.config.distill.enhancement() else { return Ok(()) };
    let path = place(session, enhancement);
    if enhancement.model.is_some() || path.exists() {
        return Ok(());
    }
    session.console.note(format_args!("training the network of activation maps, {}", path.display()));
    let folder = path.parent().expect("a file below runs/cam");
    atomic::create_folder(folder)?;
    atomic::sweep(folder)?;
    let network = Network::ConvNet(session.net.clone());
    let model = train_cam::trained(session, network, session.config.eval.full_epochs)?;
    Ok(model.save(&path)?)
}

/// The file named in the configuration, or one below `runs/cam` that all runs with the same data, network and
/// training share.
fn place(session: &Session<'_>, enhancement: &AreaEnhancement) -> PathBuf {
    if let Some(model) = &enhancement.model {
        return model.clone();
    }
    let Session { config, dataset, net, .. } = session;
    let key = json!([dataset.digest, dataset.preprocessing, net, config.eval.values(), config.seed]);
    let digest = hex(&Sha256::digest(key.to_string()));
    Path::new("runs").join("cam").join(format!(
        "{}-convnet-d{}-w{}-{}.safetensors",
        dataset.name,
        net.depth,
        net.width,
        &digest[..8]
    ))
}

/// By index where the configuration or the data know it, else by name.
fn classes(
    session: &Session<'_>,
    enhancement: &AreaEnhancement,
    model: &CamModel,
) -> Result<ClassMap, Failure> {
    let names = &session.dataset.class_names;
    let known = model.card.class_names.len();
    if let Some(indices) = &enhancement.class_indices {
        if indices.len() != names.len() {
            return Err(Failure::new(
                format_args!(
                    "distill.enhancement.class_indices has {} entries for {} classes",
                    indices.len(),
                    names.len()
                ),
                "give one index per class",
            ));
        }
        return Ok(ClassMap::by_index(indices.clone(), known)?);
    }
    mapped(session, enhancement.classes, model)
}

/// The class of a model for each label of the data: by ImageNet's index where both are ImageNet's, else by name.
pub(crate) fn mapped(session: &Session<'_>, rule: ClassRule, model: &CamModel) -> Result<ClassMap, Failure> {
    let data = &session.config.data;
    let known = model.card.class_names.len();
    let subset = matches!(data.name, DatasetName::Imagenet | DatasetName::ImagenetSubset(_));
    if rule == ClassRule::Mapped && subset && model.card.dataset == IMAGENET {
        let indices = data.imagenet_indices()?;
        return Ok(ClassMap::by_index(indices.into_iter().map(u32::from).collect(), known)?);
    }
    Ok(model.class_map(rule, &session.dataset.class_names)?)
}
