use std::fmt;

use distil_engine::Engine;

use crate::machine;
use distil_files::caught;

/// Where to compute.
///
/// Which constructors there are depends on the features this crate is built with: `flex` (the default), `cuda`, `wgpu`.
/// [`DeviceChoice`](crate::DeviceChoice) opens one by the name that a user gives.
#[derive(Debug, Clone)]
pub struct Device(Engine);

impl Device {
    /// The CPU.
    #[cfg(feature = "flex")]
    pub fn cpu() -> Self {
        burn::tensor::Device::flex().into()
    }

    /// The device as Burn has it.
    pub fn burn(&self) -> &burn::tensor::Device {
        self.0.device()
    }

    /// What computes on it.
    pub fn engine(&self) -> &Engine {
        &self.0
    }

    /// Whether it is the CPU.
    pub fn is_cpu(&self) -> bool {
        self.0.is_cpu()
    }
}

/// What the device calls itself.
impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_cpu() {
            return f.write_str(&machine::cpu_name());
        }
        // Asking opens the device, and an unusable one panics.
        #[cfg(any(feature = "cuda", feature = "wgpu"))]
        if let Ok(Some(identity)) = caught(|| self.burn().identity()) {
            return f.write_str(&identity.name);
        }
        write!(f, "{:?}", self.burn())
    }
}

/// A device that Burn opened, of whatever backend.
impl From<burn::tensor::Device> for Device {
    fn from(device: burn::tensor::Device) -> Self {
        Self(Engine::new(device))
    }
}

/// One small computation: whether the device computes, and what it says if it does not.
pub(crate) fn probe(device: &Device) -> Result<(), String> {
    let ones = || burn::tensor::Tensor::<1>::ones([4], device.burn());
    let computes = || ones().sum().into_data().iter::<f32>().sum::<f32>();
    match caught(computes) {
        Ok(sum) if (sum - 4.0).abs() < 1e-6 => Ok(()),
        Ok(sum) => Err(format!("adds four ones up to {sum}")),
        Err(_) => Err("does not compute".to_owned()),
    }
}
