//! Which keys a configuration may have, from the types that read them.

use distil_match::{MethodRow, methods};
use schemars::{Schema, schema_for};
use serde_json::{Map, Value, json};

use super::Config;

/// The JSON schema of a configuration file of any method: no key is required, since a preset has them all. Editors that
/// know `#:schema` complete and check by it.
pub fn schema() -> Value {
    let mut schema = of_methods(&methods());
    optional(&mut schema);
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["title"] = json!("Configuration of distil");
    schema
}

/// All dotted keys that a configuration of a method may have, sections included.
pub fn keys(row: &'static MethodRow) -> Vec<String> {
    let schema = of_methods(&[row]);
    let mut found = Vec::new();
    collect(&schema, &schema, "", &mut found);
    found
}

/// The schema of configurations of these methods.
fn of_methods(rows: &[&'static MethodRow]) -> Value {
    let mut schema = Value::from(schema_for!(Config));
    let mut distill = take(&mut schema, MethodRow::shared_schema());
    for row in rows {
        for (key, of_key) in properties(&take(&mut schema, row.schema())) {
            alternative(&mut distill["properties"], &key, of_key);
        }
    }
    schema["properties"]["distill"] = distill;
    // Where the experts are kept is no part of how they are trained.
    schema["$defs"]["Recipe"]["properties"]["store"] =
        json!({ "type": "string", "description": "Folder of the experts, where it is not the default one." });
    schema
}

/// A schema whose definitions have moved to `root`'s.
fn take(root: &mut Value, schema: Schema) -> Value {
    let mut schema = Value::from(schema);
    if let Some(Value::Object(definitions)) = schema.as_object_mut().and_then(|object| object.remove("$defs"))
    {
        let all = root.as_object_mut().expect("a schema of a struct is an object");
        let all = all.entry("$defs").or_insert_with(|| json!({}));
        all.as_object_mut().expect("definitions are an object").extend(definitions);
    }
    schema
}

fn properties(schema: &Value) -> Map<String, Value> {
    schema["properties"].as_object().cloned().unwrap_or_default()
}

/// Adds a property to others of the same name that differ.
fn alternative(properties: &mut Value, key: &str, schema: Value) {
    match properties.get_mut(key) {
        None => properties[key] = schema,
        Some(there) if *there == schema => {}
        Some(there) => {
            if let Some(Value::Array(choices)) = there.get_mut("anyOf").filter(|_| is_choice(&schema)) {
                choices.push(schema);
            } else {
                *there = json!({ "anyOf": [there.take(), schema] });
            }
        }
    }
}

fn is_choice(schema: &Value) -> bool {
    schema.get("anyOf").is_none()
}

/// Removes every `required`, outside enums with content, whose keys name the variant.
fn optional(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if object.contains_key("properties") && object.get("type") == Some(&json!("object")) {
                let names_variant = object.get("properties").and_then(Value::as_object).map_or(0, Map::len)
                    == 1
                    && object.contains_key("additionalProperties");
                if !names_variant {
                    object.remove("required");
                }
            }
            object.values_mut().for_each(optional);
        }
        Value::Array(values) => values.iter_mut().for_each(optional),
        _ => {}
    }
}

/// The dotted keys below a schema.
fn collect(schema: &Value, root: &Value, prefix: &str, found: &mut Vec<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = root.pointer(reference.trim_start_matches('#'));
        return collect(target.unwrap_or(&Value::Null), root, prefix, found);
    }
    for (key, below) in properties(schema) {
        let path = if prefix.is_empty() { key } else { format!("{prefix}.{key}") };
        if !found.contains(&path) {
            found.push(path.clone());
        }
        collect(&below, root, &path, found);
    }
    for choice in ["anyOf", "oneOf", "allOf"] {
        for below in schema[choice].as_array().into_iter().flatten() {
            collect(below, root, prefix, found);
        }
    }
}
