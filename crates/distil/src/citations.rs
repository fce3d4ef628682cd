//! BibTeX of methods, datasets, and of what a run used.

use std::path::Path;

use distil_data::DatasetName;
use distil_gradcam::Cam;
use distil_match::{AreaEnhancement, methods};
use distil_models::Arch;
use distil_store::RunPaths;

use crate::Error;
use crate::config::Config;

/// A publication under the names that ask for it.
struct Entry {
    names: &'static [&'static str],
    bibtex: &'static str,
}

/// What is neither a method nor a dataset; these have theirs in their registries.
const ENTRIES: &[Entry] = &[
    Entry { names: &["gsam"], bibtex: include_str!("bibtex/gsam.bib") },
    Entry { names: &["grad-cam"], bibtex: include_str!("bibtex/grad-cam.bib") },
    Entry {
        names: &["grad-cam++", "smooth-grad-cam++"],
        bibtex: include_str!("bibtex/grad-cam-plus-plus.bib"),
    },
    Entry { names: &["smooth-grad-cam++"], bibtex: include_str!("bibtex/smooth-grad-cam-plus-plus.bib") },
];

/// Everything that has a citation: methods, datasets, and families of datasets.
pub fn names() -> Vec<&'static str> {
    let methods = methods().into_iter().filter(|row| !row.citations.is_empty()).map(|row| row.name);
    let others = ENTRIES.iter().flat_map(|entry| entry.names).copied();
    let cited = DatasetName::all().filter(|name| !name.spec().bibtex.is_empty());
    let mut names: Vec<&str> =
        methods.chain(others).chain(cited.flat_map(|name| [family(name), name.as_str()])).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// `comp-dd` of `comp-dd/bird-hard`; other datasets are their own family.
fn family(name: DatasetName) -> &'static str {
    name.as_str().split('/').next().unwrap_or_default()
}

/// The entries of what is wanted, each once: methods' first.
pub fn entries(wanted: &[&str]) -> Vec<&'static str> {
    let methods = methods().into_iter().filter(|row| wanted.contains(&row.name));
    let others = ENTRIES.iter().filter(|entry| entry.names.iter().any(|name| wanted.contains(name)));
    let data = DatasetName::all()
        .filter(|name| wanted.contains(&name.as_str()) || wanted.contains(&family(*name)))
        .flat_map(|name| name.spec().bibtex);
    let mut entries: Vec<&str> = Vec::new();
    let methods = methods.flat_map(|row| row.citations).copied();
    for entry in methods.chain(others.map(|entry| entry.bibtex)).chain(data.copied()) {
        if !entries.contains(&entry.trim_end()) {
            entries.push(entry.trim_end());
        }
    }
    entries
}

/// What a run used: method, data, and what else its configuration switches on.
///
/// # Errors
/// [`Error`] when it is not a run folder, or its configuration cannot be read.
pub fn used_by(run: &Path) -> Result<Vec<&'static str>, Error> {
    let paths = RunPaths::new(run);
    paths.read_config()?;
    let config = Config::load(&paths.config(), &[])?;
    let mut used = vec![config.method.as_str(), config.data.name.as_str()];
    if config.expert.gsam.is_some() {
        used.push("gsam");
    }
    if let Some(trajectory) = config.distill.trajectory() {
        if trajectory.gradient == distil_match::Gradient::Tesla {
            used.push("tesla");
        }
        if trajectory.dropout.is_some() || trajectory.enhancement.is_some() {
            used.push("edf");
        }
        let by_network = trajectory.enhancement.as_ref().filter(|area| area.masks.is_none());
        used.extend(by_network.map(|area| of_cam(area.cam.unwrap_or(usual_cam(&config, area)))));
    }
    if !matches!(config.distill.augmentation.to_string().as_str(), "" | "none") {
        used.push("dsa");
    }
    Ok(used)
}

/// The map where none is named: that of the students' own architecture, or of the file's, a published network.
fn usual_cam(config: &Config, area: &AreaEnhancement) -> Cam {
    match (config.model.arch, &area.model) {
        (Arch::ConvNet, None) => Cam::GradCamPlusPlus,
        _ => Cam::GradCam,
    }
}

fn of_cam(cam: Cam) -> &'static str {
    match cam {
        Cam::GradCam => "grad-cam",
        Cam::GradCamPlusPlus => "grad-cam++",
        Cam::SmoothGradCamPlusPlus(_) => "smooth-grad-cam++",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_but_chance_has_a_citation() {
        assert!(methods().iter().all(|row| row.citations.is_empty() == (row.name == "random")));
    }

    #[test]
    fn every_published_dataset_has_a_citation() {
        for name in DatasetName::all() {
            assert_eq!(names().contains(&name.as_str()), name.spec().places().is_some(), "{name}");
        }
        let keys = |what: &str| entries(&[what]).iter().map(|entry| &entry[..40]).collect::<Vec<_>>();
        assert_eq!(keys("comp-dd"), keys("comp-dd/bird-hard"));
        assert_eq!((keys("comp-dd").len(), keys("imagenette").len(), keys("mnist").len()), (2, 2, 1));
        assert_eq!(entries(&["edf", "comp-dd"]).len(), entries(&["edf"]).len() + 1, "each once");
    }

    #[test]
    fn entries_are_whole() {
        let mut keys = std::collections::BTreeSet::new();
        for text in entries(&names()) {
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
