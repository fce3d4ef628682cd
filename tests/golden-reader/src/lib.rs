//! Reader and checker of the golden fixtures (`tests/golden/README.md` describes their format).
//!
//! Every crate that owns kinds of fixtures has a test `golden` that calls [`check_all`]. The folder is
//! `$DISTIL_GOLDEN_DIR`, or the copies committed under `tests/golden`.

#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use safetensors::{Dtype, SafeTensors};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

#[cfg(feature = "networks")]
mod networks;

#[cfg(feature = "networks")]
pub use networks::{NetworkCase, floats};

/// What every fixture's case says besides the options of its kind.
const HEADER: [&str; 4] = ["format", "kind", "name", "tolerance"];

/// One fixture: its options and its tensors.
#[derive(Debug)]
pub struct Fixture {
    /// File stem.
    pub name: String,
    /// The kind, which decides the owner.
    pub kind: String,
    case: Value,
    floats: BTreeMap<String, Array<f64>>,
    integers: BTreeMap<String, Array<i64>>,
}

/// A dense row-major array.
#[derive(Debug, Clone, PartialEq)]
pub struct Array<T> {
    /// Sides.
    pub shape: Vec<usize>,
    /// Values.
    pub values: Vec<T>,
}

/// The `net` option of the format: which `ConvNet` a fixture was computed with.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Net {
    /// Number of blocks.
    pub depth: usize,
    /// Channels of every convolution.
    pub width: usize,
    /// Input channels.
    pub channels: usize,
    /// Output classes.
    pub classes: usize,
    /// Rows of an image.
    pub image_height: usize,
    /// Columns of an image.
    pub image_width: usize,
    /// Whether a 1-channel network pads its first convolution by 3.
    pub pad28: bool,
    /// Number of scalar parameters.
    pub params: usize,
}

/// The precision a fixture is replayed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// Double precision, tolerance about 1e-6.
    F64,
    /// Single precision, tolerance about 1e-3.
    F32,
}

/// Runs `check` on every fixture of `kinds`, in f64 and in f32, and prints each name.
///
/// # Panics
/// When a fixture fails or cannot be parsed, or when none was found.
pub fn check_all(kinds: &[&str], mut check: impl FnMut(&Fixture, Precision) -> Result<(), String>) {
    let folder = folder();
    let mut failures = Vec::new();
    let mut count = 0;
    for path in files(&folder) {
        let fixture = Fixture::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        if !kinds.contains(&fixture.kind.as_str()) {
            continue;
        }
        count += 1;
        for precision in [Precision::F64, Precision::F32] {
            match check(&fixture, precision) {
                Ok(()) => say(&format!("golden {} {precision:?}: ok", fixture.name)),
                Err(error) => failures.push(format!("golden {} {precision:?}: {error}", fixture.name)),
            }
        }
    }
    say(&format!("golden: checked {count} fixtures of kinds {} from {}", kinds.join(", "), folder.display()));
    assert!(count > 0, "no fixture of kinds {kinds:?} in {}", folder.display());
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

/// Writes past the test harness, which hides what passing tests print.
fn say(line: &str) {
    writeln!(std::io::stdout(), "{line}").expect("standard output takes a line");
}

fn folder() -> PathBuf {
    std::env::var_os("DISTIL_GOLDEN_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../golden"), PathBuf::from)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = folder.read_dir().unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("a readable folder").path()).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "safetensors"));
    files.sort();
    files
}

