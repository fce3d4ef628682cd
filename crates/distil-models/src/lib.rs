#![doc = include_str!("../README.md")]
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
