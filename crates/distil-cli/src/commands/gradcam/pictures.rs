//! Where the images are that maps are drawn over.

use std::path::Path;

use distil::config::Config;
use distil::pictures::Source;
use distil_data::{DataConfig, DatasetName};

use super::GradcamArgs;
use crate::context::Context;
use crate::failure::Failure;

/// Finds the images of the arguments; datasets are loaded, files are not read yet.
pub(super) fn source(args: &GradcamArgs, context: Context<'_>) -> Result<Source, Failure> {
    match (&args.images, &args.config) {
        (Some(images), _) if images.exists() => Ok(Source::at(images)?),
        (images, config) => {
            let named = images.as_ref().map(|name| DataConfig::named(&name.to_string_lossy())).transpose()?;
            let named = named.map(|data| data.name);
            let data = data_config(named, config.as_deref(), &args.set)?;
            Ok(Source::Dataset(Box::new(context.load(&data)?)))
        }
    }
}

/// The data section of the configuration, for the dataset that was named.
fn data_config(
    named: Option<DatasetName>,
    config: Option<&Path>,
    sets: &[String],
) -> Result<DataConfig, Failure> {
    match (named, config) {
        (named, Some(config)) => {
            let name = named.map(|name| format!("data.name=\"{name}\""));
            let sets: Vec<String> = sets.iter().cloned().chain(name).collect();
            Ok(Config::load(config, &sets)?.data)
        }
        (Some(name), None) => Ok(DataConfig::new(name)),
        (None, None) => Err(Failure::new("no images were named", "give IMAGES or --config")),
    }
}
