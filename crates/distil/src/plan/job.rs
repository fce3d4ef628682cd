//! Everything that decides what a run needs, and what it leaves on disk.

use distil_augment::Strategy;
use distil_engine::Engine;
use distil_kernels as kernels;
use distil_models::Network;

use distil_match::{Cost, Method};

use super::measured::PerImage;

/// Bytes of a scalar.
pub(super) const SCALAR: u128 = 4;
/// Checkpoints of a run folder, and one more while it is written.
const CHECKPOINTS: u128 = 3;

/// How students of validations are trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Students {
    /// Images a step.
    pub batch: usize,
    /// The most images alive at a time, on each CPU thread.
    pub micro_batch: usize,
}

/// How much real data is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataSize {
    /// Images that stay in memory: training, validation and test parts.
    pub kept: usize,
    /// Images that are read before the parts are chosen.
    pub read: usize,
    /// Training images, and those of the smallest class.
    pub train: [usize; 2],
    /// Pixels of one image as it is read, before it is resized.
    pub read_pixels: usize,
    /// Whether a ZCA transform is fitted or read.
    pub zca: bool,
}

/// Everything that decides what a run needs.
#[derive(Debug, Clone)]
pub struct Job<'a> {
    /// How to distil.
    pub method: &'a Method,
    /// The student network; the experts' too.
    pub net: &'a Network,
    /// The network as the CPU kernels know it ([`Engine::kernels`]); `None` where Burn's operations compute it.
    pub kernels: Option<kernels::Network>,
    /// The network of activation maps, where it is known; without it, one like the students'.
    pub cam: Option<&'a Network>,
    /// The network that students of validations learn from, where there is one.
    pub teacher: Option<&'a Network>,
    /// Experts of the store.
    pub experts: usize,
    /// Epochs of each.
    pub expert_epochs: usize,
    /// Validations.
    pub students: Students,
    /// Real data.
    pub data: DataSize,
    /// What passes over an image take where that was measured: on Burn's operations.
    pub measured: Option<PerImage>,
    /// Where to compute.
    pub engine: &'a Engine,
    /// CPU threads that take chunks; 1 on other devices, which take one chunk after the other.
    pub threads: usize,
}

/// Bytes that a run leaves on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    /// The trajectories of all experts, which runs with the same data, network and recipe share.
    pub trajectories: u128,
    /// The checkpoints of the run, at their most.
    pub checkpoints: u128,
    /// The synthetic sets: initial, last, best, and the moving average where there is one.
    pub sets: u128,
    /// The log, at its most.
    pub events: u128,
}

impl Stored {
    /// The sum.
    pub fn total(&self) -> u128 {
        self.trajectories.saturating_add(self.checkpoints + self.sets + self.events)
    }
}

impl Job<'_> {
    /// Synthetic images, as they are stored.
    fn stored_images(&self) -> usize {
        let [train, smallest] = self.data.train;
        self.method.ipc.total(self.net.classes(), train, smallest)
    }

    /// Synthetic images, as networks see them.
    pub fn images(&self) -> u128 {
        self.stored_images() as u128 * self.method.decoding.images_per_stored() as u128
    }

    /// Synthetic images of one batch.
    pub fn batch(&self) -> u128 {
        let all = usize::try_from(self.images()).unwrap_or(usize::MAX);
        if all == usize::MAX {
            return self.images();
        }
        self.method.objective.cost(all, self.net.classes()).batch_syn as u128
    }

    /// What one iteration computes.
    pub(super) fn cost(&self) -> Cost {
        let images = usize::try_from(self.images()).unwrap_or(usize::MAX);
        self.method.objective.cost(images, self.net.classes())
    }

    /// Real images of one iteration.
    pub(super) fn batch_real(&self) -> u128 {
        self.cost().batch_real as u128
    }

    /// Inner steps whose parameters are kept.
    pub(super) fn syn_steps(&self) -> u128 {
        self.cost().syn_steps as u128
    }

    /// What a run leaves on disk.
    pub fn stored(&self) -> Stored {
        let sets = if self.method.ema > 0.0 { 4 } else { 3 };
        let snapshots = self.expert_epochs as u128 + 1;
        Stored {
            trajectories: (self.experts as u128).saturating_mul(snapshots).saturating_mul(self.theta()),
            checkpoints: CHECKPOINTS * self.learned_copies() * self.set(),
            sets: sets * self.set(),
            events: self.log_bytes(),
        }
    }

    /// θ.
    pub(super) fn theta(&self) -> u128 {
        self.net.layout().params() as u128 * SCALAR
    }

    /// One image.
    pub(super) fn image(&self) -> u128 {
        self.pixels() * SCALAR
    }

    pub(super) fn pixels(&self) -> u128 {
        self.net.image_shape().iter().map(|&side| side as u128).product()
    }

    /// Images and labels of the synthetic set.
    pub(super) fn set(&self) -> u128 {
        self.stored_images() as u128 * (self.image() + self.net.classes() as u128 * SCALAR)
    }

    /// The set, its momentum, and its moving average where there is one.
    pub(super) fn learned_copies(&self) -> u128 {
        if self.method.ema > 0.0 { 3 } else { 2 }
    }

    pub(super) fn augments(&self) -> bool {
        self.method.augmentation != Strategy::none()
    }
}
