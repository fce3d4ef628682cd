//! `distil datasets`: the registry as a table.

use std::path::Path;

use distil_data::{DatasetName, DatasetSpec, Origin, locate};

use crate::args::DatasetsArgs;
use crate::console::Console;
use crate::failure::Failure;

const HEAD: &str = "| name | shows | kind | shape | classes | train | validation | test | download | looked for in | found |\n\
                    |---|---|---|---|--:|--:|--:|--:|---|---|---|";

pub(crate) fn datasets(args: &DatasetsArgs, console: &Console) -> Result<(), Failure> {
    let rows = DatasetName::all().map(|name| row(name, args.data_dir.as_deref()));
    console.result(format_args!("{HEAD}\n{}", rows.collect::<Vec<_>>().join("\n")))
}

fn row(name: DatasetName, data_dir: Option<&Path>) -> String {
    let spec = name.spec();
    let number = |number: Option<String>| number.unwrap_or_default();
    let counts = spec.counts;
    let cells = [
        spec.name.to_owned(),
        spec.title.to_owned(),
        spec.kind().to_string(),
        number(spec.shape.map(|shape| shape.to_string())),
        number(spec.classes.map(|classes| classes.to_string())),
        number(counts.map(|counts| counts.train.to_string())),
        number(counts.and_then(|counts| counts.validation).map(|images| images.to_string())),
        number(counts.map(|counts| counts.test.to_string())),
        if spec.is_downloaded() { "yes" } else { "" }.to_owned(),
        places(spec),
        found(name, data_dir),
    ];
    format!("| {} |", cells.join(" | "))
}

fn places(spec: &DatasetSpec) -> String {
    if let Origin::Own(own) = &spec.origin {
        return format!("data.path: {}", own.what);
    }
    let places = spec.places().into_iter();
    let listed = places.flat_map(|places| [places.folders, places.copies, places.archives]).flatten();
    listed.map(|place| if place.is_empty() { "." } else { place }).collect::<Vec<_>>().join(", ")
}

/// Where it lies, as far as its place is known.
fn found(name: DatasetName, data_dir: Option<&Path>) -> String {
    if name.spec().places().is_none() {
        return String::new();
    }
    locate(name, data_dir).map_or_else(|_| "no".to_owned(), |place| place.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_in_the_table_with_all_its_columns() {
        let columns = HEAD.lines().next().map(|head| head.matches('|').count());
        for name in DatasetName::all() {
            let row = row(name, Some(Path::new("nowhere")));
            assert!(row.starts_with(&format!("| {name} |")), "{row}");
            assert_eq!(Some(row.matches('|').count()), columns, "{row}");
            let listed = name.spec().places().is_none_or(|places| !places.folders.is_empty());
            assert!(listed, "{name} is looked for somewhere");
        }
    }

    /// Help and errors name what can be downloaded, and nothing else.
    #[test]
    fn help_of_fetch_is_the_registry() {
        use clap::CommandFactory;
        let mut command = crate::cli::Cli::command();
        let help = command.find_subcommand_mut("fetch").expect("fetch").render_long_help().to_string();
        let arguments = help.split("Options:").next().expect("arguments");
        for name in DatasetName::all().filter(|name| name.spec().places().is_some()) {
            let words = || arguments.split([' ', ',', '\n']);
            assert_eq!(
                words().any(|word| word == name.as_str()),
                name.is_downloaded(),
                "{name}: {arguments}"
            );
        }
    }
}
