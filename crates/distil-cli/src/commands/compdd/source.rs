//! Images to measure, from wherever they are.

use std::path::Path;

use distil_compdd::{Source, wnid};
use distil_data::{Counts, DataConfig, DatasetKind, HoldOut, ImagenetSubset, Images, Listing, Split};
use distil_gradcam::{ClassMap, ClassMapError, ModelCard};
use distil_models::Network;

use super::args::{ImagesArgs, PartName};
use crate::context::Context;
use crate::failure::Failure;
use distil::config::Config;

/// The images and what they are called.
pub(super) struct Found {
    pub(super) name: String,
    pub(super) class_names: Vec<String>,
    pub(super) source: Source,
}

/// The data section that the arguments name.
pub(super) fn data_config(args: &ImagesArgs, data_dir: Option<&Path>) -> Result<DataConfig, Failure> {
    let data = match (&args.config, &args.data) {
        (None, None) => {
            return Err(Failure::new("no images were named", "give --data, --config or --measured"));
        }
        (Some(config), None) => Config::load(config, &args.set)?.data,
        (config, Some(data)) => {
            let named = DataConfig::named(&data.to_string_lossy())?;
            let base = match config {
                Some(config) => Config::load(config, &args.set)?.data,
                None => DataConfig::new(named.name),
            };
            DataConfig { name: named.name, path: named.path, ..base }
        }
    };
    Ok(data.searched_in(data_dir))
}

/// Lists image files; other sets are loaded at the size that the model takes.
pub(super) fn open(
    data: &DataConfig,
    part: PartName,
    network: &Network,
    context: Context<'_>,
) -> Result<Found, Failure> {
    if !is_files(data) {
        return loaded(data, part, network, context);
    }
    let listing = listed(data)?;
    let list = match part {
        PartName::All => listing.everything(),
        PartName::Train => listing.train,
        PartName::Test => listing.test,
    };
    let (name, class_names) = (listing.name, listing.class_names);
    Ok(Found { name, class_names, source: Source::Files(list) })
}

/// The images of sets of image files; `None` of others, which have no bad ones.
pub(super) fn files(data: &DataConfig) -> Result<Option<Source>, Failure> {
    is_files(data).then(|| Ok(Source::Files(listed(data)?.everything()))).transpose()
}

fn is_files(data: &DataConfig) -> bool {
    data.name.spec().kind() == DatasetKind::ImageFiles
}

/// Complexity asks neither for held-out images nor for the published number of test images.
fn listed(data: &DataConfig) -> Result<Listing, Failure> {
    let counts = if data.name.spec().own_files().is_some() { data.counts } else { Counts::Any };
    let data = DataConfig { counts, train_limit: None, validation: None, ..data.clone() };
    let whole = DataConfig { validation: Some(HoldOut::Count(0)), ..data.clone() };
    match whole.list() {
        Ok(listing) => Ok(listing),
        // A folder that has a validation part takes no such key.
        Err(distil_data::Error::Config { key: "validation", .. }) => Ok(data.list()?),
        Err(error) => Err(error.into()),
    }
}

fn loaded(
    data: &DataConfig,
    part: PartName,
    network: &Network,
    context: Context<'_>,
) -> Result<Found, Failure> {
    let [_, height, _] = network.image_shape();
    let data = DataConfig {
        resolution: Some(height),
        zca: false,
        validation: Some(HoldOut::Count(0)),
        train_limit: None,
        ..data.clone()
    };
    let dataset = context.load(&data)?;
    let split = match part {
        PartName::All => together(&dataset.train, &dataset.test)?,
        PartName::Train => dataset.train,
        PartName::Test => dataset.test,
    };
    let digest = format!("{} {part:?}", dataset.digest);
    Ok(Found {
        name: dataset.name,
        class_names: dataset.class_names,
        source: Source::Memory { split, digest },
    })
}

fn together(a: &Split, b: &Split) -> Result<Split, Failure> {
    let bytes = |split: &Split| split.images.bytes().unwrap_or_default().to_vec();
    let images = Images::from_u8(a.images.shape(), [bytes(a), bytes(b)].concat())?;
    Ok(Split::new(images, [&a.labels[..], &b.labels].concat())?)
}

/// Which class of the model each class of the data is: by name, by wnid, or by ImageNet's index where the model only
/// numbers its classes.
pub(super) fn class_map(
    data: &DataConfig,
    names: &[String],
    card: &ModelCard,
) -> Result<ClassMap, ClassMapError> {
    let numbered = card.dataset == "imagenet-1k"
        && card.class_names.iter().enumerate().all(|(at, name)| *name == at.to_string());
    if numbered {
        let indices = match data.imagenet_indices() {
            Ok(indices) => Some(indices),
            Err(_) => names.iter().map(|name| index_of(name)).collect::<Option<Vec<u16>>>(),
        };
        if let Some(indices) = indices.filter(|indices| indices.len() == names.len()) {
            return ClassMap::by_index(indices.into_iter().map(u32::from).collect(), card.class_names.len());
        }
        // Digits are called like its numbers.
        let name = names.first().cloned().unwrap_or_default();
        return Err(ClassMapError::Unknown { name, missing: names.len(), labels: names.len() });
    }
    let wnids = |names: &[String]| names.iter().map(|name| wnid(name).to_owned()).collect::<Vec<_>>();
    ClassMap::by_name(names, &card.class_names)
        .or_else(|error| ClassMap::by_name(&wnids(names), &wnids(&card.class_names)).map_err(|_| error))
}

fn index_of(name: &str) -> Option<u16> {
    let mut classes = ImagenetSubset::all().flat_map(ImagenetSubset::published);
    classes.find(|class| class.wnid == wnid(name)).map(|class| class.index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_of_imagenet_is_known_by_its_wnid() {
        assert_eq!((index_of("n03888257 parachute"), index_of("cat")), (Some(701), None));
    }
}
