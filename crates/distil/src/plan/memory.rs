//! Peak memory, part by part.

use distil_engine::{LARGEST_CPU_CHUNK, WAVE};
use distil_eval::{TEACHER_BATCH, TEST_BATCH};
use distil_kernels::{gradient_bytes, products_bytes, weights_bytes};
use distil_models::Network;

use super::job::{Job, SCALAR};

/// Code and small things of the program, and what the allocator keeps for each thread.
const PROGRAM: (u128, u128) = (20 << 20, 4 << 20);
/// Of that, what there is when data are read.
const STARTED: u128 = 32 << 20;
/// Images that a thread classifies at a time, and that are uploaded together.
const CLASSIFIED: (u128, u128) = (LARGEST_CPU_CHUNK as u128, TEST_BATCH as u128);
/// Vectors like θ, in f32, in addition to θ_0…θ_N: λ, its update and its copies, or start, end, target, errors and their order in
/// f64 when the loss is computed.
const LOSS_VECTORS: u128 = 14;
/// Copies of a chunk's images that its augmentation and that one's derivative hold.
const AUGMENTED: u128 = 24;
/// Copies of a step's images: the batch, its gradient, what is added to the set's.
const BATCH_COPIES: u128 = 4;
/// Scalars that Burn's graph of a dual pass keeps, and that of a plain one, for each value of a feature map, where nothing
/// was measured.
const GRAPH: (u128, u128) = (44, 12);
/// Feature maps of the largest size that a trained network has at a time.
const MAPS: u128 = 4;
/// Copies of that network's state: on the host and on the device.
const STATES: u128 = 2;
/// Images whose graph sizes are computed exactly; beyond, they are extrapolated, so that nothing overflows.
const EXACT: u128 = 1 << 16;

/// What memory is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The program itself.
    Program,
    /// Training, validation and test images.
    Data,
    /// The matrices of ZCA.
    Zca,
    /// Synthetic images and labels, their momentum, average and gradient.
    Synthetic,
    /// θ_0…θ_N.
    Parameters,
    /// Vectors like θ: λ, and the loss on the host.
    Loss,
    /// Weights in the order and domain of the kernels, of θ and λ.
    Filters,
    /// Working memory of the threads.
    Threads,
    /// The network of activation maps (EDF), and its feature maps.
    Maps,
    /// The students' teacher, and its feature maps.
    Teacher,
    /// Results of chunks that wait for their sum.
    Results,
    /// The images of one step.
    Batch,
    /// What the update, a checkpoint or a validation needs beyond the inner loop.
    Outer,
    /// What reading the data needs beyond the run itself.
    Reading,
    /// Trajectories of experts, mapped from their files.
    Experts,
}

impl Part {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Program => "program",
            Self::Data => "real data",
            Self::Zca => "ZCA matrices",
            Self::Synthetic => "synthetic set, its optimiser and its gradient",
            Self::Parameters => "parameters θ_0…θ_N",
            Self::Loss => "λ, and the matching loss",
            Self::Filters => "filters of θ and λ, transformed",
            Self::Threads => "working memory of the threads",
            Self::Maps => "activation maps",
            Self::Teacher => "teacher of the students",
            Self::Results => "results of chunks",
            Self::Batch => "images of one step",
            Self::Outer => "update and checkpoint, beyond the inner loop",
            Self::Reading => "reading the data, beyond the run",
            Self::Experts => "experts, mapped from their files",
        }
    }
}

/// Peak memory of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Memory {
    /// Bytes of every part that needs any.
    pub parts: Vec<(Part, u128)>,
}

impl Memory {
    /// The sum: what the largest resident size will be where memory is plentiful.
    pub fn total(&self) -> u128 {
        self.parts.iter().fold(0, |sum, (_, bytes)| sum.saturating_add(*bytes))
    }

    /// What cannot be taken away: files that are mapped are read again when they are needed.
    pub fn needed(&self) -> u128 {
        self.total() - self.of(Part::Experts)
    }

