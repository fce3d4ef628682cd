//! A `.pt` file is a program for Python's pickle; here nothing of it is run.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use distil_store::{ReplayShape, read_public_step, read_weights};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// Pickles that call `os.system("touch MARKER")` when Python loads them, one for each opcode that calls something.
fn programs(marker: &Path) -> Vec<(&'static str, Vec<u8>)> {
    let command = format!("touch {}", marker.display());
    let text = |opcodes: &str| opcodes.replace("COMMAND", &command).into_bytes();
    let short = |word: &str| [&[0x8c, word.len() as u8], word.as_bytes()].concat();
    let stack_global = [
        b"\x80\x04".to_vec(),
        short("os"),
        short("system"),
        b"\x93".to_vec(),
        short(&command),
        b"\x85R.".to_vec(),
    ];
    // As an object with a state, within what a file of tensors looks like.
    let within =
        [b"\x80\x02}X\x01\x00\x00\x00w".to_vec(), text("cos\nsystem\n(VCOMMAND\ntR"), b"s.".to_vec()];
    vec![
        ("REDUCE", text("cos\nsystem\n(VCOMMAND\ntR.")),
        ("INST", text("(VCOMMAND\nios\nsystem\n.")),
        ("OBJ", text("(cos\nsystem\nVCOMMAND\no.")),
        ("STACK_GLOBAL", stack_global.concat()),
        ("within", within.concat()),
    ]
}

/// An archive as `torch.save` writes them.
fn archive(path: &Path, pickle: &[u8]) {
    let mut zip = ZipWriter::new(File::create(path).unwrap());
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, bytes) in [("data.pkl", pickle), ("byteorder", b"little"), ("version", b"3\n")] {
        zip.start_file(format!("archive/{name}"), stored).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap();
}

#[test]
fn nothing_in_a_pickle_is_run() {
    let folder = tempfile::tempdir().unwrap();
    let marker = folder.path().join("marker");
    for (opcode, pickle) in programs(&marker) {
        let path = folder.path().join("hostile.pt");
        archive(&path, &pickle);
        let refusals = [
            ReplayShape::read(&path).err().map(|error| error.to_string()),
            read_public_step(&path).err().map(|error| error.to_string()),
            read_weights(&path).err().map(|error| error.to_string()),
        ];
        for refusal in refusals {
            let refusal = refusal.unwrap_or_else(|| panic!("{opcode} was taken"));
            assert!(refusal.contains("hostile.pt") && !refusal.contains('\n'), "{opcode}: {refusal}");
        }
        // Without an archive around it, as PyTorch wrote before 1.6.
        fs::write(&path, &pickle).unwrap();
        assert!(ReplayShape::read(&path).is_err(), "{opcode}");
        assert!(!marker.exists(), "{opcode} was run");
    }
}
