//! Work on many files at once.

use std::num::NonZero;

use crate::{
    error::Error,
    progress::{Progress, Stage, report},
};

/// Files worked on between two reports of progress.
const BATCH: usize = 256;

/// Applies `work` to every item on all cores and hands the results to `take` in order; the first error in that order
/// wins. At most a batch of results is held.
pub(crate) fn in_parallel<I: Sync, T: Send>(
    items: &[I],
    name: &str,
    progress: Progress<'_>,
    work: impl Fn(&I) -> Result<T, Error> + Sync,
    mut take: impl FnMut(T),
) -> Result<(), Error> {
    for (index, batch) in items.chunks(BATCH).enumerate() {
        report(progress, Stage::Read, name, index * BATCH, items.len())?;
        for result in on_all_cores(batch, &work) {
            take(result?);
        }
    }
    report(progress, Stage::Read, name, items.len(), items.len())
}

/// Applies `work` to every item; results keep the order.
pub(crate) fn on_all_cores<I: Sync, T: Send>(
    items: &[I],
    work: impl Fn(&I) -> Result<T, Error> + Sync,
) -> Vec<Result<T, Error>> {
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    let share = items.len().div_ceil(threads).max(1);
    std::thread::scope(|scope| {
        let work = &work;
        let spawn = |items| scope.spawn(move || work_through(items, work));
        let workers: Vec<_> = items.chunks(share).map(spawn).collect();
        let join = |worker: std::thread::ScopedJoinHandle<'_, Vec<Result<T, Error>>>| {
            worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        workers.into_iter().flat_map(join).collect()
    })
}

fn work_through<I, T>(items: &[I], work: impl Fn(&I) -> Result<T, Error>) -> Vec<Result<T, Error>> {
    items.iter().map(work).collect()
}
