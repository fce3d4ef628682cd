use serde::{Deserialize, Serialize};

use crate::{Category, CompddError, Measurement, Selected};

/// A class and its complexity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ranked {
    /// Name of the class.
    pub class: String,
    /// Images measured.
    pub images: u64,
    /// Its complexity, in `[0, 1]`.
    pub complexity: f64,
    /// Standard error of it; absent for a single image.
    pub standard_error: Option<f64>,
}

/// The classes of a category by complexity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ranking {
    /// The category.
    pub category: String,
    /// The threshold.
    pub threshold: f64,
    /// Its classes, the most complex first, as in the paper; equal ones by name.
    pub classes: Vec<Ranked>,
}

/// The complexity of a subset: the mean over its classes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SubsetComplexity {
    /// The mean over classes.
    pub mean: f64,
    /// Its standard error from the images that were measured: √(Σ se²) / classes. The classes are taken as given.
    pub standard_error: Option<f64>,
}

/// Easy and hard classes of a category.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Selection {
    /// The category.
    pub category: String,
    /// The threshold.
    pub threshold: f64,
    /// The least complex classes, the least complex first.
    pub easy: Vec<Ranked>,
    /// The most complex classes, the most complex first.
    pub hard: Vec<Ranked>,
}

/// How a published selection stands against measured complexity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verification {
    /// The category.
    pub category: String,
    /// The threshold.
    pub threshold: f64,
    /// Complexity of the easy classes.
    pub easy: SubsetComplexity,
    /// Complexity of the hard classes.
    pub hard: SubsetComplexity,
    /// Classes called hard.
    pub hard_classes: usize,
    /// How many of them are among as many most complex ones of the category.
    pub hard_confirmed: usize,
    /// Share of the pairs of a hard and an easy class in which the hard one is the more complex one; equal ones count half.
    /// 0.5 is chance, 1 a selection that the measurement confirms whole.
    pub ordered: f64,
}

impl Ranking {
    /// Ranks the classes of a category by threshold number `threshold` of the measurement.
    ///
    /// # Errors
    /// [`CompddError`] for an unfinished measurement, and for a category whose classes were not measured.
    pub fn of(measured: &Measurement, category: &Category, threshold: usize) -> Result<Self, CompddError> {
        measured.check_complete()?;
        let labels = category.labels(measured)?;
        let mut classes: Vec<Ranked> =
            labels.iter().map(|label| ranked(measured, *label, threshold)).collect();
        classes.sort_by(|a, b| b.complexity.total_cmp(&a.complexity).then_with(|| a.class.cmp(&b.class)));
        let threshold = measured.definition.thresholds[threshold];
        Ok(Self { category: category.name.clone(), threshold, classes })
    }

    /// The `count` easiest and the `count` hardest classes.
    ///
    /// # Errors
    /// [`CompddError::TooFew`] when there are not twice as many classes.
    pub fn select(&self, count: usize) -> Result<Selection, CompddError> {
        let (classes, needed) = (self.classes.len(), count.saturating_mul(2));
        if count == 0 || classes < needed {
            let category = self.category.clone();
            return Err(CompddError::TooFew { category, classes, count, needed: needed.max(2) });
        }
        let (category, threshold) = (self.category.clone(), self.threshold);
        let easy = self.classes.iter().rev().take(count).cloned().collect();
        Ok(Selection { category, threshold, easy, hard: self.classes[..count].to_vec() })
    }
}

pub(crate) fn ranked(measured: &Measurement, label: usize, threshold: usize) -> Ranked {
    let class = &measured.classes[label];
    Ranked {
        class: class.name.clone(),
        images: class.images,
        complexity: class.complexity(threshold).expect("a complete measurement has images of every class"),
        standard_error: class.standard_error(threshold),
    }
}

impl SubsetComplexity {
    /// Of these classes; `None` for none.
    pub fn of(classes: &[Ranked]) -> Option<Self> {
        let n = classes.len() as f64;
        let squares: Option<f64> =
            classes.iter().map(|class| class.standard_error.map(|error| error * error)).sum();
        (n > 0.0).then(|| Self {
            mean: classes.iter().map(|class| class.complexity).sum::<f64>() / n,
            standard_error: squares.map(|squares| squares.sqrt() / n),
        })
    }
}

impl Selection {
    /// Its names only.
    pub fn names(&self) -> Selected {
        let names = |classes: &[Ranked]| classes.iter().map(|class| class.class.clone()).collect();
        Selected { category: self.category.clone(), easy: names(&self.easy), hard: names(&self.hard) }
    }
}

impl Verification {
    /// Checks a selection against the measurement's threshold number `threshold`.
    ///
    /// # Errors
    /// As [`Ranking::of`].
    pub fn of(measured: &Measurement, selected: &Selected, threshold: usize) -> Result<Self, CompddError> {
        let rank = |classes: Vec<String>| {
            Ranking::of(measured, &Category { name: selected.category.clone(), classes }, threshold)
        };
        let all = rank([&selected.easy[..], &selected.hard].concat())?.classes;
        let (easy, hard) = (rank(selected.easy.clone())?.classes, rank(selected.hard.clone())?.classes);
        let hardest = &all[..hard.len()];
        let pairs =
            easy.iter().flat_map(|easy| hard.iter().map(move |hard| (easy.complexity, hard.complexity)));
        let points: f64 = pairs
            .map(|(easy, hard)| {
                if hard > easy {
                    1.0
                } else if hard < easy {
                    0.0
                } else {
                    0.5
                }
            })
            .sum();
        let none = || {
            CompddError::Categories(format!(
                "{} has an empty list; name easy and hard classes",
                selected.category
            ))
        };
        Ok(Self {
            category: selected.category.clone(),
            threshold: measured.definition.thresholds[threshold],
            easy: SubsetComplexity::of(&easy).ok_or_else(none)?,
            hard: SubsetComplexity::of(&hard).ok_or_else(none)?,
            hard_classes: hard.len(),
            hard_confirmed: hard.iter().filter(|class| hardest.contains(class)).count(),
            ordered: points / (easy.len() * hard.len()) as f64,
        })
    }
}
