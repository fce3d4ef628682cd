/// Where to compute.
///
/// Which constructors there are depends on the features this crate is built with: `flex` (the default), `cuda`, `wgpu`.
#[derive(Debug, Clone)]
pub struct Device(burn::tensor::Device);

impl Device {
    /// The CPU.
    #[cfg(feature = "flex")]
    pub fn cpu() -> Self {
        Self(burn::tensor::Device::flex())
    }

    /// The device as Burn has it.
    pub fn burn(&self) -> &burn::tensor::Device {
        &self.0
    }
}

/// A device that Burn opened, of whatever backend.
impl From<burn::tensor::Device> for Device {
    fn from(device: burn::tensor::Device) -> Self {
        Self(device)
    }
}
