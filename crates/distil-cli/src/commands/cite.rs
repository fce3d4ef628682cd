//! `distil cite`: BibTeX of what a run used.

use std::path::Path;

use distil_data::DatasetName;
use distil_gradcam::Cam;
use distil_match::methods;
use distil_store::RunPaths;

use crate::cli::CiteArgs;
use crate::console::Console;
use crate::failure::Failure;
use distil::config::Config;

/// A publication under the names that ask for it.
struct Entry {
    names: &'static [&'static str],
    bibtex: &'static str,
}

/// What is neither a method nor a dataset, then datasets.
const ENTRIES: &[Entry] = &[
    Entry { names: &["comp-dd"], bibtex: include_str!("../../../distil-match/src/methods/bibtex/edf.bib") },
    Entry { names: &["gsam"], bibtex: include_str!("bibtex/gsam.bib") },
    Entry { names: &["grad-cam"], bibtex: include_str!("bibtex/grad-cam.bib") },
    Entry {
        names: &["grad-cam++", "smooth-grad-cam++"],
        bibtex: include_str!("bibtex/grad-cam-plus-plus.bib"),
    },
    Entry { names: &["smooth-grad-cam++"], bibtex: include_str!("bibtex/smooth-grad-cam-plus-plus.bib") },
    Entry { names: &["mnist"], bibtex: include_str!("bibtex/mnist.bib") },
    Entry { names: &["fashion-mnist"], bibtex: include_str!("bibtex/fashion-mnist.bib") },
    Entry { names: &["cifar10", "cifar100"], bibtex: include_str!("bibtex/cifar.bib") },
    Entry { names: &["svhn"], bibtex: include_str!("bibtex/svhn.bib") },
    Entry { names: &["tiny-imagenet"], bibtex: include_str!("bibtex/tiny-imagenet.bib") },
    Entry {
        names: &["imagenet", "imagenette", "imagewoof", "tiny-imagenet", "comp-dd"],
        bibtex: include_str!("bibtex/imagenet.bib"),
    },
    Entry { names: &["imagenette", "imagewoof"], bibtex: include_str!("bibtex/imagenette.bib") },
];

pub(crate) fn cite(args: &CiteArgs, console: &Console) -> Result<(), Failure> {
    let wanted = match &args.what {
        None => names().map(str::to_owned).collect(),
        Some(what) if is_known(what) => vec![what.clone()],
        Some(what) if Path::new(what).is_dir() => used_by(Path::new(what))?,
        Some(what) => return Err(unknown(what)),
    };
    console.result(cited(&wanted).join("\n\n"))
}

/// Entries under any of these names, each once: methods in the order of their table, then the others.
fn cited(wanted: &[String]) -> Vec<&'static str> {
    let is_wanted = |name: &str| wanted.iter().any(|wanted| wanted == name);
    let of_methods = methods().into_iter().filter(|row| is_wanted(row.name)).flat_map(|row| row.citations);
    let others = ENTRIES.iter().filter(|entry| entry.names.iter().any(|name| is_wanted(name)));
    let mut found: Vec<&str> = Vec::new();
    for entry in of_methods.copied().chain(others.map(|entry| entry.bibtex)).map(str::trim_end) {
        if !found.contains(&entry) {
            found.push(entry);
        }
    }
    found
}

/// All names that are cited for something.
fn names() -> impl Iterator<Item = &'static str> {
    let cited = methods().into_iter().filter(|row| !row.citations.is_empty()).map(|row| row.name);
    cited.chain(ENTRIES.iter().flat_map(|entry| entry.names).copied())
}

fn is_known(name: &str) -> bool {
    names().any(|known| known == name)
}

/// Method, data, and what else the configuration switches on.
fn used_by(run: &Path) -> Result<Vec<String>, Failure> {
    let paths = RunPaths::new(run);
    paths.read_config()?;
    let config = Config::load(&paths.config(), &[])?;
    let mut used = vec![config.method.as_str().to_owned()];
    used.extend(of_data(config.data.name));
    if config.expert.gsam.is_some() {
        used.push("gsam".to_owned());
    }
    if let Some(trajectory) = config.distill.trajectory() {
        if trajectory.gradient == distil_match::Gradient::Tesla {
            used.push("tesla".to_owned());
        }
        if trajectory.dropout.is_some() || trajectory.enhancement.is_some() {
            used.push("edf".to_owned());
        }
        used.extend(trajectory.enhancement.as_ref().map(|area| of_cam(area.cam).to_owned()));
    }
    if !matches!(config.distill.augmentation.to_string().as_str(), "" | "none") {
        used.push("dsa".to_owned());
    }
    Ok(used)
}

/// Names of a dataset and of those it was taken from.
fn of_data(name: DatasetName) -> Vec<String> {
    let mut names = vec![name.to_string()];
    if let DatasetName::ImagenetSubset(_) = name {
        let family = name.as_str().split('/').next().expect("a name has a first part");
        names.extend(["imagenet".to_owned(), family.to_owned()]);
    }
    names
}

fn of_cam(cam: Cam) -> &'static str {
    match cam {
        Cam::GradCam => "grad-cam",
        Cam::GradCamPlusPlus => "grad-cam++",
        Cam::SmoothGradCamPlusPlus(_) => "smooth-grad-cam++",
    }
}

fn unknown(what: &str) -> Failure {
    let mut names: Vec<&str> = names().collect();
    names.dedup();
    names.sort_unstable();
    names.dedup();
    Failure::new(
        format_args!("{what:?} is neither a method or dataset with a citation nor a run folder"),
        format_args!("choose one of {}, or the folder of a run", names.join(", ")),
    )
}

#[cfg(test)]
mod tests {
    use distil_data::DatasetName;

    use distil_match::methods;

    use super::{cited, is_known, names, of_data};

    #[test]
    fn every_method_but_chance_has_a_citation() {
        assert!(methods().iter().all(|row| row.citations.is_empty() == (row.name == "random")));
    }

    #[test]
    fn every_published_dataset_has_a_citation() {
        for name in DatasetName::all() {
            let own = name.as_str().starts_with("clutter") || name == DatasetName::Folder;
            let known = of_data(name).iter().any(|name| is_known(name));
            assert_eq!(known, !own, "{name}");
        }
        assert_eq!(of_data("comp-dd/bird-hard".parse().unwrap())[1..], ["imagenet", "comp-dd"]);
    }

    #[test]
    fn entries_are_whole() {
        let mut keys = std::collections::BTreeSet::new();
        let all: Vec<String> = names().map(str::to_owned).collect();
        for text in cited(&all) {
            let text = text.trim();
            let depth = text.chars().try_fold(0i32, |depth, c| match c {
                '{' => Some(depth + 1),
                '}' => (depth > 0).then(|| depth - 1),
                _ => Some(depth),
            });
            assert!(text.starts_with('@') && depth == Some(0), "{text}");
            for field in ["title", "author", "year"] {
                assert!(text.contains(&format!("  {field} ")), "{text}");
            }
            let key = text.split(['{', ',']).nth(1).expect("a key");
            assert!(keys.insert(key), "{key} is there twice");
        }
    }
}