impl Fixture {
    fn read(path: &Path) -> Result<Self, String> {
        let bytes = std::fs::read(path).map_err(|e| e.to_string())?;
        let (_, metadata) = SafeTensors::read_metadata(&bytes).map_err(|e| e.to_string())?;
        let case = metadata.metadata().as_ref().and_then(|m| m.get("case")).ok_or("no `case` metadata")?;
        let case: Value = serde_json::from_str(case).map_err(|e| e.to_string())?;
        let kind = case["kind"].as_str().ok_or("no `kind`")?.to_owned();
        if let Some(key) = HEADER.iter().find(|key| case.get(**key).is_none()) {
            return Err(format!("no `{key}`"));
        }
        if case["format"].as_u64() != Some(1) {
            return Err(format!("format {} is not known", case["format"]));
        }
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let mut fixture =
            Self { name, kind, case, floats: BTreeMap::default(), integers: BTreeMap::default() };
        let tensors = SafeTensors::deserialize(&bytes).map_err(|e| e.to_string())?;
        for (name, view) in tensors.tensors() {
            let shape = view.shape().to_vec();
            let words = || view.data().as_chunks::<8>().0.iter().copied();
            match view.dtype() {
                Dtype::F64 => {
                    let values = words().map(f64::from_le_bytes).collect();
                    fixture.floats.insert(name, Array { shape, values });
                }
                Dtype::I64 => {
                    let values = words().map(i64::from_le_bytes).collect();
                    fixture.integers.insert(name, Array { shape, values });
                }
                other => return Err(format!("tensor {name} is {other:?}; format 1 has F64 and I64")),
            }
        }
        Ok(fixture)
    }

    /// The options of the fixture's kind as a type; unknown options are errors if the type denies them.
    ///
    /// # Errors
    /// When an option is missing, of the wrong type, or unknown.
    pub fn options<T: DeserializeOwned>(&self) -> Result<T, String> {
        let mut options = self.case.clone();
        for key in HEADER {
            options.as_object_mut().and_then(|options| options.remove(key));
        }
        serde_json::from_value(options).map_err(|e| format!("options: {e}"))
    }

    /// The float tensor `name`.
    ///
    /// # Errors
    /// When the fixture has none.
    pub fn float(&self, name: &str) -> Result<&Array<f64>, String> {
        self.floats.get(name).ok_or_else(|| format!("no float tensor `{name}`"))
    }

    /// The integer tensor `name`.
    ///
    /// # Errors
    /// When the fixture has none.
    pub fn integer(&self, name: &str) -> Result<&Array<i64>, String> {
        self.integers.get(name).ok_or_else(|| format!("no integer tensor `{name}`"))
    }

    /// The classes in the integer tensor `name`.
    ///
    /// # Errors
    /// When the fixture has none, or one of its values is not a class.
    pub fn classes(&self, name: &str) -> Result<Vec<u32>, String> {
        let classes = self.integer(name)?.values.iter().map(|&class| u32::try_from(class));
        classes.collect::<Result<_, _>>().map_err(|error| format!("{name}: {error}"))
    }

    /// Whether the fixture has a tensor `name`.
    pub fn has(&self, name: &str) -> bool {
        self.floats.contains_key(name) || self.integers.contains_key(name)
    }

    /// Compares `got` with `expect.<name>`: max |got − expected| ≤ tolerance × max |expected|, or
    /// ≤ tolerance where everything expected is zero.
    ///
    /// # Errors
    /// When lengths differ, a value is not finite, or the error exceeds the tolerance.
    pub fn expect(&self, name: &str, got: &[f64], precision: Precision) -> Result<(), String> {
        let expected = &self.float(&format!("expect.{name}"))?.values;
        if got.len() != expected.len() {
            return Err(format!("{name}: {} values, expected {}", got.len(), expected.len()));
        }
        let scale = expected.iter().fold(0f64, |max, e| max.max(e.abs()));
        let error = got.iter().zip(expected).fold(0f64, |max, (g, e)| {
            let difference = (g - e).abs();
            if difference.is_nan() { f64::INFINITY } else { max.max(difference) }
        });
        let relative = if scale > 0.0 { error / scale } else { error };
        let tolerance = self.tolerance(precision)?;
        if relative <= tolerance {
            return Ok(());
        }
        Err(format!("{name}: error {relative:.2e} exceeds {tolerance:.0e}"))
    }

    /// Compares integers, which must be equal.
    ///
    /// # Errors
    /// When they are not.
    pub fn expect_integers(&self, name: &str, got: &[i64]) -> Result<(), String> {
        let expected = &self.integer(&format!("expect.{name}"))?.values;
        if got == expected { Ok(()) } else { Err(format!("{name}: integers differ")) }
    }

    fn tolerance(&self, precision: Precision) -> Result<f64, String> {
        let key = match precision {
            Precision::F64 => "f64",
            Precision::F32 => "f32",
        };
        self.case["tolerance"][key].as_f64().ok_or_else(|| format!("no tolerance for {key}"))
    }
}