    /// Bytes of one part.
    pub fn of(&self, part: Part) -> u128 {
        self.parts.iter().filter(|(which, _)| *which == part).map(|(_, bytes)| bytes).sum()
    }
}

impl Job<'_> {
    /// Peak memory of the run, of the process where the device is the CPU, else of process and device together.
    pub fn memory(&self) -> Memory {
        let mut parts = vec![
            (Part::Program, PROGRAM.0 + PROGRAM.1 * self.threads as u128),
            (Part::Data, self.data_bytes()),
            (Part::Zca, self.zca_bytes()),
            (Part::Synthetic, (self.learned_copies() + 1) * self.set()),
            (Part::Filters, self.filters()),
            (Part::Threads, self.working_memory()),
            (Part::Maps, self.maps()),
            (Part::Teacher, self.teacher()),
        ];
        let inner = [
            (Part::Parameters, (self.syn_steps() + 1) * self.theta()),
            (Part::Loss, LOSS_VECTORS * self.theta()),
            (Part::Results, self.results()),
            (Part::Batch, (BATCH_COPIES * self.batch() + self.batch_real()) * self.image()),
        ];
        let inside: u128 = inner.iter().map(|(_, bytes)| bytes).sum();
        parts.extend(inner);
        // Old values, new values and host copies of everything that is learned; the gradient is counted already.
        let outer = (self.learned_copies() + 1) * self.set();
        parts.push((Part::Outer, outer.saturating_sub(inside)));
        let running: u128 = parts.iter().map(|(_, bytes)| bytes).sum();
        parts.push((Part::Reading, (STARTED + self.reading()).saturating_sub(running)));
        let opened = self.method.iterations.saturating_add(1).min(self.experts as u64);
        let trajectory = (self.expert_epochs as u128 + 1) * self.theta();
        parts.push((Part::Experts, u128::from(opened).saturating_mul(trajectory)));
        parts.retain(|(_, bytes)| *bytes > 0);
        Memory { parts }
    }

    /// Bytes, and network input in f32 next to them after ZCA.
    fn data_bytes(&self) -> u128 {
        let each = if self.data.zca { 1 + SCALAR } else { 1 };
        self.data.kept as u128 * self.pixels() * each
    }

    /// Whitening and its inverse, in f64.
    fn zca_bytes(&self) -> u128 {
        if self.data.zca { 2 * 2 * SCALAR * self.pixels().pow(2) } else { 0 }
    }

    /// Everything at the moment when all images are read (with room to grow) and the parts are copied out of them; fitting
    /// ZCA takes four times what it leaves.
    fn reading(&self) -> u128 {
        let read = self.data.read as u128 * self.data.read_pixels as u128;
        let kept = self.data.kept as u128 * self.pixels();
        (read + read / 2 + kept).max(4 * self.zca_bytes() + self.data_bytes())
    }

    /// Chunks of a batch that is trained on: one, where its images meet in batch statistics.
    fn training_chunks(&self, batch: u128, micro_batch: usize) -> (u128, u128) {
        if self.net.has_batch_statistics() { (1, batch.max(1)) } else { self.chunks(batch, micro_batch) }
    }

    /// Chunks of a batch: how many, and the images of the largest.
    fn chunks(&self, batch: u128, micro_batch: usize) -> (u128, u128) {
        let images = usize::try_from(batch).unwrap_or(usize::MAX).max(1);
        let size = self.engine.chunk_size(images, micro_batch) as u128;
        (batch.max(1).div_ceil(size), size)
    }

    /// θ and λ as the kernels want them.
    fn filters(&self) -> u128 {
        self.kernels.as_ref().map_or(0, |net| 2 * weights_bytes(net) as u128)
    }

    /// The threads' working memory, which they keep: each thread of the pool meets the largest chunk of any work that
    /// comes in several chunks; work of one chunk runs on the calling thread.
    fn working_memory(&self) -> u128 {
        let batches = Self::batches(self.images(), self.batch());
        let inner = batches.map(|batch| (self.training_chunks(batch, self.method.micro_batch), Pass::Dual));
        let real = (self.training_chunks(self.batch_real(), self.method.micro_batch), Pass::Plain);
        let students = Self::batches(self.images(), self.students_batch())
            .map(|batch| (self.training_chunks(batch, self.students.micro_batch), Pass::Plain));
        let classified = ((CLASSIFIED.1.div_ceil(CLASSIFIED.0), CLASSIFIED.0), Pass::Forward);
        let work = inner.into_iter().chain(students).chain([real, classified]);
        let (mut caller, mut each) = (0, 0);
        for ((chunks, size), pass) in work {
            let bytes = self.pass(pass, size);
            if chunks == 1 {
                caller = bytes.max(caller);
            } else {
                each = (bytes * (self.threads as u128).min(chunks)).max(each);
            }
        }
        caller + each
    }

    /// What the threads need for activation maps of the set, on Burn's operations in addition to what the kernels keep.
    fn maps(&self) -> u128 {
        if self.method.enhancement().is_none() {
            return 0;
        }
        let chunks = self.chunks(self.images(), self.method.micro_batch);
        self.at_work(self.cam.unwrap_or(self.net), chunks)
    }

    /// What the threads need for what a teacher says of a batch of students.
    fn teacher(&self) -> u128 {
        let chunks = self.chunks(self.students_batch(), TEACHER_BATCH);
        self.teacher.map_or(0, |net| self.at_work(net, chunks))
    }

    /// Images of a student's step.
    fn students_batch(&self) -> u128 {
        (self.students.batch as u128).min(self.images())
    }

    /// A trained network, and its feature maps of so many chunks of so many images.
    fn at_work(&self, net: &Network, (chunks, size): (u128, u128)) -> u128 {
        let state = (net.layout().params() + net.buffers_layout().params()) as u128;
        let maps = (self.threads as u128).min(chunks) * size * MAPS * net.largest_map() as u128;
        (maps + STATES * state) * SCALAR
    }

    /// Whole batches, and the smaller last one of a pass over the set.
    fn batches(images: u128, batch: u128) -> [u128; 2] {
        let rest = if batch == 0 { 0 } else { images % batch };
        [batch, if rest == 0 { batch } else { rest }]
    }

    /// Working memory of one thread for a chunk.
    fn pass(&self, pass: Pass, images: u128) -> u128 {
        let augmented = if self.augments() && pass != Pass::Forward { AUGMENTED } else { BATCH_COPIES };
        let copies = augmented * images * self.image();
        if let (None, Some(measured)) = (&self.kernels, self.measured) {
            match pass {
                Pass::Dual => return images * measured.dual,
                Pass::Plain => return images * measured.plain,
                Pass::Forward => {}
            }
        }
        let Some(net) = &self.kernels else {
            let graph = match pass {
                Pass::Dual => GRAPH.0,
                Pass::Plain => GRAPH.1,
                // Nothing is kept: two feature maps at a time, and what makes the second.
                Pass::Forward => 3,
            };
            let maps: u128 = self.net.map_sizes().iter().map(|size| *size as u128).sum();
            return copies + graph * images * maps * SCALAR;
        };
        let bytes = |n| match pass {
            Pass::Dual => products_bytes(net, n) as u128,
            Pass::Plain | Pass::Forward => gradient_bytes(net, n) as u128,
        };
        if images <= EXACT {
            return copies + bytes(images as usize);
        }
        copies + bytes(EXACT as usize) * images.div_ceil(EXACT)
    }

    /// A guess at what a chunk of second-order products takes, before anything is measured.
    pub(super) fn of_one_chunk(&self) -> u128 {
        self.pass(Pass::Dual, LARGEST_CPU_CHUNK as u128)
    }

    /// Sums so far, and the results of a wave.
    fn results(&self) -> u128 {
        let (chunks, size) = self.training_chunks(self.batch(), self.method.micro_batch);
        (chunks.min(WAVE as u128) + 1) * (self.theta() + size * self.image())
    }
}

/// What a thread does with a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pass {
    /// Second-order products.
    Dual,
    /// A gradient.
    Plain,
    /// Logits.
    Forward,
}
