use distil_models::{Entry, Layout};
use distil_random::{permutation, stream};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Common-pattern dropout (EDF §2.1): the share of matching errors that is left out of the loss, because small
/// errors come from patterns that student and expert share anyway.
///
/// The defaults are EDF's at ten images a class. Published ratios: 0 at one image a class, 0.25 at ten, 0.375 at
/// fifty (its Table 8; some files of the public code have 0.5 or 0.25 at fifty). The paper's Eq. 2 sums over P
/// parameters and its Table 7 speaks of layers; the public code drops scalars, which is the default here.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CommonPatternDropout {
    /// Share α of the units that is dropped, in `[0, 1)`.
    pub ratio: f64,
    /// What counts as one unit.
    pub granularity: Granularity,
    /// Which units are dropped.
    pub criterion: Criterion,
    /// Which loss `loss_gate` is held against.
    pub gate: GateLoss,
}

/// Which loss is held against `loss_gate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GateLoss {
    /// That of all errors, so that one gate means the same with and without dropout.
    #[default]
    All,
    /// That of the errors which are kept; dropout raises it by a twentieth (ratio 0.25) to two fifths (0.75). The public code.
    Kept,
}

impl Default for CommonPatternDropout {
    fn default() -> Self {
        Self {
            ratio: 0.25,
            granularity: Granularity::default(),
            criterion: Criterion::default(),
            gate: GateLoss::default(),
        }
    }
}

/// The unit of common-pattern dropout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Granularity {
    /// Each scalar parameter's squared error (public code).
    #[default]
    Scalar,
    /// Each parameter tensor's summed squared error.
    Tensor,
}

/// Which units are dropped: EDF's Table 7, whose ratio is 0.25 throughout. The paper names the criteria without
/// formulas, and the public code has only the first; what follows is this crate's reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Criterion {
    /// Those with the smallest errors; among equal errors the earlier unit goes first.
    #[default]
    Loss,
    /// Those with the largest errors: matching of what is near already, the opposite of the method (EDF's Figures 2 and 5).
    Largest,
    /// Units anywhere in the network, redrawn in every iteration ("dynamic").
    Random,
    /// The same share of every layer, drawn once for the whole run ("static").
    Uniform,
    /// The first units in the order of θ, those next to the image ("static").
    First,
    /// Those in the middle of θ ("static").
    Middle,
    /// The last ones, those next to the logits ("static").
    Last,
}

/// Names the draw of [`Criterion::Random`] (one an iteration) and [`Criterion::Uniform`] (one a seed); no other
/// criterion draws.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Draw {
    /// Seed of the run.
    pub seed: u64,
    /// Iteration of the run.
    pub iteration: u64,
}

impl CommonPatternDropout {
    /// Marks the units that remain after ⌊α·units⌋ were dropped, given the errors `[P]` of all scalars; `None`
    /// where the ratio is 0.
    pub(crate) fn kept(self, layout: &Layout, error: &[f64], draw: Draw) -> Option<Vec<bool>> {
        if self.ratio <= 0.0 {
            return None;
        }
        let sizes: Vec<usize> = match self.granularity {
            Granularity::Scalar => layout.entries().iter().map(Entry::len).collect(),
            Granularity::Tensor => vec![1; layout.entries().len()],
        };
        let units = sizes.iter().sum::<usize>();
        let dropped = (self.ratio * units as f64).floor() as usize;
        let mut kept = vec![true; units];
        match self.criterion {
            Criterion::Loss => drop_smallest(&self.squares(layout, error), dropped, &mut kept),
            Criterion::Largest => drop_largest(&self.squares(layout, error), dropped, &mut kept),
            Criterion::Random => {
                let order = permutation(&mut stream(draw.seed, "dropout", draw.iteration), units);
                order[..dropped].iter().for_each(|&unit| kept[unit] = false);
            }
            Criterion::Uniform => drop_evenly(&sizes, self.ratio, draw.seed, &mut kept),
            Criterion::First => kept[..dropped].fill(false),
            Criterion::Middle => {
                let start = (units - dropped) / 2;
                kept[start..start + dropped].fill(false);
            }
            Criterion::Last => kept[units - dropped..].fill(false),
        }
        Some(kept)
    }

