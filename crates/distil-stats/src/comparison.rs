//! Whether one set of measurements is better than another, in one sentence.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

use crate::effect::{Effect, dz, hedges_g};
use crate::error::StatsError;
use crate::power::{ALPHA, Design, seeds_needed};
use crate::ttest::{TTest, paired, welch};

/// A t test with what one needs to judge it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// How the measurements belong together.
    pub design: Design,
    /// Number of measurements on each side.
    pub n: [usize; 2],
    /// The difference, its test and its interval.
    pub test: TTest,
    /// The difference in standard deviations.
    pub effect: Effect,
    /// Seeds on each side that would find a difference of this size (see [`seeds_needed`]); absent when there are too
    /// many to ask for.
    pub seeds_needed: Option<usize>,
}

impl Comparison {
    /// Compares samples by Welch's test or pairs by the paired one.
    ///
    /// # Errors
    /// As [`welch`] and [`paired`].
    pub fn of(a: &[f64], b: &[f64], design: Design) -> Result<Self, StatsError> {
        let (test, effect) = match design {
            Design::Independent => (welch(a, b)?, hedges_g(a, b)?),
            Design::Paired => (paired(a, b)?, dz(a, b)?),
        };
        let seeds_needed = seeds_needed(effect.value(), design);
        Ok(Self { design, n: [a.len(), b.len()], test, effect, seeds_needed })
    }

    /// Whether the difference is significant at [`ALPHA`], for a single comparison. Several of them need
    /// [`holm`](crate::holm).
    pub fn is_significant(&self) -> bool {
        self.test.p < ALPHA
    }

    /// The verdict on shares in `[0, 1]`, with differences in percentage points:
    /// `A beats B by 3.1 points [1.2, 5.0], p = 0.004 (Welch), g = 2.1, 5 seeds each`.
    pub fn sentence(&self, a: &str, b: &str) -> String {
        // The better one first.
        let swapped = self.test.difference < 0.0;
        let (a, b) = if swapped { (b, a) } else { (a, b) };
        let [low, high] = self.test.ci95;
        let [low, high] = if swapped { [-high, -low] } else { [low, high] };
        let difference = self.test.difference.abs();
        let digits = usize::from(100.0 * difference < 0.95) + 1;
        let interval = format!("[{}, {}]", points(low, digits), points(high, digits));
        let by = points(difference, digits);
        let n = if swapped { [self.n[1], self.n[0]] } else { self.n };
        let facts = format!("{interval}, {}", self.facts(n));
        if self.is_significant() {
            return format!("{a} beats {b} by {by} points {facts}");
        }
        let mut text = format!("cannot tell: {a} is {by} points above {b} {facts}");
        let _ = match self.seeds_needed {
            Some(seeds) => {
                write!(text, "; about {seeds} seeds would be needed for a difference of this size")
            }
            None => write!(text, "; no affordable number of seeds would find a difference of this size"),
        };
        text
    }

    /// Test and effect, with the numbers of seeds in the order of the sentence.
    fn facts(&self, n: [usize; 2]) -> String {
        let test = match self.design {
            Design::Independent => "Welch",
            Design::Paired => "paired t",
        };
        let seeds = match n {
            [a, b] if a == b => format!("{a} seeds each"),
            [a, b] => format!("{a} and {b} seeds"),
        };
        let size = self.effect.value().abs();
        let digits = usize::from(size < 0.95) + 1;
        format!("{} ({test}), {} = {size:.digits$}, {seeds}", p_value(self.test.p), self.effect.symbol())
    }
}

/// The verdict on `a` and `b`, each a name with its measurements in `[0, 1]`: [`Comparison::sentence`], or why nothing
/// can be said.
pub fn verdict(a: (&str, &[f64]), b: (&str, &[f64]), design: Design) -> String {
    if a.1 == b.1 && !a.1.is_empty() {
        return format!("{} and {} are equal: the very same measurements", a.0, b.0);
    }
    match Comparison::of(a.1, b.1, design) {
        Ok(comparison) => comparison.sentence(a.0, b.0),
        Err(error) => format!("cannot tell: {error}"),
    }
}

