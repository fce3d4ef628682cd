//! Synthetic sets and experts as MTT's public code and its descendants keep them.

use std::path::Path;

use distil_files::atomic;
use distil_progress::{Progress, Step};

use crate::error::StoreError;
use crate::synthetic::{Labels, SyntheticSet};
use crate::torch_file::{Object, Storage, write};
use crate::trajectory::{Expert, TrajectoryStore};

/// Experts of one file, as `buffer.py` writes them.
const EXPERTS: usize = 10;

impl SyntheticSet {
    /// Writes the three files that evaluators of the MTT lineage and DD-Ranking load, into a folder that is new or empty,
    /// decoded:
    ///
    /// | file | tensor | shape | |
    /// |---|---|---|---|
    /// | `images_best.pt` | float32 | `[n, c, h, w]` | network input, as the card's preprocessing makes it |
    /// | `labels_best.pt` | int64 or float32 | `[n]` or `[n, classes]` | classes, or logits where labels are learned |
    /// | `lr_best.pt` | float32 | `[]` | step size |
    ///
    /// # Errors
    /// [`StoreError::File`] when they cannot be written, or when the folder holds something.
    pub fn write_torch(&self, folder: impl AsRef<Path>) -> Result<(), StoreError> {
        let (set, folder) = (self.decoded(), folder.as_ref());
        refuse_full(folder)?;
        atomic::write_folder(folder, |made| {
            let one = |name: &str, storage: Storage<'_>, shape: Vec<usize>| {
                let tensor = Object::Tensor { storage: 0, offset: 0, shape };
                write(&made.join(name), &[storage], &tensor)
            };
            one("images_best.pt", Storage::F32(&set.images), set.shape.to_vec())?;
            match &set.labels {
                Labels::Hard(labels) => {
                    let labels: Vec<i64> = labels.iter().map(|label| i64::from(*label)).collect();
                    one("labels_best.pt", Storage::I64(&labels), vec![labels.len()])?;
                }
                Labels::Soft { logits, classes } => {
                    one("labels_best.pt", Storage::F32(logits), vec![set.shape[0], *classes])?;
                }
            }
            one("lr_best.pt", Storage::F32(&[set.syn_lr]), Vec::new())
        })
    }
}

impl TrajectoryStore {
    /// Writes the complete experts as `replay_buffer_0.pt`…, ten in a file, into a folder that is new or empty: of each a list
    /// of snapshots, of each the parameters in PyTorch's order. Running statistics of batch norms have no place in them.
    /// Returns how many experts there are.
    ///
    /// # Errors
    /// [`StoreError`] when an expert is damaged, a file cannot be written or the folder holds something;
    /// [`StoreError::Stopped`] when the listener asked to stop.
    pub fn write_torch(&self, folder: impl AsRef<Path>, progress: Progress<'_>) -> Result<usize, StoreError> {
        let (complete, folder) = (self.complete(), folder.as_ref());
        refuse_full(folder)?;
        atomic::write_folder(folder, |made| {
            for (index, experts) in complete.chunks(EXPERTS).enumerate() {
                let opened =
                    experts.iter().map(|&expert| self.expert(expert)).collect::<Result<Vec<_>, _>>()?;
                self.write_buffer(&made.join(format!("replay_buffer_{index}.pt")), &opened)?;
                let done = (index * EXPERTS + experts.len()) as u64;
                if progress.at(Step::of("export", done, complete.len() as u64, "experts")).is_break() {
                    return Err(StoreError::Stopped);
                }
            }
            Ok(())
        })?;
        Ok(complete.len())
    }

    /// Each snapshot is a storage, and its parameters are parts of that.
    fn write_buffer(&self, path: &Path, experts: &[Expert]) -> Result<(), StoreError> {
        let (mut storages, mut list) = (Vec::new(), Vec::new());
        for expert in experts {
            let mut snapshots = Vec::new();
            for epoch in 0..expert.snapshots() {
                snapshots.push(Object::List(self.parameters_of(storages.len())));
                storages.push(Storage::F32(expert.snapshot(epoch)));
            }
            list.push(Object::List(snapshots));
        }
        write(path, &storages, &Object::List(list))
    }

    fn parameters_of(&self, storage: usize) -> Vec<Object> {
        let mut offset = 0;
        let tensor = |(_, shape): &(String, Vec<usize>)| {
            let start = offset;
            offset += shape.iter().product::<usize>();
            Object::Tensor { storage, offset: start, shape: shape.clone() }
        };
        self.header().layout.iter().map(tensor).collect()
    }
}

/// Nothing of anybody else's is replaced.
fn refuse_full(folder: &Path) -> Result<(), StoreError> {
    if atomic::is_filled(folder) {
        let (path, what) = (folder.to_owned(), "the folder is not empty".to_owned());
        return Err(StoreError::Refused { path, what, remedy: "choose another one, or remove it" });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
