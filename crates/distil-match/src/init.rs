use burn::tensor::{DType, Device, Tensor, TensorData};
use distil_data::{Dataset, Split};
use distil_engine::{At, Targets};
use distil_random::{normal, shuffle, stream};
use distil_store::{Expert, LabelKind, StoreError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::chosen::{Chosen, means, nearest_first, selected};
use crate::ipc::labels;
use crate::methods::{FORGETTING_EXPERTS, Forgetting};
use crate::outer::Learned;
use crate::{Experts, Inputs, Method, NoExperts, real};

/// Images of one forward pass; bounds memory only.
pub(crate) const BATCH: usize = 250;
/// Probability of the class where soft labels start without experts. Certainty would leave no gradient.
const CONFIDENCE: f32 = 0.9;

/// What the synthetic images start as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Init {
    /// Standard normal noise in network-input space.
    Noise,
    /// Random real images of the class.
    Real,
    /// With tiles, a different random real image in each, reduced to its size by nearest neighbours (IDC, DREAM, DANCE); else as `real`.
    Mix,
    /// The same with the images nearest to k-means centroids of features, as many as there are tiles, of the untrained network that the
    /// run begins with (DREAM).
    MixKMeans,
    /// Random real images that a trained expert classifies correctly (DATM).
    Correct,
    /// Herding on the features of the first expert: the mean of the chosen follows the mean of the class.
    Herding,
    /// Greedy k-center on the features of the first expert: the chosen cover the class.
    KCenter,
    /// Of `ipc` clusters of a class, by k-means on the features of the first expert, the image nearest to each centroid.
    KMeans,
    /// The mean image of each of these clusters.
    KMeansCentroids,
    /// The images that the first three experts learn and forget again most often; those that none ever learns come last.
    Forgetting,
}

/// Why the synthetic set cannot be initialised.
#[derive(Debug, Error)]
pub enum InitError {
    /// A class is too small.
    #[error(
        "class {class} has {found} training images, fewer than distill.ipc = {ipc}; add images of it, or ask for \
         fewer: --set distill.ipc={found}"
    )]
    TooFewImages {
        /// Name of the smallest class.
        class: String,
        /// Images it has.
        found: usize,
        /// Images wanted.
        ipc: usize,
    },
    /// Numbers of images are listed, but not one for each class.
    #[error(
        "distill.ipc lists {listed} numbers, and there are {classes} classes; list one for each, or give one number"
    )]
    Classes {
        /// Numbers listed.
        listed: usize,
        /// Classes there are.
        classes: usize,
    },
    /// The experts do not classify enough images of a class correctly.
    #[error(
        "only {found} training images of class {class} are classified correctly by the experts, fewer than distill.ipc = {ipc}; train the experts longer or use distill.init = \"real\""
    )]
    TooFewCorrect {
        /// Name of the class.
        class: String,
        /// Images found.
        found: usize,
        /// Images wanted.
        ipc: usize,
    },
    /// An expert cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There are no experts.
    #[error(transparent)]
    NoExperts(#[from] NoExperts),
}

/// Experts as classifiers: their parameters after the last epoch, or after each.
struct Classifiers<'a> {
    inputs: &'a Inputs<'a>,
    experts: &'a Experts<'a>,
}

impl Classifiers<'_> {
    /// Logits `[rows, k]` of the `which`-th expert, row by row.
    fn logits(&self, which: usize, split: &Split, rows: &[usize]) -> Result<Vec<Vec<f32>>, StoreError> {
        let expert = self.experts.store.expert(self.experts.numbers[which])?;
        Ok(self.logits_of(&expert, expert.snapshots() - 1, split, rows))
    }

    /// Whether the `which`-th expert classifies the rows as `class`, one list for each of its epochs. The untrained network
    /// is not asked: what it is right about, it has not learned.
    fn correct_by_epoch(
        &self,
        which: usize,
        split: &Split,
        rows: &[usize],
        class: usize,
    ) -> Result<Vec<Vec<bool>>, StoreError> {
        let expert = self.experts.store.expert(self.experts.numbers[which])?;
        let correct = |epoch| {
            let logits = self.logits_of(&expert, epoch, split, rows);
            logits.iter().map(|logits| is_correct(logits, class)).collect()
        };
        Ok((1..expert.snapshots()).map(correct).collect())
    }

    /// Logits `[rows, k]` of an expert after some epochs, row by row.
    fn logits_of(&self, expert: &Expert, epoch: usize, split: &Split, rows: &[usize]) -> Vec<Vec<f32>> {
        let Inputs { net, engine, .. } = self.inputs;
        let [theta, buffers] = self.inputs.snapshot(expert, epoch);
        let at = At::evaluation(net, &theta, &buffers);
        let mut logits = Vec::with_capacity(rows.len());
        for rows in rows.chunks(BATCH) {
            let images = real::images(split, rows, engine.device());
            let out: Vec<f32> = engine.logits(at, &images).into_data().iter::<f32>().collect();
            logits.extend(out.chunks(net.classes()).map(<[f32]>::to_vec));
        }
        logits
    }
}

