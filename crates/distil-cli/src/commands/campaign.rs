//! `distil campaign`: published rows, one after the other.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use distil::{Campaign, State};
use distil_store::atomic;

use crate::cli::Global;
use crate::console::Console;
use crate::failure::Failure;
use crate::interrupt;

#[derive(Debug, Args)]
pub(crate) struct CampaignArgs {
    /// The rows and what is other than in them [default: configs/campaign.toml as it was built in]
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    config: Option<PathBuf>,
    /// Folder for the runs
    #[arg(short, long, value_name = "DIR", default_value = "runs/campaign", value_hint = ValueHint::DirPath)]
    out: PathBuf,
    /// Run nothing; only show how far everything is
    #[arg(long)]
    table: bool,
    /// Where datasets are kept
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    data_dir: Option<PathBuf>,
}

pub(crate) fn campaign(args: &CampaignArgs, global: &Global, console: &Console) -> Result<(), Failure> {
    let campaign = match &args.config {
        Some(file) => Campaign::load(file)?,
        None => Campaign::embedded()?,
    };
    let failed = if args.table { Vec::new() } else { work(&campaign, args, global, console)? };
    console.result(campaign.table(&args.out)?.trim_end())?;
    if failed.is_empty() {
        return Ok(());
    }
    let rows = if failed.len() == 1 { "row" } else { "rows" };
    let message = format!("{} {rows} failed: {}", failed.len(), failed.join(", "));
    Err(Failure::new(
        message,
        "their messages are above; the same command tries them again and keeps the others",
    ))
}

/// Runs what is not done, in order; returns the rows that failed.
fn work(
    campaign: &Campaign,
    args: &CampaignArgs,
    global: &Global,
    console: &Console,
) -> Result<Vec<String>, Failure> {
    let program = std::env::current_exe().map_err(|error| {
        Failure::new(format_args!("this program cannot find itself: {error}"), "call it by its path")
    })?;
    let mut further = vec!["--device".to_owned(), global.device.to_string()];
    further.extend(global.threads.iter().flat_map(|threads| ["--threads".to_owned(), threads.to_string()]));
    further.extend(global.quiet.then(|| "--quiet".to_owned()));
    if let Some(dir) = &args.data_dir {
        further.extend(["--data-dir".to_owned(), dir.display().to_string()]);
    }
    let mut failed = Vec::new();
    let states = campaign.states(&args.out)?;
    for (index, (entry, state)) in campaign.entries.iter().zip(states).enumerate() {
        if matches!(state, State::Done(_)) {
            continue;
        }
        console.note(format_args!(
            "row {} of {}: {}",
            index + 1,
            campaign.entries.len(),
            entry.command_line()
        ));
        let status = entry.run(&program, &args.out, &further);
        let status =
            status.map_err(|error| Failure::new(format_args!("{}: {error}", entry.row), "try again"))?;
        // The terminal sends Ctrl-C to both.
        if interrupt::asked() || status.code() == Some(130) {
            return Err(Failure::interrupted("the same command goes on where it stopped"));
        }
        if !status.success() {
            failed.push(entry.row.clone());
        }
        atomic::write(args.out.join("campaign.md"), campaign.table(&args.out)?)
            .map_err(distil::Error::from)?;
    }
    Ok(failed)
}
