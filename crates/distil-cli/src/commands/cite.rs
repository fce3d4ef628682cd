//! `distil cite`: BibTeX of what a run used.

use std::path::Path;

use distil_data::DatasetName;
use distil_gradcam::Cam;
use distil_store::RunPaths;

use crate::cli::CiteArgs;
use crate::config::Config;
use crate::console::Console;
use crate::failure::Failure;

/// A publication under the names that ask for it.
struct Entry {
    names: &'static [&'static str],
    bibtex: &'static str,
}

/// Methods first, then datasets.
const ENTRIES: &[Entry] = &[
    Entry {
        names: &["mtt", "ftd", "tesla", "datm", "m-datm", "edf"],
        bibtex: include_str!("bibtex/mtt.bib"),
    },
    Entry { names: &["ftd", "datm", "m-datm", "edf"], bibtex: include_str!("bibtex/ftd.bib") },
    Entry { names: &["datm", "m-datm", "edf"], bibtex: include_str!("bibtex/datm.bib") },
    Entry { names: &["m-datm"], bibtex: include_str!("bibtex/m-datm.bib") },
    Entry { names: &["edf", "comp-dd"], bibtex: include_str!("bibtex/edf.bib") },
    Entry { names: &["tesla"], bibtex: include_str!("bibtex/tesla.bib") },
    Entry { names: &["ead"], bibtex: include_str!("bibtex/ead.bib") },
    Entry { names: &["dc", "dsa"], bibtex: include_str!("bibtex/dc.bib") },
    Entry { names: &["dd"], bibtex: include_str!("bibtex/dd.bib") },
    Entry { names: &["ld"], bibtex: include_str!("bibtex/ld.bib") },
    Entry { names: &["herding"], bibtex: include_str!("bibtex/herding.bib") },
    Entry { names: &["k-center"], bibtex: include_str!("bibtex/k-center.bib") },
    Entry { names: &["dsa"], bibtex: include_str!("bibtex/dsa.bib") },
    Entry { names: &["dm"], bibtex: include_str!("bibtex/dm.bib") },
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
        None => ENTRIES.iter().flat_map(|entry| entry.names).map(|&name| name.to_owned()).collect(),
        Some(what) if is_known(what) => vec![what.clone()],
        Some(what) if Path::new(what).is_dir() => used_by(Path::new(what))?,
        Some(what) => return Err(unknown(what)),
    };
    let cited =
        ENTRIES.iter().filter(|entry| entry.names.iter().any(|name| wanted.iter().any(|w| w == name)));
    console.result(cited.map(|entry| entry.bibtex.trim_end()).collect::<Vec<_>>().join("\n\n"))
}

fn is_known(name: &str) -> bool {
    ENTRIES.iter().any(|entry| entry.names.contains(&name))
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
    let mut names: Vec<&str> = ENTRIES.iter().flat_map(|entry| entry.names).copied().collect();
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

    use super::{ENTRIES, is_known, of_data};

    #[test]
    fn every_method_but_chance_has_a_citation() {
        use crate::config::MethodName as M;
        let all = [
            M::Mtt,
            M::Ftd,
            M::Tesla,
            M::Datm,
            M::MDatm,
            M::Edf,
            M::Dd,
            M::Ld,
            M::Ead,
            M::Herding,
            M::KCenter,
        ];
        assert!(all.into_iter().all(|method| is_known(method.as_str())));
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
        for entry in ENTRIES {
            let text = entry.bibtex.trim();
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
