//! Where in an image a network sees a class.
//!
//! An [`Explainer`] is a trained network, one of its layers and a [`Cam`]: Grad-CAM, Grad-CAM++ or SmoothGrad-CAM++.
//! It makes one map an image for a class that is given explicitly. [`Enhancement`] turns maps into the gradient
//! weights F(M, β) of EDF, [`Maps::areas`] into the discriminative areas of Comp-DD, and [`overlay`] into pictures.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use distil_gradcam::{Cam, Explainer, Noise, Target, last_layer};
//! use distil_models::{ConvNet, Network};
//! use distil_random::stream;
//!
//! let network = Network::ConvNet(ConvNet::new(3, 10, 32, 32).with_width(8));
//! let device = Device::flex();
//! let theta = network.theta(&network.init(&mut stream(0, "init", 0)), &device);
//! let buffers = network.buffers(&network.init_buffers(), &device);
//! let layer = last_layer(&network)?;
//! let (network, theta, buffers) = (&network, &theta, &buffers);
//! let explainer = Explainer { network, theta, buffers, layer, cam: Cam::GradCam, micro_batch: 32 };
//!
//! let images = Tensor::<4>::ones([2, 3, 32, 32], &device);
//! let explanation = explainer.explain(&images, Target::Classes(&[3, 7]), Noise::default())?;
//! let maps = explanation.raw.unit().resize(32, 32);                  // in [0, 1], at the images' resolution
//! let complexities: Vec<f64> = maps.areas(&[0.5]).iter().map(|area| 1.0 - area[0]).collect();
//! assert_eq!((maps.len(), complexities.len()), (2, 2));
//! # Ok::<(), distil_gradcam::CamError>(())
//! ```

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
pub use explainer::{CamError, Discriminative, Explainer, Explanation, Noise, Target, last_layer, layer};
pub use localisation::{Localisation, localisation};
pub use maps::Maps;
pub use model::{CamModel, ModelError};
pub use overlay::{Overlay, overlay};
