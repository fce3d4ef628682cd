//! Whether a device computes what the CPU computes in double precision.

mod check;
mod checks;

use distil_models::{ConvNet, Network};
use distil_progress::{Progress, Step};

use crate::{DeviceChoice, Error, Plan};

pub use check::{Finding, Outcome};

/// How many images a batch has where nobody said it: errors do not depend on it much, and time does.
const FEW: usize = 8;

/// The shapes that a device is checked on.
#[derive(Debug)]
pub struct Doctor {
    /// The network.
    pub net: Network,
    /// Images of a batch.
    pub images: usize,
}

impl Default for Doctor {
    /// 32×32 RGB images in ten classes, width 128.
    fn default() -> Self {
        Self { net: ConvNet::new(3, 10, 32, 32).into(), images: FEW }
    }
}

impl Doctor {
    /// The network of a planned run and the images of its inner step, a few at most.
    pub fn of(plan: &Plan<'_>) -> Self {
        let job = plan.job();
        let step = job.batch().min(job.method.micro_batch as u128);
        Self { net: plan.net().clone(), images: usize::try_from(step).map_or(FEW, |step| step.clamp(1, FEW)) }
    }

    /// Computes every operation of the network, and passes over the whole of it, on the device in f32 and on the CPU in f64.
    ///
    /// # Errors
    /// [`Error::Device`] when one of the two cannot be opened; [`Error::Stopped`] when the listener asked to stop.
    pub fn examine(&self, choice: DeviceChoice, progress: Progress<'_>) -> Result<Vec<Finding>, Error> {
        let (device, reference) = (choice.open()?, DeviceChoice::Cpu.open()?);
        let tolerances = Tolerances::of(choice);
        let checks = checks::of_network(&self.net, self.images);
        let total = checks.len() as u64;
        let mut findings = Vec::new();
        for (done, check) in (0..).zip(&checks) {
            let step = Step::of("doctor", done, total, "checks");
            if progress.at(step.with_detail(format_args!("{}", check.name))).is_break() {
                return Err(Error::stopped("run the same command again"));
            }
            let tolerance = if check.is_whole { tolerances.whole } else { tolerances.operation };
            findings.push(check.compare(device.burn(), reference.burn(), tolerance));
        }
        Ok(findings)
    }
}

/// The largest relative errors that are rounding.
#[derive(Debug, Clone, Copy)]
struct Tolerances {
    /// Of one operation.
    operation: f64,
    /// Of a pass over the network: errors add up, and units near zero switch.
    whole: f64,
}

impl Tolerances {
    fn of(choice: DeviceChoice) -> Self {
        match choice {
            // Tensor cores may round the factors of convolutions and products to TF32.
            DeviceChoice::Cuda(_) => Self { operation: 5e-3, whole: 5e-2 },
            _ => Self { operation: 1e-4, whole: 1e-3 },
        }
    }
}
