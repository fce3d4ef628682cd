//! What programs put around the weights of a network: dictionaries in a checkpoint, and prefixes of names.

use std::collections::{BTreeMap, HashMap};

use pytorch_reader::PickleValue;

/// Under which keys checkpoints keep weights, the likeliest first; averaged ones come last.
const KEYS: [&str; 12] = [
    "state_dict",
    "model_state_dict",
    "model",
    "net",
    "network",
    "module",
    "weights",
    "params",
    "ema",
    "model_ema",
    "state_dict_ema",
    "ema_state_dict",
];
/// What wrappers and modules around a network put before all names of its tensors.
const PREFIXES: [&str; 7] = ["module.", "_orig_mod.", "model.", "net.", "network.", "backbone.", "encoder."];
/// Dictionaries within each other that are opened.
const DEEPEST: usize = 8;
/// What a tensor is called in a [`PickleValue`].
const TENSOR: &str = "torch.Tensor";

/// The keys that lead from `root` to the dictionary of the weights.
///
/// # Errors
/// What is there instead, as "it holds …".
pub(crate) fn way(root: &PickleValue) -> Result<Vec<String>, Instead> {
    let (mut keys, mut at) = (Vec::new(), root);
    while keys.len() < DEEPEST {
        let PickleValue::Dict(entries) = at else { return Err(Instead::of(&keys, at)) };
        let Some((key, value)) = inner(entries) else { break };
        keys.push(key.to_owned());
        at = value;
    }
    Ok(keys)
}

/// What a file holds where the weights of a network should be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Instead {
    pub(crate) what: String,
    /// Whether the network itself was saved, which only Python can make again.
    pub(crate) is_module: bool,
}

impl Instead {
    fn of(keys: &[String], value: &PickleValue) -> Self {
        let place = if keys.is_empty() { "it".to_owned() } else { format!("`{}` in it", keys.join(".")) };
        let (held, is_module) = match value {
            PickleValue::Unsupported(name) if name == TENSOR => ("one tensor".to_owned(), false),
            PickleValue::Unsupported(name) => {
                (format!("a whole object of Python (`{name}`), which needs the code it was saved with"), true)
            }
            PickleValue::List(_) => ("a list".to_owned(), false),
            _ => ("a single value".to_owned(), false),
        };
        Self { what: format!("{place} holds {held}, not tensors by name"), is_module }
    }
}

/// The entry that holds the weights, where a dictionary holds other things, too.
fn inner(entries: &HashMap<String, PickleValue>) -> Option<(&str, &PickleValue)> {
    let known = |wanted: fn(&PickleValue) -> bool| {
        let found =
            KEYS.iter().find_map(|key| entries.get_key_value(*key).filter(|(_, value)| wanted(value)));
        found.map(|(key, value)| (key.as_str(), value))
    };
    let only = || {
        let mut tables = entries.iter().filter(|(_, value)| is_table(value));
        let alone = !entries.values().any(is_tensor);
        tables.next().filter(|_| alone && tables.next().is_none()).map(|(key, value)| (key.as_str(), value))
    };
    let object = || known(|value| matches!(value, PickleValue::Unsupported(_)) && !is_tensor(value));
    known(is_table).or_else(only).or_else(object)
}

fn is_tensor(value: &PickleValue) -> bool {
    matches!(value, PickleValue::Unsupported(name) if name == TENSOR)
}

/// A dictionary with tensors in it, or in a dictionary in it.
fn is_table(value: &PickleValue) -> bool {
    let PickleValue::Dict(entries) = value else { return false };
    entries.values().any(|value| is_tensor(value) || is_table(value))
}

/// Takes off what stands before all names, and returns it.
pub(crate) fn unprefixed<T>(mut tensors: BTreeMap<String, T>) -> (BTreeMap<String, T>, String) {
    let mut removed = String::new();
    let common = |tensors: &BTreeMap<String, T>| {
        let stands_before =
            |name: &String, prefix: &str| name.len() > prefix.len() && name.starts_with(prefix);
        PREFIXES.into_iter().find(|prefix| tensors.keys().all(|name| stands_before(name, prefix)))
    };
    while let Some(prefix) = common(&tensors).filter(|_| !tensors.is_empty()) {
        removed.push_str(prefix);
        tensors =
            tensors.into_iter().map(|(name, tensor)| (name[prefix.len()..].to_owned(), tensor)).collect();
    }
    (tensors, removed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(entries: &[(&str, PickleValue)]) -> PickleValue {
        PickleValue::Dict(entries.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect())
    }

    fn tensor() -> PickleValue {
        PickleValue::Unsupported(TENSOR.to_owned())
    }

    #[test]
    fn weights_are_found_among_what_checkpoints_hold() {
        let weights = table(&[("conv1.weight", tensor())]);
        let optimiser = table(&[("state", table(&[("0", table(&[("momentum", tensor())]))]))]);
        let plain = |entries: &[(&str, PickleValue)]| way(&table(entries)).unwrap().join(".");
        assert_eq!(way(&weights), Ok(vec![]));
        let full = [("best", tensor()), ("optimizer", optimiser), ("state_dict", weights.clone())];
        assert_eq!(plain(&full), "state_dict");
        assert_eq!(plain(&[("ema", weights.clone()), ("net", weights.clone())]), "net");
        assert_eq!(plain(&[("ema", weights.clone()), ("epoch", PickleValue::Int(3))]), "ema");
        assert_eq!(plain(&[("my_network", weights.clone()), ("epoch", PickleValue::Int(3))]), "my_network");
        assert_eq!(plain(&[("model", table(&[("state_dict", weights.clone())]))]), "model.state_dict");
        assert_eq!(plain(&[("a", weights.clone()), ("b", weights)]), "", "nobody can know which");
    }

    #[test]
    fn what_is_no_table_is_named() {
        let module = PickleValue::Unsupported("__main__.Net".to_owned());
        let found = way(&table(&[("model", module.clone()), ("epoch", PickleValue::Int(3))])).unwrap_err();
        assert!(found.is_module && found.what.starts_with("`model` in it holds a whole object"), "{found:?}");
        assert!(way(&module).unwrap_err().what.contains("`__main__.Net`"));
        assert_eq!(way(&tensor()).unwrap_err().what, "it holds one tensor, not tensors by name");
        assert_eq!(way(&PickleValue::List(vec![])).unwrap_err().what, "it holds a list, not tensors by name");
    }

    #[test]
    fn only_what_stands_before_all_names_is_taken_off() {
        let names = |names: &[&str]| -> BTreeMap<String, u8> {
            names.iter().map(|name| ((*name).to_owned(), 0)).collect()
        };
        let removed = |given: &[&str]| {
            let (left, removed) = unprefixed(names(given));
            (left.into_keys().collect::<Vec<_>>().join(" "), removed)
        };
        let pair = |left: &str, removed: &str| (left.to_owned(), removed.to_owned());
        assert_eq!(removed(&["module.a.weight", "module.b"]), pair("a.weight b", "module."));
        assert_eq!(removed(&["module._orig_mod.a", "module._orig_mod.b"]), pair("a b", "module._orig_mod."));
        assert_eq!(removed(&["backbone.a", "fc.b"]), pair("backbone.a fc.b", ""));
        assert_eq!(removed(&["model."]), pair("model.", ""));
        assert_eq!(removed(&[]), pair("", ""));
    }
}
