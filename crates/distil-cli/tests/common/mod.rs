//! Running the binary in a fresh folder.

use std::path::Path;
use std::process::{Command, Output, Stdio};

/// A configuration that takes seconds: ten classes of 16×16 pixels, a network of a few hundred parameters.
#[allow(dead_code, reason = "not every test file needs it")]
pub(crate) const TINY: &str = r#"# A toy
method = "datm"
[data]
name = "clutter-easy"
resolution = 16
train_limit = 100
validation = 0.1
[model]
width = 4
depth = 2
[expert]
experts = 2
epochs = 5
batch = 50
lr = 0.05
[distill]
init = "real"
iterations = 40
syn_steps = 3
validate_every = 20
checkpoint_every = 7
keep_every = 15
image_lr = 10
ema = 0.5
[eval]
seeds = 2
epochs = 3
full_epochs = 1
"#;

/// A folder with the tiny configuration in it.
#[allow(dead_code, reason = "not every test file needs it")]
pub(crate) fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("tiny.toml"), TINY).expect("a configuration");
    folder
}

/// `distil` with these arguments, in a folder and without the user's environment.
pub(crate) fn distil(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_distil"));
    command.args(args).args(["--device", "cpu"]).current_dir(folder);
    for variable in ["DISTIL_DATA_DIR", "DISTIL_CACHE_DIR", "DISTIL_LOG", "NO_COLOR", "XDG_CACHE_HOME"] {
        command.env_remove(variable);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Everything a finished command said.
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

/// Runs a command to its end.
pub(crate) fn run(folder: &Path, args: &[&str]) -> Said {
    distil(folder, args).output().expect("distil starts").into()
}

/// Runs a command that has to succeed and returns its results.
#[allow(dead_code, reason = "not every test file needs it")]
pub(crate) fn succeed(folder: &Path, args: &[&str]) -> String {
    let said = run(folder, args);
    assert_eq!(said.code, Some(0), "distil {args:?}: {}", said.err);
    said.out
}

/// Fifteen pictures of 6×5 pixels of each of two classes, below `photos`.
#[allow(dead_code, reason = "not every test file needs it")]
pub(crate) fn photos(folder: &Path) {
    for (class, bright) in [("dark", 40u8), ("light", 200)] {
        let place = folder.join("photos").join(class);
        std::fs::create_dir_all(&place).expect("a folder");
        for i in 0..15u8 {
            let image =
                image::RgbImage::from_fn(6, 5, |x, y| image::Rgb([bright, bright + i, (x * y) as u8]));
            image.save(place.join(format!("{i}.png"))).expect("a picture");
        }
    }
}
