//! `distil predict`.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use distil::pictures::files_of;
use distil::{Predictions, predict as classify};
use distil_gradcam::CamModel;
use distil_progress::Progress;
use distil_store::atomic;

use crate::commands::gradcam::named;
use crate::context::Context;
use crate::failure::Failure;

#[derive(Debug, Args)]
pub(crate) struct PredictArgs {
    /// A model of `distil train`, or weights of torchvision's resnet18 or EfficientNet-Lite (.pth or .safetensors)
    #[arg(value_name = "MODEL", value_hint = ValueHint::FilePath)]
    model: PathBuf,
    /// Pictures, or folders with pictures at any depth
    #[arg(required = true, value_name = "PICTURES", value_hint = ValueHint::AnyPath)]
    pictures: Vec<PathBuf>,
    /// Names of the model's classes, one a line, where its file has none
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    classes: Option<PathBuf>,
    /// A file for the CSV [default: standard output]
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    out: Option<PathBuf>,
}

pub(crate) fn predict(args: &PredictArgs, context: Context<'_>) -> Result<(), Failure> {
    let model = named(CamModel::open(&args.model, None)?, args.classes.as_deref())?;
    let files = files_of(&args.pictures)?;
    let listener = context.console.listener();
    let found = classify(&model, &files, &context.device.open()?, Progress::to(&listener))?;
    let table = found.csv();
    match &args.out {
        Some(out) => {
            atomic::write(out, table)?;
            context.console.note(format_args!("wrote {} rows to {}", found.rows.len(), out.display()));
        }
        None => context.console.result(table.trim_end())?,
    }
    say(&found, context);
    refuse_unread(&found)
}

/// Of pictures in folders by class, how many are right.
fn say(found: &Predictions, context: Context<'_>) {
    let [right, of] = found.in_their_folders();
    if of > 0 {
        let share = 100.0 * right as f64 / of as f64;
        context.console.note(format_args!(
            "{right} of {of} pictures that lie in a folder with the name of a class are of that class: {share:.1} %"
        ));
    }
}

/// What could not be read is no row; that must not pass unseen.
fn refuse_unread(found: &Predictions) -> Result<(), Failure> {
    let Some(first) = found.unread.first() else { return Ok(()) };
    let (unread, all) = (found.unread.len(), found.unread.len() + found.rows.len());
    let problem = format_args!("{unread} of {all} pictures have no row; the first: {first}");
    Err(Failure::new(problem, "the rows of the others are whole"))
}
