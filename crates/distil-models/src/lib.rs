//! Networks of dataset distillation.
//!
//! A network is data ([`ConvNet`]) plus one flat parameter vector θ of `P` scalars in PyTorch's
//! order, described by a [`Layout`]. Its forward pass is written once, over the [`Arithmetic`]
//! trait: [`Plain`] evaluates it on tensors, `distil_hypergrad::Duals` on dual numbers, which is
//! how a framework with first-order autodiff yields exact second-order products.
//!
//! [`Network`] is any of [`ConvNet`], [`ResNet18`], [`Vgg11`], [`AlexNet`] and [`EfficientNetLite`], for what needs
//! first-order gradients only: students of other architectures, and activation maps.
//!
//! ```
//! use distil_models::{ConvNet, Plain};
//! use distil_random::stream;
//! use burn::tensor::{Device, Tensor};
//!
//! let net = ConvNet::new(3, 10, 32, 32).with_width(8).with_depth(2);
//! let device = Device::flex();
//! let theta = net.theta(&net.init(&mut stream(0, "init", 0)), &device);
//! let images = Tensor::<4>::zeros([2, 3, 32, 32], &device);
//! let logits = net.forward::<Plain>(&net.layout().split(theta), images);
//! assert_eq!(logits.dims(), [2, 10]);
//! ```

#![forbid(unsafe_code)]

mod alexnet;
mod arithmetic;
mod backbone;
mod chunks;
mod convnet;
mod efficientnet_lite;
mod features;
mod gradient;
mod layout;
mod native;
mod network;
mod network_config;
mod pass;
mod plain;
mod resnet18;
mod stack;
mod state_dict;
mod targets;
mod training;
mod vgg11;

pub use alexnet::AlexNet;
pub use arithmetic::Arithmetic;
pub use backbone::{BackboneNorm, NetworkError, Stem};
pub use chunks::{LARGEST_CPU_CHUNK, WAVE, chunk_size, reduce_chunks};
pub use convnet::{ConvNet, ConvNetConfig, ConvNetError, Norm, Pool};
pub use efficientnet_lite::{EfficientNetLite, LiteSize};
pub use gradient::{LossGradient, loss_and_gradient, loss_and_gradient_of};
pub use layout::{Entry, Layout};
pub use native::{scalars, vector};
pub use network::{Network, TrainingForward};
pub use network_config::{Arch, NetworkConfig, UnknownArch};
pub use plain::{GroupStatistics, Plain, per_channel};
pub use resnet18::ResNet18;
pub use state_dict::{NetworkState, StateDict, StateDictError};
pub use targets::Targets;
pub use training::TrainingStep;
pub use vgg11::Vgg11;
