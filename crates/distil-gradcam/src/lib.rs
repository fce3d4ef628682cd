#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod cam;
mod class_map;
mod efficientnet_lite;
mod enhancement;
mod explainer;
mod localisation;
mod maps;
mod model;
mod overlay;
mod torchvision;
mod weights;

pub use cam::{Cam, CamSettingError, SmoothForm, Smoothing};
pub use class_map::{ClassMap, ClassMapError, ClassRule};
pub use distil_store::ModelCard;
pub use enhancement::{Enhancement, EnhancementError, Threshold};
pub use explainer::{
    CamError, Discriminative, Explainer, Explanation, Noise, Target, last_layer, layer, usual_map,
};
pub use localisation::{Localisation, localisation};
pub use maps::Maps;
pub use model::{CamModel, ModelError};
pub use overlay::{Overlay, overlay};
