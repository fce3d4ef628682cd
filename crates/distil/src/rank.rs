//! DD-Ranking's scores of a set.

use distil_eval::{EvaluateError, RankScores, Ranking, StudentError};
use distil_store::SyntheticSet;

use crate::run::NoValidation;
use crate::students::Students;
use crate::{Error, Session};

/// How sets are ranked.
#[derive(Debug, Clone, Copy)]
pub struct RankSettings<'a> {
    /// Step sizes to try; each training uses the best on validation images.
    pub grid: &'a [f64],
    /// w: the weight of improvement over random images against hard-label recovery, in `[0, 1]`.
    pub weight: f64,
    /// γ: the weight of training with augmentation against training without, in `[0, 1]`.
    pub gamma: f64,
}

impl Students<'_> {
    /// DD-Ranking's label- and augmentation-robust scores of a set, by the session's protocol.
    ///
    /// # Errors
    /// [`Error`] when there are no validation images or the set is not one of these data; [`Error::Stopped`] when the listener
    /// asked to stop.
    pub fn rank(&self, set: &SyntheticSet, settings: RankSettings<'_>) -> Result<RankScores, Error> {
        let Session { config, dataset, device, .. } = self.session;
        if dataset.validation.is_empty() {
            return Err(NoValidation::of("step sizes", dataset).into());
        }
        let RankSettings { grid, weight, gamma } = settings;
        let ranking = Ranking {
            net: &self.own_network()?,
            dataset,
            protocol: self.protocol(),
            teacher: self.teacher(),
            grid,
            weight,
            gamma,
            seed: config.seed,
            engine: device.engine(),
        };
        ranking.scores(set, self.session.progress()).map_err(|error| match error {
            EvaluateError::Student(StudentError::Stopped) => {
                Error::stopped("nothing is kept; run the same command again")
            }
            error => error.into(),
        })
    }
}