    /// The squared error of every unit.
    fn squares(self, layout: &Layout, error: &[f64]) -> Vec<f64> {
        match self.granularity {
            Granularity::Scalar => error.iter().map(|e| e * e).collect(),
            Granularity::Tensor => {
                let mut rest = error;
                let sum_next = |entry: &Entry| {
                    let (head, tail) = rest.split_at(entry.len());
                    rest = tail;
                    head.iter().map(|e| e * e).sum()
                };
                layout.entries().iter().map(sum_next).collect()
            }
        }
    }
}

/// Drops exactly `count` of the smallest `squares`; among equal ones the earlier goes first, and NaN counts as
/// the largest.
///
/// A selection, not a sort, and over the values themselves: the bits of non-negative floats have the order of
/// the floats, so one linear pass finds the value that separates the dropped from the kept, and a second one
/// applies it.
fn drop_smallest(squares: &[f64], count: usize, kept: &mut [bool]) {
    if count == 0 {
        return;
    }
    let key = |square: f64| square.abs().to_bits();
    let mut keys: Vec<u64> = squares.iter().map(|&square| key(square)).collect();
    let (_, &mut border, _) = keys.select_nth_unstable(count - 1);
    let below = squares.iter().filter(|square| key(**square) < border).count();
    let mut ties = count - below;
    for (kept, &square) in kept.iter_mut().zip(squares) {
        let key = key(square);
        let tie = key == border && ties > 0;
        ties -= usize::from(tie);
        *kept = key > border || (key == border && !tie);
    }
}

/// Drops exactly `count` of the largest `squares`; among equal ones the later goes first. Where one is NaN nothing is dropped,
/// so that the loss shows it.
fn drop_largest(squares: &[f64], count: usize, kept: &mut [bool]) {
    if squares.iter().any(|square| square.is_nan()) {
        return;
    }
    drop_smallest(squares, squares.len() - count, kept);
    for kept in kept {
        *kept = !*kept;
    }
}

/// Drops `ratio` of every layer, ⌊ratio·units⌋ in all: what rounding leaves over in one layer goes to the next.
fn drop_evenly(sizes: &[usize], ratio: f64, seed: u64, kept: &mut [bool]) {
    let dropped_until = |units: usize| (ratio * units as f64).floor() as usize;
    let mut start = 0;
    for (layer, &size) in sizes.iter().enumerate() {
        let count = dropped_until(start + size) - dropped_until(start);
        let order = permutation(&mut stream(seed, "dropout-uniform", layer as u64), size);
        order[..count].iter().for_each(|&unit| kept[start + unit] = false);
        start += size;
    }
}

