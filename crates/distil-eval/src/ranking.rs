use distil_augment::Strategy;
use distil_data::Dataset;
use distil_engine::Engine;
use distil_models::Network;
use distil_progress::{News, Progress, Step};
use distil_stats::{AugmentationRobust, LabelRobust};
use distil_store::SyntheticSet;
use serde::{Deserialize, Serialize};

use crate::{
    Distillation, EvaluateError, Evaluation, Evaluator, LabelUse, Mix, Optimiser, Protocol, ProtocolData,
    Schedule, Subject, Teacher,
};

/// Students that choose a step size must not be those that are tested: their seeds are far apart.
const CHOICE_SEED: u64 = 2 << 32;

/// DD-Ranking's scores of a set (Li et al. 2024): how much of its accuracy is the set's, and not its labels' or the
/// augmentation's.
///
/// Six trainings are compared. The step size of each is chosen from a grid on the **validation** images, where the public code
/// takes the best on test; the accuracy is that after the last epoch, on the test images. Random real images are drawn
/// separately for every student. The set's kind of labels are a teacher's outputs, if there is a teacher, else the labels the
/// set carries; random real images then have their hard labels.
#[derive(Debug, Clone, Copy)]
pub struct Ranking<'a> {
    /// The students' network.
    pub net: &'a Network,
    /// Real data as the set was distilled in them.
    pub dataset: &'a Dataset,
    /// How students learn from labels, with augmentation.
    pub protocol: &'a Protocol,
    /// The students' teacher, in the arms of the set's kind of labels.
    pub teacher: Option<&'a Teacher>,
    /// Step sizes to choose from (published: 0.001, 0.005, 0.01, 0.05, 0.1).
    pub grid: &'a [f64],
    /// w of the label-robust score (published: 0.5).
    pub weight: f64,
    /// γ of the augmentation-robust score (not published).
    pub gamma: f64,
    /// Keys everything random.
    pub seed: u64,
    /// Where to compute.
    pub engine: &'a Engine,
}

/// One of the trainings that are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Arm {
    /// All real images, hard labels.
    FullHard,
    /// The set, hard labels.
    SetHard,
    /// The set, its kind of labels.
    Set,
    /// Random real images, the set's kind of labels.
    Random,
    /// As [`Arm::Set`], without augmentation.
    SetPlain,
    /// As [`Arm::Random`], without augmentation.
    RandomPlain,
}

impl Arm {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::FullHard, Self::SetHard, Self::Set, Self::Random, Self::SetPlain, Self::RandomPlain];

    /// Its name in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FullHard => "all real images, hard labels",
            Self::SetHard => "the set, hard labels",
            Self::Set => "the set, its labels",
            Self::Random => "random real images, its labels",
            Self::SetPlain => "the set, its labels, no augmentation",
            Self::RandomPlain => "random real images, its labels, no augmentation",
        }
    }
}

/// What an arm achieved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ArmResult {
    /// Which arm.
    pub arm: Arm,
    /// The step size that was chosen.
    pub lr: f64,
    /// Accuracy on validation images at each step size of the grid, in `[0, 1]`.
    pub validation: Vec<f64>,
    /// The students at that step size, on the test split.
    pub evaluation: Evaluation,
}

/// The scores, and what they were computed from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RankScores {
    /// The label-robust score, of fractions.
    pub label: LabelRobust,
    /// The augmentation-robust score, of fractions.
    pub augmentation: AugmentationRobust,
    /// The arms, in the order of [`Arm::ALL`].
    pub arms: Vec<ArmResult>,
}

