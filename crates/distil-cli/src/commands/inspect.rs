//! `distil inspect`: what a trained network sees in a run's images, for its report.

mod inspector;

use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use distil_report::{
    Activations, Distance, EmbeddedPoint, Embedding, ImageKind, Inspection, MapPair, MeasuredSet, set_digest,
};
use distil_stats::{TSne, inter_class_distance};
use distil_store::{RunPaths, SyntheticSet, atomic, seal};

use crate::failure::Failure;
use crate::session::{Context, Session};
use crate::set_source::{Part, SetSource};
use distil::config::Config;
use inspector::{Features, Inspector};

/// Images of the real data, and of the synthetic set, over all classes: t-SNE looks at all pairs.
const MOST: usize = 500;
/// Images of one class.
const MOST_PER_CLASS: usize = 50;
/// Images whose maps are drawn.
const DRAWN: usize = 24;
/// Stretches of the distribution of activations.
const STRETCHES: usize = 20;

#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// The run folder
    #[arg(value_name = "RUN", value_hint = ValueHint::DirPath)]
    run: PathBuf,
    /// Which set [default: best, or else last]
    #[arg(long, value_enum, value_name = "PART")]
    part: Option<Part>,
    /// About how many neighbours an image has in the t-SNE
    #[arg(long, value_name = "N", default_value = "30")]
    perplexity: f64,
    /// The folder of the experts [default: expert.store, or one below runs/experts]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    experts: Option<PathBuf>,
    /// Where datasets are kept
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    data_dir: Option<PathBuf>,
}

impl InspectArgs {
    pub(crate) fn data_dir(&self) -> Option<&Path> {
        self.data_dir.as_deref()
    }
}

/// Images with their classes, as network input.
struct Sample {
    /// `[n, c, h, w]`
    input: Vec<f32>,
    labels: Vec<u32>,
    /// Number of each image where it comes from.
    rows: Vec<usize>,
}

pub(crate) fn inspect(args: &InspectArgs, context: Context<'_>) -> Result<(), Failure> {
    let run = RunPaths::new(&args.run);
    run.read_config()?;
    let source = SetSource::open(&args.run, args.part)?;
    let session = Session::open(Config::load(&run.config(), &[])?, context)?;
    let inspector = Inspector::open(&session, args.experts.as_deref())?;
    let inspection = look(&session, &inspector, &run, &source, args.perplexity)?;
    atomic::write(Inspection::path(&run), seal::compact_json(&inspection))?;
    session.console.note(format_args!("draw it: distil report {}", args.run.display()));
    session.console.result(table(&inspection))
}

fn look(
    session: &Session<'_>,
    inspector: &Inspector<'_>,
    run: &RunPaths,
    source: &SetSource,
    perplexity: f64,
) -> Result<Inspection, Failure> {
    let (real, synthetic) = (of_data(session), of_set(&source.set));
    let initial = run.synthetic_set("initial");
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
    let of_after = of_after.as_ref().expect("the set was looked at");
    let real_features = inspector.features(&real.input);
    let part = source.file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Inspection {
        network: inspector.name(),
        set: MeasuredSet { part, digest: set_digest(&source.file)? },
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
fn of_data(session: &Session<'_>) -> Sample {
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
) -> Result<Embedding, Failure> {
    let features = [real_features, &inspector.features(&synthetic.input)].concat();
    let drawn = TSne { perplexity, seed, ..TSne::default() }.embed(&features, inspector.dims())?;
    let kinds = real.labels.iter().map(|label| (*label, ImageKind::Real));
    let kinds = kinds.chain(synthetic.labels.iter().map(|label| (*label, ImageKind::Synthetic)));
    let points = drawn.into_iter().zip(kinds).map(|(at, (class, kind))| EmbeddedPoint { at, class, kind });
    Ok(Embedding { perplexity, seed, points: points.collect() })
}

/// Distances between classes of every set that the run has kept, by iteration.
fn distances(
    inspector: &Inspector<'_>,
    run: &RunPaths,
    like: &SyntheticSet,
) -> Result<Vec<Distance>, Failure> {
    let mut files = run.kept_sets()?;
    files.extend(["initial", "best", "last"].map(|part| run.synthetic_set(part)));
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
) -> Result<Vec<MapPair>, Failure> {
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

fn table(inspection: &Inspection) -> String {
    let mut lines = vec!["| iteration | distance between classes |".to_owned(), "|---:|---:|".to_owned()];
    let distance = |at: &Distance| format!("| {} | {:.3} |", at.iteration, at.distance);
    lines.extend(inspection.distances.iter().map(distance));
    lines.extend(inspection.real_distance.map(|real| format!("| real images | {real:.3} |")));
    lines.push("\n| images | mean activation | activation ≥ 0.5 |\n|---|---:|---:|".to_owned());
    let spread = |spread: &Activations| {
        format!("| {} | {:.3} | {:.1} % |", spread.name, spread.mean, 100.0 * spread.above_half)
    };
    lines.extend(inspection.activations.iter().map(spread));
    lines.join("\n")
}
