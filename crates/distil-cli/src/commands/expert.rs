//! `distil expert`.

use distil::config::Config;

use crate::args::ExpertArgs;
use crate::context::Context;
use crate::failure::Failure;

pub(crate) fn expert(args: &ExpertArgs, context: Context<'_>) -> Result<(), Failure> {
    let ExpertArgs { config, import } = args;
    let loaded = Config::load(&config.config, &config.sets())?;
    if import.is_empty() {
        context.announce(&loaded, |times| times.experts)?;
    }
    let session = context.session(loaded, config.experts.as_deref())?;
    let store = if import.is_empty() { session.train_experts()? } else { session.import_experts(import)? };
    context.console.result(format_args!(
        "{} experts of {} epochs are in {}",
        store.complete().len(),
        store.header().snapshots - 1,
        store.folder().display()
    ))
}