/// Kept units as a mask over the `params` scalars.
pub(crate) fn spread(layout: &Layout, kept: &[bool], params: usize) -> Vec<bool> {
    if kept.len() == params {
        return kept.to_vec();
    }
    let entries = layout.entries().iter().zip(kept);
    entries.flat_map(|(entry, &keep)| std::iter::repeat_n(keep, entry.len())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Layers of 6, 2, 9 and 3 scalars.
    fn layout() -> Layout {
        let entry = |(name, size): (&str, usize)| Entry { name: name.to_owned(), shape: vec![size] };
        Layout::new([("a", 6), ("b", 2), ("c", 9), ("d", 3)].map(entry).to_vec())
    }

    fn error() -> Vec<f64> {
        (0..20).map(|i| f64::from((i * 7 + 3) % 20) * if i % 2 == 0 { 1.0 } else { -1.0 }).collect()
    }

    fn dropped(criterion: Criterion, granularity: Granularity, ratio: f64, draw: Draw) -> Vec<usize> {
        let dropout =
            CommonPatternDropout { ratio, granularity, criterion, ..CommonPatternDropout::default() };
        let kept = dropout.kept(&layout(), &error(), draw).expect("a positive ratio");
        (0..kept.len()).filter(|&unit| !kept[unit]).collect()
    }

    const ALL: [Criterion; 7] = [
        Criterion::Loss,
        Criterion::Largest,
        Criterion::Random,
        Criterion::Uniform,
        Criterion::First,
        Criterion::Middle,
        Criterion::Last,
    ];

    #[test]
    fn every_criterion_drops_the_same_number() {
        for ratio in [0.01, 0.25, 0.5, 0.74, 0.99] {
            for criterion in ALL {
                for (granularity, units) in [(Granularity::Scalar, 20.0), (Granularity::Tensor, 4.0)] {
                    let count = dropped(criterion, granularity, ratio, Draw::default()).len();
                    assert_eq!(count, (ratio * units).floor() as usize, "{criterion:?} {granularity:?}");
                }
            }
        }
    }

    #[test]
    fn static_criteria_drop_where_they_say() {
        let at = |criterion| dropped(criterion, Granularity::Scalar, 0.3, Draw::default());
        assert_eq!(at(Criterion::First), [0, 1, 2, 3, 4, 5]);
        assert_eq!(at(Criterion::Middle), [7, 8, 9, 10, 11, 12]);
        assert_eq!(at(Criterion::Last), [14, 15, 16, 17, 18, 19]);
        let uniform = at(Criterion::Uniform);
        let within =
            |range: std::ops::Range<usize>| uniform.iter().filter(|unit| range.contains(unit)).count();
        assert_eq!([within(0..6), within(6..8), within(8..17), within(17..20)], [1, 1, 3, 1]);
        let tensors = |criterion| dropped(criterion, Granularity::Tensor, 0.5, Draw::default());
        assert_eq!((tensors(Criterion::First), tensors(Criterion::Middle)), (vec![0, 1], vec![1, 2]));
    }

    #[test]
    fn only_random_changes_with_the_iteration_and_only_draws_change_with_the_seed() {
        let at = |criterion, seed, iteration| {
            dropped(criterion, Granularity::Scalar, 0.5, Draw { seed, iteration })
        };
        for criterion in ALL {
            let first = at(criterion, 1, 0);
            assert_eq!(first, at(criterion, 1, 0));
            assert_eq!(first != at(criterion, 1, 1), criterion == Criterion::Random, "{criterion:?}");
            let draws = matches!(criterion, Criterion::Random | Criterion::Uniform);
            assert_eq!(first != at(criterion, 2, 0), draws, "{criterion:?}");
        }
    }

    /// Against a stable sort, with many ties and values that are no numbers.
    #[test]
    fn selection_is_exactly_what_a_sort_would_drop() {
        let squares: Vec<f64> = (0..500u32)
            .map(|i| match i.wrapping_mul(2_654_435_761) >> 24 {
                0..4 => f64::NAN,
                4..8 => -f64::NAN,
                8..12 => f64::INFINITY,
                value => f64::from(value / 16),
            })
            .collect();
        let mut order: Vec<usize> = (0..squares.len()).collect();
        order.sort_by(|&a, &b| squares[a].abs().total_cmp(&squares[b].abs()).then(a.cmp(&b)));
        for count in 0..squares.len() {
            let mut kept = vec![true; squares.len()];
            drop_smallest(&squares, count, &mut kept);
            let mut wanted = vec![true; squares.len()];
            order[..count].iter().for_each(|&unit| wanted[unit] = false);
            assert_eq!(kept, wanted, "{count} dropped");
        }
    }

    #[test]
    fn the_largest_are_what_the_smallest_leave() {
        let at = |criterion, ratio| dropped(criterion, Granularity::Scalar, ratio, Draw::default());
        let (largest, smallest) = (at(Criterion::Largest, 0.3), at(Criterion::Loss, 0.7));
        assert!(largest.iter().all(|unit| !smallest.contains(unit)) && largest.len() + smallest.len() == 20);
        let square = |unit: usize| error()[unit].powi(2);
        let least = largest.iter().map(|unit| square(*unit)).fold(f64::INFINITY, f64::min);
        assert!(smallest.iter().all(|unit| square(*unit) <= least));
        let mut kept = vec![true; 3];
        drop_largest(&[1.0, f64::NAN, 2.0], 1, &mut kept);
        assert_eq!(kept, [true; 3]);
    }

    #[test]
    fn a_configuration_reads_naturally() {
        let read = |text: &str| serde_json::from_str::<CommonPatternDropout>(text);
        assert_eq!(read("{}").unwrap(), CommonPatternDropout::default());
        let middle = read(r#"{"ratio": 0.5, "criterion": "middle", "granularity": "tensor"}"#).unwrap();
        assert_eq!((middle.criterion, middle.granularity), (Criterion::Middle, Granularity::Tensor));
        assert!(read(r#"{"ration": 0.5}"#).is_err());
    }
}
