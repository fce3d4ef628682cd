use std::ops::Range;

use burn::tensor::Tensor;
use distil_augment::{Augmentation, CutMix, augment_digits, draw_flip, draw_patches, draw_resized_crop};
use distil_engine::{At, Engine, Loss, LossGradient, Targets};
use distil_models::Network;
use distil_progress::{Progress, Step};
use distil_random::{Stream, permutation, stream, unit};
use thiserror::Error;

use crate::distillation::with_classifier;
use crate::optimiser::OptimizerState;
use crate::{Distillation, PerImage, Protocol, Teacher, TrainingSet};

/// A trained student.
#[derive(Debug, Clone)]
pub struct Student {
    /// Its parameters `[P]`.
    pub theta: Tensor<1>,
    /// Its running statistics `[B]`; empty without batch norms.
    pub buffers: Tensor<1>,
    /// Loss of the last batch; with a teacher, its cross-entropy at the temperature.
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
    /// Parameters became non-finite.
    #[error(
        "a student diverged in epoch {epoch} at step size {lr}; the set's syn_lr or eval.real_lr is too large"
    )]
    Diverged {
        /// The first epoch whose loss was not finite, from 0; the last one where only parameters were not.
        epoch: usize,
        /// The step size it was trained with.
        lr: f64,
    },
    /// The protocol has a teacher, and there is none.
    #[error("students of this protocol learn from a teacher; name one with --teacher FILE or eval.teacher")]
    NoTeacher,
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
    pub engine: &'a Engine,
}

