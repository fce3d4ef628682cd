//! `cargo xtask reproduce`: from the name of a row to its results beside the published ones.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use toml::Value;
use xtask::{DataNeed, Reduction, Resolved, Row, Rows};

use crate::list;
use crate::plans::{Plan, Planner, written};
use crate::process::{Profile, built_distil, root, to_the_end};
use crate::side_by_side;

pub(crate) const EXAMPLES: &str = "\
Examples:
  cargo xtask reproduce                                    the built-in example, minutes on a laptop
  cargo xtask reproduce --list edf/image                   rows whose name, title or data have that in them
  cargo xtask reproduce edf/imagenette --list --plan       with planned memory; --plan time adds time on this machine
  cargo xtask reproduce edf/imagenette-ipc10 --scale smoke any row end to end in minutes, much reduced
  cargo xtask reproduce datm/cifar10-ipc1 --set eval.seeds=1
  cargo xtask reproduce edf/imagenette-ipc10 --cam resnet18.pth --features cuda -- --device cuda

Data are looked for in DISTIL_DATA_DIR, then in data/. Ctrl-C stops at a safe point; the same command continues, except with
--scale smoke, which begins anew. configs/README.md says how rows are written.";

#[derive(Debug, clap::Args)]
pub(crate) struct Reproduce {
    /// The row, as --list prints it; with --list, what its name or title has in it
    row: Option<String>,
    /// Print rows with published figures and the data they need
    #[arg(long)]
    list: bool,
    /// With --list, build distil and add what `distil plan` says
    #[arg(long, requires = "list", value_enum, num_args = 0..=1, default_missing_value = "memory")]
    plan: Option<Plan>,
    /// How large: full, or smoke for minutes. A reduced run is not the row's result, and says so
    #[arg(long, value_enum, default_value_t = Scale::Full)]
    scale: Scale,
    /// With --scale smoke, take generated images even where the data are there
    #[arg(long)]
    stand_in: bool,
    /// The network of EDF's activation maps, such as torchvision's resnet18.pth; a ConvNet trained on the row's data otherwise
    #[arg(long, value_name = "MODEL")]
    cam: Option<PathBuf>,
    /// Print the row's configuration instead of running it
    #[arg(long)]
    print_config: bool,
    /// Set a key of the configuration, as in distill.ipc=10; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Use this distil instead of building one
    #[arg(long, value_name = "PROGRAM", conflicts_with = "features")]
    program: Option<PathBuf>,
    /// Backends to build beside the CPU's: cuda, cuda-nvrtc, wgpu
    #[arg(long, value_delimiter = ',')]
    features: Vec<String>,
    /// More arguments for `distil reproduce`
    #[arg(last = true)]
    distil: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Scale {
    Full,
    Smoke,
}

pub(crate) fn run(args: &Reproduce) -> Result<ExitCode> {
    let rows = Rows::read(&root().join("configs"))?;
    if args.list {
        let planner = match args.plan {
            Some(plan) => Some(Planner::new(plan, program(args)?)),
            None => None,
        };
        return list::print(&rows, args.row.as_deref().unwrap_or_default(), planner)
            .map(|()| ExitCode::SUCCESS);
    }
    let row = rows.find(args.row.as_deref().unwrap_or("clutter"))?;
    let resolved = rows.resolve(row)?;
    match args.scale {
        Scale::Full => full(args, row, &resolved),
        Scale::Smoke => smoke(args, row, resolved),
    }
}

fn full(args: &Reproduce, row: &Row, resolved: &Resolved) -> Result<ExitCode> {
    if args.print_config {
        return print(&resolved.to_toml());
    }
    if let Some(twin) = &resolved.same_as {
        say(&format!("{} has the settings of {twin}, and shares its run", row.name))?;
    }
    if !row.note.is_empty() {
        say(&format!("note: {}", row.note))?;
    }
    let session = Session::new(args, resolved)?;
    if let Some(code) = session.finish(row.archs.keys())? {
        return Ok(code);
    }
    print(&side_by_side::table(row, resolved, &session.folder)?)
}

fn smoke(args: &Reproduce, row: &Row, resolved: Resolved) -> Result<ExitCode> {
    let name = resolved.get("data.name").and_then(Value::as_str).unwrap_or_default();
    let there = DataNeed::of(name).is_none_or(|need| need.is_in(&data_folders()));
    let Reduction { resolved, stand_in, said } =
        Reduction::of(resolved, there && !args.stand_in, &root().join("runs").join("stand-in"));
    if args.print_config {
        return print(&resolved.to_toml());
    }
    let warning = format!("REDUCED run of {}, NOT the row's result: {said}", row.name);
    say(&warning)?;
    if let Some(stand_in) = stand_in {
        stand_in.write()?;
    }
    let session = Session::new(args, &resolved)?;
    if session.folder.is_dir() {
        fs::remove_dir_all(&session.folder)
            .with_context(|| format!("cannot remove {}", session.folder.display()))?;
    }
    if let Some(code) = session.finish(row.archs.keys())? {
        return Ok(code);
    }
    let note = session.folder.join("REDUCED.txt");
    fs::write(&note, format!("{warning}.\n")).with_context(|| format!("cannot write {}", note.display()))?;
    let page = session.folder.join("report.html");
    let html = fs::read_to_string(&page).with_context(|| format!("cannot read {}", page.display()))?;
    fs::write(&page, marked(&html, &warning)).with_context(|| format!("cannot write {}", page.display()))?;
    say(&warning)?;
    Ok(ExitCode::SUCCESS)
}

/// A report whose title, tab and first line say that the run was reduced.
fn marked(html: &str, warning: &str) -> String {
    let titled = html.replacen("<title>", "<title>REDUCED: ", 1).replacen("<h1>", "<h1>REDUCED: ", 1);
    titled.replacen("</h1>", &format!("</h1>\n<p><strong>{warning}.</strong></p>"), 1)
}

/// The distil to use.
fn program(args: &Reproduce) -> Result<PathBuf> {
    match &args.program {
        Some(program) => std::path::absolute(program).context("cannot find the program"),
        None => Ok(PathBuf::from(built_distil(Profile::Dev, &args.features)?.get_program())),
    }
}

/// A built program, and the configuration it is to follow.
struct Session<'a> {
    args: &'a Reproduce,
    resolved: &'a Resolved,
    program: PathBuf,
    config: PathBuf,
    /// The run folder.
    folder: PathBuf,
}