impl Ranking<'_> {
    /// Trains and tests all arms.
    ///
    /// # Errors
    /// [`EvaluateError`] when the set does not fit, a class has too few images, or it was asked to stop.
    pub fn scores(&self, set: &SyntheticSet, progress: Progress<'_>) -> Result<RankScores, EvaluateError> {
        let arms =
            Arm::ALL.map(|arm| self.arm(arm, set, progress)).into_iter().collect::<Result<Vec<_>, _>>()?;
        let mean = |arm: Arm| {
            let found = arms.iter().find(|result| result.arm == arm);
            found.expect("all arms were tested").evaluation.summary.mean
        };
        let label = LabelRobust::of(
            mean(Arm::FullHard),
            mean(Arm::SetHard),
            mean(Arm::Set),
            mean(Arm::Random),
            self.weight,
        );
        let augmentation = AugmentationRobust::of(
            [mean(Arm::Set), mean(Arm::SetPlain)],
            [mean(Arm::Random), mean(Arm::RandomPlain)],
            self.gamma,
        );
        Ok(RankScores { label, augmentation, arms })
    }

    fn arm(&self, arm: Arm, set: &SyntheticSet, progress: Progress<'_>) -> Result<ArmResult, EvaluateError> {
        let protocol = self.protocol_of(arm);
        let grounds = ProtocolData::new(&protocol, self.dataset)?;
        let seen = grounds.set(set)?;
        let per_class = per_class(set);
        let subject = match arm {
            Arm::FullHard => Subject::FullData,
            Arm::SetHard | Arm::Set | Arm::SetPlain => Subject::Synthetic(&seen),
            Arm::Random | Arm::RandomPlain => Subject::RandomReal { per_class: &per_class },
        };
        let tested = |lr: f64, choice: bool| {
            let seeds = if choice { 1 } else { protocol.seeds };
            let protocol = Protocol { seeds, real_lr: lr, synthetic_lr: Some(lr), ..protocol.clone() };
            let seed = if choice { self.seed.wrapping_add(CHOICE_SEED) } else { self.seed };
            let evaluator = Evaluator {
                net: self.net,
                dataset: grounds.dataset(),
                protocol: &protocol,
                teacher: self.teacher,
                seed,
                engine: self.engine,
            };
            let split = if choice { &grounds.dataset().validation } else { &grounds.dataset().test };
            let finished = Arm::ALL.iter().position(|each| *each == arm).unwrap_or(0) as u64;
            let listener = |news: &News<'_>| match *news {
                News::Step(Step { done, total: Some(each), .. }) => {
                    progress.at(Step::of("rank", finished, Arm::ALL.len() as u64, "trainings")
                        .with_detail(format_args!("{} at {lr}, epoch {done}/{each}", arm.as_str())))
                }
                other => progress.tell(&other),
            };
            evaluator.evaluate_on(split, arm.as_str(), subject, Progress::to(&listener))
        };
        let mut validation = Vec::with_capacity(self.grid.len());
        for &lr in self.grid {
            validation.push(tested(lr, true)?.summary.mean);
        }
        let lr = best(self.grid, &validation);
        Ok(ArmResult { arm, lr, validation, evaluation: tested(lr, false)? })
    }

    /// How the students of an arm are trained.
    fn protocol_of(&self, arm: Arm) -> Protocol {
        let base = self.protocol.without_teacher();
        let protocol = match arm {
            Arm::FullHard | Arm::SetHard => return Protocol { labels: LabelUse::Hard, ..base },
            _ if self.teacher.is_none() => base,
            _ => Protocol {
                epochs: base.epochs.min(299),
                optimiser: Optimiser::AdamW,
                schedule: Schedule::Cosine,
                weight_decay: 0.01,
                distillation: Some(Distillation { mix: Mix::None, ..Distillation::default() }),
                ..base
            },
        };
        match arm {
            Arm::SetPlain | Arm::RandomPlain => Protocol {
                augmentation: Strategy::none(),
                resized_crop: None,
                shuffle_patches: None,
                ..protocol
            },
            _ => protocol,
        }
    }
}

/// The step size with the highest accuracy, the first of equal ones.
fn best(grid: &[f64], accuracies: &[f64]) -> f64 {
    let mut best = 0;
    for (index, accuracy) in accuracies.iter().enumerate() {
        if *accuracy > accuracies[best] {
            best = index;
        }
    }
    grid[best]
}

/// Stored images of each class, or all images where classes differ.
fn per_class(set: &SyntheticSet) -> Vec<usize> {
    let mut counts = vec![0; set.classes()];
    for class in set.image_classes() {
        counts[class as usize] += 1;
    }
    let alike = counts.iter().all(|count| *count == counts[0]);
    if alike { vec![set.card.ipc; counts.len()] } else { counts }
}
