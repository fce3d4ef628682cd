//! Axes: which values they span, where they are marked, and what the marks say.

/// Ratio of highest to lowest value from which a logarithmic axis shows more than a linear one.
const LOG_FROM: f64 = 20.0;

/// How values lie along an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spacing {
    Linear,
    Logarithmic,
}

/// A stretch of values mapped onto `[0, 1]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Axis {
    pub(crate) spacing: Spacing,
    low: f64,
    high: f64,
}

impl Spacing {
    /// What shows `values` better.
    pub(crate) fn fitting(values: impl IntoIterator<Item = f64>) -> Self {
        let (low, high) = range(values);
        if low > 0.0 && high / low > LOG_FROM { Self::Logarithmic } else { Self::Linear }
    }
}

impl Axis {
    /// A linear axis of exactly these ends.
    pub(crate) fn exact(low: f64, high: f64) -> Self {
        let high = if high > low { high } else { low + 1.0 };
        Self { spacing: Spacing::Linear, low, high }
    }

    /// An axis around `values` with a little room; from 0 to 1 when there are none.
    pub(crate) fn around(values: impl IntoIterator<Item = f64>, spacing: Spacing) -> Self {
        let (low, high) = range(values);
        if low > high {
            return Self::exact(0.0, 1.0);
        }
        match spacing {
            Spacing::Logarithmic => {
                let room = (high / low).powf(0.05).max(1.02);
                Self { spacing, low: low / room, high: high * room }
            }
            Spacing::Linear => {
                let flat = if high == 0.0 { 1.0 } else { 0.1 * high.abs() };
                let room = if high > low { 0.06 * (high - low) } else { flat };
                // Counts, losses and accuracies are never negative; an axis that says otherwise misleads.
                let floor = if low >= 0.0 { 0.0 } else { f64::NEG_INFINITY };
                Self { spacing, low: (low - room).max(floor), high: high + room }
            }
        }
    }

    /// The same axis, not reaching beyond `[low, high]`.
    pub(crate) fn within(self, low: f64, high: f64) -> Self {
        Self { low: self.low.max(low), high: self.high.min(high), ..self }
    }

    /// Its lowest and highest value.
    pub(crate) fn ends(&self) -> [f64; 2] {
        [self.low, self.high]
    }

    /// Where `value` lies: 0 at the low end, 1 at the high end, never outside.
    pub(crate) fn place(&self, value: f64) -> f64 {
        let place = match self.spacing {
            Spacing::Linear => (value - self.low) / (self.high - self.low),
            Spacing::Logarithmic => (value / self.low).ln() / (self.high / self.low).ln(),
        };
        place.clamp(0.0, 1.0)
    }

    /// Round values inside the axis, about `count` of them, each with its text.
    pub(crate) fn marks(&self, count: usize) -> Vec<(f64, String)> {
        match self.spacing {
            Spacing::Linear => self.linear_marks(count),
            Spacing::Logarithmic => self.log_marks(count),
        }
    }

    fn linear_marks(&self, count: usize) -> Vec<(f64, String)> {
        let rough = (self.high - self.low) / count as f64;
        let power = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|m| m * power).into_iter().find(|step| *step >= 0.999 * rough);
        let step = step.unwrap_or(10.0 * power);
        let first = (self.low / step - 1e-9).ceil() as i64;
        let last = (self.high / step + 1e-9).floor() as i64;
        (first..=last).map(|k| k as f64 * step).map(|value| (value, text(value, step))).collect()
    }

    fn log_marks(&self, count: usize) -> Vec<(f64, String)> {
        let (first, last) = (self.low.log10().floor() as i32, self.high.log10().ceil() as i32);
        let decades = (last - first).max(1) as usize;
        let multiples: &[f64] = match count / decades {
            0..=1 => &[1.0],
            2..=3 => &[1.0, 3.0],
            _ => &[1.0, 2.0, 5.0],
        };
        let every = decades.div_ceil(count.max(1) + 2);
        let all = (first..=last)
            .step_by(every)
            .flat_map(|power| multiples.iter().map(move |m| m * 10_f64.powi(power)));
        let inside = all.filter(|value| (self.low..=self.high).contains(value));
        inside.map(|value| (value, text(value, value))).collect()
    }
}

/// A mark's text, to the precision of `step`: `0.25`, `1500`, `20k`, `1e-5`.
fn text(value: f64, step: f64) -> String {
    let power = |number: f64| (number.abs().log10() + 1e-9).floor();
    if value.abs() < 1e-6 * step {
        "0".to_owned()
    } else if !(-4.0..7.0).contains(&power(value)) {
        let digits = (power(value) - power(step)).max(0.0) as usize;
        format!("{value:.digits$e}")
    } else if value.abs() >= 10_000.0 && power(step) >= 3.0 {
        format!("{}k", (value / 1000.0).round())
    } else {
        let decimals = (-power(step)).max(0.0) as usize;
        format!("{value:.decimals$}")
    }
}

/// Lowest and highest finite value; an empty range (low > high) for none.
fn range(values: impl IntoIterator<Item = f64>) -> (f64, f64) {
    let finite = values.into_iter().filter(|value| value.is_finite());
    finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)))
}

#[cfg(test)]
mod tests {
    use super::{Axis, Spacing};

    fn texts(axis: &Axis) -> Vec<String> {
        axis.marks(5).into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn marks_are_round_and_few() {
        assert_eq!(texts(&Axis::exact(0.0, 400.0)), ["0", "100", "200", "300", "400"]);
        assert_eq!(texts(&Axis::exact(0.0, 20_000.0)), ["0", "5000", "10k", "15k", "20k"]);
        assert_eq!(texts(&Axis::exact(0.31, 0.72)), ["0.4", "0.5", "0.6", "0.7"]);
        let log = Axis::around([0.003, 2.0], Spacing::Logarithmic);
        assert_eq!(texts(&log), ["0.01", "0.1", "1"]);
    }

    #[test]
    fn every_axis_has_marks_inside_it() {
        let ranges = [
            (1.0, 1.0),
            (0.0, 0.0),
            (0.011, 0.0112),
            (1e-9, 2e-8),
            (3.0, 4e7),
            (-5.0, 9.0),
            (0.0, 5e7),
            (-1e38, 3e38),
            (1e-45, 1e38),
        ];
        for (low, high) in ranges {
            for spacing in [Spacing::Linear, Spacing::fitting([low, high])] {
                let axis = Axis::around([low, high], spacing);
                let marks = axis.marks(5);
                assert!((1..=9).contains(&marks.len()), "{low} to {high}, {spacing:?}: {marks:?}");
                let distinct: std::collections::BTreeSet<_> = marks.iter().map(|(_, text)| text).collect();
                assert_eq!(distinct.len(), marks.len(), "{marks:?}");
                assert!(marks.iter().all(|(_, text)| text.len() < 8), "{marks:?}");
                assert!(axis.place(low) <= axis.place(high));
            }
        }
    }

    #[test]
    fn nothing_to_show_is_no_trouble() {
        let axis = Axis::around([f64::NAN, f64::INFINITY], Spacing::fitting([]));
        assert_eq!(
            texts(&axis),
            ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"].map(|text| if text == "0.0" { "0" } else { text })
        );
    }
}