impl<'a> Session<'a> {
    fn new(args: &'a Reproduce, resolved: &'a Resolved) -> Result<Self> {
        let config = written(resolved)?;
        let program = program(args)?;
        let folder = root().join(out(&args.distil).unwrap_or_else(|| Path::new("runs").join(&resolved.run)));
        Ok(Self { args, resolved, program, config, folder })
    }

    /// `distil COMMAND --config …` with what the user set.
    fn distil(&self, command: &str) -> Command {
        let mut distil = Command::new(&self.program);
        distil.current_dir(root()).arg(command).arg("--config").arg(&self.config);
        for set in &self.args.set {
            distil.arg("--set").arg(set);
        }
        distil
    }

    /// Names the network of the activation maps that was asked for; `distil` trains one otherwise.
    fn cam(&self) -> Result<Vec<String>> {
        let Some(cam) = &self.args.cam else { return Ok(Vec::new()) };
        if !self.resolved.get("distill.enhancement").is_some_and(Value::is_table) {
            bail!("--cam is for rows with activation maps; {} has none", self.resolved.run);
        }
        if !cam.is_file() {
            bail!("--cam {}: there is no such file", cam.display());
        }
        let model = std::path::absolute(cam)?;
        Ok(vec!["--set".to_owned(), format!("distill.enhancement.model={}", model.display())])
    }

    /// Experts, distillation, evaluation and report, then other architectures; the exit code of what failed.
    fn finish<'b>(&self, archs: impl Iterator<Item = &'b String>) -> Result<Option<ExitCode>> {
        let cam = self.cam()?;
        if let Some(code) = to_the_end(self.distil("reproduce").args(cam).args(&self.args.distil))? {
            return Ok(Some(code));
        }
        let archs: Vec<&str> = archs.map(String::as_str).collect();
        if archs.is_empty() {
            return Ok(None);
        }
        let mut eval = Command::new(&self.program);
        eval.current_dir(root()).arg("eval").arg(&self.folder).args(["--arch", &archs.join(",")]);
        to_the_end(eval.args(devices(&self.args.distil)))
    }
}

/// The value of `--out` among the arguments of distil.
fn out(args: &[String]) -> Option<PathBuf> {
    let equals = args.iter().find_map(|arg| arg.strip_prefix("--out="));
    let next = || args.iter().skip_while(|arg| *arg != "--out").nth(1).map(String::as_str);
    equals.or_else(next).map(PathBuf::from)
}

/// Of the arguments of distil, those that every command takes: the device, and where data are.
fn devices(args: &[String]) -> Vec<String> {
    let mut kept = Vec::new();
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        if matches!(arg.as_str(), "--device" | "--threads" | "--data-dir") {
            kept.push(arg.clone());
            kept.extend(rest.next().cloned());
        } else if ["--device=", "--threads=", "--data-dir="].iter().any(|start| arg.starts_with(start)) {
            kept.push(arg.clone());
        }
    }
    kept
}

/// Where data are looked for.
pub(crate) fn data_folders() -> Vec<PathBuf> {
    let named = std::env::var_os("DISTIL_DATA_DIR").filter(|dir| !dir.is_empty()).map(PathBuf::from);
    named.into_iter().chain([root().join("data")]).map(|dir| root().join(dir)).collect()
}

fn say(text: &str) -> Result<()> {
    writeln!(std::io::stderr(), "{text}").context("cannot write to standard error")
}

fn print(text: &str) -> Result<ExitCode> {
    std::io::stdout().write_all(text.as_bytes()).context("cannot write to standard output")?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::{devices, marked, out};

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn arguments_of_distil_are_told_apart() {
        let args = words("--out elsewhere --device cuda:1 --quiet --threads=3");
        assert_eq!(out(&args).unwrap().to_str(), Some("elsewhere"));
        assert_eq!(out(&words("--out=there")).unwrap().to_str(), Some("there"));
        assert_eq!(out(&words("--device cpu")), None);
        assert_eq!(devices(&args), words("--device cuda:1 --threads=3"));
    }

    #[test]
    fn reduced_reports_say_so() {
        let html = "<title>x</title><body><h1>x</h1><p>y";
        let expected = "<title>REDUCED: x</title><body><h1>REDUCED: x</h1>\n<p><strong>w.</strong></p><p>y";
        assert_eq!(marked(html, "w"), expected);
    }
}
