//! What is xtask's among the arguments, and what is passed on.

use std::path::{Path, PathBuf};

use crate::process::Failure;

/// Arguments told apart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Args {
    /// For `distil`.
    pub(crate) rest: Vec<String>,
    pub(crate) build: Build,
}

/// Where `distil` comes from.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Build {
    /// Backends besides the CPU's.
    pub(crate) features: Vec<String>,
    /// A program that is there.
    pub(crate) program: Option<PathBuf>,
    pub(crate) profile: Profile,
}

/// How programs are compiled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Profile {
    /// As the tests are, so that Burn is compiled once for both; optimised, with checks.
    #[default]
    Dev,
    /// As `cargo install` does.
    Release,
}

impl Args {
    pub(crate) fn parse(words: Vec<String>) -> Result<Self, Failure> {
        let (mut rest, mut build) = (Vec::new(), Build::default());
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            let (name, inline) = match word.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (word.as_str(), None),
            };
            let mut value = || {
                inline
                    .clone()
                    .or_else(|| words.next())
                    .ok_or_else(|| Failure(format!("{name} needs a value")))
            };
            match name {
                "--features" => build.features.extend(value()?.split(',').map(str::to_owned)),
                "--program" => build.program = Some(value()?.into()),
                // The program runs in the root of the workspace; paths are the caller's.
                "--cam" | "--peer" => rest.extend([name.to_owned(), absolute(&value()?)?]),
                "--release" => build.profile = Profile::Release,
                // What follows is distil's, as is everything else.
                "--" => {}
                _ => rest.push(word),
            }
        }
        Ok(Self { rest, build })
    }
}

/// A path made absolute, without following links: virtual environments live by them. A name without a folder is searched in
/// PATH, unless there is a file of that name.
fn absolute(text: &str) -> Result<String, Failure> {
    if !text.contains(std::path::is_separator) && !Path::new(text).is_file() {
        return Ok(text.to_owned());
    }
    let path = std::path::absolute(text).map_err(|error| Failure(format!("{text}: {error}")))?;
    Ok(path.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Args {
        Args::parse(text.split_whitespace().map(str::to_owned).collect()).expect("arguments")
    }

    #[test]
    fn builds_are_told_from_what_distil_takes() {
        let Args { rest, build } = parsed(
            "edf/a --features cuda,wgpu --set a.b=c --features=x --release -- --device cuda:1 --threads=3",
        );
        assert_eq!(rest.join(" "), "edf/a --set a.b=c --device cuda:1 --threads=3");
        assert_eq!(build.features, ["cuda", "wgpu", "x"]);
        assert_eq!((build.program, build.profile), (None, Profile::Release));
        assert_eq!(parsed("--program=./distil").build.program, Some(PathBuf::from("./distil")));
        let here = std::env::current_dir().unwrap().join("a/python");
        let expected = ["--peer".to_owned(), here.to_string_lossy().into_owned()];
        assert_eq!(parsed("--peer=a/python").rest, expected);
        assert_eq!(parsed("--peer python").rest, ["--peer", "python"]);
        assert!(Args::parse(vec!["--features".to_owned()]).is_err());
    }
}
