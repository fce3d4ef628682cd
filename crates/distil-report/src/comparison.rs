//! Two rows against each other, as text.

use std::fmt::Write;

use distil_stats::{Bootstrap, Design, IntervalKind, StatsError, p_value, verdict, wilcoxon};

use crate::conditions::{Incomparable, comparable};
use crate::table::comparison_table;
use distil_store::Evaluation;

/// A row under the name that a comparison calls it by.
#[derive(Debug, Clone, Copy)]
pub struct Contender<'a> {
    /// Its name.
    pub name: &'a str,
    /// What was measured.
    pub row: &'a Evaluation,
}

/// Says in one sentence whether one of two rows is better (see [`distil_stats::verdict`]), and below it, as Markdown,
/// what that rests on: a small table, a second opinion that assumes no normal distribution, and what the test covers.
///
/// # Errors
/// [`Incomparable`] when the rows were not measured under the same conditions.
pub fn comparison_markdown(
    a: Contender<'_>,
    b: Contender<'_>,
    design: Design,
) -> Result<String, Incomparable> {
    comparable(a.row, b.row)?;
    let (of_a, of_b) = (&a.row.accuracies, &b.row.accuracies);
    let mut text = verdict((a.name, of_a), (b.name, of_b), design);
    let _ = write!(text, "\n\n{}", comparison_table([a, b]));
    if let Ok(second) = second_opinion(of_a, of_b, design) {
        let _ = write!(text, "\n{second}\n");
    }
    text.push_str(
        "\nThe test covers what varies between students trained on these very sets. Whether a method is better than \
         another takes sets distilled again with other seeds.\n",
    );
    Ok(text)
}

fn second_opinion(a: &[f64], b: &[f64], design: Design) -> Result<String, StatsError> {
    Ok(match design {
        Design::Independent => {
            let bootstrap = Bootstrap::default();
            let [low, high] = bootstrap.of_difference(a, b, IntervalKind::Bca)?;
            format!(
                "Bootstrap interval of the difference, first minus second: {:.1} to {:.1} points (95%, BCa, {} resamples).",
                100.0 * low,
                100.0 * high,
                bootstrap.resamples
            )
        }
        Design::Paired => {
            let test = wilcoxon(a, b)?;
            let how = if test.exact { "exact" } else { "normal approximation" };
            format!("Wilcoxon's signed-rank test of the pairs: {} ({how}).", p_value(test.p))
        }
    })
}

#[cfg(test)]
mod tests {
    use distil_stats::Design;
    use serde_json::json;

    use super::{Contender, comparison_markdown};
    use crate::testing::row;
    use distil_store::Conditions;
    use distil_store::Evaluation;

    fn measured(name: &str, mean: f64, test: &str) -> Evaluation {
        let (dataset, test) = ("mnist".to_owned(), test.to_owned());
        let conditions = Some(Conditions { dataset, test, network: json!(3), protocol: json!({}) });
        Evaluation { conditions, ..row(name, 10, mean, 5) }
    }

    #[test]
    fn the_verdict_comes_first_and_its_grounds_follow() {
        let (new, old) = (measured("distilled, last", 0.71, "x"), measured("distilled, last", 0.68, "x"));
        let [a, b] = [Contender { name: "runs/new", row: &new }, Contender { name: "runs/old", row: &old }];
        let text = comparison_markdown(a, b, Design::Independent).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("runs/new beats runs/old by 3.0 points ["), "{text}");
        assert!(lines[4].starts_with("| runs/new ") && lines[4].contains("71.0 ± 0.4"), "{text}");
        assert!(text.contains("Bootstrap interval") && text.contains("distilled again"), "{text}");
        let text = comparison_markdown(b, a, Design::Paired).unwrap();
        // All five differences are equal: no t test, but ranks still speak.
        assert!(text.contains("Wilcoxon's signed-rank test of the pairs: p = 0.06"), "{text}");
    }

    #[test]
    fn other_test_data_is_no_comparison() {
        let (new, old) = (measured("a", 0.71, "x"), measured("b", 0.68, "y"));
        let [a, b] = [Contender { name: "a", row: &new }, Contender { name: "b", row: &old }];
        let error = comparison_markdown(a, b, Design::Independent).unwrap_err();
        assert!(error.to_string().contains("`a` was tested on mnist (x)"), "{error}");
    }
}
