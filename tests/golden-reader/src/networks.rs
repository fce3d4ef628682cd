//! Networks and tensors of fixtures, on the CPU.

use burn::tensor::{DType, Device, Tensor, TensorData};
use distil_models::{ConvNet, Layer, LayerList, Network};
use serde::Deserialize;

use crate::{Fixture, Net, Precision};

/// The `network` option of the format: which layers a fixture was computed with.
#[derive(Debug, Clone, Deserialize)]
pub struct NetworkCase {
    /// Channels, rows and columns of an image.
    pub input: [usize; 3],
    /// In order.
    pub layers: Vec<Layer>,
    /// Classes.
    pub outputs: usize,
    /// Number of scalar parameters.
    pub params: usize,
}

impl NetworkCase {
    /// The network.
    ///
    /// # Panics
    /// When its sizes are not those of the fixture.
    pub fn build(&self) -> Network {
        let [channels, height, image_width] = self.input;
        let net = LayerList { channels, height, image_width, layers: self.layers.clone() }.network();
        net.check().expect("a network that can be built");
        let sizes = (net.layout().params(), net.classes());
        assert_eq!(sizes, (self.params, self.outputs), "sizes of the fixture");
        net
    }
}

impl Net {
    /// The network.
    ///
    /// # Panics
    /// When it has not as many parameters as the fixture.
    pub fn build(&self) -> Network {
        let net = ConvNet::new(self.channels, self.classes, self.image_height, self.image_width);
        let mut net = net.with_width(self.width).with_depth(self.depth);
        net.pad28 = self.pad28;
        let net = Network::from(net);
        assert_eq!(net.layout().params(), self.params, "the layout has as many scalars as the fixture");
        net
    }
}

impl Precision {
    /// Of tensors.
    pub fn dtype(self) -> DType {
        match self {
            Self::F64 => DType::F64,
            Self::F32 => DType::F32,
        }
    }
}

impl Fixture {
    /// The float tensor `name`.
    ///
    /// # Errors
    /// When the fixture has none.
    pub fn tensor<const D: usize>(&self, name: &str, precision: Precision) -> Result<Tensor<D>, String> {
        let array = self.float(name)?;
        let data = TensorData::new(array.values.clone(), array.shape.clone());
        Ok(Tensor::from_data(data, (&Device::flex(), precision.dtype())))
    }
}

/// The values in row-major order.
pub fn floats<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}
