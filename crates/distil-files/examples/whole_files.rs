//! A write that fails half-way leaves the older file, and a damaged file is found when it is read.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::fs;
use std::io::{self, Write};

use distil_files::{atomic, seal};
use serde_json::json;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("results.json");
    atomic::write(&path, seal::json(&json!({"accuracy": 0.5})))?;

    let interrupted = atomic::write_with(&path, |file| {
        file.write_all(b"{\"accuracy\": 0.")?;
        Err(io::ErrorKind::StorageFull.into())
    });
    println!("writing: {}", interrupted.expect_err("the disk is full"));
    println!("what is there: {}", fs::read_to_string(&path)?);

    let altered = fs::read_to_string(&path)?.replace("0.5", "0.9");
    fs::write(&path, altered)?;
    let damaged = seal::read(&path, "evaluate again").expect_err("one digit was changed");
    println!("reading: {damaged}");
    Ok(())
}
