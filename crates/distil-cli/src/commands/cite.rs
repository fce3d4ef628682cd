//! `distil cite`: BibTeX of what a run used.

use std::path::Path;

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
const ENTRIES: [Entry; 14] = [
    Entry {
        names: &["mtt", "ftd", "tesla", "datm", "m-datm", "edf"],
        bibtex: include_str!("bibtex/mtt.bib"),
    },
    Entry { names: &["ftd", "datm", "m-datm", "edf"], bibtex: include_str!("bibtex/ftd.bib") },
    Entry { names: &["datm", "m-datm", "edf"], bibtex: include_str!("bibtex/datm.bib") },
    Entry { names: &["m-datm"], bibtex: include_str!("bibtex/m-datm.bib") },
    Entry { names: &["edf"], bibtex: include_str!("bibtex/edf.bib") },
    Entry { names: &["tesla"], bibtex: include_str!("bibtex/tesla.bib") },
    Entry { names: &["ead"], bibtex: include_str!("bibtex/ead.bib") },
    Entry { names: &["dc", "dsa"], bibtex: include_str!("bibtex/dc.bib") },
    Entry { names: &["dsa"], bibtex: include_str!("bibtex/dsa.bib") },
    Entry { names: &["dm"], bibtex: include_str!("bibtex/dm.bib") },
    Entry { names: &["mnist"], bibtex: include_str!("bibtex/mnist.bib") },
    Entry { names: &["fashion-mnist"], bibtex: include_str!("bibtex/fashion-mnist.bib") },
    Entry { names: &["cifar10", "cifar100"], bibtex: include_str!("bibtex/cifar.bib") },
    Entry { names: &["imagenet", "imagenette"], bibtex: include_str!("bibtex/imagenet.bib") },
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
    let mut used = vec![config.method.as_str().to_owned(), config.data.name.to_string()];
    if let Some(trajectory) = config.distill.trajectory() {
        if trajectory.gradient == distil_match::Gradient::Tesla {
            used.push("tesla".to_owned());
        }
        if trajectory.dropout.is_some() || trajectory.enhancement.is_some() {
            used.push("edf".to_owned());
        }
    }
    if !matches!(config.distill.augmentation.to_string().as_str(), "" | "none") {
        used.push("dsa".to_owned());
    }
    Ok(used)
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
    use super::ENTRIES;

    #[test]
    fn entries_are_whole() {
        let mut keys = std::collections::BTreeSet::new();
        for entry in &ENTRIES {
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
