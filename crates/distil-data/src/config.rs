//! The `[data]` table of a configuration.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use distil_store::{Resize, ResizeFilter, ResizePolicy};

use crate::{
    clutter::ClutterConfig,
    datasets::{DatasetKind, DatasetName},
    error::Error,
    hold_out::HoldOut,
    recognise::recognise,
    resize::LARGEST_SIDE,
};

/// Whether a set must have the published number of test images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Counts {
    /// 50 of every class, as ImageNet's and Tiny-ImageNet's validation parts have: 500 of a subset of ten classes.
    #[default]
    Published,
    /// Any number: a slice, or fastai's Imagenette with its own choice of images.
    Any,
}

impl Counts {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    fn is_default(&self) -> bool {
        *self == Self::Published
    }
}

/// Which dataset, and what is done to it before anything learns from it. [`DataConfig::load`] makes it a
/// [`crate::Dataset`].
///
/// ```
/// let config: distil_data::DataConfig = toml::from_str(r#"
///     name = "fashion-mnist"
///     resolution = 32
///     validation = 5000      # or a share: 0.1
///     zca = true
/// "#)?;
/// assert_eq!(config.seed, 0);
/// assert!(toml::from_str::<distil_data::DataConfig>("name = \"mnist\"\nresolutoin = 32").is_err());
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DataConfig {
    /// The dataset.
    pub name: DatasetName,
    /// The folder, archive or file itself: required for your own files (`name = "folder"`, `"csv"`, `"npz"`), otherwise
    /// instead of a search.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// Folder that is searched for the published sets, before `DISTIL_DATA_DIR` and `data`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_dir: Option<PathBuf>,
    /// Folder for fitted ZCA matrices; otherwise `DISTIL_CACHE_DIR`, or `distil` in the user's cache folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_dir: Option<PathBuf>,
    /// The classes to use, in the order of their labels: class folders of `name = "folder"`, wnids of
    /// `name = "imagenet"`. Otherwise all, sorted by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classes: Option<Vec<String>>,
    /// Images to leave out, each named as messages name it, below the set's folder
    /// ("train/n02105855/n02105855_2933.JPEG"). Sets of image files only; damaged images are refused otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skip: Option<Vec<String>>,
    /// ImageNet and its relatives: whether another number of test images than published is accepted.
    #[serde(default, skip_serializing_if = "Counts::is_default")]
    pub counts: Counts,
    /// Rows and columns of the images, in pixels, 1 to 4096. Otherwise as they are, and 128 for ImageNet, as in the
    /// papers; a folder's images must then agree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution: Option<usize>,
    /// How images of another size or shape are brought to `resolution`.
    #[serde(default)]
    pub resize: ResizePolicy,
    /// The filter for it.
    #[serde(default)]
    pub filter: ResizeFilter,
    /// ZCA whitening (eps 0.1, fitted on the training part) instead of mean and standard deviation.
    #[serde(default)]
    pub zca: bool,
    /// How much of the training images is held out for validation; otherwise a tenth of every class. A folder with
    /// both `val/` and `test/` has its own validation part and takes no such key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation: Option<HoldOut>,
    /// Folders without `val/` and `test/` only: the share of every class that becomes the test part; otherwise 0.2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_share: Option<f64>,
    /// At most this many training images, balanced over the classes, chosen after validation was held out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train_limit: Option<usize>,
    /// Seed of the held-out parts, the limit and the generated sets.
    #[serde(default)]
    pub seed: u64,
    /// Parameters of `name = "clutter"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clutter: Option<ClutterConfig>,
}

impl DataConfig {
    /// The dataset with every default: no resize, mean and standard deviation, a tenth held out, seed 0.
    pub fn new(name: DatasetName) -> Self {
        Self {
            name,
            path: None,
            data_dir: None,
            cache_dir: None,
            classes: None,
            skip: None,
            counts: Counts::default(),
            resolution: None,
            resize: ResizePolicy::default(),
            filter: ResizeFilter::default(),
            zca: false,
            validation: None,
            test_share: None,
            train_limit: None,
            seed: 0,
            clutter: None,
        }
    }

    /// Checks what can be checked without reading the data: ranges, and keys that do nothing for this dataset.
    ///
    /// # Errors
    /// [`Error::Config`] names the first such key.
    pub fn check(&self) -> Result<(), Error> {
        if let Some(side) = self.resolution
            && !(1..=LARGEST_SIDE).contains(&side)
        {
            return Err(Error::config(
                "resolution",
                format!("is {side}; set it between 1 and {LARGEST_SIDE} pixels"),
            ));
        }
        if let Some(share) = self.test_share
            && !(share > 0.0 && share < 1.0)
        {
            return Err(Error::config("test_share", format!("is {share}; set it above 0 and below 1")));
        }
        let row = self.name.spec();
        let takes = |key| row.keys.contains(&key);
        for (key, given, fits) in [
            ("classes", self.classes.is_some(), takes("classes")),
            ("skip", self.skip.is_some(), takes("skip")),
            ("counts", self.counts != Counts::Published, takes("counts")),
            ("test_share", self.test_share.is_some(), takes("test_share")),
            ("path", self.path.is_some(), row.kind() != DatasetKind::Generated),
            ("data_dir", self.data_dir.is_some(), row.own_files().is_none()),
            ("clutter", self.clutter.is_some(), takes("clutter")),
        ] {
            if given && !fits {
                return Err(self.idle(key));
            }
        }
        match row.own_files() {
            Some(own) if self.path.is_none() => {
                Err(Error::config("path", format!("is missing; name {}", own.what)))
            }
            _ => Ok(()),
        }
    }

