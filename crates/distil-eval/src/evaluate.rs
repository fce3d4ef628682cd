use std::time::Instant;

use distil_data::{Dataset, Split};
use distil_engine::{At, Engine};
use distil_models::Network;
use distil_progress::{PartOf, Progress};
use distil_stats::{RepeatedScores, Tally};
use distil_store::{Evaluation, RowKind, SyntheticSet};
use thiserror::Error;

use crate::input::check;
use crate::{Protocol, StudentError, Summary, Teacher, Training, TrainingSet, random_real, tally};

/// What is evaluated.
#[derive(Debug, Clone, Copy)]
pub enum Subject<'a> {
    /// A distilled set.
    Synthetic(&'a SyntheticSet),
    /// Random real images, another draw for every seed.
    RandomReal {
        /// Images of each class.
        per_class: &'a [usize],
    },
    /// All training images.
    FullData,
}

impl Subject<'_> {
    /// What a row of results says of it; whoever knows the set better says it then.
    pub fn kind(self) -> RowKind {
        match self {
            Self::Synthetic(_) => RowKind::Other,
            Self::RandomReal { .. } => RowKind::Random,
            Self::FullData => RowKind::Full,
        }
    }
}

/// Why an evaluation has no result.
#[derive(Debug, Error)]
pub enum EvaluateError {
    /// A student was not trained.
    #[error(transparent)]
    Student(#[from] StudentError),
    /// The set does not fit the data or the network.
    #[error(
        "the synthetic set holds {found} images, but {wanted} are needed for this dataset; evaluate it on the dataset named in its card"
    )]
    Shape {
        /// Shape of the set's images.
        found: String,
        /// Shape of the dataset's images.
        wanted: String,
    },
    /// The set has other classes.
    #[error(
        "the synthetic set ({set}) has other classes than the data ({data}): {difference}; evaluate it on the data it was \
         made of, with the same classes"
    )]
    Classes {
        /// The set's dataset.
        set: String,
        /// The dataset it was to be tested on.
        data: String,
        /// What only one of them has.
        difference: String,
    },
    /// The set was made with other preprocessing.
    #[error(
        "the synthetic set was made with other preprocessing than the dataset was loaded with; set the [data] section to what its card says"
    )]
    Preprocessing,
    /// The set was made by the same steps, on other images.
    #[error(
        "the synthetic set was normalised with statistics of other training images: files were added, removed or changed \
         since, or seed, data.validation or data.train_limit differ; set them to what its card says, or distil again"
    )]
    Statistics,
    /// Hard labels were asked of a set with soft labels whose images may be in any order.
    #[error(
        "the set has soft labels and {images} images, not {ipc} of each of {classes} classes, so the classes of its images are unknown; import the set again, which gives each image its class, or set eval.labels = \"given\""
    )]
    Unsorted {
        /// Images of the set.
        images: usize,
        /// Classes of the set.
        classes: usize,
        /// Images per class on its card.
        ipc: usize,
    },
    /// Pixels cannot be turned into the protocol's input.
    #[error(transparent)]
    Input(#[from] distil_data::Error),
}

/// The evaluation of any subject on one dataset with one network and protocol.
#[derive(Debug, Clone, Copy)]
pub struct Evaluator<'a> {
    /// The students' network.
    pub net: &'a Network,
    /// Real data: references are drawn from its training split, tests run on its test split.
    pub dataset: &'a Dataset,
    /// How students are trained, and how many.
    pub protocol: &'a Protocol,
    /// Their teacher, where the protocol has one.
    pub teacher: Option<&'a Teacher>,
    /// Student `i` uses seed `seed + i` for everything random.
    pub seed: u64,
    /// Where to compute.
    pub engine: &'a Engine,
}

impl Evaluator<'_> {
    /// Refuses a set that was not made for this dataset and network, before anything is trained.
    ///
    /// # Errors
    /// [`EvaluateError`] says what does not fit.
    pub fn accepts(&self, set: &SyntheticSet) -> Result<(), EvaluateError> {
        check(set, self.dataset)
    }

    /// Trains `protocol.seeds` students on `subject` and tests each on the test split.
    ///
    /// # Errors
    /// [`EvaluateError`] when the set does not fit or a student was stopped. A student that diverged counts
    /// with what its network scores.
    pub fn evaluate(
        &self,
        name: &str,
        subject: Subject<'_>,
        progress: Progress<'_>,
    ) -> Result<Evaluation, EvaluateError> {
        self.evaluate_on(&self.dataset.test, name, subject, progress)
    }

    /// As [`Evaluator::evaluate`], tested on other images of the same input and classes, such as the validation split.
    ///
    /// # Errors
    /// As [`Evaluator::evaluate`].
    pub fn evaluate_on(
        &self,
        tested: &Split,
        name: &str,
        subject: Subject<'_>,
        progress: Progress<'_>,
    ) -> Result<Evaluation, EvaluateError> {
        let Self { net, dataset, protocol, teacher, engine, .. } = *self;
        let (epochs, lr) = match subject {
            Subject::Synthetic(set) => {
                check(set, dataset)?;
                (protocol.epochs, protocol.lr_of(set))
            }
            Subject::RandomReal { .. } => (protocol.epochs, protocol.real_lr),
            Subject::FullData => (protocol.full_epochs, protocol.real_lr),
        };
        let started = Instant::now();
        let task = format!("evaluate {name}");
        let mut tallies = Vec::with_capacity(protocol.seeds);
        let (mut images, mut diverged) = (0, 0);
        for student in 0..protocol.seeds {
            let seed = self.seed + student as u64;
            let drawn = match subject {
                Subject::RandomReal { per_class } => Some(random_real(&dataset.train, per_class, seed)),
                _ => None,
            };
            let set = match subject {
                Subject::Synthetic(set) => TrainingSet::Synthetic(set),
                _ => TrainingSet::Real(drawn.as_ref().unwrap_or(&dataset.train)),
            };
            images = set.len();
            let part = PartOf { task: &task, each: "student", index: student, count: protocol.seeds };
            let training = Training { net, set, protocol, epochs, lr, seed, engine };
            let trained = progress.part(part, |progress| match teacher {
                Some(teacher) => training.run_with_teacher(teacher, progress),
                None => training.run(progress),
            });
            tallies.push(match trained {
                Ok(trained) => tally(engine, At::evaluation(net, &trained.theta, &trained.buffers), tested),
                Err(error @ StudentError::Diverged { .. }) => {
                    let lost = Tally::of_no_numbers(net.classes(), &tested.labels)
                        .expect("a dataset's labels are its classes");
                    progress.warn(format_args!(
                        "{name}, student {}: {error}; its network takes everything for the first class, {:.1} % right",
                        student + 1,
                        100.0 * lost.top1()
                    ));
                    diverged += 1;
                    lost
                }
                Err(error) => return Err(error.into()),
            });
        }
        let accuracies: Vec<f64> = tallies.iter().map(Tally::top1).collect();
        let scores = RepeatedScores::of(&tallies);
        let summary = Summary::of_shares(&accuracies).expect("a checked protocol has at least one seed");
        let seconds = started.elapsed().as_secs_f64();
        Ok(Evaluation {
            kind: subject.kind(),
            name: name.to_owned(),
            arch: net.arch().to_string(),
            protocol: protocol.described(),
            images,
            seen: None,
            epochs,
            lr,
            accuracies,
            diverged,
            summary,
            seconds,
            key: String::new(),
            set: None,
            conditions: None,
            scores,
        })
    }
}
