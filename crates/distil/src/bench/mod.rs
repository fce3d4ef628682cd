//! Speed and memory of what the program does: iterations of the loop, steps of experts, epochs of students, maps; on random
//! data.

mod maps;
mod memory;
mod work;

use std::cell::RefCell;
use std::time::Instant;

use distil_match::Gradient;
use distil_models::Network;
use distil_progress::{Progress, Step};

use crate::machine::CpuTime;
use crate::{Device, Error};

pub use memory::MemoryUse;
use memory::MemoryWatch;

/// What is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// One iteration of trajectory matching with soft labels.
    Iteration {
        /// Synthetic images.
        images: usize,
        /// Images of one inner step.
        batch_syn: usize,
        /// Inner steps N.
        syn_steps: usize,
        /// How the loss is differentiated.
        gradient: Gradient,
        /// Whether anything moves.
        update: Update,
    },
    /// One step of an expert on a batch of real images.
    ExpertStep {
        /// Images of the batch.
        batch: usize,
    },
    /// One epoch of a student.
    Epoch {
        /// Images of its set.
        images: usize,
        /// Images of a batch.
        batch: usize,
    },
    /// Grad-CAM maps of all images, for a class each.
    Maps {
        /// Images.
        images: usize,
    },
}

/// Whether an iteration moves images, labels and step size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Update {
    /// By step sizes like the published ones.
    Apply,
    /// By step sizes of zero.
    Zero,
}

/// A measurement to be.
#[derive(Debug, Clone)]
pub struct Bench {
    /// The network.
    pub net: Network,
    /// What is repeated.
    pub work: Work,
    /// The most images alive at a time, on each CPU thread.
    pub micro_batch: usize,
    /// Repetitions before timing starts.
    pub warmup: usize,
    /// Timed repetitions, at least one.
    pub repeats: usize,
    /// Seed of all random numbers.
    pub seed: u64,
}

/// What was measured.
#[derive(Debug, Clone)]
pub struct Measured {
    /// Wall-clock seconds of each timed repetition.
    pub seconds: Vec<f64>,
    /// Loss of the last one; of maps, their mean.
    pub loss: f64,
    /// Memory that the work took.
    pub memory: MemoryUse,
    /// Cores that other processes kept busy meanwhile; `None` where the system does not tell.
    pub other_cores: Option<f64>,
}

impl Bench {
    /// Repeats the work, and waits for the device before every reading of the clock.
    ///
    /// # Errors
    /// [`Error`] when the device fails; [`Error::Stopped`] when the listener asked to stop.
    pub fn measure(&self, device: &Device, progress: Progress<'_>) -> Result<Measured, Error> {
        let mut work = work::Prepared::new(self, device.engine())?;
        let clock =
            Clock { device, progress, total: (self.warmup + self.repeats) as u64, laps: RefCell::default() };
        clock.sync()?;
        let memory = MemoryWatch::start(device);
        clock.lap()?;
        let loss = work.run(self, &clock)?;
        let memory = memory.stop(device);
        let laps = clock.laps.into_inner();
        let timed = &laps[self.warmup..];
        let (first, last) = (&timed[0], &timed[self.repeats]);
        let elapsed = (last.at - first.at).as_secs_f64();
        let cpu = first.cpu.zip(last.cpu);
        Ok(Measured {
            seconds: timed.windows(2).map(|pair| (pair[1].at - pair[0].at).as_secs_f64()).collect(),
            loss,
            memory,
            other_cores: cpu.map(|(before, after)| after.other_cores(before, elapsed)),
        })
    }
}

/// When repetitions ended.
struct Clock<'a> {
    device: &'a Device,
    progress: Progress<'a>,
    total: u64,
    /// The start, and the end of every repetition.
    laps: RefCell<Vec<Lap>>,
}

struct Lap {
    at: Instant,
    cpu: Option<CpuTime>,
}

impl Clock<'_> {
    fn sync(&self) -> Result<(), Error> {
        self.device.burn().sync().map_err(|error| Error::Execution(error.to_string()))
    }

    /// Counts a repetition that has ended, once the device is done with it.
    fn lap(&self) -> Result<(), Error> {
        self.sync()?;
        let mut laps = self.laps.borrow_mut();
        let done = laps.len() as u64;
        laps.push(Lap { at: Instant::now(), cpu: CpuTime::now() });
        if self.progress.at(Step::of("measure", done, self.total, "repetitions")).is_break() {
            return Err(Error::stopped("nothing was measured; run the same command again"));
        }
        Ok(())
    }
}
