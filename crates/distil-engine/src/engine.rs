use std::ops::Range;

use burn::backend::{Device as _, DispatchDeviceId};
use burn::tensor::{DType, Device, Tensor};
use distil_kernels as kernels;
use distil_models::{Architecture, BatchNorms, ConvNet, Network, Norm, Pool};

use crate::chunks;

/// Where and how networks are computed. Opened once for a device; everything else asks it, and nobody else asks what the device
/// is.
///
/// There are two ways: Burn's operations, which know every network, loss and number, and the fused CPU kernels, which are checked
/// against them. Which one computes a network is decided in [`Engine::kernels`] alone.
#[derive(Debug, Clone)]
pub struct Engine {
    device: Device,
    processor: Processor,
}

/// What computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Processor {
    Cpu,
    Accelerator,
}

/// A network at some parameters.
#[derive(Debug, Clone, Copy)]
pub struct At<'a> {
    /// The network.
    pub net: &'a Network,
    /// Its parameters `[P]`.
    pub theta: &'a Tensor<1>,
    /// What its batch norms normalise with.
    pub norms: BatchNorms<'a>,
}

impl<'a> At<'a> {
    /// In training: batch norms use the batch's own statistics.
    pub fn training(net: &'a Network, theta: &'a Tensor<1>) -> Self {
        Self { net, theta, norms: BatchNorms::Batch }
    }

    /// In evaluation: batch norms use the running statistics `buffers` `[B]`.
    pub fn evaluation(net: &'a Network, theta: &'a Tensor<1>, buffers: &'a Tensor<1>) -> Self {
        Self { net, theta, norms: BatchNorms::Running(buffers) }
    }

    /// Whether the images of a batch meet in its statistics, so that it cannot be computed in parts.
    pub fn couples_images(&self) -> bool {
        matches!(self.norms, BatchNorms::Batch) && self.net.has_batch_statistics()
    }

    /// Its parameters, one tensor per layout entry.
    pub(crate) fn params(&self) -> Vec<Tensor<1>> {
        self.net.layout().split(self.theta.clone())
    }
}

impl Engine {
    /// On this device.
    pub fn new(device: Device) -> Self {
        // The upper half of the type is the backend's (`DispatchDevice::encode_type_id`).
        let backend = device.as_dispatch().to_id().type_id >> u8::BITS;
        let cpu = backend == u16::from(DispatchDeviceId::Flex);
        let processor = if cpu { Processor::Cpu } else { Processor::Accelerator };
        Self { device, processor }
    }

    /// The device that its tensors are on.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Whether it computes on this machine's processor and in its memory.
    pub fn is_cpu(&self) -> bool {
        self.processor == Processor::Cpu
    }

    /// The network as the fused kernels know it, where they compute it: in f32 on the CPU, a ConvNet with instance norm and
    /// average pools. Everything else runs on Burn's operations, which are also the oracle in f64.
    pub fn kernels(&self, net: &Network, dtype: DType) -> Option<kernels::Network> {
        let Architecture::ConvNet(net) = net.architecture() else { return None };
        let known = net.norm == Norm::Instance && net.pool == Pool::Avg && net.depth > 0;
        let here = self.processor == Processor::Cpu && !self.device.is_autodiff() && dtype == DType::F32;
        (known && here).then(|| of_convnet(net))
    }

    /// Images of each chunk but the last of a batch of `n`, when at most `micro_batch` are allowed at a time.
    ///
    /// On the CPU a chunk is at most half the batch, so that two threads have work, and at most 16 images, which stay in
    /// the cache. Other devices take as many as are allowed. A function of sizes alone, never of the number of threads.
    pub fn chunk_size(&self, n: usize, micro_batch: usize) -> usize {
        let most = match self.processor {
            Processor::Cpu => n.div_ceil(2).min(chunks::LARGEST_CPU_CHUNK),
            Processor::Accelerator => n,
        };
        micro_batch.min(most).max(1)
    }

    /// Applies `work` to `0..n` in consecutive ranges of [`Engine::chunk_size`] rows, and reduces the results in order; `None` when
    /// `n` is 0.
    ///
    /// On the CPU the ranges run on all threads of rayon's pool: small chunks stay in the cache, and
    /// every operation of a chunk gets a core, also those that Burn does not split. The result does not
    /// depend on the number of threads. Other devices take one chunk after the other, because their
    /// streams, and the memory these keep, are per thread.
    pub fn reduce_chunks<T: Send>(
        &self,
        n: usize,
        micro_batch: usize,
        work: impl Fn(Range<usize>) -> T + Sync + Send,
        reduce: impl Fn(T, T) -> T,
    ) -> Option<T> {
        let ranges = chunks::ranges(n, self.chunk_size(n, micro_batch));
        match self.processor {
            Processor::Cpu if ranges.len() > 1 => chunks::reduce_in_waves(&ranges, work, reduce),
            _ => ranges.into_iter().map(work).reduce(reduce),
        }
    }

    /// As [`Engine::reduce_chunks`], or in one piece where the images of the batch meet.
    pub(crate) fn reduce_parts<T: Send>(
        &self,
        parts: Parts,
        work: impl Fn(Range<usize>) -> T + Sync + Send,
        reduce: impl Fn(T, T) -> T,
    ) -> Option<T> {
        match parts {
            Parts::Whole(0) => None,
            Parts::Whole(n) => Some(work(0..n)),
            Parts::Chunks { n, micro_batch } => self.reduce_chunks(n, micro_batch, work, reduce),
        }
    }
}

/// How a batch may be cut.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Parts {
    /// Not at all: `n` images.
    Whole(usize),
    /// Into chunks of at most `micro_batch` images.
    Chunks { n: usize, micro_batch: usize },
}

fn of_convnet(net: &ConvNet) -> kernels::Network {
    kernels::Network {
        channels: net.channels,
        classes: net.classes,
        height: net.height,
        image_width: net.image_width,
        width: net.width,
        depth: net.depth,
        first_padding: net.first_padding(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_cover_all_rows_in_order() {
        let engine = Engine::new(Device::flex());
        let ranges = |n, size| {
            let joined = |mut a: Vec<(usize, usize)>, b| {
                a.extend(b);
                a
            };
            engine.reduce_chunks(n, size, |range| vec![(range.start, range.end)], joined)
        };
        assert_eq!(ranges(5, 2), Some(vec![(0, 2), (2, 4), (4, 5)]));
        assert_eq!(ranges(5, usize::MAX), Some(vec![(0, 3), (3, 5)]));
        assert_eq!(ranges(40, usize::MAX), Some(vec![(0, 16), (16, 32), (32, 40)]));
        assert_eq!(ranges(2, 0), Some(vec![(0, 1), (1, 2)]));
        assert_eq!(ranges(40, 1).map(|all| all.len()), Some(40));
        assert_eq!(ranges(0, 3), None);
    }

    #[test]
    fn the_cpu_backend_is_recognised() {
        for device in [Device::flex(), Device::flex().autodiff()] {
            assert_eq!(Engine::new(device).processor, Processor::Cpu);
        }
    }
}
