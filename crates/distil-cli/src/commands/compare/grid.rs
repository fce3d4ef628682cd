//! `distil compare --methods`: distils and evaluates with many methods, and shows them side by side.

use std::collections::{BTreeMap, BTreeSet};

use distil_models::Arch;
use distil_report::{Cost, EvaluationFile, MethodRow, MethodsTable, PaperFigure, Reference};
use distil_store::{FolderLock, RunPaths, atomic};

use super::plan::{Cell, GridArgs, Plan};
use crate::args::TableFormat;
use crate::commands::eval::{Which, evaluate_run, networks};
use crate::commands::plan::refuse_what_does_not_fit;
use crate::commands::run::{Existing, Tracking, distil, feasible, prepared};
use crate::commands::students::Students;
use crate::commands::{cam_network, expert};
use crate::failure::Failure;
use crate::session::{Context, Session};
use distil::config::Config;

pub(super) fn grid(args: &GridArgs, context: Context<'_>) -> Result<(), Failure> {
    let plan = Plan::new(args)?;
    let folder = plan.folder(args.out.as_deref());
    for cell in &plan.cells {
        refuse_what_does_not_fit(&cell.config, context)?;
    }
    atomic::create_folder(&folder)?;
    let _lock = FolderLock::take(&folder, "comparison")?;
    let mut session: Option<Session<'_>> = None;
    let mut rows: Vec<MethodRow> = Vec::new();
    for (done, cell) in plan.cells.iter().enumerate() {
        let what = format!("{} of {}: {}", done + 1, plan.cells.len(), cell.config.name);
        context.console.note(what);
        let at = prepare(session.take(), &cell.config, context)?;
        let paths = RunPaths::new(folder.join(&cell.config.name));
        let results = run_cell(&at, &paths)?;
        let row = row_of(&mut rows, cell);
        // The students of one set are no independent measurements of the method.
        row.accuracies.extend(results.distilled().map(|row| row.summary.mean));
        match Cost::load(&paths.cost()) {
            Ok(cost) => row.costs.extend(cost),
            Err(damaged) => context.console.warn(damaged),
        }
        session = Some(at);
    }
    let reference = plan.reference.clone().map_or(Reference::Best, Reference::Row);
    let table = MethodsTable { rows, reference, notes: notes(args, &plan) };
    let text = match args.table {
        TableFormat::Markdown => table.markdown(),
        TableFormat::Csv => table.csv(),
        TableFormat::Latex => table.latex(),
    };
    atomic::write(folder.join("methods.md"), table.markdown())?;
    context.console.result(text.trim_end())
}

/// The data of the last run serve the next one where they are the same.
fn prepare<'a>(
    last: Option<Session<'a>>,
    config: &Config,
    context: Context<'a>,
) -> Result<Session<'a>, Failure> {
    match last {
        Some(session) if session.config.data == config.data && session.config.model == config.model => {
            Ok(Session { config: config.clone(), ..session })
        }
        _ => Session::open(config.clone(), context),
    }
}

/// Experts, set and students of one run, as far as they are not there.
fn run_cell(session: &Session<'_>, paths: &RunPaths) -> Result<EvaluationFile, Failure> {
    let early = prepared(paths, &session.config, Existing::Continue)?;
    feasible(session)?;
    let store = expert::train_if_needed(session, None)?;
    cam_network::train_if_missing(session)?;
    distil(session, store.as_ref(), early, paths, "distil compare", Tracking::Nowhere)?;
    let students = Students::of(session)?;
    let own = session.config.eval.name();
    evaluate_run(&students, &networks(&students, &[Arch::ConvNet])?, paths, own, Which::Best)
}

/// The row of the table that a run belongs to.
fn row_of<'a>(rows: &'a mut Vec<MethodRow>, cell: &Cell) -> &'a mut MethodRow {
    let there = rows.iter().position(|row| row.method == cell.row && row.ipc == Some(cell.ipc));
    let index = there.unwrap_or_else(|| {
        let paper = cell.config.paper.as_ref().map(PaperFigure::from);
        let (accuracies, costs) = (Vec::new(), Vec::new());
        rows.push(MethodRow { method: cell.row.clone(), ipc: Some(cell.ipc), accuracies, costs, paper });
        rows.len() - 1
    });
    &mut rows[index]
}

fn notes(args: &GridArgs, plan: &Plan) -> Vec<String> {
    let Config { data, model, eval, .. } = &plan.cells[0].config;
    let students = eval.seeds;
    let mut notes = vec![
        format!(
            "{}, ConvNet of width {}. Mean ± standard deviation over {} runs, each with a seed of its own for experts, \
             synthetic set and {students} student(s), tested on the test split after the last epoch; the set is the one \
             chosen on validation images.",
            data.name, model.width, args.seeds
        ),
        "s/iteration: mean wall-clock time of an outer iteration without validations; an iteration of one method is no \
         iteration of another. Peak: of the process while it distilled, data and program included."
            .to_owned(),
    ];
    notes.extend(protocols(plan));
    notes
}

/// Which methods are evaluated by which protocol, where it is not one for all.
fn protocols(plan: &Plan) -> Option<String> {
    let mut groups: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for cell in &plan.cells {
        groups.entry(cell.config.eval.described()).or_default().insert(&cell.row);
    }
    let of = |(protocol, methods): (&String, &BTreeSet<&str>)| {
        format!("{protocol} ({})", methods.iter().copied().collect::<Vec<_>>().join(", "))
    };
    let said = groups.iter().map(of).collect::<Vec<_>>().join("; ");
    (groups.len() > 1).then(|| {
        format!(
            "Protocols differ: {said}. Rows of different protocols must not be compared; --set eval.protocol=mtt evaluates \
             all methods alike."
        )
    })
}
