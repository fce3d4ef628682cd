use serde::{Deserialize, Serialize};

use crate::builder::Builder;
use crate::convnet::LARGEST;
use crate::op::Bias;
use crate::{Arch, NetworkError};

/// A multilayer perceptron on flattened images or vectors: linear layers with ReLU between them. Without hidden layers it is a
/// linear classifier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mlp {
    /// Input channels; of vectors, their length.
    pub channels: usize,
    /// Output classes.
    pub classes: usize,
    /// Input height in pixels.
    pub height: usize,
    /// Input width in pixels.
    pub image_width: usize,
    /// Outputs of each hidden layer (published: 128 and 128).
    pub hidden: Vec<usize>,
}

impl Mlp {
    /// The network of DC's code: two hidden layers of 128.
    pub fn new(channels: usize, classes: usize, height: usize, image_width: usize) -> Self {
        Self { channels, classes, height, image_width, hidden: vec![128, 128] }
    }

    /// Refuses sizes that cannot work.
    ///
    /// # Errors
    /// [`NetworkError`] names what is wrong and the remedy.
    pub fn check(&self) -> Result<(), NetworkError> {
        let sizes = [
            ("channels", self.channels),
            ("classes", self.classes),
            ("height", self.height),
            ("image_width", self.image_width),
        ];
        let hidden = self.hidden.iter().map(|size| ("hidden", *size));
        for (key, size) in sizes.into_iter().chain(hidden) {
            if size == 0 {
                return Err(NetworkError::Zero { arch: Arch::Mlp, key });
            }
            if size > LARGEST {
                return Err(NetworkError::TooLarge { arch: Arch::Mlp, key, size });
            }
        }
        Ok(())
    }

    pub(crate) fn layers(&self) -> Builder {
        let mut builder = Builder::new([self.channels, self.height, self.image_width]);
        for (place, size) in self.hidden.iter().enumerate() {
            builder = builder.linear(&format!("fc_{}", place + 1), *size, Bias::Learned).relu();
        }
        builder.linear(&format!("fc_{}", self.hidden.len() + 1), self.classes, Bias::Learned)
    }
}
