//! Seeded, class-balanced choices of rows.

use distil_random::{shuffle, stream};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// How much of the training images is held out for validation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum HoldOut {
    /// This many images in all, as equally as possible from every class (`validation = 5000`).
    Count(usize),
    /// This share of every class, in `[0, 1)` (`validation = 0.1`), at least one image of a class that has two.
    Share(f64),
}

impl HoldOut {
    /// Whether no image is held out.
    pub fn is_nothing(self) -> bool {
        matches!(self, Self::Count(0)) || self == Self::Share(0.0)
    }
}

/// Rows that stay and rows that are held out, both ascending.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Parted {
    pub(crate) kept: Vec<usize>,
    pub(crate) held: Vec<usize>,
}

/// Parts rows by class with the stream (`seed`, `purpose`, class): what one class gives does not depend on the others.
/// Every class keeps at least one row.
pub(crate) fn hold_out(
    labels: &[u32],
    classes: usize,
    how: HoldOut,
    seed: u64,
    purpose: &'static str,
) -> Result<Parted, Error> {
    let rows = shuffled_by_class(labels, classes, seed, purpose);
    let quotas = match how {
        HoldOut::Count(count) => {
            let room: Vec<usize> = rows.iter().map(|rows| rows.len().saturating_sub(1)).collect();
            equal_quotas(&room, count).ok_or_else(|| {
                let most: usize = room.iter().sum();
                Error::config(
                    "validation",
                    format!(
                        "{count} images cannot be held out; at most {most} can, so that every class keeps one"
                    ),
                )
            })?
        }
        HoldOut::Share(share) if (0.0..1.0).contains(&share) => {
            rows.iter().map(|rows| share_of_class(rows.len(), share)).collect()
        }
        HoldOut::Share(share) => {
            return Err(Error::config(
                "validation",
                format!(
                    "a share of {share} was asked for; write a number of images, or a share from 0 to below 1"
                ),
            ));
        }
    };
    Ok(take(&rows, &quotas))
}

/// At most `limit` rows, as equally as possible from every class; ascending.
pub(crate) fn cap(labels: &[u32], classes: usize, limit: usize, seed: u64) -> Result<Vec<usize>, Error> {
    if limit < classes {
        return Err(Error::config(
            "train_limit",
            format!("{limit} images are fewer than the {classes} classes; raise it"),
        ));
    }
    let rows = shuffled_by_class(labels, classes, seed, "train limit");
    let room: Vec<usize> = rows.iter().map(Vec::len).collect();
    let quotas = equal_quotas(&room, limit).unwrap_or(room);
    Ok(take(&rows, &quotas).held)
}

fn shuffled_by_class(labels: &[u32], classes: usize, seed: u64, purpose: &str) -> Vec<Vec<usize>> {
    let mut rows = vec![Vec::new(); classes];
    for (row, &label) in labels.iter().enumerate() {
        rows[label as usize].push(row);
    }
    for (class, rows) in rows.iter_mut().enumerate() {
        shuffle(&mut stream(seed, purpose, class as u64), rows);
    }
    rows
}

/// Shares `count` out in turns over the classes that still have room; `None` when the room does not suffice.
fn equal_quotas(room: &[usize], count: usize) -> Option<Vec<usize>> {
    if room.iter().sum::<usize>() < count {
        return None;
    }
    let mut quotas = vec![0; room.len()];
    let mut left = count;
    while left > 0 {
        for (quota, &room) in quotas.iter_mut().zip(room) {
            if *quota < room && left > 0 {
                *quota += 1;
                left -= 1;
            }
        }
    }
    Some(quotas)
}

/// Images that [`HoldOut::Share`] holds out of a class of `rows` images.
pub fn share_of_class(rows: usize, share: f64) -> usize {
    if share == 0.0 || rows < 2 {
        return 0;
    }
    ((rows as f64 * share).round() as usize).clamp(1, rows - 1)
}

fn take(rows: &[Vec<usize>], quotas: &[usize]) -> Parted {
    let mut held: Vec<usize> =
        rows.iter().zip(quotas).flat_map(|(rows, &quota)| rows[..quota].to_vec()).collect();
    let mut kept: Vec<usize> =
        rows.iter().zip(quotas).flat_map(|(rows, &quota)| rows[quota..].to_vec()).collect();
    held.sort_unstable();
    kept.sort_unstable();
    Parted { kept, held }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 60 rows of class 0, 30 of class 1, 2 of class 2, 1 of class 3.
    fn labels() -> Vec<u32> {
        let mut labels = [vec![0; 60], vec![1; 30], vec![2; 2], vec![3; 1]].concat();
        shuffle(&mut stream(5, "labels", 0), &mut labels);
        labels
    }

    fn counts(labels: &[u32], rows: &[usize]) -> [usize; 4] {
        let mut counts = [0; 4];
        for &row in rows {
            counts[labels[row] as usize] += 1;
        }
        counts
    }

    #[test]
    fn parts_are_disjoint_complete_balanced_and_seeded() {
        let labels = labels();
        let part = |how, seed| hold_out(&labels, 4, how, seed, "validation").unwrap();
        let count = part(HoldOut::Count(20), 1);
        assert_eq!(counts(&labels, &count.held), [10, 9, 1, 0]);
        let share = part(HoldOut::Share(0.1), 1);
        assert_eq!(counts(&labels, &share.held), [6, 3, 1, 0]);
        assert_eq!(part(HoldOut::Share(0.0), 1).held, [0; 0]);
        let mut all = [share.kept.clone(), share.held.clone()].concat();
        all.sort_unstable();
        assert_eq!(all, (0..93).collect::<Vec<_>>());
        assert_eq!(share, part(HoldOut::Share(0.1), 1));
        assert_ne!(share, part(HoldOut::Share(0.1), 2));
    }

    #[test]
    fn a_hundred_thousand_classes_are_parted() {
        let labels: Vec<u32> = (0..200_000).map(|row| row % 100_000).collect();
        for how in [HoldOut::Share(0.5), HoldOut::Count(100_000)] {
            let parted = hold_out(&labels, 100_000, how, 0, "validation").unwrap();
            let mut held: Vec<u32> = parted.held.iter().map(|&row| labels[row]).collect();
            held.sort_unstable();
            assert!(held.into_iter().eq(0..100_000), "one image of every class");
        }
    }

    #[test]
    fn impossible_requests_are_refused() {
        for how in [HoldOut::Count(90), HoldOut::Share(1.0), HoldOut::Share(-0.1), HoldOut::Share(f64::NAN)] {
            let error = hold_out(&labels(), 4, how, 0, "validation").unwrap_err().to_string();
            assert!(error.starts_with("data.validation"), "{error}");
        }
        assert!(cap(&labels(), 4, 3, 0).is_err());
    }

    #[test]
    fn a_cap_is_balanced_and_takes_all_when_there_is_less() {
        let labels = labels();
        assert_eq!(counts(&labels, &cap(&labels, 4, 23, 0).unwrap()), [10, 10, 2, 1]);
        assert_eq!(cap(&labels, 4, 1000, 0).unwrap(), (0..93).collect::<Vec<_>>());
    }
}