impl Training<'_> {
    /// Trains the student; progress is told after every epoch.
    ///
    /// # Errors
    /// [`StudentError`] when it was stopped, diverged, has no data, or the protocol has a teacher.
    pub fn run(&self, progress: Progress<'_>) -> Result<Student, StudentError> {
        if self.protocol.distillation.is_some() {
            return Err(StudentError::NoTeacher);
        }
        self.train(None, progress)
    }

    /// As [`Training::run`], learning from `teacher` where the protocol has one; otherwise from labels.
    ///
    /// # Errors
    /// [`StudentError`] when it was stopped, diverged or has no data.
    pub fn run_with_teacher(
        &self,
        teacher: &Teacher,
        progress: Progress<'_>,
    ) -> Result<Student, StudentError> {
        let taught = self.protocol.distillation.as_ref().map(|distillation| (distillation, teacher));
        self.train(taught, progress)
    }

    fn train(
        &self,
        taught: Option<(&Distillation, &Teacher)>,
        progress: Progress<'_>,
    ) -> Result<Student, StudentError> {
        if self.set.is_empty() {
            return Err(StudentError::NoData);
        }
        let Self { net, protocol, engine, .. } = self;
        let device = engine.device();
        let mut theta = net.theta(&net.init(&mut stream(self.seed, "student-init", 0)), device);
        let mut buffers = net.buffers(&net.init_buffers(), device);
        let mut optimizer = OptimizerState::of(protocol, net, device);
        let mut losses = Vec::with_capacity(self.epochs + 1);
        // A set that is one batch is uploaded once; the order inside a batch does not matter.
        let whole = (self.set.len() <= protocol.batch).then(|| {
            let rows: Vec<usize> = (0..self.set.len()).collect();
            self.set.batch(net, &rows, device)
        });
        for epoch in 0..=self.epochs {
            if protocol.schedule.forgets(epoch, self.epochs) {
                optimizer = OptimizerState::of(protocol, net, device);
            }
            let lr = self.lr * protocol.schedule.factor(epoch, self.epochs);
            let order = permutation(&mut stream(self.seed, "student-order", epoch as u64), self.set.len());
            let mut rng = stream(self.seed, "student-augmentation", epoch as u64);
            let mut loss = None;
            for rows in order.chunks(protocol.batch) {
                let batch = whole.clone().unwrap_or_else(|| self.set.batch(net, rows, device));
                let n = batch.1.len();
                let step = match taught {
                    Some(taught) => self.taught_step(&theta, batch.0, taught, &mut rng),
                    None => self.step(&theta, batch, &mut rng),
                };
                buffers = net.running(&buffers, &step.batch, n);
                theta = optimizer.step(theta, step.gradient, lr);
                loss = Some(step.loss);
            }
            losses.extend(loss);
            let (done, all) = (epoch as u64 + 1, self.epochs as u64 + 1);
            if progress.at(Step::of("train", done, all, "epochs")).is_break() {
                return Err(StudentError::Stopped);
            }
        }
        let number = |loss: &Tensor<1>| loss.clone().into_data().iter::<f64>().sum::<f64>();
        let finite = theta.clone().into_data().iter::<f32>().all(f32::is_finite);
        if finite {
            Ok(Student { theta, buffers, loss: losses.last().map_or(f64::NAN, number) })
        } else {
            // Reading a loss waits for the device, so only a student that is lost reads those of all epochs.
            let first = losses.iter().position(|loss| !number(loss).is_finite());
            Err(StudentError::Diverged { epoch: first.unwrap_or(self.epochs), lr: self.lr })
        }
    }

    /// Loss and gradient on augmented images and the set's labels.
    fn step(
        &self,
        theta: &Tensor<1>,
        (images, targets): (Tensor<4>, Targets),
        rng: &mut Stream,
    ) -> LossGradient {
        let n = targets.len();
        let images = self.each_changed(images, rng);
        let drawn = self.draw(n, rng);
        if self.protocol.cutmix.is_some_and(|chance| f64::from(unit(rng)) < chance) {
            let images = drawn.iter().fold(images, |images, each| each.apply(images));
            let (images, loss) = cut_mixed(images, &targets, rng);
            let (at, micro_batch) = (At::training(self.net, theta), self.protocol.micro_batch);
            return self.engine.gradient(at, &loss, n, micro_batch, |rows| images.clone().slice([rows]));
        }
        let augmented = |range: Range<usize>| {
            let images = images.clone().slice([range.clone()]);
            drawn.iter().fold(images, |images, each| each.slice(range.clone()).apply(images))
        };
        let (at, loss) = (At::training(self.net, theta), Loss::from(targets));
        self.engine.gradient(at, &loss, n, self.protocol.micro_batch, augmented)
    }

    /// Loss and gradient on augmented and mixed images and what the teacher says of these very images.
    fn taught_step(
        &self,
        theta: &Tensor<1>,
        images: Tensor<4>,
        (distillation, teacher): (&Distillation, &Teacher),
        rng: &mut Stream,
    ) -> LossGradient {
        let n = images.dims()[0];
        let images = self.each_changed(images, rng);
        let images = self.draw(n, rng).iter().fold(images, |images, each| each.apply(images));
        let images = distillation.mixed(images, rng);
        let loss = Loss::from(distillation.targets(teacher, &images));
        let cooler = 1.0 / distillation.temperature;
        let divided = with_classifier(self.net, theta.clone(), cooler);
        let (at, micro_batch) = (At::training(self.net, &divided), self.protocol.micro_batch);
        let step = self.engine.gradient(at, &loss, n, micro_batch, |rows| images.clone().slice([rows]));
        LossGradient { gradient: with_classifier(self.net, step.gradient, cooler), ..step }
    }

    /// Images after what each goes through for itself.
    fn each_changed(&self, images: Tensor<4>, rng: &mut Stream) -> Tensor<4> {
        match self.protocol.per_image {
            Some(PerImage::CropScaleRotate) => augment_digits(images, rng),
            None => images,
        }
    }

    /// The augmentations of a batch of `n` images, in order.
    fn draw(&self, n: usize, rng: &mut Stream) -> Vec<Augmentation> {
        let [_, height, width] = self.net.image_shape();
        let mut drawn = Vec::new();
        if let (Some(patches), TrainingSet::Synthetic(_)) = (self.protocol.shuffle_patches, self.set) {
            drawn.push(draw_patches(patches.min(height).min(width), n, rng));
        }
        if let Some(least) = self.protocol.resized_crop {
            drawn.push(draw_resized_crop(least, n, height, width, rng));
            drawn.push(draw_flip(n, rng));
        }
        drawn.push(self.protocol.augmentation.draw(n, height, width, rng));
        drawn
    }
}

/// Images mixed by `CutMix` with λ from Beta(1, 1), and the loss of labels in the same shares.
fn cut_mixed(images: Tensor<4>, targets: &Targets, rng: &mut Stream) -> (Tensor<4>, Loss) {
    let CutMix { images, order, kept } = CutMix::of(images, 1.0, rng);
    let own = targets.probabilities();
    let labels = own.clone() * kept + own.select(0, order) * (1.0 - kept);
    (images, Loss::from(Targets::Hard(labels)))
}
