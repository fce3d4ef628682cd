//! Which keys of two configurations differ.

use std::collections::BTreeSet;

use serde_json::Value;

/// How many differing keys an error message lists.
const SHOWN: usize = 5;
/// How many characters of a value an error message shows.
const WIDTH: usize = 60;

/// `a.b is 1 there and 2 here` for every leaf that differs, joined into one line; `None` when the values are equal.
pub(crate) fn describe(there: &Value, here: &Value) -> Option<String> {
    let mut found = Vec::new();
    collect("", Some(there), Some(here), &mut found);
    if found.is_empty() {
        return None;
    }
    let more = found.len().saturating_sub(SHOWN);
    found.truncate(SHOWN);
    if more > 0 {
        found.push(format!("{more} more"));
    }
    Some(found.join(", "))
}

fn collect(key: &str, there: Option<&Value>, here: Option<&Value>, found: &mut Vec<String>) {
    match (there, here) {
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            for name in a.keys().chain(b.keys()).collect::<BTreeSet<_>>() {
                let inner = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
                collect(&inner, a.get(name), b.get(name), found);
            }
        }
        (Some(Value::Array(a)), Some(Value::Array(b))) if a.len() == b.len() => {
            for (index, (there, here)) in a.iter().zip(b).enumerate() {
                collect(&format!("{key}[{index}]"), Some(there), Some(here), found);
            }
        }
        (a, b) if a != b => found.push(format!("{key} is {} there and {} here", shown(a), shown(b))),
        _ => {}
    }
}

fn shown(value: Option<&Value>) -> String {
    let Some(value) = value else { return "absent".to_owned() };
    let text = value.to_string();
    if text.chars().count() <= WIDTH {
        return text;
    }
    let short: String = text.chars().take(WIDTH).collect();
    format!("{short}…")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::describe;

    #[test]
    fn equal_values_have_no_difference() {
        assert_eq!(describe(&json!({"a": [1, {"b": 2}]}), &json!({"a": [1, {"b": 2}]})), None);
    }

    #[test]
    fn names_the_nested_key_and_both_values() {
        let text = describe(&json!({"recipe": {"lr": 0.01, "rho": 1}}), &json!({"recipe": {"lr": 0.02}}));
        let text = text.expect("they differ");
        assert!(text.contains("recipe.lr is 0.01 there and 0.02 here"), "{text}");
        assert!(text.contains("recipe.rho is 1 there and absent here"), "{text}");
    }

    #[test]
    fn long_lists_of_differences_are_cut() {
        let there = json!({"a": 1, "b": 1, "c": 1, "d": 1, "e": 1, "f": 1, "g": 1});
        let text = describe(&there, &json!({})).expect("they differ");
        assert!(text.ends_with(", 2 more"), "{text}");
    }
}
