//! `distil expert`.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use distil_expert::{ExpertError, Recipe, header, train_store};
use distil_store::{TrajectoryStore, import_replay_buffers};

use crate::args::ExpertArgs;
use crate::console::Progress;
use crate::failure::Failure;
use crate::interrupt;
use crate::places::expert_folder;
use crate::session::{Context, Session};
use distil::config::Config;

pub(crate) fn expert(args: &ExpertArgs, context: Context<'_>) -> Result<(), Failure> {
    let ExpertArgs { config, import } = args;
    let session = Session::open(Config::load(&config.config, &config.sets())?, context)?;
    let folder = config.experts.as_deref();
    let store =
        if import.is_empty() { train(&session, folder)? } else { take_over(&session, folder, import)? };
    session.console.result(format_args!(
        "{} experts of {} epochs are in {}",
        store.complete().len(),
        store.header().snapshots - 1,
        store.folder().display()
    ))
}

/// Imports the experts of MTT-style replay buffers, which must have been trained on this data and network: the files
/// do not say on which.
fn take_over(
    session: &Session<'_>,
    folder: Option<&Path>,
    buffers: &[PathBuf],
) -> Result<TrajectoryStore, Failure> {
    let Session { config, dataset, net, console, .. } = session;
    let header = header(net, dataset, &config.expert, config.seed);
    let folder = expert_folder(folder, config, net, &header);
    let mut bar = console.progress("import", config.expert.experts as u64, "experts");
    let store = import_replay_buffers(buffers, &header, folder, |expert| {
        bar.at(expert as u64 + 1, "");
        interrupt::flow()
    })?;
    if interrupt::flow().is_break() {
        return Err(Failure::interrupted("run the same command again to continue"));
    }
    Ok(store)
}

/// Trains the experts that are missing.
pub(crate) fn train(session: &Session<'_>, folder: Option<&Path>) -> Result<TrajectoryStore, Failure> {
    let Session { config, dataset, net, device, console } = session;
    let recipe = &config.expert;
    let header = header(net, dataset, recipe, config.seed);
    let store = TrajectoryStore::create_or_open(expert_folder(folder, config, net, &header), &header)?;
    for damaged in store.damaged() {
        console.warn(format_args!("{damaged}; it is trained again now"));
    }
    let missing = missing(&store, recipe);
    if missing > 0 {
        let at = store.folder().display();
        console.note(format_args!("training {missing} of {} experts, in {at}", recipe.experts));
    }
    let mut shown = Shown::new(console.progress("experts", 0, "steps"), missing, recipe.epochs);
    let trained = train_store(&store, net, dataset, recipe, device, &mut |progress| shown.tell(progress));
    match trained {
        Ok(_) => Ok(store),
        Err(ExpertError::Stopped { .. }) => {
            let kept = recipe.experts - self::missing(&store, recipe);
            let text = format!(
                "{kept} of {} experts are kept; run the same command again to continue",
                recipe.experts
            );
            Err(Failure::interrupted(text))
        }
        Err(error) => Err(error.into()),
    }
}

/// Trains the experts that are missing, where the method asks any.
pub(crate) fn train_if_needed(
    session: &Session<'_>,
    folder: Option<&Path>,
) -> Result<Option<TrajectoryStore>, Failure> {
    session.config.distill.needs_experts().then(|| train(session, folder)).transpose()
}

/// The experts of a configuration, where the method asks any: all of them must be there.
pub(crate) fn open_if_needed(
    session: &Session<'_>,
    folder: Option<&Path>,
) -> Result<Option<TrajectoryStore>, Failure> {
    session.config.distill.needs_experts().then(|| open(session, folder)).transpose()
}

/// The experts of a configuration, all of which must be there.
pub(crate) fn open(session: &Session<'_>, folder: Option<&Path>) -> Result<TrajectoryStore, Failure> {
    let Session { config, dataset, net, .. } = session;
    let header = header(net, dataset, &config.expert, config.seed);
    let folder = expert_folder(folder, config, net, &header);
    if !folder.join("store.json").is_file() {
        let help = "train them first: `distil expert` with the same configuration";
        return Err(Failure::new(format_args!("there are no experts in {}", folder.display()), help));
    }
    let store = TrajectoryStore::create_or_open(&folder, &header)?;
    let (asked, missing) = (config.expert.experts, missing(&store, &config.expert));
    if missing == 0 {
        return Ok(store);
    }
    Err(Failure::new(
        format_args!("{} of {asked} experts are in {}", asked - missing, folder.display()),
        "train the others with `distil expert`, or ask for fewer with --set expert.experts=N",
    ))
}

fn missing(store: &TrajectoryStore, recipe: &Recipe) -> usize {
    recipe.experts - store.complete().iter().filter(|index| **index < recipe.experts).count()
}

/// Progress over all missing experts.
struct Shown {
    bar: Progress,
    missing: usize,
    epochs: usize,
    /// Experts finished by this command, and the one in training.
    finished: usize,
    current: Option<usize>,
    loss: Option<f64>,
}

impl Shown {
    fn new(bar: Progress, missing: usize, epochs: usize) -> Self {
        Self { bar, missing, epochs, finished: 0, current: None, loss: None }
    }

    fn tell(&mut self, progress: distil_expert::Progress) -> ControlFlow<()> {
        let distil_expert::Progress { expert, epoch, step, steps, epoch_loss } = progress;
        if self.current.is_some_and(|current| current != expert) {
            self.finished += 1;
        }
        self.current = Some(expert);
        self.loss = epoch_loss.or(self.loss);
        let each = self.epochs * steps;
        self.bar.set_total((self.missing * each) as u64);
        let loss = self.loss.map_or_else(String::new, |loss| format!(", loss {loss:.3}"));
        let detail = format!("expert {expert}, epoch {}/{}{loss}", epoch + 1, self.epochs);
        self.bar.at((self.finished * each + epoch * steps + step) as u64, detail);
        interrupt::flow()
    }
}