/// Whether the label's logit is the strictly largest.
fn is_correct(logits: &[f32], label: usize) -> bool {
    logits.iter().enumerate().all(|(class, &logit)| class == label || logit < logits[label])
}

impl Init {
    /// Whether the choice of images needs trained experts.
    pub(crate) fn needs_experts(self) -> bool {
        match self {
            Self::Noise | Self::Real | Self::Mix | Self::MixKMeans => false,
            Self::Correct
            | Self::Herding
            | Self::KCenter
            | Self::KMeans
            | Self::KMeansCentroids
            | Self::Forgetting => true,
        }
    }
}

/// The learned variables at iteration 0. Rows are sorted by class.
pub(crate) fn initialise(inputs: &Inputs<'_>) -> Result<Learned, InitError> {
    let Inputs { method, net, dataset, seed, .. } = inputs;
    let (device, classes, [channels, height, width]) = (inputs.device(), net.classes(), net.image_shape());
    let chosen = choose(inputs)?;
    let rows: Vec<usize> = chosen.iter().map(|chosen| chosen.row).collect();
    let n = rows.len();
    let images = match method.init {
        Init::Noise => noise([n, channels, height, width], *seed, device),
        Init::KMeansCentroids => means(&dataset.train, &chosen, device),
        Init::Mix | Init::MixKMeans => {
            let rows: Vec<usize> = chosen.iter().flat_map(|chosen| chosen.members.iter().copied()).collect();
            let shape = [n, channels, height, width];
            let mosaic = method.decoding.mosaic(shape, &dataset.train.images.gather(&rows));
            Tensor::from_data(TensorData::new(mosaic, shape), (device, DType::F32))
        }
        _ => real::images(&dataset.train, &rows, device),
    };
    let labels = labels(&inputs.per_class());
    let targets = match method.labels {
        LabelKind::Hard => Targets::from_classes(&labels, classes, device, DType::F32),
        LabelKind::Soft => {
            let logits = match &inputs.experts {
                Some(experts) => {
                    label_logits(method.init, &dataset.train, &rows, &Classifiers { inputs, experts })?
                }
                None => confident_logits(&labels, classes),
            };
            let data = TensorData::new(logits, [n, classes]);
            Targets::Soft(Tensor::from_data(data, (device, DType::F32)))
        }
    };
    Ok(Learned::new(images, targets, method))
}

/// The training images that the set of a run starts from, in its order; `None` where it does not start from real ones.
///
/// # Errors
/// As for the start of the run.
pub fn initial_rows(inputs: &Inputs<'_>) -> Result<Option<Vec<usize>>, InitError> {
    match inputs.method.init {
        Init::Noise | Init::Mix | Init::MixKMeans | Init::KMeansCentroids => Ok(None),
        _ => Ok(Some(choose(inputs)?.into_iter().map(|chosen| chosen.row).collect())),
    }
}

/// Refuses a class with fewer images than the set starts from, the smallest first: the remedy for it serves all.
///
/// # Errors
/// [`InitError::TooFewImages`], or [`InitError::Classes`] when numbers of images are listed for other classes.
pub fn check_images(method: &Method, dataset: &Dataset) -> Result<(), InitError> {
    let (names, counts) = (&dataset.class_names, dataset.train.class_counts(dataset.class_names.len()));
    let wanted = method.ipc.of_classes(&counts);
    if wanted.len() != names.len() {
        return Err(InitError::Classes { listed: wanted.len(), classes: names.len() });
    }
    let short = names.iter().zip(counts.into_iter().zip(wanted)).filter(|(_, (found, ipc))| found < ipc);
    match short.min_by_key(|(_, (found, _))| *found) {
        Some((class, (found, ipc))) if method.init != Init::Noise => {
            Err(InitError::TooFewImages { class: class.clone(), found, ipc })
        }
        _ => Ok(()),
    }
}

/// The real images that the set starts from, or that noise takes its soft labels from: those of a class in turn, where it
/// has too few.
fn choose(inputs: &Inputs<'_>) -> Result<Vec<Chosen>, InitError> {
    let Inputs { method, dataset, seed, .. } = inputs;
    check_images(method, dataset)?;
    let mut chosen = Vec::new();
    for (class, (name, ipc)) in dataset.class_names.iter().zip(inputs.per_class()).enumerate() {
        let mut rows = dataset.train.rows_of_class(class as u32);
        rows = match method.init {
            Init::Herding | Init::KCenter | Init::KMeans | Init::KMeansCentroids => {
                chosen.extend(selected(&rows, class as u64, ipc, inputs)?);
                continue;
            }
            Init::Forgetting => forgotten(&rows, class, inputs)?,
            Init::MixKMeans => nearest_first(&rows, class, ipc, inputs),
            Init::Noise | Init::Real | Init::Correct | Init::Mix => {
                shuffle(&mut stream(*seed, "initial-images", class as u64), &mut rows);
                rows
            }
        };
        if method.init == Init::Correct {
            let experts = Classifiers { inputs, experts: inputs.experts()? };
            rows = correct(rows, class, ipc, &dataset.train, &experts)?;
            if rows.len() < ipc {
                return Err(InitError::TooFewCorrect { class: name.clone(), found: rows.len(), ipc });
            }
        }
        if matches!(method.init, Init::Mix | Init::MixKMeans) {
            let tiles = method.decoding.images_per_stored();
            let all: Vec<usize> = rows.iter().cycle().take(ipc * tiles).copied().collect();
            chosen.extend(all.chunks(tiles).map(|rows| Chosen { row: rows[0], members: rows.to_vec() }));
            continue;
        }
        chosen.extend(rows.iter().cycle().take(ipc).copied().map(Chosen::from));
    }
    Ok(chosen)
}

