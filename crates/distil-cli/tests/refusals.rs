//! Bad input ends in one clear line, a remedy, exit code 2, and nothing half-written.

mod common;

use common::{Said, distil, folder, run};
use distil_require::{Need, skipped};

/// Asserts exit code 2, nothing on standard output, and every piece of text on standard error, which is short and
/// without escape codes.
#[track_caller]
fn refused(said: &Said, pieces: &[&str]) {
    assert_eq!(said.code, Some(2), "{}", said.err);
    assert_eq!(said.out, "");
    assert!(said.err.starts_with("error: "), "{}", said.err);
    assert!(said.err.lines().count() <= 2 && !said.err.contains('\x1b'), "{}", said.err);
    for piece in pieces {
        assert!(said.err.contains(piece), "{piece:?} is missing in: {}", said.err);
    }
}

#[test]
fn configurations() {
    let folder = folder();
    let at = |args: &[&str]| run(folder.path(), args);
    std::fs::write(folder.path().join("typo.toml"), "[distill]\nipcs = 10").unwrap();
    refused(
        &at(&["run", "--config", "typo.toml"]),
        &["typo.toml, line 2: unknown key", "`distill.ipcs`", "help: did you mean `distill.ipc`?"],
    );
    std::fs::write(folder.path().join("broken.toml"), "[distill]\nipc = = 1").unwrap();
    refused(&at(&["expert", "--config", "broken.toml"]), &["broken.toml, line 2", "help:"]);
    refused(&at(&["run", "--config", "nowhere.toml"]), &["nowhere.toml", "help:"]);
    let set = |set: &str| at(&["run", "--config", "tiny.toml", "--set", set]);
    refused(&set("distill.ipc"), &["--set", "distill.ipc=10"]);
    refused(
        &set("distill.ipc=ten"),
        &["--set distill.ipc=ten", "distill.ipc", "\"ten\"", "for example distill.ipc"],
    );
    refused(&set("distil.ipc=1"), &["unknown key `distil`", "did you mean `distill`?"]);
    refused(&set("distill.window.max=9"), &["distill.window.max", "expert.epochs"]);
    refused(&set("model.depth=9"), &["model.depth = 9", "at most"]);
    refused(&set("data.validation=5000"), &["data.validation"]);
    assert!(!folder.path().join("runs").exists());
}

#[test]
fn devices() {
    let folder = folder();
    let on = |device: &str| {
        let args = ["expert", "--config", "tiny.toml", "--device", device];
        std::process::Command::new(env!("CARGO_BIN_EXE_distil"))
            .args(args)
            .current_dir(folder.path())
            .output()
    };
    let unknown = Said::from(on("gpu").unwrap());
    assert_eq!(unknown.code, Some(2));
    assert!(unknown.err.contains("choose auto, cpu, cuda"), "{}", unknown.err);
    // Not compiled in, or no such device: no machine has a hundred of them.
    refused(&on("cuda:99").unwrap().into(), &["cuda", "help:"]);
    refused(&on("wgpu:99").unwrap().into(), &["wgpu", "help:"]);
    assert!(!folder.path().join("runs").exists());
}

/// A published set that is nowhere is downloaded: nothing but the network is missing. (Nobody listens at port 9.)
#[test]
fn what_is_missing_is_fetched() {
    let folder = folder();
    let nowhere = "http://127.0.0.1:9";
    let said = std::process::Command::new(env!("CARGO_BIN_EXE_distil"))
        .args(["reproduce", "--config", "tiny.toml", "--dataset", "svhn", "--data-dir", "data"])
        .envs(["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"].map(|name| (name, nowhere)))
        .current_dir(folder.path())
        .output();
    refused(&said.unwrap().into(), &["train_32x32.mat", "check the connection"]);
}

