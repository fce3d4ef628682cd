use std::ops::{ControlFlow, Range};

use burn::tensor::{Device, Tensor};
use distil_hypergrad::{Sgd, SgdState};
use distil_models::Network;
use distil_random::{permutation, stream};
use thiserror::Error;

use crate::{Protocol, TrainingSet};

/// A trained student.
#[derive(Debug, Clone)]
pub struct Student {
    /// Its parameters `[P]`.
    pub theta: Tensor<1>,
    /// Its running statistics `[B]`; empty without batch norms.
    pub buffers: Tensor<1>,
    /// Loss of the last batch.
    pub loss: f64,
}

/// Why a student was not trained.
#[derive(Debug, Error)]
pub enum StudentError {
    /// The callback asked to stop.
    #[error("stopped while a student was training")]
    Stopped,
    /// The training set has no image.
    #[error("there is no image to train on")]
    NoData,
    /// Parameters left the numbers.
    #[error("a student diverged at step size {lr}; the set's syn_lr or eval.real_lr is too large")]
    Diverged {
        /// The step size it was trained with.
        lr: f64,
    },
}

/// One training from scratch: everything a student's parameters depend on.
#[derive(Debug, Clone, Copy)]
pub struct Training<'a> {
    /// The student's network.
    pub net: &'a Network,
    /// What it trains on.
    pub set: TrainingSet<'a>,
    /// Optimiser, batch size and augmentation.
    pub protocol: &'a Protocol,
    /// Index of the last epoch: there are `epochs + 1`.
    pub epochs: usize,
    /// Step size before its decay.
    pub lr: f64,
    /// Keys initial weights, batches and augmentation.
    pub seed: u64,
    /// Where to compute.
    pub device: &'a Device,
}

impl Training<'_> {
    /// Trains the student. `report` is called after every epoch with the number of epochs done;
    /// [`ControlFlow::Break`] stops the training.
    ///
    /// # Errors
    /// [`StudentError`] when it was stopped, diverged or has no data.
    pub fn run(&self, report: &mut dyn FnMut(usize) -> ControlFlow<()>) -> Result<Student, StudentError> {
        if self.set.is_empty() {
            return Err(StudentError::NoData);
        }
        let Self { net, protocol, .. } = self;
        let [_, height, width] = net.image_shape();
        let sgd = Sgd { momentum: protocol.momentum, weight_decay: protocol.weight_decay };
        let mut theta = net.theta(&net.init(&mut stream(self.seed, "student-init", 0)), self.device);
        let mut buffers = net.buffers(&net.init_buffers(), self.device);
        let mut state = SgdState::default();
        let mut loss = None;
        // A set that is one batch is uploaded once; the order inside a batch does not matter.
        let whole = (self.set.len() <= protocol.batch).then(|| {
            let rows: Vec<usize> = (0..self.set.len()).collect();
            self.set.batch(net, &rows, self.device)
        });
        // The public code trains epoch E/2 + 1 first and lowers the step size after it.
        let turn = self.epochs / 2 + 2;
        for epoch in 0..=self.epochs {
            if epoch == turn {
                state = SgdState::default();
            }
            let lr = if epoch < turn { self.lr } else { self.lr * 0.1 };
            let order = permutation(&mut stream(self.seed, "student-order", epoch as u64), self.set.len());
            let mut rng = stream(self.seed, "student-augmentation", epoch as u64);
            for rows in order.chunks(protocol.batch) {
                let (images, targets) =
                    whole.clone().unwrap_or_else(|| self.set.batch(net, rows, self.device));
                let drawn = protocol.augmentation.draw(rows.len(), height, width, &mut rng);
                let augmented = |range: Range<usize>| {
                    let images = images.clone().slice([range.clone()]);
                    (drawn.slice(range.clone()).apply(images), targets.slice(range))
                };
                let step =
                    net.loss_and_gradient(&theta, &buffers, rows.len(), protocol.micro_batch, augmented);
                buffers = step.buffers;
                (theta, state) = sgd.update(theta, step.gradient, lr, state);
                loss = Some(step.loss);
            }
            if report(epoch + 1).is_break() {
                return Err(StudentError::Stopped);
            }
        }
        let loss = loss.map_or(f64::NAN, |loss| loss.into_data().iter::<f64>().sum());
        let finite = theta.clone().into_data().iter::<f32>().all(f32::is_finite);
        if finite {
            Ok(Student { theta, buffers, loss })
        } else {
            Err(StudentError::Diverged { lr: self.lr })
        }
    }
}