/// The images of a class, those first that the first experts forgot most often.
fn forgotten(rows: &[usize], class: usize, inputs: &Inputs<'_>) -> Result<Vec<usize>, InitError> {
    let experts = Classifiers { inputs, experts: inputs.experts()? };
    let mut forgetting = Forgetting::of(rows.len());
    for which in 0..experts.experts.numbers.len().min(FORGETTING_EXPERTS) {
        forgetting.add(&experts.correct_by_epoch(which, &inputs.dataset.train, rows, class)?);
    }
    Ok(forgetting.order().into_iter().map(|i| rows[i]).collect())
}

/// The first `ipc` candidates that the first expert classifies correctly; where it finds too few, further
/// experts are asked about the rest.
fn correct(
    candidates: Vec<usize>,
    class: usize,
    ipc: usize,
    train: &Split,
    experts: &Classifiers<'_>,
) -> Result<Vec<usize>, StoreError> {
    let mut rest = candidates;
    let mut found = Vec::with_capacity(ipc);
    for which in 0..experts.experts.numbers.len() {
        let mut missed = Vec::new();
        for rows in rest.chunks(BATCH) {
            if found.len() >= ipc {
                return Ok(found);
            }
            let logits = experts.logits(which, train, rows)?;
            for (&row, logits) in rows.iter().zip(&logits) {
                if is_correct(logits, class) { found.push(row) } else { missed.push(row) }
            }
        }
        rest = missed;
    }
    Ok(found)
}

/// Initial label logits: the mean over the experts that classify the image correctly (all of them, where
/// none does). With `init = "real"` the public code takes the first expert alone.
fn label_logits(
    init: Init,
    train: &Split,
    rows: &[usize],
    experts: &Classifiers<'_>,
) -> Result<Vec<f32>, StoreError> {
    let classes = experts.inputs.net.classes();
    let asked = if init == Init::Real { 1 } else { experts.experts.numbers.len() };
    let mut right = vec![(vec![0f64; classes], 0usize); rows.len()];
    let mut all = right.clone();
    for which in 0..asked {
        for (i, logits) in experts.logits(which, train, rows)?.iter().enumerate() {
            let label = train.labels[rows[i]] as usize;
            let counts = init == Init::Real || is_correct(logits, label);
            for (sum, count) in counts.then_some(&mut right[i]).into_iter().chain([&mut all[i]]) {
                sum.iter_mut().zip(logits).for_each(|(sum, &logit)| *sum += f64::from(logit));
                *count += 1;
            }
        }
    }
    let mean = |(sum, count): (Vec<f64>, usize)| sum.into_iter().map(move |s| (s / count as f64) as f32);
    Ok(right
        .into_iter()
        .zip(all)
        .flat_map(|(right, all)| mean(if right.1 > 0 { right } else { all }))
        .collect())
}

/// Label logits where no expert can be asked: the class has a probability of 0.9, the others share the rest.
fn confident_logits(labels: &[u32], classes: usize) -> Vec<f32> {
    let others = classes.saturating_sub(1).max(1) as f32;
    let logit = (CONFIDENCE / (1.0 - CONFIDENCE) * others).ln();
    let row = |label: u32| (0..classes).map(move |class| if class == label as usize { logit } else { 0.0 });
    labels.iter().flat_map(|&label| row(label)).collect()
}

fn noise(shape: [usize; 4], seed: u64, device: &Device) -> Tensor<4> {
    let mut rng = stream(seed, "initial-noise", 0);
    let values: Vec<f32> = (0..shape.iter().product()).map(|_| normal(&mut rng)).collect();
    Tensor::from_data(TensorData::new(values, shape), (device, DType::F32))
}

#[cfg(test)]
mod tests {
    use super::is_correct;

    #[test]
    fn a_tie_is_not_correct() {
        assert!(is_correct(&[0.1, 0.9, -3.0], 1));
        assert!(!is_correct(&[0.9, 0.9], 0) && !is_correct(&[0.1, f32::NAN], 0));
    }
}
