//! What a trained network sees in a run's images.

mod gradients;
mod inspector;
mod table;

use distil_stats::{TSne, inter_class_distance};
use distil_store::{
    Activations, Distance, EmbeddedPoint, Embedding, ImageKind, Inspection, MapPair, MeasuredSet, Part,
    RunPaths, SyntheticSet, atomic, seal,
};

use crate::{Error, Session, SetSource};
pub use gradients::{GradientEffects, GradientsError};
use inspector::{Features, Inspector};
pub use table::inspection_table;

/// Images of the real data, and of the synthetic set, over all classes: t-SNE looks at all pairs.
const MOST: usize = 500;
/// Images of one class.
const MOST_PER_CLASS: usize = 50;
/// Images whose maps are drawn.
const DRAWN: usize = 24;
/// Stretches of the distribution of activations.
const STRETCHES: usize = 20;

/// Images with their classes, as network input.
struct Sample {
    /// `[n, c, h, w]`
    input: Vec<f32>,
    labels: Vec<u32>,
    /// Number of each image where it comes from.
    rows: Vec<usize>,
}

impl Session {
    /// Inspects a set of a run with the first expert after its last epoch, and keeps what was found in the run folder: t-SNE of
    /// features with about `perplexity` neighbours an image, distances between classes over iterations, and maps. Without a
    /// part, it is the best set or else the last.
    ///
    /// # Errors
    /// [`Error`] when the set or the experts are not there, or there are too few images for the perplexity.
    pub fn inspect(&self, run: &RunPaths, part: Option<Part>, perplexity: f64) -> Result<Inspection, Error> {
        let part = part.unwrap_or(if run.set(Part::Best).is_file() { Part::Best } else { Part::Last });
        let source = SetSource::open(run.folder(), Some(part))?;
        let inspector = Inspector::open(self)?;
        let inspection = inspected(self, &inspector, run, (part, &source), perplexity)?;
        atomic::write(Inspection::path(run), seal::compact_json(&inspection))?;
        Ok(inspection)
    }
}

fn inspected(
    session: &Session,
    inspector: &Inspector<'_>,
    run: &RunPaths,
    (part, source): (Part, &SetSource),
    perplexity: f64,
) -> Result<Inspection, Error> {
    let (real, synthetic) = (of_data(session), of_set(&source.set));
    let initial = run.set(Part::Initial);
    let before =
        initial.is_file().then(|| SyntheticSet::load(&initial)).transpose()?.map(SyntheticSet::into_decoded);
    let before = before.filter(|before| before.shape == source.set.shape).map(|set| of_set(&set));
    let seen = [Some(&real), before.as_ref(), Some(&synthetic)];
    let [of_real, of_before, of_after] =
        seen.map(|sample| sample.map(|sample| inspector.look(sample)).transpose());
    let (of_real, of_before, of_after) = (of_real?, of_before?, of_after?);
    let named = [("real", &of_real), ("initial", &of_before), ("distilled", &of_after)];
    let spread = |(name, seen): (&str, &Option<Features>)| {
        seen.as_ref().map(|seen| Activations::of(name, &seen.maps.values, STRETCHES))
    };
    let of_after = of_after.as_ref().expect("the set was inspected");
    let real_features = inspector.features(&real.input);
    Ok(Inspection {
        network: inspector.name(),
        set: MeasuredSet::of(part, &source.file)?,
        embedding: embedding(
            inspector,
            (&real, &real_features),
            &synthetic,
            perplexity,
            session.config.seed,
        )?,
        distances: distances(inspector, run, &source.set)?,
        real_distance: inter_class_distance(&real_features, inspector.dims(), &real.labels)?,
        activations: named.into_iter().filter_map(spread).collect(),
        maps: maps(inspector, before.as_ref().zip(of_before.as_ref()), (&synthetic, of_after))?,
    })
}

/// The first training images of every class.
fn of_data(session: &Session) -> Sample {
    let (train, classes) = (&session.dataset.train, session.dataset.classes());
    let rows: Vec<usize> = (0..classes as u32)
        .flat_map(|class| train.rows_of_class(class).into_iter().take(most_of_class(classes)))
        .collect();
    Sample { input: train.images.gather(&rows), labels: train.gather_labels(&rows), rows }
}

/// The first images of every class of a set.
fn of_set(set: &SyntheticSet) -> Sample {
    let (all, most) = (set.image_classes(), most_of_class(set.classes()));
    let of_class = |class| (0..all.len()).filter(|row| all[*row] == class).take(most).collect::<Vec<_>>();
    let rows: Vec<usize> = (0..set.classes() as u32).flat_map(of_class).collect();
    let size = set.images.len() / set.shape[0];
    let input = rows.iter().flat_map(|row| &set.images[row * size..][..size]).copied().collect();
    Sample { input, labels: rows.iter().map(|row| all[*row]).collect(), rows }
}

fn most_of_class(classes: usize) -> usize {
    (MOST / classes.max(1)).clamp(1, MOST_PER_CLASS)
}

fn embedding(
    inspector: &Inspector<'_>,
    (real, real_features): (&Sample, &[f32]),
    synthetic: &Sample,
    perplexity: f64,
    seed: u64,
) -> Result<Embedding, Error> {
    let features = [real_features, &inspector.features(&synthetic.input)].concat();
    let drawn = TSne { perplexity, seed, ..TSne::default() }.embed(&features, inspector.dims())?;
    let kinds = real.labels.iter().map(|label| (*label, ImageKind::Real));
    let kinds = kinds.chain(synthetic.labels.iter().map(|label| (*label, ImageKind::Synthetic)));
    let points = drawn.into_iter().zip(kinds).map(|(at, (class, kind))| EmbeddedPoint { at, class, kind });
    Ok(Embedding { perplexity, seed, points: points.collect() })
}

/// Distances between classes of every set that the run has kept, by iteration.
fn distances(inspector: &Inspector<'_>, run: &RunPaths, like: &SyntheticSet) -> Result<Vec<Distance>, Error> {
    let mut files = run.kept_sets()?;
    files.extend([Part::Initial, Part::Best, Part::Last].map(|part| run.set(part)));
    let mut distances: Vec<Distance> = Vec::new();
    for file in files.iter().filter(|file| file.is_file()) {
        let set = SyntheticSet::load(file)?.into_decoded();
        let iteration = set.card.iteration;
        if set.shape != like.shape || distances.iter().any(|known| known.iteration == iteration) {
            continue;
        }
        let sample = of_set(&set);
        let found =
            inter_class_distance(&inspector.features(&sample.input), inspector.dims(), &sample.labels)?;
        distances.extend(found.map(|distance| Distance { iteration, distance }));
    }
    distances.sort_by_key(|distance| distance.iteration);
    Ok(distances)
}

/// Pictures with maps of the first images of all classes in turn.
fn maps(
    inspector: &Inspector<'_>,
    before: Option<(&Sample, &Features)>,
    (after, of_after): (&Sample, &Features),
) -> Result<Vec<MapPair>, Error> {
    let mut order: Vec<usize> = (0..after.labels.len()).collect();
    let turn = |at: &usize| after.labels[..*at].iter().filter(|label| **label == after.labels[*at]).count();
    order.sort_by_key(|at| (turn(at), after.labels[*at]));
    order.truncate(DRAWN);
    order.sort_unstable();
    let pair = |&at: &usize| {
        Ok(MapPair {
            number: after.rows[at],
            class: after.labels[at],
            before: before.map(|(sample, seen)| inspector.draw(sample, seen, at)).transpose()?,
            after: inspector.draw(after, of_after, at)?,
        })
    };
    order.iter().map(pair).collect()
}
