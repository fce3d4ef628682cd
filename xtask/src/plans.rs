//! What `distil plan` says about rows, for the list.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use xtask::Resolved;

use crate::process::root;

/// How much is asked of `distil plan`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Plan {
    /// Memory at the peak and disk, in seconds for all rows.
    Memory,
    /// Time on this device as well, half a minute for every size of run.
    Time,
}

pub(crate) const HEADER: [&str; 4] = ["peak memory", "of that mapped", "images an iteration", "time here"];

/// Plans rows, and times rows of the same size once.
pub(crate) struct Planner {
    program: PathBuf,
    plan: Plan,
    /// Times by everything a plan says without timing.
    times: BTreeMap<String, String>,
}

impl Planner {
    pub(crate) fn new(plan: Plan, program: PathBuf) -> Self {
        Self { program, plan, times: BTreeMap::new() }
    }

    /// The cells of [`HEADER`].
    pub(crate) fn cells(&mut self, row: &Resolved) -> Result<Vec<String>> {
        let config = written(row)?;
        let untimed = self.said(&config, &["--no-timing"])?;
        // Its first line begins with the name of the run.
        let size = untimed.split_once(": ").map_or(untimed.as_str(), |(_, rest)| rest).to_owned();
        let time = match (self.plan, self.times.get(&size)) {
            (Plan::Memory, _) => "–".to_owned(),
            (Plan::Time, Some(known)) => known.clone(),
            (Plan::Time, None) => {
                let timed = self.said(&config, &[])?;
                let time = last_cell(&timed, "iterations with validations").unwrap_or_else(|| "–".to_owned());
                self.times.insert(size.clone(), time.clone());
                time
            }
        };
        let memory = last_cell(&untimed, "**all**").unwrap_or_else(|| "–".to_owned());
        let mapped = last_cell(&untimed, "experts, mapped").unwrap_or_else(|| "–".to_owned());
        Ok(vec![memory, mapped, images(&size).unwrap_or_else(|| "–".to_owned()), time])
    }

    fn said(&self, config: &Path, more: &[&str]) -> Result<String> {
        let mut plan = Command::new(&self.program);
        plan.current_dir(root()).arg("plan").arg("--config").arg(config).arg("--quiet").args(more);
        let output = plan.stderr(Stdio::inherit()).output().context("cannot run distil plan")?;
        if !output.status.success() {
            bail!("distil plan failed for {}", config.display());
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// Writes a row's configuration where it can be looked at; relative to the root of the workspace.
pub(crate) fn written(row: &Resolved) -> Result<PathBuf> {
    let config = PathBuf::from("runs/configs").join(format!("{}.toml", row.run));
    let file = root().join(&config);
    let folder = file.parent().context("a file has a folder")?;
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    fs::write(&file, row.to_toml()).with_context(|| format!("cannot write {}", file.display()))?;
    Ok(config)
}

/// The last cell of the first table row with `what` in it.
fn last_cell(text: &str, what: &str) -> Option<String> {
    let line = text.lines().find(|line| line.starts_with('|') && line.contains(what))?;
    let cell = line.trim_end_matches('|').rsplit('|').next()?;
    Some(cell.trim().trim_matches('*').to_owned())
}

/// Images that pass through the network in the inner steps of an iteration, forth and back: N times those of a step.
fn images(size: &str) -> Option<String> {
    let before = |what: &str| size.split(what).next()?.rsplit(' ').next()?.parse::<u64>().ok();
    let after = |what: &str| size.split(what).nth(1)?.split([';', ' ', '\n']).next()?.parse::<u64>().ok();
    Some((before(" a step")? * after("N = ")?).to_string())
}

#[cfg(test)]
mod tests {
    use super::{images, last_cell};

    const SAID: &str = "100 images, 50 a step, N = 40; ConvNet depth 5\n\n| memory at the peak | |\n|---|---:|\n\
        | experts, mapped from their files | 23.2 GiB |\n| **all** | **25.3 GiB** |\n\n| on disk | |\n| **all** | **1 B** |\n\
        | **10000 iterations with validations, without experts and evaluation** | **52 h** |\n";

    #[test]
    fn plans_are_read() {
        assert_eq!(last_cell(SAID, "**all**").as_deref(), Some("25.3 GiB"));
        assert_eq!(last_cell(SAID, "experts, mapped").as_deref(), Some("23.2 GiB"));
        assert_eq!(last_cell(SAID, "iterations with validations").as_deref(), Some("52 h"));
        assert_eq!(last_cell(SAID, "nothing"), None);
        assert_eq!(images(SAID).as_deref(), Some("2000"));
    }
}
