//! Every position of a small file, one after the other.

use std::fmt::Display;
use std::fs;
use std::path::Path;

/// Checks that `read` refuses the file at `path` after any truncation and any flipped byte, naming the file and a remedy
/// in one line, and accepts it as it was.
///
/// # Panics
/// When one is not noticed, or the message is of another form.
pub fn every_damage_is_found<T, E: Display>(path: &Path, read: impl Fn() -> Result<T, E>) {
    let whole = fs::read(path).expect("a file");
    let write = |bytes: &[u8]| fs::write(path, bytes).expect("a file that can be written");
    let name = path.file_name().and_then(|name| name.to_str()).expect("a plain name");
    let refused = |what: &str| {
        let Err(error) = read() else { panic!("{what} was not noticed") };
        let error = error.to_string();
        assert!(error.contains(name), "{what}: {error}");
        assert!(!error.contains('\n') && error.contains("; "), "{what}: {error}");
    };
    for length in (0..whole.len()).rev().step_by(3) {
        write(&whole[..length]);
        refused(&format!("truncation to {length} bytes"));
    }
    for (position, mask) in [0x01, 0x20, 0x80].into_iter().cycle().enumerate().take(whole.len()) {
        let mut altered = whole.clone();
        altered[position] ^= mask;
        write(&altered);
        refused(&format!("byte {position} flipped with {mask:#x}"));
    }
    write(&[&whole[..], b"x"].concat());
    refused("a byte too many");
    write(&whole);
    assert!(read().is_ok(), "the restored file is accepted");
}
