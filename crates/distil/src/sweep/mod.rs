//! Many methods on one dataset: each distilled and evaluated, and set side by side.

mod outline;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use distil_data::HoldOut;
use distil_match::RunError;
use distil_models::NetworkConfig;
use distil_report::{MethodRow, MethodsTable, Reference, StuckRun};
use distil_store::{Cost, EvaluationFile, FolderLock, RunPaths, atomic};

use crate::config::Config;
use crate::evaluation::Which;
use crate::run::{Existing, RunPlace};
use crate::students::Students;
use crate::{Device, Error, Plan, Session, SessionBuilder};

pub use outline::{SweepError, SweepPlan};

/// A run of a sweep.
#[derive(Debug, Clone)]
pub struct Cell {
    /// The row of the table it belongs to.
    pub row: String,
    /// Images per class.
    pub ipc: usize,
    /// What is run.
    pub config: Config,
}

/// The runs of a sweep, those of one table row in a row.
#[derive(Debug)]
pub struct Sweep {
    /// Its name.
    pub name: String,
    /// The row that the others are compared with; the best one without it.
    pub reference: Option<String>,
    /// Runs of each row.
    pub seeds: u64,
    /// The runs.
    pub cells: Vec<Cell>,
}

impl Sweep {
    /// Refuses runs that do not fit into memory, before anything is begun. Seconds of all runs that are not below `folder` yet,
    /// from times of the first one's network; `None` where the size of the data is not known.
    ///
    /// # Errors
    /// [`Error::Plan`], and those of [`Plan::of`].
    pub fn plan(
        &self,
        folder: &Path,
        data_dir: Option<&Path>,
        device: &Device,
    ) -> Result<Option<f64>, Error> {
        let (mut times, mut seeds, mut seconds) = (None, BTreeSet::new(), Some(0.0));
        for cell in &self.cells {
            let Some(plan) = Plan::of(&cell.config, data_dir, device)? else {
                seconds = None;
                continue;
            };
            plan.check()?;
            if RunPaths::new(folder.join(&cell.config.name)).evaluation().is_file() {
                continue;
            }
            let durations = plan.durations(times.get_or_insert_with(|| plan.times()));
            // Runs of a seed share experts, and one set of each is evaluated.
            let trains = durations.experts > 0.0 && seeds.insert(cell.config.seed);
            let experts = if trains { durations.experts } else { 0.0 };
            let own = experts + durations.distillation + durations.seeds as f64 * durations.student;
            seconds = seconds.map(|sum: f64| sum + own);
        }
        Ok(seconds)
    }

    /// Distils and evaluates every run below `folder`, as far as it is not there, and writes the table to `methods.md` in it.
    /// `begin` makes the session of the first run. A run that gets stuck is said so in the table, and the others go on.
    ///
    /// # Errors
    /// [`Error`] of the first run that fails otherwise; [`Error::Stopped`] when the listener asked to stop. What was done is kept.
    pub fn run(
        &self,
        folder: &Path,
        begin: impl FnOnce(Config) -> SessionBuilder,
        device: &Device,
    ) -> Result<MethodsTable, Error> {
        atomic::create_folder(folder)?;
        let _lock = FolderLock::take(folder, "comparison")?;
        let first = self.cells.first().ok_or(SweepError::Nothing)?;
        let mut session = begin(first.config.clone()).on(device.clone())?;
        let mut rows: Vec<MethodRow> = Vec::new();
        let mut stuck = Vec::new();
        for (done, cell) in self.cells.iter().enumerate() {
            session = session.by(cell.config.clone())?;
            let (at, of, name) = (done + 1, self.cells.len(), &cell.config.name);
            session.progress().note(format_args!("{at} of {of}: {name}"));
            let paths = RunPaths::new(folder.join(name));
            let results = match run_cell(&session, &paths) {
                Ok(results) => results,
                Err(Error::Run(why @ RunError::Stuck { .. })) => {
                    session.progress().warn(format_args!("{name} is stuck: {why}"));
                    let (method, ipc) = (cell.row.clone(), Some(cell.ipc));
                    stuck.push(StuckRun { method, ipc, run: name.clone(), why: why.to_string() });
                    continue;
                }
                Err(other) => return Err(other),
            };
            let row = row_of(&mut rows, cell);
            // The students of one set are no independent measurements of the method.
            row.accuracies.extend(results.distilled().map(|row| row.summary.mean));
            match Cost::load(&paths.cost()) {
                Ok(cost) => row.costs.extend(cost),
                Err(damaged) => session.progress().warn(format_args!("{damaged}")),
            }
        }
        let reference = self.reference.clone().map_or(Reference::Best, Reference::Row);
        let table = MethodsTable { rows, stuck, reference, notes: self.notes() };
        atomic::write(folder.join("methods.md"), table.markdown())?;
        Ok(table)
    }