#[test]
fn data() {
    let folder = folder();
    let at = |args: &[&str]| run(folder.path(), args);
    refused(&at(&["data", "info", "cifar10"]), &["cifar10", "distil fetch cifar10"]);
    refused(&at(&["data", "info", "cifar-10"]), &["cifar-10", "choose one of", "cifar10"]);
    refused(&at(&["fetch", "fashion-mnits"]), &["fashion-mnits", "did you mean fashion-mnist?"]);
    refused(&at(&["fetch", "clutter"]), &["not downloaded"]);
    let missing = ["run", "--config", "tiny.toml", "--set", "data.name=mnist", "--data-dir", "nowhere"];
    refused(&at(&missing), &["mnist", "nowhere", "distil fetch"]);
    std::fs::create_dir_all(folder.path().join("mnist")).unwrap();
    std::fs::write(folder.path().join("mnist/train-images-idx3-ubyte"), [0, 0, 8, 3, 0, 0]).unwrap();
    refused(&at(&["data", "info", "mnist", "--data-dir", "."]), &["mnist"]);
    let sheet = at(&["data", "info", "clutter-easy", "--sheet", "no/folder/sheet.png"]);
    refused(&sheet, &["sheet.png", "does not exist"]);
    let set = |set: &str| at(&["data", "info", "clutter-easy", "--set", set]);
    refused(&set("nonsense.key=3"), &["--set nonsense.key=3", "unknown key"]);
    refused(&set("data.resolutoin=16"), &["did you mean `data.resolution`?"]);
    refused(&set("seed=-1"), &["seed", "expected a whole number, 0 or more"]);
    let (plain, set) = (at(&["data", "info", "clutter-easy"]), set("data.train_limit=60"));
    assert!(set.code == Some(0) && set.out != plain.out && set.out.contains("60"), "{}{}", set.out, set.err);
}

/// A path is told by what is there; what it is taken for is said with the lines of a configuration.
#[test]
fn a_path_is_recognised_or_refused() {
    let folder = folder();
    let at = |path: &str| run(folder.path(), &["data", "info", path]);
    let pictures = folder.path().join("set/images");
    std::fs::create_dir_all(&pictures).unwrap();
    let row = |i: u8| {
        let picture = image::GrayImage::from_pixel(2, 2, image::Luma([20 * i]));
        picture.save(pictures.join(format!("{i}.png"))).unwrap();
        format!("{i}.png,{}\n", ["few", "many"][usize::from(i > 2)])
    };
    let table: String = (0..12).map(row).collect();
    std::fs::write(folder.path().join("set/labels.csv"), format!("file,label\n{table}")).unwrap();
    for path in ["set", "set/labels.csv"] {
        let said = at(path);
        assert_eq!(said.code, Some(0), "{}", said.err);
        for line in ["name = \"csv\"\n", "path = \"set/labels.csv\"\n", "training images of few, "] {
            assert!(said.out.contains(line), "{line:?}: {}", said.out);
        }
    }
    std::fs::write(folder.path().join("notes.txt"), "no set").unwrap();
    refused(&at("notes.txt"), &["notes.txt", "no set that is known", "help: give class folders", "SVHN"]);
    refused(&at("set/images/3.png"), &["3.png", "single picture"]);
    std::fs::write(folder.path().join("x.parquet"), "PAR1").unwrap();
    let way_out = if cfg!(feature = "parquet") { "good copy" } else { "--features parquet" };
    refused(&at("x.parquet"), &["Parquet", way_out]);
    std::fs::write(folder.path().join("x.tar.xz"), b"\xfd7zXZ\0").unwrap();
    refused(&at("x.tar.xz"), &["xz", "unpack it"]);
}

#[test]
fn a_tilde_is_the_home_folder_wherever_a_path_is_taken() {
    let folder = folder();
    let at = |args: &[&str]| -> Said {
        let mut command = distil(folder.path(), args);
        command.env("HOME", folder.path()).output().expect("distil starts").into()
    };
    let sheet = at(&["data", "info", "--config=~/tiny.toml", "--sheet", "~/sheet.png"]);
    assert!(sheet.code == Some(0) && folder.path().join("sheet.png").is_file(), "{}", sheet.err);
    for set in ["data.path=~/photos", "data.path=\"~/photos\""] {
        let said = at(&["data", "info", "--config", "tiny.toml", "--set", "data.name=folder", "--set", set]);
        refused(&said, &[&folder.path().join("photos").display().to_string()]);
    }
}

#[test]
fn folders_and_files() {
    let folder = folder();
    let at = |args: &[&str]| run(folder.path(), args);
    std::fs::write(folder.path().join("file"), "in the way").unwrap();
    refused(&at(&["expert", "--config", "tiny.toml", "--experts", "file/experts"]), &["file/experts"]);
    refused(&at(&["run", "--config", "tiny.toml"]), &["there are no experts", "distil expert"]);
    refused(&at(&["run", "--config", "tiny.toml", "--resume"]), &["runs/tiny", "not a run folder"]);
    refused(&at(&["report", "."]), &["not a run folder"]);
    std::fs::create_dir(folder.path().join("empty")).unwrap();
    std::fs::copy(folder.path().join("tiny.toml"), folder.path().join("empty/run.toml")).unwrap();
    refused(&at(&["eval", "empty"]), &["holds no synthetic set yet", "distil run --resume"]);
    assert_eq!(at(&["report", "empty"]).out, "wrote empty/report.html\n");
    refused(&at(&["cite", "nothing"]), &["\"nothing\"", "mtt"]);
    refused(&at(&["eval", "nothing.safetensors"]), &["nothing.safetensors", "help:"]);
    refused(&at(&["eval", "tiny.toml", "--config", "tiny.toml"]), &["tiny.toml"]);
    refused(&at(&["eval", "file"]), &["file is a text file, not a synthetic set"]);
    assert!(!folder.path().join("runs").exists());
}

