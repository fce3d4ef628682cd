//! The device that `--device` names.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::str::FromStr;

use burn::tensor::{Device, Tensor};

use crate::failure::Failure;
use crate::{machine, panic};

/// A device as the user names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DeviceChoice {
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

impl DeviceChoice {
    /// The device, after one small computation on it.
    ///
    /// # Errors
    /// [`Failure`] when the backend is not compiled in, there is no such device, or it does not compute.
    pub(crate) fn open(self) -> Result<Device, Failure> {
        match self {
            Self::Auto => self.resolved()?.open(),
            Self::Cpu => cpu(),
            Self::Cuda(index) => cuda(index).and_then(|device| probed(device, CUDA_REMEDY)),
            Self::Wgpu(index) => wgpu(index).and_then(|device| probed(device, WGPU_REMEDY)),
        }
    }

    /// What `auto` stands for on this machine; every other choice stands for itself.
    ///
    /// # Errors
    /// [`Failure`] when nothing that is compiled in computes here.
    pub(crate) fn resolved(self) -> Result<Self, Failure> {
        if self != Self::Auto {
            return Ok(self);
        }
        for gpu in [Self::Cuda(0), Self::Wgpu(0)] {
            match gpu.open() {
                Ok(_) => return Ok(gpu),
                Err(failure) => tracing::debug!(?gpu, ?failure, "not used"),
            }
        }
        cpu().map(|_| Self::Cpu)
    }
}

/// The devices of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Listed {
    /// The backend is not compiled in.
    NotBuilt,
    /// What each calls itself, in the order of their indices.
    Found(Vec<String>),
}

/// Every kind of device by its name on the command line.
pub(crate) fn listed() -> [(&'static str, Listed); 3] {
    [("cpu", list_cpu()), ("cuda", list_cuda()), ("wgpu", list_wgpu())]
}

/// Whether a device is the CPU backend: Burn tells it at compile time, by features, or in words.
pub(crate) fn is_cpu(device: &Device) -> bool {
    format!("{device:?}").contains("Flex")
}

/// What a device calls itself.
pub(crate) fn described(device: &Device) -> String {
    if is_cpu(device) {
        return machine::cpu_name();
    }
    // Asking opens the device, and an unusable one panics.
    #[cfg(any(feature = "cuda", feature = "wgpu"))]
    if let Ok(Some(identity)) = panic::silenced(|| catch_unwind(AssertUnwindSafe(|| device.identity()))) {
        return identity.name;
    }
    format!("{device:?}")
}

const CUDA_REMEDY: &str =
    "install the NVIDIA driver and CUDA 12 (`nvidia-smi` must list the GPU), or use --device cpu";
const WGPU_REMEDY: &str = "install a Vulkan driver (`vulkaninfo` must list the GPU), or use --device cpu";

#[cfg(feature = "flex")]
fn list_cpu() -> Listed {
    Listed::Found(vec![machine::cpu_name()])
}

#[cfg(not(feature = "flex"))]
fn list_cpu() -> Listed {
    Listed::NotBuilt
}

#[cfg(feature = "cuda")]
fn list_cuda() -> Listed {
    Listed::Found(enumerated(burn::tensor::DeviceType::Cuda).iter().map(described).collect())
}

#[cfg(not(feature = "cuda"))]
fn list_cuda() -> Listed {
    Listed::NotBuilt
}

#[cfg(feature = "wgpu")]
fn list_wgpu() -> Listed {
    Listed::Found(enumerated(burn::tensor::DeviceType::Wgpu).iter().map(described).collect())
}

#[cfg(not(feature = "wgpu"))]
fn list_wgpu() -> Listed {
    Listed::NotBuilt
}

#[cfg(feature = "flex")]
#[expect(clippy::unnecessary_wraps, reason = "builds without the CPU backend refuse here")]
fn cpu() -> Result<Device, Failure> {
    Ok(Device::flex())
}

#[cfg(not(feature = "flex"))]
fn cpu() -> Result<Device, Failure> {
    Err(not_built("flex"))
}

#[cfg(feature = "cuda")]
fn cuda(index: usize) -> Result<Device, Failure> {
    pick("CUDA", index, burn::tensor::DeviceType::Cuda, CUDA_REMEDY)
}

#[cfg(not(feature = "cuda"))]
fn cuda(_: usize) -> Result<Device, Failure> {
    Err(not_built("cuda"))
}

#[cfg(feature = "wgpu")]
fn wgpu(index: usize) -> Result<Device, Failure> {
    pick("wgpu", index, burn::tensor::DeviceType::Wgpu, WGPU_REMEDY)
}

#[cfg(not(feature = "wgpu"))]
fn wgpu(_: usize) -> Result<Device, Failure> {
    Err(not_built("wgpu"))
}

#[cfg(not(all(feature = "flex", feature = "cuda", feature = "wgpu")))]
fn not_built(feature: &str) -> Failure {
    Failure::new(
        format_args!("this distil was built without the `{feature}` backend"),
        format_args!(
            "build it with `cargo build --release -p distil --features {feature}`, or use another --device"
        ),
    )
}

/// A missing driver is a panic inside the backend; it means that there is no device.
#[cfg(any(feature = "cuda", feature = "wgpu"))]
fn enumerated(kind: burn::tensor::DeviceType) -> Vec<Device> {
    panic::silenced(|| catch_unwind(|| Device::enumerate(kind).into_vec())).unwrap_or_default()
}

/// The device of this index among those that the backend lists.
#[cfg(any(feature = "cuda", feature = "wgpu"))]
fn pick(name: &str, index: usize, kind: burn::tensor::DeviceType, remedy: &str) -> Result<Device, Failure> {
    let devices = enumerated(kind);
    let found = devices.len();
    devices.into_iter().nth(index).ok_or_else(|| match found {
        0 => Failure::new(format_args!("there is no {name} device"), remedy),
        _ => Failure::new(
            format_args!("there is no {name} device {index}"),
            format_args!("choose an index below {found}, the number of {name} devices"),
        ),
    })
}

fn probed(device: Device, remedy: &str) -> Result<Device, Failure> {
    let computes = || Tensor::<1>::ones([4], &device).sum().into_data().iter::<f32>().sum::<f32>();
    match panic::silenced(|| catch_unwind(AssertUnwindSafe(computes))) {
        Ok(sum) if (sum - 4.0).abs() < 1e-6 => Ok(device),
        Ok(sum) => Err(Failure::new(format_args!("{device:?} adds four ones up to {sum}"), remedy)),
        Err(_) => Err(Failure::new(format_args!("{device:?} does not compute"), remedy)),
    }
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