    fn notes(&self) -> Vec<String> {
        let Config { data, model, eval, .. } = &self.cells[0].config;
        let students = eval.seeds;
        let mut notes = vec![
            format!(
                "{}, {}. Mean ± standard deviation over {} runs, each with its own seed for experts, \
                 synthetic set and {students} student(s), tested on the test split after the last epoch; the set is {}.",
                data.name,
                described(model),
                self.seeds,
                if data.validation.is_some_and(HoldOut::is_nothing) {
                    "the last one"
                } else {
                    "the one chosen on validation images"
                }
            ),
            "s/iteration: mean wall-clock time of an outer iteration without validations; an iteration of one method is no \
             iteration of another. Peak: of the process while it distilled, data and program included."
                .to_owned(),
        ];
        notes.extend(self.protocols());
        notes
    }

    /// Which methods are evaluated by which protocol, where it is not one for all.
    fn protocols(&self) -> Option<String> {
        let mut groups: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        for cell in &self.cells {
            groups.entry(cell.config.eval.described()).or_default().insert(&cell.row);
        }
        let of = |(protocol, methods): (&String, &BTreeSet<&str>)| {
            format!("{protocol} ({})", methods.iter().copied().collect::<Vec<_>>().join(", "))
        };
        let said = groups.iter().map(of).collect::<Vec<_>>().join("; ");
        (groups.len() > 1).then(|| {
            format!(
                "Protocols differ: {said}. Rows of different protocols must not be compared; --set eval.protocol=mtt \
                 evaluates all methods alike."
            )
        })
    }
}

/// Experts, set and students of one run, as far as they are not there.
fn run_cell(session: &Session, paths: &RunPaths) -> Result<EvaluationFile, Error> {
    let place = RunPlace::find(paths.clone(), &session.config, Existing::Continue)?;
    session.check_run()?;
    let store = session.train_needed_experts()?;
    session.train_needed_maps_network()?;
    let ignore = &mut |_: &distil_match::Event| std::ops::ControlFlow::Continue(());
    session.run(store.as_ref(), place, "distil sweep", ignore)?;
    let students = Students::of(session)?;
    let networks = vec![students.own_network()?];
    students.evaluate_run(&networks, paths, &session.config, Which::Result)
}

/// The row of the table that a run belongs to.
fn row_of<'a>(rows: &'a mut Vec<MethodRow>, cell: &Cell) -> &'a mut MethodRow {
    let there = rows.iter().position(|row| row.method == cell.row && row.ipc == Some(cell.ipc));
    let index = there.unwrap_or_else(|| {
        let paper = cell.config.paper.clone();
        let (accuracies, costs) = (Vec::new(), Vec::new());
        rows.push(MethodRow { method: cell.row.clone(), ipc: Some(cell.ipc), accuracies, costs, paper });
        rows.len() - 1
    });
    &mut rows[index]
}

/// The network of all runs, as far as the configuration says it.
fn described(model: &NetworkConfig) -> String {
    let width = model.width.map_or_else(String::new, |width| format!(" of width {width}"));
    format!("{}{width}", model.arch)
}