#[cfg(unix)]
#[test]
fn read_only_folders() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder();
    let locked = folder.path().join("locked");
    std::fs::create_dir(&locked).unwrap();
    std::fs::set_permissions(&locked, std::fs::Permissions::from_mode(0o555)).unwrap();
    if std::fs::write(locked.join("probe"), "").is_ok() {
        return skipped(Need::User, "this user writes to read-only folders");
    }
    let said = run(folder.path(), &["expert", "--config", "tiny.toml", "--experts", "locked/experts"]);
    refused(&said, &["locked", "read-only"]);
}

#[test]
fn every_command_has_help_with_an_example() {
    let folder = folder();
    let mut left = vec![Vec::new()];
    let mut seen = 0;
    while let Some(command) = left.pop() {
        let args: Vec<&str> = command.iter().map(String::as_str).chain(["--help"]).collect();
        let said = run(folder.path(), &args);
        assert_eq!(said.code, Some(0), "{args:?}: {}", said.err);
        assert!(said.out.contains("Usage: distil"), "{args:?}");
        let below = commands(&said.out);
        assert!(
            !below.is_empty() || said.out.contains("Example") || args[0] == "schema",
            "{args:?} has no example"
        );
        left.extend(below.into_iter().map(|name| [&command[..], &[name]].concat()));
        seen += 1;
    }
    assert!(seen > 35, "{seen} commands");
    let none = std::process::Command::new(env!("CARGO_BIN_EXE_distil")).output().unwrap();
    assert_eq!(none.status.code(), Some(2));
}

/// Those that a help text lists.
fn commands(help: &str) -> Vec<String> {
    let listed =
        help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names = listed.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    names
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

#[test]
fn completions_and_citations_are_text() {
    let folder = folder();
    for shell in ["bash", "fish", "zsh", "elvish", "powershell"] {
        let said = run(folder.path(), &["completions", shell]);
        assert!(said.code == Some(0) && said.out.contains("reproduce"), "{shell}");
    }
    let mtt = run(folder.path(), &["cite", "mtt"]).out;
    let datm = run(folder.path(), &["cite", "datm"]).out;
    assert_eq!((mtt.matches('@').count(), datm.matches('@').count()), (1, 3));
    assert!(datm.starts_with(mtt.trim_end()) && datm.contains("Difficulty-Aligned"));
}

#[test]
fn methods_are_listed() {
    let folder = folder();
    let methods = run(folder.path(), &["methods"]).out;
    let forgetting = methods.lines().find(|line| line.starts_with("| `forgetting` |")).expect("a line");
    assert!(
        forgetting.contains("Toneva") && forgetting.ends_with("| hard | needed | of an expert |"),
        "{forgetting}"
    );
    assert!(
        run(folder.path(), &["cite", "forgetting"]).out.starts_with("@inproceedings{toneva2019forgetting,")
    );
}

/// `distil … | head -1` is not an error.
#[cfg(unix)]
#[test]
fn a_closed_pipe_is_quiet() {
    let folder = folder();
    let mut child = common::distil(folder.path(), &["completions", "zsh"]).spawn().unwrap();
    drop(child.stdout.take());
    let said = Said::from(child.wait_with_output().unwrap());
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
}

/// A run's results are never mixed with those of other data: nothing is written where a set does not fit.
#[test]
fn results_of_other_data_do_not_enter_a_run() {
    let folder = folder();
    let path = folder.path();
    assert_eq!(run(path, &["reproduce", "--config", "tiny.toml"]).code, Some(0));
    let results = path.join("runs/tiny/evaluation.json");
    let before = std::fs::read(&results).expect("results");
    let other = run(path, &["eval", "runs/tiny", "--config", "tiny.toml", "--set", "data.train_limit=90"]);
    assert_eq!(other.code, Some(2), "{}", other.err);
    assert!(other.err.contains("statistics of other training images"), "{}", other.err);
    assert_eq!(std::fs::read(&results).expect("results"), before);
}
