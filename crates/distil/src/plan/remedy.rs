//! What to change so that a run fits.

use distil_match::Method;

use super::{Job, Memory, Students};

/// One setting to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// `distill.micro_batch`.
    MicroBatch(usize),
    /// `eval.micro_batch`.
    StudentMicroBatch(usize),
    /// CPU threads.
    Threads(usize),
    /// `distill.batch_syn`.
    BatchSyn(usize),
    /// `distill.ipc`.
    Ipc(usize),
}

/// Changes that make a run fit together, and what it needs then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remedy {
    /// The changes.
    pub changes: Vec<Change>,
    /// Memory after them.
    pub memory: Memory,
}

impl Job<'_> {
    /// The first of these that fits, so that the result changes as little as possible: smaller micro-batches, which
    /// change nothing but rounding; fewer threads, which cost time; a smaller batch; fewer images. `None` when nothing does.
    pub fn remedy(&self, fits: impl Fn(&Memory) -> bool) -> Option<Remedy> {
        let micro = |changes: &mut Vec<Change>, size: usize, which: [bool; 2]| {
            let [inner, students] = which;
            if inner && size < self.method.micro_batch {
                changes.push(Change::MicroBatch(size));
            }
            if students && size < self.students.micro_batch {
                changes.push(Change::StudentMicroBatch(size));
            }
        };
        let sizes = || halves(self.method.micro_batch.max(self.students.micro_batch).min(1 << 16));
        let mut candidates = Vec::new();
        for which in [[true, false], [false, true], [true, true]] {
            for size in sizes() {
                let mut changes = Vec::new();
                micro(&mut changes, size, which);
                candidates.push(changes);
            }
        }
        let mut smallest = Vec::new();
        micro(&mut smallest, 1, [true, true]);
        let after = |base: &[Change], change| [base, &[change]].concat();
        candidates.extend(halves(self.threads).map(|threads| after(&smallest, Change::Threads(threads))));
        if self.threads > 1 {
            smallest.push(Change::Threads(1));
        }
        let batch = match self.method.trajectory() {
            Some(_) => usize::try_from(self.batch()).unwrap_or(usize::MAX),
            None => 0,
        };
        candidates.extend(halves(batch).map(|batch| after(&smallest, Change::BatchSyn(batch))));
        candidates.extend(
            halves(self.method.ipc.each().unwrap_or(0)).map(|ipc| after(&smallest, Change::Ipc(ipc))),
        );
        candidates.into_iter().filter(|changes| !changes.is_empty()).find_map(|changes| {
            let memory = self.memory_after(&changes);
            fits(&memory).then_some(Remedy { changes, memory })
        })
    }

    fn memory_after(&self, changes: &[Change]) -> Memory {
        let mut method: Method = self.method.clone();
        let mut students: Students = self.students;
        let mut threads = self.threads;
        for change in changes {
            match *change {
                Change::MicroBatch(size) => method.micro_batch = size,
                Change::StudentMicroBatch(size) => students.micro_batch = size,
                Change::Threads(count) => threads = count,
                Change::BatchSyn(batch) => {
                    method = method.with_trajectory(|trajectory| trajectory.batch_syn = Some(batch));
                }
                Change::Ipc(ipc) => method.ipc = ipc.into(),
            }
        }
        Job { method: &method, students, threads, ..self.clone() }.memory()
    }
}

/// Powers of two below `most`, descending.
fn halves(most: usize) -> impl Iterator<Item = usize> {
    (0..usize::BITS).rev().map(|power| 1usize << power).filter(move |&size| size < most)
}
