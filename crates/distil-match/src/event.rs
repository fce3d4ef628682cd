use distil_models::{Entry, Layout};
use serde::Serialize;

use crate::{AreaStatistics, Profile, StepOutcome, StepStatus};

/// One line of `events.jsonl`. It holds no time of day and no duration, so a replayed run logs the same bytes.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Event {
    /// The experts have chosen the window of start epochs.
    Range {
        /// Always 0.
        iteration: u64,
        /// First start epoch.
        min: usize,
        /// Bound of the start epochs, itself excluded.
        max: usize,
        /// What it was chosen from.
        #[serde(flatten)]
        profile: Profile,
    },
    /// Discriminative areas of the synthetic images as they were before an iteration.
    DiscriminativeArea {
        /// The iteration whose step is the first with these maps, from 1.
        iteration: u64,
        /// Averages over the images.
        #[serde(flatten)]
        areas: AreaStatistics,
    },
    /// What common-pattern dropout left out of an iteration's loss.
    Dropout {
        /// From 1.
        iteration: u64,
        /// Names of the parameter tensors.
        layers: Vec<String>,
        /// Dropped scalars of each.
        dropped: Vec<usize>,
        /// All scalars of each.
        sizes: Vec<usize>,
    },
    /// An iteration of distillation.
    Iteration {
        /// From 1.
        iteration: u64,
        /// The expert that was matched, where one was.
        #[serde(skip_serializing_if = "Option::is_none")]
        expert: Option<usize>,
        /// The epoch the student started from.
        #[serde(skip_serializing_if = "Option::is_none")]
        start_epoch: Option<usize>,
        /// Loss of the objective; `null` where it is not finite.
        loss: f64,
        /// Inner step size after the iteration.
        syn_lr: f64,
        /// Whether the step was taken.
        applied: bool,
        /// Why it was not.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<StepStatus>,
    },
    /// A validation on held-out training images.
    Validation {
        /// Iterations done.
        iteration: u64,
        /// Accuracy of a student trained from scratch, in `[0, 1]`.
        accuracy: f64,
        /// Whether it is the best so far.
        best: bool,
    },
}

impl Event {
    /// The step itself.
    pub(crate) fn of(step: &StepOutcome) -> Self {
        let &StepOutcome { iteration, expert, start_epoch, loss, syn_lr, status, .. } = step;
        let applied = status == StepStatus::Applied;
        let reason = (!applied).then_some(status);
        Self::Iteration { iteration, expert, start_epoch, loss, syn_lr, applied, reason }
    }

    /// Discriminative areas before the step of `iteration`.
    pub(crate) fn of_areas(iteration: u64, areas: AreaStatistics) -> Self {
        Self::DiscriminativeArea { iteration, areas }
    }

    /// What dropout left out of the loss of `iteration`, one count for each parameter tensor.
    pub(crate) fn of_dropout(iteration: u64, dropped: Vec<usize>, layout: &Layout) -> Self {
        let layers = layout.entries().iter().map(|entry| entry.name.clone()).collect();
        let sizes = layout.entries().iter().map(Entry::len).collect();
        Self::Dropout { iteration, layers, dropped, sizes }
    }

    /// The kind as the log names it.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Range { .. } => "range",
            Self::DiscriminativeArea { .. } => "discriminative-area",
            Self::Dropout { .. } => "dropout",
            Self::Iteration { .. } => "iteration",
            Self::Validation { .. } => "validation",
        }
    }
}