    /// The dataset that a command line names: the name of one that needs no `path`, or a path that [`recognise`] knows.
    ///
    /// ```
    /// use distil_data::{DataConfig, DatasetName};
    /// assert_eq!(DataConfig::named("mnist")?.name, DatasetName::Mnist);
    /// assert_eq!(DataConfig::named(".")?.name, DatasetName::Folder);
    /// # Ok::<(), distil_data::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::UnknownDataset`] and [`Error::Unrecognised`] list what there is.
    pub fn named(text: &str) -> Result<Self, Error> {
        let path = PathBuf::from(text);
        let known = text.parse().ok().filter(|name: &DatasetName| name.spec().own_files().is_none());
        match (path.exists().then(|| recognise(&path)), known) {
            (Some(Ok(recognised)), _) => Ok(recognised.config),
            (_, Some(name)) => Ok(Self::new(name)),
            (Some(Err(error)), None) => Err(error),
            (None, None) => Err(Error::UnknownDataset { name: text.to_owned() }),
        }
    }

    /// A key that the dataset does not take. Of a path, the name was forgotten.
    fn idle(&self, key: &'static str) -> Error {
        let recognised = self.path.as_ref().and_then(|path| Self::named(&path.to_string_lossy()).ok());
        let meant = recognised.filter(|meant| meant.path.is_some()).map(|meant| meant.name);
        let remedy = match (key, meant) {
            ("path", Some(name)) => format!("set data.name = \"{name}\" for what is there, or remove it"),
            ("path", None) => {
                "set data.name, as \"folder\" for images in class folders, or remove it".to_owned()
            }
            _ => "remove it".to_owned(),
        };
        Error::config(key, format!("does nothing for name = \"{}\"; {remedy}", self.name))
    }

    /// The same with `folder`, if there is one, searched first; your own files are where `path` says.
    #[must_use]
    pub fn searched_in(mut self, folder: Option<&Path>) -> Self {
        if self.name.spec().own_files().is_none() {
            self.data_dir = folder.map(Path::to_owned).or(self.data_dir);
        }
        self
    }

    /// The parameters of a generated set at the resolution asked for.
    pub(crate) fn at_resolution(&self, preset: ClutterConfig) -> ClutterConfig {
        ClutterConfig { resolution: self.resolution.unwrap_or(preset.resolution), ..preset }
    }

    /// The resize that `resolution` asks for.
    pub(crate) fn wanted_resize(&self) -> Option<Resize> {
        self.resolution.or(self.name.spec().default_side).map(|side| self.resize_to(side))
    }

    pub(crate) fn resize_to(&self, side: usize) -> Resize {
        Resize { policy: self.resize, filter: self.filter, height: side, width: side }
    }

    /// Where fitted ZCA matrices are kept.
    pub fn cache_folder(&self) -> PathBuf {
        let from = |key, below: &str| {
            let dir = std::env::var_os(key).filter(|dir| !dir.is_empty())?;
            Some(PathBuf::from(dir).join(below))
        };
        let found = self.cache_dir.clone().or_else(|| from("DISTIL_CACHE_DIR", ""));
        let found =
            found.or_else(|| from("XDG_CACHE_HOME", "distil")).or_else(|| from("HOME", ".cache/distil"));
        found
            .or_else(|| from("LOCALAPPDATA", "distil"))
            .unwrap_or_else(|| std::env::temp_dir().join("distil-cache"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> DataConfig {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn a_configuration_survives_toml() {
        let config = parse(
            "name = \"folder\"\npath = \"x\"\nclasses = [\"b\", \"a\"]\nresolution = 64\nresize = \"centre-crop\"\n\
             filter = \"lanczos3\"\nzca = true\nvalidation = 0.25\ntest_share = 0.3\ntrain_limit = 9\nseed = 7",
        );
        assert_eq!(config.validation, Some(HoldOut::Share(0.25)));
        assert_eq!(parse(&toml::to_string(&config).unwrap()), config);
        assert_eq!(parse("name = \"mnist\"\nvalidation = 100").validation, Some(HoldOut::Count(100)));
        config.check().unwrap();
    }

    #[test]
    fn keys_that_do_nothing_or_lie_outside_their_range_are_named() {
        for (text, key) in [
            ("name = \"folder\"", "data.path"),
            ("name = \"mnist\"\nclasses = [\"a\"]", "data.classes"),
            ("name = \"mnist\"\ntest_share = 0.2", "data.test_share"),
            ("name = \"imagenette\"\nclasses = [\"n01440764\"]", "data.classes"),
            ("name = \"svhn\"\nskip = [\"a\"]", "data.skip"),
            ("name = \"folder\"\npath = \"x\"\ncounts = \"any\"", "data.counts"),
            ("name = \"mnist\"\nresolution = 0", "data.resolution"),
            ("name = \"folder\"\npath = \"x\"\ntest_share = 1.0", "data.test_share"),
            ("name = \"clutter-easy\"\npath = \"x\"", "data.path"),
            ("name = \"clutter-easy\"\n[clutter]\ntexture = 0.5", "data.clutter"),
        ] {
            let error = parse(text).check().unwrap_err().to_string();
            assert!(error.starts_with(key), "{error}");
        }
    }
}