/// `p = 0.004`, `p = 0.31`, `p < 0.001`.
pub fn p_value(p: f64) -> String {
    if p < 0.001 {
        "p < 0.001".to_owned()
    } else if p < 0.1 {
        // At least 0.05 must never read as less, or the other way round.
        let text = format!("{p:.3}");
        let crossed = (p < ALPHA) != (text.parse::<f64>().is_ok_and(|shown| shown < ALPHA));
        if crossed { format!("p = {p:.5}") } else { format!("p = {text}") }
    } else {
        format!("p = {p:.2}")
    }
}

/// A share in percentage points, with a true minus sign and without a negative zero.
fn points(share: f64, digits: usize) -> String {
    let text = format!("{:.digits$}", 100.0 * share);
    match text.strip_prefix('-') {
        Some(zero) if zero.chars().all(|c| c == '0' || c == '.') => zero.to_owned(),
        Some(number) => format!("−{number}"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::{Comparison, p_value, points, verdict};
    use crate::Design;

    const HIGH: [f64; 5] = [0.70, 0.71, 0.72, 0.70, 0.71];
    const LOW: [f64; 5] = [0.66, 0.68, 0.67, 0.69, 0.67];

    #[test]
    fn the_better_one_comes_first() {
        let sentence = verdict(("A", &HIGH), ("B", &LOW), Design::Independent);
        assert!(sentence.starts_with("A beats B by 3.4 points ["), "{sentence}");
        assert!(sentence.ends_with(", 5 seeds each") && sentence.contains(" (Welch), g = "), "{sentence}");
        assert_eq!(sentence, verdict(("B", &LOW), ("A", &HIGH), Design::Independent));
        let fewer = verdict(("B", &LOW[..3]), ("A", &HIGH), Design::Independent);
        assert!(fewer.starts_with("A beats B") && fewer.ends_with(", 5 and 3 seeds"), "{fewer}");
        let paired = verdict(("B", &LOW), ("A", &HIGH), Design::Paired);
        assert!(paired.starts_with("A beats B") && paired.contains(" (paired t), dz = "), "{paired}");
    }

    #[test]
    fn doubt_is_said_with_what_would_end_it() {
        let near = LOW.map(|value| value + 0.004);
        let comparison = Comparison::of(&near, &LOW[..4], Design::Independent).unwrap();
        let sentence = comparison.sentence("new", "old");
        assert!(sentence.starts_with("cannot tell: new is 0.3"), "{sentence}");
        assert!(sentence.contains("[−") && sentence.contains("5 and 4 seeds; about "), "{sentence}");
        let seeds = comparison.seeds_needed.unwrap();
        assert!(
            seeds > 5 && sentence.contains(&format!("about {seeds} seeds would be needed")),
            "{sentence}"
        );
        let mut shuffled = LOW;
        shuffled.reverse();
        let even = verdict(("A", &LOW), ("B", &shuffled), Design::Independent);
        assert!(even.contains("no affordable number"), "{even}");
        let same = verdict(("A", &LOW), ("B", &LOW), Design::Paired);
        assert_eq!(same, "A and B are equal: the very same measurements");
    }

    #[test]
    fn what_cannot_be_compared_says_why() {
        let once = verdict(("A", &[0.7]), ("B", &LOW), Design::Independent);
        assert_eq!(
            once,
            "cannot tell: Welch's t test needs at least 2 values, not 1; measure with more seeds"
        );
        let constant = verdict(("A", &[0.7, 0.7]), ("B", &[0.6, 0.6]), Design::Independent);
        assert!(constant.contains("do not vary"), "{constant}");
    }

    #[test]
    fn numbers_are_short_and_never_cross_the_level() {
        let texts = [0.000_2, 0.004_4, 0.049_97, 0.050_02, 0.31, 1.0].map(p_value);
        assert_eq!(texts, ["p < 0.001", "p = 0.004", "p = 0.04997", "p = 0.050", "p = 0.31", "p = 1.00"]);
        assert_eq!([-0.0001, -0.031, 0.031].map(|share| points(share, 1)), ["0.0", "−3.1", "3.1"]);
    }
}
