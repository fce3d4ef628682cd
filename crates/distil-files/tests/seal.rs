//! Text artefacts: every flipped byte is found.

use std::fs;
use std::path::Path;

use distil_damage::every_damage_is_found;
use distil_files::{FileError, seal};
use serde_json::{Value, json};

fn results() -> Value {
    json!({"rows": [{"key": "0".repeat(64), "accuracies": [0.1 + 0.2, 0.5]}], "paper": null})
}

#[test]
fn every_damaged_byte_of_a_json_file_is_found() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in
        [("pretty.json", seal::json(&results())), ("small.json", seal::compact_json(&results()))]
    {
        let path = folder.path().join(name);
        fs::write(&path, &text).unwrap();
        every_damage_is_found(&path, || -> Result<(), String> {
            let bytes = seal::read(&path, "measure it again").map_err(|error| error.to_string())?.unwrap();
            let read = serde_json::from_slice::<Value>(&bytes);
            let mut read = read.map_err(|error| format!("{name}: {error}; measure it again"))?;
            read.as_object_mut().unwrap().remove("sha256");
            assert_eq!(read, results());
            Ok(())
        });
    }
}

#[test]
fn files_without_a_checksum_are_taken_as_they_are() {
    let check = |text: &str| seal::check(Path::new("a"), text.as_bytes(), "restore it");
    for text in
        ["", "{}", "{\n  \"rows\": []\n}\n", "seed = 1\n", "# a comment\nseed = 1\n", &results().to_string()]
    {
        check(text).unwrap();
    }
    // A digest at another place is not of the file.
    check(&serde_json::to_string_pretty(&json!({"rows": [{"key": "a".repeat(64)}]})).unwrap()).unwrap();
    let other = seal::toml("seed = 1\n").replace("seed = 1", "seed = 2");
    let error = check(&other).unwrap_err();
    assert!(
        matches!(error, FileError::Damaged { .. }) && error.to_string().contains("; restore it"),
        "{error}"
    );
}
