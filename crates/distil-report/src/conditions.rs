//! Under which conditions a row was measured, and whether two rows may be compared.

use distil_store::{Evaluation, RowKind};
use serde_json::Value;

/// Keys of a protocol that do not change what a student achieves: how many there are, and how memory is bounded.
const IGNORED_KEYS: [&str; 3] = ["seeds", "validation_seeds", "micro_batch"];
/// The kind of network.
const ARCH: &str = "network.arch";
/// The key that only students on the full training data follow.
const FULL_ONLY: &str = "full_epochs";

/// Why two accuracies must not be compared. Every message is one line that says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Incomparable {
    /// A row does not say how it was measured.
    #[error("`{name}` does not say how it was measured; run `distil eval` on it again")]
    Unknown {
        /// The row.
        name: String,
    },
    /// They were tested on different images.
    #[error(
        "`{a}` was tested on {on_a} and `{b}` on {on_b}; compare results on the same test images and resolution"
    )]
    TestData {
        /// The first row.
        a: String,
        /// Its test data.
        on_a: String,
        /// The second row.
        b: String,
        /// Its test data.
        on_b: String,
    },
    /// Their students were trained differently.
    #[error(
        "`{a}` and `{b}` were measured by different protocols ({what}); evaluate one of them like the other"
    )]
    Protocol {
        /// The first row.
        a: String,
        /// The second row.
        b: String,
        /// What differs.
        what: String,
    },
}

/// Whether a difference between two rows can be read as one of their training sets.
///
/// # Errors
/// [`Incomparable`] when they were tested on other images, their students had another network or were trained by
/// another protocol (but for the number of students), or one of them does not say so.
pub fn comparable(a: &Evaluation, b: &Evaluation) -> Result<(), Incomparable> {
    let conditions =
        |row: &Evaluation| row.conditions.clone().ok_or(Incomparable::Unknown { name: row.name.clone() });
    let (of_a, of_b) = (conditions(a)?, conditions(b)?);
    if of_a.test != of_b.test {
        let [on_a, on_b] = [&of_a, &of_b].map(|c| format!("{} ({})", c.dataset, short(&c.test)));
        return Err(Incomparable::TestData { a: a.name.clone(), on_a, b: b.name.clone(), on_b });
    }
    let full = a.kind == RowKind::Full && b.kind == RowKind::Full;
    let mut what = Vec::new();
    differences("network", &of_a.network, &of_b.network, &mut what);
    differences("eval", &of_a.protocol, &of_b.protocol, &mut what);
    what.retain(|(path, _)| {
        let key = path.strip_prefix("eval.").unwrap_or_default();
        !IGNORED_KEYS.contains(&key) && (full || key != FULL_ONLY)
    });
    // Networks of different kinds have different settings, which say nothing more.
    if what.iter().any(|(path, _)| path == ARCH) {
        what.retain(|(path, _)| path == ARCH || !path.starts_with("network."));
    }
    if what.is_empty() {
        return Ok(());
    }
    let mut what: Vec<String> = what.into_iter().map(|(path, text)| format!("{path}: {text}")).collect();
    if a.protocol != b.protocol && !a.protocol.is_empty() && !b.protocol.is_empty() {
        what.insert(0, format!("{} and {}", a.protocol, b.protocol));
    }
    let what = what.join(", ");
    Err(Incomparable::Protocol { a: a.name.clone(), b: b.name.clone(), what })
}

/// The values that differ, with the paths of their keys.
fn differences(path: &str, a: &Value, b: &Value, found: &mut Vec<(String, String)>) {
    match (a, b) {
        (Value::Object(of_a), Value::Object(of_b)) => {
            let more = of_b.keys().filter(|key| !of_a.contains_key(*key));
            for key in of_a.keys().chain(more) {
                differences(&format!("{path}.{key}"), &a[key.as_str()], &b[key.as_str()], found);
            }
        }
        _ if a == b => {}
        _ => found.push((path.to_owned(), format!("{} and {}", text(a), text(b)))),
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Enough of a digest to tell two of them apart by eye.
fn short(digest: &str) -> String {
    digest.chars().take(8).collect()
}

#[cfg(test)]
mod tests {
    use distil_store::{Conditions, Evaluation, RowKind};
    use serde_json::{Value, json};

    use super::{Incomparable, comparable};
    use crate::testing::row;

    fn measured(name: &str, test: &str, network: Value, protocol: Value) -> Evaluation {
        let (dataset, test) = ("cifar10".to_owned(), test.to_owned());
        let conditions = Conditions { dataset, test, network, protocol };
        Evaluation { conditions: Some(conditions), ..row(name, 10, 0.5, 5) }
    }

    fn usual(name: &str, protocol: Value) -> Evaluation {
        measured(name, "0123456789", json!({"depth": 3}), protocol)
    }

    #[test]
    fn the_number_of_students_is_no_other_protocol() {
        let a = usual("a", json!({"seeds": 5, "micro_batch": 8, "full_epochs": 50, "epochs": 1000}));
        let b = usual("b", json!({"seeds": 20, "epochs": 1000, "full_epochs": 30}));
        assert_eq!(comparable(&a, &b), Ok(()));
        let full = |row: Evaluation| Evaluation { kind: RowKind::Full, ..row };
        let error = comparable(&full(a), &full(b)).unwrap_err();
        assert!(error.to_string().contains("eval.full_epochs: 50 and 30"), "{error}");
    }

    #[test]
    fn refusals_say_what_differs() {
        let a = usual("a", json!({"epochs": 1000, "synthetic_lr": 0.01}));
        let error = comparable(&a, &usual("b", json!({"epochs": 300}))).unwrap_err().to_string();
        assert!(error.contains("eval.epochs: 1000 and 300, eval.synthetic_lr: 0.01 and nothing"), "{error}");
        let deeper = measured("b", "0123456789", json!({"depth": 4}), json!({}));
        let error = comparable(&usual("a", json!({})), &deeper).unwrap_err().to_string();
        assert!(error.contains("network.depth: 3 and 4"), "{error}");
        let other = measured("b", "0123456789", json!({"arch": "vgg11"}), json!({}));
        let error = comparable(&usual("a", json!({})), &other).unwrap_err().to_string();
        assert!(error.contains("(network.arch: nothing and vgg11)"), "{error}");
        let other = measured("b", "abcdefghij", json!({}), json!({}));
        let error = comparable(&a, &other).unwrap_err().to_string();
        assert!(error.contains("cifar10 (01234567)") && error.contains("cifar10 (abcdefgh)"), "{error}");
        let error = comparable(&a, &row("old", 1, 0.5, 5)).unwrap_err();
        assert_eq!(error, Incomparable::Unknown { name: "old".into() });
    }
}
