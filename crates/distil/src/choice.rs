//! Devices by name.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::Device;
use crate::device::probe;

/// A device as the user names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The fastest kind that is compiled in and present.
    Auto,
    /// The CPU.
    Cpu,
    /// The CUDA device of this index.
    Cuda(usize),
    /// The wgpu device of this index.
    Wgpu(usize),
}

impl FromStr for DeviceChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, index) = match text.split_once(':') {
            None => (text, None),
            Some((kind, index)) => {
                let index = index.parse::<usize>();
                (kind, Some(index.map_err(|_| "the index after ':' must be a number such as 0".to_owned())?))
            }
        };
        match (kind, index) {
            ("auto", None) => Ok(Self::Auto),
            ("cpu", None) => Ok(Self::Cpu),
            ("cuda", index) => Ok(Self::Cuda(index.unwrap_or(0))),
            ("wgpu", index) => Ok(Self::Wgpu(index.unwrap_or(0))),
            _ => Err("choose auto, cpu, cuda, cuda:1, wgpu or wgpu:1".to_owned()),
        }
    }
}

/// As the user names it.
impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(index) => write!(f, "cuda:{index}"),
            Self::Wgpu(index) => write!(f, "wgpu:{index}"),
        }
    }
}

/// A device that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// Its backend is not compiled in.
    #[error(
        "this distil was built without the `{feature}` backend; build it with `cargo build --release -p distil-cli --features {feature}`, or use another --device"
    )]
    NotBuilt {
        /// The feature that is missing.
        feature: &'static str,
    },
    /// There is none of its kind.
    #[error("there is no {kind} device; {remedy}")]
    None {
        /// The kind.
        kind: &'static str,
        /// What its driver needs.
        remedy: &'static str,
    },
    /// There are some, and none of this index.
    #[error("there is no {kind} device {index}; choose an index below {found}, the number of {kind} devices")]
    Index {
        /// The kind.
        kind: &'static str,
        /// The index that was asked for.
        index: usize,
        /// How many there are.
        found: usize,
    },
    /// It is there and gives no right answer.
    #[error("{device} {said}; {remedy}")]
    Broken {
        /// The device.
        device: String,
        /// What is wrong.
        said: String,
        /// What its driver needs.
        remedy: &'static str,
    },
}

const CUDA_REMEDY: &str =
    "install the NVIDIA driver and CUDA 12 (`nvidia-smi` must list the GPU), or use --device cpu";
const WGPU_REMEDY: &str = "install a Vulkan driver (`vulkaninfo` must list the GPU), or use --device cpu";

impl DeviceChoice {
    /// The device, after one small computation on it.
    ///
    /// # Errors
    /// [`DeviceError`] when the backend is not compiled in, there is no such device, or it does not compute.
    pub fn open(self) -> Result<Device, DeviceError> {
        let (device, remedy) = match self {
            Self::Auto => return self.resolved()?.open(),
            Self::Cpu => return cpu(),
            Self::Cuda(index) => (cuda(index)?, CUDA_REMEDY),
            Self::Wgpu(index) => (wgpu(index)?, WGPU_REMEDY),
        };
        match probe(&device) {
            Ok(()) => Ok(device),
            Err(said) => Err(DeviceError::Broken { device: self.to_string(), said, remedy }),
        }
    }

    /// What `auto` stands for on this machine; every other choice stands for itself.
    ///
    /// # Errors
    /// [`DeviceError`] when nothing that is compiled in computes here.
    pub fn resolved(self) -> Result<Self, DeviceError> {
        if self != Self::Auto {
            return Ok(self);
        }
        for gpu in [Self::Cuda(0), Self::Wgpu(0)] {
            match gpu.open() {
                Ok(_) => return Ok(gpu),
                Err(error) => tracing::debug!(?gpu, %error, "not used"),
            }
        }
        cpu().map(|_| Self::Cpu)
    }
}

/// Every kind of device by the name of its choice, and what each device of the kind calls itself, in the order of their
/// indices; [`DeviceError::NotBuilt`] where the backend is not compiled in.
pub fn devices() -> [(&'static str, Result<Vec<String>, DeviceError>); 3] {
    let names = |devices: Vec<Device>| devices.iter().map(ToString::to_string).collect();
    [
        ("cpu", cpu().map(|device| names(vec![device]))),
        ("cuda", all_cuda().map(names)),
        ("wgpu", all_wgpu().map(names)),
    ]
}

#[cfg(feature = "flex")]
#[expect(clippy::unnecessary_wraps, reason = "builds without the CPU backend refuse here")]
fn cpu() -> Result<Device, DeviceError> {
    Ok(Device::cpu())
}

#[cfg(not(feature = "flex"))]
fn cpu() -> Result<Device, DeviceError> {
    Err(DeviceError::NotBuilt { feature: "flex" })
}

fn cuda(index: usize) -> Result<Device, DeviceError> {
    pick("CUDA", index, all_cuda()?, CUDA_REMEDY)
}

fn wgpu(index: usize) -> Result<Device, DeviceError> {
    pick("wgpu", index, all_wgpu()?, WGPU_REMEDY)
}

#[cfg(feature = "cuda")]
#[expect(clippy::unnecessary_wraps, reason = "builds without it refuse here")]
fn all_cuda() -> Result<Vec<Device>, DeviceError> {
    Ok(enumerated(burn::tensor::DeviceType::Cuda))
}

#[cfg(not(feature = "cuda"))]
fn all_cuda() -> Result<Vec<Device>, DeviceError> {
    Err(DeviceError::NotBuilt { feature: "cuda" })
}

#[cfg(feature = "wgpu")]
#[expect(clippy::unnecessary_wraps, reason = "builds without it refuse here")]
fn all_wgpu() -> Result<Vec<Device>, DeviceError> {
    Ok(enumerated(burn::tensor::DeviceType::Wgpu))
}

#[cfg(not(feature = "wgpu"))]
fn all_wgpu() -> Result<Vec<Device>, DeviceError> {
    Err(DeviceError::NotBuilt { feature: "wgpu" })
}

/// A missing driver is a panic inside the backend; it means that there is no device.
#[cfg(any(feature = "cuda", feature = "wgpu"))]
fn enumerated(kind: burn::tensor::DeviceType) -> Vec<Device> {
    let found = distil_files::caught(|| burn::tensor::Device::enumerate(kind).into_vec());
    found.unwrap_or_default().into_iter().map(Device::from).collect()
}

/// The device of this index among those that the backend lists.
fn pick(
    kind: &'static str,
    index: usize,
    devices: Vec<Device>,
    remedy: &'static str,
) -> Result<Device, DeviceError> {
    let found = devices.len();
    devices.into_iter().nth(index).ok_or(match found {
        0 => DeviceError::None { kind, remedy },
        _ => DeviceError::Index { kind, index, found },
    })
}

#[cfg(test)]
mod tests {
    use super::DeviceChoice;

    #[test]
    fn devices_have_names() {
        assert_eq!("cuda:2".parse(), Ok(DeviceChoice::Cuda(2)));
        assert_eq!("wgpu".parse(), Ok(DeviceChoice::Wgpu(0)));
        for wrong in ["gpu", "cpu:0", "cuda:x", "cuda:", "", "auto:1"] {
            assert!(wrong.parse::<DeviceChoice>().is_err(), "{wrong}");
        }
        for name in ["auto", "cpu", "cuda:1", "wgpu:0"] {
            assert_eq!(name.parse::<DeviceChoice>().map(|choice| choice.to_string()), Ok(name.to_owned()));
        }
    }
}
