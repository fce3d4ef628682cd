//! Folders of images by class, decoded into memory.

use std::num::NonZero;
use std::path::{Path, PathBuf};

use crate::{
    config::DataConfig,
    dataset::Split,
    error::Error,
    folder::{self, Files, Listing},
    hold_out::{HoldOut, hold_out},
    images::{ImageShape, Images},
    load::Parts,
    picture,
    preprocessing::Resize,
    progress::{OnProgress, Stage, report},
};

/// The test share of a folder without parts.
const TEST_SHARE: f64 = 0.2;
/// The most that is decoded into memory.
const MOST_BYTES: usize = 64 << 30;
/// Files worked on between two reports of progress.
const BATCH: usize = 256;

pub(crate) fn load(config: &DataConfig, on_progress: OnProgress<'_>) -> Result<Parts, Error> {
    let root = config.path.as_deref().unwrap_or(Path::new("."));
    let listing = folder::list(root, config.classes.as_deref())?;
    let class_names = listing.class_names.clone();
    let parts = split(config, root, listing)?;
    let files: Vec<PathBuf> = parts.iter().flat_map(|part| part.paths.clone()).collect();
    let resize = config.wanted_resize();
    let name =
        root.file_name().map_or_else(|| "folder".to_owned(), |name| name.to_string_lossy().into_owned());
    let shape = common_shape(&files, resize, on_progress)?;
    let fits = files.len().checked_mul(shape.len()).is_some_and(|bytes| bytes <= MOST_BYTES);
    if !fits {
        let problem =
            format!("{} images of {shape} do not fit into memory; lower it or set train_limit", files.len());
        return Err(Error::config("resolution", problem));
    }
    let mut splits = Vec::new();
    for Files { paths, labels } in parts {
        let pixels =
            in_parallel(&paths, &name, on_progress, |path| picture::decode(path, shape.channels, resize))?;
        splits.push(Split::new(Images::from_u8(shape, pixels.concat())?, labels)?);
    }
    let splits = splits.try_into().expect("three parts went in");
    Ok(Parts { name, class_names, splits, resize })
}

/// Train, validation and test files; what the folder does not part is parted by seed.
fn split(config: &DataConfig, root: &Path, listing: Listing) -> Result<[Files; 3], Error> {
    let Listing { class_names, mut train, validation, test } = listing;
    let classes = class_names.len();
    if test.is_some() && config.test_share.is_some() {
        let problem = format!("{} has its own test part; remove the key", root.display());
        return Err(Error::config("test_share", problem));
    }
    let test = if let Some(test) = test {
        test
    } else {
        let share = HoldOut::Share(config.test_share.unwrap_or(TEST_SHARE));
        let parted = hold_out(&train.labels, classes, share, config.seed, "test")?;
        let test = train.subset(&parted.held);
        train = train.subset(&parted.kept);
        test
    };
    let Some(validation) = validation else {
        let (rows, held) = config.part_rows(&train.labels, classes)?;
        return Ok([train.subset(&rows), train.subset(&held), test]);
    };
    if config.validation.is_some() {
        let problem = format!("{} has its own validation part; remove the key", root.display());
        return Err(Error::config("validation", problem));
    }
    let all = (0..train.labels.len()).collect();
    let rows = config.limit(&train.labels, all, classes)?;
    Ok([train.subset(&rows), validation, test])
}

/// The shape all images get: colour if any of them has it; the size asked for, or the one they share.
fn common_shape(
    files: &[PathBuf],
    resize: Option<Resize>,
    on_progress: OnProgress<'_>,
) -> Result<ImageShape, Error> {
    let shapes = in_parallel(files, "headers", on_progress, picture::probe)?;
    let channels = shapes.iter().map(|shape| shape.channels).max().unwrap_or(1);
    if let Some(Resize { height, width, .. }) = resize {
        return Ok(ImageShape { channels, height, width });
    }
    let ImageShape { height, width, .. } = shapes[0];
    let odd = shapes.iter().position(|shape| (shape.height, shape.width) != (height, width));
    if let Some(odd) = odd {
        let first = files[0].display();
        let problem = format!(
            "is {}x{} pixels, but {first} is {height}x{width}",
            shapes[odd].height, shapes[odd].width
        );
        return Err(Error::format(&files[odd], problem, "set data.resolution to bring all to one size"));
    }
    Ok(ImageShape { channels, height, width })
}

/// Applies `work` to every file on all cores; results keep the order, the first error in that order wins.
fn in_parallel<T: Send>(
    files: &[PathBuf],
    item: &str,
    on_progress: OnProgress<'_>,
    work: impl Fn(&Path) -> Result<T, Error> + Sync,
) -> Result<Vec<T>, Error> {
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    let mut results = Vec::with_capacity(files.len());
    for batch in files.chunks(BATCH) {
        report(on_progress, Stage::Read, item, results.len(), files.len())?;
        let done: Vec<Vec<Result<T, Error>>> = std::thread::scope(|scope| {
            let work = &work;
            let spawn = |share| scope.spawn(move || work_through(share, work));
            let workers: Vec<_> = batch.chunks(batch.len().div_ceil(threads)).map(spawn).collect();
            let join = |worker: std::thread::ScopedJoinHandle<'_, _>| {
                worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            workers.into_iter().map(join).collect()
        });
        for result in done.into_iter().flatten() {
            results.push(result?);
        }
    }
    report(on_progress, Stage::Read, item, results.len(), files.len())?;
    Ok(results)
}

fn work_through<T>(files: &[PathBuf], work: impl Fn(&Path) -> Result<T, Error>) -> Vec<Result<T, Error>> {
    files.iter().map(|path| work(path)).collect()
}
