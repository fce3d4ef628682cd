#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod alexnet;
mod arch;
mod architecture;
mod arithmetic;
mod backbone;
mod builder;
mod convnet;
mod efficientnet_lite;
mod forward;
mod layer;
mod layer_list;
mod layout;
mod mlp;
mod network;
mod network_config;
mod norm;
mod op;
mod plain;
mod resnet18;
mod sequence;
mod state_dict;
mod vgg11;

pub use alexnet::AlexNet;
pub use arch::{Arch, UnknownArch};
pub use architecture::Architecture;
pub use arithmetic::{Arithmetic, Moments};
pub use backbone::{NetworkError, Stem};
pub use convnet::{ConvNet, ConvNetError, Pool};
pub use efficientnet_lite::{EfficientNetLite, LiteSize};
pub use forward::{BatchNorms, Keep, Outputs};
pub use layer::Layer;
pub use layer_list::LayerList;
pub use layout::{Entry, Layout};
pub use mlp::Mlp;
pub use network::Network;
pub use network_config::NetworkConfig;
pub use norm::Norm;
pub use op::{Convolution, Window};
pub use plain::{GroupStatistics, NORM_EPS, Plain, conv_options, max_pool_options, per_channel};
pub use resnet18::ResNet18;
pub use sequence::Sequence;
pub use state_dict::{NetworkState, StateDict, StateDictError};
pub use vgg11::Vgg11;
