//! A run that goes on, in a few lines of text.

use std::collections::VecDeque;

use serde_json::Value;

use crate::table::significant;

/// Losses kept for the curve; what an eye takes in.
const KEPT: usize = 600;
/// Characters of the curve.
const COLUMNS: usize = 48;
/// Heights of a character, lowest first.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Arrivals that the rate is taken over.
const RATE_OVER: usize = 50;

/// What is known of a run so far, from the events of its log and when they came.
#[derive(Debug, Clone, Default)]
pub struct LiveRun {
    /// Iterations of the whole run.
    total: u64,
    iteration: u64,
    loss: Option<f64>,
    losses: VecDeque<f64>,
    skipped: u64,
    /// (seconds, iteration), at most one an arrival.
    arrivals: VecDeque<(f64, u64)>,
    /// Iteration of the last validation, and its accuracy in `[0, 1]`.
    validated: Option<(u64, f64)>,
    best: Option<(u64, f64)>,
}

impl LiveRun {
    /// A run of `total` iterations of which nothing is known.
    pub fn new(total: u64) -> Self {
        Self { total, ..Self::default() }
    }

    /// Takes events that arrived at `seconds` on any clock. Those that were there when watching began tell nothing
    /// about the rate: give them at once.
    pub fn take(&mut self, events: &[Value], seconds: f64) {
        for event in events {
            let Some(iteration) = event["iteration"].as_u64() else { continue };
            match event["kind"].as_str() {
                Some("iteration") => self.step(iteration, event),
                Some("validation") => self.validation(iteration, event),
                _ => {}
            }
        }
        if !events.is_empty() {
            self.arrivals.push_back((seconds, self.iteration));
            if self.arrivals.len() > RATE_OVER {
                self.arrivals.pop_front();
            }
        }
    }

    fn step(&mut self, iteration: u64, event: &Value) {
        self.iteration = iteration;
        self.loss = event["loss"].as_f64();
        self.skipped += u64::from(event["applied"].as_bool() == Some(false));
        self.losses.extend(self.loss);
        if self.losses.len() > KEPT {
            self.losses.pop_front();
        }
    }

    fn validation(&mut self, iteration: u64, event: &Value) {
        let Some(accuracy) = event["accuracy"].as_f64() else { return };
        self.validated = Some((iteration, accuracy));
        if event["best"].as_bool() == Some(true) {
            self.best = Some((iteration, accuracy));
        }
    }

    /// Whether the last iteration was validated, which is the last thing that a run logs.
    pub fn is_done(&self) -> bool {
        self.validated.is_some_and(|(iteration, _)| iteration >= self.total)
    }

    /// Iterations a second over the last arrivals.
    pub fn rate(&self) -> Option<f64> {
        let ((from, first), (to, last)) = (self.arrivals.front()?, self.arrivals.back()?);
        let rate = (last - first) as f64 / (to - from);
        (rate.is_finite() && rate > 0.0).then_some(rate)
    }

    /// Seconds to the last iteration at that rate; `None` where there is no rate, or nothing left.
    pub fn seconds_left(&self) -> Option<f64> {
        let left = self.total.saturating_sub(self.iteration);
        Some(left as f64 / self.rate()?).filter(|_| left > 0)
    }

    /// The state in one line.
    pub fn line(&self) -> String {
        let mut parts = vec![format!("{}/{}", self.iteration, self.total)];
        if let Some(rate) = self.rate() {
            parts.push(format!("{rate:.2}/s"));
        }
        match self.loss {
            Some(loss) => parts.push(format!("loss {}", significant(loss))),
            None if self.iteration > 0 => parts.push("loss not finite".to_owned()),
            None => {}
        }
        if self.skipped > 0 {
            parts.push(format!("{} not applied", self.skipped));
        }
        if let Some((iteration, accuracy)) = self.validated {
            parts.push(format!("validation {:.1} % at {iteration}", 100.0 * accuracy));
        }
        if let Some((iteration, accuracy)) = self.best {
            parts.push(format!("best {:.1} % at {iteration}", 100.0 * accuracy));
        }
        parts.join(" · ")
    }

    /// The last losses as a curve of block characters, the newest at the right; empty before the second.
    pub fn curve(&self) -> String {
        if self.losses.len() < 2 {
            return String::new();
        }
        let stretch = self.losses.len().div_ceil(COLUMNS);
        let losses: Vec<f64> = self.losses.iter().copied().collect();
        // From the newest back, so that columns do not flicker between stretches.
        let mut means: Vec<f64> =
            losses.rchunks(stretch).map(|piece| piece.iter().sum::<f64>() / piece.len() as f64).collect();
        means.reverse();
        let low = means.iter().copied().fold(f64::INFINITY, f64::min);
        let high = means.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let span = if high > low { high - low } else { 1.0 };
        let bar = |mean: &f64| BARS[((mean - low) / span * (BARS.len() - 1) as f64).round() as usize];
        means.iter().map(bar).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::LiveRun;

    fn steps(range: std::ops::RangeInclusive<u64>) -> Vec<Value> {
        range
            .map(|i| json!({"kind": "iteration", "iteration": i, "loss": i as f64, "applied": true}))
            .collect()
    }

    #[test]
    fn the_rate_is_that_of_what_arrived_while_watching() {
        let mut run = LiveRun::new(100);
        run.take(&steps(1..=40), 5.0);
        assert_eq!((run.rate(), run.seconds_left()), (None, None));
        run.take(&steps(41..=50), 10.0);
        run.take(&[], 12.0);
        assert_eq!((run.rate(), run.seconds_left()), (Some(2.0), Some(25.0)));
        assert_eq!(run.line(), "50/100 · 2.00/s · loss 50");
        run.take(&steps(51..=100), 35.0);
        assert_eq!(run.seconds_left(), None, "validation may still go on");
    }

    #[test]
    fn it_ends_with_the_validation_of_the_last_iteration() {
        let mut run = LiveRun::new(2);
        let validation = |iteration: u64, accuracy: f64, best: bool| json!({"kind": "validation", "iteration": iteration, "accuracy": accuracy, "best": best});
        run.take(&[validation(0, 0.5, true)], 0.0);
        run.take(&steps(1..=2), 1.0);
        assert!(!run.is_done());
        run.take(&[validation(2, 0.4, false)], 2.0);
        assert!(run.is_done());
        assert!(run.line().ends_with("validation 40.0 % at 2 · best 50.0 % at 0"), "{}", run.line());
    }

    #[test]
    fn curves_rise_with_the_loss_and_stay_short() {
        let mut run = LiveRun::new(9);
        assert_eq!(run.curve(), "");
        run.take(&steps(1..=8), 0.0);
        assert_eq!(run.curve(), "▁▂▃▄▅▆▇█");
        run.take(&steps(9..=5000), 0.0);
        assert!(run.curve().chars().count() <= 48);
        let same = vec![json!({"kind": "iteration", "iteration": 1, "loss": 2.0}); 2];
        let mut flat = LiveRun::new(9);
        flat.take(&same, 0.0);
        flat.take(&[json!({"kind": "iteration", "iteration": 2, "loss": null, "applied": false})], 0.0);
        assert_eq!(flat.curve(), "▁▁");
        assert_eq!(flat.line(), "2/9 · loss not finite · 1 not applied");
    }
}
